.DEFAULT_GOAL := help
.PHONY: help setup test lint bench chaos build

BENCH ?= .
BENCHTIME ?= 1x
CHAOS_SEED ?= 1
CHAOS_MINUTES ?= 15

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install or start what the tests use beyond Go, or say how
	@scripts/setup

# A process that ends waits a second for races of what is still under way: there are hundreds of them.
test: export GORACE = atexit_sleep_ms=100
# The packages that take longest are begun first, else the others are done, and a
# core idle, while they go on; the one that measures time once the most is compiled.
test: setup ## set up, then run every test with the race detector
	go test -race -parallel 4 -timeout 60m ./cmd/worker ./cmd/enqueue ./internal/app ./...

lint: ## run golangci-lint, built once when it is missing
	@scripts/lint

bench: ## run the benchmarks (BENCH=name BENCHTIME=1x)
	go test -run '^$$' -bench '$(BENCH)' -benchtime '$(BENCHTIME)' -benchmem ./...

chaos: setup ## kill and cut what jobs run on, count what was paid for, write docs/chaos.md (CHAOS_SEED=1 CHAOS_MINUTES=15)
	CHAOS_SEED=$(CHAOS_SEED) CHAOS_MINUTES=$(CHAOS_MINUTES) CHAOS_REPORT=$(CURDIR)/docs/chaos.md \
		go test -count=1 -timeout 30m -v -run '^TestChaos$$' ./chaos

build: ## build the commands into bin/
	go build -trimpath -o bin/ ./cmd/...
