# Everything is set up by the target that needs it: Python 3.11+, make and the package registries are enough.
PYTHON ?= python3
UV := .venv/uv/bin/uv
DEV := .venv/dev
AIRFLOW := .venv/airflow-3.3
AIRFLOW_OLD := .venv/airflow-3.0
BENCH := .venv/bench
# versions of Python come from the machine, never from a download; hashes are checked on every install
export UV_PYTHON_DOWNLOADS = never
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
PYTEST = $(DEV)/bin/python -m pytest --durations=15
# parts of the cluster's tests that run by themselves
APART := airflow faults stack skaffold
# what a push leaves out
CHOSEN := -m "not thorough"
# $(1) and $(2) at once, for phases that wait or have one process; $(3) names the log in which $(1) speaks until $(2) is over
define at_once
mkdir -p .cache; $(1) >.cache/$(3).log 2>&1 & first=$$!; $(2); second=$$?; \
wait $$first; first=$$?; cat .cache/$(3).log; exit $$((first | second))
endef

.DEFAULT_GOAL := help
.PHONY: help setup demo test cluster up test-cluster test-all check format bench lock clean

help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV)/.ready ## the development environment in .venv/dev

demo: $(DEV)/.ready $(AIRFLOW)/.ready ## a week of real flights through a real Airflow; KEEP=1 leaves its UI running
	$(DEV)/bin/polarpod release
	$(DEV)/bin/python -m tools.demo $(if $(KEEP),--keep)

test: $(DEV)/.ready $(AIRFLOW)/.ready $(AIRFLOW_OLD)/.ready .cache/tools/versitygw-v1.8.0 ## everything that needs no cluster
	$(DEV)/bin/polarpod release
	$(call at_once,$(AIRFLOW_OLD)/bin/python -m pytest tests/airflow,$(AIRFLOW)/bin/python -m pytest tests/airflow,airflow-3.0)
	# more workers than cores: half of a test's time it waits for a process that starts or a store that answers
	$(PYTEST) -n 4 $(CHOSEN) --ignore=tests/airflow --ignore=tests/cluster --ignore=tests/charts tests

cluster: $(DEV)/.ready ## a kind cluster with the job image loaded
	$(DEV)/bin/python -m tools.cluster up

up: $(DEV)/.ready ## the whole local stack in that cluster: Airflow, S3, PostgreSQL, the worker plane
	$(DEV)/bin/python -m tools.stack up

test-cluster: cluster $(AIRFLOW)/.ready $(AIRFLOW_OLD)/.ready .venv/checkov/.ready ## the suite on a real kubelet, then the stack
	POLARPOD_SUITE_PLANE=kind $(PYTEST) -n 6 $(CHOSEN) $(APART:%=--ignore=tests/cluster/%) tests/cluster tests/suite
	# Airflow waits for pods while charts are rendered
	$(call at_once,POLARPOD_CHECKOV=.venv/checkov/bin/checkov $(PYTEST) -n 2 --dist loadgroup tests/charts,$(AIRFLOW)/bin/python -m pytest tests/cluster/airflow,charts)
	$(PYTEST) tests/cluster/faults
	$(MAKE) up
	$(PYTEST) -p no:randomly $(CHOSEN) tests/cluster/stack

# a push strikes with twenty faults, and leaves Airflow 3.0 to the tests without a cluster
test-all: export POLARPOD_FAULTS = 60
test-all: CHOSEN :=
test-all: test test-cluster ## what a push proves, and what it leaves out
	$(AIRFLOW_OLD)/bin/python -m pytest tests/cluster/airflow
	$(PYTEST) tests/cluster/skaffold

check: $(DEV)/.ready ## format, lint, types, import rules
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

format: $(DEV)/.ready ## format, mend what can be mended, rewrite generated files
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/python -m polarpod.contract.schemas
	$(DEV)/bin/python -m tools.charts

bench: $(DEV)/.ready $(BENCH)/.ready $(AIRFLOW)/.ready .cache/tools/versitygw-v1.8.0 ## speed and memory as ratios in one run; takes minutes and 10 GB of disk
	$(BENCH)/bin/python -m bench
	$(DEV)/bin/python -m bench.runs
	$(AIRFLOW)/bin/python -m bench.parse
	$(MAKE) cluster
	$(AIRFLOW)/bin/python -m bench.pods
	POLARPOD_CLUSTER_NAME=polarpod-bench POLARPOD_CLUSTER_PORT=31900 $(DEV)/bin/python -m bench.stack

lock: $(UV) ## resolve every environment anew
	$(LOCK) pyproject.toml --extra worker --extra cli --extra kubernetes --group dev -o locks/dev.txt
	$(LOCK) pyproject.toml --extra worker -o locks/worker.txt
	$(LOCK) pyproject.toml --extra worker --extra cli --group bench -o locks/bench.txt
	$(LOCK) locks/checkov.in -o locks/checkov.txt
	$(LOCK) locks/airflow-3.3.in pyproject.toml --extra airflow --group test -o locks/airflow-3.3.txt
	# the Airflow image has what is tested; only Amazon's client needs an older date library than Airflow would take
	grep '==' locks/airflow-3.3.txt | grep -v '^python-dateutil=' | sed 's/ \\$$//' >.cache/constraints.txt
	$(LOCK) --constraint .cache/constraints.txt locks/airflow-image.in pyproject.toml --extra airflow --extra cli \
	  -o locks/airflow-image.txt
	# 3.0.6 with the packages of its time, as MWAA has it, but for those that are ours to choose
	$(LOCK) --exclude-newer 2025-10-01 $(OURS:%=--exclude-newer-package %=2100-01-01) \
	  locks/airflow-3.0.in pyproject.toml --extra airflow --group test -o locks/airflow-3.0.txt

clean: ## remove environments, caches and demo data
	rm -rf .venv .cache .polarpod dags/release.json

OURS := arro3-core deltalake deprecated msgspec obstore pytest pytest-timeout pyyaml

$(UV):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "polarpod needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv/uv
	.venv/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt

# one environment a lock: Airflow's hold no Polars, the worker's no Airflow, as in production
.venv/%/.ready: locks/%.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .venv/$*
	$(UV) pip sync --quiet --require-hashes --python .venv/$*/bin/python locks/$*.txt
	$(UV) pip install --quiet --no-deps --python .venv/$*/bin/python --editable .
	touch $@

.cache/tools/versitygw-v1.8.0: $(DEV)/.ready
	$(DEV)/bin/python -m tests.s3.versitygw
