/* test_chunk_training.c - [run] chunk: a training step in chunks of steps has the loss, output and final state of one that goes through all of T at once, bit for bit, and its
 * gradients but for the order of sums over t. */
#include "net.h"

enum { MOST = 64 };

typedef struct subject {
    const char *text, *loss;
    int64_t T, N;
    int seq, rank;
    int64_t shape[3];
    const char *state;   /* read behind two runs, the second of which goes on; NULL: an executor that forgets */
    const char *output;  /* one more value that is read; NULL: none */
    uint32_t flags;
    const char *learned, *learner; /* a parameter and its rule */
    const char *note;    /* that the plan has, in place of chunks */
} subject;

typedef struct outcome {
    double loss[2];
    double *y, *grad, *state, *output;
    int64_t n_y, n_grad, n_state, n_output;
    int64_t arena;
    char *plan;
} outcome;

static double *read_all(hk_executor *ex, const char *name, int64_t *n) {
    int rank;
    int64_t dims[HK_MAX_RANK + 2];
    net_ok(hk_executor_dims(ex, name, &rank, dims));
    *n = 1;
    for (int i = 0; i < rank; i++) *n *= dims[i];
    double *v = malloc((size_t)(*n + 1) * sizeof *v);
    net_ok(hk_executor_read(ex, name, HK_F64, v, *n));
    return v;
}

static double *gradients(const net *n, int64_t *count) {
    *count = 0;
    for (int p = 0; p < hk_network_n_param(n->net); p++) *count += hk_network_param(n->net, p)->elems;
    double *g = calloc((size_t)(*count + 1), sizeof *g);
    for (int64_t p = 0, at = 0; p < hk_network_n_param(n->net); at += hk_network_param(n->net, (int)p++)->elems) {
        char name[256];
        snprintf(name, sizeof name, "grad:%s", hk_network_param(n->net, (int)p)->name);
        if (hk_network_param(n->net, (int)p)->learnable) net_ok(hk_executor_read(n->ex, name, HK_F64, g + at, hk_network_param(n->net, (int)p)->elems));
    }
    return g;
}

