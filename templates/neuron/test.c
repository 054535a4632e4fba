/* test_@name@.c - one neuron, step by step, beside the same equation in plain C. */
#include "check.h"

int main(int argc, char **argv) {
    enum { T = 8 };
    const float x[T] = { 0.3f, 0.6f, 0.5f, 0.9f, 0.1f, 1.2f, 0.7f, 0.2f };
    const hk_output outputs[] = { { ":v", 0, 0 } };
    float y[T], v[T], plain = 0;
    hk_module *root;
    hk_executor *ex;
    start(argc, argv);
    hk_network *net = network("@Type@(decay=0.75, v_threshold=0.8)", &root);
    must(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 1, outputs }, &ex));
    must(hk_executor_shape(ex, T, 1, 1, 1, (int64_t[]){ 1 }));
    must(hk_executor_write(ex, "x", HK_F32, x, T));
    must(hk_executor_run(ex));
    must(hk_executor_read(ex, "y", HK_F32, y, T));
    must(hk_executor_read(ex, ":v", HK_F32, v, T));
    for (int t = 0; t < T; t++) {
        float h = 0.75f * plain + x[t], spike = h >= 0.8f;
        plain = spike != 0 ? 0 : h;
        printf("t = %d  x = %.1f  spike = %.0f  v = %.4f\n", t, (double)x[t], (double)y[t], (double)v[t]);
        same("spike", (double)y[t], (double)spike, 0);
        same("v", (double)v[t], (double)plain, 1e-6);
    }
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root);
    return finish();
}
