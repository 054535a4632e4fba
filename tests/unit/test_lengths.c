/* test_lengths.c - batches whose samples have lengths (HK_LENGTHS) and targets that are shares of classes (HK_SOFT).
 *
 * A padded sequence has the loss and the gradients of the same one alone and unpadded; what stands in the padding does not matter. */
#include "net.h"

enum { T = 5, N = 3, IN = 4, C = 3 };
static const int64_t lengths[N] = { 2, 5, 3 }, classes[N] = { 1, 0, 2 };

static double *some(int64_t n, uint64_t seed, double lo, double hi) {
    double *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = net_uniform(&seed, lo, hi);
    return v;
}

static void make(net *n, const char *text, const char *loss, const char *backend, int spiking, uint32_t flags) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = backend, nc.spiking = spiking, nc.seed = 7, nc.threads = 1;
    hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD | flags, 0, NULL };
    net_make(n, text, loss, NULL, nc, ec);
}

static void run(net *n, int64_t t, int64_t count, const double *x, const void *target, hk_dtype dtype, int64_t n_target, const int64_t *len, double *loss) {
    net_ok(hk_executor_shape(n->ex, t, count, 1, 1, (int64_t[]){ IN }));
    net_ok(hk_executor_write(n->ex, "x", HK_F64, x, t * count * IN));
    net_ok(hk_executor_write(n->ex, "target", dtype, target, n_target));
    if (len) net_ok(hk_executor_write(n->ex, "lengths", HK_I64, len, count));
    net_ok(hk_executor_run(n->ex));
    net_ok(hk_executor_backward(n->ex));
    net_ok(hk_executor_read(n->ex, "loss", HK_F64, loss, 1));
}

static double *gradients(net *n, int64_t *count) {
    int64_t at = 0;
    *count = 0;
    for (int p = 0; p < hk_network_n_param(n->net); p++) *count += hk_network_param(n->net, p)->elems;
    double *g = malloc((size_t)(*count + 1) * sizeof *g);
    for (int p = 0; p < hk_network_n_param(n->net); p++) {
        const hk_param_info *info = hk_network_param(n->net, p);
        char name[256];
        snprintf(name, sizeof name, "grad:%s", info->name);
        net_ok(hk_executor_read(n->ex, name, HK_F64, g + at, info->elems));
        at += info->elems;
    }
    return g;
}

static void near(const char *what, const char *text, const char *loss, double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want)))) fail_msg("%s with %s: %s is %.17g padded, %.17g alone", text, loss, what, got, want);
}

/* mean: the loss of a batch is the mean of its samples', else their sum. */
static void padded_equals_alone(const char *text, const char *loss, const char *backend, int spiking, int mean) {
    const double tolerance = strcmp(net_backend(backend), "ref") ? 2e-6 : 1e-12;
    double *x = some(T * N * IN, 11, -1, 3), sum = 0, padded;
    int64_t count;
    net a, b;
    make(&a, text, loss, backend, spiking, HK_LENGTHS);
    run(&a, T, N, x, classes, HK_I64, N, lengths, &padded);
    double *ga = gradients(&a, &count), *gb = calloc((size_t)count + 1, sizeof *gb), gx[T * N * IN], correct_a, correct_b = 0;
    net_ok(hk_executor_read(a.ex, "grad:x", HK_F64, gx, T * N * IN));
    net_ok(hk_executor_read(a.ex, "correct", HK_F64, &correct_a, 1));
    make(&b, text, loss, backend, spiking, 0);
    for (int64_t n = 0; n < N; n++) {
        double one[T * IN], gone[T * IN], l, right;
        for (int64_t t = 0; t < lengths[n]; t++) memcpy(one + t * IN, x + (t * N + n) * IN, IN * sizeof *one);
        run(&b, lengths[n], 1, one, &classes[n], HK_I64, 1, NULL, &l);
        sum += l;
        double *g = gradients(&b, &count);
        for (int64_t i = 0; i < count; i++) gb[i] += g[i];
        free(g);
        net_ok(hk_executor_read(b.ex, "correct", HK_F64, &right, 1));
        correct_b += right;
        net_ok(hk_executor_read(b.ex, "grad:x", HK_F64, gone, lengths[n] * IN));
        for (int64_t t = 0; t < T; t++)
            for (int64_t i = 0; i < IN; i++) near("a gradient of the input", text, loss, gx[(t * N + n) * IN + i], t < lengths[n] ? gone[t * IN + i] / (mean ? N : 1) : 0, tolerance);
    }
    near("the loss", text, loss, padded, mean ? sum / N : sum, tolerance);
    near("correct", text, loss, correct_a, correct_b, 0);
    for (int64_t i = 0; i < count; i++) near("a gradient", text, loss, ga[i], mean ? gb[i] / N : gb[i], tolerance);
    for (int64_t n = 0; n < N; n++)
        for (int64_t t = lengths[n]; t < T; t++) x[(t * N + n) * IN] = 1e6; /* the padding */
    double again;
    run(&a, T, N, x, classes, HK_I64, N, lengths, &again);
    if (again != padded) fail_msg("%s with %s: loss %.17g, with other padding %.17g", text, loss, padded, again);
    free(x), free(ga), free(gb);
    net_free(&a), net_free(&b);
}