static outcome train(const subject *c, const char *backend, int64_t chunk, int64_t nb, uint32_t memory, int spiking) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    hk_output asked[2] = { { .name = "y" }, { .name = c->output } };
    outcome o = { 0 };
    uint64_t seed = 3;
    size_t size = 0;
    net n;
    nc.backend = net_backend(backend), nc.threads = 2, nc.memory = memory, nc.nb = nb, nc.seed = 1, nc.chunk = chunk, nc.spiking = spiking;
    memset(&n, 0, sizeof n);
    hk_module *rule = NULL;
    net_ok(hk_module_new_from_text(net_context(), "hk.module/1", c->text, &n.root));
    net_ok(hk_module_new_from_text(net_context(), "hk.module/1", c->loss, &n.loss));
    nc.loss = n.loss;
    net_ok(hk_network_new(net_context(), n.root, &nc, &n.net));
    if (c->learner) {
        net_ok(hk_module_new_from_text(net_context(), "hk.learner/1", c->learner, &rule));
        net_ok(hk_network_set_learner(n.net, hk_network_find_param(n.net, c->learned), rule));
    }
    const hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_TRAIN, .flags = c->flags | (c->state ? 0 : HK_FORGET) | (strstr(c->text, "Poisson") ? 0 : HK_INPUT_GRAD), .n_output = c->output ? 2 : 1,
                                    .outputs = asked };
    net_ok(hk_executor_new(n.net, &ec, &n.ex));
    net_ok(hk_executor_shape(n.ex, c->T, c->N, c->seq, c->rank, c->shape));
    FILE *f = open_memstream(&o.plan, &size);
    net_ok(hk_executor_print(n.ex, f));
    fclose(f);
    hk_plan_stats stats;
    net_ok(hk_executor_stats(n.ex, &stats));
    o.arena = stats.arena;
    int64_t count = (c->seq ? c->T : 1) * c->N;
    for (int i = 0; i < c->rank; i++) count *= c->shape[i];
    double *x = malloc((size_t)count * sizeof *x);
    int64_t target[MOST];
    float length[MOST];
    for (int64_t i = 0; i < count; i++) x[i] = net_uniform(&seed, 0, 1.5);
    for (int64_t i = 0; i < c->N; i++) target[i] = i % 3, length[i] = (float)(1 + (5 * i + 3) % c->T);
    for (int k = 0; k < (c->state ? 2 : 1); k++) {
        net_ok(hk_executor_write(n.ex, "x", HK_F64, x, count));
        net_ok(hk_executor_write(n.ex, "target", HK_I64, target, c->N));
        if (c->flags & HK_LENGTHS) net_ok(hk_executor_write(n.ex, "lengths", HK_F32, length, c->N));
        net_ok(k ? hk_executor_continue(n.ex) : hk_executor_run(n.ex));
        if (c->flags & HK_SEPARATE) net_ok(hk_executor_backward(n.ex));
        net_ok(hk_executor_read(n.ex, "loss", HK_F64, &o.loss[k], 1));
    }
    free(x);
    o.y = read_all(n.ex, "y", &o.n_y);
    if (c->output) o.output = read_all(n.ex, c->output, &o.n_output);
    if (c->state) o.state = read_all(n.ex, c->state, &o.n_state);
    o.grad = gradients(&n, &o.n_grad);
    if (!strstr(c->text, "Poisson")) {
        int64_t more;
        double *gx = read_all(n.ex, "grad:x", &more);
        o.grad = realloc(o.grad, (size_t)(o.n_grad + more + 1) * sizeof *gx);
        memcpy(o.grad + o.n_grad, gx, (size_t)more * sizeof *gx);
        o.n_grad += more;
        free(gx);
    }
    net_free(&n);
    hk_module_free(rule);
    return o;
}

static void drop(outcome *o) { free(o->y), free(o->grad), free(o->state), free(o->output), free(o->plan); }

static void same(const char *what, const subject *c, int64_t chunk, const outcome *b, const double *x, const double *y, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (memcmp(&x[i], &y[i], sizeof *x) && x[i] != y[i])
            fail_msg("%s with %s, chunks of %lld: %s, number %lld: %.17g in chunks, %.17g at once\n%s", c->text, c->loss, (long long)chunk, what, (long long)i, y[i], x[i], b->plan);
}

static void close_to(const subject *c, const char *backend, int64_t chunk, const outcome *b, const double *x, const double *y, int64_t n) {
    const double tolerance = strcmp(net_backend(backend), "ref") ? 2e-5 : 1e-12;
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(x[i] - y[i]) <= tolerance * most))
            fail_msg("%s with %s on %s, chunks of %lld: gradient %lld: %.17g in chunks, %.17g at once, the largest %g\n%s", c->text, c->loss, backend, (long long)chunk, (long long)i, y[i],
                x[i], most, b->plan);
    if (most == 0) fail_msg("%s: all gradients are 0", c->text);
}

static void check(const subject *c, const char *backend, int64_t chunk, int64_t nb, int spiking) {
    outcome a = train(c, backend, c->T, nb, HK_MEMORY_FAST, spiking), b = train(c, backend, chunk, nb, HK_MEMORY_FAST, spiking);
    char text[64];
    snprintf(text, sizeof text, "chunks of %lld", (long long)chunk);
    if (strstr(a.plan, "chunks of ")) fail_msg("%s: chunks without being asked for:\n%s", c->text, a.plan);
    if (!strstr(b.plan, c->note ? c->note : text)) fail_msg("%s: expected '%s' in the plan:\n%s", c->text, c->note ? c->note : text, b.plan);
    same("loss", c, chunk, &b, a.loss, b.loss, c->state ? 2 : 1);
    same("output", c, chunk, &b, a.y, b.y, a.n_y);
    if (c->state) same(c->state, c, chunk, &b, a.state, b.state, a.n_state);
    if (c->output) same(c->output, c, chunk, &b, a.output, b.output, a.n_output);
    close_to(c, backend, chunk, &b, a.grad, b.grad, a.n_grad);
    drop(&a), drop(&b);
}

