// Package redaction makes the digests that stand for secrets in documents, and keeps
// the key that they are made with.
//
// A digest is an HMAC-SHA-256 under a key that only this installation has. Equal
// secrets give equal digests, so a change is seen; without the key a short secret cannot
// be found by trying. The key lies beside the store, in a file that only its owner can
// read, and is part of no backup.
package redaction

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/elava-dev/elava/resource"
)

const (
	keyBytes = 32
	// Prefix is what every digest begins with, so that people know it for one.
	Prefix = "hmac-sha256:"
	// digestBytes of the 32 are kept: 128 bits are enough that two secrets never share one.
	digestBytes = 16
)

// ErrBadKey is wrapped where a key file is there and cannot be used.
var ErrBadKey = errors.New("bad redaction key")

// Key is the key of one installation.
type Key [keyBytes]byte

// LoadOrCreate reads the key file, or makes one with a new key where there is none. The
// directory must exist. It refuses a file that others can read; what a group alone may do,
// which Kubernetes grants on every file of a volume, it takes back.
func LoadOrCreate(path string) (Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return create(path)
	}
	if err != nil {
		return Key{}, fmt.Errorf("reading the redaction key: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("reading the redaction key: %w", err)
	}
	mode := info.Mode().Perm()
	if mode&0o077 != 0 && mode&0o007 == 0 && os.Chmod(path, 0o600) == nil {
		mode = 0o600
	}
	if mode&0o077 != 0 {
		return Key{}, fmt.Errorf("%w: %s can be read by others (mode %04o); run: chmod 600 %s", ErrBadKey, path, mode, path)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != keyBytes {
		return Key{}, fmt.Errorf("%w: %s does not hold %d hexadecimal digits; restore it, or remove it to begin with a new key (every secret will then be recorded anew)",
			ErrBadKey, path, 2*keyBytes)
	}
	return Key(raw), nil
}

// create writes a new key so that after a crash it is there whole or not at all.
func create(path string) (Key, error) {
	var k Key
	if _, err := rand.Read(k[:]); err != nil {
		return Key{}, fmt.Errorf("making the redaction key: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return Key{}, fmt.Errorf("making the redaction key: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(k[:]) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return Key{}, errors.Join(fmt.Errorf("making the redaction key: %w", err), os.Remove(f.Name()))
	}
	return k, nil
}

// Digest returns the function that replaces secrets under this key.
func (k Key) Digest() resource.Digest {
	return func(secret string) string {
		mac := hmac.New(sha256.New, k[:])
		mac.Write([]byte(secret))
		return Prefix + hex.EncodeToString(mac.Sum(nil)[:digestBytes])
	}
}
