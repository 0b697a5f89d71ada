// Package config decides what a daemon runs with: it reads a file, the
// environment and the command line, and checks all of it before anything is
// started.
//
// A later source wins over an earlier one:
//
//	default < file < environment < flag
//
// Loading is strict. An unknown key, a wrong type, a key given twice or an
// impossible value is a problem in whichever source it stands, even where a
// stronger source overrides it, and all problems are reported at once in one
// [*Error]. A configuration with a problem is not returned at all.
//
// Every setting is one row of a table (see settingRows), from which the file,
// the environment and the flags are parsed, the effective values are printed
// ([Config.Settings]) and the reference documentation is written ([Specs]).
//
// What this package does not do: it searches for no file, it reads no variable
// of the cloud's SDK, it opens nothing that a setting names (a path, a token
// file, an address), and it does not know which resource types, regions or
// faults exist. Whoever uses a value finds that out.
//
// Two rules that are easily missed: a variable that is set but empty counts as
// not set, and a list in a variable is separated by commas.
package config

import (
	"cmp"
	"log/slog"
	"slices"
	"time"
)

// Values of Cloud.Provider.
const (
	ProviderAWS  = "aws"
	ProviderDemo = "demo"
)

// AllRegions stands for every region that is enabled in the account, as the only entry of a
// list of regions.
const AllRegions = "all"

// Values of Hook.Format.
const (
	HookJSON  = "json"
	HookSlack = "slack"
)

// Values of Logging.Format.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// Config is a whole, valid configuration. The zero value is not one: Load
// makes it. A Config is not changed after Load and may be read concurrently.
type Config struct {
	Daemon  Daemon
	Cloud   Cloud
	Storage Storage
	API     API
	Notify  []Hook
	Logging Logging

	origins map[string]Origin // by Setting.Key
}

// Daemon holds the settings of the process and its loop.
type Daemon struct {
	ReconciliationInterval  time.Duration // from the start of a scan to the start of the next; above 0
	ReconciliationJitter    float64       // share of the interval over which starts are spread, 0 to 1
	ReconciliationTimeout   time.Duration // of one scan; above 0
	MetricsPort             int           // 0 is any free port
	ListenAddress           string        // IP address or host name; empty is all interfaces
	GracefulShutdownTimeout time.Duration // above 0
}

// Cloud says what is listed.
type Cloud struct {
	Provider        string    // ProviderAWS or ProviderDemo
	Regions         []string  // never empty; names, or AllRegions alone
	IncludeTypes    []string  // patterns of path.Match, to be compared without regard to case; empty is every type
	ExcludeTypes    []string  // the same; they win over IncludeTypes
	Accounts        []Account // beside the account of the credentials
	Organization    Organization
	APIBudget       float64 // share of AWS's limits on calls, above 0 to 1
	ScanConcurrency int     // scopes listed at the same time; above 0
	DoubtShare      float64 // of a scope's resources, 0 to 1; see the daemon's Guard
	DoubtCount      int     // resources; above 0
	Demo            Demo
}

// Account is one more account, entered through a role.
type Account struct {
	RoleARN    string   // never empty
	ExternalID string   // empty: none is sent
	Regions    []string // as in Cloud; empty: those of Cloud
}

// Organization is how all accounts of the organization are entered.
type Organization struct {
	RoleName   string // path and name of the role in every account; empty: the organization is not listed
	ExternalID string // empty: none is sent
}

// Demo holds the settings of the synthetic cloud.
type Demo struct {
	Seed       int64    // the same seed makes the same cloud
	Resources  int      // how many exist; above 0
	ChangeRate float64  // share of the resources that changes from one scan to the next, 0 to 1
	Faults     []string // as written; the demo provider knows their meaning
}

// Storage says where versions are kept, and how long.
type Storage struct {
	Path      string        // a directory; never empty
	Retention time.Duration // age from which superseded versions are dropped; 0 keeps everything
}

// API holds the settings of the HTTP API.
type API struct {
	TokenFile string // file with the bearer token for clients that are not on loopback; empty: only loopback is answered
}

// Hook is a webhook that is told of changes.
type Hook struct {
	URL         string   // http or https, with a host
	Secret      string   // at most one of the three is set; none: unsigned
	SecretFile  string   // to be read by whoever uses it
	SecretEnv   string   // the same
	Types       []string // patterns; empty is every type
	ChangeTypes []string // empty is every one
	Tags        []string // "key" or "key=value", all of them
	Format      string   // HookJSON or HookSlack; empty is HookJSON
}

// Logging says what is logged, and how.
type Logging struct {
	Level  slog.Level // the lowest that is written
	Format string     // FormatText or FormatJSON
}

