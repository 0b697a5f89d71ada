package config

import (
	"log/slog"
	"time"
)

// settingRows returns the table of all settings, in the order in which they are
// documented and printed. A new setting is one row here and a field in Config.
func settingRows() []row[Config] {
	return []row[Config]{
		one(Spec{
			Key: "daemon.reconciliation_interval", Env: "ELAVA_RECONCILIATION_INTERVAL", Default: "5m",
			Doc: "Time from the start of a scan to the start of the next.",
		}, positiveDuration(), func(c *Config) *time.Duration { return &c.Daemon.ReconciliationInterval }).
			withFlag("--interval", func(f Flags) []string { return scalarFlag(f.Interval) }),
		one(Spec{
			Key: "daemon.reconciliation_jitter", Env: "ELAVA_RECONCILIATION_JITTER", Default: "10%",
			Doc: "Share of the interval over which the start of each scan but the first is spread at random, half of it early and half late.",
		}, share(), func(c *Config) *float64 { return &c.Daemon.ReconciliationJitter }),
		one(Spec{
			Key: "daemon.reconciliation_timeout", Env: "ELAVA_RECONCILIATION_TIMEOUT", Default: "10m",
			Doc: "Time after which one scan is given up; what it did not list stays as it was.",
		}, positiveDuration(), func(c *Config) *time.Duration { return &c.Daemon.ReconciliationTimeout }),
		one(Spec{
			Key: "daemon.metrics_port", Env: "ELAVA_METRICS_PORT", Default: "2112",
			Doc: "Port of the metrics, the probes and the API; 0 is any free port, which is logged.",
		}, port(), func(c *Config) *int { return &c.Daemon.MetricsPort }).
			withFlag("--metrics-port", func(f Flags) []string { return scalarFlag(f.MetricsPort) }).
			needRestart(),
		one(Spec{
			Key: "daemon.listen_address", Env: "ELAVA_LISTEN_ADDRESS", Default: `""`,
			Doc: "IP address or host name to listen on; empty is all interfaces.",
		}, listenAddress(), func(c *Config) *string { return &c.Daemon.ListenAddress }).
			withFlag("--listen-address", func(f Flags) []string { return scalarFlag(f.ListenAddress) }).
			needRestart(),
		one(Spec{
			Key: "daemon.graceful_shutdown_timeout", Env: "ELAVA_GRACEFUL_SHUTDOWN_TIMEOUT", Default: "30s",
			Doc: "Time that a stop may take before it is forced.",
		}, positiveDuration(), func(c *Config) *time.Duration { return &c.Daemon.GracefulShutdownTimeout }),

		one(Spec{
			Key: "cloud.provider", Env: "ELAVA_CLOUD_PROVIDER", Default: "aws",
			Doc: "Which cloud is listed.",
		}, provider(), func(c *Config) *string { return &c.Cloud.Provider }).
			withFlag("--provider", func(f Flags) []string { return scalarFlag(f.Provider) }),
		many(Spec{
			Key: "cloud.region", Env: "ELAVA_CLOUD_REGION",
			Default: "$AWS_REGION, else $AWS_DEFAULT_REGION, else us-east-1",
			Doc:     "Regions that are listed; all is every enabled region.",
		}, formScalarOrList, region(), checkRegions, func(c *Config) *[]string { return &c.Cloud.Regions }).
			withDerivedDefault(defaultRegion, "AWS_REGION").
			withFlag("--region", func(f Flags) []string { return f.Regions }),
		many(Spec{
			Key: "cloud.include_types", Env: "ELAVA_CLOUD_INCLUDE_TYPES", Default: "[]",
			Doc: "Resource types that are listed; empty is every type.",
		}, formList, typePattern(), nil, func(c *Config) *[]string { return &c.Cloud.IncludeTypes }),
		many(Spec{
			Key: "cloud.exclude_types", Env: "ELAVA_CLOUD_EXCLUDE_TYPES", Default: "[]",
			Doc: "Resource types that are not listed, even where include_types names them.",
		}, formList, typePattern(), nil, func(c *Config) *[]string { return &c.Cloud.ExcludeTypes }),
		records(Spec{
			Key: "cloud.accounts", Default: "[]",
			Doc: "Accounts that are listed beside the one of the credentials.",
		}, accountRows(), checkAccounts, func(c *Config) *[]Account { return &c.Cloud.Accounts }),
		one(Spec{
			Key: "cloud.organization.role_name", Env: "ELAVA_CLOUD_ORGANIZATION_ROLE_NAME", Default: `""`,
			Doc: "Role by which every active account of the organization is listed; empty: the organization is not asked.",
		}, roleName(), func(c *Config) *string { return &c.Cloud.Organization.RoleName }),
		one(Spec{
			Key: "cloud.organization.external_id", Env: "ELAVA_CLOUD_ORGANIZATION_EXTERNAL_ID", Default: `""`,
			Doc: "External id that the trust policies of these roles ask for; empty: none is sent.",
		}, externalID(), func(c *Config) *string { return &c.Cloud.Organization.ExternalID }),
		one(Spec{
			Key: "cloud.api_budget", Env: "ELAVA_CLOUD_API_BUDGET", Default: "20%",
			Doc: "Share of AWS's limits on API calls that Elava takes for itself, in every account and region.",
		}, positiveShare(), func(c *Config) *float64 { return &c.Cloud.APIBudget }),
		one(Spec{
			Key: "cloud.scan_concurrency", Env: "ELAVA_CLOUD_SCAN_CONCURRENCY", Default: "8",
			Doc: "How many scopes (account, region, type) are listed at the same time.",
		}, count(1), func(c *Config) *int { return &c.Cloud.ScanConcurrency }),
		one(Spec{
			Key: "cloud.doubt_share", Env: "ELAVA_CLOUD_DOUBT_SHARE", Default: "50%",
			Doc: "Above which share of a scope's resources being absent at once, or losing all tags, it is listed once more before that is believed; 100% doubts nothing.",
		}, share(), func(c *Config) *float64 { return &c.Cloud.DoubtShare }),
		one(Spec{
			Key: "cloud.doubt_count", Env: "ELAVA_CLOUD_DOUBT_COUNT", Default: "20",
			Doc: "Up to how many resources are believed to be absent, or to have lost all tags, whatever their share.",
		}, count(1), func(c *Config) *int { return &c.Cloud.DoubtCount }),
		one(Spec{
			Key: "cloud.demo.seed", Env: "ELAVA_CLOUD_DEMO_SEED", Default: "1",
			Doc: "Where the demo cloud's random numbers start; the same seed makes the same cloud.",
		}, wholeNumber(), func(c *Config) *int64 { return &c.Cloud.Demo.Seed }),
		one(Spec{
			Key: "cloud.demo.resources", Env: "ELAVA_CLOUD_DEMO_RESOURCES", Default: "200",
			Doc: "How many resources the demo cloud has.",
		}, count(1), func(c *Config) *int { return &c.Cloud.Demo.Resources }),
		one(Spec{
			Key: "cloud.demo.change_rate", Env: "ELAVA_CLOUD_DEMO_CHANGE_RATE", Default: "2%",
			Doc: "Share of the demo cloud's resources that changes from one scan to the next.",
		}, share(), func(c *Config) *float64 { return &c.Cloud.Demo.ChangeRate }),
		many(Spec{
			Key: "cloud.demo.faults", Env: "ELAVA_CLOUD_DEMO_FAULTS", Default: "[]",
			Doc: "Faults that the demo cloud shows.",
		}, formList, faultName(), nil, func(c *Config) *[]string { return &c.Cloud.Demo.Faults }),

		one(Spec{
			Key: "storage.path", Env: "ELAVA_STORAGE_PATH",
			Default: "$STATE_DIRECTORY/data, else $XDG_STATE_HOME/elava/data, else $HOME/.local/state/elava/data",
			Doc:     "Directory of the store.",
		}, directory(), func(c *Config) *string { return &c.Storage.Path }).
			withFlag("--storage-path", func(f Flags) []string { return scalarFlag(f.StoragePath) }).
			withDerivedDefault(defaultStoragePath, "STATE_DIRECTORY, XDG_STATE_HOME or HOME").
			needRestart(),
		one(Spec{
			Key: "storage.retention", Env: "ELAVA_STORAGE_RETENTION", Default: "0s",
			Doc: "Age from which superseded versions are dropped; 0 keeps everything.",
		}, durationOrZero(), func(c *Config) *time.Duration { return &c.Storage.Retention }),

		one(Spec{
			Key: "api.token_file", Env: "ELAVA_API_TOKEN_FILE", Default: `""`,
			Doc: "File with the bearer token for clients that are not on loopback; empty: only loopback is answered.",
		}, secretFile(), func(c *Config) *string { return &c.API.TokenFile }),

		records(Spec{
			Key: "notify", Default: "[]",
			Doc: "Webhooks that are told of changes.",
		}, hookRows(), checkHooks, func(c *Config) *[]Hook { return &c.Notify }),

		one(Spec{
			Key: "logging.level", Env: "ELAVA_LOG_LEVEL", Default: "info",
			Doc: "The least important lines that are logged.",
		}, logLevel(), func(c *Config) *slog.Level { return &c.Logging.Level }),
		one(Spec{
			Key: "logging.format", Env: "ELAVA_LOG_FORMAT", Default: "text",
			Doc: "How log lines look.",
		}, logFormat(), func(c *Config) *string { return &c.Logging.Format }).
			needRestart(),
	}
}

