/* config_yaml.c - a YAML file as flat entries: nested maps give dotted names.
 *
 * Only a small part of YAML is accepted, on purpose: maps, lists of scalars, lists of maps.
 * Anchors, aliases, tags, several documents and duplicate keys are refused, because each of them
 * lets a file mean something else than it seems to. */
#include <errno.h>
#include <stdio.h>
#include <yaml.h>

#include "config/config_parts.h"

#define DEPTH_MAX 8

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    const char *path;
    struct config_entries *entries;
    struct err *err;
};

struct key_list {
    struct str *items;
    size_t count;
    size_t capacity;
};

#define refuse_at(reader, line, ...)                                                               \
    refuse_line((reader), (line), str_printf((reader)->arena, __VA_ARGS__))

static enum outcome refuse_line(struct reader *reader, size_t line, struct str text)
{
    return err_invalid(reader->err, E_VALIDATION_FAILED, "%s:%zu: %.*s", reader->path, line,
                       STR_FMT(text));
}

/* libyaml counts lines from 0, people count from 1. */
static size_t line_of(const yaml_event_t *event)
{
    return event->start_mark.line + 1;
}

static bool has_anchor(const yaml_event_t *event)
{
    return event->type == YAML_ALIAS_EVENT ||
           (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor) ||
           (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.anchor) ||
           (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor);
}

static bool has_tag(const yaml_event_t *event)
{
    return (event->type == YAML_SCALAR_EVENT && event->data.scalar.tag) ||
           (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.tag) ||
           (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.tag);
}

/* The caller deletes the event when this is DONE. */
static enum outcome next_event(struct reader *reader, yaml_event_t *event)
{
    const bool parsed = yaml_parser_parse(&reader->parser, event);
    if (reader->parser.error == YAML_MEMORY_ERROR)
        panic("out of memory for %s", reader->path);
    if (!parsed)
        return refuse_at(reader, reader->parser.problem_mark.line + 1, "%s%s%s",
                         reader->parser.context ? reader->parser.context : "",
                         reader->parser.context ? ": " : "",
                         reader->parser.problem ? reader->parser.problem : "cannot be read");
    const size_t line = line_of(event);
    const bool anchor = has_anchor(event), tag = has_tag(event);
    if (!anchor && !tag)
        return OUTCOME_DONE;
    yaml_event_delete(event);
    return refuse_at(reader, line, "%s",
                     anchor ? "anchors and aliases are not used here" : "tags are not used here");
}

static struct str scalar_text(struct reader *reader, const yaml_event_t *event)
{
    return str_dup(reader->arena,
                   (struct str){(const char *)event->data.scalar.value, event->data.scalar.length});
}

static struct config_entry *add_entry(struct reader *reader, struct str name, size_t line)
{
    struct config_entries *entries = reader->entries;
    entries->items = arena_grow(reader->arena, entries->items, entries->count,
                                sizeof(*entries->items), &entries->capacity);
    struct config_entry *entry = &entries->items[entries->count++];
    *entry = (struct config_entry){.name = name, .line = line};
    return entry;
}

/* --- values ------------------------------------------------------------------------------------- */

static enum outcome read_value(struct reader *reader, struct str name, const yaml_event_t *event,
                               int depth);
static enum outcome read_map(struct reader *reader, struct str name, int depth);

static bool is_null(const yaml_event_t *event)
{
    const struct str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text.len == 0 || str_eq(text, STR("~")) || str_eq(text, STR("null")));
}

static void read_scalar(struct reader *reader, struct str name, const yaml_event_t *event)
{
    struct config_entry *entry = add_entry(reader, name, line_of(event));
    entry->form = is_null(event) ? ENTRY_NULL : ENTRY_SCALAR;
    entry->value = scalar_text(reader, event);
}

/* `index`: of the list's entry. A pointer would not do: entries move when their array grows. */
static enum outcome read_item(struct reader *reader, size_t index, const yaml_event_t *event,
                              size_t *capacity, int depth)
{
    struct config_entry *entry = &reader->entries->items[index];
    const bool is_scalar = event->type == YAML_SCALAR_EVENT;
    const bool fits = is_scalar ? entry->form == ENTRY_LIST
                                : event->type == YAML_MAPPING_START_EVENT &&
                                      (entry->form == ENTRY_OBJECTS || entry->items.count == 0);
    if (!fits || (is_scalar && is_null(event)))
        return refuse_at(reader, line_of(event), "the items of '%s' must be all texts or all maps",
                         entry->name.ptr);
    if (is_scalar) {
        entry->items.items = arena_grow(reader->arena, entry->items.items, entry->items.count,
                                        sizeof(struct str), capacity);
        entry->items.items[entry->items.count++] = scalar_text(reader, event);
        return OUTCOME_DONE;
    }
    entry->form = ENTRY_OBJECTS;
    return read_map(reader, str_printf(reader->arena, "%s[%zu]", entry->name.ptr, entry->count++),
                    depth);
}

