.DEFAULT_GOAL := help
.PHONY: help setup test lint bench build

BENCH ?= .
BENCHTIME ?= 1x

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install or start what the tests use beyond Go, or say how
	@scripts/setup

test: setup ## set up, then run every test with the race detector
	go test -race ./...

lint: ## run golangci-lint, built once when it is missing
	@scripts/lint

bench: ## run the benchmarks (BENCH=name BENCHTIME=1x)
	go test -run '^$$' -bench '$(BENCH)' -benchtime '$(BENCHTIME)' -benchmem ./...

build: ## build the commands into bin/
	go build -trimpath -o bin/ ./cmd/...