#define FIRING "Sequential(Linear(4, 6), LIF(tau=2.0, surrogate=ATan()), Linear(6, 3), IF(surrogate=Sigmoid()))"
#define MEMBRANE "Sequential(Linear(4, 6), snn.Leaky(beta=0.8), Linear(6, 3))"
#define RECURRENT "Sequential(LinearRecurrent(in_features=4, out_features=3, LIF(surrogate=ATan())), Linear(3, 3))"

static void test_padded_sequences_train_as_alone(void **state) {
    (void)state;
    static const char *const mean[] = { "CrossEntropy()", "CrossEntropy(label_smoothing=0.2)", "MSE()", "TET()", "snn.ce_rate_loss()", "snn.ce_count_loss()", "snn.ce_max_membrane_loss()",
        "snn.mse_membrane_loss()", NULL };
    static const char *const nets[] = { FIRING, MEMBRANE, NULL };
    for (int l = 0; mean[l]; l++)
        for (int k = 0; nets[k]; k++) {
            padded_equals_alone(nets[k], mean[l], "ref", 1, 1);
            padded_equals_alone(nets[k], mean[l], "cpu", 1, 1);
        }
    padded_equals_alone(FIRING, "CrossEntropy(reduction=sum)", "ref", 1, 0);
    padded_equals_alone(FIRING, "snn.l1_rate_sparsity()", "ref", 1, 0);
    padded_equals_alone("Sequential(Linear(4, 3), IF(surrogate=ATan()), MeanT())", "MSE()", "cpu", 1, 1);
    padded_equals_alone("Sequential(Linear(4, 3), NonSpikingLIF(decode=\"last_mem\"))", "CrossEntropy()", "cpu", 1, 1);
    padded_equals_alone("Sequential(Linear(4, 3), NonSpikingLIF(decode=\"mean-mem\"))", "CrossEntropy()", "cpu", 1, 1);
}

static void test_gradients_with_lengths(void **state) {
    (void)state;
    static const char *const losses[] = { "CrossEntropy()", "MSE()", "TET()", "snn.ce_rate_loss()", "snn.mse_membrane_loss()", NULL };
    for (int l = 0; losses[l]; l++) {
        double *x = some(T * N * IN, 5, -1, 2), g[T * N * IN], loss;
        net n;
        make(&n, FIRING, losses[l], "ref", 0, HK_LENGTHS);
        run(&n, T, N, x, classes, HK_I64, N, lengths, &loss);
        net_ok(hk_executor_read(n.ex, "grad:x", HK_F64, g, T * N * IN));
        for (int64_t i = 0; i < T * N * IN; i++) {
            const double h = 1e-5, at = x[i];
            double up, down;
            x[i] = at + h, run(&n, T, N, x, classes, HK_I64, N, lengths, &up);
            x[i] = at - h, run(&n, T, N, x, classes, HK_I64, N, lengths, &down);
            x[i] = at;
            if (fabs(g[i] - (up - down) / (2 * h)) > 1e-7) fail_msg("%s: grad of x[%lld] is %.12g, by differences %.12g", losses[l], (long long)i, g[i], (up - down) / (2 * h));
        }
        free(x), net_free(&n);
    }
}

