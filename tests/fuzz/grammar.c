/* grammar.c - fuzz target: constructor text, parsed and built with the types of the layers and containers. What is accepted must print as a
 * text that builds the same. */
#include "core.h"
#include <stdlib.h>
#include <string.h>

bool hk__op_is_core(const char *name) { /* operations are no part of this target: no plugin in it brings one */
    (void)name;
    return false;
}

extern const hk_plugin_entry fuzz_layers, fuzz_containers;

static void build(hk_context *ctx, const char *text, char *out, size_t size) {
    hk_module *m = NULL;
    out[0] = 0;
    hk_status st = hk_module_new_from_text(ctx, "hk.module/1", text, &m);
    if (st && !hk_error(ctx)[0]) abort();
    if (!st && hk_module_to_text(m, out, size) >= (int)size) out[0] = 0; /* too long to compare */
    hk_module_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static hk_context *ctx;
    static char one[1 << 16], two[1 << 16];
    if (!ctx) {
        hk_context_config cfg = HK_CONTEXT_CONFIG_DEFAULT;
        cfg.no_default_plugins = 1, cfg.log_level = 0;
        if (hk_context_new(&cfg, &ctx) || hk_plugin_add(ctx, &fuzz_layers) || hk_plugin_add(ctx, &fuzz_containers)) {
            fprintf(stderr, "%s\n", ctx ? hk_error(ctx) : "");
            abort();
        }
    }
    char *text = strndup((const char *)data, size);
    build(ctx, text, one, sizeof one);
    if (one[0]) {
        build(ctx, one, two, sizeof two);
        if (strcmp(one, two)) {
            fprintf(stderr, "'%s' prints as\n%s\nwhich prints as\n%s\n%s\n", text, one, two, hk_error(ctx));
            abort();
        }
    }
    free(text);
    return 0;
}
