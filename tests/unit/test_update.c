/* What is done to gradients between the backward pass and the optimizer (clipping, sums over batches, groups of parameters), and the average of
 * parameters, against PyTorch's numbers; their bits for any threads, blocks and ways of calling; what is refused. */
#include "net.h"

/* The numbers come from PyTorch 2 in double, one step after another on the batches below, with SGD(lr=0.5, momentum=0.9) and the mean squared error
 * against one-hot labels: torch.nn.utils.clip_grad_norm_(0.3), clip_grad_value_(0.1); (loss / 3).backward() for three batches per step;
 * torch.optim.swa_utils.AveragedModel(multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True); SGD with two parameter groups. */
static const double want_norm[] = { 0.565072856, 0.0305183241, -0.550156085, -0.525003128, -0.0434830873, 0.553151879, 0.350775736, 0.266575901 };
static const double norms[] = { 1.3635436562589869, 1.0535571897794132, 0.9543247306082187 };
static const double want_value[] = { 0.59708255, -0.00304505129, -0.520643587, -0.65595668, 0.0180058951, 0.428169782, 0.380500001, 0.080499997 };
static const double want_mean[] = { 0.259353786, -0.0121310241, -0.309677054, -0.156735687, 0.0851629545, 0.38167227, 0.561736057, 0.673191465 };
static const double want_groups[] = { -0.346031967, -0.0497010541, 0.246771682, 0.484191463, 0.171319782, -0.152891276, 0.202994504, 0.00311608152 };
static const double want_model[] = { 0.992231341, 0.234168255, -0.665794448, -1.07690714, -0.467185994, 0.456924185, 0.1, -0.2, -1.32259876, -1.24007209, 0.865,
    0.865, 0.0332723518, -0.0685205129, 0.902337253, 0.950335713, 3 };
/* The last number is a count of batches, which PyTorch cuts to an integer at each step; here it is 0.9 a + 0.1 w like the rest. */
static const double want_ema[] = { 0.929591138, 0.146203342, -0.737712796, -0.997822866, -0.32620367, 0.593498364, 0.1, -0.2, 0.0802063134, 0.10930756, 0.343,
    0.343, 0.0187515563, -0.0369644745, 0.952492059, 0.966898772, 1.29 };

enum { N = 4, IN = 3 };

static void batch(hk_executor *ex, int b) {
    const int64_t shape[1] = { IN };
    float x[N * IN];
    int64_t y[N];
    for (int i = 0; i < N * IN; i++) x[i] = (float)sin(1.0 + 0.7 * i + 3 * b);
    for (int i = 0; i < N; i++) y[i] = (i + b) % 2;
    net_ok(hk_executor_shape(ex, 1, N, 0, 1, shape));
    net_ok(hk_executor_write(ex, "x", HK_F32, x, N * IN));
    net_ok(hk_executor_write(ex, "target", HK_I64, y, N));
}

static void train(hk_executor *ex, int b) {
    batch(ex, b);
    net_ok(hk_executor_run(ex));
}

static hk_network_config config(const char *backend) {
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    c.backend = net_backend(backend), c.threads = 2, c.nb = 16;
    return c;
}

#define SGD "SGD(lr=0.5, momentum=0.9)"
static const hk_executor_config trains = { .struct_size = sizeof trains, .mode = HK_TRAIN };

static void start(net *n, const char *text, hk_network_config c, hk_executor_config ec) {
    float w[6], b[2] = { 0.1f, -0.2f };
    for (int i = 0; i < 6; i++) w[i] = (float)cos(0.5 + i);
    net_make(n, text, "MSE()", SGD, c, ec);
    net_ok(hk_network_write_param(n->net, 0, w));
    net_ok(hk_network_write_param(n->net, 1, b));
}

