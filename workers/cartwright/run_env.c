/* run_env.c - looks whether the addresses in the shell are those of .run/env, which `make up`
 * writes and a shell reads. `make up` chooses ports anew, so a shell may have old addresses. */
#include <stdlib.h>

#include "cartwright/command.h"

#define RUN_ENV     ".run/env"
#define RUN_ENV_MAX ((size_t)16 * 1024)

/* True when a line of the file, other than the first, sets the variable to this value. */
static bool says(struct str file, const char *name, const char *value, struct arena *arena)
{
    const struct str line = str_printf(arena, "\nexport %s='%s'\n", name, value);
    return strstr(file.ptr, line.ptr) != NULL;
}

static const char *hint_from(struct str file, struct arena *arena)
{
    static const char *const names[] = {"CARTWRIGHT_AMQP_URI", "CARTWRIGHT_AMQP_OPERATOR_URI",
                                        "CARTWRIGHT_CLIENT_AMQP_URI", "CARTWRIGHT_MONGODB_URI",
                                        "CARTWRIGHT_REDIS_URI"};
    const char *hint = NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (!value)
            continue;
        if (!says(file, names[i], value, arena))
            return "this shell has other addresses than " RUN_ENV "; for those: `. " RUN_ENV "`";
        hint = "this shell has the addresses of " RUN_ENV "; `make up` starts what it names";
    }
    return hint;
}

const char *run_env_hint(void)
{
    struct arena arena;
    struct str file;
    arena_init(&arena, 2 * RUN_ENV_MAX);
    const char *hint =
        command_read_file(&arena, RUN_ENV, RUN_ENV_MAX, &file) ? hint_from(file, &arena) : NULL;
    arena_release(&arena);
    return hint;
}