static const subject subjects[] = {
    { .text = "Sequential(Poisson(), Linear(20, 6, bias=false), LIF(tau=2.0, surrogate=ATan(), v_threshold=0.3))", "MSE()", 9, 40, 0, 1, { 20 } },
    { .text = "Sequential(Poisson(), Linear(20, 6, bias=false), LIF(tau=2.0, surrogate=ATan(), v_threshold=0.3))", "CrossEntropy()", 9, 40, 0, 1, { 20 }, "state:2.v" },
    { .text = "Sequential(Conv2d(1, 3, kernel_size=3, padding=1), IF(surrogate=ATan(), v_threshold=0.4), MaxPool2d(2, 2), Conv2d(3, 4, kernel_size=3), AvgPool2d(2), LIF(surrogate=Sigmoid(), "
      "v_threshold=0.2), Flatten(), Linear(16, 3), IF(surrogate=ATan(), v_threshold=0.3))", "MSE()", 8, 20, 0, 3, { 1, 12, 12 }, NULL, "1:y" },
    { .text = "Sequential(Conv2d(1, 3, kernel_size=3, padding=1), GroupNorm(1, 3), IF(surrogate=ATan(), v_threshold=0.4), MaxPool2d(2, 2), Flatten(), Linear(108, 3), IF(surrogate=ATan(), v_threshold=0.3))",
      "TET()", 8, 20, 1, 3, { 1, 12, 12 }, "state:2.v" },
    { .text = "Sequential(Linear(5, 4), LIF(surrogate=ATan(), v_threshold=0.2), LinearRecurrent(IF(surrogate=ATan(), v_threshold=0.3, detach_reset=true), in_features=4, out_features=4), Linear(4, 3))",
      "CrossEntropy()", 8, 20, 1, 1, { 5 } },
    { .text = "Sequential(Linear(5, 4), LinearRecurrent(IF(surrogate=ATan(), v_threshold=0.3), in_features=4, out_features=4), Linear(4, 3))", "MSE()", 8, 20, 1, 1, { 5 }, "state:1.y" },
    { .text = "Sequential(Linear(5, 4), SynapseFilter(tau=3.0, learnable=true), IF(surrogate=ATan(), v_threshold=0.3), Linear(4, 3))", "MSE()", 8, 20, 1, 1, { 5 }, "state:1.out_i" },
    { .text = "Sequential(Linear(5, 4), LIF(surrogate=ATan(), v_threshold=0.2, v_reset=none), Linear(4, 3), IF(surrogate=ATan(), v_threshold=0.2, v_reset=-0.3))", "MSE()", 8, 20, 1, 1, { 5 }, "state:3.v" },
    { .text = "Sequential(Linear(5, 4), LIF(surrogate=ATan(), v_threshold=0.2, v_reset=0.1, detach_reset=true), Linear(4, 3), ParametricLIF(surrogate=ATan(), v_threshold=0.2))", "CrossEntropy()", 8, 20, 1,
      1, { 5 } },
    { .text = "Sequential(Linear(5, 8), LIF(surrogate=ATan(), v_threshold=0.2), Dropout(0.4), Linear(8, 3), IF(surrogate=ATan(), v_threshold=0.2))", "MSE()", 8, 20, 1, 1, { 5 }, "state:2.mask" },
    { .text = "Sequential(Linear(5, 8), LIF(surrogate=ATan(), v_threshold=0.2), Dropout(0.4, each_step=true), Linear(8, 3))", "CrossEntropy()", 8, 20, 1, 1, { 5 } },
    { .text = "Sequential(Linear(5, 8), snn.Leaky(beta=0.8), Delay(2), Linear(8, 3), snn.Synaptic(alpha=0.7, beta=0.6))", "snn.ce_rate_loss()", 8, 20, 1, 1, { 5 } },
    { .text = "Sequential(Linear(5, 8), snn.Leaky(beta=0.8, reset_mechanism=zero), Delay(5), Linear(8, 3), snn.Leaky(beta=0.6, learn_beta=true))", "snn.ce_count_loss()", 8, 20, 1, 1, { 5 }, "state:2.queue.4" },
    { .text = "Sequential(Linear(5, 8), snn.Leaky(beta=0.8), Linear(8, 3), snn.Leaky(beta=0.6))", "snn.ce_temporal_loss()", 8, 20, 1, 1, { 5 } },
    { .text = "Sequential(Linear(5, 8), snn.Leaky(beta=0.8), Linear(8, 3), snn.Leaky(beta=0.6))", "snn.mse_temporal_loss()", 8, 20, 1, 1, { 5 } },
    { .text = "Sequential(Linear(5, 8), snn.RLeaky(beta=0.8, linear_features=8), Linear(8, 3), snn.Leaky(beta=0.6))", "snn.ce_rate_loss()", 8, 20, 1, 1, { 5 } },
    { .text = "Sequential(Linear(5, 8), LIF(surrogate=ATan(), v_threshold=0.2), Linear(8, 3), IF(surrogate=ATan(), v_threshold=0.2))", "CrossEntropy()", 8, 20, 1, 1, { 5 }, NULL, NULL, HK_LENGTHS },
    { .text = "Sequential(Linear(5, 8), LIF(surrogate=ATan(), v_threshold=0.2), Linear(8, 3), IF(surrogate=ATan(), v_threshold=0.2))", "TET()", 8, 20, 1, 1, { 5 }, NULL, "1:v", HK_LENGTHS },
    { .text = "Sequential(Linear(5, 4), LIF(surrogate=ATan(), v_threshold=0.2), MeanT(), Linear(4, 3))", "CrossEntropy()", 8, 20, 1, 1, { 5 } },
    { .text = "Sequential(Linear(5, 4), LIF(surrogate=ATan(), v_threshold=0.2), PSN(T=8, surrogate=ATan()), Linear(4, 3))", "CrossEntropy()", 8, 20, 1, 1, { 5 } },
    { .text = "Sequential(Linear(5, 4, bias=false), IF(surrogate=ATan(), v_threshold=0.3), Linear(4, 3))", "MSE()", 8, 20, 1, 1, { 5 }, NULL, NULL, 0, "0.weight", "STDP(sn=\"1\", tau_pre=2.0, tau_post=2.0)" },
    { .text = "Sequential(BatchNorm2d(3), IF(surrogate=ATan(), v_threshold=0.3), MaxPool2d(2, 2), Flatten())", "MSE()", 8, 20, 0, 3, { 3, 6, 8 }, NULL, NULL, HK_SEPARATE },
    { .text = "Sequential(Poisson(), Linear(20, 6, bias=false), LIF(tau=2.0, surrogate=ATan(), v_threshold=0.3))", "MSE()", 9, 40, 0, 1, { 20 }, "state:2.v", NULL, HK_SEPARATE },
    { .text = "Sequential(Linear(5, 4), LIF(surrogate=ATan(), v_threshold=0.2), LinearRecurrent(IF(surrogate=ATan(), v_threshold=0.3, detach_reset=true), in_features=4, out_features=4), Linear(4, 3))",
      "CrossEntropy(weight=[1, 2, 0.5])", 8, 20, 1, 1, { 5 } },
    { .text = "SpikingLSTM(5, 3, 1)", "MSE()", 8, 20, 1, 1, { 5 } },
    { .text = "Sequential(Conv2d(1, 3, kernel_size=3, padding=1), BatchNorm2d(3), IF(surrogate=ATan()), Flatten(), Linear(108, 3), IF(surrogate=ATan()))", "MSE()", 8, 20, 1, 3, { 1, 6, 6 }, NULL, NULL, 0,
      NULL, NULL, "no chunks of steps: forward and backward pass are more than a segment each" },
};
enum { N_SUBJECTS = sizeof subjects / sizeof *subjects };

