/* The executor's contract: a run starts anew, continue goes on, state is named, and what does not fit is an error that says where. */
#include "net.h"

#define TEXT "Sequential(Linear(4, 6), LIF(surrogate=ATan()), LinearRecurrent(Sequential(Linear(6, 5), IF(surrogate=ATan())), in_features=6, out_features=5), Linear(5, 3), IF(surrogate=ATan()))"

static hk_network_config config(void) {
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    c.seed = 3, c.threads = 2;
    return c;
}

static float *inputs(int64_t n, double hi) {
    uint64_t s = 9;
    float *x = malloc((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = (float)net_uniform(&s, -0.5, hi);
    return x;
}

static void infer(net *n, int64_t T, int64_t N, const float *x, float *y, int go_on) {
    net_ok(hk_executor_shape(n->ex, T, N, 1, 1, (int64_t[]){ 4 }));
    net_ok(hk_executor_write(n->ex, "x", HK_F32, x, T * N * 4));
    net_ok(go_on ? hk_executor_continue(n->ex) : hk_executor_run(n->ex));
    net_ok(hk_executor_read(n->ex, "y", HK_F32, y, T * N * 3));
}

static void same(const char *what, const float *a, const float *b, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (a[i] != b[i]) fail_msg("%s: number %lld is %g and %g", what, (long long)i, a[i], b[i]);
}

static void test_run_starts_anew(void **state) {
    (void)state;
    net n;
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
    net_make(&n, TEXT, NULL, NULL, config(), ec);
    float *x = inputs(8 * 5 * 4, 3), a[8 * 5 * 3], b[8 * 5 * 3];
    infer(&n, 8, 5, x, a, 0);
    infer(&n, 8, 5, x, b, 0);
    same("two runs", a, b, 8 * 5 * 3);
    float spikes = 0;
    for (int i = 0; i < 8 * 5 * 3; i++) spikes += a[i];
    assert_true(spikes > 0);
    free(x);
    net_free(&n);
}

static void test_continue_equals_one_long_run(void **state) {
    (void)state;
    net n;
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
    net_make(&n, TEXT, NULL, NULL, config(), ec);
    float *x = inputs(9 * 5 * 4, 3), whole[9 * 5 * 3], parts[9 * 5 * 3];
    infer(&n, 9, 5, x, whole, 0);
    infer(&n, 4, 5, x, parts, 0); /* T may differ */
    infer(&n, 3, 5, x + 4 * 5 * 4, parts + 4 * 5 * 3, 1);
    for (int t = 7; t < 9; t++) infer(&n, 1, 5, x + t * 5 * 4, parts + t * 5 * 3, 1);
    same("one run and four parts", whole, parts, 9 * 5 * 3);
    free(x);
    net_free(&n);
}

static void test_continue_with_another_batch_names_the_state(void **state) {
    (void)state;
    net n;
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
    net_make(&n, TEXT, NULL, NULL, config(), ec);
    float *x = inputs(2 * 7 * 4, 3), y[2 * 7 * 3];
    net_ok(hk_executor_shape(n.ex, 2, 5, 1, 1, (int64_t[]){ 4 }));
    assert_int_equal(hk_executor_continue(n.ex), HK_ESTATE); /* nothing to go on from */
    infer(&n, 2, 5, x, y, 0);
    net_ok(hk_executor_shape(n.ex, 2, 7, 1, 1, (int64_t[]){ 4 }));
    assert_int_equal(hk_executor_continue(n.ex), HK_ESTATE);
    const char *e = hk_error(net_context());
    if (!strstr(e, "1.v") || !strstr(e, "5") || !strstr(e, "7")) fail_msg("expected the state's name and both sizes, got: %s", e);
    infer(&n, 2, 7, x, y, 0); /* run is always allowed */
    free(x);
    net_free(&n);
}

static void test_state_can_be_read_and_given(void **state) {
    (void)state;
    net n;
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
    net_make(&n, TEXT, NULL, NULL, config(), ec);
    float *x = inputs(8 * 5 * 4, 3), whole[8 * 5 * 3], half[8 * 5 * 3];
    infer(&n, 8, 5, x, whole, 0);
    infer(&n, 4, 5, x, half, 0);
    static const char *const names[] = { "state:1.v", "state:2.y", "state:2.sub_module.1.v", "state:4.v" };
    static const int64_t width[] = { 6, 5, 5, 3 };
    float kept[4][30];

    for (int i = 0; i < 4; i++) net_ok(hk_executor_read(n.ex, names[i], HK_F32, kept[i], 5 * width[i]));
    infer(&n, 4, 5, x, half, 0); /* something else in between */
    for (int i = 0; i < 4; i++) net_ok(hk_executor_write(n.ex, names[i], HK_F32, kept[i], 5 * width[i]));
    infer(&n, 4, 5, x + 4 * 5 * 4, half + 4 * 5 * 3, 0); /* run takes the state that was written */
    same("one run, and two with the state carried by hand", whole + 4 * 5 * 3, half + 4 * 5 * 3, 4 * 5 * 3);
    infer(&n, 8, 5, x, half, 0); /* and only once */
    same("a later run starts from the default again", whole, half, 8 * 5 * 3);
    assert_int_equal(hk_executor_read(n.ex, "state:1.w", HK_F32, kept[0], 30), HK_ENOTFOUND);
    if (!strstr(hk_error(net_context()), "1.v")) fail_msg("no suggestion in: %s", hk_error(net_context()));
    free(x);
    net_free(&n);
}

static void test_wrong_sizes_and_names(void **state) {
    (void)state;
    net n;
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
    net_make(&n, TEXT, NULL, NULL, config(), ec);
    float x[8] = { 0 };
    assert_int_equal(hk_executor_run(n.ex), HK_ESTATE);
    assert_int_equal(hk_executor_shape(n.ex, 0, 2, 1, 1, (int64_t[]){ 4 }), HK_ESHAPE);
    assert_int_equal(hk_executor_shape(n.ex, 1, INT64_C(1) << 41, 1, 1, (int64_t[]){ 4 }), HK_ESHAPE);
    assert_int_equal(hk_executor_shape(n.ex, 1, 2, 1, 1, (int64_t[]){ 5 }), HK_ESHAPE);
    if (!strstr(hk_error(net_context()), "layer 0 'Linear'") || !strstr(hk_error(net_context()), "in_features=4")) fail_msg("shape error: %s", hk_error(net_context()));
    net_ok(hk_executor_shape(n.ex, 1, 2, 1, 1, (int64_t[]){ 4 }));
    assert_int_equal(hk_executor_write(n.ex, "x", HK_F32, x, 7), HK_ESHAPE);
    assert_int_equal(hk_executor_write(n.ex, "y", HK_F32, x, 6), HK_EINVAL);
    assert_int_equal(hk_executor_read(n.ex, "loss", HK_F32, x, 1), HK_ENOTFOUND);
    assert_int_equal(hk_executor_backward(n.ex), HK_ESTATE);
    assert_int_equal(hk_executor_step(n.ex), HK_ESTATE);
    net_free(&n);
    hk_network_config c = config();
    hk_network *none;
    hk_module *m;
    net_ok(hk_module_new_from_text(net_context(), "hk.module/1", "Linear(2, 2)", &m));
    c.backend = "nosuch";
    assert_int_equal(hk_network_new(net_context(), m, &c, &none), HK_ENOTFOUND);
    if (!strstr(hk_error(net_context()), "cpu")) fail_msg("the error does not say what there is: %s", hk_error(net_context()));
    c = config();
    c.nb = 24;
    assert_int_equal(hk_network_new(net_context(), m, &c, &none), HK_ECONFIG);
    hk_module_free(m);
}

/* One training step: loss, gradients and new parameters as bits. */
static void train(const char *backend, int64_t nb, int threads, uint32_t passes_off, float *loss, float *w, int64_t nw) {
    hk_network_config c = config();
    c.backend = backend, c.nb = nb, c.threads = threads, c.passes_off = passes_off;
    hk_executor_config ec = { sizeof ec, HK_TRAIN, 0, 0, NULL };
    net n;
    net_make(&n, TEXT, "MSE()", "Adam(lr=0.01)", c, ec);
    float *x = inputs(6 * 67 * 4, 3);
    int64_t target[67];
    for (int i = 0; i < 67; i++) target[i] = i % 3;
    net_ok(hk_executor_shape(n.ex, 6, 67, 1, 1, (int64_t[]){ 4 }));
    for (int step = 0; step < 3; step++) {
        net_ok(hk_executor_write(n.ex, "x", HK_F32, x, 6 * 67 * 4));
        net_ok(hk_executor_write(n.ex, "target", HK_I64, target, 67));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "loss", HK_F32, &loss[step], 1));
    }
    int64_t at = 0;
    for (int p = 0; p < hk_network_n_param(n.net); p++) {
        assert_true(at + hk_network_param(n.net, p)->elems <= nw);
        net_ok(hk_network_read_param(n.net, p, w + at));
        at += hk_network_param(n.net, p)->elems;
    }
    assert_int_equal(hk_network_step(n.net), 3);
    free(x);
    net_free(&n);
}

