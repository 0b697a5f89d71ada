package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// row is one line of the table: what a setting is called, what it accepts, and
// where in C (Config, or the type of one section of a list) its value goes.
type row[C any] struct {
	Spec
	shape

	store func(c *C, v given, origins map[string]Origin) []finding
	show  func(c *C, key string, origins map[string]Origin) []Setting
	same  func(a, b *C) bool // whether two have the same value
	carry func(to, from *C)  // gives one the value of another

	flag       func(Flags) []string // nil: no flag; it returns nil where the flag is not given
	derive     derivation           // nil: Default is the value
	deriveFrom string               // the variables that derive reads, in words
	required   bool
}

// lookupEnv reads the environment, as os.LookupEnv does.
type lookupEnv func(string) (string, bool)

// derivation makes a default from a variable, whose name it returns too; an
// empty text says that this machine has none.
type derivation func(lookupEnv) (text, variable string)

// shape is what the value of a key has to look like in a file.
type shape struct {
	form    form
	hidden  bool       // a value may be a secret: no error repeats it
	scalars scalarType // what a scalar, or an entry of a list, may be
	records []leaf     // of formRecords: the keys of one entry
}

type form int

const (
	formScalar form = iota
	formList
	formScalarOrList
	formRecords // a list of sections
)

// given is the value of one setting in one source.
type given struct {
	key    string // the row's
	path   string // the setting's: the key, or "cloud.accounts[0].role_arn"
	label  string // what the user calls it: the path, the variable or the flag
	origin Origin

	items   []item    // one for a scalar
	records []section // of formRecords
}

// item is a scalar, or one entry of a list.
type item struct {
	text   string
	label  string
	origin Origin
	wrong  string // not empty: what the item is instead of an acceptable scalar
}

// section is one entry of a list of sections.
type section struct {
	label  string
	origin Origin
	values []given
	broken bool // a problem with it is already reported
}

// fault is a problem with a parsed value as a whole, or with one entry of it.
type fault struct {
	at      int // index of the entry; -1: the whole
	message string
}

// one returns a row for a setting with a single value.
func one[C, T any](spec Spec, k kind[T], field func(*C) *T) row[C] {
	spec.Allowed = k.allowed
	return row[C]{
		Spec: spec, shape: shape{form: formScalar, hidden: k.hidden, scalars: k.scalars},
		same:  func(a, b *C) bool { return reflect.DeepEqual(*field(a), *field(b)) },
		carry: func(to, from *C) { *field(to) = *field(from) },
		store: func(c *C, v given, origins map[string]Origin) []finding {
			parsed, found := parseItems(v.items, k)
			if len(found) > 0 || len(parsed) == 0 {
				return found
			}
			*field(c), origins[v.path] = parsed[0], v.origin
			return nil
		},
		show: func(c *C, key string, origins map[string]Origin) []Setting {
			return []Setting{{Key: key, Value: flowYAML(k.print(*field(c))), Origin: origins[key]}}
		},
	}
}

// many returns a row for a setting with a list of values. The form says whether
// a single value may stand for a list of one. check looks at the list as a
// whole; nil: any list will do.
func many[C, T any](spec Spec, f form, k kind[T], check func([]T) []fault, field func(*C) *[]T) row[C] {
	spec.Allowed = "a list, each entry " + k.allowed
	if f == formScalarOrList {
		spec.Allowed = k.allowed + "; or a list"
	}
	return row[C]{
		Spec: spec, shape: shape{form: f, hidden: k.hidden, scalars: k.scalars},
		same:  func(a, b *C) bool { return reflect.DeepEqual(*field(a), *field(b)) },
		carry: func(to, from *C) { *field(to) = *field(from) },
		store: func(c *C, v given, origins map[string]Origin) []finding {
			parsed, found := parseItems(v.items, k)
			if len(found) == 0 && check != nil {
				found = v.locate(check(parsed))
			}
			if len(found) == 0 {
				*field(c), origins[v.path] = parsed, v.origin
			}
			return found
		},
		show: func(c *C, key string, origins map[string]Origin) []Setting {
			printed := []any{}
			for _, v := range *field(c) {
				printed = append(printed, k.print(v))
			}
			value := flowYAML(printed)
			if f == formScalarOrList && len(printed) == 1 {
				value = flowYAML(printed[0])
			}
			return []Setting{{Key: key, Value: value, Origin: origins[key]}}
		},
	}
}

