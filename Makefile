# `make demo` and `make test` need nothing but Python 3.11 or newer with its venv module; the rest is for developers.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# The tests start many Pythons: each would compile, and rewrite the assertions of, the plugins that it loads anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check bench mutate clean

demo: $(VENV)/.installed-examples
	$(BIN)/python examples/demo.py

test: $(VENV)/.installed-dev
	-$(BIN)/python -m pytest_cfworkers install workerd
	$(BIN)/python -m pytest -n 2

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd examples/repo_tracker && $(abspath $(BIN))/mypy
	cd examples/naive_tracker && $(abspath $(BIN))/mypy
	PYTHONPATH=.:$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])') \
	    $(BIN)/pyright --ignoreexternal --verifytypes pytest_cfworkers
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

# In a copy, because mutmut changes the files that it tests. It passes over functions that have a decorator, so each
# property is made to call a method. What survives is shown, and fails; a mutant that hangs has been noticed.
mutate: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet "mutmut>=3.8"
	rm -rf build/mutate && mkdir -p build/mutate/tests
	cp -r pytest_cfworkers build/mutate/ && cp -r tests/unit build/mutate/tests/
	sed -Ei '/^ +@property/ { n; s/( +)def (\w+)(.*)/&\n\1    return self.\2_got()\n\n\1def \2_got\3/ }' \
	    build/mutate/pytest_cfworkers/guards/*.py build/mutate/pytest_cfworkers/budgets/requests.py
	cat pyproject.toml tests/unit/mutation.toml > build/mutate/pyproject.toml
	cd build/mutate && export PATH="$(abspath $(BIN)):$$PATH" && mutmut run --max-children 2 && mutmut results > results && \
	    survivors=$$(grep -Ev 'caught by type check|timeout' results | cut -d: -f1) && \
	    for name in $$survivors; do mutmut show $$name; done && test -z "$$survivors"

clean:
	rm -rf $(VENV) .venvs build .pytest_cache .mypy_cache .ruff_cache .hypothesis dist

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing: on Debian, apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/.installed-examples: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable . --group examples
	touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@
