package aws_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/elava-dev/elava/provider"
	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/resource"
)

const robots = "AWS::RoboMaker::RobotApplication"

// controlServer speaks what the Cloud Control API and the registry of CloudFormation speak:
// JSON with X-Amz-Target, and the query protocol ("Protocol" in the SDK's models).
type controlServer struct {
	mu         sync.Mutex
	properties map[string]string // by identifier; "" was deleted after it was listed
	fails      map[string]string // error codes by operation
	calls      map[string]int
	regions    map[string]bool // of ListResources
}

func (s *controlServer) serve(t *testing.T) *cloud {
	t.Helper()
	s.calls, s.regions = map[string]int{}, map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, operation, isControl := strings.Cut(r.Header.Get("X-Amz-Target"), "CloudApiService.")
		body, _ := io.ReadAll(r.Body)
		if !isControl {
			s.query(t, w, string(body))
			return
		}
		s.calls[operation]++
		if code := s.fails[operation]; code != "" {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"__type":"com.amazonaws.cloudapiservice#%s","Message":"no"}`, code)
			return
		}
		var in struct{ TypeName, Identifier, NextToken string }
		if err := json.Unmarshal(body, &in); err != nil || in.TypeName == "" {
			t.Errorf("%s was called with %s", operation, body)
		}
		switch operation {
		case "ListResources":
			s.regions[strings.Split(r.Header.Get("Authorization"), "/")[2]] = true
			s.list(w, in.NextToken)
		case "GetResource":
			s.get(w, in.TypeName, in.Identifier)
		default:
			t.Errorf("%s was called", operation)
		}
	}))
	t.Cleanup(server.Close)
	return &cloud{url: server.URL}
}

// list answers with one resource a page and, as AWS does, with a part of its properties.
func (s *controlServer) list(w http.ResponseWriter, token string) {
	ids := slices.Sorted(maps.Keys(s.properties))
	answer := map[string]any{}
	if at := len(token); at < len(ids) {
		answer["ResourceDescriptions"] = []map[string]string{{"Identifier": ids[at], "Properties": `{}`}}
		if at+1 < len(ids) {
			answer["NextToken"] = strings.Repeat("x", at+1)
		}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *controlServer) get(w http.ResponseWriter, typ, id string) {
	if s.properties[id] == "" {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"__type":"com.amazonaws.cloudapiservice#ResourceNotFoundException","Message":"gone"}`)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"TypeName": typ, "ResourceDescription": map[string]string{"Identifier": id, "Properties": s.properties[id]},
	})
}

