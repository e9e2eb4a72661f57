/* bad_input.c - messages that no honest client sends: each is answered or put aside, no lane dies,
 * and the next good request is served. */
#include <inttypes.h>

#include "fault/bad.h"

#define BODY_MAX     (256 * 1024)
#define BROKER_LIMIT (2 * 1024 * 1024)
#define BRACKETS     200000
#define DIRECT       "amq.rabbitmq.reply-to."

/* --- what holds for all of them ------------------------------------------------------------------ */

struct bad bad_begin(struct fault *fault)
{
    struct bad bad = {
        .fault = fault,
        .lanes = workers_lanes(fault),
        .shopper = fixtures_shopper(&fault->fixtures, CUSTOMER),
        .good = world_good(fault, 1000),
    };
    fixtures_write(&fault->fixtures);
    return bad;
}

/* The same processes, and they work. */
void bad_end(const struct bad *bad)
{
    struct fault *fault = bad->fault;
    struct call *call =
        history_add(fault, "cart.item.add",
                    str_printf(&fault->arena, "{\"productId\":\"%.*s\",\"quantity\":1}",
                               STR_FMT(bad->good->id)),
                    &bad->shopper);
    sender_call(fault, call);
    if (!call_has(call, "ok"))
        fault_fail(fault, "a good request is answered %.*s", STR_FMT(call->reply));
    const struct lanes lanes = workers_lanes(fault);
    bool same = lanes.count == bad->lanes.count;
    for (size_t i = 0; i < lanes.count && same; i++)
        same = lanes.pids[i] == bad->lanes.pids[i];
    if (!same)
        fault_fail(fault, "a lane died");
}

void bad_expect(const struct bad *bad, const char *name, const struct call *call, const char *code)
{
    if (!call_has(call, code))
        fault_fail(bad->fault, "%s: %.200s instead of %s", name, call->reply.ptr, code);
}

static void send_and_expect(const struct bad *bad, const char *name, const char *operation,
                            struct str body, const char *code)
{
    struct call *call = history_add(bad->fault, operation, body, &bad->shopper);
    sender_call(bad->fault, call);
    bad_expect(bad, name, call, code);
}

/* --- JSON ---------------------------------------------------------------------------------------- */

struct row {
    const char *name;
    const char *operation;
    struct str body;
    const char *code;
};

#define ID         "000000000000000000000001"
#define ADD(value) STR("{\"productId\":\"" ID "\",\"quantity\":" value "}")
#define NOTE(text) STR("{\"note\":\"" text "\"}")

static void send_rows(const struct bad *bad, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        send_and_expect(bad, rows[i].name, rows[i].operation, rows[i].body, rows[i].code);
}

static void json(struct fault *fault)
{
    const struct row rows[] = {
        {"no body", "cart.item.add", STR(""), "MALFORMED"},
        {"blank body", "cart.item.add", STR("  \n"), "MALFORMED"},
        {"not JSON", "cart.item.add", STR("quantity=1"), "MALFORMED"},
        {"cut off", "cart.item.add", STR("{\"productId\":\"" ID), "MALFORMED"},
        {"a list", "cart.item.add", STR("[]"), "MALFORMED"},
        {"a string", "cart.item.add", STR("\"x\""), "MALFORMED"},
        {"trailing bytes", "cart.item.add", STR("{} {}"), "MALFORMED"},
        {"trailing NUL", "cart.item.add", STR("{}\0"), "MALFORMED"},
        {"a comment", "cart.item.add", STR("{/* x */}"), "MALFORMED"},
        {"a trailing comma", "cart.item.add", STR("{\"quantity\":1,}"), "MALFORMED"},
        {"byte order mark", "cart.item.add", STR("\xef\xbb\xbf{}"), "MALFORMED"},
        {"UTF-16", "cart.item.add", STR("{\0\"\0a\0\"\0:\0001\0}\0"), "MALFORMED"},
        {"duplicate keys", "order.place", STR("{\"note\":\"a\",\"note\":\"b\"}"), "MALFORMED"},
        {"no UTF-8", "order.place", NOTE("\xff"), "MALFORMED"},
        {"overlong UTF-8", "order.place", NOTE("\xc0\xaf"), "MALFORMED"},
        {"raw surrogate", "order.place", NOTE("\xed\xa0\x80"), "MALFORMED"},
        {"lone surrogate", "order.place", NOTE("\\ud800"), "MALFORMED"},
        {"escaped NUL", "order.place", NOTE("a\\u0000b"), "MALFORMED"},
        {"raw NUL", "order.place", STR("{\"note\":\"a\0b\"}"), "MALFORMED"},
        {"raw control character", "order.place", NOTE("a\nb"), "MALFORMED"},
        {"NaN", "cart.item.add", ADD("NaN"), "MALFORMED"},
        {"Infinity", "cart.item.add", ADD("-Infinity"), "MALFORMED"},
        {"1e400", "cart.item.add", ADD("1e400"), "MALFORMED"},
        {"2^63", "cart.item.add", ADD("9223372036854775808"), "MALFORMED"},
        {"leading zero", "cart.item.add", ADD("01"), "MALFORMED"},
        {"1.0", "cart.item.add", ADD("1.0"), "VALIDATION_FAILED"},
        {"1e2", "cart.item.add", ADD("1e2"), "VALIDATION_FAILED"},
        {"-0", "cart.item.add", ADD("-0"), "VALIDATION_FAILED"},
        {"-1", "cart.item.add", ADD("-1"), "VALIDATION_FAILED"},
        {"10000", "cart.item.add", ADD("10000"), "VALIDATION_FAILED"},
        {"a number as text", "cart.item.add", ADD("\"1\""), "VALIDATION_FAILED"},
        {"true", "cart.item.add", ADD("true"), "VALIDATION_FAILED"},
        {"null", "cart.item.add", ADD("null"), "VALIDATION_FAILED"},
        {"unknown field", "order.place", STR("{\"isAdmin\":true}"), "VALIDATION_FAILED"},
        {"a price of one's own", "order.place", STR("{\"total\":1}"), "VALIDATION_FAILED"},
    };
    const struct bad bad = bad_begin(fault);
    send_rows(&bad, rows, sizeof(rows) / sizeof(rows[0]));
    bad_end(&bad);
}

