package aws_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/resource"
)

// functions is a region with Lambda functions, each with one tag, and the tag index beside it.
type functions struct {
	mu    sync.Mutex
	n     int
	tags  map[string]string // of functions by number, where they are not "a"
	index map[string]string // the same, of the index
	calls map[string]int
}

const functionARN = "arn:aws:lambda:us-east-1:" + account + ":function:f"

func (f *functions) tagOf(tags map[string]string, number string) string {
	if tag, ok := tags[number]; ok {
		return tag
	}
	return "a"
}

func (f *functions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	path, _ := url.PathUnescape(r.URL.EscapedPath())
	switch {
	case strings.Contains(string(body), "Action=GetCallerIdentity"):
		writeIdentity(w)
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetResources"):
		f.calls["GetResources"]++
		var in struct{ ResourceARNList []string }
		_ = json.Unmarshal(body, &in)
		var mappings []string
		for _, arn := range in.ResourceARNList {
			if tag := f.tagOf(f.index, strings.TrimPrefix(arn, functionARN)); tag != "" {
				mappings = append(mappings, fmt.Sprintf(`{"ResourceARN":%q,"Tags":[{"Key":"k","Value":%q}]}`, arn, tag))
			}
		}
		fmt.Fprintf(w, `{"PaginationToken":"","ResourceTagMappingList":[%s]}`, strings.Join(mappings, ","))
	case strings.HasSuffix(path, "/functions"), strings.HasSuffix(path, "/functions/"):
		f.calls["ListFunctions"]++
		first, _ := strconv.Atoi(r.URL.Query().Get("Marker"))
		var page []string
		for i := first; i < min(first+50, f.n); i++ {
			page = append(page, fmt.Sprintf(`{"FunctionName":"f%d","FunctionArn":"%s%d"}`, i, functionARN, i))
		}
		next := ""
		if first+50 < f.n {
			next = fmt.Sprintf(`,"NextMarker":"%d"`, first+50)
		}
		fmt.Fprintf(w, `{"Functions":[%s]%s}`, strings.Join(page, ","), next)
	default:
		f.calls["ListTags"]++
		_, number, _ := strings.Cut(path, functionARN)
		tag := f.tagOf(f.tags, number)
		if tag == "" {
			fmt.Fprint(w, `{"Tags":{}}`)
			return
		}
		fmt.Fprintf(w, `{"Tags":{"k":%q}}`, tag)
	}
}

// scan lists the functions as a receiver that recorded what it was handed before, and returns
// which ones differ from that.
func (f *functions) scan(t *testing.T, p *elavaaws.Provider, recorded map[string]resource.Fingerprint) (changed []string) {
	t.Helper()
	f.mu.Lock()
	f.calls = map[string]int{}
	f.mu.Unlock()
	var h resource.Hasher
	same := func(r *resource.Resource) bool { return recorded[r.Key.ID] == h.Sum(r) }
	err := p.ListKnown(t.Context(), scopeOf("us-east-1", "AWS::Lambda::Function"), same, func(rs []resource.Resource) error {
		for i := range rs {
			if len(rs[i].Unknown) > 0 {
				t.Errorf("%s: unknown is %v", rs[i].Key, rs[i].Unknown)
			}
			if !same(&rs[i]) {
				changed = append(changed, rs[i].Key.ID)
			}
			recorded[rs[i].Key.ID] = h.Sum(&rs[i])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestTagIndex_SparesTheTagsOfFunctions(t *testing.T) {
	f := &functions{n: 500, tags: map[string]string{}, index: map[string]string{}}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	p := (&cloud{url: s.URL}).provider(t, func(o *elavaaws.Options) {
		o.IncludeTypes, o.APIBudget = []string{"AWS::Lambda::Function"}, 1000
	})
	recorded := map[string]resource.Fingerprint{}
	if changed := f.scan(t, p, recorded); len(changed) != 500 || f.calls["ListTags"] != 500 {
		t.Errorf("the first scan found %d and made the calls %v", len(changed), f.calls)
	}
	if changed := f.scan(t, p, recorded); len(changed) != 0 || f.calls["GetResources"] != 10 || f.calls["ListTags"] > 50 {
		t.Errorf("a scan without changes found %v and made the calls %v", changed, f.calls)
	}
	// The index is behind, or ahead, or has forgotten: nothing changed.
	f.index = map[string]string{"1": "older", "2": "", "3": "newer"}
	if changed := f.scan(t, p, recorded); len(changed) != 0 {
		t.Errorf("changed by the index alone: %v", changed)
	}
	// Tags that were set, changed and taken away.
	f.tags = map[string]string{"1": "b", "2": ""}
	f.index = f.tags
	if changed := f.scan(t, p, recorded); fmt.Sprint(changed) != "[f1 f2]" {
		t.Errorf("changed are %v, want f1 and f2", changed)
	}
	if changed := f.scan(t, p, recorded); len(changed) != 0 {
		t.Errorf("changed once more: %v", changed)
	}
}
