package api

import (
	"errors"
	"fmt"
	"iter"
	"time"
)

// maxPageBytes ends a page early, so that a thousand large documents do not fill the
// memory. It is compared with the size of documents, which is most of what is sent.
const maxPageBytes = 4 << 20

// maxPageTime ends a page early, so that one whose items take long to read is answered and
// read on, and not given up: a scan with failures is read with the state of every scope.
const maxPageTime = 5 * time.Second

// take reads one page: up to limit items, and at least one if there is any. more reports
// that there are further ones. On an error there is no page.
func take[T any](seq iter.Seq2[T, error], limit int, size func(T) int) (items []T, more bool, err error) {
	bytes, began := 0, time.Now()
	for item, err := range seq {
		if err != nil {
			return nil, false, err
		}
		if len(items) == limit || bytes > maxPageBytes || len(items) > 0 && time.Since(began) > maxPageTime {
			return items, true, nil
		}
		items = append(items, item)
		bytes += size(item)
	}
	return items, false, nil
}

// budget bounds what is looked at, and not selected, for one page: a filter that selects
// few would else have one answer read everything. P is where a page may end.
type budget[P fmt.Stringer] struct {
	left int
	last P // up to which everything was looked at, once nothing is left
}

var errBudgetSpent = errors.New("enough was looked at for one page")

// pass notes something that is not selected: it is the Passed of a query.
func (b *budget[P]) pass(at P) error {
	if b.left--; b.left > 0 {
		return nil
	}
	b.last = at
	return errBudgetSpent
}

// behind returns behind what the next page begins, if there is one: behind the last item
// where there are more, else behind what was looked at where nothing is left.
func (b *budget[P]) behind(more bool, last func() string) (after string, ok bool) {
	if more {
		return last(), true
	}
	return b.last.String(), b.left <= 0
}

// affordable ends without an error where a budget is spent.
func affordable[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range seq {
			if errors.Is(err, errBudgetSpent) || !yield(item, err) {
				return
			}
		}
	}
}

// where yields the items that the condition holds for, and errors.
func where[T any](seq iter.Seq2[T, error], condition func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range seq {
			if (err != nil || condition(item)) && !yield(item, err) {
				return
			}
		}
	}
}