/* --- operators of the database --------------------------------------------------------------------- */

static void operators(struct fault *fault)
{
    const struct row rows[] = {
        {"$gt", "cart.item.add", STR("{\"productId\":{\"$gt\":\"\"},\"quantity\":1}"),
         "VALIDATION_FAILED"},
        {"$oid", "cart.item.add", STR("{\"productId\":{\"$oid\":\"" ID "\"},\"quantity\":1}"),
         "VALIDATION_FAILED"},
        {"$ne email", "auth.login", STR("{\"email\":{\"$ne\":null},\"password\":{\"$ne\":null}}"),
         "VALIDATION_FAILED"},
        {"$where", "order.get", STR("{\"$where\":\"sleep(1000)\"}"), "VALIDATION_FAILED"},
        {"$code", "order.get", STR("{\"number\":{\"$code\":\"x\"}}"), "VALIDATION_FAILED"},
        {"dotted key", "order.get", STR("{\"head.id\":\"x\"}"), "VALIDATION_FAILED"},
        {"NUL in a key", "order.get", STR("{\"number\\u0000\":\"x\"}"), "MALFORMED"},
        {"$regex", "product.list", STR("{\"search\":{\"$regex\":\".*\"}}"), "VALIDATION_FAILED"},
        {"a list of ids", "product.get", STR("{\"productId\":[\"" ID "\"]}"), "VALIDATION_FAILED"},
        {"an operator as data", "product.list", STR("{\"search\":\"$where .* {$gt: 1}\"}"), "ok"},
        {"a quote in a search", "product.list", STR("{\"search\":\"\\\"\"}"), "ok"},
    };
    const struct bad bad = bad_begin(fault);
    send_rows(&bad, rows, sizeof(rows) / sizeof(rows[0]));
    bad_end(&bad);
}

/* --- sizes ----------------------------------------------------------------------------------------- */

static struct str filled(struct arena *arena, const char *before, char with, size_t count,
                         const char *after)
{
    struct text text;
    text_init(&text, arena, count + 64);
    text_append_str(&text, str_of(before));
    for (size_t i = 0; i < count; i++)
        text_append_char(&text, with);
    text_append_str(&text, str_of(after));
    return text_str(&text);
}

static struct str many_keys(struct arena *arena, size_t count)
{
    struct text text;
    text_init(&text, arena, 16 * count);
    text_append_char(&text, '{');
    for (size_t i = 0; i < count; i++)
        text_printf(&text, "%s\"k%zu\":1", i ? "," : "", i);
    text_append_char(&text, '}');
    return text_str(&text);
}

