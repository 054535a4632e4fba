/* Containers that say how steps run: SeqToANN over steps and samples at once, TLast with the steps as the last axis; and dropout inside recurrent layers. */
#include "gradient_check.h"

static double *output(
    const char *text, const char *backend, int64_t T, int64_t N, int seq, int rank, const int64_t *shape, const double *x, int64_t nx, int64_t *ny) {
    net n;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = backend, nc.seed = 5;
    net_make(&n, text, NULL, NULL, nc, (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
    int r;
    int64_t dims[HK_MAX_RANK + 2];
    net_ok(hk_executor_shape(n.ex, T, N, seq, rank, shape));
    net_ok(hk_executor_dims(n.ex, "y", &r, dims));
    *ny = 1;
    for (int i = 0; i < r; i++) *ny *= dims[i];
    double *y = malloc((size_t)*ny * sizeof *y);
    net_ok(hk_executor_write(n.ex, "x", HK_F64, x, nx));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_read(n.ex, "y", HK_F64, y, *ny));
    net_free(&n);
    return y;
}

static void test_steps_as_samples_give_what_a_sequence_gives(void **state) {
    (void)state;
    enum { T = 3, N = 5 };
    double *x = fresh(T * N * 2 * 36, 3, -1, 1);
    static const char *const layers = "Conv2d(2, 3, 3), BatchNorm2d(3), MaxPool2d(2, step_mode=s), Dropout(0.5, each_step=true), Flatten(), Linear(12, 4)";
    for (int k = 0; k < 2; k++) {
        char seq[256], ann[256];
        snprintf(seq, sizeof seq, "Sequential(%s)", layers), snprintf(ann, sizeof ann, "SeqToANN(%s)", layers);
        int64_t ny;
        double *want = output(seq, k ? "ref" : "cpu", T, N, 1, 3, (int64_t[]){ 2, 6, 6 }, x, T * N * 72, &ny),
               *got = output(ann, k ? "ref" : "cpu", T, N, 1, 3, (int64_t[]){ 2, 6, 6 }, x, T * N * 72, &ny);
        for (int64_t i = 0; i < ny; i++)
            if (got[i] != want[i]) fail_msg("number %lld: SeqToANN gives %.9g, a sequence %.9g", (long long)i, got[i], want[i]);
        free(want), free(got);
    }
    free(x);
}

static void test_layers_that_keep_state_or_see_the_step_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "SeqToANN(Linear(4, 4), IF())", "layer 1 'IF': keeps state ('v')" },
        { "SeqToANN(Sequential(Linear(4, 4), Sequential(Dropout(0.5))))", "layer 0.1.0 'Dropout': keeps state ('mask')" },
        { "SeqToANN(LinearRecurrent(Sequential(), 4, 4))", "layer 0 'LinearRecurrent': runs step by step" },
        { "SeqToANN(TemporalEffectiveBatchNorm1d(3, 4))", "layer 0 'TemporalEffectiveBatchNorm1d': axis_as_time depends on the step" },
        { "SeqToANN(PSN(3))", "layer 0 'PSN': time_mix depends on the step" },
        { "SeqToANN(Linear(4, 4), MeanT())", "layer 1 'MeanT': sum_t depends on the step" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net n;
        hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
        const hk_output y = { "y", 1, 0 };
        net_make(&n, cases[i].text, NULL, NULL, nc,
            (hk_executor_config){ .struct_size = sizeof(hk_executor_config), .mode = HK_TRAIN, .flags = HK_SEPARATE, .n_output = 1, .outputs = &y });
        const hk_status st = hk_executor_shape(n.ex, 3, 2, 1, 1, (int64_t[]){ 4 });
        if (st != HK_EUNSUPPORTED || !strstr(hk_error(net_context()), cases[i].says))
            fail_msg("%s: got %s: %s; expected '%s'", cases[i].text, hk_status_name(st), hk_error(net_context()), cases[i].says);
        net_free(&n);
    }
}