static void near(const char *what, const char *backend, hk_network *of, int ema, const double *want, int count) {
    double v[64];
    int at = 0;
    for (int i = 0; i < hk_network_n_param(of); i++) {
        net_ok(ema ? hk_network_read_ema64(of, i, v + at) : hk_network_read_param64(of, i, v + at));
        at += (int)hk_network_param(of, i)->elems;
    }
    if (at != count) fail_msg("%s: expected %d numbers, got %d", what, count, at);
    for (int i = 0; i < count; i++)
        if (!(fabs(v[i] - want[i]) < 3e-6)) fail_msg("%s on %s: number %d is %.9g, PyTorch's is %.9g", what, backend, i, v[i], want[i]);
}
#define NEAR(what, net, want) near(what, backend, net, 0, want, (int)(sizeof(want) / sizeof *(want)))

static const char *const backends[] = { "cpu", "ref" };
#define EACH_BACKEND(name)                                                                                                                                     \
    for (int name##_i = 0; name##_i < 2; name##_i++)                                                                                                           \
        for (const char *name = backends[name##_i]; name; name = NULL)
#define LINEAR "Sequential(Linear(3, 2))"

static void test_clip_norm(void **state) {
    (void)state;
    EACH_BACKEND(backend) {
        net n;
        hk_network_config c = config(backend);
        c.clip_norm = 0.3;
        start(&n, LINEAR, c, trains);
        for (int s = 0; s < 3; s++) {
            double norm, g[8], sum = 0;
            batch(n.ex, s);
            net_ok(hk_executor_run(n.ex));
            net_ok(hk_executor_read(n.ex, "grad_norm", HK_F64, &norm, 1));
            if (!(fabs(norm - norms[s]) < 1e-6)) fail_msg("%s: norm of step %d is %.9g, PyTorch's is %.9g", backend, s, norm, norms[s]);
            net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F64, g, 6));
            net_ok(hk_executor_read(n.ex, "grad:0.bias", HK_F64, g + 6, 2));
            for (int i = 0; i < 8; i++) sum += g[i] * g[i];
            if (!(fabs(sqrt(sum) - 0.3) < 1e-6)) fail_msg("%s: the norm after clipping is %.9g, expected 0.3", backend, sqrt(sum));
        }
        NEAR("clip_norm", n.net, want_norm);
        net_free(&n);
    }
}

static void test_clip_value(void **state) {
    (void)state;
    EACH_BACKEND(backend) {
        net n;
        hk_network_config c = config(backend);
        c.clip_value = 0.1;
        start(&n, LINEAR, c, trains);
        for (int s = 0; s < 3; s++) train(n.ex, s);
        NEAR("clip_value", n.net, want_value);
        net_free(&n);
    }
}

/* Below the bound nothing is changed, to the bit. */
static void test_clip_far(void **state) {
    (void)state;
    double v[2][8];
    for (int k = 0; k < 2; k++) {
        net n;
        hk_network_config c = config("cpu");
        c.clip_norm = c.clip_value = k ? 100 : 0;
        start(&n, LINEAR, c, trains);
        for (int s = 0; s < 3; s++) train(n.ex, s);
        net_ok(hk_network_read_param64(n.net, 0, v[k]));
        net_ok(hk_network_read_param64(n.net, 1, v[k] + 6));
        net_free(&n);
    }
    for (int i = 0; i < 8; i++)
        if (v[0][i] != v[1][i]) fail_msg("number %d is %.9g with bounds that are not reached, %.9g without", i, v[1][i], v[0][i]);
}

/* Two steps of three batches: by runs, and by run, backward and step. */
static void test_accumulate(void **state) {
    (void)state;
    EACH_BACKEND(backend)
    for (int separate = 0; separate < 2; separate++) {
        net n;
        hk_network_config c = config(backend);
        hk_executor_config ec = trains;
        c.accumulate = 3, ec.flags = separate ? HK_SEPARATE : 0;
        start(&n, LINEAR, c, ec);
        for (int s = 0; s < 6; s++) {
            batch(n.ex, s);
            net_ok(hk_executor_run(n.ex));
            if (separate) net_ok(hk_executor_backward(n.ex));
            if (separate && s % 3 == 2) net_ok(hk_executor_step(n.ex));
            int64_t pending = hk_executor_pending(n.ex), step = hk_network_step(n.net);
            if (pending != (s + 1) % 3 || step != (s + 1) / 3)
                fail_msg("behind batch %d: %lld pending, %lld steps", s + 1, (long long)pending, (long long)step);
        }
        NEAR("accumulate", n.net, want_mean);
        net_free(&n);
    }
}

/* Two batches that are left of a step of three: their own mean, with the bits of a step of two. */
static void test_rest(void **state) {
    (void)state;
    double v[2][6];
    for (int k = 0; k < 2; k++) {
        net n;
        hk_network_config c = config("cpu");
        c.accumulate = k ? 3 : 2;
        start(&n, LINEAR, c, trains);
        if (k) { /* gradients that are dropped leave nothing behind */
            train(n.ex, 5);
            hk_network_set_step(n.net, 0);
        }
        for (int s = 0; s < 2; s++) train(n.ex, s);
        if (k) net_ok(hk_executor_step(n.ex));
        if (hk_network_step(n.net) != 1) fail_msg("expected 1 step, got %lld", (long long)hk_network_step(n.net));
        if (k && hk_executor_step(n.ex) != HK_ESTATE) fail_msg("a step without a batch before it was made");
        net_ok(hk_network_read_param64(n.net, 0, v[k]));
        net_free(&n);
    }
    for (int i = 0; i < 6; i++)
        if (v[0][i] != v[1][i]) fail_msg("number %d is %.9g, expected %.9g", i, v[1][i], v[0][i]);
}

static void test_ema(void **state) {
    (void)state;
    EACH_BACKEND(backend) {
        net n;
        hk_network_config c = config(backend);
        hk_executor *ex[2];
        hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_INFER };
        float y[2][N * 2];
        c.ema = 0.9;
        start(&n, "Sequential(Linear(3, 2), BatchNorm1d(2))", c, trains);
        net_ok(hk_executor_new(n.net, &ec, &ex[0]));
        ec.flags = HK_AVERAGED;
        net_ok(hk_executor_new(n.net, &ec, &ex[1]));
        for (int s = 0; s <= 3; s++) { /* the same in the beginning and behind the first step, then not */
            for (int k = 0; k < 2; k++) {
                batch(ex[k], 7);
                net_ok(hk_executor_run(ex[k]));
                net_ok(hk_executor_read(ex[k], "y", HK_F32, y[k], N * 2));
            }
            if ((memcmp(y[0], y[1], sizeof y[0]) == 0) != (s < 2))
                fail_msg("%s: behind step %d the averages give %.9g, the parameters %.9g", backend, s, (double)y[1][0], (double)y[0][0]);
            if (s < 3) train(n.ex, s);
        }
        NEAR("parameters beside an average", n.net, want_model);
        near("average", backend, n.net, 1, want_ema, (int)(sizeof want_ema / sizeof *want_ema));
        /* what the averages give is what a network with these parameters gives */
        for (int i = 0; i < hk_network_n_param(n.net); i++) {
            double v[16];
            net_ok(hk_network_read_ema64(n.net, i, v));
            net_ok(hk_network_write_param64(n.net, i, v));
        }
        batch(ex[0], 7);
        net_ok(hk_executor_run(ex[0]));
        net_ok(hk_executor_read(ex[0], "y", HK_F32, y[0], N * 2));
        for (int i = 0; i < N * 2; i++)
            if (y[0][i] != y[1][i])
                fail_msg("%s: output %d is %.9g with the averages, %.9g with parameters of these numbers", backend, i, (double)y[1][i], (double)y[0][i]);
        hk_executor_free(ex[0]), hk_executor_free(ex[1]);
        net_free(&n);
    }
}

