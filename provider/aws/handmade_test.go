package aws_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
)

// reply answers one operation: a JSON text, or a CBOR map. It is handed the members of a
// request in JSON.
type reply func(request map[string]any) any

// refusal is the answer of a JSON service that fails.
type refusal string

// refused is a refusal with a text of its own.
type refused struct{ code, message string }

// handmade serves answers in the wire format of JSON services (operation in
// X-Amz-Target) and of CBOR services (operation in the path), by operation. STS answers
// as in fixtures.
func handmade(t *testing.T, replies map[string]reply) *cloud {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading a request: %v", err)
		}
		if strings.Contains(string(body), "Action=GetCallerIdentity") {
			writeIdentity(w)
			return
		}
		operation := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			operation = target[strings.LastIndexByte(target, '.')+1:]
		}
		answer, ok := replies[operation]
		if !ok {
			t.Errorf("unexpected call of %s", operation)
			w.WriteHeader(http.StatusNotFound)
			return
		}
		request := map[string]any{}
		_ = json.Unmarshal(body, &request) // a request in CBOR is not read
		switch a := answer(request).(type) {
		case string:
			fmt.Fprint(w, a)
		case refusal:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, a)
		case refused:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"__type":%q,"message":%q}`, a.code, a.message)
		case cbor.Map:
			w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
			w.Header().Set("Content-Type", "application/cbor")
			_, _ = w.Write(cbor.Encode(a))
		}
	}))
	t.Cleanup(s.Close)
	return &cloud{url: s.URL}
}

func always(answer any) reply { return func(map[string]any) any { return answer } }

// names are the strings of a member of a request.
func names(request map[string]any, member string) []string {
	var all []string
	list, _ := request[member].([]any)
	for _, v := range list {
		all = append(all, fmt.Sprint(v))
	}
	return all
}

func scopeOf(region, typ string) resource.Scope {
	return resource.Scope{Provider: "aws", Account: account, Region: region, Type: typ}
}

// listHandmade lists one type twice and fails where the second listing differs.
func listHandmade(t *testing.T, c *cloud, region, typ string) []resource.Resource {
	t.Helper()
	p := c.provider(t, only(typ))
	rs, err := listScope(t, p, scopeOf(region, typ))
	if err != nil {
		t.Fatal(err)
	}
	again, err := listScope(t, p, scopeOf(region, typ))
	if err != nil || len(again) != len(rs) {
		t.Fatalf("%d resources, then %d, %v", len(rs), len(again), err)
	}
	var h resource.Hasher
	for i := range rs {
		if h.Sum(&rs[i]) != h.Sum(&again[i]) || len(rs[i].Unknown) > 0 {
			t.Errorf("differs, or has unknown parts %v: %s %s", rs[i].Unknown, rs[i].Attributes, again[i].Attributes)
		}
	}
	return rs
}

func alarmNamed(name, state string) cbor.Map {
	return cbor.Map{
		"AlarmName": cbor.String(name), "AlarmArn": cbor.String("arn:aws:cloudwatch:us-east-1:" + account + ":alarm:" + name),
		"StateValue": cbor.String(state), "Threshold": cbor.Float64(1.5), "ActionsEnabled": cbor.Bool(true),
		"StateUpdatedTimestamp": &cbor.Tag{ID: 1, Value: cbor.Float64(time.Now().Unix())},
	}
}

func TestHandmade_Alarms(t *testing.T) {
	tags := cbor.Map{"Tags": cbor.List{cbor.Map{"Key": cbor.String("team"), "Value": cbor.String("a")}}}
	pages, state := 0, "OK"
	c := handmade(t, map[string]reply{
		"DescribeAlarms": func(map[string]any) any {
			pages++
			state = map[string]string{"OK": "ALARM", "ALARM": "OK"}[state]
			if pages%2 == 1 {
				return cbor.Map{"MetricAlarms": cbor.List{alarmNamed("a", state)}, "CompositeAlarms": cbor.List{alarmNamed("c", state)}, "NextToken": cbor.String("more")}
			}
			return cbor.Map{"MetricAlarms": cbor.List{alarmNamed("b", state)}}
		},
		"ListTagsForResource": always(tags),
	})
	rs := listHandmade(t, c, "us-east-1", "AWS::CloudWatch::Alarm")
	if len(rs) != 2 || rs[0].Key.ID != "a" || rs[1].Key.ID != "b" || rs[0].Status != "" || rs[0].ARN == "" {
		t.Fatalf("got %+v", rs)
	}
	wantTags(t, rs[0], map[string]string{"team": "a"})
	wantAt(t, rs[0], 1.5, "Threshold")
	wantAt(t, rs[0], nil, "StateValue")
	if rs := listHandmade(t, c, "us-east-1", "AWS::CloudWatch::CompositeAlarm"); len(rs) != 1 || rs[0].Key.ID != "c" {
		t.Errorf("got %+v", rs)
	}
}

func TestHandmade_Dashboards(t *testing.T) {
	c := handmade(t, map[string]reply{
		"ListDashboards": always(cbor.Map{"DashboardEntries": cbor.List{cbor.Map{
			"DashboardName": cbor.String("ops"), "DashboardArn": cbor.String("arn:aws:cloudwatch::" + account + ":dashboard/ops"),
			"Size": cbor.Uint(20),
		}}}),
		"GetDashboard": always(cbor.Map{"DashboardName": cbor.String("ops"), "DashboardBody": cbor.String(`{"widgets":[{"type":"text"}]}`)}),
	})
	rs := listHandmade(t, c, resource.Global, "AWS::CloudWatch::Dashboard")
	if len(rs) != 1 || rs[0].Key.ID != "ops" || rs[0].Key.Region != resource.Global {
		t.Fatalf("got %+v", rs)
	}
	wantAt(t, rs[0], "text", "DashboardBody", "widgets", 0, "type")
}

// An answer of CloudWatch that is none is a failure, not an account without alarms.
func TestHandmade_NoCBORIsNoAnswer(t *testing.T) {
	for name, answer := range map[string]any{"empty": "", "JSON": `{"MetricAlarms":[]}`} {
		c := handmade(t, map[string]reply{"DescribeAlarms": always(answer)})
		rs, err := listScope(t, c.provider(t, only("AWS::CloudWatch::Alarm")), scopeOf("us-east-1", "AWS::CloudWatch::Alarm"))
		if provider.ReasonOf(err) != provider.ReasonBadAnswer {
			t.Errorf("%s: %d alarms, %v; want a bad answer", name, len(rs), err)
		}
	}
}

// A repository that is gone between the list and the batch is left out, and the others of
// the batch are not.
func TestHandmade_Repositories(t *testing.T) {
	c := handmade(t, map[string]reply{
		"ListRepositories": func(request map[string]any) any {
			if request["nextToken"] == nil {
				return `{"repositories":[{"repositoryName":"a"},{"repositoryName":"gone"}],"nextToken":"two"}`
			}
			return `{"repositories":[{"repositoryName":"b"}]}`
		},
		"BatchGetRepositories": func(request map[string]any) any {
			var found []string
			for _, n := range names(request, "repositoryNames") {
				if n != "gone" {
					found = append(found, fmt.Sprintf(`{"repositoryName":%q,"repositoryId":"id-%s","Arn":"arn:aws:codecommit:us-east-1:%s:%s","lastModifiedDate":%d}`, n, n, account, n, time.Now().Unix()))
				}
			}
			return `{"repositories":[` + strings.Join(found, ",") + `],"repositoriesNotFound":["gone"]}`
		},
		"ListTagsForResource": always(`{"tags":{"team":"a"}}`),
	})
	rs := listHandmade(t, c, "us-east-1", "AWS::CodeCommit::Repository")
	if len(rs) != 2 || rs[0].Key.ID != "a" || rs[1].Key.ID != "b" || rs[0].UID != "id-a" || rs[1].ARN == "" {
		t.Fatalf("got %+v", rs)
	}
	wantTags(t, rs[1], map[string]string{"team": "a"})
}

// Groups are asked for by application, and those of an application that is gone are not
// there.
func TestHandmade_DeploymentGroups(t *testing.T) {
	c := handmade(t, map[string]reply{
		"ListApplications": always(`{"applications":["web","gone","api"]}`),
		"ListDeploymentGroups": func(request map[string]any) any {
			switch request["applicationName"] {
			case "gone":
				return refusal("ApplicationDoesNotExistException")
			case "web":
				return `{"deploymentGroups":["blue","green"]}`
			}
			return `{"deploymentGroups":["blue"]}`
		},
		"BatchGetDeploymentGroups": func(request map[string]any) any {
			var found []string
			for _, n := range names(request, "deploymentGroupNames") {
				found = append(found, fmt.Sprintf(`{"applicationName":%q,"deploymentGroupName":%q,"deploymentGroupId":"id","serviceRoleArn":"role"}`, request["applicationName"], n))
			}
			return `{"deploymentGroupsInfo":[` + strings.Join(found, ",") + `]}`
		},
	})
	p := c.provider(t, only("AWS::CodeDeploy::DeploymentGroup"))
	rs, err := listScope(t, p, scopeOf("us-east-1", "AWS::CodeDeploy::DeploymentGroup"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range rs {
		ids = append(ids, r.Key.ID)
		wantAt(t, r, "role", "ServiceRoleArn")
	}
	slices.Sort(ids) // applications are asked at the same time
	if want := []string{"api/blue", "web/blue", "web/green"}; !slices.Equal(ids, want) {
		t.Errorf("listed %q, want %q", ids, want)
	}
}

// An account that cannot see its organization has nothing to list; one that could, and
// may not, fails.
func TestHandmade_OrganizationsSeenByMembers(t *testing.T) {
	describe := func(management string) reply {
		return always(`{"Organization":{"MasterAccountId":"` + management + `"}}`)
	}
	for name, tt := range map[string]struct {
		replies map[string]reply
		want    provider.Reason
	}{
		"no organization": {map[string]reply{"ListAccounts": always(refusal("AWSOrganizationsNotInUseException"))}, provider.ReasonUnavailable},
		"a member": {map[string]reply{
			"ListAccounts": always(refusal("AccessDeniedException")), "DescribeOrganization": describe("999999999999"),
		}, provider.ReasonUnavailable},
		"the management account without permission": {map[string]reply{
			"ListAccounts": always(refusal("AccessDeniedException")), "DescribeOrganization": describe(account),
		}, provider.ReasonAccessDenied},
		"nobody knows": {map[string]reply{
			"ListAccounts": always(refusal("AccessDeniedException")), "DescribeOrganization": always(refusal("AccessDeniedException")),
		}, provider.ReasonAccessDenied},
	} {
		c := handmade(t, tt.replies)
		_, err := listScope(t, c.provider(t, only("AWS::Organizations::Account")), scopeOf(resource.Global, "AWS::Organizations::Account"))
		if provider.ReasonOf(err) != tt.want {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

// A type of policies that the partition does not know has none. A failure in the middle
// of a list is a failure, whatever its code.
func TestHandmade_PolicyTypesThatArePartlyUnknown(t *testing.T) {
	cut := false
	c := handmade(t, map[string]reply{
		"ListPolicies": func(request map[string]any) any {
			switch {
			case request["Filter"] != "SERVICE_CONTROL_POLICY":
				return refusal("InvalidInputException")
			case request["NextToken"] != nil && cut:
				return refusal("InvalidInputException")
			case request["NextToken"] != nil:
				return `{"Policies":[{"Id":"p-2","Name":"b"}]}`
			}
			return `{"Policies":[{"Id":"p-1","Name":"a"},{"Id":"p-0","AwsManaged":true}],"NextToken":"two"}`
		},
		"DescribePolicy":      always(`{"Policy":{"Content":"{\"Statement\":[]}"}}`),
		"ListTagsForResource": always(`{"Tags":[]}`),
	})
	if rs := listHandmade(t, c, resource.Global, "AWS::Organizations::Policy"); len(rs) != 2 || rs[0].Key.ID != "p-1" || rs[1].Key.ID != "p-2" {
		t.Errorf("got %+v", rs)
	}
	cut = true
	scope := scopeOf(resource.Global, "AWS::Organizations::Policy")
	if _, err := listScope(t, c.provider(t, only(scope.Type)), scope); provider.ReasonOf(err) != provider.ReasonOther {
		t.Errorf("got %v, want a failure", err)
	}
}

func TestHandmade_Applications(t *testing.T) {
	c := handmade(t, map[string]reply{
		"ListApplications": always(`{"applications":["web","gone"]}`),
		"BatchGetApplications": func(request map[string]any) any {
			if slices.Contains(names(request, "applicationNames"), "gone") {
				return refusal("ApplicationDoesNotExistException")
			}
			return `{"applicationsInfo":[{"applicationId":"id","applicationName":"web","computePlatform":"ECS","createTime":1761127200}]}`
		},
	})
	rs := listHandmade(t, c, "us-east-1", "AWS::CodeDeploy::Application")
	if len(rs) != 1 || rs[0].Key.ID != "web" || rs[0].UID != "id" || rs[0].ARN != "arn:aws:codedeploy:us-east-1:"+account+":application:web" || rs[0].CreatedAt.IsZero() {
		t.Fatalf("got %+v", rs)
	}
	wantAt(t, rs[0], "ECS", "ComputePlatform")
}

// The order of stages stays, and what opens a repository is no longer to be read.
func TestHandmade_Pipelines(t *testing.T) {
	arn := "arn:aws:codepipeline:us-east-1:" + account + ":release"
	c := handmade(t, map[string]reply{
		"ListPipelines": always(`{"pipelines":[{"name":"release","version":1}]}`),
		"GetPipeline": always(`{"pipeline":{"name":"release","version":1,"stages":[
			{"name":"source","actions":[{"name":"read","configuration":{"Branch":"main","OAuthToken":"hunter2"}}]},
			{"name":"build","actions":[{"name":"make","configuration":{"EnvironmentVariables":"[{\"name\":\"A\",\"value\":\"hunter2\"}]"}}]}]},
			"metadata":{"pipelineArn":"` + arn + `","created":1761127200,"updated":1761127200}}`),
		"ListTagsForResource": always(`{"tags":[{"key":"team","value":"a"}]}`),
	})
	rs := listHandmade(t, c, "us-east-1", "AWS::CodePipeline::Pipeline")
	if len(rs) != 1 || rs[0].Key.ID != "release" || rs[0].ARN != arn || rs[0].CreatedAt.IsZero() {
		t.Fatalf("got %+v", rs)
	}
	wantTags(t, rs[0], map[string]string{"team": "a"})
	wantAt(t, rs[0], "source", "Stages", 0, "Name")
	wantAt(t, rs[0], "main", "Stages", 0, "Actions", 0, "Configuration", "Branch")
	wantAt(t, rs[0], digest("hunter2"), "SecretConfiguration", "source/read/OAuthToken")
	if strings.Contains(string(rs[0].Attributes), "hunter2") {
		t.Errorf("the document holds a secret: %s", rs[0].Attributes)
	}
}

// AWS's own keys and aliases are left out, and their policies are not asked for.
func TestHandmade_KeysOfAWSAreNotListed(t *testing.T) {
	ofAWS := func(request map[string]any) bool { return request["KeyId"] == "aws" }
	c := handmade(t, map[string]reply{
		"ListKeys": always(`{"Keys":[{"KeyId":"aws"},{"KeyId":"ours"}],"Truncated":false}`),
		"DescribeKey": func(request map[string]any) any {
			if ofAWS(request) {
				return `{"KeyMetadata":{"KeyId":"aws","KeyManager":"AWS"}}`
			}
			return `{"KeyMetadata":{"KeyId":"ours","KeyManager":"CUSTOMER","KeyState":"PendingDeletion","Arn":"arn"}}`
		},
		"GetKeyPolicy": func(request map[string]any) any {
			if ofAWS(request) {
				t.Error("the policy of a key of AWS was asked for")
			}
			return `{"Policy":"{\"Statement\":[{\"Sid\":\"a\"}]}"}`
		},
		"GetKeyRotationStatus": always(refusal("UnsupportedOperationException")),
		"ListResourceTags":     always(`{"Tags":[{"TagKey":"team","TagValue":"a"}],"Truncated":false}`),
		"ListAliases":          always(`{"Aliases":[{"AliasName":"alias/aws/s3"},{"AliasName":"alias/ours"}],"Truncated":false}`),
	})
	rs := listHandmade(t, c, "us-east-1", "AWS::KMS::Key")
	if len(rs) != 1 || rs[0].Key.ID != "ours" || rs[0].Status != "PendingDeletion" {
		t.Fatalf("got %+v", rs)
	}
	wantTags(t, rs[0], map[string]string{"team": "a"})
	wantAt(t, rs[0], "a", "Policy", "Statement", 0, "Sid")
	if rs := listHandmade(t, c, "us-east-1", "AWS::KMS::Alias"); len(rs) != 1 || rs[0].Key.ID != "alias/ours" {
		t.Errorf("got %+v", rs)
	}
}

// A repository of which a batch says neither what it is nor that it is gone, because its key
// cannot be used for example, is not absent: the scope fails.
func TestHandmade_RepositoryThatCannotBeRead(t *testing.T) {
	c := handmade(t, map[string]reply{
		"ListRepositories":     always(`{"repositories":[{"repositoryName":"a"},{"repositoryName":"locked"}]}`),
		"BatchGetRepositories": always(`{"repositories":[{"repositoryName":"a"}],"errors":[{"repositoryName":"locked","errorCode":"EncryptionKeyUnavailableException"}]}`),
		"ListTagsForResource":  always(`{"tags":{}}`),
	})
	rs, err := listScope(t, c.provider(t, only("AWS::CodeCommit::Repository")), scopeOf("us-east-1", "AWS::CodeCommit::Repository"))
	if provider.ReasonOf(err) != provider.ReasonBadAnswer {
		t.Errorf("listed %d repositories, %v; want a bad answer", len(rs), err)
	}
}

// An answer that leaves a trail out says nothing of its tags: they are unknown, not none. One
// trail's tags may come in parts.
func TestHandmade_TrailThatAnAnswerLeavesOut(t *testing.T) {
	const arn = "arn:aws:cloudtrail:us-east-1:123456789012:trail/"
	leaveOut := false
	c := handmade(t, map[string]reply{
		"DescribeTrails": always(`{"trailList":[{"Name":"a","TrailARN":"` + arn + `a"},{"Name":"b","TrailARN":"` + arn + `b"}]}`),
		"GetEventSelectors": func(request map[string]any) any {
			return fmt.Sprintf(`{"TrailARN":%q}`, request["TrailName"])
		},
		"GetTrailStatus": always(`{"IsLogging":true}`),
		"ListTags": func(request map[string]any) any {
			switch {
			case leaveOut:
				return `{"ResourceTagList":[{"ResourceId":"` + arn + `a","TagsList":[]}]}`
			case request["NextToken"] == nil:
				return `{"ResourceTagList":[{"ResourceId":"` + arn + `a","TagsList":[]},{"ResourceId":"` + arn + `b","TagsList":[{"Key":"k","Value":"1"}]}],"NextToken":"2"}`
			}
			return `{"ResourceTagList":[{"ResourceId":"` + arn + `b","TagsList":[{"Key":"l","Value":"2"}]}]}`
		},
	})
	const typ = "AWS::CloudTrail::Trail"
	rs := listHandmade(t, c, "us-east-1", typ)
	wantTags(t, rs[0], map[string]string{})
	wantTags(t, rs[1], map[string]string{"k": "1", "l": "2"})
	leaveOut = true
	rs, err := listScope(t, c.provider(t, only(typ)), scopeOf("us-east-1", typ))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if len(r.Unknown) != 1 || r.Unknown[0].Part != resource.PartTags || provider.ReasonOf(r.Unknown[0].Err) != provider.ReasonBadAnswer {
			t.Errorf("%s: tags %v, unknown %v", r.Key, r.Tags, r.Unknown)
		}
	}
}

// keysOf serves keys of which some may not be described: "ours" and "theirs" of the customer,
// "aws" of AWS. denied tells which; aliases is what ListAliases answers of a key.
func keysOf(t *testing.T, denied func(key string) string, aliases func(key string) any) *cloud {
	t.Helper()
	return handmade(t, map[string]reply{
		"ListKeys": always(`{"Keys":[{"KeyId":"aws","KeyArn":"arn:aws"},{"KeyId":"ours","KeyArn":"arn:ours"},{"KeyId":"theirs","KeyArn":"arn:theirs"}],"Truncated":false}`),
		"DescribeKey": func(request map[string]any) any {
			key := fmt.Sprint(request["KeyId"])
			if code := denied(key); code != "" {
				return refusal(code)
			}
			manager := "CUSTOMER"
			if key == "aws" {
				manager = "AWS"
			}
			return `{"KeyMetadata":{"KeyId":"` + key + `","Arn":"arn:` + key + `","KeyManager":"` + manager + `","KeyState":"Enabled","CreationDate":1761127200,"Description":"d","KeySpec":"RSA_2048","SigningAlgorithms":["RSASSA_PSS_SHA_256"]}}`
		},
		"GetKeyPolicy":         always(`{"Policy":"{\"Statement\":[{\"Sid\":\"a\"}]}"}`),
		"GetKeyRotationStatus": always(`{"KeyRotationEnabled":true}`),
		"ListResourceTags":     always(`{"Tags":[{"TagKey":"team","TagValue":"a"}],"Truncated":false}`),
		"ListAliases":          func(request map[string]any) any { return aliases(fmt.Sprint(request["KeyId"])) },
	})
}

func aliasesOfAWS(key string) any {
	if key == "aws" {
		return `{"Aliases":[{"AliasName":"alias/aws/s3","TargetKeyId":"aws"}],"Truncated":false}`
	}
	return `{"Aliases":[{"AliasName":"alias/mine"}],"Truncated":false}`
}

// A key that may not be described is listed by what ListKeys says; with what was known of it
// before it is what it was, to the byte. The others are complete.
func TestHandmade_KeyThatMayNotBeDescribedIsUnknownInPartsAndFailsNoOther(t *testing.T) {
	barred := ""
	c := keysOf(t, func(key string) string {
		if key == barred {
			return "AccessDeniedException"
		}
		return ""
	}, func(string) any { return `{"Aliases":[],"Truncated":false}` })
	before := listHandmade(t, c, "us-east-1", "AWS::KMS::Key")
	barred = "theirs"
	rs, err := listScope(t, c.provider(t, only("AWS::KMS::Key")), scopeOf("us-east-1", "AWS::KMS::Key"))
	if err != nil || len(rs) != 2 || rs[0].Key.ID != "ours" || rs[1].Key.ID != "theirs" || len(rs[0].Unknown) != 0 {
		t.Fatalf("got %+v, %v", rs, err)
	}
	denied := &rs[1]
	if denied.ARN != "arn:theirs" || denied.Status != "" || len(denied.Unknown) == 0 {
		t.Errorf("got %+v", denied)
	}
	wantTags(t, *denied, map[string]string{"team": "a"})
	wantAt(t, *denied, "a", "Policy", "Statement", 0, "Sid")
	wantAt(t, *denied, "theirs", "KeyId")
	for _, u := range denied.Unknown {
		if provider.ReasonOf(u.Err) != provider.ReasonAccessDenied || !strings.Contains(u.Err.Error(), "kms:DescribeKey") {
			t.Errorf("%s: %v", u.Part, u.Err)
		}
	}
	if err := denied.Inherit(&before[1], nil); err != nil {
		t.Fatal(err)
	}
	var h resource.Hasher
	if h.Sum(denied) != h.Sum(&before[1]) || !denied.CreatedAt.Equal(before[1].CreatedAt) || len(denied.Unknown) != 0 {
		t.Errorf("it was\n%+v\nand is\n%+v", before[1], *denied)
	}
}

// What cannot be told to be the customer's own is not listed, and what is no refusal fails the
// scope as before.
func TestHandmade_KeysThatMayNotBeDescribed(t *testing.T) {
	all := func(code string) func(string) string { return func(string) string { return code } }
	for _, tt := range []struct {
		name    string
		denied  func(string) string
		aliases func(string) any
		ids     []string
		reason  provider.Reason
		says    string
	}{
		{"every key, also those of AWS", all("AccessDeniedException"), aliasesOfAWS, []string{"ours", "theirs"}, "", ""},
		{"and their aliases neither", all("AccessDeniedException"), func(string) any { return refusal("AccessDeniedException") }, nil, provider.ReasonAccessDenied, "kms:ListAliases"},
		{"and their aliases fail", all("AccessDeniedException"), func(string) any { return refusal("KMSInternalException") }, nil, provider.ReasonOther, ""},
		{"and are gone", all("AccessDeniedException"), func(string) any { return refusal("NotFoundException") }, nil, "", ""},
		{"no refusal", all("KMSInternalException"), aliasesOfAWS, nil, provider.ReasonOther, ""},
		{"gone", all("NotFoundException"), aliasesOfAWS, nil, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := keysOf(t, tt.denied, tt.aliases)
			rs, err := listScope(t, c.provider(t, only("AWS::KMS::Key")), scopeOf("us-east-1", "AWS::KMS::Key"))
			var ids []string
			for _, r := range rs {
				ids = append(ids, r.Key.ID)
			}
			if !slices.Equal(ids, tt.ids) {
				t.Errorf("listed %q, want %q", ids, tt.ids)
			}
			if (err != nil) != (tt.reason != "") || err != nil && (provider.ReasonOf(err) != tt.reason || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("got %v, want %q", err, tt.reason)
			}
		})
	}
}

// machines serves two state machines; locked is the code by which the definition of the second one is
// refused, metadata what is answered where it is not asked for.
func machines(t *testing.T, locked string, metadata any) *cloud {
	t.Helper()
	arn := "arn:aws:states:us-east-1:" + account + ":stateMachine:"
	described := func(name, more string) string {
		return fmt.Sprintf(`{"stateMachineArn":"%s%s","name":%q,"status":"ACTIVE","type":"STANDARD","roleArn":"arn:role","creationDate":1761127200,
			"encryptionConfiguration":{"type":"CUSTOMER_MANAGED_KMS_KEY","kmsKeyId":"k"},%s}`, arn, name, name, more)
	}
	return handmade(t, map[string]reply{
		"ListStateMachines": always(fmt.Sprintf(`{"stateMachines":[{"stateMachineArn":"%sopen"},{"stateMachineArn":"%slocked"}]}`, arn, arn)),
		"DescribeStateMachine": func(request map[string]any) any {
			name := strings.TrimPrefix(fmt.Sprint(request["stateMachineArn"]), arn)
			switch {
			case name == "locked" && locked != "" && request["includedData"] != "METADATA_ONLY":
				return refusal(locked)
			case name == "locked" && locked != "" && metadata != nil:
				return metadata
			case name == "locked" && locked != "":
				return described(name, `"definition":"{}"`)
			}
			return described(name, `"definition":"{\"StartAt\":\"A\"}","variableReferences":{"A":["x"]}`)
		},
		"ListTagsForResource": always(`{"tags":[]}`),
	})
}

// A state machine whose definition the caller may not decrypt fails no other, and is with what was known
// of it before what it was.
func TestHandmade_StateMachineThatIsLockedIsUnknownInPartsAndFailsNoOther(t *testing.T) {
	const typ = "AWS::StepFunctions::StateMachine"
	before := listHandmade(t, machines(t, "", nil), "us-east-1", typ)
	for code, reason := range map[string]provider.Reason{
		"KmsAccessDeniedException": provider.ReasonAccessDenied, "KmsInvalidStateException": provider.ReasonOther, "KmsThrottlingException": provider.ReasonThrottled,
	} {
		t.Run(code, func(t *testing.T) {
			rs, err := listScope(t, machines(t, code, nil).provider(t, only(typ)), scopeOf("us-east-1", typ))
			if err != nil || len(rs) != 2 || len(rs[0].Unknown) != 0 || len(rs[1].Unknown) != 2 {
				t.Fatalf("got %+v, %v", rs, err)
			}
			wantAt(t, rs[1], nil, "Definition")
			wantAt(t, rs[1], "arn:role", "RoleArn")
			for i, part := range []string{"attributes.Definition", "attributes.VariableReferences"} {
				u := rs[1].Unknown[i]
				if u.Part != part || provider.ReasonOf(u.Err) != reason || strings.Contains(u.Err.Error(), "kms:Decrypt") != (reason == provider.ReasonAccessDenied) {
					t.Errorf("unknown is %s: %v", u.Part, u.Err)
				}
			}
			if err := rs[1].Inherit(&before[1], nil); err != nil {
				t.Fatal(err)
			}
			var h resource.Hasher
			if h.Sum(&rs[1]) != h.Sum(&before[1]) || len(rs[1].Unknown) != 0 {
				t.Errorf("it was\n%+v\nand is\n%+v", before[1], rs[1])
			}
		})
	}
}

func TestHandmade_StateMachinesThatAreLocked(t *testing.T) {
	const typ = "AWS::StepFunctions::StateMachine"
	for _, tt := range []struct {
		name     string
		locked   string
		metadata any
		listed   int
		reason   provider.Reason
	}{
		{"and may not be described either", "KmsAccessDeniedException", refusal("AccessDeniedException"), 0, provider.ReasonAccessDenied},
		{"and gone meanwhile", "KmsAccessDeniedException", refusal("StateMachineDoesNotExist"), 1, ""},
		{"no lock", "AccessDeniedException", nil, 0, provider.ReasonAccessDenied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rs, err := listScope(t, machines(t, tt.locked, tt.metadata).provider(t, only(typ)), scopeOf("us-east-1", typ))
			if len(rs) != tt.listed || (err != nil) != (tt.reason != "") || err != nil && provider.ReasonOf(err) != tt.reason {
				t.Errorf("listed %d, %v", len(rs), err)
			}
		})
	}
}

// What a check says of a locked state machine is which permission is missing. It tries the first one.
func TestHandmade_CheckNamesTheKeyOfALockedStateMachine(t *testing.T) {
	arn := "arn:aws:states:us-east-1:" + account + ":stateMachine:locked"
	c := handmade(t, map[string]reply{
		"ListStateMachines": always(`{"stateMachines":[{"stateMachineArn":"` + arn + `"}]}`),
		"DescribeStateMachine": func(request map[string]any) any {
			if request["includedData"] == nil {
				return refusal("KmsAccessDeniedException")
			}
			return `{"stateMachineArn":"` + arn + `","name":"locked","definition":"{}"}`
		},
		"ListTagsForResource": always(`{"tags":[]}`),
	})
	found := checked(t, c.provider(t, only("AWS::StepFunctions::StateMachine")))
	if want := account + "/us-east-1 AWS::StepFunctions::StateMachine denied kms:Decrypt"; found[len(found)-1] != want {
		t.Errorf("found %q, want %q", found[len(found)-1], want)
	}
}

// A function whose variables the caller may not decrypt is told without them, by an answer that is a
// success. With what was known of it before it is what it was.
func TestHandmade_VariablesOfAFunctionThatCannotBeDecrypted(t *testing.T) {
	const typ = "AWS::Lambda::Function"
	functions := func(parts string) *cloud {
		return answers(t, map[string]string{
			"GET /2015-03-31/functions":  `{"Functions":[{"FunctionName":"f","FunctionArn":"arn:f","KMSKeyArn":"arn:k","Timeout":3,` + parts + `},{"FunctionName":"bare","FunctionArn":"arn:f"}]}`,
			"GET /2017-03-31/tags/arn:f": `{"Tags":{}}`,
		})
	}
	const whole = `"Environment":{"Variables":{"TOKEN":"hunter2"}},"ImageConfigResponse":{"ImageConfig":{"Command":["a"]}},"RuntimeVersionConfig":{"RuntimeVersionArn":"arn:r"}`
	before := listHandmade(t, functions(whole), "us-east-1", typ)
	failed := functions(`"Environment":{"Error":{"ErrorCode":"AccessDeniedException","Message":"Lambda was unable to decrypt your environment variables because the KMS access was denied."}},
		"ImageConfigResponse":{"Error":{"ErrorCode":"InternalError","Message":"no"}},"RuntimeVersionConfig":{"Error":{"ErrorCode":"InternalError","Message":"no"}}`)
	rs, err := listScope(t, failed.provider(t, only(typ)), scopeOf("us-east-1", typ))
	if err != nil || len(rs) != 2 || len(rs[0].Unknown) != 3 || len(rs[1].Unknown) != 0 {
		t.Fatalf("got %+v, %v", rs, err)
	}
	for _, part := range []string{"Environment", "ImageConfigResponse", "RuntimeVersionConfig"} {
		wantAt(t, rs[0], nil, part)
	}
	u := rs[0].Unknown[0]
	want := "lambda ListFunctions: AccessDeniedException: Lambda was unable to decrypt your environment variables because the KMS access was denied.: grant the action kms:Decrypt"
	if u.Part != "attributes.Environment" || provider.ReasonOf(u.Err) != provider.ReasonAccessDenied || u.Err.Error() != want {
		t.Errorf("unknown is %s: %v", u.Part, u.Err)
	}
	if u := rs[0].Unknown[1]; u.Part != "attributes.ImageConfigResponse" || provider.ReasonOf(u.Err) != provider.ReasonOther {
		t.Errorf("unknown is %s: %v", u.Part, u.Err)
	}
	if err := rs[0].Inherit(&before[0], nil); err != nil {
		t.Fatal(err)
	}
	var h resource.Hasher
	if h.Sum(&rs[0]) != h.Sum(&before[0]) || len(rs[0].Unknown) != 0 {
		t.Errorf("it was\n%s\nand is\n%s", before[0].Attributes, rs[0].Attributes)
	}
}

// Behind a link stand the tables of another database, often another account's: they are not asked for,
// and the link is listed as the database that it is.
func TestHandmade_TablesBehindALinkAreNotListed(t *testing.T) {
	c := handmade(t, map[string]reply{
		"GetDatabases": always(`{"DatabaseList":[{"Name":"link","CatalogId":"123456789012","TargetDatabase":{"CatalogId":"999999999999","DatabaseName":"theirs"}},{"Name":"ours"}]}`),
		"GetTables": func(request map[string]any) any {
			if request["DatabaseName"] != "ours" {
				t.Errorf("asked for the tables of %v", request["DatabaseName"])
				return refusal("AccessDeniedException")
			}
			return `{"TableList":[{"Name":"orders","DatabaseName":"ours"}]}`
		},
		"GetTags": always(`{"Tags":{}}`),
	})
	if rs := listHandmade(t, c, "us-east-1", "AWS::Glue::Table"); len(rs) != 1 || rs[0].Key.ID != "ours/orders" {
		t.Errorf("got %+v", rs)
	}
	rs := listHandmade(t, c, "us-east-1", "AWS::Glue::Database")
	if len(rs) != 2 || rs[0].Key.ID != "link" {
		t.Fatalf("got %+v", rs)
	}
	wantAt(t, rs[0], "theirs", "TargetDatabase", "DatabaseName")
}

// SageMaker says by a text that something was deleted, under a code that also says that a request is
// wrong. Only with the text of its kind does it count as gone.
func TestHandmade_SageMakerSaysByATextWhatIsGone(t *testing.T) {
	types := map[string]string{"Endpoint": "endpoint", "Model": "model", "NotebookInstance": "notebook-instance"}
	for _, tt := range []struct {
		kind, message string
		gone          bool
	}{
		{"Endpoint", `Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/gone".`, true},
		{"Endpoint", `Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/c".`, false},
		{"Endpoint", `1 validation error detected`, false},
		{"Model", `Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/gone".`, true},
		{"Model", ``, false},
		{"NotebookInstance", `RecordNotFound`, true},
		{"NotebookInstance", `Could not find model "x"`, false},
	} {
		t.Run(tt.kind+" "+tt.message, func(t *testing.T) {
			list := map[string]string{"Endpoint": "Endpoints", "Model": "Models", "NotebookInstance": "NotebookInstances"}[tt.kind]
			c := handmade(t, map[string]reply{
				"List" + list: always(fmt.Sprintf(`{%q:[{"%sName":"gone"},{"%sName":"here"}]}`, list, tt.kind, tt.kind)),
				"Describe" + tt.kind: func(request map[string]any) any {
					if request[tt.kind+"Name"] == "gone" {
						return refused{"ValidationException", tt.message}
					}
					return fmt.Sprintf(`{"%sName":"here","%sArn":"arn:aws:sagemaker:us-east-1:%s:%s/here"}`, tt.kind, tt.kind, account, types[tt.kind])
				},
				"ListTags": always(`{"Tags":[]}`),
			})
			scope := scopeOf("us-east-1", "AWS::SageMaker::"+tt.kind)
			rs, err := listScope(t, c.provider(t, only(scope.Type)), scope)
			switch {
			case tt.gone && (err != nil || len(rs) != 1 || rs[0].Key.ID != "here"):
				t.Errorf("got %+v, %v", rs, err)
			case !tt.gone && provider.ReasonOf(err) != provider.ReasonOther:
				t.Errorf("listed %d, %v; want a failure", len(rs), err)
			}
		})
	}
}

