package aws_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const sdkService = "github.com/aws/aws-sdk-go-v2/service/"

// pagedAt is what the checks of paging know: the operations of each SDK package that answer
// in pages, which are those that the SDK has a paginator for.
type pagedAt map[string][]string // by import path

var paginator = regexp.MustCompile(`func New([A-Z]\w*)Paginator\(`)

// pagedOperations reads the source of the SDK packages.
func pagedOperations(t *testing.T, packages []string) pagedAt {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-f", "{{.ImportPath}}\t{{.Dir}}"}, packages...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := pagedAt{}
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files, err := filepath.Glob(filepath.Join(dir, "api_op_*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no operations in %s: %v", path, dir, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if m := paginator.FindSubmatch(b); m != nil {
				all[path] = append(all[path], string(m[1]))
			}
		}
	}
	return all
}

// services returns the SDK packages that a file imports.
func services(f *ast.File) []string {
	var all []string
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err == nil && strings.HasPrefix(path, sdkService) && !strings.Contains(path[len(sdkService):], "/") {
			all = append(all, path)
		}
	}
	return all
}

// excepted are calls of operations with pages, by file and operation, and why they are right.
var excepted = map[string]string{
	"tagindex.go GetResources": "by a list of ARNs it has no pages, and an answer that says otherwise is not used",
	"iam.go ListRoles":         "kept in roleList, whose only use of it is to give it to paged",
}

// tokens are the members by which answers tell where the next page is.
var tokens = regexp.MustCompile(`^(Next|Page|NextPage|Continuation|NextContinuation|Pagination)Token$|^(Next)?(Page)?Marker$|^Next(Record|Upload|Key)\w*$|^LastEvaluated\w+$|^Position$|^Next\w*Name$`)

// lintPaging returns what is wrong with the paging of a file: an operation that answers in
// pages and is not given to paged, an SDK paginator (which takes any token for a new one),
// and a loop over tokens other than pager.walk.
func lintPaging(fset *token.FileSet, f *ast.File, paged pagedAt, pagers pagerFuncs) []string {
	var operations []string
	for _, path := range services(f) {
		operations = append(operations, paged[path]...)
	}
	var problems []string
	complain := func(n ast.Node, format string, args ...any) {
		problems = append(problems, fmt.Sprintf("line %d: ", fset.Position(n.Pos()).Line)+fmt.Sprintf(format, args...))
	}
	guarded := guardedIn(f, pagers)
	ast.Inspect(f, func(n ast.Node) bool {
		if guarded[n] {
			if _, isBody := n.(*ast.BlockStmt); isBody {
				return false
			}
		}
		switch n := n.(type) {
		case *ast.SelectorExpr:
			name := n.Sel.Name
			if base, ok := n.X.(*ast.Ident); ok && strings.HasPrefix(name, "New") && strings.HasSuffix(name, "Paginator") {
				complain(n, "%s.%s does not notice a token that comes again; use paged", base.Name, name)
			}
			if slices.Contains(operations, name) && !guarded[n] && excepted[filepath.Base(fset.Position(n.Pos()).Filename)+" "+name] == "" && !isType(n) {
				complain(n, "%s answers in pages; give it to paged", name)
			}
		case *ast.ForStmt:
			if m := tokenIn(n); m != "" {
				complain(n, "a loop over %s without a guard against a token that comes again; use paged", m)
			}
		}
		return true
	})
	return problems
}

// pagerFuncs are the functions that read a list to its end with the operation they are
// given, by name, and at which place they take it.
type pagerFuncs map[string][]int

// guardedIn returns the operations of a file that are read to their last page: those that
// a pager is given, directly or under a local name that has no other use; and the bodies of
// methods walk, which are the guard.
func guardedIn(f *ast.File, pagers pagerFuncs) map[ast.Node]bool {
	guarded := map[ast.Node]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			for _, i := range pagers[calledName(n)] {
				if i < len(n.Args) {
					guarded[n.Args[i]] = true
				}
			}
		case *ast.FuncDecl:
			if n.Recv != nil && n.Name.Name == "walk" {
				guarded[n.Body] = true
			}
		}
		return true
	})
	ast.Inspect(f, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.DEFINE && len(a.Lhs) == len(a.Rhs) {
			for i, name := range a.Lhs {
				if id, ok := name.(*ast.Ident); ok && onlyGuarded(f, id, guarded) {
					guarded[a.Rhs[i]] = true
				}
			}
		}
		return true
	})
	return guarded
}

// calledName is the name of a function of this package that is called, with or without
// type arguments.
func calledName(c *ast.CallExpr) string {
	switch fun := c.Fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.IndexExpr:
		if id, ok := fun.X.(*ast.Ident); ok {
			return id.Name
		}
	case *ast.IndexListExpr:
		if id, ok := fun.X.(*ast.Ident); ok {
			return id.Name
		}
	}
	return ""
}

