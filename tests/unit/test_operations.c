/* Operation types from plugins: the example plugins against plain loops and central differences, in loops and on one picture for all
 * steps; use of time; what is refused, by name. */
#include "net.h"

enum { K = 5 };

static double *numbers(int64_t n, uint64_t seed, double lo, double hi) {
    double *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = net_uniform(&seed, lo, hi);
    return v;
}

/* One network on cpu or ref, with the upstream gradient g of y. */
typedef struct run {
    const char *text, *backend;
    int64_t T, N, nb;
    int seq, threads;
    uint32_t passes_off;
} run;

typedef struct result {
    int64_t nx, ny, ng, nw; /* ng: of the upstream gradient: y may vary with less, once its loop is gone */
    double *x, *g, *y, *gx, *gw; /* gw: of parameter 0, NULL: none */
} result;

static void result_free(result *r) {
    free(r->x), free(r->g), free(r->y), free(r->gx), free(r->gw);
}

static void open_net(net *n, const run *c) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = c->backend ? c->backend : "cpu", nc.threads = c->threads ? c->threads : 1, nc.nb = c->nb, nc.passes_off = c->passes_off, nc.seed = 3, nc.spiking = 0;
    const hk_output out = { "y", 1, 0 };
    hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD, 1, &out };
    net_make(n, c->text, NULL, NULL, nc, ec);
    net_ok(hk_executor_shape(n->ex, c->T, c->N, c->seq, 1, (int64_t[]){ K }));
    if (!hk_network_n_param(n->net)) return;
    double *w = numbers(hk_network_param(n->net, 0)->elems, 9, 0.5, 1.5);
    net_ok(hk_network_write_param64(n->net, 0, w));
    free(w);
}

static void forward(net *n, const result *r) {
    net_ok(hk_executor_write(n->ex, "x", HK_F64, r->x, r->nx));
    net_ok(hk_executor_run(n->ex));
    net_ok(hk_executor_read(n->ex, "y", HK_F64, r->y, r->ny));
}

static double objective(net *n, const result *r) {
    double sum = 0;
    forward(n, r);
    for (int64_t i = 0; i < r->ng; i++) sum += r->g[i] * r->y[i % r->ny];
    return sum;
}

static result all(net *n, const run *c) {
    result r = { .nx = c->N * K * (c->seq ? c->T : 1), .ny = 1, .ng = 1 };
    int rank;
    int64_t dims[HK_MAX_RANK + 2];
    net_ok(hk_executor_dims(n->ex, "y", &rank, dims));
    for (int i = 0; i < rank; i++) r.ny *= dims[i];
    net_ok(hk_executor_dims(n->ex, "grad_out:y", &rank, dims));
    for (int i = 0; i < rank; i++) r.ng *= dims[i];
    r.x = numbers(r.nx, 1, -3, 3), r.g = numbers(r.ng, 2, -1, 1);
    r.y = malloc((size_t)r.ny * sizeof *r.y), r.gx = malloc((size_t)r.nx * sizeof *r.gx);
    net_ok(hk_executor_write(n->ex, "grad_out:y", HK_F64, r.g, r.ng));
    forward(n, &r);
    net_ok(hk_executor_backward(n->ex));
    if (hk_executor_read(n->ex, "grad:x", HK_F64, r.gx, r.nx) != HK_OK) {
        hk_executor_print(n->ex, stderr);
        fail_msg("%s, T=%lld N=%lld passes_off=%u: %s", c->text, (long long)c->T, (long long)c->N, c->passes_off, hk_error(net_context()));
    }
    if (hk_network_n_param(n->net)) {
        char name[128];
        snprintf(name, sizeof name, "grad:%s", hk_network_param(n->net, 0)->name);
        r.nw = hk_network_param(n->net, 0)->elems, r.gw = malloc((size_t)r.nw * sizeof *r.gw);
        net_ok(hk_executor_read(n->ex, name, HK_F64, r.gw, r.nw));
    }
    return r;
}