// Sources are the places that Load reads. The zero value gives the defaults of
// a machine with an empty environment.
type Sources struct {
	// File is the path of the configuration file; empty: there is none. A file
	// that is named and cannot be read is a problem.
	File string
	// LookupEnv reads the environment, as os.LookupEnv does; nil: it is empty.
	LookupEnv func(string) (string, bool)
	Flags     Flags
}

// Flags are the settings that the command line gave, as the user wrote them;
// nil: not given. They are checked by Load, so that their problems are reported
// together with all others. The tags are those of a kong command, which may
// embed the struct.
type Flags struct {
	Interval      *string  `name:"interval" placeholder:"5m" help:"Time from the start of a scan to the start of the next."`
	MetricsPort   *string  `name:"metrics-port" placeholder:"2112" help:"Port of the metrics, the probes and the API; 0 is any free port, which is logged."`
	ListenAddress *string  `name:"listen-address" placeholder:"ADDRESS" help:"IP address or host name to listen on; empty is all interfaces."`
	Provider      *string  `name:"provider" placeholder:"aws" help:"Which cloud is listed."`
	Regions       []string `name:"region" placeholder:"us-east-1" help:"Regions that are listed; all is every enabled region."`
	StoragePath   *string  `name:"storage-path" placeholder:"DIR" help:"Directory of the store."`
}

// Load reads all sources and returns the configuration that they make
// together, or an [*Error] with every problem in them.
func Load(src Sources) (*Config, error) {
	rows, env := settingRows(), lookupEnv(src.LookupEnv)
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	file := readFile(src.File, rows)
	stronger := slices.Concat(file.values, environment(rows, env), flags(rows, src.Flags))

	cfg := &Config{origins: map[string]Origin{}}
	found := file.findings
	found = append(found, assign(cfg, rows, defaults(rows, env), cfg.origins)...)
	found = append(found, assign(cfg, rows, stronger, cfg.origins)...)
	if file.parsed { // what a broken file says about a setting is not known
		found = append(found, missing(rows, stronger, cfg.origins)...)
	}
	if len(found) > 0 {
		return nil, newError(found)
	}
	return cfg, nil
}

// newError puts the findings into the order of the sources, and those of the
// file into the order of its lines.
func newError(found []finding) *Error {
	slices.SortStableFunc(found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.origin.Layer, b.origin.Layer), cmp.Compare(a.origin.Line, b.origin.Line))
	})
	e := &Error{}
	for _, f := range found {
		e.Problems = append(e.Problems, Problem{Source: f.origin.source(), Key: f.key, Message: f.message})
	}
	return e
}

// Setting is one effective value, for people to read.
type Setting struct {
	Key    string // as in the file: "daemon.metrics_port", "cloud.accounts[0].role_arn"
	Value  string // as it would be written in the file, on one line: "2112", "[a, b]", `""`
	Origin Origin
}

// Settings returns the effective values in the order of the reference
// documentation. Of an account, only the keys that have a value are listed.
func (c *Config) Settings() []Setting {
	var all []Setting
	for _, r := range settingRows() {
		all = append(all, r.show(c, r.Key, c.origins)...)
	}
	return all
}

// Origin returns where the value of a key, named as in Setting, comes from. A
// key that nothing set has the zero Origin, which is the default.
func (c *Config) Origin(key string) Origin { return c.origins[key] }

// Difference is in what a configuration differs from another one.
type Difference struct {
	Changed []string // the keys of all settings that have another value, in the order of the reference documentation
	Restart []string // those among them that a running daemon cannot take
}

// Reload returns what a daemon that runs with one configuration goes on with once it has
// read another one, which is that but for what needs a restart, and in what the two differ.
// A list of sections counts as one setting.
func Reload(running, read *Config) (*Config, Difference) {
	next := *read
	var d Difference
	for _, r := range settingRows() {
		if r.same(running, read) {
			continue
		}
		d.Changed = append(d.Changed, r.Key)
		if r.Restart {
			d.Restart = append(d.Restart, r.Key)
			r.carry(&next, running)
		}
	}
	return &next, d
}

// Spec describes one setting, for reference documentation.
type Spec struct {
	Key     string // dotted; the keys of one account begin with "cloud.accounts[]."
	Env     string // the variable; empty: there is none
	Flag    string // with its dashes; empty: there is none
	Default string // as it would be written in the file; in words where it depends on the environment; empty: none
	Allowed string // the values that are accepted, in words
	Doc     string // one sentence
	Restart bool   // another value takes effect at a restart only, not when the configuration is read again
}

// Specs returns all settings in the order of the reference documentation.
func Specs() []Spec {
	var all []Spec
	for _, r := range settingRows() {
		all = append(all, r.Spec)
		for _, sub := range r.records {
			all = append(all, sub.Spec)
		}
	}
	return all
}
