/* test_@name@.c - a training step on the backend and on cpu: the same loss and the same gradient, number by number. */
#include "check.h"

enum { T = 4, N = 20, IN = 6, OUT = 3 };

/* Lines of the plan that name an implementation. */
static int taken(const hk_executor *ex, const char *impl) {
    char *text = NULL;
    size_t size;
    int n = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return -1;
    must(hk_executor_print(ex, f));
    fclose(f);
    for (const char *at = text; (at = strstr(at, impl)); at++) n++;
    free(text);
    return n;
}

static double run_on(const char *backend, float grad[OUT * IN]) {
    float x[N][IN];
    int64_t target[N];
    double value;
    hk_module *root, *loss;
    hk_network *net;
    hk_executor *ex;
    must(hk_module_new_sequential(ctx, 2, (const char *[]){ "fc", "neuron" }, (const char *[]){ "Linear(6, 3)", "LIF(tau=2.0, surrogate=ATan())" }, &root));
    must(hk_module_new_from_text(ctx, "hk.module/1", "CrossEntropy(label_smoothing=0.1)", &loss));
    hk_network_config config = HK_NETWORK_CONFIG_DEFAULT;
    config.backend = backend, config.loss = loss, config.seed = 3;
    must(hk_network_new(ctx, root, &config, &net));
    must(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, HK_SEPARATE, 0, NULL }, &ex));
    must(hk_executor_shape(ex, T, N, 0, 1, (int64_t[]){ IN }));
    for (int n = 0; n < N; n++) {
        target[n] = n % OUT;
        for (int i = 0; i < IN; i++) x[n][i] = 0.4f * (float)((n * 5 + i * 3) % 11);
    }
    must(hk_executor_write(ex, "x", HK_F32, x, N * IN));
    must(hk_executor_write(ex, "target", HK_I64, target, N));
    must(hk_executor_run(ex));
    must(hk_executor_backward(ex));
    must(hk_executor_read(ex, "loss", HK_F64, &value, 1));
    must(hk_executor_read(ex, "grad:fc.weight", HK_F32, grad, OUT * IN));
    if (strcmp(backend, "cpu")) same("whether it took an operation", taken(ex, "@name@: a x + b") > 0, 1, 0);
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_module_free(loss);
    return value;
}

int main(int argc, char **argv) {
    float grad[OUT * IN], want[OUT * IN];
    start(argc, argv);
    double loss = run_on("@name@", grad), wanted = run_on("cpu", want);
    printf("loss %.6f, on cpu %.6f\n", loss, wanted);
    same("loss", loss, wanted, 1e-6);
    for (int i = 0; i < OUT * IN; i++) same("gradient", (double)grad[i], (double)want[i], 1e-6);
    return finish();
}