static void test_full_lengths_change_nothing(void **state) {
    (void)state;
    const int64_t full[N] = { T, T, T };
    double *x = some(T * N * IN, 5, -1, 2), a, b;
    net n;
    make(&n, FIRING, "MSE()", "ref", 1, 0);
    run(&n, T, N, x, classes, HK_I64, N, NULL, &a);
    net_free(&n);
    make(&n, FIRING, "MSE()", "ref", 1, HK_LENGTHS);
    run(&n, T, N, x, classes, HK_I64, N, full, &b);
    if (fabs(a - b) > 1e-15) fail_msg("loss %.17g without lengths, %.17g with T everywhere", a, b);
    free(x), net_free(&n);
}

static void refused(const char *text, const char *loss, const char *what) {
    net n;
    make(&n, text, loss, "cpu", 1, HK_LENGTHS);
    hk_status st = hk_executor_shape(n.ex, T, N, 1, 1, (int64_t[]){ IN });
    if (st != HK_EUNSUPPORTED) fail_msg("%s with %s: expected HK_EUNSUPPORTED, got %s", text, loss, hk_status_name(st));
    if (!strstr(hk_error(net_context()), what)) fail_msg("expected '%s' in: %s", what, hk_error(net_context()));
    net_free(&n);
}

static void test_what_takes_no_lengths_says_so(void **state) {
    (void)state;
    refused(FIRING, "snn.ce_temporal_loss()", "takes no lengths");
    refused("Sequential(Linear(4, 3), PSN(T=5, surrogate=ATan()))", "MSE()", "layer 1 looks at all time steps (time_mix)");
    refused("Sequential(Linear(4, 3), NonSpikingLIF(decode=\"max-mem\"))", "MSE()", "layer 1 looks at all time steps (pick_t)");
}

static void test_lengths_are_checked(void **state) {
    (void)state;
    net n;
    make(&n, FIRING, "MSE()", "cpu", 1, HK_LENGTHS);
    net_ok(hk_executor_shape(n.ex, T, N, 1, 1, (int64_t[]){ IN }));
    assert_int_equal(hk_executor_write(n.ex, "lengths", HK_I64, (int64_t[]){ 1, 6, 2 }, N), HK_EDATA);
    if (!strstr(hk_error(net_context()), "expected 1 to 5 steps for sample 1, got 6")) fail_msg("%s", hk_error(net_context()));
    assert_int_equal(hk_executor_write(n.ex, "lengths", HK_I64, (int64_t[]){ 0, 1, 2 }, N), HK_EDATA);
    net_free(&n);
    make(&n, FIRING, "MSE()", "cpu", 1, 0);
    net_ok(hk_executor_shape(n.ex, T, N, 1, 1, (int64_t[]){ IN }));
    assert_int_equal(hk_executor_write(n.ex, "lengths", HK_I64, lengths, N), HK_ENOTFOUND);
    if (!strstr(hk_error(net_context()), "HK_LENGTHS")) fail_msg("%s", hk_error(net_context()));
    net_free(&n);
}

/* ---- soft targets ---- */

static double *soft_run(const char *loss, const char *backend, const void *target, hk_dtype dtype, int64_t n_target, double *value, double *correct, int64_t *count) {
    double *x = some(T * N * IN, 11, -1, 3);
    net n;
    make(&n, MEMBRANE, loss, backend, 1, dtype == HK_I64 ? 0 : HK_SOFT);
    run(&n, T, N, x, target, dtype, n_target, NULL, value);
    net_ok(hk_executor_read(n.ex, "correct", HK_F64, correct, 1));
    double *g = gradients(&n, count);
    free(x), net_free(&n);
    return g;
}

