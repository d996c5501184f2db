# The commands of this project. `make` lists them; each silently checks for, or installs, its dependencies.
# ARGS="..." is passed to the program that run, test and bench start.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build dist test instructions soak lint bench install-deps

ARGS ?=
SEQUENCES ?= 5000
KILLS ?= 200
WORKER_KILLS ?= 1000
WORKER_STARTS ?= 25
KEYS ?= 5000
FUZZ ?= 60
FAULTS ?= 1200
SEED ?=
BENCH ?= throughput retention backup
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

dist: ## build the release files: the stripped program, its debug file, manual pages, the faults module, a Debian package
	@scripts/install-deps.sh dist
	cargo build --locked --release --package strongroom --package strongroom-faults
	scripts/package.sh $(TARGET_DIR)/release/strongroom $(TARGET_DIR)/dist

# Documentation tests run first: they are few, and the summary of the others is more useful at the end. Tests wait about half
# of their time, so two run per processor. Tests of the store run on SQLite, and on a throw-away server of PostgreSQL; so do, if ARGS
# is empty, the tests of the service that the profile `postgres` of nextest selects.
test: ## run all tests, or those that ARGS selects
	@scripts/install-deps.sh test
	cargo test --locked --workspace --doc --quiet
	STRONGROOM_REQUIRE_POSTGRES=1 NEXTEST_TEST_THREADS=$${NEXTEST_TEST_THREADS:-$$((2 * $$(nproc)))} \
		scripts/postgres.sh run cargo nextest run --locked --workspace $(ARGS)
	@scripts/slowest-tests.sh
	$(if $(ARGS),,STRONGROOM_TEST_STORE=postgres NEXTEST_TEST_THREADS=$${NEXTEST_TEST_THREADS:-$$((2 * $$(nproc)))} \
		scripts/postgres.sh run cargo nextest run --locked --workspace --profile postgres)

# The limits are those of a debug build, which `test` has compiled.
instructions: ## count the instructions of a signature, and compare them with their limits
	@scripts/install-deps.sh instructions
	cargo bench --locked --workspace --profile dev --bench instructions -- $(ARGS)

# Takes too long for `test`, and is not part of continuous integration.
soak: ## run the long tests: SEQUENCES=5000 of calls, KILLS=200, WORKER_KILLS=1000, KEYS=5000 in a backup, FUZZ=60 seconds, FAULTS=1200 seconds; SEED=... reproduces one
	@scripts/install-deps.sh soak
	scripts/fuzz.sh $(FUZZ)
	STRONGROOM_SOAK_SEQUENCES=$(SEQUENCES) STRONGROOM_SOAK_KILLS=$(KILLS) STRONGROOM_SOAK_KEYS=$(KEYS) \
		$(if $(SEED),STRONGROOM_SOAK_SEED=$(SEED)) cargo nextest run --locked --profile soak --test service \
		-E 'test(/^model::/) | test(=crash::acknowledged_changes_survive_any_crash) | test(/^long::many_keys/)' $(ARGS)
	scripts/postgres.sh run cargo nextest run --locked --profile soak --test service -E 'test(/^gateway::instances::/)' $(ARGS)
	STRONGROOM_SOAK_WORKER_KILLS=$(WORKER_KILLS) STRONGROOM_SOAK_WORKER_STARTS=$(WORKER_STARTS) \
		cargo nextest run --locked --profile soak --test token_processes -E 'test(/^workers::.*killed/)' $(ARGS)
	STRONGROOM_SOAK_SECONDS=$(FAULTS) $(if $(SEED),STRONGROOM_SOAK_SEED=$(SEED)) \
		cargo nextest run --locked --profile soak --workspace -E 'test(/^soak::/)' $(ARGS)

lint: ## check format, lints, dependencies, protocol and the built console
	@scripts/install-deps.sh lint
	cargo fmt --all --check
	cargo fmt --manifest-path tests/clients/rust/Cargo.toml --check
	cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items --quiet
	scripts/deny.sh
	scripts/proto-lint.sh
	scripts/console-build.sh

bench: ## run the benchmarks of time, or the one that BENCH names: throughput, retention, backup
	@scripts/install-deps.sh run
	cargo bench --locked $(BENCH:%=--bench %) -- $(ARGS)

install-deps: ## install the dependencies of the other commands only
	@for what in run test instructions lint; do scripts/install-deps.sh $$what; done