func (s *controlServer) query(t *testing.T, w http.ResponseWriter, body string) {
	switch {
	case strings.Contains(body, "Action=GetCallerIdentity"):
		writeIdentity(w)
	case strings.Contains(body, "Action=ListTypes"):
		s.calls["ListTypes"]++
		if code := s.fails["ListTypes"]; code != "" {
			w.WriteHeader(403)
			fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`, code)
			return
		}
		more := "<NextToken>more</NextToken>"
		if strings.Contains(body, "NextToken=more") {
			more = ""
		}
		fmt.Fprintf(w, `<ListTypesResponse><ListTypesResult><TypeSummaries><member><TypeName>%s</TypeName></member><member><TypeName>AWS::CloudFront::KeyGroup</TypeName></member></TypeSummaries>%s</ListTypesResult></ListTypesResponse>`, robots, more)
	default:
		t.Errorf("a call was made with %s", body)
	}
}

func controlledBy(t *testing.T, s *controlServer, change func(*elavaaws.Options)) *elavaaws.Provider {
	return s.serve(t).provider(t, func(o *elavaaws.Options) {
		o.IncludeTypes = []string{robots}
		o.MaxAttempts = 1
		if change != nil {
			change(o)
		}
	})
}

func TestCloudControl_ListsATypeWithoutCollector(t *testing.T) {
	s := &controlServer{properties: map[string]string{
		"arn:a":  `{"Name":"rover","Arn":"arn:a","Zero":0,"Big":12345678901234567890,"Nothing":null,"Tags":{"env":"prod","url":"https://u:secret@h/"},"Source":{"b":[2,1],"a":"https://u:secret@h/"}}`,
		"b|c":    `{"Tags":[{"Key":"Name","Value":"second"}]}`,
		"gone":   "",
		"simple": `{"Tags":["x"]}`,
	}}
	p := controlledBy(t, s, nil)
	inv := list(t, p)
	if got := inv.ids(robots); !slices.Equal(got, []string{"arn:a", "b|c", "simple"}) {
		t.Fatalf("listed %q", got)
	}
	a := inv.get(t, robots, "arn:a")
	if a.Name != "rover" || a.ARN != "arn:a" || a.Key.Region != "us-east-1" {
		t.Errorf("got %+v", a)
	}
	wantTags(t, a, map[string]string{"env": "prod", "url": "https://u:" + digest("secret") + "@h/"})
	want := `{"Arn":"arn:a","Big":12345678901234567890,"Name":"rover","Source":{"a":"https://u:` + digest("secret") + `@h/","b":[2,1]},"Zero":0}`
	if string(a.Attributes) != want {
		t.Errorf("attributes are\n%s, want\n%s", a.Attributes, want)
	}
	second := inv.get(t, robots, "b|c")
	wantTags(t, second, map[string]string{"Name": "second"})
	if second.Name != "second" || string(second.Attributes) != "{}" {
		t.Errorf("got %+v", second)
	}
	wantAt(t, inv.get(t, robots, "simple"), []any{"x"}, "Tags")
	if s.calls["ListResources"] != 4 || s.calls["GetResource"] != 4 {
		t.Errorf("calls were %v, want one for each page and one for each resource", s.calls)
	}
	list(t, p)
	if s.calls["ListTypes"] != 4 { // two pages of two kinds
		t.Errorf("the registry was asked %d times, want 4 in two scans", s.calls["ListTypes"])
	}
	if got := p.Actions(); !slices.Equal(got, []string{"cloudformation:GetResource", "cloudformation:ListResources", "cloudformation:ListTypes"}) {
		t.Errorf("actions are %q", got)
	}
}

func TestCloudControl_Failures(t *testing.T) {
	for name, tc := range map[string]struct {
		operation, code string
		reason          provider.Reason
		says            string
	}{
		"list denied":       {"ListResources", "AccessDeniedException", provider.ReasonAccessDenied, "grant the action cloudformation:ListResources"},
		"get denied":        {"GetResource", "AccessDeniedException", provider.ReasonAccessDenied, "grant the action cloudformation:GetResource"},
		"not in the region": {"ListResources", "TypeNotFoundException", provider.ReasonUnavailable, "does not exist in that region"},
		"cannot be listed":  {"ListResources", "UnsupportedActionException", provider.ReasonOther, "cannot list this type"},
		"below another":     {"ListResources", "InvalidRequestException", provider.ReasonOther, "below another"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &controlServer{properties: map[string]string{"a": `{}`}, fails: map[string]string{tc.operation: tc.code}}
			_, err := listScope(t, controlledBy(t, s, nil), resource.Scope{Provider: "aws", Account: account, Region: "us-east-1", Type: robots})
			if provider.ReasonOf(err) != tc.reason || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	s := &controlServer{properties: map[string]string{"a": `"text"`}}
	_, err := listScope(t, controlledBy(t, s, nil), resource.Scope{Provider: "aws", Account: account, Region: "us-east-1", Type: robots})
	if provider.ReasonOf(err) != provider.ReasonBadAnswer {
		t.Errorf("properties that are none: %v", err)
	}
}

// A type that does not exist fails by itself and says so; where the registry cannot be
// asked, the type is tried.
func TestCloudControl_AsksTheRegistry(t *testing.T) {
	s := &controlServer{properties: map[string]string{"a": `{}`}}
	p := controlledBy(t, s, func(o *elavaaws.Options) { o.IncludeTypes = []string{robots, "AWS::RoboMaker::Robott"} })
	plan, err := p.Plan(t.Context())
	if err != nil || len(plan.Scopes) != 1 || len(plan.Failed) != 1 {
		t.Fatalf("plan is %+v, %v", plan, err)
	}
	want := "aws: AWS::RoboMaker::Robott has no collector, and Cloud Control does not know the type: correct or remove it in include_types"
	if f := plan.Failed[0]; f.Scope.Type != "AWS::RoboMaker::Robott" || f.Err.Error() != want {
		t.Errorf("failed: %v", f)
	}
	s = &controlServer{properties: map[string]string{"a": `{}`}, fails: map[string]string{"ListTypes": "AccessDenied"}}
	plan, err = controlledBy(t, s, nil).Plan(t.Context())
	if err != nil || len(plan.Scopes) != 1 || len(plan.Notices) != 1 || !strings.Contains(plan.Notices[0], "grant the action cloudformation:ListTypes") {
		t.Errorf("plan is %+v, %v", plan, err)
	}
}

// Services without a region are asked where their control plane is.
func TestCloudControl_ServicesWithoutRegion(t *testing.T) {
	s := &controlServer{properties: map[string]string{"a": `{}`}}
	p := controlledBy(t, s, func(o *elavaaws.Options) {
		o.Regions = []string{"eu-west-1", "eu-central-1"}
		o.IncludeTypes = []string{"AWS::CloudFront::KeyGroup"}
	})
	plan, err := p.Plan(t.Context())
	if err != nil || len(plan.Scopes) != 1 || plan.Scopes[0].Region != resource.Global {
		t.Fatalf("plan is %+v, %v", plan, err)
	}
	if _, err := listScope(t, p, plan.Scopes[0]); err != nil {
		t.Error(err)
	}
	if !maps.Equal(s.regions, map[string]bool{"us-east-1": true}) {
		t.Errorf("asked in %v", s.regions)
	}
}

func TestCloudControl_Check(t *testing.T) {
	s := &controlServer{properties: map[string]string{"a": `{}`, "b": `{}`}, fails: map[string]string{"GetResource": "AccessDeniedException"}}
	got := checked(t, controlledBy(t, s, nil))
	want := account + "/us-east-1 " + robots + " denied cloudformation:GetResource"
	if got[len(got)-1] != want || s.calls["ListResources"] != 1 {
		t.Errorf("found %q with calls %v", got, s.calls)
	}
}
