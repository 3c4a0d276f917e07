# The first Python from 3.11 to 3.13 that answers (a version manager's shim may exist and not answer).
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
UV ?= uv
# Tests wait about as often as they compute: one process more than there are cores, four at most.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
TESTERS ?= $(or $(word $(CORES),2 3 4),4)

# Each tester, and each process that is started cold, would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

# A Python asked for by name wins over a .venv that was made with another.
ifneq ($(filter command environment,$(firstword $(origin PYTHON))),)
SAY_VERSION := -c 'import sys; v = sys.version_info; print(f"{v[0]}.{v[1]}" * ((3, 11) <= v < (3, 14)))'
ASKED := $(shell $(PYTHON) $(SAY_VERSION) 2>/dev/null)
HERE := $(shell test ! -x $(BIN)/python || $(BIN)/python $(SAY_VERSION))
$(if $(ASKED),,$(error PYTHON=$(PYTHON) is no Python 3.11, 3.12 or 3.13 that answers))
ifneq ($(HERE),$(ASKED))
$(if $(HERE),$(info .venv has Python $(HERE): making it anew with $(ASKED)))
$(shell rm -rf $(VENV))
endif
endif

LOCK := $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes \
  --custom-compile-command "make lock" pyproject.toml

.PHONY: run install test proofs newcomer bank campaign faults pushes requests races histories receipts golden baskets previews \
  bench mutants lint \
  security sbom words vendor lock clean

run: $(VENV)/.run
	@exec $(BIN)/wallet run

# What a server needs: the `wallet` command in .venv/bin, and nothing for tests.
install: $(VENV)/.run

test: $(VENV)/.dev
	$(BIN)/python tests/kit/needs.py
	$(MAKE) lint
	$(MAKE) security
	$(BIN)/pytest -n $(TESTERS) --dist worksteal

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Habits that attackers like, and secrets that were committed. Hashes stand everywhere as examples,
# and passwords in Python are judged by ruff; placeholders, and words that only speak of a private
# key, are let through; anything else that is none says so: `pragma: allowlist secret`.
security: $(VENV)/.dev
	$(BIN)/bandit -q -c pyproject.toml -r ledger wallet --severity-level medium
	git ls-files -z -- $(foreach kind,lock po mo woff2 ttf png svg,':!*.$(kind)') \
	    ':!wallet/console/static/vendor' | \
	  xargs -0 $(BIN)/detect-secrets-hook --no-verify \
	    --disable-plugin HexHighEntropyString --disable-plugin KeywordDetector \
	    --exclude-secrets '^(password|guest|secret)$$' \
	    --exclude-lines 'BEGIN PRIVATE KE[Y]("|-----`|\))' \
	    --exclude-files 'package-lock.json$$'

