/* Learners with a reward. MSTDP and MSTDPET of a Linear against numbers of SpikingJelly 2.0 in double: learning.MSTDPLearner and MSTDPETLearner step by step on
 * Linear(4, 2) of w = 0.5 + 0.4 sin(2.1 i) and IFNode, x = [sin(1.3 i + 0.5) > 0.1] of [7,3,4] (MSTDPET: its first sample), reward cos(1.1 i) of [7,3]; once with
 * gradients added up, once with SGD(lr=0.05) at each step. Of a Conv2d, which the package has not, against plain loops. */
#include "gradient_check.h"

enum { T = 7, N = 3, K = 4, O = 2 };

typedef struct work {
    const char *rule;
    int samples, each_step; /* each_step: the optimizer runs behind each step, and want is the weight; else the gradient */
    double want[O * K];
} work;

static const work works[] = {
    { "MSTDP(sn=\"1\", tau_pre=2, tau_post=3)", N, 0,
        { -0.581604583856, -0.42775748793, 0.513273390614, 3.88458108604, -4.84701019201, -0.766341900917, -0.189392632897, 3.05143201567 } },
    { "MSTDP(sn=\"1\", tau_pre=2, tau_post=3, f_pre=constant, a_pre=0.5, clamp=[0.2, 0.7])", N, 0,
        { -0.581604583856, 1.03582534655, 0.612093984064, 3.85320348646, -2.99128461004, -2.5570162818, -0.211331139376, 1.1078534429 } },
    { "MSTDP(sn=\"1\", tau_pre=2, tau_post=3)", N, 1,
        { 0.529416560214, 0.866805822597, 0.126575135204, 0.329122754068, 1.08611092506, 0.186147937599, 0.460689737513, 0.596055900183 } },
    { "MSTDPET(sn=\"1\", tau_pre=2, tau_post=3, tau_trace=4)", 1, 0,
        { 0.00819095491719, -0.0271471766173, -0.0118895349479, 0.292796602804, -0.0841034107929, -0.0229457017332, -0.0544392552146, 0.417746119074 } },
    { "MSTDPET(sn=\"1\", tau_pre=2, tau_post=3, tau_trace=4)", 1, 1,
        { 0.499589182065, 0.84664227386, 0.151965270705, 0.49222477382, 0.846037027241, 0.149269999879, 0.516177733636, 0.817544082237 } },
};

static hk_module *open_net(net *n, const char *text, const char *rule, const char *optimizer, const char *backend) {
    hk_context *ctx = net_context();
    hk_module *m;
    memset(n, 0, sizeof *n);
    net_ok(hk_module_new_from_text(ctx, "hk.module/1", text, &n->root));
    if (optimizer) net_ok(hk_module_new_from_text(ctx, "hk.optimizer/1", optimizer, &n->optimizer));
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = net_backend(backend), nc.optimizer = n->optimizer, nc.seed = 2;
    net_ok(hk_network_new(ctx, n->root, &nc, &n->net));
    net_ok(hk_module_new_from_text(ctx, "hk.learner/1", rule, &m));
    net_ok(hk_network_set_learner(n->net, 0, m));
    return m;
}

static void near(const char *rule, const char *how, const double *got, const double *want, int n, double tolerance) {
    for (int i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance * (1 + fabs(want[i]))))
            fail_msg("%s, %s, number %d: got %.12g, expected %.12g", rule, how, i, got[i], want[i]);
}

