package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elava-dev/elava/resource"
)

// found is a finding with every field set; its document takes about size bytes.
func found(n, size int) finding {
	return finding{
		Scope: n % 7,
		Resource: resource.Resource{
			Key:        resource.Key{Provider: "fake", Account: "1", Region: "east", Type: "T::Web", ID: fmt.Sprintf("r%06d", n)},
			ARN:        fmt.Sprintf("arn:%d", n),
			Name:       fmt.Sprintf("name %d", n),
			Status:     "running",
			UID:        fmt.Sprintf("uid %d", n),
			CreatedAt:  time.Date(2024, 2, 29, 23, 59, 59, n, time.UTC),
			Tags:       map[string]string{"n": fmt.Sprint(n), "empty": ""},
			Attributes: fmt.Appendf(nil, `{"N":%d,"Text":%q}`, n, strings.Repeat("x", size)),
		},
		Fingerprint: resource.Fingerprint{byte(n), 2, 3},
		Schema:      uint32(n),
		Incomplete:  []string{"tags", "attributes.Policy"},
		Known:       n%2 == 0,
		KnownUID:    "before",
		KnownSchema: 4,
	}
}

// fill adds findings, out of order, and closes the spool with the test.
func fill(t *testing.T, s *spool, count, size int) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	for i := range count {
		if err := s.add(found((i*31)%count, size)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantFindings reads a spool back and compares it with what was added.
func wantFindings(t *testing.T, s *spool, count, size int) (order []string) {
	t.Helper()
	got := map[string]finding{}
	for f, err := range s.all() {
		if err != nil {
			t.Fatal(err)
		}
		got[f.Resource.Key.ID] = *f
		order = append(order, f.Resource.Key.ID)
	}
	if len(order) != count {
		t.Fatalf("%d findings came back, want %d", len(order), count)
	}
	for i := range count {
		want := found(i, size)
		if f := got[want.Resource.Key.ID]; !reflect.DeepEqual(f, want) {
			t.Fatalf("finding %d came back as\n%+v, want\n%+v", i, f, want)
		}
	}
	return order
}

func TestSpool_EveryFieldOfAFindingIsSetInTheseTests(t *testing.T) {
	f := found(2, 10)
	for _, v := range []reflect.Value{reflect.ValueOf(f), reflect.ValueOf(f.Resource)} {
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Unknown" {
				t.Errorf("%s is zero: a spool that loses it would not be noticed", name)
			}
		}
	}
}

func TestSpool_HoldsLittleInMemoryInTheOrderOfKeys(t *testing.T) {
	s := spool{dir: filepath.Join(t.TempDir(), "missing")}
	fill(t, &s, 100, 100)
	order := wantFindings(t, &s, 100, 100)
	for i := range order {
		if i > 0 && order[i-1] >= order[i] {
			t.Fatalf("%s comes before %s", order[i-1], order[i])
		}
	}
	if s.file != nil {
		t.Error("a hundred findings went to a file")
	}
}

// The disk is that of the store, which needs room of its own to go on.
func TestSpool_LeavesTheStoreItsRoom(t *testing.T) {
	const size = 64 << 10
	full, asked := errors.New("full"), int64(0)
	s := spool{dir: t.TempDir(), room: func(bytes int64) error {
		if asked += bytes; asked > spoolMemory+spoolMemory/2 {
			return full
		}
		return nil
	}}
	defer s.close()
	var err error
	for i := 0; err == nil && i < 3*spoolMemory/size; i++ {
		err = s.add(found(i, size))
	}
	if !errors.Is(err, full) {
		t.Errorf("it wrote on a disk without room: %v", err)
	}
	if info, statErr := s.file.Stat(); statErr != nil || info.Size() > spoolMemory+spoolMemory/2 {
		t.Errorf("the file has %v bytes, %v", info, statErr)
	}
}

func TestSpool_GoesToAFileWithoutANameAboveItsMemory(t *testing.T) {
	const size = 64 << 10
	s := spool{dir: t.TempDir()}
	fill(t, &s, 2*spoolMemory/size, size)
	if s.file == nil || s.held != nil {
		t.Fatalf("%d bytes of findings are held in memory", s.heldSize)
	}
	if s.heldSize > spoolMemory+2*size {
		t.Errorf("%d bytes were held in memory before they went to the file", s.heldSize)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("the directory holds %v (%v); a crash would leave that behind", entries, err)
	}
	wantFindings(t, &s, 2*spoolMemory/size, size)
}

func TestSpool_ReadingMayBeBrokenOff(t *testing.T) {
	for _, size := range []int{10, 64 << 10} {
		s := spool{dir: t.TempDir()}
		fill(t, &s, 2*spoolMemory/(64<<10), size)
		read := 0
		for _, err := range s.all() {
			if err != nil {
				t.Fatal(err)
			}
			if read++; read == 3 {
				break
			}
		}
		if read != 3 {
			t.Errorf("%d findings were read", read)
		}
	}
}

func TestSpool_ForgetsWhatIsUnknownAndKeepsWhatIsIncomplete(t *testing.T) {
	s := spool{dir: t.TempDir()}
	f := found(1, 10)
	f.Resource.Unknown = []resource.Unknown{{Part: "tags", Err: os.ErrPermission}}
	if err := s.add(f); err != nil {
		t.Fatal(err)
	}
	for f := range s.all() {
		if f.Resource.Unknown != nil || len(f.Incomplete) != 2 {
			t.Errorf("the finding is %+v", f)
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

func TestSpool_MissingDirectoryIsAnErrorOfAdd(t *testing.T) {
	s := spool{dir: filepath.Join(t.TempDir(), "missing")}
	var err error
	for i := 0; i < 20 && err == nil; i++ {
		err = s.add(found(i, spoolMemory/10))
	}
	if err == nil {
		t.Error("findings were spooled to a directory that does not exist")
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

func TestSpool_TakesFindingsFromSeveralGoroutines(t *testing.T) {
	const each, size = 40, 64 << 10
	s := spool{dir: t.TempDir()}
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range each {
				if err := s.add(found(w*each+i, size)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	wantFindings(t, &s, 8*each, size)
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
