package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// kind is a type of value: how it is read, how it is printed, and the words
// that complete "must be ...". What parse accepts, print gives back in a form
// that parse accepts again.
type kind[T any] struct {
	allowed string
	hidden  bool       // what is wrong may be a secret: no error repeats it
	scalars scalarType // which YAML scalars it may be in a file
	parse   func(text string) (T, bool)
	print   func(T) any // what is encoded as YAML
}

// scalarType is a set of types of YAML scalars.
type scalarType uint8

const (
	scalarText scalarType = 1 << iota
	scalarInteger
	scalarFraction
	scalarOther scalarType = 0 // null, booleans, dates: no setting has them
)

func same[T any](v T) any { return v }

// text returns a kind of string. Control characters are never valid: no path,
// pattern or name needs them, and they would break up the log.
func text(allowed string, valid func(string) bool) kind[string] {
	return kind[string]{
		allowed: allowed,
		scalars: scalarText,
		parse:   func(s string) (string, bool) { return s, isPlain(s) && valid(s) },
		print:   same[string],
	}
}

// hidden keeps a wrong value out of errors, which go to logs and to health.
func hidden[T any](k kind[T]) kind[T] {
	k.hidden = true
	return k
}

func isPlain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// option is a word that stands for a value.
type option[T comparable] struct {
	word  string
	value T
}

func choice[T comparable](options ...option[T]) kind[T] {
	words := make([]string, len(options))
	for i, o := range options {
		words[i] = o.word
	}
	last := len(words) - 1
	return kind[T]{
		allowed: strings.Join(words[:last], ", ") + " or " + words[last],
		scalars: scalarText,
		parse: func(s string) (v T, ok bool) {
			for _, o := range options {
				if o.word == s {
					return o.value, true
				}
			}
			return v, false
		},
		print: func(v T) any {
			for _, o := range options {
				if o.value == v {
					return o.word
				}
			}
			return fmt.Sprint(v)
		},
	}
}

func provider() kind[string] {
	return choice(option[string]{"aws", ProviderAWS}, option[string]{"demo", ProviderDemo})
}

func logFormat() kind[string] {
	return choice(option[string]{"text", FormatText}, option[string]{"json", FormatJSON})
}

func logLevel() kind[slog.Level] {
	return choice(option[slog.Level]{"debug", slog.LevelDebug}, option[slog.Level]{"info", slog.LevelInfo},
		option[slog.Level]{"warn", slog.LevelWarn}, option[slog.Level]{"error", slog.LevelError})
}

func integer[T int | int64](allowed string, least, most T) kind[T] {
	return kind[T]{
		allowed: allowed,
		scalars: scalarInteger,
		parse: func(s string) (T, bool) {
			n, err := strconv.ParseInt(s, 10, 64)
			return T(n), err == nil && int64(T(n)) == n && T(n) >= least && T(n) <= most
		},
		print: same[T],
	}
}

func port() kind[int] { return integer("a port from 0 (any free port) to 65535", 0, math.MaxUint16) }

func count(least int) kind[int] {
	return integer(fmt.Sprintf("a whole number, %d or more", least), least, math.MaxInt)
}

func wholeNumber() kind[int64] { return integer[int64]("a whole number", math.MinInt64, math.MaxInt64) }

// share is a part of a whole, written as a percentage or as a fraction.
func share() kind[float64] {
	return shareFrom("a share from 0% to 100%, such as 2% or 0.02", func(v float64) bool { return v >= 0 })
}

func positiveShare() kind[float64] {
	return shareFrom("a share above 0% and up to 100%, such as 20% or 0.2", func(v float64) bool { return v > 0 })
}

func shareFrom(allowed string, enough func(float64) bool) kind[float64] {
	return kind[float64]{
		allowed: allowed,
		scalars: scalarText | scalarInteger | scalarFraction,
		parse: func(s string) (float64, bool) {
			number, isPercentage := strings.CutSuffix(s, "%")
			v, err := strconv.ParseFloat(number, 64)
			if isPercentage {
				v /= 100
			}
			return v, err == nil && enough(v) && v <= 1 // NaN is in no range
		},
		print: func(v float64) any { return strconv.FormatFloat(v*100, 'g', 12, 64) + "%" },
	}
}

