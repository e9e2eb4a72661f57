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
    const struct str text = json_of_shape(arena, status_schema.shape, status);
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

enum outcome status_load(const char *path, struct arena *arena, struct status *out,
                         struct str *text, struct err *err)
{
    const struct json *json = NULL;
    const void *read = NULL;
    if (!read_file(path, arena, text))
        return err_retry(err, "cannot read %s: %s", path, strerror(errno));
    if (json_parse(arena, *text, &json, err) != OUTCOME_DONE ||
        schema_read(&status_schema, arena, json, &read, err) != OUTCOME_DONE)
        return err_invalid(err, E_MALFORMED, "%s is not the state of a supervisor", path);
    *out = *(const struct status *)read;
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
