package bench_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/elava-dev/elava/bench"
	"github.com/elava-dev/elava/internal/daemon"
	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/provider/aws/mototest"
	"github.com/elava-dev/elava/provider/aws/populationtest"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

// networkLatency is what a call to AWS takes at least from another place: a round trip to the
// region, and the service's own time. moto on loopback answers sooner.
const networkLatency = 50 * time.Millisecond

const populatedMember = "444444444444"

var populatedRegions = []string{"us-east-1", "eu-west-1", "ap-southeast-2"}

// BenchmarkAWS_Population scans two accounts and three regions that hold a resource of
// every type that moto implements, in which nothing changes, and compares the time on the
// clock with that of the same collectors one after another: one scope at a time, one call at
// a time, without a budget of calls. That is how the first Elava went about it, to whose
// advantage the reference asks nothing twice. moto computes answers one at a time, so the
// figure of the bar is taken with the latency of a network before it. It is taken with the
// whole of AWS's limits as the budget, because the reference heeds none; another tells what
// the default budget costs.
func BenchmarkAWS_Population(b *testing.B) {
	b.Setenv("MOTO_ACM_VALIDATION_WAIT", "86400")
	server := mototest.Start(b)
	populated := populateBoth(b, server)
	for _, way := range []struct {
		wait   time.Duration
		budget float64
		bar    float64 // 0: none, the figure is told
	}{{networkLatency, 1, 1.0 / 3}, {networkLatency, elavaaws.DefaultAPIBudget, 0}, {0, 1, 0}} {
		b.Run(fmt.Sprintf("latency=%s/budget=%.0f%%", way.wait, 100*way.budget), func(b *testing.B) {
			measured := newScanner(b, server.URL, &caller{wait: way.wait}, way.budget, 8)
			reference := newScanner(b, server.URL, &caller{wait: way.wait, one: make(chan struct{}, 1)}, 1e6, 1)
			measured.scan(b, populated)
			reference.scan(b, populated)
			c := bench.Comparison{
				Measured:  func() bench.Cost { return bench.Measure(func() { measured.scan(b, populated) }) },
				Reference: func() bench.Cost { return bench.Measure(func() { reference.scan(b, populated) }) },
				Rounds:    2, // each of minutes
			}
			r := c.Run(b)
			row := bench.Row{
				What: fmt.Sprintf("scanning %d resources of %d types in 2 accounts and 3 regions, %s a call, budget %.0f %% / one call after another, on the clock",
					populated, len(populationtest.Types()), way.wait, 100*way.budget),
				Unit: "x", Value: r.WallRatio(), Bar: way.bar,
				Detail: fmt.Sprintf("%s; %d calls by %d", r.WallDetail(), measured.made, reference.made),
			}
			if way.bar > 0 {
				table.Add(b, row)
				return
			}
			b.ReportMetric(row.Value, row.Unit)
			b.Logf("%s: %.2f %s (%s)", row.What, row.Value, row.Unit, row.Detail)
		})
	}
}

// populateBoth fills both accounts and returns how many resources the tests made.
func populateBoth(b *testing.B, server *mototest.Server) (made int) {
	for _, account := range []string{mototest.DefaultAccount, populatedMember} {
		in := func(region string) aws.Config {
			cfg := aws.Config{
				Region: region, BaseEndpoint: &server.URL, HTTPClient: bodyKeeper{&http.Client{}},
				Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
			}
			if account != mototest.DefaultAccount {
				cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), roleIn(account)))
			}
			return cfg
		}
		if _, err := organizations.NewFromConfig(in(populatedRegions[0])).CreateOrganization(b.Context(), &organizations.CreateOrganizationInput{}); err != nil {
			b.Fatal(err)
		}
		made += len(populationtest.Populate(b, account, populatedRegions, in).Want)
	}
	return made
}

func roleIn(account string) string { return "arn:aws:iam::" + account + ":role/reader" }

// caller makes the calls of a scan: each takes some time more, and where one is not nil no
// two are made at the same time.
type caller struct {
	http.Client
	wait  time.Duration
	one   chan struct{}
	calls atomic.Int64
}

// Do implements aws.HTTPClient.
func (c *caller) Do(r *http.Request) (*http.Response, error) {
	if c.one != nil {
		c.one <- struct{}{}
		defer func() { <-c.one }()
	}
	c.calls.Add(1)
	select {
	case <-time.After(c.wait):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return bodyKeeper{&c.Client}.Do(r)
}

// scanner scans the accounts into a store of its own.
type scanner struct {
	reconciler *daemon.Reconciler
	caller     *caller
	made       int64 // calls, by the last scan
}

func newScanner(b *testing.B, url string, c *caller, budget float64, concurrency int) *scanner {
	c.Transport = &http.Transport{MaxIdleConnsPerHost: 128}
	b.Cleanup(c.CloseIdleConnections)
	p, err := elavaaws.New(elavaaws.Options{
		Regions: populatedRegions, Accounts: []elavaaws.Account{{RoleARN: roleIn(populatedMember)}},
		IncludeTypes: populationtest.Types(), Digest: func(string) string { return "digest" }, APIBudget: budget, HTTPClient: c,
		LoadConfig: func(context.Context) (aws.Config, error) {
			return aws.Config{Region: populatedRegions[0], BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}, nil
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Close)
	store, err := badger.Open(badger.Options{Path: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	return &scanner{
		reconciler: daemon.NewReconciler(daemon.ReconcilerOptions{Provider: p, Store: store, Concurrency: concurrency, SpoolDir: b.TempDir()}),
		caller:     c,
	}
}

// scan scans once; everything has to be read, and at least so many resources be found.
func (s *scanner) scan(b *testing.B, least int) {
	s.caller.calls.Store(0)
	result, err := s.reconciler.Reconcile(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if m := result.Scan; m.Status != storage.ScanSuccess || m.ResourceCount < least || m.Changes() != 0 {
		b.Fatalf("scan: %+v, %v; want at least %d resources and no change", m, result.Errors, least)
	}
	s.made = s.caller.calls.Load()
}
