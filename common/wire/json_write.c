/* json_write.c - writes values as JSON, straight into a text in an arena.
 *
 * The output is always valid JSON in valid UTF-8, provided that json_put_raw is given valid JSON:
 * bytes of a string that are not UTF-8 become U+FFFD. */
#include "wire/json.h"

#include "base/clock.h"

#define NESTING_MAX 64

void json_writer_init(struct json_writer *writer, struct text *text)
{
    *writer = (struct json_writer){.text = text};
}

/* --- nesting ---------------------------------------------------------------------------------- */

static bool in_object(const struct json_writer *writer)
{
    return writer->depth > 0 && (writer->objects >> (writer->depth - 1) & 1);
}

/* Called before each value: writes its comma, unless a key has just been written. */
static void begin_value(struct json_writer *writer)
{
    if (writer->after_key != in_object(writer))
        panic("JSON writer: a value %s", writer->after_key ? "after two keys" : "without a key");
    if (writer->comma)
        text_append_char(writer->text, ',');
    writer->after_key = false;
    writer->comma = true;
}

static void open(struct json_writer *writer, bool object)
{
    begin_value(writer);
    if (writer->depth == NESTING_MAX)
        panic("JSON writer: nested more than %d deep", NESTING_MAX);
    const uint64_t bit = UINT64_C(1) << writer->depth;
    writer->objects = object ? writer->objects | bit : writer->objects & ~bit;
    writer->depth++;
    writer->comma = false;
    text_append_char(writer->text, object ? '{' : '[');
}

static void close(struct json_writer *writer, bool object)
{
    if (writer->depth == 0 || in_object(writer) != object || writer->after_key)
        panic("JSON writer: %s closed where none is open", object ? "an object" : "a list");
    writer->depth--;
    writer->comma = true;
    text_append_char(writer->text, object ? '}' : ']');
}

void json_open_object(struct json_writer *writer)
{
    open(writer, true);
}

void json_close_object(struct json_writer *writer)
{
    close(writer, true);
}

void json_open_list(struct json_writer *writer)
{
    open(writer, false);
}

void json_close_list(struct json_writer *writer)
{
    close(writer, false);
}

void json_key(struct json_writer *writer, const char *key)
{
    if (!in_object(writer) || writer->after_key)
        panic("JSON writer: key '%s' where none belongs", key);
    if (writer->comma)
        text_append_char(writer->text, ',');
    text_append_char(writer->text, '"');
    text_append_str(writer->text, str_of(key));
    text_append(writer->text, "\":", 2);
    writer->after_key = true;
    writer->comma = false;
}

/* --- plain values ----------------------------------------------------------------------------- */

#define ONES        UINT64_C(0x0101010101010101)
#define HIGH_BITS   UINT64_C(0x8080808080808080)
#define HAS_ZERO(x) (((x)-ONES) & ~(x)&HIGH_BITS)

/* True when none of 8 bytes is a quote, a backslash, a control character or not ASCII. The result
 * may be false although all bytes are plain, but it is never wrongly true. */
static bool eight_are_plain(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    const uint64_t below_space = (word - ONES * 0x20) & ~word;
    const uint64_t quote = HAS_ZERO(word ^ (ONES * '"'));
    const uint64_t backslash = HAS_ZERO(word ^ (ONES * '\\'));
    return ((word | below_space | quote | backslash) & HIGH_BITS) == 0;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static const char *skip_plain(const char *at, const char *end)
{
    while (end - at >= 8 && eight_are_plain(at))
        at += 8;
    while (at < end && is_plain(*at))
        at++;
    return at;
}

/* Writes the character at `at`, which is not plain, and returns the position after it. */
static const char *put_special(struct text *text, const char *at, const char *end)
{
    static const char *const short_forms[] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\f'] = "\\f",
        ['\n'] = "\\n", ['\r'] = "\\r",  ['\t'] = "\\t",
    };
    const unsigned char c = (unsigned char)*at;
    if (c < 0x80) {
        if (short_forms[c])
            text_append(text, short_forms[c], 2);
        else
            text_printf(text, "\\u%04x", c);
        return at + 1;
    }
    const size_t length = str_utf8_length(at, end);
    text_append_str(text, length ? (struct str){at, length} : STR("\xEF\xBF\xBD"));
    return at + (length ? length : 1);
}

void json_put_str(struct json_writer *writer, struct str value)
{
    begin_value(writer);
    text_append_char(writer->text, '"');
    const char *at = value.ptr;
    const char *const end = value.ptr + value.len;
    while (at < end) {
        const char *const special = skip_plain(at, end);
        text_append(writer->text, at, (size_t)(special - at));
        at = special < end ? put_special(writer->text, special, end) : end;
    }
    text_append_char(writer->text, '"');
}

void json_put_name(struct json_writer *writer, struct str key)
{
    if (!in_object(writer) || writer->after_key)
        panic("JSON writer: key '%.*s' where none belongs", STR_FMT(key));
    writer->after_key = true; /* lets json_put_str write the key as if it were a value */
    json_put_str(writer, key);
    text_append_char(writer->text, ':');
    writer->after_key = true;
    writer->comma = false;
}

void json_put_int(struct json_writer *writer, int64_t value)
{
    begin_value(writer);
    text_append_int(writer->text, value);
}

void json_put_bool(struct json_writer *writer, bool value)
{
    json_put_raw(writer, value ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *writer)
{
    json_put_raw(writer, STR("null"));
}

void json_put_raw(struct json_writer *writer, struct str value)
{
    begin_value(writer);
    text_append_str(writer->text, value);
}
