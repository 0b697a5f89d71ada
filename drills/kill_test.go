//go:build linux

package drills

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elava-dev/elava/e2e/processtest"
)

func TestKill_ABusyHour(t *testing.T) {
	d := begin(t, "7b", "7.2", "Power cuts")
	const resources = 600
	kills := times(5, 100)
	random := processtest.Random(t)
	i := install(t)
	i.configure(t, "reconciliation_interval: 50ms", demoCloud(resources, "20%"))
	o := newOracle(resources, 0.2)
	checked, told, cut := int64(0), int64(0), 0
	for n := range kills {
		p := i.serve(t)
		p.Await(t, scanLine.String())
		time.Sleep(time.Duration(random.Int64N(int64(700 * time.Millisecond)))) // the moment is what is random
		p.Signal(t, syscall.SIGKILL)
		if code, _ := p.Exit(t); code != -1 {
			t.Fatalf("kill %d: the daemon had ended with code %d", n+1, code)
		}
		told = max(told, p.lastScan())
		if n%2 == 1 && n < kills-1 {
			continue // the daemon itself opens what was left
		}
		head := o.checkStore(t, i.store, checked)
		if head < told || head > told+1 {
			t.Fatalf("kill %d: the log told of scan %d, the store's head is %d", n+1, told, head)
		}
		if head == told {
			cut++
		}
		checked, told = head, head
	}
	if checked < int64(kills) || o.events < kills {
		t.Errorf("%d scans and %d events: this tests nothing", checked, o.events)
	}
	d.tell(fmt.Sprintf("demo cloud of %d resources, 20 %% of them changed at every scan, one scan after the other; SIGKILL at a random moment, and a new start", resources),
		fmt.Sprintf("%d kills, %d scans stored (an hour at the default interval has 12)", kills, checked),
		fmt.Sprintf("after each the store opened at the last revision of which the log told, or the one after it, and was whole; %d events, exact", o.events))
}

func TestKill_SecondDaemonOnOneStore(t *testing.T) {
	d := begin(t, "7a", "7.2", "Two daemons on one store")
	attempts := times(3, 20)
	i := install(t)
	i.configure(t, "reconciliation_interval: 50ms", demoCloud(500, "10%"))
	p := i.serve(t)
	p.AwaitScan(t, 1)
	for range attempts {
		out := elava(t, i, "serve", "--config", i.config())
		if out.code != 1 || !strings.Contains(out.text, "in use by process "+strconv.Itoa(p.PID())) {
			t.Errorf("exit code %d: %s", out.code, out.text)
		}
	}
	p.nextScans(t, 1)
	p.stop(t)
	head := newOracle(500, 0.1).checkStore(t, i.store, 0)
	d.tell("a second daemon with the same configuration is started while the first one scans", fmt.Sprintf("%d times", attempts),
		fmt.Sprintf("refused each time with exit code 1 and the number of the process that has the store; the first one went on, %d scans, exact", head))
}