// records returns a row for a list of sections, whose keys are the rows subs.
// check compares the sections with each other.
func records[R any](spec Spec, subs []row[R], check func([]R) []fault, field func(*Config) *[]R) row[Config] {
	spec.Allowed = "a list of sections with " + strings.Join(names(subs), ", ")
	return row[Config]{
		Spec: spec, shape: shape{form: formRecords, hidden: holdsHidden(subs), records: leaves(subs)},
		same:  func(a, b *Config) bool { return reflect.DeepEqual(*field(a), *field(b)) },
		carry: func(to, from *Config) { *field(to) = *field(from) },
		store: func(c *Config, v given, origins map[string]Origin) []finding {
			parsed := make([]R, len(v.records))
			var found []finding
			for i, s := range v.records {
				found = append(found, assign(&parsed[i], subs, s.values, origins)...)
				found = append(found, absent(subs, s)...)
			}
			found = append(found, v.locate(check(parsed))...)
			*field(c), origins[v.path] = parsed, v.origin
			return found
		},
		show: func(c *Config, key string, origins map[string]Origin) []Setting {
			return showRecords(*field(c), subs, key, origins)
		},
	}
}

func holdsHidden[C any](rows []row[C]) bool {
	return slices.ContainsFunc(rows, func(r row[C]) bool { return r.hidden })
}

func showRecords[R any](entries []R, subs []row[R], key string, origins map[string]Origin) []Setting {
	if len(entries) == 0 {
		return []Setting{{Key: key, Value: "[]", Origin: origins[key]}}
	}
	var all []Setting
	for i := range entries {
		for _, r := range subs {
			path := fmt.Sprintf("%s[%d].%s", key, i, r.name())
			unset := r.show(new(R), path, nil)[0].Value
			if s := r.show(&entries[i], path, origins)[0]; s.Value != unset {
				all = append(all, s)
			}
		}
	}
	return all
}

func (r row[C]) withFlag(name string, value func(Flags) []string) row[C] {
	r.Flag, r.flag = name, value
	return r
}

// withDerivedDefault makes the default depend on the environment; from names
// the variables in words.
func (r row[C]) withDerivedDefault(derive derivation, from string) row[C] {
	r.derive, r.deriveFrom = derive, from
	return r
}

// needRestart says that a daemon that runs cannot take another value.
func (r row[C]) needRestart() row[C] {
	r.Restart = true
	return r
}

// require makes a missing value a problem.
func (r row[C]) require() row[C] {
	r.required = true
	return r
}

// name returns the last part of the key.
func (r row[C]) name() string { return lastPart(r.Key) }

func lastPart(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

func names[C any](rows []row[C]) []string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.name()
	}
	return all
}

// assign puts the values of a source into target and notes their origins. What
// has a problem changes nothing.
func assign[C any](target *C, rows []row[C], values []given, origins map[string]Origin) []finding {
	var found []finding
	for _, v := range values {
		i := slices.IndexFunc(rows, func(r row[C]) bool { return r.Key == v.key })
		found = append(found, rows[i].store(target, v, origins)...)
	}
	return found
}

// absent reports the required keys that a section does not have.
func absent[C any](rows []row[C], s section) []finding {
	var found []finding
	for _, r := range rows {
		has := slices.ContainsFunc(s.values, func(v given) bool { return v.key == r.Key })
		if r.required && !has && !s.broken {
			message := fmt.Sprintf("is missing; it must be %s", r.Allowed)
			found = append(found, finding{s.origin, s.label + "." + r.name(), message})
		}
	}
	return found
}

func parseItems[T any](items []item, k kind[T]) ([]T, []finding) {
	var parsed []T
	var found []finding
	for _, it := range items {
		v, ok := k.parse(it.text)
		switch {
		case it.wrong != "":
			found = append(found, finding{it.origin, it.label, fmt.Sprintf("must be %s, not %s", k.allowed, it.wrong)})
		case !ok && k.hidden:
			found = append(found, finding{it.origin, it.label, "must be " + k.allowed})
		case !ok:
			found = append(found, finding{it.origin, it.label, fmt.Sprintf("must be %s, not %s", k.allowed, quote(it.text))})
		default:
			parsed = append(parsed, v)
		}
	}
	return parsed, found
}

// locate says in which place of the source each fault is.
func (v given) locate(faults []fault) []finding {
	var found []finding
	for _, f := range faults {
		switch {
		case f.at >= 0 && f.at < len(v.items):
			found = append(found, finding{v.items[f.at].origin, v.items[f.at].label, f.message})
		case f.at >= 0 && f.at < len(v.records):
			found = append(found, finding{v.records[f.at].origin, v.records[f.at].label, f.message})
		default:
			found = append(found, finding{v.origin, v.label, f.message})
		}
	}
	return found
}

// flowYAML returns a value as it would be written in the file, on one line.
func flowYAML(value any) string {
	var n yaml.Node
	if err := n.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	if n.Kind == yaml.SequenceNode {
		n.Style = yaml.FlowStyle
	}
	text, err := yaml.Marshal(&n)
	if err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSuffix(string(text), "\n")
}
