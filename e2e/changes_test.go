package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// smallPopulation makes one or two of most types.
func smallPopulation(t testing.TB, c *cloud) {
	t.Helper()
	c.runInstances(t, 2, map[string]string{"env": "prod"})
	c.createVolume(t, nil)
	role := c.createRole(t, "worker", map[string]string{"team": "a"})
	c.createFunction(t, "resize", role, map[string]string{"team": "a"}, map[string]string{"LEVEL": "info"})
	c.createBucket(t, c.bucket("data"), map[string]string{"team": "a"})
	c.createTable(t, "carts")
	queue := ok(c.sqs().CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")}))(t)
	ok(c.sqs().SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("m")}))(t)
}

// A scan in which nothing changed makes no event and hardly any growth.
func TestUnchanged_HundredScansLeaveNothing(t *testing.T) {
	c := newCloud(t)
	smallPopulation(t, c)
	e := c.install(t)
	e.once(t)
	before, inventory := diskSize(t, e.store), e.closed().resources(t)
	c.truth(t, "us-east-1").compare(t, inventory)
	p := e.serve(t, "--interval", "1ms")
	for n := range int64(10) { // the limit of waiting is for ten at a time
		p.AwaitScan(t, 11+10*n)
	}
	p.stop(t)
	after := diskSize(t, e.store)

	scans := e.closed().scans(t)
	if len(scans) < 101 {
		t.Fatalf("%d scans, want 101", len(scans))
	}
	for i, s := range scans {
		if s.Status != "success" || s.ScanID != int64(i+1) || s.Revision != int64(i+1) || i > 0 && s.Created+s.Modified+s.Disappeared+s.Baseline != 0 {
			t.Errorf("scan %d: %+v", i+1, s)
		}
	}
	if got := e.closed().changes(t); len(got) != 0 {
		t.Errorf("%d events, the first one %s", len(got), got[0])
	}
	if got := e.closed().resources(t); !slices.Equal(keysOf(got), keysOf(inventory)) || slices.ContainsFunc(got, func(r resourceItem) bool { return r.Revision != 1 }) {
		t.Errorf("the inventory is not that of scan 1:\n%+v", got)
	}
	t.Logf("store: %d bytes after scan 1, %d after scan %d: %d per scan", before, after, len(scans), (after-before)/int64(len(scans)-1))
	if grown := after - before; grown >= 100_000 {
		t.Errorf("the store grew by %d bytes in %d unchanged scans", grown, len(scans)-1)
	}
}

// diskSize is what the files of a directory hold or take, whichever is more.
func diskSize(t testing.TB, dir string) int64 {
	t.Helper()
	var apparent, allocated int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		apparent += info.Size()
		allocated += info.Sys().(*syscall.Stat_t).Blocks * 512
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return max(apparent, allocated)
}

