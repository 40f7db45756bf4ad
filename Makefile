# make run: the main job on a bundled recording. make test: all tests. Both set up what they need.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out
PYTEST_ARGS ?=
FUZZ_ARGS ?=
SOAK_HOURS ?= 168

# pip tells what it collects and downloads; PIP_ARGS=--quiet keeps it silent.
PIP_ARGS ?= --disable-pip-version-check

.PHONY: run test test-slow fuzz soak package package-test image-test lint format venv apt test-apt recording wheel digests sbom clean help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

run: $(VENV)/.device  ## detect "activate" in the bundled recording and answer with a chime
	@mkdir -p $(OUT)
	@echo "Listening to firmware_py/data/activate.flac for \"activate\"; each line is where it was heard:"
	$(BIN)/trigger-word detect firmware_py/data/activate.flac --chime $(OUT)/answered.wav
	@echo "The recording with chimes: $(OUT)/answered.wav"

test: test-apt $(VENV)/.workstation  ## run the default tests
	$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

test-slow: $(VENV)/.workstation  ## run the tests that take minutes
	@board/install-packages --slow
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

fuzz: $(VENV)/.workstation  ## readers of files and packets against mutants, a minute each
	PYTHONPATH=.:tests $(BIN)/python -m fuzz $(FUZZ_ARGS)

soak: $(VENV)/.workstation  ## listen for the equivalent of seven days, with models swapped on the way
	SOAK_HOURS=$(SOAK_HOURS) $(BIN)/python -m pytest -s -m slow $(PYTEST_ARGS) tests/test_soak.py

package: $(VENV)/.workstation  ## build the Debian package for the device
	$(BIN)/python -m board package --out $(OUT)

package-test: $(VENV)/.workstation  ## build it twice; install, run, upgrade, purge it in arm64 Debian 12 and 13
	@board/install-packages --image
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS) tests/test_board_package.py tests/test_board_service_guest.py

image-test: $(VENV)/.workstation  ## build the card image, boot it in QEMU, cut its power
	@board/install-packages --image
	$(BIN)/python -m pytest -m slow tests/test_board_image_boot.py $(PYTEST_ARGS)

lint: $(VENV)/.workstation  ## ruff and strict mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.workstation  ## let ruff rewrite the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

venv: $(VENV)/.workstation  ## make .venv with everything the workstation needs

apt:  ## install the Debian packages that the workstation uses
	@board/install-packages

test-apt:  ## install what only the tests use, too
	@board/install-packages --tests

wheel: $(VENV)/.workstation  ## build the wheel that goes to the Pi
	$(BIN)/python -m build --wheel

digests:  ## write the digests of the trained models beside their cards
	@for card in models/trained/*/README.md; do \
	    (cd "$$(dirname "$$card")" && \
	        find . -name '*.tflite' -o -name '*.keras' -o -name '*.npz' | sed 's,^./,,' | sort | \
	        xargs sha256sum > SHA256SUMS); done

sbom: $(VENV)/.workstation  ## write the bills of materials of package and image
	$(BIN)/python -m board sbom --out $(OUT)

clean:  ## remove what was made
	rm -rf $(VENV) $(OUT) build dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@echo "Making a Python environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.device: pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the device needs into $(VENV) (about 150 MB, a minute)"
	$(BIN)/pip install $(PIP_ARGS) --editable .
	@touch $@

$(VENV)/.workstation: pyproject.toml | apt $(VENV)/bin/python
	@echo "Installing what the workstation needs into $(VENV) (about 3 GB with TensorFlow, some minutes)"
	$(BIN)/pip install $(PIP_ARGS) --editable '.[live,gpio,mqtt,wyoming,web,signatures,voices,workstation,dev]'
	@touch $@ $(VENV)/.device
