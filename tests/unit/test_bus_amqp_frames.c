/* The parts of the AMQP bus that need no broker: URI, frames out, frames in, confirm accounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "bus/bus_amqp.h"
#include "bus/bus_confirms.h"
#include "bus/delivery_list.h"

#define assert_str(actual, literal)                                                                \
    do {                                                                                           \
        assert_int_equal((actual).len, strlen(literal));                                           \
        assert_memory_equal((actual).ptr, (literal), strlen(literal));                             \
    } while (0)

/* --- URI ------------------------------------------------------------------------------------ */

void test_bus_amqp_frames__uri_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *user, *password, *vhost;
        int port;
    } cases[] = {
        {"amqp://ann:s%40fe@broker:5673/shop", "broker", "ann", "s@fe", "shop", 5673},
        {"amqp://broker", "broker", "guest", "guest", "/", 5672},
        {"amqp://broker/", "broker", "guest", "guest", "/", 5672},
        {"amqp://a:b@10.0.0.1/%2Fteam", "10.0.0.1", "a", "b", "/team", 5672},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bus_uri uri;
        struct err err = {0};
        assert_int_equal(bus_uri_parse(str_of(cases[i].text), &uri, &err), OUTCOME_DONE);
        assert_int_equal(uri.place_count, 1);
        assert_string_equal(uri.places[0].host, cases[i].host);
        assert_string_equal(uri.user, cases[i].user);
        assert_string_equal(uri.password, cases[i].password);
        assert_string_equal(uri.vhost, cases[i].vhost);
        assert_int_equal(uri.places[0].port, cases[i].port);
        bus_uri_release(&uri);
    }
}

void test_bus_amqp_frames__bad_uri_is_refused_without_its_password(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "amqp://ann:hidden@broker?cacertfile=/a",
        "amqps://ann:hidden@broker?cacertfile=",
        "amqps://ann:hidden@broker?cacertfile=%zz",
        "amqps://ann:hidden@broker?cacertfile=/a&cacertfile=/b",
        "amqps://ann:hidden@broker?verify=verify_none",
        "amqps://ann:hidden@broker?certfile=/a",
        "amqps://ann:hidden@broker?keyfile=/a&",
        "http://ann:hidden@broker",
        "amqp://ann:hidden@broker:port",
        "amqp://ann:hidden@broker:0",
        "amqp://ann:hidden@[]",
        "amqp://ann:hidden@",
        "amqp://ann:hidden@a,,b/v",
        "amqp://ann:hidden@a,b:0/v",
        "amqp://ann:hidden@a,b,/v",
        "amqp://ann:hidden@a,eve:hidden@b/v",
        "amqp://ann:hidden@1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
        "",
        "ann:hidden"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bus_uri uri;
        struct err err = {0};
        assert_int_equal(bus_uri_parse(str_of(cases[i]), &uri, &err), OUTCOME_BUG);
        assert_null(strstr(err.text, "hidden"));
    }
    struct bus_uri uri;
    struct err err = {0};
    assert_int_equal(bus_uri_parse(STR_ABSENT, &uri, &err), OUTCOME_BUG);
}

static const char *const three_hosts[] = {"a", "fe80::1", "c.example"};

static void parse_three(struct bus_uri *uri)
{
    struct err err = {0};
    assert_int_equal(
        bus_uri_parse(STR("amqp://ann:x%2Cy@a:1,[fe80::1]:5673,c.example/shop"), uri, &err),
        OUTCOME_DONE);
    assert_int_equal(uri->place_count, 3);
    assert_string_equal(uri->user, "ann");
    assert_string_equal(uri->password, "x,y");
    assert_string_equal(uri->vhost, "shop");
}

void test_bus_amqp_frames__a_uri_may_name_several_hosts(void **state)
{
    (void)state;
    static const int ports[] = {1, 5673, 5672};
    struct bus_uri uri;
    parse_three(&uri);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(uri.places[i].host, three_hosts[i]);
        assert_int_equal(uri.places[i].port, ports[i]);
    }
    bus_uri_release(&uri);
}

void test_bus_amqp_frames__a_uri_asks_for_tls(void **state)
{
    (void)state;
    struct bus_uri uri;
    struct err err = {0};
    assert_int_equal(bus_uri_parse(STR("amqps://ann@a,b:1/v?certfile=/etc/our%20own.pem"
                                       "&cacertfile=/etc/ca.pem&keyfile=%2Fetc/key.pem"),
                                   &uri, &err),
                     OUTCOME_DONE);
    assert_true(uri.tls);
    assert_int_equal(uri.places[0].port, 5671);
    assert_int_equal(uri.places[1].port, 1);
    assert_string_equal(uri.vhost, "v");
    assert_string_equal(uri.files.ca_file, "/etc/ca.pem");
    assert_string_equal(uri.files.cert_file, "/etc/our own.pem");
    assert_string_equal(uri.files.key_file, "/etc/key.pem");
    bus_uri_release(&uri);
    assert_int_equal(bus_uri_parse(STR("amqps://a"), &uri, &err), OUTCOME_DONE);
    assert_true(uri.tls && !uri.files.ca_file && !uri.files.cert_file && !uri.files.key_file);
    bus_uri_release(&uri);
}

/* All six orders come up, and every host stays one of them. */
void test_bus_amqp_frames__hosts_are_tried_in_any_order(void **state)
{
    (void)state;
    bool seen[3][3] = {{false}};
    struct bus_uri uri;
    parse_three(&uri);
    for (int i = 0; i < 1000; i++) {
        bus_uri_shuffle(&uri);
        int sum = 0;
        for (size_t place = 0; place < 3; place++)
            for (int host = 0; host < 3; host++)
                if (strcmp(uri.places[place].host, three_hosts[host]) == 0) {
                    seen[place][host] = true;
                    sum += 1 << host;
                }
        assert_int_equal(sum, 7);
    }
    for (size_t i = 0; i < 9; i++)
        assert_true(seen[i / 3][i % 3]);
    bus_uri_release(&uri);
}

/* --- a link without a broker ---------------------------------------------------------------- */

struct rig {
    struct link link;
    struct bus_uri uri;
    int peer; /* the other end of the link's socket */
    struct frames frames;
    struct delivery_list delivered;
    struct delivery_list returned;
    uint64_t confirmed_tag;
    bool confirmed_multiple;
    bool confirmed_ok;
};

static void on_delivered(void *owner, struct delivery *delivery)
{
    delivery_list_append(&((struct rig *)owner)->delivered, delivery);
}

static void on_returned(void *owner, struct delivery *message)
{
    delivery_list_append(&((struct rig *)owner)->returned, message);
}

static void on_confirmed(void *owner, uint64_t tag, bool multiple, bool ok)
{
    struct rig *rig = owner;
    rig->confirmed_tag = tag;
    rig->confirmed_multiple = multiple;
    rig->confirmed_ok = ok;
}

static const struct link_events events = {on_delivered, on_returned, on_confirmed};
static uint8_t heartbeat[] = {AMQP_FRAME_HEARTBEAT, 0, 0, 0, 0, 0, 0, AMQP_FRAME_END};
static const struct str consumed[] = {{"shop.cart", 9}, {"shop.order", 10}};

