package aws_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	elavaaws "github.com/elava-dev/elava/provider/aws"
)

// program uses reflection as the command line's parser does: by names that the linker
// cannot know.
const program = `package main

import (
	"context"
	"os"
	"reflect"

	"github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/resource"
)

func main() {
	p, err := aws.New(aws.Options{Regions: os.Args[1:], Digest: func(s string) string { return s }})
	if err != nil {
		os.Exit(1)
	}
	plan, _ := p.Plan(context.Background())
	_ = p.List(context.Background(), plan.Scopes[0], func([]resource.Resource) error { return nil })
	reflect.ValueOf(p).MethodByName(os.Args[1]).Call(nil)
}
`

// A client that reflection can reach keeps all operations of its service in the
// program: 700 for EC2.
func TestLinker_KeepsOnlyOperationsInUse(t *testing.T) {
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	symbols, err := exec.CommandContext(t.Context(), "go", "tool", "nm", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{} // operation -> service
	method := regexp.MustCompile(`/service/(\w+)\.\(\*Client\)\.([A-Z]\w*)$`)
	for line := range bytes.Lines(symbols) {
		if m := method.FindSubmatch(bytes.TrimSpace(line)); m != nil {
			kept[string(m[2])] = string(m[1])
		}
	}
	p, err := elavaaws.New(elavaaws.Options{Regions: []string{elavaaws.AllRegions}, Digest: digest})
	if err != nil {
		t.Fatal(err)
	}
	// These the SDK holds in interfaces itself: S3, and where credentials come from.
	whole := []string{"s3", "signin", "sso", "ssooidc", "sts"}
	others := []string{
		"DescribeEndpoints",                         // of DynamoDB, in its SDK
		"ListTypes", "ListResources", "GetResource", // for types without a collector
	}
	for operation, service := range kept {
		if !slices.Contains(whole, service) && !granted(operation, p.Actions()) && !slices.Contains(others, operation) {
			t.Errorf("the program holds %s of %s, which nothing calls", operation, service)
		}
	}
	if kept["DescribeInstances"] == "" {
		t.Error("no operations were found in the program")
	}
}

// granted reports whether an operation is among IAM actions, by its name. API Gateway has
// one action for all that reads.
func granted(operation string, actions []string) bool {
	if slices.Contains([]string{"GetApiKeys", "GetApis", "GetRestApis", "GetStages"}, operation) {
		operation = "GET"
	}
	return slices.ContainsFunc(actions, func(a string) bool { return strings.HasSuffix(a, ":"+operation) })
}
