package aws_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/elava-dev/elava/provider/aws/populationtest"
)

// checkPopulated makes the rows of some types of the shared table, with what they need, and
// checks that these types are listed as checkFound says. made has the ids by type, the row's
// own first.
func (c *cloud) checkPopulated(t *testing.T, types ...string) (inv inventory, made map[string][]string) {
	t.Helper()
	place := populationtest.NewPlace(t, c.account, c.config(t))
	inv = c.checkFound(t, types, func() map[string][]string {
		for _, typ := range types {
			place.Need(typ)
		}
		sorted := maps.Clone(place.Made)
		for typ, ids := range sorted {
			sorted[typ] = slices.Sorted(slices.Values(ids))
		}
		return sorted
	})
	return inv, place.Made
}
