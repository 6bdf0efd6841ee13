#!/bin/sh
# Installs into an empty folder and uses only what lies there: every header alone, in C and in C++
# where a compiler for it exists, a program linked with the static and with the shared libraries, and one
# that is static as a whole, as pkg-config says, the programs in the READMEs, and what an older program
# may count on. Reports in TAP. O and CC come from the Makefile.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${O:=build}" "${CC:=cc}"
. test/support/check.sh

compiles_alone() {
    printf '#include <%s>\nextern int something;\n' "$1" >"$work/alone.$2"
    # shellcheck disable=SC2046,SC2086 # pkg-config prints words, and a compiler has switches
    $3 -Wall -Wextra -Wpedantic -Wshadow -Werror -c "$work/alone.$2" -o "$work/alone.o" \
        $(pkg-config --cflags libgarden)
}

links() {
    # shellcheck disable=SC2046,SC2086
    $CC -Wall -Werror "$work/program.c" -o "$work/$1" $(pkg-config --cflags libgarden) $2
}

runs_and_uses_our_shared_libraries() {
    LD_LIBRARY_PATH=$work/root/lib "$work/shared" &&
        LD_LIBRARY_PATH=$work/root/lib ldd "$work/shared" | grep -q "$work/root/lib/libzmtp.so.0" &&
        LD_LIBRARY_PATH=$work/root/lib ldd "$work/shared" | grep -q "$work/root/lib/libgarden.so.0"
}

runs_without_our_shared_libraries() {
    "$work/static" && ! ldd "$work/static" | grep -E 'libzmtp|libgarden'
}

# Nothing is shared, libuv, libsodium and the C library included. Debian has no static libwslay; the one
# file that wants it does without.
links_without_anything_shared() {
    line=$(pkg-config --static --libs libzmtp)
    echo "$line"
    frames=
    if echo "$line" | grep -q -e -lwslay; then
        $CC -std=c11 -I. -c zmtp/ws/frames.c -o "$work/frames.o" || return 1
        frames=$work/frames.o
        line=$(echo "$line" | sed 's|-lwslay||')
    fi
    # shellcheck disable=SC2046,SC2086
    $CC -static -Wall -Werror "$work/alone.c" $frames -o "$work/whole" \
        $(pkg-config --cflags libzmtp) $line 2>"$work/warnings" || { cat "$work/warnings"; return 1; }
    "$work/whole" && ! readelf -d "$work/whole" | grep NEEDED
}

# The names that a program finds are those of the headers, and nothing else.
shows_public_names_only() {
    nm -D --defined-only "$work/root/lib/libzmtp.so" | awk '{ print $3 }' | grep -v '^zmtp_[a-z0-9]' && return 1
    zmtp/pkg/abi "$work/root/include/zmtp" | grep -oE '\bzmtp_[a-z0-9_]+ ?\(' | tr -d ' (' | sort -u >"$work/declared"
    nm -D --defined-only "$work/root/lib/libzmtp.so" | awk '{ print $3 }' | sort -u >"$work/shown"
    comm -23 "$work/shown" "$work/declared" | grep . && return 1
    return 0
}

# What a release of this number promised still holds; and that would be noticed.
keeps_its_promises() {
    zmtp/pkg/abi --check zmtp "$(readelf -d "$work/root/lib/libzmtp.so" | sed -n 's/.*\[libzmtp\.so\.\(.*\)\]/\1/p')"
}

