/* test_@name@.c - spikes are 0 or 1, and their rate is gain x + offset, within six standard deviations. */
#include "check.h"

int main(int argc, char **argv) {
    enum { T = 4000, C = 5 };
    static float y[T][C];
    const float x[C] = { 0.0f, 0.1f, 0.25f, 0.5f, 1.0f };
    hk_module *root;
    hk_executor *ex;
    start(argc, argv);
    hk_network *net = network("@Type@(gain=0.8, offset=0.2)", &root);
    must(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL }, &ex));
    must(hk_executor_shape(ex, T, 1, 0, 1, (int64_t[]){ C })); /* the same x at each of the T steps */
    must(hk_executor_write(ex, "x", HK_F32, x, C));
    must(hk_executor_run(ex));
    must(hk_executor_read(ex, "y", HK_F32, y, T * C));
    for (int c = 0; c < C; c++) {
        double rate = 0, p = 0.8 * (double)x[c] + 0.2;
        for (int t = 0; t < T; t++) {
            if (y[t][c] != 0 && y[t][c] != 1) same("a spike", (double)y[t][c], 1, 0);
            rate += (double)y[t][c] / T;
        }
        printf("x = %.2f  rate = %.4f\n", (double)x[c], rate);
        same("rate", rate, p, 6 * sqrt(p * (1 - p) / T) + 1e-9);
    }
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root);
    return finish();
}
