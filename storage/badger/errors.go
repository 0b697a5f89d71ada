package badger

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/storage"
)

// translate turns Badger's errors into storage's. Those that have no counterpart, and
// nil, come back as they are.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, engine.ErrKeyNotFound):
		return storage.ErrNotFound
	case errors.Is(err, storage.ErrFull):
		return err
	case isFull(err):
		return fmt.Errorf("%w: %w", storage.ErrFull, err)
	case errors.Is(err, engine.ErrDBClosed), errors.Is(err, engine.ErrBlockedWrites):
		return storage.ErrClosed
	case errors.Is(err, errMalformed), errors.Is(err, errBadStoredKey), isDamage(err):
		return fmt.Errorf("%w: %w", storage.ErrCorrupt, err)
	default:
		return err
	}
}

// isFull recognises a full disk. Badger keeps the text of errors only.
func isFull(err error) bool {
	text := err.Error()
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		strings.Contains(text, syscall.ENOSPC.Error()) || strings.Contains(text, syscall.EDQUOT.Error())
}

// isDamage recognises what Badger says of blocks that are not what was written. It has
// no sentinel for it.
func isDamage(err error) bool {
	text := err.Error()
	return strings.Contains(text, "checksum") && !errors.Is(err, os.ErrPermission)
}
