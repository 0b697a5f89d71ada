package daemon_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/resource"
)

// statement is one line of a scenario with the lines indented below it. The grammar is
// told in testdata/scenarios/README.md.
type statement struct {
	line  int
	verb  string
	args  []string          // words without "="
	named map[string]string // words with "="
	json  string            // from the first brace to the end of the line
	text  string            // the whole line
	below []*statement
}

func (s *statement) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: %s: %s", s.line, s.text, fmt.Sprintf(format, args...))
}

// parseScenario reads statements; what is indented belongs to what stands above it.
func parseScenario(text string) ([]*statement, error) {
	root := &statement{}
	above := []*statement{root} // of each depth, two spaces apart
	number := 0
	for line := range strings.Lines(text) {
		number++
		trimmed := strings.TrimLeft(strings.TrimRight(line, "\n"), " ")
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		if depth >= len(above) {
			return nil, fmt.Errorf("line %d: indented below nothing", number)
		}
		s, err := parseStatement(number, trimmed)
		if err != nil {
			return nil, err
		}
		above[depth].below = append(above[depth].below, s)
		above = append(above[:depth+1], s)
	}
	return root.below, nil
}

func parseStatement(number int, text string) (*statement, error) {
	s := &statement{line: number, text: text, named: map[string]string{}}
	words := text
	if i := strings.Index(text, " {"); i >= 0 {
		words, s.json = text[:i], text[i+1:]
	}
	for i, word := range strings.Fields(words) {
		name, value, isNamed := strings.Cut(word, "=")
		switch {
		case i == 0:
			s.verb = word
		case !isNamed:
			s.args = append(s.args, word)
		default:
			if _, twice := s.named[name]; twice {
				return nil, s.errorf("%s is given twice", name)
			}
			s.named[name] = value
		}
	}
	return s, nil
}

// takes reports words that the statement should not have. Names may end in a star.
func (s *statement) takes(minArgs, maxArgs int, names ...string) error {
	if len(s.args) < minArgs || len(s.args) > maxArgs {
		return s.errorf("has %d words, wants %d to %d", len(s.args), minArgs, maxArgs)
	}
	for name := range s.named {
		known := slices.ContainsFunc(names, func(n string) bool {
			prefix, isPrefix := strings.CutSuffix(n, "*")
			return n == name || isPrefix && strings.HasPrefix(name, prefix)
		})
		if !known {
			return s.errorf("unknown option %s", name)
		}
	}
	return nil
}

// number reads a named word; absent is what it is without.
func (s *statement) number(name string, absent int) (int, error) {
	text, ok := s.named[name]
	if !ok {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, s.errorf("%s=%s is no number", name, text)
	}
	return n, nil
}

// cloud is what a scenario's cloud holds and where it fails. The fake is made to show it
// before each scan.
type cloud struct {
	scopes  map[string]*cloudScope
	schemas map[string]*resource.Schema
	plan    *provider.Error
	pages   int
}

// cloudScope is one scope of it.
type cloudScope struct {
	nick  string
	scope resource.Scope

	resources []resource.Resource // first the regular ones, in order of mention
	extra     []resource.Resource // listed behind them: duplicates and strays
	dropped   bool                // out of the plan
	confirms  bool                // can be asked for single resources

	fault   *provider.Error // of a listing
	after   int             // pages before the fault
	inPlan  *provider.Error
	panics  bool
	cancels bool // the scan is interrupted where the fault would be

	glimpse *glimpse // what the first listing of the next scan shows instead
}

// glimpse is a listing that looks complete and is not.
type glimpse struct {
	keeps int  // resources
	bare  bool // and none has tags
}

func newCloud() *cloud {
	return &cloud{
		scopes: map[string]*cloudScope{}, schemas: map[string]*resource.Schema{}, pages: providertest.DefaultPageSize,
	}
}

func (c *cloud) scope(s *statement, nick string) (*cloudScope, error) {
	if found := c.scopes[nick]; found != nil {
		return found, nil
	}
	return nil, s.errorf("there is no scope %q", nick)
}

