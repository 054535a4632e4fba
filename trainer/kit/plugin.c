/* plugin.c - `hillock plugin build FILE.c`: a plugin of one file, without a project around it. */
#include "command/command.h"
#include "trainer.h"
#include "kit/kit.h"
#include <stdlib.h>
#include <string.h>

/* The context had no type before the plugin. */
static void print_type(void *arg, const char *iface, const char *id, const char *plugin, const void *vt) {
    (void)arg, (void)plugin, (void)vt;
    printf("  %s '%s'\n", iface, id);
}

static int build(const char *source, const char *out) {
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    hk_context *ctx = NULL;
    char why[HK__WHY] = "", file[4096];
    size_t n = strlen(source);
    cc.no_default_plugins = 1, cc.log_level = 0;
    if (n < 3 || strcmp(source + n - 2, ".c")) {
        fprintf(stderr, "hillock: plugin build: expected a file that ends in .c, got '%s'\n", source);
        return 2;
    }
    if (out) n = strlen(out) + 2; /* a bare name would be searched for */
    snprintf(file, sizeof file, "%s%.*s%s", strchr(out ? out : source, '/') ? "" : "./", (int)(n - 2), out ? out : source, out ? "" : ".so");
    hk_status st = hk_context_new(&cc, &ctx);
    if (st) snprintf(why, sizeof why, "%s", ctx ? hk_error(ctx) : hk_status_text(st));
    else st = hk__plugin_compile(ctx, source, file, why);
    if (st) fprintf(stderr, "hillock: plugin build: %s\n", why);
    else {
        printf("%s: loads, and brings\n", file);
        hk_type_each(ctx, NULL, print_type, NULL);
    }
    hk_context_free(ctx);
    return st ? hk_status_exit_code(st) : 0;
}

static void more_help(FILE *f) {
    fprintf(f, "\nCC and CFLAGS of the environment are used (default: cc, -O2 -Wall -Wextra).\n");
}

static int run(const hk__options *o) {
    if (o->n_arg == 2 && !strcmp(o->arg[0], "build")) return build(o->arg[1], o->out);
    fprintf(stderr, "hillock: plugin: expected 'build FILE.c'; see hillock plugin --help\n");
    return 2;
}

static const hk__option options[] = {
    HK__OPT_TEXT("out", "FILE", out, "the file to write; default: beside FILE.c, .so for .c"),
    HK__HELP,
};
const hk__command hk__plugin_command = {
    .name = "plugin",
    .usage = "plugin build FILE.c [--out FILE.so]",
    .doc = "compile a plugin of one file, and load it",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .more_help = more_help,
    .run = run,
};