static void rig_init(struct rig *rig, size_t frame_max)
{
    *rig = (struct rig){.uri = {.places = {{"broker", 1}}, .place_count = 1}};
    int sockets[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    rig->peer = sockets[1];
    rig->frames.frame_max = frame_max;
    rig->link = (struct link){
        .options = {.uri = &rig->uri,
                    .timeout_ms = 50,
                    .body_max = 10000,
                    .events = &events,
                    .owner = rig},
        .open = true,
        .socket = {.fd = sockets[0]},
        .place = &rig->uri.places[0],
        .may_beat = true,
        .in = malloc(LINK_BUFFER),
        .out = {.frame_max = frame_max < BUS_FRAME_MAX ? frame_max : BUS_FRAME_MAX},
        .consumed = consumed,
        .consumed_count = 2,
    };
    init_amqp_pool(&rig->link.pool, 4096);
}

static void rig_release(struct rig *rig)
{
    link_lose(&rig->link, "end of test");
    link_close(&rig->link);
    close(rig->peer);
    frames_release(&rig->frames);
    delivery_list_clear(&rig->delivered);
    delivery_list_clear(&rig->returned);
}

/* Header and body frames of the message, behind another method than basic.publish. */
static void add_content(struct rig *rig, amqp_method_number_t id, void *decoded,
                        const struct bus_message *message, uint64_t publish_tag)
{
    struct frames sent = {.frame_max = rig->frames.frame_max};
    assert_true(frames_add_message(&sent, 1, message, publish_tag));
    const uint8_t *size = sent.bytes + 3;
    const size_t first = 8 + ((size_t)size[2] << 8 | size[3]); /* its basic.publish */
    assert_true(frames_add_method(&rig->frames, 1, id, decoded));
    const size_t rest = sent.len - first;
    rig->frames.bytes = realloc(rig->frames.bytes, rig->frames.len + rest);
    rig->frames.capacity = rig->frames.len + rest;
    memcpy(rig->frames.bytes + rig->frames.len, sent.bytes + first, rest);
    rig->frames.len += rest;
    frames_release(&sent);
}

static void add_delivery(struct rig *rig, uint64_t tag, const struct bus_message *message)
{
    amqp_basic_deliver_t deliver = {
        .consumer_tag = amqp_cstring_bytes("1"),
        .delivery_tag = tag,
        .redelivered = true,
        .exchange = amqp_cstring_bytes("requests"),
        .routing_key = amqp_cstring_bytes("order.place"),
    };
    add_content(rig, AMQP_BASIC_DELIVER_METHOD, &deliver, message, 0);
}

static void add_method(struct rig *rig, amqp_channel_t channel, amqp_method_number_t id,
                       void *decoded)
{
    assert_true(frames_add_method(&rig->frames, channel, id, decoded));
}

/* As link_read does, from a socket that holds this much. */
static void feed_bytes(struct rig *rig, const uint8_t *bytes, size_t len)
{
    while (len > 0 && !rig->link.lost) {
        const size_t room = LINK_BUFFER - rig->link.in_len;
        const size_t got = len < room ? len : room;
        memcpy(rig->link.in + rig->link.in_len, bytes, got);
        link_take(&rig->link, got);
        bytes += got;
        len -= got;
    }
}

/* Fed in pieces, as a socket gives them. */
static void feed(struct rig *rig, size_t piece)
{
    for (size_t at = 0; at < rig->frames.len; at += piece) {
        const size_t left = rig->frames.len - at;
        feed_bytes(rig, rig->frames.bytes + at, left < piece ? left : piece);
    }
    rig->frames.len = 0;
}

static const struct bus_header extra_headers[] = {
    {"x-operation", {"order.place", 11}},
    {"accept-language", {"de", 2}},
    {"x-client-ip", {"192.0.2.7", 9}},
    {"x-unknown", {"?", 1}},
};

static struct bus_message full_message(void)
{
    return (struct bus_message){
        .body = STR("{\"a\":1}"),
        .message_id = STR("m-1"),
        .correlation_id = STR("c-1"),
        .reply_to = STR("back"),
        .type = STR("t"),
        .authorization = STR("Bearer x"),
        .api_key = STR("key"),
        .api_version = STR("1"),
        .partition_key = STR("anna"),
        .traceparent = STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        .status = 201,
        .retry_after_ms = 12000,
        .attempt = 3,
        .deadline = 1700000000000,
        .expiration = 60000,
        .timestamp = 1700000000,
        .headers = extra_headers,
        .header_count = 4,
        .mandatory = true,
    };
}

static void assert_full_delivery(const struct delivery *delivery)
{
    assert_int_equal(delivery->tag, 7);
    assert_true(delivery->redelivered);
    assert_false(delivery->too_large);
    assert_str(delivery->queue, "shop.order");
    assert_str(delivery->exchange, "requests");
    assert_str(delivery->routing_key, "order.place");
    assert_str(delivery->body, "{\"a\":1}");
    assert_str(delivery->message_id, "m-1");
    assert_str(delivery->correlation_id, "c-1");
    assert_str(delivery->reply_to, "back");
    assert_str(delivery->content_type, "application/json");
    assert_null(delivery->content_encoding.ptr);
    assert_str(delivery->type, "t");
    assert_str(delivery->authorization, "Bearer x");
    assert_str(delivery->api_key, "key");
    assert_str(delivery->api_version, "1");
    assert_str(delivery->traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_str(delivery->accept_language, "de");
    assert_str(delivery->operation, "order.place");
    assert_str(delivery->partition_key, "anna");
    assert_str(delivery->client_ip, "192.0.2.7");
    assert_int_equal(delivery->status, 201);
    assert_int_equal(delivery->retry_after_ms, 12000);
    assert_int_equal(delivery->attempt, 3);
    assert_int_equal(delivery->deadline, 1700000000000);
    assert_int_equal(delivery->expiration, 60000);
    assert_int_equal(delivery->timestamp, 1700000000);
    assert_int_equal(delivery->delivery_count, 0);
}

void test_bus_amqp_frames__message_survives_the_wire(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 100000};
    for (size_t i = 0; i < 3; i++) {
        struct rig rig;
        rig_init(&rig, BUS_FRAME_MAX);
        const struct bus_message message = full_message();
        add_delivery(&rig, 7, &message);
        feed(&rig, pieces[i]);
        struct delivery *delivery = delivery_list_take(&rig.delivered);
        assert_non_null(delivery);
        assert_full_delivery(delivery);
        delivery_free(delivery);
        assert_false(rig.link.lost);
        rig_release(&rig);
    }
}

void test_bus_amqp_frames__bare_message_has_absent_properties(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    add_delivery(&rig, 1, &(struct bus_message){.transient = true});
    feed(&rig, 100000);
    struct delivery *delivery = delivery_list_take(&rig.delivered);
    assert_non_null(delivery);
    assert_int_equal(delivery->body.len, 0);
    assert_null(delivery->message_id.ptr);
    assert_null(delivery->authorization.ptr);
    assert_int_equal(delivery->status, -1);
    assert_int_equal(delivery->deadline, -1);
    assert_int_equal(delivery->expiration, -1);
    assert_int_equal(delivery->timestamp, -1);
    delivery_free(delivery);
    rig_release(&rig);
}

void test_bus_amqp_frames__body_is_split_and_joined(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 4096);
    char body[10000];
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)('a' + i % 23);
    add_delivery(&rig, 1, &(struct bus_message){.body = {body, sizeof(body)}});
    feed(&rig, 1000);
    struct delivery *delivery = delivery_list_take(&rig.delivered);
    assert_non_null(delivery);
    assert_int_equal(delivery->body.len, sizeof(body));
    assert_memory_equal(delivery->body.ptr, body, sizeof(body));
    delivery_free(delivery);
    rig_release(&rig);
}

void test_bus_amqp_frames__large_body_is_dropped_and_the_next_one_kept(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 4096);
    char body[10001] = "";
    add_delivery(&rig, 1,
                 &(struct bus_message){.message_id = STR("big"), .body = {body, sizeof(body)}});
    add_delivery(&rig, 2, &(struct bus_message){.body = STR("small")});
    feed(&rig, 100000);
    struct delivery *big = delivery_list_take(&rig.delivered);
    struct delivery *small = delivery_list_take(&rig.delivered);
    assert_true(big->too_large);
    assert_int_equal(big->body.len, 0);
    assert_str(big->message_id, "big");
    assert_false(small->too_large);
    assert_str(small->body, "small");
    delivery_free(big);
    delivery_free(small);
    rig_release(&rig);
}