static result once(const run *c) {
    net n;
    open_net(&n, c);
    result r = all(&n, c);
    net_free(&n);
    return r;
}

/* Every gradient against (f(v + eps) - f(v - eps)) / (2 eps). */
static void by_differences(const run *c, double eps, double tolerance) {
    net n;
    open_net(&n, c);
    result r = all(&n, c);
    double *w = r.nw ? numbers(r.nw, 9, 0.5, 1.5) : NULL;
    for (int p = 0; p < 1 + (r.nw > 0); p++) {
        double *v = p ? w : r.x, *grad = p ? r.gw : r.gx;
        int64_t count = p ? r.nw : r.nx, stride = count > 60 ? count / 60 : 1;
        for (int64_t i = 0; i < count; i += stride) {
            double keep = v[i], f[2];
            for (int s = 0; s < 2; s++) {
                v[i] = keep + (s ? -eps : eps);
                if (p) net_ok(hk_network_write_param64(n.net, 0, v));
                f[s] = objective(&n, &r);
            }
            v[i] = keep;
            if (p) net_ok(hk_network_write_param64(n.net, 0, v));
            double want = (f[0] - f[1]) / (2 * eps);
            if (!(fabs(want - grad[i]) <= tolerance * (1 + fabs(want))))
                fail_msg("%s, T=%lld N=%lld seq=%d passes_off=%u: gradient of %s[%lld]: got %.9g, by differences %.9g", c->text, (long long)c->T, (long long)c->N, c->seq,
                         c->passes_off, p ? "the parameter" : "x", (long long)i, grad[i], want);
        }
    }
    free(w);
    result_free(&r);
    net_free(&n);
}

static void near(const char *what, const run *c, const double *got, const double *want, int64_t n, double tolerance) {
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance * (1 + fabs(want[i]))))
            fail_msg("%s, T=%lld N=%lld seq=%d: %s[%lld]: got %.9g, expected %.9g", c->text, (long long)c->T, (long long)c->N, c->seq, what, (long long)i, got[i], want[i]);
}

/* ---- the examples ---- */

static void softplus_row(const double *x, double *y) {
    for (int k = 0; k < K; k++) y[k] = log1p(exp(2 * x[k])) / 2;
}
static void rms_row(const double *x, double *y) {
    double sum = 0, *w = numbers(K, 9, 0.5, 1.5);
    for (int k = 0; k < K; k++) sum += x[k] * x[k];
    for (int k = 0; k < K; k++) y[k] = x[k] * w[k] / sqrt(sum / K + 0.01);
    free(w);
}

static const struct {
    const char *text;
    void (*row)(const double *x, double *y);
} examples[] = {
    { "Softplus(beta=2.0)", softplus_row },
    { "Softplus(beta=2.0, step_mode=s)", softplus_row },
    { "RMSNorm(5, eps=0.01)", rms_row },
    { "RMSNorm(5, eps=0.01, step_mode=s)", rms_row },
    { "MultiStep(RMSNorm(5, eps=0.01))", rms_row },
};
enum { N_EXAMPLES = sizeof examples / sizeof *examples };

static void test_forward_is_the_plain_loop(void **state) {
    (void)state;
    for (int e = 0; e < N_EXAMPLES; e++)
        for (int seq = 0; seq < 2; seq++)
            for (uint32_t off = 0; off < 4; off++) { /* fold_time and hoist, on and off */
                const run c = { .text = examples[e].text, .T = 3, .N = 37, .seq = seq, .nb = 16, .threads = 2, .passes_off = off };
                result r = once(&c);
                double *want = malloc((size_t)r.ny * sizeof *want);
                int64_t rows = r.ny / K, in_rows = r.nx / K;
                for (int64_t i = 0; i < rows; i++) examples[e].row(r.x + i % in_rows * K, want + i * K);
                near("y", &c, r.y, want, r.ny, 2e-6);
                free(want);
                result_free(&r);
            }
}

