package demo

import (
	"time"

	"github.com/elava-dev/elava/resource"
)

type instance struct {
	InstanceId          string
	InstanceType        string
	ImageId             string
	Architecture        string
	PrivateIpAddress    string
	SubnetId            string
	VpcId               string
	RootDeviceName      string
	EbsOptimized        bool
	LaunchTime          time.Time
	State               instanceState
	Placement           placement
	Monitoring          monitoring
	CpuOptions          cpuOptions
	MetadataOptions     metadataOptions
	SecurityGroups      []groupIdentifier
	BlockDeviceMappings []blockDevice
	NetworkInterfaces   []networkInterface
	Settings            []setting
}

type instanceState struct {
	Code int32
	Name string
}

type placement struct{ AvailabilityZone, Tenancy string }

type monitoring struct{ State string }

type cpuOptions struct{ CoreCount, ThreadsPerCore int32 }

type metadataOptions struct {
	HttpEndpoint, HttpTokens string
	HttpPutResponseHopLimit  int32
}

type groupIdentifier struct{ GroupId string }

type blockDevice struct {
	DeviceName string
	Ebs        ebs
}

type ebs struct {
	VolumeId            string
	DeleteOnTermination bool
}

type networkInterface struct {
	NetworkInterfaceId string
	SourceDestCheck    bool
	Groups             []groupIdentifier
	PrivateIpAddresses []privateAddress
}

type privateAddress struct {
	PrivateIpAddress string
	Primary          bool
}

var (
	instanceTypes = [...]string{"t3.micro", "t3.small", "m7g.large", "m7g.xlarge", "c7g.2xlarge", "r7g.4xlarge"}
	images        = [...]string{"ami-0a1b2c3d4e5f60718", "ami-0f9e8d7c6b5a49382", "ami-00112233445566778"}
	devices       = [...]string{"/dev/xvda", "/dev/sdf", "/dev/sdg", "/dev/sdh"}
)

func instances() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typeInstance,
			Version: 1,
			Omit:    []string{"State"}, // Resource.Status says it
			Sets: map[string]string{
				"SecurityGroups":                       "{GroupId}",
				"BlockDeviceMappings":                  "{DeviceName}",
				"NetworkInterfaces":                    "{NetworkInterfaceId}",
				"NetworkInterfaces.Groups":             "{GroupId}",
				"NetworkInterfaces.PrivateIpAddresses": "{PrivateIpAddress}",
			},
		},
		service: "compute", noun: "instance", local: "i-0",
		weight:   24,
		statuses: [2]string{"running", "stopped"},
		changes:  []aspect{aspectTags, aspectStatus, aspectStatus, aspectSize, aspectMembers},
		document: newInstance,
	}
}

func newInstance() document {
	var v instance
	return document{&v, func(d *draft) {
		v.InstanceId = d.id
		v.InstanceType = sized(d, instanceTypes[:])
		v.ImageId = pick(d, images[:])
		v.Architecture = "arm64"
		v.PrivateIpAddress = d.address()
		v.SubnetId = pick(d, d.pools.subnets)
		v.VpcId = pick(d, d.pools.vpcs)
		v.RootDeviceName = devices[0]
		v.EbsOptimized = true
		v.LaunchTime = d.created
		v.State = instanceState{Code: int32(d.tick & 0xff << 8), Name: d.status}
		v.Placement = placement{d.zone(), "default"}
		v.Monitoring.State = "disabled"
		v.CpuOptions = cpuOptions{CoreCount: 2, ThreadsPerCore: 1}
		v.MetadataOptions = metadataOptions{"enabled", "required", 2}
		v.SecurityGroups = groups(v.SecurityGroups[:0], d)
		v.BlockDeviceMappings = v.BlockDeviceMappings[:0]
		volume := d.below(poolSize)
		for i, device := range devices[:1+d.extra()] {
			id := d.pools.volumes[(volume+i)%len(d.pools.volumes)]
			v.BlockDeviceMappings = append(v.BlockDeviceMappings, blockDevice{device, ebs{id, i == 0}})
		}
		shuffle(d, v.BlockDeviceMappings)
		if v.NetworkInterfaces == nil {
			v.NetworkInterfaces = make([]networkInterface, 1)
		}
		nic := &v.NetworkInterfaces[0]
		nic.NetworkInterfaceId = d.join("eni-", d.id[len("i-"):])
		nic.SourceDestCheck = true
		nic.Groups = append(nic.Groups[:0], v.SecurityGroups...)
		nic.PrivateIpAddresses = append(nic.PrivateIpAddresses[:0],
			privateAddress{v.PrivateIpAddress, true}, privateAddress{d.address(), false})
		shuffle(d, nic.PrivateIpAddresses)
		v.Settings = d.settings
	}}
}

// groups appends up to three different security groups in no order.
func groups(list []groupIdentifier, d *draft) []groupIdentifier {
	pool := d.pools.groups
	at, n := d.below(len(pool)), 1+d.below(3)
	for i := range min(n, len(pool)) {
		list = append(list, groupIdentifier{pool[(at+i)%len(pool)]})
	}
	shuffle(d, list)
	return list
}

type volume struct {
	VolumeId           string
	VolumeType         string
	AvailabilityZone   string
	KmsKeyId           string
	SnapshotId         string
	Size               int32
	Iops               int32
	Throughput         int32
	Encrypted          bool
	MultiAttachEnabled bool
	CreateTime         time.Time
	Attachments        []attachment
	Settings           []setting
}

type attachment struct {
	InstanceId, Device, State string
	DeleteOnTermination       bool
}

var volumeSizes = [...]int32{8, 20, 50, 100, 500}

func volumes() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typeVolume,
			Version: 1,
			Sets:    map[string]string{"Attachments": "{InstanceId}"},
		},
		service: "compute", noun: "volume", local: "vol-0",
		weight:   20,
		statuses: [2]string{"in-use", "available"},
		changes:  []aspect{aspectTags, aspectStatus, aspectSize, aspectSize},
		document: newVolume,
	}
}

func newVolume() document {
	var v volume
	return document{&v, func(d *draft) {
		v.VolumeId = d.id
		v.VolumeType = "gp3"
		v.AvailabilityZone = d.zone()
		v.KmsKeyId = "alias/demo"
		v.SnapshotId = d.join("snap-", d.id[len("vol-"):])
		v.Size = sized(d, volumeSizes[:])
		v.Iops = 3000
		v.Throughput = 125
		v.Encrypted = d.below(10) > 0
		v.CreateTime = d.created
		v.Attachments = v.Attachments[:0]
		instance := pick(d, d.pools.instances)
		if d.status == "in-use" {
			v.Attachments = append(v.Attachments, attachment{instance, "/dev/sdf", "attached", true})
		}
		v.Settings = d.settings
	}}
}