/* x[n,*,t] through TLast is x[t,n,*] through the layers, turned back. */
static void test_steps_along_the_last_axis(void **state) {
    (void)state;
    enum { T = 4, N = 3 };
    static const struct {
        const char *layers;
        int rank;
        int64_t shape[3];
    } cases[] = { { "Linear(5, 2), IF()", 1, { 5 } }, { "Conv1d(2, 3, 2), IF()", 2, { 2, 4 } }, { "MaxPool2d(2)", 3, { 2, 2, 4 } } };
    for (size_t c = 0; c < 3; c++) {
        int64_t row = 1, ny, nz, shape[4];
        for (int i = 0; i < cases[c].rank; i++) row *= shape[i] = cases[c].shape[i];
        shape[cases[c].rank] = T;
        double *x = fresh(T * N * row, 8, 0, 3), *turned = malloc((size_t)(T * N * row) * sizeof *x);
        for (int64_t t = 0; t < T; t++)
            for (int64_t i = 0; i < N * row; i++) turned[i * T + t] = x[t * N * row + i];
        char seq[128], last[128];
        snprintf(seq, sizeof seq, "Sequential(%s)", cases[c].layers), snprintf(last, sizeof last, "TLast(%s)", cases[c].layers);
        double *want = output(seq, "cpu", T, N, 1, cases[c].rank, cases[c].shape, x, T * N * row, &ny),
               *got = output(last, "cpu", T, N, 0, cases[c].rank + 1, shape, turned, T * N * row, &nz);
        assert_int_equal(ny, nz);
        double sum = 0;
        for (int64_t t = 0; t < T; t++)
            for (int64_t i = 0; i < ny / T; i++) {
                sum += fabs(want[t * (ny / T) + i]);
                if (got[i * T + t] != want[t * (ny / T) + i])
                    fail_msg("%s, step %lld, number %lld: got %g, expected %g", last, (long long)t, (long long)i, got[i * T + t], want[t * (ny / T) + i]);
            }
        if (sum == 0) fail_msg("%s: all numbers are 0", last);
        free(x), free(turned), free(want), free(got);
    }
}

static void test_gradients_along_the_last_axis(void **state) {
    (void)state;
    all_passes((gcase){ "TLast(Linear(3, 2), LIF())", NULL, 4, 2, 0, 2, { 3, 4 }, 0, 0, -1, 2, NULL });
    check(&(gcase){ "TLast(SeqToANN(Conv1d(2, 2, 2)), IF())", NULL, 3, 2, 0, 3, { 2, 4, 3 }, 0, 0, -1, 2, NULL });
}