/* --- headers that are too long or too deep ---------------------------------------------------- */

#define BROKER_FRAME 131072 /* what a broker may let publishers send */

static void assert_lost(struct rig *rig, const char *part);

static void assert_without_headers(struct rig *rig, enum headers_fault fault)
{
    struct delivery *delivery = delivery_list_take(&rig->delivered);
    assert_non_null(delivery);
    assert_int_equal(delivery->headers_fault, fault);
    assert_null(delivery->authorization.ptr);
    assert_null(delivery->operation.ptr);
    assert_str(delivery->message_id, "m");
    assert_str(delivery->correlation_id, "c");
    assert_str(delivery->content_type, "application/json");
    assert_str(delivery->routing_key, "order.place");
    assert_str(delivery->body, "{}");
    assert_false(delivery->too_large);
    delivery_free(delivery);
}

static void assert_whole(struct rig *rig)
{
    struct delivery *delivery = delivery_list_take(&rig->delivered);
    assert_non_null(delivery);
    assert_full_delivery(delivery);
    assert_int_equal(delivery->headers_fault, HEADERS_FINE);
    delivery_free(delivery);
}

/* A message with such headers, and one behind it that has nothing to do with it. */
static void assert_costs_its_headers(struct bus_message *message, size_t piece,
                                     enum headers_fault fault)
{
    struct rig rig;
    rig_init(&rig, BROKER_FRAME);
    message->message_id = STR("m");
    message->correlation_id = STR("c");
    message->body = STR("{}");
    const struct bus_message full = full_message();
    add_delivery(&rig, 1, message);
    add_delivery(&rig, 7, &full);
    feed(&rig, piece);
    assert_false(rig.link.lost);
    assert_without_headers(&rig, fault);
    assert_whole(&rig);
    rig_release(&rig);
}

static const size_t any_pieces[] = {1, 7, 4096, 100000};
#define PIECES (sizeof(any_pieces) / sizeof(any_pieces[0]))

void test_bus_amqp_frames__long_headers_are_dropped(void **state)
{
    (void)state;
    static char token[100000];
    static const size_t sizes[] = {BUS_HEADERS_MAX + 1, 40000, 60000};
    memset(token, 'x', sizeof(token));
    for (size_t i = 0; i < 3 * PIECES; i++)
        assert_costs_its_headers(&(struct bus_message){.authorization = {token, sizes[i / PIECES]}},
                                 any_pieces[i % PIECES], HEADERS_TOO_LONG);
}

/* Room for tables that the library would not write: a content header made by hand. */
static void add_table(struct rig *rig, const uint8_t *table, size_t len)
{
    static const uint8_t properties[] = {0xA4, 0x80, 4, 't', 'e', 'x', 't'};
    static const uint8_t behind[] = {1, 'c', 1, 'm'};
    const size_t size = CONTENT_HEAD + sizeof(properties) + 4 + len + sizeof(behind);
    uint8_t *frame = calloc(1, size + 8);
    frame[0] = AMQP_FRAME_HEADER;
    frame[2] = 1;
    for (int i = 0; i < 4; i++)
        frame[3 + i] = (uint8_t)(size >> (24 - 8 * i));
    frame[8] = AMQP_BASIC_CLASS;
    uint8_t *at = frame + 7 + CONTENT_HEAD;
    memcpy(at, properties, sizeof(properties));
    at += sizeof(properties);
    for (int i = 0; i < 4; i++)
        *at++ = (uint8_t)(len >> (24 - 8 * i));
    memcpy(at, table, len);
    memcpy(at + len, behind, sizeof(behind));
    frame[size + 7] = AMQP_FRAME_END;
    amqp_basic_deliver_t deliver = {.consumer_tag = amqp_cstring_bytes("0"), .delivery_tag = 3};
    assert_true(frames_add_method(&rig->frames, 1, AMQP_BASIC_DELIVER_METHOD, &deliver));
    frames_add_raw(&rig->frames, frame, size + 8);
    free(frame);
}

/* One entry "x": lists in lists, or tables in tables that are called "". */
static size_t write_nested(uint8_t *table, int depth, char kind)
{
    const size_t step = kind == 'F' ? 6 : 5;
    size_t len = 2;
    table[0] = 1;
    table[1] = 'x';
    for (int i = 1; i < depth; i++) {
        const size_t inside = step * (size_t)(depth - 1 - i);
        if (kind == 'F' && i > 1)
            table[len++] = 0;
        table[len++] = (uint8_t)kind;
        for (int k = 0; k < 4; k++)
            table[len++] = (uint8_t)(inside >> (24 - 8 * k));
    }
    return len;
}

static void assert_nested(int depth, char kind, enum headers_fault fault)
{
    static uint8_t table[BROKER_FRAME];
    for (size_t i = 0; i < PIECES; i++) {
        struct rig rig;
        rig_init(&rig, BROKER_FRAME);
        add_table(&rig, table, write_nested(table, depth, kind));
        feed(&rig, any_pieces[i]);
        assert_false(rig.link.lost);
        struct delivery *delivery = delivery_list_take(&rig.delivered);
        assert_non_null(delivery);
        assert_int_equal(delivery->headers_fault, fault);
        assert_str(delivery->message_id, "m");
        assert_str(delivery->correlation_id, "c");
        assert_str(delivery->content_type, "text");
        delivery_free(delivery);
        rig_release(&rig);
    }
}

