# Everything here works from a fresh clone with Python 3.11+, git and make: each target first builds the
# environment it needs in .venv, from the lock file, and a second run finds it ready.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := build/tools
# More arguments for pytest and for `klpdsl check`: make test PYTEST_ARGS='-k fmt -n 0'
PYTEST_ARGS ?=
CHECK_ARGS ?=
# For `make bench`: which benchmarks.
BENCH_ARGS ?=
# For `make kernel-test`: which kernels, and more arguments for `klpdsl kernel confirm`.
KERNELS ?= 6.1 6.12
CONFIRM_ARGS ?=

# A worker that has nothing left to do takes from the others: tests that take long stand next to one another.
PYTEST = $(BIN)/python -m pytest -n auto --dist worksteal
PIP_FLAGS := --quiet --disable-pip-version-check
UV_COMPILE := $(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

# Somebody's PYTHONPATH must not decide which klpdsl is checked.
unexport PYTHONPATH
unexport PYTHONHOME
# The tests start hundreds of processes; each starts twice as fast where byte code is kept.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help check verified test test-all test-thorough lint types format docs separators distances bench build lock changelog clean
.DELETE_ON_ERROR:

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target what; do printf '%-18s %s\n' "$$target" "$$what"; done

check: $(VENV)/installed ## Run all of scenarios/ on every engine and compare with the goldens
	$(BIN)/klpdsl check $(CHECK_ARGS)

verified: $(VENV)/installed ## Judge the claims of scenarios/ in every order and compare with the kept verdicts
	$(BIN)/klpdsl verify --kept

test: $(VENV)/installed ## Run the tests, without the slow ones
	$(PYTEST) $(PYTEST_ARGS)

test-all: $(VENV)/installed ## Run the tests, the slow ones too
	$(PYTEST) -m "slow or not slow" $(PYTEST_ARGS)

test-thorough: $(VENV)/installed ## Run all tests and leave nothing out, for hours: each failing call, 10,000 inputs
	KLPDSL_THOROUGH=1 $(PYTEST) -m "slow or not slow" $(PYTEST_ARGS)

lint: $(VENV)/installed ## Check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/installed ## Check the types, strictly
	$(BIN)/mypy

format: $(VENV)/installed ## Mend what the linter can mend, and format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/installed ## Bring the documents that are made from data up to date
	$(BIN)/python -m klpdsl.semantics.fidelity docs/fidelity.md
	$(BIN)/python -m klpdsl.goldens.reporting.proposals_page docs/proposals.md
	$(BIN)/klpdsl kernel evidence > docs/confirmed.md
	$(BIN)/python -m klpdsl.view.document docs/pictures.md docs/separate.md

separators: $(VENV)/installed ## Search anew for the shortest scenario of each change and axis value (a quarter of an hour)
	$(BIN)/python -m klpdsl.separate.shortest klpdsl/separate/data/shortest.toml

distances: $(VENV)/installed ## Search anew for how far every two proposals, and every two releases, are apart (ten minutes)
	$(BIN)/python -m klpdsl.separate.measuring klpdsl/semantics/data/distances.toml 2

kernel-test: $(VENV)/installed ## Play all scenarios on Debian's kernels, in qemu (docs/real-kernel.md)
	@for kernel in $(KERNELS); do \
		$(BIN)/klpdsl kernel list | grep -q "^$$kernel " || $(BIN)/klpdsl kernel fetch $$kernel || exit; done
	$(BIN)/klpdsl kernel confirm $(KERNELS:%=--kernel %) $(CONFIRM_ARGS)

bench: $(VENV)/installed ## Run the benchmarks (AGAINST=REVISION: and those of that revision, in turn)
	$(BIN)/python -m benchmarks $(if $(AGAINST),--against $(AGAINST)) $(BENCH_ARGS)

build: $(VENV)/installed ## Build the sdist, and from it the wheel, into dist/
	$(BIN)/python -m build --no-isolation

lock: $(TOOLS)/installed ## Bring the lock files up to pyproject.toml (UPGRADE=1: and to the newest releases)
	$(UV_COMPILE) $(if $(UPGRADE),--upgrade) --group tools -o requirements/tools.lock
	$(UV_COMPILE) $(if $(UPGRADE),--upgrade) --group dev -o requirements/dev.lock pyproject.toml
	$(UV_COMPILE) --constraint requirements/dev.lock -o requirements/runtime.lock pyproject.toml
	$(UV_COMPILE) --resolution lowest-direct --group test -o requirements/lowest.lock pyproject.toml

changelog: $(TOOLS)/installed ## Gather changelog.d/ into CHANGELOG.md: make changelog VERSION=1.2.3
	@test -n "$(VERSION)" || { echo "make changelog: say which version: make changelog VERSION=1.2.3" >&2; exit 2; }
	$(TOOLS)/bin/towncrier build --yes --version $(VERSION)

clean: ## Remove everything that git does not track and make has built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps: a changed lock file means a new environment, a changed pyproject.toml only a new link to this tree.
$(VENV)/locked: requirements/dev.lock
	@echo "== $(VENV): installing from $< =="
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "klpdsl needs Python 3.11 or newer; choose one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes -r $<
	@touch $@

$(VENV)/installed: $(VENV)/locked pyproject.toml
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e .
	@touch $@

$(TOOLS)/installed: requirements/tools.lock
	@$(PYTHON) -m venv --clear $(TOOLS)
	@$(TOOLS)/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r $<
	@touch $@
