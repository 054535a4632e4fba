/* Learners: STDP against the plain loop in double, its traces across calls, what the rest of the network still learns, what is refused. */
#include "net.h"

enum { IN = 6, OUT = 4, N = 37, T = 5 };

static double *fresh(int64_t n, uint64_t seed, double lo, double hi) {
    double *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = net_uniform(&seed, lo, hi);
    return v;
}

typedef struct rule {
    const char *text;
    double tau_pre, tau_post, a_pre, a_post, lo, hi;
    int constant_pre, constant_post;
} rule;

/* SpikingJelly's stdp_multi_step, then -delta_w. x [steps][N][IN], s [steps][N][OUT]; traces go on from pre, post. */
static void plain(const rule *r, const double *w, int steps, const double *x, const double *s, double *pre, double *post, double *grad) {
    memset(grad, 0, OUT * IN * sizeof *grad);
    for (int t = 0; t < steps; t++)
        for (int n = 0; n < N; n++) {
            double *p = pre + n * IN, *q = post + n * OUT;
            const double *xt = x + (t * N + n) * IN, *st = s + (t * N + n) * OUT;
            for (int i = 0; i < IN; i++) p[i] = p[i] - p[i] / r->tau_pre + xt[i];
            for (int o = 0; o < OUT; o++) q[o] = q[o] - q[o] / r->tau_post + st[o];
            for (int o = 0; o < OUT; o++)
                for (int i = 0; i < IN; i++) {
                    double c = fmin(fmax(w[o * IN + i], r->lo), r->hi);
                    double f_pre = r->a_pre * (r->constant_pre ? 1 : c), f_post = r->a_post * (r->constant_post ? 1 : c);
                    grad[o * IN + i] -= f_post * p[i] * st[o] - f_pre * q[o] * xt[i];
                }
        }
}

static const rule rules[] = {
    { "STDP(sn=\"1\", tau_pre=2.0, tau_post=2.0)", 2, 2, 1, 1, -1e9, 1e9, 0, 0 },
    { "STDP(sn=\"1\", tau_pre=1.5, tau_post=20.0, clamp=[-0.2, 0.3], a_pre=0.5)", 1.5, 20, 0.5, 1, -0.2, 0.3, 0, 0 },
    { "STDP(sn=\"1\", tau_pre=100, tau_post=3, f_pre=constant, f_post=constant, a_pre=0.1, a_post=0.2)", 100, 3, 0.1, 0.2, -1e9, 1e9, 1, 1 },
};
enum { N_RULES = sizeof rules / sizeof *rules };
static const char network[] = "Sequential(Linear(6, 4, bias=false), IF(surrogate=ATan()), Linear(4, 3))";

static hk_module *give(net *n, const char *param, const char *text) {
    hk_module *m;
    net_ok(hk_module_new_from_text(net_context(), "hk.learner/1", text, &m));
    net_ok(hk_network_set_learner(n->net, hk_network_find_param(n->net, param), m));
    return m;
}

/* A training network with a learner of `param` (rule NULL: none), without an executor. */
static hk_module *open_net(net *n, const char *text, const char *loss, const char *optimizer, const char *backend, const char *param, const char *rule_text, int64_t nb) {
    hk_context *ctx = net_context();
    memset(n, 0, sizeof *n);
    net_ok(hk_module_new_from_text(ctx, "hk.module/1", text, &n->root));
    if (loss) net_ok(hk_module_new_from_text(ctx, "hk.module/1", loss, &n->loss));
    if (optimizer) net_ok(hk_module_new_from_text(ctx, "hk.optimizer/1", optimizer, &n->optimizer));
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = net_backend(backend), nc.threads = 2, nc.nb = nb, nc.seed = 5, nc.loss = n->loss, nc.optimizer = n->optimizer;
    net_ok(hk_network_new(ctx, n->root, &nc, &n->net));
    return rule_text ? give(n, param, rule_text) : NULL;
}

