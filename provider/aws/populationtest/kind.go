// Package populationtest makes one resource of every type that moto implements, and changes
// it: the population of tests of the AWS provider.
//
// A row of the table (Kinds) says how one resource of a type is made, how it is changed and
// which fields that changes. A row may bring resources of other types along, and says so.
// What moto holds of its own accord is in no row. It issues certificates by itself after a
// minute, unless MOTO_ACM_VALIDATION_WAIT is more seconds.
package populationtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/elava-dev/elava/resource"
)

// Kind is one row: a type, and how a resource of it comes and changes.
type Kind struct {
	Type string

	// Global: one resource for the account, and not one for each region.
	Global bool

	// Make makes a resource in a place and returns its id. What it needs of other types
	// it asks for with Place.Need.
	Make func(p *Place) string

	// Change changes it so that the fields Paths differ, and nothing else does. Where
	// nothing of such a resource can be changed it removes it, and Fixed says why.
	Change func(p *Place, id string)
	Paths  []string // in them {TYPE} stands for the id of the row's resource of that type
	Fixed  string
}

// Kinds is the whole table. Rows of a service stand in a file of its own.
func Kinds() []Kind {
	return slices.Concat(
		computeKinds(), networkKinds(), gatewayKinds(), imageKinds(), capacityKinds(), balancerKinds(), scalingKinds(), containerKinds(),
		storageKinds(), fileKinds(), databaseKinds(), warehouseKinds(), identityKinds(), securityKinds(), operationKinds(), deliveryKinds(),
		eventKinds(), streamKinds(), gatewayAPIKinds(), edgeKinds(), jobKinds(), modelKinds(), transferKinds(),
	)
}

// Types are those of the table, in its order.
func Types() []string {
	var types []string
	for _, k := range Kinds() {
		types = append(types, k.Type)
	}
	return types
}

// Place is a region of an account while rows are made in it.
type Place struct {
	testing.TB
	Account string
	Config  aws.Config // of the region

	// Made are the ids by type: that of the row first, then what came along with other rows.
	Made map[string][]string

	// Want holds the keys of all that was made, "aws/ACCOUNT/REGION/TYPE/ID".
	Want map[string]bool

	rows  map[string]Kind
	under []string // types that are being made
}

// NewPlace returns a place in which nothing was made.
func NewPlace(t testing.TB, account string, cfg aws.Config) *Place {
	p := &Place{TB: t, Account: account, Config: cfg, Made: map[string][]string{}, Want: map[string]bool{}, rows: map[string]Kind{}}
	for _, k := range Kinds() {
		p.rows[k.Type] = k
	}
	return p
}

// Need returns the id of the row's resource of a type. It is made where it was not yet.
func (p *Place) Need(typ string) string {
	p.Helper()
	if slices.Contains(p.under, typ) {
		return p.firstMade(typ)
	}
	if _, made := p.rows[typ]; !made {
		return p.firstMade(typ)
	}
	k := p.rows[typ]
	p.under = append(p.under, typ)
	id := k.Make(p)
	p.under = p.under[:len(p.under)-1]
	delete(p.rows, typ)
	p.add(typ, p.regionOf(k), id)
	ids := p.Made[typ] // the row's own stands first, whatever came before it
	p.Made[typ] = append([]string{id}, ids[:len(ids)-1]...)
	return id
}

func (p *Place) firstMade(typ string) string {
	p.Helper()
	if len(p.Made[typ]) == 0 {
		p.Fatalf("a row needs a resource of type %s, and there is none", typ)
	}
	return p.Made[typ][0]
}

// Key is that of a resource that Need made.
func (p *Place) Key(k Kind, id string) string { return p.keyOf(k.Type, p.regionOf(k), id) }

func (p *Place) regionOf(k Kind) string {
	if k.Global {
		return resource.Global
	}
	return p.Config.Region
}

func (p *Place) keyOf(typ, region, id string) string {
	return "aws/" + p.Account + "/" + region + "/" + typ + "/" + id
}

// add says that a resource was made: by a row, or along with what a row made.
func (p *Place) add(typ, region, id string) {
	p.Made[typ] = append(p.Made[typ], id)
	p.Want[p.keyOf(typ, region, id)] = true
}

// also says what was made in this region along with a row's resource.
func (p *Place) also(typ string, ids ...string) {
	for _, id := range ids {
		p.add(typ, p.Config.Region, id)
	}
}

// zone names a zone of the region by its letter.
func (p *Place) zone(letter string) string { return p.Config.Region + letter }

// arn names a resource of the region.
func (p *Place) arn(service, rest string) string {
	return "arn:aws:" + service + ":" + p.Config.Region + ":" + p.Account + ":" + rest
}

// role names a role, which need not exist.
func (p *Place) role(name string) *string {
	return aws.String("arn:aws:iam::" + p.Account + ":role/" + name)
}

// ok returns a function that fails the test on the error of a call that has to work.
func ok[T any](v T, err error) func(*Place) T {
	return func(p *Place) T {
		p.Helper()
		if err != nil {
			p.Fatalf("making %v: %v", p.under, err)
		}
		return v
	}
}

// Population is what Populate made in an account.
type Population struct {
	Want     map[string]bool // keys of all resources
	Subjects []Subject       // the rows' resources in the first region, and the global ones
}

// Subject is a row's resource: what to change, and the key under which that shows.
type Subject struct {
	Kind Kind
	Key  string
	at   *Place
	id   string
}

// Change changes the resource.
func (s Subject) Change() { s.Kind.Change(s.at, s.id) }

// Paths are those of the fields that Change changes.
func (s Subject) Paths() []string {
	var paths []string
	for _, path := range s.Kind.Paths {
		if before, rest, ok := strings.Cut(path, "{"); ok {
			typ, after, _ := strings.Cut(rest, "}")
			path = before + s.at.firstMade(typ) + after
		}
		paths = append(paths, path)
	}
	return paths
}

// Populate makes every row in every region of an account: global ones in the first.
func Populate(t testing.TB, account string, regions []string, cfg func(region string) aws.Config) *Population {
	all := &Population{Want: map[string]bool{}}
	global := map[string][]string{}
	for i, region := range regions {
		p := NewPlace(t, account, cfg(region))
		p.Want = all.Want
		for typ, ids := range global {
			p.Made[typ] = slices.Clone(ids)
			delete(p.rows, typ)
		}
		for _, k := range Kinds() {
			id := p.Need(k.Type)
			if k.Global {
				global[k.Type] = p.Made[k.Type]
			}
			if i == 0 {
				all.Subjects = append(all.Subjects, Subject{k, p.Key(k, id), p, id})
			}
		}
	}
	return all
}
