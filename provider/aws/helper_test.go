package aws_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.uber.org/goleak"

	"github.com/elava-dev/elava/provider"
	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/provider/aws/mototest"
	"github.com/elava-dev/elava/resource"
)

// motoServer is the server that the tests of this package share.
var motoServer mototest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	motoServer.Stop()
	if problems := calledByProviders.problems(elavaaws.AllActions()); len(problems) > 0 {
		fmt.Fprintln(os.Stderr, "FAIL: "+strings.Join(problems, "\nFAIL: "))
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

var lastAccount atomic.Int64

// moto returns the shared server as an account that nothing used before sees it.
func moto(t *testing.T) *cloud {
	t.Helper()
	return &cloud{url: motoServer.Server(t).URL, account: fmt.Sprint(111_111_111_111 + lastAccount.Add(1))}
}

// digest stands in for the daemon's keyed digest.
func digest(secret string) string {
	sum := sha256.Sum256([]byte("key" + secret))
	return "digest:" + hex.EncodeToString(sum[:8])
}

// cloud is an AWS API at a URL, seen from one account.
type cloud struct {
	url, account string

	called recorder
}

func (c *cloud) config(t *testing.T) aws.Config {
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(c.url),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   &http.Client{Transport: transport},
		APIOptions:   []func(*middleware.Stack) error{c.called.record},
	}
	if c.account != "" {
		cfg.APIOptions = append(cfg.APIOptions, smithyhttp.AddHeaderValue(mototest.AccountHeader, c.account))
	}
	return cfg
}

// provider returns a provider for the cloud; change may alter its options.
func (c *cloud) provider(t *testing.T, change func(*elavaaws.Options)) *elavaaws.Provider {
	t.Helper()
	cfg := c.config(t)
	cfg.APIOptions = append(cfg.APIOptions, calledByProviders.record)
	o := elavaaws.Options{
		Regions:    []string{"us-east-1"},
		Digest:     digest,
		APIBudget:  1, // these servers are nobody else's
		LoadConfig: func(context.Context) (aws.Config, error) { return cfg, nil },
	}
	if change != nil {
		change(&o)
	}
	p, err := elavaaws.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func only(types ...string) func(*elavaaws.Options) {
	return func(o *elavaaws.Options) { o.IncludeTypes = types }
}

// inventory is what all scopes of a plan listed, by "region/type/id".
type inventory map[string]resource.Resource

func list(t *testing.T, p provider.Provider) inventory {
	t.Helper()
	plan, err := p.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := inventory{}
	for _, s := range plan.Scopes {
		rs, err := listScope(t, p, s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		for _, r := range rs {
			k := r.Key.Region + "/" + r.Key.Type + "/" + r.Key.ID
			if _, ok := all[k]; ok {
				t.Errorf("%s was listed twice", k)
			}
			if !s.Contains(r.Key) {
				t.Errorf("%s was listed in scope %s", r.Key, s)
			}
			all[k] = r
		}
	}
	return all
}

func listScope(t *testing.T, p provider.Provider, s resource.Scope) ([]resource.Resource, error) {
	t.Helper()
	return listWithin(t.Context(), p, s)
}

func listWithin(ctx context.Context, p provider.Provider, s resource.Scope) ([]resource.Resource, error) {
	var all []resource.Resource
	err := p.List(ctx, s, func(page []resource.Resource) error {
		all = append(all, page...)
		return nil
	})
	return all, err
}

// get returns the one resource of a type with that id, in whatever region.
func (inv inventory) get(t *testing.T, typ, id string) resource.Resource {
	t.Helper()
	for k, r := range inv {
		if strings.HasSuffix(k, "/"+typ+"/"+id) {
			return r
		}
	}
	t.Fatalf("%s %s was not listed; listed are %q", typ, id, inv.ids(typ))
	return resource.Resource{}
}

func (inv inventory) ids(typ string) []string {
	var ids []string
	for _, r := range inv {
		if r.Key.Type == typ {
			ids = append(ids, r.Key.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// at returns the value at a path of members and, for arrays, indexes in a document.
func at(t *testing.T, r resource.Resource, path ...any) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(r.Attributes, &v); err != nil {
		t.Fatalf("%s: %v", r.Key, err)
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func wantAt(t *testing.T, r resource.Resource, want any, path ...any) {
	t.Helper()
	if got := at(t, r, path...); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v is %v, want %v\n%s", r.Key, path, got, want, r.Attributes)
	}
}

func wantTags(t *testing.T, r resource.Resource, want map[string]string) {
	t.Helper()
	if fmt.Sprint(r.Tags) != fmt.Sprint(want) {
		t.Errorf("%s: tags are %v, want %v", r.Key, r.Tags, want)
	}
}
