/* dead_letter.c - what a dead letter says, in our own headers or in what the broker wrote. */
#include "letters/dead_letter.h"

#include "base/clock.h"
#include "base/id.h"
#include "service/names.h"
#include "service/signature.h"
#include "service/topology.h"
#include "wire/json.h"

#define TYPED_ID_MAX      64
#define DIGEST_BYTES      6
#define FINGERPRINT_BYTES 4

const struct str *dead_domains(struct arena *arena, const struct service *service)
{
    size_t count = 0;
    while (service->domains[count])
        count++;
    struct str *names = arena_array(arena, count + 2, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = str_of(service->domains[i]->name);
    names[count] = STR(UNKNOWN_DOMAIN);
    names[count + 1] = STR_ABSENT;
    return names;
}

/* --- names -------------------------------------------------------------------------------------- */

/* True when the id can be copied from a terminal into a command line. */
static bool can_be_typed(struct str id)
{
    if (id.len == 0 || id.len > TYPED_ID_MAX || id.ptr[0] == '-' || id.ptr[0] == '~')
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~')
            return false;
    return true;
}

static struct str digest_of(struct arena *arena, const struct dead_office *office,
                            const struct dead_letter *letter)
{
    uint8_t digest[DIGEST_BYTES];
    const struct str parts[] = {
        letter->queue,
        letter->operation,
        letter->delivery->message_id,
        letter->delivery->body,
        time_text(arena, letter->failed_at),
    };
    auth_digest(office->keys.ring[0].digest, parts, sizeof(parts) / sizeof(parts[0]), digest,
                sizeof(digest));
    return str_join(arena, STR(""), '~', hex_of(arena, digest, sizeof(digest)));
}

/* --- fingerprint -------------------------------------------------------------------------------- */

static bool is_of_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '@' || c == '.' || (c & 0x80) != 0;
}

static size_t word_length(struct str text)
{
    size_t len = 0;
    while (len < text.len && is_of_word(text.ptr[len]))
        len++;
    return len;
}

/* True for an id, a number or an address: these are not what the failure is about. */
static bool is_particular(struct str word)
{
    for (size_t i = 0; i < word.len; i++)
        if ((word.ptr[i] >= '0' && word.ptr[i] <= '9') || word.ptr[i] == '@')
            return true;
    return false;
}

/* The length of the quotation that starts here, quotes included; 0: none does. */
static size_t quotation_length(struct str text)
{
    const char quote = text.len ? text.ptr[0] : 0;
    if (quote != '\'' && quote != '"')
        return 0;
    const char *end = memchr(text.ptr + 1, quote, text.len - 1);
    return end ? (size_t)(end - text.ptr) + 1 : 0;
}

static size_t put_general(struct text *out, struct str rest)
{
    const size_t quoted = quotation_length(rest);
    const size_t word = quoted ? quoted : word_length(rest);
    if (word == 0) {
        text_append_char(out, rest.ptr[0]);
        return 1;
    }
    const struct str piece = {rest.ptr, word};
    text_append_str(out, quoted || is_particular(piece) ? STR("#") : piece);
    return word;
}

static struct str general_reason(struct arena *arena, struct str reason)
{
    struct text out;
    text_init(&out, arena, reason.len + 1);
    while (reason.len > 0) {
        const size_t used = put_general(&out, reason);
        reason = (struct str){reason.ptr + used, reason.len - used};
    }
    return text_str(&out);
}

struct str dead_fingerprint(struct arena *arena, const struct dead_letter *letter)
{
    uint8_t digest[FINGERPRINT_BYTES];
    const struct str parts[] = {
        letter->operation,
        letter->code,
        letter->place,
        general_reason(arena, letter->reason),
    };
    auth_hash(parts, sizeof(parts) / sizeof(parts[0]), digest, sizeof(digest));
    return hex_of(arena, digest, sizeof(digest));
}

/* --- headers ------------------------------------------------------------------------------------ */

static struct str header(const struct json *headers, const char *name)
{
    return json_str(json_member(headers, name));
}

static const struct json *headers_of(struct arena *arena, const struct delivery *delivery)
{
    const struct json *headers = NULL;
    struct err ignored = {0};
    /* Headers that a stranger made unreadable count as none. */
    if (json_parse(arena, delivery->headers, &headers, &ignored) != OUTCOME_DONE)
        return NULL;
    return headers;
}

