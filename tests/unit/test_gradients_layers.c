/* Gradients by central differences of layers over one, two and three axes, of normalisations and of those that keep state: as a sequence, as one input
 * held for all steps, with more samples than a group, and inside a loop where they may be. */
#include "gradient_check.h"

typedef struct layer {
    const char *text;
    int rank;
    int64_t shape[4];
    int T;      /* steps that the layer is made for; 0: any */
    int whole;  /* cannot run step by step */
} layer;

static void check_layer(const layer *l, uint32_t flags) {
    const int64_t T = l->T ? l->T : 3;
    gcase c = { .text = l->text, .T = T, .N = 2, .seq = 1, .rank = l->rank, .flags = flags, .lo = -1, .hi = 1 };
    memcpy(c.shape, l->shape, sizeof c.shape);
    check(&c);
    c.passes_off = HK_PASS_FOLD_TIME | HK_PASS_HOIST;
    check(&c);
    c.passes_off = 0, c.seq = 0, c.N = 3;
    check(&c);
    c.seq = 1, c.N = 17, c.T = l->T ? l->T : 1;
    check(&c);
    if (l->whole || l->T) return;
    char looped[400];
    snprintf(looped, sizeof looped, "MultiStep(%s)", l->text);
    c.text = looped, c.N = 2, c.T = 3;
    check(&c);
}

static void test_convolutions(void **state) {
    (void)state;
    static const layer layers[] = {
        { "Conv1d(2, 3, 3, padding=1)", 2, { 2, 5 }, 0, 0 },
        { "Conv1d(4, 2, 2, stride=2, dilation=2, groups=2, bias=false)", 2, { 4, 7 }, 0, 0 },
        { "Conv1d(1, 2, 4, padding=same)", 2, { 1, 5 }, 0, 0 },
        { "Conv3d(2, 2, 2, padding=1)", 4, { 2, 2, 3, 2 }, 0, 0 },
        { "Conv3d(2, 4, (2, 1, 3), stride=(2, 1, 2), dilation=(1, 2, 1), padding=(1, 0, 1), groups=2, bias=false)", 4, { 2, 3, 2, 4 }, 0, 0 },
        { "Conv3d(1, 1, (3, 2, 2), padding=same)", 4, { 1, 3, 2, 3 }, 0, 0 },
        { "ConvTranspose1d(2, 3, 3, stride=2, padding=1, output_padding=1)", 2, { 2, 4 }, 0, 0 },
        { "ConvTranspose2d(2, 2, (2, 3), stride=(1, 3), output_padding=(0, 2), bias=false)", 3, { 2, 3, 2 }, 0, 0 },
        { "ConvTranspose2d(4, 2, 3, padding=1, dilation=2, groups=2)", 3, { 4, 3, 3 }, 0, 0 },
        { "ConvTranspose3d(2, 2, (2, 2, 1), stride=(2, 1, 1), padding=(1, 0, 0))", 4, { 2, 2, 2, 3 }, 0, 0 },
        { "Sequential(Conv2d(1, 2, 2), IF(surrogate=ATan()), ConvTranspose2d(2, 1, 2))", 3, { 1, 3, 3 }, 0, 0 },
        { "WSConv2d(2, 2, (2, 1), padding=1)", 3, { 2, 2, 3 }, 0, 0 },
        { "WSConv2d(2, 4, 2, groups=2, gain=false, bias=false, eps=0.1)", 3, { 2, 3, 2 }, 0, 0 },
        { "WSLinear(4, 3)", 1, { 4 }, 0, 0 },
        { "WSLinear(3, 2, bias=false, gain=false)", 1, { 3 }, 0, 0 },
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) check_layer(&layers[i], 0);
}

static void test_pools(void **state) {
    (void)state;
    static const layer layers[] = {
        { "MaxPool1d(3, stride=2, padding=1)", 2, { 2, 6 }, 0, 0 },
        { "MaxPool3d((2, 1, 2), stride=1, dilation=(1, 1, 2), ceil_mode=true)", 4, { 2, 3, 2, 4 }, 0, 0 },
        { "AvgPool1d(3, stride=2, padding=1, count_include_pad=false)", 2, { 2, 6 }, 0, 0 },
        { "AvgPool3d(2, padding=1, count_include_pad=false)", 4, { 2, 3, 2, 4 }, 0, 0 },
        { "AvgPool3d((1, 2, 2), divisor_override=3)", 4, { 1, 2, 3, 4 }, 0, 0 },
        { "AdaptiveAvgPool1d(2)", 2, { 2, 5 }, 0, 0 },
        { "AdaptiveAvgPool3d((2, 1, 2))", 4, { 2, 3, 2, 3 }, 0, 0 },
        { "Upsample(scale_factor=2)", 3, { 2, 2, 3 }, 0, 0 },
        { "Upsample(scale_factor=[1.5, 0.5])", 3, { 1, 3, 4 }, 0, 0 },
        { "Upsample(size=7)", 2, { 2, 3 }, 0, 0 },
        { "Upsample(size=[3, 1, 4])", 4, { 2, 2, 2, 3 }, 0, 0 },
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) check_layer(&layers[i], 0);
}

