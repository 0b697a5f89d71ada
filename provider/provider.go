// Package provider is the contract between the reconciler and a cloud: what there is
// to list, and how one scope of it is listed.
//
// A provider reads. It compares nothing, remembers no resource from one scan to the
// next, and never turns a failure into an empty list: a scope whose listing could not
// be read to the end returns an error, and what it handed on before is thrown away.
package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/elava-dev/elava/resource"
)

// Provider lists the resources of one cloud. Its methods are called by several
// goroutines at a time.
type Provider interface {
	// Name is the first part of every key: "aws", "demo".
	Name() string

	// Plan tells what is to be listed in the scan that begins now. An error means that
	// nothing can be listed at all (no credentials, for example) and is a failure of
	// every scope that was listed before.
	Plan(ctx context.Context) (*Plan, error)

	// List reads one scope of the plan to its last page and hands it on page by page.
	// It returns nil only if every page was read. An error of page ends the listing
	// and comes back unchanged. A resource whose details could not be read is handed
	// on with those parts in Unknown; that is no error of List.
	//
	// The page and its resources belong to the receiver once they are handed on.
	List(ctx context.Context, scope resource.Scope, page func([]resource.Resource) error) error

	// Schema returns the schema of a type's documents, and nil for unknown types.
	Schema(resourceType string) *resource.Schema
}

// Confirmer is a Provider whose lists may lack what is there, and which can be asked for
// resources one by one: lists of eventually consistent APIs come from copies of the truth
// that may be behind it.
type Confirmer interface {
	// Confirm asks for resources that a complete listing of their scope did not give, and
	// hands on those that are there after all, page by page as List does. Of types whose
	// lists are to be believed it hands on none. An error means that nothing is known of
	// any of them.
	Confirm(ctx context.Context, scope resource.Scope, missing []resource.Key, page func([]resource.Resource) error) error
}

// Comparer is a Provider that can spare calls where it is told whether a resource is still as it
// is recorded: an index that may be behind the truth is good enough to say that nothing changed.
type Comparer interface {
	// ListKnown is List. same reports whether a resource, complete as it is handed to it, is what
	// the last version of it says; it is false for what is not recorded. Several goroutines may
	// call it at a time, until ListKnown returns. It keeps nothing of the resource.
	ListKnown(ctx context.Context, scope resource.Scope, same func(*resource.Resource) bool, page func([]resource.Resource) error) error
}

// Plan is what one scan lists.
type Plan struct {
	// Scopes to list, each once, in the order in which to begin them.
	Scopes []resource.Scope

	// Failed are scopes that should be listed and cannot: their state is as if their
	// listing had failed.
	Failed []*ScopeError

	// Unreached are accounts of which not even the scopes can be told. All recorded scopes of
	// such an account that are neither in Scopes nor in Failed are as if their listing had
	// failed.
	Unreached []*AccountError

	// Notices are facts about the provider that users should see in the log and in
	// health, such as "demo: these resources are synthetic".
	Notices []string
}

// Reason classifies a failure, for users and for metrics.
type Reason string

// Reasons of failures. ReasonUnavailable is none: the service does not exist in that
// region, or the region is not enabled, so that there is nothing to list.
const (
	ReasonAccessDenied  Reason = "access_denied"
	ReasonThrottled     Reason = "throttled"
	ReasonTimeout       Reason = "timeout"
	ReasonNetwork       Reason = "network"
	ReasonBadAnswer     Reason = "bad_answer"
	ReasonCancelled     Reason = "cancelled"
	ReasonNoCredentials Reason = "no_credentials"
	ReasonUnavailable   Reason = "unavailable"
	ReasonOther         Reason = "error"
)

// Error is a failure with its class and, where there is one, the user's next step.
type Error struct {
	Reason Reason
	Hint   string // "grant the action ec2:DescribeInstances"; may be empty
	Err    error
	// Otherwise is what the failure is where the scope was listed before, for a Reason that
	// is presumed from what may pass: a host whose name is not known belongs to a service
	// that a region does not have, or to one whose name was not found just now. Nil where
	// the Reason is certain.
	Otherwise error
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + ": " + e.Hint
}

func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns the class of err: that of the Error in its chain, else what the
// standard library's errors tell.
func ReasonOf(err error) Reason {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Reason
	case errors.Is(err, context.DeadlineExceeded):
		return ReasonTimeout
	case errors.Is(err, context.Canceled):
		return ReasonCancelled
	default:
		return ReasonOther
	}
}

// ScopeError is the failure of one scope.
type ScopeError struct {
	Scope resource.Scope
	Err   error
}

func (e *ScopeError) Error() string { return fmt.Sprintf("listing %s: %v", e.Scope, e.Err) }

func (e *ScopeError) Unwrap() error { return e.Err }

// AccountError is the failure of an account as a whole.
type AccountError struct {
	Account string // empty: every account that has no scope in the plan
	Err     error
}

func (e *AccountError) Error() string {
	if e.Account == "" {
		return fmt.Sprintf("finding the accounts: %v", e.Err)
	}
	return fmt.Sprintf("entering account %s: %v", e.Account, e.Err)
}

func (e *AccountError) Unwrap() error { return e.Err }
