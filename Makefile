# Countersign: `make` lists what can be done.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
export PORT

.PHONY: help install demo up test faults broker check format bench screenshots lock

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Countersign needs Python 3.11 or newer." if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv

# The stamp holds the lock it was installed from, so a changed lock installs again and an unchanged one does not.
.venv/installed.lock: requirements/dev.lock | $(BIN)/python
	@cmp -s requirements/dev.lock $@ || echo "Installing $$(grep -c '^[a-z].*==' $<) pinned packages into .venv: once, and it takes a minute or more."
	@cmp -s requirements/dev.lock $@ || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@cp requirements/dev.lock $@

install: .venv/installed.lock ## make .venv and install the pinned dependencies into it

demo: install ## serve the demo on real data: PORT=8000 COUNTERSIGN_HOME=var
	@exec $(BIN)/python manage.py demo

up: install ## serve an installation of your own: PORT=8000 COUNTERSIGN_HOME=var
	@exec $(BIN)/python manage.py up

test: install ## run every test (REQUIRE_BROWSER=1 makes a missing browser a failure; PYTEST_ARGS=…)
	$(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

faults: install ## kill, cut and flush everything under load, then check the history: SEEDS=20 FIRST=1
	$(BIN)/python -m tests.faults.run --seeds $(or $(SEEDS),20) --first $(or $(FIRST),1)

broker: install ## the broker gone for two minutes under load: how the rest goes on, and how soon it catches up
	$(BIN)/python -m tests.faults.broker

check: install ## format, lint, types, import contracts, migrations, deployment, house rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	env DEBUG=0 PUBLIC_URL=https://countersign.example SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')" ALLOWED_HOSTS=countersign.example \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python -m pytest tests/house -q

format: install ## let ruff format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## benchmarks as ratios to a limit measured in the same run (SIZE=full runs them whole; STAT=1 the simulations of the method)
	@exec $(BIN)/python -m benchmarks $(if $(STAT),--only simulations --size full,$(if $(SIZE),--size $(SIZE))) $(BENCH_ARGS)

screenshots: install ## write docs/images/ from a running demo of its own
	@exec $(BIN)/python docs/screenshots.py

LOCK = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: install ## resolve the dependencies anew (versions and hashes, no index in the files)
	$(LOCK) requirements/base.in --output-file requirements/base.lock
	$(LOCK) requirements/dev.in --constraint requirements/base.lock --output-file requirements/dev.lock
