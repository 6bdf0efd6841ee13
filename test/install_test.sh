#!/bin/sh
# Installs into an empty folder and uses only what lies there: every header alone, in C and in C++
# where a compiler for it exists, a program linked with the static and with the shared libraries, as
# pkg-config says, and the programs in the READMEs. Reports in TAP. O and CC come from the Makefile.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${O:=build}" "${CC:=cc}"
. test/support/check.sh

compiles_alone() {
    printf '#include <%s>\nextern int something;\n' "$1" >"$work/alone.$2"
    # shellcheck disable=SC2046 # pkg-config prints words
    "$3" -Wall -Wextra -Wpedantic -Werror -c "$work/alone.$2" -o "$work/alone.o" \
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

stages() {
    make --no-print-directory O="$O" CC="$CC" PREFIX=/opt/x DESTDIR="$work/stage" install &&
        grep -q '^prefix=/opt/x$' "$work/stage/opt/x/lib/pkgconfig/libzmtp.pc" &&
        ! grep -r "$work" "$work/stage/opt/x/lib/pkgconfig"
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
    if command -v c++ >/dev/null; then
        check "$header compiles alone in C++" compiles_alone "$header" cc c++
    fi
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
check "the licences are installed" \
    test -s "$work/root/share/doc/libzmtp/LICENSE" -a -s "$work/root/share/doc/libgarden/LICENSE"
check "DESTDIR stages without leaking into the files" stages
echo "1..$count"
