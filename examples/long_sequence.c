/* long_sequence.c - a sequence of 2,000 steps in parts of 50: the outputs are those of one run over all steps, and the memory is that of a part. */
#include <hillock/hillock.h>
#include <stdio.h>
#include <stdlib.h>

enum { T = 2000, CHUNK = 50, N = 16, IN = 40, OUT = 10 };

#define CHECK(call)                                                                                                                                            \
    do {                                                                                                                                                       \
        if ((call) != HK_OK) {                                                                                                                                 \
            fprintf(stderr, "%s\n", hk_error(ctx));                                                                                                            \
            return 1;                                                                                                                                          \
        }                                                                                                                                                      \
    } while (0)

int main(void) {
    hk_context *ctx = NULL;
    hk_module *root;
    hk_network *net;
    hk_executor *ex;
    hk_plan_stats whole, part;
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_INFER };
    const int64_t shape[1] = { IN };
    float *x = malloc(sizeof *x * T * N * IN), *y = malloc(sizeof *y * T * N * OUT), *chunked = malloc(sizeof *chunked * T * N * OUT);
    if (!x || !y || !chunked) return 1;
    for (int64_t i = 0; i < T * N * IN; i++) x[i] = hk_random(7, 0, 0, 0, 0, i) < 0.2f;

    CHECK(hk_context_new(&cc, &ctx));
    CHECK(hk_module_new_from_text(
        ctx, "hk.module/1", "Sequential(Linear(40, 100), LIF(tau=4.0, v_threshold=0.1), Linear(100, 10), LIF(tau=4.0, v_threshold=0.1))", &root));
    CHECK(hk_network_new(ctx, root, &nc, &net));
    CHECK(hk_executor_new(net, &ec, &ex));

    CHECK(hk_executor_chunks(ex, T, T, N, 1, shape, x, y, T * N * OUT, NULL, NULL)); /* one part: all steps at once */
    CHECK(hk_executor_stats(ex, &whole));
    CHECK(hk_executor_chunks(ex, T, CHUNK, N, 1, shape, x, chunked, T * N * OUT, NULL, NULL));
    CHECK(hk_executor_stats(ex, &part));

    int64_t spikes = 0, differ = 0;
    for (int64_t i = 0; i < T * N * OUT; i++) spikes += y[i] != 0, differ += y[i] != chunked[i];
    printf("%lld spikes of %d x %d x %d, %lld differ; memory of a run: %.1f MiB at once, %.2f MiB in parts\n", (long long)spikes, T, N, OUT, (long long)differ,
        (double)whole.arena / 1048576, (double)part.arena / 1048576);
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_context_free(ctx);
    free(x), free(y), free(chunked);
    return differ != 0 || spikes == 0;
}
