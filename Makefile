# Two commands: `make chat` and `make test`. Each sets up what it needs and is quick the second time.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: chat test clean

chat: $(READY)
	$(BIN)/python -m index.build
	$(BIN)/python app.py

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf .venv .glassbox dist build .mypy_cache .ruff_cache .pytest_cache
