# Cartwright: `make help` lists what can be done here.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# --- flavours: one folder of objects per set of flags ------------------------------------------
FLAVOUR ?= release
O       := build/$(FLAVOUR)
GEN     := build/gen
V       ?= 0
Q       := $(if $(filter 0,$(V)),@,)

CC      := gcc
PKGS    := libmongoc-1.0 librabbitmq jansson libjwt libsodium hiredis libpcre2-8 yaml-0.1 libxxhash
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
OPT.release := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
OPT.asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT.debug   := -O0
CPPFLAGS = -D_GNU_SOURCE -Icommon -Iworkers -I$(GEN) $(shell pkg-config --cflags $(PKGS))
CFLAGS   = -std=gnu17 -g $(WARN) -fno-strict-aliasing -fno-common $(OPT.$(FLAVOUR))
LDFLAGS  = $(OPT.$(FLAVOUR)) -Wl,-z,relro,-z,now
LDLIBS   = $(shell pkg-config --libs $(PKGS)) -lunistring -lidn2 -lm

# --- what there is ------------------------------------------------------------------------------
SCHEMAS    := $(sort $(wildcard schemas/*/*.json))
GEN_C      := $(patsubst schemas/%,$(GEN)/schemas/%.c,$(sort $(patsubst %/,%,$(dir $(SCHEMAS)))))
GEN_H      := $(GEN_C:.c=.h)
COMMON_C   := $(filter-out %_fake.c,$(wildcard common/*/*.c))
FAKE_C     := $(wildcard common/*/*_fake.c)
WORKER_C   := $(filter-out workers/cartwright/main.c,$(wildcard workers/*.c workers/*/*.c))
LIB_O      := $(patsubst %.c,$(O)/%.o,$(COMMON_C) $(WORKER_C)) $(patsubst %.c,$(O)/%.o,$(GEN_C))
FAKE_O     := $(patsubst %.c,$(O)/%.o,$(FAKE_C))
MAIN_O     := $(O)/workers/cartwright/main.o

.PHONY: all
all: cartwright ## build ./cartwright

cartwright: $(O)/cartwright
	$(Q)cp -f $< $@

$(O)/cartwright: $(MAIN_O) $(O)/libcartwright.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(O)/libcartwright.a: $(LIB_O)
	@echo "  AR    $@"
	$(Q)rm -f $@ && ar rcs $@ $^

$(O)/libfakes.a: $(FAKE_O)
	@echo "  AR    $@"
	$(Q)rm -f $@ && ar rcs $@ $^

# --- schemas: the only statement of a request's rules -------------------------------------------
$(GEN)/schemas/%.c $(GEN)/schemas/%.h: common/wire/schema_gen.py $(SCHEMAS) schemas/common.json
	@echo "  GEN   $(GEN)/schemas/$*"
	@mkdir -p $(GEN)/schemas
	$(Q)python3 common/wire/schema_gen.py --schemas schemas --domain $* --out $(GEN)/schemas

$(O)/%.o: %.c | $(GEN_H)
	@echo "  CC    $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/$(GEN)/%.o: $(GEN)/%.c | $(GEN_H)
	@echo "  CC    $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# --- unit tests: cases are the functions named test_<suite>__<case>, found by sed --------------
UNIT_C   := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(UNIT_C))
.SECONDARY:

$(O)/tests/unit/%.main.c: tests/unit/%.c tests/unit/make_main.sh
	@mkdir -p $(@D)
	$(Q)tests/unit/make_main.sh $< > $@

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(O)/tests/unit/%.main.c $(O)/libfakes.a $(O)/libcartwright.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter-out %.h,$^) $(O)/libcartwright.a $(LDLIBS) -lcmocka

.PHONY: unit
unit: $(UNIT_BIN) ## unit tests
	$(Q)tests/unit/run.sh $(UNIT_BIN)

.PHONY: clean
clean: ## remove what was built
	rm -rf build cartwright

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z][a-z-]*):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

-include $(LIB_O:.o=.d) $(FAKE_O:.o=.d) $(MAIN_O:.o=.d) $(patsubst tests/unit/%.c,$(O)/tests/unit/%.d,$(UNIT_C))
