/* manual_loop.c - training without the trainer: create, run, loss, backward, look at a gradient, step. */
#include <hillock/hillock.h>
#include <stdlib.h>

static hk_context *ctx;
static void check(hk_status st) {
    if (st) fprintf(stderr, "manual_loop: %s\n", ctx ? hk_error(ctx) : hk_status_text(st)), exit(hk_status_exit_code(st));
}

int main(void) {
    enum { T = 8, N = 16, IN = 4, CLASSES = 2 };
    float x[N][IN], grad[CLASSES * IN];
    int64_t target[N];
    const int64_t shape[1] = { IN };
    for (int n = 0; n < N; n++) { /* class 0 lights up the first half of the inputs, class 1 the second */
        target[n] = n % CLASSES;
        for (int i = 0; i < IN; i++) x[n][i] = (i / 2 == n % CLASSES ? 1.0f : 0.2f) * (0.8f + 0.05f * (float)(n / CLASSES));
    }
    hk_module *root, *loss, *optimizer;
    hk_network *net;
    hk_executor *ex;
    check(hk_context_new(NULL, &ctx));
    check(hk_module_new_sequential(ctx, 2, (const char *[]){ "fc", "neuron" }, (const char *[]){ "Linear(4, 2)", "LIF(tau=2.0, surrogate=ATan())" }, &root));
    check(hk_module_new_from_text(ctx, "hk.module/1", "MSE()", &loss));
    check(hk_module_new_from_text(ctx, "hk.optimizer/1", "Adam(lr=0.02)", &optimizer));
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.loss = loss, nc.optimizer = optimizer, nc.seed = 1;
    check(hk_network_new(ctx, root, &nc, &net));
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_TRAIN, .flags = HK_SEPARATE };
    check(hk_executor_new(net, &ec, &ex));
    check(hk_executor_shape(ex, T, N, 0, 1, shape)); /* the same x at each of the T steps */
    for (int step = 0; step < 20; step++) {
        double value, correct;
        check(hk_executor_write(ex, "x", HK_F32, x, N * IN));
        check(hk_executor_write(ex, "target", HK_I64, target, N));
        check(hk_executor_run(ex));
        check(hk_executor_read(ex, "loss", HK_F64, &value, 1));
        check(hk_executor_read(ex, "correct", HK_F64, &correct, 1));
        check(hk_executor_backward(ex));
        check(hk_executor_read(ex, "grad:fc.weight", HK_F32, grad, CLASSES * IN));
        printf("step %2d  loss %.4f  correct %2.0f/%d  gradient of fc.weight[0,0] %+.5f\n", step, value, correct, N, (double)grad[0]);
        check(hk_executor_step(ex));
    }
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_module_free(loss), hk_module_free(optimizer), hk_context_free(ctx);
    return 0;
}
