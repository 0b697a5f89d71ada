package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"github.com/elava-dev/elava/resource"
)

// lister is a collector of any type.
type lister interface {
	schema() *resource.Schema
	accountWide() bool
	home(partition string) (region string, offered bool)
	actions() []string
	check(*resource.Encoder) error
	try(ctx context.Context, cfg aws.Config) []tried
	list(ctx context.Context, at place, cfg aws.Config, enc *resource.Encoder, index *tagIndex, emit func([]resource.Resource) error) error
	confirm(ctx context.Context, at place, cfg aws.Config, enc *resource.Encoder, ids []string, emit func([]resource.Resource) error) error
}

// place is where a scope lies.
type place struct {
	partition, account string
	region             string // as in the scope: may be resource.Global
}

// arn fills in a template of collector.arn.
func (p place) arn(template, id string) string {
	return strings.NewReplacer("{partition}", p.partition, "{region}", p.region, "{account}", p.account, "{id}", id).Replace(template)
}

// placeKey is the key under which the contexts of details have the place of the scope.
type placeKey struct{}

// arnIn makes, in a detail, the ARN that the call needs and the list does not tell.
func arnIn(ctx context.Context, template string, id *string) *string {
	at, _ := ctx.Value(placeKey{}).(place)
	return aws.String(at.arn(template, aws.ToString(id)))
}

// collector declares how the resources of one type are listed and read. T is what the
// API says of one of them: the SDK's type, or a struct that embeds it and adds members
// for details.
type collector[T any] struct {
	// rules is the schema of the documents, with the type's name.
	rules resource.Schema

	// global: one listing answers for the whole account.
	global bool

	// homes are the regions that answer for a global service with an endpoint in one region
	// only, by partition; nil: any region of the partition does.
	homes map[string]string

	// action is the IAM action that pages needs, parentAction that of a list above it (see
	// under) and rootAction that of a list above that one, if any.
	action, parentAction, rootAction string

	// also are the IAM actions that pages or details need or may need beside those.
	also []string

	// pages returns the list to read. Clients are made in it and not kept in the
	// collector; the package comment says why.
	pages func(cfg aws.Config) source[T]

	// only, for lists that may lack what is there, returns the same list cut down to some
	// ids, at most confirmBatch.
	only func(cfg aws.Config, ids []string) source[T]

	// details, if any, returns the calls that add what the list leaves out, in the
	// order in which to make them.
	details func(cfg aws.Config) []detail[T]

	// vanished are the error codes by which a detail says that the resource was
	// deleted after it was listed: it is left out.
	vanished []string

	// hide, if any, replaces secrets within members that hold more than those, or of which
	// ids are made. It is called once, before read.
	hide func(v *T, digest resource.Digest)

	// read tells what a listed element is.
	read func(v *T) facts

	// terminal are the statuses of resources that are still listed and gone for good.
	// They count as absent.
	terminal []string

	// arn makes the ARN where the API does not tell it: {partition}, {region},
	// {account} and {id} are replaced.
	arn string
}

// facts is what a resource consists of beside its document.
type facts struct {
	ID      *string
	ARN     *string // nil: made by the collector's template
	Owner   *string // the account in the ARN, where it may be another one (shared subnets)
	Name    string
	Status  string
	UID     string
	Region  string // only for resources with a region of their own in an account-wide scope
	Created *time.Time
	Tags    map[string]string
	Unknown []resource.Unknown // parts that the answers say they could not tell
}

// documented is an element of which only a part is the document.
type documented interface{ document() any }

func documentOf(v any) any {
	if d, ok := v.(documented); ok {
		return d.document()
	}
	return v
}

// element is a listed value on its way to a resource.
type element[T any] struct {
	value    *T
	vanished bool
	hidden   bool
	unknown  []resource.Unknown
	settled  *resource.Resource // what it is, where nothing more needs to be read
}

func (c *collector[T]) schema() *resource.Schema { return &c.rules }
func (c *collector[T]) accountWide() bool        { return c.global }