static void one_hot_is_hard(const char *loss, const char *backend) {
    const double tolerance = strcmp(net_backend(backend), "ref") ? 1e-6 : 1e-13;
    double soft[N * C] = { 0 }, a, b, ca, cb;
    int64_t count;
    for (int n = 0; n < N; n++) soft[n * C + classes[n]] = 1;
    double *ga = soft_run(loss, backend, classes, HK_I64, N, &a, &ca, &count), *gb = soft_run(loss, backend, soft, HK_F64, N * C, &b, &cb, &count);
    near("the loss of a one-hot soft target (alone: of the class)", "", loss, b, a, tolerance);
    near("correct of a one-hot soft target (alone: of the class)", "", loss, cb, ca, 0);
    for (int64_t i = 0; i < count; i++) near("a gradient of a one-hot soft target (alone: of the class)", "", loss, gb[i], ga[i], tolerance);
    free(ga), free(gb);
}

/* Cross entropy is linear in the target. */
static void mixture_is_mixed(const char *loss, const char *backend) {
    const double tolerance = strcmp(net_backend(backend), "ref") ? 1e-6 : 1e-13, lam = 0.7;
    const int64_t other[N] = { 2, 1, 2 };
    double soft[N * C] = { 0 }, a, b, m, correct;
    int64_t count;
    for (int n = 0; n < N; n++) soft[n * C + classes[n]] += lam, soft[n * C + other[n]] += 1 - lam;
    double *ga = soft_run(loss, backend, classes, HK_I64, N, &a, &correct, &count), *gb = soft_run(loss, backend, other, HK_I64, N, &b, &correct, &count);
    double *gm = soft_run(loss, backend, soft, HK_F64, N * C, &m, &correct, &count);
    near("the loss of a mixture (alone: mixed)", "", loss, m, lam * a + (1 - lam) * b, tolerance);
    for (int64_t i = 0; i < count; i++) near("a gradient of a mixture (alone: mixed)", "", loss, gm[i], lam * ga[i] + (1 - lam) * gb[i], tolerance);
    free(ga), free(gb), free(gm);
}

static void test_soft_targets(void **state) {
    (void)state;
    static const char *const losses[] = { "CrossEntropy()", "CrossEntropy(label_smoothing=0.1)", "CrossEntropy(reduction=sum, weight=[1, 2, 0.5])", "MSE()", "TET()", "snn.ce_rate_loss()",
        "snn.mse_membrane_loss()", NULL };
    for (int i = 0; losses[i]; i++) one_hot_is_hard(losses[i], "ref"), one_hot_is_hard(losses[i], "cpu");
    for (int i = 0; i < 3; i++) mixture_is_mixed(losses[i], "ref"), mixture_is_mixed(losses[i], "cpu");
}

/* torch.nn.functional.cross_entropy with probabilities: mean divides by the samples, also with weights. */
static void test_soft_mean_divides_by_samples(void **state) {
    (void)state;
    double soft[N * C], mean, sum, correct;
    int64_t count;
    for (int i = 0; i < N * C; i++) soft[i] = 1.0 / C;
    free(soft_run("CrossEntropy(weight=[1, 2, 0.5])", "ref", soft, HK_F64, N * C, &mean, &correct, &count));
    free(soft_run("CrossEntropy(weight=[1, 2, 0.5], reduction=sum)", "ref", soft, HK_F64, N * C, &sum, &correct, &count));
    if (fabs(mean - sum / N) > 1e-14) fail_msg("mean %.17g, sum / N %.17g", mean, sum / N);
}

static void test_soft_needs_classes(void **state) {
    (void)state;
    net n;
    make(&n, MEMBRANE, "snn.mse_temporal_loss(target_is_time=true)", "cpu", 1, HK_SOFT);
    assert_int_equal(hk_executor_shape(n.ex, T, N, 1, 1, (int64_t[]){ IN }), HK_EUNSUPPORTED);
    if (!strstr(hk_error(net_context()), "one class for each sample")) fail_msg("%s", hk_error(net_context()));
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_padded_sequences_train_as_alone), cmocka_unit_test(test_gradients_with_lengths), cmocka_unit_test(test_full_lengths_change_nothing),
        cmocka_unit_test(test_what_takes_no_lengths_says_so), cmocka_unit_test(test_lengths_are_checked), cmocka_unit_test(test_soft_targets), cmocka_unit_test(test_soft_mean_divides_by_samples),
        cmocka_unit_test(test_soft_needs_classes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