/* No weight decay and a learning rate of its own for the bias. */
static void test_groups(void **state) {
    (void)state;
    EACH_BACKEND(backend) {
        net n = { 0 };
        hk_module *own = NULL;
        hk_network_config c = config(backend);
        float w[6], b[2] = { 0.1f, -0.2f };
        int group = 0;
        for (int i = 0; i < 6; i++) w[i] = (float)cos(0.5 + i);
        net_ok(hk_module_new_from_text(net_context(), "hk.module/1", LINEAR, &n.root));
        net_ok(hk_module_new_from_text(net_context(), "hk.module/1", "MSE()", &n.loss));
        net_ok(hk_module_new_from_text(net_context(), "hk.optimizer/1", "SGD(lr=0.5, momentum=0.9, weight_decay=0.1)", &n.optimizer));
        net_ok(hk_module_new_from_text(net_context(), "hk.optimizer/1", "SGD(lr=0.5, momentum=0.9)", &own));
        c.loss = n.loss, c.optimizer = n.optimizer;
        net_ok(hk_network_new(net_context(), n.root, &c, &n.net));
        net_ok(hk_network_add_group(n.net, own, &group));
        net_ok(hk_network_set_group(n.net, 1, group));
        hk_network_set_lr(n.net, group, 0.05);
        net_ok(hk_executor_new(n.net, &trains, &n.ex));
        net_ok(hk_network_write_param(n.net, 0, w));
        net_ok(hk_network_write_param(n.net, 1, b));
        for (int s = 0; s < 3; s++) train(n.ex, s);
        NEAR("groups", n.net, want_groups);
        net_free(&n);
        hk_module_free(own);
    }
}

