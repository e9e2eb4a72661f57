/* fail_alloc.c - a library to be preloaded: one allocation of a program fails.
 *
 *   FAIL_ALLOC_AT=7         the seventh allocation after main() begins returns NULL
 *   FAIL_ALLOC_COUNT=path   how many there were is written there at the end
 *   FAIL_ALLOC_TELL=1       the call stack of the one that fails goes to standard error
 *
 * What is before main() belongs to the libraries and cannot be refused by anybody. Works in front of
 * ASan's allocator, too. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define EARLY_BYTES 8192 /* for what dlsym() itself asks for */
#define STACK_MAX   64

typedef int main_fn(int argc, char **argv, char **environment);
/* glibc declares it nowhere: every program calls it. */
int __libc_start_main(main_fn *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*loader_fini)(void), void *stack_end);

static struct {
    void *(*malloc)(size_t size);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *old, size_t size);
    void *(*aligned_alloc)(size_t align, size_t size);
    int (*posix_memalign)(void **out, size_t align, size_t size);
    void *(*mmap)(void *at, size_t size, int protection, int flags, int fd, off_t offset);
    void (*free)(void *block);
} next;

static _Alignas(max_align_t) char early[EARLY_BYTES];
static size_t early_used;
static bool resolving;

static main_fn *real_main;
static bool begun;
static atomic_long asked;
static long fails_at;
static const char *count_path;
static bool tells;

/* --- what is behind us ---------------------------------------------------------------------------- */

static void resolve(void)
{
    if (next.malloc || resolving)
        return;
    resolving = true;
    *(void **)&next.calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next.realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next.aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    *(void **)&next.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    *(void **)&next.mmap = dlsym(RTLD_NEXT, "mmap");
    *(void **)&next.free = dlsym(RTLD_NEXT, "free");
    *(void **)&next.malloc = dlsym(RTLD_NEXT, "malloc");
    resolving = false;
}

static void *early_alloc(size_t size)
{
    const size_t from =
        (early_used + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (size > EARLY_BYTES - from)
        return NULL;
    early_used = from + size;
    return early + from;
}

static bool is_early(const void *block)
{
    return (const char *)block >= early && (const char *)block < early + EARLY_BYTES;
}

/* --- which one fails ------------------------------------------------------------------------------ */

static void tell(void)
{
    void *stack[STACK_MAX];
    begun = false; /* nothing of this counts */
    backtrace_symbols_fd(stack, backtrace(stack, STACK_MAX), STDERR_FILENO);
    begun = true;
}

static bool fails(void)
{
    if (!begun || atomic_fetch_add(&asked, 1) + 1 != fails_at)
        return false;
    if (tells)
        tell();
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    resolve();
    if (resolving)
        return early_alloc(size);
    return fails() ? NULL : next.malloc(size);
}

void *calloc(size_t count, size_t size)
{
    resolve();
    if (resolving)
        return early_alloc(count * size); /* of a static array: zeroed */
    return fails() ? NULL : next.calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    resolve();
    return fails() ? NULL : next.realloc(old, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    resolve();
    return fails() ? NULL : next.aligned_alloc(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    resolve();
    return fails() ? ENOMEM : next.posix_memalign(out, align, size);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    resolve();
    return fails() ? MAP_FAILED : next.mmap(at, size, protection, flags, fd, offset);
}

void free(void *block)
{
    resolve();
    if (!is_early(block))
        next.free(block);
}

/* --- from main() to the end ----------------------------------------------------------------------- */

static void write_count(void)
{
    begun = false;
    if (!count_path)
        return;
    char digits[24];
    const int len = snprintf(digits, sizeof(digits), "%ld\n", atomic_load(&asked));
    const int file = open(count_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, digits, (size_t)len) != len)
        _exit(125);
    close(file);
}

static int counted_main(int argc, char **argv, char **environment)
{
    void *warm[1];
    const char *at = getenv("FAIL_ALLOC_AT");
    fails_at = at ? strtol(at, NULL, 10) : 0;
    count_path = getenv("FAIL_ALLOC_COUNT");
    tells = getenv("FAIL_ALLOC_TELL") && backtrace(warm, 1) == 1; /* loads its library now */
    atexit(write_count);
    begun = true;
    return real_main(argc, argv, environment);
}

int __libc_start_main(main_fn *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*loader_fini)(void), void *stack_end)
{
    int (*start)(main_fn *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
    *(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = main;
    return start(counted_main, argc, argv, init, fini, loader_fini, stack_end);
}
