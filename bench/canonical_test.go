package bench_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/elava-dev/elava/bench"
	"github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/resource"
)

// BenchmarkCanonical_Instance makes the canonical form of an EC2 instance as the SDK
// decodes it, by the rules that the AWS provider declares for the type, and its
// fingerprint, and compares the CPU time with that of encoding/json on the same value.
// The buffer of the document is used again, as collectors do, and so is the hasher's.
//
// It also counts allocations: an encoder that allocates for fields makes some hundred.
func BenchmarkCanonical_Instance(b *testing.B) {
	const (
		kind       = "AWS::EC2::Instance"
		times      = 20_000 // for one measurement
		allocsBar  = 16     // one of the sets' keys and one of a time each would do; there are some 130 fields
		tolerance  = 0.5    // kB around the size that the bar was set for
		wantedSize = 4.5
	)
	provider, err := aws.New(aws.Options{Regions: []string{"us-east-1"}, Digest: func(s string) string { return s }})
	if err != nil {
		b.Fatal(err)
	}
	encoder, err := resource.NewEncoder(provider.Schema(kind), nil)
	if err != nil {
		b.Fatal(err)
	}
	instance := newInstance()
	plain, err := json.Marshal(instance)
	if err != nil {
		b.Fatal(err)
	}
	if size := float64(len(plain)) / 1000; size < wantedSize-tolerance || size > wantedSize+tolerance {
		b.Fatalf("the instance has %.1f kB of JSON, want about %.0f", size, wantedSize)
	}
	r := resource.Resource{Name: "web-042", Status: "running", Tags: map[string]string{}}
	for _, t := range instance.Tags {
		r.Tags[*t.Key] = *t.Value
	}
	var hasher resource.Hasher
	var buf []byte
	fingerprint := func() {
		if buf, err = encoder.Append(buf[:0], instance); err != nil {
			b.Fatal(err)
		}
		r.Attributes = buf
		hasher.Sum(&r)
	}
	c := bench.Comparison{
		Measured: func() bench.Cost {
			return bench.Measure(func() {
				for range times {
					fingerprint()
				}
			})
		},
		Reference: func() bench.Cost {
			return bench.Measure(func() {
				for range times {
					if _, err := json.Marshal(instance); err != nil {
						b.Fatal(err)
					}
				}
			})
		},
		Rounds: 9,
	}
	result := c.Run(b)
	table.Add(b, bench.Row{
		What: "canonical form and fingerprint of an EC2 instance / encoding/json on it, CPU",
		Unit: "x", Value: result.CPURatio(), Bar: 1,
		Detail: fmt.Sprintf("%s by %s each; %d bytes of JSON, %d canonical",
			result.Measured.CPU/times, result.Reference.CPU/times, len(plain), len(buf)),
	})
	table.Add(b, bench.Row{
		What: "allocations for one of them", Unit: "allocs", Value: testing.AllocsPerRun(1000, fingerprint), Bar: allocsBar,
		Detail: fmt.Sprintf("encoding/json: %.0f", testing.AllocsPerRun(1000, func() { _, _ = json.Marshal(instance) })),
	})
}

