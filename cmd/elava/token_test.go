package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elava-dev/elava/internal/config"
)

// A secret that was written where the name of its file or variable should be is in no
// error: those go to the log and to health.
func TestSecretOf_RepeatsNoSecret(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "S3CRET")
	noError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	for key, h := range map[string]config.Hook{
		"secret_file names cannot be read": {SecretFile: "/nowhere/S3CRET"},
		"secret_file names is empty":       {SecretFile: empty},
		"secret_env names is not set":      {SecretEnv: "S3CRET"},
	} {
		_, err := secretOf(h, readingEnv(nil))
		if err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "S3CRET") {
			t.Errorf("%v, want an error about what %s", err, key)
		}
	}
}

func TestTokenFile_IsReadAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	logged := newText()
	write := func(text string) {
		t.Helper()
		next := filepath.Join(dir, "next") // as editors and Kubernetes do
		noError(t, os.WriteFile(next, []byte(text), 0o600))
		noError(t, os.Rename(next, path))
	}
	write("first\n")
	f, err := newTokenFile(path, slog.New(slog.NewTextHandler(logged, nil)))
	noError(t, err)
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"as it was", func() {}, "first"},
		{"another", func() { write("second") }, "second"},
		{"of the same length", func() { write("secret") }, "secret"},
		{"empty", func() { write(" \n") }, "secret"},
		{"gone", func() { noError(t, os.Remove(path)) }, "secret"},
		{"back", func() { write("third") }, "third"},
	} {
		step.do()
		for range 2 {
			if got := f.current(); got != step.want {
				t.Errorf("%s: %q, want %q", step.what, got, step.want)
			}
		}
	}
	if n := strings.Count(logged.String(), "cannot be read"); n != 2 {
		t.Errorf("%d warnings, want one each for empty and gone:\n%s", n, logged)
	}
	if strings.Contains(logged.String(), "third") {
		t.Errorf("the log tells the token:\n%s", logged)
	}
}

func TestTokenFile_MustBeThereAtFirst(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	noError(t, os.WriteFile(empty, nil, 0o600))
	for _, path := range []string{empty, empty + ".not"} {
		if _, err := newTokenFile(path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
