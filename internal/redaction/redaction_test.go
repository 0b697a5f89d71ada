package redaction_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elava-dev/elava/internal/redaction"
)

func TestLoadOrCreate_MakesAPrivateKeyOnceAndKeepsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redaction.key")
	first, err := redaction.LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode of the key file is %04o, want 0600", got)
	}
	second, err := redaction.LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Error("the second start has another key")
	}
	other, err := redaction.LoadOrCreate(filepath.Join(t.TempDir(), "redaction.key"))
	if err != nil {
		t.Fatal(err)
	}
	if other == first {
		t.Error("two installations share a key")
	}
}

func TestLoadOrCreate_RefusesUnusableKeys(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		says    string
	}{
		"readable by others": {strings.Repeat("ab", 32), 0o644, "chmod 600"},
		"too short":          {"abcd", 0o600, "64 hexadecimal digits"},
		"no digits":          {strings.Repeat("zz", 32), 0o600, "64 hexadecimal digits"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "redaction.key")
			if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := redaction.LoadOrCreate(path)
			if !errors.Is(err, redaction.ErrBadKey) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want ErrBadKey that says %q", err, c.says)
			}
		})
	}
}

func TestLoadOrCreate_TakesBackWhatAGroupMay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redaction.key")
	first, err := redaction.LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		t.Fatal(err)
	}
	second, err := redaction.LoadOrCreate(path)
	if err != nil || second != first {
		t.Errorf("got %v, want the same key", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v %v, want 0600", info, err)
	}
}

func TestDigest_TellsSecretsApartWithoutTellingThem(t *testing.T) {
	var a, b redaction.Key
	b[0] = 1
	digest := a.Digest()
	if first, second := digest("hunter2"), digest("hunter2"); first != second {
		t.Error("equal secrets have different digests")
	}
	if digest("hunter2") == digest("hunter3") {
		t.Error("different secrets have one digest")
	}
	if digest("hunter2") == b.Digest()("hunter2") {
		t.Error("the digest does not depend on the key")
	}
	if strings.Contains(digest("hunter2"), "hunter") || !strings.HasPrefix(digest("hunter2"), redaction.Prefix) {
		t.Errorf("digest is %q", digest("hunter2"))
	}
}
