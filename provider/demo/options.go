package demo

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/elava-dev/elava/resource"
)

// Account is the id of the synthetic account that all resources belong to.
const Account = "000000000000"

// Defaults and limits of Options.
const (
	DefaultResources      = 1000
	MaxResources          = 20_000_000
	DefaultAttributeBytes = 1000
	MaxAttributeBytes     = 1 << 20
)

// DefaultRegions returns the regions of a cloud whose Options name none.
func DefaultRegions() []string { return []string{"us-east-1", "eu-west-1"} }

// Options say which cloud it is. The zero Options are a cloud of DefaultResources
// resources in which nothing ever changes or fails. Two sets of Options that differ in
// more than Tick, Faults and Logger are two different clouds: a store that was filled
// from one sees most resources change when it is continued with the other.
type Options struct {
	Seed uint64

	// Resources is their number at step 0, and about their number ever after.
	// 0 means DefaultResources.
	Resources int

	// ChangeRate is the share of resources, from 0 to 1, that change between one scan
	// and the next.
	ChangeRate float64

	// Tick is the number of steps that were shown before: the number of scans in the
	// store, where the history of one is to be continued. The first Plan shows the
	// step of this number.
	Tick uint64

	// Faults are switched on from the beginning; see Provider.SetFaults.
	Faults []string

	// Regions to spread resources over; none, or "all" alone, means DefaultRegions.
	Regions []string

	// IncludeTypes and ExcludeTypes are globs on type names, without regard to case. No
	// IncludeTypes means all types; an exclusion wins. They select what is listed; the
	// cloud is the same.
	IncludeTypes, ExcludeTypes []string

	// AttributeBytes is the average size that documents are filled up to. Those of
	// some types are some hundred bytes at least. 0 means DefaultAttributeBytes.
	AttributeBytes int

	// Logger gets one debug line for each step; nil means none.
	Logger *slog.Logger
}

// withDefaults returns o with what it leaves open, or all that is wrong with it.
func (o Options) withDefaults() (Options, error) {
	var errs []error
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if o.Resources == 0 {
		o.Resources = DefaultResources
	}
	if o.Resources < 0 || o.Resources > MaxResources {
		complain("number of resources is %d; allowed are 1 to %d", o.Resources, MaxResources)
	}
	if !(o.ChangeRate >= 0 && o.ChangeRate <= 1) { // NaN is neither
		complain("change rate is %v; allowed are 0 to 1, the share of resources that change per scan", o.ChangeRate)
	}
	if o.AttributeBytes == 0 {
		o.AttributeBytes = DefaultAttributeBytes
	}
	if o.AttributeBytes < 0 || o.AttributeBytes > MaxAttributeBytes {
		complain("attribute bytes are %d; allowed are 1 to %d", o.AttributeBytes, MaxAttributeBytes)
	}
	if len(o.Regions) == 0 || slices.Equal(o.Regions, []string{"all"}) {
		o.Regions = DefaultRegions()
	}
	o.Regions = slices.Clone(o.Regions)
	for i, region := range o.Regions {
		if err := checkRegion(region); err != nil {
			errs = append(errs, err)
		} else if slices.Contains(o.Regions[:i], region) {
			complain("region %q is given twice; each region is named once", region)
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, errors.Join(errs...)
}

// checkRegion takes any name that can be part of a key: the demo cloud has whatever
// region one asks it for.
func checkRegion(region string) error {
	if region == resource.Global || region == "all" || strings.TrimSpace(region) != region {
		return fmt.Errorf("region is %q; allowed is any name such as us-east-1, or all alone", region)
	}
	scope := resource.Scope{Provider: Name, Account: Account, Region: region, Type: typePrefix}
	if err := scope.Validate(); err != nil {
		return fmt.Errorf("region is %q; allowed is any name such as us-east-1, or all alone: %w", region, err)
	}
	return nil
}
