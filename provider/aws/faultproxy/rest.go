package faultproxy

import (
	"net/http"
	"strings"
)

// restService is how a service that names its operations by method and path writes them.
type restService struct {
	protocol   Protocol
	operations []restOperation
}

// restOperation is a request line. In the path "*" stands for one part, at the end for all
// that follows.
type restOperation struct{ method, path, operation string }

// restServices holds the operations by which Elava lists, of services that have a path for
// each (the API references). Those of Lambda and S3 that it needs for listings are known
// without.
var restServices = map[string]restService{
	"apigateway": {RESTJSON, []restOperation{
		{"GET", "/restapis", "GetRestApis"}, {"GET", "/restapis/*/stages", "GetStages"}, {"GET", "/apikeys", "GetApiKeys"},
		{"GET", "/v2/apis", "GetApis"}, {"GET", "/v2/apis/*/stages", "GetStages"},
	}},
	"backup": {RESTJSON, []restOperation{
		{"GET", "/backup/plans", "ListBackupPlans"}, {"GET", "/backup/plans/*", "GetBackupPlan"}, {"GET", "/backup-vaults", "ListBackupVaults"},
		{"GET", "/backup-vaults/*/access-policy", "GetBackupVaultAccessPolicy"}, {"GET", "/tags/*", "ListTags"},
	}},
	"batch": {RESTJSON, []restOperation{
		{"POST", "/v1/describecomputeenvironments", "DescribeComputeEnvironments"}, {"POST", "/v1/describejobqueues", "DescribeJobQueues"},
		{"POST", "/v1/describejobdefinitions", "DescribeJobDefinitions"},
	}},
	"cloudfront": {RESTXML, []restOperation{
		{"GET", "/2020-05-31/distribution", "ListDistributions"}, {"GET", "/2020-05-31/distribution/*/config", "GetDistributionConfig"},
		{"GET", "/2020-05-31/function", "ListFunctions"}, {"GET", "/2020-05-31/cache-policy", "ListCachePolicies"},
		{"GET", "/2020-05-31/origin-access-control", "ListOriginAccessControls"}, {"GET", "/2020-05-31/tagging", "ListTagsForResource"},
	}},
	"elasticfilesystem": {RESTJSON, []restOperation{
		{"GET", "/2015-02-01/file-systems", "DescribeFileSystems"}, {"GET", "/2015-02-01/file-systems/*/policy", "DescribeFileSystemPolicy"},
		{"GET", "/2015-02-01/access-points", "DescribeAccessPoints"}, {"GET", "/2015-02-01/mount-targets", "DescribeMountTargets"},
		{"GET", "/2015-02-01/mount-targets/*/security-groups", "DescribeMountTargetSecurityGroups"},
	}},
	"eks": {RESTJSON, []restOperation{
		{"GET", "/clusters", "ListClusters"}, {"GET", "/clusters/*/node-groups", "ListNodegroups"}, {"GET", "/clusters/*/node-groups/*", "DescribeNodegroup"},
		{"GET", "/clusters/*/fargate-profiles", "ListFargateProfiles"}, {"GET", "/clusters/*/fargate-profiles/*", "DescribeFargateProfile"},
		{"GET", "/clusters/*/addons", "ListAddons"}, {"GET", "/clusters/*/addons/*", "DescribeAddon"}, {"GET", "/clusters/*", "DescribeCluster"},
	}},
	"es": {RESTJSON, []restOperation{
		{"GET", "/2021-01-01/domain", "ListDomainNames"}, {"POST", "/2021-01-01/opensearch/domain-info", "DescribeDomains"}, {"GET", "/2021-01-01/tags", "ListTags"},
	}},
	"guardduty": {RESTJSON, []restOperation{{"GET", "/detector", "ListDetectors"}, {"GET", "/detector/*", "GetDetector"}}},
	"kafka": {RESTJSON, []restOperation{
		{"GET", "/api/v2/clusters", "ListClustersV2"}, {"GET", "/v1/configurations", "ListConfigurations"},
	}},
	"lambda": {RESTJSON, []restOperation{
		{"GET", "/2015-03-31/event-source-mappings", "ListEventSourceMappings"}, {"GET", "/2018-10-31/layers", "ListLayers"},
		{"GET", "/2015-03-31/functions/*/policy", "GetPolicy"},
	}},
	"mq":    {RESTJSON, []restOperation{{"GET", "/v1/brokers", "ListBrokers"}, {"GET", "/v1/brokers/*", "DescribeBroker"}}},
	"pipes": {RESTJSON, []restOperation{{"GET", "/v1/pipes", "ListPipes"}, {"GET", "/v1/pipes/*", "DescribePipe"}}},
	"route53": {RESTXML, []restOperation{
		{"GET", "/2013-04-01/hostedzone", "ListHostedZones"}, {"GET", "/2013-04-01/hostedzone/*/rrset", "ListResourceRecordSets"},
		{"GET", "/2013-04-01/hostedzone/*", "GetHostedZone"}, {"POST", "/2013-04-01/tags/hostedzone", "ListTagsForResources"},
	}},
	"scheduler": {RESTJSON, []restOperation{
		{"GET", "/schedules", "ListSchedules"}, {"GET", "/schedules/*", "GetSchedule"}, {"GET", "/schedule-groups", "ListScheduleGroups"},
		{"GET", "/tags/*", "ListTagsForResource"},
	}},
}

// operation returns the operation of a request; empty where it is none of those known.
func (s restService) operation(r *http.Request) string {
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	for _, o := range s.operations {
		if o.method == r.Method && o.matches(path) {
			return o.operation
		}
	}
	return ""
}

func (o restOperation) matches(path []string) bool {
	pattern := strings.Split(strings.Trim(o.path, "/"), "/")
	if o.path[len(o.path)-1] == '*' && len(path) > len(pattern) && !strings.Contains(o.path[:len(o.path)-1], "*") {
		path = path[:len(pattern)] // an ARN with slashes
	}
	if len(path) != len(pattern) {
		return false
	}
	for i, part := range pattern {
		if part != "*" && part != path[i] {
			return false
		}
	}
	return true
}
