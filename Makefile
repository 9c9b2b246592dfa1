# Every target prepares what it needs. The environment is rebuilt when a requirement file is newer than it.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: demo setup test check bench bench-large battery coverage mutate oracle fmt requirements sbom secrets chromium peers

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev
PORT ?= 8000
DATA ?= .consentry
# Two workers fit the smallest machine this is meant for; more processes only help where there are more cores.
TEST_WORKERS ?= 2
COVERAGE ?= 90
CASES ?= 20000
# detect-secrets ends with 3 when a known finding only moved to another line.
# Linters and scanners read the project, not its environment or its data.
ALL_FILES = find . -type f -not -path './.git/*' -not -path './$(VENV)/*' -not -path './.*cache/*' \
	-not -path './.hypothesis/*' -not -path './build/*' -not -path './htmlcov/*' -not -name 'bench-*.json' -not -path './$(DATA)/*' -not -path '*/__pycache__/*' -not -path './*.egg-info/*' \
	-not -name '.coverage*' -not -name 'requirements*.txt' -not -name .secrets.baseline -printf '%P\0'

demo: $(RUN_READY)
	$(BIN)/consentry serve --demo --port $(PORT) --data $(DATA)

setup: $(DEV_READY)

SEARCHES := tests/properties tests/oracle tests/policies tests/fuzz tests/crash
TRACES := .trace-cache
# Two runs, each with databases of its own: what attacks rows and kills processes leaves damage behind that others would meet.
test: $(DEV_READY) chromium peers
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile $(SEARCHES)
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile $(addprefix --ignore=,$(SEARCHES)) tests

# Which lines and branches the tests reach; what searches (properties, the oracle, mutants, fuzz, kills) asks much and often
# of the same lines and is left out.
coverage: $(DEV_READY) chromium peers
	rm -rf $(TRACES)
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile -p tests.tracing $(addprefix --ignore=,$(SEARCHES)) tests
	$(BIN)/python -m slipcover --skip-covered --fail-under $(COVERAGE) --out $(TRACES)/all.json --merge $(TRACES)/gw*.json

check: $(DEV_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/consentry policies check
	$(BIN)/consentry migrate --check
	$(BIN)/python -m tests.delivered.scan
	@echo detect-secrets over all files
	@cp .secrets.baseline $(VENV)/secrets.baseline
	@$(ALL_FILES) | xargs -0 sh -c '$(BIN)/detect-secrets-hook --no-verify --baseline $(VENV)/secrets.baseline "$$@" \
		>$(VENV)/secrets.txt; [ $$? = 0 -o $$? = 3 ] || { cat $(VENV)/secrets.txt; exit 1; }' sh

bench: $(DEV_READY)
	$(BIN)/python -m tests.bench

# P8 among ten million entries: a quarter of an hour beside other work, two thirds of it to write the entries.
bench-large: $(DEV_READY)
	$(BIN)/python -m tests.bench P8-large

# CASES situations judged by the service and, from the text of the rules, by the tests' own reading of the law.
oracle: $(DEV_READY)
	$(BIN)/python -m tests.oracle $(CASES) $(SEED)

# Takes every single condition out of every policy, or turns it round, and says which change no row of facts notices;
# then bends every rule of every instrument, and says which change no vector notices.
mutate: $(DEV_READY)
	$(BIN)/python -m tests.policies.mutation
	$(BIN)/python -m tests.unit.intake.mutation
	$(BIN)/python -m tests.unit.admission.placement.mutation

battery: $(DEV_READY) chromium peers
	CONSENTRY_BATTERY=1 $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile -m "battery or long" tests

# What the scanner takes for a secret and somebody has looked at: test passwords, published test vectors, error codes.
secrets: $(DEV_READY)
	$(ALL_FILES) | xargs -0 $(BIN)/detect-secrets scan --no-verify > .secrets.baseline

fmt: $(DEV_READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The pinned files name versions and hashes, and no registry.
requirements: $(DEV_READY)
	for each in requirements requirements-kms requirements-dev; do \
		$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
			--no-emit-index-url $$each.in -o $$each.txt || exit 1; \
	done
	$(MAKE) sbom

# What a deployment consists of, in CycloneDX; from the lock files. advisories.yaml says who looked at which version.
sbom: $(DEV_READY)
	$(BIN)/python -m tests.delivered.sbom > sbom.cdx.json

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Consentry needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		  apt-get update -q && apt-get install -yq python3-venv; } || \
		{ echo "Python cannot make virtual environments here; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN_READY): $(BIN)/python requirements.txt pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(DEV_READY): $(RUN_READY) requirements-dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# The tests of the pages drive a real browser.
chromium:
	@command -v chromium >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		  apt-get update -q && apt-get install -yq --no-install-recommends chromium; } || \
		{ echo "The tests of the pages need the chromium browser; on Debian: apt-get install chromium" >&2; exit 1; }

# What the service is tried against: a software security module, and Go for a verifier that was not written here. A test
# whose peer is not there says "not shown here"; the battery fails then.
peers:
	@for each in softhsm2-util:softhsm2 go:golang-go; do \
		command -v $${each%%:*} >/dev/null || \
			{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
			  apt-get update -q && apt-get install -yq --no-install-recommends $${each##*:}; } || \
			echo "not here: $${each%%:*}; on Debian: apt-get install $${each##*:}" >&2; \
	done