static void test_bits_do_not_depend_on_blocks_or_threads(void **state) {
    (void)state;
    float want[256] = { 0 }, got[256] = { 0 }, loss[3], loss2[3];
    train("cpu", 16, 1, 0, loss, want, 256);
    assert_true(loss[2] < loss[0]);
    static const struct {
        int64_t nb;
        int threads;
    } ways[] = { { 16, 2 }, { 32, 1 }, { 32, 2 }, { -1, 1 }, { -1, 2 }, { 0, 1 }, { 0, 2 }, { 48, 2 } };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        train("cpu", ways[i].nb, ways[i].threads, 0, loss2, got, 256);
        char what[64];
        snprintf(what, sizeof what, "nb=%lld threads=%d", (long long)ways[i].nb, ways[i].threads);
        same(what, loss, loss2, 3);
        same(what, want, got, 256);
    }
}

static void test_cpu_agrees_with_ref_and_passes_change_nothing_but_rounding(void **state) {
    (void)state;
    float want[256] = { 0 }, got[256] = { 0 }, loss[3], loss2[3];
    train("ref", 0, 1, 0, loss, want, 256);
    for (uint32_t off = 0; off < 4; off++) {
        train("cpu", 0, 2, off, loss2, got, 256);
        for (int i = 0; i < 256; i++)
            if (fabsf(want[i] - got[i]) > 2e-3f) fail_msg("passes_off=%u: parameter number %d is %g on ref and %g on cpu", off, i, want[i], got[i]);
        for (int i = 0; i < 3; i++)
            if (fabsf(loss[i] - loss2[i]) > 1e-4f) fail_msg("passes_off=%u: loss %d is %g on ref and %g on cpu", off, i, loss[i], loss2[i]);
    }
}

