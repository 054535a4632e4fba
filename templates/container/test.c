/* test_@name@.c - a neuron with its own spike fed back, beside the same in plain C. */
#include "check.h"

int main(int argc, char **argv) {
    enum { T = 10 };
    float x[T], y[T], v = 0, last = 0;
    hk_module *root;
    hk_executor *ex;
    start(argc, argv);
    hk_network *net = network("@Type@(IF(v_threshold=1.0, v_reset=0.0), feedback=0.75)", &root);
    must(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL }, &ex));
    must(hk_executor_shape(ex, T, 1, 1, 1, (int64_t[]){ 1 }));
    for (int t = 0; t < T; t++) x[t] = 0.125f * (float)(t % 4 + 1);
    must(hk_executor_write(ex, "x", HK_F32, x, T));
    must(hk_executor_run(ex));
    must(hk_executor_read(ex, "y", HK_F32, y, T));
    for (int t = 0; t < T; t++) {
        v += x[t] + 0.75f * last;
        last = v >= 1.0f;
        if (last != 0) v = 0;
        printf("t = %d  x = %.3f  spike = %.0f\n", t, (double)x[t], (double)y[t]);
        same("spike", (double)y[t], (double)last, 0);
    }
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root);
    return finish();
}
