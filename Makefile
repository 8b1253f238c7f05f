# Every target has a one-line help: `make help`.
SWIFT ?= swift
TRACE ?= traces/boot.trace
SUITE = boot pagetables modules database redis web compile containers quick
# The committed recordings; one of your own in traces/ is not part of the gate.
TRACES ?= $(SUITE:%=traces/%.trace)
GI_BENCH = .build/debug/gi-bench
# Two processors: the one with the best evidence, and one that offers every strategy.
PROFILES ?= skylake-sp icelake-sp
# The commit whose build `make host-check` times ours beside, and whose public names `make api-check` compares ours with.
BASE ?= HEAD~1
# Runs `gi-bench check` with arguments $(1) for every trace, profile and number of dimensions.
define gate
@status=0; for trace in $(TRACES); do for profile in $(PROFILES); do for dimensions in 1 2; do \
	  $(GI_BENCH) check $$trace --profile $$profile --dimensions $$dimensions $(1) \
	    --baseline Benchmarks/baselines/$$(basename $$trace .trace).$$profile$$(test $$dimensions = 1 || echo .2d).json || status=$$?; \
	  done; done; done; exit $$status
endef
# libFuzzer brings the main program. The Swift compiler takes only the last -sanitize option, so that one names both.
# What is fuzzed is what is released, with its assertions.
fuzzer = $(SWIFT) build --package-path Tests/Fuzz --scratch-path .build-fuzz -c release --product fuzz \
  --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=address,fuzzer -Xswiftc -enable-testing \
  -Xswiftc -assert-config -Xswiftc Debug
FUZZ = tree writer trace file header replay import stream script walks profile policy description results snapshot hypercalls machine
SECONDS ?= 60
STEPS ?= 1000000
# How many faults `make mutants` plants, and in which rooms.
COUNT ?= 200
ROOMS ?= EPT EPTTables MonitorTree GuestIntegrity Execution
# What `make coverage` runs, and the files or folders that it reports.
TESTS ?= .
FILES ?= Sources Benchmarks/gi-bench
LLVM_COV = $(dir $(realpath $(shell command -v $(SWIFT))))llvm-cov
PREFIX ?= /usr/local
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# Where a release is built does not show in it (`make reproducible`): paths are mapped to the checkout's; debug information, which names
# the compiler's caches, is left out; so is the hash that the compiler keeps of each file with its path, to skip what is unchanged.
# One thread a compiler, so that nothing can depend on which is done first.
RELEASE = -c release -debug-info-format none -Xswiftc -static-executable --product gi-bench \
  -Xswiftc -file-prefix-map -Xswiftc $(CURDIR)=. -Xcc -ffile-prefix-map=$(CURDIR)=. \
  -Xswiftc -Xfrontend -Xswiftc -disable-incremental-llvm-codegen -Xswiftc -num-threads -Xswiftc 1

