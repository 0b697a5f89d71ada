package api

import "iter"

// maxPageBytes ends a page early, so that a thousand large documents do not fill the
// memory. It is compared with the size of documents, which is most of what is sent.
const maxPageBytes = 4 << 20

// take reads one page: up to limit items, and at least one if there is any. more reports
// that there are further ones. On an error there is no page.
func take[T any](seq iter.Seq2[T, error], limit int, size func(T) int) (items []T, more bool, err error) {
	bytes := 0
	for item, err := range seq {
		if err != nil {
			return nil, false, err
		}
		if len(items) == limit || bytes > maxPageBytes {
			return items, true, nil
		}
		items = append(items, item)
		bytes += size(item)
	}
	return items, false, nil
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
