package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestDiff_ColoursOnATerminalOnly(t *testing.T) {
	s := readingStore(t)
	for _, tt := range []struct {
		terminal bool
		noColor  string
		coloured bool
	}{
		{true, "", true}, {true, "1", false}, {false, "", false},
	} {
		env := readingEnv(s)
		env.IsTerminal = tt.terminal
		env.Getenv = func(name string) string {
			if name == "NO_COLOR" {
				return tt.noColor
			}
			return ""
		}
		for _, line := range []string{"diff 1", "diff 1 --unified", "history i-0web", "history i-0web --unified"} {
			got := runReading(t, env, append(strings.Fields(line), "--storage-path", "x")...)
			red, green := strings.Contains(got.stdout, "\x1b[31m"), strings.Contains(got.stdout, "\x1b[32m")
			if got.err != nil || red != tt.coloured || green != tt.coloured {
				t.Errorf("elava %s, terminal %v, NO_COLOR %q: %v; red %v, green %v, want %v", line, tt.terminal, tt.noColor, got.err, red, green, tt.coloured)
			}
		}
	}
}

func TestDiff_RefusesWhatMakesNoSense(t *testing.T) {
	for line, want := range map[string]string{
		"diff 1 --full -o json":      "leave --output out",
		"diff 1 --unified -o csv":    "leave --output out",
		"diff 1 --full --unified":    "exclude each other",
		"diff yesterday":             "FROM",
		"diff 1 tomorrow":            "TO",
		"diff 1 --limit=-1":          "--limit",
		"diff 1 --change-type moved": "--change-type",
		"history x --full -o yaml":   "leave --output out",
		"history x --full --unified": "exclude each other",
		"history x --at soon":        "--at",
		"diff 3 1":                   "comes after to",
	} {
		got := runReading(t, readingEnv(readingStore(t)), append(strings.Fields(line), "--storage-path", "x")...)
		if _, ok := errors.AsType[*usageError](got.err); !ok || !strings.Contains(got.err.Error(), want) {
			t.Errorf("elava %s: %v, want an error about %q", line, got.err, want)
		}
	}
}

// texts are compared as diff -u does: what it prints for these is written below.
func TestCompareLines(t *testing.T) {
	numbers := func(n int) []string {
		var lines []string
		for i := range n {
			lines = append(lines, fmt.Sprint(i+1))
		}
		return lines
	}
	changed := slices.Clone(numbers(20))
	changed[1], changed[14] = "two", "fifteen"
	near := slices.Clone(numbers(12))
	near[2], near[9] = "three", "ten"
	for _, tt := range []struct {
		name          string
		before, after []string
		want          string
	}{
		{"the same", numbers(9), numbers(9), ""},
		{"nothing", nil, nil, ""},
		{"all new", nil, numbers(2), "@@ -0,0 +1,2 @@ +1 +2"},
		{"all gone", numbers(2), nil, "@@ -1,2 +0,0 @@ -1 -2"},
		{"two places far apart", numbers(20), changed,
			"@@ -1,5 +1,5 @@  1 -2 +two  3  4  5 @@ -12,7 +12,7 @@  12  13  14 -15 +fifteen  16  17  18"},
		{"two places that share their surroundings", numbers(12), near,
			"@@ -1,12 +1,12 @@  1  2 -3 +three  4  5  6  7  8  9 -10 +ten  11  12"},
		{"one put in", numbers(8), slices.Insert(numbers(8), 7, "x"), "@@ -5,4 +5,5 @@  5  6  7 +x  8"},
		{"moved", []string{"a", "b", "c"}, []string{"b", "c", "a"}, "@@ -1,3 +1,3 @@ -a  b  c +a"},
	} {
		var parts []string
		edits := compareLines(tt.before, tt.after)
		for _, h := range hunks(edits) {
			counts := [2]int{}
			var lines []string
			for _, e := range h.edits {
				lines = append(lines, string(e.mark)+e.line)
				if e.mark != '+' {
					counts[0]++
				}
				if e.mark != '-' {
					counts[1]++
				}
			}
			parts = append(parts, fmt.Sprintf("@@ -%s +%s @@ ", lineRange(h.before, counts[0]), lineRange(h.after, counts[1]))+strings.Join(lines, " "))
		}
		if got := strings.Join(parts, " "); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
		var before, after []string
		for _, e := range edits {
			if e.mark != '+' {
				before = append(before, e.line)
			}
			if e.mark != '-' {
				after = append(after, e.line)
			}
		}
		if !slices.Equal(before, tt.before) || !slices.Equal(after, tt.after) {
			t.Errorf("%s: the lines are not those of the texts: %v", tt.name, edits)
		}
	}
}
