package api

import (
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/elava-dev/elava/storage"
)

// Parquet keeps a row group in memory until it is written. These bound it: rows, and bytes
// of the documents in them.
const (
	groupRows  = 50_000
	groupBytes = 32 << 20
)

// resourceRow is a Resource in a Parquet file: the columns of ResourceColumns, with their
// types. Attributes are JSON, since their form differs from type to type.
type resourceRow struct {
	Key        string            `parquet:"key"`
	Provider   string            `parquet:"provider,dict"`
	Account    string            `parquet:"account,dict"`
	Region     string            `parquet:"region,dict"`
	Type       string            `parquet:"type,dict"`
	ID         string            `parquet:"id"`
	ARN        string            `parquet:"arn"`
	Name       string            `parquet:"name"`
	Status     string            `parquet:"status,dict"`
	CreatedAt  *time.Time        `parquet:"created_at,optional,timestamp(microsecond)"`
	Tags       map[string]string `parquet:"tags"`
	Attributes string            `parquet:"attributes,json"`
	Revision   int64             `parquet:"revision"`
	ValidFrom  time.Time         `parquet:"valid_from,timestamp(microsecond)"`
	ValidTo    *time.Time        `parquet:"valid_to,optional,timestamp(microsecond)"`
	ObservedAt *time.Time        `parquet:"observed_at,optional,timestamp(microsecond)"`
	Stale      bool              `parquet:"stale"`
	Incomplete []string          `parquet:"incomplete,list"`
}

func newResourceFile(w io.Writer) rowWriter[Resource] {
	return newParquetFile(w, func(r *Resource) (resourceRow, int) {
		return resourceRow{
			Key: r.Key, Provider: r.Provider, Account: r.Account, Region: r.Region, Type: r.Type, ID: r.ID,
			ARN: r.ARN, Name: r.Name, Status: r.Status, CreatedAt: r.CreatedAt, Tags: r.Tags, Attributes: string(r.Attributes),
			Revision: r.Revision, ValidFrom: r.ValidFrom, ValidTo: r.ValidTo, ObservedAt: r.ObservedAt,
			Stale: r.Stale, Incomplete: r.Incomplete,
		}, len(r.Attributes)
	})
}

// changeRow is a storage.ChangeEvent in a Parquet file.
type changeRow struct {
	ID         string    `parquet:"id"`
	Revision   int64     `parquet:"revision"`
	Time       time.Time `parquet:"time,timestamp(microsecond)"`
	ChangeType string    `parquet:"change_type,dict"`
	Key        string    `parquet:"key"`
	Provider   string    `parquet:"provider,dict"`
	Account    string    `parquet:"account,dict"`
	Region     string    `parquet:"region,dict"`
	Type       string    `parquet:"type,dict"`
	ResourceID string    `parquet:"resource_id"`
	Name       string    `parquet:"name"`
	Changes    string    `parquet:"changes,json"`
}

func newChangeFile(w io.Writer) rowWriter[storage.ChangeEvent] {
	return newParquetFile(w, func(e *storage.ChangeEvent) (changeRow, int) {
		changes := jsonCell(e.Changes)
		return changeRow{
			ID: e.ID, Revision: e.Revision, Time: e.Time, ChangeType: string(e.ChangeType),
			Key: e.Key, Provider: e.Provider, Account: e.Account, Region: e.Region, Type: e.Type,
			ResourceID: e.ResourceID, Name: e.Name, Changes: changes,
		}, len(changes)
	})
}

// parquetFile writes items as rows of a type that has the columns.
type parquetFile[T, R any] struct {
	out         *parquet.GenericWriter[R]
	row         func(*T) (R, int) // and the bytes of its document
	rows, bytes int               // of the group that is being filled
	one         [1]R
}

func newParquetFile[T, R any](w io.Writer, row func(*T) (R, int)) *parquetFile[T, R] {
	return &parquetFile[T, R]{out: parquet.NewGenericWriter[R](w, parquet.Compression(&parquet.Zstd)), row: row}
}

func (f *parquetFile[T, R]) write(item *T) error {
	var size int
	f.one[0], size = f.row(item)
	if _, err := f.out.Write(f.one[:]); err != nil {
		return err
	}
	f.rows++
	f.bytes += size
	if f.rows < groupRows && f.bytes < groupBytes {
		return nil
	}
	f.rows, f.bytes = 0, 0
	return f.out.Flush()
}

func (f *parquetFile[T, R]) close() error { return f.out.Close() }
