/* test_@name@.c - the loss of a network that passes its input on, beside plain C. */
#include "check.h"

int main(int argc, char **argv) {
    enum { N = 4, C = 3 };
    const float x[N][C] = { { 0.9f, 0.1f, 0.0f }, { 0.2f, 0.3f, 0.4f }, { 0.5f, 0.5f, 0.5f }, { 0.0f, 1.0f, 0.0f } };
    const int64_t target[N] = { 0, 2, 1, 1 };
    double got, want = 0;
    hk_module *root, *loss;
    hk_network *net;
    hk_executor *ex;
    start(argc, argv);
    must(hk_module_new_from_text(ctx, "hk.module/1", "Flatten()", &root)); /* what comes in goes out */
    must(hk_module_new_from_text(ctx, "hk.module/1", "@Type@(on=0.8, off=0.1)", &loss));
    hk_network_config config = HK_NETWORK_CONFIG_DEFAULT;
    config.loss = loss;
    must(hk_network_new(ctx, root, &config, &net));
    must(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL }, &ex));
    must(hk_executor_shape(ex, 2, N, 0, 1, (int64_t[]){ C }));
    must(hk_executor_write(ex, "x", HK_F32, x, N * C));
    must(hk_executor_write(ex, "target", HK_I64, target, N));
    must(hk_executor_run(ex));
    must(hk_executor_read(ex, "loss", HK_F64, &got, 1));
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++) want += pow((double)x[n][c] - (c == target[n] ? 0.8 : 0.1), 2) / (N * C);
    printf("loss = %.6f\n", got);
    same("loss", got, want, 1e-6);
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_module_free(loss);
    return finish();
}
