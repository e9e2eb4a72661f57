/* id.c - object ids. */
#include "base/id.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool id_is_valid(struct str text)
{
    if (text.len != ID_TEXT)
        return false;
    for (size_t i = 0; i < ID_TEXT; i++)
        if (hex_value(text.ptr[i]) < 0)
            return false;
    return true;
}

/* Process-wide on purpose: each process has one sequence of ids. Its random bytes are drawn anew
 * when a new process id shows that the process has forked. */
static struct {
    void (*fill)(void *out, size_t len); /* NULL: the kernel's generator */
    pid_t owner;
    uint8_t process[5];
    uint32_t counter;
} generator;

void random_set_source(void (*fill)(void *out, size_t len))
{
    generator.fill = fill;
    generator.owner = 0;
}

void random_bytes(void *out, size_t len)
{
    if (generator.fill) {
        generator.fill(out, len);
        return;
    }
    unsigned char *at = out;
    while (len > 0) {
        const ssize_t got = getrandom(at, len, 0);
        if (got < 0)
            panic("getrandom failed");
        at += got;
        len -= (size_t)got;
    }
}

struct str id_new(struct arena *arena, int64_t now_ms)
{
    if (generator.owner != getpid()) {
        generator.owner = getpid();
        random_bytes(generator.process, sizeof(generator.process));
        random_bytes(&generator.counter, sizeof(generator.counter));
    }
    const uint8_t *process = generator.process;
    const uint32_t seconds = (uint32_t)(now_ms / 1000);
    const uint32_t count = generator.counter++;
    const uint8_t bytes[ID_BYTES] = {
        (uint8_t)(seconds >> 24),
        (uint8_t)(seconds >> 16),
        (uint8_t)(seconds >> 8),
        (uint8_t)seconds,
        process[0],
        process[1],
        process[2],
        process[3],
        process[4],
        (uint8_t)(count >> 16),
        (uint8_t)(count >> 8),
        (uint8_t)count,
    };
    return id_from_bytes(arena, bytes);
}

void id_to_bytes(struct str text, uint8_t out[ID_BYTES])
{
    for (size_t i = 0; i < ID_BYTES; i++)
        out[i] = (uint8_t)(hex_value(text.ptr[2 * i]) * 16 + hex_value(text.ptr[2 * i + 1]));
}

struct str id_from_bytes(struct arena *arena, const uint8_t bytes[ID_BYTES])
{
    return hex_of(arena, bytes, ID_BYTES);
}

struct str hex_of(struct arena *arena, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    char *text = arena_bytes(arena, 2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[from[i] >> 4];
        text[2 * i + 1] = digits[from[i] & 15];
    }
    text[2 * len] = '\0';
    return (struct str){text, 2 * len};
}
