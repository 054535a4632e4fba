/* recurrent_tutorial.c - the first program of the recurrent tutorial: a neuron that hears itself.
 *
 * ElementWiseRecurrent computes y[t] = IF(y[t-1] + x[t]), y[-1] = 0. One push of 1.5 at t = 0 and soft reset: the neuron fires,
 * its own spike comes back as input, and it fires at every step although nothing comes from outside any more. */
#include <hillock/hillock.h>
#include <stdlib.h>

#define CHECK(call)                                                                                                                                            \
    do {                                                                                                                                                       \
        hk_status st_ = (call);                                                                                                                                \
        if (st_) {                                                                                                                                             \
            fprintf(stderr, "recurrent_tutorial: %s\n", ctx ? hk_error(ctx) : hk_status_text(st_));                                                            \
            exit(hk_status_exit_code(st_));                                                                                                                    \
        }                                                                                                                                                      \
    } while (0)

int main(void) {
    enum { T = 8 };
    const float x[T] = { 1.5f }; /* then zeros */
    const int64_t shape[1] = { 1 };
    float y[T];
    char text[512];
    hk_context *ctx = NULL;
    hk_module *root = NULL;
    hk_network *net = NULL;
    hk_executor *ex = NULL;

    CHECK(hk_context_new(NULL, &ctx));
    CHECK(hk_module_new_from_text(ctx, "hk.module/1", "ElementWiseRecurrent(IF(v_reset=none), element_wise_function=add)", &root));
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    CHECK(hk_network_new(ctx, root, &nc, &net));
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_INFER };
    CHECK(hk_executor_new(net, &ec, &ex));
    hk_module_to_text(root, text, sizeof text);
    printf("%s\n", text);

    CHECK(hk_executor_shape(ex, T, 1, 1, 1, shape)); /* x is [T, N = 1, 1] */
    CHECK(hk_executor_write(ex, "x", HK_F32, x, T));
    CHECK(hk_executor_run(ex));
    CHECK(hk_executor_read(ex, "y", HK_F32, y, T));
    for (int t = 0; t < T; t++) printf("t = %d  x = %.1f  spike = %.0f\n", t, (double)x[t], (double)y[t]);

    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_context_free(ctx);
    return 0;
}