.DEFAULT_GOAL := help
.PHONY: help deps run build test coverage tsan asan judge fuzz leaks differential mutants faults ratios peers scaling counted release reproducible lint format docs man completions completions-test schemas-test examples symbols api-check install bench-check bench-update host-check gate-test check-traces calibrate-test plugin record cluster-test clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install libxxhash-dev, libzstd-dev and zlib1g-dev where pkg-config does not find them
	@command -v $(SWIFT) >/dev/null || { \
	  echo "Swift is missing: install 6.3 or later from https://www.swift.org/install/linux/, or name it by make SWIFT=/path/to/swift" >&2; \
	  exit 1; }
	@command -v pkg-config >/dev/null && pkg-config --exists libxxhash libzstd zlib || { \
	  echo "installing libxxhash-dev, libzstd-dev, zlib1g-dev and pkg-config (apt-get)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq libxxhash-dev libzstd-dev zlib1g-dev pkg-config >/dev/null; }

run: deps ## build, then replay traces/boot.trace under every strategy
	$(SWIFT) run gi-bench $(TRACE)

build: deps ## build everything, tests included
	$(SWIFT) build --build-tests

test: deps ## run all tests
	$(SWIFT) test

coverage: deps ## measure which lines tests execute: TESTS=filter, FILES=paths
	$(SWIFT) test --enable-code-coverage --scratch-path .build-coverage --filter '$(TESTS)'
	@$(LLVM_COV) report .build-coverage/debug/gi-benchPackageTests.xctest \
	  -instr-profile .build-coverage/debug/codecov/default.profdata $(FILES)

tsan: deps ## run the tests of threads (suites named ...ConcurrencyTests) under the thread sanitizer
	$(SWIFT) test --sanitize=thread --scratch-path .build-tsan --filter ConcurrencyTests

# No check for leaks here: a program that ends with an error leaves its memory to the operating system. `make leaks` checks.
asan: deps ## run all tests under the address sanitizer
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --sanitize=address --scratch-path .build-asan

fuzz: deps ## fuzz what reads hostile bytes, SECONDS=60 each, FUZZ="tree trace" for some (libFuzzer, address sanitizer)
	$(fuzzer)
	Tests/Fuzz/fuzz.sh $(SECONDS) $(FUZZ)

leaks: deps ## look for memory that is never freed, in whatever `make fuzz` reads (leak sanitizer)
	$(fuzzer)
	Tests/Fuzz/leaks.sh $(FUZZ)

differential: deps ## run random programs on the whole machine and on a slow reference: STEPS=1000000, SEED=n repeats
	GI_STEPS=$(STEPS) $(if $(SEED),GI_SEED=$(SEED)) $(SWIFT) test --filter DifferentialTests

# One build holds all the faults; a fault runs only the suites that execute it. Called again, it goes on. ONLY="12 40-60" repeats those.
mutants: deps ## plant single faults in a copy of the sources, and say which of them the tests see: COUNT=200, ROOMS="EPT MonitorTree"
	SWIFT=$(SWIFT) Tests/Mutants/mutants.sh $(COUNT) $(ROOMS)

faults: deps ## interrupt the recorder, and every command that writes at 1000 random moments; fill its disk; let each of its calls fail
	GI_INTERRUPTIONS=$${GI_INTERRUPTIONS:-1000} GI_FAILING_CALLS=all $(SWIFT) test --filter 'InterruptionTests|FailingCallTests'

# Bochs executes VMX instructions, which a build machine often lacks. Everything it writes is removed at the end.
judge: deps ## compare the EPT machine with VMX on Bochs: SECONDS=20 of CPU; SEED=n or ONLY=KIND:SEED repeats
	@( for tool in bochs grub-mkrescue xorriso mformat gcc ld objcopy; do command -v $$tool >/dev/null || exit 1; done; \
	  test -d /usr/lib/grub/i386-pc -a -e /usr/share/bochs/BIOS-bochs-latest -a -e /usr/share/bochs/VGABIOS-lgpl-latest ) || { \
	  echo "installing bochs, grub-pc-bin, xorriso, mtools and gcc (apt-get)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends \
	    bochs bochsbios vgabios grub-pc-bin grub-common xorriso mtools gcc >/dev/null; }
	$(SWIFT) build --product gi-bench
	$(SWIFT) build --product judge
	@SECONDS_OF_CPU=$(if $(filter file,$(origin SECONDS)),20,$(SECONDS)) SEED=$(SEED) ONLY=$(ONLY) Tests/Judge/judge.sh

ratios: ## measure our hot paths beside references in C: one line per target, ok or short
	@$(SWIFT) build --package-path Benchmarks/Micro -c release --product ratios >&2
	@Benchmarks/Micro/.build/release/ratios $(TARGETS)

peers: deps ## measure containers and programs of other projects beside ours; installs them (LLVM, Boost, Abseil, Judy, valgrind)
	@test -e /usr/include/Judy.h -a -e /usr/include/llvm-14 -a -e /usr/include/absl -a -e /usr/include/boost/icl \
	  && command -v valgrind g++ >/dev/null || { \
	  echo "installing llvm-14-dev, libboost-dev, libabsl-dev, libjudy-dev, g++ and valgrind (apt-get)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends \
	    llvm-14-dev libboost-dev libabsl-dev libjudy-dev g++ valgrind >/dev/null; }
	PEERS=1 $(SWIFT) build --package-path Benchmarks/Micro --scratch-path Benchmarks/Micro/.build-peers -c release --product ratios >&2
	$(SWIFT) build -c release --product gi-bench >&2
	@Benchmarks/peers.sh

scaling: deps ## measure how costs grow, and redraw the plots in Sources/Replay/Replay.docc (about 3 minutes)
	@$(SWIFT) build --package-path Benchmarks/Micro -c release --product scaling >&2
	@Benchmarks/Micro/.build/release/scaling Sources/Replay/Replay.docc

counted: ## build the programs whose instructions callgrind counts; installs valgrind if it is missing
	@command -v valgrind >/dev/null || { echo "installing valgrind (apt-get)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq valgrind >/dev/null; }
	$(SWIFT) build --package-path Benchmarks/Micro -c release --product counted

# The linker warns of name services and plug-ins, which want shared libraries; gi-bench asks for neither. It does want /proc.
release: deps ## build gi-bench for release: one static program that needs no library, on any Linux on x86-64
	$(SWIFT) build $(RELEASE)
	@! readelf -l .build/release/gi-bench | grep INTERP || { echo "the program wants a dynamic loader" >&2; exit 1; }
	@ls -l .build/release/gi-bench

reproducible: deps ## build the release of HEAD in two folders, and hold one against the other (about 10 minutes)
	Tests/Reproducible/reproducible.sh

lint: ## check the formatting (swift-format, strict)
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Benchmarks Tests Examples

format: ## format all Swift sources in place
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Benchmarks Tests Examples

docs: deps ## write the course and the documentation of every room as one site to .build/docs; a warning fails (docc)
	$(SWIFT) build --product gi-bench
	@SWIFT=$(SWIFT) Documentation/symbol-graphs.sh .build/debug public .build/symbol-graphs
	@SWIFT=$(SWIFT) Documentation/docs.sh .build/symbol-graphs .build/docs
	@echo "written to .build/docs; to read it: python3 -m http.server --directory .build/docs, then /documentation"

symbols: deps ## count the public names of every room; one without a comment fails
	$(SWIFT) build --product gi-bench
	@SWIFT=$(SWIFT) Documentation/symbol-graphs.sh .build/debug public .build/symbol-graphs
	@python3 Documentation/symbols.py .build/symbol-graphs

# It builds both commits, needs the packages that both depend on in SwiftPM's cache, and ends with 1 where it found any.
api-check: deps ## list breaking changes of public names since a commit: make api-check BASE=HEAD~1
	$(SWIFT) package diagnose-api-breaking-changes $(BASE)

man: deps ## write the manual page to .build/man/gi-bench.1
	@mkdir -p .build/man
	$(SWIFT) build --product gi-bench
	$(SWIFT) build --product generate-manual
	@.build/debug/generate-manual $(GI_BENCH) --date $$(git log -1 --format=%cs 2>/dev/null || date +%F) --output-directory - \
	  | awk -f Benchmarks/man.awk >.build/man/gi-bench.1
	@ls .build/man

completions: deps ## write completions for bash, zsh and fish to .build/completions
	$(SWIFT) build --product gi-bench
	Benchmarks/completions.sh $(GI_BENCH) .build/completions
	@ls .build/completions

completions-test: completions ## ask bash, zsh and fish themselves what they complete
	@command -v zsh >/dev/null && command -v fish >/dev/null || { echo "installing zsh and fish (apt-get)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq zsh fish >/dev/null; }
	Tests/Completions/completions-test.sh .build/completions

# A package of somebody else's, with a build folder of its own: what is not public it does not see.
examples: deps ## build and run the packages of Examples, which use the library as others do, in one build folder
	@for package in Examples/*/Package.swift; do \
	  $(SWIFT) build --package-path $$(dirname $$package) --scratch-path Examples/.build || exit 1; done
	Examples/run.sh

schemas-test: deps ## validate results, policies, profiles and plans against their JSON schemas
	@python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null || { echo "installing python3-jsonschema (apt-get)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq python3-jsonschema >/dev/null; }
	$(SWIFT) build --product gi-bench
	python3 Tests/Schemas/schemas-test.py $(GI_BENCH)

install: release man completions ## install to PREFIX=/usr/local, or below DESTDIR: program, manual page, completions
	install -D -m 755 .build/release/gi-bench $(DESTDIR)$(PREFIX)/bin/gi-bench
	install -D -m 644 .build/man/gi-bench.1 $(DESTDIR)$(PREFIX)/share/man/man1/gi-bench.1
	install -D -m 644 .build/completions/gi-bench.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/gi-bench
	install -D -m 644 .build/completions/_gi-bench $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_gi-bench
	install -D -m 644 .build/completions/gi-bench.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/gi-bench.fish

bench-check: deps counted ## the gate: compare every trace's counts and cycles, and the hot paths' instructions, with Benchmarks/baselines
	@for trace in $(TRACES); do test -f $$trace || { echo "$$trace is missing: check it out, or make record TRACE=$$(basename $$trace .trace)" >&2; exit 1; }; done
	$(SWIFT) build --product gi-bench
	$(call gate)
	Benchmarks/count.sh check

bench-update: deps counted ## rewrite Benchmarks/baselines; review the diff
	$(SWIFT) build --product gi-bench
	@mkdir -p Benchmarks/baselines
	$(call gate,--update)
	Benchmarks/count.sh update

host-check: deps ## time look-up and alert beside another commit's build: make host-check BASE=HEAD~1
	@rm -rf .build-base/source && mkdir -p .build-base/source
	git archive $(BASE) | tar -x -C .build-base/source
	$(SWIFT) build --package-path .build-base/source --scratch-path .build-base/build --product gi-bench
	$(SWIFT) build --product gi-bench
	$(GI_BENCH) check $(TRACE) --profile $(firstword $(PROFILES)) --host .build-base/build/debug/gi-bench \
	  --baseline Benchmarks/baselines/$(basename $(notdir $(TRACE))).$(firstword $(PROFILES)).json

check-traces: deps ## check every record of every recording
	$(SWIFT) build --product gi-bench
	$(GI_BENCH) trace check $(TRACES)

calibrate-test: ## run the programs of `profile measure` in emulated machines; FULL=1 also in Bochs, minutes
	FULL=$(FULL) Tests/Calibrate/calibrate-test.sh

gate-test: deps ## test the gate: 200 runs of one build must pass, one 3 % slower must not; 15 minutes (GI_GATE_TEST=20 for fewer)
	GI_GATE_TEST=$${GI_GATE_TEST:-200} $(SWIFT) test --filter GateSelfTests

plugin: ## build the recorder's plugin for a QEMU command line of your own (traces/RecordYourOwn.md)
	@traces/recorder/record.sh --plugin

record: deps ## record every trace again on Debian 12, or one: make record TRACE=redis REPEAT=5
	@for trace in $(if $(filter file,$(origin TRACE)),$(SUITE),$(notdir $(basename $(TRACE)))); do \
	  REPEAT=$(REPEAT) traces/recorder/record.sh $$trace || exit $$?; done

cluster-test: deps ## run a sweep on a real Slurm of four nodes on this host, one of which dies (about 3 minutes)
	@command -v slurmctld >/dev/null && command -v munged >/dev/null && command -v parallel >/dev/null || { \
	  echo "installing slurm-wlm, munge and parallel (apt-get)"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq slurm-wlm munge parallel >/dev/null; }
	$(SWIFT) build --product gi-bench
	Benchmarks/Cluster/cluster-test.sh

clean: ## remove build products
	rm -rf .build .build-*
