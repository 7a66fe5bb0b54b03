# The two commands: `make demo` and `make test`. Both do all set-up themselves.

# One target directory for every checkout on a machine: the 480 crates under V8 are compiled once.
CARGO_TARGET_DIR ?= $(HOME)/.cache/rohas/target
export CARGO_TARGET_DIR
export CARGO_TERM_PROGRESS_WHEN ?= never

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench fmt

help: ## Lists the commands
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-6s  %s\n", $$1, $$2 }'

setup: ## Installs what is missing: system packages, V8, the example's npm and pip packages
	@scripts/setup.sh

demo: setup ## Starts the example and says what to try (the first build takes some minutes)
	cargo build --bin rohas --example shop
	@echo 'The example says what to try; Ctrl-C drains and stops it. The README has a tour of five minutes.'
	cargo run --quiet --example shop

# Examples and benches are built in the dev profile: V8's crates in release as well would not fit CI's time and disk.
# A numbers run is `make bench`.
test: setup ## Runs everything that CI runs
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo check --no-default-features
	cargo test
	cargo build --examples --benches
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --lib

bench: setup ## Measures against the peers, in the release profile (a long build)
	cargo bench

fmt: ## Formats the code
	cargo fmt