// resolve reads "web/a", or "buckets@west/a" for a resource of a global scope.
func (c *cloud) resolve(s *statement, ref string) (*cloudScope, resource.Key, error) {
	nick, id, ok := strings.Cut(ref, "/")
	if !ok {
		return nil, resource.Key{}, s.errorf("%q: want scope/id", ref)
	}
	nick, region, hasRegion := strings.Cut(nick, "@")
	sc, err := c.scope(s, nick)
	if err != nil {
		return nil, resource.Key{}, err
	}
	key := keyIn(sc.scope, id)
	if hasRegion {
		key.Region = region
	}
	return sc, key, nil
}

// ref is the reverse of resolve.
func (c *cloud) ref(key resource.Key) string {
	for _, nick := range slices.Sorted(maps.Keys(c.scopes)) {
		sc := c.scopes[nick]
		switch {
		case !sc.scope.Contains(key):
		case sc.scope.Region == key.Region:
			return nick + "/" + key.ID
		default:
			return nick + "@" + key.Region + "/" + key.ID
		}
	}
	return key.String()
}

// resource makes the resource that a statement describes in full: what it does not name
// is as providertest.Resource has it.
func (s *statement) resource(key resource.Key) (r resource.Resource, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = s.errorf("%v", v)
		}
	}()
	r = providertest.Resource(key.Scope(), key.ID, "{}")
	switch _, raw := s.named["raw"]; {
	case raw:
		r.Attributes = []byte(s.json)
	case s.json != "":
		r.Attributes = providertest.Resource(key.Scope(), key.ID, s.json).Attributes
	}
	for name, value := range s.named {
		switch tag, isTag := strings.CutPrefix(name, "tags."); {
		case isTag:
			r.Tags[tag] = value
		case name == "name":
			r.Name = value
		case name == "status":
			r.Status = value
		case name == "uid":
			r.UID = value
		}
	}
	return r, nil
}

func (sc *cloudScope) find(key resource.Key) int {
	return slices.IndexFunc(sc.resources, func(r resource.Resource) bool { return r.Key == key })
}

func (sc *cloudScope) put(r resource.Resource) {
	if i := sc.find(r.Key); i >= 0 {
		sc.resources[i] = r
		return
	}
	sc.resources = append(sc.resources, r)
}

// change is a statement that changes the cloud. It reports whether it was one.
func (c *cloud) change(s *statement) (bool, error) {
	apply, ok := map[string]func(*statement) error{
		"scope": c.doScope, "schema": c.doSchema, "pages": c.doPages,
		"put": c.doPut, "delete": c.doDelete, "fill": c.doFill, "duplicate": c.doDuplicate, "stray": c.doStray,
		"unknown": c.doUnknown, "readable": c.doReadable,
		"fail": c.doFail, "fail-in-plan": c.doFailInPlan, "fail-plan": c.doFailPlan,
		"panic": c.doPanic, "interrupt": c.doInterrupt, "heal": c.doHeal,
		"drop": c.doDrop, "return": c.doReturn, "truncate": c.doTruncate, "glimpse": c.doGlimpse, "confirms": c.doConfirms,
	}[s.verb]
	if !ok {
		return false, nil
	}
	if len(s.below) > 0 {
		return true, s.errorf("nothing may be indented below it")
	}
	return true, apply(s)
}

func (c *cloud) doScope(s *statement) error {
	if err := s.takes(3, 3, "account"); err != nil {
		return err
	}
	scope := scopeOf(s.args[1], s.args[2])
	if account := s.named["account"]; account != "" {
		scope.Account = account
	}
	if c.scopes[s.args[0]] != nil {
		return s.errorf("declared twice")
	}
	c.scopes[s.args[0]] = &cloudScope{nick: s.args[0], scope: scope}
	return nil
}

func (c *cloud) doSchema(s *statement) error {
	if err := s.takes(2, 2, "set.*"); err != nil {
		return err
	}
	version, err := strconv.ParseUint(s.args[1], 10, 32)
	if err != nil {
		return s.errorf("%v", err)
	}
	schema := &resource.Schema{Type: s.args[0], Version: uint32(version), Sets: map[string]string{}}
	for name, template := range s.named {
		schema.Sets[strings.TrimPrefix(name, "set.")] = template
	}
	c.schemas[schema.Type] = schema
	return nil
}

func (c *cloud) doPages(s *statement) (err error) {
	if err := s.takes(0, 0, "of"); err != nil {
		return err
	}
	c.pages, err = s.number("of", c.pages)
	return err
}