/* ---- bits ---- */

enum { BIG = 90, ROWS = 40 };
typedef struct state_of {
    float *v;
    int64_t n;
} state_of;

/* All parameters, then all averages, of a network of some thousand numbers after `steps` batches; from: what an earlier part left, taken up. */
static state_of run_big(int threads, int64_t nb, int first, int last, const state_of *from) {
    net n;
    hk_network_config c = config("cpu");
    hk_executor_config ec = trains;
    const int64_t shape[1] = { BIG };
    static float x[ROWS * BIG];
    int64_t y[ROWS];
    c.threads = threads, c.nb = nb, c.clip_norm = 0.02, c.clip_value = 0.5, c.accumulate = 2, c.ema = 0.7, c.seed = 3;
    net_make(&n, "Sequential(Linear(90, 90), BatchNorm1d(90), LIF(surrogate=ATan()), Dropout(0.3), Linear(90, 2))", "MSE()", "Adam(lr=0.01)", c, ec);
    int n_param = hk_network_n_param(n.net), n_state = hk_network_n_opt_state(n.net);
    state_of s = { NULL, 0 };
    for (int i = 0; i < n_param; i++) s.n += hk_network_param(n.net, i)->elems;
    s.n *= 2 + n_state;
    s.v = calloc((size_t)s.n, sizeof *s.v);
    for (int write = 1; write >= 0; write--) {
        int64_t at = 0;
        for (int k = -2; k < n_state && (!write || from); k++)
            for (int i = 0; i < n_param; i++) {
                const float *in = from ? from->v + at : NULL;
                float *out = s.v + at;
                if (k == -2) net_ok(write ? hk_network_write_param(n.net, i, in) : hk_network_read_param(n.net, i, out));
                else if (k == -1) net_ok(write ? hk_network_write_ema(n.net, i, in) : hk_network_read_ema(n.net, i, out));
                else net_ok(write ? hk_network_write_opt_state(n.net, k, i, in) : hk_network_read_opt_state(n.net, k, i, out));
                at += hk_network_param(n.net, i)->elems;
            }
        if (write && from) hk_network_set_step(n.net, first / 2);
        for (int b = first; b < last && write; b++) {
            uint64_t seed = (uint64_t)b;
            for (int i = 0; i < ROWS * BIG; i++) x[i] = (float)net_uniform(&seed, -1, 1);
            for (int i = 0; i < ROWS; i++) y[i] = net_uniform(&seed, 0, 1) < 0.5;
            net_ok(hk_executor_shape(n.ex, 3, ROWS, 0, 1, shape));
            net_ok(hk_executor_write(n.ex, "x", HK_F32, x, ROWS * BIG));
            net_ok(hk_executor_write(n.ex, "target", HK_I64, y, ROWS));
            net_ok(hk_executor_run(n.ex));
        }
    }
    net_free(&n);
    return s;
}

