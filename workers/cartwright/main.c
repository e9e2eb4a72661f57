/* main.c - `cartwright`: finds the sub-command and runs it. */
#include <stdio.h>
#include <sys/stat.h>

#include "cartwright/command.h"
#include "version.h"

static const struct command *const commands[] = {
    &worker_command,   &call_command,
    &topology_command, &index_command,
    &migrate_command,  &admin_command,
    &check_command,    &config_command,
    &describe_command, &dead_letter_command,
    &health_command,   &sealing_key_command,
    &new_command,      NULL,
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static void print_commands(FILE *out)
{
    fputs("Cartwright, a commerce backend behind a message broker.\n\n", out);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  cartwright %-52s %s\n", commands[i]->usage, commands[i]->help);
    fputs("  cartwright help [COMMAND]\n"
          "  cartwright --version\n\n"
          "Configuration: --config FILE or $CARTWRIGHT_CONFIG, then CARTWRIGHT_* variables;\n"
          "`cartwright config` shows what is in force and where it came from.\n",
          out);
}

static int help(int argc, char **argv)
{
    const bool of_all = argc < 2 || is_help(argv[1]);
    const struct command *command = of_all ? NULL : find(argv[1]);
    if (!of_all && !command)
        return command_fail("help", EXIT_USAGE, "there is no command '%s'; try `cartwright help`",
                            argv[1]);
    if (command)
        printf("cartwright %s\n\n%s\n\n%s\n", command->usage, command->help, command->details);
    else
        print_commands(stdout);
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    umask(S_IRWXG | S_IRWXO); /* files that are written are for their owner only */
    config_hide_environment();
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    if (is_help(argv[1]))
        return help(argc - 1, argv + 1);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        puts("cartwright " CARTWRIGHT_VERSION);
        return EXIT_OK;
    }
    const struct command *command = find(argv[1]);
    if (!command)
        return command_fail(argv[1], EXIT_USAGE, "no such command; try `cartwright help`");
    if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
        return help(2, (char *[]){argv[0], argv[1], NULL});
    return command->run(argc - 1, argv + 1);
}
