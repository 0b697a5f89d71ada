package config

import (
	"fmt"
	"strings"
)

// Error is a configuration that cannot be used. It holds every problem that was
// found, never none: first the defaults, then the file by line, the environment
// and the flags.
type Error struct {
	Problems []Problem
}

// Error returns one line per problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Problem is one thing that is wrong.
type Problem struct {
	Source  string // "elava.yaml:12", "elava.yaml" where no line is to blame, "environment", "flag", "default"
	Key     string // "daemon.metrics_port", "ELAVA_METRICS_PORT" or "--metrics-port"; empty: the file as a whole
	Message string // what is wrong and what is allowed; continues the key: "must be a port"
}

// String returns the problem on one line.
func (p Problem) String() string {
	if p.Key == "" {
		return p.Source + ": " + p.Message
	}
	return p.Source + ": " + p.Key + ": " + p.Message
}

// Layer is a kind of source. A greater one wins over a smaller one.
type Layer int

// The layers. The zero value is the default.
const (
	LayerDefault Layer = iota
	LayerFile
	LayerEnvironment
	LayerFlag
)

// Origin is where a value comes from. The zero value is a fixed default.
type Origin struct {
	Layer Layer
	Name  string // path of the file, name of the variable or of the flag; for a default, the variable it was made from
	Line  int    // in the file, from 1; 0: elsewhere
}

// String returns "default", "default ($HOME)", "elava.yaml:12",
// "environment ELAVA_METRICS_PORT" or "flag --metrics-port".
func (o Origin) String() string {
	switch {
	case o.Layer == LayerEnvironment, o.Layer == LayerFlag:
		return o.source() + " " + o.Name
	case o.Layer == LayerDefault && o.Name != "":
		return fmt.Sprintf("default ($%s)", o.Name)
	default:
		return o.source()
	}
}

// source returns the origin as it stands in a Problem, whose key names the
// variable or the flag.
func (o Origin) source() string {
	switch {
	case o.Layer == LayerEnvironment:
		return "environment"
	case o.Layer == LayerFlag:
		return "flag"
	case o.Layer == LayerDefault:
		return "default"
	case o.Line == 0:
		return o.Name
	default:
		return fmt.Sprintf("%s:%d", o.Name, o.Line)
	}
}

// finding is a Problem on its way to the user: the origin is still needed to
// put the problems into order.
type finding struct {
	origin       Origin
	key, message string
}
