# Service Lab. `make` lists what there is; nothing but Python 3.11 or newer and make is needed.

VENV := .venv
LOCK := requirements.lock
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-input
SOURCES := lab tests $(wildcard benchmarks screenshots)

.DEFAULT_GOAL := help
.PHONY: help env envs run test test-all lint format bench screenshots lock clean distclean

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

# An environment from the lock: $(1) is its folder, $(2) the version of Python, or empty for the newest there is.
define install
	@set -e; \
	if ! $(1)/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		python=$$(.ci/pythons $(2) | head -n 1); \
		if [ -z "$$python" ]; then \
			echo "No Python 3.11 or newer that can make a virtual environment was found on the PATH." >&2; \
			echo "Install one (on Debian and Ubuntu: python3 and python3-venv) and run make again." >&2; \
			exit 1; \
		fi; \
		echo "Creating $(1) with $$($$python --version)"; \
		$$python -m venv --clear $(1); \
	fi; \
	echo "Installing $(LOCK) into $(1)"; \
	$(1)/bin/python $(PIP_INSTALL) --require-hashes -r $(LOCK); \
	$(1)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .; \
	touch $(1)/.installed
endef

env: $(VENV)/.installed  ## Create .venv from the lock, with everything for development

$(VENV)/.installed: $(LOCK) pyproject.toml
	$(call install,$(VENV),)

.venv-%/.installed: $(LOCK) pyproject.toml
	$(call install,.venv-$*,$*)

envs: env  ## Create .venv-3.X too, for every other supported Python of this machine
	@set -e; for python in $$(.ci/pythons); do \
		version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		if [ "$$version" != "$$($(VENV)/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" ]; then \
			$(MAKE) --no-print-directory .venv-$$version/.installed; \
		fi; \
	done

run: env  ## Play the tour in this terminal
	@$(VENV)/bin/lab tour

test: env  ## Run the tests; ARGS="-k clock" passes arguments to pytest
	@$(VENV)/bin/python -m pytest $(ARGS)

test-all:  ## Run the tests on every supported Python of this machine
	@set -e; pythons=$$(.ci/pythons); \
	if [ -z "$$pythons" ]; then echo "No Python 3.11 or newer was found on the PATH." >&2; exit 1; fi; \
	for python in $$pythons; do \
		version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		$(MAKE) --no-print-directory .venv-$$version/.installed; \
		echo "Python $$version"; \
		.venv-$$version/bin/python -m pytest $(ARGS); \
	done

lint: env  ## Check style, types and that each floor imports only from floors below it
	@$(VENV)/bin/ruff check $(SOURCES)
	@$(VENV)/bin/ruff format --check $(SOURCES)
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

format: env  ## Format the code
	@$(VENV)/bin/ruff check --fix $(SOURCES)
	@$(VENV)/bin/ruff format $(SOURCES)

bench: env  ## Measure speed and memory
	@$(VENV)/bin/python -m benchmarks

screenshots: env  ## Play scenarios and write pictures of them to screenshots/
	@$(VENV)/bin/python -m screenshots.make

lock:  ## Pin the newest packages that pyproject.toml allows, with their hashes
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$$(.ci/pythons | head -n 1) -m venv "$$folder"; \
	"$$folder/bin/python" $(PIP_INSTALL) uv; \
	{ \
		echo "# Every package of the environment, pinned with its hashes: runtime, development and build."; \
		echo '# Made by `make lock` from pyproject.toml; do not edit.'; \
		echo; \
		"$$folder/bin/uv" pip compile pyproject.toml --extra dev --extra screenshots --extra report --extra dask --universal --fork-strategy fewest \
			--python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet; \
	} > "$$folder/lock"; \
	cp "$$folder/lock" $(LOCK)

clean:  ## Remove caches and build output
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find lab tests $(wildcard benchmarks screenshots) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## Remove the environments too
	@rm -rf .venv .venv-3.*
