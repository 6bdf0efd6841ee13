# libzmtp and libgarden. `make help` lists the targets.
# O= picks the output folder of a flavour, so that flavours live side by side:
#   make O=build/asan ASAN=1 test     make O=build/clang CC=clang

O ?= build
CC ?= cc
AR ?= ar
PREFIX ?= /usr/local
SEED ?= 1
PACE ?= real
FILE ?=

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes \
       -Wpointer-arith -Wcast-qual -Wvla -Werror
OPT ?= -O2 -g
SAN =
ifeq ($(ASAN),1)
SAN += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ifeq ($(TSAN),1)
SAN += -fsanitize=thread -fno-omit-frame-pointer
endif
CFLAGS_ALL = -std=c11 $(OPT) $(WARN) $(SAN) -fPIC -I. $(CFLAGS)
LDFLAGS_ALL = $(SAN) $(LDFLAGS)
# The layers that touch the system; everything else is plain C11.
SYSTEM = -D_GNU_SOURCE

CORE_DIRS = base wire msg mech peer socket
CORE_SRC = $(foreach d,$(CORE_DIRS),$(wildcard zmtp/$(d)/*.c))
ZMTP_SRC = $(CORE_SRC) $(wildcard zmtp/io/*.c)
GARDEN_SRC = $(foreach d,wire core store uv,$(wildcard garden/$(d)/*.c))
DAEMON_SRC = $(wildcard garden/daemon/*.c)
CTL_SRC = $(wildcard garden/tools/*.c)

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))

LIB_CORE = $(O)/lib/libzmtp-core.a
LIB_ZMTP = $(O)/lib/libzmtp.a
LIB_GARDEN = $(O)/lib/libgarden.a
SO_ZMTP = $(O)/lib/libzmtp.so
SO_GARDEN = $(O)/lib/libgarden.so
LIBS_ZMTP = -luv -lsodium -lpthread
LIBS_TOOLS = -ljansson -lsndfile -lm

UNIT = $(patsubst test/%.c,$(O)/test/%,$(wildcard test/unit/test_*.c test/io/test_*.c test/garden/test_*.c test/hostile/test_*.c))
TEST_SUPPORT = $(call obj,$(wildcard test/support/*.c))
FUZZ = $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))
EXAMPLES = $(patsubst zmtp/examples/%.c,$(O)/examples/%,$(wildcard zmtp/examples/*.c))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all lib core test unit demo deps help clean

all: lib $(EXAMPLES) $(if $(DAEMON_SRC),$(O)/bin/gardend) $(if $(CTL_SRC),$(O)/bin/gardenctl)
lib: $(LIB_CORE) $(LIB_ZMTP) $(SO_ZMTP) $(if $(GARDEN_SRC),$(LIB_GARDEN) $(SO_GARDEN))
core: $(LIB_CORE)

$(O)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(EXTRA) -MMD -MP -c $< -o $@

$(call obj,$(wildcard zmtp/io/*.c zmtp/examples/*.c garden/*/*.c test/*/*.c bench/*.c fuzz/*.c)): EXTRA = $(SYSTEM)

$(LIB_CORE): $(call obj,$(CORE_SRC))
$(LIB_ZMTP): $(call obj,$(ZMTP_SRC))
$(LIB_GARDEN): $(call obj,$(GARDEN_SRC))
$(O)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(SO_ZMTP): $(call obj,$(ZMTP_SRC))
	$(CC) -shared -Wl,-soname,libzmtp.so.0 $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ZMTP)
$(SO_GARDEN): $(call obj,$(GARDEN_SRC)) $(SO_ZMTP)
	$(CC) -shared -Wl,-soname,libgarden.so.0 $(LDFLAGS_ALL) -o $@ $(call obj,$(GARDEN_SRC)) -L$(O)/lib -lzmtp $(LIBS_ZMTP)

$(O)/bin/gardend: $(call obj,$(DAEMON_SRC)) $(LIB_GARDEN) $(LIB_ZMTP)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ZMTP) $(LIBS_TOOLS)
$(O)/bin/gardenctl: $(call obj,$(CTL_SRC)) $(LIB_GARDEN) $(LIB_ZMTP)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ZMTP) $(LIBS_TOOLS)
$(O)/examples/%: $(O)/obj/zmtp/examples/%.o $(LIB_ZMTP)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ZMTP)

$(O)/test/%: $(O)/obj/test/%.o $(TEST_SUPPORT) $(if $(GARDEN_SRC),$(LIB_GARDEN)) $(LIB_ZMTP)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka $(LIBS_ZMTP) $(LIBS_TOOLS)

unit: $(UNIT)

clean:
	rm -rf $(O)

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
