package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/aws/faultproxy"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Environment variables by which a run is repeated, or made as long as wished.
const (
	seedVariable    = "ELAVA_SEED"
	tortureVariable = "ELAVA_TORTURE"
)

// The runs make this many scans, and stop earlier where the time is over: two minutes of
// `make test` for both. A slow machine makes fewer scans, but never less than the least,
// which would show nothing: then it takes longer.
const (
	stillScans, stillLeast = 200, 30
	stillTime              = 90 * time.Second

	movingScans, movingLeast = 30, 5
	movingTime               = 25 * time.Second
)

// pace says how long a run goes on.
type pace struct {
	most, least int
	until       time.Time
}

func newPace(t *testing.T, most, least int, budget time.Duration) pace {
	t.Helper()
	text := os.Getenv(tortureVariable)
	if text == "" {
		return pace{most: most, least: least, until: time.Now().Add(budget)}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", tortureVariable, err)
	}
	return pace{most: math.MaxInt, least: least, until: time.Now().Add(d / 2)} // there are two runs
}

func (p pace) over(done int) bool {
	return done >= p.most || done >= p.least && time.Now().After(p.until)
}

// types are those that the runs list: of each protocol some, and all in which something
// happens. Named one by one, so that a run does not grow with the collectors.
var types = []string{
	"AWS::EC2::Instance", "AWS::EC2::SecurityGroup", "AWS::EC2::Volume", "AWS::EC2::NetworkInterface", "AWS::EC2::VPC", "AWS::EC2::Subnet",
	"AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::DynamoDB::Table",
	"AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Lambda::Function", "AWS::S3::Bucket", "AWS::IAM::Role",
}

func newSeed(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("seed: %s=%d", seedVariable, seed)
	return seed
}

// The tag index, which may say that nothing changed.
const indexService, indexOperation = "tagging", "GetResources"

// indexed are the calls that the tag index may spare, by type.
var indexed = map[string]string{
	"AWS::DynamoDB::Table": "dynamodb.ListTagsOfResource", "AWS::SQS::Queue": "sqs.ListQueueTags",
	"AWS::SNS::Topic": "sns.ListTagsForResource", "AWS::Lambda::Function": "lambda.ListTags",
}

// operations are the reads of a scan. Those that list come twice: a fault of theirs
// says more.
var operations = []struct{ service, operation string }{
	{"ec2", "DescribeInstances"}, {"ec2", "DescribeInstances"}, {"ec2", "DescribeVolumes"}, {"ec2", "DescribeVolumes"},
	{"ec2", "DescribeSecurityGroups"}, {"ec2", "DescribeNetworkInterfaces"}, {"ec2", "DescribeSubnets"}, {"ec2", "DescribeVpcs"},
	{"elasticloadbalancing", "DescribeLoadBalancers"}, {"elasticloadbalancing", "DescribeLoadBalancers"}, {"elasticloadbalancing", "DescribeTags"},
	{"rds", "DescribeDBInstances"}, {"rds", "DescribeDBInstances"}, {"rds", "DescribeDBClusters"},
	{"dynamodb", "ListTables"}, {"dynamodb", "ListTables"}, {"dynamodb", "DescribeTable"}, {"dynamodb", "ListTagsOfResource"},
	{"sqs", "ListQueues"}, {"sqs", "ListQueues"}, {"sqs", "GetQueueAttributes"}, {"sqs", "ListQueueTags"},
	{"sns", "ListTopics"}, {"sns", "ListTopics"}, {"sns", "GetTopicAttributes"}, {"sns", "ListTagsForResource"},
	{"lambda", "ListFunctions"}, {"lambda", "ListFunctions"}, {"lambda", "ListTags"},
	{"s3", "ListBuckets"}, {"s3", "ListBuckets"}, {"s3", "GetBucketTagging"}, {"s3", "GetBucketEncryption"},
	{"s3", "GetBucketVersioning"}, {"s3", "GetPublicAccessBlock"}, {"s3", "GetBucketPolicy"},
	{"iam", "GetAccountAuthorizationDetails"}, {"iam", "GetAccountAuthorizationDetails"}, {"iam", "ListRoles"}, {"iam", "ListRoles"},
	{indexService, indexOperation}, {indexService, indexOperation}, {indexService, indexOperation},
	{"*", "List*"}, {"*", "Describe*"}, {"*", "Get*"}, {"*", "*Tag*"},
}

