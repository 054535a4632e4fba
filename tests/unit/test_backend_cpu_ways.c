/* test_backend_cpu_ways.c - ways of the cpu backend out of which measuring chooses ([run] tune): each that is told can be planned and is the plain sum, for every block size, scope and level;
 * lists of spikes up to any share have the dense way's bits; a way that is none is declined. Usage: test_backend_cpu_ways [backend_cpu.so] */
#include "backend_run.h"
#include "backend_conv.h"

enum { N = 18, C = 20, H = 6, W = 5, O = 24, K = 150 };

/* What the backend under test, or the one it extends, tells. */
static int tell(const char *op, hk_scope scope, int n_in, const hn_value *in, const hn_value *out, int n_attr, const hk_attr *attr, hk_way *w) {
    hk_desc d[3];
    for (int k = 0; k < n_in; k++) d[k] = in[k].d;
    const hk_opdesc o = hn_opdesc(op, scope, 1, N, n_in, d, 1, &out->d, n_attr, attr);
    int n = hn_backend->ways ? hn_backend->ways(hn_device, &o, 8, w) : 0;
    if (n || !hn_backend->extends) return n;
    const hk_backend *be = hn_get(NULL, "hk.backend/1", hn_backend->extends);
    return be->ways(hn_backend->base(hn_device), &o, 8, w);
}

