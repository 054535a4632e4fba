/* test_@name@.c - five steps of a small layer, beside the update in plain C from the gradients that the network reports. */
#include "check.h"

int main(int argc, char **argv) {
    enum { T = 3, N = 4, IN = 3, OUT = 2, STEPS = 5, W = IN * OUT };
    float x[N][IN], w[W], g[W], got[W];
    double m[W] = { 0 }, plain[W];
    const int64_t target[N] = { 0, 1, 0, 1 };
    hk_module *root, *loss, *optimizer;
    hk_network *net;
    hk_executor *ex;
    start(argc, argv);
    must(hk_module_new_from_text(ctx, "hk.module/1", "Linear(3, 2, bias=false)", &root));
    must(hk_module_new_from_text(ctx, "hk.module/1", "MSE()", &loss));
    must(hk_module_new_from_text(ctx, "hk.optimizer/1", "@Type@(lr=0.05, beta=0.6)", &optimizer));
    hk_network_config config = HK_NETWORK_CONFIG_DEFAULT;
    config.loss = loss, config.optimizer = optimizer;
    must(hk_network_new(ctx, root, &config, &net));
    must(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, HK_SEPARATE, 0, NULL }, &ex));
    must(hk_executor_shape(ex, T, N, 0, 1, (int64_t[]){ IN }));
    for (int n = 0; n < N; n++)
        for (int i = 0; i < IN; i++) x[n][i] = 0.2f + 0.3f * (float)((n + i) % 3);
    must(hk_network_read_param(net, 0, w));
    for (int i = 0; i < W; i++) plain[i] = (double)w[i];
    for (int step = 1; step <= STEPS; step++) {
        must(hk_executor_write(ex, "x", HK_F32, x, N * IN));
        must(hk_executor_write(ex, "target", HK_I64, target, N));
        must(hk_executor_run(ex));
        must(hk_executor_backward(ex));
        must(hk_executor_read(ex, "grad:weight", HK_F32, g, W));
        must(hk_executor_step(ex));
        must(hk_network_read_param(net, 0, got));
        for (int i = 0; i < W; i++) {
            m[i] = 0.6 * m[i] + 0.4 * (double)g[i];
            plain[i] -= 0.05 * (m[i] > 0 ? 1 : m[i] < 0 ? -1 : 0);
            same("weight", (double)got[i], plain[i], 1e-5);
        }
        printf("step %d  weight[0] = %+.4f\n", step, (double)got[0]);
    }
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_module_free(loss), hk_module_free(optimizer);
    return finish();
}