void test_bus_amqp_frames__deep_headers_cost_one_message_its_headers(void **state)
{
    (void)state;
    static const struct {
        int depth;
        enum headers_fault fault;
    } cases[] = {
        {2, HEADERS_FINE},          {BUS_HEADERS_DEPTH, HEADERS_FINE},
        {101, HEADERS_UNREADABLE},  {BUS_HEADERS_DEPTH + 1, HEADERS_UNREADABLE},
        {2000, HEADERS_UNREADABLE}, {15000, HEADERS_TOO_LONG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_nested(cases[i].depth, 'A', cases[i].fault);
        assert_nested(cases[i].depth, 'F', cases[i].fault);
    }
}

void test_bus_amqp_frames__headers_that_make_no_sense_are_not_read(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        bool readable;
    } cases[] = {
        {"", 0, true},
        {"\1xV", 3, true},
        {"\1xt\1\0t\0", 7, true},
        {"\1xA\0\0\0\2Vt", 9, false},
        {"\1xA\0\0\0\3Vt\1", 10, true},
        {"\1xF\0\0\0\3\1yV\1zV", 13, true},
        {"\1xF\0\0\0\4\1yV\1zV", 13, false},
        {"\1", 1, false},
        {"\1x", 2, false},
        {"\1x?", 3, false},
        {"\1x\xff", 3, false},
        {"\1xS\0\0\0\1", 7, false},
        {"\1xS\xff\xff\xff\xff", 7, false},
        {"\1xA\xff\xff\xff\xff", 7, false},
        {"\1xl\0\0\0\0\0\0\0", 10, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(table_is_readable((const uint8_t *)cases[i].bytes, cases[i].len),
                         cases[i].readable);
}

/* No headers to be dropped, and yet too long; or headers that reach out of their frame. */
void test_bus_amqp_frames__a_frame_over_the_limit_is_a_loss(void **state)
{
    (void)state;
    static const uint8_t method[] = {1, 0, 1, 0, 1, 0, 0};
    static uint8_t header[8 + 20000] = {2, 0, 1, 0, 0, 20000 >> 8, 20000 & 0xff, 0, 60};
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    feed_bytes(&rig, method, sizeof(method));
    assert_lost(&rig, "larger than agreed");
    rig_release(&rig);

    rig_init(&rig, BUS_FRAME_MAX);
    feed_bytes(&rig, header, sizeof(header));
    assert_lost(&rig, "larger than agreed");
    rig_release(&rig);

    header[7 + CONTENT_HEAD] = 0x20; /* headers, of 4 GB */
    memset(header + 7 + CONTENT_HEAD + 2, 0xff, 4);
    rig_init(&rig, BUS_FRAME_MAX);
    feed_bytes(&rig, header, sizeof(header));
    assert_lost(&rig, "longer than their frame");
    rig_release(&rig);
}

void test_bus_amqp_frames__a_long_partition_key_is_none(void **state)
{
    (void)state;
    static char key[PARTITION_KEY_MAX + 1];
    memset(key, 'x', sizeof(key));
    for (size_t len = PARTITION_KEY_MAX; len <= sizeof(key); len++) {
        struct rig rig;
        rig_init(&rig, BUS_FRAME_MAX);
        add_delivery(&rig, 1, &(struct bus_message){.partition_key = {key, len}});
        feed(&rig, 100000);
        struct delivery *delivery = delivery_list_take(&rig.delivered);
        assert_false(delivery->too_large);
        assert_int_equal(delivery->partition_key.len, len <= PARTITION_KEY_MAX ? len : 0);
        delivery_free(delivery);
        rig_release(&rig);
    }
}

void test_bus_amqp_frames__a_traceparent_has_its_form(void **state)
{
    (void)state;
#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
    static const struct {
        const char *text;
        bool kept;
    } rows[] = {
        {"00-" TRACE "-" PARENT "-01", true},
        {"00-" TRACE "-" PARENT "-00", true},
        {"cc-" TRACE "-" PARENT "-ff", true},
        {"ff-" TRACE "-" PARENT "-01", false},
        {"00-" TRACE "-" PARENT "-1", false},
        {"00-" TRACE "-" PARENT "-01 ", false},
        {"00-" TRACE "-" PARENT "-01-more", false},
        {"00-" TRACE "-" PARENT "-0G", false},
        {"00-" TRACE "_" PARENT "-01", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", false},
        {"00-00000000000000000000000000000000-" PARENT "-01", false},
        {"00-" TRACE "-0000000000000000-01", false},
        {"00-aa-bb-01", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig rig;
        rig_init(&rig, BUS_FRAME_MAX);
        add_delivery(&rig, 1, &(struct bus_message){.traceparent = str_of(rows[i].text)});
        feed(&rig, 100000);
        struct delivery *delivery = delivery_list_take(&rig.delivered);
        if (str_is_absent(delivery->traceparent) == rows[i].kept)
            fail_msg("'%s' is %s", rows[i].text, rows[i].kept ? "dropped" : "kept");
        delivery_free(delivery);
        rig_release(&rig);
    }
}

static struct delivery read_one(const char *name, amqp_field_value_t value,
                                struct header_room *room)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(name), .value = value};
    const amqp_basic_properties_t properties = {._flags = AMQP_BASIC_HEADERS_FLAG,
                                                .headers = {1, &entry}};
    struct delivery delivery = delivery_blank();
    read_properties(&delivery, &properties, room);
    return delivery;
}

#define TEXT_VALUE(text)                                                                           \
    {                                                                                              \
        .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = {                                             \
            sizeof(text) - 1,                                                                      \
            (void *)(uintptr_t)(text)                                                              \
        }                                                                                          \
    }

/* A deadline that is not understood must not be taken for none. */
void test_bus_amqp_frames__a_number_is_read_in_every_type_or_named(void **state)
{
    (void)state;
    static const struct {
        amqp_field_value_t value;
        int64_t expected; /* -1: it cannot be read */
    } cases[] = {
        {{.kind = AMQP_FIELD_KIND_I8, .value.i8 = 5}, 5},
        {{.kind = AMQP_FIELD_KIND_U8, .value.u8 = 200}, 200},
        {{.kind = AMQP_FIELD_KIND_I16, .value.i16 = 300}, 300},
        {{.kind = AMQP_FIELD_KIND_U16, .value.u16 = 60000}, 60000},
        {{.kind = AMQP_FIELD_KIND_I32, .value.i32 = 70000}, 70000},
        {{.kind = AMQP_FIELD_KIND_U32, .value.u32 = 4000000000u}, 4000000000},
        {{.kind = AMQP_FIELD_KIND_I64, .value.i64 = INT64_MAX}, INT64_MAX},
        {{.kind = AMQP_FIELD_KIND_U64, .value.u64 = 9}, 9},
        {{.kind = AMQP_FIELD_KIND_F32, .value.f32 = 1024.5f}, 1024},
        {{.kind = AMQP_FIELD_KIND_F64, .value.f64 = 1763651045123.0}, 1763651045123},
        {{.kind = AMQP_FIELD_KIND_F64, .value.f64 = 1763651045123.9}, 1763651045123},
        {{.kind = AMQP_FIELD_KIND_DECIMAL, .value.decimal = {2, 12345}}, 123},
        {{.kind = AMQP_FIELD_KIND_TIMESTAMP, .value.u64 = 1763651045}, 1763651045000},
        {TEXT_VALUE("1763651045123"), 1763651045123},
        {{.kind = AMQP_FIELD_KIND_I64, .value.i64 = INT64_MIN}, -1},
        {{.kind = AMQP_FIELD_KIND_I32, .value.i32 = -1}, -1},
        {{.kind = AMQP_FIELD_KIND_U64, .value.u64 = UINT64_MAX}, -1},
        {{.kind = AMQP_FIELD_KIND_F64, .value.f64 = 1e300}, -1},
        {{.kind = AMQP_FIELD_KIND_F64, .value.f64 = (double)NAN}, -1},
        {{.kind = AMQP_FIELD_KIND_TIMESTAMP, .value.u64 = UINT64_MAX}, -1},
        {{.kind = AMQP_FIELD_KIND_TIMESTAMP, .value.u64 = INT64_MAX}, -1},
        {{.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}, -1},
        {{.kind = AMQP_FIELD_KIND_TABLE}, -1},
        {{.kind = AMQP_FIELD_KIND_ARRAY}, -1},
        {TEXT_VALUE("soon"), -1},
        {TEXT_VALUE("1.5"), -1},
        {TEXT_VALUE(""), -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct header_room room = {0};
        const struct delivery delivery = read_one("deadline", cases[i].value, &room);
        if (delivery.deadline != cases[i].expected)
            fail_msg("case %zu: %lld", i, (long long)delivery.deadline);
        assert_string_equal(delivery.odd_header ? delivery.odd_header : "",
                            cases[i].expected < 0 ? "deadline" : "");
    }
}

void test_bus_amqp_frames__a_number_may_stand_for_a_text(void **state)
{
    (void)state;
    static const struct {
        amqp_field_value_t value;
        const char *expected; /* NULL: it cannot be read */
    } cases[] = {
        {TEXT_VALUE("1"), "1"},
        {{.kind = AMQP_FIELD_KIND_I32, .value.i32 = 1}, "1"},
        {{.kind = AMQP_FIELD_KIND_I64, .value.i64 = INT64_MIN}, "-9223372036854775808"},
        {{.kind = AMQP_FIELD_KIND_F64, .value.f64 = 2.0}, "2"},
        {{.kind = AMQP_FIELD_KIND_F64, .value.f64 = 1.5}, NULL},
        {{.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}, NULL},
        {{.kind = AMQP_FIELD_KIND_TABLE}, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct header_room room = {0};
        const struct delivery delivery = read_one("x-api-version", cases[i].value, &room);
        if (!str_eq(delivery.api_version, str_of(cases[i].expected)))
            fail_msg("case %zu: %.*s", i, STR_FMT(delivery.api_version));
        assert_string_equal(delivery.odd_header ? delivery.odd_header : "",
                            cases[i].expected ? "" : "x-api-version");
    }
}

void test_bus_amqp_frames__what_is_left_out_or_not_ours_is_not_odd(void **state)
{
    (void)state;
    struct header_room room = {0};
    const amqp_field_value_t nothing = {.kind = AMQP_FIELD_KIND_VOID};
    const amqp_field_value_t flag = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1};
    assert_null(read_one("deadline", nothing, &room).odd_header);
    assert_int_equal(read_one("deadline", nothing, &room).deadline, -1);
    assert_null(read_one("authorization", nothing, &room).odd_header);
    assert_null(read_one("x-theirs", flag, &room).odd_header);
    room.used = HEADER_NUMBERS; /* the same header many times */
    const amqp_field_value_t one = {.kind = AMQP_FIELD_KIND_I32, .value.i32 = 1};
    assert_string_equal(read_one("x-api-version", one, &room).odd_header, "x-api-version");
}

void test_bus_amqp_frames__bad_expiration_is_no_expiration(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "abc", "-1", "1.5", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const amqp_basic_properties_t properties = {._flags = AMQP_BASIC_EXPIRATION_FLAG,
                                                    .expiration = amqp_cstring_bytes(cases[i])};
        struct delivery delivery = delivery_blank();
        struct header_room room = {0};
        read_properties(&delivery, &properties, &room);
        assert_int_equal(delivery.expiration, -1);
    }
}

void test_bus_amqp_frames__unsendable_message_adds_nothing(void **state)
{
    (void)state;
    struct frames frames = {.frame_max = 4096};
    char long_name[300];
    memset(long_name, 'n', sizeof(long_name));
    char long_header[5000];
    memset(long_header, 'h', sizeof(long_header));
    assert_true(frames_add_message(&frames, 1, &(struct bus_message){.body = STR("x")}, 0));
    const size_t before = frames.len;
    assert_false(frames_add_message(
        &frames, 1, &(struct bus_message){.routing_key = {long_name, sizeof(long_name)}}, 0));
    assert_false(frames_add_message(
        &frames, 1, &(struct bus_message){.message_id = {long_name, sizeof(long_name)}}, 0));
    assert_false(frames_add_message(
        &frames, 1, &(struct bus_message){.authorization = {long_header, sizeof(long_header)}}, 0));
    assert_int_equal(frames.len, before);
    frames_release(&frames);
}

void test_bus_amqp_frames__direct_reply_names_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_direct, is_well_formed;
    } cases[] = {
        {"amq.rabbitmq.reply-to.g1h2AA9yZXBseUAxMjIzMTg2OTIAABe/AAAAAGsAdsY=.T2pTzsdk+KPqaA==",
         true, true},
        {"amq.rabbitmq.reply-to.g1h2AA9yZXBseUAxMjIzMTg2OTIAABe/AAAAAGsAdsY=", true, false},
        {"amq.rabbitmq.reply-to.g1h2AA9yZXBseUAxMjIzMTg2OTIAABe/AAAAAGsAdsY=.", true, false},
        {"amq.rabbitmq.reply-to.g1h2AA9yZXBseUAxMjIzMTg2OTIAABe/AAAAAGsAdsY.T2pTzsdk", true, false},
        {"amq.rabbitmq.reply-to.A1h2AA9yZXBseUAxMjIzMTg2OTIAABe/AAAAAGsAdsY=.T2pTzsdk", true,
         false},
        {"amq.rabbitmq.reply-to.g1h2AA9yZXBse_AxMjIzMTg2OTIAABe/AAAAAGsAdsY=.T2pTzsdk", true,
         false},
        {"amq.rabbitmq.reply-to.nobody.there", true, false},
        {"amq.rabbitmq.reply-to.", true, false},
        {"amq.rabbitmq.reply-to", false, false},
        {"replies.web-1", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(reply_is_direct(str_of(cases[i].name)), cases[i].is_direct);
        if (cases[i].is_direct)
            assert_int_equal(reply_is_well_formed(str_of(cases[i].name)), cases[i].is_well_formed);
    }
}

/* --- methods -------------------------------------------------------------------------------- */

void test_bus_amqp_frames__returned_message_tells_its_publish_tag(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    amqp_basic_return_t returned = {.reply_code = 312,
                                    .reply_text = amqp_cstring_bytes("NO_ROUTE"),
                                    .exchange = amqp_cstring_bytes("x"),
                                    .routing_key = amqp_cstring_bytes("k")};
    const struct bus_message message = full_message();
    add_content(&rig, AMQP_BASIC_RETURN_METHOD, &returned, &message, 42);
    add_content(&rig, AMQP_BASIC_RETURN_METHOD, &returned, &message, 0);
    feed(&rig, 100000);
    struct delivery *first = delivery_list_take(&rig.returned);
    struct delivery *second = delivery_list_take(&rig.returned);
    assert_int_equal(first->tag, 42);
    assert_str(first->correlation_id, "c-1");
    assert_int_equal(second->tag, 0);
    delivery_free(first);
    delivery_free(second);
    rig_release(&rig);
}

void test_bus_amqp_frames__acks_and_nacks_are_handed_on(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    add_method(&rig, 1, AMQP_BASIC_ACK_METHOD,
               &(amqp_basic_ack_t){.delivery_tag = 9, .multiple = true});
    feed(&rig, 5);
    assert_int_equal(rig.confirmed_tag, 9);
    assert_true(rig.confirmed_multiple);
    assert_true(rig.confirmed_ok);
    add_method(&rig, 1, AMQP_BASIC_NACK_METHOD, &(amqp_basic_nack_t){.delivery_tag = 10});
    feed(&rig, 5);
    assert_int_equal(rig.confirmed_tag, 10);
    assert_false(rig.confirmed_multiple);
    assert_false(rig.confirmed_ok);
    rig_release(&rig);
}

void test_bus_amqp_frames__blocked_comes_and_goes(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    add_method(&rig, 0, AMQP_CONNECTION_BLOCKED_METHOD,
               &(amqp_connection_blocked_t){.reason = amqp_cstring_bytes("low on memory")});
    feed(&rig, 100);
    assert_true(rig.link.blocked);
    add_method(&rig, 0, AMQP_CONNECTION_UNBLOCKED_METHOD, &(amqp_connection_unblocked_t){0});
    feed_bytes(&rig, heartbeat, sizeof(heartbeat));
    feed(&rig, 100);
    assert_false(rig.link.blocked);
    assert_false(rig.link.lost);
    rig_release(&rig);
}

static void assert_lost(struct rig *rig, const char *part)
{
    feed(rig, 100000);
    assert_true(rig->link.lost);
    assert_non_null(strstr(rig->link.reason, part));
    struct err err = {0};
    assert_int_equal(link_lost(&rig->link, &err), OUTCOME_RETRY);
    assert_non_null(strstr(err.text, "broker:1"));
}

void test_bus_amqp_frames__content_on_channel_0_is_a_loss(void **state)
{
    (void)state;
    struct rig rig;
    amqp_basic_deliver_t deliver = {.consumer_tag = amqp_cstring_bytes("1"), .delivery_tag = 1};
    rig_init(&rig, BUS_FRAME_MAX);
    add_method(&rig, 0, AMQP_BASIC_DELIVER_METHOD, &deliver);
    assert_lost(&rig, "channel 0");
    rig_release(&rig);
}

void test_bus_amqp_frames__cancelled_consumer_is_a_loss(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    add_method(&rig, 1, AMQP_BASIC_CANCEL_METHOD,
               &(amqp_basic_cancel_t){.consumer_tag = amqp_cstring_bytes("0"), .nowait = true});
    assert_lost(&rig, "shop.cart");
    rig_release(&rig);
}

/* The last method that the link wrote. */
static uint32_t method_written(struct rig *rig)
{
    uint8_t bytes[64];
    if (recv(rig->peer, bytes, sizeof(bytes), MSG_DONTWAIT) < 12)
        return 0;
    return (uint32_t)bytes[7] << 24 | (uint32_t)bytes[8] << 16 | (uint32_t)bytes[9] << 8 |
           bytes[10];
}

void test_bus_amqp_frames__closes_are_answered(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    add_method(&rig, 1, AMQP_CHANNEL_CLOSE_METHOD,
               &(amqp_channel_close_t){.reply_code = 406,
                                       .reply_text = amqp_cstring_bytes("PRECONDITION_FAILED")});
    assert_lost(&rig, "PRECONDITION_FAILED");
    assert_int_equal(method_written(&rig), AMQP_CHANNEL_CLOSE_OK_METHOD);
    rig_release(&rig);

    rig_init(&rig, BUS_FRAME_MAX);
    add_method(&rig, 0, AMQP_CONNECTION_CLOSE_METHOD,
               &(amqp_connection_close_t){.reply_code = 320,
                                          .reply_text = amqp_cstring_bytes("CONNECTION_FORCED")});
    assert_lost(&rig, "CONNECTION_FORCED");
    assert_int_equal(method_written(&rig), AMQP_CONNECTION_CLOSE_OK_METHOD);
    rig_release(&rig);
}

void test_bus_amqp_frames__nonsense_is_a_loss(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    add_method(&rig, 1, AMQP_QUEUE_PURGE_OK_METHOD, &(amqp_queue_purge_ok_t){0});
    assert_lost(&rig, "nobody awaits");
    rig_release(&rig);

    rig_init(&rig, BUS_FRAME_MAX);
    add_delivery(&rig, 1, &(struct bus_message){.body = STR("body")});
    rig.frames.bytes[rig.frames.len - 1] = 0; /* instead of the frame's end mark */
    assert_lost(&rig, "no AMQP");
    rig_release(&rig);

    rig_init(&rig, BUS_FRAME_MAX);
    add_method(&rig, 9, AMQP_BASIC_ACK_METHOD, &(amqp_basic_ack_t){0});
    assert_lost(&rig, "channel 9");
    rig_release(&rig);
}

void test_bus_amqp_frames__content_without_method_is_a_loss(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    add_content(&rig, AMQP_BASIC_ACK_METHOD, &(amqp_basic_ack_t){0},
                &(struct bus_message){.body = STR("body")}, 0);
    assert_lost(&rig, "without its method");
    rig_release(&rig);
}

/* --- the login ------------------------------------------------------------------------------ */

/* A broker that speaks its part and no more: each answer after something was said. */
static int play_broker(const struct frames *answers, size_t count, pid_t *pid)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    uint8_t said[4096];
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *pid = fork();
    if (*pid == 0) {
        const int peer = accept(fd, NULL, NULL);
        for (size_t i = 0; i < count && recv(peer, said, sizeof(said), 0) > 0; i++)
            (void)!write(peer, answers[i].bytes, answers[i].len);
        (void)!recv(peer, said, sizeof(said), 0);
        _exit(0);
    }
    close(fd);
    return ntohs(address.sin_port);
}

