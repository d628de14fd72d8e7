# The commands of this project. house/ runs them and needs only Python 3.11 or newer; everything that it installs and
# writes is in .venv and .run.

PYTHON ?= python3
HOUSE := exec $(PYTHON) -m house

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-full bench screenshots page-figures lint format rooms docs messages sbom matrix lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## Start the product with demo data on PORT (8000); Ctrl-C stops it
	@$(HOUSE) run

test: ## Check everything and run the tests; ARGS="-k name" runs only these tests
	@$(HOUSE) test '$(subst ','\'',$(ARGS))'

test-full: ## The same with the slow and the fault tests
	@$(HOUSE) test-full '$(subst ','\'',$(ARGS))'

bench: ## Measure the speed ratios; ARGS="saving --rounds 9" only these
	@$(HOUSE) bench '$(subst ','\'',$(ARGS))'

screenshots: ## Take the pictures of docs/screenshots; ARGS="tests/browser/test_quotes.py" only these
	@$(HOUSE) screenshots '$(subst ','\'',$(ARGS))'

page-figures: ## Print the figures of the pages: the walk by keys, first paint, row orders, bytes, pages on paper
	@$(HOUSE) test-full '-n 0 -q -s tests/browser/test_main_job.py tests/browser/test_page_figures.py'

lint: ## Check style, types and the import contract
	@$(HOUSE) lint

format: ## Fix and format the code
	@$(HOUSE) format

rooms: ## Draw the rooms of the house into docs/architecture.md
	@$(HOUSE) rooms

docs: ## Make the documentation as a site with search in .run/docs; dead links fail
	@$(HOUSE) docs

messages: ## Compile the translations in locale/
	@$(HOUSE) messages

sbom: ## Write the packages with hashes and licenses as CycloneDX; ARGS=file names the file
	@$(HOUSE) sbom '$(subst ','\'',$(ARGS))'

matrix: ## Run the core tests on every Python from 3.11 to 3.14 that is installed
	@$(HOUSE) matrix '$(subst ','\'',$(ARGS))'

lock: ## Resolve pyproject.toml into uv.lock and requirements.txt; ARGS=--upgrade takes newer versions
	@$(HOUSE) lock '$(subst ','\'',$(ARGS))'

clean: ## Remove the virtual environment, the servers and their data
	@$(HOUSE) clean
