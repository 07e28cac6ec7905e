# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo ui test test-cluster check bench clean

demo: $(STAMP)  ## run the main job on the embedded models and print the verdicts
	@$(BIN)/imgassets validate || [ $$? -eq 1 ]  # 1: a verdict is not GO, which is what it is for

ui: $(STAMP)  ## open the Dagster UI on http://127.0.0.1:3000
	$(BIN)/imgassets ui

test: $(STAMP)  ## all tests that need no GPU and no server
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not gpu and not cluster" -n auto --dist loadfile

test-cluster: $(STAMP)  ## tests against servers that a cluster has, started and stopped by them
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m cluster

check: $(STAMP)  ## linter, formatter, types, import directions
	$(BIN)/ruff check imgassets imgassets_tests
	$(BIN)/ruff format --check imgassets imgassets_tests
	$(BIN)/mypy
	$(BIN)/lint-imports

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) .imgassets
