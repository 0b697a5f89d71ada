package query

import (
	"sync"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// famine takes the memory of SQLite away, all over the process, while there is a query that
// did not end when it was interrupted: SQLite looks for that at jumps only, and between two
// of them a thousand calls may each read millions of bytes. They fail at the first piece of
// memory that they ask for. Other queries that run at that time fail too, as ErrBusy.
type famine struct {
	mu    sync.Mutex
	stuck int
	prior int64 // the limit on memory without it
	count int   // of all there were
}

// hunger is the one of the process, as SQLite's memory is.
var hunger famine

// grace is how long a query may go on after it was interrupted.
const grace = time.Second

// after begins a famine once a query has not ended in time; the query calls end when it has.
func (f *famine) after(d time.Duration) (end func()) {
	begun := make(chan struct{})
	timer := time.AfterFunc(d, func() {
		defer close(begun)
		f.change(1)
	})
	return func() {
		if !timer.Stop() {
			<-begun
			f.change(-1)
		}
	}
}

func (f *famine) change(stuck int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	tls := libc.NewTLS()
	defer tls.Close()
	f.stuck += stuck
	switch {
	case stuck > 0 && f.stuck == 1:
		f.count++
		f.prior = sqlite3.Xsqlite3_hard_heap_limit64(tls, 1)
	case f.stuck == 0:
		sqlite3.Xsqlite3_hard_heap_limit64(tls, f.prior)
		sqlite3.Xsqlite3_soft_heap_limit64(tls, f.prior) // which the hard one took along
	}
}

// state is how many famines there have been, and whether there is one.
func (f *famine) state() (count int, now bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count, f.stuck > 0
}
