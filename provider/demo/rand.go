package demo

import "math/bits"

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, 2014): every bit of z
// reaches every bit of the result, and no two inputs give the same result.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// golden is SplitMix64's increment: 2^64 divided by the golden ratio, and odd.
const golden = 0x9e3779b97f4a7c15

// stream keeps apart what the seed is used for.
type stream uint64

const (
	streamIdentity stream = iota + 1
	streamContent
	streamUnborn
	streamStep
	streamFault
	streamPartial
)

// key returns where the stream begins for a seed.
func (s stream) key(seed uint64) uint64 { return mix(mix(seed) + uint64(s)*golden) }

// rng is SplitMix64: eight bytes of state, the same numbers on every machine and in
// every release of Go, which math/rand does not promise for its helpers.
type rng uint64

func (r *rng) next() uint64 {
	*r += golden
	return mix(uint64(*r))
}

// below returns a number in [0, n). n is far below 2^32, so the bias is nothing.
func (r *rng) below(n int) int {
	high, _ := bits.Mul64(r.next(), uint64(n))
	return int(high)
}

// spread calls visit with count different numbers in [0, total), ascending: one from
// each of count equal parts. It needs no memory to keep them apart.
func spread(r *rng, total, count int, visit func(n int)) {
	for i := range uint64(count) {
		first := i * uint64(total) / uint64(count)
		end := (i + 1) * uint64(total) / uint64(count)
		visit(int(first) + r.below(int(end-first)))
	}
}