func (c *cloud) doPut(s *statement) error {
	if err := s.takes(1, 1, "name", "status", "uid", "raw", "tags.*"); err != nil {
		return err
	}
	sc, key, err := c.resolve(s, s.args[0])
	if err != nil {
		return err
	}
	r, err := s.resource(key)
	if err != nil {
		return err
	}
	sc.put(r)
	return nil
}

func (c *cloud) doDelete(s *statement) error {
	if err := s.takes(1, 1); err != nil {
		return err
	}
	sc, key, err := c.resolve(s, s.args[0])
	if err != nil {
		return err
	}
	i := sc.find(key)
	if i < 0 {
		return s.errorf("there is no such resource")
	}
	sc.resources = slices.Delete(sc.resources, i, i+1)
	return nil
}

func (c *cloud) doFill(s *statement) error {
	if err := s.takes(1, 1, "count", "tags.*"); err != nil {
		return err
	}
	sc, err := c.scope(s, s.args[0])
	if err != nil {
		return err
	}
	n, err := s.number("count", 0)
	if err != nil {
		return err
	}
	for i := range n {
		s.json = fmt.Sprintf(`{"N":%d}`, i+1)
		r, err := s.resource(keyIn(sc.scope, fmt.Sprintf("r%03d", i+1)))
		if err != nil {
			return err
		}
		sc.put(r)
	}
	return nil
}

// doTruncate deletes all but the first resources of a scope.
func (c *cloud) doTruncate(s *statement) error {
	if err := s.takes(1, 1, "keeps"); err != nil {
		return err
	}
	sc, err := c.scope(s, s.args[0])
	if err != nil {
		return err
	}
	n, err := s.number("keeps", 0)
	if err != nil || n > len(sc.resources) {
		return errors.Join(err, s.errorf("there are %d resources", len(sc.resources)))
	}
	sc.resources = sc.resources[:n]
	return nil
}

func (c *cloud) doGlimpse(s *statement) error {
	if err := s.takes(1, 2, "keeps"); err != nil {
		return err
	}
	sc, err := c.scope(s, s.args[0])
	if err != nil {
		return err
	}
	n, err := s.number("keeps", len(sc.resources))
	if err != nil || n > len(sc.resources) || len(s.args) == 2 && s.args[1] != "without-tags" {
		return errors.Join(err, s.errorf("there are %d resources", len(sc.resources)))
	}
	sc.glimpse = &glimpse{keeps: n, bare: len(s.args) == 2}
	return nil
}

// doConfirms has the provider answer for single resources of a scope.
func (c *cloud) doConfirms(s *statement) error {
	if err := s.takes(1, 1); err != nil {
		return err
	}
	sc, err := c.scope(s, s.args[0])
	if err != nil {
		return err
	}
	sc.confirms = true
	return nil
}

// glimpsed is what a listing shows that looks complete and is not.
func (sc *cloudScope) glimpsed() []resource.Resource {
	var all []resource.Resource
	for _, r := range sc.resources[:sc.glimpse.keeps] {
		if sc.glimpse.bare {
			r.Tags = map[string]string{}
		}
		all = append(all, r)
	}
	return all
}

func (c *cloud) doDuplicate(s *statement) error {
	if err := s.takes(1, 1); err != nil {
		return err
	}
	sc, key, err := c.resolve(s, s.args[0])
	if err != nil {
		return err
	}
	i := sc.find(key)
	if i < 0 {
		return s.errorf("there is no such resource")
	}
	sc.extra = append(sc.extra, sc.resources[i])
	return nil
}

func (c *cloud) doStray(s *statement) error {
	if err := s.takes(2, 2); err != nil {
		return err
	}
	sc, err := c.scope(s, s.args[0])
	if err != nil {
		return err
	}
	_, key, err := c.resolve(s, s.args[1])
	if err != nil {
		return err
	}
	r, err := s.resource(key)
	if err != nil {
		return err
	}
	sc.extra = append(sc.extra, r)
	return nil
}

