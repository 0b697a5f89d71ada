package badger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/elava-dev/elava/storage"
)

// FormatVersion is the version of the layout that this package writes. It is raised
// when an older release could misread what a newer one wrote, or would leave out what a
// newer one relies on. Format 1 had no index of names and ARNs.
const FormatVersion = 2

// unindexedFormat is the last one without that index.
const unindexedFormat = 1

const (
	formatFile   = "FORMAT"
	formatPrefix = "elava store format "
	engineDir    = "badger"
)

// prepare makes the directories of a new store, or checks that an existing one has a
// format that this package reads, and returns the directory of the engine and the format.
func prepare(path string) (dir string, format int, err error) {
	dir = filepath.Join(path, engineDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", 0, err
	}
	text, err := os.ReadFile(filepath.Join(path, formatFile))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return dir, FormatVersion, create(path, dir)
	case err != nil:
		return "", 0, err
	}
	format, err = checkFormat(filepath.Join(path, formatFile), string(text))
	return dir, format, err
}

func create(path, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w: %s is missing although %s is not empty; restore the file (its content is %q), or give another storage path",
			storage.ErrCorrupt, filepath.Join(path, formatFile), dir, formatPrefix+strconv.Itoa(FormatVersion))
	}
	return writeFormat(path)
}

func writeFormat(path string) error {
	return writeFileDurably(filepath.Join(path, formatFile), formatPrefix+strconv.Itoa(FormatVersion)+"\n")
}

func checkFormat(file, text string) (int, error) {
	number, ok := strings.CutPrefix(strings.TrimSpace(text), formatPrefix)
	v, err := strconv.Atoi(number)
	if !ok || err != nil || v < 1 {
		return 0, fmt.Errorf("%w: %s does not say %q and a number; restore the file (this release writes %q)",
			storage.ErrCorrupt, file, formatPrefix, formatPrefix+strconv.Itoa(FormatVersion))
	}
	if v > FormatVersion {
		return 0, fmt.Errorf("%w: %d, and this release reads up to %d; use the release that wrote it, or a newer one",
			storage.ErrNewerFormat, v, FormatVersion)
	}
	return v, nil
}

// writeFileDurably writes a file so that after a crash it is there whole or not at all.
func writeFileDurably(name, content string) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDirectory(filepath.Dir(name))
}

// syncDirectory brings the names in a directory to the disk.
func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