static void test_gradients_by_differences(void **state) {
    (void)state;
    static const char *const deep[] = { "Sequential(Linear(5, 5), Softplus(), Linear(5, 2))", "Sequential(Linear(5, 5), RMSNorm(5, eps=0.01), Linear(5, 2), MeanT())",
                                        "MultiStep(Sequential(Linear(5, 5), RMSNorm(5, eps=0.01), LIF(surrogate=ATan())))",
                                        "ElementWiseRecurrent(RMSNorm(5, eps=0.01), element_wise_function=add)", "LinearRecurrent(Softplus(), in_features=5, out_features=5)" };
    for (int e = 0; e < N_EXAMPLES + 5; e++)
        for (int seq = 0; seq < 2; seq++)
            for (uint32_t off = 0; off < 4; off++) {
                run c = { .text = e < N_EXAMPLES ? examples[e].text : deep[e - N_EXAMPLES], .T = 3, .N = 19, .seq = seq, .nb = 16, .passes_off = off };
                by_differences(&c, 1e-2, 4e-3); /* cpu computes in float */
                c.backend = "ref";
                if (strstr(c.text, "Softplus")) by_differences(&c, 1e-5, 1e-7);
            }
}

static void test_bits_depend_on_neither_threads_nor_blocks(void **state) {
    (void)state;
    static const char *const text[] = { "Sequential(RMSNorm(5), Linear(5, 3))", "MultiStep(Sequential(RMSNorm(5), Linear(5, 3)))" };
    for (int i = 0; i < 2; i++) {
        const run first = { .text = text[i], .T = 4, .N = 70, .seq = 1, .nb = 16, .threads = 1 };
        result want = once(&first);
        for (int k = 0; k < 5; k++) {
            run c = first;
            c.nb = k == 0 ? 16 : k < 3 ? 32 : -1, c.threads = k % 2 ? 1 : 2;
            result r = once(&c);
            assert_int_equal(r.nw, K);
            if (memcmp(r.gw, want.gw, (size_t)r.nw * sizeof *r.gw) || memcmp(r.gx, want.gx, (size_t)r.nx * sizeof *r.gx) || memcmp(r.y, want.y, (size_t)r.ny * sizeof *r.y))
                fail_msg("%s: other bits with nb=%lld and %d threads: weight gradient %.9g, expected %.9g", text[i], (long long)c.nb, c.threads, r.gw[0], want.gw[0]);
            result_free(&r);
        }
        result_free(&want);
    }
}

static void test_a_picture_goes_through_once(void **state) {
    (void)state;
    net n;
    const run c = { .text = "Sequential(RMSNorm(5), Softplus(), LIF(surrogate=ATan()))", .T = 6, .N = 3, .seq = 0 };
    open_net(&n, &c);
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    net_ok(hk_executor_print(n.ex, f));
    fclose(f);
    int found = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char unit[16], number[16], phase[16], op[32], path[16];
        long rows;
        if (sscanf(line, "%15s %15s %15s %31s %15s %ld", unit, number, phase, op, path, &rows) != 6) continue;
        if (strncmp(op, "rms_norm", 8) && strcmp(op, "softplus")) continue;
        found++;
        if (!strstr(line, " plugin ")) fail_msg("%s is not run by the plugin's function: %s", op, line);
        if (rows != c.N) fail_msg("%s has %ld rows, expected one for each of %lld samples", op, rows, (long long)c.N);
    }
    assert_int_equal(found, 3); /* both forward, and rms_norm_bwd */
    free(text);
    net_free(&n);
}

/* cpu is asked to train it, ref has doubles and no function for them. */
static void test_ref_declines_f32_functions_by_name(void **state) {
    (void)state;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = "ref";
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
    net n;
    net_make(&n, "Sequential(Linear(5, 5), RMSNorm(5))", NULL, NULL, nc, ec);
    assert_int_equal(hk_executor_shape(n.ex, 2, 3, 1, 1, (int64_t[]){ K }), HK_EUNSUPPORTED);
    const char *e = hk_error(net_context());
    if (!strstr(e, "'ref'") || !strstr(e, "'rms_norm'") || !strstr(e, "of 1")) fail_msg("the error does not name backend, operation and module: %s", e);
    net_free(&n);
}

