# libzmtp and libgarden. `make help` lists the targets; what they need is installed by `make deps`.
#
# O= picks the output folder of a flavour, so that flavours live side by side:
#   make O=build/asan ASAN=1 test     make O=build/tsan TSAN=1 test     make O=build/clang CC=clang
# WS=1 adds the WebSocket transport, which needs libwslay.
# SODIUM=0 leaves libsodium out (no CURVE, no libgarden); ONE=1 compiles libzmtp from its amalgamation.
# T= runs only the tests whose name holds it: make test T=frame
# DRAFT=1 makes libzmq.so.5 with what libzmq calls a draft, in O/compat-draft.
# V=1 shows the commands.

O ?= build
CC ?= cc
AR ?= ar
PYTHON = /usr/bin/python3
DESTDIR ?=
PREFIX ?= /usr/local
# What is installed holds it, and is used from elsewhere.
ifneq ($(and $(filter install install-zmq,$(MAKECMDGOALS)),$(filter-out /%,$(firstword $(PREFIX)))),)
$(error PREFIX=$(PREFIX) is a relative path, which pkg-config and systemd could not use: give one that begins with /)
endif
SEED ?= 1
SEEDS ?= 2000
PACE ?= real
FILE ?=
JSON ?=
T ?=
FUZZ_SECONDS ?= 20
BENCH_FLAGS ?=
INTEROP_FLAGS ?=
V ?=

# As many jobs as there are processors, unless -j was given.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

# The packages of Debian 12, each listed once; every list below holds the ones above it that it needs.
DEPS_build = gcc libc6-dev make pkg-config libuv1-dev libsodium-dev libjansson-dev libsndfile1-dev libmicrohttpd-dev \
    libarchive-dev
DEPS_demo = $(DEPS_build) alsa-utils python3
DEPS_ws = libwslay-dev
DEPS_zmq = libzmq3-dev
DEPS_count = valgrind
DEPS_test = $(DEPS_demo) $(DEPS_ws) $(DEPS_zmq) $(DEPS_count) gcc-multilib libcmocka-dev python3-zmq python3-msgpack python3-venv
DEPS_fuzz = $(DEPS_build) $(DEPS_ws) clang libclang-rt-14-dev python3
DEPS_pip = python3-pip
DEPS_bench = $(DEPS_build) $(DEPS_zmq) $(DEPS_count) $(DEPS_pip) libnng-dev python3 strace
DEPS_plots = $(DEPS_bench) gnuplot-nox
DEPS_tidy = $(DEPS_build) clang-format python3
DEPS_old = $(DEPS_test) g++ uuid-dev $(DEPS_pip) default-jdk-headless libjeromq-java
# The tests of others that make consumers runs.
DEPS_consumers = $(DEPS_test) python3-pytest python3-pytest-timeout libczmq4
# Languages that reach the drop-in through a foreign-function interface, for make ffi.
DEPS_ffi = $(DEPS_test) luajit libzmq-ffi-perl ruby-ffi-rzmq guile-3.0 racket sbcl cppzmq-dev $(call unless,g++,g++) \
    python3-gevent python3-ipykernel python3-jupyter-client $(call unless,node,nodejs) $(call unless,npm,npm)
KOFFI = 2.9.2
# A virtual machine of Smalltalk that calls, for make squeak; only after dpkg --add-architecture i386, so in no other list.
DEPS_squeak = $(DEPS_test) libuv1-dev:i386 libsodium-dev:i386 squeak-vm:i386
# A browser for the page, which make test does without where it is not.
DEPS_page = $(DEPS_test) chromium fonts-dejavu-core $(call unless,node,nodejs) $(call unless,npm,npm)
PLAYWRIGHT = 1.49.1
JSZMQ = 0.1.2
DEPS_valgrind = $(DEPS_test) $(DEPS_bench)
# What gardend records with, when it is there at the build; and a PipeWire to test against.
DEPS_audio = $(DEPS_test) libasound2-dev libpipewire-0.3-dev pipewire pipewire-bin wireplumber dbus
# The languages of other libraries, where they are not here from elsewhere. Debian 12's Rust is too old
# for zmq.rs, which is not run without a newer one.
unless = $(if $(shell command -v $(1)),,$(2))
DEPS_interop = $(DEPS_test) $(call unless,go,golang-go) $(call unless,javac,default-jdk-headless) \
    $(call unless,mvn,maven) $(call unless,node,nodejs) $(call unless,npm,npm)
DEPS_all = $(sort $(DEPS_audio) $(DEPS_page) $(DEPS_consumers) $(DEPS_ffi) $(DEPS_valgrind) $(DEPS_fuzz) $(DEPS_plots) $(DEPS_tidy) $(DEPS_interop))

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes \
       -Wpointer-arith -Wcast-qual -Wvla -Werror
# A sanitizer's flavour takes half the time to compile at -O1, and less memory with what its reports need alone.
OPT ?= $(if $(filter 1,$(ASAN) $(TSAN)),-O1 -g1,-O2 -g)
# Warnings are for the other flavours: with less optimisation, and what a sanitizer puts in between, some are false.
SAN = $(if $(filter 1,$(ASAN) $(TSAN)),-Wno-error)
ifeq ($(ASAN),1)
SAN += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ifeq ($(TSAN),1)
SAN += -fsanitize=thread -fno-omit-frame-pointer
# libuv's way to close descriptors, shown to the sanitizer in all that is linked.
SAN_LINK = -D_GNU_SOURCE -O2 -fPIC -Wl,--export-dynamic-symbol=syscall test/tsan/closes.c
endif
ifeq ($(FUZZER),1)
SAN += -fsanitize=fuzzer-no-link
endif
ifeq ($(COVERAGE),1)
# Warnings are for the other flavours: without optimisation some are false.
SAN += --coverage -fprofile-update=atomic -Wno-error
endif
ifeq ($(SODIUM),0)
SWITCHES += -DZMTP_NO_SODIUM
endif
# Explicit, as what a library depends on must not hang on what happens to be installed where it is built.
WS ?= 0
ifeq ($(WS),1)
WS_FLAGS = -DZMTP_WITH_WSLAY
endif
CFLAGS_ALL = -std=c11 $(OPT) $(WARN) $(SAN) $(SWITCHES) -fPIC -I. $(CFLAGS)
LDFLAGS_ALL = $(SAN) $(SAN_LINK) $(LDFLAGS)
# The layers that touch the system; everything else is plain C11.
SYSTEM = -D_GNU_SOURCE

VERSION := $(shell sed -n 's/^.define ZMTP_VERSION "\(.*\)"/\1/p' zmtp/config.h)
SOVERSION = 0