static void test_on_cpu(void **state) {
    (void)state;
    for (int i = 0; i < N_SUBJECTS; i++)
        for (int64_t chunk = 1; chunk < 8; chunk += 2) check(&subjects[i], "cpu", chunk, chunk == 5 ? -1 : 16, 1);
}

static void test_on_ref(void **state) {
    (void)state;
    for (int i = 0; i < N_SUBJECTS; i++)
        for (int64_t chunk = 3; chunk < 8; chunk += 4) check(&subjects[i], "ref", chunk, 16, 1);
}

/* Chunks of the same length: all bits are the same for any block. */
static void test_blocks_change_no_bit(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        const subject *c = &subjects[i];
        outcome a = train(c, "cpu", 3, 16, HK_MEMORY_FAST, 1), b = train(c, "cpu", 3, -1, HK_MEMORY_SMALL, 1);
        same("loss", c, 3, &b, a.loss, b.loss, 1);
        same("gradients (blocks of 16, and of all)", c, 3, &b, a.grad, b.grad, a.n_grad);
        drop(&a), drop(&b);
    }
}

#define LONG "Sequential(Poisson(), Linear(784, 10, bias=false), LIF(tau=2.0, surrogate=ATan()))"

static int64_t arena(uint32_t memory, int64_t T, int chunks) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    hk_plan_stats stats;
    char *plan;
    size_t size;
    net n;
    nc.threads = 2, nc.memory = memory;
    net_make(&n, LONG, "MSE()", NULL, nc, (hk_executor_config){ .struct_size = sizeof(hk_executor_config), .mode = HK_TRAIN, .flags = HK_FORGET });
    net_ok(hk_executor_shape(n.ex, T, 64, 0, 1, (int64_t[]){ 784 }));
    net_ok(hk_executor_stats(n.ex, &stats));
    FILE *f = open_memstream(&plan, &size);
    net_ok(hk_executor_print(n.ex, f));
    fclose(f);
    if (chunks != (strstr(plan, " chunks of ") != NULL)) fail_msg("memory mode %u, T = %lld: expected %s chunks:\n%s", memory, (long long)T, chunks ? "some" : "no", plan);
    free(plan);
    net_free(&n);
    return stats.arena;
}

