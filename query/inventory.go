package query

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"modernc.org/sqlite/vtab"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Operators that the store makes for a column.
var (
	equal   = []vtab.ConstraintOp{vtab.OpEQ}
	pattern = []vtab.ConstraintOp{vtab.OpEQ, vtab.OpGLOB, vtab.OpLIKE}
	ordered = []vtab.ConstraintOp{vtab.OpEQ, vtab.OpGT, vtab.OpGE, vtab.OpLT, vtab.OpLE}
)

// keyColumns are the columns of what bears a resource's key.
func keyColumns(id string) []Column {
	return []Column{
		{Name: "key", Type: "TEXT", pushed: equal, key: true, share: 1e-6},
		{Name: "provider", Type: "TEXT", key: true},
		{Name: "account", Type: "TEXT", pushed: equal, key: true, share: 0.2},
		{Name: "region", Type: "TEXT", pushed: equal, key: true, share: 0.2},
		{Name: "type", Type: "TEXT", pushed: pattern, key: true, share: 0.05},
		{Name: id, Type: "TEXT", pushed: equal, key: true, share: 1e-5},
	}
}

// keyValue returns the value of one of keyColumns.
func keyValue(k *resource.Key, column int) vtab.Value {
	switch column {
	case 0:
		return k.String()
	case 1:
		return k.Provider
	case 2:
		return k.Account
	case 3:
		return k.Region
	case 4:
		return k.Type
	default:
		return k.ID
	}
}

// versionColumns follow keyColumns in the tables of resources and of versions.
func versionColumns() []Column {
	return []Column{
		{Name: "arn", Type: "TEXT"},
		{Name: "name", Type: "TEXT"},
		{Name: "status", Type: "TEXT"},
		{Name: "created_at", Type: "TEXT"},
		{Name: "tags", Type: "TEXT"},
		{Name: "attributes", Type: "TEXT"},
		{Name: "revision", Type: "INTEGER"},
		{Name: "valid_from", Type: "TEXT"},
		{Name: "valid_to", Type: "TEXT"},
		{Name: "incomplete", Type: "TEXT"},
	}
}

// versionValue returns the value of one of versionColumns.
func versionValue(v *storage.Version, column int) vtab.Value {
	r := &v.Resource
	switch column {
	case 0:
		return r.ARN
	case 1:
		return r.Name
	case 2:
		return r.Status
	case 3:
		return timeText(r.CreatedAt)
	case 4:
		return tagsText(r.Tags)
	case 5:
		if len(r.Attributes) == 0 {
			return "{}"
		}
		return string(r.Attributes)
	case 6:
		return v.Revision
	case 7:
		return timeText(v.ValidFrom)
	case 8:
		return timeText(v.ValidTo)
	default:
		return listText(v.Incomplete)
	}
}

// resourcesTable is the inventory at the revision.
func resourcesTable() *table {
	columns := append(keyColumns("id"), versionColumns()...)
	for i := range columns {
		switch columns[i].Name {
		case "arn":
			columns[i].pushed, columns[i].share = equal, 1e-6
		case "name":
			columns[i].pushed, columns[i].share = equal, 1e-4
		}
	}
	return &table{
		name: "resources", primary: "key", rows: 100_000, scan: scanResources,
		columns: append(columns, Column{Name: "observed_at", Type: "TEXT"}, Column{Name: "stale", Type: "INTEGER"}),
	}
}

type resourceRow struct {
	s *session
	v *storage.Version
}

func (r resourceRow) value(column int) vtab.Value {
	const keys, versions = 6, 10
	switch {
	case column < keys:
		return keyValue(&r.v.Resource.Key, column)
	case column < keys+versions:
		return versionValue(r.v, column-keys)
	}
	at, stale := r.s.freshness.Observed(r.v)
	if column == keys+versions {
		return timeText(at)
	}
	return boolean(stale)
}

func scanResources(s *session, d *demand) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		if !d.keysOnly {
			if err := s.readFreshness(); err != nil {
				yield(nil, err)
				return
			}
		}
		for v, err := range s.resources(d) {
			if !yield(resourceRow{s, v}, err) {
				return
			}
		}
	}
}

func (s *session) readFreshness() (err error) {
	if s.freshness == nil {
		s.freshness, err = storage.ReadFreshness(s.ctx, s.store, s.revision)
	}
	return err
}

// resources yields the live resources that a demand may select.
func (s *session) resources(d *demand) iter.Seq2[*storage.Version, error] {
	if text, ok := d.text("key"); ok {
		return s.resource(text)
	}
	return s.store.List(s.ctx, storage.Query{Filter: d.filter("id"), Revision: s.revision, KeysOnly: d.keysOnly})
}

// resource yields the resource with a key if it is live. What is no key is that of none.
func (s *session) resource(text string) iter.Seq2[*storage.Version, error] {
	return func(yield func(*storage.Version, error) bool) {
		key, err := resource.ParseKey(text)
		if err != nil {
			return
		}
		v, err := s.store.Get(s.ctx, key, s.revision)
		if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrGone) {
			return
		}
		yield(v, err)
	}
}

