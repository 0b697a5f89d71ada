package e2e

import (
	"net"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// A service manager learns that the daemon is up, that it lives, that it reads its
// configuration again, and that it stops.
func TestSystemd_IsTold(t *testing.T) {
	e := install(t)
	path := filepath.Join(e.home, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	p := e.with("NOTIFY_SOCKET="+path, "WATCHDOG_USEC=200000").serve(t, "--provider", "demo", "--interval", "1h")
	said := func() string {
		t.Helper()
		buf := make([]byte, 256)
		if err := socket.SetReadDeadline(time.Now().Add(waitLimit)); err != nil {
			t.Fatal(err)
		}
		n, err := socket.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	for i, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := said(); got != want {
			t.Fatalf("message %d is %q, want %q", i, got, want)
		}
	}
	saysNext := func(want string) {
		t.Helper()
		for {
			got := said()
			if regexp.MustCompile(want).MatchString(got) {
				return
			}
			if got != "WATCHDOG=1" {
				t.Fatalf("a message is %q, want one like %q", got, want)
			}
		}
	}
	p.Signal(t, syscall.SIGHUP)
	saysNext(`^RELOADING=1\nMONOTONIC_USEC=\d+\n$`)
	saysNext(`^READY=1\nSTATUS=$`)
	p.stop(t)
	saysNext("^STOPPING=1$")
}