static struct frames one_method(amqp_channel_t channel, amqp_method_number_t id, void *decoded)
{
    struct frames frames = {.frame_max = 4096};
    assert_true(frames_add_method(&frames, channel, id, decoded));
    return frames;
}

static enum outcome log_in_to(const struct frames *answers, size_t count, struct link *link,
                              struct err *err)
{
    static struct bus_uri uri;
    pid_t pid;
    uri = (struct bus_uri){.places = {{"127.0.0.1", play_broker(answers, count, &pid)}},
                           .place_count = 1,
                           .user = "ann",
                           .password = "hidden",
                           .vhost = "/"};
    const struct link_options options = {
        .uri = &uri, .name = "test", .heartbeat_s = 10, .timeout_ms = 5000, .events = &events};
    const enum outcome outcome = link_open(link, &options, err);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return outcome;
}

static struct frames start_of_login(void)
{
    return one_method(0, AMQP_CONNECTION_START_METHOD,
                      &(amqp_connection_start_t){.version_minor = 9,
                                                 .mechanisms = amqp_cstring_bytes("PLAIN"),
                                                 .locales = amqp_cstring_bytes("en_US")});
}

static enum outcome log_in_with(uint32_t frame_max, struct link *link, struct err *err)
{
    struct frames answers[] = {
        start_of_login(),
        one_method(0, AMQP_CONNECTION_TUNE_METHOD,
                   &(amqp_connection_tune_t){
                       .channel_max = 2047, .frame_max = frame_max, .heartbeat = 60}),
        one_method(0, AMQP_CONNECTION_OPEN_OK_METHOD,
                   &(amqp_connection_open_ok_t){.known_hosts = {0}}),
        one_method(1, AMQP_CHANNEL_OPEN_OK_METHOD, &(amqp_channel_open_ok_t){.channel_id = {0}}),
    };
    const enum outcome outcome = log_in_to(answers, 4, link, err);
    for (size_t i = 0; i < 4; i++)
        frames_release(&answers[i]);
    return outcome;
}

