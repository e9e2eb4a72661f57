/* config_env.c - stores the variables that begin with CARTWRIGHT_ in their settings.
 *
 * An unknown variable with that prefix is refused like an unknown key: otherwise the setting of a
 * misspelt variable would silently keep its default. A secret may also come from a file
 * (CARTWRIGHT_AUTH_MASTER_KEY_FILE=/run/secrets/master), as Docker and Kubernetes mount them. */
#include "config/config_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FILE_SUFFIX     "_FILE"
#define SECRET_FILE_MAX 65536

/* Variables of ours that are not settings. */
static const char *const other_variables[] = {
    VARIABLE_PREFIX "CONFIG",     /* the path of the configuration file */
    VARIABLE_PREFIX "CRASHPOINT", /* fault tests: the place at which the process dies */
    /* The broker's URIs for web tiers (and `cartwright call`) and for programs that only listen. */
    VARIABLE_PREFIX "CLIENT_AMQP_URI",
    VARIABLE_PREFIX "READER_AMQP_URI",
};

/* Kubernetes describes each service of a namespace to every pod. The variables of a service named
 * "cartwright" look like ours: CARTWRIGHT_SERVICE_HOST, CARTWRIGHT_PORT_5672_TCP=tcp://... */
static const char *const injected[] = {"_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"};

struct variable {
    struct str name;
    struct str value;
};

static bool is_other(struct variable variable)
{
    for (size_t i = 0; i < sizeof(other_variables) / sizeof(other_variables[0]); i++)
        if (str_eq(variable.name, str_of(other_variables[i])))
            return true;
    for (size_t i = 0; i < sizeof(injected) / sizeof(injected[0]); i++)
        if (memmem(variable.name.ptr, variable.name.len, injected[i], strlen(injected[i])))
            return true;
    return str_starts_with(variable.value, STR("tcp://"));
}

static struct config_slot *slot_of(const struct config_loader *loader, struct str variable)
{
    for (size_t i = 0; i < loader->count; i++)
        if (loader->slots[i].variable.ptr && str_eq(loader->slots[i].variable, variable))
            return &loader->slots[i];
    return NULL;
}

/* Returns the slot of CARTWRIGHT_X for CARTWRIGHT_X_FILE; NULL unless that is a secret. */
static struct config_slot *slot_of_file(const struct config_loader *loader, struct str variable)
{
    const size_t suffix = strlen(FILE_SUFFIX);
    if (variable.len <= suffix ||
        memcmp(variable.ptr + variable.len - suffix, FILE_SUFFIX, suffix) != 0)
        return NULL;
    variable.len -= suffix;
    struct config_slot *slot = slot_of(loader, variable);
    return slot && config_is_secret(slot->setting) ? slot : NULL;
}

static enum outcome unknown_variable(const struct config_loader *loader, struct str name)
{
    struct config_guess guess = {.written = name};
    for (size_t i = 0; i < loader->count; i++)
        if (loader->slots[i].variable.ptr)
            config_consider(&guess, loader->slots[i].variable);
    return err_invalid(loader->err, E_VALIDATION_FAILED, "unknown variable %.*s%s", STR_FMT(name),
                       config_did_you_mean(loader->arena, &guess).ptr);
}

static struct str without_blanks(struct str text)
{
    static const char blanks[] = " \t\r\n";
    while (text.len > 0 && memchr(blanks, text.ptr[0], sizeof(blanks) - 1))
        text = (struct str){text.ptr + 1, text.len - 1};
    while (text.len > 0 && memchr(blanks, text.ptr[text.len - 1], sizeof(blanks) - 1))
        text.len--;
    return text;
}

/* Reads the whole file, in as many reads as it takes; false with errno set on an error or when the
 * file has `capacity` bytes or more (EFBIG). */
static bool read_all(int fd, char *bytes, size_t capacity, size_t *len)
{
    ssize_t got = 1;
    for (*len = 0; *len < capacity && got > 0; *len += (size_t)got) {
        got = read(fd, bytes + *len, capacity - *len);
        if (got < 0)
            return false;
    }
    errno = EFBIG;
    return *len < capacity;
}

static enum outcome read_secret(const struct config_loader *loader, struct variable variable,
                                struct str *out)
{
    char *bytes = arena_bytes(loader->arena, SECRET_FILE_MAX);
    size_t len = 0;
    const int fd = open(variable.value.ptr, O_RDONLY | O_CLOEXEC);
    const bool done = fd >= 0 && read_all(fd, bytes, SECRET_FILE_MAX, &len);
    const int error = errno;
    if (fd >= 0)
        close(fd);
    if (!done)
        return err_invalid(loader->err, E_VALIDATION_FAILED, "%.*s: cannot read %s: %s",
                           STR_FMT(variable.name), variable.value.ptr, strerror(error));
    *out = without_blanks((struct str){bytes, len});
    return OUTCOME_DONE;
}

static enum outcome apply_variable(struct config_loader *loader, struct variable variable)
{
    struct config_slot *slot = slot_of(loader, variable.name);
    struct config_value value = {.text = variable.value};
    if (!slot) {
        slot = slot_of_file(loader, variable.name);
        if (!slot)
            return is_other(variable) ? OUTCOME_DONE : unknown_variable(loader, variable.name);
        TRY(read_secret(loader, variable, &value.text));
    }
    if (str_starts_with(slot->from, STR(VARIABLE_PREFIX)))
        return err_invalid(loader->err, E_VALIDATION_FAILED, "both %.*s and %.*s are set",
                           STR_FMT(slot->from), STR_FMT(variable.name));
    return config_set_slot(loader, slot, &value, variable.name);
}

void config_hide_environment(void)
{
    for (char **at = environ; *at; at++) {
        if (strncmp(*at, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) != 0)
            continue;
        char *copy = strdup(*at);
        if (!copy)
            panic("out of memory for the environment");
        explicit_bzero(*at, strlen(*at));
        *at = copy;
    }
}

enum outcome config_apply_environment(struct config_loader *loader)
{
    for (char **at = environ; *at; at++) {
        const char *equals = strchr(*at, '=');
        if (!equals || strncmp(*at, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) != 0)
            continue;
        /* Both texts are copied, because the environment may change and the settings must not. */
        const struct str name = {*at, (size_t)(equals - *at)};
        TRY(apply_variable(loader, (struct variable){str_dup(loader->arena, name),
                                                     str_dup(loader->arena, str_of(equals + 1))}));
    }
    return OUTCOME_DONE;
}
