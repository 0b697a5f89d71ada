package aws_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/elava-dev/elava/provider"
	elavaaws "github.com/elava-dev/elava/provider/aws"
)

// organization is a server with several accounts. Access keys name the account that they
// are of: "ROLE222222222222"; all others are of the account 123456789012. Every account has
// one instance in every region, called after it.
type organization struct {
	mu       sync.Mutex
	closed   map[string]bool   // roles in them cannot be assumed
	astray   map[string]string // where roles really lead
	lifetime time.Duration     // of credentials
	members  []map[string]string
	assumed  []form // what AssumeRole was called with

	listFails, regionsFail bool
}

type form = map[string]string

func (o *organization) change(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

func (o *organization) serve(t *testing.T) *cloud {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		caller := callerOf(r)
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ListAccounts") {
			o.listAccounts(w, r)
			return
		}
		if err := r.ParseForm(); err != nil {
			t.Errorf("reading a request: %v", err)
		}
		switch r.PostForm.Get("Action") {
		case "GetCallerIdentity":
			fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::%[1]s:assumed-role/elava/elava</Arn><UserId>A</UserId><Account>%[1]s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, caller)
		case "AssumeRole":
			o.assumeRole(w, r)
		case "DescribeRegions":
			if o.regionsFail {
				writeError(w, 403, "UnauthorizedOperation", "no")
				return
			}
			fmt.Fprint(w, `<DescribeRegionsResponse><regionInfo><item><regionName>us-east-1</regionName></item><item><regionName>eu-west-1</regionName></item></regionInfo></DescribeRegionsResponse>`)
		case "DescribeInstances":
			fmt.Fprintf(w, `<DescribeInstancesResponse><reservationSet><item><ownerId>%[1]s</ownerId><instancesSet><item><instanceId>i-%[1]s</instanceId><instanceState><name>running</name></instanceState></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`, caller)
		default:
			t.Errorf("%s was called", r.PostForm.Get("Action"))
		}
	}))
	t.Cleanup(s.Close)
	return &cloud{url: s.URL}
}

var roleKey = regexp.MustCompile(`Credential=ROLE([0-9]{12})/`)

func callerOf(r *http.Request) string {
	if m := roleKey.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		return m[1]
	}
	return account
}

var accountInARN = regexp.MustCompile(`::([0-9]{12}):`)

