// Command release builds what is published for one version: for each platform an archive
// with a static binary, its bill of materials and the licences of what it is linked from,
// the bill beside it, and the checksums of all.
//
// The same commit, built with the same Go, gives the same bytes in any directory: nothing of
// the machine, the user, the directory or the time of the build goes in. Times are those of
// the commit. A tagged version must be the one that the chart and CHANGELOG.md name.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/elava-dev/elava/tools/licences"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		stop()
		log.Fatalln("release:", err)
	}
}

// defaultPlatforms are those that releases are made for.
const defaultPlatforms = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64"

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("release", flag.ExitOnError)
	root := flags.String("root", "..", "the directory of the repository")
	out := flags.String("out", "", "where the files go; default dist in the repository")
	names := flags.String("platforms", defaultPlatforms, "OS/ARCH, separated by commas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	platforms, err := parsePlatforms(*names)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(*root)
	if err != nil {
		return err
	}
	source, err := describe(ctx, dir)
	if err != nil {
		return err
	}
	if err := source.checkTagged(dir); err != nil {
		return err
	}
	if *out == "" {
		*out = filepath.Join(dir, "dist")
	}
	return publish(ctx, dir, *out, source, platforms)
}

func parsePlatforms(names string) ([]licences.Platform, error) {
	var platforms []licences.Platform
	for name := range strings.SplitSeq(names, ",") {
		system, arch, ok := strings.Cut(name, "/")
		if !ok || system == "" || arch == "" {
			return nil, fmt.Errorf("platform %q: it must be OS/ARCH, such as linux/arm64", name)
		}
		platforms = append(platforms, licences.Platform{OS: system, Arch: arch})
	}
	return platforms, nil
}

// publish writes all files of a release into out, which it empties first.
func publish(ctx context.Context, root, out string, source source, platforms []licences.Platform) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, p := range platforms {
		log.Printf("building %s for %s", source.Version, p)
		if err := publishFor(ctx, root, out, source, p); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return writeChecksums(out)
}

func publishFor(ctx context.Context, root, out string, source source, p licences.Platform) error {
	binary, err := build(ctx, root, source, p)
	if err != nil {
		return err
	}
	modules, direct, err := licences.Linked(root, program, p)
	if err != nil {
		return err
	}
	bill, err := materials(binary, modules, direct, source, p)
	if err != nil {
		return err
	}
	third, err := thirdParty(ctx, modules)
	if err != nil {
		return err
	}
	files := []file{
		{"elava", 0o755, binary},
		{"elava.cdx.json", 0o644, bill},
		{"THIRD_PARTY.txt", 0o644, third},
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		files = append(files, file{name, 0o644, text})
	}
	name := fmt.Sprintf("elava_%s_%s_%s", strings.TrimPrefix(source.Version, "v"), p.OS, p.Arch)
	if err := os.WriteFile(filepath.Join(out, name+".cdx.json"), bill, 0o644); err != nil {
		return err
	}
	return writeArchive(filepath.Join(out, name+".tar.gz"), name, files, source.Time)
}
