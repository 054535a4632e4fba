/* Gradients by central differences, in double on `ref` with spiking = false (the surrogates' primitives), for every operation and for
 * loops: of every parameter and of the input, for one random linear function of the output. */
#include "gradient_check.h"

#define SEQ(T_, N_, n_) .T = T_, .N = N_, .seq = 1, .rank = 1, .shape = { n_ }, .lo = -1, .hi = 1.5
#define HELD(T_, N_, n_) .T = T_, .N = N_, .seq = 0, .rank = 1, .shape = { n_ }, .lo = -1, .hi = 1.5
#define PICTURE(seq_, T_, N_, C_, H_, W_) .seq = seq_, .T = T_, .N = N_, .rank = 3, .shape = { C_, H_, W_ }, .lo = -1, .hi = 1

static void test_linear(void **state) {
    (void)state;
    static const int64_t sizes[][2] = { { 1, 1 }, { 4, 3 }, { 3, 17 }, { 1, 33 } };
    for (int i = 0; i < 4; i++) {
        all_passes((gcase){ .text = "Linear(5, 3)", SEQ(sizes[i][0], sizes[i][1], 5) });
        all_passes((gcase){ .text = "Linear(5, 1, bias=false)", HELD(sizes[i][0], sizes[i][1], 5) });
        all_passes((gcase){ .text = "Sequential(Linear(3, 4), MeanT())", SEQ(sizes[i][0], sizes[i][1], 3) });
    }
}

static void test_neurons(void **state) {
    (void)state;
    static const char *const texts[] = {
        "IF(surrogate=ATan())", "IF(v_reset=none, surrogate=Sigmoid(alpha=3.0))", "LIF(tau=2.5, surrogate=ATan())", "LIF(tau=3.0, decay_input=false, v_reset=none, surrogate=ATan())",
        "LIF(tau=1.5, decay_input=false, v_reset=0.2, surrogate=SoftSign())", "ParametricLIF(init_tau=2.5, surrogate=ATan())",
        "ParametricLIF(init_tau=1.7, decay_input=false, v_reset=none, surrogate=ATan())",
        "snn.Leaky(0.8, threshold=0.6, learn_beta=true, learn_threshold=true)", "snn.Leaky(0.9, 0.3, reset_mechanism=zero, reset_delay=false, learn_threshold=true)",
        "snn.Leaky(0.7, 0.4, reset_delay=false, graded_spikes_factor=1.5, learn_graded_spikes_factor=true, learn_threshold=true)",
        "snn.Leaky(0.7, 0.4, reset_mechanism=none, inhibition=true, learn_beta=true)",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        check(&(gcase){ .text = texts[i], SEQ(5, 3, 4) });
        check(&(gcase){ .text = texts[i], SEQ(1, 1, 1) });
        check(&(gcase){ .text = texts[i], HELD(3, 17, 3) });
    }
}

