// Package aws lists the resources of AWS accounts through the AWS SDK.
//
// Every resource type has a collector: a declaration of the call that lists it, of the
// calls that fill in what the list leaves out, of the rules for its document and of
// where its id, name and tags stand. There is one file for each AWS service. What all
// collectors have in common is in collector.go: how they page in list.go, what lists leave
// out in detail.go and tags.go, failures and metrics in errors.go and calls.go. Which accounts
// are listed, and with whose credentials, is in accounts.go; how fast, in budget.go and
// quotas.go.
//
// The package compares nothing and keeps no resource.
//
// # Invariants
//
//   - It reads. Every operation it calls begins with BatchGet, Describe, Get, Head or
//     List, but for AssumeRole of STS, which enters other accounts.
//   - What is listed as an account's was read with credentials of which STS said, in the same
//     scan, that they are of that account.
//   - A listing ends without an error only if its last page was read. An answer that
//     cannot be one (an empty body, a web page, a token that was there before, an
//     element without an id) is a failure, never an empty list.
//   - A detail that could not be read is handed on as unknown, never as an empty value.
//   - What the Resource Groups Tagging API says of tags is believed only where it is what is
//     recorded: it may say that nothing changed, never what did. See tagIndex.
//   - The same failure has the same text in every scan: no request ids, no times.
//   - No value that reflection can reach holds an SDK client or an interface made of
//     one. Otherwise the linker keeps every operation of that service: 26 MB for EC2
//     alone, measured with service/ec2 v1.344.1. The SDK's paginators take the client
//     as an interface, so pages are read by a loop of our own; see paged.
package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Name is the first part of the keys of all resources listed by this package.
const Name = "aws"

// AllRegions stands in Options.Regions for every region that is enabled for the
// account.
const AllRegions = "all"

// Options configure a Provider.
type Options struct {
	// Regions to list, at least one. The first answers for what belongs to no region.
	// AllRegions, alone, asks EC2 in every Plan which regions are enabled.
	Regions []string

	// Accounts are listed beside that of the credentials. One that is the same replaces it:
	// then the account is read through the role.
	Accounts []Account

	// Organization, if any, has every active account of the caller's organization listed
	// that Accounts does not name.
	Organization *Organization

	// APIBudget is the share of AWS's limits on API calls to take; 0 means DefaultAPIBudget.
	// More than 1 is for servers that are not AWS.
	APIBudget float64

	// Interval is the time between the beginnings of two scans; 0: not known. A scan that took
	// longer is told of in the next plan's notices.
	Interval time.Duration

	// IncludeTypes and ExcludeTypes are globs on type names, without regard to case:
	// "aws::ec2::*". No IncludeTypes means all types that have a collector; an exclusion wins.
	// A type without a collector that IncludeTypes names in full is listed by Cloud Control.
	IncludeTypes, ExcludeTypes []string

	// Digest replaces secrets (the values of Lambda variables, for example) in
	// documents. Required.
	Digest resource.Digest

	Logger        *slog.Logger         // nil: nothing is logged
	MeterProvider metric.MeterProvider // nil: nothing is measured
	Tracers       trace.TracerProvider // nil: nothing is traced

	// HTTPClient makes the calls; nil: one of our own, with the proxy and the
	// certificates that the SDK's configuration asks for.
	HTTPClient aws.HTTPClient

	// MaxAttempts is how often one call is tried at most, counting the first time.
	// Zero means 5. AWS_MAX_ATTEMPTS and max_attempts of the profile win over it.
	MaxAttempts int

	// LoadConfig reads the SDK's configuration; nil: as every AWS tool does, from the
	// environment and the shared files. It is called again when credentials fail.
	LoadConfig func(ctx context.Context) (aws.Config, error)
}