func policy(sid, bucket string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":%q,"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::%s/*"}]}`, sid, bucket)
}

// A dozen changes between two scans are reported as what they are, with the paths of
// their fields, and nothing else is; each of them once.
func TestChanges_AreReportedExactly(t *testing.T) {
	c := newCloud(t)
	ctx := t.Context()
	old := c.runInstances(t, 5, map[string]string{"env": "prod"})
	stopping, resizing, terminating, tagged, untagged := old[0], old[1], old[2], old[3], old[4]
	c.createVolume(t, map[string]string{"env": "prod"})
	group := *ok(c.ec2().CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("w")}))(t).GroupId
	allow := func(port int32, cidrs ...string) {
		p := ec2types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port}
		for _, cidr := range cidrs {
			p.IpRanges = append(p.IpRanges, ec2types.IpRange{CidrIp: &cidr})
		}
		ok(c.ec2().AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: []ec2types.IpPermission{p}}))(t)
	}
	allow(443, "10.0.0.0/8")
	guarded, doomed, kept := c.bucket("guarded"), c.bucket("doomed"), c.bucket("kept")
	for _, b := range []string{guarded, doomed, kept} {
		c.createBucket(t, b, map[string]string{"env": "prod"})
	}
	setPolicy := func(p string) {
		ok(c.s3().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &guarded, Policy: &p}))(t)
	}
	setPolicy(policy("keep", guarded))
	c.createTable(t, "carts")
	c.createTable(t, "users")
	// A stopped instance changes its type on AWS; moto asks for it too.
	ok(c.ec2().StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{resizing}}))(t)

	e := c.install(t)
	e.once(t)
	before := c.truth(t, "us-east-1")
	before.compare(t, e.closed().resources(t))
	parts := c.partsOf(t, terminating)
	network := c.networkOf(t, stopping)

	started := c.runInstances(t, 3, map[string]string{"env": "test"})
	ok(c.ec2().StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{stopping}}))(t)
	ok(c.ec2().ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{
		InstanceId: &resizing, InstanceType: &ec2types.AttributeValue{Value: aws.String("m5.large")},
	}))(t)
	ok(c.ec2().TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{terminating}}))(t)
	c.tag(t, tagged, "owner", "me")
	c.untag(t, untagged, "env")
	allow(22, "192.168.0.0/16")
	setPolicy(strings.Replace(policy("keep", guarded), "DeleteObject", "PutObject", 1))
	ok(c.s3().DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &doomed}))(t)
	ok(c.dynamodb().DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String("carts")}))(t)

	e.once(t)
	after := c.truth(t, "us-east-1")
	after.compare(t, e.closed().resources(t))
	instance := func(id string) string { return c.key("AWS::EC2::Instance", id) }
	want := []wantEvent{
		modified(instance(stopping),
			change("status", "running", "stopped"),
			change("attributes.StateReason", nil, anyValue),
			change("attributes.StateTransitionReason", nil, anyValue),
			change("attributes.PublicDnsName", network.publicName, nil),
			change("attributes.PublicIpAddress", network.publicAddress, nil),
			change("attributes.NetworkInterfaces["+network.id+"].Association", anyValue, nil),
			change("attributes.NetworkInterfaces["+network.id+"].PrivateIpAddresses["+network.address+"].Association", anyValue, nil)),
		modified(c.key("AWS::EC2::NetworkInterface", network.id), change("attributes.Association", anyValue, nil)),
		modified(instance(resizing), change("attributes.InstanceType", "t3.micro", "m5.large")),
		disappeared(instance(terminating)),
		modified(instance(tagged), change("tags.owner", nil, "me")),
		modified(instance(untagged), change("tags.env", "prod", nil)),
		modified(c.key("AWS::EC2::SecurityGroup", group), change("attributes.IpPermissions[tcp:22-22]", nil, anyValue)),
		modified(c.in("us-east-1").key("AWS::S3::Bucket", guarded),
			change("attributes.Policy.Statement[keep].Action[s3:DeleteObject]", "s3:DeleteObject", nil),
			change("attributes.Policy.Statement[keep].Action[s3:PutObject]", nil, "s3:PutObject")),
		disappeared(c.key("AWS::S3::Bucket", doomed)),
		disappeared(c.key("AWS::DynamoDB::Table", "carts")),
	}
	for _, id := range started {
		want = append(want, created(instance(id)))
		for _, part := range c.partsOf(t, id) {
			want = append(want, created(part))
		}
	}
	for _, part := range parts { // what an instance brought along goes with it
		if _, still := after[part]; !still {
			want = append(want, disappeared(part))
			continue
		}
		// moto, unlike AWS, keeps the network interface, without its public address.
		want = append(want, modified(part, change("attributes.Association", anyValue, nil)))
	}
	// What came and went is what the API says, not only what this test thinks of.
	for key := range after {
		if _, there := before[key]; !there && !slices.ContainsFunc(want, func(w wantEvent) bool { return w.kind == "created" && w.key == key }) {
			t.Errorf("the cloud also has %s now", key)
		}
	}
	for key := range before {
		if _, still := after[key]; !still && !slices.ContainsFunc(want, func(w wantEvent) bool { return w.kind == "disappeared" && w.key == key }) {
			t.Errorf("the cloud also lost %s", key)
		}
	}
	got := e.closed().changes(t)
	checkEvents(t, got, want)
	scan := e.closed().scans(t)[1]
	if scan.Created+scan.Modified+scan.Disappeared != len(want) || scan.Modified != 8 || scan.Status != "success" {
		t.Errorf("the scan counts %+v, want %d events, 8 of them modified", scan, len(want))
	}

	e.once(t)
	if again := e.closed().changes(t); len(again) != len(got) {
		t.Errorf("one more scan made events: %s", again[len(got):])
	}
}

// network is how an instance is reached.
type network struct{ id, address, publicAddress, publicName string }

func (c *cloud) networkOf(t testing.TB, instance string) network {
	t.Helper()
	i := ok(c.ec2().DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{instance}}))(t).Reservations[0].Instances[0]
	return network{*i.NetworkInterfaces[0].NetworkInterfaceId, *i.PrivateIpAddress, *i.PublicIpAddress, *i.PublicDnsName}
}

// partsOf returns the keys of the volumes and network interfaces of an instance.
func (c *cloud) partsOf(t testing.TB, instance string) []string {
	t.Helper()
	var keys []string
	for _, v := range ok(c.ec2().DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{}))(t).Volumes {
		if slices.ContainsFunc(v.Attachments, func(a ec2types.VolumeAttachment) bool { return aws.ToString(a.InstanceId) == instance }) {
			keys = append(keys, c.key("AWS::EC2::Volume", *v.VolumeId))
		}
	}
	for _, n := range ok(c.ec2().DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{}))(t).NetworkInterfaces {
		if n.Attachment != nil && aws.ToString(n.Attachment.InstanceId) == instance {
			keys = append(keys, c.key("AWS::EC2::NetworkInterface", *n.NetworkInterfaceId))
		}
	}
	if len(keys) < 2 {
		t.Fatalf("instance %s has the parts %q, want a volume and a network interface", instance, keys)
	}
	return keys
}

// A daemon that is started again goes on where it was, and tells what was before.
func TestRestart_GoesOn(t *testing.T) {
	c := newCloud(t)
	instance := c.runInstances(t, 1, map[string]string{"env": "prod"})[0]
	c.createTable(t, "carts")
	e := c.install(t)
	instanceKey, tableKey := c.key("AWS::EC2::Instance", instance), c.key("AWS::DynamoDB::Table", "carts")

	first := e.serve(t, "--interval", "200ms")
	first.AwaitScan(t, 2)
	c.tag(t, instance, "env", "test")
	eventually(t, "the change is reported", func() bool { return len(first.source().changes(t)) > 0 }, func() string { return "no event" })
	first.stop(t)
	before, scans := e.closed().resources(t), e.closed().scans(t)
	head := scans[len(scans)-1]

	ok(c.dynamodb().DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("carts")}))(t)
	second := e.serve(t, "--interval", "200ms")
	second.AwaitScan(t, head.ScanID+2)
	live := second.source()
	all := live.scans(t)
	for i, s := range all {
		if s.ScanID != int64(i+1) || s.Revision != int64(i+1) || i > 0 && !all[i-1].EndTime.Before(s.EndTime) || (s.Baseline > 0) != (i == 0) || s.Created != 0 {
			t.Errorf("scan %d after a restart: %+v", i+1, s)
		}
	}
	events := live.changes(t)
	checkEvents(t, events, []wantEvent{modified(instanceKey, change("tags.env", "prod", "test")), disappeared(tableKey)})
	change := events[0]

	// Before the change: by revision, by time, in both sources.
	beforeChange := fmt.Sprint(change.Revision - 1)
	moment := all[change.Revision-2].EndTime.Format("2006-01-02T15:04:05.999999999Z07:00")
	for _, at := range []string{beforeChange, moment} {
		for _, key := range []string{instanceKey, instance} {
			var r resourceItem
			if err := json.Unmarshal([]byte(e.must(t, "show", key, "--at", at, "-o", "json", "--server", second.URL)), &r); err != nil || r.Tags["env"] != "prod" || r.Revision != 1 {
				t.Errorf("show --at %s: %v %+v", at, err, r)
			}
		}
		then := live.resources(t, "--at", at, "--tag", "env=prod")
		if len(then) != 1 || then[0].Key != instanceKey {
			t.Errorf("resources --at %s: %+v", at, then)
		}
	}
	if now := live.resources(t, "--type", "*::Instance"); len(now) != 1 || now[0].Tags["env"] != "test" || now[0].Revision != change.Revision {
		t.Errorf("now: %+v", now)
	}
	if then := live.resources(t, "--at", fmt.Sprint(head.Revision)); !slices.Equal(keysOf(then), keysOf(before)) {
		t.Errorf("at the revision of the restart: %q, want %q", keysOf(then), keysOf(before))
	}
	if gone := e.run(t, "show", tableKey, "--server", second.URL, "-o", "json"); gone.code != 1 || !strings.Contains(gone.stderr, "disappeared at") || !strings.Contains(gone.stdout, `"id":"carts"`) {
		t.Errorf("show of what is gone: %+v", gone)
	}
	if status, body := second.get(t, "/api/v1/resource/"+tableKey); status != 410 || !strings.Contains(body, `"carts"`) {
		t.Errorf("GET of what is gone: %d %s", status, body)
	}

	// The versions, newest first.
	got := live.history(t, instanceKey)
	if len(got) != 2 || got[0].ChangeType != "modified" || got[0].Tags["env"] != "test" || got[1].ChangeType != "baseline" || got[1].Tags["env"] != "prod" ||
		len(got[0].Changes) != 1 || got[0].Changes[0].Path != "tags.env" || got[1].ValidTo == nil || !got[1].ValidTo.Equal(got[0].ValidFrom) || got[0].ValidTo != nil {
		t.Errorf("history of the instance: %+v", got)
	}
	got = live.history(t, tableKey)
	if len(got) != 2 || got[0].ChangeType != "disappeared" || got[1].ChangeType != "baseline" {
		t.Errorf("history of the table: %+v", got)
	}
	second.stop(t)
}
