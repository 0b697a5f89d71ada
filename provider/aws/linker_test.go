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
// program: 700 for EC2. S3 is left out here, as its SDK holds its client in an
// interface itself.
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
	kept := map[string]bool{}
	method := regexp.MustCompile(`/service/(ec2|rds|iam|lambda|dynamodb|sqs|sns|elasticloadbalancingv2)\.\(\*Client\)\.([A-Z]\w*)$`)
	for line := range bytes.Lines(symbols) {
		if m := method.FindSubmatch(bytes.TrimSpace(line)); m != nil {
			kept[string(m[2])] = true
		}
	}
	inUse := []string{
		"GetRole", // of IAM, for roles that are made while roles are listed
		"GetAccountAuthorizationDetails", "GetInstanceProfile", "GetOpenIDConnectProvider", "GetSAMLProvider", "GetServerCertificate",
		"ListAccessKeys", "ListInstanceProfiles", "ListOpenIDConnectProviders", "ListPolicyTags", "ListSAMLProviders",
		"ListServerCertificates", "ListUsers", // of IAM

		"DescribeRegions",   // of EC2, for the region "all"
		"DescribeEndpoints", // of DynamoDB, in its SDK
	}
	for _, action := range (&cloud{}).provider(t, nil).Actions() { // of these services they have the names of operations
		_, name, _ := strings.Cut(action, ":")
		inUse = append(inUse, name)
	}
	for name := range kept {
		if !slices.Contains(inUse, name) {
			t.Errorf("the program holds %s, which nothing calls", name)
		}
	}
	if !kept["DescribeInstances"] {
		t.Error("no operations were found in the program")
	}
}
