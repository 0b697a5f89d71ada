package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"

	"github.com/elava-dev/elava/bench"
	"github.com/elava-dev/elava/internal/daemon"
	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

// pageCalls are the calls by which the fixture's account can be read: one for each page, one to
// the tag index for each page of functions, whose list does not tell tags, and one for the
// account. Beside them are those of ListTags: for each function in the first scan, and then for
// one in functionsPerTurn (docs/decisions/0007-tag-index.md).
var pageCalls = map[string]int{
	"DescribeInstances": fixtureInstances / instancePage,
	"DescribeVolumes":   fixtureVolumes / volumePage,
	"ListFunctions":     fixtureFunctions / functionPage,
	"GetResources":      fixtureFunctions / functionPage,
	"GetCallerIdentity": 1,
}

// functionsPerTurn is of how many functions one is asked for its tags in a scan; which, a hash
// of its ARN says, so that it is not always as many.
const functionsPerTurn = 32

// BenchmarkAWS_Unchanged scans an account of 100,000 instances, 20,000 volumes and 5,000
// functions in which nothing changes, on a store that knows all of them, and compares the CPU
// time with that of the SDK making the same calls and dropping what they give. The calls of
// the scan are counted by the server.
func BenchmarkAWS_Unchanged(b *testing.B) {
	url := startFixture(b)
	cfg := fixtureConfig(b, url)
	p, err := elavaaws.New(elavaaws.Options{
		Regions: []string{"us-east-1"}, Digest: func(s string) string { return "digest" },
		IncludeTypes: []string{"AWS::EC2::Instance", "AWS::EC2::Volume", "AWS::Lambda::Function"},
		APIBudget:    1e6, // the CPU time is looked for, not the time on the clock
		LoadConfig:   func(context.Context) (aws.Config, error) { return cfg, nil },
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
	reconciler := daemon.NewReconciler(daemon.ReconcilerOptions{Provider: p, Store: store, Concurrency: 8, SpoolDir: b.TempDir()})
	scan := func(found, leastTags, mostTags int) {
		counts(b, url)
		result, err := reconciler.Reconcile(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		const all = fixtureInstances + fixtureVolumes + fixtureFunctions
		if m := result.Scan; m.Status != storage.ScanSuccess || m.ResourceCount != all || m.Baseline+m.Changes() != found {
			b.Fatalf("scan: %+v; want %d resources and %d of them new", m, all, found)
		}
		got := counts(b, url)
		tags := got["ListTags"]
		delete(got, "ListTags")
		if !maps.Equal(got, pageCalls) || tags < leastTags || tags > mostTags {
			b.Fatalf("the scan made the calls %v and %d of ListTags, want %v and %d to %d", got, tags, pageCalls, leastTags, mostTags)
		}
	}
	scan(fixtureInstances+fixtureVolumes+fixtureFunctions, fixtureFunctions, fixtureFunctions)

	c := bench.Comparison{
		Measured:  func() bench.Cost { return bench.Measure(func() { scan(0, 1, 2*fixtureFunctions/functionsPerTurn) }) },
		Reference: func() bench.Cost { return bench.Measure(func() { readWithSDK(b, cfg) }) },
		Rounds:    3,
	}
	r := c.Run(b)
	table.Add(b, bench.Row{
		What: "scanning 100,000 instances, 20,000 volumes, 5,000 functions / the SDK reading and dropping them, CPU",
		Unit: "x", Value: r.CPURatio(), Bar: 1.5, Detail: r.CPUDetail(),
	})
}

// bodyKeeper keeps the SDK from closing a request's body while net/http sends it, as the
// provider's own client does: otherwise connections to a server this near break.
type bodyKeeper struct{ *http.Client }

// Do sends a request with a copy of its body.
func (c bodyKeeper) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.ContentLength > 0 {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return c.Client.Do(r)
}

func fixtureConfig(b *testing.B, url string) aws.Config {
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	b.Cleanup(transport.CloseIdleConnections)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  bodyKeeper{&http.Client{Transport: transport}},
	}
}

// counts returns the calls since the last time.
func counts(b *testing.B, url string) map[string]int {
	b.Helper()
	answer, err := http.Get(url + "/counts")
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	got := map[string]int{}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		b.Fatal(err)
	}
	return got
}

// readWithSDK makes the calls of a scan one after the other.
func readWithSDK(b *testing.B, cfg aws.Config) {
	ctx := context.Background()
	instances := ec2.NewDescribeInstancesPaginator(ec2.NewFromConfig(cfg), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(instancePage)})
	for instances.HasMorePages() {
		if _, err := instances.NextPage(ctx); err != nil {
			b.Fatal(err)
		}
	}
	volumes := ec2.NewDescribeVolumesPaginator(ec2.NewFromConfig(cfg), &ec2.DescribeVolumesInput{MaxResults: aws.Int32(volumePage)})
	for volumes.HasMorePages() {
		if _, err := volumes.NextPage(ctx); err != nil {
			b.Fatal(err)
		}
	}
	client := lambda.NewFromConfig(cfg)
	functions := lambda.NewListFunctionsPaginator(client, &lambda.ListFunctionsInput{MaxItems: aws.Int32(functionPage)})
	for functions.HasMorePages() {
		page, err := functions.NextPage(ctx)
		if err != nil {
			b.Fatal(err)
		}
		readTagsWithSDK(b, cfg, page.Functions)
	}
}

// readTagsWithSDK asks the tag index about the functions of a page, and Lambda about as many as a
// scan does.
func readTagsWithSDK(b *testing.B, cfg aws.Config, functions []types.FunctionConfiguration) {
	ctx := context.Background()
	var arns []string
	for _, f := range functions {
		arns = append(arns, aws.ToString(f.FunctionArn))
	}
	if _, err := resourcegroupstaggingapi.NewFromConfig(cfg).GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{ResourceARNList: arns}); err != nil {
		b.Fatal(err)
	}
	client := lambda.NewFromConfig(cfg)
	for i := 0; i < len(arns); i += functionsPerTurn {
		if _, err := client.ListTags(ctx, &lambda.ListTagsInput{Resource: &arns[i]}); err != nil {
			b.Fatal(err)
		}
	}
}