/* snnTorch's neurons and cells: every reset, with feedback, coupled by inhibition, inside a loop (MultiStep) too. */
static void test_snn_neurons(void **state) {
    (void)state;
    static const char *const texts[] = {
        "snn.Leaky(0.7, 0.4, reset_mechanism=zero, reset_delay=false, inhibition=true, learn_threshold=true)",
        "snn.Leaky([0.7, 0.2, 1.3, 0.5], [0.4, 0.3, 0.2, 0.1], reset_delay=false, inhibition=true, learn_beta=true, learn_threshold=true)",
        "snn.Synaptic(0.6, 0.8, 0.4, learn_alpha=true, learn_beta=true, learn_threshold=true)",
        "snn.Synaptic(0.6, 0.8, 0.4, reset_mechanism=zero, reset_delay=false, learn_threshold=true)",
        "snn.Alpha(0.9, 0.6, 0.2, learn_alpha=true, learn_beta=true, learn_threshold=true)",
        "snn.Alpha(0.9, 0.6, 0.2, reset_mechanism=subtract, learn_alpha=true, learn_beta=true, learn_threshold=true)",
        "snn.Lapicque(0.7, threshold=0.3, learn_threshold=true)",
        "snn.Lapicque(R=1.5, C=2.0, time_step=0.5, threshold=0.2, reset_mechanism=zero)",
        "snn.RLeaky(0.8, linear_features=4, threshold=0.4, learn_beta=true, learn_threshold=true)",
        "snn.RLeaky(0.8, [0.5, 1, -1, 0.25], false, threshold=0.4, reset_mechanism=zero, reset_delay=false, learn_beta=true, learn_threshold=true)",
        "snn.RLeaky(0.8, linear_features=4, threshold=0.4, reset_delay=false, inhibition=true, graded_spikes_factor=0.5, learn_threshold=true)",
        "snn.RSynaptic(0.6, 0.8, linear_features=4, threshold=0.4, learn_alpha=true, learn_beta=true, graded_spikes_factor=1.5, learn_graded_spikes_factor=true)",
        "snn.LeakyParallel(4, 3, beta=0.7, learn_beta=true, learn_threshold=true, threshold=0.3)",
        "snn.LeakyParallel(4, 3, bias=false, learn_beta=true, weight_hh_enable=true, threshold=0.1)",
        "snn.SLSTM(4, 4, threshold=0.1, learn_threshold=true)", "snn.SLSTM(4, 4, threshold=0.1, reset_mechanism=zero, bias=false)",
        "snn.SLSTM(4, 3, threshold=0.1, reset_mechanism=subtract, learn_threshold=true)",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char looped[300];
        snprintf(looped, sizeof looped, "MultiStep(%s)", texts[i]);
        all_passes((gcase){ .text = texts[i], SEQ(5, 3, 4) });
        check(&(gcase){ .text = looped, SEQ(3, 17, 4) });
        check(&(gcase){ .text = texts[i], HELD(3, 2, 4) });
    }
    static const char *const pictures[] = {
        "snn.RLeaky(0.8, conv2d_channels=2, kernel_size=3, threshold=0.4, learn_threshold=true)",
        "snn.RSynaptic(0.6, 0.8, conv2d_channels=2, kernel_size=[3, 1], threshold=0.4, reset_mechanism=zero)",
        "snn.SConv2dLSTM(2, 3, 3, threshold=0.05, learn_threshold=true)", "snn.SConv2dLSTM(2, 1, 3, avg_pool=2, reset_mechanism=subtract, threshold=0.05, bias=false)",
        "snn.SConv2dLSTM(2, 1, [1, 3], max_pool=[1, 2], reset_mechanism=zero, threshold=0.05)",
    };
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        char looped[300];
        snprintf(looped, sizeof looped, "MultiStep(%s)", pictures[i]);
        all_passes((gcase){ .text = pictures[i], PICTURE(1, 3, 2, 2, 3, 4) });
        check(&(gcase){ .text = looped, PICTURE(1, 2, 3, 2, 3, 4) });
    }
}

static void test_surrogates(void **state) {
    (void)state;
    static const char *const names[] = { "Sigmoid", "ATan", "PiecewiseExp", "SoftSign", "Erf", "NonzeroSignLogAbs", "PiecewiseQuadratic", "PiecewiseLeakyReLU",
                                         "SquarewaveFourierSeries", "QPseudoSpike", "Rect", "DeterministicPass" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[64];
        snprintf(text, sizeof text, "Fire(surrogate=%s())", names[i]);
        check(&(gcase){ .text = text, SEQ(2, 3, 5) });
    }
}

static void test_containers(void **state) {
    (void)state;
    static const char *const texts[] = {
        "ElementWiseRecurrent(IF(surrogate=ATan()), element_wise_function=add)",
        "ElementWiseRecurrent(LIF(tau=2.0, v_reset=none, surrogate=ATan()), element_wise_function=sub)",
        "ElementWiseRecurrent(ParametricLIF(surrogate=ATan()), element_wise_function=mul)",
        "LinearRecurrent(IF(surrogate=ATan()), in_features=3, out_features=3)",
        "LinearRecurrent(ParametricLIF(surrogate=ATan()), in_features=3, out_features=3, bias=false)",
        "Sequential(Linear(3, 4), LinearRecurrent(Sequential(Linear(4, 5), LIF(surrogate=ATan())), in_features=4, out_features=5), Linear(5, 2))",
        "SynapseFilter(tau=3.0, learnable=true)",
        "SynapseFilter(tau=3.0)",
        "MultiStep(Sequential(Linear(3, 4), IF(surrogate=ATan()), Linear(4, 2)))",
        "MultiStep(ElementWiseRecurrent(IF(surrogate=ATan()), element_wise_function=add))",
        "Sequential(Linear(3, 3, step_mode=s), IF(surrogate=ATan(), step_mode=s), Linear(3, 2))",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        all_passes((gcase){ .text = texts[i], SEQ(4, 3, 3) });
        all_passes((gcase){ .text = texts[i], SEQ(1, 1, 3) });
        all_passes((gcase){ .text = texts[i], HELD(3, 18, 3) });
    }
}

