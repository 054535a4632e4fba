/* Every neuron in the registry with every optimizer: 2k training steps have the bits of k steps, a network made anew from what was saved, and
 * k more. Saved are parameters and buffers, the optimizer's state and its count of steps: what a checkpoint holds (tests/resume.sh has its
 * files). Small networks, on cpu. */
#include "neuron_types.h"

enum { K = 2, N = 18, CLASSES = 3, MAX_OPT = 32 };
static char optimizer[MAX_OPT][96];
static int n_optimizer;

static void add_optimizer(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    const hk_optimizer_type *t = vtable;
    (void)arg, (void)iface, (void)plugin;
    if (n_optimizer == MAX_OPT) fail_msg("more than %d optimizers", MAX_OPT);
    char *text = optimizer[n_optimizer++];
    int at = snprintf(text, sizeof optimizer[0], "%s(lr=0.05", id);
    for (uint32_t i = 0; i < t->n_fields; i++) /* with all the state it can have */
        if (!strcmp(t->fields[i].name, "momentum")) snprintf(text + at, sizeof optimizer[0] - (size_t)at, ", momentum=0.9");
    snprintf(text + strlen(text), sizeof optimizer[0] - strlen(text), ")");
}

typedef struct saved {
    int n_param, n_state;
    int64_t step;
    float **v; /* [1 + n_state][n_param] */
} saved;

static void save(const net *n, saved *s) {
    s->n_param = hk_network_n_param(n->net), s->n_state = hk_network_n_opt_state(n->net), s->step = hk_network_step(n->net);
    s->v = calloc((size_t)((1 + s->n_state) * s->n_param) + 1, sizeof *s->v);
    for (int k = 0; k <= s->n_state; k++)
        for (int i = 0; i < s->n_param; i++) {
            const hk_param_info *p = hk_network_param(n->net, i);
            if (k && !p->learnable) continue;
            float *v = s->v[k * s->n_param + i] = malloc((size_t)p->elems * sizeof *v);
            net_ok(k ? hk_network_read_opt_state(n->net, k - 1, i, v) : hk_network_read_param(n->net, i, v));
        }
}

static void restore(const net *n, const saved *s) {
    for (int k = 0; k <= s->n_state; k++)
        for (int i = 0; i < s->n_param; i++) {
            const float *v = s->v[k * s->n_param + i];
            if (v) net_ok(k ? hk_network_write_opt_state(n->net, k - 1, i, v) : hk_network_write_param(n->net, i, v));
        }
    hk_network_set_step(n->net, s->step);
}

static void saved_free(saved *s) {
    for (int i = 0; i < (1 + s->n_state) * s->n_param; i++) free(s->v[i]);
    free(s->v);
}

/* The neuron between learned layers; `width`: numbers in one step of its output. */
static const char *text_of(const walked *w, int64_t width, char buf[400]) {
    int n = snprintf(buf, 400, w->rank == 1 ? "Sequential(Linear(%lld, %lld), %s" : "Sequential(Conv2d(%lld, %lld, 3, padding=1), %s", (long long)w->shape[0],
                     (long long)w->shape[0], w->text);
    snprintf(buf + n, 400 - (size_t)n, width ? ", Flatten(), Linear(%lld, 3))" : ")", (long long)width);
    return buf;
}

static int64_t width_of(const walked *w) {
    char text[400];
    net n;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_INFER };
    int64_t dims[HK_MAX_RANK + 2], width = 1;
    int rank;
    net_make(&n, text_of(w, 0, text), NULL, NULL, nc, ec);
    net_ok(hk_executor_shape(n.ex, WALK_T, N, 1, w->rank, w->shape));
    net_ok(hk_executor_dims(n.ex, "y", &rank, dims));
    for (int i = dims[0] == WALK_T ? 2 : 1; i < rank; i++) width *= dims[i]; /* [T,N,...] or [N,...] */
    net_free(&n);
    return width;
}

static void open_net(net *n, const walked *w, int64_t width, const char *opt) {
    char text[400];
    text_of(w, width, text);
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = "cpu", nc.threads = 1, nc.seed = 11;
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_TRAIN };
    net_make(n, text, "MSE()", opt, nc, ec);
    net_ok(hk_executor_shape(n->ex, WALK_T, N, 1, w->rank, w->shape));
}

/* Steps from..to - 1, each with a batch of its own. */
static void train(net *n, const walked *w, int from, int to) {
    int64_t count = WALK_T * N;
    for (int i = 0; i < w->rank; i++) count *= w->shape[i];
    float *x = malloc((size_t)count * sizeof *x);
    int64_t y[N];
    for (int step = from; step < to; step++) {
        uint64_t seed = 100 + (uint64_t)step;
        for (int64_t i = 0; i < count; i++) x[i] = (float)net_uniform(&seed, -1, 3);
        for (int i = 0; i < N; i++) y[i] = (i + step) % CLASSES;
        net_ok(hk_executor_write(n->ex, "x", HK_F32, x, count));
        net_ok(hk_executor_write(n->ex, "target", HK_I64, y, N));
        net_ok(hk_executor_run(n->ex));
    }
    free(x);
}

/* Fails where the two differ. */
static void compare(const char *neuron, const char *opt, const saved *got, const saved *want, const net *n) {
    assert_int_equal(got->step, want->step);
    for (int k = 0; k <= want->n_state; k++)
        for (int i = 0; i < want->n_param; i++) {
            const hk_param_info *p = hk_network_param(n->net, i);
            const float *a = got->v[k * want->n_param + i], *b = want->v[k * want->n_param + i];
            for (int64_t j = 0; b && j < p->elems; j++)
                if (memcmp(a + j, b + j, sizeof *a))
                    fail_msg("%s, %s: %s %s[%lld]: %.9g resumed, %.9g in one go", neuron, opt, k ? hk_network_opt_state_name(n->net, k - 1) : "parameter", p->name,
                             (long long)j, (double)a[j], (double)b[j]);
        }
}

static int moved(const saved *a, const saved *b, const net *n) {
    for (int i = 0; i < a->n_param; i++)
        if (memcmp(a->v[i], b->v[i], (size_t)hk_network_param(n->net, i)->elems * sizeof **a->v)) return 1;
    return 0;
}

static void one(const walked *w, int64_t width, const char *opt) {
    net whole, part, rest;
    saved end, middle, resumed;
    open_net(&whole, w, width, opt);
    train(&whole, w, 0, 2 * K);
    save(&whole, &end);
    open_net(&part, w, width, opt);
    train(&part, w, 0, K);
    save(&part, &middle);
    net_free(&part);
    open_net(&rest, w, width, opt);
    restore(&rest, &middle);
    train(&rest, w, K, 2 * K);
    save(&rest, &resumed);
    compare(w->text, opt, &resumed, &end, &rest);
    if (!moved(&middle, &end, &rest)) fail_msg("%s, %s: nothing was learned between step %d and %d", w->text, opt, K, 2 * K);
    saved_free(&end), saved_free(&middle), saved_free(&resumed);
    net_free(&whole), net_free(&rest);
}

static void test_every_pair(void **state) {
    (void)state;
    walk_neurons();
    hk_type_each(net_context(), "hk.optimizer/1", add_optimizer, NULL);
    assert_true(n_optimizer >= 2);
    for (int i = 0; i < n_walk; i++) {
        int64_t width = width_of(&walk[i]);
        for (int k = 0; k < n_optimizer; k++) one(&walk[i], width, optimizer[k]);
    }
    printf("%d neurons x %d optimizers\n", n_walk, n_optimizer);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_pair) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
