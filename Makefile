# make demo    fetch every endpoint with real Airflow and load it through the BigQuery protocol; no account needed
# make test    all tests
# make live    whole Airflow stacks under load: LocalExecutor, and Celery with Redis if redis-server is installed
# make check   lint, format, types
# make clean   remove what the others made
#
# Each sets up what it needs: .venv (Airflow and this package) and .venv-bigquery (local-bigquery, on Python 3.13); for
# "make live" also .venv-celery.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIGQUERY := .venv-bigquery
CELERY := .venv-celery
PYTHON := $(VENV)/bin/python
UV := $(VENV)/bin/uv
LOCKS := tests/constraints
BIGQUERY_EXTENSIONS := spatial ducklake icu

.PHONY: help demo test live check lock clean

help:
	@sed -n 's/^# make/make/p' Makefile

demo: $(VENV)/.installed $(BIGQUERY)/.installed
	@$(PYTHON) -m tests.demo

test: $(VENV)/.installed $(BIGQUERY)/.installed
	$(PYTHON) -m pytest --cov --cov-report=term

live: $(VENV)/.installed $(BIGQUERY)/.installed $(CELERY)/.installed
	$(PYTHON) -m pytest -m live

check: $(VENV)/.installed
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

# Airflow is installed at the versions the tests were last green with, as its own documentation advises.
$(VENV)/.installed: pyproject.toml $(LOCKS)/airflow-3.3.txt
	@python="$$(python3 tests/support/find_python.py 3.11 3.13)"
	echo "Installing Airflow and this package into $(VENV) ..."
	test -x $(PYTHON) || "$$python" -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --quiet --python $(PYTHON) --constraint $(LOCKS)/airflow-3.3.txt --editable '.[dev]'
	touch $@

# Celery 5.7 has lost a function that Airflow's Celery provider 3.26 imports.
$(CELERY)/.installed: $(VENV)/.installed $(LOCKS)/airflow-3.3.txt
	@echo "Installing Airflow with Celery and this package into $(CELERY) ..."
	test -x $(CELERY)/bin/python || $(UV) venv --quiet --python $(PYTHON) $(CELERY)
	$(UV) pip install --quiet --python $(CELERY)/bin/python --constraint $(LOCKS)/airflow-3.3.txt \
	  --editable . 'apache-airflow-providers-celery[redis]' 'celery<5.7'
	touch $@

# DuckDB would download its extensions; here they come as packages and are put where it looks for them.
$(BIGQUERY)/.installed: $(VENV)/.installed $(LOCKS)/local-bigquery.txt
	@python="$$(python3 tests/support/find_python.py 3.13)"
	echo "Installing local-bigquery into $(BIGQUERY) ..."
	test -x $(BIGQUERY)/bin/python || "$$python" -m venv --without-pip $(BIGQUERY)
	$(UV) pip install --quiet --python $(BIGQUERY)/bin/python --no-deps --requirement $(LOCKS)/local-bigquery.txt
	mkdir -p $(BIGQUERY)/home
	for name in $(BIGQUERY_EXTENSIONS); do
	  HOME="$$PWD/$(BIGQUERY)/home" $(BIGQUERY)/bin/python -c \
	    "from duckdb_extensions import import_extension; import_extension('$$name')"
	done
	touch $@

# Run by hand to move to newer versions; then see whether the tests still pass.
lock: $(VENV)/.installed
	cd $(LOCKS)
	../../$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate \
	  --extra dev ../../pyproject.toml --output-file airflow-3.3.txt
	../../$(UV) pip compile --quiet --upgrade --universal --python-version 3.13 --no-header --no-annotate \
	  --override local-bigquery.override local-bigquery.in --output-file local-bigquery.txt

clean:
	rm -rf $(VENV) $(BIGQUERY) $(CELERY) .cache demo-output dist .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis

.ONESHELL:
