package bench_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fixtureVariable makes a process of these tests the server of the AWS benchmarks. It has a
// process of its own, so that its CPU time is not the measured program's.
const fixtureVariable = "ELAVA_BENCH_FIXTURE"

// What the fixture's account holds, and the most that a page gives (API references).
const (
	fixtureInstances, instancePage = 100_000, 1000
	fixtureVolumes, volumePage     = 20_000, 500
	fixtureFunctions, functionPage = 5_000, 50
	fixtureAccount                 = "123456789012"
)

// startFixture runs the server until the end of the benchmark and returns its address.
func startFixture(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fixtureVariable+"=1")
	in, err := cmd.StdinPipe() // its end ends the server
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// serveFixture serves until standard input ends.
func serveFixture() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("http://" + l.Addr().String())
	go func() { _ = http.Serve(l, &fixture{counts: map[string]int{}}) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// fixture answers as EC2, Lambda, STS and the tagging API do. /counts tells how often each operation was
// called since the last time that it was asked.
type fixture struct {
	mu     sync.Mutex
	counts map[string]int
}

func (f *fixture) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/counts" {
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = json.NewEncoder(w).Encode(f.counts)
		clear(f.counts)
		return
	}
	_ = r.ParseForm() // which leaves a body that is no form
	operation := r.PostForm.Get("Action")
	switch {
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetResources"):
		operation = "GetResources"
	case strings.Contains(r.URL.Path, "/tags/"):
		operation = "ListTags"
	case strings.Contains(r.URL.Path, "/functions"):
		operation = "ListFunctions"
	}
	f.mu.Lock()
	f.counts[operation]++
	f.mu.Unlock()
	out := bufio.NewWriterSize(w, 64<<10)
	defer out.Flush()
	switch operation {
	case "GetCallerIdentity":
		fmt.Fprintf(out, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::%[1]s:user/a</Arn><Account>%[1]s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, fixtureAccount)
	case "DescribeInstances":
		page(out, "DescribeInstancesResponse", "reservationSet", fixtureInstances, instancePage, r.PostForm.Get("NextToken"), writeInstance)
	case "DescribeVolumes":
		page(out, "DescribeVolumesResponse", "volumeSet", fixtureVolumes, volumePage, r.PostForm.Get("NextToken"), writeVolume)
	case "ListFunctions":
		writeFunctions(out, r.URL.Query().Get("Marker"))
	case "GetResources":
		writeTagIndex(out, r.Body)
	case "ListTags":
		fmt.Fprint(out, `{"Tags":{"team":"shop","env":"prod"}}`)
	default:
		http.Error(w, "no such operation: "+operation, http.StatusNotFound)
	}
}

