# Headwater: everything hangs off .venv, which `make setup` builds once and keeps up to date.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PROGRAMS := tests/embedded
# Three processes for what computes, and now and then waits; four for tests that mostly wait for programs they have started.
TESTS := $(BIN)/python -m pytest -n 3 --dist loadfile
PROGRAM_TESTS := $(BIN)/python -m pytest -n 4 --dist loadfile $(PROGRAMS)
STAMP := .venv/installed

.DEFAULT_GOAL := help
.PHONY: help setup up test check lint types quick-test docs test-page test-kafka faults bench soak clean

help: ## this text
	@echo "Headwater: clicks in, ranked and explained slates out."
	@echo
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo
	@echo "Options of the main job: make up ARGS='--for 60 --json'"

setup: $(STAMP) ## make .venv and install everything into it

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "needs Python 3.11 or newer: none found on the PATH"; exit 1; }
	@command -v g++ >/dev/null || command -v c++ >/dev/null || { echo "needs a C++ compiler: hnswlib is built from source"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --editable '.[evaluation]'
	touch $(STAMP)

up: setup ## run it: broker, worker, a catalogue, users, live in this terminal
	@$(BIN)/headwater up $(ARGS)

test: setup ## all tests that need no Kafka, thoroughly
	HYPOTHESIS_PROFILE=thorough $(TESTS)
	$(PROGRAM_TESTS)

check: setup ## format, lint, types, contracts, and the tests that start no programs
	@$(MAKE) --no-print-directory -j 3 quick-test types lint

quick-test: setup
	$(TESTS) -m "not data"

types: setup
	$(BIN)/mypy

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

docs: setup ## the documentation as a site, in var/site
	$(BIN)/python -m docs_reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

test-page: setup ## the live page in Chromium (Debian: apt install chromium)
	$(BIN)/python -m pytest tests/page

test-kafka: setup ## the tests against Apache Kafka (needs a JDK 17+ and Maven)
	$(BIN)/python -m benchmarks.apache_kafka fetch
	HEADWATER_REQUIRE_KAFKA=1 $(BIN)/python -m pytest tests/kafka tests/faults

faults: setup ## provoke failures on Apache Kafka and write docs/reliability.md
	$(BIN)/python -m benchmarks.apache_kafka fetch
	HEADWATER_RELIABILITY=docs/reliability.md HEADWATER_REQUIRE_KAFKA=1 $(BIN)/python -m pytest tests/faults

bench: setup ## measure on Apache Kafka and write docs/benchmarks.md
	$(BIN)/python -m benchmarks.apache_kafka fetch
	$(BIN)/python -m benchmarks

soak: setup ## half an hour of load with two restarts on Apache Kafka, and docs/soak.md
	$(BIN)/python -m benchmarks.apache_kafka fetch
	$(BIN)/python -m benchmarks.soak $(ARGS)

clean: ## remove .venv and local state
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
