// Package archive is the format of backups: everything that a store holds, in a stream
// that belongs to no engine.
//
//	ELAVA-BACKUP 1\n
//	frame ... frame
//	end frame
//
// A frame is 4 bytes of length, 4 bytes of CRC-32C (both big-endian) and as many bytes of
// a Zstandard frame, which holds JSON records, one per line. The CRC is of the compressed
// bytes. The end frame has length 0, and as its CRC that of the CRCs of all frames before
// it, in order: a stream that was cut off, even between two frames, or from which a frame
// is missing, has no right end.
//
// Records are objects with one member: header (always the first), version, event, scan,
// scope, or end (the last, with the number of records before it). docs/backup-format.md
// lists their members. Documents stand in them as they are kept, with digests in place
// of secrets; the key of the digests is in no backup.
//
// # Limits
//
// A reader takes frames of at most 64 MiB, compressed or not, so that a damaged length
// cannot make it ask for all memory.
package archive

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"

	"github.com/elava-dev/elava/storage"
)

const (
	magic = "ELAVA-BACKUP 1\n"
	// family is what the magic of every version begins with.
	family = "ELAVA-BACKUP "

	frameBytes    = 256 << 10 // of records, before compression, after which a frame ends
	maxFrameBytes = 64 << 20
	prefixBytes   = 8 // length and CRC
)

// ErrDamaged is wrapped by errors of streams that are not what was written.
var ErrDamaged = errors.New("backup is damaged")

// ErrNotABackup is wrapped by errors of streams that never were one.
var ErrNotABackup = errors.New("not a backup")

// Summary is what a stream holds.
type Summary struct {
	Header  storage.DumpHeader
	Records int64 // header and end not counted
	Bytes   int64 // of the stream
}

// Write writes a dump as a stream. Where it fails, what was written has no end and no
// reader takes it for a backup.
func Write(w io.Writer, dump iter.Seq2[storage.DumpRecord, error]) (*Summary, error) {
	compressor, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("writing a backup: %w", err)
	}
	defer func() { _ = compressor.Close() }() // writes nothing of its own
	f := &frameWriter{w: w, compressor: compressor, crcs: crc32.New(table())}
	summary := &Summary{}
	if err := f.write([]byte(magic)); err != nil {
		return nil, fmt.Errorf("writing a backup: %w", err)
	}
	for rec, err := range dump {
		if err != nil {
			return nil, err
		}
		if rec.Header != nil {
			summary.Header = *rec.Header
		} else {
			summary.Records++
		}
		if err := f.record(lineOf(&rec)); err != nil {
			return nil, fmt.Errorf("writing a backup: %w", err)
		}
	}
	if err := f.close(summary.Records); err != nil {
		return nil, fmt.Errorf("writing a backup: %w", err)
	}
	summary.Bytes = f.written
	return summary, nil
}

func table() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// frameWriter collects records into frames.
type frameWriter struct {
	w          io.Writer
	compressor *zstd.Encoder
	crcs       interface {
		io.Writer
		Sum32() uint32
	}
	buffer  bytes.Buffer
	packed  []byte
	written int64
}

func (f *frameWriter) write(b []byte) error {
	n, err := f.w.Write(b)
	f.written += int64(n)
	return err
}

func (f *frameWriter) record(l *line) error {
	e := json.NewEncoder(&f.buffer)
	e.SetEscapeHTML(false)
	if err := e.Encode(l); err != nil {
		return err
	}
	if f.buffer.Len() < frameBytes {
		return nil
	}
	return f.flush()
}

func (f *frameWriter) flush() error {
	f.packed = f.compressor.EncodeAll(f.buffer.Bytes(), f.packed[:0])
	f.buffer.Reset()
	crc := crc32.Checksum(f.packed, table())
	if err := f.prefix(len(f.packed), crc); err != nil {
		return err
	}
	if _, err := f.crcs.Write(binary.BigEndian.AppendUint32(nil, crc)); err != nil {
		return err
	}
	return f.write(f.packed)
}

func (f *frameWriter) prefix(length int, crc uint32) error {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, prefixBytes), uint32(length))
	return f.write(binary.BigEndian.AppendUint32(b, crc))
}

func (f *frameWriter) close(records int64) error {
	if err := f.record(&line{End: &endLine{Records: records}}); err != nil {
		return err
	}
	if f.buffer.Len() > 0 {
		if err := f.flush(); err != nil {
			return err
		}
	}
	return f.prefix(0, f.crcs.Sum32())
}

