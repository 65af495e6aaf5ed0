# headrace: everything is built from here; `make help` says what there is.
#
# SAN=address,undefined builds with sanitizers into build-san; BUILD=folder names another one; V=1 shows the
# commands. Sources are found by folder: a new file needs no line here.

version = 0.1.0
SAN     ?=
BUILD   ?= $(if $(SAN),build-san,build)
$(if $(BUILD),,$(error BUILD is empty: it must name a folder))
PREFIX  ?= /usr/local
# A record goes through many short functions of many files: inlined over their borders they take half as many instructions.
CFLAGS  ?= $(if $(SAN),-O1,-O3 $(if $(findstring clang,$(CC)),,-flto=auto)) -g
WERROR  ?= -Werror
TEST_SAN ?= address,undefined
q       := $(if $(V),,@)

warnings  = -Wall -Wextra $(WERROR) -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
sanitize := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
flags     = -std=gnu11 -D_GNU_SOURCE -I. -DHEADRACE_VERSION='"$(version)"' -pthread $(warnings) $(sanitize) \
            $(includes) $(CPPFLAGS) $(CFLAGS)
# A module is built as its author builds it: it sees the public header and nothing else.
module_flags = -std=gnu11 -D_GNU_SOURCE -Iworker -fPIC -shared -Wall -Wextra $(WERROR) $(sanitize) \
            $(includes) $(CPPFLAGS) $(CFLAGS)
test_flags = -Iworker -I$(BUILD)/suites -Wno-missing-prototypes -DBUILD_DIR='"$(abspath $(BUILD))"' \
            -DSOURCE_DIR='"$(CURDIR)"'
link      = $(CC) -pthread $(sanitize) $(LDFLAGS)
includes := $(shell pkg-config --cflags rdkafka libzmq jansson check libdw 2>/dev/null)
kafka    := $(shell pkg-config --libs rdkafka 2>/dev/null)
zmq      := $(shell pkg-config --libs libzmq jansson 2>/dev/null)
# Records are allocated by one thread of librdkafka and freed by ours: glibc's malloc takes a lock for each, jemalloc does
# not. The sanitizers have a malloc of their own. It is said to be needed, since a linker that optimises sees no call of it yet.
malloc   := $(if $(SAN),,-Wl,--no-as-needed $(shell pkg-config --libs jemalloc 2>/dev/null))
check    := $(shell pkg-config --libs check 2>/dev/null)
dw       := $(shell pkg-config --libs libdw libelf 2>/dev/null)

