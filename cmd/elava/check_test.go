package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runMain runs the program as its user types it, and returns its output and exit code.
func runMain(t *testing.T, variables map[string]string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &Env{
		Stdout: &out, Stderr: &errs, Getenv: func(name string) string { return variables[name] },
	})
	return out.String(), errs.String(), code
}

// awsServer is an account that may describe VPCs and nothing else.
func awsServer(t *testing.T) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		switch r.PostForm.Get("Action") {
		case "GetCallerIdentity":
			fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		case "DescribeVpcs":
			fmt.Fprint(w, `<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>`)
		default:
			w.WriteHeader(403)
			fmt.Fprint(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>`)
		}
	}))
	t.Cleanup(s.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": s.URL, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	os.Unsetenv("AWS_PROFILE")
}

func TestCheck_SaysWhatIsMissing(t *testing.T) {
	awsServer(t)
	store := filepath.Join(t.TempDir(), "not", "there")
	variables := map[string]string{"ELAVA_STORAGE_PATH": store, "ELAVA_CLOUD_INCLUDE_TYPES": "AWS::EC2::VPC,AWS::EC2::Subnet"}
	stdout, stderr, code := runMain(t, variables, "check")
	want := `ACCOUNT       REGION     WHAT              STATUS  ACTION               ERROR
                         storage           ok
123456789012             credentials       ok
123456789012             account           ok
123456789012  us-east-1  AWS::EC2::VPC     ok
123456789012  us-east-1  AWS::EC2::Subnet  denied  ec2:DescribeSubnets  ec2 DescribeSubnets: UnauthorizedOperation: no: grant the action ec2:DescribeSubnets
`
	if stdout != want || code != exitFailed || stderr != "elava: 1 of 5 checks found a problem\n" {
		t.Errorf("exit code %d\n%s%s\nwant\n%s", code, stdout, stderr, want)
	}
	if _, err := os.Stat(filepath.Dir(store)); err == nil {
		t.Error("the check left something behind")
	}

	variables["ELAVA_CLOUD_INCLUDE_TYPES"] = "AWS::EC2::VPC"
	stdout, stderr, code = runMain(t, variables, "check", "-o", "json")
	var answer struct{ Items []map[string]string }
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, stdout, stderr)
	}
	if last := answer.Items[len(answer.Items)-1]; len(answer.Items) != 4 || last["what"] != "AWS::EC2::VPC" || last["status"] != "ok" {
		t.Errorf("items are %v", answer.Items)
	}
	if stdout, _, _ = runMain(t, variables, "check", "--problems", "-o", "jsonl"); stdout != "" {
		t.Errorf("without problems: %s", stdout)
	}
}

func TestCheck_StoreThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _, code := runMain(t, map[string]string{"ELAVA_STORAGE_PATH": filepath.Join(file, "store")}, "check", "--provider", "demo", "-o", "csv")
	if code != exitFailed || !strings.Contains(stdout, ",,storage,failed,,") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

func TestCheck_WhatServeReadsAsItStarts(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "elava.yaml")
	settings := "api: {token_file: " + dir + "/token}\nnotify: [{url: 'http://127.0.0.1:1/a'}, {url: 'http://127.0.0.1:1/b', secret_file: " + dir + "/none}]\n"
	if err := errors.Join(os.WriteFile(file, []byte(settings), 0o600), os.WriteFile(filepath.Join(dir, "token"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	stdout, _, code := runMain(t, map[string]string{"ELAVA_STORAGE_PATH": dir}, "check", "--provider", "demo", "--config", file, "-o", "csv")
	for _, part := range []string{",,api.token_file,failed,,", "is empty", ",,notify[0],ok,,", ",,notify[1],failed,,", "secret_file"} {
		if code != exitFailed || !strings.Contains(stdout, part) {
			t.Errorf("exit code %d, want %q in\n%s", code, part, stdout)
		}
	}
}

// All webhooks that may not be told are named, by every command that reads the configuration.
func TestConfig_NamesAllForbiddenWebhooks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "elava.yaml")
	if err := os.WriteFile(file, []byte("notify:\n  - url: http://169.254.169.254/x\n  - url: http://127.0.0.1:1/\n  - url: http://[::ffff:169.254.169.254]/y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"config", "check", "serve"} {
		_, stderr, code := runMain(t, map[string]string{"ELAVA_STORAGE_PATH": t.TempDir()}, command, "--provider", "demo", "--config", file)
		if code != exitUsage || !strings.Contains(stderr, ":2: notify[0].url: leads to 169.254.169.254") || !strings.Contains(stderr, "notify[2].url: leads to ::ffff:169.254.169.254") || strings.Contains(stderr, "notify[1]") {
			t.Errorf("%s: exit code %d\n%s", command, code, stderr)
		}
	}
}

func TestIAMPolicy(t *testing.T) {
	variables := map[string]string{"ELAVA_STORAGE_PATH": "/nowhere", "ELAVA_CLOUD_INCLUDE_TYPES": "AWS::EC2::V*", "ELAVA_CLOUD_ORGANIZATION_ROLE_NAME": "elava"}
	stdout, stderr, code := runMain(t, variables, "iam-policy", "--region", "us-east-1")
	var policy struct {
		Version   string
		Statement []struct {
			Effect           string
			Action, Resource []string
		}
	}
	if err := json.Unmarshal([]byte(stdout), &policy); err != nil || code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, stdout, stderr)
	}
	if policy.Version != "2012-10-17" || len(policy.Statement) != 3 || policy.Statement[2].Resource[0] != "arn:aws:iam::*:role/elava" {
		t.Errorf("policy is %s", stdout)
	}
	dir := filepath.Join(t.TempDir(), "policies")
	stdout, _, code = runMain(t, variables, "iam-policy", "--region", "us-east-1", "--member", "--wildcards", "--split", dir)
	b, err := os.ReadFile(filepath.Join(dir, "elava-1.json"))
	if code != exitOK || stdout != filepath.Join(dir, "elava-1.json")+"\n" || err != nil || !json.Valid(b) || bytes.Contains(b, []byte("AssumeRole")) {
		t.Errorf("exit code %d, %v\n%s%s", code, err, stdout, b)
	}
	if _, stderr, code = runMain(t, variables, "iam-policy", "--provider", "demo"); code != exitUsage || !strings.Contains(stderr, "--provider aws") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