// Provider implements provider.Provider for AWS accounts. Its methods may be called by
// several goroutines at a time.
type Provider struct {
	regions      []string
	accounts     []destination
	organization *Organization
	collectors   []bound // in the order of the plan
	byType       map[string]bound
	notices      []string
	interval     time.Duration
	loader       loader
	scan         stopwatch
	controlled   []string // the types among them that only Cloud Control knows
	registry     registry

	turn     atomic.Uint32 // of the tag index: counts plans from a random number
	planning sync.Mutex    // one plan at a time
	members  []orgMember   // of the organization, as it last told them; under planning

	identifying sync.Mutex              // one reading of the configuration at a time
	session     atomic.Pointer[session] // of the caller; nil until the account is known

	entering sync.Mutex
	sessions map[string]*session // by account, of those that the last plan entered; under entering
}

// bound is a collector with the encoder of its documents.
type bound struct {
	lister
	encoder *resource.Encoder
}

var (
	_ provider.Provider  = (*Provider)(nil)
	_ provider.Confirmer = (*Provider)(nil)
	_ provider.Comparer  = (*Provider)(nil)
)

// New returns a provider. It calls no API; it fails where the options contradict
// themselves.
func New(o Options) (*Provider, error) {
	regions, err := checkRegions(o.Regions)
	if err != nil {
		return nil, err
	}
	if o.Digest == nil {
		return nil, errors.New("aws: a digest for secrets is required")
	}
	if !(o.APIBudget >= 0) { // nor no number
		return nil, fmt.Errorf("aws: an API budget of %v: want a share above 0", o.APIBudget)
	}
	accounts, err := checkAccounts(o.Accounts, regions)
	if err != nil {
		return nil, err
	}
	if o.Organization != nil && o.Organization.RoleName == "" {
		return nil, errors.New("aws: the organization's accounts need the name of a role")
	}
	if o.MaxAttempts < 0 {
		return nil, fmt.Errorf("aws: %d attempts per call: want at least 1", o.MaxAttempts)
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = defaultMaxAttempts
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MeterProvider == nil {
		o.MeterProvider = noop.NewMeterProvider()
	}
	if o.Tracers == nil {
		o.Tracers = tracenoop.NewTracerProvider()
	}
	counters, err := newCallCounters(o.MeterProvider)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		regions:      regions,
		accounts:     accounts,
		organization: o.Organization,
		byType:       map[string]bound{},
		interval:     o.Interval,
		loader: loader{
			load:        o.LoadConfig,
			home:        homeRegion(regions),
			httpClient:  o.HTTPClient,
			maxAttempts: o.MaxAttempts,
			counters:    counters,
			tracers:     o.Tracers,
			limiter:     newLimiter(cmp.Or(o.APIBudget, DefaultAPIBudget), counters),
			logger:      o.Logger,
		},
	}
	if err := p.bind(o); err != nil {
		return nil, err
	}
	p.turn.Store(rand.Uint32N(tagIndexTurns)) // so that restarts do not begin with the same resources
	return p, nil
}

// bind selects the collectors that the options ask for and makes their encoders.
func (p *Provider) bind(o Options) error {
	all := collectors()
	for _, t := range o.IncludeTypes {
		if typeName.MatchString(t) && !slices.ContainsFunc(all, func(l lister) bool { return strings.EqualFold(l.schema().Type, t) }) {
			all = append(all, newControlled(t))
		}
	}
	for _, g := range slices.Concat(o.IncludeTypes, o.ExcludeTypes) {
		if _, err := path.Match(g, ""); err != nil {
			return fmt.Errorf("aws: type %q: malformed pattern", g)
		}
		if !slices.ContainsFunc(all, func(l lister) bool { return storage.MatchType([]string{g}, l.schema().Type) }) {
			p.notices = append(p.notices, fmt.Sprintf("aws: no resource type matches %q", g))
		}
	}
	for _, l := range all {
		t := l.schema().Type
		if !storage.MatchType(o.IncludeTypes, t) || len(o.ExcludeTypes) > 0 && storage.MatchType(o.ExcludeTypes, t) {
			continue
		}
		encoder, err := resource.NewEncoder(underKey(l.schema(), o.Digest), o.Digest)
		if err != nil {
			return fmt.Errorf("aws: %w", err)
		}
		if _, ok := l.(*controlled); ok {
			p.controlled = append(p.controlled, t)
		}
		b := bound{l, encoder}
		p.collectors = append(p.collectors, b)
		p.byType[t] = b
	}
	if len(p.collectors) == 0 {
		return fmt.Errorf("aws: include_types %q and exclude_types %q leave no resource type to list", o.IncludeTypes, o.ExcludeTypes)
	}
	return nil
}

