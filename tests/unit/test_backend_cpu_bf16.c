/* test_backend_cpu_bf16.c - products of the cpu backend with option bf16=winograd: rounding to nearest even, errors beside sums in double, the same bits for every
 * block size, scope and number of threads; and what the option says where the processor lacks it. Usage: test_backend_cpu_bf16 [backend_cpu.so] */
#include "backend_run.h"
#include "backend_conv.h"

static char logged[1024];
static void keep_log(hk_context *c, int level, const char *fmt, ...) {
    (void)c, (void)level;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(logged + strlen(logged), sizeof logged - strlen(logged), fmt, ap);
    va_end(ap);
}

/* Nearest of 8 bits of mantissa, ties to even; subnormals: 0. */
static float rounded(float x) {
    uint32_t u;
    memcpy(&u, &x, 4);
    if (!(u & 0x7f800000)) u &= 0x80000000;
    u = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000;
    memcpy(&x, &u, 4);
    return x;
}

static const char *implementation(
    const char *op, hk_scope scope, int64_t T, int64_t N, int n_in, const hn_value *in, const hn_value *out, int n_attr, const hk_attr *attr) {
    static char name[64];
    hk_desc d[3];
    for (int k = 0; k < n_in; k++) d[k] = in[k].d;
    const hk_opdesc o = hn_opdesc(op, scope, T, N, n_in, d, 1, &out->d, n_attr, attr);
    hk_op_plan *plan = NULL;
    const hk_backend *be;
    if (hn_plan_new(&o, &be, &plan) != HK_OK) fail_msg("%s: %s", op, hn_message);
    hk_query q = { .struct_size = sizeof q };
    be->plan_query(plan, &q);
    snprintf(name, sizeof name, "%s", q.impl);
    be->plan_free(plan);
    return name;
}

static void expect_bf16(const char *op, const char *impl) {
    if (!strstr(impl, "bf16")) fail_msg("%s goes by '%s', expected one with bf16", op, impl);
}

/* Differences and numbers wanted, squared and added up */
typedef struct norm {
    double far, all;
} norm;
static void count(norm *n, double got, double want) { n->far += (got - want) * (got - want), n->all += want * want; }
static void bound(const char *what, norm n, double least, double most) {
    double e = sqrt(n.far / n.all);
    if (!(e >= least && e <= most)) fail_msg("%s: differs by %.2e of its norm, expected %.1e to %.1e", what, e, least, most);
}

/* linear_dx with a weight of ones on the diagonal gives the rounded gradient. */
static void test_rounds_to_nearest_even(void **state) {
    (void)state;
    enum { N = 40, S = 130 };
    static const float special[] = { 0, -0.0f, 1.00390625f /* a tie, down */, 1.01171875f /* a tie, up */, 1.0039063f, -1.01171875f, 3e38f, 1e-40f, -1e-40f,
        1.1754944e-38f, 0.1f };
    hn_value g = hn_new(HK_F32, SEQ, 1, N, SHAPE(S)), w = hn_new(HK_F32, STATIC, 1, N, SHAPE(S, S)), gx = hn_new(HK_F32, SEQ, 1, N, SHAPE(S)), in[2] = { g, w };
    float *from = (float *)(void *)g.mem, *W = (float *)(void *)w.mem, *X = (float *)(void *)gx.mem;
    for (int i = 0; i < S * S; i++) W[i] = i % S == i / S;
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) from[7 * i] = special[i];
    expect_bf16("linear_dx", implementation("linear_dx", HK_SCOPE_BLOCK, 1, N, 2, in, &gx, 0, NULL));
    assert_int_equal(hn_run("linear_dx", HK_SCOPE_BLOCK, hn_isa(), 16, 1, N, 2, in, 1, &gx, 0, NULL), HK_OK);
    for (int i = 0; i < N * S; i++)
        if (X[i] != rounded(from[i])) fail_msg("%.9g became %.9g, expected %.9g", (double)from[i], (double)X[i], (double)rounded(from[i]));
    drop(2, in), drop(1, &gx);
}

