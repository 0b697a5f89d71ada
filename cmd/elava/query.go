package main

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/elava-dev/elava/api"
)

// QueryCommand runs SQL over a store.
type QueryCommand struct {
	SourceFlags
	SQL    string `arg:"" name:"sql" help:"A statement that reads: select type, count(*) from resources group by 1"`
	At     string `placeholder:"POINT" help:"As it was then: a time (RFC 3339), how long ago (2h, 3d), or a revision."`
	Output string `short:"o" enum:"table,json,jsonl,csv,yaml" default:"table" help:"One of ${enum}."`
}

// Run implements the command.
func (c *QueryCommand) Run(ctx context.Context, env *Env) error {
	if err := checkPoint(env, "--at", c.At); err != nil {
		return err
	}
	return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
		result, err := client.Query(ctx, api.QueryRequest{SQL: c.SQL, At: c.At})
		if err != nil {
			return err
		}
		if err := writeList(env, c.Output, answerColumns(result.Columns), answerRows(result)); err != nil {
			return err
		}
		if result.Truncated {
			env.note("these are the first %d rows; there are more, of which limit and offset show others", len(result.Rows))
		}
		return nil
	})
}

// answerRow is one row of an answer. In JSON it is an object with the columns in their
// order.
type answerRow struct {
	columns []string
	values  []any
}

func (r answerRow) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range r.columns {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(r.values[i])
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func answerRows(result *api.QueryResult) iter.Seq2[*answerRow, error] {
	return func(yield func(*answerRow, error) bool) {
		for _, values := range result.Rows {
			if !yield(&answerRow{columns: result.Columns, values: values}, nil) {
				return
			}
		}
	}
}

// answerColumns shows every column as it is named. NULL is empty.
func answerColumns(names []string) columns[answerRow] {
	var all columns[answerRow]
	for i, name := range names {
		value := func(r *answerRow) string {
			if r.values[i] == nil {
				return ""
			}
			return fmt.Sprint(r.values[i])
		}
		all.table = append(all.table, column[answerRow]{name: printable(name), wide: true, value: value})
		all.csv = append(all.csv, column[answerRow]{name: name, value: value})
	}
	return all
}
