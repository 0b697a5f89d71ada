package faults

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/elava-dev/elava/provider/aws/faultproxy"
	"github.com/elava-dev/elava/storage"
)

const volumeType = "AWS::EC2::Volume"

// crowd is more than the guard's count.
const crowd = 24

// crowded is an account with many volumes that all have tags, scanned once.
func crowded(t *testing.T) (*cloud, *account, *kind) {
	t.Helper()
	c := newCloud(t, options{types: []string{volumeType}})
	a := newAccount(t, c, 1)
	k := a.have(t, "volume", crowd)
	if _, err := a.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: k.live, Tags: []ec2types.Tag{{Key: aws.String("env"), Value: aws.String("prod")}},
	}); err != nil {
		t.Fatal(err)
	}
	c.clear()
	return c, a, k
}

var tagSets = regexp.MustCompile(`(?s)<tagSet>.*?</tagSet>`)

func untagged(body []byte) []byte { return tagSets.ReplaceAll(body, []byte("<tagSet/>")) }

func TestGuard_AnIncredibleListIsListedOnceMore(t *testing.T) {
	c, _, _ := crowded(t)
	before := c.recorded(storage.HeadRevision)
	for _, tt := range []struct {
		name  string
		rule  faultproxy.Rule
		first string
	}{
		{"empty", faultproxy.Rule{Fault: faultproxy.EmptyList}, "24 of 24 resources are absent"},
		{"nearly empty", faultproxy.Rule{Fault: faultproxy.ShortList}, "23 of 24 resources are absent"},
		{"without tags", faultproxy.Rule{Fault: faultproxy.Rewrite, Rewrite: untagged}, "24 of 24 resources lost all their tags"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.log.take()
			tt.rule.Operation, tt.rule.Times = "DescribeVolumes", 1
			result := c.scan(tt.rule)
			c.wantEvents(result)
			if n := c.proxy.Calls()["ec2.DescribeVolumes"]; n != 2 {
				t.Errorf("the scope was listed %d times, want 2", n)
			}
			if s := state(t, result, volumeType); s.Status != storage.ScopeComplete || s.Resources != crowd {
				t.Errorf("got %+v", s)
			}
			log := c.log.take()
			for _, part := range []string{`first="` + tt.first + `"`, "contradicts the first", fmt.Sprintf("resources=%d", crowd)} {
				if !strings.Contains(log, part) {
					t.Errorf("the log does not say %q:\n%s", part, log)
				}
			}
			if differences := compare(c.recorded(storage.HeadRevision), before); len(differences) > 0 {
				t.Errorf("%q", differences)
			}
		})
	}
}

func TestGuard_WhatIsListedTwiceIsBelieved(t *testing.T) {
	c, _, k := crowded(t)
	for _, id := range k.live[:20] {
		if err := k.destroy(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	c.clear() // 20 is not more than 20: no doubt
	if log := c.log.take(); log != "" {
		t.Errorf("unexpected doubt:\n%s", log)
	}

	c, _, k = crowded(t)
	for _, id := range k.live[1:] {
		if err := k.destroy(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	c.log.take()
	result := c.clear()
	if result.Scan.Disappeared != crowd-1 {
		t.Errorf("%d disappeared, want %d", result.Scan.Disappeared, crowd-1)
	}
	if n := c.proxy.Calls()["ec2.DescribeVolumes"]; n != 3 {
		t.Errorf("%d calls, want 3: two lists and one that asks for what is absent", n)
	}
	if log := c.log.take(); !strings.Contains(log, `first="23 of 24 resources are absent"`) || !strings.Contains(log, `second="23 of 24 resources are absent"`) {
		t.Errorf("the log lacks a count:\n%s", log)
	}
	c.wantEvents(c.clear())
}

func TestGuard_ASecondListingThatFailsKeepsTheLastState(t *testing.T) {
	c, _, _ := crowded(t)
	result := c.scan(
		faultproxy.Rule{Operation: "DescribeVolumes", Fault: faultproxy.EmptyList, Times: 1},
		faultproxy.Rule{Operation: "DescribeVolumes", Fault: faultproxy.Throttle},
	)
	c.wantEvents(result)
	if s := state(t, result, volumeType); s.Status != storage.ScopeFailed || s.Reason != "throttled" || s.Resources != crowd {
		t.Errorf("got %+v", s)
	}
	c.wantEvents(c.clear())
}

// The lists of EC2 are eventually consistent: what is absent from one of them, of a scope
// too small for the guard, is asked for by its id.
func TestConfirm_WhatOneListLacksIsNoDisappearance(t *testing.T) {
	for _, tt := range []struct{ kind, resourceType, list string }{
		{"instance", "AWS::EC2::Instance", "DescribeInstances"},
		{"volume", volumeType, "DescribeVolumes"},
		{"group", "AWS::EC2::SecurityGroup", "DescribeSecurityGroups"},
		{"interface", "AWS::EC2::NetworkInterface", "DescribeNetworkInterfaces"},
		{"", "AWS::EC2::Subnet", "DescribeSubnets"},
		{"", "AWS::EC2::VPC", "DescribeVpcs"},
	} {
		t.Run(tt.resourceType, func(t *testing.T) {
			c := newCloud(t, options{types: []string{tt.resourceType}})
			a := newAccount(t, c, 1)
			if tt.kind != "" {
				a.have(t, tt.kind, 3)
			}
			c.clear()
			before := c.recorded(storage.HeadRevision)
			for _, fault := range lies {
				result := c.scan(faultproxy.Rule{Operation: tt.list, Fault: fault, Times: 1})
				c.wantEvents(result)
				if s := state(t, result, tt.resourceType); s.Status != storage.ScopeComplete || s.Resources != len(before) {
					t.Errorf("%s: got %+v", fault, s)
				}
				if differences := compare(c.recorded(storage.HeadRevision), before); len(differences) > 0 {
					t.Errorf("%s: %q", fault, differences)
				}
			}
			if tt.kind == "" {
				return
			}
			k := a.kind(t, tt.kind)
			if err := k.destroy(t.Context(), k.live[0]); err != nil {
				t.Fatal(err)
			}
			result := c.scan(
				faultproxy.Rule{Operation: tt.list, Fault: faultproxy.EmptyList, Times: 1},
				faultproxy.Rule{Operation: tt.list, Fault: faultproxy.Deny},
			)
			c.wantEvents(result)
			if s := state(t, result, tt.resourceType); s.Status != storage.ScopeFailed || s.Reason != "access_denied" {
				t.Errorf("what could not be asked for: got %+v", s)
			}
			c.wantEvents(c.scan(faultproxy.Rule{Operation: tt.list, Fault: faultproxy.EmptyList, Times: 1}), "disappeared "+tt.resourceType)
		})
	}
}
