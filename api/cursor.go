package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/elava-dev/elava/storage"
)

// cursor is where the next page begins. It pins the revisions between which the first
// page was read, so that all pages belong to one state of the world. To clients it is an
// opaque text.
type cursor struct {
	Revision int64  `json:"r"`           // read as of this one
	Above    int64  `json:"a,omitempty"` // changes: only above this one
	After    string `json:"p"`           // the last item of the page before
	Sum      string `json:"s"`           // of the above and the question
}

// maxCursor is the length in bytes above which a cursor is none of ours: AWS ids have up
// to 2048 characters.
const maxCursor = 16 << 10

// sum ties a cursor to the path and parameters that it was made for: with others it
// would silently skip items. It is a guard against mistakes, not a signature; a forged
// cursor only moves its bearer to another place that may be read as well.
func (c *cursor) sum(path, question string) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d %q", path, question, c.Revision, c.Above, c.After))
	return hex.EncodeToString(h[:8])
}

func (c cursor) encode(path, question string) string {
	c.Sum = c.sum(path, question)
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // texts and numbers only
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeCursor(s, path, question string) (*cursor, error) {
	if len(s) > maxCursor {
		return nil, fmt.Errorf("%w: too long", storage.ErrBadCursor)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%w: damaged", storage.ErrBadCursor)
	}
	var c cursor
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil || c.Revision < 1 || c.Above < 0 {
		return nil, fmt.Errorf("%w: damaged", storage.ErrBadCursor)
	}
	if c.Sum != c.sum(path, question) {
		return nil, fmt.Errorf("%w: damaged, or made for other parameters; repeat those of the first page", storage.ErrBadCursor)
	}
	return &c, nil
}

// cursor returns the cursor of the request; nil on the first page.
func (p *params) cursor(path string) *cursor {
	v := p.one("cursor")
	if v == "" || p.err != nil {
		return nil
	}
	c, err := decodeCursor(v, path, p.question())
	if err != nil {
		p.err = err
	}
	return c
}
