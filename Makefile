# What a developer runs. `make help` lists the targets.

GO        ?= go
TESTFLAGS ?=
# Where moto_server is not on PATH, a virtual environment of the project's own holds it.
MOTO      ?= moto[server]==5.2.1
GOLANGCI  ?= v2.15.0
VENV      := $(CURDIR)/.venv
export PATH := $(PATH):$(VENV)/bin

.PHONY: help build test short bench lint torture mutants clean moto

help: ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

build: ## Build bin/elava.
	$(GO) build -trimpath -o bin/elava ./cmd/elava

test: moto ## Run every test, those against a real AWS API server (moto) included.
	CGO_ENABLED=0 $(GO) vet -trimpath ./... # as releases are built, which deploy's tests do
	$(GO) test -race -timeout 25m $(TESTFLAGS) ./...

short: ## Run the tests that need neither moto nor the built binary.
	$(GO) test -race -short $(TESTFLAGS) ./resource/... ./change/... ./storage/... ./provider/demo/... ./provider/providertest/... ./observer/... ./api/... ./internal/...

bench: ## Run the benchmarks; docs/benchmarks.md has figures and how to read them.
	$(GO) test -run '^$$' -bench . -benchmem -timeout 90m ./bench/... ./storage/badger

torture: moto ## Run the random tests for long, 1,000 kills, and scans of minutes that are throttled; ELAVA_TORTURE=1h sets how long.
	ELAVA_TORTURE=$${ELAVA_TORTURE:-10m} $(GO) test -race -timeout 0 -run 'Random|Kill' -v ./storage/... ./faults/...
	ELAVA_TORTURE=$${ELAVA_TORTURE:-10m} $(GO) test -race -timeout 0 -run Throttle -v ./e2e

mutants: moto ## Turn every invariant off, one at a time, and see tests fail; writes the table in docs/testing.md.
	$(GO) run ./mutants $(MUTANTS)

lint: ## Run golangci-lint, which go builds when it is first used.
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI) run

moto:
	@command -v moto_server >/dev/null || { \
		echo "moto_server is not on PATH: installing it into $(VENV)"; \
		python3 -m venv $(VENV) && $(VENV)/bin/pip install --quiet '$(MOTO)'; }

clean: ## Remove what make built.
	rm -rf bin $(VENV)
