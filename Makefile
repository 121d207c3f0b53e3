# make build      bin/linnet
# make pages      what `linnet serve` shows, for the binary (part of make build)
# make demo       a real release on this machine: one good version, one bad one
# make test       everything that must hold, what it needs included
# make test-kube  releases on a whole Kubernetes; the first time it builds one (a quarter of an hour)
# make bench      the figures of docs/benchmarks.md
# make stats      how good the judge is, on drawn releases: docs/statistics.md (minutes)
# make chaos      a hundred faults to three replicas and their database
# make fuzz       new random stories, and every fuzz target for FUZZTIME each
# make clean      what the others made

GO       ?= go
FUZZTIME ?= 5m
SEED     ?= 20261120
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
MODULE   := github.com/linnet-project/linnet
LDFLAGS  := -X $(MODULE)/app.Version=$(VERSION)

.DEFAULT_GOAL := build
.PHONY: build pages demo test test-kube setup format vet static vulnerabilities unit bench stats chaos fuzz clean
.PHONY: build demo test test-kube setup format vet static vulnerabilities unit unit-app unit-rest unit-testbed bench stats chaos fuzz clean

build: pages
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/linnet ./cmd/linnet

pages:
	@scripts/pages

# Options go into ARGS: make demo ARGS='--bad latency'
demo: build
	./bin/linnet demo $(ARGS)

# One step after the other, the quick ones first, also under make -j.
test:
	@for step in setup pages format vet static vulnerabilities unit; do \
		echo "== $$step"; $(MAKE) --no-print-directory $$step || exit 1; \
	done
	@echo "== all passed"

setup:
	@scripts/setup

format:
	@files=$$(gofmt -l .) && [ -z "$$files" ] || { echo "not formatted (run gofmt -w .): $$files"; exit 1; }

vet:
	$(GO) vet ./...

static:
	$(GO) tool staticcheck ./...

vulnerabilities:
	@scripts/vulnerabilities

# The seeds of the fuzz targets run as tests here, and the random stories of the
# properties are the same each time; `make fuzz` draws new ones. The stories of app,
# which real processes and a browser play in real time, have the machine to
# themselves; the rest and the test bed run side by side, since much of each is
# waiting.
unit:
	cd ui && npm run --silent test
	@$(MAKE) --no-print-directory unit-app
	@$(MAKE) --no-print-directory -j2 unit-rest unit-testbed

# vet has read all of it, here or in test-kube. SQLite, which is C turned into Go, is left out of
# the race detector: it has one user at a time, and would take thirty times as long.
RACE  := $(GO) test -race -vet=off -ldflags=-w -gcflags=modernc.org/...=-race=false -timeout 15m
# Without goroutines: little of it runs with the race detector, all without.
MATHS := engine exposure forecast judge stats

unit-app unit-rest unit-testbed: export RAPID_SEED = $(SEED)

unit-app:
	$(RACE) -parallel 4 ./app

unit-rest:
	@$(RACE) -p 3 -parallel 8 $(filter-out $(addprefix $(MODULE)/,app $(MATHS)),$(shell $(GO) list ./...))
	$(RACE) -short $(addprefix ./,$(MATHS))
	$(GO) test -timeout 5m $(addprefix ./,$(MATHS))
	$(GO) test -timeout 5m -run Killed ./run # at every point; with the race detector at every fifth

unit-testbed: # on a Kubernetes API server in the process
	cd testbed && $(RACE) -p 1 ./...

# The tests with the tag cluster, in a network of their own and without the race
# detector. One package after the other: a cluster keeps two cores busy.
test-kube: setup build
	scripts/testbed
	cd testbed && $(GO) vet -tags cluster ./...
	static=$$($(GO) tool -n staticcheck) && cd testbed && $$static -tags cluster ./...
	cd testbed && $(GO) test -tags cluster -exec $(CURDIR)/scripts/netns -p 1 -count=1 -timeout 15m -v \
		$$(grep -rl --include='*_test.go' '^//go:build cluster' . | xargs -n1 dirname | sort -u)
	cd testbed/istio && $(GO) test -exec $(CURDIR)/scripts/netns -count=1 -timeout 15m -v ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./...

stats:
	$(GO) run ./sim/measure -out docs

chaos:
	LINNET_CHAOS_FAULTS=100 $(GO) test -count=1 -v -timeout 20m -run TestChaos ./fleet/river

fuzz:
	RAPID_CHECKS=2000 RAPID_SEED=0 $(GO) test -timeout 10m -run 'Test' ./engine ./sim ./exposure ./judge ./metric/series ./spec ./traffic/proxy ./ingest/fold
	@scripts/fuzz $(FUZZTIME)

clean:
	rm -rf bin ui/node_modules ui/built/app
