# Everything a newcomer needs: `make demo` and `make test`. Needs Python 3.10–3.13, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := demo

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint unit end-to-end clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9_-]*:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything in it

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install -qq --editable '.[dev]'
	@touch $@

demo: $(READY) ## explain four real photographs with the embedded model; pictures in demo/
	$(BIN)/python scripts/photographs.py $(DEMO)/photographs
	$(BIN)/sgcampp explain $(DEMO)/photographs --out $(DEMO)/default-layer --nsamples 8
	$(BIN)/sgcampp explain $(DEMO)/photographs --out $(DEMO)/smooth --config configs/smoke.yaml
	@echo
	@echo "The pictures are in $(DEMO)/default-layer/overlays (Grad-CAM++ at the last layer)"
	@echo "and $(DEMO)/smooth/overlays (Smooth Grad-CAM++ at a layer where smoothing acts)."

test: lint unit end-to-end ## lint, type-check and test everything

lint: $(READY) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(READY) ## the quicker tests
	$(BIN)/python -m pytest -m 'not end_to_end'

end-to-end: $(READY) ## whole commands, documents and browsers
	$(BIN)/python -m pytest -m end_to_end

clean: ## remove .venv, demo/ and caches
	rm -rf $(VENV) $(DEMO) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