static void same(const char *what, state_of got, const state_of *want) {
    for (int64_t i = 0; i < want->n; i++)
        if (memcmp(&got.v[i], &want->v[i], sizeof *got.v))
            fail_msg("%s: number %lld is %.9g, expected %.9g", what, (long long)i, (double)got.v[i], (double)want->v[i]);
    free(got.v);
}

static void test_bits(void **state) {
    (void)state;
    state_of want = run_big(1, 16, 0, 8, NULL), half = run_big(1, 16, 0, 4, NULL);
    same("two threads", run_big(2, 16, 0, 8, NULL), &want);
    same("three threads, one block", run_big(3, -1, 0, 8, NULL), &want);
    same("taken up behind two of four steps", run_big(2, 32, 4, 8, &half), &want);
    free(half.v), free(want.v);
}

/* ---- what is not finite, what is refused ---- */

/* With HK_GUARD a step with such a gradient in one of its batches changes neither parameters nor averages, and the first one that is done begins them. */
static void test_guard(void **state) {
    (void)state;
    EACH_BACKEND(backend) {
        double v[2][64];
        for (int k = 0; k < 2; k++) {
            net n;
            hk_network_config c = config(backend);
            hk_executor_config ec = trains;
            const float bad[N * IN] = { NAN };
            c.accumulate = 2, c.clip_norm = 0.3, c.clip_value = 0.2, c.ema = 0.9, ec.flags = HK_GUARD;
            start(&n, "Sequential(Linear(3, 2), BatchNorm1d(2))", c, ec);
            for (int s = 0; s < 3; s++) {
                if (k && s != 1) { /* a bad step before the first and the third */
                    batch(n.ex, 9);
                    net_ok(hk_executor_write(n.ex, "x", HK_F32, bad, N * IN));
                    net_ok(hk_executor_run(n.ex));
                    train(n.ex, 9);
                    if (!hk_executor_skipped(n.ex)) fail_msg("%s: the step that is not finite was done", backend);
                }
                train(n.ex, 2 * s), train(n.ex, 2 * s + 1);
                if (hk_executor_skipped(n.ex)) fail_msg("%s: step %d was not done", backend, s);
            }
            int at = 0;
            for (int i = 0; i < hk_network_n_param(n.net); i++) {
                net_ok(hk_network_read_param64(n.net, i, v[k] + at));
                at += (int)hk_network_param(n.net, i)->elems;
                net_ok(hk_network_read_ema64(n.net, i, v[k] + at));
                at += (int)hk_network_param(n.net, i)->elems;
            }
            assert_int_equal(at, 34);
            net_free(&n);
        }
        for (int i = 0; i < 34; i++)
            if (v[0][i] != v[1][i]) fail_msg("%s: number %d is %.9g, without the bad steps %.9g", backend, i, v[1][i], v[0][i]);
    }
}

/* A loss that is infinite while its gradients are finite counts too, in whichever batch of a step; the step behind it is done. */
static void test_guard_loss(void **state) {
    (void)state;
    for (int bad = 0; bad < 3; bad++) {
        net n;
        hk_network_config c = config("cpu");
        hk_executor_config ec = trains;
        const float high[2] = { 1e20f, 0 }, low[2] = { 0.1f, -0.2f };
        c.accumulate = 3, ec.flags = HK_GUARD;
        start(&n, LINEAR, c, ec);
        for (int b = 0; b < 3; b++) {
            double loss;
            net_ok(hk_network_write_param(n.net, 1, b == bad ? high : low));
            train(n.ex, b);
            net_ok(hk_executor_read(n.ex, "loss", HK_F64, &loss, 1));
            if (isinf(loss) != (b == bad)) fail_msg("batch %d: the loss is %g", b, loss);
        }
        if (!hk_executor_skipped(n.ex)) fail_msg("the loss of batch %d of 3 is infinite, and the step was done", bad);
        net_ok(hk_network_write_param(n.net, 1, low));
        for (int b = 0; b < 3; b++) train(n.ex, b);
        if (hk_executor_skipped(n.ex)) fail_msg("the step behind that of batch %d was not done", bad);
        net_free(&n);
    }
}

