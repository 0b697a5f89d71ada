package storage

import "fmt"

// Verification is what a check of a whole store found.
type Verification struct {
	Revision  int64 `json:"revision"` // the head
	Oldest    int64 `json:"oldest"`   // revision that can be read
	Resources int64 `json:"resources"`
	Versions  int64 `json:"versions"`
	Events    int64 `json:"events"`
	Scans     int64 `json:"scans"`
	Scopes    int64 `json:"scopes"`

	// Findings says what is wrong; empty for a store that is whole.
	Findings []string `json:"findings"`
	// More is how many further findings there were.
	More int64 `json:"more,omitempty"`
}

// MaxFindings is how many findings are worded; the rest is counted.
const MaxFindings = 100

// Find adds a finding.
func (v *Verification) Find(format string, args ...any) {
	if len(v.Findings) >= MaxFindings {
		v.More++
		return
	}
	v.Findings = append(v.Findings, fmt.Sprintf(format, args...))
}

// OK reports whether nothing was found.
func (v *Verification) OK() bool { return len(v.Findings) == 0 }
