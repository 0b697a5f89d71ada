package faultproxy

import (
	"net/http"
	"strings"
	"sync"
)

// memory holds the answers to reads until something is written to their service.
type memory struct {
	mu      sync.Mutex
	answers map[string]map[string]*answer // by service, then by request
	writes  int                           // so far: an answer that a write overtook is not kept
}

// requestKey tells requests apart that may be answered differently. The headers that
// differ from one attempt to the next are not in it.
func requestKey(r *http.Request, c Call, body []byte) string {
	return strings.Join([]string{
		r.Method, r.URL.RequestURI(), r.Header.Get("X-Amz-Target"), c.Region, r.Header.Get("X-Moto-Account-Id"), string(body),
	}, "\x00")
}

// recall returns a remembered answer and how many writes there were so far.
func (m *memory) recall(c Call, key string) (*answer, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answers[c.Service][key], m.writes
}

func (m *memory) keep(c Call, key string, a *answer, writes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if writes != m.writes || a.status >= 500 {
		return
	}
	if m.answers[c.Service] == nil {
		m.answers[c.Service] = map[string]*answer{}
	}
	m.answers[c.Service][key] = a
}

// tagIndex is the service that tells the tags of all others: a write to any of them is one to it.
const tagIndex = "tagging"

// forget drops what is remembered of a service, and what the tag index says of it; "": of all.
func (m *memory) forget(service string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if service == "" {
		m.answers = map[string]map[string]*answer{}
		return
	}
	delete(m.answers, service)
	delete(m.answers, tagIndex)
}
