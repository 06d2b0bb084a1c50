# What the README tells users. Warm runs skip what is up to date: each product is a file, made from the files it depends on.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
CONSTRAINTS := requirements/constraints.txt
DEMO ?= demo-workspace
PORT ?= 8888
SHARE := $(VENV)/share/jupyter/labextensions/jupyter-mlgov
LAB_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null) labextension/package.json labextension/tsconfig.json
PANDAS2 := .cache/pandas-2.3
FEAST := .cache/feast
KSERVE := .cache/kserve
# Every extra but feast, which asks for pandas < 3.
EXTRAS := argo demo dev docx drift explain fairness grafana kfp kubernetes lake notify oidc openlineage pdf pii postgres sbom scan scheduler serve signing snowflake spark stats test

# Nothing phones home from what we start (docs/operators/privacy.md).
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := 1
export DVC_NO_ANALYTICS := 1
export npm_config_update_notifier := false
# uv takes the registry that pip was told.
ifneq ($(PIP_INDEX_URL),)
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

.PHONY: demo lab test check check-python check-panel bench docs sbom pictures install labextension wheel constraints clean machine format
.DEFAULT_GOAL := help

help:
	@echo "make demo    the credit-approval example, start to finish"
	@echo "make lab     JupyterLab on the demo workspace"
	@echo "make test    everything the tests need, then all tests"
	@echo "make check   linters, types, floor contracts"
	@echo "make bench   speed, as ratios against the peers"
	@echo "make docs    the documentation site, into dist/site"

# -- set-up -----------------------------------------------------------------------------------------------------------

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@command -v git >/dev/null || { echo "git is needed and not on PATH. Install it, then run make again."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) uv

$(VENV)/.dependencies: pyproject.toml requirements/tools.in $(CONSTRAINTS) | $(UV)
	$(UV) pip install --quiet --python $(BIN)/python -c $(CONSTRAINTS) -r pyproject.toml $(EXTRAS:%=--extra %) -r requirements/tools.in
	@touch $@

labextension/node_modules/.package-lock.json: labextension/package.json labextension/package-lock.json
	@command -v node >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
		|| { echo "Node 20.19 or newer is needed to build the JupyterLab panel from a checkout (a wheel needs none)."; exit 1; }
	cd labextension && npm ci --no-audit --no-fund --prefer-offline --loglevel=error
	@touch $@

jupyter_mlgov/labextension/package.json: labextension/node_modules/.package-lock.json $(LAB_SOURCES)
	cd labextension && npm run --silent build:prod
	@touch $@

$(VENV)/.installed: $(VENV)/.dependencies jupyter_mlgov/labextension/package.json
	rm -rf $(SHARE) # a link from an earlier run: the installer would write and delete through it
	$(UV) pip install --quiet --python $(BIN)/python -c $(CONSTRAINTS) --no-deps --editable .
	rm -rf $(SHARE) && mkdir -p $(dir $(SHARE)) && ln -s $(CURDIR)/jupyter_mlgov/labextension $(SHARE)
	@touch $@

labextension: jupyter_mlgov/labextension/package.json
install: $(VENV)/.installed

# -- use --------------------------------------------------------------------------------------------------------------

demo: install
	$(BIN)/mlgov demo --workspace $(DEMO)

$(DEMO)/.mlgov:
	$(BIN)/mlgov demo --workspace $(DEMO)

lab: install $(DEMO)/.mlgov
	$(BIN)/jupyter lab --ServerApp.root_dir=$(DEMO) --port=$(PORT) --LabApp.default_url=/lab/tree/credit_approval.ipynb \
		--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.extension_manager=readonly \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_FLAGS)

# The pictures of README and docs/users/panel.md, taken by the browser tests.
pictures: install machine
	$(BIN)/python tests/browser/pictures.py

# -- tests ------------------------------------------------------------------------------------------------------------

