package docs

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// shown are the commands of the picture in README.md.
var shown = []string{
	"elava diff 6 7",
	"elava history demo-function-2dbebaf1178a900f",
	`elava query "select type, count(*) from resources group by 1 order by 2 desc limit 3"`,
}

const (
	pictureFile    = root + "/docs/terminal.svg"
	pictureColumns = 110
)

// The picture in README.md is what these commands write to a terminal, asked of a daemon
// whose demo cloud was scanned eight times.
func TestPicture_IsWhatTheProgramWrites(t *testing.T) {
	r := &reader{home: t.TempDir(), port: freePort(t)}
	r.work = r.home
	var times []time.Time
	for n := range 8 {
		times = append(times, time.Date(2025, 10, 22, 10, 5*n, 0, 0, time.UTC))
	}
	recordDemo(t, filepath.Join(r.home, "store"), times)
	r.env = []string{
		"HOME=" + r.home, "PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "TERM=xterm",
		"ELAVA_LISTEN_ADDRESS=127.0.0.1", "ELAVA_METRICS_PORT=" + r.port, "ELAVA_SERVER=http://127.0.0.1:" + r.port,
		"ELAVA_STORAGE_PATH=" + filepath.Join(r.home, "store"), "ELAVA_CLOUD_DEMO_FAULTS=hang", // nothing is added
	}
	serve := command{page: "the picture", text: "elava serve --provider demo"}
	daemon := r.start(t, serve, serve.text)
	r.daemon = daemon
	defer r.stop(t)
	daemon.await(t, daemon.stderr, `Metrics server listening`)

	var lines []string
	for i, text := range shown {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, "\x1b[1m$ "+text+"\x1b[0m")
		lines = append(lines, onTerminal(t, r, text)...)
	}
	picture := draw(t, lines)
	if *update {
		check(t, os.WriteFile(pictureFile, picture, 0o644))
		return
	}
	drawn, err := os.ReadFile(pictureFile)
	check(t, err)
	if !bytes.Equal(drawn, picture) {
		t.Errorf("%s is out of date: run go test ./e2e/docs -run TestPicture -update", pictureFile)
	}
}

// onTerminal runs a command whose standard output is a terminal, and returns its lines.
func onTerminal(t *testing.T, r *reader, text string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	terminal := exec.CommandContext(ctx, "script", "-q", "-e", "-c", text+" 2>errors", "/dev/null")
	terminal.Env, terminal.Dir = r.env, r.work
	out, err := terminal.Output()
	if err != nil {
		said, _ := os.ReadFile(filepath.Join(r.work, "errors"))
		t.Fatalf("%s: %v\n%s%s", text, err, out, said)
	}
	return strings.Split(strings.TrimRight(strings.ReplaceAll(string(out), "\r\n", "\n"), "\n"), "\n")
}

// Sizes in pixels: of a character of the font at 13 pixels, and of a line.
const (
	charWidth  = 7.83
	lineHeight = 18
	margin     = 16
)

var (
	paint   = regexp.MustCompile(`\x1b\[([0-9;]*)m`)
	colours = map[string]string{"1": "b", "2": "d", "31": "r", "32": "g", "33": "y"} // classes
)

// draw makes a picture of lines with the colours of a terminal: texts and nothing else, so
// that it is shown wherever pictures are.
func draw(t *testing.T, lines []string) []byte {
	t.Helper()
	var b bytes.Buffer
	width, height := int(math.Ceil(pictureColumns*charWidth))+2*margin, len(lines)*lineHeight+2*margin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">
<title>elava in a terminal</title>
<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6deeb;white-space:pre}.b{font-weight:bold;fill:#fff}.d{fill:#8b949e}.r{fill:#ff6b6b}.g{fill:#7ee787}.y{fill:#f2cc60}</style>
<rect width="100%%" height="100%%" rx="8" fill="#0d1117"/>
`, width, height, width, height)
	for i, line := range lines {
		if n := utf8.RuneCountInString(paint.ReplaceAllString(line, "")); n > pictureColumns {
			t.Errorf("a line of %d characters does not fit: %s", n, line)
		}
		if line == "" {
			continue
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" xml:space="preserve">%s</text>`+"\n", margin, margin+i*lineHeight+13, spans(t, line))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// spans makes elements of the colours in a line.
func spans(t *testing.T, line string) string {
	t.Helper()
	var b strings.Builder
	class := ""
	write := func(text string) {
		text = html.EscapeString(text)
		if class != "" && text != "" {
			text = fmt.Sprintf(`<tspan class="%s">%s</tspan>`, class, text)
		}
		b.WriteString(text)
	}
	for {
		at := paint.FindStringSubmatchIndex(line)
		if at == nil {
			write(line)
			return b.String()
		}
		write(line[:at[0]])
		code := line[at[2]:at[3]]
		known := false
		if class, known = colours[code]; !known && code != "0" && code != "" {
			t.Errorf("there is no class for the colour %q", code)
		}
		line = line[at[1]:]
	}
}