// page writes one page of a list of EC2; the token is where it begins.
func page(w io.Writer, answer, list string, total, size int, token string, element func(io.Writer, int)) {
	begin, _ := strconv.Atoi(token)
	end := min(begin+size, total)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><%s xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><%s>`, answer, list)
	for i := begin; i < end; i++ {
		element(w, i)
	}
	fmt.Fprintf(w, `</%s>`, list)
	if end < total {
		fmt.Fprintf(w, `<nextToken>%d</nextToken>`, end)
	}
	fmt.Fprintf(w, `</%s>`, answer)
}

// writeInstance writes about 4.5 kB, as an instance with two interfaces and ten tags has.
func writeInstance(w io.Writer, i int) {
	fmt.Fprintf(w, `<item><reservationId>r-%08x</reservationId><ownerId>%s</ownerId><groupSet/><instancesSet><item>`+
		`<instanceId>i-%08x</instanceId><imageId>ami-0abcdef1234567890</imageId><instanceState><code>16</code><name>running</name></instanceState>`+
		`<privateDnsName>ip-10-0-0-1.ec2.internal</privateDnsName><dnsName/><reason/><keyName>ops</keyName><amiLaunchIndex>0</amiLaunchIndex><productCodes/>`+
		`<instanceType>m5.large</instanceType><launchTime>2025-10-22T10:00:00.000Z</launchTime><placement><availabilityZone>us-east-1a</availabilityZone><groupName/><tenancy>default</tenancy></placement>`+
		`<monitoring><state>disabled</state></monitoring><subnetId>subnet-0a</subnetId><vpcId>vpc-0a</vpcId><privateIpAddress>10.0.0.1</privateIpAddress><sourceDestCheck>true</sourceDestCheck>`+
		`<groupSet><item><groupId>sg-1</groupId><groupName>web</groupName></item><item><groupId>sg-2</groupId><groupName>ops</groupName></item></groupSet>`+
		`<architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping>`,
		i, fixtureAccount, i)
	for _, d := range []string{"xvda", "xvdb"} {
		fmt.Fprintf(w, `<item><deviceName>/dev/%s</deviceName><ebs><volumeId>vol-%08x%s</volumeId><status>attached</status><attachTime>2025-10-22T10:00:01.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></ebs></item>`, d, i, d)
	}
	fmt.Fprint(w, `</blockDeviceMapping><virtualizationType>hvm</virtualizationType><clientToken/><tagSet>`)
	for t := range 10 {
		fmt.Fprintf(w, `<item><key>tag-%d</key><value>value %d of %d</value></item>`, t, t, i%100)
	}
	fmt.Fprint(w, `</tagSet><hypervisor>xen</hypervisor><networkInterfaceSet>`)
	for n := range 2 {
		fmt.Fprintf(w, `<item><networkInterfaceId>eni-%08x%d</networkInterfaceId><subnetId>subnet-0a</subnetId><vpcId>vpc-0a</vpcId><description/><ownerId>%s</ownerId><status>in-use</status>`+
			`<macAddress>0e:00:00:00:00:01</macAddress><privateIpAddress>10.0.0.%d</privateIpAddress><privateDnsName>ip-10-0-0-1.ec2.internal</privateDnsName><sourceDestCheck>true</sourceDestCheck>`+
			`<groupSet><item><groupId>sg-1</groupId><groupName>web</groupName></item></groupSet><attachment><attachmentId>eni-attach-%d</attachmentId><deviceIndex>%d</deviceIndex><status>attached</status>`+
			`<attachTime>2025-10-22T10:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination><networkCardIndex>0</networkCardIndex></attachment>`+
			`<privateIpAddressesSet><item><privateIpAddress>10.0.0.%d</privateIpAddress><privateDnsName>ip-10-0-0-1.ec2.internal</privateDnsName><primary>true</primary></item></privateIpAddressesSet>`+
			`<ipv6AddressesSet/><interfaceType>interface</interfaceType></item>`, i, n, fixtureAccount, n+1, n, n, n+1)
	}
	fmt.Fprint(w, `</networkInterfaceSet><ebsOptimized>true</ebsOptimized><cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>`+
		`<capacityReservationSpecification><capacityReservationPreference>open</capacityReservationPreference></capacityReservationSpecification><hibernationOptions><configured>false</configured></hibernationOptions>`+
		`<metadataOptions><state>applied</state><httpTokens>required</httpTokens><httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions>`+
		`<enclaveOptions><enabled>false</enabled></enclaveOptions><platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances</usageOperation></item></instancesSet></item>`)
}

func writeVolume(w io.Writer, i int) {
	fmt.Fprintf(w, `<item><volumeId>vol-%08x</volumeId><size>8</size><snapshotId/><availabilityZone>us-east-1a</availabilityZone><status>in-use</status><createTime>2025-10-22T10:00:00.000Z</createTime>`+
		`<attachmentSet><item><volumeId>vol-%08x</volumeId><instanceId>i-%08x</instanceId><device>/dev/xvda</device><status>attached</status><attachTime>2025-10-22T10:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></item></attachmentSet>`+
		`<tagSet><item><key>team</key><value>shop</value></item></tagSet><volumeType>gp3</volumeType><iops>3000</iops><encrypted>true</encrypted><multiAttachEnabled>false</multiAttachEnabled></item>`, i, i, i)
}

func writeFunctions(w io.Writer, marker string) {
	begin, _ := strconv.Atoi(marker)
	end := min(begin+functionPage, fixtureFunctions)
	fmt.Fprint(w, `{"Functions":[`)
	for i := begin; i < end; i++ {
		if i > begin {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, `{"FunctionName":"f%[1]d","FunctionArn":"arn:aws:lambda:us-east-1:%[2]s:function:f%[1]d","Runtime":"python3.13","Role":"arn:aws:iam::%[2]s:role/f","Handler":"main.handler","CodeSize":1024,`+
			`"Description":"","Timeout":30,"MemorySize":256,"LastModified":"2025-10-22T10:00:00.000+0000","CodeSha256":"q1w2e3r4t5","Version":"$LATEST","Environment":{"Variables":{"TABLE":"orders","STAGE":"prod"}},`+
			`"TracingConfig":{"Mode":"PassThrough"},"RevisionId":"a-b-c","PackageType":"Zip","Architectures":["x86_64"],"EphemeralStorage":{"Size":512},"LoggingConfig":{"LogFormat":"Text","LogGroup":"/aws/lambda/f%[1]d"}}`, i, fixtureAccount)
	}
	fmt.Fprint(w, `]`)
	if end < fixtureFunctions {
		fmt.Fprintf(w, `,"NextMarker":"%d"`, end)
	}
	fmt.Fprint(w, `}`)
}

// writeTagIndex writes what the tagging API says of the functions that it is asked about: what
// ListTags says.
func writeTagIndex(w io.Writer, body io.Reader) {
	var in struct{ ResourceARNList []string }
	_ = json.NewDecoder(body).Decode(&in)
	fmt.Fprint(w, `{"PaginationToken":"","ResourceTagMappingList":[`)
	for i, arn := range in.ResourceARNList {
		if i > 0 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, `{"ResourceARN":%q,"Tags":[{"Key":"team","Value":"shop"},{"Key":"env","Value":"prod"}]}`, arn)
	}
	fmt.Fprint(w, `]}`)
}