static void test_membrane_of_any_neuron_can_be_read(void **state) {
    (void)state;
    net n;
    const hk_output out[] = { { "1:v", 0, 0 }, { "2.sub_module.1:v", 0, 0 } };
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 2, out };
    net_make(&n, TEXT, NULL, NULL, config(), ec);
    float *x = inputs(8 * 5 * 4, 3), y[8 * 5 * 3], v[8 * 5 * 6], last[5 * 6];
    infer(&n, 8, 5, x, y, 0);
    net_ok(hk_executor_read(n.ex, "1:v", HK_F32, v, 8 * 5 * 6));
    net_ok(hk_executor_read(n.ex, "state:1.v", HK_F32, last, 5 * 6));
    same("the last membrane, and the state after the run", v + 7 * 5 * 6, last, 5 * 6);
    net_ok(hk_executor_read(n.ex, "2.sub_module.1:v", HK_F32, v, 8 * 5 * 5));
    net_ok(hk_executor_read(n.ex, "state:2.sub_module.1.v", HK_F32, last, 5 * 5));
    same("inside a loop", v + 7 * 5 * 5, last, 5 * 5);
    free(x);
    net_free(&n);
}

static void test_poisson_draws_do_not_depend_on_blocks(void **state) {
    (void)state;
    float y[2][3 * 40 * 7], p[40 * 7];
    for (int i = 0; i < 40 * 7; i++) p[i] = (float)i / (40 * 7);
    for (int k = 0; k < 2; k++) {
        hk_network_config c = config();
        c.nb = k ? 16 : -1;
        hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
        net n;
        net_make(&n, "Poisson()", NULL, NULL, c, ec);
        net_ok(hk_executor_shape(n.ex, 3, 40, 0, 1, (int64_t[]){ 7 }));
        net_ok(hk_executor_write(n.ex, "x", HK_F32, p, 40 * 7));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "y", HK_F32, y[k], 3 * 40 * 7));
        float again[3 * 40 * 7];
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "y", HK_F32, again, 3 * 40 * 7));
        assert_memory_not_equal(again, y[k], sizeof again); /* every run draws anew */
        net_free(&n);
    }
    same("nb = all and nb = 16", y[0], y[1], 3 * 40 * 7);
}

