# What a developer runs. `make help` lists the targets.

GO        ?= go
TESTFLAGS ?=
# Where moto_server is not on PATH, a virtual environment of the project's own holds it.
MOTO      ?= moto[server]==5.2.1
GOLANGCI  ?= v2.15.0
VENV      := $(CURDIR)/.venv
# The vulnerability database: the module that it is kept in, or the address of one such as
# https://vuln.go.dev, which has the news first.
VULNDB    ?= golang.org/x/vulndb@latest
# What users get is built with the Go that go.mod names, which has the newest mends: go fetches
# it as it does a module. Tests take the Go that is installed.
TOOLCHAIN ?= $(shell sed -n 's/^toolchain //p' go.mod)
PLATFORMS ?= linux/amd64,linux/arm64,darwin/amd64,darwin/arm64
export PATH := $(PATH):$(VENV)/bin

.PHONY: help build test tools short bench lint torture drills mutants manifests licences release audit clean moto

help: ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

build: ## Build bin/elava.
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/elava ./cmd/elava

test: moto ## Run every test, those against a real AWS API server (moto) included.
	CGO_ENABLED=0 $(GO) vet -trimpath ./... # as releases are built, which deploy's tests do
	$(GO) test -race -timeout 25m $(TESTFLAGS) ./...
	$(MAKE) tools

tools: ## Run the tests of chart, compose file, releases and licences, which are a module of their own.
	cd tools && $(GO) vet ./...
	cd tools && $(GO) test -count=1 -timeout 25m $(TESTFLAGS) ./... # what they test is outside of their module: no cache knows of it

short: ## Run the tests that need neither moto nor the built binary.
	$(GO) test -race -short $(TESTFLAGS) ./resource/... ./change/... ./storage/... ./provider/demo/... ./provider/providertest/... ./observer/... ./api/... ./internal/...

bench: ## Run the benchmarks; docs/benchmarks.md has figures and how to read them.
	$(GO) test -run '^$$' -bench . -benchmem -timeout 120m ./bench/... ./storage/badger ./e2e

torture: moto ## Run the random tests for long, 1,000 kills, and scans of minutes that are throttled; ELAVA_TORTURE=1h sets how long.
	ELAVA_TORTURE=$${ELAVA_TORTURE:-10m} $(GO) test -race -timeout 0 -run 'Random|Kill' -v ./storage/... ./faults/...
	ELAVA_TORTURE=$${ELAVA_TORTURE:-10m} $(GO) test -race -timeout 0 -run Throttle -v ./e2e

drills: moto ## Run all failure drills in full length (about an hour, as root); writes docs/drills.md.
	ELAVA_DRILLS=full $(GO) test -timeout 3h -parallel 30 -count 1 -v -run '$(DRILLS)' ./drills

mutants: moto ## Turn every invariant off, one at a time, and see tests fail; writes the table in docs/testing.md.
	$(GO) run ./mutants $(MUTANTS)

lint: ## Run golangci-lint, which go builds when it is first used.
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI) run

manifests: ## Render deploy/kubernetes from the chart.
	cd tools && $(GO) test -count=1 ./chart -run Manifests -args -update

licences: ## Write docs/licences.md: what the program is linked from.
	cd tools && $(GO) test -count=1 ./licences -run Page -args -update

release audit: export GOTOOLCHAIN := $(TOOLCHAIN)

release: ## Build archives, bills of materials and checksums into dist; docs/releasing.md says more.
	cd tools && $(GO) run ./release -platforms $(PLATFORMS)

audit: build ## Look for known vulnerabilities in what bin/elava is linked from.
	cd tools && $(GO) build -o ../bin/govulncheck golang.org/x/vuln/cmd/govulncheck
	db='$(VULNDB)'; case $$db in *://*) ;; *) \
		db=file://$$(cd / && $(GO) mod download -json $$db | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/data/osv ;; esac; \
	bin/govulncheck -db "$$db" -mode binary bin/elava

moto:
	@command -v moto_server >/dev/null || { \
		echo "moto_server is not on PATH: installing it into $(VENV)"; \
		python3 -m venv $(VENV) && $(VENV)/bin/pip install --quiet '$(MOTO)'; }

clean: ## Remove what make built.
	rm -rf bin dist $(VENV)
