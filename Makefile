# Every target sets up what it needs.  `make` alone lists them.
#   make PYTHON=/path/to/python3.12    another interpreter for .venv
#   make test ARGS="-k dtmf -x"        more words for pytest

PYTHON ?= python3
ARGS ?=
PY := .venv/bin/python

MEDIA := cti_board/_native/_media.abi3.so
STREET := $(if $(wildcard firmware_sim/src/*.c),firmware_sim/libctb_sim.so)
MEDIA_C := $(wildcard cti_board/_native/src/*.c)
STREET_C := $(wildcard firmware_sim/src/*.c)
SPY_C := $(wildcard cti_board/_native/spy/*.c)
DAHDI_C := $(wildcard cti_board/_native/dahdi/*.c)
C_DEPENDS := $(MEDIA_C) $(STREET_C) $(SPY_C) $(DAHDI_C) setup.py cti_board/_native/build.py \
	$(wildcard cti_board/_native/src/*.h cti_board/_native/src/*.inc \
	cti_board/_native/include/*.h firmware_sim/src/*.h firmware_sim/src/*.inc)
C_STRICT := -std=c11 -D_GNU_SOURCE -O2 -ffp-contract=off -fno-math-errno -fno-trapping-math \
	-Wall -Wextra -Wno-unused-parameter -Werror

# the suite's results must not depend on the machine: no locale, no hash seed by chance
export LC_ALL = C.UTF-8
export PYTHONHASHSEED ?= 0

.PHONY: help setup venv run test test-wall vm vm-build sanitize fuzz lint lint-c bench bench-dsp docs-check clean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(MEDIA) $(STREET) ## all that the others need: compiler, .venv, the C media plane

venv:
	@PYTHON='$(PYTHON)' .ci/setup

$(MEDIA) $(STREET) &: $(C_DEPENDS) | venv
	@echo "setup: building the media plane and the simulated card"
	@$(PY) setup.py -q build_ext --inplace --force
	@touch $(MEDIA) $(STREET)

run: setup ## the telephone centre on the simulated card, with its live view
	@.venv/bin/ivr run $(ARGS)

test: setup ## the default suite: virtual time, no sound card, no network
	@.ci/setup tests
	@$(PY) -m pytest -rfEs $(ARGS)

test-wall: setup ## the few tests that need the wall clock
	@$(PY) -m pytest -rfEs -m wall $(ARGS)

vm: setup ## tests on the real kernel driver, in a small virtual machine (docs/vm.md)
	@$(PY) -m tests.vm test $(ARGS)

vm-build: setup ## that machine's image, into the user's cache
	@$(PY) -m tests.vm build

lint: setup lint-c ## ruff, mypy --strict, and our C with every warning an error
	@$(PY) -m ruff check .
	@$(PY) -m mypy

lint-c: setup
	@set -e; for file in $(MEDIA_C) $(STREET_C) $(SPY_C) $(DAHDI_C); do gcc $(C_STRICT) \
		-Icti_board/_native/include -I$$(dirname $$file) -c $$file -o /dev/null; done

sanitize: setup ## the C under address and undefined-behaviour sanitizers, by its own tests
	@.ci/sanitize $(ARGS)

fuzz: setup ## ten million frames of strange sound through every detector, with the sanitizers
	@.ci/sanitize fuzz $(ARGS)

bench: setup ## measure; the figures go to out/bench.json
	@mkdir -p out
	@$(PY) -m pytest -o addopts="-q --strict-markers --strict-config -p no:cacheprovider" \
		--benchmark-only --benchmark-json=out/bench.json $(ARGS)

bench-dsp: setup ## what the detectors hear and how fast, beside libspandsp; out/dsp.json, out/dsp.png
	@.ci/setup tests
	@$(PY) -m tests.judge $(ARGS)

docs-check: setup ## links, pages and commands that the documents name
	@$(PY) -m pytest tests/test_house.py $(ARGS)

clean: ## forget everything that was built or measured
	rm -rf .venv build out *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
	rm -f cti_board/_native/*.so cti_board/_native/_media.c firmware_sim/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
