package demo

import (
	"time"

	"github.com/elava-dev/elava/resource"
)

type securityGroup struct {
	GroupId             string
	GroupName           string
	Description         string
	OwnerId             string
	VpcId               string
	IpPermissions       []permission
	IpPermissionsEgress []permission
	Settings            []setting
}

type permission struct {
	IpProtocol       string
	FromPort, ToPort int32
	IpRanges         []ipRange
	UserIdGroupPairs []groupPair
}

type ipRange struct{ CidrIp, Description string }

type groupPair struct{ GroupId, UserId string }

var (
	ports  = [...]int32{443, 80, 22, 5432, 6379, 8080}
	ranges = [...]ipRange{
		{"10.0.0.0/8", "internal"}, {"192.168.0.0/16", "büro"}, {"203.0.113.0/24", "partner"}, {"0.0.0.0/0", "anyone"},
	}
)

func securityGroups() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typeSecurityGroup,
			Version: 1,
			Sets: map[string]string{
				"IpPermissions":                        "{IpProtocol}:{FromPort}-{ToPort}",
				"IpPermissions.IpRanges":               "{CidrIp}",
				"IpPermissions.UserIdGroupPairs":       "{GroupId}",
				"IpPermissionsEgress":                  "{IpProtocol}:{FromPort}-{ToPort}",
				"IpPermissionsEgress.IpRanges":         "{CidrIp}",
				"IpPermissionsEgress.UserIdGroupPairs": "{GroupId}",
			},
		},
		service: "network", noun: "security-group", local: "sg-0",
		weight:   10,
		changes:  []aspect{aspectTags, aspectSize, aspectMembers, aspectMembers},
		document: newSecurityGroup,
	}
}

// newSecurityGroup opens further ports as its members, and its first port to more
// ranges as its size.
func newSecurityGroup() document {
	var v securityGroup
	counts := [...]int{1, 2, 3, 4}
	pairs := []groupPair{{UserId: Account}}
	return document{&v, func(d *draft) {
		v.GroupId = d.id
		v.GroupName = d.name
		v.Description = d.join("traffic of ", d.name)
		v.OwnerId = Account
		v.VpcId = pick(d, d.pools.vpcs)
		open := sized(d, counts[:])
		pairs[0].GroupId = pick(d, d.pools.groups)
		v.IpPermissions = v.IpPermissions[:0]
		for i, port := range ports[:2+d.extra()] {
			if i > 0 {
				open = 1
			}
			v.IpPermissions = append(v.IpPermissions, permission{
				IpProtocol: "tcp", FromPort: port, ToPort: port,
				IpRanges:         ranges[:open],
				UserIdGroupPairs: pairs,
			})
		}
		shuffle(d, v.IpPermissions)
		v.IpPermissionsEgress = append(v.IpPermissionsEgress[:0],
			permission{IpProtocol: "-1", FromPort: -1, ToPort: -1, IpRanges: ranges[3:]})
		v.Settings = d.settings
	}}
}

type subnet struct {
	SubnetId                string
	VpcId                   string
	CidrBlock               string
	AvailabilityZone        string
	OwnerId                 string
	AvailableIpAddressCount int64
	MapPublicIpOnLaunch     bool
	AssignIpv6OnCreation    bool
	Ipv6CidrBlocks          []string
	Settings                []setting
}

var ipv6Blocks = [...]string{"2001:db8:1::/64", "2001:db8:2::/64", "2001:db8:3::/64"}

func subnets() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typeSubnet,
			Version: 1,
			Omit:    []string{"AvailableIpAddressCount"},
			Sets:    map[string]string{"Ipv6CidrBlocks": ""},
		},
		service: "network", noun: "subnet", local: "subnet-0",
		weight:   6,
		statuses: [2]string{"available", "available"},
		changes:  []aspect{aspectTags, aspectTags, aspectMembers},
		document: newSubnet,
	}
}

func newSubnet() document {
	var v subnet
	return document{&v, func(d *draft) {
		v.SubnetId = d.id
		v.VpcId = pick(d, d.pools.vpcs)
		v.CidrBlock = d.block()
		v.AvailabilityZone = d.zone()
		v.OwnerId = Account
		v.AvailableIpAddressCount = d.drifting(250)
		v.MapPublicIpOnLaunch = d.below(5) == 0
		v.Ipv6CidrBlocks = append(v.Ipv6CidrBlocks[:0], ipv6Blocks[:d.extra()]...)
		shuffle(d, v.Ipv6CidrBlocks)
		v.Settings = d.settings
	}}
}

type loadBalancer struct {
	LoadBalancerArn   string
	LoadBalancerName  string
	DNSName           string
	Scheme            string
	VpcId             string
	CreatedTime       time.Time
	AvailabilityZones []zone
	Listeners         []listener
	SecurityGroups    []string
	Settings          []setting
}

type zone struct{ ZoneName, SubnetId string }

type listener struct {
	Protocol       string
	Port           int32
	SslPolicy      string
	DefaultActions []listenerAction
}

type listenerAction struct {
	Type  string
	Order int32
}

var (
	schemes         = [...]string{"internal", "internet-facing"}
	listenerPorts   = [...]int32{443, 8443, 9443, 10443}
	listenerActions = [...]listenerAction{{"authenticate", 1}, {"forward", 2}}
)

func loadBalancers() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typePrefix + "Network::LoadBalancer",
			Version: 1,
			Sets: map[string]string{
				"AvailabilityZones": "{ZoneName}",
				"Listeners":         "{Protocol}:{Port}",
				"SecurityGroups":    "",
			},
		},
		service: "network", noun: "loadbalancer", local: "lb-0",
		naming:   namedByARN,
		weight:   3,
		statuses: [2]string{"active", "active"},
		changes:  []aspect{aspectTags, aspectMembers, aspectMembers, aspectSize},
		document: newLoadBalancer,
	}
}

func newLoadBalancer() document {
	var v loadBalancer
	return document{&v, func(d *draft) {
		v.LoadBalancerArn = d.id
		v.LoadBalancerName = d.name
		v.DNSName = d.join(d.name, ".", d.region, ".lb.demo.invalid")
		v.Scheme = sized(d, schemes[:])
		v.VpcId = pick(d, d.pools.vpcs)
		v.CreatedTime = d.created
		v.AvailabilityZones = v.AvailabilityZones[:0]
		for _, letter := range [...]string{"a", "b"} {
			v.AvailabilityZones = append(v.AvailabilityZones, zone{d.join(d.region, letter), pick(d, d.pools.subnets)})
		}
		shuffle(d, v.AvailabilityZones)
		v.Listeners = v.Listeners[:0]
		for _, port := range listenerPorts[:1+d.extra()] {
			v.Listeners = append(v.Listeners, listener{
				Protocol: "HTTPS", Port: port, SslPolicy: "demo-tls13",
				DefaultActions: listenerActions[:],
			})
		}
		shuffle(d, v.Listeners)
		v.SecurityGroups = append(v.SecurityGroups[:0], pick(d, d.pools.groups))
		v.Settings = d.settings
	}}
}
