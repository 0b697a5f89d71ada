package population

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// kind is one row: a type, and how a resource of it comes and changes.
type kind struct {
	typ string

	// global: one resource for the account, and not one for each region.
	global bool

	// make makes a resource in a place and returns its id. Rows are made in the order of
	// the table, so a row may need what stands above it.
	make func(p *place) string

	// change changes it so that the fields paths differ, and nothing else does. It is nil
	// where moto cannot change such a resource: the row says so.
	change func(p *place, id string)
	paths  []string
}

// kinds is the whole table. Rows of a service stand in a file of its own.
func kinds() []kind {
	return slices.Concat(computeKinds(), storageKinds(), identityKinds(), securityKinds(), operationKinds(), deliveryKinds())
}

// place is a region of an account while rows are made in it.
type place struct {
	*testing.T
	account string
	cfg     aws.Config          // of the region
	made    map[string][]string // ids by type, what came along with a row included
	want    map[string]bool     // keys of all that was made
}

// key is that of a resource in the region, or of a global one.
func (p *place) key(typ, region, id string) string {
	return "aws/" + p.account + "/" + region + "/" + typ + "/" + id
}

// add says that a resource was made: by a row, or along with what a row made.
func (p *place) add(typ, region, id string) {
	p.made[typ] = append(p.made[typ], id)
	p.want[p.key(typ, region, id)] = true
}

// also says what was made in this region along with a row's resource.
func (p *place) also(typ, id string) { p.add(typ, p.cfg.Region, id) }

// need returns the first resource of a type that was made in this place.
func (p *place) need(typ string) string {
	p.Helper()
	if len(p.made[typ]) == 0 {
		p.Fatalf("a row needs a resource of type %s, and none was made above it", typ)
	}
	return p.made[typ][0]
}

// ok returns a function that fails the test on the error of a call that has to work.
func ok[T any](v T, err error) func(*place) T {
	return func(p *place) T {
		p.Helper()
		if err != nil {
			p.Fatal(err)
		}
		return v
	}
}