/* share < 0: x is f32; else of spikes, but every third row has half as many again, so that rows go both ways. */
static void check_linear(int64_t T, int64_t N, int64_t K, int64_t O, double share, uint32_t flags, int with_bias) {
    hn_value x = hn_new(share < 0 ? HK_F32 : HK_SPIKE, flags, T, N, SHAPE(K)), w = hn_new(HK_F32, STATIC, T, N, SHAPE(O, K)),
             b = with_bias ? hn_new(HK_F32, STATIC, T, N, SHAPE(O)) : hn_absent(), g = hn_new(HK_F32, flags, T, N, SHAPE(O)),
             y = hn_new(HK_F32, flags, T, N, SHAPE(O)), gx = hn_new(HK_F32, flags, T, N, SHAPE(K));
    hn_value in[3] = { x, w, b }, in_dx[2] = { g, w };
    for (int64_t i = 0; share >= 0 && i < x.rows * K; i++) ((uint8_t *)x.mem)[i] = hn_uniform() < (i / K % 3 ? share : 1.5 * share);
    expect_bf16("linear", implementation("linear", HK_SCOPE_BLOCK, T, N, 3, in, &y, 0, NULL));
    expect_bf16("linear_dx", implementation("linear_dx", HK_SCOPE_BLOCK, T, N, 2, in_dx, &gx, 0, NULL));
    never_keep = share >= 0; /* in inference, rows of spikes go by their lists, in f32 */
    run("linear", T, N, 3, in, 1, &y, 0, NULL, 0);
    never_keep = 0;
    run("linear_dx", T, N, 2, in_dx, 1, &gx, 0, NULL, 0);
    norm ny = { 0, 0 }, nx = { 0, 0 };
    const float *W = (const float *)(const void *)w.mem;
    for (int64_t t = 0; t < (flags & HK_T ? T : 1); t++)
        for (int64_t i = 0; i < N; i++) {
            for (int64_t o = 0; o < O; o++) {
                double want = with_bias ? hn_at(&b, 0, 0, o) : 0;
                for (int64_t k = 0; k < K; k++) want += (double)W[o * K + k] * hn_at(&x, t, i, k);
                count(&ny, hn_at(&y, t, i, o), want);
            }
            for (int64_t k = 0; k < K; k++) {
                double want = 0;
                for (int64_t o = 0; o < O; o++) want += (double)W[o * K + k] * hn_at(&g, t, i, o);
                count(&nx, hn_at(&gx, t, i, k), want);
            }
        }
    bound("linear", ny, share >= 0 && share < 0.1 ? 0 : 1e-4, 4e-3); /* few spikes: sums of f32 */
    bound("linear_dx", nx, 1e-3, 4e-3);
    drop(3, in), drop(1, &g), drop(1, &y), drop(1, &gx);
}

static void test_linear(void **state) {
    (void)state;
    check_linear(3, 33, 131, 257, -1, SEQ, 1);
    check_linear(1, 50, 300, 128, -1, HELD, 0);
    check_linear(3, 33, 257, 131, 0.12, SEQ, 1); /* some rows by lists */
    check_linear(3, 17, 128, 140, 0.04, SEQ, 0);
    check_linear(3, 17, 259, 200, 0.6, SEQ, 1);
}

/* linear_dw with direct = 1, on blocks and threads of all kinds */
static void check_direct_dw(int64_t T, int64_t N, int64_t K, int64_t O, double share) {
    const hk_attr attr[1] = { { "direct", 1, 0, NULL } };
    hn_value g = hn_new(HK_F32, SEQ, T, N, SHAPE(O)), x = hn_new(share < 0 ? HK_F32 : HK_SPIKE, SEQ, T, N, SHAPE(K)),
             w = hn_new(HK_F32, STATIC, T, N, SHAPE(O, K)), in[2] = { g, x };
    for (int64_t i = 0; share >= 0 && i < x.rows * K; i++) ((uint8_t *)x.mem)[i] = hn_uniform() < share;
    expect_bf16("linear_dw", implementation("linear_dw", HK_SCOPE_TEAM, T, N, 2, in, &w, 1, attr));
    char *first = NULL;
    static const int64_t blocks[] = { 16, 32, 64 };
    for (int way = 0; way < 6; way++) {
        int64_t nb = blocks[way % 3] < N ? blocks[way % 3] : N;
        hn_threads = 1 + way / 2;
        hk_desc d[2] = { g.d, x.d };
        hk_opdesc o = { sizeof o, HK_SCOPE_TEAM, "linear_dw", "test", 2, 1, 1, hn_isa(), d, &w.d, attr, T, N, nb, 1234567, NULL, 0, 0, NULL };
        hk_op_plan *plan = NULL;
        const hk_backend *be;
        if (hn_plan_new(&o, &be, &plan) != HK_OK) fail_msg("linear_dw: %s", hn_message);
        hk_query q = { .struct_size = sizeof q };
        be->plan_query(plan, &q);
        char *scratch = hn_buf(q.scratch), *a = blocks_of(&g, nb), *b = blocks_of(&x, nb), *y = hn_operand(w.bytes);
        void *ptr[3] = { a, b, y };
        hk_stream stream = { hn_parallel_for, hn_threads };
        hk_bind bind = { sizeof bind, 3, T, N, 0, 0, (N + 15) / 16, ptr, scratch, &hn_step, NULL };
        if (be->plan_run(plan, &stream, &bind) != HK_OK) fail_msg("linear_dw: %s", hn_message);
        hn_take(w.mem, y, w.bytes);
        if (first && memcmp(first, w.mem, w.bytes))
            fail_msg("linear_dw: other bits with blocks of %d and %d threads, %.0f %% spikes", (int)nb, hn_threads, 100 * share);
        if (!first) first = memcpy(malloc(w.bytes), w.mem, w.bytes);
        be->plan_free(plan);
        hn_backend->buf_free(hn_device, scratch);
        hn_operand_free(a), hn_operand_free(b), hn_operand_free(y);
    }
    hn_threads = 3;
    norm n = { 0, 0 };
    for (int64_t o = 0; o < O; o++)
        for (int64_t k = 0; k < K; k++) {
            double want = 0;
            for (int64_t t = 0; t < T; t++)
                for (int64_t i = 0; i < N; i++) want += hn_at(&g, t, i, o) * hn_at(&x, t, i, k);
            count(&n, ((float *)(void *)w.mem)[o * K + k], want);
        }
    bound("linear_dw", n, share >= 0 && share < 0.1 ? 0 : 5e-4, 4e-3);
    free(first), drop(2, in), drop(1, &w);
}

