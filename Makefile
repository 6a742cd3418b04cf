# One target per thing a person wants; what CI runs is `make test`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Outside the clone, so that every clone shares the ten minutes that RocksDB takes to compile.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/user-info/target

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: ## Install what building needs and is missing
	@tools/setup build

.PHONY: setup-test
setup-test: ## Install what the tests need besides: Java, Maven, Kafka, Redis, PostgreSQL, curl, Python and its clients, Chromium, axe-core
	@tools/setup test

.PHONY: demo
demo: setup ## Everything in one process, no broker; ARGS="--duration 30s" are passed on
	@tools/claim-target release
	@cargo run --release --locked -p user-info -- demo $(ARGS)

.PHONY: test
test: setup-test ## What CI runs; STEPS="fmt user-info-core" runs only these
	@tools/test $(STEPS)

.PHONY: soak
soak: setup-test ## The same tests, with the randomized ones running for long
	@USER_INFO_SOAK=1 tools/test $(STEPS)

.PHONY: bench
bench: setup-test ## How fast the stores apply, answer and open, with a million users: RocksDB beside Redis; and what pages take
	@tools/claim-target release
	@cargo bench --locked -p user-info-store -p user-info-bench

.PHONY: measure
measure: setup-test ## The service beside the other designs, with a report; hours. ARGS="run read-latency --users 100000" for less
	@tools/claim-target release
	@cargo build --release --locked --workspace --bins
	@"$(CARGO_TARGET_DIR)/release/user-info-measure" $(or $(ARGS),all)

.PHONY: fmt
fmt: ## Format the sources
	@cargo fmt --all

.PHONY: clean-cache
clean-cache: ## Remove what building and testing left in ~/.cache/user-info
	@tools/redis-cluster stop
	@rm -rf "$(HOME)/.cache/user-info"
