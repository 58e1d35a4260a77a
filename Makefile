# What one types. `make` alone lists it. deploy/setup.sh installs what a target needs, and only what is missing.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo serve test soak pauses check bench ingest project rebuild retention verify overload growth clean

# Where cargo puts what it builds; a machine may set it for several projects at once.
TARGET := $(or $(CARGO_TARGET_DIR),target)
BENCHES := ingest project rebuild retention verify
BENCH = BENCH_PAYLOADS=$(abspath $(PAYLOADS)) cargo bench --locked --bench hooklake --
PAYLOADS := .tools/examples/node_modules/@octokit/webhooks-examples

help:
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

demo: ## start hooklake, send it real webhooks, show what it makes of them; Ctrl-C stops it
	@deploy/setup.sh demo
	@[[ -x $(TARGET)/debug/hooklake ]] || echo 'The first build compiles every dependency (DataFusion is most of it): minutes, once.'
	@cargo build --locked --bin hooklake
	@exec $(TARGET)/debug/hooklake demo --payloads $(PAYLOADS)

serve: ## start hooklake with your own settings
	@deploy/setup.sh base
	@cargo build --locked --bin hooklake
	@exec $(TARGET)/debug/hooklake serve

test: ## every test, with the real clients and tools they use
	deploy/setup.sh test
	cargo test --locked

soak: ## faults at random under load: make soak MINUTES=10 [SEED=7]
	MINUTES=$(or $(MINUTES),10) SEED=$(SEED) cargo test --locked --test it -- --ignored --nocapture --exact faults::soak::soak

pauses: ## instances that are stopped and go on, at random: make pauses MINUTES=10 [SEED=7]
	MINUTES=$(or $(MINUTES),10) SEED=$(SEED) cargo test --locked --test it -- --ignored --nocapture --exact instances::paused_owners_at_random

check: ## format, lints, docs, house rules, licences and origin of dependencies
	deploy/setup.sh check
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items
	cargo test --locked --test tidy
	.tools/bin/cargo-deny --locked check licenses bans sources

bench: ## what it takes in, how far consumers lag, how fast they are made anew, who waits for retention, how fast it verifies; or one: make bench project
	@deploy/setup.sh demo
	@echo 'The first build optimises every dependency: about twenty minutes on two cores, once.'
	for bench in $(or $(filter $(BENCHES),$(MAKECMDGOALS)),$(BENCHES)); do $(BENCH) $$bench; done

$(BENCHES): bench

overload: ## ten times as many senders as it is rated for; SECONDS=300
	@deploy/setup.sh demo
	$(BENCH) overload $(or $(SECONDS),300)

growth: ## what an event costs as the log grows; EVENTS=1000000
	@deploy/setup.sh demo
	$(BENCH) growth $(or $(EVENTS),1000000)

clean: ## remove what was built and fetched; ./data stays
	cargo clean
	rm -rf .tools
