# Every target has a one-line help: `make help`.
SWIFT ?= swift
TRACE ?= traces/boot.trace
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.DEFAULT_GOAL := help
.PHONY: help deps run build test lint format record clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install libxxhash-dev and libzstd-dev where pkg-config does not find them
	@command -v pkg-config >/dev/null && pkg-config --exists libxxhash libzstd || { \
	  echo "installing libxxhash-dev, libzstd-dev and pkg-config (apt-get)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq libxxhash-dev libzstd-dev pkg-config >/dev/null; }

run: deps ## build, then replay traces/boot.trace under every strategy
	$(SWIFT) run gi-bench $(TRACE)

build: deps ## build everything, tests included
	$(SWIFT) build --build-tests

test: deps ## run all tests
	$(SWIFT) test

lint: ## check the formatting (swift-format, strict)
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Benchmarks Tests

format: ## format all Swift sources in place
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Benchmarks Tests

record: deps ## record a guest anew on Debian 12, e.g. make record TRACE=boot
	traces/recorder/record.sh $(notdir $(basename $(TRACE)))

clean: ## remove build products
	rm -rf .build .build-*
