# k3slog: everything a user, a developer and CI run. `make help` lists the targets.

VENV    ?= .venv
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock
DEMO    ?= sample_logs/slow-rbac-one-core.short.txt
DEMO_DIR := demo
JOBS    ?= 2
PYTEST  := $(BIN)/pytest -n $(JOBS) --dist worksteal

# One stamp per set of extras: a second run installs nothing unless the lock or pyproject.toml changed.
INPUTS  := pyproject.toml requirements.lock
RUN     := $(VENV)/.run-stamp
DEV     := $(VENV)/.dev-stamp
BROWSER := $(VENV)/.browser-stamp
BOOK    := $(VENV)/.notebook-stamp
CLUSTER := $(VENV)/.cluster-stamp

# Containers set this. Each of the tests' processes would compile the package anew: a tenth of the time of `make test`.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo install wheel test check format test-browser test-notebooks test-cluster test-slow fuzz bench lock vendor-plotly gold samples pictures docs mutants cov clean

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z][a-z-]*:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- environments ---------------------------------------------------------------------------------------------------

$(BIN)/python:
	@sh tools/bootstrap $(VENV)

$(RUN): $(INPUTS) | $(BIN)/python
	@echo "installing k3slog into $(VENV)" >&2
	@$(PIP) -e '.[fast,rules]' && touch $@

$(DEV): $(RUN)
	@echo "installing what the tests and checks need into $(VENV)" >&2
	@$(PIP) -e '.[dev,fast,rules,parquet,zstd]' && touch $@

$(BROWSER): $(DEV)
	@$(PIP) -e '.[dev,browser]' && touch $@

$(BOOK): $(DEV)
	@$(PIP) -e '.[dev,notebook]' && touch $@

$(CLUSTER): $(DEV)
	@$(PIP) -e '.[dev,cluster]' && touch $@

install: $(RUN) ## Make .venv and install k3slog and its locked dependencies into it

# --- use it ---------------------------------------------------------------------------------------------------------

demo: $(RUN) ## Analyse a sample log: print the report, write an HTML page into demo/
	@mkdir -p $(DEMO_DIR)
	@$(BIN)/k3slog analyze $(DEMO) --force --html $(DEMO_DIR)/$(basename $(basename $(notdir $(DEMO)))).html

wheel: $(BIN)/python ## Build the wheel into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --disable-pip-version-check -w dist .

# --- prove it -------------------------------------------------------------------------------------------------------

test: $(DEV) ## Run the tests (no browser, no notebooks; some minutes); make cov runs more of them
	@$(PYTEST)

check: $(DEV) ## Lint, format, spelling, types and import contracts: what CI demands
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/codespell
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(DEV) ## Let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

test-browser: $(BROWSER) ## Run the HTML tests in a real Chromium (installs Debian's when root and missing)
	@sh tools/bootstrap-chromium
	@$(BIN)/pytest -m browser

test-notebooks: $(BOOK) ## Execute the notebooks from a clean kernel
	@$(BIN)/pytest -m notebook

test-cluster: $(CLUSTER) ## Run the tests that need Dask or an S3 server, both on loopback
	@$(BIN)/pytest -m cluster

test-slow: $(DEV) ## Run the long suites: more generated journals, statistical coverage
	@$(PYTEST) -m slow

fuzz: $(DEV) ## Feed mutants of lines and files to the readers: MINUTES=5 or RUNS=1000000, KIND=lines,zip SEED=1 JOBS=2
	@$(BIN)/python -m tests.fuzz.fuzz_drive --kind $(or $(KIND),all) --minutes $(or $(MINUTES),0) --runs $(or $(RUNS),0) \
		--seed $(or $(SEED),1) --jobs $(JOBS)

cov: $(DEV) ## Run the tests, long ones too, and measure line and branch coverage; fails below the floor in pyproject.toml
	@$(PYTEST) -m 'not slow and not browser and not notebook and not cluster' --cov --cov-report=term:skip-covered

mutants: $(DEV) ## Put small mistakes into the program: do the tests notice? COUNT=120 SEED=1 JOBS=2
	@$(BIN)/python tools/mutants.py --count $(or $(COUNT),120) --seed $(or $(SEED),1) --jobs $(JOBS)

bench: $(DEV) ## Time the command line; prints figures, judges nothing
	@$(BIN)/python benchmarks/cli.py

# --- refresh what is kept in the tree -------------------------------------------------------------------------------

lock: ## Write requirements.lock anew from pyproject.toml
	@sh tools/lock.sh

vendor-plotly: $(RUN) ## Fetch plotly.js for the HTML page from npm
	@$(BIN)/python tools/refresh_plotly.py

gold: $(DEV) ## Write the reports that tests/reports/test_gold.py compares with anew
	@K3SLOG_UPDATE_GOLD=1 $(BIN)/pytest -m 'not browser' tests/reports/test_gold.py

samples: $(RUN) ## Write the generated sample logs anew
	@$(BIN)/python -m analyzer.testing.samples

pictures: $(BROWSER) $(BOOK) ## Write the pictures of the README anew with a real Chromium
	@sh tools/bootstrap-chromium
	@$(BIN)/python tools/pictures.py

docs: $(RUN) ## Write the generated parts of docs/ anew
	@$(BIN)/python -m analyzer.frames >docs/frames.md.new && mv docs/frames.md.new docs/frames.md
	@$(BIN)/python -m analyzer.collection.tables >docs/fleet-tables.md.new && mv docs/fleet-tables.md.new docs/fleet-tables.md
	@$(BIN)/python tools/refresh_readme.py

clean: ## Remove what the other targets made (not the environment)
	@rm -rf $(DEMO_DIR) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find analyzer tests benchmarks tools -name __pycache__ -type d -prune -exec rm -rf {} +