// onlyGuarded reports whether a name is used, and for nothing but being given to a pager.
func onlyGuarded(root ast.Node, declared *ast.Ident, guarded map[ast.Node]bool) bool {
	uses, other := 0, 0
	ast.Inspect(root, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id != declared && id.Obj != nil && id.Obj == declared.Obj {
			if uses++; !guarded[id] {
				other++
			}
		}
		return true
	})
	return uses > 0 && other == 0
}

// findPagers returns paged and the functions that hand an operation on to it.
func findPagers(files map[string]*ast.File) pagerFuncs {
	pagers := pagerFuncs{"paged": {0}}
	for range 3 { // as deep as they call one another
		for _, f := range files {
			guarded := guardedIn(f, pagers)
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Body != nil {
					pagers[fn.Name.Name] = handsOn(fn, guarded, pagers[fn.Name.Name])
				}
			}
		}
	}
	return pagers
}

// handsOn adds the places of the parameters that a function gives to a pager.
func handsOn(fn *ast.FuncDecl, guarded map[ast.Node]bool, known []int) []int {
	place := 0
	for _, field := range fn.Type.Params.List {
		for _, name := range field.Names {
			if onlyGuarded(fn, name, guarded) && !slices.Contains(known, place) {
				known = append(known, place)
			}
			place++
		}
	}
	return known
}

// isType reports whether a selector is of a package and not of a client: ec2.X is a type.
func isType(s *ast.SelectorExpr) bool {
	base, ok := s.X.(*ast.Ident)
	return ok && base.Obj == nil && !strings.Contains(strings.ToLower(base.Name), "client")
}

// tokenIn returns the member by which a loop goes from page to page; "" if it does not.
func tokenIn(loop *ast.ForStmt) (member string) {
	ast.Inspect(loop, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && tokens.MatchString(s.Sel.Name) {
			member = s.Sel.Name
		}
		return member == ""
	})
	return member
}

// Every list in this package is read to its end, and no list for ever.
func TestPaging_OfThisPackage(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	parsed := map[string]*ast.File{}
	var packages []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed[name] = f
		packages = append(packages, services(f)...)
	}
	slices.Sort(packages)
	paged := pagedOperations(t, slices.Compact(packages))
	if !slices.Contains(paged[sdkService+"ec2"], "DescribeInstances") {
		t.Fatal("the SDK's paginators were not found")
	}
	pagers := findPagers(parsed)
	for name, f := range parsed {
		for _, p := range lintPaging(fset, f, paged, pagers) {
			t.Errorf("%s, %s", name, p)
		}
	}
}

func TestPaging_FindsWhatIsWrong(t *testing.T) {
	const head = "package p\nimport \"" + sdkService + "ec2\"\n"
	paged := pagedAt{sdkService + "ec2": {"DescribeVolumes"}}
	for source, want := range map[string]string{
		"func f() { paged(ec2.NewFromConfig(cfg).DescribeVolumes, nil, nil) }":                                     "",
		"func f() { paged(client.DescribeVolumes, nil, nil).all(ctx) }":                                            "",
		"func f() { client.DescribeRegions(ctx, nil) }":                                                            "",
		"func f() { ec2.NewFromConfig(cfg).DescribeVolumes(ctx, in) }":                                             "line 3: DescribeVolumes answers in pages; give it to paged",
		"func f(c *ec2.Client) { list, n := c.DescribeVolumes, 1; paged(list, nil, nil).all(ctx) }":                "",
		"func g(a int, op any) { paged(op, nil, nil) }\nfunc f() { g(1, client.DescribeVolumes) }":                 "",
		"func g(a int, op any) { paged(op, nil, nil); op(a) }\nfunc f() { g(1, client.DescribeVolumes) }":          "line 4: DescribeVolumes answers in pages; give it to paged",
		"func f(c *ec2.Client) { list := c.DescribeVolumes; paged(list, nil, nil); list(ctx, in) }":                "line 3: DescribeVolumes answers in pages; give it to paged",
		"func f(c *ec2.Client) { list := c.DescribeVolumes; list(ctx, in) }":                                       "line 3: DescribeVolumes answers in pages; give it to paged",
		"func f() { other(client.DescribeVolumes) }":                                                               "line 3: DescribeVolumes answers in pages; give it to paged",
		"func f() { p := ec2.NewDescribeVolumesPaginator(client, in); p.HasMorePages() }":                          "line 3: ec2.NewDescribeVolumesPaginator does not notice a token that comes again; use paged",
		"func f() { for { out, _ := get(in); if out.NextToken == nil { return }; in.NextToken = out.NextToken } }": "line 3: a loop over NextToken without a guard against a token that comes again; use paged",
		"func f() { for in.Marker != nil { get(in) } }":                                                            "line 3: a loop over Marker without a guard against a token that comes again; use paged",
		"func (p pager[T]) walk() { for { if seen[out.NextToken] { return } } }":                                   "",
		"func f() { for _, v := range out.Volumes { use(v) } }":                                                    "",
	} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "p.go", head+source, 0)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		if got := strings.Join(lintPaging(fset, f, paged, findPagers(map[string]*ast.File{"p.go": f})), "; "); got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", source, got, want)
		}
	}
}
