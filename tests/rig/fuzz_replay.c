/* fuzz_replay.c - feeds saved inputs to a fuzz target, without libFuzzer.
 *
 * Arguments are files and folders of files. An input that breaks the target ends the program; its
 * name stands last in the output. Ends with the totals line of the rig. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *path)
{
    perror(path);
    exit(1);
}

static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    /* Exactly as long as the input, so that ASan sees a read beyond its end. */
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (!file || !data || fread(data, 1, size, file) != size)
        fail(path);
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    fclose(file);
}

static int replay(const char *path)
{
    struct stat st;
    struct dirent *entry;
    char child[PATH_MAX];
    int count = 0;

    if (stat(path, &st) != 0)
        fail(path);
    if (!S_ISDIR(st.st_mode)) {
        replay_file(path, (size_t)st.st_size);
        return 1;
    }
    DIR *dir = opendir(path);
    if (!dir)
        fail(path);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) >= (int)sizeof(child))
            fail(path);
        count += replay(child);
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++)
        count += replay(argv[i]);
    printf("%d passed, 0 failed\n", count);
    return 0;
}
