# The commands of this project. `make` prints them; each installs what it is missing and says nothing otherwise.
# ARGS="..." is handed to the program behind run, test and bench.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build dist test soak lint bench install-deps

ARGS ?=
SEQUENCES ?= 5000
KILLS ?= 200
FUZZ ?= 60
SEED ?=
BENCH ?= *
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)

help: ## print this list
	@echo 'make <command>, with ARGS="..." for what run, test and bench start'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: ## build, and start the simulator on https://127.0.0.1:8443
	@scripts/install-deps.sh run
	@cargo build --locked --release
	@exec $(TARGET_DIR)/release/strongroom serve --dev $(ARGS)

build: ## build the optimized program
	@scripts/install-deps.sh build
	cargo build --locked --release

dist: ## build what is handed out: the stripped program, its debug file, manual pages, a Debian package
	@scripts/install-deps.sh dist
	cargo build --locked --release
	scripts/package.sh $(TARGET_DIR)/release/strongroom $(TARGET_DIR)/dist

# The documentation's examples go first: they are few, and the summary of the rest is what one wants to read last.
test: ## run all tests, or those that ARGS names
	@scripts/install-deps.sh test
	cargo test --locked --doc --quiet
	cargo nextest run --locked $(ARGS)

# Far beyond what fits in `test`; never part of continuous integration.
soak: ## run the long tests: SEQUENCES=5000 of calls, KILLS=200 of the server, FUZZ=60 seconds; SEED=... runs one again
	@scripts/install-deps.sh soak
	scripts/fuzz.sh $(FUZZ)
	STRONGROOM_SOAK_SEQUENCES=$(SEQUENCES) STRONGROOM_SOAK_KILLS=$(KILLS) \
		$(if $(SEED),STRONGROOM_SOAK_SEED=$(SEED)) cargo nextest run --locked --profile soak --test service \
		-E 'test(/^model::/) | test(=crash::acknowledged_changes_survive_any_crash)' $(ARGS)

lint: ## check format, lints, dependencies and protocol
	@scripts/install-deps.sh lint
	cargo fmt --all --check
	cargo fmt --manifest-path tests/clients/rust/Cargo.toml --check
	cargo clippy --locked --all-targets -- -D warnings
	scripts/deny.sh
	scripts/proto-lint.sh

bench: ## run the benchmarks, or that one which BENCH names: throughput, retention
	@scripts/install-deps.sh run
	cargo bench --locked --bench '$(BENCH)' -- $(ARGS)

install-deps: ## install all that the other commands need, and nothing else
	@for what in run test lint; do scripts/install-deps.sh $$what; done