// filter returns what a demand says of the columns that a store filters by, of which id is
// the name of the one that holds ids.
func (d *demand) filter(id string) storage.Filter {
	var f storage.Filter
	f.Types = d.types()
	if region, ok := d.text("region"); ok {
		f.Regions = []string{region}
	}
	if account, ok := d.text("account"); ok {
		f.Accounts = []string{account}
	}
	f.ID, _ = d.text(id)
	f.Name, _ = d.text("name")
	f.ARN, _ = d.text("arn")
	return f
}

// types returns one glob that every type matches which the demand selects; nil: every
// type may be selected. Globs of the store know no case, which selects more and is checked
// again.
func (d *demand) types() []string {
	for _, c := range d.terms {
		text, ok := c.value.(string)
		if !ok || c.column != "type" {
			continue
		}
		switch c.op {
		case vtab.OpEQ:
			ok = !strings.ContainsAny(text, `*?[\`)
		case vtab.OpGLOB:
			ok = !strings.ContainsAny(text, `[\`)
		case vtab.OpLIKE:
			ok = !strings.ContainsAny(text, `*?[\`)
			text = strings.NewReplacer("%", "*", "_", "?").Replace(text)
		default:
			ok = false
		}
		if ok && text != "" {
			return []string{text}
		}
	}
	return nil
}

// versionsTable is every version of every resource, up to the revision.
func versionsTable() *table {
	columns := append(keyColumns("id"), versionColumns()...)
	return &table{
		name: "versions", primary: "identity", rows: 1_000_000, scan: scanVersions,
		columns: append(columns, Column{Name: "change_type", Type: "TEXT"}, Column{Name: "changes", Type: "TEXT"}, identity()),
	}
}

type versionRow struct{ v *storage.Version }

func (r versionRow) value(column int) vtab.Value {
	const keys, versions = 6, 10
	switch {
	case column < keys:
		return keyValue(&r.v.Resource.Key, column)
	case column < keys+versions:
		return versionValue(r.v, column-keys)
	case column == keys+versions:
		return string(r.v.ChangeType)
	case column == keys+versions+1:
		return changesText(r.v.Changes)
	}
	return fmt.Sprintf("%d %s", r.v.Revision, r.v.Resource.Key)
}

// scanVersions yields the histories of the resources that are live at the revision, then of
// those that had disappeared by then.
func scanVersions(s *session, d *demand) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for key, err := range s.recorded(d) {
			if err != nil {
				yield(nil, err)
				return
			}
			for v, err := range s.history(key) {
				if !yield(versionRow{v}, err) || err != nil {
					return
				}
			}
		}
	}
}

// recorded yields the keys that a demand may select of all resources that have a version.
func (s *session) recorded(d *demand) iter.Seq2[resource.Key, error] {
	if text, ok := d.text("key"); ok {
		return func(yield func(resource.Key, error) bool) {
			if key, err := resource.ParseKey(text); err == nil {
				yield(key, nil)
			}
		}
	}
	filter := d.filter("id")
	filter.Name, filter.ARN = "", "" // which change from version to version
	return func(yield func(resource.Key, error) bool) {
		for v, err := range s.store.List(s.ctx, storage.Query{Filter: filter, Revision: s.revision, KeysOnly: true}) {
			if err != nil {
				yield(resource.Key{}, err)
				return
			}
			if !yield(v.Resource.Key, nil) {
				return
			}
		}
		for key, err := range s.gone(filter) {
			if !yield(key, err) {
				return
			}
		}
	}
}

// gone yields the keys of resources that had disappeared by the revision. A resource may
// have disappeared several times; it counts where it did so last.
func (s *session) gone(filter storage.Filter) iter.Seq2[resource.Key, error] {
	return func(yield func(resource.Key, error) bool) {
		q := storage.ChangeQuery{Filter: filter, ChangeTypes: []change.Type{change.Disappeared}, UpTo: s.revision}
		for e, err := range s.store.Changes(s.ctx, q) {
			var key resource.Key
			if err == nil {
				key, err = resource.ParseKey(e.Key)
			}
			last := false
			if err == nil {
				last, err = s.endsAt(key, e.Revision)
			}
			if err != nil {
				yield(key, err)
				return
			}
			if last && !yield(key, nil) {
				return
			}
		}
	}
}

// endsAt reports whether the newest version of a resource is a tombstone of a revision.
func (s *session) endsAt(key resource.Key, revision int64) (bool, error) {
	for v, err := range s.history(key) {
		return err == nil && v.ChangeType == change.Disappeared && v.Revision == revision, err
	}
	return false, nil
}

// history yields the versions of a resource up to the revision.
func (s *session) history(key resource.Key) iter.Seq2[*storage.Version, error] {
	return func(yield func(*storage.Version, error) bool) {
		for v, err := range s.store.History(s.ctx, key) {
			if errors.Is(err, storage.ErrNotFound) {
				return
			}
			if err == nil && v.Revision > s.revision {
				continue
			}
			if !yield(v, err) {
				return
			}
		}
	}
}