/* A gradient that is not a number goes into the parameters, as in PyTorch, and nothing of it stays behind when they are written anew. */
static void test_nan(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        net n;
        hk_network_config c = config("cpu");
        float x[N * IN] = { NAN }, w[6] = { 0 }, zero[6] = { 0 };
        int64_t y[N] = { 0 };
        double norm = 0;
        c.clip_norm = k ? 0 : 0.3, c.clip_value = k ? 0.1 : 0;
        start(&n, LINEAR, c, trains);
        batch(n.ex, 0);
        net_ok(hk_executor_write(n.ex, "x", HK_F32, x, N * IN));
        net_ok(hk_executor_write(n.ex, "target", HK_I64, y, N));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_network_read_param(n.net, 0, w));
        if (!isnan(w[0])) fail_msg("clip_%s: the parameter is %g, expected not a number", k ? "value" : "norm", (double)w[0]);
        for (int i = 0; i < 2; i++) {
            net_ok(hk_network_write_param(n.net, i, zero));
            net_ok(hk_network_write_opt_state(n.net, 0, i, zero));
        }
        batch(n.ex, 0);
        net_ok(hk_executor_run(n.ex));
        if (!k) net_ok(hk_executor_read(n.ex, "grad_norm", HK_F64, &norm, 1));
        net_ok(hk_network_read_param(n.net, 0, w));
        if (!isfinite(norm) || !isfinite(w[0])) fail_msg("the next step's norm is %g, its parameter %g", norm, (double)w[0]);
        net_free(&n);
    }
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        double clip_norm, clip_value, ema;
        int accumulate;
        const char *text;
    } bad[] = { { -1, 0, 0, 0, "clip_norm" }, { NAN, 0, 0, 0, "clip_norm" }, { 0, -1, 0, 0, "clip_value" }, { 0, 0, 1, 0, "ema" },
        { 0, 0, 0, -1, "accumulate" } };
    hk_context *ctx = net_context();
    hk_module *root = NULL;
    net n;
    hk_executor *ex = NULL;
    double v[8];
    int group;
    net_ok(hk_module_new_from_text(ctx, "hk.module/1", LINEAR, &root));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hk_network_config c = config("cpu");
        hk_network *made = NULL;
        c.clip_norm = bad[i].clip_norm, c.clip_value = bad[i].clip_value, c.ema = bad[i].ema, c.accumulate = bad[i].accumulate;
        hk_status st = hk_network_new(ctx, root, &c, &made);
        if (st != HK_ECONFIG || !strstr(hk_error(ctx), bad[i].text)) fail_msg("%s: %s, %s", bad[i].text, hk_status_name(st), hk_error(ctx));
    }
    hk_module_free(root);
    start(&n, LINEAR, config("cpu"), trains);
    const hk_executor_config averaged = { .struct_size = sizeof averaged, .mode = HK_INFER, .flags = HK_AVERAGED };
    assert_int_equal(hk_executor_new(n.net, &averaged, &ex), HK_EINVAL);
    assert_int_equal(hk_network_read_ema64(n.net, 0, v), HK_ESTATE);
    assert_int_equal(hk_network_add_group(n.net, n.optimizer, &group), HK_ESTATE);
    assert_int_equal(hk_executor_step(n.ex), HK_ESTATE);
    batch(n.ex, 0);
    assert_int_equal(hk_executor_read(n.ex, "grad_norm", HK_F64, v, 1), HK_ENOTFOUND);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip_norm),
        cmocka_unit_test(test_clip_value),
        cmocka_unit_test(test_clip_far),
        cmocka_unit_test(test_accumulate),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_ema),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_guard),
        cmocka_unit_test(test_guard_loss),
        cmocka_unit_test(test_nan),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