// doUnknown makes parts of a resource unreadable. What they are stays in the cloud.
func (c *cloud) doUnknown(s *statement) error {
	if err := s.takes(2, 9, "reason"); err != nil {
		return err
	}
	sc, key, err := c.resolve(s, s.args[0])
	if err != nil {
		return err
	}
	i := sc.find(key)
	if i < 0 {
		return s.errorf("there is no such resource")
	}
	failure := failureOf(s)
	sc.resources[i].Unknown = nil
	for _, part := range s.args[1:] {
		sc.resources[i].Unknown = append(sc.resources[i].Unknown, resource.Unknown{Part: part, Err: failure})
	}
	return nil
}

func (c *cloud) doReadable(s *statement) error {
	if err := s.takes(1, 1); err != nil {
		return err
	}
	sc, key, err := c.resolve(s, s.args[0])
	if err != nil {
		return err
	}
	i := sc.find(key)
	if i < 0 {
		return s.errorf("there is no such resource")
	}
	sc.resources[i].Unknown = nil
	return nil
}

// failureOf makes the error of a statement's reason, otherwise and says=... words.
func failureOf(s *statement) *provider.Error {
	reason := provider.ReasonAccessDenied
	if named := s.named["reason"]; named != "" {
		reason = provider.Reason(named)
	}
	text := s.named["says"]
	if text == "" {
		text = string(reason)
	}
	err := &provider.Error{Reason: reason, Err: fmt.Errorf("the cloud says %s", text)}
	if otherwise := s.named["otherwise"]; otherwise != "" {
		err.Otherwise = &provider.Error{Reason: provider.Reason(otherwise), Err: err.Err}
	}
	return err
}

func (c *cloud) doFail(s *statement) error {
	return c.fault(s, func(sc *cloudScope) { sc.fault = failureOf(s) })
}

func (c *cloud) doPanic(s *statement) error {
	return c.fault(s, func(sc *cloudScope) { sc.fault, sc.panics = failureOf(s), true })
}

func (c *cloud) doInterrupt(s *statement) error {
	return c.fault(s, func(sc *cloudScope) { sc.fault, sc.cancels = failureOf(s), true })
}

func (c *cloud) fault(s *statement, set func(*cloudScope)) error {
	if err := s.takes(1, 1, "reason", "otherwise", "says", "after"); err != nil {
		return err
	}
	sc, err := c.scope(s, s.args[0])
	if err != nil {
		return err
	}
	if sc.after, err = s.number("after", 0); err != nil {
		return err
	}
	set(sc)
	return nil
}

func (c *cloud) doFailInPlan(s *statement) error {
	return c.fault(s, func(sc *cloudScope) { sc.inPlan = failureOf(s) })
}

func (c *cloud) doFailPlan(s *statement) error {
	if err := s.takes(0, 0, "reason", "says"); err != nil {
		return err
	}
	c.plan = failureOf(s)
	return nil
}

// doHeal ends the failures of a scope, or that of the plan.
func (c *cloud) doHeal(s *statement) error {
	if err := s.takes(1, 1); err != nil {
		return err
	}
	if s.args[0] == "plan" {
		c.plan = nil
		return nil
	}
	sc, err := c.scope(s, s.args[0])
	if err != nil {
		return err
	}
	sc.fault, sc.inPlan, sc.panics, sc.cancels, sc.after = nil, nil, false, false, 0
	sc.extra = nil
	return nil
}

func (c *cloud) doDrop(s *statement) error   { return c.inPlan(s, false) }
func (c *cloud) doReturn(s *statement) error { return c.inPlan(s, true) }

func (c *cloud) inPlan(s *statement, planned bool) error {
	if err := s.takes(1, 1); err != nil {
		return err
	}
	sc, err := c.scope(s, s.args[0])
	if err != nil {
		return err
	}
	sc.dropped = !planned
	return nil
}

// listed is what a listing of the scope hands on, with unreadable parts absent.
func (sc *cloudScope) listed() []resource.Resource {
	var all []resource.Resource
	for _, r := range slices.Concat(sc.resources, sc.extra) {
		all = append(all, unread(r))
	}
	return all
}

// unread is a resource without the parts that cannot be read.
func unread(r resource.Resource) resource.Resource {
	for _, u := range r.Unknown {
		switch name, isAttribute := strings.CutPrefix(u.Part, resource.PartAttributes); {
		case isAttribute:
			r.Attributes = withoutMember(r.Attributes, name)
		case u.Part == resource.PartStatus:
			r.Status = ""
		default:
			r.Tags = map[string]string{}
		}
	}
	return r
}
