# `make` alone tells what there is to do.
.DEFAULT_GOAL := help
.PHONY: help env tools demo test lint mutants bench clean

PYTHON ?= python3
BOOTSTRAP := $(PYTHON) toolchain/bootstrap.py
# Runs a command with the engine and .venv in front of PATH. `path` prints nothing where the user's own pulumi serves.
WITH_TOOLS = engine=$$($(BOOTSTRAP) path) && export PATH="$$PWD/.venv/bin:$${engine:+$$engine:}$$PATH" && exec

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env:  ## make .venv from uv.lock; needs no root
	@$(BOOTSTRAP) env

tools:  ## find or build the Pulumi engine; needs no root
	@$(BOOTSTRAP) pulumi

demo:  ## two real-time guests on two sandboxed hosts, from nothing (root)
	@$(BOOTSTRAP) all
	@$(WITH_TOOLS) quietcore lab demo

test:  ## every test that this machine can run
	@$(BOOTSTRAP) all
	@$(WITH_TOOLS) pytest $(PYTEST_ARGS)

lint:  ## style, types and import contracts
	@$(BOOTSTRAP) env
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	cd toolchain && ../.venv/bin/mypy --config-file= --strict bootstrap.py
	.venv/bin/lint-imports

mutants:  ## break each condition of each rule, see that a test notices; MUTANTS_ARGS="kernel --sample 50"
	@$(BOOTSTRAP) env
	.venv/bin/python -m tests.mutation $(MUTANTS_ARGS)

bench:  ## benchmarks against named peers
	@$(BOOTSTRAP) env
	@$(BOOTSTRAP) pulumi
	@$(WITH_TOOLS) python -m bench $(BENCH_ARGS)

clean:  ## remove what was made in this folder; the cache in ~/.cache/quietcore stays
	rm -rf .venv .state dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
