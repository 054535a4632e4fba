/* plugins/snn_losses/common.c - classes, populations, targets, weights and reductions of snnTorch's losses. */
#include "snn_losses.h"

int snn_outputs(hk_builder *b, hk_value output, int64_t *outputs) {
    const hk_desc d = hk_value_desc(b, output);
    if (d.rank == 1 && d.flags & HK_N) return *outputs = d.shape[0], 1;
    b->api->fail(b, HK_ESHAPE, "the output of one sample and step has %d axes, expected one: a number for each class", (int)d.rank);
    return 0;
}

int snn_weight(hk_builder *b, const hk_module *self, int64_t classes, hk_value *weight) {
    double w[SNN_MAX_CLASSES];
    *weight = HK_NONE;
    if (hk_is_none(self, "weight")) return 1;
    const int n = hk_get_reals(self, "weight", w, SNN_MAX_CLASSES);
    if (n == classes && n <= SNN_MAX_CLASSES) return *weight = hk_constants(b, n, w), 1;
    b->api->fail(b, HK_ESHAPE, "weight has %d numbers, expected one for each of the %lld classes (at most %d)", n, (long long)classes, (int)SNN_MAX_CLASSES);
    return 0;
}

hk_value snn_reduce(hk_builder *b, const hk_module *self, hk_value v, double scale, int64_t elems) {
    const int64_t reduction = hk_get_int(self, "reduction");
    if (reduction == REDUCE_NONE) return scale == 1.0 ? v : hk_affine(b, v, scale, 0.0);
    if (reduction == REDUCE_MEAN) scale /= (double)hk_batch(b) * (double)elems;
    return hk_merge(b, hk_reduce(b, v, 2), scale);
}

int snn_all_steps(hk_builder *b) {
    hk_value length;
    if (!hk_mask(b, &length)) return 1;
    b->api->fail(b, HK_EUNSUPPORTED, "this loss counts all T steps and takes no lengths");
    return 0;
}

hk_value snn_sequence(hk_builder *b, hk_value x) { return hk_value_desc(b, x).flags & HK_T ? x : hk_op_unary(b, "repeat_t", x); }

int snn_count(hk_builder *b, const hk_module *self, hk_value x, int64_t *classes, int64_t *each, hk_value *count) {
    int64_t outputs;
    if (!snn_outputs(b, x, &outputs)) return 0;
    *classes = outputs, *each = 1;
    hk_value length, mask = hk_mask(b, &length);
    if (hk_value_desc(b, x).flags & HK_T) *count = hk_sum_t(b, hk_masked(b, x), 1.0);
    else *count = mask ? hk_mul(b, x, length) : hk_affine(b, x, (double)hk_steps(b), 0.0);
    if (!hk_get_bool(self, "population_code")) return 1;
    *classes = hk_get_int(self, "num_classes");
    if (*classes < 1 || outputs % *classes) {
        b->api->fail(b, HK_ECONFIG, "population_code: num_classes is %lld, expected a divisor of the %lld outputs", (long long)*classes, (long long)outputs);
        return 0;
    }
    *each = outputs / *classes;
    *count = hk_affine(b, hk_group_mean(b, *count, *each), (double)*each, 0.0);
    return 1;
}

hk_status snn_cross_entropy(hk_builder *b, const hk_module *self, hk_value scores, hk_value target, int64_t classes, hk_value *loss) {
    hk_value weight, nll, picked;
    if (!snn_weight(b, self, classes, &weight)) return HK_ESHAPE;
    hk_cross_entropy(b, scores, target, weight, 0.0, &nll, &picked);
    *loss = snn_reduce(b, self, nll, 1.0, 1);
    return HK_OK;
}

double snn_elsewhere(double on, double off) { return on <= off || off > 0 ? off : 0; }

hk_value snn_on_off(hk_builder *b, hk_value target, int64_t classes, double on, double elsewhere) {
    return hk_affine(b, hk_one_hot(b, target, classes), on - elsewhere, elsewhere);
}

int snn_weigh(hk_builder *b, const hk_module *self, hk_value target, int64_t classes, hk_value *v) {
    hk_value weight, nll, picked;
    if (!snn_weight(b, self, classes, &weight)) return 0;
    if (!weight) return 1;
    hk_cross_entropy(b, hk_one_hot(b, target, classes), target, weight, 0.0, &nll, &picked); /* for the weight it picks */
    *v = hk_mul(b, *v, picked);
    return 1;
}
