package resource

import (
	"fmt"
	"slices"
	"strings"
)

// Schema says how the document of one type is made canonical and how its sets are
// told apart. It is declared beside the collector of the type and never changed at
// run time. The zero Schema (with a Type) keeps everything and has no sets.
//
// Paths name members from the document's root, separated by dots, as the API spells
// them: "IpPermissions.IpRanges". They pass through lists and maps without a sign: a
// path below a list means that member of every element.
type Schema struct {
	Type string

	// Version is recorded with every document. Raise it with any change of this
	// schema or of the collector that alters documents: documents of another version
	// are recorded anew without being reported as modified.
	Version uint32

	// Omit lists members that move by themselves (counters, clocks, usage) or that
	// the Resource already carries (tags, status).
	Omit []string

	// Sets lists the arrays whose order means nothing, with the template of the key
	// that tells their elements apart: "{GroupId}", "{IpProtocol}:{FromPort}-{ToPort}".
	// An empty template is for sets of plain values and for elements without a key.
	Sets map[string]string

	// Policies lists members that hold an IAM-style policy as a string, plain or
	// URL-encoded. They become objects in the document.
	Policies []string

	// Secrets lists members of which every string, at any depth, is replaced by a
	// keyed digest. A set of secrets is one of digests.
	Secrets []string
}

// SetAt returns the key template of the set at the path, and whether there is a set
// at all. Path elements are joined by dots, as in the schema.
func (s *Schema) SetAt(path string) (KeyTemplate, bool) {
	if s == nil {
		return KeyTemplate{}, false
	}
	t, ok := s.Sets[path]
	if !ok {
		return KeyTemplate{}, false
	}
	return ParseKeyTemplate(t), true
}

// PolicyAt reports whether the member at the path holds a policy.
func (s *Schema) PolicyAt(path string) bool {
	return s != nil && slices.Contains(s.Policies, path)
}

// KeyTemplate renders the key of a set's element from the element's members.
type KeyTemplate struct {
	literals []string // literals[i] stands before members[i]; one more than members
	members  []string
}

// ParseKeyTemplate reads a template such as "{IpProtocol}:{FromPort}-{ToPort}".
func ParseKeyTemplate(s string) KeyTemplate {
	var t KeyTemplate
	for {
		literal, rest, found := strings.Cut(s, "{")
		t.literals = append(t.literals, literal)
		if !found {
			return t
		}
		member, after, _ := strings.Cut(rest, "}")
		t.members = append(t.members, member)
		s = after
	}
}

// Members lists the members that the key is made of. None means that the elements
// have no key.
func (t KeyTemplate) Members() []string { return t.members }

// Render returns the key, with value telling the text of a member and "" for an
// absent one. What stands behind the last member that is there is cut: an absent port
// range leaves "-1", not "-1:-". Members themselves are never cut: "logs/" stays.
func (t KeyTemplate) Render(value func(member string) string) string {
	var b strings.Builder
	end := 0 // behind the last member that is there
	for i, m := range t.members {
		b.WriteString(t.literals[i])
		if text := value(m); text != "" {
			b.WriteString(text)
			end = b.Len()
		}
	}
	if end > 0 && end == b.Len() {
		return b.String() + t.literals[len(t.members)]
	}
	return b.String()[:end]
}

// validate reports contradictions within the schema itself.
func (s *Schema) validate() error {
	for path, t := range s.Sets {
		if strings.Count(t, "{") != strings.Count(t, "}") {
			return fmt.Errorf("schema of %s: set %s: unbalanced braces in %q", s.Type, path, t)
		}
	}
	return nil
}
