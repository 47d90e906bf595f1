# `make chat` serves the tutor, `make test` checks the program, `make battery` tries at full length what it promises
# (tests/battery/README.md). Each sets up what it needs and does so quickly the second time.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: chat test battery clean

chat: $(READY)
	$(BIN)/python -m index.build
	$(BIN)/python app.py

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

battery: $(READY)
	$(BIN)/python -m tests.battery --report runs/battery/report.md

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf .venv .glassbox dist build .mypy_cache .ruff_cache .pytest_cache