static void test_linear_has_the_packages_numbers(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof works / sizeof *works; k++)
        for (int ref = 0; ref < 2; ref++)
            for (int one = works[k].each_step; one < 2; one++) { /* one: a run for each step, which goes on */
                const work *c = &works[k];
                const int S = c->samples, steps = one ? 1 : T;
                net n;
                hk_module *m = open_net(&n, "Sequential(Linear(4, 2, bias=false), IF())", c->rule, "SGD(lr=0.05)", ref ? "ref" : "cpu");
                hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE, 0, NULL };
                double w[O * K], x[T * N * K], reward[T * N], grad[O * K], sum[O * K] = { 0 };
                for (int i = 0; i < O * K; i++) w[i] = 0.5 + 0.4 * sin(2.1 * i);
                for (int t = 0; t < T; t++)
                    for (int s = 0; s < S; s++) {
                        for (int i = 0; i < K; i++) x[(t * S + s) * K + i] = sin(1.3 * ((t * N + s) * K + i) + 0.5) > 0.1;
                        reward[t * S + s] = cos(1.1 * (t * N + s));
                    }
                net_ok(hk_network_write_param64(n.net, 0, w));
                net_ok(hk_executor_new(n.net, &ec, &n.ex));
                hk_executor_set_lr(n.ex, 0.05);
                net_ok(hk_executor_shape(n.ex, steps, S, 1, 1, (int64_t[]){ K }));
                for (int t = 0; t < T; t += steps) {
                    net_ok(hk_executor_write(n.ex, "x", HK_F64, x + t * S * K, steps * S * K));
                    net_ok(hk_executor_write(n.ex, "reward", HK_F64, reward + t * S, steps * S));
                    net_ok(t ? hk_executor_continue(n.ex) : hk_executor_run(n.ex));
                    net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F64, grad, O * K));
                    for (int i = 0; i < O * K; i++) sum[i] += grad[i];
                    if (c->each_step) net_ok(hk_executor_step(n.ex));
                }
                if (c->each_step) net_ok(hk_network_read_param64(n.net, 0, sum));
                char how[64];
                snprintf(how, sizeof how, "%s, %s", ref ? "ref" : "cpu", c->each_step ? "a step of the optimizer for each" : one ? "step by step" : "one run");
                near(c->rule, how, sum, c->want, O * K, ref ? 1e-9 : 1e-5);
                net_free(&n);
                hk_module_free(m);
            }
}

/* ---- Conv2d(2, 3, 2, stride=1, padding=1): 3 x 3 inputs, 4 x 4 outputs ---- */
enum { C = 2, M = 3, H = 3, P = 4, W = M * C * 4 };

/* Both rules by their equations, with an eligibility of each sample. x [T][N][C][H][H], s [T][N][M][P][P]. */
static void plain(int traced, const double *w, const double *x, const double *s, const double *reward, double *grad) {
    static double pre[N][C * H * H], post[N][M * P * P], e[N][W], z[N][W];
    memset(pre, 0, sizeof pre), memset(post, 0, sizeof post), memset(e, 0, sizeof e), memset(z, 0, sizeof z), memset(grad, 0, W * sizeof *grad);
    for (int t = 0; t < T; t++)
        for (int n = 0; n < N; n++) {
            const double *xt = x + (t * N + n) * C * H * H, *st = s + (t * N + n) * M * P * P;
            for (int k = 0; k < W; k++) {
                z[n][k] = exp(-1.0 / 4) * z[n][k] + e[n][k] / 4;
                grad[k] -= reward[t * N + n] * (traced ? z[n][k] : e[n][k]);
            }
            for (int i = 0; i < C * H * H; i++) pre[n][i] = exp(-1.0 / 2) * pre[n][i] + xt[i];
            for (int o = 0; o < M * P * P; o++) post[n][o] = exp(-1.0 / 3) * post[n][o] + st[o];
            for (int k = 0; k < W; k++) {
                const int m = k / (C * 4), c = k / 4 % C, u = k / 2 % 2, v = k % 2;
                double up = 0, down = 0;
                for (int i = 0; i < P; i++)
                    for (int j = 0; j < P; j++) {
                        const int h = i + u - 1, l = j + v - 1, in = (c * H + h) * H + l, out = (m * P + i) * P + j;
                        if (h < 0 || h >= H || l < 0 || l >= H) continue;
                        up += st[out] * pre[n][in], down += post[n][out] * xt[in];
                    }
                e[n][k] = w[k] * up - w[k] * down;
            }
        }
}