func (c *collector[T]) home(partition string) (region string, offered bool) {
	if c.homes == nil {
		return "", true
	}
	region, offered = c.homes[partition]
	return region, offered
}

func (c *collector[T]) check(enc *resource.Encoder) error {
	var v T
	return enc.Check(documentOf(&v))
}

func (c *collector[T]) actions() []string {
	all := []string{c.action}
	for _, above := range []string{c.parentAction, c.rootAction} {
		if above != "" {
			all = append(all, above)
		}
	}
	all = append(all, c.also...)
	for _, d := range c.detailsOf(aws.Config{Region: fallbackRegion}) {
		if d.action != "" {
			all = append(all, d.action)
		}
		if d.indexed {
			all = append(all, actionGetResources)
		}
	}
	return all
}

// detailsOf returns the details in the order in which to read them: tags that the tag index may
// know come last, as the index is asked whether a resource is in all else as recorded.
func (c *collector[T]) detailsOf(cfg aws.Config) []detail[T] {
	if c.details == nil {
		return nil
	}
	all := c.details(cfg)
	for i := range all {
		all[i].indexed = all[i].indexed && !c.global // the index is one of a region
		all[i].beside = all[i].beside && !all[i].indexed
	}
	slices.SortStableFunc(all, func(a, b detail[T]) int {
		switch {
		case a.indexed == b.indexed:
			return 0
		case a.indexed:
			return 1
		}
		return -1
	})
	return all
}

func (c *collector[T]) list(
	ctx context.Context, at place, cfg aws.Config, enc *resource.Encoder, index *tagIndex, emit func([]resource.Resource) error,
) error {
	return c.readAll(ctx, c.pages(cfg), at, cfg, enc, index, emit)
}

// confirmBatch is how many ids are asked for at once: a filter of EC2 takes 200 values
// (EC2 User Guide, "List and filter using the CLI and API").
const confirmBatch = 200

func (c *collector[T]) confirm(
	ctx context.Context, at place, cfg aws.Config, enc *resource.Encoder, ids []string, emit func([]resource.Resource) error,
) error {
	if c.only == nil {
		return nil
	}
	for batch := range slices.Chunk(ids, confirmBatch) {
		if err := c.readAll(ctx, c.only(cfg, batch), at, cfg, enc, nil, emit); err != nil {
			return err
		}
	}
	return nil
}

// readAll reads a list to its end, and the details of what it gives. index, if any, may spare
// the tags of some.
func (c *collector[T]) readAll(
	ctx context.Context, from source[T], at place, cfg aws.Config, enc *resource.Encoder, index *tagIndex,
	emit func([]resource.Resource) error,
) error {
	ctx = context.WithValue(ctx, placeKey{}, at)
	details := rounds(c.detailsOf(cfg))
	var buf []byte
	err := from.walk(ctx, func(items []T) error {
		elements := make([]element[T], len(items))
		for i := range items {
			elements[i].value = &items[i]
		}
		for _, round := range details {
			if round[0].indexed && index.usable() { // it is the last one
				if err := c.settle(ctx, index, at, elements, enc, &buf); err != nil {
					return err
				}
			}
			if err := c.fetch(ctx, round, elements); err != nil {
				return err
			}
		}
		page := make([]resource.Resource, 0, len(items))
		for i := range elements {
			r, err := c.resource(at, &elements[i], enc, &buf)
			if err != nil {
				return err
			}
			if r != nil {
				page = append(page, *r)
			}
		}
		if len(page) == 0 {
			return nil
		}
		return emit(page)
	})
	return classify(err, c.action)
}

// outcome is what came of one detail of one element: a failure by which its parts are unknown, or that
// the element is gone.
type outcome struct {
	failure  error
	vanished bool
}