static void sizes(struct fault *fault)
{
    struct arena *arena = &fault->arena;
    const struct row rows[] = {
        {"one byte too many", "order.place", filled(arena, "{", ' ', BODY_MAX - 1, "}"),
         "TOO_LARGE"},
        {"as large as may be", "order.place", filled(arena, "{", ' ', BODY_MAX - 2, "}"),
         "CART_EMPTY"},
        {"brackets", "order.place", filled(arena, "", '[', BRACKETS, ""), "MALFORMED"},
        {"braces", "order.place", filled(arena, "{\"a\":", '[', 40, ""), "MALFORMED"},
        {"10,001 keys", "order.place", many_keys(arena, 10001), "MALFORMED"},
        {"1,000 keys", "order.place", many_keys(arena, 1000), "VALIDATION_FAILED"},
        {"a long note", "order.place", filled(arena, "{\"note\":\"", 'x', 501, "\"}"),
         "VALIDATION_FAILED"},
        {"a long key", "order.place", filled(arena, "{\"", 'x', 100000, "\":1}"),
         "VALIDATION_FAILED"},
        {"a long password", "auth.login",
         filled(arena, "{\"email\":\"a@example.com\",\"password\":\"", 'x', 100000, "\"}"),
         "VALIDATION_FAILED"},
    };
    const struct bad bad = bad_begin(fault);
    send_rows(&bad, rows, sizeof(rows) / sizeof(rows[0]));
    if (raw_publish(fault,
                    &(struct raw_message){.operation = "order.place",
                                          .message_id = "too-large-for-the-broker",
                                          .body = filled(arena, "{", ' ', BROKER_LIMIT, "}")}))
        fault_fail(fault, "the broker took %d bytes", BROKER_LIMIT);
    bad_end(&bad);
}

/* --- properties ------------------------------------------------------------------------------------- */

struct answers {
    struct fault *fault;
    struct str code; /* of the last one; "ok" without an error */
    size_t count;
};

static void note_answer(void *context, const struct delivery *delivery)
{
    struct answers *answers = context;
    answers->count++;
    const struct json *json;
    struct err err = {0};
    answers->code = STR("(not JSON)");
    if (json_parse(&answers->fault->arena, delivery->body, &json, &err) != OUTCOME_DONE)
        return;
    const struct str code = json_str(json_at(json, "/error/code"));
    answers->code = str_is_absent(code) ? STR("ok") : str_dup(&answers->fault->arena, code);
}

/* What came to the queue of replies within the time: more than one answer is seen as well. */
static struct answers answers_of(struct fault *fault)
{
    struct answers answers = {.fault = fault};
    for (int i = 0; i < 50 && answers.count == 0; i++)
        spy_take_all(fault, spy_replies(), note_answer, &answers);
    return answers;
}

static void send_raw(const struct bad *bad, const char *name, struct raw_message message,
                     const char *code)
{
    message.reply_to = spy_replies().ptr;
    message.token = bad->shopper.token;
    if (!raw_publish(bad->fault, &message)) {
        fault_fail(bad->fault, "%s: the broker refused it", name);
        return;
    }
    const struct answers answers = answers_of(bad->fault);
    if (answers.count != 1 || !str_eq(answers.code, str_of(code)))
        fault_fail(bad->fault, "%s: %zu answers, %.*s instead of %s", name, answers.count,
                   STR_FMT(answers.code), code);
}

