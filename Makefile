# `make help` lists what there is. Everything is installed into .venv, save what `make test-arm64`
# needs: Debian packages, and the folder .arm64.

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
# Apart from what `cargo test` builds: the library has one file name with and without Python.
DEVELOP := $(BIN)/maturin develop --release --quiet --target-dir target/module
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-rust test-python check format lint types docs unsafe bench bench-chart test-arm64 wheel clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/demo.extra module ## Build, then train on real images with SGD, AdamW and LAMB (two minutes)
	@$(RUN) -m lamb_rs demo

test: test-rust test-python ## Build and run every test, Rust and Python

test-rust: $(VENV)/base
	cargo test --release --lib
	cargo test --release --test determinism
	cargo test --release --doc

test-python: $(VENV)/demo.extra $(VENV)/test.extra module
	$(RUN) -m pytest

check: test format lint types docs unsafe ## All tests, then format, lint, types, docs, count of unsafe code

format: $(VENV)/check.extra
	cargo fmt --check
	$(BIN)/ruff format --check

lint: $(VENV)/check.extra
	cargo clippy --all-targets -- -D warnings
	cargo clippy --all-targets --features python -- -D warnings
	$(BIN)/ruff check

types: $(VENV)/check.extra module
	$(BIN)/mypy
	$(RUN) -m mypy.stubtest lamb_rs._core

docs: $(VENV)/docs.extra module ## Build the pages into docs/_build/html, and the Rust documentation
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --features python
	$(RUN) -m sphinx -W --keep-going -q -b html -d docs/_build/doctrees docs docs/_build/html

unsafe: $(VENV)/base
	$(RUN) tools/unsafe_budget.py

bench: $(VENV)/demo.extra module ## Measure this machine: every optimizer beside the memory's own speed
	@$(RUN) -m lamb_rs bench

bench-chart: $(VENV)/docs.extra ## Draw the chart and write the tables of the benchmark page from benches/results
	@$(RUN) benches/chart.py

test-arm64: $(VENV)/base ## Compare the bits with an emulated aarch64 CPU (Debian packages, as root)
	tools/test_arm64.sh

wheel: $(VENV)/base ## Build the wheel into dist/
	$(BIN)/maturin build --release --target-dir target/module --out dist

clean: ## Remove everything that was built or installed here
	cargo clean
	rm -rf docs/_build docs/_static/drawn docs/optimizers docs/reference
	rm -rf $(VENV) .arm64 dist .mypy_cache .pytest_cache .ruff_cache
	rm -f python/lamb_rs/*.so

# What is installed is installed again when the files it depends on change; the native module is
# brought up to date before every use, because only cargo knows what it is made of.

.PHONY: tools
tools:
	@tools/find_python.sh $(PYTHON) >/dev/null

$(VENV)/base: pyproject.toml | tools
	"$$(tools/find_python.sh $(PYTHON))" -m venv $(VENV)
	$(RUN) -m pip install "maturin>=1.9.4,<2"
	@touch $@

$(VENV)/%.extra: $(VENV)/base pyproject.toml Cargo.toml
	$(DEVELOP) --extras $*
	@touch $@

.PHONY: module
module: $(VENV)/base
	@$(DEVELOP) --skip-install