static void test_a_last_axis_of_another_length_is_refused(void **state) {
    (void)state;
    net n;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    net_make(&n, "TLast(IF())", NULL, NULL, nc, (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
    assert_int_equal(hk_executor_shape(n.ex, 4, 2, 0, 2, (int64_t[]){ 4, 3 }), HK_ESHAPE);
    if (!strstr(hk_error(net_context()), "the last of 3; expected [*, T] with T=4")) fail_msg("got '%s'", hk_error(net_context()));
    assert_int_equal(hk_executor_shape(n.ex, 4, 2, 1, 2, (int64_t[]){ 4, 4 }), HK_ESHAPE);
    if (!strstr(hk_error(net_context()), "varies with the step already")) fail_msg("got '%s'", hk_error(net_context()));
    net_free(&n);
}

/* Behind the first of two layers numbers are 0 or twice themselves, for each step anew or for all alike; the gradient of a mask that is written is that of
 * the masked numbers. */
static void test_dropout_between_recurrent_layers(void **state) {
    (void)state;
    enum { T = 50, N = 4, H = 6 };
    for (int invariant = 0; invariant < 2; invariant++) {
        net n;
        hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
        const hk_output out[2] = { { "y", 1, 0 }, { "dropout0:y", 0, 0 } };
        char text[96];
        snprintf(text, sizeof text, "SpikingVanillaRNN(3, 6, 2, dropout_p=0.5, invariant_dropout_mask=%s)", invariant ? "true" : "false");
        net_make(&n, text, NULL, NULL, nc,
            (hk_executor_config){ .struct_size = sizeof(hk_executor_config), .mode = HK_TRAIN, .flags = HK_SEPARATE, .n_output = 2, .outputs = out });
        net_ok(hk_executor_shape(n.ex, T, N, 1, 1, (int64_t[]){ 3 }));
        double *x = fresh(T * N * 3, 4, 2, 3), y[T * N * H];
        for (int k = 0; k < hk_network_n_param(n.net); k++) { /* every neuron of the first layer fires at each step */
            double *v = calloc((size_t)hk_network_param(n.net, k)->elems, sizeof *v);
            for (int64_t i = 0; i < hk_network_param(n.net, k)->elems; i++) v[i] = 0.5;
            net_ok(hk_network_write_param64(n.net, k, v));
            free(v);
        }
        net_ok(hk_executor_write(n.ex, "x", HK_F64, x, T * N * 3));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_read(n.ex, "dropout0:y", HK_F64, y, T * N * H));
        int zeros = 0, changes = 0;
        for (int i = 0; i < T * N * H; i++) {
            if (y[i] != 0 && y[i] != 2) fail_msg("%s: got %g, expected 0 or 2", text, y[i]);
            zeros += y[i] == 0, changes += y[i] != y[i % (N * H)];
        }
        if (invariant ? changes || !zeros || zeros == T * N * H : abs(zeros - T * N * H / 2) > 6 * 18)
            fail_msg("%s: %d of %d are 0, %d differ from the first step's", text, zeros, T * N * H, changes);
        free(x);
        net_free(&n);
    }
    check(&(gcase){
        "SpikingGRU(3, 4, 2, dropout_p=0.5, invariant_dropout_mask=true, bidirectional=true)", NULL, 3, 2, 1, 1, { 3 }, 0, 0, -1, 1, "state:dropout0.mask" });
}

/* Longer than one loop has room for; in one run, and going on from run to run. */
static void test_long_delays(void **state) {
    (void)state;
    enum { T = 130, N = 2 };
    for (int d = 48; d < 130; d += 39) {
        net n;
        hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
        char text[32];
        float x[T * N], whole[T * N], parts[T * N];
        snprintf(text, sizeof text, "Delay(%d)", d);
        for (int i = 0; i < T * N; i++) x[i] = (float)(i + 1);
        net_make(&n, text, NULL, NULL, nc, (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
        net_ok(hk_executor_chunks(n.ex, T, T, N, 0, NULL, x, whole, T * N, NULL, NULL));
        net_ok(hk_executor_chunks(n.ex, T, 33, N, 0, NULL, x, parts, T * N, NULL, NULL));
        for (int i = 0; i < T * N; i++) {
            const float want = i < d * N ? 0 : x[i - d * N];
            if (whole[i] != want || parts[i] != want)
                fail_msg("%s, number %d: got %g in one run and %g in parts, expected %g", text, i, (double)whole[i], (double)parts[i], (double)want);
        }
        net_free(&n);
    }
    check(&(gcase){ "Delay(50)", NULL, 53, 2, 1, 1, { 2 }, 0, 0, -1, 1, NULL });
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_as_samples_give_what_a_sequence_gives),
        cmocka_unit_test(test_layers_that_keep_state_or_see_the_step_are_named),
        cmocka_unit_test(test_steps_along_the_last_axis),
        cmocka_unit_test(test_gradients_along_the_last_axis),
        cmocka_unit_test(test_a_last_axis_of_another_length_is_refused),
        cmocka_unit_test(test_dropout_between_recurrent_layers),
        cmocka_unit_test(test_long_delays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