static void open_ex(net *n, uint32_t flags, int n_output, const hk_output *outputs, int64_t steps, int seq) {
    hk_executor_config ec = { sizeof ec, HK_TRAIN, flags, n_output, outputs };
    net_ok(hk_executor_new(n->net, &ec, &n->ex));
    net_ok(hk_executor_shape(n->ex, steps, N, seq, 1, (int64_t[]){ IN }));
}

static void near(const char *what, const double *got, const double *want, int64_t n, double tolerance) {
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance * (1 + fabs(want[i])))) fail_msg("%s[%lld]: got %.9g, expected %.9g", what, (long long)i, got[i], want[i]);
}

/* In sequence and as one picture, in two parts of which the second goes on, on both backends, with and without loops around. */
static void test_stdp_is_the_plain_loop(void **state) {
    (void)state;
    static const char *const around[] = { network, "MultiStep(Sequential(Linear(6, 4, bias=false), IF(surrogate=ATan()), Linear(4, 3)))",
                                          "Sequential(Linear(6, 4, bias=false, step_mode=s), IF(surrogate=ATan(), step_mode=s), Linear(4, 3))" };
    static const char *const paths[] = { "0.weight", "0.weight", "0.weight" };
    const hk_output spikes[1] = { { "1:y", 0, 0 } };
    for (int r = 0; r < N_RULES; r++)
        for (int a = 0; a < 3; a++)
            for (int seq = 0; seq < 2; seq++)
                for (int ref = 0; ref < 2; ref++) {
                    net n;
                    hk_module *m = open_net(&n, around[a], NULL, NULL, ref ? "ref" : "cpu", paths[a], rules[r].text, ref ? 0 : 16);
                    open_ex(&n, HK_SEPARATE, 1, spikes, T, seq);
                    double pre[N * IN] = { 0 }, post[N * OUT] = { 0 }, s[T * N * OUT], w[OUT * IN], got[OUT * IN], want[OUT * IN], trace[N * IN];
                    net_ok(hk_network_read_param64(n.net, 0, w));
                    for (int part = 0; part < 2; part++) {
                        double *given = fresh(N * IN * (seq ? T : 1), 11 + (uint64_t)part, -0.5, 2), *x = malloc(sizeof(double) * T * N * IN);
                        for (int64_t i = 0; i < N * IN * (seq ? T : 1); i++) given[i] = (float)given[i];
                        for (int i = 0; i < T * N * IN; i++) x[i] = given[seq ? i : i % (N * IN)];
                        net_ok(hk_executor_write(n.ex, "x", HK_F64, given, N * IN * (seq ? T : 1)));
                        net_ok(part ? hk_executor_continue(n.ex) : hk_executor_run(n.ex));
                        net_ok(hk_executor_read(n.ex, "1:y", HK_F64, s, T * N * OUT));
                        net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F64, got, OUT * IN));
                        plain(&rules[r], w, T, x, s, pre, post, want);
                        double spiked = 0, size = 0;
                        for (int i = 0; i < T * N * OUT; i++) spiked += s[i];
                        for (int i = 0; i < OUT * IN; i++) size += fabs(want[i]);
                        assert_true(spiked > 10 && size > 0.1); /* else nothing would be compared */
                        near(rules[r].text, got, want, OUT * IN, ref ? 1e-12 : 2e-5);
                        net_ok(hk_executor_read(n.ex, "state:0.weight.trace_pre", HK_F64, trace, N * IN));
                        near("trace_pre", trace, pre, N * IN, ref ? 1e-12 : 1e-5);
                        free(given), free(x);
                    }
                    net_free(&n);
                    hk_module_free(m);
                }
}

