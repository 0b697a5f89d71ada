package daemon

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"github.com/elava-dev/elava/provider"
)

// failing are the failures that the last iteration ended with. A permission that is missing
// fails in the same way at every scan, for years: it is a warning when it begins and when its
// reason changes, and not once more in between, where scopes, health and metrics tell of it.
// Its methods are for one goroutine at a time.
type failing map[string]provider.Reason

// tell logs what failed, and what does not any more. What could not be tried is not known to be
// well again: after a scan of which nothing could be listed, recovered must be false.
func (f *failing) tell(ctx context.Context, log *slog.Logger, failures []error, recovered bool) {
	now := failing{}
	for _, err := range failures {
		what, reason := failed(err), provider.ReasonOf(err)
		now[what] = reason
		level := slog.LevelWarn
		if (*f)[what] == reason {
			level = slog.LevelDebug
		}
		log.Log(ctx, level, "Scope not listed completely, its last known state is kept", "error", err)
	}
	for _, what := range slices.Sorted(maps.Keys(*f)) {
		if _, still := now[what]; still {
			continue
		}
		if !recovered {
			now[what] = (*f)[what]
			continue
		}
		log.InfoContext(ctx, "Does not fail any more", "what", what)
	}
	*f = now
}

// failed says what a failure is of.
func failed(err error) string {
	if scope, ok := errors.AsType[*provider.ScopeError](err); ok {
		return scope.Scope.String()
	}
	if account, ok := errors.AsType[*provider.AccountError](err); ok {
		return "account " + cmp.Or(account.Account, "(any)")
	}
	return err.Error()
}
