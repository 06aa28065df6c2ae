# `make demo` and `make test` are all that a fresh machine needs: each makes what it depends on.
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PYTHON ?= $(shell for p in python3.13 python3.12 python3.14 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1 && { echo $$p; break; }; done)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: install stan demo test quick lint bench figure wheel clean help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install: $(STAMP)  ## the environment .venv, winstan in it, editable

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "winstan needs Python 3.12 or newer on the PATH (or make PYTHON=...)" >&2; exit 1; }
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --editable '.[dev]'
	touch $@

stan: install  ## compile the Stan driver and every template
	$(PY) -m winstan prepare

demo: install  ## the main job on the LFP example: fit, tables, figures in out/
	$(PY) -m winstan demo --out out

test: lint stan  ## everything
	$(PY) -m pytest

quick: install  ## the short loop: lint, and the tests that neither compile nor sample for long
	$(VENV)/bin/ruff check --quiet
	$(PY) -m pytest -q -n auto -m "not slow"

lint: install
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

bench: install  ## winstan beside a row-wise Stan model, on the LFP example
	$(PY) benchmarks/lfp.py --cold

figure: install  ## the figure of the README
	$(PY) docs/figure.py

wheel: install  ## dist/*.whl
	$(PY) -m build --wheel --outdir dist

clean:  ## everything that make made
	rm -rf $(VENV) dist out .pytest_cache .mypy_cache .ruff_cache