/* Folding a batch normalisation into the convolution before it changes nothing but rounding; a tap between them makes it decline. */
static void test_folded_batch_normalisation_infers_the_same(void **state) {
    (void)state;
    float y[2][3 * 4 * 5 * 4 * 4];
    static const char *const backends[] = { "cpu", "ref" };
    for (int be = 0; be < 2; be++)
        for (int bias = 0; bias < 2; bias++) {
            for (int k = 0; k < 2; k++) {
                hk_network_config c = config();
                c.backend = backends[be], c.passes_off = k ? 0 : HK_PASS_FOLD_NORM;
                hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
                net n;
                net_make(&n, bias ? "Sequential(Conv2d(3, 5, 3, padding=1, bias=true), BatchNorm2d(5))" : "Sequential(Conv2d(3, 5, 3, padding=1, bias=false), BatchNorm2d(5))", NULL,
                         NULL, c, ec);
                uint64_t seed = 5;
                for (int p = 0; p < hk_network_n_param(n.net); p++) {
                    float v[135];
                    for (int i = 0; i < 135; i++) v[i] = (float)net_uniform(&seed, 0.2, 1.5);
                    net_ok(hk_network_write_param(n.net, p, v));
                }
                net_ok(hk_executor_shape(n.ex, 3, 4, 1, 3, (int64_t[]){ 3, 4, 4 }));
                float *x = inputs(3 * 4 * 3 * 4 * 4, 1);
                net_ok(hk_executor_write(n.ex, "x", HK_F32, x, 3 * 4 * 3 * 4 * 4));
                net_ok(hk_executor_run(n.ex));
                net_ok(hk_executor_read(n.ex, "y", HK_F32, y[k], 3 * 4 * 5 * 4 * 4));
                free(x);
                net_free(&n);
            }
            for (int i = 0; i < 3 * 4 * 5 * 4 * 4; i++)
                if (fabsf(y[0][i] - y[1][i]) > 1e-4f * (1 + fabsf(y[0][i]))) fail_msg("%s bias=%d: number %d is %g unfolded and %g folded", backends[be], bias, i, y[0][i], y[1][i]);
        }
}