/* Never more than we ask for, whatever is offered; and what was offered is remembered. */
void test_bus_amqp_frames__a_login_agrees_on_small_frames(void **state)
{
    (void)state;
    static const uint32_t offers[] = {BUS_FRAME_MAX, 131072, 0};
    for (size_t i = 0; i < 3; i++) {
        struct link link;
        struct err err = {0};
        assert_int_equal(log_in_with(offers[i], &link, &err), OUTCOME_DONE);
        assert_int_equal(link.frame_offered, offers[i]);
        assert_int_equal(link.out.frame_max, BUS_FRAME_MAX);
        assert_int_equal(link.heartbeat_us, 10000000);
        link.lost = true;
        link_close(&link);
    }
}

void test_bus_amqp_frames__a_broker_with_smaller_frames_is_refused(void **state)
{
    (void)state;
    struct link link;
    struct err err = {0};
    assert_int_equal(log_in_with(4096, &link, &err), OUTCOME_BUG);
    assert_non_null(strstr(err.text, "frame_max = 16384"));
}

void test_bus_amqp_frames__a_refused_login_says_what_to_check(void **state)
{
    (void)state;
    static const struct {
        uint16_t code;
        enum outcome outcome;
        const char *text;
    } cases[] = {
        {AMQP_ACCESS_REFUSED, OUTCOME_BUG, "refuses user 'ann'"},
        {AMQP_NOT_ALLOWED, OUTCOME_BUG, "refuses vhost '/'"},
        {AMQP_CONNECTION_FORCED, OUTCOME_RETRY, "is going down"},
    };
    for (size_t i = 0; i < 3; i++) {
        struct link link;
        struct err err = {0};
        struct frames answers[] = {
            start_of_login(),
            one_method(
                0, AMQP_CONNECTION_CLOSE_METHOD,
                &(amqp_connection_close_t){.reply_code = cases[i].code,
                                           .reply_text = amqp_cstring_bytes("is going down")}),
        };
        assert_int_equal(log_in_to(answers, 2, &link, &err), cases[i].outcome);
        assert_non_null(strstr(err.text, cases[i].text));
        assert_null(strstr(err.text, "hidden"));
        frames_release(&answers[0]);
        frames_release(&answers[1]);
    }
}

/* --- calls of a broker that is busy ----------------------------------------------------------- */

static int waits; /* times that somebody was told */

static bool tell_wait(void *context)
{
    (void)context;
    return ++waits < 4;
}

