/* status.c - the state of a supervisor as a JSON file. */
#include "supervisor/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/json.h"

#define FILE_MAX ((size_t)1024 * 1024) /* many times 64 lanes of 300 bytes */

#define LANE(member) offsetof(struct status_lane, member)
static const struct field lane_fields[] = {
    {.name = "lane", .kind = FIELD_INT, .offset = LANE(lane)},
    {.name = "state", .kind = FIELD_STR, .offset = LANE(state)},
    {.name = "pid", .kind = FIELD_INT, .offset = LANE(pid)},
    {.name = "waitingFor", .kind = FIELD_STR, .flags = FIELD_OPTIONAL, .offset = LANE(waiting_for)},
    {.name = "since", .kind = FIELD_TIME, .flags = FIELD_OPTIONAL, .offset = LANE(since)},
    {.name = "stage", .kind = FIELD_STR, .flags = FIELD_OPTIONAL, .offset = LANE(stage)},
    {.name = "restartMs",
     .kind = FIELD_OPT_INT,
     .flags = FIELD_OPTIONAL,
     .offset = LANE(restart_ms)},
    {.name = "progressMs", .kind = FIELD_INT, .offset = LANE(progress_ms)},
    {.name = "settled", .kind = FIELD_INT, .offset = LANE(settled)},
    {.name = "deferred", .kind = FIELD_INT, .offset = LANE(deferred)},
    {.name = "localLimits", .kind = FIELD_INT, .offset = LANE(local_limits)},
    {.name = "deaths", .kind = FIELD_INT, .offset = LANE(deaths)},
    {.name = "why", .kind = FIELD_STR, .flags = FIELD_OPTIONAL, .offset = LANE(why)},
};
static const struct shape lane_shape = SHAPE("Lane", struct status_lane, lane_fields);

#define POOL(member) offsetof(struct status_pool, member)
static const struct field pool_fields[] = {
    {.name = "name", .kind = FIELD_STR, .offset = POOL(name)},
    {.name = "working", .kind = FIELD_INT, .offset = POOL(working)},
    {.name = "lanes", .kind = FIELD_LIST, .offset = POOL(lanes), .shape = &lane_shape},
};
static const struct shape pool_shape = SHAPE("Pool", struct status_pool, pool_fields);

#define AT(member) offsetof(struct status, member)
static const struct field status_fields[] = {
    {.name = "pid", .kind = FIELD_INT, .offset = AT(pid)},
    {.name = "born", .kind = FIELD_INT, .offset = AT(born)},
    {.name = "writtenAt", .kind = FIELD_TIME, .offset = AT(written_at)},
    {.name = "aliveMs", .kind = FIELD_INT, .offset = AT(alive_ms)},
    {.name = "state", .kind = FIELD_STR, .offset = AT(state)},
    {.name = "reason", .kind = FIELD_STR, .flags = FIELD_OPTIONAL, .offset = AT(reason)},
    {.name = "ready", .kind = FIELD_BOOL, .offset = AT(ready)},
    {.name = "degraded", .kind = FIELD_BOOL, .offset = AT(degraded)},
    {.name = "warnings", .kind = FIELD_STRS, .offset = AT(warnings)},
    {.name = "pools", .kind = FIELD_LIST, .offset = AT(pools), .shape = &pool_shape},
};
static const struct shape status_shape = SHAPE("Status", struct status, status_fields);

/* --- writing ----------------------------------------------------------------------------------------- */

static bool write_file(const char *path, struct str text)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    const bool written = write(fd, text.ptr, text.len) == (ssize_t)text.len;
    const int error = errno;
    close(fd);
    errno = error;
    return written;
}

enum outcome status_save(const char *path, const struct status *status, struct arena *arena,
                         struct err *err)
{
    const struct str text = json_of_shape(arena, &status_shape, status);
    const struct str draft = str_printf(arena, "%s.%d.new", path, (int)getpid());
    if (!write_file(draft.ptr, text) || rename(draft.ptr, path) != 0)
        return err_retry(err, "cannot write %s: %s", path, strerror(errno));
    return OUTCOME_DONE;
}

/* --- reading ----------------------------------------------------------------------------------------- */

static bool read_file(const char *path, struct arena *arena, struct str *out)
{
    char *bytes = arena_bytes(arena, FILE_MAX);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const ssize_t got = read(fd, bytes, FILE_MAX - 1);
    const int error = errno;
    close(fd);
    errno = error;
    if (got < 0)
        return false;
    bytes[got] = '\0';
    *out = (struct str){bytes, (size_t)got};
    return true;
}

static void load_warnings(const struct json *list, struct arena *arena, struct status *out)
{
    const size_t count = json_count(list);
    out->warnings.items = arena_array(arena, count, sizeof(struct str));
    for (size_t i = 0; i < count; i++)
        out->warnings.items[out->warnings.count++] = json_str(json_element(list, i));
}

enum outcome status_load(const char *path, struct arena *arena, struct status *out,
                         struct str *text, struct err *err)
{
    const struct json *json = NULL;
    if (!read_file(path, arena, text))
        return err_retry(err, "cannot read %s: %s", path, strerror(errno));
    if (json_parse(arena, *text, &json, err) != OUTCOME_DONE || !json_member(json, "aliveMs"))
        return err_invalid(err, E_MALFORMED, "%s is not the state of a supervisor", path);
    *out = (struct status){
        .pid = json_int(json_member(json, "pid"), 0),
        .born = json_int(json_member(json, "born"), 0),
        .alive_ms = json_int(json_member(json, "aliveMs"), 0),
        .state = json_str(json_member(json, "state")),
        .reason = json_str(json_member(json, "reason")),
        .ready = json_bool(json_member(json, "ready"), false),
        .degraded = json_bool(json_member(json, "degraded"), false),
    };
    load_warnings(json_member(json, "warnings"), arena, out);
    return OUTCOME_DONE;
}

/* --- processes --------------------------------------------------------------------------------------- */

/* The start is field 22. The name in field 2 may hold blanks and brackets, so the count begins
 * behind the last closing bracket. */
int64_t process_born(int64_t pid)
{
    char path[64];
    char line[1024] = "";
    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    const bool read = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    const char *at = read ? strrchr(line, ')') : NULL;
    if (!at || at[1] != ' ' || at[2] == 'Z')
        return -1;
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoll(at, NULL, 10) : -1;
}
