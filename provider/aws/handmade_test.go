package aws_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/resource"
)

// answers serves hand-made answers in the wire format of a service. An answer stands
// under the operation as the request names it: the action of a query, what follows the dot
// in the target of a JSON protocol, else method and path. Where a request carries a token
// for the next page, that follows after a space. STS says that the caller is in account.
func answers(t *testing.T, byOperation map[string]string) *cloud {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading a request: %v", err)
		}
		operation := operationOf(r, string(body))
		if operation == "GetCallerIdentity" {
			writeIdentity(w)
			return
		}
		for token := range strings.FieldsSeq("page-2 page-3") {
			if strings.Contains(string(body)+r.URL.RawQuery, token) {
				operation += " " + token
			}
		}
		answer, ok := byOperation[operation]
		if !ok {
			t.Errorf("no answer for %q", operation)
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return &cloud{url: s.URL, account: account}
}

func operationOf(r *http.Request, body string) string {
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return operation
	}
	for parameter := range strings.SplitSeq(body, "&") {
		if action, ok := strings.CutPrefix(parameter, "Action="); ok {
			return action
		}
	}
	return r.Method + " " + r.URL.Path
}

// checkAnswered lists a type from hand-made answers, compares the ids, and checks that the
// second listing is the same.
func (c *cloud) checkAnswered(t *testing.T, typ string, ids ...string) inventory {
	t.Helper()
	p := c.provider(t, only(typ))
	inv := list(t, p)
	if got := inv.ids(typ); !slices.Equal(got, ids) {
		t.Errorf("%s: listed %q, want %q", typ, got, ids)
	}
	for _, r := range inv {
		for _, u := range r.Unknown {
			t.Errorf("%s: %v is unknown: %v", r.Key, u.Part, u.Err)
		}
	}
	checkUnchanged(t, inv, list(t, p))
	checkReadOnly(t, c, p.Actions())
	return inv
}

func wantFacts(t *testing.T, r resource.Resource, arn, name, status, uid string) {
	t.Helper()
	if r.ARN != arn || r.Name != name || r.Status != status || r.UID != uid {
		t.Errorf("%s: ARN %q, name %q, status %q, unique id %q; want %q, %q, %q, %q",
			r.Key, r.ARN, r.Name, r.Status, r.UID, arn, name, status, uid)
	}
}

func TestAnswers_EC2PlacementGroups(t *testing.T) {
	const typ = "AWS::EC2::PlacementGroup"
	inv := answers(t, map[string]string{"DescribePlacementGroups": `<DescribePlacementGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
		<placementGroupSet>
			<item><groupName>spread</groupName><groupId>pg-1</groupId><strategy>partition</strategy><partitionCount>3</partitionCount><state>available</state>
				<groupArn>arn:aws:ec2:us-east-1:123456789012:placement-group/spread</groupArn>
				<tagSet><item><key>env</key><value>prod</value></item></tagSet></item>
			<item><groupName>old</groupName><groupId>pg-2</groupId><strategy>cluster</strategy><state>deleted</state></item>
		</placementGroupSet></DescribePlacementGroupsResponse>`}).checkAnswered(t, typ, "spread")
	r := inv.get(t, typ, "spread")
	wantFacts(t, r, "arn:aws:ec2:us-east-1:123456789012:placement-group/spread", "spread", "available", "pg-1")
	wantTags(t, r, map[string]string{"env": "prod"})
	wantAt(t, r, 3, "PartitionCount")
}

func TestAnswers_EC2CapacityReservations(t *testing.T) {
	const typ = "AWS::EC2::CapacityReservation"
	page := func(id, state, next string) string {
		return `<DescribeCapacityReservationsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><capacityReservationSet><item>
			<capacityReservationId>` + id + `</capacityReservationId><ownerId>123456789012</ownerId><instanceType>m5.large</instanceType>
			<totalInstanceCount>4</totalInstanceCount><availableInstanceCount>1</availableInstanceCount><state>` + state + `</state>
			<createDate>2025-10-22T10:00:00.000Z</createDate><tagSet><item><key>Name</key><value>batch</value></item></tagSet>
		</item></capacityReservationSet>` + next + `</DescribeCapacityReservationsResponse>`
	}
	inv := answers(t, map[string]string{
		"DescribeCapacityReservations":        page("cr-1", "active", "<nextToken>page-2</nextToken>"),
		"DescribeCapacityReservations page-2": page("cr-2", "cancelled", "<nextToken>page-3</nextToken>"),
		"DescribeCapacityReservations page-3": page("cr-3", "pending", ""),
	}).checkAnswered(t, typ, "cr-1", "cr-3")
	r := inv.get(t, typ, "cr-1")
	wantFacts(t, r, "arn:aws:ec2:us-east-1:123456789012:capacity-reservation/cr-1", "batch", "active", "")
	wantAt(t, r, 4, "TotalInstanceCount")
	wantAt(t, r, nil, "AvailableInstanceCount")
	if r.CreatedAt.IsZero() {
		t.Error("no creation time")
	}
}