# The core needs neither an operating system nor a library: libsodium's one file stays outside.
CORE_DIRS = base wire msg mech peer socket
CORE_SRC = $(filter-out %_sodium.c,$(foreach d,$(CORE_DIRS),$(wildcard zmtp/$(d)/*.c)))
ZMTP_SRC = $(CORE_SRC) $(wildcard zmtp/mech/*_sodium.c zmtp/ws/*.c zmtp/io/*.c)
# The garden's store names things by hashes of libsodium's.
ifneq ($(SODIUM),0)
GARDEN_SRC = $(foreach d,wire core query store uv,$(wildcard garden/$(d)/*.c))
AUDIO = $(foreach p,alsa libpipewire-0.3,$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p)))
DAEMON_SRC = $(filter-out $(if $(filter alsa,$(AUDIO)),,%/alsa.c %/alsa_midi.c) $(if $(filter libpipewire%,$(AUDIO)),,%/pipewire.c),\
    $(wildcard garden/daemon/*.c garden/http/*.c)) garden/tools/words.c
CTL_SRC = $(wildcard garden/tools/*.c)
# What it shares with gardenctl are files that say nothing by themselves.
MCP_SRC = $(wildcard garden/mcp/*.c garden/http/*.c) $(patsubst %,garden/tools/%.c,capturer complaints definition duration state where words)
endif
COMPAT_SRC = $(wildcard zmtp/compat/*.c)
FFI_SRC = $(wildcard zmtp/ffi/*.c)
MOCK_SRC = $(filter-out %/real.c,$(FFI_SRC)) $(wildcard zmtp/ffi/mock/*.c)
ZMTP_TOOLS = $(patsubst zmtp/tools/%.c,$(O)/bin/%,$(wildcard zmtp/tools/*.c))
EXAMPLES = $(patsubst %.c,$(O)/%,$(wildcard zmtp/examples/*.c garden/examples/*.c))
SIM_SRC = $(wildcard test/sim/*.c)

Q = $(if $(V),,@echo '  $(1) $(@:$(O)/%=%)';)
obj = $(patsubst %.c,$(O)/obj/%.o,$(1))

LIB_CORE = $(O)/lib/libzmtp-core.a
LIB_ZMTP = $(O)/lib/libzmtp.a
LIB_GARDEN = $(if $(GARDEN_SRC),$(O)/lib/libgarden.a)
SO_ZMTP = $(O)/lib/libzmtp.so
SO_FFI = $(O)/lib/libzmtp-ffi.so
SO_MOCK = $(O)/lib/libzmtp-mock.so
SO_GARDEN = $(if $(GARDEN_SRC),$(O)/lib/libgarden.so)
LIBS = $(LIB_GARDEN) $(LIB_ZMTP)
# The drop-in for libzmq: its file is named as libzmq's of the same version.
DRAFT ?= 0
COMPAT_FLAVOUR = $(if $(filter 1,$(DRAFT)),-draft)
COMPAT = $(O)/compat$(COMPAT_FLAVOUR)
ZMQ_VERSION := $(shell sed -n 's/^.define ZMQ_VERSION_[MP][AI].* \([0-9]*\)/\1/p' zmtp/zmq.h | paste -sd.)
ZMQ_SOVERSION = 5
ZMQ_SOFILE = libzmq.so.5.2.$(lastword $(subst ., ,$(ZMQ_VERSION)))
LIBS_SYSTEM = -Wl,--as-needed -luv -lsodium $(if $(WS_FLAGS),-lwslay) -lpthread
LIBS_TOOLS = -ljansson -lsndfile -lmicrohttpd -larchive $(AUDIO_LIBS) -lm

BIN = $(ZMTP_TOOLS) $(if $(DAEMON_SRC),$(O)/bin/gardend) $(if $(CTL_SRC),$(O)/bin/gardenctl $(O)/bin/garden-mcp)
SIM = $(if $(SIM_SRC),$(O)/bin/sim)
MONKEY = $(if $(call pick,monkey/24-seeds),$(O)/bin/monkey)
# Each test/*/test_*.c is one program, each test_*.py a script; other .c files of test/interop and
# test/hostile are programs that such scripts drive.
pick = $(if $(T),$(foreach x,$(1),$(if $(findstring $(T),$(x)),$(x))),$(1))
TESTS = $(call pick,$(patsubst %.c,$(O)/%,$(wildcard test/*/test_*.c)))
TEST_PEERS = $(patsubst %.c,$(O)/%,$(filter-out $(wildcard test/*/test_*.c),$(wildcard test/interop/*.c test/hostile/*.c)))
TEST_SCRIPTS = $(call pick,$(wildcard test/*/test_*.py test/*/test_*.sh test/garden/mcp/test_*.py))
TEST_SUPPORT = $(call obj,$(wildcard test/support/*.c))
FUZZ = $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))
# One target is about what only WS=1 has.
REPLAY = $(call pick,$(patsubst %,$(O)/bin/replay_%,$(if $(WS_FLAGS),$(FUZZ),$(filter-out ws,$(FUZZ)))))
DEMO = $(wildcard garden/examples/demo.sh)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all lib core zmq zmq-life flat amalgamation test run-tests page consumers run-consumers interop run-interop old-peers conformance valgrind run-valgrind tests \
        check mutants torture run-torture monkey run-monkey soak demo run-demo fuzz fuzz-smoke \
        ffi run-ffi squeak coverage fuzz-targets sim bench run-bench bench-peers run-bench-peers bench-plots run-bench-plots bench-programs bench-query bench-store bench-flat bench-capture run-bench-capture bench-garden run-bench-garden bench-compare run-bench-compare bench-control run-bench-control deps tidy format install install-zmq clean help FORCE

all: lib zmq flat $(BIN) $(EXAMPLES) ## the libraries, the tools and the examples (the default)
lib: $(LIB_CORE) $(LIB_ZMTP) $(SO_ZMTP) $(LIB_GARDEN) $(SO_GARDEN)
core: $(LIB_CORE) ## the engine below io: no libuv, no libsodium, no operating system

# Objects depend on the flags they were made with, libraries and programs also on the list of the
# objects they hold; so a change of flags or a removed file rebuilds what it must and nothing else.
define stamp
	@mkdir -p $(@D)
	@echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
endef
$(O)/flags: FORCE
	$(call stamp,$(CC) $(CFLAGS_ALL) $(AUDIO))
# One file alone knows about the switch, so that turning it compiles no more than that. It is off where it is not
# given, as in "make install-zmq" after "make WS=1", which is told. Its name is one that nobody gives to O.
$(O)/.ws: FORCE
	@if [ -s $@ ] && grep -q . $@ && [ -z '$(WS_FLAGS)' ]; then \
	    echo '  note $(O) was built with WebSocket (WS=1), and is built without it from now on'; fi
	$(call stamp,$(WS_FLAGS))
$(O)/sources: FORCE
	$(call stamp,$(CC) $(LDFLAGS_ALL) $(ZMTP_SRC) $(COMPAT_SRC) $(FFI_SRC) $(MOCK_SRC) $(GARDEN_SRC) $(DAEMON_SRC) $(CTL_SRC) $(MCP_SRC) $(TEST_SUPPORT) $(PAGE_FILES))

$(O)/obj/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call Q,cc  )$(CC) $(CFLAGS_ALL) $(EXTRA) -MMD -MP -c $< -o $@

# The libraries' headers are not held to our warnings.
AUDIO_CFLAGS := $(if $(filter alsa,$(AUDIO)),-DGARDEN_ALSA) $(if $(filter libpipewire%,$(AUDIO)),-DGARDEN_PIPEWIRE) \
    $(if $(AUDIO),$(patsubst -I%,-isystem %,$(filter -I% -D%,$(shell pkg-config --cflags $(AUDIO)))))
AUDIO_LIBS := $(if $(AUDIO),$(shell pkg-config --libs $(AUDIO)))

$(call obj,$(wildcard zmtp/io/*.c zmtp/compat/*.c zmtp/ffi/*.c zmtp/ffi/mock/*.c zmtp/tools/*.c zmtp/examples/*.c garden/*/*.c test/*/*.c bench/*.c \
    fuzz/*.c)): EXTRA = $(SYSTEM)
$(call obj,$(wildcard garden/daemon/*.c test/garden/test_daemon_*.c)): EXTRA += $(AUDIO_CFLAGS)

# The page is in the daemon: its files as arrays of octets.
PAGE_FILES = $(wildcard garden/page/*.html garden/page/*.css garden/page/*.js)
$(O)/page/files.c: garden/page/embed $(PAGE_FILES) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,page)garden/page/embed $(PAGE_FILES) >$@
$(O)/obj/page/files.o: $(O)/page/files.c $(O)/flags
	@mkdir -p $(@D)
	$(call Q,cc  )$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@
DAEMON_OBJ = $(call obj,$(DAEMON_SRC)) $(O)/obj/page/files.o

$(call obj,zmtp/ws/frames.c): EXTRA = $(WS_FLAGS)
$(call obj,zmtp/ws/frames.c) $(O)/obj/amalgamation/zmtp.o: $(O)/.ws

$(LIB_CORE): $(call obj,$(CORE_SRC))
ZMTP_OBJ = $(if $(filter 1,$(ONE)),$(O)/obj/amalgamation/zmtp.o,$(call obj,$(ZMTP_SRC)))
$(LIB_ZMTP): $(ZMTP_OBJ)
$(O)/lib/libgarden.a: $(call obj,$(GARDEN_SRC))
$(O)/lib/%.a: $(O)/sources
	@mkdir -p $(@D)
	@rm -f $@
	$(call Q,ar  )$(AR) rcs $@ $(filter %.o,$^)

# The whole library as two files; with ONE=1 what is built here is built from them.
amalgamation: $(O)/amalgamation/zmtp.c ## the whole library as zmtp.h and zmtp.c, in O/amalgamation
$(O)/amalgamation/zmtp.c: zmtp/pkg/amalgamate $(wildcard zmtp/*.h zmtp/*/*.[ch]) $(O)/sources
	$(call Q,one )zmtp/pkg/amalgamate $(@D)
$(O)/obj/amalgamation/zmtp.o: $(O)/amalgamation/zmtp.c $(O)/flags
	@mkdir -p $(@D)
	$(call Q,cc  )$(CC) $(CFLAGS_ALL) $(WS_FLAGS) -c $< -o $@

# A shared library exports the public names only; the link without a number is for the linker, the
# one with the first number is what a program asks for at its start. Nothing may stay undefined, but
# for what a sanitizer brings with the program.
$(SO_ZMTP): $(ZMTP_OBJ) zmtp/pkg/libzmtp.map
$(O)/lib/libgarden.so: $(call obj,$(GARDEN_SRC)) $(SO_ZMTP) garden/pkg/libgarden.map
$(O)/lib/libgarden.so: private LINK = -L$(O)/lib -lzmtp
$(O)/lib/%.so: $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) -shared -Wl,-soname,$(@F).$(SOVERSION) -Wl,--version-script,$(filter %.map,$^) \
	    $(if $(SAN),,-Wl,-z,defs) $(LDFLAGS_ALL) -o $@.$(VERSION) $(filter %.o,$^) $(LINK) $(LIBS_SYSTEM)
	@ln -sf $(@F).$(VERSION) $@.$(SOVERSION)
	@ln -sf $(@F).$(VERSION) $@

# The drop-in exports what zmq.h declares, and nothing else, in its static form too: so a program may hold
# this library and libzmtp. Both flavours are the same objects but for one.
zmq: $(COMPAT)/libzmq.so $(COMPAT)/libzmq.a $(COMPAT)/include/zmq.h ## libzmq.so.5 and libzmq.a, drop-ins for libzmq, in O/compat
$(call obj,$(COMPAT_SRC)): EXTRA += -DZMQ_BUILD_DRAFT_API
$(O)/obj/zmtp/compat/flavour-draft.o: zmtp/compat/flavour.c $(O)/flags
	@mkdir -p $(@D)
	$(call Q,cc  )$(CC) $(CFLAGS_ALL) -DZMQ__DRAFT -MMD -MP -c $< -o $@
COMPAT_OBJ = $(filter-out %/flavour.o,$(call obj,$(COMPAT_SRC))) $(ZMTP_OBJ)
$(O)/compat/libzmq.so $(O)/compat/libzmq.a: $(O)/obj/zmtp/compat/flavour.o
$(O)/compat-draft/libzmq.so $(O)/compat-draft/libzmq.a: $(O)/obj/zmtp/compat/flavour-draft.o
$(O)/compat%names: zmtp/zmq.h
	@mkdir -p $(@D)
	@sed -n $(if $(findstring draft,$@),,-e '/^#ifdef ZMQ_BUILD_DRAFT_API/q') \
	    -e 's/^ZMQ_EXPORT .*[ *]\(zmq_[a-z0-9_]*\)(.*/\1/p' $< >$@
$(O)/compat%libzmq.so: $(O)/compat%names $(COMPAT_OBJ) $(O)/sources
	@(echo '{ global:'; sed 's/$$/;/' $<; echo 'local: *; };') >$(@D)/libzmq.map
	$(call Q,link)$(CC) -shared -Wl,-soname,$(@F).$(ZMQ_SOVERSION) -Wl,--version-script,$(@D)/libzmq.map \
	    $(if $(SAN),,-Wl,-z,defs) $(LDFLAGS_ALL) -o $(@D)/$(ZMQ_SOFILE) $(filter %.o,$^) $(LIBS_SYSTEM)
	@ln -sf $(ZMQ_SOFILE) $@.$(ZMQ_SOVERSION)
	@ln -sf $(ZMQ_SOFILE) $@
$(O)/compat%libzmq.a: $(O)/compat%names $(COMPAT_OBJ) $(O)/sources
	$(call Q,ar  )$(LD) -r -o $(@D)/libzmq.o $(filter %.o,$^)
	@objcopy --keep-global-symbols=$< $(@D)/libzmq.o
	@rm -f $@
	@$(AR) rcs $@ $(@D)/libzmq.o
$(O)/compat%include/zmq.h: zmtp/zmq.h zmtp/zmq_utils.h
	@mkdir -p $(@D)
	@cp $^ $(@D)

# The flat interface stands on the drop-in, with the drafts' types of sockets, and shows zmtp_ffi_* alone.
flat: $(SO_FFI) $(SO_MOCK) ## libzmtp-ffi.so, for programs that call through an FFI, and libzmtp-mock.so for their tests
$(SO_MOCK): $(call obj,$(MOCK_SRC)) $(COMPAT_OBJ) $(O)/obj/zmtp/compat/flavour-draft.o zmtp/pkg/libzmtp-mock.map
$(SO_FFI): $(call obj,$(FFI_SRC)) $(COMPAT_OBJ) $(O)/obj/zmtp/compat/flavour-draft.o zmtp/pkg/libzmtp-ffi.map

# Programs of test/ffi that are linked with a flat library alone, the real one or the mock.
FLAT_TESTS = $(O)/test/ffi/contract $(O)/test/ffi/contract-mock $(O)/test/ffi/mock $(O)/test/ffi/denied
$(O)/test/ffi/contract $(O)/test/ffi/contract-mock: $(call obj,$(wildcard test/ffi/contract*.c))
$(O)/test/ffi/mock: $(call obj,test/ffi/mock.c test/ffi/contract.c)
$(O)/test/ffi/denied: $(call obj,test/ffi/denied.c test/ffi/contract.c)
$(O)/test/ffi/contract $(O)/test/ffi/denied: $(SO_FFI)
$(O)/test/ffi/contract-mock $(O)/test/ffi/mock: $(SO_MOCK)
$(FLAT_TESTS): $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -Wl,-rpath,$(abspath $(O)/lib) -o $@ $(filter %.o %.so,$^) -lpthread

# What libzmq and the drop-in must do alike is a program of test/compat, same_*.c, that is built with either;
# what is the drop-in's alone is own_*.c, which may use drafts. draft_*.c print what lies beside them as libzmq, built
# with drafts, printed it.
COMPAT_SAME = $(basename $(notdir $(wildcard test/compat/same_*.c)))
COMPAT_OWN = $(basename $(notdir $(wildcard test/compat/own_*.c test/compat/draft_*.c)))
COMPAT_TESTS = $(foreach p,$(COMPAT_SAME),$(O)/test/compat/$(p)-libzmq $(O)/test/compat/$(p)-dropin) \
    $(COMPAT_OWN:%=$(O)/test/compat/%) $(O)/compat-draft/libzmq.so
$(O)/obj/dropin/%.o: %.c $(O)/flags $(O)/compat/include/zmq.h
	@mkdir -p $(@D)
	$(call Q,cc  )$(CC) $(CFLAGS_ALL) -I$(O)/compat/include $(SYSTEM) -DZMQ_BUILD_DRAFT_API -MMD -MP -c $< -o $@
$(O)/test/compat/%-libzmq: $(O)/obj/test/compat/%.o $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -o $@ $< -lzmq -lpthread
$(O)/test/compat/%-dropin: $(O)/obj/dropin/test/compat/%.o $(O)/compat/libzmq.so
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -Wl,-rpath,$(abspath $(O)/compat) -o $@ $^ -lpthread
$(COMPAT_OWN:%=$(O)/test/compat/%): $(O)/test/compat/%: $(O)/obj/dropin/test/compat/%.o $(O)/compat-draft/libzmq.so
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -Wl,-rpath,$(abspath $(O)/compat-draft) -o $@ $^ -lpthread

zmq-life: $(O)/test/compat/own_life ## contexts and sockets of every type, opened and closed CYCLES= times; a few in make test
	@$< $(CYCLES)
CYCLES ?= 100000

# Programs: their own objects, then the libraries, then the system's.
$(O)/bin/gardend: $(DAEMON_OBJ) $(LIBS)
$(O)/bin/gardenctl: $(call obj,$(CTL_SRC)) $(LIBS)
$(O)/bin/garden-mcp: $(call obj,$(MCP_SRC)) $(LIBS)
$(O)/bin/sim: $(call obj,$(SIM_SRC)) $(LIBS)
$(ZMTP_TOOLS): $(O)/bin/%: $(O)/obj/zmtp/tools/%.o $(LIBS)
$(EXAMPLES): $(O)/%: $(O)/obj/%.o $(LIBS)
$(TESTS) $(TEST_PEERS): $(O)/%: $(O)/obj/%.o $(TEST_SUPPORT) $(LIB_ZMTP)
$(filter $(O)/test/garden/%,$(TESTS)): $(LIB_GARDEN)
# The drop-in's lock is tested by itself.
$(filter $(O)/test/io/test_latch_threads,$(TESTS)): $(O)/obj/zmtp/compat/latch.o
# The daemon's machines are tested one by one, and as the program that they make.
$(filter $(O)/test/garden/test_mcp,$(TESTS)): $(call obj,$(filter-out %/main.c,$(MCP_SRC)))
$(filter $(O)/test/garden/test_duration,$(TESTS)): $(call obj,garden/tools/duration.c)
$(filter $(O)/test/garden/test_hashes,$(TESTS)): $(call obj,garden/tools/hashes.c)
$(filter $(O)/test/garden/test_daemon_%,$(TESTS)): $(filter-out %/main.o,$(DAEMON_OBJ)) \
    | $(O)/bin/gardend
$(TESTS) $(TEST_PEERS): private LINK = -lcmocka
$(REPLAY): $(O)/bin/replay_%: $(O)/obj/fuzz/fuzz_%.o $(O)/obj/fuzz/replay.o $(LIBS)
$(FUZZ:%=$(O)/bin/fuzz_%): $(O)/bin/%: $(O)/obj/fuzz/%.o $(LIBS)
$(filter %_garden_ledger,$(REPLAY) $(FUZZ:%=$(O)/bin/fuzz_%)): \
    $(filter-out %/main.o,$(DAEMON_OBJ))
$(filter %_garden_mcp,$(REPLAY) $(FUZZ:%=$(O)/bin/fuzz_%)): $(call obj,$(filter-out %/main.c,$(MCP_SRC)))
$(FUZZ:%=$(O)/bin/fuzz_%): private LINK = -fsanitize=fuzzer
$(BIN) $(SIM) $(EXAMPLES) $(TESTS) $(TEST_PEERS) $(REPLAY) $(FUZZ:%=$(O)/bin/fuzz_%): $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %/libgarden.a,$^) $(filter %/libzmtp.a,$^) $(LINK) \
	    $(LIBS_SYSTEM) $(LIBS_TOOLS)

# What is tested has the WebSocket transport, unless WS= says otherwise.
TEST_WS = WS=$(if $(filter file,$(origin WS)),1,$(WS))

# What a target needs is installed before anything is compiled, so these run make once more.
again = +@$(MAKE) --no-print-directory

test: ## installs what is missing, then builds and runs every test; T= picks some by name
	$(again) deps-test
	$(again) run-tests $(TEST_WS)
check: test
# Those beside the plain programs use the tools, so for them everything is built.
NEEDS_ALL = $(if $(T),$(findstring $(T),demo/fast install/static-and-shared embed/one-file-static-bare $(TEST_SCRIPTS)),yes)
# What drives a browser, where there is one; it brings none of its own. Without it the page's tests are skipped.
PAGE_MODULES = $(if $(and $(shell command -v chromium),$(shell command -v npm)),$(O)/page/node_modules/playwright-core)
$(O)/page/node_modules/playwright-core:
	@mkdir -p $(O)/page
	-@npm install --silent --no-audit --no-fund --fetch-retries=1 --prefix $(O)/page playwright-core@$(PLAYWRIGHT) jszmq@$(JSZMQ)
tests: $(if $(NEEDS_ALL),all $(TEST_PEERS) $(COMPAT_TESTS) $(O)/torture/dropin $(FLAT_TESTS)) $(if $(call pick,test/garden/test_page.py),$(PAGE_MODULES)) $(TESTS) $(REPLAY) $(if $(call pick,sim/$(SEEDS)-seeds),$(SIM)) $(MONKEY)
# The install and embed tests compile programs of their own, which a sanitizer's flavour cannot serve.
run-tests: tests
	@O='$(O)' CC='$(CC)' $(PYTHON) test/run --only '$(T)' --strip $(O)/test/ --strip test/ \
	    $(TEST_SCRIPTS) $(TESTS) \
	    $(foreach r,$(REPLAY),--command 'fuzz/$(notdir $(r))' '$(r) $(r:$(O)/bin/replay_%=fuzz/corpus/%)') \
	    $(if $(SIM),--command 'sim/$(SEEDS)-seeds' '$(SIM) 1 $(SEEDS)') \
	    $(if $(MONKEY),--command 'monkey/24-seeds' '$(MONKEY) 1 24') \
	    $(if $(DEMO),--command 'demo/fast' 'PACE=fast $(DEMO)') \
	    --command 'conformance/matrix' 'test/conformance/matrix --check' \
	    --command 'garden/table' 'test/garden/table --check' \
	    --command 'compat/table' 'test/compat/table --check' \
	    --command 'mutants/have-their-places' 'test/mutants/run --check' \
	    $(if $(SAN),,--command 'install/static-and-shared' 'test/install_test.sh' \
	        --command 'embed/one-file-static-bare' 'test/embed_test.sh')

conformance: ## each rule of the RFCs, what we make of it, and the tests that prove it
	@test/conformance/matrix

consumers: ## the tests of pyzmq and czmq, with the drop-in in libzmq's place; LIBRARY= a folder with another one
	$(again) deps-consumers
	$(again) run-consumers $(TEST_WS)
LIBRARY ?= $(abspath $(O)/compat)
run-consumers: zmq $(O)/test/ffi/czmq
	@LD_LIBRARY_PATH='$(LIBRARY)' $(PYTHON) test/run --only '$(T)' --strip $(O)/test/ --strip test/ --timeout 900 \
	    $(O)/test/ffi/czmq test/ffi/pyzmq.py
$(O)/test/ffi/czmq: $(O)/obj/test/ffi/czmq.o $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -o $@ $< -ldl
$(O)/test/ffi/askew: $(O)/obj/dropin/test/ffi/askew.o $(O)/compat/libzmq.so
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -Wl,-rpath,$(abspath $(O)/compat) -o $@ $^ -lpthread

ffi: ## programs in twelve languages and hosts on the drop-in, unchanged; T= one, LIBRARY= a folder with another libzmq
	$(again) deps-ffi
	$(again) run-ffi $(TEST_WS)
run-ffi: zmq $(O)/koffi/node_modules/koffi
	@O='$(O)' LIBRARY='$(LIBRARY)' $(PYTHON) test/run --timeout 900 --command 'ffi/users' 'test/ffi/test_users.py --all $(T)'
# What is not to be had is skipped, and said so, by the tests.
$(O)/koffi/node_modules/koffi:
	-@npm install --silent --no-audit --no-fund --prefix $(O)/koffi koffi@$(KOFFI)

# What it needs it names and does not install. The calls are recorded on 64 bits, and made again on 32.
IMAGE ?=
squeak: ## the flat interface, built for 32 bits, from a Smalltalk virtual machine of i386; IMAGE= another scratch's
	@O='$(O)' IMAGE='$(IMAGE)' $(PYTHON) test/ffi/squeak.py --check gcc-multilib libuv1-dev libsodium-dev $(filter %:i386,$(DEPS_squeak))
	$(again) flat
	$(again) flat $(O)/i386/test/ffi/askew O=$(O)/i386 CFLAGS='-m32 -Wno-psabi' LDFLAGS=-m32
	@O='$(O)' IMAGE='$(IMAGE)' $(PYTHON) test/run --timeout 600 --command 'ffi/squeak' test/ffi/squeak.py \
	    --command 'ffi/askew' '$(O)/i386/test/ffi/askew'

old-peers: ## libraries that speak ZMTP 1.0 and 2.0, for test/interop/test_old.py
	$(again) deps-old
	test/interop/old/prepare $(O)/old

interop: ## every socket type in conversation with every other library; INTEROP_FLAGS='--library jeromq'
	$(again) deps-interop
	$(again) run-interop $(TEST_WS)
run-interop: $(O)/test/interop/line_peer
	@O='$(O)' $(PYTHON) test/interop/campaign.py --json $(O)/interop/table.json --markdown $(O)/interop/table.md \
	    $(INTEROP_FLAGS)

valgrind: ## the unit tests under valgrind: no wrong access, no leak
	$(again) deps-valgrind
	$(again) run-valgrind $(TEST_WS)
run-valgrind: $(filter $(O)/test/unit/%,$(TESTS))
	@$(PYTHON) test/run --only '$(T)' --strip $(O)/test/ --timeout 600 \
	    --under 'valgrind --quiet --error-exitcode=9 --leak-check=full' $^

page: ## the tests of gardend's live page in Chromium, which this installs; its pictures are in O/page/shots
	$(again) deps-page
	$(again) run-tests T=test_page $(TEST_WS)

demo: ## installs what is missing, then captures a recording; PACE=fast, FILE=yours.wav, JSON=1
	$(again) deps-demo
	$(again) run-demo
run-demo: all
	@$(if $(DEMO),O='$(O)' PACE='$(PACE)' FILE='$(subst ','\'',$(value FILE))' JSON='$(JSON)' $(DEMO),echo 'garden/examples/demo.sh is missing' >&2; exit 1)

soak: $(BIN) ## four captures amid kills of either side, for SECONDS=1800
	@O='$(O)' $(PYTHON) test/garden/soak.py $(if $(filter command%,$(origin SECONDS)),$(SECONDS),1800) $(SOAK_FLAGS)

fuzz-smoke: ## every fuzz target for FUZZ_SECONDS=20, with clang's sanitizers
	$(again) deps-fuzz
	$(again) fuzz-targets O=$(O)/fuzz CC=clang ASAN=1 TSAN= FUZZER=1 WS=1
	@$(PYTHON) fuzz/run --build $(O)/fuzz --seconds $(FUZZ_SECONDS) --only '$(T)' $(FUZZ)
fuzz: ## the same for FUZZ_SECONDS=600
	$(again) fuzz-smoke FUZZ_SECONDS=$(if $(filter command% env%,$(origin FUZZ_SECONDS)),$(FUZZ_SECONDS),600)
fuzz-targets: $(FUZZ:%=$(O)/bin/fuzz_%)

sim: $(SIM) ## one simulation with SEED=1
	$(if $(SIM),$(SIM) $(SEED),@echo 'test/sim has no sources' >&2; exit 1)

# What has run in the tests of a flavour that counts. Processes that may not write there stay silent about it.
coverage: ## which layers, functions and lines the tests reach; COVERAGE_FLAGS='--lines zmtp/io' lists what none does, --json
	$(again) deps-test
	@mkdir -p $(O)/coverage && find $(O)/coverage -name '*.gcda' -delete
	+-@GCOV_ERROR_FILE=/dev/null $(MAKE) --no-print-directory run-tests O=$(O)/coverage COVERAGE=1 OPT='-O0 -g' $(TEST_WS)
	@test/coverage $(O)/coverage $(COVERAGE_FLAGS)
COVERAGE_FLAGS ?=

mutants: ## plants small bugs in a copy of the tree, each of which a test must notice; T= picks some
	$(again) deps-test
	@CCACHE_BASEDIR=$(abspath $(O)/mutants) test/mutants/run --folder $(O)/mutants $(T)

# The unit tests again, with each allocation failing in turn, and a loop whose system calls fail as well. Their
# own flavour has the sanitizers. TORTURE_POINTS= are the failures tried of each test.
TORTURE_POINTS ?= 40
TORTURE_UNITS = $(call pick,$(patsubst test/unit/test_%.c,$(O)/torture/test_%,$(wildcard test/unit/test_*.c)))
torture: ## tests again with the n-th allocation and the n-th system call failing
	$(again) deps-test
	$(again) run-torture O=$(O)/asan ASAN=1 $(TEST_WS)
TORTURE_LOOP = $(call pick,$(O)/torture/loop $(O)/torture/dropin)
# What fails there: allocations, and these calls of the engine's.
TORTURE_CALLS = realloc socket bind listen accept4 connect sendmsg recv setsockopt getsockopt getsockname getpeername shutdown \
    unlink lstat fstat open eventfd epoll_create1 epoll_ctl uv_poll_init uv_poll_start uv_async_init send recvmsg ioctl \
    getifaddrs getaddrinfo pthread_create uv_mutex_init
TORTURE_WRAPS = $(TORTURE_CALLS:%=-Wl,--wrap=%)
run-torture: $(TORTURE_UNITS) $(TORTURE_LOOP)
	@TORTURE_POINTS=$(TORTURE_POINTS) ASAN_OPTIONS=exitcode=99:allocator_may_return_null=1 UBSAN_OPTIONS=exitcode=99 $(PYTHON) test/run --only '$(T)' \
	    --strip $(O)/ --timeout 900 $^
$(TORTURE_UNITS): $(O)/torture/%: $(O)/obj/test/unit/%.o $(O)/obj/test/torture/units.o $(TEST_SUPPORT) $(LIB_ZMTP) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -Wl,--wrap=realloc -Wl,--wrap=_cmocka_run_group_tests -o $@ $(filter %.o,$^) $(LIB_ZMTP) \
	    -lcmocka $(LIBS_SYSTEM)

TORTURE_OBJ = $(O)/obj/test/torture/calls.o $(O)/obj/test/torture/trial.o
$(O)/torture/loop: $(O)/obj/test/torture/loop.o $(TORTURE_OBJ) $(LIB_ZMTP) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) $(TORTURE_WRAPS) -o $@ $(filter %.o,$^) $(LIB_ZMTP) $(LIBS_SYSTEM)
$(O)/torture/dropin: $(O)/obj/dropin/test/torture/dropin.o $(TORTURE_OBJ) $(COMPAT_OBJ) $(O)/obj/zmtp/compat/flavour-draft.o $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) $(TORTURE_WRAPS) -o $@ $(filter %.o,$^) $(LIBS_SYSTEM)

# Random calls of uv.h amid the same failures, and conversations gone wrong. With TSAN=1 threads are of use:
# setarch -R make monkey TSAN=1 MONKEY_FLAGS='--threads 4'
FIRST ?= 1
MONKEY_FLAGS ?=
MONKEY_SEEDS = $(if $(filter command%,$(origin SEEDS)),$(SEEDS),1000)
monkey: ## random calls of uv.h amid failures, and mutated conversations, for SEEDS=1000 from FIRST=1; MONKEY_FLAGS='--seconds 60'
	$(again) deps-test
	$(again) run-monkey $(if $(filter 1,$(TSAN)),O=$(O)/tsan,O=$(O)/asan ASAN=1) $(TEST_WS)
run-monkey: $(O)/bin/monkey $(O)/test/hostile/listeners
	$(O)/bin/monkey $(MONKEY_FLAGS) $(FIRST) $(MONKEY_SEEDS)
	O='$(O)' test/hostile/test_conversations.py --seed $(FIRST) --count $(MONKEY_SEEDS)0
$(O)/bin/monkey: $(call obj,$(wildcard test/monkey/*.c) test/torture/calls.c) $(LIB_ZMTP) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) $(TORTURE_WRAPS) -o $@ $(filter %.o,$^) $(LIB_ZMTP) $(LIBS_SYSTEM)

# One scenario, many libraries: bench/throughput.c with bench/adapter_zmtp.c is throughput-zmtp. Those of BENCH_PLAIN
# need no more than DEALER, REQ and REP; nng and a current libzmq are there where they are installed or fetched.
BENCH_PLAIN = throughput latency pipelined
BENCH_FULL = $(BENCH_PLAIN) fanout connections crowd topics
BENCH_NNG := $(if $(wildcard /usr/include/nng/nng.h /usr/local/include/nng/nng.h),nng)
BENCH_CURRENT_LIB = $(wildcard $(O)/bench/pyzmq/pyzmq.libs/libzmq*.so*)
bench_of = $(foreach l,$(1),$(foreach s,$(2),$(O)/bench/$(s)-$(l)))
BENCH = $(call bench_of,zmtp libzmq,$(BENCH_FULL)) $(call bench_of,raw,fanout) $(call bench_of,raw uv $(BENCH_NNG),$(BENCH_PLAIN))
# The same program as for libzmq, with the drop-in or a newer libzmq in its place.
BENCH_DROPIN = $(call bench_of,dropin,$(BENCH_FULL))
BENCH_CURRENT = $(if $(BENCH_CURRENT_LIB),$(call bench_of,current,$(BENCH_FULL)))
bench: ## interleaved measurements against libzmq and others that are here; BENCH_FLAGS=--quick is short
	$(again) deps-bench
	$(again) run-bench
bench-peers: ## what make bench compares with and Debian has not: a current libzmq, and libraries in Rust where cargo is
	$(again) deps-bench
	$(again) run-bench-peers
run-bench-peers:
	@$(PYTHON) bench/peers.py --build $(O)/bench
bench-plots: ## plots and the tables of bench/README.md from RESULTS, all of bench/results
	$(again) deps-plots
	$(again) run-bench-plots
RESULTS ?= $(sort $(wildcard bench/results/*.json))
run-bench-plots:
	@$(PYTHON) bench/report.py --plots bench/plots --readme bench/README.md $(RESULTS)
bench-control: ## control requests at gardend, idle and flooded; BENCH_FLAGS='--rounds 9'
	$(again) deps-bench
	$(again) run-bench-control
run-bench-control: $(O)/bench/control $(O)/bin/gardend
	@$(PYTHON) bench/control.py --build $(O) $(BENCH_FLAGS)
$(O)/bench/control: $(O)/obj/bench/control.o $(LIBS) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(LIB_GARDEN) $(LIB_ZMTP) $(LIBS_SYSTEM)
bench-programs: $(BENCH) $(BENCH_DROPIN) $(BENCH_CURRENT) $(addprefix $(O)/bench/,control seal events callback)
bench-compare: ## two revisions of the native interface: instructions and processor time a message; BASE=HEAD~1
	$(again) deps-bench
	$(again) run-bench-compare
BASE ?= HEAD
run-bench-compare: $(BENCH)
	+@$(PYTHON) bench/compare.py --build $(O) --make '$(MAKE)' --base '$(BASE)' $(BENCH_FLAGS)
run-bench: $(BENCH) $(BENCH_DROPIN) $(BENCH_CURRENT)
	@$(PYTHON) bench/run.py --build $(O)/bench $(BENCH_FLAGS)
bench-capture: ## captures of 49 MB/s measured on this disk; BENCH_FLAGS='--quick --folder DIR'
	$(again) deps-bench
	$(again) run-bench-capture
run-bench-capture: $(BIN) $(O)/bench/ceiling
	@$(PYTHON) bench/capture.py --build $(O)/bench --bin $(O)/bin $(BENCH_FLAGS)
bench-garden: ## seals, events, control requests and the audio callback; BENCH_FLAGS='--quick' or '--name NAME'
	$(again) deps-bench
	$(again) run-bench-garden
run-bench-garden: $(addprefix $(O)/bench/,seal events control callback) $(O)/bin/gardend
	@$(PYTHON) bench/garden.py --build $(O) $(BENCH_FLAGS)
$(O)/bench/seal: $(call obj,bench/seal.c)
$(O)/bench/events: $(call obj,bench/events.c)
$(O)/bench/ceiling: $(call obj,bench/ceiling.c)
$(O)/bench/seal $(O)/bench/events $(O)/bench/ceiling: $(call obj,bench/bench.c bench/adapter_zmtp.c) $(LIBS) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %/libgarden.a,$^) $(filter %/libzmtp.a,$^) $(LIBS_SYSTEM)
# Queries of a garden's state, as its daemon answers them.
bench-query: $(O)/bench/query ## queries over 100000 regions, timed
	$(O)/bench/query
$(O)/bench/callback: $(call obj,bench/callback.c bench/bench.c bench/adapter_zmtp.c) $(filter-out %/main.o,$(DAEMON_OBJ)) $(LIBS) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %/libgarden.a,$^) $(filter %/libzmtp.a,$^) $(LIBS_SYSTEM) $(LIBS_TOOLS)
$(O)/bench/query: $(O)/obj/bench/query.o $(filter-out %/main.o,$(DAEMON_OBJ)) $(LIBS) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS_SYSTEM) $(LIBS_TOOLS)
# The set of subscriptions alone.
bench-store: $(O)/bench/store ## what subscriptions cost a publisher's set: memory, and the time of each call
	$(O)/bench/store
$(O)/bench/store: $(O)/obj/bench/store.o $(LIB_ZMTP) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(LIB_ZMTP) $(LIBS_SYSTEM)
bench-flat: $(O)/bench/flat $(O)/bench/flat-mock ## calls of the flat interface, timed one by one, for each transport
	$(O)/bench/flat
	$(O)/bench/flat-mock
$(O)/bench/flat: $(SO_FFI)
$(O)/bench/flat-mock: $(SO_MOCK)
$(O)/bench/flat $(O)/bench/flat-mock: $(call obj,bench/flat.c) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -Wl,-rpath,$(abspath $(O)/lib) -o $@ $(filter %.o %.so,$^)
.SECONDEXPANSION:
$(BENCH_DROPIN): $(O)/bench/%-dropin: $(O)/obj/bench/%.o $(O)/obj/dropin/bench/adapter_libzmq.o $(O)/obj/bench/bench.o $(O)/compat/libzmq.so
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -Wl,-rpath,$(abspath $(O)/compat) -o $@ $^ -lpthread
$(BENCH_CURRENT): $(O)/bench/%-current: $(O)/obj/bench/%.o $(O)/obj/bench/adapter_libzmq.o $(O)/obj/bench/bench.o $(BENCH_CURRENT_LIB)
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -Wl,-rpath,$(abspath $(O)/bench/pyzmq/pyzmq.libs) -Wl,--allow-shlib-undefined -o $@ $^ -lpthread
BENCH_LIBS_zmtp = $(LIB_ZMTP) $(LIBS_SYSTEM)
BENCH_LIBS_libzmq = -lzmq -lpthread
BENCH_LIBS_nng = -lnng -lpthread
BENCH_LIBS_uv = -luv -lpthread
BENCH_LIBS_raw = -lpthread
$(BENCH): $(O)/bench/%: $(O)/obj/bench/$$(word 1,$$(subst -, ,$$*)).o $(O)/obj/bench/bench.o $(O)/obj/bench/plain.o \
    $(O)/obj/bench/adapter_$$(word 2,$$(subst -, ,$$*)).o $(LIB_ZMTP) $(O)/sources
	@mkdir -p $(@D)
	$(call Q,link)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(BENCH_LIBS_$(lastword $(subst -, ,$*)))

# Installs those of a list of packages that are missing; a system without dpkg looks after itself.
deps: deps-all ## installs every package that any target here needs (Debian 12)
deps-%: FORCE
	@command -v dpkg-query >/dev/null || exit 0; \
	missing=; for p in $(DEPS_$*); do \
	    dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q ' installed$$' || missing="$$missing $$p"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ]; then as=; \
	elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }; then as=sudo; \
	else echo "Missing packages. Run: apt-get install --no-install-recommends$$missing" >&2; exit 1; fi; \
	echo "installing$$missing"; \
	apt() { $$as env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$$@" </dev/null >$(O)/deps.log; }; \
	mkdir -p $(O); \
	apt-cache show $$missing >/dev/null 2>&1 || apt update; \
	apt install --no-install-recommends -y $$missing || \
	    { apt update && apt install --no-install-recommends -y $$missing; } || { cat $(O)/deps.log >&2; exit 1; }

tidy: lib ## the rules of the house: layers, sizes, exported names, layout
	@$(PYTHON) test/tidy --core $(LIB_CORE) --libraries $(LIBS) $(SO_ZMTP) $(SO_GARDEN)
format: ## lays out every source file with clang-format
	clang-format -i $(shell find zmtp garden test fuzz bench -name '*.[ch]')

TO = $(DESTDIR)$(PREFIX)
# Debian calls libuv's archive libuv_a.a, so that -luv, as libuv's own file for pkg-config has it, finds none
# in a static program. There a script for the linker of the name that it looks for, in a folder that only
# pkg-config --static names, leads to it.
found = $(filter /%,$(shell $(CC) -print-file-name=$(1)))
UV_ALIAS = $(if $(call found,libuv.a),,$(call found,libuv_a.a))
UV_LIBS = $(if $(UV_ALIAS),-L$${libdir}/zmtp-static )
# Debian's libwslay comes without a file for pkg-config, so its name may have to do.
ifdef WS_FLAGS
WS_PACKAGE := $(shell pkg-config --exists libwslay 2>/dev/null && echo libwslay)
WS_REQUIRES = $(WS_PACKAGE:%=, %)
WS_LIBS = $(if $(WS_PACKAGE),,-lwslay )
endif
install: all ## into DESTDIR and PREFIX=/usr/local: headers, libraries, pkg-config files, tools
	install -d $(TO)/include/zmtp $(TO)/include/garden $(TO)/lib/pkgconfig $(TO)/bin
	install -m 644 $(filter-out $(ZMQ_HEADERS),$(wildcard zmtp/*.h)) $(TO)/include/zmtp
	install -m 644 $(wildcard garden/*.h) $(TO)/include/garden
	install -m 644 $(LIB_CORE) $(LIB_ZMTP) $(LIB_GARDEN) $(TO)/lib
	cp -P $(foreach so,$(SO_ZMTP) $(SO_FFI) $(SO_MOCK) $(SO_GARDEN),$(so) $(so).$(SOVERSION) $(so).$(VERSION)) $(TO)/lib
	$(if $(UV_ALIAS),install -d $(TO)/lib/zmtp-static && echo 'INPUT(-l:libuv_a.a)' >$(TO)/lib/zmtp-static/libuv.a)
	for f in $(wildcard zmtp/pkg/*.pc.in garden/pkg/*.pc.in); do \
	    sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|@UV_LIBS@|$(UV_LIBS)|; s|@WS_REQUIRES@|$(WS_REQUIRES)|; s|@WS_LIBS@|$(WS_LIBS)|' $$f >$(TO)/lib/pkgconfig/$$(basename $$f .in); \
	done
	$(if $(strip $(BIN)),install $(BIN) $(TO)/bin)
	install -D -m 644 zmtp/ffi/abi.json $(TO)/share/zmtp/ffi-abi.json
	install -d $(TO)/lib/systemd/user
	sed 's|@PREFIX@|$(PREFIX)|' garden/pkg/gardend.service.in >$(TO)/lib/systemd/user/gardend.service
	for p in zmtp garden; do \
	    install -D -m 644 $$p/LICENSE $(TO)/share/doc/lib$$p/LICENSE; \
	    for m in $$p/man/*.[1-8]; do \
	        [ ! -f $$m ] || install -D -m 644 $$m $(TO)/share/man/man$${m##*.}/$${m##*/}; \
	    done; \
	done

ZMQ_HEADERS = zmtp/zmq.h zmtp/zmq_utils.h
install-zmq: zmq ## the drop-in for libzmq alone; keep it out of the system's folders: PREFIX=/opt/zmq
	install -d $(TO)/include $(TO)/lib/pkgconfig
	install -m 644 $(ZMQ_HEADERS) $(TO)/include
	install -m 644 $(COMPAT)/libzmq.a $(TO)/lib
	cp -P $(COMPAT)/libzmq.so $(COMPAT)/libzmq.so.$(ZMQ_SOVERSION) $(COMPAT)/$(ZMQ_SOFILE) $(TO)/lib
	sed 's|@PREFIX@|$(PREFIX)|; s|@ZMQ_VERSION@|$(ZMQ_VERSION)|; s|@WS_REQUIRES@|$(WS_REQUIRES)|; s|@WS_LIBS@|$(WS_LIBS)|' \
	    zmtp/compat/libzmq.pc.in >$(TO)/lib/pkgconfig/libzmq.pc
	install -D -m 644 zmtp/LICENSE $(TO)/share/doc/libzmq-zmtp/LICENSE

clean: ## removes the output folder O=build
	rm -rf $(O)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
	    printf '  %-12s %s\n' "$$name" "$$text"; done

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