/* It beats, so it lives: nobody gives it up before the patience ends. */
void test_bus_amqp_frames__a_busy_broker_is_waited_for(void **state)
{
    (void)state;
    struct rig rig;
    struct err err = {0};
    rig_init(&rig, BUS_FRAME_MAX);
    waits = 0;
    rig.link.heartbeat_us = 10000000;
    rig.link.options.timeout_ms = 1;
    rig.link.options.patience_ms = 100000;
    rig.link.options.waits = tell_wait;
    rig.link.sent_at_us = rig.link.received_at_us = clock_monotonic_us();
    assert_int_equal(link_open_channel(&rig.link, 1, &err), OUTCOME_RETRY);
    assert_true(waits >= 4);
    rig_release(&rig);
}

void test_bus_amqp_frames__a_channel_that_is_busy_is_told_from_a_quiet_one(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    assert_false(link_probe(&rig.link, 1, 10));
    assert_false(link_probe(&rig.link, 1, 10)); /* asks nothing twice */
    assert_int_equal(rig.link.probes, 1);
    add_method(&rig, 1, AMQP_BASIC_QOS_OK_METHOD, &(amqp_basic_qos_ok_t){0});
    assert_int_equal(send(rig.peer, rig.frames.bytes, rig.frames.len, 0), rig.frames.len);
    assert_false(link_probe(&rig.link, 1, 10)); /* the answer to the first, none to the second */
    assert_int_equal(rig.link.probes, 1);
    assert_int_equal(send(rig.peer, rig.frames.bytes, rig.frames.len, 0), rig.frames.len);
    assert_int_equal(send(rig.peer, rig.frames.bytes, rig.frames.len, 0), rig.frames.len);
    assert_false(rig.link.lost);
    link_read(&rig.link);
    assert_true(rig.link.lost); /* an answer too many */
    rig_release(&rig);
}

/* --- writing -------------------------------------------------------------------------------- */

void test_bus_amqp_frames__flush_gives_up_when_nobody_reads(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    char body[1000] = "";
    for (int i = 0; i < 5000; i++)
        assert_true(frames_add_message(&rig.link.out, 1,
                                       &(struct bus_message){.body = {body, sizeof(body)}}, 0));
    link_flush(&rig.link);
    assert_true(rig.link.lost);
    assert_non_null(strstr(rig.link.reason, "took no data"));
    rig_release(&rig);
}

void test_bus_amqp_frames__flush_reads_while_it_cannot_write(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    add_delivery(&rig, 1, &(struct bus_message){.body = STR("in between")});
    assert_int_equal(send(rig.peer, rig.frames.bytes, rig.frames.len, 0), rig.frames.len);
    char body[1000] = "";
    for (int i = 0; i < 5000; i++)
        assert_true(frames_add_message(&rig.link.out, 1,
                                       &(struct bus_message){.body = {body, sizeof(body)}}, 0));
    link_flush(&rig.link);
    assert_int_equal(rig.delivered.count, 1);
    rig_release(&rig);
}

void test_bus_amqp_frames__peer_that_goes_is_a_loss(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    shutdown(rig.peer, SHUT_RDWR);
    link_read(&rig.link);
    assert_true(rig.link.lost);
    assert_non_null(strstr(rig.link.reason, "closed by the broker"));
    rig_release(&rig);
}

void test_bus_amqp_frames__heartbeat_is_sent_and_awaited(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, BUS_FRAME_MAX);
    assert_int_equal(send(rig.peer, heartbeat, sizeof(heartbeat), 0), 8);
    assert_true(frames_add_message(&rig.link.out, 1, &(struct bus_message){0}, 0)); /* waits */
    rig.link.heartbeat_us = INT64_C(1) << 60;
    rig.link.sent_at_us = -(INT64_C(1) << 60);
    link_serve_heartbeat(&rig.link);
    uint8_t bytes[16];
    assert_int_equal(recv(rig.peer, bytes, sizeof(bytes), MSG_DONTWAIT), 8);
    assert_int_equal(bytes[0], AMQP_FRAME_HEARTBEAT);
    assert_false(rig.link.lost);

    rig.link.heartbeat_us = INT64_C(1) << 60;
    rig.link.received_at_us = -(INT64_C(1) << 62);
    link_serve_heartbeat(&rig.link); /* a heartbeat waits in the socket: alive after all */
    assert_false(rig.link.lost);
    rig.link.received_at_us = -(INT64_C(1) << 62);
    link_serve_heartbeat(&rig.link);
    assert_true(rig.link.lost);
    rig_release(&rig);
}

