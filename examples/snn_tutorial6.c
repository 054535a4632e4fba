/* snn_tutorial6.c - snnTorch's tutorial 6 in C: a convolutional network of leaky neurons, its records of spikes and membranes, one epoch of
 * training on a tenth of Fashion-MNIST (data_subset 10), batch accuracy. Usage: snn_tutorial6 [SEED [EPOCHS [FOLDER of the IDX files]]] */
#include <hillock/hillock.h>
#include <stdlib.h>
#include <string.h>

enum { T = 50, BATCH = 128, SUBSET = 10, PIXELS = 28 * 28, CLASSES = 10 };

static hk_context *ctx;
static void check(hk_status st) {
    if (st) fprintf(stderr, "snn_tutorial6: %s\n", ctx && hk_error(ctx)[0] ? hk_error(ctx) : hk_status_text(st)), exit(hk_status_exit_code(st));
}

/* ---- data: every SUBSET-th sample of a split, as snntorch.utils.data_subset takes them ---- */
typedef struct split {
    const hk_dataset_type *type;
    void *ds;
    int64_t n;
    float x[BATCH * PIXELS];
    int64_t y[BATCH];
} split;

static split *open_split(hk_module *data, int train) {
    split *s = calloc(1, sizeof *s);
    if (!s) check(HK_ENOMEM);
    s->type = data->api->type(data);
    check(s->type->open(data, train, &s->ds));
    s->n = s->type->size(s->ds) / SUBSET;
    return s;
}

/* Batch `at` of the order (NULL: as they come); returns its samples. */
static int64_t load(split *s, const int64_t *order, int64_t at) {
    int64_t index[BATCH], n = s->n - at * BATCH < BATCH ? s->n - at * BATCH : BATCH;
    for (int64_t i = 0; i < n; i++) index[i] = SUBSET * (order ? order[at * BATCH + i] : at * BATCH + i);
    check(s->type->read(s->ds, n, index, s->x, s->y));
    return n;
}

/* ---- one batch through an executor: loss, and how many are right ---- */
static double run(hk_executor *ex, split *s, int64_t n, double *right) {
    double loss;
    check(hk_executor_shape(ex, T, n, 0, 3, (int64_t[]){ 1, 28, 28 })); /* the same picture at each of the T steps */
    check(hk_executor_write(ex, "x", HK_F32, s->x, n * PIXELS));
    check(hk_executor_write(ex, "target", HK_I64, s->y, n));
    check(hk_executor_run(ex)); /* every membrane starts from zero: there is no utils.reset to forget */
    check(hk_executor_read(ex, "loss", HK_F64, &loss, 1));
    check(hk_executor_read(ex, "correct", HK_F64, right, 1));
    return loss;
}

/* batch_accuracy of the tutorial: over all batches, by the neuron that fires most. */
static double batch_accuracy(hk_executor *ex, split *s) {
    double right = 0, some;
    for (int64_t b = 0; b * BATCH < s->n; b++) run(ex, s, load(s, NULL, b), &some), right += some;
    return right / (double)s->n;
}

int main(int argc, char **argv) {
    static const char *const names[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8" };
    static const char *const layers[] = { "Conv2d(1, 12, 5)", "MaxPool2d(2)", "snn.Leaky(beta=0.5, surrogate=snn.fast_sigmoid(slope=25))", "Conv2d(12, 64, 5)",
        "MaxPool2d(2)", "snn.Leaky(beta=0.5, surrogate=snn.fast_sigmoid(slope=25))", "Flatten()", "Linear(1024, 10)",
        "snn.Leaky(beta=0.5, surrogate=snn.fast_sigmoid(slope=25))" };
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    const int epochs = argc > 2 ? atoi(argv[2]) : 1;
    hk_module *root, *loss, *adam, *data;
    hk_network *net;
    hk_executor *train, *test, *record;
    char text[512] = "FashionMNIST()";
    if (argc > 3) snprintf(text, sizeof text, "FashionMNIST(root=\"%s\")", argv[3]);
    check(hk_context_new(NULL, &ctx));
    check(hk_module_new_sequential(ctx, 9, names, layers, &root));
    check(hk_module_new_from_text(ctx, "hk.module/1", "snn.ce_rate_loss()", &loss));
    check(hk_module_new_from_text(ctx, "hk.optimizer/1", "Adam(lr=1e-2, betas=(0.9, 0.999))", &adam));
    check(hk_module_new_from_text(ctx, "hk.dataset/1", text, &data));
    split *train_set = open_split(data, 1), *test_set = open_split(data, 0);

    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.loss = loss, nc.optimizer = adam, nc.seed = seed;
    check(hk_network_new(ctx, root, &nc, &net));
    const hk_output wanted[] = { { .name = "y" }, { .name = "8:mem" } };
    check(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, HK_FORGET, 0, NULL }, &train));
    check(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_INFER, HK_FORGET, 0, NULL }, &test));
    check(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_INFER, HK_FORGET, 2, wanted }, &record));

    /* The forward pass: spk_rec and mem_rec, [T, batch, 10] each. */
    double right, value = run(record, train_set, load(train_set, NULL, 0), &right);
    static float spk_rec[T * BATCH * CLASSES], mem_rec[T * BATCH * CLASSES];
    int rank;
    int64_t dims[HK_MAX_RANK + 2];
    double spikes = 0, highest = 0;
    check(hk_executor_dims(record, "y", &rank, dims));
    check(hk_executor_read(record, "y", HK_F32, spk_rec, T * BATCH * CLASSES));
    check(hk_executor_read(record, "8:mem", HK_F32, mem_rec, T * BATCH * CLASSES));
    for (int i = 0; i < T * BATCH * CLASSES; i++) spikes += (double)spk_rec[i], highest = (double)mem_rec[i] > highest ? (double)mem_rec[i] : highest;
    printf("spk_rec [%lld, %lld, %lld]: %.0f spikes; mem_rec of the same shape: at most %.3f\n", (long long)dims[0], (long long)dims[1], (long long)dims[2], spikes, highest);
    printf("The loss from an untrained network is %.3f\n", value);
    printf("The accuracy of a single batch using an untrained network is %.1f %%\n", 100 * right / BATCH);

    int64_t *order = malloc((size_t)train_set->n * sizeof *order);
    if (!order) check(HK_ENOMEM);
    for (int epoch = 0; epoch < epochs; epoch++) {
        for (int64_t i = 0; i < train_set->n; i++) order[i] = i;
        for (int64_t i = train_set->n - 1; i > 0; i--) { /* Fisher-Yates */
            const int64_t k = (int64_t)((double)hk_random(seed, hk_random_stream("order"), epoch, 0, i, 0) * (double)(i + 1)), swap = order[i];
            order[i] = order[k], order[k] = swap;
        }
        for (int64_t b = 0; (b + 1) * BATCH <= train_set->n; b++) {
            value = run(train, train_set, load(train_set, order, b), &right);
            if (b % 10 == 0) printf("epoch %d iteration %2lld  loss %.3f  accuracy of the batch %5.1f %%\n", epoch, (long long)b, value, 100 * right / BATCH), fflush(stdout);
        }
        printf("epoch %d test accuracy %.4f\n", epoch, batch_accuracy(test, test_set));
    }
    free(order);
    hk_executor_free(record), hk_executor_free(test), hk_executor_free(train), hk_network_free(net);
    train_set->type->close(train_set->ds), test_set->type->close(test_set->ds), free(train_set), free(test_set);
    hk_module_free(data), hk_module_free(adam), hk_module_free(loss), hk_module_free(root), hk_context_free(ctx);
    return 0;
}