func positiveDuration() kind[time.Duration] {
	return duration("a duration above 0, such as 30s, 5m, 12h or 90d", 1)
}

func durationOrZero() kind[time.Duration] {
	return duration("0 (keep everything) or a duration such as 2160h or 90d", 0)
}

func duration(allowed string, least time.Duration) kind[time.Duration] {
	return kind[time.Duration]{
		allowed: allowed,
		scalars: scalarText | scalarInteger, // an integer, so that 0 needs no unit
		parse: func(s string) (time.Duration, bool) {
			d, ok := parseDuration(s)
			return d, ok && d >= least
		},
		print: func(d time.Duration) any { return FormatDuration(d) },
	}
}

const (
	day     = 24 * time.Hour
	maxDays = int(math.MaxInt64 / day)
)

// parseDuration reads what time.ParseDuration reads, and days before it: "90d",
// "1d12h". A day is 24 hours.
func parseDuration(s string) (time.Duration, bool) {
	days, rest, hasDays := strings.Cut(s, "d")
	if !hasDays {
		d, err := time.ParseDuration(s)
		return d, err == nil
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || int(n) > maxDays || strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "+") {
		return 0, false
	}
	sum := time.Duration(n) * day
	if rest == "" {
		return sum, true
	}
	part, err := time.ParseDuration(rest)
	return sum + part, err == nil && sum+part >= sum
}

