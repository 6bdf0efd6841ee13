#!/bin/sh
# libzmtp as an embedder takes it in: as two files, with parts left out, in a static program, on 32 bits,
# in memory of its own. Reports in TAP. O and CC come from the Makefile.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${O:=build}" "${CC:=cc}"
. test/support/check.sh
strict='-std=c11 -O0 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes
        -Wstrict-prototypes -Wpointer-arith -Wcast-qual -Wvla -Werror'
bare='-DZMTP_NO_UV -DZMTP_NO_SODIUM -DZMTP_NO_HEAP'

compiles() { # compiler, object, switches
    # shellcheck disable=SC2086
    $1 $strict $3 -c "$work/zmtp/zmtp.c" -o "$work/$2"
}

# An example, with the one header in the place of the many.
example() {
    sed 's|<zmtp/[a-z]*\.h>|"zmtp.h"|' "zmtp/examples/$1.c" >"$work/$1.c"
}

a_program_of_two_files_runs() { # name, switches, libraries; o: with what the other file was compiled to before
    example "$1"
    # shellcheck disable=SC2086
    $CC -std=gnu11 -Wall -Werror $2 -I"$work/zmtp" "$work/$1.c" "$work/zmtp/zmtp.${4:-c}" -o "$work/$1" $3
}

says_what_it_should() {
    "$@" | tee "$work/said"
    printf 'REP heard "how warm is it?"\nREQ heard "21 degrees"\n' | cmp - "$work/said"
}

asks_for_nothing_but_the_string_functions() {
    outside=$(nm -u "$work/bare.o" | awk '{ print $2 }' |
        grep -vE '^(mem[a-z]+|str[a-z]+|bcmp|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__[a-z]+di[0-9])$')
    echo "asks for: $outside"
    [ -z "$outside" ]
}

shows_no_name_that_is_not_ours() {
    shown=$(nm -g --defined-only "$work/full.o" | awk '{ print $3 }' | grep -v '^zmtp_')
    echo "shows: $shown"
    [ -z "$shown" ]
}

# One asks the other over ipc.
talks() {
    "$1" "ipc://$work/talk" >"$work/heard" &
    rep=$!
    timeout 20 "$2" world "ipc://$work/talk" >"$work/answered"
    status=$?
    kill "$rep"
    wait "$rep" 2>/dev/null
    [ $status = 0 ] && grep -q world "$work/heard" "$work/answered"
}

# Debian has no static libwslay; the one file that wants it does without, for a program without ws.
without_wslay() {
    $CC -std=c11 -I. -c zmtp/ws/frames.c -o "$work/frames.o"
}

a_static_program_runs() {
    without_wslay || return 1
    for example in rep req; do
        # The C library's resolver wants its shared self at run time; ipc and addresses do not.
        $CC -std=gnu11 -static -I"$work" -I. "zmtp/examples/$example.c" "$work/frames.o" "$O/lib/libzmtp.a" -o "$work/$example-static" \
            -l:libuv_a.a -lsodium -lpthread -ldl -lrt 2>"$work/warnings" || { cat "$work/warnings"; return 1; }
    done
    ! readelf -d "$work/rep-static" | grep NEEDED && talks "$work/rep-static" "$work/req-static"
}

curve_without_libsodium_says_which_switch_is_off() {
    cat >"$work/nocurve.c" <<'END'
#include <stdio.h>
#include "zmtp.h"
int main(void)
{
    struct zmtp_security security = {.mechanism = ZMTP_CURVE, .crypto = zmtp_sodium()};
    const char *why = "";
    const int error = zmtp_security_check(&security, &why);
    printf("%s\n", why);
    return error == ZMTP_ERR_ARGUMENT ? 0 : 1;
}
END
    $CC -std=c11 -Wall -Werror -DZMTP_NO_SODIUM -DZMTP_NO_UV -I"$work/zmtp" "$work/nocurve.c" \
        "$work/zmtp/zmtp.c" -o "$work/nocurve" && "$work/nocurve" | grep SODIUM=0
}

the_library_builds_without_libsodium() {
    make --no-print-directory O="$work/nosodium" CC="$CC" OPT=-O0 SODIUM=0 lib &&
        ! readelf -d "$work/nosodium/lib/libzmtp.so" | grep sodium
}

check 'the amalgamation is written' zmtp/pkg/amalgamate "$work/zmtp"
for compiler in "$CC" gcc clang; do
    command -v "$compiler" >/dev/null || continue # the one that builds all is checked in any case
    check "one file compiles without a warning: $compiler" compiles "$compiler" full.o ''
    check "so does the engine alone: $compiler" compiles "$compiler" bare.o "$bare"
done
check 'one file compiles without a warning with WebSocket' compiles "$CC" ws.o -DZMTP_WITH_WSLAY
check 'one file compiles without a warning and without assertions' compiles "$CC" ndebug.o -DNDEBUG
check 'it shows no name that is not ours' shows_no_name_that_is_not_ours
check 'the engine alone asks for nothing but the string functions' asks_for_nothing_but_the_string_functions
check 'the engine alone makes a program' a_program_of_two_files_runs bare "$bare" ''
check 'which talks to itself in two arrays' says_what_it_should "$work/bare"
check 'the whole makes a server' a_program_of_two_files_runs rep '' '-luv -lsodium -lpthread'
cp "$work/full.o" "$work/zmtp/zmtp.o" # the last compiler's, which need not be that of the server
check 'and a client' a_program_of_two_files_runs req '' '-luv -lsodium -lpthread' o
check 'which talk' talks "$work/rep" "$work/req"
check 'static programs need no shared library and talk' a_static_program_runs
check 'CURVE without libsodium says which switch is off' curve_without_libsodium_says_which_switch_is_off
check 'the library builds without libsodium' the_library_builds_without_libsodium
check 'on 32 bits one file compiles without a warning' compiles "$CC -m32" bare32.o "$bare"
check 'and makes a program' a_program_of_two_files_runs bare "$bare -m32" ''
check 'which talks to itself too' says_what_it_should "$work/bare"
echo "1..$count"