func (o *organization) assumeRole(w http.ResponseWriter, r *http.Request) {
	form := form{}
	for k := range r.PostForm {
		form[k] = r.PostForm.Get(k)
	}
	o.assumed = append(o.assumed, form)
	to := accountInARN.FindStringSubmatch(form["RoleArn"])[1]
	if o.closed[to] {
		w.WriteHeader(403)
		fmt.Fprintf(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: arn:aws:sts::%s:assumed-role/elava/i-1 is not authorized to perform: sts:AssumeRole on resource: %s</Message></Error></ErrorResponse>`, account, form["RoleArn"])
		return
	}
	if other, ok := o.astray[to]; ok {
		to = other
	}
	fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLE%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		to, time.Now().Add(o.lifetime).UTC().Format(time.RFC3339))
}

// listAccounts answers with one account a page.
func (o *organization) listAccounts(w http.ResponseWriter, r *http.Request) {
	if o.listFails {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"__type":"AccessDeniedException","Message":"You don't have permissions to access this resource."}`)
		return
	}
	var in struct{ NextToken string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	at := len(in.NextToken)
	answer := map[string]any{"Accounts": o.members[at : at+1]}
	if at+1 < len(o.members) {
		answer["NextToken"] = strings.Repeat("x", at+1)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func role(account string) string { return "arn:aws:iam::" + account + ":role/elava" }

// planned lists every scope of a plan and returns "account/region: id" of each resource.
func planned(t *testing.T, p *elavaaws.Provider) (*provider.Plan, []string) {
	t.Helper()
	plan, err := p.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, s := range plan.Scopes {
		rs, err := listScope(t, p, s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		for _, r := range rs {
			found = append(found, s.Account+"/"+s.Region+": "+r.Key.ID)
		}
	}
	return plan, found
}

func wantFound(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestAccounts_OneThatCannotBeEnteredFailsAlone(t *testing.T) {
	o := &organization{lifetime: time.Hour, closed: map[string]bool{"222222222222": true}, astray: map[string]string{"333333333333": "444444444444"}}
	p := o.serve(t).provider(t, func(opts *elavaaws.Options) {
		only("AWS::EC2::Instance")(opts)
		opts.Accounts = []elavaaws.Account{
			{RoleARN: role("111111111111"), ExternalID: "0042", Regions: []string{"eu-west-1", "us-east-1"}},
			{RoleARN: role("222222222222")},
			{RoleARN: role("333333333333")},
			{RoleARN: "arn:aws-us-gov:iam::555555555555:role/elava"},
		}
	})
	plan, found := planned(t, p)
	wantFound(t, found, account+"/us-east-1: i-"+account, "111111111111/eu-west-1: i-111111111111", "111111111111/us-east-1: i-111111111111")

	why := map[string]string{}
	for _, f := range plan.Failed {
		why[f.Scope.String()] = f.Err.Error()
	}
	for scope, want := range map[string]string{
		"aws/222222222222/us-east-1/AWS::EC2::Instance": "reading credentials: sts AssumeRole: AccessDenied: User: arn:aws:sts::123456789012:assumed-role/elava/i-1 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/elava: " +
			"grant the caller sts:AssumeRole on arn:aws:iam::222222222222:role/elava, and let the role's trust policy name the caller",
		"aws/333333333333/us-east-1/AWS::EC2::Instance": "aws: the role arn:aws:iam::333333333333:role/elava led into account 444444444444: nothing of it is recorded; find out who answers for STS",
		"aws/555555555555/us-east-1/AWS::EC2::Instance": "aws: the role arn:aws-us-gov:iam::555555555555:role/elava is in partition aws-us-gov, the credentials are in aws: run another daemon with credentials of that partition",
	} {
		if !strings.HasSuffix(why[scope], want) {
			t.Errorf("%s: got %q, want %q", scope, why[scope], want)
		}
	}
	if len(plan.Failed) != 3 || len(plan.Unreached) != 3 {
		t.Errorf("%d scopes failed and %d accounts were not reached, want 3 and 3", len(plan.Failed), len(plan.Unreached))
	}
	for _, f := range o.assumed {
		if (f["ExternalId"] == "0042") != (f["RoleArn"] == role("111111111111")) || f["RoleSessionName"] != "elava" || f["DurationSeconds"] != "3600" {
			t.Errorf("AssumeRole was called with %v", f)
		}
	}
}

// The scopes of an account that is not in the plan are nobody's.
func TestAccounts_ScopesOfAnAccountThatWasNotEnteredAreRefused(t *testing.T) {
	o := &organization{lifetime: time.Hour, closed: map[string]bool{"222222222222": true}}
	p := o.serve(t).provider(t, func(opts *elavaaws.Options) {
		only("AWS::EC2::Instance")(opts)
		opts.Accounts = []elavaaws.Account{{RoleARN: role("222222222222")}}
	})
	plan, _ := planned(t, p)
	if _, err := listScope(t, p, plan.Failed[0].Scope); provider.ReasonOf(err) != provider.ReasonNoCredentials {
		t.Errorf("got %v", err)
	}
}

func TestAccounts_CredentialsAreKeptAndRenewed(t *testing.T) {
	o := &organization{lifetime: time.Hour}
	p := o.serve(t).provider(t, func(opts *elavaaws.Options) {
		only("AWS::EC2::Instance")(opts)
		opts.Accounts = []elavaaws.Account{{RoleARN: role("111111111111")}}
	})
	planned(t, p)
	planned(t, p)
	if len(o.assumed) != 1 {
		t.Errorf("the role was assumed %d times in two scans, want once", len(o.assumed))
	}
	o = &organization{lifetime: 4 * time.Minute} // within the time in which they are renewed
	p = o.serve(t).provider(t, func(opts *elavaaws.Options) {
		only("AWS::EC2::Instance")(opts)
		opts.Accounts = []elavaaws.Account{{RoleARN: role("111111111111")}}
	})
	planned(t, p)
	if before := len(o.assumed); before == 0 {
		t.Error("the role was not assumed")
	} else if planned(t, p); len(o.assumed) <= before {
		t.Error("credentials that end soon were not renewed")
	}
}

// A role in the caller's own account takes the place of the caller's credentials.
func TestAccounts_RoleInTheOwnAccount(t *testing.T) {
	o := &organization{lifetime: time.Hour}
	p := o.serve(t).provider(t, func(opts *elavaaws.Options) {
		only("AWS::EC2::Instance")(opts)
		opts.Accounts = []elavaaws.Account{{RoleARN: role(account), Regions: []string{"all"}}}
	})
	_, found := planned(t, p)
	wantFound(t, found, account+"/eu-west-1: i-"+account, account+"/us-east-1: i-"+account)
	if len(o.assumed) != 1 {
		t.Errorf("the role was assumed %d times", len(o.assumed))
	}
}

func TestAccounts_OfTheOrganization(t *testing.T) {
	o := &organization{lifetime: time.Hour, members: []map[string]string{
		{"Id": account, "State": "ACTIVE"},
		{"Id": "222222222222", "State": "ACTIVE"},
		{"Id": "333333333333", "Status": "SUSPENDED"},
	}}
	p := o.serve(t).provider(t, func(opts *elavaaws.Options) {
		only("AWS::EC2::Instance")(opts)
		opts.Organization = &elavaaws.Organization{RoleName: "team/elava", ExternalID: "e5"}
	})
	plan, found := planned(t, p)
	wantFound(t, found, account+"/us-east-1: i-"+account, "222222222222/us-east-1: i-222222222222")
	if want := "aws: account 333333333333 of the organization is suspended; it is not listed, and its resources stay as they were last seen"; !slices.Contains(plan.Notices, want) {
		t.Errorf("notices are %q", plan.Notices)
	}
	if len(o.assumed) != 1 || o.assumed[0]["RoleArn"] != "arn:aws:iam::222222222222:role/team/elava" || o.assumed[0]["ExternalId"] != "e5" {
		t.Errorf("assumed %v", o.assumed)
	}

	o.change(func() { // a new account, and one that is being closed
		o.members[1]["State"] = "PENDING_CLOSURE"
		o.members = append(o.members, map[string]string{"Id": "444444444444", "State": "ACTIVE"})
	})
	plan, found = planned(t, p)
	wantFound(t, found, account+"/us-east-1: i-"+account, "444444444444/us-east-1: i-444444444444")
	if len(plan.Notices) != 2 || !strings.Contains(plan.Notices[0], "222222222222 of the organization is pending closure") {
		t.Errorf("notices are %q", plan.Notices)
	}

	o.change(func() { o.listFails = true }) // those that are known are listed all the same
	plan, found = planned(t, p)
	wantFound(t, found, account+"/us-east-1: i-"+account, "444444444444/us-east-1: i-444444444444")
	if len(plan.Unreached) != 1 || plan.Unreached[0].Account != "" || !strings.Contains(plan.Unreached[0].Error(), "grant the action organizations:ListAccounts") {
		t.Errorf("not reached: %v", plan.Unreached)
	}
}

// With regions "all", only the account whose regions cannot be told fails; alone, so does the plan.
func TestAccounts_RegionsThatCannotBeTold(t *testing.T) {
	o := &organization{lifetime: time.Hour, regionsFail: true}
	c := o.serve(t)
	p := c.provider(t, func(opts *elavaaws.Options) {
		only("AWS::EC2::Instance")(opts)
		opts.Regions = []string{"all"}
		opts.Accounts = []elavaaws.Account{{RoleARN: role("111111111111"), Regions: []string{"eu-west-1"}}}
	})
	plan, found := planned(t, p)
	wantFound(t, found, "111111111111/eu-west-1: i-111111111111")
	if len(plan.Unreached) != 1 || plan.Unreached[0].Account != account {
		t.Errorf("not reached: %v", plan.Unreached)
	}
	p = c.provider(t, func(opts *elavaaws.Options) { opts.Regions = []string{"all"} })
	if _, err := p.Plan(t.Context()); provider.ReasonOf(err) != provider.ReasonAccessDenied {
		t.Errorf("got %v", err)
	}
}

func TestNew_RefusesImpossibleAccounts(t *testing.T) {
	for name, change := range map[string]func(*elavaaws.Options){
		"no role": func(o *elavaaws.Options) { o.Accounts = []elavaaws.Account{{RoleARN: "elava"}} },
		"twice": func(o *elavaaws.Options) {
			o.Accounts = []elavaaws.Account{{RoleARN: role(account)}, {RoleARN: role(account) + "2"}}
		},
		"bad region": func(o *elavaaws.Options) {
			o.Accounts = []elavaaws.Account{{RoleARN: role(account), Regions: []string{"Paris"}}}
		},
		"no role name":        func(o *elavaaws.Options) { o.Organization = &elavaaws.Organization{} },
		"budget of no number": func(o *elavaaws.Options) { o.APIBudget = math.NaN() },
		"budget below none":   func(o *elavaaws.Options) { o.APIBudget = -0.1 },
	} {
		o := elavaaws.Options{Regions: []string{"us-east-1"}, Digest: digest}
		change(&o)
		if p, err := elavaaws.New(o); err == nil || p != nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// moto hands out credentials for every account; its regions and accounts are separate.
func TestAccounts_OnMoto(t *testing.T) {
	c := &cloud{url: motoServer.Server(t).URL} // without the header that overrules credentials
	want := []string{}
	for _, id := range []string{"888888888881", "888888888882"} {
		for _, region := range []string{"us-east-1", "eu-west-1", "ap-southeast-2"} {
			cfg := c.config(t)
			cfg.Credentials = stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role(id))
			cfg.Region = region
			v := must[*ec2.CreateVolumeOutput](t)(ec2.NewFromConfig(cfg).CreateVolume(t.Context(), &ec2.CreateVolumeInput{
				AvailabilityZone: aws.String(region + "a"), Size: aws.Int32(1),
			}))
			want = append(want, id+"/"+region+": "+*v.VolumeId)
		}
	}
	p := c.provider(t, func(o *elavaaws.Options) {
		only("AWS::EC2::Volume")(o)
		o.Regions = []string{"us-east-1", "eu-west-1", "ap-southeast-2"}
		o.Accounts = []elavaaws.Account{{RoleARN: role("888888888881")}, {RoleARN: role("888888888882")}}
	})
	plan, found := planned(t, p)
	if len(plan.Failed) > 0 {
		t.Errorf("failed: %v", plan.Failed)
	}
	slices.Sort(want)
	slices.Sort(found)
	wantFound(t, found, want...)
	var accounts []string
	for _, s := range plan.Scopes[:3] {
		accounts = append(accounts, s.Account)
	}
	if !slices.Equal(accounts, []string{"123456789012", "888888888881", "888888888882"}) || plan.Scopes[3].Account != plan.Scopes[0].Account {
		t.Errorf("accounts are not listed in turns: %v", plan.Scopes)
	}
}
