# `make demo` and `make test` are all that a fresh machine needs: each makes what it depends on.
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PYTHON ?= $(shell for p in python3.13 python3.12 python3.14 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1 && { echo $$p; break; }; done)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: install stan browser demo test quick long lint mutants fuzz bench bench-all bench-families many-rows soak overheads sbc defaults verdict test-reference figure notebooks docs wheel clean help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

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

# One worker for each processor, so that BLAS's own threads would only wait for one another.
test quick long: export OPENBLAS_NUM_THREADS = 1
# Hundreds of processes import winstan and its tests: where bytecode is kept, they compile it once.
test quick long: export PYTHONDONTWRITEBYTECODE =

test: lint stan browser  ## everything but what `make long` has
	$(PY) -m pytest -n auto -m "not long"

long: stan  ## tests that compile a program each, for one fact more (ten minutes)
	$(PY) -m pytest -n auto -m long

quick: install  ## the short loop: lint, and two cases of each test that neither compiles nor samples for long
	$(VENV)/bin/ruff check --quiet
	$(PY) -m pytest -q -n auto --thin 2 -m "not slow and not long"

# The report is opened in a real browser. Without root or apt-get, that test is skipped, and says so.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| command -v google-chrome >/dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
			&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
		|| echo "no chromium, and none installed: the report's tests in a browser are skipped"

mutants: install  ## deliberate faults, each of which a quick test must find (half an hour): ONLY=families
	$(PY) -m benchmarks.mutants --only "$(ONLY)"

FUZZ ?= 20000
fuzz: export WINSTAN_FUZZ = $(FUZZ)
fuzz: install  ## as many formulas and frames of any kind: a model, or an error of winstan's own (an hour)
	$(PY) -m pytest -q -n auto tests/fuzz

lint: install
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

bench: install  ## winstan beside bambi and row-wise Stan on the LFP example (four minutes)
	rm -f out/bench.csv
	$(PY) -m benchmarks.run --designs lfp-480k --engines winstan --out out/bench.csv > /dev/null
	$(PY) -m benchmarks.run --designs lfp --cold --out out/bench.csv

bench-all: install  ## every design and engine, and the page of the docs (two hours)
	$(PY) -m benchmarks.run --designs main,others --cold --out docs/benchmarks.csv \
		--page docs/benchmarks.md --figure docs/benchmarks.png

bench-families: install  ## every family that bambi has, beside bambi (an hour)
	$(PY) -m benchmarks.run --designs families --engines winstan,bambi --repeats 3 --budget-seconds 240 \
		--out docs/families.csv

many-rows: install stan  ## half a million rows beside five hundred, for every family (ten minutes)
	$(PY) -m benchmarks.many_rows

SIMULATIONS ?= 100
sbc: install stan  ## simulation-based calibration of every family and structure (hours): CASES='gamma*' for some
	$(PY) -m benchmarks.sbc --simulations $(SIMULATIONS) --cases $(or $(CASES),'*') --out out/calibration.csv \
		--kept out/calibration
	$(PY) -m benchmarks.sbc_page out/calibration

verdict: install stan  ## how often the verdict is wrong, and whether its advice helps (an hour): SHARE=0.2 for less
	$(PY) -m benchmarks.verdict --share $(or $(SHARE),1)

test-reference: install stan  ## winstan beside posteriordb, lme4, nlme, ordinal, mgcv, quadrature: docs/references.md
	mkdir -p out
	$(PY) -m pytest -q -m reference -o junit_family=xunit1 --junitxml=out/references.xml
	$(PY) -m benchmarks.references out/references.xml

STUDIES ?= 200
defaults: install stan  ## coverage and false positives of the defaults, every family, beside LME and ANOVA (a day): FAMILIES='gamma'
	$(PY) -m benchmarks.defaults --studies $(STUDIES) $(if $(FAMILIES),--families $(FAMILIES)) --out out/defaults.csv --page docs/defaults.md

soak: install stan  ## a thousand fits in one process, which may not grow (ten minutes)
	$(PY) -m benchmarks.soak --fits 1000

overheads: install  ## import, large frames, tables, figures and a small fit, compilers, beside their goals (eight minutes)
	$(PY) -m benchmarks.overheads

figure: install stan  ## the figures of the README and of the docs' gallery
	$(PY) docs/figure.py

docs: install  ## the documentation's site, out/docs/index.html; a warning is an error
	$(PY) -m sphinx -W --keep-going -q -b html docs out/docs

notebooks: install stan  ## run the notebooks and write their outputs into them
	$(PY) notebooks/execute.py

# Without a C++ compiler, `make wheel PROGRAMS=` makes a wheel for any machine that has one.
PROGRAMS ?= out/programs
wheel: install  ## dist/*.whl for this platform, with the compiled Stan programs
	$(if $(PROGRAMS),$(PY) -m winstan prepare --export $(PROGRAMS))
	WINSTAN_PROGRAMS=$(PROGRAMS) $(PY) -m build --wheel --outdir dist

clean:  ## everything that make made
	rm -rf $(VENV) dist out .pytest_cache .mypy_cache .ruff_cache
