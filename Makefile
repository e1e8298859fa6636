# Everything a newcomer needs: `make demo` and `make test`. Needs Python 3.10–3.13, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope
DEMO := demo
# The paper's figures: make figures MODEL=efficientnet-lite0, or WEIGHTS=vgg16.weights.h5
FIGURES := figures
MODEL ?= vgg16
WEIGHTS ?= imagenet
LAYER ?= $(if $(filter vgg16,$(MODEL)),block5_conv3,block10_expand_act)
IMAGES ?= $(FIGURES)/photographs

# The paper's claim, measured: make claim IMAGES=photos BOXES=instances.json CLASSES=classes.csv
CLAIM := claim
CLAIM_IMAGES := $(if $(filter command line,$(origin IMAGES)),$(IMAGES),$(CLAIM)/photographs)
CLAIM_LAYERS ?= block15_expand_act,block14_expand_act,block10_expand_act
CLAIM_METHODS ?= grad_cam,grad_cam_pp,smooth_grad_cam_pp,smooth_grad_cam,layer_cam,hires_cam

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint unit end-to-end docs claim figures figure1 figure2 figure4 figure5 clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9_-]*:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything in it

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install -qq --editable '.[dev]'
	@touch $@

demo: $(READY) ## explain four real photographs with the embedded model; pictures in demo/
	$(BIN)/python -m scripts.photographs $(DEMO)/photographs
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
	$(PYTEST) -m 'not end_to_end'

end-to-end: $(READY) ## whole commands, new processes, documents and browsers
	$(PYTEST) -m end_to_end

figures: figure1 figure2 figure4 figure5 ## the paper's figures, in figures/

figure1 figure2 figure4 figure5: $(READY)
	$(BIN)/python -m scripts.photographs $(FIGURES)/photographs
	$(BIN)/sgcampp compare $(IMAGES) --config configs/paper/$@.yaml --model $(MODEL) \
		--weights $(WEIGHTS) --layer-name $(LAYER) --out $(FIGURES)/$(MODEL)/$@
	@echo "The panels are in $(FIGURES)/$(MODEL)/$@/panels"

claim: $(READY) ## measure what the paper claims, on your photographs, in claim/
	$(BIN)/python -m scripts.photographs $(CLAIM)/photographs
	$(BIN)/sgcampp explain $(CLAIM_IMAGES) --out $(CLAIM)/out --nsamples 16 --write arrays,overlays \
		--method $(CLAIM_METHODS) --layer-name $(CLAIM_LAYERS)
	$(BIN)/sgcampp evaluate $(CLAIM)/out --steps 10 \
		$(if $(BOXES),--boxes $(BOXES)) $(if $(CLASSES),--classes $(CLASSES))

docs: $(READY) ## build the documentation into site/; any warning is an error
	$(BIN)/mkdocs build --strict

clean: ## remove .venv, demo/, figures/, claim/, site/, builds and caches
	rm -rf $(VENV) $(DEMO) $(CLAIM) $(FIGURES) site build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
