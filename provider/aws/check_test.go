package aws_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elava-dev/elava/provider"
	elavaaws "github.com/elava-dev/elava/provider/aws"
)

func checked(t *testing.T, p *elavaaws.Provider) []string {
	t.Helper()
	found, err := p.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range found {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s/%s %s %s %s", f.Account, f.Region, f.What, f.Status, f.Action)))
		if (f.Error == "") != (f.Status == provider.StatusOK) {
			t.Errorf("%+v", f)
		}
	}
	return lines
}

// What can be listed, what is denied and what is not there, with one page of each list and
// one resource's details.
func TestCheck(t *testing.T) {
	var mu sync.Mutex
	calls := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		what := r.PostForm.Get("Action")
		if what == "" {
			what = r.URL.Path
		}
		mu.Lock()
		calls[what]++
		mu.Unlock()
		europe := strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/")
		switch {
		case what == "GetCallerIdentity":
			writeIdentity(w)
		case what == "DescribeRegions":
			fmt.Fprint(w, `<DescribeRegionsResponse><regionInfo><item><regionName>eu-west-1</regionName><optInStatus>not-opted-in</optInStatus></item></regionInfo></DescribeRegionsResponse>`)
		case europe && what == "DescribeVolumes":
			writeError(w, 401, "AuthFailure", "AWS was not able to validate the provided access credentials")
		case europe && strings.Contains(what, "/functions"):
			jsonError(w, 403, "SubscriptionRequiredException")
		case europe:
			writeError(w, 503, "OptInRequired", "not subscribed")
		case what == "DescribeVolumes":
			writeError(w, 403, "UnauthorizedOperation", "not authorized")
		case what == "DescribeInstances":
			writeInstances(w, 0, 1, "more")
		case strings.HasSuffix(what, "/functions/"), strings.HasSuffix(what, "/functions"):
			fmt.Fprint(w, `{"Functions":[{"FunctionName":"a","FunctionArn":"arn:a"},{"FunctionName":"b","FunctionArn":"arn:b"}]}`)
		case strings.Contains(what, "/tags/"):
			jsonError(w, 403, "AccessDeniedException")
		default:
			t.Errorf("%s was called", what)
		}
	}))
	t.Cleanup(s.Close)
	p := (&cloud{url: s.URL}).provider(t, func(o *elavaaws.Options) {
		o.Regions = []string{"us-east-1", "eu-west-1"}
		o.MaxAttempts = 1
		o.IncludeTypes = []string{"AWS::EC2::Instance", "AWS::EC2::Volume", "AWS::Lambda::Function"}
	})
	got := checked(t, p)
	want := []string{
		account + "/ credentials ok", account + "/ account ok",
		account + "/us-east-1 AWS::EC2::Instance ok",
		account + "/us-east-1 AWS::EC2::Volume denied ec2:DescribeVolumes",
		account + "/us-east-1 AWS::Lambda::Function denied lambda:ListTags",
		account + "/eu-west-1 AWS::EC2::Instance unavailable",
		account + "/eu-west-1 AWS::EC2::Volume unavailable",
		account + "/eu-west-1 AWS::Lambda::Function unavailable",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if calls["DescribeInstances"] != 2 { // one for each region
		t.Errorf("DescribeInstances was called %d times", calls["DescribeInstances"])
	}
}

func TestCheck_Accounts(t *testing.T) {
	o := &organization{
		lifetime: time.Hour, closed: map[string]bool{"222222222222": true},
		members: []map[string]string{{"Id": "222222222222", "State": "ACTIVE"}, {"Id": "111111111111", "State": "ACTIVE"}},
	}
	p := o.serve(t).provider(t, func(opts *elavaaws.Options) {
		only("AWS::EC2::Instance")(opts)
		opts.Organization = &elavaaws.Organization{RoleName: "elava"}
	})
	want := []string{
		account + "/ credentials ok", account + "/ organization ok",
		account + "/ account ok", "111111111111/ account ok", "222222222222/ account denied sts:AssumeRole",
		account + "/us-east-1 AWS::EC2::Instance ok", "111111111111/us-east-1 AWS::EC2::Instance ok",
	}
	if got := checked(t, p); !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCheck_Credentials(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(403)
		fmt.Fprint(w, `<ErrorResponse><Error><Code>ExpiredToken</Code><Message>expired</Message></Error></ErrorResponse>`)
	}))
	t.Cleanup(s.Close)
	got := checked(t, (&cloud{url: s.URL}).provider(t, nil))
	if want := []string{"/ credentials failed"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
