package resource

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Global is the region of what belongs to no region: IAM roles, for example, and
// the listing of S3 buckets, which answers for all regions at once.
const Global = "global"

// ErrBadKey is wrapped by every error of ParseKey and Key.Validate.
var ErrBadKey = errors.New("bad resource key")

// Key identifies one resource of one cloud for ever. It is comparable and usable
// as a map key; the zero Key is invalid.
type Key struct {
	Provider string // "aws", "demo"
	Account  string // the cloud's account id: "123456789012"
	Region   string // "us-east-1", or Global
	Type     string // CloudFormation's name: "AWS::EC2::Instance"
	ID       string // unique within the other four; may contain slashes and colons
}

// Scope returns the scope of resources with the same provider, account, region
// and type. A resource can also belong to the account-wide scope of its type: see
// Scope.Contains.
func (k Key) Scope() Scope {
	return Scope{Provider: k.Provider, Account: k.Account, Region: k.Region, Type: k.Type}
}

// String returns the key as users see and type it:
// "aws/123456789012/us-east-1/AWS::EC2::Instance/i-0abc". ParseKey reads it back.
func (k Key) String() string {
	return k.Provider + "/" + k.Account + "/" + k.Region + "/" + k.Type + "/" + k.ID
}

// ParseKey reads what String wrote. What follows the fourth slash is the id.
func ParseKey(s string) (Key, error) {
	parts := strings.SplitN(s, "/", 5)
	if len(parts) != 5 {
		return Key{}, fmt.Errorf("%w %q: want provider/account/region/type/id", ErrBadKey, s)
	}
	k := Key{Provider: parts[0], Account: parts[1], Region: parts[2], Type: parts[3], ID: parts[4]}
	return k, k.Validate()
}

// Validate refuses keys that could not be told apart once written down: an empty part,
// a control character or text that is not UTF-8 in any part, a slash in any part but
// the id.
func (k Key) Validate() error {
	if err := k.Scope().Validate(); err != nil {
		return err
	}
	return validatePart("id", k.ID, true)
}

// Scope is the unit that is listed, that succeeds or fails as a whole, and that is
// compared with its last complete listing. It is comparable; the zero Scope is
// invalid.
type Scope struct {
	Provider string
	Account  string
	Region   string // Global: one listing answers for every region of the account
	Type     string
}

// Contains reports whether a listing of s answers for the resource k. A scope with
// region Global contains the resources of its account and type in all regions.
func (s Scope) Contains(k Key) bool {
	return s.Provider == k.Provider && s.Account == k.Account && s.Type == k.Type &&
		(s.Region == k.Region || s.Region == Global)
}

// AccountWide returns the scope of the same provider, account and type that
// answers for all regions.
func (s Scope) AccountWide() Scope {
	s.Region = Global
	return s
}

// String returns "aws/123456789012/us-east-1/AWS::EC2::Instance".
func (s Scope) String() string {
	return s.Provider + "/" + s.Account + "/" + s.Region + "/" + s.Type
}

// ParseScope reads what Scope.String wrote.
func ParseScope(s string) (Scope, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 4 {
		return Scope{}, fmt.Errorf("%w: scope %q: want provider/account/region/type", ErrBadKey, s)
	}
	scope := Scope{Provider: parts[0], Account: parts[1], Region: parts[2], Type: parts[3]}
	return scope, scope.Validate()
}

// Validate applies the rules of Key.Validate to the parts of a scope.
func (s Scope) Validate() error {
	for _, p := range [...]struct{ name, value string }{
		{"provider", s.Provider}, {"account", s.Account}, {"region", s.Region}, {"type", s.Type},
	} {
		if err := validatePart(p.name, p.value, false); err != nil {
			return err
		}
	}
	return nil
}

// Compare orders scopes by provider, account, type and region: the order in which
// stores keep them, so that all regions of a type lie together.
func (s Scope) Compare(o Scope) int {
	if c := strings.Compare(s.Provider, o.Provider); c != 0 {
		return c
	}
	if c := strings.Compare(s.Account, o.Account); c != 0 {
		return c
	}
	if c := strings.Compare(s.Type, o.Type); c != 0 {
		return c
	}
	return strings.Compare(s.Region, o.Region)
}

// Compare orders keys as Scope.Compare does, then by id.
func (k Key) Compare(o Key) int {
	if c := k.Scope().Compare(o.Scope()); c != 0 {
		return c
	}
	return strings.Compare(k.ID, o.ID)
}

func validatePart(name, value string, slashes bool) error {
	if value == "" {
		return fmt.Errorf("%w: empty %s", ErrBadKey, name)
	}
	if !utf8.ValidString(value) {
		return fmt.Errorf("%w: %s %q is not UTF-8", ErrBadKey, name, value)
	}
	for i := range len(value) {
		switch c := value[i]; {
		case c < ' ' || c == 0x7f:
			return fmt.Errorf("%w: control character in %s %q", ErrBadKey, name, value)
		case c == '/' && !slashes:
			return fmt.Errorf("%w: slash in %s %q", ErrBadKey, name, value)
		}
	}
	return nil
}
