/* test_@name@.c - outputs and gradient beside plain C. */
#include "check.h"

int main(int argc, char **argv) {
    enum { N = 9 };
    const double beta = 2.0;
    float x[N], g[N], y[N], gx[N];
    const hk_output outputs[] = { { "y", 1, 0 } };
    hk_module *root;
    hk_executor *ex;
    start(argc, argv);
    hk_network *net = network("@Type@(beta=2.0)", &root);
    must(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD, 1, outputs }, &ex));
    must(hk_executor_shape(ex, 1, 1, 1, 1, (int64_t[]){ N }));
    for (int i = 0; i < N; i++) x[i] = 0.5f * (float)(i - 4), g[i] = 1.0f + 0.1f * (float)i;
    must(hk_executor_write(ex, "x", HK_F32, x, N));
    must(hk_executor_write(ex, "grad_out:y", HK_F32, g, N));
    must(hk_executor_run(ex));
    must(hk_executor_backward(ex));
    must(hk_executor_read(ex, "y", HK_F32, y, N));
    must(hk_executor_read(ex, "grad:x", HK_F32, gx, N));
    for (int i = 0; i < N; i++) {
        printf("x = %+.1f  y = %.4f\n", (double)x[i], (double)y[i]);
        const double s = 1 / (1 + exp(-beta * (double)x[i]));
        same("y", (double)y[i], (double)x[i] * s, 1e-6);
        same("gradient", (double)gx[i], (double)g[i] * s * (1 + beta * (double)x[i] * (1 - s)), 1e-6);
    }
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root);
    return finish();
}
