/* plugins/snn_losses/mse_membrane_loss.c - snn.mse_membrane_loss: squared distance of the membrane potential at each step from on_target (the class) or off_target
 * (the others; 0 where off_target < 0 < on_target, as in the package), mean over steps.
 * Source: snnTorch 1.0, functional.loss.mse_membrane_loss. */
#include "snn_losses.h"

static const hk_field fields[] = {
    { "time_var_targets", HK_BOOL, 0, "false", 0, 0, NULL, "the target is one class for each step, the same for all samples, not one for each sample" },
    { "on_target", HK_REAL, 0, "1", 0, 0, NULL, "potential wanted of the target's output" },
    { "off_target", HK_REAL, 0, "0", 0, 0, NULL, "potential wanted of the others" },
    SNN_REDUCTION_FIELD,
    SNN_WEIGHT_FIELD,
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    int64_t classes;
    const double on = hk_get_real(self, "on_target"), off = hk_get_real(self, "off_target");
    if (!snn_outputs(b, in[0], &classes)) return HK_ESHAPE;
    hk_value x = hk_affine(b, in[0], 1.0, 0.0), away = hk_sub(b, x, snn_on_off(b, in[1], classes, on, snn_elsewhere(on, off)));
    hk_value square = hk_mul(b, away, away);
    if (hk_value_desc(b, square).flags & HK_T) square = hk_mean_steps(b, square);
    if (hk_get_bool(self, "time_var_targets") && !hk_is_none(self, "weight"))
        return b->api->fail(b, HK_ECONFIG, "weight is that of a sample's class; with time_var_targets there is none, so it must be none");
    if (!snn_weigh(b, self, in[1], classes, &square)) return HK_ESHAPE;
    out[0] = snn_reduce(b, self, square, 1.0, classes);
    return HK_OK;
}

static hk_desc target(const hk_module *self, const hk_desc *y) {
    (void)y;
    return (hk_desc){ .dtype = HK_I64, .flags = hk_get_bool(self, "time_var_targets") ? HK_STEP : HK_HELD };
}

SNN_LOSS_OF(mse_membrane_loss, "mean over steps, samples and classes of (x[t] - wanted potential)^2", "mse_membrane_loss", target);
