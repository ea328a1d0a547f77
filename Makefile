# Two commands matter: `make demo` shows the tool at work, `make test` proves it. Both start from nothing but
# Python 3.11 or newer, make and a package index; what they need goes into .venv.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
# Processes that run tests: one more than two cores, since tests also wait.
JOBS ?= 3

# The first interpreter that is new enough and can make environments; `make PYTHON=/path/to/python3.12 …` overrides.
FITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$each" -c "$(FITS)" >/dev/null 2>&1 && command -v "$$each" && exit; done)

.PHONY: help demo test coverage lint prove bench schema lock lowest dist docs expect pictures clean

# Both locks hold for every system and for Python 3.11 and newer.
COMPILE := UV_CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links
# What is run with the lowest versions: every dependency in use, over the command line.
LOWEST ?= tests/cli/test_usage.py tests/cli/test_csv_sources.py tests/cli/test_outputs.py tests/cli/test_links.py \
	tests/cli/test_ledger_commands.py tests/emulator/test_serving.py tests/scenarios

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed ## Watch it work: emulator, validate, plan, apply, and an empty plan after it.
	@$(BIN)/python examples/demo.py

test: lint ## Check style, types and layers, and run every test.
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

coverage: $(VENV)/.developed ## Run every test measured, twice as long; at least 95 % of lines and branches.
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n $(JOBS) --dist worksteal
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

lint: $(VENV)/.developed ## Style, format, types, import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases docs
	$(BIN)/mypy integrations/github
	$(BIN)/mypy integrations/gitlab
	$(BIN)/lint-imports --no-cache

prove: coverage ## The long way: coverage, more examples for every property, whole matrices, mutations. Takes hours.
	HYPOTHESIS_PROFILE=prove RECONCILER_PROVE=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal
	$(BIN)/python -m tests.mutation --jobs $(JOBS) --least 85 $(MUTATION)

bench: $(VENV)/.installed ## Measure calls, time, memory and start-up against floors of the same run.
	$(BIN)/python -m tests.bench $(BENCH)

schema: $(VENV)/.installed ## Write the JSON Schemas in schema/ anew.
	@mkdir -p schema
	$(BIN)/reconciler schema files > schema/reconciler.schema.json
	$(BIN)/reconciler schema settings > schema/settings.schema.json
	$(BIN)/reconciler schema fleet > schema/fleet.schema.json
	$(BIN)/reconciler schema plan > schema/plan.schema.json
	$(BIN)/reconciler schema report > schema/report.schema.json
	$(BIN)/reconciler schema fleet-report > schema/fleet-report.schema.json
	$(BIN)/reconciler schema event > schema/event.schema.json
	$(BIN)/reconciler schema notification > schema/notification.schema.json
	$(BIN)/reconciler schema catalog > schema/catalog.json

lock: $(VENV)/.developed ## Write requirements.lock and requirements-dev.lock again: the newest versions, with hashes.
	$(BIN)/python -c 'import tomllib; \
		print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(COMPILE) --upgrade --extra postgresql --extra metrics -o requirements.lock pyproject.toml -
	$(COMPILE) --upgrade --all-extras --constraint requirements.lock -o requirements-dev.lock pyproject.toml

lowest: $(VENV)/.developed ## Run tests with the lowest versions that pyproject.toml admits, in .venv/lowest.
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/lowest
	$(BIN)/uv pip compile --quiet --no-annotate --resolution lowest-direct --extra emulator --extra postgresql \
		--extra metrics -o $(VENV)/lowest/versions.txt pyproject.toml
	$(BIN)/uv pip install --quiet --python $(VENV)/lowest/bin/python -r $(VENV)/lowest/versions.txt \
		$$(grep -ohE '^(pytest|pytest-xdist|hypothesis|requests-mock|cmarkgfm|pyte|packaging)==[^ ]+' requirements-dev.lock)
	$(BIN)/uv pip install --quiet --python $(VENV)/lowest/bin/python --no-deps -e .
	$(VENV)/lowest/bin/python -m pytest -n $(JOBS) $(LOWEST)

dist: $(VENV)/.developed ## Build the wheel, the source archive and the bill of materials (CycloneDX) in dist/.
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json requirements.lock

docs: $(VENV)/.developed ## Write docs/reference anew, and what the pages show of the tool.
	$(BIN)/python -m docs.generate
	RECONCILER_UPDATE=docs $(BIN)/python -m pytest -q tests/docs/test_pages.py -k 'follow or quotes'

expect: $(VENV)/.developed ## Write the expectations of scenarios again, of all or of CASES=part-of-a-name.
	RECONCILER_UPDATE=scenarios $(BIN)/python -m pytest tests/scenarios -k '$(or $(CASES),test_scenario)'

pictures: $(VENV)/.developed ## Draw docs/pictures anew; needs Chromium and its driver.
	$(BIN)/python -m tests.html.pictures

clean: ## Remove what make made.
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environments. A changed pyproject.toml installs again. With LOCKED=1, as in CI, everything for development is
# installed from requirements-dev.lock, by its hashes.

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer, with its venv module, is needed and was not found." \
		"Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c "$(FITS)" || { echo "$(PYTHON) is too old or has no venv module:" \
		"Python 3.11 or newer is needed. Name another one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[emulator]'
	@touch $@

$(VENV)/.developed: pyproject.toml | $(VENV)/bin/python
	$(if $(LOCKED),$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock)
	$(BIN)/python -m pip install -q --disable-pip-version-check $(if $(LOCKED),--no-deps --no-build-isolation) \
		-e '.[dev,emulator,fleet,postgresql]'
	@touch $@ $(VENV)/.installed
