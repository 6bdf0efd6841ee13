#!/bin/sh
# The drop-in and the flat interface on 32 bits, as far as a compiler tells; make squeak runs them there. In TAP.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${CC:=cc}"
. test/support/check.sh
# That fields of atomic numbers lie elsewhere than before gcc 11 is of no interest to a library that is built as one.
switches='-m32 -std=c11 -I. -D_GNU_SOURCE -DZMQ_BUILD_DRAFT_API -Wall -Wextra -Wpedantic -Wshadow -Wconversion
          -Wcast-qual -Werror -Wno-psabi'

compiles() {
    # shellcheck disable=SC2086
    printf '%s\n' "$@" | xargs -P 2 -n 4 $CC $switches -fsyntax-only
}

# Each of the functions of a source whose names begin so has the instruction that rounds the stack's pointer down.
aligns_the_stack() {
    # shellcheck disable=SC2086
    $CC $switches -O2 -S -o "$work/transfer.s" "$1" || return 1
    shown=$(grep -c "^$2[a-z][a-z_]*:" "$work/transfer.s")
    aligned=$(awk -v wanted="^$2[a-z]" '/^[a-z_]*:/ { name = $1 } /andl.*\$-16, %esp/ && name ~ wanted { print name }' "$work/transfer.s" | sort -u | wc -l)
    echo "$aligned of $shown functions align the stack"
    [ "$shown" -gt 0 ] && [ "$aligned" = "$shown" ]
}

check 'the drop-in compiles for 32 bits without a warning' compiles zmtp/compat/*.c
check 'so does the flat interface, and its mock' compiles zmtp/ffi/*.c zmtp/ffi/mock/*.c
check 'its functions align the stack, for programs that do not' aligns_the_stack zmtp/ffi/transfer.c zmtp_ffi_
check 'and so do those of the drop-in' aligns_the_stack zmtp/compat/transfer.c zmq_
echo "1..$count"
