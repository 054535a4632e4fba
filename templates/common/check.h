/* check.h - what the test stands on: errors end it, numbers are compared and both are printed when they differ. */
#ifndef CHECK_H
#define CHECK_H

#include <hillock/hillock.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static hk_context *ctx;
static int n_checked, n_failed;

static inline void must(hk_status st) {
    if (!st) return;
    fprintf(stderr, "error: %s\n", ctx && hk_error(ctx)[0] ? hk_error(ctx) : hk_status_text(st));
    exit(1);
}
static inline void same(const char *what, double got, double want, double tolerance) {
    n_checked++;
    if (fabs(got - want) <= tolerance * fmax(1, fabs(want))) return;
    n_failed++;
    printf("%s: got %.9g, expected %.9g\n", what, got, want);
}
/* Hillock's own plugins and the one that the command line names. */
static inline void start(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s PLUGIN.so\n", argv[0]);
        exit(2);
    }
    must(hk_context_new(NULL, &ctx));
    must(hk_plugin_load(ctx, argv[1]));
}
static inline int finish(void) {
    hk_context_free(ctx);
    printf("%d numbers compared, %d differ\n", n_checked, n_failed);
    return n_failed || !n_checked;
}
static inline hk_network *network(const char *text, hk_module **root) {
    hk_network *net;
    must(hk_module_new_from_text(ctx, "hk.module/1", text, root));
    must(hk_network_new(ctx, *root, NULL, &net));
    return net;
}

#endif
