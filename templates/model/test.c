/* test_@name@.c - names and sizes of the parameters, and that the network learns two classes that light up different inputs. */
#include "check.h"

int main(int argc, char **argv) {
    enum { T = 8, N = 16, IN = 4, HIDDEN = 12, STEPS = 60 };
    static const char *const names[] = { "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias" };
    static const int sizes[] = { IN * HIDDEN, HIDDEN, HIDDEN * 2, 2 };
    float x[N][IN];
    int64_t target[N];
    double first = 0, last = 0;
    hk_module *root, *loss, *optimizer;
    hk_network *net;
    hk_executor *ex;
    start(argc, argv);
    must(hk_module_new_from_text(ctx, "hk.module/1", "@Type@(in=4, hidden=12, out=2)", &root));
    must(hk_module_new_from_text(ctx, "hk.module/1", "MSE()", &loss));
    must(hk_module_new_from_text(ctx, "hk.optimizer/1", "Adam(lr=0.02)", &optimizer));
    hk_network_config config = HK_NETWORK_CONFIG_DEFAULT;
    config.loss = loss, config.optimizer = optimizer, config.seed = 1;
    must(hk_network_new(ctx, root, &config, &net));
    for (int i = 0; i < 4; i++) {
        int at = hk_network_find_param(net, names[i]);
        same(names[i], at < 0 ? -1 : (double)hk_network_param(net, at)->elems, sizes[i], 0);
    }
    for (int n = 0; n < N; n++) {
        target[n] = n % 2;
        for (int i = 0; i < IN; i++) x[n][i] = (i / 2 == n % 2 ? 1.0f : 0.2f) * (0.8f + 0.02f * (float)n);
    }
    must(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, 0, 0, NULL }, &ex));
    must(hk_executor_shape(ex, T, N, 0, 1, (int64_t[]){ IN }));
    for (int step = 0; step < STEPS; step++) {
        must(hk_executor_write(ex, "x", HK_F32, x, N * IN));
        must(hk_executor_write(ex, "target", HK_I64, target, N));
        must(hk_executor_run(ex));
        must(hk_executor_read(ex, "loss", HK_F64, &last, 1));
        if (step == 0) first = last;
    }
    printf("loss %.4f, after %d steps %.4f\n", first, STEPS, last);
    same("the loss has halved", last < first / 2, 1, 0);
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_module_free(loss), hk_module_free(optimizer);
    return finish();
}
