// Command elava is `git log` for a cloud account: `elava serve` records every resource
// of an account and what changes, the other commands ask it.
//
// Exit codes: 0 done; 1 it failed; 2 the command line or the configuration is wrong.
// Errors go to standard error and say what failed and what to do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/elava-dev/elava/internal/config"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// commands is the command line.
type commands struct {
	Serve     ServeCommand     `cmd:"" help:"Run the daemon."`
	Scan      ScanCommand      `cmd:"" help:"Deprecated: scan once, as serve --once does."`
	Resources ResourcesCommand `cmd:"" help:"List the inventory, now or at a point in time."`
	Show      ShowCommand      `cmd:"" help:"Show one resource with every field."`
	History   HistoryCommand   `cmd:"" help:"Show the versions of a resource and what changed."`
	Diff      DiffCommand      `cmd:"" help:"Show what is different between two points in time."`
	Changes   ChangesCommand   `cmd:"" help:"Show what was created, modified or disappeared."`
	Scans     ScansCommand     `cmd:"" help:"List the scans."`
	Scopes    ScopesCommand    `cmd:"" help:"Show what is listed, how fresh it is and what fails."`
	Query     QueryCommand     `cmd:"" help:"Run SQL over the inventory and its changes."`
	Export    ExportCommand    `cmd:"" help:"Write the inventory or the changes to a file: JSON lines, CSV, Parquet."`
	Storage   StorageCommand   `cmd:"" help:"Look after the store: stats, verify, compact, backup, restore."`
	Check     CheckCommand     `cmd:"" help:"Try credentials, accounts, regions, permissions and storage."`
	IAMPolicy IAMPolicyCommand `cmd:"" name:"iam-policy" help:"Print the IAM policy that the configuration needs."`
	Config    ConfigCommand    `cmd:"" help:"Show the effective configuration and where each value comes from."`
	Complete  CompleteCommand  `cmd:"" name:"completion" help:"Print a script that completes command lines in a shell."`
	Version   VersionCommand   `cmd:"" help:"Show the version."`
}

func main() {
	os.Exit(run(context.Background(), os.Args[1:], &Env{
		Stdout: os.Stdout, Stderr: os.Stderr, IsTerminal: isTerminal(os.Stdout),
		Now: time.Now, OpenStore: openStoreForReading, Restore: restoreStore, Getenv: os.Getenv,
		Schema: schemas(),
	}))
}

// run is main without the process, so that tests can call it.
func run(ctx context.Context, args []string, env *Env) (code int) {
	defer func() {
		if v := recover(); v != nil {
			exit, ok := v.(earlyExit)
			if !ok {
				panic(v)
			}
			code = int(exit)
		}
	}()
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("elava"),
		kong.Description("git log for a cloud account: what changed, when, and what did it look like before?"),
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(code int) { panic(earlyExit(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(env),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return fail(env.Stderr, err)
	}
	refuseEmpty(parser.Model.Node)
	if len(args) > 0 && args[0] == completeWord {
		complete(ctx, parser.Model, args[1:], env)
		return exitOK
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(env.Stderr, "elava: %s\nRun elava --help for what there is.\n", printableLines(err.Error()))
		return exitUsage
	}
	return fail(env.Stderr, command.Run())
}

// earlyExit carries the code with which kong wants to end, after --help.
type earlyExit int

// fail prints an error, if there is one, and returns the code to exit with. An error may
// repeat what a server or the cloud said.
func fail(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(w, "elava: %s\n", printableLines(err.Error()))
	var usage *usageError
	var conf *config.Error
	if errors.As(err, &usage) || errors.As(err, &conf) {
		return exitUsage
	}
	return exitFailed
}

// untilSignal returns a context that ends at the first SIGINT or SIGTERM, after calling
// first. At the second one the process ends at once.
func untilSignal(ctx context.Context, first func()) (context.Context, context.CancelFunc) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-signals:
			first()
			cancel()
		case <-stop:
			return
		}
		select {
		case <-signals:
			os.Exit(exitFailed)
		case <-stop:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(stop)
		cancel()
	}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