static void test_shapes(void **state) {
    (void)state;
    all_passes((gcase){ .text = "Sequential(Flatten(), Linear(12, 2))", .T = 2, .N = 3, .seq = 1, .rank = 3, .shape = { 3, 2, 2 }, .lo = -1, .hi = 1 });
    all_passes((gcase){ .text = "Sequential(Flatten(), Linear(4, 2), IF(surrogate=ATan()))", .T = 3, .N = 1, .seq = 0, .rank = 3, .shape = { 1, 2, 2 }, .lo = -1, .hi = 1 });
    all_passes((gcase){ .text = "Sequential(ColumnAsTime(), Linear(3, 2), IF(surrogate=ATan()))", .T = 5, .N = 3, .seq = 0, .rank = 3, .shape = { 1, 3, 5 }, .lo = -1, .hi = 1 });
}


/* As a sequence, as one picture for all steps, and with more samples than a group. */
static void pictures(const char *text, int64_t C, int64_t H, int64_t W, uint32_t flags) {
    all_passes((gcase){ .text = text, .flags = flags, PICTURE(1, 3, 2, C, H, W) });
    all_passes((gcase){ .text = text, .flags = flags, PICTURE(0, 2, 3, C, H, W) });
    check(&(gcase){ .text = text, .flags = flags, PICTURE(1, 2, 17, C, H, W) });
}

static void test_convolutions(void **state) {
    (void)state;
    pictures("Conv2d(2, 3, 3)", 2, 5, 4, 0);
    pictures("Conv2d(2, 3, 3, padding=1, bias=false)", 2, 3, 5, 0);
    pictures("Conv2d(4, 6, (3, 2), stride=(2, 3), padding=(1, 2), dilation=(1, 2), groups=2)", 4, 5, 7, 0);
    pictures("Conv2d(3, 3, 2, stride=2, groups=3)", 3, 5, 5, 0);
    pictures("Conv2d(1, 2, (2, 3), padding=same)", 1, 4, 3, 0);
    pictures("Conv2d(2, 2, 1)", 2, 1, 1, 0);
    pictures("Sequential(Conv2d(1, 2, 3, padding=1), IF(surrogate=ATan()), Conv2d(2, 1, 2), Flatten(), Linear(6, 2))", 1, 3, 4, 0);
    all_passes((gcase){ .text = "MultiStep(Sequential(Conv2d(1, 2, 3, padding=1), IF(surrogate=ATan()), Conv2d(2, 1, 2)))", PICTURE(1, 3, 3, 1, 3, 4) });
}

static void test_batch_norm(void **state) {
    (void)state;
    for (uint32_t eval = 0; eval <= HK_EVAL; eval += HK_EVAL) {
        pictures("BatchNorm2d(3)", 3, 3, 2, eval);
        pictures("BatchNorm2d(2, affine=false, eps=0.01)", 2, 1, 3, eval);
        pictures("BatchNorm2d(2, track_running_stats=false)", 2, 3, 1, eval);
        pictures("Sequential(Conv2d(1, 3, 3, padding=1, bias=false), BatchNorm2d(3), IF(surrogate=ATan()), AvgPool2d(2))", 1, 4, 3, eval);
        pictures("Sequential(BatchNorm2d(2), IF(surrogate=ATan()), BatchNorm2d(2), Flatten(), Linear(8, 2))", 2, 2, 2, eval);
        pictures("Sequential(BatchNorm2d(2), Flatten(), Linear(4, 2), MeanT())", 2, 1, 2, eval);
    }
}

/* The inputs are distinct numbers, so that each window has one maximum. */
static void test_pools(void **state) {
    (void)state;
    pictures("MaxPool2d(2)", 2, 5, 4, 0);
    pictures("MaxPool2d((3, 2), stride=(2, 1), padding=1, ceil_mode=true)", 2, 4, 5, 0);
    pictures("MaxPool2d(2, stride=1, dilation=2)", 1, 5, 6, 0);
    pictures("AvgPool2d(3, stride=2, padding=1)", 2, 4, 5, 0);
    pictures("AvgPool2d(3, stride=2, padding=1, ceil_mode=true)", 2, 4, 6, 0);
    pictures("AvgPool2d((2, 3), padding=(0, 1), count_include_pad=false)", 1, 5, 4, 0);
    pictures("AvgPool2d(2, divisor_override=3)", 1, 4, 5, 0);
    pictures("AdaptiveAvgPool2d((2, 3))", 2, 5, 7, 0);
    pictures("AdaptiveAvgPool2d(4)", 1, 3, 4, 0);
    pictures("Sequential(Flatten(), VotingLayer(4))", 2, 2, 3, 0);
}

