package query

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"unicode/utf8"
)

// maxPattern is the length in bytes of the longest pattern of LIKE and GLOB.
const maxPattern = 1000

// stepsUnasked is how many steps a comparison takes between two looks at the time.
const stepsUnasked = 1 << 16

// part is one part of a pattern of LIKE or GLOB.
type part struct {
	run    bool // any characters, as many as there are; else one character:
	any    bool // any at all
	among  bool // one of set, or with invert none of it
	invert bool
	set    []runes
	char   rune // otherwise this one
}

// runes is a range, both ends included.
type runes struct{ first, last rune }

// globbed is a pattern, ready to be compared with texts.
type globbed struct {
	source string
	parts  []part
	never  bool // nothing matches
	folded bool // ASCII letters match in both cases
}

// like is https://www.sqlite.org/lang_corefunc.html#like: like(pattern, text [, escape]),
// as X LIKE Y ESCAPE Z and X NOT LIKE Y call it.
func (c *connector) like(args []driver.Value) (driver.Value, error) {
	if len(args) != 2 && len(args) != 3 {
		return nil, errors.New("wrong number of arguments to function like()")
	}
	var escape rune
	return c.compare(&c.liked, args, func(pattern string) (*globbed, error) {
		if len(args) == 3 {
			rest := beforeZero(textOf(args[2]))
			if rest != "" {
				escape, rest = readRune(rest)
			}
			if escape == 0 || rest != "" {
				return nil, errors.New("ESCAPE expression must be a single character")
			}
		}
		return parseLike(pattern, escape), nil
	})
}

// glob is https://www.sqlite.org/lang_corefunc.html#glob.
func (c *connector) glob(args []driver.Value) (driver.Value, error) {
	return c.compare(&c.globbed, args, func(pattern string) (*globbed, error) { return parseGlob(pattern), nil })
}

// compare compares args[1] with the pattern args[0], of which the last one is remembered:
// rows mostly come with the same.
func (c *connector) compare(last **globbed, args []driver.Value, parse func(string) (*globbed, error)) (driver.Value, error) {
	if isBlob(args[0]) || isBlob(args[1]) {
		return int64(0), nil
	}
	pattern := textOf(args[0])
	if len(pattern) > maxPattern {
		return nil, errors.New("LIKE or GLOB pattern too complex")
	}
	if hasNull(args[2:]) {
		return nil, nil
	}
	g := *last
	if g == nil || g.source != pattern || len(args) > 2 {
		var err error
		if g, err = parse(strings.Clone(beforeZero(pattern))); err != nil {
			return nil, err
		}
		if *last = g; len(args) > 2 {
			*last = nil
		}
	}
	if hasNull(args) {
		return nil, nil
	}
	matches, err := g.match(c.session.ctx, beforeZero(textOf(args[1])))
	return boolean(matches), err
}

func isBlob(v driver.Value) bool {
	_, ok := v.([]byte)
	return ok
}

// beforeZero is how SQLite reads patterns and what they are compared with.
func beforeZero(text string) string {
	text, _, _ = strings.Cut(text, "\x00")
	return text
}

// readRune reads one character of a text that is not empty, as SQLite does, which is lenient
// with what is not UTF-8.
func readRune(s string) (r rune, rest string) {
	c := s[0]
	if c < 0xc0 {
		return rune(c), s[1:]
	}
	bits := byte(0x1f)
	for lead := byte(0xe0); lead <= c && bits > 0; lead = lead>>1 | 0x80 {
		bits >>= 1
	}
	r = rune(c & bits)
	i := 1
	for ; i < len(s) && s[i]&0xc0 == 0x80; i++ {
		r = r<<6 | rune(s[i]&0x3f)
	}
	if uint32(r) < utf8.RuneSelf || uint32(r)&0xfffff800 == 0xd800 || uint32(r)&0xfffffffe == 0xfffe {
		r = utf8.RuneError
	}
	return r, s[i:]
}

func fold(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// parseLike reads a pattern of LIKE. An escape that is % or _ takes its meaning from it.
func parseLike(source string, escape rune) *globbed {
	g := &globbed{source: source, folded: true}
	for rest := source; rest != ""; {
		var r rune
		r, rest = readRune(rest)
		switch {
		case r == escape && rest == "":
			g.never = true
		case r == escape:
			r, rest = readRune(rest)
			g.parts = append(g.parts, part{char: fold(r)})
		case r == '%':
			g.run()
		case r == '_':
			g.parts = append(g.parts, part{any: true})
		default:
			g.parts = append(g.parts, part{char: fold(r)})
		}
	}
	return g
}

func parseGlob(source string) *globbed {
	g := &globbed{source: source}
	for rest := source; rest != ""; {
		var r rune
		r, rest = readRune(rest)
		switch r {
		case '*':
			g.run()
		case '?':
			g.parts = append(g.parts, part{any: true})
		case '[':
			var p part
			if p, rest = parseSet(rest); rest == "" {
				g.never = true
				return g
			}
			rest = rest[1:]
			g.parts = append(g.parts, p)
		default:
			g.parts = append(g.parts, part{char: r})
		}
	}
	return g
}

// parseSet reads a set up to its end, with which rest begins; without one it is empty.
func parseSet(source string) (p part, rest string) {
	p, rest = part{among: true}, source
	if strings.HasPrefix(rest, "^") {
		p.invert, rest = true, rest[1:]
	}
	if strings.HasPrefix(rest, "]") {
		p.set, rest = append(p.set, runes{']', ']'}), rest[1:]
	}
	var before rune // that a range may begin with
	for rest != "" && rest[0] != ']' {
		var r rune
		r, rest = readRune(rest)
		if r == '-' && before > 0 && rest != "" && rest[0] != ']' {
			r, rest = readRune(rest)
			p.set = append(p.set, runes{before, r})
			before = 0
			continue
		}
		p.set = append(p.set, runes{r, r})
		before = r
	}
	return p, rest
}

func (g *globbed) run() {
	if n := len(g.parts); n == 0 || !g.parts[n-1].run {
		g.parts = append(g.parts, part{run: true})
	}
}

// match reports whether a text matches as a whole. Where it does not go on behind a run,
// the run takes one character more: the product of both lengths is the most that it takes.
// It ends with the error of a context that ends.
func (g *globbed) match(ctx context.Context, text string) (bool, error) {
	if g.never {
		return false, nil
	}
	parts, back, retry := g.parts, []part(nil), "" // back is behind the last run, which ends before retry
	for steps := 1; ; steps++ {
		if steps%stepsUnasked == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if len(parts) > 0 && parts[0].run {
			parts = parts[1:]
			if back, retry = parts, text; len(parts) == 0 {
				return true, nil
			}
			continue
		}
		if text == "" { // and no run can help where too few are left
			return len(parts) == 0, nil
		}
		if len(parts) > 0 {
			r, rest := rune(text[0]), text[1:]
			if r >= 0xc0 {
				r, rest = readRune(text)
			}
			if parts[0].matches(r, g.folded) {
				parts, text = parts[1:], rest
				continue
			}
		}
		if back == nil {
			return false, nil
		}
		_, retry = readRune(retry)
		parts, text = back, retry
	}
}

func (p *part) matches(r rune, folded bool) bool {
	switch {
	case p.any:
		return true
	case p.among:
		for _, s := range p.set {
			if s.first <= r && r <= s.last {
				return !p.invert
			}
		}
		return p.invert
	case folded:
		return p.char == fold(r)
	}
	return p.char == r
}