// regionName is the form of a region's name: "us-east-1", "us-gov-west-1". Whether
// there is such a region is not known here: the partitions' lists grow.
var regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)

func checkRegions(regions []string) ([]string, error) {
	if len(regions) == 0 {
		return nil, errors.New("aws: no region to list; name at least one, such as us-east-1, or all")
	}
	var unique []string
	for _, r := range regions {
		switch {
		case r == AllRegions && len(regions) > 1:
			return nil, fmt.Errorf("aws: region %q cannot stand beside others", AllRegions)
		case r != AllRegions && !regionName.MatchString(r):
			return nil, fmt.Errorf("aws: %q is no region; want a name such as us-east-1, or all", r)
		case !slices.Contains(unique, r):
			unique = append(unique, r)
		}
	}
	return unique, nil
}

// homeRegion is the region that is asked for what belongs to none; empty where the
// SDK's configuration decides.
func homeRegion(regions []string) string {
	if regions[0] == AllRegions {
		return ""
	}
	return regions[0]
}

// Name returns "aws".
func (p *Provider) Name() string { return Name }

// Schema returns the schema of a type's documents, and nil for types that are not
// listed.
func (p *Provider) Schema(resourceType string) *resource.Schema {
	b, ok := p.byType[resourceType]
	if !ok {
		return nil
	}
	return b.encoder.Schema()
}

// underKey returns a schema whose version also says under which key secrets are
// digested. Under another key every digest is another text, which is no change in the
// cloud: a lost key is as quiet as a new release.
func underKey(schema *resource.Schema, digest resource.Digest) *resource.Schema {
	s := *schema
	s.Version |= crc32.ChecksumIEEE([]byte(digest("elava"))) << 16
	return &s
}