// weather makes the faults of one scan.
func weather(random *rand.Rand) []faultproxy.Rule {
	if random.IntN(7) == 0 {
		return nil
	}
	var rules []faultproxy.Rule
	for range 1 + random.IntN(4) {
		if rule := randomRule(random); !slices.ContainsFunc(rules, func(other faultproxy.Rule) bool { return lieTogether(rule, other) }) {
			rules = append(rules, rule)
		}
	}
	switch random.IntN(50) {
	case 0: // nothing answers
		rules = append(rules, faultproxy.Rule{Fault: faultproxy.CutBefore})
	case 1: // not even who we are
		rules = append(rules, faultproxy.Rule{Service: "sts", Fault: randomFault(random)})
	case 2, 3, 4:
		rules = append(rules, faultproxy.Rule{Fault: faultproxy.Throttle, Probability: 0.5})
	}
	return rules
}

// lieTogether reports whether two rules lie of the same list: to be absent from it and from
// the answer when it is asked for is to be gone.
func lieTogether(a, b faultproxy.Rule) bool {
	return a.Operation == b.Operation && slices.Contains(lies, a.Fault) && slices.Contains(lies, b.Fault)
}

func randomRule(random *rand.Rand) faultproxy.Rule {
	op := operations[random.IntN(len(operations))]
	r := faultproxy.Rule{Service: op.service, Operation: op.operation, Fault: randomFault(random)}
	switch random.IntN(4) {
	case 0:
		r.Probability = 0.3
	case 1:
		r.Probability = 0.7
	case 2:
		r.Page = 1 + random.IntN(3)
	}
	if random.IntN(4) == 0 {
		r.Times = 1 + random.IntN(3)
	}
	if r.Service == "ec2" && random.IntN(6) == 0 {
		// A list that lacks what is there is no failure that anybody could see. What is
		// absent is asked for once more.
		return faultproxy.Rule{Service: r.Service, Operation: r.Operation, Fault: lies[random.IntN(len(lies))], Times: 1}
	}
	if r.Service == indexService && random.IntN(2) == 0 {
		r.Fault, r.Rewrite = faultproxy.Rewrite, everyOther(random.IntN(2))
	}
	if r.Fault == faultproxy.EmptyPage {
		r.Times = 1 + random.IntN(3) // else the list has no end, and never says so
	}
	return r
}

// everyOther leaves out half of what the tag index tells, from the first or the second element on,
// as an index does that is behind: its answer does not show that anything is missing.
func everyOther(from int) func([]byte) []byte {
	return func(body []byte) []byte {
		var answer map[string]json.RawMessage
		var told, left []json.RawMessage
		if json.Unmarshal(body, &answer) != nil || json.Unmarshal(answer["ResourceTagMappingList"], &told) != nil {
			return body // a failure
		}
		for i := from; i < len(told); i += 2 {
			left = append(left, told[i])
		}
		answer["ResourceTagMappingList"], _ = json.Marshal(left)
		body, _ = json.Marshal(answer) // of raw messages that were read a moment ago
		return body
	}
}

var lies = []faultproxy.Fault{faultproxy.EmptyList, faultproxy.ShortList}

func randomFault(random *rand.Rand) faultproxy.Fault {
	all := faultproxy.Faults()
	return all[random.IntN(len(all))]
}

