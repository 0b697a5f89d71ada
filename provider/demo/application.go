package demo

import (
	"time"

	"github.com/elava-dev/elava/resource"
)

type function struct {
	FunctionName string
	FunctionArn  string
	Runtime      string
	Handler      string
	Role         string
	CodeSha256   string
	MemorySize   int32
	Timeout      int32
	LastModified time.Time
	RevisionId   int64
	Environment  environment
	VpcConfig    vpcConfig
	Layers       []layer // in the order in which they are laid over each other
	Settings     []setting
}

type environment struct{ Variables map[string]string }

type vpcConfig struct {
	VpcId            string
	SubnetIds        []string
	SecurityGroupIds []string
}

type layer struct{ Arn string }

var (
	memorySizes = [...]int32{128, 256, 512, 1024, 2048, 3008}
	runtimes    = [...]string{"go1.x", "python3.13", "nodejs22.x"}
	variables   = [...][2]string{{"LOG_LEVEL", "info"}, {"FEATURE_FLAGS", ""}, {"GREETING", "grüß dich"}, {"REGION_HINT", "near"}}
	layers      = [...]layer{{"arn:demo:function:::layer/tracing:3"}, {"arn:demo:function:::layer/certificates:7"}}
)

func functions() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typePrefix + "Function::Function",
			Version: 1,
			Omit:    []string{"RevisionId"},
			Sets:    map[string]string{"VpcConfig.SubnetIds": "", "VpcConfig.SecurityGroupIds": ""},
		},
		service: "function", noun: "function", local: "demo-function-",
		weight:   8,
		statuses: [2]string{"Active", "Inactive"},
		changes:  []aspect{aspectTags, aspectSize, aspectMembers, aspectMembers},
		document: newFunction,
	}
}

func newFunction() document {
	var v function
	v.Environment.Variables = map[string]string{}
	return document{&v, func(d *draft) {
		v.FunctionName = d.id
		v.FunctionArn = d.arn
		v.Runtime = pick(d, runtimes[:])
		v.Handler = "bootstrap"
		v.Role = "arn:demo:identity:::role/function-default"
		v.CodeSha256 = string(appendHex(d.text[:0], d.next()))
		v.MemorySize = sized(d, memorySizes[:])
		v.Timeout = 30
		v.LastModified = d.created
		v.RevisionId = d.drifting(1e9)
		clear(v.Environment.Variables)
		for _, variable := range variables[:1+d.extra()] {
			v.Environment.Variables[variable[0]] = variable[1]
		}
		v.VpcConfig.VpcId = pick(d, d.pools.vpcs)
		v.VpcConfig.SubnetIds = append(v.VpcConfig.SubnetIds[:0], pick(d, d.pools.subnets), pick(d, d.pools.subnets))
		v.VpcConfig.SecurityGroupIds = append(v.VpcConfig.SecurityGroupIds[:0], pick(d, d.pools.groups))
		shuffle(d, v.VpcConfig.SubnetIds)
		v.Layers = append(v.Layers[:0], layers[:]...)
		v.Settings = d.settings
	}}
}

type queue struct {
	QueueUrl                    string
	QueueArn                    string
	KmsMasterKeyId              string
	VisibilityTimeout           int32
	MessageRetentionPeriod      int32
	MaximumMessageSize          int32
	ApproximateNumberOfMessages int64
	FifoQueue                   bool
	CreatedTimestamp            time.Time
	RedrivePolicy               redrivePolicy
	Settings                    []setting
}

type redrivePolicy struct {
	DeadLetterTargetArn string
	MaxReceiveCount     int32
}

var visibilityTimeouts = [...]int32{30, 60, 300, 900}

func queues() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typePrefix + "Queue::Queue",
			Version: 1,
			Omit:    []string{"ApproximateNumberOfMessages"},
			Sets:    map[string]string{},
		},
		service: "queue", noun: "queue", local: "q-",
		naming:   namedByURL,
		weight:   4,
		changes:  []aspect{aspectTags, aspectSize},
		document: newQueue,
	}
}

func newQueue() document {
	var v queue
	return document{&v, func(d *draft) {
		v.QueueUrl = d.id
		v.QueueArn = d.arn
		v.KmsMasterKeyId = "alias/demo"
		v.VisibilityTimeout = sized(d, visibilityTimeouts[:])
		v.MessageRetentionPeriod = 345600
		v.MaximumMessageSize = 262144
		v.ApproximateNumberOfMessages = d.drifting(10000)
		v.FifoQueue = d.below(4) == 0
		v.CreatedTimestamp = d.created
		v.RedrivePolicy = redrivePolicy{d.join(d.arn, "-dead"), 5}
		v.Settings = d.settings
	}}
}

