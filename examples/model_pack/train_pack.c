/* train_pack.c - loads a model pack by its file name, or finds it among the installed plugins, and trains it for a few steps. */
#include <hillock/hillock.h>
#include <stdlib.h>

static hk_context *ctx;
static void check(hk_status st) {
    if (st) fprintf(stderr, "train_pack: %s\n", ctx ? hk_error(ctx) : hk_status_text(st)), exit(hk_status_exit_code(st));
}

int main(int argc, char **argv) {
    enum { T = 4, N = 32, IN = 16, CLASSES = 4 };
    float x[N][IN];
    int64_t target[N];
    const int64_t shape[1] = { IN };
    for (int n = 0; n < N; n++) { /* class c lights up the c-th quarter of the input */
        target[n] = n % CLASSES;
        for (int i = 0; i < IN; i++) x[n][i] = (i / (IN / CLASSES) == n % CLASSES ? 2.0f : 0.3f) * (0.8f + 0.02f * (float)n);
    }
    hk_module *root, *loss, *optimizer;
    hk_network *net;
    hk_executor *ex;
    check(hk_context_new(NULL, &ctx));
    if (argc > 1) check(hk_plugin_load(ctx, argv[1]));
    check(hk_module_new_from_text(ctx, "hk.module/1", "TwoLayer(16, out=4)", &root));
    check(hk_module_new_from_text(ctx, "hk.module/1", "MSE()", &loss));
    check(hk_module_new_from_text(ctx, "hk.optimizer/1", "Adam(lr=0.02)", &optimizer));
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.loss = loss, nc.optimizer = optimizer, nc.seed = 1;
    check(hk_network_new(ctx, root, &nc, &net));
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_TRAIN };
    check(hk_executor_new(net, &ec, &ex));
    check(hk_executor_shape(ex, T, N, 0, 1, shape));
    printf("hillock %s, first parameter %s\n", hk_version(), hk_network_param(net, 0)->name);
    for (int step = 0; step < 30; step++) {
        double value, correct;
        check(hk_executor_write(ex, "x", HK_F32, x, N * IN));
        check(hk_executor_write(ex, "target", HK_I64, target, N));
        check(hk_executor_run(ex));
        check(hk_executor_read(ex, "loss", HK_F64, &value, 1));
        check(hk_executor_read(ex, "correct", HK_F64, &correct, 1));
        if (step % 29 == 0) printf("step %2d  loss %.4f  correct %2.0f/%d\n", step, value, correct, N);
    }
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_module_free(loss), hk_module_free(optimizer), hk_context_free(ctx);
    return 0;
}