// reasons are the classes that a scope's failure may have after a fault.
var reasons = map[faultproxy.Fault][]provider.Reason{
	faultproxy.Throttle:     {provider.ReasonThrottled},
	faultproxy.Deny:         {provider.ReasonAccessDenied},
	faultproxy.NotAvailable: {provider.ReasonUnavailable},
	faultproxy.Internal:     {provider.ReasonOther},
	faultproxy.Overloaded:   {provider.ReasonOther},
	faultproxy.CutBefore:    {provider.ReasonNetwork},
	// JSON that ends too early looks like a connection that did, and an error that cannot
	// be read is an error of its own.
	faultproxy.CutWithin: {provider.ReasonNetwork, provider.ReasonOther},
	faultproxy.Truncate:  {provider.ReasonBadAnswer, provider.ReasonNetwork, provider.ReasonOther},
	faultproxy.Prologue:  {provider.ReasonBadAnswer, provider.ReasonNetwork, provider.ReasonOther},

	faultproxy.Garbage:       {provider.ReasonBadAnswer},
	faultproxy.Stranger:      {provider.ReasonBadAnswer},
	faultproxy.HTML:          {provider.ReasonBadAnswer},
	faultproxy.BadPage:       {provider.ReasonBadAnswer},
	faultproxy.Empty:         {provider.ReasonBadAnswer},
	faultproxy.Hang:          {provider.ReasonTimeout},
	faultproxy.RepeatedToken: {provider.ReasonBadAnswer},
}

// services are those that types are read from.
var services = map[string]string{
	"AWS::EC2": "ec2", "AWS::ElasticLoadBalancingV2": "elasticloadbalancing", "AWS::RDS": "rds", "AWS::DynamoDB": "dynamodb",
	"AWS::SQS": "sqs", "AWS::SNS": "sns", "AWS::Lambda": "lambda", "AWS::S3": "s3", "AWS::IAM": "iam",
}

func serviceOf(resourceType string) string {
	return services[resourceType[:strings.LastIndex(resourceType, "::")]]
}

// explained reports whether one of the injected faults accounts for a failure of a
// scope.
func explained(scope resource.Scope, reason provider.Reason, injected []faultproxy.Injection) bool {
	return slices.ContainsFunc(injected, func(i faultproxy.Injection) bool {
		if i.Call.Operation == "HeadBucket" && serviceOf(scope.Type) == "s3" {
			return true // the answer to HEAD has no body that could say why
		}
		return (i.Call.Service == serviceOf(scope.Type) || i.Call.Service == "sts") && slices.Contains(reasons[i.Fault], reason)
	})
}

// stillRun is a run in which the account changes between scans only, so that the truth
// of every scan is known to the byte.
type stillRun struct {
	t       *testing.T
	c       *cloud
	account *account
	random  *rand.Rand
	oracle  *oracle

	known map[resource.Key]*object // the truth when it was last looked at
	stale map[string]bool          // services to which something was done since

	scans, disturbed, failed, partial, unavailable, nothing int

	index    struct{ calls, faults, handed, read int } // handed: of types that it knows; read: tags of those, one by one
	injected map[faultproxy.Fault]int
	states   map[resource.Scope]*storage.ScopeState
	samples  map[int64]map[resource.Key]*object // what some revisions must hold for ever
}

