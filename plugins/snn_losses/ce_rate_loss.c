/* plugins/snn_losses/ce_rate_loss.c - snn.ce_rate_loss: cross entropy of each step's spikes, mean over steps (not that of the rate).
 * Source: snnTorch 1.0, functional.loss.ce_rate_loss. */
#include "snn_losses.h"
#include <math.h>

static const hk_field fields[] = {
    { "population_code", HK_BOOL, 0, "false", 0, 0, NULL, "several outputs for each class; here it only spreads the weights: see weight" },
    { "num_classes", HK_INT, 0, "0", 0, INFINITY, NULL, "classes, with population_code; must divide the number of outputs" },
    SNN_REDUCTION_FIELD,
    { "weight", HK_REALS, HK_NULLABLE, "none", 0, 0, NULL,
        "one number for each class: that of the target counts. With population_code two numbers, of the outputs of class 0 and of all others" },
};

/* The package's weights with population_code: weight[0] for the outputs of class 0, weight[1] for all others. */
static int spread_weight(hk_builder *b, const hk_module *self, int64_t outputs, hk_value *weight) {
    double w[2], row[SNN_MAX_CLASSES];
    const int64_t classes = hk_get_int(self, "num_classes");
    if (classes < 1 || outputs % classes) {
        b->api->fail(b, HK_ECONFIG, "num_classes is %lld, expected a divisor of the %lld outputs", (long long)classes, (long long)outputs);
        return 0;
    }
    const int n = hk_get_reals(self, "weight", w, 2);
    if (n < 2 || outputs > SNN_MAX_CLASSES) {
        b->api->fail(b, HK_ECONFIG, "population_code needs a weight of two numbers (got %d) and at most %d outputs (got %lld)", n, (int)SNN_MAX_CLASSES,
            (long long)outputs);
        return 0;
    }
    for (int64_t i = 0; i < outputs; i++) row[i] = w[i >= outputs / classes];
    *weight = hk_constants(b, outputs, row);
    return 1;
}

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    int64_t classes;
    hk_value weight, loss, picked;
    if (!snn_outputs(b, in[0], &classes)) return HK_ESHAPE;
    if (!(hk_get_bool(self, "population_code") ? spread_weight : snn_weight)(b, self, classes, &weight)) return HK_ECONFIG;
    hk_cross_entropy(b, hk_affine(b, in[0], 1.0, 0.0), in[1], weight, 0.0, &loss, &picked);
    if (hk_value_desc(b, loss).flags & HK_T) loss = hk_mean_steps(b, loss);
    out[0] = snn_reduce(b, self, loss, 1.0, 1);
    return HK_OK;
}

SNN_LOSS(ce_rate_loss, "mean over steps and samples of -log softmax(x[t])[target]", "ce_rate_loss");
