# The commands of the project; each sets up what it needs. Needs Python 3.11 to 3.13 with venv, and make.
PYTHON ?= python3
export DO_NOT_TRACK = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

LOCK = --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras

.PHONY: demo test lint bench generate lock clean

demo: .venv/demo
	.venv/bin/driftline demo --exit

test: .venv/dev
	.venv/bin/pytest -q -n auto --dist loadfile

lint: .venv/dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

bench: .venv/dev
	.venv/bin/python -m bench

generate: .venv/dev
	.venv/bin/driftline generate

# One environment: dev holds everything of demo, demo everything of run.
.venv/dev: locks/dev.txt pyproject.toml | .venv/pip
	.venv/bin/python -m pip install --quiet --no-deps --require-hashes -r locks/dev.txt
	.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch .venv/dev .venv/demo

.venv/demo: locks/demo.txt pyproject.toml | .venv/pip
	.venv/bin/python -m pip install --quiet --no-deps --require-hashes -r locks/demo.txt
	.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch .venv/demo

.venv/pip:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { echo "driftline needs Python 3.11, 3.12 or 3.13; set PYTHON=..., $(PYTHON) is $$($(PYTHON) --version 2>&1)"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv or pip: install the package python3-venv, or set PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv
	touch .venv/pip

lock:
	uv pip compile -q pyproject.toml --extra demo --extra image --group build --group dev $(LOCK) -o locks/dev.txt
	uv pip compile -q pyproject.toml --extra demo --group build $(LOCK) -c locks/dev.txt -o locks/demo.txt
	uv pip compile -q pyproject.toml $(LOCK) -c locks/dev.txt -o locks/run.txt

clean:
	rm -rf .venv demo-output driftline-state
