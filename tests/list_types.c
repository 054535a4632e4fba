/* Prints "interface id plugin" for every registered type, one a line. For the shell tests. */
#include "hillock/hillock.h"

static void print_type(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    (void)arg, (void)vtable;
    printf("%s %s %s\n", iface, id, plugin);
}

int main(void) {
    hk_context *ctx = NULL;
    hk_status st = hk_context_new(NULL, &ctx);
    if (st != HK_OK) {
        fprintf(stderr, "%s\n", ctx ? hk_error(ctx) : hk_status_text(st));
        hk_context_free(ctx);
        return hk_status_exit_code(st);
    }
    hk_type_each(ctx, NULL, print_type, NULL);
    hk_context_free(ctx);
    return 0;
}