static void test_dropout(void **state) {
    (void)state;
    static const struct {
        const char *text, *mask;
    } cases[] = {
        { "Dropout(0.4)", "state:mask" },
        { "Dropout2d(0.4)", "state:mask" },
        { "Dropout(0.4, step_mode=s)", "state:mask" },
        { "Sequential(Flatten(), Linear(12, 5), Dropout(0.3), IF(surrogate=ATan()))", "state:2.mask" },
        { "MultiStep(Sequential(Flatten(), Linear(12, 5), Dropout(0.3), IF(surrogate=ATan())))", "state:2.mask" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        all_passes((gcase){ .text = cases[i].text, .mask = cases[i].mask, PICTURE(1, 3, 2, 2, 3, 2) });
        all_passes((gcase){ .text = cases[i].text, .mask = cases[i].mask, PICTURE(0, 2, 17, 2, 3, 2) });
    }
}

static void test_losses(void **state) {
    (void)state;
    static const char *const losses[] = { "MSE()", "MSE(reduction=sum)", "CrossEntropy()", "CrossEntropy(reduction=sum)", "CrossEntropy(label_smoothing=0.1)",
                                          "snn.ce_rate_loss()", "snn.ce_rate_loss(reduction=sum)", "snn.ce_rate_loss(weight=[0.5, 1, 2, 0.25])", "snn.ce_count_loss(weight=[0.5, 1, 2, 0.25])",
                                          "snn.ce_count_loss(reduction=sum)", "snn.mse_count_loss(correct_rate=0.7, incorrect_rate=0.3)",
                                          "snn.mse_count_loss(weight=[0.5, 1, 2, 0.25])", "snn.mse_membrane_loss(on_target=0.8, off_target=-0.2)", "snn.l1_rate_sparsity(Lambda=0.01)",
                                          "snn.ce_max_membrane_loss()" };
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        all_passes((gcase){ .text = "Sequential(Linear(3, 4), IF(surrogate=ATan()))", .loss = losses[i], SEQ(3, 5, 3) });
        all_passes((gcase){ .text = "Linear(3, 4)", .loss = losses[i], HELD(3, 17, 3) });
    }
}

/* A value used twice, and a module used twice: gradients add. y = (x + x) * linear(x), the linear applied twice. */
static hk_status twice_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in;
    hk_value a, c;
    hk_module_build(b, hk_child(self, 0), 1, in, 1, &a);
    hk_module_build(b, hk_child(self, 0), 1, &a, 1, &c);
    out[0] = hk_div(b, hk_sub(b, hk_mul(b, hk_add(b, in[0], in[0]), c), hk_sigmoid(b, a)), hk_affine(b, hk_mul(b, in[0], in[0]), 1.0, 2.0));
    (void)n_out;
    return HK_OK;
}
/* y = exp(0.3 x) tanh(x) + ln(x^2 + 1) + relu(x) + x clamp(x) + x within(x) + x positive(x) */
static hk_status unary_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out, (void)self;
    hk_value x = in[0], y = hk_mul(b, hk_op_exp(b, hk_affine(b, x, 0.3, 0.0)), hk_op_tanh(b, x));
    y = hk_add(b, y, hk_op_log(b, hk_affine(b, hk_mul(b, x, x), 1.0, 1.0)));
    y = hk_add(b, y, hk_add(b, hk_relu(b, x), hk_mul(b, x, hk_clamp(b, x, -0.4, 0.7))));
    out[0] = hk_add(b, y, hk_mul(b, x, hk_add(b, hk_within(b, x, -0.6, 0.2), hk_positive(b, x))));
    return HK_OK;
}
static hk_status twice_init(const hk_host *host) {
    static const hk_module_type unary = { .struct_size = sizeof unary, .role = HK_LAYER, .doc = "test", .source = "test", .build = unary_build };
    hk_status st = host->add(host->ctx, "hk.module/1", "TestUnary", &unary);
    if (st) return st;
    static const hk_module_type t = { .struct_size = sizeof t, .role = HK_CONTAINER, .doc = "test", .source = "test", .min_child = 1, .max_child = 1, .build = twice_build };
    return host->add(host->ctx, "hk.module/1", "TestTwice", &t);
}
static const hk_plugin_entry twice = { HK_PLUGIN_MAGIC, sizeof(hk_plugin_entry), HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, "test.twice", "1", "Apache-2.0", NULL, twice_init, NULL };

