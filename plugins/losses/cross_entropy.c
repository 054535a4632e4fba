/* cross_entropy.c - cross entropy of the firing rate, with class weights and label smoothing as torch has them: weights stand in the
 * numerator, and `mean` divides by the sum of the targets' weights;
 * with soft targets by the number of samples. */
#include "losses.h"
#include <math.h>

enum { MAX_CLASSES = 4096 };

static const hk_field fields[] = {
    { "weight", HK_REALS, HK_NULLABLE, "none", 0, INFINITY, NULL, "one number for each class" },
    REDUCTION_FIELD,
    { "label_smoothing", HK_REAL, 0, "0", 0, 1, NULL, "e: (1-e) nll of the target + e/C times the nll of all classes" },
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    int64_t places;
    const int64_t classes = classes_of_places(b, in[0], &places), reduction = hk_get_int(self, "reduction");
    double w[MAX_CLASSES];
    hk_value weight = HK_NONE, loss, picked;
    if (!classes) return HK_ESHAPE;
    const int n = hk_get_reals(self, "weight", w, MAX_CLASSES);
    if (!hk_is_none(self, "weight")) {
        if (n > MAX_CLASSES) return b->api->fail(b, HK_EUNSUPPORTED, "weight has %d numbers, expected at most %d", n, MAX_CLASSES);
        if (n != classes) return b->api->fail(b, HK_ESHAPE, "weight has %d numbers, expected one for each of the %lld classes", n, (long long)classes);
        weight = hk_constants(b, n, w);
    }
    hk_cross_entropy(b, firing_rate(b, in[0]), in[1], weight, hk_get_real(self, "label_smoothing"), &loss, &picked);
    if (reduction == REDUCE_NONE) out[0] = loss;
    else if (reduction == REDUCE_SUM) out[0] = total(b, loss, 1.0);
    else if (weight == HK_NONE || hk_value_desc(b, in[1]).dtype == HK_F32) out[0] = total(b, loss, 1.0 / ((double)hk_batch(b) * (double)places));
    else out[0] = hk_div(b, total(b, loss, 1.0), total(b, picked, 1.0));
    return HK_OK;
}

const hk_module_type cross_entropy_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_LOSS,
    .doc = "-log softmax(rate)[target], mean over samples and the places of an output [C,...]",
    .source = "torch.nn.functional.cross_entropy",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
    .target = class_of_each_place,
};
