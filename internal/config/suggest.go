package config

import (
	"fmt"
	"strings"
)

// unknownKey says that name is none of the siblings, and which one may have
// been meant: a sibling that is spelled alike, the only sibling that contains
// the name, or a setting of that name elsewhere.
func unknownKey(name string, siblings, known []string) string {
	allowed := strings.Join(siblings, ", ")
	switch meant := suggest(name, siblings, known); {
	case name == "<<":
		return "is a merge key, which is not supported; write the keys out"
	case meant != "":
		return fmt.Sprintf("is unknown; did you mean %s? Allowed here: %s", meant, allowed)
	default:
		return "is unknown; allowed here: " + allowed
	}
}

func suggest(name string, siblings, known []string) string {
	const shortest = 3 // a shorter part of a name says nothing
	name = fold(name)
	best, meant := 3, ""
	var containing []string
	for _, s := range siblings {
		if d := distance(name, fold(s), best); d < best && d < len(name) {
			best, meant = d, s
		}
		if len(name) >= shortest && strings.Contains(fold(s), name) {
			containing = append(containing, s)
		}
	}
	if meant == "" && len(containing) == 1 {
		return containing[0]
	}
	for _, key := range known {
		if meant == "" && fold(lastPart(key)) == name {
			return key
		}
	}
	return meant
}

// fold makes metricsPort, metrics-port and metrics_port the same.
func fold(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// distance returns how many bytes have to be inserted, removed or replaced to
// make b of a (Levenshtein), or limit if that is at least limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}