// What rules look for in a header is digested, as deep as it stands; what they look for elsewhere is to
// be read.
func TestHandmade_HeadersThatRulesLookFor(t *testing.T) {
	match := func(field, text string) string {
		return fmt.Sprintf(`{"ByteMatchStatement":{"FieldToMatch":%s,"PositionalConstraint":"EXACTLY","SearchString":%q,"TextTransformations":[]}}`, field, base64.StdEncoding.EncodeToString([]byte(text)))
	}
	const header = `{"SingleHeader":{"Name":"x-origin-verify"}}`
	rules := `"Rules":[{"Name":"origin","Priority":1,"Statement":{"NotStatement":{"Statement":{"OrStatement":{"Statements":[` + match(header, "hunter2") + `,` + match(header, "hunter3") + `]}}}}},
		{"Name":"path","Priority":2,"Statement":` + match(`{"UriPath":{}}`, "/admin") + `}]`
	c := handmade(t, map[string]reply{
		"ListWebACLs": func(request map[string]any) any {
			if request["Scope"] != "REGIONAL" {
				return `{"WebACLs":[]}`
			}
			return `{"WebACLs":[{"Id":"w","Name":"w","ARN":"arn:w"}]}`
		},
		"GetWebACL": always(`{"WebACL":{"Id":"w","Name":"w","ARN":"arn:w","DefaultAction":{},"VisibilityConfig":{},` + rules + `}}`),
		"ListRuleGroups": func(request map[string]any) any {
			if request["Scope"] != "REGIONAL" {
				return `{"RuleGroups":[]}`
			}
			return `{"RuleGroups":[{"Id":"g","Name":"g","ARN":"arn:g"}]}`
		},
		"GetRuleGroup":        always(`{"RuleGroup":{"Id":"g","Name":"g","ARN":"arn:g","Capacity":1,"VisibilityConfig":{},` + rules + `}}`),
		"ListTagsForResource": always(`{"TagInfoForResource":{"TagList":[]}}`),
	})
	for _, typ := range []string{"AWS::WAFv2::WebACL", "AWS::WAFv2::RuleGroup"} {
		rs := listHandmade(t, c, "us-east-1", typ)
		if len(rs) != 1 {
			t.Fatalf("%s: got %+v", typ, rs)
		}
		wantAt(t, rs[0], digest("hunter2"), "SecretSearchStrings", "origin/NotStatement/OrStatement/0/SearchString")
		wantAt(t, rs[0], digest("hunter3"), "SecretSearchStrings", "origin/NotStatement/OrStatement/1/SearchString")
		wantAt(t, rs[0], "x-origin-verify", "Rules", 0, "Statement", "NotStatement", "Statement", "OrStatement", "Statements", 0, "ByteMatchStatement", "FieldToMatch", "SingleHeader", "Name")
		wantAt(t, rs[0], base64.StdEncoding.EncodeToString([]byte("/admin")), "Rules", 1, "Statement", "ByteMatchStatement", "SearchString")
		if strings.Contains(string(rs[0].Attributes), base64.StdEncoding.EncodeToString([]byte("hunter2"))) {
			t.Errorf("the document holds a secret: %s", rs[0].Attributes)
		}
	}
}