// newInstance returns an instance such as DescribeInstances describes a web server with
// two volumes, one interface, three groups and ten tags.
func newInstance() *types.Instance {
	at := sdk.Time(time.Date(2025, time.March, 14, 9, 26, 53, 0, time.UTC))
	groups := []types.GroupIdentifier{ // in no order, as the API gives them
		{GroupId: sdk.String("sg-0c1d2e3f4a5b6c7d8"), GroupName: sdk.String("web")},
		{GroupId: sdk.String("sg-0a1b2c3d4e5f60718"), GroupName: sdk.String("default")},
		{GroupId: sdk.String("sg-0b1c2d3e4f5061728"), GroupName: sdk.String("monitoring")},
	}
	volume := func(device, id string) types.InstanceBlockDeviceMapping {
		return types.InstanceBlockDeviceMapping{DeviceName: sdk.String(device), Ebs: &types.EbsInstanceBlockDevice{
			AttachTime: at, DeleteOnTermination: sdk.Bool(true), Status: types.AttachmentStatusAttached, VolumeId: sdk.String(id),
		}}
	}
	var tags []types.Tag
	for i, t := range []string{
		"Name", "env", "team", "owner", "cost-center", "service", "backup", "patch-group", "compliance", "created-by",
	} {
		tags = append(tags, types.Tag{Key: sdk.String(t), Value: sdk.String(fmt.Sprintf("value-of-tag-%d", i))})
	}
	const privateName, publicName = "ip-10-0-1-42.ec2.internal", "ec2-203-0-113-42.compute-1.amazonaws.com"
	return &types.Instance{
		AmiLaunchIndex:                   sdk.Int32(0),
		Architecture:                     types.ArchitectureValuesX8664,
		BlockDeviceMappings:              []types.InstanceBlockDeviceMapping{volume("/dev/xvda", "vol-0123456789abcdef0"), volume("/dev/sdf", "vol-0fedcba9876543210")},
		BootMode:                         types.BootModeValuesUefiPreferred,
		CapacityReservationSpecification: &types.CapacityReservationSpecificationResponse{CapacityReservationPreference: types.CapacityReservationPreferenceOpen},
		ClientToken:                      sdk.String("5f3a1c52-0d1e-4b6c-9c39-0a6d2f1e7b84"),
		CpuOptions:                       &types.CpuOptions{CoreCount: sdk.Int32(2), ThreadsPerCore: sdk.Int32(2)},
		CurrentInstanceBootMode:          types.InstanceBootModeValuesUefi,
		EbsOptimized:                     sdk.Bool(true),
		EnaSupport:                       sdk.Bool(true),
		EnclaveOptions:                   &types.EnclaveOptions{Enabled: sdk.Bool(false)},
		HibernationOptions:               &types.HibernationOptions{Configured: sdk.Bool(false)},
		Hypervisor:                       types.HypervisorTypeXen,
		IamInstanceProfile:               &types.IamInstanceProfile{Arn: sdk.String("arn:aws:iam::123456789012:instance-profile/web"), Id: sdk.String("AIPAJ2UCCR6DPCEXAMPLE")},
		ImageId:                          sdk.String("ami-0abcdef1234567890"),
		InstanceId:                       sdk.String("i-0123456789abcdef0"),
		InstanceType:                     types.InstanceTypeM5Xlarge,
		KeyName:                          sdk.String("operations"),
		LaunchTime:                       at,
		MaintenanceOptions:               &types.InstanceMaintenanceOptions{AutoRecovery: types.InstanceAutoRecoveryStateDefault},
		MetadataOptions: &types.InstanceMetadataOptionsResponse{
			HttpEndpoint: types.InstanceMetadataEndpointStateEnabled, HttpProtocolIpv6: types.InstanceMetadataProtocolStateDisabled,
			HttpPutResponseHopLimit: sdk.Int32(2), HttpTokens: types.HttpTokensStateRequired,
			InstanceMetadataTags: types.InstanceMetadataTagsStateDisabled, State: types.InstanceMetadataOptionsStateApplied,
		},
		Monitoring: &types.Monitoring{State: types.MonitoringStateEnabled},
		NetworkInterfaces: []types.InstanceNetworkInterface{{
			Association: &types.InstanceNetworkInterfaceAssociation{
				IpOwnerId: sdk.String("amazon"), PublicDnsName: sdk.String(publicName), PublicIp: sdk.String("203.0.113.42"),
			},
			Attachment: &types.InstanceNetworkInterfaceAttachment{
				AttachTime: at, AttachmentId: sdk.String("eni-attach-0123456789abcdef0"), DeleteOnTermination: sdk.Bool(true),
				DeviceIndex: sdk.Int32(0), NetworkCardIndex: sdk.Int32(0), Status: types.AttachmentStatusAttached,
			},
			Description: sdk.String("Primary network interface"), Groups: groups, InterfaceType: sdk.String("interface"),
			MacAddress: sdk.String("0e:49:61:0f:c3:11"), NetworkInterfaceId: sdk.String("eni-0123456789abcdef0"),
			OwnerId: sdk.String("123456789012"), PrivateDnsName: sdk.String(privateName), PrivateIpAddress: sdk.String("10.0.1.42"),
			PrivateIpAddresses: []types.InstancePrivateIpAddress{{
				Association: &types.InstanceNetworkInterfaceAssociation{
					IpOwnerId: sdk.String("amazon"), PublicDnsName: sdk.String(publicName), PublicIp: sdk.String("203.0.113.42"),
				},
				Primary: sdk.Bool(true), PrivateDnsName: sdk.String(privateName), PrivateIpAddress: sdk.String("10.0.1.42"),
			}},
			SourceDestCheck: sdk.Bool(true), Status: types.NetworkInterfaceStatusInUse,
			SubnetId: sdk.String("subnet-0123456789abcdef0"), VpcId: sdk.String("vpc-0123456789abcdef0"),
		}},
		Placement:                &types.Placement{AvailabilityZone: sdk.String("us-east-1a"), GroupName: sdk.String(""), Tenancy: types.TenancyDefault},
		PlatformDetails:          sdk.String("Linux/UNIX"),
		PrivateDnsName:           sdk.String(privateName),
		PrivateDnsNameOptions:    &types.PrivateDnsNameOptionsResponse{EnableResourceNameDnsAAAARecord: sdk.Bool(false), EnableResourceNameDnsARecord: sdk.Bool(true), HostnameType: types.HostnameTypeIpName},
		PrivateIpAddress:         sdk.String("10.0.1.42"),
		PublicDnsName:            sdk.String(publicName),
		PublicIpAddress:          sdk.String("203.0.113.42"),
		RootDeviceName:           sdk.String("/dev/xvda"),
		RootDeviceType:           types.DeviceTypeEbs,
		SecurityGroups:           groups,
		SourceDestCheck:          sdk.Bool(true),
		State:                    &types.InstanceState{Code: sdk.Int32(16), Name: types.InstanceStateNameRunning},
		SubnetId:                 sdk.String("subnet-0123456789abcdef0"),
		Tags:                     tags,
		UsageOperation:           sdk.String("RunInstances"),
		UsageOperationUpdateTime: at,
		VirtualizationType:       types.VirtualizationTypeHvm,
		VpcId:                    sdk.String("vpc-0123456789abcdef0"),
	}
}