/* ---- a plugin of this program: use of time, and what is wrong ---- */

static hk_status like_x(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    (void)b, (void)op;
    out[0] = in[0];
    return HK_OK;
}

static hk_status sequence(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    if (!(in[0].flags & HK_T)) return (b->api->fail)(b, HK_ESHAPE, "%s takes a sequence", op->op);
    out[0] = in[0];
    return HK_OK;
}

/* test.reverse, WHOLE: y[t] = x[T-1-t]; its adjoint is the same. */
static hk_status reverse(const hk_opdesc *o, const hk_bind *b, uint32_t from, uint32_t to) {
    int64_t row = hk_desc_elems(&o->out[0]);
    for (int64_t t = 0; t < b->T; t++) memcpy((float *)b->ptr[to] + t * b->n * row, (float *)b->ptr[from] + (b->T - 1 - t) * b->n * row, (size_t)(b->n * row) * sizeof(float));
    return HK_OK;
}
static hk_status reverse_forward(const hk_opdesc *o, const hk_bind *b) { return reverse(o, b, 0, 1); }
static hk_status reverse_backward(const hk_opdesc *o, const hk_bind *b) { return reverse(o, b, 2, 3); } /* (x), (y), g -> gx */

/* test.leak, SCAN: y[t] = y[t-1] / 2 + x[t], y[-1] = s. x, s -> y, s1 */
static hk_status leak_infer(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    for (int i = 0; i < 2; i++) out[i].rank = in[0].rank, memcpy(out[i].shape, in[0].shape, sizeof out[i].shape);
    out[1].flags = HK_N;
    (void)b, (void)op;
    return HK_OK;
}
static hk_status leak_forward(const hk_opdesc *o, const hk_bind *b) {
    int64_t row = b->n * hk_desc_elems(&o->in[0]);
    const float *x = b->ptr[0], *s = b->ptr[1];
    float *y = b->ptr[2], *s1 = b->ptr[3];
    for (int64_t i = 0; i < row; i++) {
        float v = s[i];
        for (int64_t t = 0; t < b->T; t++) {
            v = v / 2 + x[(o->in[0].flags & HK_T ? t : 0) * row + i];
            if (y) y[t * row + i] = v;
        }
        if (s1) s1[i] = v;
    }
    return HK_OK;
}
static hk_status leak_backward(const hk_opdesc *o, const hk_bind *b) { /* (x), (s), (y), (s1), gy, gs1 -> gx, gs */
    int64_t row = b->n * hk_desc_elems(&o->out[0]);
    const float *gy = b->ptr[4], *gs1 = b->ptr[5];
    float *gx = b->ptr[6], *gs = b->ptr[7];
    for (int64_t i = 0; i < row; i++) {
        float g = gs1 ? gs1[i] : 0;
        for (int64_t t = b->T - 1; t >= 0; t--) {
            g += gy ? gy[(o->in[4].flags & HK_T ? t : 0) * row + i] : 0;
            if (gx) gx[t * row + i] = g;
            g /= 2;
            if (gs) gs[t * row + i] = t == 0 ? g : 0;
        }
    }
    return HK_OK;
}
static hk_status leak_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    const hk_value operand[2] = { in[0], b->api->state(b, self, "s", in[0], 0.0) };
    hk_value y[2];
    (void)n_in, (void)n_out;
    hk_emit(b, "test.leak", 2, operand, 2, y, 0, NULL);
    b->api->state_next(b, self, "s", y[1]);
    out[0] = y[0];
    return HK_OK;
}

static hk_status wrong_rows(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    out[0] = in[0], out[0].flags = HK_STATIC;
    (void)b, (void)op;
    return HK_OK;
}
static hk_status wrong_shape(hk_builder *b, const hk_op_view *op, const hk_desc *in, hk_desc *out) {
    out[0] = in[0], out[0].shape[0] = -4;
    (void)b, (void)op;
    return HK_OK;
}
static hk_status broken(const hk_opdesc *o, const hk_bind *b) {
    (void)o, (void)b;
    return HK_EDATA;
}

