package query

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"modernc.org/sqlite"
)

// Functions lists the functions of SQLite that a query may call, besides operators. Left
// out are those that reach out of the query (load_extension) or take time beyond measure
// for what their arguments are (json_patch).
const Functions = `
abs char coalesce concat concat_ws format glob hex if ifnull iif instr length like likelihood likely lower ltrim max min
nullif octet_length printf quote replace round rtrim sign soundex substr substring trim typeof unicode unlikely upper
date datetime julianday strftime time timediff unixepoch current_date current_time current_timestamp
avg count group_concat median percentile percentile_cont percentile_disc string_agg sum total
cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number
acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power radians
sin sinh sqrt tan tanh trunc
json json_array json_array_length json_error_position json_extract json_group_array json_group_object json_insert
json_object json_pretty json_quote json_remove json_replace json_set json_type json_valid -> ->>
`

// allowedFunctions is Functions as a set.
var allowedFunctions = func() map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(Functions) {
		set[name] = true
	}
	return set
}()

// registerFunctions replaces functions of SQLite whose time grows with the product of the
// lengths of their arguments, and during which SQLite cannot be interrupted: by ones that
// take time in proportion to the sum or, for LIKE and GLOB, look at the time themselves.
// None of them begins once the time of the query is over.
func (c *connector) registerFunctions(limits Limits) {
	c.register("like", -1, c.like)
	c.register("glob", 2, c.glob)
	c.register("instr", 2, func(args []driver.Value) (driver.Value, error) { return instr(args), nil })
	c.register("replace", 3, func(args []driver.Value) (driver.Value, error) { return replace(args, limits.Value) })
	for name, cut := range map[string]func(string, func(rune) bool) string{
		"trim": strings.TrimFunc, "ltrim": strings.TrimLeftFunc, "rtrim": strings.TrimRightFunc,
	} {
		c.register(name, 2, func(args []driver.Value) (driver.Value, error) { return trim(cut, args), nil })
	}
}

// register registers a function, which must not keep its arguments: they lie in the memory
// of SQLite. A panic is made an error: SQLite would stay locked, and its connection would
// never close.
func (c *connector) register(name string, arguments int32, f func([]driver.Value) (driver.Value, error)) {
	c.driver.MustRegisterFunction(name, &sqlite.FunctionImpl{
		NArgs: arguments, Deterministic: true, VolatileArgs: true,
		Scalar: func(_ *sqlite.FunctionContext, args []driver.Value) (result driver.Value, err error) {
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("function %s: %v", name, p)
				}
			}()
			if err := c.session.ctx.Err(); err != nil {
				return nil, err
			}
			return f(args)
		},
	})
}

// instr is https://www.sqlite.org/lang_corefunc.html#instr.
func instr(args []driver.Value) driver.Value {
	if hasNull(args) {
		return nil
	}
	where, blob1 := args[0].([]byte)
	what, blob2 := args[1].([]byte)
	if blob1 && blob2 {
		return int64(bytes.Index(where, what) + 1)
	}
	text := textOf(args[0])
	i := strings.Index(text, textOf(args[1]))
	if i < 0 {
		return int64(0)
	}
	return int64(utf8.RuneCountInString(text[:i]) + 1)
}

// replace is https://www.sqlite.org/lang_corefunc.html#replace. The length is checked
// before the result is made.
func replace(args []driver.Value, most int) (driver.Value, error) {
	if hasNull(args) {
		return nil, nil
	}
	text, old, by := textOf(args[0]), textOf(args[1]), textOf(args[2])
	if old == "" {
		return text, nil
	}
	if len(text)+strings.Count(text, old)*(len(by)-len(old)) > most {
		return nil, fmt.Errorf("the result of replace has more than %d bytes", most)
	}
	return strings.ReplaceAll(text, old, by), nil
}

// trim is https://www.sqlite.org/lang_corefunc.html#trim with two arguments.
func trim(cut func(string, func(rune) bool) string, args []driver.Value) driver.Value {
	if hasNull(args) {
		return nil
	}
	set := map[rune]bool{}
	for _, r := range textOf(args[1]) {
		set[r] = true
	}
	return cut(textOf(args[0]), func(r rune) bool { return set[r] })
}

func hasNull(args []driver.Value) bool {
	for _, a := range args {
		if a == nil {
			return true
		}
	}
	return false
}

// textOf converts a value as SQLite does for an argument that is to be text.
func textOf(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return floatText(v)
	}
	return ""
}

// floatText writes a number as SQLite does: 1.0, 0.0001, 1.0e+17, Inf. Of one that needs
// more than 15 digits, SQLite may write another last one.
func floatText(f float64) string {
	switch {
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+")
	case f == 0: // also -0
		return "0.0"
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	n, _ := strconv.Atoi(exponent)
	if decimal := n >= -4 && n < 17; decimal {
		digits, exponent = strconv.FormatFloat(f, 'f', -1, 64), ""
	} else {
		exponent = "e" + exponent
	}
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	return digits + exponent
}
