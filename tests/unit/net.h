/* net.h - what tests of whole networks share: a context with the built plugins, a network from text, and random numbers.
 * A network that a test makes on `cpu` is made on $HILLOCK_TEST_BACKEND where that is set. */
#ifndef TEST_NET_H
#define TEST_NET_H

#include "hillock/hillock.h"
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hk_context *net_context(void) {
    static hk_context *ctx;
    if (ctx) return ctx;
    hk_context_config c = HK_CONTEXT_CONFIG_DEFAULT;
    c.plugin_path = HILLOCK_BUILD_PLUGIN_DIR;
    c.no_default_plugins = 0;
    if (hk_context_new(&c, &ctx) != HK_OK) {
        fprintf(stderr, "context: %s\n", ctx ? hk_error(ctx) : "no memory");
        exit(1);
    }
    return ctx;
}

static inline const char *net_backend(const char *name) {
    const char *instead = getenv("HILLOCK_TEST_BACKEND");
    return instead && instead[0] && (!name || strcmp(name, "cpu") == 0) ? instead : name;
}

#define net_ok(call)                                                                                                                                           \
    do {                                                                                                                                                       \
        hk_status net_st = (call);                                                                                                                             \
        if (net_st != HK_OK) fail_msg("%s: %s: %s", #call, hk_status_name(net_st), hk_error(net_context()));                                                   \
    } while (0)

typedef struct net {
    hk_module *root, *loss, *optimizer;
    hk_network *net;
    hk_executor *ex;
} net;

/* text: constructor; loss, optimizer may be NULL. */
static __attribute__((unused)) void net_make(net *n, const char *text, const char *loss, const char *optimizer, hk_network_config cfg, hk_executor_config ec) {
    hk_context *ctx = net_context();
    memset(n, 0, sizeof *n);
    net_ok(hk_module_new_from_text(ctx, "hk.module/1", text, &n->root));
    if (loss) net_ok(hk_module_new_from_text(ctx, "hk.module/1", loss, &n->loss));
    if (optimizer) net_ok(hk_module_new_from_text(ctx, "hk.optimizer/1", optimizer, &n->optimizer));
    cfg.loss = n->loss, cfg.optimizer = n->optimizer, cfg.backend = net_backend(cfg.backend);
    net_ok(hk_network_new(ctx, n->root, &cfg, &n->net));
    net_ok(hk_executor_new(n->net, &ec, &n->ex));
}

static __attribute__((unused)) void net_free(net *n) {
    hk_executor_free(n->ex);
    hk_network_free(n->net);
    hk_module_free(n->optimizer);
    hk_module_free(n->loss);
    hk_module_free(n->root);
}

/* Repeatable numbers in [lo, hi). */
static __attribute__((unused)) double net_uniform(uint64_t *state, double lo, double hi) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return lo + (hi - lo) * (double)(*state >> 11) * 0x1p-53;
}

#endif
