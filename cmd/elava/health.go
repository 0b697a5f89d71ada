package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/elava-dev/elava/internal/config"
)

// healthTimeout is less than what health checks of containers wait by default.
const healthTimeout = 4 * time.Second

// askHealth fails unless the daemon of a configuration does its work. A degraded one does:
// to restart it would help nothing.
func askHealth(ctx context.Context, d config.Daemon) error {
	if d.MetricsPort == 0 {
		return usagef("--health: daemon.metrics_port is 0, any free port; name the port of the daemon")
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	url := "http://" + net.JoinHostPort(reachable(d.ListenAddress), strconv.Itoa(d.MetricsPort)) + "/health"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("the daemon does not answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	var health struct {
		Status  string
		Reasons []string
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&health); err != nil {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return fmt.Errorf("the daemon is %s: %s", health.Status, strings.Join(health.Reasons, "; "))
}

// reachable is where a daemon that listens on an address is asked from its own machine.
func reachable(listen string) string {
	if ip := net.ParseIP(listen); listen == "" || ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return listen
}