/* Of a Conv2d: the numbers that SpikingJelly 2.0's STDPLearner gives with tau_pre=2, tau_post=4, f_pre=w, f_post=w/2 on IFNode's spikes. */
static void test_stdp_of_a_convolution_is_the_package_s(void **state) {
    (void)state;
    static const struct {
        const char *layer;
        int C, n, spikes;
        double want[24];
    } cases[] = {
        { "Conv2d(1, 2, 2, padding=1, bias=false)", 1, 8, 21, { 0.015625, 0.15625, -0.25, 1.1484375, -0.140625, 0.9375, 0.1171875, 4.5 } },
        { "Conv2d(2, 2, [2, 3], stride=[2, 1], padding=[0, 1], bias=false)", 2, 24, 29, { -0.1796875, 0.02734375, 1.125, 1.53125, -0.05859375, 0.1875, 0.95703125, 4.25, 0, 0.140625, 2.4375, -0.625, 0.02734375, 1.375, 3.58203125, -0.0546875, 0.265625, 1.8359375, 3.8125, 0, 0.48046875, 1.96875, -1.1484375, 0.2734375 } },
    };
    enum { H = 4, W = 3, STEPS = 3, BATCH = 2 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int ref = 0; ref < 2; ref++) {
            char text[160];
            double x[STEPS * BATCH * 2 * H * W], w[24], got[24], y[512], spiked = 0;
            const int n_x = STEPS * BATCH * cases[i].C * H * W;
            const hk_output spikes[1] = { { "1:y", 0, 0 } };
            net n;
            snprintf(text, sizeof text, "Sequential(%s, IF())", cases[i].layer);
            hk_module *m = open_net(&n, text, NULL, NULL, ref ? "ref" : "cpu", "0.weight", "STDP(sn=\"1\", tau_pre=2, tau_post=4, a_post=0.5)", ref ? 0 : 16);
            for (int k = 0; k < n_x; k++) x[k] = (5 * k + k / 7) % 3 == 0;
            for (int k = 0; k < cases[i].n; k++) w[k] = 0.0625 * ((3 * k) % 11) - 0.125;
            net_ok(hk_network_write_param64(n.net, 0, w));
            hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE, 1, spikes };
            net_ok(hk_executor_new(n.net, &ec, &n.ex));
            net_ok(hk_executor_shape(n.ex, STEPS, BATCH, 1, 3, (int64_t[]){ cases[i].C, H, W }));
            net_ok(hk_executor_write(n.ex, "x", HK_F64, x, n_x));
            net_ok(hk_executor_run(n.ex));
            int rank;
            int64_t dims[HK_MAX_RANK + 2], n_y = 1;
            net_ok(hk_executor_dims(n.ex, "1:y", &rank, dims));
            for (int k = 0; k < rank; k++) n_y *= dims[k];
            assert_true(n_y <= 512);
            net_ok(hk_executor_read(n.ex, "1:y", HK_F64, y, n_y));
            for (int64_t k = 0; k < n_y; k++) spiked += y[k];
            if (spiked != cases[i].spikes) fail_msg("%s: %g spikes, expected %d", cases[i].layer, spiked, cases[i].spikes);
            net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F64, got, cases[i].n));
            near(cases[i].layer, got, cases[i].want, cases[i].n, 1e-6);
            net_free(&n);
            hk_module_free(m);
        }
}

/* A run starts its traces anew; bits depend on neither threads nor blocks. */
static void test_run_starts_anew(void **state) {
    (void)state;
    double first[OUT * IN] = { 0 }, got[OUT * IN];
    double *x = fresh(T * N * IN, 3, -0.5, 2);
    for (int k = 0; k < 3; k++) {
        net n;
        hk_module *m = open_net(&n, network, NULL, NULL, "cpu", "0.weight", rules[0].text, k == 0 ? 16 : k == 1 ? 32 : -1);
        open_ex(&n, HK_SEPARATE, 0, NULL, T, 1);
        for (int i = 0; i < 2; i++) {
            net_ok(hk_executor_write(n.ex, "x", HK_F64, x, T * N * IN));
            net_ok(hk_executor_run(n.ex));
            net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F64, got, OUT * IN));
            if (k == 0 && i == 0) memcpy(first, got, sizeof first);
            if (memcmp(first, got, sizeof first)) fail_msg("run %d with block size %d: %.9g, expected the bits of %.9g", i, k, got[0], first[0]);
        }
        net_free(&n);
        hk_module_free(m);
    }
    free(x);
}

