/* test_memory.c - arrays that grow keep what they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"

void test_memory__an_array_grows_only_when_it_is_full(void **state)
{
    (void)state;
    int *numbers = NULL;
    size_t count = 0, capacity = 0;
    for (int i = 0; i < 1000; i++) {
        const size_t before = capacity;
        const int *there = numbers;
        numbers = memory_grow(numbers, count, &capacity, sizeof(*numbers));
        assert_true(capacity > count);
        if (count < before) {
            assert_int_equal(capacity, before);
            assert_ptr_equal(numbers, there);
        }
        numbers[count++] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
    free(numbers);
}

void test_memory__a_block_of_nothing_is_a_block(void **state)
{
    (void)state;
    void *block = memory_alloc(0);
    assert_non_null(block);
    free(block);
}
