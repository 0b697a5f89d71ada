package provider

import "context"

// Checker is a provider that can try beforehand what it will list.
type Checker interface {
	// Check tries credentials, accounts, regions and the listing of every type with few calls,
	// and returns what it found in the order of the plan. The error is that of ctx.
	Check(ctx context.Context) ([]Finding, error)
}

// Status of a Finding.
type Status string

// What a check can find. StatusUnavailable is no failure: see ReasonUnavailable.
const (
	StatusOK          Status = "ok"
	StatusDenied      Status = "denied"
	StatusUnavailable Status = "unavailable"
	StatusFailed      Status = "failed"
)

// Finding is what came of one check.
type Finding struct {
	Account string `json:"account"` // empty where it is not known, or not meant
	Region  string `json:"region"`  // the same
	What    string `json:"what"`    // a resource type, or "credentials", "account", "regions", "storage"
	Status  Status `json:"status"`
	Action  string `json:"action"` // the permission to grant, where one is missing
	Error   string `json:"error"`
}

// OK reports whether nothing is to be done about a finding.
func (f *Finding) OK() bool { return f.Status == StatusOK || f.Status == StatusUnavailable }

// Found fills in status, action and error. action is the permission that what was tried
// needs.
func (f Finding) Found(action string, err error) Finding {
	f.Status = StatusOK
	if err == nil {
		return f
	}
	f.Error = err.Error()
	switch ReasonOf(err) {
	case ReasonAccessDenied:
		f.Status, f.Action = StatusDenied, action
	case ReasonUnavailable:
		f.Status = StatusUnavailable
	default:
		f.Status = StatusFailed
	}
	return f
}