/* The optimizer steps the weight by the rule, and the other parameters by the loss, as they do without a learner. */
static void test_only_its_parameter_is_its_own(void **state) {
    (void)state;
    double w[2][OUT * IN], w0[OUT * IN], v[2][3 * OUT], g[OUT * IN];
    double *x = fresh(T * N * IN, 3, -0.5, 2);
    int64_t target[N];
    for (int i = 0; i < N; i++) target[i] = i % 3;
    for (int k = 0; k < 2; k++) {
        net n;
        hk_module *m = open_net(&n, network, "CrossEntropy()", "SGD(lr=0.01)", "cpu", "0.weight", k ? rules[0].text : NULL, 16);
        open_ex(&n, 0, 0, NULL, T, 1);
        net_ok(hk_network_read_param64(n.net, 0, w0));
        net_ok(hk_executor_write(n.ex, "x", HK_F64, x, T * N * IN));
        net_ok(hk_executor_write(n.ex, "target", HK_I64, target, N));
        net_ok(hk_executor_run(n.ex)); /* forward, backward and update in one */
        net_ok(hk_network_read_param64(n.net, 0, w[k]));
        net_ok(hk_network_read_param64(n.net, hk_network_find_param(n.net, "2.weight"), v[k]));
        net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F64, g, OUT * IN));
        double step[OUT * IN];
        for (int i = 0; i < OUT * IN; i++) step[i] = w0[i] - 0.01 * g[i];
        near("weight after the step", w[k], step, OUT * IN, 1e-6);
        net_free(&n);
        hk_module_free(m);
    }
    free(x);
    if (memcmp(v[0], v[1], sizeof v[0])) fail_msg("2.weight learns otherwise beside a learner: %.9g and %.9g", v[0][0], v[1][0]);
    if (!memcmp(w[0], w[1], sizeof w[0])) fail_msg("0.weight learns alike with and without a learner: %.9g", w[0][0]);
}

/* ---- what is refused ---- */

static hk_status no_shape(hk_builder *b, const hk_module *self, const hk_learner_view *v, hk_value *grad) {
    (void)self, (void)v;
    *grad = hk_const(b, 1.0);
    return HK_OK;
}
static hk_status the_weight(hk_builder *b, const hk_module *self, const hk_learner_view *v, hk_value *grad) {
    (void)b, (void)self;
    *grad = v->w;
    return HK_OK;
}
static const hk_learner_type no_shape_type = { .struct_size = sizeof no_shape_type, .doc = "test", .source = "", .build = no_shape };
static const hk_learner_type weight_type = { .struct_size = sizeof weight_type, .doc = "test", .source = "", .build = the_weight };
static hk_status own_init(const hk_host *h) {
    hk_status st = h->add(h->ctx, "hk.learner/1", "TestNoShape", &no_shape_type);
    return st ? st : h->add(h->ctx, "hk.learner/1", "TestWeight", &weight_type);
}

