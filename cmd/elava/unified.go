package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/elava-dev/elava/api"
)

const (
	unifiedContext = 3 // lines around a difference, as diff -u has

	// maxUnifiedCells bounds the table in which two texts are compared: 64 MB. What is
	// larger, between the lines that both texts begin and end with, is taken as replaced.
	maxUnifiedCells = 16 << 20
)

// edit is one line of a comparison: kept (' '), taken out ('-') or put in ('+').
type edit struct {
	mark byte
	line string
}

// compareLines returns the lines of both texts in order, with as many kept as can be.
func compareLines(before, after []string) []edit {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	edits := marked(' ', before[:head])
	edits = append(edits, compareMiddle(before[head:len(before)-tail], after[head:len(after)-tail])...)
	return append(edits, marked(' ', before[len(before)-tail:])...)
}

func marked(mark byte, lines []string) []edit {
	edits := make([]edit, len(lines))
	for i, line := range lines {
		edits[i] = edit{mark, line}
	}
	return edits
}

// compareMiddle goes by the longest common subsequence.
func compareMiddle(a, b []string) []edit {
	if len(a) == 0 || len(b) == 0 || len(a)*len(b) > maxUnifiedCells {
		return append(marked('-', a), marked('+', b)...)
	}
	width := len(b) + 1
	common := make([]int32, (len(a)+1)*width) // at i, j: how much a[i:] and b[j:] have in common
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	var edits []edit
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			edits = append(edits, edit{' ', a[i]})
			i, j = i+1, j+1
		case common[(i+1)*width+j] >= common[i*width+j+1]:
			edits = append(edits, edit{'-', a[i]})
			i++
		default:
			edits = append(edits, edit{'+', b[j]})
			j++
		}
	}
	return append(append(edits, marked('-', a[i:])...), marked('+', b[j:])...)
}

// hunk is a range of edits with the numbers of their first lines.
type hunk struct {
	edits         []edit
	before, after int // lines in front of it
}

// hunks returns the edits that are no kept lines, with those around them.
func hunks(edits []edit) []hunk {
	var all []hunk
	before, after, end := 0, 0, 0
	for i, e := range edits {
		if e.mark != ' ' && i >= end {
			start := max(end, i-unifiedContext)
			end = hunkEnd(edits, i)
			lead := i - start
			all = append(all, hunk{edits[start:end], before - lead, after - lead})
		}
		if e.mark != '+' {
			before++
		}
		if e.mark != '-' {
			after++
		}
	}
	return all
}

// hunkEnd returns where the hunk ends in which edit i is. Differences between which no
// more lines are kept than lie around two of them are one hunk.
func hunkEnd(edits []edit, i int) int {
	last := i
	for k := i; k < len(edits) && k-last <= 2*unifiedContext+1; k++ {
		if edits[k].mark != ' ' {
			last = k
		}
	}
	return min(len(edits), last+1+unifiedContext)
}

// unified writes two documents as diff -u does. A nil one is empty.
func (w *changeWriter) unified(before, after *api.Resource, beforeName, afterName string) {
	fmt.Fprintf(w.out, "--- %s\n+++ %s\n", printable(beforeName), printable(afterName))
	for _, h := range hunks(compareLines(documentLines(before), documentLines(after))) {
		lines := [2]int{}
		for _, e := range h.edits {
			if e.mark != '+' {
				lines[0]++
			}
			if e.mark != '-' {
				lines[1]++
			}
		}
		fmt.Fprintln(w.out, w.in(faint, fmt.Sprintf("@@ -%s +%s @@", lineRange(h.before, lines[0]), lineRange(h.after, lines[1]))))
		for _, e := range h.edits {
			fmt.Fprintln(w.out, w.in(paintEdit(e.mark), string(e.mark)+e.line))
		}
	}
}

// lineRange is written as diff -u does: an empty range names the line in front of it.
func lineRange(before, n int) string {
	if n == 0 {
		return fmt.Sprintf("%d,0", before)
	}
	return fmt.Sprintf("%d,%d", before+1, n)
}

func paintEdit(mark byte) colour {
	switch mark {
	case '+':
		return green
	case '-':
		return red
	}
	return ""
}

// document writes a whole resource, indented below its headline.
func (w *changeWriter) document(r *api.Resource) {
	var b bytes.Buffer
	writeContent(&b, r)
	for line := range strings.Lines(b.String()) {
		w.out.WriteString("    " + line)
	}
}

// documentLines are what can change of a resource: what unified compares.
func documentLines(r *api.Resource) []string {
	if r == nil {
		return nil
	}
	var b bytes.Buffer
	writeContent(&b, r)
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}