# The real systems that the tests talk to: program -> Debian package. The tests start and stop them themselves.
MACHINE := chromium:chromium pdftotext:poppler-utils redis-server:redis-server pg_ctl:postgresql java:default-jre-headless promtool:prometheus prometheus-alertmanager:prometheus-alertmanager kubectl:kubernetes-client

machine:
	@export PATH="$$PATH:$$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)"; missing=""; \
	[ -z "$$CHROMIUM" ] || have=chromium; \
	for pair in $(MACHINE); do [ "$${pair%%:*}" = "$$have" ] || command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair#*:}"; done; \
	[ -z "$$missing" ] || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing fonts-dejavu-core; \
		else echo "The tests need$$missing. Install (Debian): apt-get install$$missing. Chromium elsewhere: set CHROMIUM=/path/to/it."; exit 1; fi; }

$(PANDAS2)/.installed: requirements/pandas-2.3.txt | $(VENV)/.dependencies
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --target $(PANDAS2) --no-deps -r requirements/pandas-2.3.txt
	@touch $@

$(FEAST)/.installed: requirements/feast.txt | $(VENV)/.dependencies
	$(UV) pip install --quiet --python $(BIN)/python --target $(FEAST) --no-deps -r requirements/feast.txt
	@touch $@

$(KSERVE)/.installed: requirements/kserve.txt | $(VENV)/.dependencies
	$(UV) venv --quiet --clear --python $(BIN)/python $(KSERVE)
	$(UV) pip install --quiet --python $(KSERVE)/bin/python --no-deps -r requirements/kserve.txt
	@touch $@

ALONE := server benchmarks browser feast kserve

# Two workers, a file on one of them; what drives a browser runs alone, since it watches how long things take.
# Where Python may write no bytecode (PYTHONDONTWRITEBYTECODE), each process a test starts would compile our code again: done once here.
test: install machine $(PANDAS2)/.installed $(FEAST)/.installed $(KSERVE)/.installed
	$(BIN)/python -m compileall -q jupyter_mlgov validators
	$(BIN)/python -m pytest tests -n 2 --dist loadfile $(ALONE:%=--ignore=tests/%)
	$(BIN)/python -m pytest tests/browser
	$(BIN)/python -m pytest tests/server
	PYTHONPATH=$(PANDAS2) $(BIN)/python -c 'import pandas; assert pandas.__version__.startswith("2.3"), pandas.__version__'
	PYTHONPATH=$(PANDAS2) $(BIN)/python -m pytest -n 2 --dist loadfile tests/lineage tests/validation tests/validators
	PYTHONPATH=$(FEAST) $(BIN)/python -m pytest tests/feast
	$(BIN)/python -m pytest tests/kserve
	cd labextension && npm test --silent

# Python and the panel side by side; what each says is printed whole, and a fault of either fails the check.
check: install
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-python check-panel

check-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pip check
	$(BIN)/python release/audit.py

check-panel:
	cd labextension && npm run --silent lint:check && npx --no-install tsc --noEmit && npm run --silent check:types

bench: install
	$(BIN)/python -m tests.benchmarks

# Searchable, and it asks no network; a notebook is executed again only when it or the code changed.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "dist/site/index.html; to search in it: $(BIN)/python -m http.server --bind 127.0.0.1 --directory dist/site 8000"

format: install
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	cd labextension && npm run --silent lint

# -- packaging --------------------------------------------------------------------------------------------------------

wheel: install
	$(BIN)/python -m build --outdir dist # the same bits again where SOURCE_DATE_EPOCH is the same

# What this release is made of, as a strictly valid CycloneDX document; SOURCE_DATE_EPOCH makes it the same again.
sbom: install
	$(BIN)/python release/sbom.py dist/jupyter-mlgov.cdx.json

constraints: | $(UV)
	$(UV) pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		pyproject.toml $(EXTRAS:%=--extra %) requirements/tools.in --output-file $(CONSTRAINTS)

clean:
	rm -rf $(VENV) .cache dist labextension/node_modules labextension/lib jupyter_mlgov/labextension $(DEMO)
