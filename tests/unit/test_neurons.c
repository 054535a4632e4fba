/* Neurons beyond their equations (which the golden files check): what is refused, by name; what is read and set by name; draws of a random
 * surrogate; a neuron that needs the whole sequence. */
#include "net.h"

static hk_status shape_of(const char *text, int spiking, int64_t T, int64_t N, int rank, const int64_t *shape, net *n) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_INFER };
    nc.spiking = spiking, nc.threads = 1;
    net_make(n, text, NULL, NULL, nc, ec);
    return hk_executor_shape(n->ex, T, N, 1, rank, shape);
}

static void says(const char *text, const char *what) {
    if (!strstr(hk_error(net_context()), what)) fail_msg("%s: the message lacks '%s': %s", text, what, hk_error(net_context()));
}

static void test_bad_arguments_are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        { "QIF(tau=0.5)", "tau must be at least 1, got 0.5" },
        { "QIF(a0=0)", "a0 must be more than 0, got 0" },
        { "QIF(v_reset=2)", "v_rest must be at least v_reset, got 0 and 2" },
        { "QIF(v_rest=2, v_reset=1)", "v_threshold must be above v_reset, got 1 and 1" },
        { "EIF(delta_T=-1)", "delta_T must be more than 0, got -1" },
        { "Izhikevich(tau_w=0)", "tau_w must be more than 0, got 0" },
        { "LIAF(act=softmax, threshold_related=true)", "act must be one of relu|sigmoid|tanh|identity" },
        { "LIAF(act=relu)", "threshold_related" },
        { "RAF(b=0)", "b must be less than 0, got 0" },
        { "RAF(dt=0)", "dt must be more than 0, got 0" },
        { "ILIF(surrogate=ATan())", "surrogate must be one that counts spikes" },
        { "HalfThresholdIF(v_threshold=-1)", "v_threshold must be more than 0, got -1" },
        { "ActivationAwareIF(v_threshold=[1, 2, 3])", "set channel_dim=1" },
        { "ActivationAwareIF(v_threshold=[1, 0], channel_dim=1)", "v_threshold must be more than 0, got 0" },
        { "ActivationAwareIF(v_offset=[])", "v_offset must be a number or a list of numbers" },
        { "GatedLIF(T=4, init_tau=1.0)", "tau must begin above 0 and below 1, got 1" },
        { "GatedLIF()", "T" },
        { "NonSpikingLIF(decode=sum)", "decode must be one of last_mem|max-mem|mean-mem|max-abs-mem or none" },
        { "ILCIF(2, 2, v_threshold=-1)", "v_threshold must be above v_reset" },
        { "MaskedPSN(k=0, T=4)", "k must be at least 1" },
        { "MaskedPSN(k=1, T=4, lambda_init=-1)", "lambda_init must be at least 0" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hk_module *m = NULL;
        hk_status st = hk_module_new_from_text(net_context(), "hk.module/1", cases[i][0], &m);
        if (st != HK_ECONFIG) fail_msg("%s: %s, expected ECONFIG", cases[i][0], hk_status_name(st));
        says(cases[i][0], cases[i][1]);
    }
}