static void test_convolution_is_the_plain_loop(void **state) {
    (void)state;
    static const char *const rules[] = { "MSTDP(sn=\"1\", tau_pre=2, tau_post=3)", "MSTDPET(sn=\"1\", tau_pre=2, tau_post=3, tau_trace=4)" };
    const hk_output spikes = { "1:y", 0, 0 };
    for (int k = 0; k < 4; k++) {
        const int traced = k & 1, ref = k >> 1;
        net n;
        hk_module *m = open_net(&n, "Sequential(Conv2d(2, 3, 2, padding=1, bias=false), IF())", rules[traced], NULL, ref ? "ref" : "cpu");
        hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE, 1, &spikes };
        double *x = fresh(T * N * C * H * H, 3, 0, 1), *s = malloc(sizeof(double) * T * N * M * P * P), *reward = fresh(T * N, 4, -1, 1), w[W], got[W], want[W];
        for (int i = 0; i < T * N * C * H * H; i++) x[i] = x[i] > 0.5;
        for (int i = 0; i < T * N; i++) reward[i] = (float)reward[i];
        for (int i = 0; i < W; i++) w[i] = 0.4 + 0.3 * sin(i);
        net_ok(hk_network_write_param64(n.net, 0, w));
        net_ok(hk_network_read_param64(n.net, 0, w));
        net_ok(hk_executor_new(n.net, &ec, &n.ex));
        net_ok(hk_executor_shape(n.ex, T, N, 1, 3, (int64_t[]){ C, H, H }));
        net_ok(hk_executor_write(n.ex, "x", HK_F64, x, T * N * C * H * H));
        net_ok(hk_executor_write(n.ex, "reward", HK_F64, reward, T * N));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "1:y", HK_F64, s, T * N * M * P * P));
        net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F64, got, W));
        plain(traced, w, x, s, reward, want);
        near(rules[traced], ref ? "ref" : "cpu", got, want, W, ref ? 1e-12 : 2e-5);
        net_ok(hk_executor_write(n.ex, "reward", HK_F64, reward, T * N));
        assert_int_equal(hk_executor_continue(n.ex), traced ? HK_ESTATE : HK_OK);
        free(x), free(s), free(reward);
        net_free(&n);
        hk_module_free(m);
    }
}

static void test_a_run_without_a_reward_is_refused(void **state) {
    (void)state;
    net n;
    hk_module *m = open_net(&n, "Sequential(Linear(4, 2, bias=false), IF())", works[0].rule, NULL, "cpu");
    hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE, 0, NULL }, infer = { sizeof infer, HK_INFER, 0, 0, NULL };
    const double x[T * N * K] = { 0 }, reward[T * N] = { 0 };
    net_ok(hk_executor_new(n.net, &ec, &n.ex));
    net_ok(hk_executor_shape(n.ex, T, N, 1, 1, (int64_t[]){ K }));
    for (int run = 0; run < 2; run++) { /* also after a run that had one */
        net_ok(hk_executor_write(n.ex, "x", HK_F64, x, T * N * K));
        assert_int_equal(hk_executor_run(n.ex), HK_ESTATE);
        if (!strstr(hk_error(net_context()), "a learner takes a reward, 7 x 3 numbers")) fail_msg("got '%s'", hk_error(net_context()));
        net_ok(hk_executor_write(n.ex, "reward", HK_F64, reward, T * N));
        net_ok(hk_executor_run(n.ex));
    }
    hk_executor_free(n.ex);
    net_ok(hk_executor_new(n.net, &infer, &n.ex)); /* inference learns nothing, and takes none */
    net_ok(hk_executor_shape(n.ex, T, N, 1, 1, (int64_t[]){ K }));
    net_ok(hk_executor_write(n.ex, "x", HK_F64, x, T * N * K));
    net_ok(hk_executor_run(n.ex));
    assert_int_equal(hk_executor_write(n.ex, "reward", HK_F64, reward, T * N), HK_ENOTFOUND);
    hk_module *bad = NULL;
    assert_int_equal(hk_module_new_from_text(net_context(), "hk.learner/1", "MSTDPET(sn=\"1\", tau_pre=2, tau_post=3, tau_trace=0)", &bad), HK_ECONFIG);
    net_free(&n);
    hk_module_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_has_the_packages_numbers),
        cmocka_unit_test(test_convolution_is_the_plain_loop),
        cmocka_unit_test(test_a_run_without_a_reward_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