static void test_used_twice(void **state) {
    (void)state;
    all_passes((gcase){ .text = "TestTwice(Linear(3, 3))", SEQ(3, 5, 3) });
    all_passes((gcase){ .text = "TestTwice(Linear(3, 3))", HELD(2, 3, 3) });
    all_passes((gcase){ .text = "MultiStep(TestTwice(Sequential(Linear(3, 3), IF(surrogate=ATan()))))", SEQ(3, 5, 3) });
}

static void test_unary_operations(void **state) {
    (void)state;
    all_passes((gcase){ .text = "Sequential(Linear(3, 4), TestUnary())", SEQ(3, 5, 3) });
    all_passes((gcase){ .text = "MultiStep(Sequential(TestUnary(), Linear(3, 4)))", SEQ(3, 17, 3) });
    all_passes((gcase){ .text = "TestUnary()", HELD(3, 17, 3) });
}

static void test_frozen_parameter_leaves_the_others_alone(void **state) {
    (void)state;
    double grad[2][12];
    for (int freeze = 0; freeze < 2; freeze++) {
        hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
        nc.backend = "ref", nc.spiking = 0, nc.threads = 1;
        const hk_output out = { "y", 1, 0 };
        hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE, 1, &out };
        net n;
        net_make(&n, "Sequential(Linear(4, 3), IF(surrogate=ATan()), Linear(3, 2))", NULL, NULL, nc, ec);
        if (freeze) {
            hk_executor_free(n.ex);
            hk_network_free(n.net);
            net_ok(hk_network_new(net_context(), n.root, &nc, &n.net));
            net_ok(hk_network_set_learnable(n.net, hk_network_find_param(n.net, "2.weight"), 0));
            net_ok(hk_executor_new(n.net, &ec, &n.ex));
        }
        net_ok(hk_executor_shape(n.ex, 2, 3, 1, 1, (int64_t[]){ 4 }));
        double *x = fresh(24, 1, -1, 2), *g = fresh(12, 2, -1, 1);
        net_ok(hk_executor_write(n.ex, "x", HK_F64, x, 24));
        net_ok(hk_executor_write(n.ex, "grad_out:y", HK_F64, g, 12));
        net_ok(hk_executor_run(n.ex));
        net_ok(hk_executor_backward(n.ex));
        net_ok(hk_executor_read(n.ex, "grad:0.weight", HK_F64, grad[freeze], 12));
        if (freeze) {
            double w[6];
            net_ok(hk_executor_read(n.ex, "grad:2.weight", HK_F64, w, 6));
            for (int i = 0; i < 6; i++) assert_true(w[i] == 0.0);
        }
        free(x);
        free(g);
        net_free(&n);
    }
    for (int i = 0; i < 12; i++)
        if (grad[0][i] != grad[1][i]) fail_msg("0.weight[%d]: %g with 2.weight learning, %g with it frozen", i, grad[0][i], grad[1][i]);
}

static void test_no_primitive_is_refused_by_name(void **state) {
    (void)state;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = "ref", nc.spiking = 0;
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
    net n;
    net_make(&n, "Sequential(IF(surrogate=SuperSpike()))", NULL, NULL, nc, ec);
    assert_int_equal(hk_executor_shape(n.ex, 2, 2, 1, 1, (int64_t[]){ 3 }), HK_EUNSUPPORTED);
    if (!strstr(hk_error(net_context()), "SuperSpike")) fail_msg("the error does not name the surrogate: %s", hk_error(net_context()));
    net_free(&n);
}

int main(void) {
    if (hk_plugin_add(net_context(), &twice) != HK_OK) {
        fprintf(stderr, "%s\n", hk_error(net_context()));
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),    cmocka_unit_test(test_neurons), cmocka_unit_test(test_surrogates), cmocka_unit_test(test_containers),
        cmocka_unit_test(test_shapes),    cmocka_unit_test(test_convolutions), cmocka_unit_test(test_batch_norm), cmocka_unit_test(test_pools),
        cmocka_unit_test(test_dropout),   cmocka_unit_test(test_losses),  cmocka_unit_test(test_snn_neurons), cmocka_unit_test(test_used_twice), cmocka_unit_test(test_unary_operations), cmocka_unit_test(test_frozen_parameter_leaves_the_others_alone),
        cmocka_unit_test(test_no_primitive_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