/* What a timer sends while the lane is anywhere: never into the middle of a frame. */
void test_bus_amqp_frames__a_beat_comes_between_two_frames(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t bytes[16];
    char body[1000] = "";
    rig_init(&rig, BUS_FRAME_MAX);
    rig.link.heartbeat_us = INT64_C(1) << 60;
    for (int i = 0; i < 5000; i++)
        assert_true(frames_add_message(&rig.link.out, 1,
                                       &(struct bus_message){.body = {body, sizeof(body)}}, 0));
    link_write_some(&rig.link); /* more than the socket takes */
    assert_true(rig.link.out.sent > 0);
    while (recv(rig.peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
    rig.link.sent_at_us = -(INT64_C(1) << 60);
    link_beat(&rig.link);
    assert_int_equal(recv(rig.peer, bytes, sizeof(bytes), MSG_DONTWAIT), -1);
    rig.link.out.sent = rig.link.out.len = 0;
    link_write_some(&rig.link);
    rig.link.may_beat = true; /* all of it is written */
    link_beat(&rig.link);
    assert_int_equal(recv(rig.peer, bytes, sizeof(bytes), MSG_DONTWAIT), 8);
    link_lose(&rig.link, "gone");
    rig.link.sent_at_us = -(INT64_C(1) << 60);
    link_beat(&rig.link);
    assert_int_equal(recv(rig.peer, bytes, sizeof(bytes), MSG_DONTWAIT), -1);
    rig_release(&rig);
}

/* --- confirms ------------------------------------------------------------------------------- */

static void assert_decided(struct confirms *confirms, uint64_t group, bool ok)
{
    struct bus_confirm confirm;
    assert_true(confirms_take(confirms, &confirm));
    assert_int_equal(confirm.group, group);
    assert_int_equal(confirm.ok, ok);
}

static void assert_undecided(struct confirms *confirms)
{
    struct bus_confirm confirm;
    assert_false(confirms_take(confirms, &confirm));
}

void test_bus_amqp_frames__group_is_decided_with_its_last_confirm(void **state)
{
    (void)state;
    struct confirms confirms;
    confirms_init(&confirms);
    confirms_add(&confirms, 5);
    confirms_add(&confirms, 6);
    confirms_add(&confirms, 5);
    confirms_settle(&confirms, 3, false, true);
    assert_undecided(&confirms);
    confirms_settle(&confirms, 1, false, true);
    assert_decided(&confirms, 5, true);
    assert_true(confirms_any_open(&confirms));
    confirms_settle(&confirms, 2, false, false);
    assert_decided(&confirms, 6, false);
    assert_false(confirms_any_open(&confirms));
    confirms_release(&confirms);
}

void test_bus_amqp_frames__multiple_confirms_all_up_to_the_tag(void **state)
{
    (void)state;
    struct confirms confirms;
    confirms_init(&confirms);
    for (uint64_t group = 1; group <= 4; group++)
        confirms_add(&confirms, group);
    confirms_settle(&confirms, 2, false, true);
    confirms_settle(&confirms, 3, true, true);
    assert_decided(&confirms, 2, true);
    assert_decided(&confirms, 1, true);
    assert_decided(&confirms, 3, true);
    assert_undecided(&confirms);
    confirms_settle(&confirms, 0, true, true); /* 0: everything */
    assert_decided(&confirms, 4, true);
    confirms_release(&confirms);
}

void test_bus_amqp_frames__return_before_ack_fails_the_group(void **state)
{
    (void)state;
    struct confirms confirms;
    confirms_init(&confirms);
    confirms_add(&confirms, 1);
    confirms_add(&confirms, 1);
    confirms_return(&confirms, 2);
    confirms_settle(&confirms, 2, true, true);
    assert_decided(&confirms, 1, false);
    confirms_release(&confirms);
}

void test_bus_amqp_frames__unknown_tags_change_nothing(void **state)
{
    (void)state;
    struct confirms confirms;
    confirms_init(&confirms);
    confirms_settle(&confirms, 1, false, true);
    confirms_settle(&confirms, 0, true, true);
    confirms_return(&confirms, 1);
    confirms_add(&confirms, 1);
    confirms_settle(&confirms, 2, false, true);
    assert_undecided(&confirms);
    confirms_settle(&confirms, 1, false, true);
    confirms_settle(&confirms, 1, false, false); /* twice */
    assert_decided(&confirms, 1, true);
    assert_undecided(&confirms);
    confirms_release(&confirms);
}

void test_bus_amqp_frames__reset_fails_what_is_open(void **state)
{
    (void)state;
    struct confirms confirms;
    confirms_init(&confirms);
    confirms_add(&confirms, 1);
    confirms_add(&confirms, 2);
    confirms_settle(&confirms, 1, false, true);
    confirms_reset(&confirms);
    assert_decided(&confirms, 1, true);
    assert_decided(&confirms, 2, false);
    assert_int_equal(confirms_next_tag(&confirms), 1);
    confirms_add(&confirms, 3);
    confirms_settle(&confirms, 1, false, true);
    assert_decided(&confirms, 3, true);
    confirms_release(&confirms);
}

void test_bus_amqp_frames__ring_grows_with_what_is_unconfirmed(void **state)
{
    (void)state;
    struct confirms confirms;
    confirms_init(&confirms);
    uint64_t settled = 0;
    for (uint64_t tag = 1; tag <= 5000; tag++) {
        assert_int_equal(confirms_next_tag(&confirms), tag);
        confirms_add(&confirms, tag);
        if (tag % 3 == 0)
            confirms_settle(&confirms, ++settled, false, true);
    }
    confirms_settle(&confirms, 5000, true, true);
    for (uint64_t group = 1; group <= 5000; group++)
        assert_decided(&confirms, group, true);
    assert_undecided(&confirms);
    confirms_release(&confirms);
}

/* --- headers for people --------------------------------------------------------------------------- */

static amqp_table_entry_t entry(const char *key, uint8_t kind)
{
    return (amqp_table_entry_t){.key = amqp_cstring_bytes(key), .value.kind = kind};
}

static amqp_table_entry_t text_entry(const char *key, const char *text)
{
    amqp_table_entry_t made = entry(key, AMQP_FIELD_KIND_UTF8);
    made.value.value.bytes = amqp_cstring_bytes(text);
    return made;
}

static struct delivery read_x_death(amqp_field_value_t deaths)
{
    struct delivery delivery = delivery_blank();
    struct header_room room = {0};
    amqp_table_entry_t header = {.key = amqp_cstring_bytes("x-death"), .value = deaths};
    amqp_basic_properties_t properties = {._flags = AMQP_BASIC_HEADERS_FLAG,
                                          .headers = {1, &header}};
    read_properties(&delivery, &properties, &room);
    return delivery;
}

void test_bus_amqp_frames__the_version_of_the_broker(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t major;
    } rows[] = {{"3.10.8", 3}, {"4.0.5", 4}, {"12.1", 12}, {"4", -1}, {"", -1}, {"x.1", -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        amqp_table_entry_t entries[] = {text_entry("product", "RabbitMQ"),
                                        text_entry("version", rows[i].text)};
        const amqp_table_t properties = {2, entries};
        assert_int_equal(major_version(&properties), rows[i].major);
    }
    const amqp_table_t none = {0};
    assert_int_equal(major_version(&none), -1);
}

/* The newest stands first; what else a publisher wrote is no death of ours. */
void test_bus_amqp_frames__the_newest_death_is_read(void **state)
{
    (void)state;
    static char long_name[257];
    memset(long_name, 'x', sizeof(long_name) - 1);
    amqp_table_entry_t newest[] = {text_entry("queue", "work"), text_entry("reason", "expired"),
                                   text_entry("queue", "other"), text_entry("exchange", long_name),
                                   entry("original-expiration", AMQP_FIELD_KIND_I64)};
    amqp_table_entry_t older[] = {text_entry("queue", "older"), text_entry("exchange", "older")};
    amqp_field_value_t tables[] = {{.kind = AMQP_FIELD_KIND_TABLE, .value.table = {5, newest}},
                                   {.kind = AMQP_FIELD_KIND_TABLE, .value.table = {2, older}}};
    const amqp_field_value_t list = {.kind = AMQP_FIELD_KIND_ARRAY, .value.array = {2, tables}};
    const struct delivery delivery = read_x_death(list);
    assert_str(delivery.death_queue, "work");
    assert_str(delivery.death_reason, "expired");
    assert_true(str_is_absent(delivery.death_exchange)); /* no name is so long */
    assert_true(str_is_absent(delivery.death_expiration));
    assert_null(delivery.odd_header);
    amqp_field_value_t text = text_entry("", "expired").value;
    const amqp_field_value_t odd[] = {
        text,
        {.kind = AMQP_FIELD_KIND_VOID},
        {.kind = AMQP_FIELD_KIND_TABLE, .value.table = {2, older}},
        {.kind = AMQP_FIELD_KIND_ARRAY},
        {.kind = AMQP_FIELD_KIND_ARRAY, .value.array = {1, &text}},
    };
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        const struct delivery none = read_x_death(odd[i]);
        assert_true(str_is_absent(none.death_queue) && str_is_absent(none.death_reason));
    }
}

void test_bus_amqp_frames__all_headers_become_json(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    amqp_table_entry_t inner[] = {entry("count", AMQP_FIELD_KIND_I64)};
    amqp_table_entry_t entries[] = {
        entry("text", AMQP_FIELD_KIND_UTF8),   entry("a \"key\"", AMQP_FIELD_KIND_U8),
        entry("yes", AMQP_FIELD_KIND_BOOLEAN), entry("none", AMQP_FIELD_KIND_VOID),
        entry("half", AMQP_FIELD_KIND_F64),    entry("table", AMQP_FIELD_KIND_TABLE),
    };
    inner[0].value.value.i64 = -7;
    entries[0].value.value.bytes = amqp_cstring_bytes("line\n\xff");
    entries[1].value.value.u8 = 200;
    entries[2].value.value.boolean = 1;
    entries[5].value.value.table = (amqp_table_t){1, inner};
    const amqp_table_t table = {6, entries};
    assert_str(headers_as_json(&arena, &table),
               "{\"text\":\"line\\n\xEF\xBF\xBD\",\"a \\\"key\\\"\":200,\"yes\":true,"
               "\"none\":null,\"half\":\"<double>\",\"table\":{\"count\":-7}}");
    arena_release(&arena);
}

void test_bus_amqp_frames__headers_are_not_followed_into_any_depth(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    amqp_field_value_t lists[1000] = {{0}};
    for (size_t i = 0; i < 1000; i++) {
        lists[i].kind = AMQP_FIELD_KIND_ARRAY;
        if (i > 0)
            lists[i].value.array = (amqp_array_t){1, &lists[i - 1]};
    }
    amqp_table_entry_t bomb = {.key = amqp_cstring_bytes("x"), .value = lists[999]};
    const amqp_table_t table = {1, &bomb};
    assert_str(headers_as_json(&arena, &table), "{\"x\":[[[[[[[\"<too deep>\"]]]]]]]}");
    arena_release(&arena);
}