/* small takes chunks by itself, and grows little with T; balanced where a block would leave the cache; fast never. */
static void test_modes_choose(void **state) {
    (void)state;
    const int64_t fast = arena(HK_MEMORY_FAST, 400, 0), small = arena(HK_MEMORY_SMALL, 200, 1), twice = arena(HK_MEMORY_SMALL, 400, 1);
    if (twice * 3 > fast) fail_msg("T = 400: small takes %lld bytes, fast %lld", (long long)twice, (long long)fast);
    if (twice * 2 > small * 3) fail_msg("small takes %lld bytes at T = 200, %lld at 400", (long long)small, (long long)twice);
    arena(HK_MEMORY_BALANCED, 100, 0);
    arena(HK_MEMORY_BALANCED, 2000, 1);
}

static void test_a_chunk_below_zero_is_refused(void **state) {
    (void)state;
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    hk_network *made = NULL;
    hk_module *root = NULL;
    c.chunk = -1;
    net_ok(hk_module_new_from_text(net_context(), "hk.module/1", "Linear(2, 2)", &root));
    assert_int_equal(hk_network_new(net_context(), root, &c, &made), HK_ECONFIG);
    if (!strstr(hk_error(net_context()), "chunk: expected 0 ")) fail_msg("the text is: %s", hk_error(net_context()));
    hk_module_free(root);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_on_cpu), cmocka_unit_test(test_on_ref), cmocka_unit_test(test_blocks_change_no_bit), cmocka_unit_test(test_modes_choose),
        cmocka_unit_test(test_a_chunk_below_zero_is_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
