/* command.c - `hillock` itself: which command a line calls, and the entries hk_main and hk_trainer_main. What a command takes and does is in its own file. */
#include "command/command.h"
#include "extend/extend.h"
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND(name) &hk__##name##_command,
static const hk__command *const commands[] = { HK__COMMANDS(COMMAND) };
enum { N_COMMAND = sizeof commands / sizeof *commands };

static const hk__option options[] = {
    HK__PRINT_CONFIG,
    HK__HELP,
    HK__OPT_FLAG("version", version, "print the version and stop"),
};
static const hk__command without = { .name = "", .options = options, .n_option = sizeof options / sizeof *options };

const hk__command *hk__command_at(int i) { return i < N_COMMAND ? commands[i] : i == N_COMMAND ? &without : NULL; }

int hk__command_run(const hk__command *c, int argc, char **argv) {
    hk__options o;
    int code = hk__options_parse(argc, argv, c, &o);
    if (code) return code;
    if (!o.help) return c->run(&o);
    hk__options_help(c, stdout);
    return 0;
}

static int dispatch(int argc, char **argv) {
    if (argc > 1 && argv[1][0] != '-') {
        const char *names[N_COMMAND];
        for (int i = 0; i < N_COMMAND; i++) {
            if (!strcmp(argv[1], commands[i]->name)) return hk__command_run(commands[i], argc - 1, argv + 1);
            names[i] = commands[i]->name;
        }
        return hk__usage_error("unknown command", argv[1], hk__conf_suggest(argv[1], names, N_COMMAND));
    }
    hk__options o;
    int code = hk__options_parse(argc, argv, &without, &o);
    if (code) return code;
    if (o.n_arg) return hk__usage_error("options of a command come behind it: unexpected", o.arg[0], NULL);
    if (o.version) printf("hillock %s\n", hk_version());
    else if (o.print_config) hk__schema_template(&hk__train_schema, stdout);
    else hk__options_help(&without, o.help ? stdout : stderr);
    return o.version || o.print_config || o.help ? 0 : 2;
}

int hk_trainer_main(int argc, char **argv, const hk_trainer_hooks *hooks) {
    static const char *const words[] = { "train", "eval", "plan" };
    hk_trainer_hooks table = HK_TRAINER_HOOKS_DEFAULT;
    if (hooks) memcpy(&table, hooks, hooks->struct_size < sizeof table ? hooks->struct_size : sizeof table);
    table.struct_size = (uint32_t)sizeof table;
    int named = 0;
    for (int i = 0; i < 3; i++) named |= argc > 1 && !strcmp(argv[1], words[i]);
    char **line = calloc((size_t)argc + 2, sizeof *line);
    if (!line) return hk__report(NULL, HK_ENOMEM);
    static char train[] = "train";
    memcpy(line, argv, (size_t)argc * sizeof *line);
    if (!named && argc > 0) memmove(line + 2, argv + 1, (size_t)argc * sizeof *line), line[1] = train, argc++;
    hk__options_program(&table);
    int code = hk_main(argc, line);
    hk__options_program(NULL);
    free(line);
    return code;
}

int hk_main(int argc, char **argv) {
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), old = c ? uselocale(c) : (locale_t)0; /* numbers are printed with a point */
    struct sigaction ignore = { .sa_handler = SIG_IGN }, xfsz;
    sigaction(SIGXFSZ, &ignore, &xfsz); /* a file that grows beyond a limit is an error of its write, not the end of the process */
    int code = dispatch(argc, argv);
    sigaction(SIGXFSZ, &xfsz, NULL);
    if (fflush(stdout) && !code) {
        perror("hillock: standard output");
        code = 1;
    }
    if (c) uselocale(old), freelocale(c);
    return code;
}