type alarm struct {
	AlarmName          string
	AlarmArn           string
	AlarmDescription   string
	MetricName         string
	Namespace          string
	ComparisonOperator string
	Threshold          float64
	Period             int32
	EvaluationPeriods  int32
	ActionsEnabled     bool
	StateUpdated       time.Time
	Dimensions         []dimension
	AlarmActions       []string
	Settings           []setting
}

type dimension struct{ Name, Value string }

var (
	thresholds   = [...]float64{0.5, 0.75, 0.9, 0.99}
	metrics      = [...]string{"CPUUtilization", "ErrorRate", "Latency"}
	alarmActions = [...]string{"arn:demo:notify:::topic/oncall", "arn:demo:notify:::topic/team", "arn:demo:notify:::topic/audit", "arn:demo:notify:::topic/chat"}
)

func alarms() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typePrefix + "Monitoring::Alarm",
			Version: 1,
			Omit:    []string{"StateUpdated"},
			Sets:    map[string]string{"Dimensions": "{Name}", "AlarmActions": ""},
		},
		service: "monitoring", noun: "alarm", local: "demo-alarm-",
		weight:   5,
		statuses: [2]string{"OK", "ALARM"},
		changes:  []aspect{aspectStatus, aspectStatus, aspectSize, aspectMembers, aspectTags},
		document: newAlarm,
	}
}

func newAlarm() document {
	var v alarm
	return document{&v, func(d *draft) {
		v.AlarmName = d.id
		v.AlarmArn = d.arn
		v.AlarmDescription = d.join("watches ", d.name, " → on call")
		v.MetricName = pick(d, metrics[:])
		v.Namespace = "Demo/Compute"
		v.ComparisonOperator = "GreaterThanThreshold"
		v.Threshold = sized(d, thresholds[:])
		v.Period = 60
		v.EvaluationPeriods = 3
		v.ActionsEnabled = true
		v.StateUpdated = epoch.Add(time.Duration(d.tick) * time.Minute)
		v.Dimensions = append(v.Dimensions[:0],
			dimension{"InstanceId", pick(d, d.pools.instances)}, dimension{"Region", d.region})
		shuffle(d, v.Dimensions)
		v.AlarmActions = append(v.AlarmActions[:0], alarmActions[:1+d.extra()]...)
		shuffle(d, v.AlarmActions)
		v.Settings = d.settings
	}}
}

type role struct {
	RoleName                 string
	RoleId                   string
	Arn                      string
	Path                     string
	Description              string
	MaxSessionDuration       int32
	CreateDate               time.Time
	RoleLastUsed             time.Time
	AssumeRolePolicyDocument string
	AttachedPolicies         []attachedPolicy
	Settings                 []setting
}

type attachedPolicy struct{ PolicyArn, PolicyName string }

var (
	sessionDurations = [...]int32{3600, 7200, 14400, 43200}
	trustPolicies    = [...]string{
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"compute.demo.invalid"},"Action":"sts:AssumeRole"}]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["queue.demo.invalid","function.demo.invalid"]},"Action":["sts:TagSession","sts:AssumeRole"]}]}`,
	}
	attachedPolicies = [...]attachedPolicy{
		{"arn:demo:identity:::policy/ReadOnly", "ReadOnly"},
		{"arn:demo:identity:::policy/Logs", "Logs"},
		{"arn:demo:identity:::policy/PowerUser", "PowerUser"},
		{"arn:demo:identity:::policy/Administrator", "Administrator"},
	}
)

// roles belong to no region. One that is made anew bears the same name.
func roles() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:     typePrefix + "Identity::Role",
			Version:  1,
			Omit:     []string{"RoleLastUsed"},
			Sets:     map[string]string{"AttachedPolicies": "{PolicyArn}"},
			Policies: []string{"AssumeRolePolicyDocument"},
		},
		service: "identity", noun: "role", local: "demo-role-",
		weight:      4,
		changes:     []aspect{aspectTags, aspectSize, aspectMembers, aspectMembers},
		accountWide: true,
		sameID:      true,
		document:    newRole,
	}
}

func newRole() document {
	var v role
	return document{&v, func(d *draft) {
		v.RoleName = d.id
		v.RoleId = d.uid
		v.Arn = d.arn
		v.Path = "/"
		v.Description = d.join("used by ", d.name)
		v.MaxSessionDuration = sized(d, sessionDurations[:])
		v.CreateDate = d.created
		v.RoleLastUsed = epoch.Add(time.Duration(d.tick) * time.Hour)
		v.AssumeRolePolicyDocument = pick(d, trustPolicies[:])
		v.AttachedPolicies = append(v.AttachedPolicies[:0], attachedPolicies[:1+d.extra()]...)
		shuffle(d, v.AttachedPolicies)
		v.Settings = d.settings
	}}
}