static void test_norms(void **state) {
    (void)state;
    static const layer layers[] = {
        { "BatchNorm1d(3)", 1, { 3 }, 0, 1 },
        { "BatchNorm1d(2)", 2, { 2, 4 }, 0, 1 },
        { "BatchNorm3d(2)", 4, { 2, 2, 1, 3 }, 0, 1 },
        { "ThresholdDependentBatchNorm2d(0.7, 1.5, 2)", 3, { 2, 2, 3 }, 0, 1 },
        { "TemporalEffectiveBatchNorm1d(3, 2)", 2, { 2, 3 }, 3, 1 },
        { "TemporalEffectiveBatchNorm3d(2, 2, affine=false)", 4, { 2, 1, 2, 2 }, 2, 1 },
        { "BatchNormThroughTime1d(4, 3)", 1, { 3 }, 4, 1 },
        { "BatchNormThroughTime2d(3, 2)", 3, { 2, 2, 2 }, 3, 1 },
        { "BatchNormThroughTime2d(2, 2, affine=false, track_running_stats=false)", 3, { 2, 2, 2 }, 2, 1 },
        { "GroupNorm(2, 4)", 3, { 4, 2, 2 }, 0, 0 },
        { "GroupNorm(1, 3, eps=0.01, affine=false)", 2, { 3, 4 }, 0, 0 },
        { "GroupNorm(2, 6)", 1, { 6 }, 0, 0 },
        { "Sequential(Conv2d(1, 4, 2), GroupNorm(2, 4), IF(surrogate=ATan()), GroupNorm(4, 4))", 3, { 1, 3, 3 }, 0, 0 },
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        for (uint32_t eval = 0; eval <= HK_EVAL; eval += HK_EVAL) check_layer(&layers[i], eval);
}

static void test_with_state(void **state) {
    (void)state;
    static const layer layers[] = {
        { "NeuNorm(2, 2, 3)", 3, { 2, 2, 3 }, 0, 0 },
        { "NeuNorm(3, 1, 2, 0.5, shared_across_channels=true)", 3, { 3, 1, 2 }, 0, 0 },
        { "Delay(2)", 1, { 4 }, 0, 0 },
        { "Sequential(Linear(3, 2), Delay(1), IF(surrogate=ATan()), Delay(4), Linear(2, 2))", 1, { 3 }, 0, 0 },
        { "Delay(0)", 2, { 2, 2 }, 0, 0 },
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) check_layer(&layers[i], 0);
}

static void test_attention(void **state) {
    (void)state;
    static const layer layers[] = {
        { "SpikingSelfAttention(LIF(surrogate=ATan()), dim=4, num_heads=2, scale=0.5)", 2, { 4, 3 }, 0, 1 },
        { "TokenQKAttention(LIF(surrogate=ATan()), dim=4, num_heads=2)", 2, { 4, 3 }, 0, 1 },
        { "ChannelQKAttention(LIF(surrogate=ATan()), IF(surrogate=ATan()), LIF(tau=3.0, surrogate=ATan()), dim=4, num_heads=2)", 2, { 4, 3 }, 0, 1 },
        { "TemporalWiseAttention(4, 2, dimension=2)", 1, { 5 }, 4, 1 },
        { "TemporalWiseAttention(3, 1)", 3, { 2, 2, 3 }, 3, 1 },
        { "MultiDimensionalAttention(3, 4, 1, 2)", 3, { 4, 3, 2 }, 3, 1 },
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) check_layer(&layers[i], HK_EVAL);
}

static void test_recurrent(void **state) {
    (void)state;
    static const layer layers[] = {
        { "SpikingLSTM(3, 4, 2)", 1, { 3 }, 0, 0 }, /* whose c stays below its bound, which hides from the gradient */
        { "SpikingGRU(3, 4, 1, surrogate_function1=ATan(), surrogate_function2=Sigmoid())", 1, { 3 }, 0, 0 },
        { "SpikingGRU(2, 3, 2, bidirectional=true)", 1, { 2 }, 0, 1 },
        { "SpikingVanillaRNN(3, 4, 2, bias=false)", 1, { 3 }, 0, 0 },
        { "StepMode(Linear(3, 2), IF(surrogate=ATan()), step_mode=s)", 1, { 3 }, 0, 0 },
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) check_layer(&layers[i], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_convolutions), cmocka_unit_test(test_pools), cmocka_unit_test(test_norms), cmocka_unit_test(test_with_state),
        cmocka_unit_test(test_attention), cmocka_unit_test(test_recurrent) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
