package demo

import (
	"errors"
	"fmt"

	"github.com/elava-dev/elava/resource"
)

// Types of the demo cloud that others refer to.
const (
	typePrefix        = "Demo::"
	typeInstance      = typePrefix + "Compute::Instance"
	typeVolume        = typePrefix + "Compute::Volume"
	typeSecurityGroup = typePrefix + "Network::SecurityGroup"
	typeSubnet        = typePrefix + "Network::Subnet"
)

// kind is how resources of one type are made.
type kind struct {
	schema   *resource.Schema
	service  string // of the ARN
	noun     string // of the ARN
	local    string // what ids begin with, before 16 digits
	naming   naming
	weight   int // how many there are, beside other kinds
	statuses [2]string
	changes  []aspect // one of them at random; some more often than others

	// accountWide kinds are listed once for all regions; regional says that each of
	// their resources has a region all the same.
	accountWide, regional bool

	// sameID says that the successor of a resource bears its id, and another UID.
	sameID bool

	document func() document

	encoder  *resource.Encoder
	settings int // how many fill up the document
}

// naming is what the id of a resource is.
type naming uint8

const (
	namedLocally naming = iota // i-0123456789abcdef0
	namedByARN                 // arn:demo:...
	namedByURL                 // https://...
)

// document is a value that is filled for one resource after the other, so that its
// slices are used again.
type document struct {
	value any // a pointer to a struct
	fill  func(*draft)
}

// catalogue returns all kinds with their encoders, which fails only where a schema does
// not fit its documents.
func catalogue() ([]*kind, error) {
	kinds := []*kind{
		instances(), volumes(),
		securityGroups(), subnets(), loadBalancers(),
		buckets(), databases(), tables(),
		functions(), queues(), alarms(), roles(),
	}
	var errs []error
	for _, k := range kinds {
		k.schema.Sets["Settings"] = "{Name}" // every document has them
		encoder, err := resource.NewEncoder(k.schema, nil)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		k.encoder = encoder
		errs = append(errs, encoder.Check(k.document().value))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("demo cloud: %w", err)
	}
	return kinds, nil
}