// accountRows returns the keys of one entry of cloud.accounts. They have no
// variables and no flags.
func accountRows() []row[Account] {
	return []row[Account]{
		one(Spec{
			Key: "cloud.accounts[].role_arn",
			Doc: "Role that Elava assumes to read the account; required.",
		}, roleARN(), func(a *Account) *string { return &a.RoleARN }).require(),
		one(Spec{
			Key: "cloud.accounts[].external_id", Default: `""`,
			Doc: "External id that the role's trust policy asks for; empty: none is sent.",
		}, externalID(), func(a *Account) *string { return &a.ExternalID }),
		many(Spec{
			Key: "cloud.accounts[].regions", Default: "those of cloud.region",
			Doc: "Regions that are listed in this account.",
		}, formScalarOrList, region(), checkRegions, func(a *Account) *[]string { return &a.Regions }),
	}
}

// hookRows returns the keys of one entry of notify.
func hookRows() []row[Hook] {
	return []row[Hook]{
		one(Spec{
			Key: "notify[].url",
			Doc: "Address that changes are posted to; required. Only its host is shown again.",
		}, hookURL(), func(h *Hook) *string { return &h.URL }).require(),
		one(Spec{
			Key: "notify[].secret", Default: `""`,
			Doc: "Key of the signature; empty: unsigned. It is not shown again.",
		}, hiddenText(), func(h *Hook) *string { return &h.Secret }),
		one(Spec{
			Key: "notify[].secret_file", Default: `""`,
			Doc: "File that the secret is read from instead.",
		}, secretFile(), func(h *Hook) *string { return &h.SecretFile }),
		one(Spec{
			Key: "notify[].secret_env", Default: `""`,
			Doc: "Variable that the secret is read from instead.",
		}, variableName(), func(h *Hook) *string { return &h.SecretEnv }),
		many(Spec{
			Key: "notify[].types", Default: "[]",
			Doc: "Resource types whose changes are told; empty is every type.",
		}, formList, typePattern(), nil, func(h *Hook) *[]string { return &h.Types }),
		many(Spec{
			Key: "notify[].change_types", Default: "[]",
			Doc: "Kinds of changes that are told; empty is every kind.",
		}, formList, changeType(), nil, func(h *Hook) *[]string { return &h.ChangeTypes }),
		many(Spec{
			Key: "notify[].tags", Default: "[]",
			Doc: "Tags that the resource must have, all of them.",
		}, formList, tagFilter(), nil, func(h *Hook) *[]string { return &h.Tags }),
		one(Spec{
			Key: "notify[].format", Default: "json",
			Doc: "Form of the body.",
		}, hookFormat(), func(h *Hook) *string { return &h.Format }),
	}
}
