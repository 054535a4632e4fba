/* test_@name@.c - outputs, and the gradients of input and gain, beside plain C. */
#include "check.h"

int main(int argc, char **argv) {
    enum { T = 2, N = 3, C = 4 };
    const float gain[C] = { 1.0f, -0.5f, 2.0f, 0.25f };
    const hk_output outputs[] = { { "y", 1, 0 } };
    float x[T][N][C], g[T][N][C], y[T][N][C], gx[T][N][C], ggain[C];
    double want[C] = { 0 };
    hk_module *root;
    hk_executor *ex;
    start(argc, argv);
    hk_network *net = network("@Type@(channels=4)", &root);
    must(hk_network_write_param(net, hk_network_find_param(net, "gain"), gain));
    must(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD, 1, outputs }, &ex));
    must(hk_executor_shape(ex, T, N, 1, 1, (int64_t[]){ C }));
    for (int i = 0; i < T * N * C; i++) (&x[0][0][0])[i] = 0.1f * (float)(i % 7), (&g[0][0][0])[i] = 1.0f - 0.2f * (float)(i % 5);
    must(hk_executor_write(ex, "x", HK_F32, x, T * N * C));
    must(hk_executor_write(ex, "grad_out:y", HK_F32, g, T * N * C));
    must(hk_executor_run(ex));
    must(hk_executor_backward(ex));
    must(hk_executor_read(ex, "y", HK_F32, y, T * N * C));
    must(hk_executor_read(ex, "grad:x", HK_F32, gx, T * N * C));
    must(hk_executor_read(ex, "grad:gain", HK_F32, ggain, C));
    for (int t = 0; t < T; t++)
        for (int n = 0; n < N; n++)
            for (int c = 0; c < C; c++) {
                same("y", (double)y[t][n][c], (double)(gain[c] * x[t][n][c]), 1e-6);
                same("gradient of x", (double)gx[t][n][c], (double)(gain[c] * g[t][n][c]), 1e-6);
                want[c] += (double)g[t][n][c] * (double)x[t][n][c];
            }
    for (int c = 0; c < C; c++) same("gradient of gain", (double)ggain[c], want[c], 1e-6);
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root);
    return finish();
}