static void test_bad_shapes_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *what;
        int64_t T;
        int rank, spiking;
        int64_t shape[3];
    } cases[] = {
        { "PSN(T=4)", "the weight over time has shape [4,4]; expected 5 x 5, since T is 5", 5, 1, 1, { 3 } },
        { "GatedLIF(T=4)", "expected 5 steps along axis 0, since T is 5", 5, 1, 1, { 3 } },
        { "GatedLIF(T=4, inplane=2)", "parameter alpha has shape [2]", 4, 3, 1, { 3, 2, 2 } },
        { "ActivationAwareIF(v_threshold=[1, 2], channel_dim=1)", "parameter v_threshold has shape [2]", 4, 1, 1, { 3 } },
        { "ILCIF(2, 3)", "expected one axis of act_dim x dec_pop_dim = 6", 4, 1, 1, { 5 } },
        { "SlidingPSN(k=2, step_mode=s)", "needs all time steps at once and cannot run step by step", 4, 1, 1, { 3 } },
        { "LinearRecurrent(PSN(T=4), in_features=3, out_features=3)", "needs all time steps at once and cannot run step by step", 4, 1, 1, { 3 } },
        { "LinearRecurrent(NonSpikingIF(decode=\"max-mem\"), in_features=3, out_features=3)", "needs all time steps at once and cannot run step by step", 4, 1, 1, { 3 } },
        { "LIF(surrogate=PoissonPass())", "its surrogate draws the spikes at random", 4, 1, 1, { 3 } },
        { "PSN(T=4, surrogate=SuperSpike())", "primitive", 4, 1, 0, { 3 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net n;
        if (shape_of(cases[i].text, cases[i].spiking, cases[i].T, 2, cases[i].rank, cases[i].shape, &n) == HK_OK) fail_msg("%s was built", cases[i].text);
        says(cases[i].text, cases[i].what);
        net_free(&n);
    }
}

static void test_parallel_neuron_does_not_continue(void **state) {
    (void)state;
    const float x[8] = { 0 };
    net n;
    net_ok(shape_of("Sequential(LIF(), PSN(T=4))", 1, 4, 2, 1, (int64_t[]){ 1 }, &n));
    net_ok(hk_executor_write(n.ex, "x", HK_F32, x, 8));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_run(n.ex));
    assert_int_equal(hk_executor_continue(n.ex), HK_ESTATE);
    says("PSN", "continue: layer 1 needs the sequence from its first step on (time_mix)");
    net_free(&n);
}

static void test_states_begin_where_they_should(void **state) {
    (void)state;
    static const struct {
        const char *text, *name;
        double want;
    } cases[] = {
        { "HalfThresholdIF(v_threshold=3)", "state:v", 1.5 }, { "Izhikevich(v_reset=-0.3)", "state:v", -0.3 },       { "Izhikevich(w_rest=0.7)", "state:w", 0.7 },
        { "CUBALIF(v_reset=none)", "state:v", 0 },            { "CUBALIF()", "state:c", 0 },                       { "ILCIF(1, 1, v_reset=0.25)", "state:v", 0.25 },
        { "ActivationAwareIF(v_reset=-2)", "state:v", -2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float v[2] = { 9, 9 };
        net n;
        net_ok(shape_of(cases[i].text, 1, 1, 2, 1, (int64_t[]){ 1 }, &n));
        net_ok(hk_executor_read(n.ex, cases[i].name, HK_F32, v, 2));
        if (v[0] != (float)cases[i].want || v[1] != v[0]) fail_msg("%s: %s begins at %g, %g, expected %g", cases[i].text, cases[i].name, (double)v[0], (double)v[1], cases[i].want);
        net_free(&n);
    }
}

/* The share of ones is x; other draws at each step, sample and run; the same from the same seed. */
static void test_poisson_pass_draws(void **state) {
    (void)state;
    enum { T = 50, N = 40, ALL = T * N };
    static float x[ALL], y[4][ALL];
    for (int i = 0; i < ALL; i++) x[i] = 0.3f;
    for (int k = 0; k < 2; k++) {
        net n;
        net_ok(shape_of("Fire(surrogate=PoissonPass())", 1, T, N, 1, (int64_t[]){ 1 }, &n));
        net_ok(hk_executor_write(n.ex, "x", HK_F32, x, ALL));
        for (int run = 0; run < 2; run++) {
            net_ok(hk_executor_run(n.ex));
            net_ok(hk_executor_read(n.ex, "y", HK_F32, y[2 * k + run], ALL));
        }
        net_free(&n);
    }
    double ones = 0;
    int same = 0;
    for (int i = 0; i < ALL; i++) {
        assert_true(y[0][i] == 0 || y[0][i] == 1);
        ones += y[0][i], same += y[0][i] == y[1][i];
    }
    if (fabs(ones / ALL - 0.3) > 6 * sqrt(0.21 / ALL)) fail_msg("share of ones %g, expected 0.3", ones / ALL);
    assert_true(same < ALL);
    assert_memory_equal(y[0], y[2], sizeof y[0]);
    assert_memory_equal(y[1], y[3], sizeof y[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_arguments_are_refused),
        cmocka_unit_test(test_bad_shapes_are_refused),
        cmocka_unit_test(test_parallel_neuron_does_not_continue),
        cmocka_unit_test(test_states_begin_where_they_should),
        cmocka_unit_test(test_poisson_pass_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
