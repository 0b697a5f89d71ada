package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// source is what a release is built from.
type source struct {
	Version string    // v1.2.3 at a tag; v1.2.3-4-g0123abc after one; v0.0.0-g0123abc before the first; -dirty with changes
	Commit  string    // in full
	Time    time.Time // of the commit
}

// describe asks git.
func describe(ctx context.Context, root string) (source, error) {
	version, err := git(ctx, root, "describe", "--tags", "--always", "--dirty", "--match", "v[0-9]*")
	if err != nil {
		return source{}, err
	}
	if !strings.HasPrefix(version, "v") {
		version = "v0.0.0-g" + version
	}
	if !semver.MatchString(version) {
		return source{}, fmt.Errorf("the tag of %s is no semantic version such as v1.2.3 or v1.2.3-rc.1", version)
	}
	commit, err := git(ctx, root, "rev-parse", "HEAD")
	if err != nil {
		return source{}, err
	}
	seconds, err := git(ctx, root, "log", "-1", "--format=%ct")
	if err != nil {
		return source{}, err
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	return source{Version: version, Commit: commit, Time: time.Unix(unix, 0).UTC()}, err
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// semver is the grammar of semver.org, version 2.0.0, without build metadata.
var semver = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?$`)

// betweenTags is the end of the version of what is no tagged commit.
var betweenTags = regexp.MustCompile(`-g[0-9a-f]+$|-dirty$`)

// checkTagged holds a tagged version against what else names it.
func (s source) checkTagged(root string) error {
	if betweenTags.MatchString(s.Version) {
		return nil
	}
	version := strings.TrimPrefix(s.Version, "v")
	for file, want := range map[string]string{
		"CHANGELOG.md":                 "\n## [" + version + "]",
		"deploy/helm/elava/Chart.yaml": "\nversion: " + version + "\nappVersion: \"" + version + "\"\n",
	} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return err
		}
		if !strings.Contains(string(text), want) {
			return fmt.Errorf("the tag is %s and %s does not say so: it has no %q", s.Version, file, strings.TrimSpace(want))
		}
	}
	return nil
}