/* An executor that forgets its state gives the same numbers, keeps no memory for it, and cannot continue. */
static void test_forgetting_state_changes_nothing_but_memory(void **state) {
    (void)state;
    static const char *const texts[] = {
        "Sequential(Linear(6, 12), LIF(v_reset=-0.5, surrogate=ATan()), Linear(12, 4), IF(surrogate=ATan()))",
        "Sequential(Linear(6, 8), LinearRecurrent(IF(surrogate=ATan()), in_features=8, out_features=8), Linear(8, 4), SynapseFilter(tau=2.0, learnable=true))",
        "Sequential(Linear(6, 12), LIF(step_mode=s, surrogate=ATan()), Dropout(0.3), Linear(12, 4))",
    };
    static const char *const backends[] = { "cpu", "ref" };
    for (int be = 0; be < 2; be++)
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            float y[2][5 * 3 * 4], g[2][12 * 6];
            hk_plan_stats stats[2];
            for (int forget = 0; forget < 2; forget++) {
                hk_network_config c = config();
                c.backend = backends[be];
                const hk_output out[1] = { { "y", 1, 0 } };
                hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE | (forget ? HK_FORGET : 0), 1, out };
                net n;
                net_make(&n, texts[k], NULL, NULL, c, ec);
                net_ok(hk_executor_shape(n.ex, 5, 3, 1, 1, (int64_t[]){ 6 }));
                float *x = inputs(5 * 3 * 6, 1), *up = inputs(5 * 3 * 4, 2);
                net_ok(hk_executor_write(n.ex, "x", HK_F32, x, 5 * 3 * 6));
                net_ok(hk_executor_run(n.ex));
                net_ok(hk_executor_read(n.ex, "y", HK_F32, y[forget], 5 * 3 * 4));
                net_ok(hk_executor_write(n.ex, "grad_out:y", HK_F32, up, 5 * 3 * 4));
                net_ok(hk_executor_backward(n.ex));
                int64_t elems = hk_network_param(n.net, 0)->elems;
                net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F32, g[forget], elems));
                net_ok(hk_executor_stats(n.ex, &stats[forget]));
                if (forget && hk_executor_continue(n.ex) != HK_ESTATE) fail_msg("%s: continue after forgetting: expected ESTATE", texts[k]);
                free(x);
                free(up);
                net_free(&n);
            }
            same("y kept and forgotten", y[0], y[1], 5 * 3 * 4);
            same("gradient kept and forgotten", g[0], g[1], k == 1 ? 8 * 6 : 12 * 6);
            if (stats[1].state >= stats[0].state) fail_msg("%s: state takes %lld bytes kept, %lld forgotten", texts[k], (long long)stats[0].state, (long long)stats[1].state);
        }
}

static void test_rate_alone_is_the_mean_over_time(void **state) {
    (void)state;
    net n;
    const hk_output rate = { "rate", 0, 0 };
    float *x = inputs(8 * 5 * 4, 3), y[8 * 5 * 3], r[5 * 3], whole[5 * 3] = { 0 };
    net_make(&n, TEXT, "MSE()", NULL, config(), (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
    infer(&n, 8, 5, x, y, 0);
    net_free(&n);
    for (int k = 0; k < 8 * 5 * 3; k++) whole[k % 15] += y[k] / 8.0f;
    net_make(&n, TEXT, "MSE()", NULL, config(), (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, HK_FORGET | HK_NO_LOSS, 1, &rate });
    net_ok(hk_executor_shape(n.ex, 8, 5, 1, 1, (int64_t[]){ 4 }));
    net_ok(hk_executor_write(n.ex, "x", HK_F32, x, 8 * 5 * 4));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_read(n.ex, "rate", HK_F32, r, 5 * 3));
    same("rate and mean of y", r, whole, 15);
    assert_int_equal(hk_executor_read(n.ex, "y", HK_F32, y, 8 * 5 * 3), HK_ENOTFOUND);
    assert_int_equal(hk_executor_read(n.ex, "loss", HK_F32, y, 1), HK_ENOTFOUND);
    net_free(&n);
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_starts_anew),
        cmocka_unit_test(test_rate_alone_is_the_mean_over_time),
        cmocka_unit_test(test_continue_equals_one_long_run),
        cmocka_unit_test(test_continue_with_another_batch_names_the_state),
        cmocka_unit_test(test_state_can_be_read_and_given),
        cmocka_unit_test(test_wrong_sizes_and_names),
        cmocka_unit_test(test_bits_do_not_depend_on_blocks_or_threads),
        cmocka_unit_test(test_cpu_agrees_with_ref_and_passes_change_nothing_but_rounding),
        cmocka_unit_test(test_membrane_of_any_neuron_can_be_read),
        cmocka_unit_test(test_poisson_draws_do_not_depend_on_blocks),
        cmocka_unit_test(test_folded_batch_normalisation_infers_the_same),
        cmocka_unit_test(test_forgetting_state_changes_nothing_but_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