static void test_what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *param, *rule;
        hk_status want;
        const char *says[2];
    } cases[] = {
        { network, "0.weight", "STDP(sn=\"7\", tau_pre=2, tau_post=2)", HK_ENOTFOUND, { "7:y", "STDP" } },
        { network, "0.weight", "TestNoShape()", HK_EPLUGIN, { "0.weight", "another shape" } },
        { network, "2.bias", "STDP(sn=\"1\", tau_pre=2, tau_post=2)", HK_EUNSUPPORTED, { "2.bias", "1 axes" } },
        { "Sequential(Linear(6, 4), Linear(4, 3), IF())", "0.weight", "STDP(sn=\"2\", tau_pre=2, tau_post=2)", HK_ESHAPE, { "gives 3 numbers", "4 outputs" } },
        { "TestTwice(Linear(6, 6))", "weight", "TestWeight()", HK_EUNSUPPORTED, { "used twice", "weight" } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net n;
        hk_module *m = open_net(&n, cases[i].text, NULL, NULL, "cpu", cases[i].param, cases[i].rule, 0);
        hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE, 0, NULL };
        net_ok(hk_executor_new(n.net, &ec, &n.ex));
        hk_status st = hk_executor_shape(n.ex, T, N, 1, 1, (int64_t[]){ IN });
        const char *e = hk_error(net_context());
        if (st != cases[i].want || !strstr(e, cases[i].says[0]) || !strstr(e, cases[i].says[1]))
            fail_msg("%s: got %s: %s; expected %s with '%s' and '%s'", cases[i].rule, hk_status_name(st), e, hk_status_name(cases[i].want), cases[i].says[0], cases[i].says[1]);
        net_free(&n);
        hk_module_free(m);
    }
}

static void test_when_it_may_be_given(void **state) {
    (void)state;
    net n;
    hk_module *m = open_net(&n, network, NULL, NULL, "cpu", "0.weight", "TestWeight()", 0);
    assert_int_equal(hk_network_set_learner(n.net, 99, m), HK_EINVAL);
    assert_int_equal(hk_network_set_learner(n.net, 0, n.root), HK_EINVAL);
    net_ok(hk_network_set_learnable(n.net, 1, 0));
    assert_int_equal(hk_network_set_learner(n.net, 1, m), HK_EINVAL);
    open_ex(&n, HK_SEPARATE, 0, NULL, T, 1);
    assert_int_equal(hk_network_set_learner(n.net, 0, NULL), HK_ESTATE);
    double *x = fresh(T * N * IN, 3, 0, 1), w[OUT * IN], g[OUT * IN]; /* a gradient that is no operation's output is copied */
    net_ok(hk_executor_write(n.ex, "x", HK_F64, x, T * N * IN));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_network_read_param64(n.net, 0, w));
    net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F64, g, OUT * IN));
    near("TestWeight", g, w, OUT * IN, 0);
    free(x);
    net_free(&n);
    hk_module_free(m);
    hk_module *bad = NULL;
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.learner/1", "STDP(sn=\"1\", tau_pre=2, tau_post=2, clamp=[3, 1])", &bad), HK_ECONFIG);
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.learner/1", "STDP(sn=\"1\", tau_pre=0.5, tau_post=2)", &bad), HK_ECONFIG);
}

/* Builds its child twice. */
static hk_status twice_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    hk_value y = HK_NONE;
    hk_module_build(b, hk_child(self, 0), n_in, in, 1, &y);
    hk_module_build(b, hk_child(self, 0), 1, &y, n_out, out);
    return HK_OK;
}
static const char *const twice_names[] = { "" };
static const hk_module_type twice_type = { .struct_size = sizeof twice_type, .role = HK_CONTAINER, .doc = "test", .min_child = 1, .max_child = 1, .child_names = twice_names, .build = twice_build };
static hk_status twice_init(const hk_host *h) {
    hk_status st = own_init(h);
    return st ? st : h->add(h->ctx, "hk.module/1", "TestTwice", &twice_type);
}

int main(void) {
    static const hk_plugin_entry own = { HK_PLUGIN_MAGIC, sizeof own, HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, "test.learners", "1", "", NULL, twice_init, NULL };
    if (hk_plugin_add(net_context(), &own)) {
        fprintf(stderr, "%s\n", hk_error(net_context()));
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stdp_is_the_plain_loop), cmocka_unit_test(test_stdp_of_a_convolution_is_the_package_s), cmocka_unit_test(test_run_starts_anew), cmocka_unit_test(test_only_its_parameter_is_its_own),
        cmocka_unit_test(test_what_is_wrong_is_named), cmocka_unit_test(test_when_it_may_be_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
