/* What counts as read, and what the domain "notification" serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "notification/notification.h"
#include "notification/operations.h"

void test_notification_inbox__what_counts_as_read(void **state)
{
    (void)state;
    static const struct {
        int64_t seq;
        bool marked;
        bool read;
    } rows[] = {
        {1, false, true}, {5, false, true}, {6, false, false}, {6, true, true}, {7, false, false},
    };
    const struct inbox inbox = {.last_seq = 7, .read_until = 5, .unread = 1};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct notification notification = {.seq = rows[i].seq, .read = rows[i].marked};
        if (notification_is_read(&notification, &inbox) != rows[i].read)
            fail_msg("row %zu", i);
    }
}

void test_notification_inbox__nothing_is_read_at_first(void **state)
{
    (void)state;
    const struct inbox inbox = {.last_seq = 1};
    const struct notification notification = {.seq = 1};
    assert_false(notification_is_read(&notification, &inbox));
}

void test_notification_inbox__the_wire_form_hides_whose_it_is(void **state)
{
    (void)state;
    assert_null(shape_field(&notification_view_shape, STR("userId")));
    assert_null(shape_field(&notification_view_shape, STR("seq")));
    assert_int_equal(notification_view_shape.field_count, 7);
}

void test_notification_inbox__operations_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; notification_domain.operations[i]; i++) {
        const struct operation *operation = notification_domain.operations[i];
        assert_int_equal(strncmp(operation->name, "notification.", 13), 0);
        if (operation->kind != SUBSCRIBER)
            assert_string_equal(operation->request->name, operation->name);
        assert_int_equal(operation->kind == SUBSCRIBER, operation->event != NULL);
        assert_non_null(operation->handle);
        assert_non_null(operation->summary);
    }
}
