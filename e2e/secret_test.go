package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/klauspost/compress/zstd"
)

// forms are the ways in which a value may be written down.
func forms(secret string) map[string][]byte {
	escaped, _ := json.Marshal(secret)
	var html bytes.Buffer
	json.HTMLEscape(&html, escaped)
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	_ = e.Encode(secret)
	all := map[string][]byte{
		"plain": []byte(secret), "JSON": bytes.Trim(plain.Bytes(), "\"\n"), "JSON for HTML": bytes.Trim(html.Bytes(), `"`),
		"hex": []byte(hex.EncodeToString([]byte(secret))), "URL": []byte(url.QueryEscape(secret)),
	}
	for i := range 3 { // base64 of a text depends on where in its groups of three it begins
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", i) + secret))
		all["base64 at "+string(rune('0'+i))] = []byte(b[4*((i+2)/3) : len(b)-4])
	}
	return all
}

// What a Lambda function is told in its variables, and passwords in URLs, are not in the
// store, nor in a backup, nor in the log, nor in any answer; that they changed is.
func TestSecrets_StayOut(t *testing.T) {
	t.Parallel() // it mostly waits
	first, second := `hunter2/"<pass&word>"\correct-horse`, `Tr0ub4dor&3="battery"<staple>\again`
	inURL := `s3same-0pen&door`
	secrets := []string{first, second, inURL}
	c := newCloud(t)
	role := c.createRole(t, "worker", map[string]string{"origin": "postgres://app:" + inURL + "@db/x"})
	ok(c.iam().PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String("worker"), PolicyName: aws.String("fetch"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:Referer":"https://u:` + inURL + `@host/"}}}]}`),
	}))(t)
	c.createFunction(t, "charge", role, nil, map[string]string{"PASSWORD": first, "LEVEL": first})
	e := c.install(t, "ELAVA_LOG_LEVEL=debug")
	p := e.serve(t, "--interval", "200ms")
	p.AwaitScan(t, 2)
	ok(c.lambda().UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("charge"), Environment: &lambdatypes.Environment{Variables: map[string]string{"PASSWORD": second, "LEVEL": first}},
	}))(t)
	eventually(t, "the change is reported", func() bool { return len(p.source().changes(t)) > 0 }, func() string { return "no event" })
	key := c.key("AWS::Lambda::Function", "charge")
	events := p.source().changes(t)
	checkEvents(t, events, []wantEvent{modified(key, change("attributes.Environment.Variables.PASSWORD", anyValue, anyValue))})
	if len(events) == 1 && len(events[0].Changes) == 1 && (string(events[0].Changes[0].Old) == string(events[0].Changes[0].New) || len(events[0].Changes[0].New) < 10) {
		t.Errorf("the digests do not tell that it changed: %s", events[0])
	}

	said := map[string][]byte{}
	for _, path := range []string{"/api/v1/resources", "/api/v1/resource/" + key, "/api/v1/history/" + key, "/api/v1/changes", "/api/v1/scopes", "/metrics", "/health"} {
		_, body := p.get(t, path)
		said[path] = []byte(body)
	}
	if !bytes.Contains(said["/api/v1/history/"+key], []byte(`"PASSWORD"`)) {
		t.Error("the history does not even name the variable: this tests nothing")
	}
	for _, format := range []string{"table", "json", "yaml"} {
		said["show "+format] = []byte(e.must(t, "show", key, "-o", format, "--server", p.URL))
		said["history "+format] = []byte(e.must(t, "history", key, "-o", format, "--server", p.URL))
	}
	readFiles(t, e.home, said) // as they are while the daemon runs
	file := filepath.Join(e.home, "elava.backup")
	e.must(t, "storage", "backup", file, "--server", p.URL)
	said["the backup, unpacked"] = unpacked(t, file)
	for _, name := range []string{`"PASSWORD"`, `"fetch"`, "postgres://app:hmac-sha256:", "https://u:hmac-sha256:"} {
		if !bytes.Contains(said["the backup, unpacked"], []byte(name)) {
			t.Errorf("the backup does not even hold %s: this tests nothing", name)
		}
	}
	digestKey, err := os.ReadFile(filepath.Join(e.store, "redaction.key"))
	if err != nil || bytes.Contains(said["the backup, unpacked"], bytes.TrimSpace(digestKey)) {
		t.Errorf("the key of the digests is in the backup, or cannot be read: %v", err)
	}
	p.stop(t)
	log := p.Log.Text()
	said["log"] = []byte(log)
	readFiles(t, e.home, said)
	files := 0
	for where, text := range said {
		for _, secret := range secrets {
			for form, b := range forms(secret) {
				if bytes.Contains(text, b) {
					t.Errorf("%s holds a secret (%s)", where, form)
				}
			}
		}
		if strings.HasPrefix(where, e.store) {
			files++
		}
	}
	if files < 3 {
		t.Errorf("only %d files of the store were read", files)
	}
	checkUncompressed(t, e, secrets...)
}

// checkUncompressed looks into the store behind its compression: all that it holds, read
// through the program with nothing left out.
func checkUncompressed(t *testing.T, e *elava, secrets ...string) {
	t.Helper()
	for _, args := range [][]string{{"resources", "-o", "jsonl"}, {"changes", "-o", "jsonl", "--limit", "0"}, {"history", "charge", "-o", "json"}} {
		out := e.must(t, append(args, "--storage-path", e.store)...)
		for _, secret := range secrets {
			for form, b := range forms(secret) {
				if bytes.Contains([]byte(out), b) {
					t.Errorf("%q holds a secret (%s)", args, form)
				}
			}
		}
	}
	info, err := os.Stat(filepath.Join(e.store, "redaction.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key of the digests: %v, %v", info, err)
	}
}

// unpacked returns what the frames of a backup hold (docs/backup-format.md).
func unpacked(t testing.TB, file string) []byte {
	t.Helper()
	b := ok(os.ReadFile(file))(t)
	_, b, _ = bytes.Cut(b, []byte("\n"))
	decoder := ok(zstd.NewReader(nil))(t)
	defer decoder.Close()
	var all []byte
	for {
		length := binary.BigEndian.Uint32(b)
		if length == 0 {
			return all
		}
		all = ok(decoder.DecodeAll(b[8:8+length], all))(t)
		b = b[8+length:]
	}
}

func readFiles(t testing.TB, dir string, into map[string][]byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		into[path] = append(into[path], b...)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}
