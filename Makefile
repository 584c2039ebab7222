# `make help` lists the targets. Everything is installed into .venv; only `make test-arm64` also
# installs Debian packages and writes into the folder .arm64.

PYTHON ?=
# How the Rust code is compiled: "quick" (a change of one rule compiles in seconds) or "release".
PROFILE ?= quick
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_PROGRESS_BAR := off

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-rust test-python module instructions tables build-times check format \
	lint types docs unsafe bench bench-chart test-arm64 wheel clean

# $(call step,SECONDS,TITLE) COMMAND: a numbered step that shows how far it is. SECONDS is how long
# it takes on two cores when nothing is built yet. A dry run finds the steps that are to come.
HOST_PYTHON = $(eval HOST_PYTHON := $$(shell tools/find_python.sh $(PYTHON)))$(HOST_PYTHON)
STEPS = $(eval STEPS := $$(shell $(MAKE) --dry-run --no-print-directory $(MAKECMDGOALS) STEPS=all \
	PYTHON=$(PYTHON) PROFILE=$(PROFILE) | sed -n 's/.*progress.py [0-9]* all \([0-9]*\) .*/\1/p' \
	| paste -sd,))$(STEPS)
NUMBER := 0
step = $(eval NUMBER := $$(shell expr $(NUMBER) + 1))$(HOST_PYTHON) tools/progress.py \
	$(NUMBER) $(STEPS) $(1) $(if $(3),$(3) )"$(2)" --

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/demo.extra module ## Build, then train on real images with SGD, AdamW and LAMB
	@$(call step,50,Train and draw,--show) $(RUN) -m lamb_rs demo --fetch

test: test-rust test-python ## Build and run every test, Rust and Python

test-rust: $(VENV)/base
	@$(call step,90,Compile the test of the bits) cargo test --profile $(PROFILE) --no-run --test determinism
	@$(call step,60,Compile the unit tests and the scalar level) cargo test --profile scalar --features scalar --no-run --lib --test determinism
	@$(call step,90,Rust: the same bits,--show) cargo test --profile $(PROFILE) --test determinism
	@$(call step,5,Rust: unit tests,--show) cargo test --profile scalar --features scalar --lib
	@$(call step,60,Rust: bits of the scalar level,--show) cargo test --profile scalar --features scalar --test determinism scalar_level
	@$(call step,20,Rust: examples in the documentation,--show) cargo test --profile $(PROFILE) --doc

test-python: $(VENV)/demo.extra $(VENV)/test.extra module
	@$(call step,240,Python tests,--show) $(RUN) -m pytest -n 2 --dist loadfile

instructions: $(VENV)/base ## Count the instructions per element of every rule (valgrind)
	@$(call step,100,Compile the release) cargo build --release --example steps
	@$(call step,120,Count instructions,--show) $(RUN) benches/instructions.py

tables: $(VENV)/demo.extra module ## Bring the generated tables up to date
	@$(RUN) tools/tables.py

build-times: $(VENV)/base ## Measure how long the Rust code takes to compile
	@$(RUN) tools/build_times.py

check: test format lint types docs unsafe ## All tests, then format, lint, types, docs, count of unsafe code

format: $(VENV)/check.extra
	@$(call step,2,Rust format) cargo fmt --check
	@$(call step,1,Python format) $(BIN)/ruff format --check

lint: $(VENV)/check.extra
	@$(call step,30,Rust lint) cargo clippy --all-targets -- -D warnings
	@$(call step,40,Rust lint with Python) cargo clippy --all-targets --features python -- -D warnings
	@$(call step,1,Python lint) $(BIN)/ruff check

types: $(VENV)/check.extra module
	@$(call step,20,Python types) $(BIN)/mypy
	@$(call step,10,Types of the native module) $(RUN) -m mypy.stubtest lamb_rs._core

docs: $(VENV)/docs.extra $(VENV)/demo.extra module ## Build the pages into docs/_build/html, and the Rust documentation
	@$(call step,30,Rust documentation) env RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --features python
	@$(call step,60,Pages) $(RUN) -m sphinx -W --keep-going -b html -d docs/_build/doctrees docs docs/_build/html

unsafe: $(VENV)/base
	@$(RUN) tools/unsafe_budget.py

bench: PROFILE := release
bench: $(VENV)/demo.extra module ## Measure this machine: every optimizer compared with the speed of memory
	@$(RUN) -m lamb_rs bench

bench-chart: $(VENV)/docs.extra ## Draw the chart and write the tables of the benchmark page from benches/results
	@$(RUN) benches/chart.py

test-arm64: $(VENV)/base ## Compare the bits with an emulated aarch64 CPU (Debian packages, as root)
	@tools/test_arm64.sh

wheel: $(VENV)/base ## Build the wheel into dist/
	@$(call step,125,Compile and pack) $(BIN)/maturin build --release --target-dir target/module --out dist

clean: ## Remove everything that was built or installed here
	cargo clean
	rm -rf docs/_build docs/_made docs/_static/drawn docs/api docs/examples
	rm -rf $(VENV) .arm64 dist .mypy_cache .pytest_cache .ruff_cache
	rm -f python/lamb_rs/*.so

# Packages are installed again when pyproject.toml changes. The native module is brought up to date
# before every use, because only cargo knows its dependencies.

.PHONY: tools
tools:
	@tools/find_python.sh $(PYTHON) >/dev/null

$(VENV)/base: pyproject.toml | tools
	@$(call step,5,Python environment) $(HOST_PYTHON) -m venv $(VENV)
	@$(call step,5,maturin) $(RUN) -m pip install "maturin>=1.9.4,<2"
	@touch $@

$(VENV)/%.extra: $(VENV)/base pyproject.toml
	@$(call step,25,Python packages: $*) sh -c '$(RUN) -m pip install $$($(RUN) tools/requirements.py $*)'
	@touch $@

# Not in the folder where `cargo test` builds: the library with Python has the same file name.
module: $(VENV)/base
	@$(call step,125,Native module ($(PROFILE))) $(BIN)/maturin develop --profile $(PROFILE) \
		--target-dir target/module $(if $(wildcard $(VENV)/developed),--skip-install)
	@touch $(VENV)/developed
