/* plugins/snn_losses/common.c - classes, weights and reductions of snnTorch's losses. */
#include "snn_losses.h"

int snn_classes(hk_builder *b, hk_value output, int64_t *classes) {
    const hk_desc d = hk_value_desc(b, output);
    if (d.rank == 1 && d.flags & HK_N) return *classes = d.shape[0], 1;
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
