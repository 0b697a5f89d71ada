package archive

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// line is one record as JSON. Exactly one member is set.
type line struct {
	Header  *headerLine           `json:"header,omitempty"`
	Version *versionLine          `json:"version,omitempty"`
	Event   *storage.ChangeEvent  `json:"event,omitempty"`
	Scan    *storage.ScanMetadata `json:"scan,omitempty"`
	Scope   *scopeLine            `json:"scope,omitempty"`
	End     *endLine              `json:"end,omitempty"`
}

type headerLine struct {
	Revision int64     `json:"revision"`
	Oldest   int64     `json:"oldest"`
	Time     time.Time `json:"time"`
}

type endLine struct {
	Records int64 `json:"records"`
}

type versionLine struct {
	Key         string            `json:"key"`
	Revision    int64             `json:"revision"`
	Time        time.Time         `json:"time"`
	ChangeType  change.Type       `json:"change_type"`
	Event       int               `json:"event,omitempty"`
	Replaced    int               `json:"replaced,omitempty"`
	Schema      uint32            `json:"schema,omitempty"`
	Incomplete  []string          `json:"incomplete,omitempty"`
	Fingerprint string            `json:"fingerprint,omitempty"`
	ARN         string            `json:"arn,omitempty"`
	Name        string            `json:"name,omitempty"`
	Status      string            `json:"status,omitempty"`
	UID         string            `json:"uid,omitempty"`
	CreatedAt   *time.Time        `json:"created_at,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Attributes  json.RawMessage   `json:"attributes,omitempty"`
}

type scopeLine struct {
	Scope            string         `json:"scope"`
	Revision         int64          `json:"revision"`
	Status           string         `json:"status"`
	Reason           string         `json:"reason,omitempty"`
	Error            string         `json:"error,omitempty"`
	Resources        int            `json:"resources,omitempty"`
	Regions          map[string]int `json:"regions,omitempty"`
	LastComplete     int64          `json:"last_complete,omitempty"`
	LastCompleteTime *time.Time     `json:"last_complete_time,omitempty"`
}

func lineOf(rec *storage.DumpRecord) *line {
	l := &line{Event: rec.Event, Scan: rec.Scan}
	switch {
	case rec.Header != nil:
		l.Header = &headerLine{Revision: rec.Header.Revision, Oldest: rec.Header.Oldest, Time: rec.Header.Time}
	case rec.Version != nil:
		l.Version = versionLineOf(rec.Version)
	case rec.Scope != nil:
		s := &rec.Scope.State
		l.Scope = &scopeLine{
			Scope: s.Scope.String(), Revision: rec.Scope.Revision, Status: string(s.Status), Reason: s.Reason, Error: s.Error,
			Resources: s.Resources, Regions: s.Regions, LastComplete: s.LastComplete, LastCompleteTime: timeOrNil(s.LastCompleteTime),
		}
	}
	return l
}

func versionLineOf(d *storage.DumpVersion) *versionLine {
	v, r := &d.Version, &d.Version.Resource
	l := &versionLine{
		Key: r.Key.String(), Revision: v.Revision, Time: v.ValidFrom, ChangeType: v.ChangeType,
		Event: d.Event, Replaced: d.Replaced, Schema: v.Schema, Incomplete: v.Incomplete,
		ARN: r.ARN, Name: r.Name, Status: r.Status, UID: r.UID, CreatedAt: timeOrNil(r.CreatedAt), Tags: r.Tags,
	}
	if v.ChangeType != change.Disappeared {
		l.Fingerprint = d.Fingerprint.String()
	}
	if len(r.Attributes) > 0 {
		l.Attributes = r.Attributes
	}
	return l
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func (l *line) record() (storage.DumpRecord, error) {
	switch {
	case l.Header != nil:
		return storage.DumpRecord{Header: &storage.DumpHeader{
			Revision: l.Header.Revision, Oldest: l.Header.Oldest, Time: l.Header.Time,
		}}, nil
	case l.Version != nil:
		v, err := l.Version.version()
		return storage.DumpRecord{Version: v}, err
	case l.Event != nil:
		return storage.DumpRecord{Event: l.Event}, nil
	case l.Scan != nil:
		return storage.DumpRecord{Scan: l.Scan}, nil
	case l.Scope != nil:
		s, err := l.Scope.state()
		return storage.DumpRecord{Scope: s}, err
	default:
		return storage.DumpRecord{}, errors.New("a record of an unknown kind")
	}
}

func (l *versionLine) version() (*storage.DumpVersion, error) {
	key, err := resource.ParseKey(l.Key)
	if err != nil {
		return nil, err
	}
	d := &storage.DumpVersion{
		Version: storage.Version{
			Resource: resource.Resource{
				Key: key, ARN: l.ARN, Name: l.Name, Status: l.Status, UID: l.UID,
				CreatedAt: orZero(l.CreatedAt), Tags: l.Tags, Attributes: l.Attributes,
			},
			Revision: l.Revision, ValidFrom: l.Time, ChangeType: l.ChangeType, Schema: l.Schema, Incomplete: l.Incomplete,
		},
		Event: l.Event, Replaced: l.Replaced,
	}
	if l.ChangeType == change.Disappeared {
		return d, nil
	}
	raw, err := hex.DecodeString(l.Fingerprint)
	if err != nil || len(raw) != len(d.Fingerprint) {
		return nil, fmt.Errorf("fingerprint %q of %s", l.Fingerprint, l.Key)
	}
	d.Fingerprint = resource.Fingerprint(raw)
	return d, nil
}

func (l *scopeLine) state() (*storage.DumpScope, error) {
	scope, err := resource.ParseScope(l.Scope)
	if err != nil {
		return nil, err
	}
	return &storage.DumpScope{Revision: l.Revision, State: storage.ScopeState{
		Scope: scope, Status: storage.ScopeStatus(l.Status), Reason: l.Reason, Error: l.Error,
		Resources: l.Resources, Regions: l.Regions,
		LastComplete: l.LastComplete, LastCompleteTime: orZero(l.LastCompleteTime),
	}}, nil
}