static void properties(struct fault *fault)
{
    static const char json_type[] = "application/json";
    const struct str body = STR("{}");
    const struct bad bad = bad_begin(fault);
    const char *long_id = filled(&fault->arena, "", 'i', 255, "").ptr;
    const struct {
        const char *name;
        struct raw_message message;
        const char *code;
    } rows[] = {
        {"no message_id", {"cart.clear", .body = body, .content_type = json_type}, "MALFORMED"},
        {"an empty message_id",
         {"cart.clear", .body = body, .message_id = "", .content_type = json_type},
         "MALFORMED"},
        {"a long message_id",
         {"cart.clear", .body = body, .message_id = long_id, .content_type = json_type},
         "ok"},
        {"another content type",
         {"cart.clear", .body = body, .message_id = "a", .content_type = "text/xml"},
         "MALFORMED"},
        {"no content type", {"cart.clear", .body = body, .message_id = "b"}, "ok"},
        {"compressed",
         {"cart.clear", .body = body, .message_id = "c", .content_encoding = "gzip"},
         "MALFORMED"},
        {"an operation of nobody",
         {"cart.explode", .body = body, .message_id = "d"},
         "UNKNOWN_OPERATION"},
        {"a domain of nobody",
         {"nobody.here", .body = body, .message_id = "e"},
         "UNKNOWN_OPERATION"},
        {"an operation without a name", {"", .body = body, .message_id = "f"}, "UNKNOWN_OPERATION"},
        {"a subscriber's name",
         {"notification.on_order_placed", .body = body, .message_id = "g"},
         "UNKNOWN_OPERATION"},
        {"a query without message_id", {"cart.get", .body = body}, "ok"},
        {"nested headers", {"cart.get", .body = body, .nested_headers = 50}, "ok"},
        {"headers too deep", {"cart.get", .body = body, .nested_headers = 65}, "MALFORMED"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        send_raw(&bad, rows[i].name, rows[i].message, rows[i].code);
    bad_end(&bad);
}

/* --- where replies may go ---------------------------------------------------------------------------- */

/* Nothing is sent there, so there is nobody to be told: the message is put aside. */
static void hostile_reply_to(struct fault *fault)
{
    const char *const queues[] = {FAULT_PREFIX ".order", FAULT_PREFIX ".unknown", "amq.topic",
                                  "amq.rabbitmq.log", "somebody-elses"};
    const struct bad bad = bad_begin(fault);
    for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
        if (!raw_publish(fault, &(struct raw_message){.operation = "order.place",
                                                      .body = STR("{}"),
                                                      .token = bad.shopper.token,
                                                      .message_id = queues[i],
                                                      .reply_to = queues[i]}))
            fault_fail(fault, "the broker refuses reply_to %s", queues[i]);
        fault->expected_dead++;
    }
    bad_end(&bad);
}

/* Names of direct replies that no broker gave out. Some make RabbitMQ 3.10 close the channel that
 * publishes to them. Whether such a message is put aside or its reply dropped: the lanes' channels
 * stay, and nobody else's reply is lost. */
static void direct_replies_to_nobody(struct fault *fault)
{
    static const char *const queues[] = {
        DIRECT "nobody.there", DIRECT,          DIRECT "x",          DIRECT ".",
        DIRECT "AAAA.x",       DIRECT "g2gC.x", DIRECT "g2gCZA==.x", DIRECT "AAAA",
        DIRECT "!!!!.x",       DIRECT "a.b.c",
    };
    const struct bad bad = bad_begin(fault);
    for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
        if (!raw_publish(fault, &(struct raw_message){.operation = "cart.clear",
                                                      .body = STR("{}"),
                                                      .token = bad.shopper.token,
                                                      .message_id = queues[i],
                                                      .reply_to = queues[i]}))
            fault_fail(fault, "the broker refuses reply_to %s", queues[i]);
        send_and_expect(&bad, queues[i], "cart.get", STR("{}"), "ok");
        if (workers_logged(fault, "stopped taking messages"))
            fault_fail(fault, "reply_to %s closed a lane's channel", queues[i]);
    }
    fault->expected_dead = workers_logged(fault, "message buried");
    bad_end(&bad);
}

/* Executed all the same, and not retried for ever. */
static void replies_to_nobody(struct fault *fault)
{
    const struct bad bad = bad_begin(fault);
    const char *const queues[] = {
        FAULT_PREFIX ".reply.nobody",
        filled(&fault->arena, FAULT_PREFIX ".reply.", 'q', 255 - sizeof(FAULT_PREFIX ".reply.") + 1,
               "")
            .ptr,
    };
    for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
        if (!raw_publish(fault, &(struct raw_message){.operation = "cart.clear",
                                                      .body = STR("{}"),
                                                      .token = bad.shopper.token,
                                                      .message_id = queues[i],
                                                      .reply_to = queues[i]}))
            fault_fail(fault, "the broker refuses reply_to %s", queues[i]);
    bad_end(&bad);
}

/* Nobody to be told, so it is put aside: with the longest headers that are read, and a reason that
 * names a key of 100,000 bytes. */
static void letters_that_fit(struct fault *fault)
{
    const struct bad bad = bad_begin(fault);
    if (!raw_publish(fault, &(struct raw_message){
                                .operation = "order.place",
                                .body = filled(&fault->arena, "{\"", 'k', 100000, "\":1}"),
                                .token = filled(&fault->arena, "", 't', BUS_HEADERS_MAX - 100, ""),
                                .message_id = filled(&fault->arena, "", 'm', 255, "").ptr}))
        fault_fail(fault, "the broker refuses it");
    bad_end(&bad);
    fault->expected_dead = workers_logged(fault, "message buried");
    if (workers_logged(fault, "stopped taking messages"))
        fault_fail(fault, "a letter could not be sent");
}

const struct fault_test bad_input_tests[] = {
    {.name = "bad_json", .run = json},
    {.name = "bad_operators", .run = operators},
    {.name = "bad_sizes", .run = sizes},
    {.name = "bad_tokens", .run = bad_tokens},
    {.name = "bad_properties", .run = properties},
    {.name = "bad_letters_that_fit", .run = letters_that_fit},
    {.name = "bad_reply_to", .run = hostile_reply_to},
    {.name = "bad_direct_replies", .run = direct_replies_to_nobody},
    {.name = "bad_replies_to_nobody", .run = replies_to_nobody},
    {0},
};