static enum outcome read_list(struct reader *reader, struct str name, size_t line, int depth)
{
    const size_t index = reader->entries->count;
    size_t capacity = 0;
    add_entry(reader, name, line)->form = ENTRY_LIST;
    for (;;) {
        yaml_event_t event;
        TRY(next_event(reader, &event));
        const bool ended = event.type == YAML_SEQUENCE_END_EVENT;
        const enum outcome outcome =
            ended ? OUTCOME_DONE : read_item(reader, index, &event, &capacity, depth);
        yaml_event_delete(&event);
        if (ended || outcome != OUTCOME_DONE)
            return outcome;
    }
}

static enum outcome read_value(struct reader *reader, struct str name, const yaml_event_t *event,
                               int depth)
{
    if (depth > DEPTH_MAX)
        return refuse_at(reader, line_of(event), "nested too deeply");
    if (event->type == YAML_MAPPING_START_EVENT)
        return read_map(reader, name, depth);
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return read_list(reader, name, line_of(event), depth);
    read_scalar(reader, name, event);
    return OUTCOME_DONE;
}

/* --- maps --------------------------------------------------------------------------------------- */

static bool is_key(struct str key)
{
    for (size_t i = 0; i < key.len; i++) {
        const char c = key.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '-')
            return false;
    }
    return key.len > 0;
}

static enum outcome check_key(struct reader *reader, const yaml_event_t *event,
                              struct key_list *keys, struct str *out)
{
    if (event->type != YAML_SCALAR_EVENT)
        return refuse_at(reader, line_of(event), "a key must be a word");
    const struct str key = scalar_text(reader, event);
    if (!is_key(key))
        return refuse_at(reader, line_of(event),
                         "the key '%.*s' is not a word of letters and digits", STR_FMT(key));
    for (size_t i = 0; i < keys->count; i++)
        if (str_eq(keys->items[i], key))
            return refuse_at(reader, line_of(event), "duplicate key '%s'", key.ptr);
    keys->items =
        arena_grow(reader->arena, keys->items, keys->count, sizeof(struct str), &keys->capacity);
    keys->items[keys->count++] = key;
    *out = key;
    return OUTCOME_DONE;
}

static enum outcome read_member(struct reader *reader, struct str map, struct str key, int depth)
{
    yaml_event_t event;
    TRY(next_event(reader, &event));
    const struct str name = map.len ? str_printf(reader->arena, "%s.%s", map.ptr, key.ptr) : key;
    const enum outcome outcome = read_value(reader, name, &event, depth + 1);
    yaml_event_delete(&event);
    return outcome;
}

/* Reads a map whose start event has been read already. */
static enum outcome read_map(struct reader *reader, struct str name, int depth)
{
    struct key_list keys = {0};
    for (;;) {
        yaml_event_t event;
        struct str key = STR_ABSENT;
        TRY(next_event(reader, &event));
        const bool ended = event.type == YAML_MAPPING_END_EVENT;
        const enum outcome outcome = ended ? OUTCOME_DONE : check_key(reader, &event, &keys, &key);
        yaml_event_delete(&event);
        if (ended || outcome != OUTCOME_DONE)
            return outcome;
        TRY(read_member(reader, name, key, depth));
    }
}

/* --- the file ----------------------------------------------------------------------------------- */

static enum outcome expect(struct reader *reader, yaml_event_type_t type, const char *otherwise)
{
    yaml_event_t event;
    TRY(next_event(reader, &event));
    const size_t line = line_of(&event);
    const bool fits = event.type == type;
    yaml_event_delete(&event);
    return fits ? OUTCOME_DONE : refuse_at(reader, line, "%s", otherwise);
}

static enum outcome read_root(struct reader *reader)
{
    yaml_event_t event;
    TRY(next_event(reader, &event));
    const size_t line = line_of(&event);
    const bool is_map = event.type == YAML_MAPPING_START_EVENT;
    const bool is_empty = event.type == YAML_SCALAR_EVENT && is_null(&event);
    yaml_event_delete(&event);
    if (is_map)
        return read_map(reader, STR(""), 0);
    return is_empty ? OUTCOME_DONE : refuse_at(reader, line, "the file must be a map");
}

static enum outcome read_stream(struct reader *reader)
{
    yaml_event_t event;
    TRY(expect(reader, YAML_STREAM_START_EVENT, "not a YAML file"));
    TRY(next_event(reader, &event));
    const bool is_empty = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    if (is_empty)
        return OUTCOME_DONE;
    TRY(read_root(reader));
    TRY(expect(reader, YAML_DOCUMENT_END_EVENT, "the document does not end here"));
    return expect(reader, YAML_STREAM_END_EVENT, "one document per file, please");
}

enum outcome config_read_yaml(struct arena *arena, const char *path, struct config_entries *out,
                              struct err *err)
{
    struct config_entries entries = {0};
    struct reader reader = {.arena = arena, .path = path, .entries = &entries, .err = err};
    FILE *file = fopen(path, "rbe");
    if (!file)
        return err_invalid(err, E_VALIDATION_FAILED, "%s: %s", path, strerror(errno));
    if (!yaml_parser_initialize(&reader.parser))
        panic("out of memory for a YAML parser");
    yaml_parser_set_input_file(&reader.parser, file);
    const enum outcome outcome = read_stream(&reader);
    yaml_parser_delete(&reader.parser);
    fclose(file); /* its result does not matter: the file was only read */
    if (outcome == OUTCOME_DONE)
        *out = entries;
    return outcome;
}
