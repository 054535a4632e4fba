/* plugins/snn_losses/mse_count_loss.c - snn.mse_count_loss: squared distance from a number of spikes, divided by T.
 *     target of the class: trunc(T correct_rate outputs), of the others trunc(T incorrect_rate outputs), outputs: those of one class
 * Source: snnTorch 1.0, functional.loss.mse_count_loss; SLAYER (Shrestha and Orchard 2018). */
#include "snn_losses.h"
#include <math.h>

static const hk_field fields[] = {
    { "correct_rate", HK_REAL, 0, "1", 0, 1, NULL, "spikes per step wanted of the target's outputs" },
    { "incorrect_rate", HK_REAL, 0, "0", 0, 1, NULL, "spikes per step wanted of the others" },
    SNN_POPULATION_FIELDS,
    SNN_REDUCTION_FIELD,
    SNN_WEIGHT_FIELD,
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    int64_t classes, each;
    hk_value count;
    const double T = (double)hk_steps(b);
    if (!snn_all_steps(b)) return HK_EUNSUPPORTED;
    if (!snn_count(b, self, in[0], &classes, &each, &count)) return HK_ESHAPE;
    const double on = trunc(T * hk_get_real(self, "correct_rate") * (double)each), off = trunc(T * hk_get_real(self, "incorrect_rate") * (double)each);
    hk_value away = hk_sub(b, count, snn_on_off(b, in[1], classes, on, snn_elsewhere(on, off)));
    hk_value square = hk_mul(b, away, away);
    if (!snn_weigh(b, self, in[1], classes, &square)) return HK_ESHAPE;
    out[0] = snn_reduce(b, self, square, 1.0 / T, classes);
    return HK_OK;
}

SNN_LOSS(mse_count_loss, "mean over samples and classes of (spikes - wanted spikes)^2 / T", "mse_count_loss");