/* TestEmit(op, n_in): emits an operation by name. */
static const hk_field emit_fields[] = { { "op", HK_STR, 0, NULL, 0, 0, NULL, "" }, { "n_in", HK_INT, 0, "1", 0, 9, NULL, "" }, { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "" } };
static hk_status emit_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    hk_value operand[9];
    (void)n_in, (void)n_out;
    for (int i = 0; i < 9; i++) operand[i] = in[0];
    hk_emit(b, hk_get_str(self, "op"), (int)hk_get_int(self, "n_in"), operand, 1, out, 0, NULL);
    return HK_OK;
}

#define OP(...) { .struct_size = sizeof(hk_op_type), .doc = "test", .source = "", .min_in = 1, .max_in = 1, .n_out = 1, __VA_ARGS__ }
static const hk_op_type reverse_type = OP(.time = HK_TIME_WHOLE, .infer = sequence, .forward = reverse_forward, .backward = reverse_backward);
static const hk_op_type leak_type = { .struct_size = sizeof leak_type, .time = HK_TIME_SCAN, .doc = "test", .source = "", .min_in = 2, .max_in = 2, .n_out = 2,
                                      .infer = leak_infer, .forward = leak_forward, .backward = leak_backward };
static const hk_op_type rows_type = OP(.infer = wrong_rows, .forward = broken), shape_type = OP(.infer = wrong_shape, .forward = broken), broken_type = OP(.infer = like_x, .forward = broken);
static const hk_module_type emit_layer = { .struct_size = sizeof emit_layer, .role = HK_LAYER, .doc = "test", .fields = emit_fields, .n_fields = 3, .build = emit_build };
static const hk_field leak_fields[] = { { "step_mode", HK_ENUM, 0, "m", 0, 0, "m|s", "" } };
static const hk_module_type leak_layer = { .struct_size = sizeof leak_layer, .role = HK_LAYER, .doc = "test", .fields = leak_fields, .n_fields = 1, .build = leak_build };

static hk_status own_init(const hk_host *h) {
    const struct {
        const char *iface, *id;
        const void *type;
    } t[] = { { "hk.op/1", "test.reverse", &reverse_type }, { "hk.op/1", "test.leak", &leak_type },     { "hk.op/1", "test.rows", &rows_type },
              { "hk.op/1", "test.shape", &shape_type },     { "hk.op/1", "test.broken", &broken_type }, { "hk.module/1", "TestEmit", &emit_layer },
              { "hk.module/1", "TestLeak", &leak_layer } };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof t / sizeof *t && !st; i++) st = h->add(h->ctx, t[i].iface, t[i].id, t[i].type);
    return st;
}

static void test_use_of_time(void **state) {
    (void)state;
    static const char *const text[] = { "TestEmit(op=\"test.reverse\")", "TestLeak()", "TestLeak(step_mode=s)", "MultiStep(Sequential(Linear(5, 5), TestLeak()))",
                                        "Sequential(Linear(5, 5), TestEmit(op=\"test.reverse\"), TestLeak())" };
    for (int i = 0; i < 5; i++)
        for (int seq = i == 0 || i == 4; seq < 2; seq++) by_differences(&(run){ .text = text[i], .T = 4, .N = 18, .seq = seq, .nb = 16, .threads = 2 }, 1e-2, 2e-3);
    const run reversed = { .text = text[0], .T = 4, .N = 18, .seq = 1, .nb = 16 };
    result r = once(&reversed);
    for (int64_t i = 0; i < r.ny; i++) {
        int64_t t = i / (18 * K), from = (3 - t) * 18 * K + i % (18 * K);
        if (r.y[i] != (double)(float)r.x[from]) fail_msg("test.reverse: y[%lld] = %g, expected %g", (long long)i, r.y[i], r.x[from]);
    }
    result_free(&r);
    const run m = { .text = text[1], .T = 4, .N = 18, .seq = 1, .nb = 16 }, s = { .text = text[2], .T = 4, .N = 18, .seq = 1, .nb = 16 };
    result a = once(&m), b = once(&s);
    near("y", &s, b.y, a.y, a.ny, 0);
    near("gradient of x", &s, b.gx, a.gx, a.nx, 0);
    result_free(&a), result_free(&b);
}

