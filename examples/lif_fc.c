/* lif_fc.c - SpikingJelly's lif_fc_mnist in C: one layer of ten LIF neurons on pictures turned into Poisson spikes, T = 100 steps, Adam 1e-3,
 * batch 64, MSE of the firing rate. Prints what the tutorial prints: loss, accuracy, iterations and pictures per second of training and test.
 * Usage: lif_fc [EPOCHS [T [FOLDER of MNIST's IDX files; default: Fashion-MNIST]]] */
#include <hillock/hillock.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 64, PIXELS = 28 * 28 };

static hk_context *ctx;
static void check(hk_status st) {
    if (st) fprintf(stderr, "lif_fc: %s\n", ctx && hk_error(ctx)[0] ? hk_error(ctx) : hk_status_text(st)), exit(hk_status_exit_code(st));
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One pass over a split: prints its loss, accuracy and speed. Training and test differ in the executor alone. */
static void pass(const char *name, int epoch, hk_executor *ex, const hk_dataset_type *type, void *ds, int64_t T, int shuffle) {
    static float x[BATCH * PIXELS];
    static int64_t y[BATCH];
    const int64_t size = type->size(ds);
    int64_t *order = malloc((size_t)size * sizeof *order), done = 0, batches = 0;
    double loss = 0, right = 0, t0 = now();
    if (!order) check(HK_ENOMEM);
    for (int64_t i = 0; i < size; i++) order[i] = i;
    for (int64_t i = size - 1; i > 0 && shuffle; i--) { /* Fisher-Yates */
        const int64_t k = (int64_t)((double)hk_random(0, hk_random_stream("order"), epoch, 0, i, 0) * (double)(i + 1)), swap = order[i];
        order[i] = order[k], order[k] = swap;
    }
    for (; done < size; batches++) {
        const int64_t n = size - done < BATCH ? size - done : BATCH;
        double one, some;
        check(type->read(ds, n, order + done, x, y));
        check(hk_executor_shape(ex, T, n, 0, 3, (int64_t[]){ 1, 28, 28 }));
        check(hk_executor_write(ex, "x", HK_F32, x, n * PIXELS));
        check(hk_executor_write(ex, "target", HK_I64, y, n));
        check(hk_executor_run(ex)); /* forward, and in training backward and Adam's step */
        check(hk_executor_read(ex, "loss", HK_F64, &one, 1));
        check(hk_executor_read(ex, "correct", HK_F64, &some, 1));
        loss += one * (double)n, right += some, done += n;
    }
    const double seconds = now() - t0;
    printf("epoch %d %-5s loss %.4f  acc %.4f  %7.0f it/s  %8.0f images/s\n", epoch, name, loss / (double)size, right / (double)size, (double)batches / seconds,
        (double)size / seconds);
    fflush(stdout);
    free(order);
}

int main(int argc, char **argv) {
    static const char *const names[] = { "encoder", "layer.0", "layer.1", "layer.2" };
    static const char *const layers[] = { "Poisson()", "Flatten()", "Linear(784, 10, bias=false)", "LIF(tau=2.0, surrogate=ATan())" };
    const int epochs = argc > 1 ? atoi(argv[1]) : 3;
    const int64_t T = argc > 2 ? atoll(argv[2]) : 100;
    char text[512] = "FashionMNIST()";
    if (argc > 3) snprintf(text, sizeof text, "MNIST(root=\"%s\")", argv[3]);
    hk_module *root, *loss, *adam, *data;
    hk_network *net;
    hk_executor *train, *test;
    void *train_set, *test_set;
    check(hk_context_new(NULL, &ctx));
    check(hk_module_new_sequential(ctx, 4, names, layers, &root));
    check(hk_module_new_from_text(ctx, "hk.module/1", "MSE()", &loss));
    check(hk_module_new_from_text(ctx, "hk.optimizer/1", "Adam(lr=1e-3)", &adam));
    check(hk_module_new_from_text(ctx, "hk.dataset/1", text, &data));
    const hk_dataset_type *type = data->api->type(data);
    check(type->open(data, 1, &train_set));
    check(type->open(data, 0, &test_set));
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.loss = loss, nc.optimizer = adam;
    check(hk_network_new(ctx, root, &nc, &net));
    check(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, HK_FORGET, 0, NULL }, &train));
    check(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_INFER, HK_FORGET, 0, NULL }, &test));
    for (int epoch = 1; epoch <= epochs; epoch++) {
        pass("train", epoch, train, type, train_set, T, 1);
        pass("test", epoch, test, type, test_set, T, 0);
    }
    hk_executor_free(test), hk_executor_free(train), hk_network_free(net);
    type->close(train_set), type->close(test_set);
    hk_module_free(data), hk_module_free(adam), hk_module_free(loss), hk_module_free(root), hk_context_free(ctx);
    return 0;
}