// FormatDuration returns a duration as people write it: "5m" where
// time.Duration.String says "5m0s", "90d" for whole days, "0s" for zero.
func FormatDuration(d time.Duration) string {
	if d > 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?$`)

func listenAddress() kind[string] {
	return text("an IP address or a host name, without brackets and port; or empty for all interfaces", func(s string) bool {
		_, err := netip.ParseAddr(s)
		return s == "" || err == nil || hostName.MatchString(s)
	})
}

// directory refuses ~, which only a shell expands: the store would land in a
// directory of that name.
func directory() kind[string] {
	return text("a directory, written out (~ is not expanded)", func(s string) bool {
		return s != "" && !strings.HasPrefix(s, "~")
	})
}

// secretFile is a file that holds a secret, in whose place some write the secret.
func secretFile() kind[string] {
	return hidden(text("a file, written out (~ is not expanded), or empty", func(s string) bool {
		return !strings.HasPrefix(s, "~")
	}))
}

var regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func region() kind[string] {
	return text("a region such as us-east-1, or all", regionName.MatchString)
}

func checkRegions(regions []string) []fault {
	if len(regions) == 0 {
		return []fault{{-1, "must name at least one region, or all"}}
	}
	var faults []fault
	seen := map[string]bool{}
	for i, r := range regions {
		if seen[r] {
			faults = append(faults, fault{i, fmt.Sprintf("names %s twice", quote(r))})
		}
		if r == AllRegions && len(regions) > 1 {
			faults = append(faults, fault{i, "must be the only entry: all is every region"})
		}
		seen[r] = true
	}
	return faults
}

func typePattern() kind[string] {
	return text("a resource type, or a pattern with *, ? and [a-z], such as AWS::EC2::*", func(s string) bool {
		_, err := path.Match(s, "") // a bad pattern is an error whatever it is compared with
		return s != "" && err == nil
	})
}

func faultName() kind[string] {
	return text("a fault of the demo cloud", func(s string) bool { return s != "" })
}

// Role names and paths: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
var (
	rolePattern     = regexp.MustCompile(`^arn:aws[a-z0-9-]*:iam::([0-9]{12}):role/[\w+=,.@/-]+$`)
	roleNamePattern = regexp.MustCompile(`^([\w+=,.@-]+/)*[\w+=,.@-]{1,64}$`)
)

func roleARN() kind[string] {
	return text("the ARN of a role, such as arn:aws:iam::123456789012:role/elava", rolePattern.MatchString)
}

func roleName() kind[string] {
	return text("empty, or the name of a role, after its path if it has one, such as elava or team/elava", func(s string) bool {
		return s == "" || roleNamePattern.MatchString(s)
	})
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, ExternalId: 2 to 1224 characters of [\w+=,.@:\/-]
var externalIDPattern = regexp.MustCompile(`^[\w+=,.@:/-]+$`)

func externalID() kind[string] {
	return text("empty, or 2 to 1224 letters, digits and characters of _+=,.@:/-", func(s string) bool {
		return s == "" || len(s) >= 2 && len(s) <= 1224 && externalIDPattern.MatchString(s)
	})
}

// checkAccounts refuses an account that is entered twice: its scopes are listed once.
func checkAccounts(accounts []Account) []fault {
	var faults []fault
	seen := map[string]int{}
	for i, a := range accounts {
		role := rolePattern.FindStringSubmatch(a.RoleARN)
		if role == nil {
			continue
		}
		if first, ok := seen[role[1]]; ok {
			faults = append(faults, fault{i, fmt.Sprintf("is account %s again, which cloud.accounts[%d] is", role[1], first)})
			continue
		}
		seen[role[1]] = i
	}
	return faults
}

// hookURL is printed without what may be a secret: the address of a webhook of Slack is
// one.
func hookURL() kind[string] {
	k := hidden(text("an http or https address with a host, without user and fragment", func(s string) bool {
		u, err := url.Parse(s)
		return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && u.Fragment == ""
	}))
	k.print = func(s string) any {
		u, err := url.Parse(s)
		if err != nil || s == "" || strings.Trim(u.Path, "/") == "" && u.RawQuery == "" {
			return s
		}
		return u.Scheme + "://" + u.Host + "/..."
	}
	return k
}

// hiddenText is any text, also one that YAML takes for a number, that is never shown.
func hiddenText() kind[string] {
	return kind[string]{
		allowed: "a text",
		hidden:  true,
		scalars: scalarText | scalarInteger | scalarFraction,
		parse:   func(s string) (string, bool) { return s, true },
		print: func(s string) any {
			if s == "" {
				return ""
			}
			return "(hidden)"
		},
	}
}

var variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variableName is that of a variable with a secret, in whose place some write the secret.
func variableName() kind[string] {
	return hidden(text("the name of a variable, or empty", func(s string) bool { return s == "" || variablePattern.MatchString(s) }))
}

func changeType() kind[string] {
	return choice(option[string]{"created", "created"}, option[string]{"modified", "modified"}, option[string]{"disappeared", "disappeared"})
}

func tagFilter() kind[string] {
	return text("a tag, such as env or env=prod", func(s string) bool { return s != "" && !strings.HasPrefix(s, "=") })
}

// hookFormat prints the format of no hook as the default.
func hookFormat() kind[string] {
	k := choice(option[string]{"json", HookJSON}, option[string]{"slack", HookSlack})
	named := k.print
	k.print = func(s string) any { return named(cmp.Or(s, HookJSON)) }
	return k
}

func checkHooks(hooks []Hook) []fault {
	var faults []fault
	seen := map[string]int{}
	for i, h := range hooks {
		if first, ok := seen[h.URL]; ok && h.URL != "" {
			faults = append(faults, fault{i, fmt.Sprintf("has the url of notify[%d] again", first)})
		}
		seen[h.URL] = i
		given := 0
		for _, s := range []string{h.Secret, h.SecretFile, h.SecretEnv} {
			if s != "" {
				given++
			}
		}
		if given > 1 {
			faults = append(faults, fault{i, "must have one of secret, secret_file and secret_env"})
		}
	}
	return faults
}

var simple = regexp.MustCompile(`^[A-Za-z0-9._:/%+!-]+$`)

// quote shows what the user wrote in a message: in quotes where it could be
// misread, and not longer than fits on a line.
func quote(s string) string {
	if s = shorten(s); simple.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

func shorten(s string) string {
	const longest = 64
	if len(s) <= longest {
		return s
	}
	return s[:longest] + "..."
}
