// Package mototest runs moto_server, a server that answers as AWS does, for tests.
//
// A program that is missing fails the test: nothing is skipped. The package knows
// nothing of the AWS SDK, so that tests of a whole binary may use it without compiling
// one.
//
// Accounts are separate: with AccountHeader tests share a server and have an account
// each. Facts about moto 5.2: every region of an account has a default VPC with its
// subnets and one security group from the start; page sizes are ignored by most lists.
package mototest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// AccountHeader is the request header by which moto_server takes an account id.
const AccountHeader = "X-Moto-Account-Id"

// DefaultAccount is the account of requests without AccountHeader.
const DefaultAccount = "123456789012"

// Populated are the types that tests of the whole provider and of the whole program watch.
// Each of the others has tests of its own: moto lacks some, and holds resources of others of
// its own accord.
var Populated = []string{
	"AWS::DynamoDB::Table", "AWS::EC2::Instance", "AWS::EC2::NetworkInterface", "AWS::EC2::SecurityGroup", "AWS::EC2::Subnet",
	"AWS::EC2::VPC", "AWS::EC2::Volume", "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::IAM::Role", "AWS::Lambda::Function",
	"AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue",
}

const (
	program      = "moto_server"
	startTimeout = 90 * time.Second // Python imports; slow on a busy machine
	stopTimeout  = 5 * time.Second
)

// Server is a moto_server process. Its methods are for one goroutine at a time.
type Server struct {
	URL string // "http://127.0.0.1:41234", the same over restarts

	port   int
	cmd    *exec.Cmd
	guard  *guard
	output *output
	exited chan ending
}

// ending is how the process ended; nil: with exit status 0.
type ending struct{ err error }

// Start runs a server that is stopped at the end of the test. It fails the test where
// the server does not answer.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := Launch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Launch runs a server on a free port and returns when it answers; the caller stops
// it. For TestMain; tests call Start.
func Launch(ctx context.Context) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("mototest: finding a free port: %w", err)
	}
	s := &Server{URL: fmt.Sprintf("http://127.0.0.1:%d", port), port: port}
	return s, s.Restart(ctx)
}

// Restart runs the server anew, without its resources, on the same port. A server that
// is running is stopped first.
func (s *Server) Restart(ctx context.Context) error {
	s.Stop()
	path, err := exec.LookPath(program)
	if err != nil {
		return fmt.Errorf("mototest: %w; install it with: pip install 'moto[server]'", err)
	}
	s.output = &output{}
	s.cmd = exec.Command(path, "-H", "127.0.0.1", "-p", fmt.Sprint(s.port))
	s.cmd.Env = append(os.Environ(), "MOTO_EC2_LOAD_DEFAULT_AMIS=false", "PYTHONUNBUFFERED=1")
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the program may be a wrapper script
	s.cmd.WaitDelay = stopTimeout
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("mototest: starting %s: %w", path, err)
	}
	s.exited = make(chan ending, 1)
	go func(cmd *exec.Cmd, exited chan<- ending) { exited <- ending{cmd.Wait()} }(s.cmd, s.exited)
	if s.guard, err = newGuard(s.cmd.Process.Pid); err != nil {
		s.Stop()
		return fmt.Errorf("mototest: guarding the server: %w", err)
	}
	if err := s.awaitAnswer(ctx); err != nil {
		s.Stop()
		return err
	}
	return nil
}

// awaitAnswer asks until the server answers, dies, or takes too long.
func (s *Server) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		err := s.ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case exit := <-s.exited:
			s.exited <- exit
			return fmt.Errorf("mototest: %s ended at once: %w\n%s", program, cmp.Or(exit.err, errors.New("exit status 0")), s.output)
		case <-ctx.Done():
			return fmt.Errorf("mototest: %s does not answer: %w\n%s", program, errors.Join(ctx.Err(), err), s.output)
		case <-retry.C:
		}
	}
}

func (s *Server) ask(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/moto-api/", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", answer.Status)
	}
	return nil
}

// Stop ends the server and everything that it started. Stopping twice does no harm.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	s.guard.dismiss()
	group := -s.cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		_ = syscall.Kill(group, syscall.SIGKILL)
		<-s.exited
	}
	s.cmd = nil
}

// guard ends a server whose tests died without stopping it: killed, or out of time. It
// waits for the end of a pipe that closes with the process of the tests.
type guard struct {
	cmd  *exec.Cmd
	pipe io.Closer
}

func newGuard(group int) (*guard, error) {
	cmd := exec.Command("sh", "-c", `read -r _; kill -TERM -"$1"`, "sh", fmt.Sprint(group))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt from the keyboard is not for it
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &guard{cmd, pipe}, cmd.Start()
}

// dismiss ends the guard before it does anything.
func (g *guard) dismiss() {
	if g == nil || g.cmd.Process == nil {
		return
	}
	_ = g.cmd.Process.Kill()
	_ = g.pipe.Close()
	_ = g.cmd.Wait()
}

// Output returns what the server wrote: one line per request.
func (s *Server) Output() string { return s.output.String() }

// freePort returns a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// output keeps the last of what a process wrote.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const keepOutput = 64 << 10

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	if extra := o.buf.Len() - keepOutput; extra > 0 {
		o.buf.Next(extra)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
