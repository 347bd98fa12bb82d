# make demo    fetch every endpoint with real Airflow and load it through the BigQuery protocol; no account needed
# make play    the same servers and Airflow's UI, left running to look around in, until Ctrl-C
# make test    all tests
# make live    whole Airflow stacks under load: LocalExecutor, and Celery with Redis if redis-server is installed
# make chaos   the long tests of what happens when workers die, race and talk through bad networks
# make bench   how fast and how heavy it is, as ratios to limits and peers; writes tests/benchmarks/results and docs/*/speed.md
# make check   lint, format, types
# make audit   known vulnerabilities of the locked versions, asked of PyPI
# make lock    move the versions in tests/constraints to the newest
# make clean   remove what the others made
#
# Each sets up what it needs: .venv (Airflow and this package), .venv-bigquery (local-bigquery, on Python 3.13) and, for
# the tests, .venv-airflow-* (other versions of Airflow and Python; Airflow with Celery), for the benchmarks
# .venv-bench-* (what the package is compared with).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIGQUERY := .venv-bigquery
PYTHON := $(VENV)/bin/python
UV := $(VENV)/bin/uv
LOCKS := tests/constraints
BIGQUERY_EXTENSIONS := spatial ducklake icu

# Airflow is installed as its own documentation advises: at the versions in constraints, tests/constraints/airflow-*.txt.
# The short suite in tests/compat runs in every environment, all tests run in the main one. "lowest" has the oldest of
# everything that pyproject.toml allows.
MAIN := 3.3
OTHERS := 2.11 3.0 3.1 3.2 google lowest python313
PRERELEASE := 3.4
LIVE := celery
EXTRAS_google := google
GROUPS_$(MAIN) := dev
PYTHON_python313 := 3.13
PEERS := airflow dlt airbyte pandas
BENCH_airflow := --constraint $(LOCKS)/airflow-google.txt --editable .
# Two test files at a time, since tests wait for Airflow's processes a lot; in their order, as the slow ones are spread.
PARALLEL := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.PHONY: help demo play test live chaos bench check audit prerelease lock lock-local-bigquery clean

help:
	@sed -n 's/^# make/make/p' Makefile

demo: $(VENV)/.installed $(BIGQUERY)/.installed
	@$(PYTHON) -m tests.demo

play: $(VENV)/.installed $(BIGQUERY)/.installed
	@$(PYTHON) -m tests.demo.play

test: $(VENV)/.installed $(BIGQUERY)/.installed $(OTHERS:%=.venv-airflow-%/.installed) prerelease
	$(PYTHON) -m pytest $(PARALLEL) --cov --cov-report=term

live: $(VENV)/.installed $(BIGQUERY)/.installed .venv-airflow-$(LIVE)/.installed
	$(PYTHON) -m pytest -m live

chaos: $(VENV)/.installed $(BIGQUERY)/.installed
	$(PYTHON) -m pytest -m chaos tests/chaos

bench: $(VENV)/.installed $(BIGQUERY)/.installed $(PEERS:%=.venv-bench-%/.installed)
	$(PYTHON) -m compileall -q $(VENV)/lib airflow_provider_wxanalysis tests > /dev/null || true  # templates do not compile
	$(PYTHON) -m tests.benchmarks
	$(PYTHON) -m tests.support.docs

check: $(VENV)/.installed
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

$(VENV)/.installed: pyproject.toml $(LOCKS)/airflow-$(MAIN).txt
	@python="$$(python3 tests/support/find_python.py 3.11 3.13)"
	echo "Installing Airflow and this package into $(VENV) ..."
	test -x $(PYTHON) || "$$python" -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --quiet --python $(PYTHON) --constraint $(LOCKS)/airflow-$(MAIN).txt \
	  --group dev --editable .
	touch $@

audit: $(VENV)/.installed
	$(UV) tool run pip-audit --disable-pip --no-deps --requirement $(LOCKS)/airflow-$(MAIN).txt

.venv-airflow-%/.installed: pyproject.toml $(LOCKS)/airflow-%.in $(LOCKS)/airflow-%.txt | $(VENV)/.installed
	@python="$$(python3 tests/support/find_python.py $(or $(PYTHON_$*),3.11 3.12))"
	echo "Installing Airflow $* into $(@D) ..."
	test -x $(@D)/bin/python || "$$python" -m venv --without-pip $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python --constraint $(LOCKS)/airflow-$*.txt \
	  --requirement $(LOCKS)/airflow-$*.in --editable '.$(EXTRAS_$*:%=[%])'
	touch $@

.venv-bench-%/.installed: tests/benchmarks/requirements-%.txt | $(VENV)/.installed
	@echo "Installing what the benchmarks compare with into $(@D) ..."
	test -x $(@D)/bin/python || $(PYTHON) -m venv --without-pip $(@D)
	$(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python --requirement $< $(BENCH_$*)
	touch $@

# The newest pre-release is worth a look, but neither its packaging nor its faults may fail the run.
prerelease: $(VENV)/.installed
	-@$(MAKE) --silent .venv-airflow-$(PRERELEASE)/.installed

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

# Run by hand to move to newer versions; then see whether the tests still pass. An old Airflow is resolved as of some
# days after its last release, because with the packages of today 3.0 and 3.2 are broken; but common-compat, which this
# package needs newer, comes with what it needs as of today.
AS_OF_2.11 := 2026-03-21
AS_OF_lowest := $(AS_OF_2.11)
AS_OF_3.0 := 2025-09-05
AS_OF_3.1 := 2026-03-18
AS_OF_3.2 := 2026-06-05
AS_OF_TODAY := apache-airflow-providers-common-compat asgiref
COMPILE = $(UV) pip compile --quiet --upgrade --universal --no-header --no-annotate

lock: $(patsubst %,lock-%,$(MAIN) $(OTHERS) $(PRERELEASE) $(LIVE)) lock-local-bigquery

lock-%: $(LOCKS)/airflow-%.in | $(VENV)/.installed
	$(COMPILE) --python-version 3.11 pyproject.toml $(EXTRAS_$*:%=--extra %) $(GROUPS_$*:%=--group %) $< --output-file $(LOCKS)/airflow-$*.txt \
	  $(if $(filter lowest,$*),--resolution lowest-direct) \
	  $(if $(AS_OF_$*),--exclude-newer $(AS_OF_$*) $(AS_OF_TODAY:%=--exclude-newer-package %=false))

lock-local-bigquery: | $(VENV)/.installed
	$(COMPILE) --python-version 3.13 --override $(LOCKS)/local-bigquery.override $(LOCKS)/local-bigquery.in \
	  --output-file $(LOCKS)/local-bigquery.txt

clean:
	rm -rf .venv-airflow-* .venv-bench-* $(VENV) $(BIGQUERY) .cache demo-output dist .coverage .pytest_cache \
	  .mypy_cache .ruff_cache .hypothesis

.ONESHELL:
