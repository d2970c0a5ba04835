# Everything runs from .venv, made from requirements.lock; nothing else is assumed but Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench chaos docs image lock clean

.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Kaizen needs Python 3.11 or newer; set PYTHON=...") if sys.version_info < (3, 11) else None'
	if command -v uv >/dev/null; then \
	  uv venv -q --clear --seed --python $(PYTHON) .venv && uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock; \
	else \
	  $(PYTHON) -m venv --clear .venv && $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; fi
	touch $@

demo: .venv/.ready
	$(BIN)/kaizen demo

test: .venv/.ready
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house.py

bench: .venv/.ready
	$(BIN)/python -m pytest -q -s tests/bench

chaos: .venv/.ready
	$(BIN)/python -m pytest -q -s tests/chaos

docs: .venv/.ready
	$(BIN)/python docs/make.py
	$(BIN)/python ops/grafana/build.py

image: .venv/.ready
	ops/image.sh

lock:
	uv pip compile --universal --generate-hashes --no-annotate --no-header --upgrade --extra dev pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --no-annotate --no-header --extra image -c requirements.lock pyproject.toml -o ops/requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
