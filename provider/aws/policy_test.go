package aws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	elavaaws "github.com/elava-dev/elava/provider/aws"
)

// calledByProviders are the operations that the providers of all tests of this package
// called. TestMain fails where one of them is not in the policy, or does not only read.
var calledByProviders = &recorder{}

type operation struct{ service, name string } // as the SDK calls them

// recorder notes the operations that are called. The zero recorder is ready for use, by
// several goroutines at a time.
type recorder struct {
	mu         sync.Mutex
	operations map[operation]bool
}

func recorded(operations ...operation) *recorder {
	r := &recorder{}
	for _, op := range operations {
		r.note(op)
	}
	return r
}

func (r *recorder) note(op operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.operations == nil {
		r.operations = map[operation]bool{}
	}
	r.operations[op] = true
}

// calls returns what was called, sorted: "EC2 DescribeInstances".
func (r *recorder) calls() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for op := range r.operations {
		all = append(all, op.service+" "+op.name)
	}
	slices.Sort(all)
	return all
}

func (r *recorder) record(stack *middleware.Stack) error {
	// Not in an earlier step: some services set their names late in the first one.
	return stack.Serialize.Add(middleware.SerializeMiddlewareFunc("record",
		func(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (
			middleware.SerializeOutput, middleware.Metadata, error,
		) {
			r.note(operation{awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)})
			return next.HandleSerialize(ctx, in)
		}), middleware.Before)
}

// problems says what is wrong with the operations that were called by somebody who is
// allowed these IAM actions.
func (r *recorder) problems(allowed []string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for op := range r.operations {
		if action := elavaaws.ActionOf(op.service, op.name); action != "" && !slices.Contains(allowed, action) {
			all = append(all, fmt.Sprintf("%s %s was called, and no collector declares %s", op.service, op.name, action))
		}
		if op != (operation{"STS", "AssumeRole"}) && !slices.ContainsFunc(readingVerbs, func(v string) bool { return strings.HasPrefix(op.name, v) }) {
			all = append(all, fmt.Sprintf("%s %s was called, which does not only read", op.service, op.name))
		}
	}
	slices.Sort(all)
	return all
}

// checkReadOnly looks at all calls that a provider with those actions made.
func checkReadOnly(t *testing.T, c *cloud, actions []string) {
	t.Helper()
	if calls := c.called.calls(); len(calls) < 2 {
		t.Errorf("operations called are %q", calls)
	}
	for _, p := range c.called.problems(actions) {
		t.Error(p)
	}
}

var readingVerbs = []string{"BatchDescribe", "BatchGet", "Describe", "Get", "Head", "List", "Search"}

func TestRecorder_FindsWhatIsNotAllowed(t *testing.T) {
	r := recorded(
		operation{"EC2", "DescribeInstances"}, operation{"S3", "ListBuckets"}, operation{"S3", "HeadBucket"}, operation{"STS", "GetCallerIdentity"},
		operation{"Organizations", "ListAccounts"}, operation{"STS", "AssumeRole"},
		operation{"EC2", "DescribeNothing"}, operation{"IAM", "DeleteRole"},
	)
	got := strings.Join(r.problems(elavaaws.AllActions()), "\n")
	want := "EC2 DescribeNothing was called, and no collector declares ec2:DescribeNothing\n" +
		"IAM DeleteRole was called, and no collector declares iam:DeleteRole\n" +
		"IAM DeleteRole was called, which does not only read"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func newProvider(t *testing.T, change func(*elavaaws.Options)) *elavaaws.Provider {
	t.Helper()
	o := elavaaws.Options{Regions: []string{"us-east-1"}, Digest: digest}
	change(&o)
	p, err := elavaaws.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicy_OfCallerAndMember(t *testing.T) {
	p := newProvider(t, func(o *elavaaws.Options) {
		o.Regions = []string{"us-gov-west-1"}
		o.IncludeTypes = []string{"AWS::EC2::VPC", "AWS::Lambda::Function"}
		o.Accounts = []elavaaws.Account{{RoleARN: "arn:aws-us-gov:iam::222222222222:role/elava", Regions: []string{"all"}}}
		o.Organization = &elavaaws.Organization{RoleName: "team/elava"}
	})
	read := `{"Sid":"ElavaReads","Effect":"Allow","Action":["ec2:DescribeRegions","ec2:DescribeVpcs","lambda:ListFunctions","lambda:ListTags","tag:GetResources"],"Resource":["*"]}`
	for member, want := range map[bool]string{
		true: `{"Version":"2012-10-17","Statement":[` + read + `]}`,
		false: `{"Version":"2012-10-17","Statement":[` + read +
			`,{"Sid":"ElavaFindsAccounts","Effect":"Allow","Action":["organizations:ListAccounts"],"Resource":["*"]}` +
			`,{"Sid":"ElavaEntersAccounts","Effect":"Allow","Action":["sts:AssumeRole"],"Resource":["arn:aws-us-gov:iam::222222222222:role/elava","arn:aws-us-gov:iam::*:role/team/elava"]}]}`,
	} {
		if got := marshal(t, p.Policy(member, false)); got != want {
			t.Errorf("member %v: got\n%s\nwant\n%s", member, got, want)
		}
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Wildcards stand for verbs that list, never for those that get: s3:Get*, for example,
// would read objects, secretsmanager:Get* secrets.
func TestPolicy_WildcardsOnlyWhereListing(t *testing.T) {
	p := newProvider(t, func(o *elavaaws.Options) { o.Regions = []string{"all"} })
	all, short := p.Actions(), p.Policy(true, true).Statement[0].Action
	patterns := 0
	for _, a := range short {
		if !strings.HasSuffix(a, "*") {
			continue
		}
		patterns++
		service, verb, _ := strings.Cut(a, ":")
		if service == "s3" || verb != "Describe*" && verb != "List*" {
			t.Errorf("%s allows too much", a)
		}
	}
	if patterns == 0 || len(short) >= len(all) {
		t.Errorf("%d actions became %d with %d patterns", len(all), len(short), patterns)
	}
	for _, a := range all {
		if !slices.ContainsFunc(short, func(s string) bool { return s == a || strings.HasSuffix(s, "*") && strings.HasPrefix(a, s[:len(s)-1]) }) {
			t.Errorf("%s is not allowed any more", a)
		}
	}
}

func TestPolicy_SplitAllowsTheSame(t *testing.T) {
	big := &elavaaws.Policy{Version: "2012-10-17"}
	var want []string
	for i := range 700 {
		want = append(want, fmt.Sprintf("service%d:DescribeSomething%d", i%20, i))
	}
	big.Statement = []elavaaws.Statement{
		{Sid: "A", Effect: "Allow", Action: want, Resource: []string{"*"}},
		{Sid: "B", Effect: "Allow", Action: []string{"sts:AssumeRole"}, Resource: []string{"arn:aws:iam::*:role/elava"}},
	}
	parts := big.Split()
	var got []string
	for _, p := range parts {
		if n := len(marshal(t, p)); n > elavaaws.MaxPolicySize || n != p.Size() {
			t.Errorf("a part has %d characters, by Size %d", n, p.Size())
		}
		for _, s := range p.Statement {
			if s.Sid == "A" {
				got = append(got, s.Action...)
			}
		}
	}
	if !slices.Equal(got, want) || len(parts) < 2 || len(parts) > big.Size()/elavaaws.MaxPolicySize+2 {
		t.Errorf("%d parts with %d of %d actions", len(parts), len(got), len(want))
	}
	if last := parts[len(parts)-1].Statement; last[len(last)-1].Sid != "B" {
		t.Error("the last statement is missing")
	}
}
