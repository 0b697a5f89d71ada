package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/elava-dev/elava/tools/licences"
)

// materials is the bill of materials of a binary, as CycloneDX 1.6: what Go's linker noted in
// it, with the licences of each module and what it is used by. It is no list of intentions:
// a module that is required and not linked is not in it.
func materials(binary []byte, modules []*licences.Module, direct []string, s source, p licences.Platform) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, err
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = serial(binary)
	main := mainComponent(info, binary, s, p)
	bom.Metadata = &cdx.Metadata{
		Timestamp:  s.Time.Format(time.RFC3339),
		Lifecycles: &[]cdx.Lifecycle{{Phase: cdx.LifecyclePhaseBuild}},
		Component:  &main,
	}
	components, err := components(info, modules)
	if err != nil {
		return nil, err
	}
	bom.Components = &components
	bom.Dependencies = dependencies(main, components, modules, direct)

	var b bytes.Buffer
	encoder := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false)
	if err := encoder.EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// serial is a UUID made from the binary (RFC 9562, version 8), so that the bill of the same
// binary has the same one.
func serial(binary []byte) string {
	sum := sha256.Sum256(binary)
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func mainComponent(info *debug.BuildInfo, binary []byte, s source, p licences.Platform) cdx.Component {
	url := packageURL(info.Main.Path, s.Version)
	return cdx.Component{
		BOMRef: url, Type: cdx.ComponentTypeApplication, Name: "elava", Version: s.Version, PackageURL: url,
		Licenses: licenceChoices([]string{"Apache-2.0"}),
		Hashes:   &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sha256.Sum256(binary))}},
		Properties: &[]cdx.Property{
			{Name: "elava:commit", Value: s.Commit},
			{Name: "elava:platform", Value: p.String()},
		},
	}
}

// components are Go's own library and the modules that the linker noted.
func components(info *debug.BuildInfo, modules []*licences.Module) ([]cdx.Component, error) {
	known := map[string]*licences.Module{}
	for _, m := range modules {
		known[m.Path] = m
	}
	version := strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go")
	out := []cdx.Component{library("std", version, []string{"BSD-3-Clause"}, "")}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			return nil, fmt.Errorf("module %s is replaced: what is released must be what go.mod names", dep.Path)
		}
		m := known[dep.Path]
		if m == nil || m.Version != dep.Version {
			return nil, fmt.Errorf("module %s %s is linked, and its source is not that of go.mod", dep.Path, dep.Version)
		}
		out = append(out, library(dep.Path, dep.Version, m.Licences, dep.Sum))
	}
	return out, nil
}

func library(path, version string, ids []string, sum string) cdx.Component {
	url := packageURL(path, version)
	c := cdx.Component{
		BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: url, Licenses: licenceChoices(ids),
	}
	if sum != "" {
		c.Properties = &[]cdx.Property{{Name: "go:sum", Value: sum}} // as in go.sum: a hash of a tree, of no file
	}
	return c
}

// packageURL is the purl of a Go module.
func packageURL(path, version string) string {
	return "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(version, "+", "%2B")
}

func licenceChoices(ids []string) *cdx.Licenses {
	var out cdx.Licenses
	for _, id := range ids {
		l := cdx.License{ID: id}
		if strings.HasPrefix(id, "LicenseRef-") {
			l = cdx.License{Name: strings.TrimPrefix(id, "LicenseRef-")}
		}
		out = append(out, cdx.LicenseChoice{License: &l})
	}
	return &out
}

// dependencies tells which module uses which, and which of them the program uses itself.
// All use Go's own library.
func dependencies(main cdx.Component, components []cdx.Component, modules []*licences.Module, direct []string) *[]cdx.Dependency {
	refs := map[string]string{}
	for _, c := range components {
		refs[c.Name] = c.BOMRef
	}
	out := []cdx.Dependency{
		{Ref: main.BOMRef, Dependencies: refsOf(append([]string{"std"}, direct...), refs)},
		{Ref: refs["std"]},
	}
	for _, m := range modules {
		out = append(out, cdx.Dependency{Ref: refs[m.Path], Dependencies: refsOf(append([]string{"std"}, m.Requires...), refs)})
	}
	return &out
}

func refsOf(paths []string, refs map[string]string) *[]string {
	out := make([]string, 0, len(paths))
	for _, path := range paths {
		out = append(out, refs[path])
	}
	return &out
}

// thirdParty are the licences and notices of what is linked, which their terms ask to hand on.
func thirdParty(ctx context.Context, modules []*licences.Module) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("Elava is linked from Go's library and the modules below. These are their licences and notices.\n")
	goText, err := goLicence(ctx)
	if err != nil {
		return nil, err
	}
	section(&b, "Go", []licences.Text{{Name: "LICENSE", Text: goText}})
	for _, m := range modules {
		if why := m.Refused(); why != "" {
			return nil, fmt.Errorf("module %s may not be linked: %s", m.Path, why)
		}
		section(&b, m.Path+" "+m.Version, m.Texts)
	}
	return b.Bytes(), nil
}

func section(b *bytes.Buffer, title string, texts []licences.Text) {
	for _, t := range texts {
		fmt.Fprintf(b, "\n%s\n%s: %s\n%s\n\n%s\n", strings.Repeat("=", 80), title, t.Name, strings.Repeat("=", 80), strings.TrimSpace(t.Text))
	}
}

func goLicence(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("finding Go: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "LICENSE"))
	return string(text), err
}