func TestRandomFaults_NoEventIsFalseMissingOrDouble(t *testing.T) {
	seed := newSeed(t)
	c := newCloud(t, options{seed: seed, types: types, pageSize: 2, attempts: 2})
	r := &stillRun{
		t: t, c: c, account: newAccount(t, c, seed), random: rand.New(rand.NewPCG(seed, 2)), oracle: newOracle(t),
		known: map[resource.Key]*object{}, stale: map[string]bool{},
		injected: map[faultproxy.Fault]int{}, states: map[resource.Scope]*storage.ScopeState{}, samples: map[int64]map[resource.Key]*object{},
	}
	if err := r.account.populate(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	p := newPace(t, stillScans, stillLeast, stillTime)
	for !p.over(r.scans) && !t.Failed() {
		r.change()
		r.scan(weather(r.random))
	}
	r.finish()
	t.Logf("seed %d: %d scans in %s of %d resources, %d of them disturbed by %d faults %v",
		seed, r.scans, time.Since(began).Round(time.Second), len(r.oracle.believed), r.disturbed, sum(r.injected), r.injected)
	t.Logf("scopes: %d failed, %d partial, %d unavailable; %d scans could list nothing", r.failed, r.partial, r.unavailable, r.nothing)
	t.Logf("%s", r.oracle.tally)
	t.Logf("the tag index was asked %d times and met %d faults; %d tags of %d were read one by one", r.index.calls, r.index.faults, r.index.read, r.index.handed)
	if r.index.faults == 0 || r.index.read >= r.index.handed {
		t.Error("the tag index met no fault, or spared nothing: this run shows nothing of it")
	}
	if r.oracle.tally.true_ == 0 || r.failed == 0 || r.partial == 0 {
		t.Error("nothing was reported, or nothing failed: this run cannot show anything")
	}
}

func sum(of map[faultproxy.Fault]int) (n int) {
	for _, k := range of {
		n += k
	}
	return n
}

// change lets a few things happen in the account: often in one service, so that the
// answers of the others are remembered.
func (r *stillRun) change() {
	r.t.Helper()
	for range r.random.IntN(3) {
		k := r.account.kinds[r.random.IntN(len(r.account.kinds))]
		r.stale[k.service] = true
		for range 1 + r.random.IntN(3) {
			if _, err := r.account.mutateKind(r.t.Context(), k); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// scan scans once and compares everything with what the oracle says.
func (r *stillRun) scan(rules []faultproxy.Rule) {
	r.t.Helper()
	result := r.oracle.follow(r.c, r.truth(), rules...)
	injected, listed := r.c.proxy.Injected(), r.c.tapped.outcomes()
	r.scans++
	if len(injected) > 0 {
		r.disturbed++
	}
	for _, i := range injected {
		r.injected[i.Fault]++
		if i.Call.Service == indexService {
			r.index.faults++
		}
	}
	r.countIndex(listed)
	r.checkStates(result, listed, injected)
	if r.scans%10 == 0 {
		r.samples[result.Scan.Revision] = r.oracle.believed
	}
	if r.t.Failed() {
		r.t.Logf("scan %d met %v; injected %v", r.scans, rules, injected)
	}
}

func (r *stillRun) countIndex(listed map[resource.Scope]*outcome) {
	calls := r.c.proxy.Calls()
	r.index.calls += calls[indexService+"."+indexOperation]
	for scope, l := range listed {
		if call, ok := indexed[scope.Type]; ok && l.err == nil {
			r.index.handed += l.handed
			r.index.read += calls[call]
		}
	}
}

// truth looks at what changed, and now and then at everything: what is remembered must
// be what the account would say.
func (r *stillRun) truth() map[resource.Key]*object {
	r.t.Helper()
	if r.scans%25 == 0 {
		r.c.proxy.Forget()
		r.known = r.c.truth()
	} else {
		maps.DeleteFunc(r.known, func(key resource.Key, _ *object) bool { return r.stale[serviceOf(key.Type)] })
		maps.Copy(r.known, r.c.truthOf(func(scope resource.Scope) bool { return r.stale[serviceOf(scope.Type)] }))
	}
	clear(r.stale)
	return maps.Clone(r.known)
}

// checkStates compares the states of the scopes with how their listings ended, and asks
// for each failure which fault it came from.
func (r *stillRun) checkStates(result daemon.ReconcileResult, listed map[resource.Scope]*outcome, injected []faultproxy.Injection) {
	r.t.Helper()
	if len(listed) == 0 {
		r.nothing++
	}
	for scope, state := range result.States {
		want, err := storage.ScopeComplete, error(nil)
		switch l := listed[scope]; {
		case l == nil: // the plan failed
			want, err = storage.ScopeFailed, nil
			if !slices.ContainsFunc(injected, func(i faultproxy.Injection) bool { return i.Call.Service == "sts" }) {
				r.t.Errorf("%s was not listed, though the account was known", scope)
			}
		case l.err != nil && provider.ReasonOf(l.err) == provider.ReasonUnavailable:
			want, err = storage.ScopeUnavailable, l.err
			r.unavailable++
		case l.err != nil:
			want, err = storage.ScopeFailed, l.err
			r.failed++
		case l.partial != nil:
			want, err = storage.ScopePartial, l.partial
			r.partial++
		}
		if state.Status != want {
			r.t.Errorf("%s is %s, want %s", scope, state.Status, want)
		}
		if err != nil {
			r.checkReason(scope, state, provider.ReasonOf(err), injected)
		}
		r.checkLastComplete(result, scope, state)
		r.states[scope] = state
	}
}

func (r *stillRun) checkReason(scope resource.Scope, state *storage.ScopeState, reason provider.Reason, injected []faultproxy.Injection) {
	r.t.Helper()
	switch {
	case state.Reason != string(reason) || state.Error == "":
		r.t.Errorf("%s says %q (%s), want the reason %s", scope, state.Reason, state.Error, reason)
	case explained(scope, reason, injected):
	default:
		r.t.Errorf("%s failed (%s: %s) and no fault accounts for that", scope, reason, state.Error)
	}
}

// checkLastComplete: a scope that is not complete says since when, and is stale.
func (r *stillRun) checkLastComplete(result daemon.ReconcileResult, scope resource.Scope, state *storage.ScopeState) {
	r.t.Helper()
	complete := state.Status == storage.ScopeComplete || state.Status == storage.ScopePartial
	if state.Stale() == complete {
		r.t.Errorf("%s is %s and stale: %t", scope, state.Status, state.Stale())
	}
	last := r.states[scope]
	switch {
	case complete && state.LastComplete != result.Scan.Revision:
		r.t.Errorf("%s is complete and says it last was at revision %d of %d", scope, state.LastComplete, result.Scan.Revision)
	case !complete && last != nil && state.LastComplete > last.LastComplete:
		r.t.Errorf("%s is %s and says it was complete at %d, after %d", scope, state.Status, state.LastComplete, last.LastComplete)
	}
}

// finish scans once without faults, after which nothing may be missing, and looks at
// the history as a whole.
func (r *stillRun) finish() {
	r.t.Helper()
	if r.t.Failed() {
		return
	}
	r.change()
	r.scan(nil)
	for _, difference := range compare(r.oracle.believed, r.c.truth()) {
		r.t.Errorf("at the end: %s", difference)
	}
	for scope, state := range r.states {
		if state.Status != storage.ScopeComplete {
			r.t.Errorf("at the end %s is %s: %s", scope, state.Status, state.Error)
		}
	}
	for revision, want := range r.samples {
		for _, difference := range compare(r.c.recorded(revision), want) {
			r.t.Errorf("revision %d, read again: %s", revision, difference)
		}
	}
	r.c.replay()
}

// replay reads the whole feed: what is there cannot be created, nor can disappear what is
// not; and the feed ends at what is recorded. A resource can also come back as a baseline,
// of which the feed says nothing: after a time in which its service was not available.
func (c *cloud) replay() {
	c.t.Helper()
	type presence struct {
		there bool
		since int64 // revision
	}
	last := map[resource.Key]presence{} // of those that had an event
	for _, e := range c.events(0) {
		key := verdictOf(c.t, e).key
		p, known := last[key]
		there := p.there || known && c.baselined(key, p.since, e.Revision)
		switch {
		case known && there == (e.ChangeType == change.Created):
			c.t.Errorf("event %s: %s %s, and it was there: %t", e.ID, e.ChangeType, key, there)
		case e.ChangeType == change.Modified && len(e.Changes) == 0:
			c.t.Errorf("event %s: %s is modified in nothing", e.ID, key)
		}
		last[key] = presence{e.ChangeType != change.Disappeared, e.Revision}
	}
	recorded := c.recorded(storage.HeadRevision)
	for key, p := range last {
		if there := p.there || c.baselined(key, p.since, c.head()+1); there != (recorded[key] != nil) {
			c.t.Errorf("by its events %s is there: %t; by the record: %t", key, there, !there)
		}
	}
}

// baselined reports whether a resource was recorded as a baseline between two revisions.
func (c *cloud) baselined(key resource.Key, after, before int64) bool {
	c.t.Helper()
	for v, err := range c.store.History(c.t.Context(), key) {
		if err != nil {
			c.t.Fatal(err)
		}
		if v.ChangeType == change.Baseline && after < v.Revision && v.Revision < before {
			return true
		}
	}
	return false
}

// While the account is being listed it changes, so that pages and details belong to
// different moments. What a scan sees of that is nobody's to foretell; but as soon as
// all is quiet the record must be the truth, and nobody may have been accused of what
// was not touched.
func TestRandomFaults_AccountThatChangesWhileItIsListed(t *testing.T) {
	seed := newSeed(t)
	c := newCloud(t, options{seed: seed, types: types, pageSize: 2, attempts: 2, fresh: true})
	a := newAccount(t, c, seed)
	if err := a.populate(t.Context()); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 3))
	c.clear()
	was := c.truth()
	began := time.Now()
	rounds, events, wrong := 0, 0, 0
	for p := newPace(t, movingScans, movingLeast, movingTime); !p.over(rounds) && !t.Failed(); rounds++ {
		from := c.head()
		touched := c.scanWhile(a, weather(random))
		c.settle()
		is := c.truth()
		for _, difference := range compare(c.recorded(storage.HeadRevision), is) {
			t.Errorf("round %d: missed: %s", rounds, difference)
		}
		for _, e := range c.events(from) {
			events++
			key := verdictOf(t, e).key
			if !touched[key.ID] && was[key] != nil && is[key] != nil && was[key].same(is[key]) && was[key].equal(is[key]) {
				wrong++
				t.Errorf("round %d: false: %s %s %s, which nobody touched", rounds, e.ChangeType, e.Key, changesOf(e))
			}
		}
		was = is
	}
	c.replay()
	t.Logf("seed %d: %d rounds in %s, %d events, %d false; after each round the record was the truth: %t",
		seed, rounds, time.Since(began).Round(time.Second), events, wrong, !t.Failed())
	if events == 0 {
		t.Errorf("%d rounds without an event show nothing", rounds)
	}
}

func (c *cloud) head() int64 {
	c.t.Helper()
	head, err := c.store.Head(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return head.Revision
}

// scanWhile scans while things happen, and returns to what they happened.
func (c *cloud) scanWhile(a *account, rules []faultproxy.Rule) map[string]bool {
	c.t.Helper()
	touched := map[string]bool{}
	ctx, stop := context.WithCancel(c.t.Context())
	done := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			what, err := a.mutate(c.t.Context()) // to its end, or nobody knows what is true
			if err != nil {
				done <- err
				return
			}
			touched[what] = true
		}
		done <- nil
	}()
	c.scan(rules...)
	stop()
	if err := <-done; err != nil {
		c.t.Fatal(err)
	}
	return touched
}

// settle scans without faults until every scope is complete.
func (c *cloud) settle() {
	c.t.Helper()
	var last error
	for range 3 {
		result := c.scan()
		if len(result.Errors) == 0 {
			return
		}
		last = result.Errors[0]
	}
	c.t.Fatal(fmt.Errorf("three scans without faults did not complete every scope: %w", last))
}