// Read yields the records of a stream, verifying it on the way. An error names the offset
// of the frame at which the stream stops being what was written; records before it were
// right, but only a stream that ends without an error is a whole backup.
func Read(r io.Reader) iter.Seq2[storage.DumpRecord, error] {
	return func(yield func(storage.DumpRecord, error) bool) {
		decompressor, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrameBytes))
		if err != nil {
			yield(storage.DumpRecord{}, fmt.Errorf("reading a backup: %w", err))
			return
		}
		defer decompressor.Close()
		f := &frameReader{r: bufio.NewReaderSize(r, 256<<10), decompressor: decompressor, crcs: crc32.New(table())}
		stopped := false
		err = f.all(func(rec storage.DumpRecord) bool {
			stopped = !yield(rec, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(storage.DumpRecord{}, err)
		}
	}
}

// frameReader reads frames back.
type frameReader struct {
	r            *bufio.Reader
	decompressor *zstd.Decoder
	crcs         interface {
		io.Writer
		Sum32() uint32
	}
	offset  int64 // of the frame being read
	records int64
	ended   bool // the end record was read
}

func (f *frameReader) damaged(format string, args ...any) error {
	return fmt.Errorf("%w at offset %d: %s; use another backup", ErrDamaged, f.offset, fmt.Sprintf(format, args...))
}

func (f *frameReader) all(yield func(storage.DumpRecord) bool) error {
	if err := f.head(); err != nil {
		return err
	}
	for {
		text, err := f.frame()
		if err != nil {
			return err
		}
		if text == nil {
			return f.end()
		}
		more, err := f.lines(text, yield)
		if err != nil || !more {
			return err
		}
	}
}

func (f *frameReader) head() error {
	b := make([]byte, len(magic))
	n, err := io.ReadFull(f.r, b)
	switch {
	case err == nil && string(b) == magic:
		f.offset = int64(n)
		return nil
	case err == nil && string(b[:len(family)]) == family:
		return fmt.Errorf("%w: it says %q, and this release reads version 1; use a newer release", storage.ErrNewerFormat, bytes.TrimSpace(b))
	default:
		return fmt.Errorf("%w: it does not begin with %q", ErrNotABackup, bytes.TrimSpace([]byte(magic)))
	}
}

// frame returns the records of the next frame as text; nil at the end frame.
func (f *frameReader) frame() ([]byte, error) {
	var prefix [prefixBytes]byte
	if _, err := io.ReadFull(f.r, prefix[:]); err != nil {
		return nil, f.broken(err)
	}
	length, crc := binary.BigEndian.Uint32(prefix[:]), binary.BigEndian.Uint32(prefix[4:])
	if length == 0 {
		if crc != f.crcs.Sum32() {
			return nil, f.damaged("frames before the end are missing or in another order")
		}
		return nil, nil
	}
	if length > maxFrameBytes {
		return nil, f.damaged("a frame of %d bytes", length)
	}
	packed := make([]byte, length)
	if _, err := io.ReadFull(f.r, packed); err != nil {
		return nil, f.broken(err)
	}
	if crc32.Checksum(packed, table()) != crc {
		return nil, f.damaged("a checksum differs")
	}
	if _, err := f.crcs.Write(prefix[4:]); err != nil {
		return nil, err
	}
	text, err := f.decompressor.DecodeAll(packed, nil)
	if err != nil {
		return nil, f.damaged("a frame cannot be decompressed: %v", err)
	}
	f.offset += prefixBytes + int64(length)
	return text, nil
}

// broken tells a stream that ends too early from one that cannot be read.
func (f *frameReader) broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return f.damaged("the file ends too early")
	}
	return fmt.Errorf("reading a backup at offset %d: %w", f.offset, err)
}

func (f *frameReader) lines(text []byte, yield func(storage.DumpRecord) bool) (more bool, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var l line
		if err := d.Decode(&l); err == io.EOF {
			return true, nil
		} else if err != nil {
			return false, f.damaged("a record cannot be read: %v", err)
		}
		if f.ended {
			return false, f.damaged("records after the end")
		}
		if l.End != nil {
			f.ended = true
			if l.End.Records != f.records {
				return false, f.damaged("it holds %d records and should hold %d", f.records, l.End.Records)
			}
			continue
		}
		rec, err := l.record()
		if err != nil {
			return false, f.damaged("a record cannot be read: %v", err)
		}
		if rec.Header == nil {
			f.records++
		}
		if !yield(rec) {
			return false, nil
		}
	}
}

func (f *frameReader) end() error {
	if !f.ended {
		return f.damaged("the end record is missing")
	}
	if _, err := f.r.ReadByte(); err != io.EOF {
		return f.damaged("something follows the end")
	}
	return nil
}
