package api

import (
	"context"

	"github.com/elava-dev/elava/storage"
)

// scans answers /scans: the metadata of committed scans, newest first. What is committed
// while a client reads on comes before its first page, so a cursor only needs to know
// where to go on.
func (s *Server) scans(ctx context.Context, _ string, p *params) (any, error) {
	limit, c := p.limit(), p.cursor("scans")
	if p.err != nil {
		return nil, p.err
	}
	before := storage.HeadRevision
	if c != nil {
		before = c.Revision
	}
	scans, more, err := take(s.store.Scans(ctx, before), limit, scanSize)
	if err != nil {
		return nil, err
	}
	answer := list[*storage.ScanMetadata]{Items: []*storage.ScanMetadata{}}
	for _, m := range scans {
		answer.Items = append(answer.Items, viewScan(m))
	}
	if more {
		last := scans[len(scans)-1].Revision
		answer.NextCursor = cursor{Revision: last}.encode("scans", p.question())
	}
	return answer, nil
}

func scanSize(m *storage.ScanMetadata) int {
	n := 0
	for _, f := range m.FailedScopes {
		n += len(f.Account) + len(f.Region) + len(f.Type) + len(f.Error)
	}
	return n
}
