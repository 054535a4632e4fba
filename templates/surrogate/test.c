/* test_@name@.c - the gradient that a neuron passes back in one step is the upstream gradient times s'(h - v_threshold). */
#include "check.h"

int main(int argc, char **argv) {
    enum { N = 9 };
    float x[N], g[N], gx[N], y[N];
    const hk_output outputs[] = { { "y", 1, 0 } };
    hk_module *root;
    hk_executor *ex;
    start(argc, argv);
    hk_network *net = network("IF(v_threshold=1.0, surrogate=@Type@(width=0.8))", &root);
    must(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD, 1, outputs }, &ex));
    must(hk_executor_shape(ex, 1, 1, 1, 1, (int64_t[]){ N }));
    for (int i = 0; i < N; i++) x[i] = 0.25f * (float)i, g[i] = 1.0f + (float)i;
    must(hk_executor_write(ex, "x", HK_F32, x, N));
    must(hk_executor_write(ex, "grad_out:y", HK_F32, g, N));
    must(hk_executor_run(ex));
    must(hk_executor_backward(ex));
    must(hk_executor_read(ex, "y", HK_F32, y, N));
    must(hk_executor_read(ex, "grad:x", HK_F32, gx, N));
    for (int i = 0; i < N; i++) {
        double z = (double)x[i] - 1.0, slope = fmax(0, 1 - fabs(z) / 0.8) / 0.8;
        printf("h - v_threshold = %+.2f  spike = %.0f  s' = %.4f\n", z, (double)y[i], (double)gx[i] / (double)g[i]);
        same("spike", (double)y[i], z >= 0, 0);
        same("gradient", (double)gx[i], (double)g[i] * slope, 1e-6);
    }
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root);
    return finish();
}