static void test_state_goes_on(void **state) {
    (void)state;
    static const char *const text[] = { "TestLeak()", "TestLeak(step_mode=s)" };
    for (int i = 0; i < 2; i++) {
        net n;
        const run whole = { .text = text[i], .T = 6, .N = 3, .seq = 1 };
        result r = once(&whole);
        open_net(&n, &(run){ .text = text[i], .T = 2, .N = 3, .seq = 1 });
        double y[2 * 3 * K];
        for (int part = 0; part < 3; part++) {
            net_ok(hk_executor_write(n.ex, "x", HK_F64, r.x + part * 2 * 3 * K, 2 * 3 * K));
            net_ok(part ? hk_executor_continue(n.ex) : hk_executor_run(n.ex));
            net_ok(hk_executor_read(n.ex, "y", HK_F64, y, 2 * 3 * K));
            near("y of a part", &whole, y, r.y + part * 2 * 3 * K, 2 * 3 * K, 0);
        }
        result_free(&r);
        net_free(&n);
    }
}

/* The network cannot be built, or run, and the error says so. */
static void refused(const char *text, hk_status want, const char *const *says) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.threads = 1;
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
    net n;
    net_make(&n, text, NULL, NULL, nc, ec);
    hk_status st = hk_executor_shape(n.ex, 2, 3, 1, 1, (int64_t[]){ K });
    if (st == HK_OK) st = hk_executor_run(n.ex);
    const char *e = hk_error(net_context());
    if (st != want) fail_msg("%s: got %s (%s), expected %s", text, hk_status_name(st), e, hk_status_name(want));
    for (; *says; says++)
        if (!strstr(e, *says)) fail_msg("%s: the error does not say '%s': %s", text, *says, e);
    net_free(&n);
}
#define SAYS(...) (const char *const[]){ __VA_ARGS__, NULL }

static void test_what_is_wrong_is_named(void **state) {
    (void)state;
    refused("Sequential(MultiStep(TestEmit(op=\"test.reverse\")))", HK_EUNSUPPORTED, SAYS("test.reverse", "all time steps", "layer 0 "));
    refused("TestEmit(op=\"test.reverse\", step_mode=s)", HK_EUNSUPPORTED, SAYS("test.reverse", "step_mode=m"));
    refused("TestEmit(op=\"test.rows\")", HK_EPLUGIN, SAYS("test.rows", "flags of output 0"));
    refused("TestEmit(op=\"test.shape\")", HK_EPLUGIN, SAYS("test.shape", "[-4]"));
    refused("TestEmit(op=\"test.reverse\", n_in=2)", HK_EINVAL, SAYS("test.reverse", "takes 1 to 1 inputs", "with 2"));
    refused("TestEmit(op=\"test.nowhere\")", HK_ENOTFOUND, SAYS("test.nowhere", "no plugin"));
    refused("TestEmit(op=\"rms_norm\", n_in=1)", HK_EINVAL, SAYS("rms_norm", "takes 2 to 2 inputs"));
    refused("TestEmit(op=\"test.broken\")", HK_EDATA, SAYS("test.broken", "(root)", "status -5"));
}

/* A gradient that nobody wrote stops at the operation: the layer before gets none. */
static void test_without_a_gradient_it_stops(void **state) {
    (void)state;
    net n;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    const hk_output out = { "y", 1, 0 };
    hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD, 1, &out };
    net_make(&n, "Sequential(Linear(5, 5), TestEmit(op=\"test.broken\"))", NULL, NULL, nc, ec);
    net_ok(hk_executor_shape(n.ex, 2, 3, 1, 1, (int64_t[]){ K }));
    double gx[30];
    assert_int_equal(hk_executor_read(n.ex, "grad:x", HK_F64, gx, 30), HK_ENOTFOUND);
    net_free(&n);
}

