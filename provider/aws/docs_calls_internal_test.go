package aws

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
)

// seenCall is a call that a collector was seen to make, without an answer.
type seenCall struct {
	operation string // "lambda ListTags"
	page      int    // what it asks for at a time; 0: it leaves that to the service
}

// watcher stops calls before they are made, and notes them.
type watcher struct {
	mu    sync.Mutex
	calls []seenCall
}

func (w *watcher) config() aws.Config {
	return aws.Config{Region: fallbackRegion, APIOptions: []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("watch",
			func(_ context.Context, in middleware.InitializeInput, _ middleware.InitializeHandler) (
				out middleware.InitializeOutput, md middleware.Metadata, err error,
			) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.calls = append(w.calls, seenCallOf(in.Parameters))
				return out, md, errEnough
			}), middleware.Before)
	}}}
}

// seenCallOf reads operation and page size from a request, such as *lambda.ListTagsInput.
func seenCallOf(request any) seenCall {
	v := reflect.ValueOf(request).Elem()
	pkg := v.Type().PkgPath()
	c := seenCall{operation: pkg[strings.LastIndexByte(pkg, '/')+1:] + " " + strings.TrimSuffix(v.Type().Name(), "Input")}
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		if n, ok := v.Field(i).Interface().(*int32); ok && n != nil {
			c.page = int(*n)
		}
	}
	return c
}

// during returns the calls that f makes up to the first that needs an answer. What f does
// with an element that has no members may panic.
func (w *watcher) during(f func()) []seenCall {
	w.calls = nil
	func() {
		defer func() { _ = recover() }()
		f()
	}()
	return w.calls
}

// costs are the calls of a collector for 1,000 resources.
type costs interface{ costs() []string }

func (c *collector[T]) costs() []string {
	w := &watcher{}
	pages := c.pages(w.config())
	var all []string
	if below, ok := pages.(nestedList); ok {
		parents, children := below.watched(w)
		for _, call := range parents {
			all = append(all, fmt.Sprintf("`%s` %s of what it is below", call.operation, ofPages(call.page)))
		}
		for _, call := range children {
			all = append(all, fmt.Sprintf("`%s` 1 for each of these", call.operation))
		}
	} else {
		for _, call := range w.during(func() { _ = pages.walk(context.Background(), func([]T) error { return nil }) }) {
			all = append(all, fmt.Sprintf("`%s` %s", call.operation, ofPages(call.page)))
		}
	}
	for _, d := range c.detailsOf(w.config()) {
		n := 1000 / max(d.size, 1)
		if d.indexed {
			all = append(all, c.indexedCost(w, pages, &d))
			continue
		}
		calls := w.during(func() { _ = d.fetch(context.Background(), []*T{new(T)}) })
		if len(calls) == 0 { // it looks at the element first
			all = append(all, fmt.Sprintf("`%s` up to %s", strings.Replace(cmp.Or(d.action, "without an action"), ":", " ", 1), thousands(n)))
			continue
		}
		all = append(all, fmt.Sprintf("`%s` %s", calls[0].operation, thousands(n)))
	}
	return all
}

// indexedCost is what tags cost where the index may spare them.
func (c *collector[T]) indexedCost(w *watcher, pages source[T], d *detail[T]) string {
	calls := w.during(func() { _ = pages.walk(context.Background(), func([]T) error { return nil }) })
	index := "1 for each page of the list"
	if _, nested := pages.(nestedList); !nested && len(calls) == 1 && calls[0].page > 0 {
		index = thousands(1000 / min(calls[0].page, tagIndexBatch))
	}
	own := strings.Replace(d.action, ":", " ", 1)
	if calls := w.during(func() { _ = d.fetch(context.Background(), []*T{new(T)}) }); len(calls) > 0 {
		own = calls[0].operation
	}
	return fmt.Sprintf("`resourcegroupstaggingapi GetResources` %s, `%s` about %d and 1 for each that is new or changed", index, own, 1000/tagIndexTurns)
}

// nestedList is a list below another one.
type nestedList interface {
	watched(*watcher) (parents, children []seenCall)
}

// watched returns the calls for the parents and those for the children of one of them.
func (n nested[P, T]) watched(w *watcher) (parents, children []seenCall) {
	parents = w.during(func() { _ = n.parents.walk(context.Background(), func([]P) error { return nil }) })
	children = w.during(func() { _ = n.children(new(P)).walk(context.Background(), func([]T) error { return nil }) })
	return parents, children
}

func (c *controlled) costs() []string {
	return []string{"`cloudcontrol ListResources` " + ofPages(controlPage), "`cloudcontrol GetResource` 1,000"}
}

func ofPages(size int) string {
	if size == 0 {
		return "1 for each page of the service's own size"
	}
	return thousands((1000 + size - 1) / size)
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// collectorsByType returns all collectors by their types.
func collectorsByType() []lister {
	all := append(collectors(), newControlled("AWS::Any::Other"))
	slices.SortFunc(all, func(x, y lister) int { return strings.Compare(x.schema().Type, y.schema().Type) })
	return all
}

func callsPage() string {
	var b strings.Builder
	b.WriteString("# Calls of the AWS provider\n\n" + generatedNote + `
What one scan of one scope costs at most, for 1,000 resources in it, and what it needs. Tags for which ` + "`GetResources`" + ` stands here cost a call for each resource in the first
scan of a scope, where ` + "`tag:GetResources`" + ` is denied, and where no resource of the scope has tags ([decision 7](decisions/0007-tag-index.md)). A list is read at least once, also where it is empty. Beside these, a scan calls ` +
		"`sts GetCallerIdentity`" + ` once for each
account, ` + "`ec2 DescribeRegions`" + ` once for each account with ` + "`region: all`" + `, ` + "`sts AssumeRole`" + ` once an hour for each role, and, with
` + "`cloud.organization`" + `, ` + "`organizations ListAccounts`" + `. No call is one that AWS charges for by itself.

| Type | Calls for 1,000 resources | IAM actions |
| --- | --- | --- |
`)
	for _, c := range collectorsByType() {
		actions := c.actions()
		slices.Sort(actions)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.schema().Type, strings.Join(c.(costs).costs(), ", "), code(slices.Compact(actions)))
	}
	b.WriteString("\n`AWS::Any::Other` stands for every type without a collector ([aws.md](aws.md#types-without-a-collector)).\n")
	return b.String()
}

const generatedNote = "<!-- Generated by: go test ./provider/aws -run TestDocs -update. Edits are lost. -->\n"

func TestDocs_OfCalls(t *testing.T) {
	const file = "../../docs/aws-calls.md"
	want := callsPage()
	if *updateDocs {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s is out of date (%v): run go test ./provider/aws -run TestDocs -update", file, err)
	}
}

// The calls are taken from what the collectors do, so what is known of some of them checks
// the rest.
func TestDocs_CallsAreThoseThatAreMade(t *testing.T) {
	want := map[string]string{
		"AWS::EC2::Instance":    "`ec2 DescribeInstances` 1",
		"AWS::Lambda::Function": "`lambda ListFunctions` 20, `resourcegroupstaggingapi GetResources` 20, `lambda ListTags` about 31 and 1 for each",
		"AWS::S3::Bucket":       "`s3 ListBuckets` 1, `s3 HeadBucket` 1,000, ",
	}
	for _, c := range collectors() {
		got := strings.Join(c.(costs).costs(), ", ")
		if w := want[c.schema().Type]; !strings.HasPrefix(got, w) || got == "" {
			t.Errorf("%s: %s, want %s", c.schema().Type, got, w)
		}
	}
}
