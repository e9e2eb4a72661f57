/* invariants.c - inboxes count their notifications correctly. */
#include "notification/invariants.h"

#include "notification/notification.h"

struct count {
    struct inbox inbox; /* as it was read; its texts are not kept */
    uint64_t numbers;   /* sum of the digests of the numbers seen, up to the inbox's last */
    int64_t seen, unread;
    int64_t newest; /* highest number of all */
};

static void begin_count(void *row, const void *subject)
{
    struct count *count = row;
    *count = (struct count){.inbox = *(const struct inbox *)subject};
    count->inbox.head.id = STR_ABSENT;
}

static void visit_notification(struct join_pass *pass, const void *part)
{
    const struct notification *notification = part;
    struct count *count = join_row(pass, notification->user_id);
    if (!count)
        return;
    if (notification->seq > count->newest)
        count->newest = notification->seq;
    if (notification->seq > count->inbox.last_seq)
        return;
    count->numbers += digest_int(1, notification->seq);
    count->seen++;
    count->unread += !notification_is_read(notification, &count->inbox);
}

/* The sum of the digests of 1, 2, 3... up to `last`, each once. */
static uint64_t numbers_up_to(int64_t last)
{
    uint64_t sum = 0;
    for (int64_t seq = 1; seq <= last; seq++)
        sum += digest_int(1, seq);
    return sum;
}

static enum join_verdict judge_count(const void *row)
{
    const struct count *count = row;
    const struct inbox *inbox = &count->inbox;
    if (count->seen != inbox->last_seq || count->unread != inbox->unread ||
        inbox->read_until > inbox->last_seq || count->numbers != numbers_up_to(inbox->last_seq))
        return JOIN_DISAGREES;
    return count->newest > inbox->last_seq ? JOIN_NEWER : JOIN_AGREES;
}

static bool covers_count(const void *row, const void *subject)
{
    return ((const struct inbox *)subject)->last_seq >= ((const struct count *)row)->newest;
}

static enum outcome report_count(struct check *check, struct str user, const void *row,
                                 struct err *err)
{
    const struct count *count = row;
    const struct inbox *inbox = &count->inbox;
    (void)err;
    check_found(check, inbox_type.collection, user,
                "it counts %" PRId64 " notifications, %" PRId64 " unread, read up to %" PRId64
                "; there are %" PRId64 " up to that number, %" PRId64
                " unread, and the last is %" PRId64,
                inbox->last_seq, inbox->unread, inbox->read_until, count->seen, count->unread,
                count->newest);
    return OUTCOME_DONE;
}

static const struct join inbox_join = {
    .subjects = &inbox_type,
    .parts = &notification_type,
    .row_size = sizeof(struct count),
    .orphans = "notifications",
    .parts_may_change = true,
    .begin = begin_count,
    .visit = visit_notification,
    .judge = judge_count,
    .covers = covers_count,
    .report = report_count,
};

static enum outcome verify_inboxes(struct check *check, struct err *err)
{
    return check_join(check, &inbox_join, err);
}

const struct invariant inboxes_invariant = {
    .name = "inboxes",
    .summary = "notifications are numbered 1, 2, 3... and the inbox counts those unread",
    .verify = verify_inboxes,
};