// Actions returns the IAM actions that listing the selected types needs in an account,
// sorted. sts:GetCallerIdentity, which Plan calls, needs no permission.
func (p *Provider) Actions() []string {
	var all []string
	if slices.ContainsFunc(p.accounts, destination.allRegions) || p.regions[0] == AllRegions {
		all = append(all, actionDescribeRegions)
	}
	if len(p.controlled) > 0 {
		all = append(all, actionListTypes)
	}
	for _, b := range p.collectors {
		all = append(all, b.actions()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Close drops idle connections. The provider stays usable.
func (p *Provider) Close() {
	if s := p.session.Load(); s != nil {
		s.closeIdle()
	}
}

// Plan asks AWS whose credentials these are, enters the accounts that are listed through
// roles, and returns the scopes of all of them, in turns: those without a region first, then
// region by region. Where the caller's credentials are missing or refused, the SDK's
// configuration is read anew in this Plan and in the next ones, so that credentials that
// appear later are found without a restart.
//
// An account that cannot be entered fails alone. Where none can, the error is the first
// account's. Errors are *provider.Error.
func (p *Provider) Plan(ctx context.Context) (*provider.Plan, error) {
	p.planning.Lock()
	defer p.planning.Unlock()
	p.turn.Add(1)
	base, err := p.identify(ctx)
	if err != nil {
		return nil, err
	}
	destinations, notices, unreached := p.roster(ctx, base)
	accounts := p.enter(ctx, base, destinations)
	if err := ctx.Err(); err != nil {
		return nil, classify(err, "")
	}
	p.setSessions(accounts)
	if !slices.ContainsFunc(accounts, func(a enteredAccount) bool { return a.err == nil }) {
		return nil, accounts[0].err
	}
	unknown, told := p.unknownTypes(ctx, base)
	plan := &provider.Plan{Notices: slices.Concat(p.notices, notices, told, p.overrun())}
	var scopes [][]resource.Scope
	for _, a := range accounts {
		if a.err == nil {
			scopes = append(scopes, p.scopes(a.account, a.regions))
			continue
		}
		plan.Unreached = append(plan.Unreached, &provider.AccountError{Account: a.account, Err: a.err})
		for _, s := range p.scopes(a.account, knownRegions(a.destination, base)) {
			plan.Failed = append(plan.Failed, &provider.ScopeError{Scope: s, Err: a.err})
		}
	}
	if unreached != nil {
		plan.Unreached = append(plan.Unreached, &provider.AccountError{Err: unreached})
	}
	for _, s := range inTurns(scopes) {
		if err := unknown[s.Type]; err != nil {
			plan.Failed = append(plan.Failed, &provider.ScopeError{Scope: s, Err: err})
			continue
		}
		plan.Scopes = append(plan.Scopes, s)
	}
	return plan, nil
}

// overrun begins the next scan, and says why the last one took longer than the interval, if
// it did.
func (p *Provider) overrun() []string {
	slowest := p.loader.limiter.slowest()
	p.loader.limiter.forget()
	took := p.scan.restart()
	if p.interval <= 0 || took <= p.interval {
		return nil
	}
	why := "its calls took that long: raise cloud.scan_concurrency, lengthen daemon.reconciliation_interval, or list less"
	if len(slowest) > 0 {
		why = "it waited for the API budget, most for " + strings.Join(slowest, ", ") +
			": raise cloud.api_budget, lengthen daemon.reconciliation_interval, or list less"
	}
	return []string{fmt.Sprintf("aws: the last scan took longer than the interval of %s; %s", p.interval, why)}
}

// scopes returns the scopes of one account.
func (p *Provider) scopes(account string, regions []string) []resource.Scope {
	var scopes []resource.Scope
	for _, region := range append([]string{resource.Global}, regions...) {
		for _, b := range p.collectors {
			if b.accountWide() == (region == resource.Global) {
				scopes = append(scopes, resource.Scope{
					Provider: Name, Account: account, Region: region, Type: b.schema().Type,
				})
			}
		}
	}
	return scopes
}

// knownRegions are the regions of an account that cannot say which ones it has.
func knownRegions(t destination, base *session) []string {
	if t.allRegions() {
		return []string{base.home()}
	}
	return t.regions
}

// inTurns takes one of each list, then the next of each: accounts are listed side by side,
// as each has limits of its own.
func inTurns(lists [][]resource.Scope) []resource.Scope {
	var all []resource.Scope
	for i := 0; ; i++ {
		before := len(all)
		for _, l := range lists {
			if i < len(l) {
				all = append(all, l[i])
			}
		}
		if len(all) == before {
			return all
		}
	}
}

func (p *Provider) setSessions(accounts []enteredAccount) {
	p.entering.Lock()
	defer p.entering.Unlock()
	p.sessions = map[string]*session{}
	for _, a := range accounts {
		if a.err == nil {
			p.sessions[a.account] = a.session
		}
	}
}

// sessionOf returns the session that the last plan has in an account, nil if it has none.
func (p *Provider) sessionOf(account string) *session {
	p.entering.Lock()
	defer p.entering.Unlock()
	return p.sessions[account]
}

// identify returns a session whose credentials are known to work now.
func (p *Provider) identify(ctx context.Context) (*session, error) {
	p.identifying.Lock()
	defer p.identifying.Unlock()
	if old := p.session.Load(); old != nil && !old.distrusted.Load() {
		s, err := old.identified(ctx)
		if err == nil {
			p.session.Store(s)
			return s, nil
		}
		if provider.ReasonOf(err) != provider.ReasonNoCredentials {
			return nil, err
		}
	}
	s, err := p.loader.session(ctx)
	if err != nil {
		return nil, err
	}
	known, err := s.identified(ctx)
	if err != nil {
		s.closeIdle()
		return nil, err
	}
	if old := p.session.Swap(known); old != nil {
		old.closeIdle()
	}
	p.loader.logger.Debug("AWS account identified", "account", known.account, "partition", known.partition)
	return known, nil
}

// List implements provider.Provider. Its own errors are *provider.Error; the context
// bounds it, as no call has a time limit of its own.
func (p *Provider) List(ctx context.Context, scope resource.Scope, page func([]resource.Resource) error) error {
	return p.read(ctx, scope, page, func(b bound, at place, cfg aws.Config, emit func([]resource.Resource) error) error {
		return b.list(ctx, at, cfg, b.encoder, nil, emit)
	})
}

// ListKnown implements provider.Comparer: it spares calls for the tags of resources that are as
// they are recorded. Its errors are those of List.
func (p *Provider) ListKnown(
	ctx context.Context, scope resource.Scope, same func(*resource.Resource) bool, page func([]resource.Resource) error,
) error {
	return p.read(ctx, scope, page, func(b bound, at place, cfg aws.Config, emit func([]resource.Resource) error) error {
		return b.list(ctx, at, cfg, b.encoder, newTagIndex(cfg, same, p.turn.Load()), emit)
	})
}

// Confirm implements provider.Confirmer, for types of EC2, whose lists are eventually
// consistent. Its errors are those of List.
func (p *Provider) Confirm(ctx context.Context, scope resource.Scope, missing []resource.Key, page func([]resource.Resource) error) error {
	ids := make([]string, len(missing))
	for i, k := range missing {
		ids[i] = k.ID
	}
	return p.read(ctx, scope, page, func(b bound, at place, cfg aws.Config, emit func([]resource.Resource) error) error {
		return b.confirm(ctx, at, cfg, b.encoder, ids, emit)
	})
}

// read has a collector read from a scope with the credentials of its account.
func (p *Provider) read(
	ctx context.Context, scope resource.Scope, page func([]resource.Resource) error,
	from func(b bound, at place, cfg aws.Config, emit func([]resource.Resource) error) error,
) error {
	b, ok := p.byType[scope.Type]
	if !ok || scope.Provider != Name || b.accountWide() != (scope.Region == resource.Global) {
		return &provider.Error{Reason: provider.ReasonOther, Err: fmt.Errorf("aws: %s is no scope of this provider", scope)}
	}
	s, err := p.sessionFor(ctx, scope.Account)
	if err != nil {
		return err
	}
	defer p.scan.lap()
	region, err := s.regionFor(scope, b)
	if err != nil {
		return err
	}
	at := place{partition: s.partition, account: s.account, region: scope.Region}
	var handing error // what page returned: it goes back unchanged
	err = from(b, at, s.config(region), func(rs []resource.Resource) error {
		handing = page(rs)
		return handing
	})
	if err == nil || handing != nil {
		return handing
	}
	if held := (*budgetError)(nil); ctx.Err() != nil && errors.As(err, &held) {
		err = fmt.Errorf("not read to the end: %w", held)
	} else if ctx.Err() != nil {
		err = fmt.Errorf("not read to the end: %w", ctx.Err())
	}
	err = s.explain(ctx, region, classify(err, ""))
	if provider.ReasonOf(err) == provider.ReasonNoCredentials {
		s.distrusted.Store(true)
	}
	return err
}

// sessionFor returns a session whose credentials are those of an account.
func (p *Provider) sessionFor(ctx context.Context, account string) (*session, error) {
	if s := p.sessionOf(account); s != nil {
		return s, nil
	}
	s := p.session.Load()
	if s == nil {
		var err error
		if s, err = p.identify(ctx); err != nil {
			return nil, err
		}
	}
	if s.account != account {
		return nil, &provider.Error{
			Reason: provider.ReasonNoCredentials,
			Err:    fmt.Errorf("aws: the credentials belong to account %s now", s.account),
			Hint:   "give Elava credentials for account " + account + " again, or forget that account",
		}
	}
	return s, nil
}

// stopwatch measures scans: from a plan to the end of the last listing before the next one.
type stopwatch struct {
	mu         sync.Mutex
	begun, end time.Time
}

// lap notes that a listing ended.
func (w *stopwatch) lap() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = time.Now()
}

// restart begins a scan and returns how long the one before took, 0 if there was none.
func (w *stopwatch) restart() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	took := max(0, w.end.Sub(w.begun))
	if w.begun.IsZero() {
		took = 0
	}
	w.begun = time.Now()
	return took
}