static void told(const char *op, const hk_way *w, int n, const char *want) {
    char text[128] = "";
    for (int k = 0; k < n; k++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s", k ? " " : "", w[k].name, w[k].flags & HK_WAY_SPIKES ? "=P" : "");
    if (strcmp(text, want)) fail_msg("%s: ways '%s', expected '%s'", op, text, want);
}

/* `op` by each way at each share, in every block size and scope; ways whose name begins with `dense` have the same bits. */
static void each_way(
    const char *op, int n_in, hn_value *in, hn_value *out, int n_attr, const hk_attr *attr, const hk_way *w, int n, const char *dense, double tol) {
    const char *spikes = w[n - 1].flags & HK_WAY_SPIKES ? w[n - 1].name : NULL;
    static const int share[] = { 0, 13, 30, 100 };
    char *first = NULL, *any = NULL;
    for (int k = 0; k < n; k++)
        for (int s = 0; s < (spikes ? 4 : 1) && !(w[k].flags & HK_WAY_SPIKES); s++) {
            char way[64];
            snprintf(way, sizeof way, spikes ? "%s %s=%d" : "%s", w[k].name, spikes, share[s]);
            hn_way = way;
            if (!strcmp(op, "linear_dw")) { /* of the whole batch */
                for (hn_threads = 1; hn_threads <= 3; hn_threads++)
                    assert_int_equal(hn_run(op, HK_SCOPE_TEAM, hn_isa(), 0, 1, N, n_in, in, 1, out, n_attr, attr), HK_OK);
                hn_threads = 3;
            } else run(op, 1, N, n_in, in, 1, out, n_attr, attr, 0);
            hn_way = NULL;
            if (!any) any = memcpy(malloc(out->bytes), out->mem, out->bytes);
            for (int64_t i = 0; i < out->rows * out->elems; i++) near(way, ((float *)(void *)out->mem)[i], ((float *)(void *)any)[i], tol);
            if (strcmp(w[k].name, dense)) continue;
            if (!first) first = memcpy(malloc(out->bytes), out->mem, out->bytes);
            if (memcmp(first, out->mem, out->bytes)) fail_msg("%s by '%s': other bits than by '%s %s=0'", op, way, dense, spikes);
        }
    assert_non_null(first);
    free(first), free(any);
}

static hn_value sparse(int rank, const int64_t *shape) {
    hn_value x = hn_new(HK_SPIKE, HK_HELD, 1, N, rank, shape);
    for (int64_t i = 0; i < x.rows * x.elems; i++) ((uint8_t *)x.mem)[i] = hn_uniform() < (i / x.elems % 3 ? 0.1 : 0.25);
    return x;
}

static void test_convolutions(void **state) {
    (void)state;
    const window win = { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 };
    const hk_attr attr[] = { WINDOW_ATTR(win), { "groups", 1, 0, NULL } };
    hn_value x = sparse(SHAPE(C, H, W)), xf = hn_new(HK_F32, HK_HELD, 1, N, SHAPE(C, H, W)), w = hn_new(HK_F32, STATIC, 1, N, SHAPE(O, C, 3, 3)),
             y = hn_new(HK_F32, HK_HELD, 1, N, SHAPE(O, H, W)), g = hn_new(HK_F32, HK_HELD, 1, N, SHAPE(O, H, W)),
             dw = hn_new(HK_F32, G, 1, N, SHAPE(O, C, 3, 3)), gx = hn_new(HK_F32, HK_HELD, 1, N, SHAPE(C, H, W));
    hn_value in[2] = { x, w }, in_f[2] = { xf, w }, in_dx[2] = { g, w }, in_dw[2] = { g, x };
    hk_way ways[8];
    int n = tell("conv2d", HK_SCOPE_BLOCK, 2, in, &y, N_WINDOW + 1, attr, ways);
    told("conv2d of spikes", ways, n, "winograd direct spikes=P");
    each_way("conv2d", 2, in, &y, N_WINDOW + 1, attr, ways, n, "direct", 1e-4);
    if (!hn_backend->extends) {
        n = tell("conv2d", HK_SCOPE_BLOCK, 2, in_f, &y, N_WINDOW + 1, attr, ways);
        told("conv2d", ways, n, "winograd direct");
        each_way("conv2d", 2, in_f, &y, N_WINDOW + 1, attr, ways, n, "direct", 1e-4);
        n = tell("conv2d_dx", HK_SCOPE_BLOCK, 2, in_dx, &gx, N_WINDOW + 1, attr, ways);
        told("conv2d_dx", ways, n, "winograd direct");
        each_way("conv2d_dx", 2, in_dx, &gx, N_WINDOW + 1, attr, ways, n, "direct", 1e-4);
    }
    n = tell("conv2d_dw", HK_SCOPE_BLOCK, 2, in_dw, &dw, N_WINDOW + 1, attr, ways);
    told("conv2d_dw", ways, n, "dense spikes=P");
    each_way("conv2d_dw", 2, in_dw, &dw, N_WINDOW + 1, attr, ways, n, "dense", 1e-4);
    drop(1, &x), drop(1, &xf), drop(1, &w), drop(1, &y), drop(1, &g), drop(1, &dw), drop(1, &gx);
}

static void test_products(void **state) {
    (void)state;
    const hk_attr direct[1] = { { "direct", 1, 0, NULL } };
    hn_value x = sparse(SHAPE(K)), w = hn_new(HK_F32, STATIC, 1, N, SHAPE(O, K)), y = hn_new(HK_F32, HK_HELD, 1, N, SHAPE(O)),
             g = hn_new(HK_F32, HK_HELD, 1, N, SHAPE(O)), dw = hn_new(HK_F32, STATIC, 1, N, SHAPE(O, K));
    hn_value in[2] = { x, w }, in_dw[2] = { g, x };
    hk_way ways[8];
    int n = tell("linear", HK_SCOPE_BLOCK, 2, in, &y, 0, NULL, ways);
    told("linear", ways, n, "dense spikes=P");
    each_way("linear", 2, in, &y, 0, NULL, ways, n, "dense", 1e-4);
    n = tell("linear_dw", HK_SCOPE_TEAM, 2, in_dw, &dw, 1, direct, ways);
    told("linear_dw", ways, n, "dense spikes=P");
    each_way("linear_dw", 2, in_dw, &dw, 1, direct, ways, n, "dense", 1e-4);
    drop(1, &x), drop(1, &w), drop(1, &y), drop(1, &g), drop(1, &dw);
}

static void test_what_is_no_way_is_declined(void **state) {
    (void)state;
    static const char *const bad[] = { "", "winograd", "dense spikes", "dense spikes=", "dense spikes=101", "dense spikes=-1", "dense spikes=5x",
        "dense lists=5", "spikes=5", "densely" };
    hn_value x = sparse(SHAPE(K)), w = hn_new(HK_F32, STATIC, 1, N, SHAPE(O, K)), y = hn_new(HK_F32, HK_HELD, 1, N, SHAPE(O)), in[2] = { x, w };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        hn_way = bad[k];
        hk_status s = hn_run("linear", HK_SCOPE_BLOCK, hn_isa(), 0, 1, N, 2, in, 1, &y, 0, NULL);
        hn_way = NULL;
        if (s != HK_EUNSUPPORTED) fail_msg("linear by '%s': status %d, expected HK_EUNSUPPORTED", bad[k], s);
    }
    drop(1, &x), drop(1, &w), drop(1, &y);
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : getenv("HILLOCK_BACKEND_CPU");
    if (hn_open(file ? file : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_what_is_no_way_is_declined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