# What a release is made of, as CycloneDX: every package of requirements.lock with its hashes.
sbom: $(VENV)/.dev
	mkdir -p build
	PYTHONWARNINGS=ignore $(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
	  --output-reproducible --of JSON -o build/sbom.json

# Catalogues of translations, after a change of what is said: names what has no text yet. And the
# table of rights in docs/console.md.
words: $(VENV)/.dev
	PYTHONPATH=tests/kit $(BIN)/python tests/kit/catalogues.py
	$(BIN)/python tests/kit/rights_table.py

# Files of others that the console's pages use, as frontend/package.json names them. It needs Node.
vendor: $(VENV)/.dev
	$(BIN)/python frontend/vendor.py

# The README's own commands, followed in a fresh clone from nothing to points on both phones.
newcomer: $(VENV)/.dev
	$(BIN)/python tests/flows/newcomer.py

# What is too long for `make test`: each has a short sister there. An hour and more.
proofs: bank campaign faults pushes requests races histories receipts previews

# Many clients, killed processes, a restarted database, and not a point lost or doubled.
bank: $(VENV)/.dev
	PYTHONPATH=tests/kit $(BIN)/python tests/kit/bank.py

# A message to ten thousand cards through everything that can break: nobody missed, nobody told twice.
campaign: $(VENV)/.dev
	PYTHONPATH=tests/kit $(BIN)/python tests/kit/campaign.py

# Whatever breaks while a change goes out to all cards, many more of them and killed more often.
faults: $(VENV)/.dev
	KOPILKA_FAULT_CARDS=2000 KOPILKA_FAULT_KILLS=25 KOPILKA_FAULT_DOWN_SECONDS=20 \
	  $(BIN)/pytest -o timeout=1800 tests/flows/test_faults.py

# A thousand pushes to one card in a day.
pushes: $(VENV)/.dev
	KOPILKA_PUSHES=1000 $(BIN)/pytest -o timeout=1800 tests/flows/test_promises.py -k AThousandPushes

# Strange requests to every call of the API, tens of thousands of them.
requests: $(VENV)/.dev
	KOPILKA_REQUEST_CASES=100 $(BIN)/pytest -n $(TESTERS) --dist worksteal -o timeout=1800 \
	  tests/wallet/api/test_contract.py

# Every two operations that touch one account, and an erasure with whatever is written meanwhile,
# stopped at every place.
races: $(VENV)/.dev
	LEDGER_PAIRS=all $(BIN)/pytest -n $(TESTERS) --dist worksteal -o timeout=3600 \
	  tests/ledger/points/test_at_once.py tests/flows/test_erasure.py

# Thousands of random histories of the book against its model.
histories: $(VENV)/.dev
	LEDGER_EXAMPLES=3000 LEDGER_STEPS=50 $(BIN)/pytest -n $(TESTERS) --dist worksteal \
	  -o timeout=3600 tests/ledger/book/test_book_model.py

# Ten thousand random receipts keep every promise of docs/promotions.md, and two thousand cost the
# same by a second till that knows nothing but that page.
receipts: $(VENV)/.dev
	LEDGER_RECEIPTS=10000 LEDGER_TILLS=2000 $(BIN)/pytest -n $(TESTERS) --dist worksteal \
	  -o timeout=7200 tests/ledger/promotions/test_invariants.py tests/ledger/promotions/test_two_tills.py

# What receipts cost by today's arithmetic, written into the golden ones that have no quote yet.
golden: $(VENV)/.dev
	PYTHONPATH=tests/kit $(BIN)/python tests/kit/golden.py

# A year of real purchases, 100,000 of them priced by thirty promotions: some minutes. The data, and
# what reads it, have a lock of their own: nobody else needs them.
baskets: $(VENV)/.baskets
	PYTHONPATH=tests/kit nice -n 10 $(BIN)/python tests/tools/baskets.py

# Hundreds of random designs: what a preview shows is what the virtual phones show.
previews: $(VENV)/.dev
	KOPILKA_PREVIEWS=300 $(BIN)/pytest -o timeout=1800 tests/wallet/console/test_faces.py

bench: $(VENV)/.dev
	PYTHONPATH=tests/kit $(BIN)/python tests/bench/run.py

# Mutation testing of the book: one process, about an hour (tests/mutants/README.md). Goes on where it
# was stopped; `make mutants ONLY='ledger.book.holds*'` judges these again.
mutants: $(VENV)/.mutants
	PYTHONPATH=$(CURDIR)/tests/mutants TMPDIR=$$(test -d /dev/shm && echo /dev/shm || echo /tmp) \
	  nice -n 10 $(BIN)/mutmut run --max-children 1 $(ONLY)
	$(BIN)/python tests/mutants/report.py

# The first run takes minutes, so it says how far it is. pip itself is quiet, or tells of every file.
PIP := $(BIN)/pip install --disable-pip-version-check --no-input
# $(call each-package,a lock file): installs it by its hashes, and counts aloud. A package that failed
# ends it, and pip has said why on standard error.
each-package = { $(PIP) --progress-bar off --require-hashes -r $(1) || echo "pip failed"; } | \
  awk -v most="$$(grep -c '^[a-z0-9].*==' $(1))" \
    '/^(Collecting|Requirement already satisfied)/ { if (++n % 10 == 0) print "   " n " of about " most " packages"; fflush() } \
     /^Installing collected packages/ { print "   all of them are here: putting them in place"; fflush() } \
     /^pip failed$$/ { exit 1 }'

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and was not found."; exit 1; }
	@echo "1 of 3: a Python environment of its own in $(VENV) (some seconds)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "2 of 3: the packages in requirements.lock, each checked by its hash (a minute or two)"
	@$(call each-package,requirements.lock)
	@echo "3 of 3: Kopilka itself (some seconds)"
	@$(PIP) -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "What tests need: the packages in requirements-dev.lock (a minute or two)"
	@$(call each-package,requirements-dev.lock)
	@touch $@

$(VENV)/.baskets: tests/tools/baskets.lock $(VENV)/.dev
	$(PIP) -q --no-deps --require-hashes -r tests/tools/baskets.lock
	@touch $@

$(VENV)/.mutants: tests/mutants/requirements.lock $(VENV)/.dev
	$(PIP) -q --require-hashes -r tests/mutants/requirements.lock
	@touch $@

# Both locks from pyproject.toml: one for running, one that adds what the tests need, same versions.
# Mutation testing has a third, and real purchases a fourth: nobody else needs their packages.
lock:
	$(LOCK) --extra install -o requirements.lock
	$(LOCK) --extra install --extra dev -c requirements.lock -o requirements-dev.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command "make lock" -c requirements-dev.lock \
	  tests/mutants/requirements.in -o tests/mutants/requirements.lock
	$(UV) pip compile -q --no-deps --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command "make lock" tests/tools/baskets.in -o tests/tools/baskets.lock

clean:
	rm -rf $(VENV) var build mutants *.egg-info