// fetch reads details of all elements, several at a time. It fails only where the scope does.
func (c *collector[T]) fetch(ctx context.Context, round []detail[T], elements []element[T]) error {
	var live []*element[T]
	for i := range elements {
		if !elements[i].vanished && elements[i].settled == nil {
			live = append(live, &elements[i])
		}
	}
	outcomes := make([][]outcome, len(round)) // of each detail its own, as they are read at the same time
	for i := range round {
		outcomes[i] = make([]outcome, len(live))
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(detailCalls)
	// In turns, as each operation has a budget of its own: one detail after the other would leave all
	// but one of them unused.
	for turn, more := 0, true; more; turn++ {
		more = false
		for i := range round {
			size := max(round[i].size, 1)
			from := turn * size
			if from >= len(live) {
				continue
			}
			more = true
			to := min(from+size, len(live))
			group.Go(func() error { return c.fetchBatch(ctx, &round[i], live[from:to], outcomes[i][from:to]) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range round {
		for j, e := range live {
			e.note(&outcomes[i][j], round[i].parts)
		}
	}
	return nil
}

// note takes what came of a detail with these parts.
func (e *element[T]) note(o *outcome, parts []string) {
	e.vanished = e.vanished || o.vanished
	if o.failure == nil {
		return
	}
	for _, part := range parts {
		e.unknown = append(e.unknown, resource.Unknown{Part: part, Err: o.failure})
	}
}

// fetchBatch reads a detail of a batch, and says what came of it for each of its elements.
func (c *collector[T]) fetchBatch(ctx context.Context, d *detail[T], batch []*element[T], outcomes []outcome) error {
	values := make([]*T, len(batch))
	for i, e := range batch {
		values[i] = e.value
	}
	err := d.fetch(ctx, values)
	code := errorCode(err)
	switch {
	case err == nil || slices.Contains(d.absent, code):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case c.gone(code) && len(batch) > 1:
		for i := range batch { // which one?
			if err := c.fetchBatch(ctx, d, batch[i:i+1], outcomes[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	case c.gone(code):
		outcomes[0].vanished = true
		return nil
	}
	failure := classify(err, d.action)
	if len(d.parts) == 0 || d.barred != nil && !d.barred(err) {
		return failure
	}
	for i := range outcomes {
		outcomes[i].failure = failure
	}
	return nil
}

func (c *collector[T]) gone(code string) bool {
	return code == notThere || slices.Contains(c.vanished, code)
}

// resource makes the resource of an element, nil for one that counts as absent. buf is
// used again for every document.
func (c *collector[T]) resource(at place, e *element[T], enc *resource.Encoder, buf *[]byte) (*resource.Resource, error) {
	if e.vanished || e.settled != nil {
		return e.settled, nil
	}
	if c.hide != nil && !e.hidden {
		c.hide(e.value, enc.Digest)
		e.hidden = true
	}
	f := c.read(e.value)
	if slices.Contains(c.terminal, f.Status) {
		return nil, nil
	}
	r := &resource.Resource{
		Key: resource.Key{
			Provider: Name, Account: at.account, Region: at.region, Type: c.rules.Type, ID: aws.ToString(f.ID),
		},
		ARN:     aws.ToString(f.ARN),
		Name:    enc.Redact(f.Name),
		Status:  enc.Redact(f.Status),
		UID:     f.UID,
		Tags:    redacted(f.Tags, enc),
		Unknown: slices.Concat(e.unknown, f.Unknown),
	}
	if f.Region != "" {
		r.Key.Region = f.Region
	}
	if f.Created != nil {
		r.CreatedAt = f.Created.UTC()
	}
	if err := r.Key.Validate(); err != nil {
		return nil, badAnswer("an element of the list: %w", err)
	}
	if r.ARN == "" && c.arn != "" {
		account := at.account
		if f.Owner != nil {
			account = *f.Owner
		}
		r.ARN = place{at.partition, account, r.Key.Region}.arn(c.arn, r.Key.ID)
	}
	doc, err := enc.Append((*buf)[:0], documentOf(e.value))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Key, err)
	}
	*buf = doc
	r.Attributes = slices.Clone(doc)
	return r, nil
}