notices_a_broken_promise() {
    mkdir -p "$work/abi" && cp -r zmtp/*.h "$work/abi" && mkdir -p "$work/abi/pkg/released" &&
        zmtp/pkg/abi "$work/abi" >"$work/abi/pkg/released/7" || return 1
    zmtp/pkg/abi --check "$work/abi" 7 || return 1
    echo 'int zmtp_something_new(void);' >>"$work/abi/zmtp.h"
    zmtp/pkg/abi --check "$work/abi" 7 || return 1 # more of it breaks nobody
    sed -i 's|^    uint32_t backlog;|    uint32_t before_it; uint32_t backlog;|' "$work/abi/uv.h"
    ! zmtp/pkg/abi --check "$work/abi" 7 && zmtp/pkg/abi --check "$work/abi" 8
}

stages() {
    make --no-print-directory O="$O" CC="$CC" PREFIX=/opt/x DESTDIR="$work/stage" install &&
        grep -q '^prefix=/opt/x$' "$work/stage/opt/x/lib/pkgconfig/libzmtp.pc" &&
        ! grep -r "$work" "$work/stage/opt/x/lib/pkgconfig"
}

refuses_a_relative_prefix() {
    for goal in install install-zmq; do
        ! make --no-print-directory -n O="$O" CC="$CC" PREFIX=relative "$goal" >"$work/refused" 2>&1 &&
            grep -q 'PREFIX=relative is a relative path' "$work/refused" || return 1
    done
}

# What a static program needs besides is told exactly when it is needed.
tells_of_wslay_when_it_is_used() {
    static=$(pkg-config --static --libs libzmtp)
    echo "$static"
    if nm -u "$work/root/lib/libzmtp.a" | grep -q wslay_; then
        echo "$static" | grep -q -e -lwslay
    else
        ! echo "$static" | grep -q wslay
    fi && ! pkg-config --libs libzmtp | grep wslay
}

cat >"$work/program.c" <<'END'
#include <garden/errors.h>
#include <stdio.h>
#include <string.h>
#include <zmtp/zmtp.h>

int main(void)
{
    struct zmtp_uv *uv = NULL;
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0) return 1;
    if (zmtp_uv_open(&uv, &loop, NULL) != ZMTP_OK) return 2;
    zmtp_uv_close(uv, NULL, NULL);
    if (uv_run(&loop, UV_RUN_DEFAULT) != 0 || uv_loop_close(&loop) != 0) return 3;
    puts(garden_err_text(0));
    return strcmp(zmtp_err_name(ZMTP_OK), "ZMTP_OK") != 0;
}
END

check "make install puts everything below the prefix" \
    make --no-print-directory O="$O" CC="$CC" PREFIX="$work/root" install
export PKG_CONFIG_PATH="$work/root/lib/pkgconfig"
for header in "$work"/root/include/*/*.h; do
    header=${header#"$work/root/include/"}
    check "$header compiles alone" compiles_alone "$header" c "$CC"
    for compiler in c++ clang++; do
        command -v $compiler >/dev/null || continue
        check "$header compiles alone in C++17: $compiler" compiles_alone "$header" cc \
            "$compiler -std=c++17 -Wold-style-cast -Wconversion"
    done
done
check "pkg-config tells of libwslay when it is used" tells_of_wslay_when_it_is_used
shared=$(pkg-config --libs libgarden)
static=$(pkg-config --static --libs libgarden |
    sed "s|-lgarden|$work/root/lib/libgarden.a|; s|-lzmtp|$work/root/lib/libzmtp.a|")
check "a program links with the shared libraries" links shared "$shared"
check "it runs with them" runs_and_uses_our_shared_libraries
check "a program links with the static libraries" links static "$static"
check "it runs alone" runs_without_our_shared_libraries
for readme in README.md zmtp/README.md garden/README.md; do
    [ -f "$readme" ] || continue
    rm -f "$work"/block*.c
    awk -v block="$work/block" '/^```c$/ { n++; on = 1; next } /^```$/ { on = 0 }
        on { print >(block n ".c") }' "$readme"
    for program in $(grep -ls '^int main(' "$work"/block*.c); do
        cp "$program" "$work/program.c"
        check "a program in $readme compiles" links readme "$shared"
    done
done
cat >"$work/alone.c" <<'END'
#include <zmtp/zmtp.h>

int main(void)
{
    struct zmtp_uv *uv = NULL;
    struct zmtp_key_pair keys;
    if (!zmtp_sodium()) return 1;
    zmtp_key_generate(&keys, zmtp_sodium());
    if (zmtp_uv_open(&uv, uv_default_loop(), NULL) != ZMTP_OK) return 2;
    zmtp_uv_close(uv, NULL, NULL);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
END
check "a program that is static as a whole links as pkg-config says" links_without_anything_shared
check "the shared library shows what the headers declare" shows_public_names_only
check "what was released under its number still holds" keeps_its_promises
check "a change that breaks that is noticed, and a new number mends it" notices_a_broken_promise
check "the licences are installed" \
    test -s "$work/root/share/doc/libzmtp/LICENSE" -a -s "$work/root/share/doc/libgarden/LICENSE"
check "a relative PREFIX is refused" refuses_a_relative_prefix
check "DESTDIR stages without leaking into the files" stages
echo "1..$count"