/* The newest death, which brought the letter here. A publisher may have made up older entries. */
static const struct json *death_by_broker(const struct json *headers)
{
    return json_element(json_member(headers, "x-death"), 0);
}

static void read_ours(struct arena *arena, const struct json *headers, struct dead_letter *out)
{
    int64_t failed_at;
    out->operation = str_dup(arena, header(headers, "x-operation"));
    out->code = str_dup(arena, header(headers, "x-failure-code"));
    out->reason = str_dup(arena, header(headers, "x-failure-reason"));
    out->place = str_dup(arena, header(headers, "x-failure-place"));
    out->queue = str_dup(arena, header(headers, "x-original-queue"));
    out->exchange = str_dup(arena, header(headers, "x-original-exchange"));
    out->routing_key = str_dup(arena, header(headers, "x-original-routing-key"));
    out->edited_from = str_dup(arena, header(headers, "x-edited-from"));
    out->is_masked = header(headers, "x-masked").len > 0;
    if (time_parse(header(headers, "x-failed-at"), &failed_at))
        out->failed_at = failed_at;
    if (!str_to_int64(header(headers, "x-attempts"), &out->attempts))
        out->attempts = 0;
}

/* An event means the operation that subscribes to it. A copy that came out of the delays had the
 * name of its queue as routing key, and says itself what it asks for. Any other message asks for
 * what its routing key says. */
static struct str operation_of(const struct dead_office *office, const struct dead_letter *letter)
{
    const struct str claimed = letter->delivery->operation;
    const struct operation *subscriber =
        service_subscriber(office->service, letter->queue, letter->routing_key);
    if (subscriber)
        return str_of(subscriber->name);
    return claimed.len && !service_operation(office->service, letter->routing_key)
               ? claimed
               : letter->routing_key;
}

static void read_brokers(struct arena *arena, const struct dead_office *office,
                         const struct json *death, struct dead_letter *out)
{
    const bool too_often = str_eq(json_str(json_member(death, "reason")), STR("delivery_limit"));
    out->code = too_often ? STR("DELIVERY_LIMIT") : STR("DEAD_LETTERED");
    out->reason = too_often ? STR("delivered too often, its lanes died or lost their connection")
                            : str_dup(arena, json_str(json_member(death, "reason")));
    out->place = STR("broker");
    out->queue = str_dup(arena, json_str(json_member(death, "queue")));
    out->exchange = str_dup(arena, json_str(json_member(death, "exchange")));
    out->routing_key =
        str_dup(arena, json_str(json_element(json_member(death, "routing-keys"), 0)));
    const int64_t time_s = json_int(json_member(death, "time"), -1);
    out->failed_at = time_s < 0 ? -1 : time_s * MS_PER_SECOND;
    out->operation = str_dup(arena, operation_of(office, out));
}

static void read_nobodys(struct dead_letter *out)
{
    out->code = STR("NOT_OURS");
    out->reason = STR("no lane signed it, and the broker did not put it here");
}

void dead_letter_read(struct arena *arena, const struct dead_office *office, struct str domain,
                      const struct delivery *delivery, struct dead_letter *out)
{
    const struct json *headers = headers_of(arena, delivery);
    const struct json *death = death_by_broker(headers);
    *out = (struct dead_letter){.domain = domain, .failed_at = -1, .delivery = delivery};
    out->is_ours = letter_is_ours(arena, &office->keys, delivery, headers);
    if (out->is_ours)
        read_ours(arena, headers, out);
    else if (death)
        read_brokers(arena, office, death, out);
    else
        read_nobodys(out);
    out->fingerprint = dead_fingerprint(arena, out);
    out->digest = digest_of(arena, office, out);
    out->id = can_be_typed(delivery->message_id) ? delivery->message_id : out->digest;
}

/* --- filters ------------------------------------------------------------------------------------ */

static bool agrees(struct str wanted, struct str is)
{
    return str_is_absent(wanted) || str_eq(wanted, is);
}

bool dead_letter_matches(const struct dead_letter *letter, const struct dead_filter *filter)
{
    return (agrees(filter->id, letter->id) || agrees(filter->id, letter->digest)) &&
           agrees(filter->code, letter->code) && agrees(filter->operation, letter->operation) &&
           agrees(filter->place, letter->place) &&
           agrees(filter->fingerprint, letter->fingerprint) &&
           (filter->since_ms < 0 || letter->failed_at >= filter->since_ms);
}
