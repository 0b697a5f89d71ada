package demo

import (
	"slices"

	"github.com/elava-dev/elava/resource"
)

// Cycle is the number of turns after which an aspect begins anew.
const Cycle = cycle

// Turns makes one resource of each scope as it is at every turn of every aspect that
// changes, all else being equal, and hands over those of one aspect at a time.
func (p *Provider) Turns(visit func([]resource.Resource) bool) error {
	for _, e := range p.cloud.extents {
		out := newWriter(p.cloud, e, 0)
		for a := range aspect(aspects) {
			if !slices.Contains(e.kind.changes, a) {
				continue
			}
			all := make([]resource.Resource, 0, cycle)
			for turn := range uint8(cycle) {
				s := state{}
				s.turns[a] = turn
				r, err := out.write(e.first, s)
				if err != nil {
					return err
				}
				all = append(all, r)
			}
			if !visit(all) {
				return nil
			}
		}
	}
	return nil
}
