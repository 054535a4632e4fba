/* plugins/snn_losses/mse_temporal_loss.c - snn.mse_temporal_loss: squared distance of first-spike times from wanted ones, in units of T.
 * The time of an output that never spikes is T - 1; the derivative of a time is -1 at that step. Wanted: on_target of the class; off_target of the others,
 * but max(0, off_target) where that is below on_target (so that with the defaults all are asked to spike at once); then T is added to what is below 0.
 * Source: snnTorch 1.0, functional.loss.mse_temporal_loss. */
#include "snn_losses.h"
#include <math.h>

static const hk_field fields[] = {
    { "target_is_time", HK_BOOL, 0, "false", 0, 0, NULL, "the target is a wanted time for each sample and output, not one class for each sample" },
    { "on_target", HK_REAL, 0, "0", 0, 0, NULL, "step at which the target's output shall spike first; below 0: counted from the end" },
    { "off_target", HK_REAL, 0, "-1", 0, 0, NULL, "step at which the others shall" },
    { "tolerance", HK_REAL, 0, "0", 0, INFINITY, NULL, "a time closer than this to the wanted one counts as that" },
    { "multi_spike", HK_BOOL, 0, "false", 0, 0, NULL, "accepted for compatibility: only false, the first spike" },
    SNN_REDUCTION_FIELD,
    SNN_WEIGHT_FIELD,
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    int64_t classes;
    const double T = (double)hk_steps(b), tolerance = hk_get_real(self, "tolerance");
    double on = hk_get_real(self, "on_target"), off = snn_elsewhere(on, hk_get_real(self, "off_target"));
    const int given = hk_get_bool(self, "target_is_time");
    if (hk_get_bool(self, "multi_spike")) return b->api->fail(b, HK_EUNSUPPORTED, "multi_spike must be false: only first spikes have a time");
    if (!snn_all_steps(b)) return HK_EUNSUPPORTED;
    if (!snn_outputs(b, in[0], &classes)) return HK_ESHAPE;
    if (given && !hk_is_none(self, "weight"))
        return b->api->fail(b, HK_ECONFIG, "weight is that of a sample's class; with target_is_time there is none, so it must be none");
    on += on < 0 ? T : 0, off += off < 0 ? T : 0;
    hk_value wanted = given ? hk_add(b, in[1], hk_affine(b, hk_positive(b, hk_affine(b, in[1], -1.0, 0.0)), T, 0.0)) : snn_on_off(b, in[1], classes, on, off);
    hk_value time = hk_first_spike(b, snn_sequence(b, in[0])), away = hk_sub(b, time, wanted);
    hk_value square = hk_mul(b, away, away);
    if (tolerance > 0) square = hk_mul(b, square, hk_affine(b, hk_positive(b, hk_affine(b, square, -1.0, tolerance * tolerance)), -1.0, 1.0));
    if (!snn_weigh(b, self, in[1], classes, &square)) return HK_ESHAPE;
    out[0] = snn_reduce(b, self, square, 1.0 / (T * T), classes);
    return HK_OK;
}

static hk_desc target(const hk_module *self, const hk_desc *y) {
    hk_desc d = { .dtype = HK_I64, .flags = HK_HELD };
    if (hk_get_bool(self, "target_is_time")) d = *y, d.dtype = HK_F32, d.flags = HK_HELD;
    return d;
}

SNN_LOSS_OF(mse_temporal_loss, "mean over samples and classes of ((time of the first spike - wanted time) / T)^2", "mse_temporal_loss", target);