/* ---- registration ---- */

static hk_op_type bad;
static const char *bad_id;
static hk_status bad_init(const hk_host *h) { return h->add(h->ctx, "hk.op/1", bad_id, &bad); }

static void test_bad_types_are_refused(void **state) {
    (void)state;
    static const hk_op_type good = OP(.infer = like_x, .forward = broken, .backward = broken);
    static const struct {
        const char *id, *says;
        hk_op_type type;
    } cases[] = {
        { "add", "the core has an operation of this name", OP(.infer = like_x) },
        { "test.x_bwd", "_bwd", OP(.infer = like_x) },
        { "test.x", "infer is NULL", OP(.forward = broken) },
        { "test.x", "time is 7", OP(.infer = like_x, .time = 7) },
        { "test.x", "forward is NULL", OP(.infer = like_x, .backward = broken) },
        { "test.x", "backward64 is NULL", OP(.infer = like_x, .forward = broken, .forward64 = broken, .backward = broken) },
        { "test.x", "n_out is 0", { .struct_size = sizeof(hk_op_type), .infer = like_x } },
        { "test.x", "min_in 3 is above", { .struct_size = sizeof(hk_op_type), .infer = like_x, .min_in = 3, .n_out = 1 } },
        { "test.x", "expected at most 40", { .struct_size = sizeof(hk_op_type), .infer = like_x, .forward = broken, .backward = broken, .max_in = 20, .n_out = 1 } },
        { "rms norm", "operation's id", OP(.infer = like_x) },
    };
    hk_context_config config = HK_CONTEXT_CONFIG_DEFAULT;
    config.no_default_plugins = 1, config.log_level = 0;
    for (size_t i = 0; i <= sizeof cases / sizeof *cases; i++) {
        int last = i == sizeof cases / sizeof *cases;
        hk_context *ctx;
        assert_int_equal(hk_context_new(&config, &ctx), HK_OK);
        bad = last ? good : cases[i].type, bad_id = last ? "test.x" : cases[i].id;
        const hk_plugin_entry e = { HK_PLUGIN_MAGIC, sizeof e, HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, "test.bad", "1", "", NULL, bad_init, NULL };
        hk_status st = hk_plugin_add(ctx, &e);
        if (st != (last ? HK_OK : HK_EPLUGIN) || (!last && !strstr(hk_error(ctx), cases[i].says)))
            fail_msg("'%s': got %s: %s; expected '%s'", bad_id, hk_status_name(st), hk_error(ctx), last ? "no error" : cases[i].says);
        if (!last) assert_null(hk_type_get(ctx, "hk.op/1", bad_id));
        hk_context_free(ctx);
    }
}

int main(void) {
    static const hk_plugin_entry own = { HK_PLUGIN_MAGIC, sizeof own, HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, "test.operations", "1", "", NULL, own_init, NULL };
    hk_context *ctx = net_context();
    if (hk_plugin_load(ctx, HILLOCK_EXAMPLE_DIR "/softplus.so") || hk_plugin_load(ctx, HILLOCK_EXAMPLE_DIR "/rms_norm.so") || hk_plugin_add(ctx, &own)) {
        fprintf(stderr, "%s\n", hk_error(ctx));
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward_is_the_plain_loop),
        cmocka_unit_test(test_gradients_by_differences),
        cmocka_unit_test(test_bits_depend_on_neither_threads_nor_blocks),
        cmocka_unit_test(test_a_picture_goes_through_once),
        cmocka_unit_test(test_ref_declines_f32_functions_by_name),
        cmocka_unit_test(test_use_of_time),
        cmocka_unit_test(test_state_goes_on),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_without_a_gradient_it_stops),
        cmocka_unit_test(test_bad_types_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
