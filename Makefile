# Everything sets itself up: Python 3.11 or newer and make are enough. PYTHON=... chooses another interpreter.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
DIST ?= dist

# The builds that pip makes in environments of their own are pinned too.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(READY) ## the main job, shown: broker, two workers, bank files, 20,000 payments (ARGS=--kill, --keep, --json FILE ...)
	$(BIN)/python -m streams.cli demo $(ARGS)

.PHONY: test
test: lint ## lint, types, dependency rules and every test, on a real Kafka (ARGS=... for pytest)
	$(BIN)/python -m pytest $(ARGS)

.PHONY: lint
lint: $(READY) ## style, formatting, strict types, direction of imports
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/python $(BIN)/lint-imports

.PHONY: fmt
fmt: $(READY) ## format the code and fix what can be fixed safely
	$(BIN)/python -m ruff check --fix-only
	$(BIN)/python -m ruff format

.PHONY: bench
bench: $(READY) ## measure the three-stream join on a real Kafka (ARGS=--json)
	$(BIN)/python -m bench.join $(ARGS)

.PHONY: bench-fold
bench-fold: $(READY) ## measure a fact through the lifecycle agent without Kafka, by stage (ARGS="--in-flight 20000 --json")
	$(BIN)/python -m bench.fold $(ARGS)

.PHONY: bench-restore
bench-restore: $(READY) ## measure how fast stores are restored from their topic (ARGS="--payments 100000 --json")
	$(BIN)/python -m bench.restore $(ARGS)

.PHONY: bench-stop
bench-stop: $(READY) ## measure how long a worker takes from SIGTERM to its end (ARGS=--json)
	$(BIN)/python -m bench.stop $(ARGS)

.PHONY: bench-limits
bench-limits: $(READY) ## measure a burst, a hot key, a batch of 100,000, a hot partition (ARGS="--case hot-key --json")
	$(BIN)/python -m bench.limits $(ARGS)

.PHONY: bench-readers
bench-readers: $(READY) ## measure the readers of bank files: memory, transactions and lines a second (ARGS=--json, --gigabyte)
	$(BIN)/python -m bench.readers $(ARGS)

.PHONY: fuzz
fuzz: $(READY) ## break the readers of bank files, for a bounded time (ARGS="--seconds 600 --format camt.053")
	$(BIN)/python -m tests.fuzz.run $(ARGS)

.PHONY: chaos
chaos: $(READY) ## kill, freeze, cut off and fill up a running pipeline (ARGS="--seed 1 --runs 3 --faults kill,zombie --json FILE")
	$(BIN)/python -m tests.chaos $(ARGS)

.PHONY: simulate-protocol
simulate-protocol: $(READY) ## run the engine's protocol under drawn schedules and faults (ARGS="--seed 1 --schedules 100000")
	$(BIN)/python -m tests.simulation $(ARGS)

.PHONY: planted-bugs
planted-bugs: $(READY) ## plant a bug into each step of the protocol, let the simulation find it, write docs/protocol.md
	$(BIN)/python -m tests.simulation.page $(ARGS)

.PHONY: dashboards
dashboards: $(READY) ## write Grafana's boards from their code
	$(BIN)/python -m grafana.boards

.PHONY: docs
docs: $(READY) ## write docs/settings.md, docs/metrics.md and the table of docs/reliability.md
	$(BIN)/python -m docs.generate

.PHONY: golden
golden: $(READY) ## freeze schemas and write golden rows of the release in the making (RELEASE=0.1.0); released ones stay
	$(BIN)/python -m tests.evolution.write_golden $(RELEASE)

.PHONY: wheel
wheel: $(READY) ## build the source distribution and the wheel (DIST=folder)
	$(BIN)/python -m build --outdir $(DIST)

.PHONY: constraints
constraints: ## install the newest versions that pyproject.toml allows, and pin them
	.ci/pin $(PYTHON)

.PHONY: clean
clean: ## remove the environment, caches and builds; var/ (the embedded broker's data) stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made once, and again when what is installed has changed.
$(READY): pyproject.toml constraints.txt .ci/venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || .ci/venv $(PYTHON) $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[broker,dev,registry]'
	@touch $@
