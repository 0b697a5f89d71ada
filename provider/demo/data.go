package demo

import (
	"time"

	"github.com/elava-dev/elava/resource"
)

type bucket struct {
	Name              string
	LocationRegion    string
	CreationDate      time.Time
	Versioning        bucketVersioning
	Encryption        bucketEncryption
	PublicAccessBlock publicAccessBlock
	LifecycleRules    []lifecycleRule
	Settings          []setting
}

type bucketVersioning struct{ Status, MFADelete string }

type bucketEncryption struct {
	SSEAlgorithm, KMSMasterKeyID string
	BucketKeyEnabled             bool
}

type publicAccessBlock struct {
	BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets bool
}

type lifecycleRule struct {
	ID, Status  string
	Filter      lifecycleFilter
	Transitions []transition
}

type lifecycleFilter struct{ Prefix string }

type transition struct {
	Days         int32
	StorageClass string
}

var (
	versionings    = [...]string{"Enabled", "Suspended"}
	lifecycleRules = [...]lifecycleRule{
		{"archive", "Enabled", lifecycleFilter{"archive/"}, []transition{{30, "COLD"}, {180, "FROZEN"}}},
		{"cleanup", "Enabled", lifecycleFilter{"tmp/"}, []transition{{7, "EXPIRED"}}},
		{"exports", "Disabled", lifecycleFilter{"exports/"}, []transition{{90, "COLD"}}},
		{"logs", "Enabled", lifecycleFilter{"logs/"}, []transition{{14, "COLD"}}},
	}
)

// buckets are listed for all regions at once, and each lies in one region.
func buckets() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typePrefix + "Storage::Bucket",
			Version: 1,
			Sets:    map[string]string{"LifecycleRules": "{ID}"},
		},
		service: "storage", noun: "bucket", local: "demo-bucket-",
		weight:      6,
		changes:     []aspect{aspectTags, aspectSize, aspectMembers},
		accountWide: true,
		regional:    true,
		document:    newBucket,
	}
}

// newBucket turns its versioning on and off as its size.
func newBucket() document {
	var v bucket
	return document{&v, func(d *draft) {
		v.Name = d.id
		v.LocationRegion = d.region
		v.CreationDate = d.created
		v.Versioning = bucketVersioning{sized(d, versionings[:]), "Disabled"}
		v.Encryption = bucketEncryption{"kms", "alias/demo", true}
		private := d.below(20) > 0
		v.PublicAccessBlock = publicAccessBlock{private, private, true, private}
		v.LifecycleRules = append(v.LifecycleRules[:0], lifecycleRules[:1+d.extra()]...)
		shuffle(d, v.LifecycleRules)
		v.Settings = d.settings
	}}
}

type database struct {
	DBInstanceIdentifier string
	DBInstanceClass      string
	Engine               string
	EngineVersion        string
	MasterUsername       string
	AllocatedStorage     int32
	BackupRetention      int32
	MultiAZ              bool
	StorageEncrypted     bool
	DeletionProtection   bool
	InstanceCreateTime   time.Time
	LatestRestorableTime time.Time
	Endpoint             endpoint
	VpcSecurityGroups    []databaseGroup
	ParameterGroups      []parameterGroup
	ReadReplicas         []string
	Settings             []setting
}

type endpoint struct {
	Address string
	Port    int32
}

type databaseGroup struct{ VpcSecurityGroupId, Status string }

type parameterGroup struct{ DBParameterGroupName, ParameterApplyStatus string }

var (
	databaseClasses = [...]string{"db.t4g.medium", "db.r7g.large", "db.r7g.xlarge", "db.r7g.2xlarge"}
	engineVersions  = [...]string{"15.8", "16.4", "17.2"}
	replicas        = [...]string{"replica-a", "replica-b", "replica-c"}
)

func databases() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typePrefix + "Database::Instance",
			Version: 1,
			Omit:    []string{"LatestRestorableTime", "ParameterGroups.ParameterApplyStatus"},
			Sets: map[string]string{
				"VpcSecurityGroups": "{VpcSecurityGroupId}",
				"ParameterGroups":   "{DBParameterGroupName}",
				"ReadReplicas":      "",
			},
		},
		service: "database", noun: "db", local: "db-",
		weight:   5,
		statuses: [2]string{"available", "stopped"},
		changes:  []aspect{aspectTags, aspectStatus, aspectSize, aspectMembers},
		document: newDatabase,
	}
}

