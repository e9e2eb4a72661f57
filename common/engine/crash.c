/* crash.c - the last words of a process.
 *
 * Handlers are static functions, which dladdr() does not know. So the names of our own functions
 * come from the symbol table of the executable itself (unless it is stripped), which is read only
 * after a process has died. */
#include "engine/crash.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

/* The frames of the signal handler itself and of the kernel's trampoline. */
#define OWN_FRAMES 2
/* The unwinder needs some 10 KiB; one page fault more or less does not matter here. */
#define STACK_BYTES ((size_t)64 * 1024)

/* This is process-wide because a signal handler has nothing else to write to. */
static struct crash_report *watched;
static _Thread_local const char *thread_name = "";

static void on_crash(int signal)
{
    void *frames[CRASH_FRAMES + OWN_FRAMES];
    /* A fault that happens while the first one is written down is not the cause. */
    if (watched->signal == 0) {
        watched->signal = signal;
        const int depth = backtrace(frames, CRASH_FRAMES + OWN_FRAMES) - OWN_FRAMES;
        for (int i = 0; i < depth; i++)
            watched->frames[i] = frames[i + OWN_FRAMES];
        watched->depth = depth > 0 ? depth : 0;
        memccpy(watched->thread, thread_name, '\0', sizeof(watched->thread) - 1);
        memcpy(watched->words, panic_text(), sizeof(watched->words));
    }
    /* SA_RESETHAND has put the default action back. */
    raise(signal);
}

/* The ordinary stack may be what overflowed, so each thread has another one for signals. */
static void take_own_stack(void)
{
    static _Thread_local char stack[STACK_BYTES];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    if (sigaltstack(&alternate, NULL) != 0)
        panic("no stack for signals: %s", strerror(errno));
}

void crash_watch_thread(const char *name)
{
    thread_name = name;
    take_own_stack();
}

void crash_watch(struct crash_report *crash)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    void *frame;
    watched = crash;
    /* The first call loads the unwinder, which takes memory; later there may be none. */
    (void)backtrace(&frame, 1);
    struct sigaction action = {.sa_handler = on_crash,
                               .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND)};
    sigemptyset(&action.sa_mask);
    take_own_stack();
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
}

void crash_signal_name(int signal, char out[CRASH_SIGNAL_MAX])
{
    const char *name = sigabbrev_np(signal);
    if (name)
        snprintf(out, CRASH_SIGNAL_MAX, "SIG%s", name);
    else
        snprintf(out, CRASH_SIGNAL_MAX, "signal %d", signal);
}

/* --- names of our own functions ------------------------------------------------------------------- */

/* The executable as it lies on the disk; bytes is NULL when it cannot be read. */
struct image {
    const char *bytes;
    size_t size;
};

static struct image image_open(void)
{
    struct image image = {0};
    struct stat status;
    const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0 && (size_t)status.st_size > sizeof(Elf64_Ehdr)) {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED)
            image = (struct image){bytes, (size_t)status.st_size};
    }
    if (fd >= 0)
        close(fd);
    return image;
}

static void image_close(struct image *image)
{
    if (image->bytes)
        munmap((void *)(uintptr_t)image->bytes, image->size);
}

static const void *image_at(const struct image *image, size_t offset, size_t size)
{
    return offset <= image->size && size <= image->size - offset ? image->bytes + offset : NULL;
}

static const Elf64_Shdr *find_symbols(const struct image *image, const Elf64_Shdr **names)
{
    const Elf64_Ehdr *head = (const void *)image->bytes;
    const Elf64_Shdr *sections =
        image_at(image, head->e_shoff, (size_t)head->e_shnum * sizeof(*sections));
    for (size_t i = 0; sections && i < head->e_shnum; i++)
        if (sections[i].sh_type == SHT_SYMTAB && sections[i].sh_link < head->e_shnum) {
            *names = &sections[sections[i].sh_link];
            return &sections[i];
        }
    return NULL;
}

/* Returns the function that contains this place of the image, and how far into it the place is;
 * NULL when the image is stripped or has no such function. */
static const char *image_symbol(const struct image *image, uintptr_t place, uintptr_t *into)
{
    const Elf64_Shdr *names = NULL;
    const Elf64_Shdr *table = image->bytes ? find_symbols(image, &names) : NULL;
    if (!table)
        return NULL;
    const Elf64_Sym *symbols = image_at(image, table->sh_offset, table->sh_size);
    const char *texts = image_at(image, names->sh_offset, names->sh_size);
    for (size_t i = 0; symbols && texts && i < table->sh_size / sizeof(*symbols); i++) {
        const Elf64_Sym *symbol = &symbols[i];
        if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || place < symbol->st_value ||
            place - symbol->st_value >= symbol->st_size || symbol->st_name >= names->sh_size)
            continue;
        *into = place - symbol->st_value;
        return texts + symbol->st_name;
    }
    return NULL;
}

/* --- text --------------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A return address may already belong to the next function, because the call stands before it; so
 * the byte before the address is looked up. */
static int frame_text(const struct image *image, uintptr_t address, bool innermost, char *out,
                      size_t size)
{
    const uintptr_t looked_up = address - (innermost ? 0 : 1);
    struct link_map *map = NULL;
    Dl_info info;
    if (!dladdr1((const void *)looked_up, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
        return snprintf(out, size, "%#" PRIxPTR, address);
    uintptr_t into = 0;
    const char *name = NULL;
    if (map->l_name[0] == '\0') /* our own program */
        name = image_symbol(image, looked_up - map->l_addr, &into);
    if (name)
        return snprintf(out, size, "%s+%#" PRIxPTR, name, into + (innermost ? 0 : 1));
    if (info.dli_sname)
        return snprintf(out, size, "%s+%#" PRIxPTR, info.dli_sname,
                        address - (uintptr_t)info.dli_saddr);
    return snprintf(out, size, "%s+%#" PRIxPTR, base_name(info.dli_fname), address - map->l_addr);
}

void crash_describe(const struct crash_report *crash, char out[CRASH_TEXT_MAX])
{
    struct image image = image_open();
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < crash->depth && i < CRASH_FRAMES; i++) {
        char frame[96];
        frame_text(&image, (uintptr_t)crash->frames[i], i == 0, frame, sizeof(frame));
        const int put = snprintf(out + len, CRASH_TEXT_MAX - len, "%s%s", i ? " < " : "", frame);
        if (put < 0 || (size_t)put >= CRASH_TEXT_MAX - len) {
            out[len] = '\0'; /* no half frames */
            break;
        }
        len += (size_t)put;
    }
    image_close(&image);
}