static void test_linear_dw(void **state) {
    (void)state;
    check_direct_dw(3, 33, 131, 257, -1); /* an odd number of rows */
    check_direct_dw(4, 48, 259, 130, 0.6);
    check_direct_dw(2, 19, 140, 128, 0.05); /* by lists */
    check_direct_dw(9, 65, 130, 129, 0.5);  /* more than one chunk of rows */
}

/* The filtering multiplies the rounding errors of data and weights: 1.2e-2 where the plain product has 2.3e-3. */
static void test_winograd_dx(void **state) {
    (void)state;
    static const conv_case cases[] = { { 64, 64, 14, 14, 1, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } }, { 17, 33, 9, 6, 1, { 3, 3, 1, 1, 0, 0, 1, 1, 1, 1 } } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const conv_case c = cases[k];
        const int64_t N = 17, T = 2, OH = out_size(c.H, c.w.pt + c.w.pb, 1, 3, 1, 0), OW = out_size(c.W, c.w.pl + c.w.pr, 1, 3, 1, 0);
        const hk_attr attr[] = { WINDOW_ATTR(c.w), { "groups", 1, 0, NULL } };
        hn_value g = hn_new(HK_F32, SEQ, T, N, SHAPE(c.O, OH, OW)), w = hn_new(HK_F32, STATIC, T, N, SHAPE(c.O, c.C, 3, 3)),
                 gx = hn_new(HK_F32, SEQ, T, N, SHAPE(c.C, c.H, c.W));
        hn_value in[2] = { g, w };
        expect_bf16("conv2d_dx", implementation("conv2d_dx", HK_SCOPE_BLOCK, T, N, 2, in, &gx, N_WINDOW + 1, attr));
        run("conv2d_dx", T, N, 2, in, 1, &gx, N_WINDOW + 1, attr, 0);
        double *want = calloc((size_t)gx.elems, 8);
        norm n = { 0, 0 };
        for (int64_t i = 0; i < N; i += 8) {
            memset(want, 0, (size_t)gx.elems * 8);
            EACH_PRODUCT(c, OH, OW) want[E_X] += (double)((float *)(void *)w.mem)[E_W] * hn_at(&g, 1, i, E_Y);
            for (int64_t e = 0; e < gx.elems; e++) count(&n, hn_at(&gx, 1, i, e), want[e]);
        }
        bound("conv2d_dx", n, 3e-3, 2e-2);
        free(want), drop(2, in), drop(1, &gx);
    }
}

/* At a level below AVX-512: a note, and f32. */
static void test_without_the_instructions(void **state) {
    (void)state;
    hk_backend_config config = { sizeof config, HK_ISA_AVX2, 1, 0, "bf16=on" };
    hk_device *device = NULL;
    hn_host.log = keep_log, logged[0] = 0;
    if (hn_backend->open(&hn_host, &config, &device) != HK_OK) fail_msg("bf16=on with max_isa avx2: %s", hn_message);
    hn_host.log = hn_log;
    hn_backend->close(device);
    if (!strstr(logged, "bf16=on") || !strstr(logged, "f32")) fail_msg("bf16=on with max_isa avx2 should be told, but this was: '%s'", logged);
    config.options = "bf16=maybe", config.isa = HK_ISA_AVX512;
    assert_int_equal(hn_backend->open(&hn_host, &config, &device), HK_ECONFIG);
    if (!strstr(hn_message, "expected off, on or winograd, got 'maybe'")) fail_msg("the message does not say what is expected: %s", hn_message);
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : getenv("HILLOCK_BACKEND_CPU");
    if (!file) file = HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so";
#if defined(__x86_64__)
    const int here = hn_isa() == 2 && __builtin_cpu_supports("avx512bf16");
#else
    const int here = 0;
#endif
    const struct CMUnitTest everywhere[] = { cmocka_unit_test(test_without_the_instructions) };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_the_instructions),
        cmocka_unit_test(test_rounds_to_nearest_even),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_linear_dw),
        cmocka_unit_test(test_winograd_dx),
    };
    hn_options = here ? "bf16=winograd" : "";
    if (hn_open(file, 3)) return 1;
    if (here) return cmocka_run_group_tests(tests, NULL, NULL);
    const int failed = cmocka_run_group_tests(everywhere, NULL, NULL);
    if (!failed) printf("skip: backend_cpu_bf16: this processor has no AVX512_BF16\n");
    return failed ? failed : 77;
}