objects   = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out $(2),$(wildcard $(1))))
mains      := supervisor/main.c worker/main.c worker/timer/main.c worker/symbolize/main.c
shared     := $(call objects,shared/*.c)
conf       := $(call objects,conf/*.c)
supervisor := $(call objects,supervisor/*.c supervisor/client/*.c,$(mains))
worker     := $(call objects,worker/*.c,$(mains))
timer      := $(call objects,worker/timer/*.c,$(mains))
symbolize  := $(call objects,worker/symbolize/*.c,$(mains))
unit       := $(call objects,tests/unit/*.c)
flow       := $(call objects,tests/flow/*.c) $(BUILD)/obj/tests/unit/flow-runner.o
helpers  := $(BUILD)/headrace-worker $(BUILD)/headrace-timer $(BUILD)/headrace-symbolize
programs := $(BUILD)/headrace $(helpers)
tasks    := $(patsubst worker/tasks/%.c,$(BUILD)/tasks/%.so,$(wildcard worker/tasks/*.c))
modules  := $(patsubst tests/flow/modules/%.c,$(BUILD)/test-modules/%.so,$(wildcard tests/flow/modules/*.c)) \
            $(patsubst tests/kafka/modules/%.c,$(BUILD)/kafka/%.so,$(wildcard tests/kafka/modules/*.c)) \
            $(patsubst tests/bench/modules/%.c,$(BUILD)/bench/%.so,$(wildcard tests/bench/modules/*.c))
core     := $(call objects,$(addprefix supervisor/,ledger.c dispatch.c dispatch_moves.c lanes.c redo.c attempts.c restart.c pace.c))
simulate := $(call objects,tests/simulate/*.c) $(core)
targets  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))
fuzzer   := $(findstring fuzzer,$(SAN))
benches  := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
tools    := $(patsubst tests/kafka/%.c,$(BUILD)/kafka/%,$(wildcard tests/kafka/*.c))

shim     := $(BUILD)/fail/shim.so

all: $(programs) $(tasks)
$(BUILD)/headrace: $(BUILD)/obj/supervisor/main.o $(supervisor) $(conf) $(shared)
	$(q)echo '  link    $@' && $(link) -o $@ $^ $(kafka) $(zmq) $(malloc)
$(BUILD)/headrace-worker: $(BUILD)/obj/worker/main.o $(worker) $(shared)
	$(q)echo '  link    $@' && $(link) -rdynamic -Wl,-z,now -o $@ $^ $(zmq) -ldl
$(BUILD)/headrace-timer: $(BUILD)/obj/worker/timer/main.o $(timer) $(shared)
	$(q)echo '  link    $@' && $(link) -o $@ $^ $(zmq)
$(BUILD)/headrace-symbolize: $(BUILD)/obj/worker/symbolize/main.o $(symbolize) $(call objects,shared/mem.c shared/log.c shared/clock.c shared/utf8.c)
	$(q)echo '  link    $@' && $(link) -o $@ $^ $(dw)
$(BUILD)/unit-tests: $(unit) $(supervisor) $(worker) $(timer) $(symbolize) $(conf) $(shared)
	$(q)echo '  link    $@' && $(link) -rdynamic -o $@ $^ $(kafka) $(zmq) $(check) $(dw) -ldl
$(BUILD)/flow-tests: $(flow) $(shared)
	$(q)echo '  link    $@' && $(link) -o $@ $^ $(kafka) $(zmq) $(check)
$(BUILD)/simulate: $(simulate) $(shared)
	$(q)echo '  link    $@' && $(link) -o $@ $^ $(zmq)
# A fuzz target has all of the product behind it in an archive: what it includes or imitates takes the place of that.
$(BUILD)/fuzz/product.a: $(supervisor) $(worker) $(symbolize) $(conf) $(shared) $(BUILD)/obj/tests/fuzz/play/terminal.o
	$(q)mkdir -p $(@D) && echo '  ar      $@' && rm -f $@ && ar rcs $@ $^
$(targets): $(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(if $(fuzzer),,$(BUILD)/obj/tests/fuzz/play/replay.o) $(BUILD)/fuzz/product.a
	$(q)echo '  link    $@' && $(link) $(if $(fuzzer),-fsanitize=fuzzer) -o $@ $^ $(kafka) $(zmq) $(dw) -ldl
$(benches): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(call objects,tests/bench/common/*.c) $(worker) $(shared)
	$(q)mkdir -p $(@D) && echo '  link    $@' && $(link) -o $@ $^ $(kafka) $(zmq) -ldl
$(tools): $(BUILD)/kafka/%: $(BUILD)/obj/tests/kafka/%.o $(call objects,tests/kafka/common/*.c) $(shared)
	$(q)mkdir -p $(@D) && echo '  link    $@' && $(link) -o $@ $^ $(kafka) $(zmq)
$(BUILD)/kafka/chaos_check $(BUILD)/kafka/forward_check: $(call objects,tests/kafka/chaos/*.c)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(q)mkdir -p $(@D) && echo '  cc      $<' && $(CC) $(flags) -MMD -MP -c -o $@ $<
$(BUILD)/obj/tests/unit/flow-runner.o: tests/unit/runner.c $(BUILD)/flags
	$(q)mkdir -p $(@D) && echo '  cc      $< (flow)' && $(CC) $(flags) -DFLOW -MMD -MP -c -o $@ $<
$(tasks): $(BUILD)/tasks/%.so: worker/tasks/%.c
$(filter $(BUILD)/test-modules/%,$(modules)): $(BUILD)/test-modules/%.so: tests/flow/modules/%.c
$(filter $(BUILD)/kafka/%,$(modules)): $(BUILD)/kafka/%.so: tests/kafka/modules/%.c
$(filter $(BUILD)/bench/%,$(modules)): $(BUILD)/bench/%.so: tests/bench/modules/%.c
$(tasks) $(modules): $(BUILD)/flags
	$(q)mkdir -p $(@D) && echo '  module  $@' && $(CC) $(module_flags) -MMD -MP -o $@ $(filter %.c,$^)

# Not sanitized, and optimised always: it passes calls on without a frame of its own.
$(shim): tests/fail/shim.c $(BUILD)/flags
	$(q)mkdir -p $(@D) && echo '  shim    $@' && $(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -fno-builtin -fPIC -shared -Wall -Wextra $(WERROR) -o $@ $< -ldl

$(BUILD)/obj/tests/%.o: private flags += $(test_flags)
$(BUILD)/obj/tests/unit/runner.o: $(BUILD)/suites/unit.h
$(BUILD)/obj/tests/unit/flow-runner.o: $(BUILD)/suites/flow.h
# The list of a ring's suites, out of its files: a suite that is written is run.
$(BUILD)/suites/unit.h: $(wildcard tests/unit/*.c)
$(BUILD)/suites/flow.h: $(wildcard tests/flow/*.c)
$(BUILD)/suites/%.h:
	$(q)mkdir -p $(@D) && grep -ho '^[a-z_0-9]*_suite(void)' tests/$*/*.c | sed 's/(void)/)/; s/^/SUITE(/' >$@
# Changes when other flags are given, and everything is built anew.
$(BUILD)/flags: FORCE
	$(q)mkdir -p $(@D) && echo "$(subst ",\",$(flags))" | cmp -s - $@ || \
	    { scripts/setup.sh --check && echo "$(subst ",\",$(flags))" >$@; }
FORCE:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

at = $(DESTDIR)$(abspath $(PREFIX))
pages = $(wildcard supervisor/*.[1-8] worker/*.[1-8] conf/*.[1-8])
docs = $(at)/share/doc/headrace
examples = $(at)/lib/headrace
install: all
	install -d $(at)/bin $(at)/libexec/headrace $(at)/include $(at)/lib/pkgconfig
	install -m 755 $(BUILD)/headrace $(at)/bin/
	install -m 755 $(helpers) $(at)/libexec/headrace/
	install -m 644 worker/headrace.h worker/headrace_macros.h $(at)/include/
	printf '%s\n' 'prefix=$(abspath $(PREFIX))' 'includedir=$${prefix}/include' '' 'Name: headrace' \
	    'Description: Tasks of a Kafka application in processes of their own' 'Version: $(version)' \
	    'Requires.private: jansson' 'Cflags: -I$${includedir}' >$(at)/lib/pkgconfig/headrace.pc
	$(foreach p,$(pages),install -D -m 644 $(p) $(at)/share/man/man$(subst .,,$(suffix $(p)))/$(notdir $(p));)
	install -d $(docs)/conf $(docs)/tasks $(examples)
	install -m 755 $(tasks) $(examples)/
	install -m 644 README.md $(docs)/
	install -m 644 conf/reference.md $(docs)/conf/
	install -m 644 worker/tasks/*.c $(docs)/tasks/
	for f in conf/*.json; do sed 's|"\.\./build/tasks/|"$(examples:$(DESTDIR)%=%)/|g' $$f >$(docs)/$$f || exit; done
uninstall:
	rm -rf $(docs) $(examples)
	rm -f $(at)/bin/headrace $(helpers:$(BUILD)/%=$(at)/libexec/headrace/%) \
	    $(at)/include/headrace.h $(at)/include/headrace_macros.h $(at)/lib/pkgconfig/headrace.pc \
	    $(foreach p,$(pages),$(at)/share/man/man$(subst .,,$(suffix $(p)))/$(notdir $(p)))
	-rmdir $(at)/libexec/headrace
demo:
	scripts/demo.sh
test:
	scripts/setup.sh
	$(MAKE) --no-print-directory SAN=$(TEST_SAN) -j$(shell nproc) ready
	$(MAKE) --no-print-directory SAN=$(TEST_SAN) boundaries test-fuzz simulate test-suites
	$(MAKE) --no-print-directory SAN=$(TEST_SAN) FAIL_RUNS=4 FAIL_GROUPS=4 FAIL="$(FAIL_QUICK)" test-fail
# Some of the calls of some groups; `make fail` tries each call of all of them.
FAIL_QUICK = check:memory check:files start:memory start:files hot:memory death:memory death:files death:processes
fail:
	$(MAKE) --no-print-directory SAN=$(TEST_SAN) test-fail
test-fail: all $(modules) $(shim)
	BUILD=$(BUILD) FAIL_RUNS=$(FAIL_RUNS) FAIL_GROUPS=$(FAIL_GROUPS) tests/fail/run.sh $(FAIL)
ready: all $(modules) $(shim) $(BUILD)/unit-tests $(BUILD)/flow-tests $(BUILD)/simulate $(targets)
test-suites: all $(modules) $(shim) $(BUILD)/unit-tests $(BUILD)/flow-tests
	BUILD=$(BUILD) tests/suites.sh unit flow
test-unit: all $(modules) $(BUILD)/unit-tests
	BUILD=$(BUILD) tests/suites.sh unit
# The slot protocol's check includes the files instead of linking them, so it adds nothing here.
coverage:
	scripts/setup.sh
	$(MAKE) --no-print-directory BUILD=build-coverage CFLAGS='-O0 -g --coverage' LDFLAGS=--coverage -j$(shell nproc) coverage-ready
	find build-coverage -name '*.gcda' -delete
	sed -n 's/SUITE(\(.*\)_suite)/\1/p' build-coverage/suites/unit.h | grep -v '^slots$$' | xargs -n 1 build-coverage/unit-tests
	BUILD=build-coverage scripts/coverage.sh
coverage-ready: all $(modules) $(BUILD)/unit-tests
test-fuzz: $(targets)
	BUILD=$(BUILD) scripts/fuzz.sh replay
fuzz:
	scripts/setup.sh --fuzz
	$(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link,$(TEST_SAN) BUILD=build-fuzz -j$(shell nproc) fuzz-ready
	BUILD=build-fuzz scripts/fuzz.sh run
fuzz-ready: $(targets)
simulate: $(BUILD)/simulate
	$(BUILD)/simulate
broken:
	scripts/broken.sh '$(BROKEN)'
test-flow: all $(modules) $(shim) $(BUILD)/flow-tests
	BUILD=$(BUILD) tests/suites.sh flow
test-kafka: all $(modules) $(tools)
	BUILD=$(BUILD) tests/kafka/run.sh
bench: all $(modules) $(benches)
	BUILD=$(BUILD) scripts/bench.sh $(BENCH)
chaos: all $(modules) $(tools)
	BUILD=$(BUILD) scripts/chaos.sh
valgrind: all $(modules) $(BUILD)/unit-tests
	valgrind -q --error-exitcode=99 --leak-check=full $(BUILD)/unit-tests
boundaries: all
	BUILD=$(BUILD) scripts/boundaries.sh && scripts/header.sh && scripts/reference.sh --check
reference:
	scripts/reference.sh
style:
	scripts/style.sh
format:
	clang-format -i $(shell git ls-files '*.c' '*.h')
clean:
	rm -rf build build-san build-fuzz build-coverage
help:
	@echo 'make             headrace, its worker and timer programs, the example tasks'
	@echo 'make install     into PREFIX=$(PREFIX) (and uninstall); DESTDIR for packages'
	@echo 'make demo        the example on an embedded broker; Ctrl-C ends it, or DEMO_SECONDS=N'
	@echo 'make test        unit and flow tests under sanitizers (test-unit, test-flow: one ring alone)'
	@echo 'make fail        calls of the supervisor fail one after the other (FAIL_EVERY=N, FAIL=death:files)'
	@echo 'make simulate    the pure core in random schedules; SIM_SECONDS=3, SIM_SEED=N'
	@echo 'make broken      breaks the slot protocol rule by rule: the simulator must find each; BROKEN=WORDS'
	@echo 'make fuzz        hostile input of every kind (clang); FUZZ_SECONDS=60; what was found: make test-fuzz'
	@echo 'make test-kafka  the tests against a real Kafka on this machine (Java 17, Maven)'
	@echo 'make bench       against the plain consumer on a real Kafka; BENCH="--help" says more'
	@echo 'make chaos       kills, stops and poison against a real Kafka; CHAOS_SECONDS=60, CHAOS_SEED=N'
	@echo 'make valgrind    the unit tests under valgrind'
	@echo 'make coverage    lines of the pure files that the unit tests run: at least 95 % of each'
	@echo 'make boundaries  who includes and links whom; make style: sizes; make format: clang-format'
	@echo 'make reference   conf/reference.md out of conf/options.def'
.PHONY: all ready install uninstall demo bench test test-suites test-unit test-flow test-fuzz coverage coverage-ready fuzz fuzz-ready fail test-fail simulate broken test-kafka chaos valgrind boundaries reference style format clean help