func newDatabase() document {
	var v database
	return document{&v, func(d *draft) {
		v.DBInstanceIdentifier = d.id
		v.DBInstanceClass = sized(d, databaseClasses[:])
		v.Engine = "postgres"
		v.EngineVersion = pick(d, engineVersions[:])
		v.MasterUsername = "admin"
		v.AllocatedStorage = pick(d, volumeSizes[:])
		v.BackupRetention = 7
		v.MultiAZ = d.below(2) == 0
		v.StorageEncrypted = true
		v.DeletionProtection = d.below(3) > 0
		v.InstanceCreateTime = d.created
		v.LatestRestorableTime = epoch.Add(time.Duration(d.tick) * 5 * time.Minute)
		v.Endpoint = endpoint{d.join(d.id, ".", d.region, ".db.demo.invalid"), 5432}
		v.VpcSecurityGroups = append(v.VpcSecurityGroups[:0], databaseGroup{pick(d, d.pools.groups), "active"})
		v.ParameterGroups = append(v.ParameterGroups[:0],
			parameterGroup{"default.postgres", "in-sync"}, parameterGroup{"demo.tuning", "in-sync"})
		shuffle(d, v.ParameterGroups)
		v.ReadReplicas = append(v.ReadReplicas[:0], replicas[:d.extra()]...)
		shuffle(d, v.ReadReplicas)
		v.Settings = d.settings
	}}
}

type table struct {
	TableName              string
	TableArn               string
	BillingMode            string
	ItemCount              int64
	TableSizeBytes         int64
	CreationDateTime       time.Time
	DeletionProtection     bool
	ProvisionedThroughput  throughput
	KeySchema              []keyElement
	AttributeDefinitions   []attributeDefinition
	GlobalSecondaryIndexes []index
	Settings               []setting
}

type throughput struct{ ReadCapacityUnits, WriteCapacityUnits int64 }

type keyElement struct{ AttributeName, KeyType string }

type attributeDefinition struct{ AttributeName, AttributeType string }

type index struct {
	IndexName string
	ItemCount int64
	KeySchema []keyElement
}

var (
	capacities = [...]int64{5, 10, 50, 100}
	indexNames = [...]string{"by-date", "by-owner", "by-status"}
)

func tables() *kind {
	return &kind{
		schema: &resource.Schema{
			Type:    typePrefix + "Database::Table",
			Version: 1,
			Omit:    []string{"ItemCount", "TableSizeBytes", "GlobalSecondaryIndexes.ItemCount"},
			Sets: map[string]string{
				"AttributeDefinitions":   "{AttributeName}",
				"GlobalSecondaryIndexes": "{IndexName}",
			},
		},
		service: "database", noun: "table", local: "demo-table-",
		weight:   5,
		statuses: [2]string{"ACTIVE", "ACTIVE"},
		changes:  []aspect{aspectTags, aspectSize, aspectMembers},
		document: newTable,
	}
}

func newTable() document {
	var v table
	return document{&v, func(d *draft) {
		v.TableName = d.id
		v.TableArn = d.arn
		v.BillingMode = "PROVISIONED"
		v.ItemCount = d.drifting(1e6)
		v.TableSizeBytes = d.drifting(1e9)
		v.CreationDateTime = d.created
		v.DeletionProtection = true
		capacity := sized(d, capacities[:])
		v.ProvisionedThroughput = throughput{capacity, 5}
		v.KeySchema = append(v.KeySchema[:0], keyElement{"pk", "HASH"}, keyElement{"at", "RANGE"})
		v.AttributeDefinitions = append(v.AttributeDefinitions[:0],
			attributeDefinition{"at", "N"}, attributeDefinition{"pk", "S"})
		shuffle(d, v.AttributeDefinitions)
		v.GlobalSecondaryIndexes = v.GlobalSecondaryIndexes[:0]
		for _, name := range indexNames[:d.extra()] {
			v.GlobalSecondaryIndexes = append(v.GlobalSecondaryIndexes, index{name, v.ItemCount, v.KeySchema})
		}
		shuffle(d, v.GlobalSecondaryIndexes)
		v.Settings = d.settings
	}}
}
