# Every target sets up what it needs: npm packages, Debian packages (through apt, where root), Go modules.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ARCH := $(subst x86_64,x64,$(subst aarch64,arm64,$(shell uname -m)))
OS := $(shell uname -s | tr A-Z a-z)
# Node 24 comes with the npm packages; the machine's own only has to run npm once.
export PATH := $(CURDIR)/node_modules/node-$(OS)-$(ARCH)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
NODE := node --conditions=motelet-source --disable-warning=ExperimentalWarning
# A test that hangs fails after 20 minutes, so that the others are still reported.
DEADLINE := --test-timeout=1200000
REPORT = --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=build/junit-$@.xml
UNIT := 'docs/scripts/**/*.test.ts' '{profiles,hil-tests/testing}/{src,test}/**/*.test.ts' 'gateway/{src,test,cli}/**/*.test.ts' 'firmware-sdk/reference/{src,test}/**/*.test.ts'
RIG := 'hil-tests/{rig,control-plane,bench}/**/*.test.ts'
# What is published, each after what it imports.
PACKAGES := profiles firmware-sdk/reference gateway gateway/cli

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

node_modules/.installed: package.json package-lock.json $(wildcard */package.json */*/package.json)
	@echo "installing npm packages …" >&2
	@npm ci --loglevel=error --no-fund --no-audit
	@node -e 'if (+process.versions.node.split(".")[0] < 24) { console.error("motelet needs Node 24: none came for $(OS)-$(ARCH), and the machine has " + process.version); process.exit(1) }'
	@touch $@

.PHONY: setup host-tools tools avr-tools fuzz-tools control-plane
setup: node_modules/.installed ## install the npm packages
	@mkdir -p build

host-tools: setup ## install what the posix device is built with
	@hil-tests/install-tools.sh host

tools: setup ## install compilers and the emulator too
	@hil-tests/install-tools.sh host arm

avr-tools: setup ## install the compiler for AVR
	@hil-tests/install-tools.sh avr

fuzz-tools: setup ## install clang with libFuzzer
	@hil-tests/install-tools.sh fuzz

control-plane: setup ## build the Kubernetes control plane into the cache (KUBEBUILDER_ASSETS, MOTELET_CACHE)
	@$(NODE) hil-tests/control-plane/build.ts

.PHONY: demo cluster
demo: $(if $(BOARD),tools,host-tools) control-plane ## the main job: control plane, gateway and emulated devices (BOARD=qemu, DEVICES=n, CLUSTER=current ADDRESS=ip CLEAN=yes)
	@$(MAKE) -s -C firmware-sdk/c $(if $(filter qemu,$(BOARD)),posix cortex-m,posix)
	@exec $(NODE) hil-tests/demo.ts $(if $(BOARD),--board $(BOARD)) $(if $(CLUSTER),--cluster $(CLUSTER)) $(if $(DEVICES),--devices $(DEVICES)) $(if $(ADDRESS),--address $(ADDRESS)) $(if $(CLEAN),--clean $(CLEAN))

cluster: control-plane ## a Kubernetes control plane of one's own, in the foreground
	@exec $(NODE) hil-tests/control-plane/cluster.ts

.PHONY: test test-unit test-c test-rig test-suites test-matrix soak bench
test: test-unit test-c test-rig test-suites ## every test

test-unit: host-tools ## codecs, gateway and reference runtime
	@$(NODE) --test $(DEADLINE) $(REPORT) $(UNIT)

test-c: tools avr-tools fuzz-tools ## the C SDK: vectors under sanitizers and on an emulated AVR, fuzzing, both ports
	@$(NODE) --test $(DEADLINE) --test-concurrency=1 $(REPORT) 'firmware-sdk/c/test/**/*.test.ts'

test-rig: tools control-plane ## rig and control plane
	@$(NODE) --test $(DEADLINE) --test-concurrency=1 $(REPORT) $(RIG)

# The Kubernetes of all that has a control plane: the newest; KUBERNETES=1.35 builds and takes that one.
test-suites: tools control-plane ## everything together, on real things (KUBERNETES=1.35)
	@$(MAKE) -s -C firmware-sdk/c posix cortex-m
	@$(NODE) --test $(DEADLINE) --test-concurrency=1 $(REPORT) 'hil-tests/{suites,interop}/**/*.test.ts'

test-matrix: tools control-plane ## every kubectl on every API server (minutes: older kubectls are built first)
	@$(MAKE) -s -C firmware-sdk/c posix cortex-m
	@for version in 1.35 1.37; do \
	  echo "API server $$version" >&2; \
	  KUBERNETES=$$version MOTELET_MATRIX=1 $(NODE) --test $(DEADLINE) --test-concurrency=1 $(REPORT) hil-tests/suites/kubectl.test.ts hil-tests/suites/copy.test.ts; \
	done

soak: tools avr-tools fuzz-tools control-plane ## the full counts: fuzzing, fault ledgers, kills
	@$(MAKE) -s -C firmware-sdk/c posix cortex-m
	@MOTELET_SOAK=1 $(NODE) --test --test-concurrency=1 $(REPORT) $(UNIT) 'firmware-sdk/c/test/**/*.test.ts' 'hil-tests/{suites,interop}/**/*.test.ts'

bench: tools control-plane ## figures beside their rivals: a table, and build/bench.json
	@$(NODE) hil-tests/bench/bench.ts

.PHONY: size check format lint types layers generate verify-generated clean
size: tools avr-tools ## flash and RAM of the C SDK beside its budget
	@$(MAKE) -s -C firmware-sdk/c size

check: lint types layers verify-generated verify-release size ## format, lint, prose, types, layers, generated files, release, C size budget

lint: setup ## format, lint and prose
	@biome ci --error-on-warnings .
	@$(NODE) docs/scripts/prose/check.ts

types: setup ## types
	@tsc -b

layers: setup ## imports between layers
	@$(NODE) --test gateway/test/layers.test.ts

format: setup ## rewrite the sources as the formatter wants them
	@biome check --write .

generate: setup ## rewrite what is generated from the tables
	@$(NODE) profiles/scripts/generate.ts
	@$(NODE) gateway/scripts/generate-crds.ts
	@$(NODE) gateway/scripts/generate-reference.ts

verify-generated: setup ## whether generated files are fresh
	@$(NODE) profiles/scripts/generate.ts --check
	@$(NODE) gateway/scripts/generate-crds.ts --check
	@$(NODE) gateway/scripts/generate-reference.ts --check

.PHONY: pack
pack: setup ## the npm packages, as build/packages/*.tgz
	@rm -rf build/packages $(PACKAGES:%=%/dist)
	@mkdir -p build/packages
	@for package in $(PACKAGES); do tsc -p $$package/tsconfig.dist.json; done
	@npm pack --loglevel=error --pack-destination=build/packages $(PACKAGES:%=--workspace=%)

.PHONY: release verify-release
release: setup ## build a release in build/release (VERSION=x.y.z; DRY_RUN=0 commits and tags; PUBLISH=yes publishes)
	@$(NODE) docs/scripts/release/release.ts

verify-release: setup ## whether the next release can be built; changes nothing
	@DRY_RUN=1 PUBLISH= $(NODE) docs/scripts/release/release.ts

clean: ## remove what was built in the tree (the cache outside stays)
	@rm -rf build node_modules $(PACKAGES:%=%/dist)
