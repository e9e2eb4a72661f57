#!/usr/bin/env bash
# Writes the main() of one unit test: every function test_<suite>__<case> of the file is a case.
set -eu
cases=$(sed -nE 's/^void (test_[a-z0-9_]+__[a-z0-9_]+)\(void \*\*state\)$/\1/p' "$1")
if [ -z "$cases" ]; then
    echo "$1: no function 'void test_<suite>__<case>(void **state)' found" >&2
    exit 1
fi
cat <<C
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

C
for c in $cases; do echo "void $c(void **state);"; done
echo
echo "int main(void)"
echo "{"
echo "    const struct CMUnitTest tests[] = {"
for c in $cases; do echo "        cmocka_unit_test($c),"; done
echo "    };"
echo "    return cmocka_run_group_tests_name(\"$(basename "$1" .c)\", tests, NULL, NULL);"
echo "}"
