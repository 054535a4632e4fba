/* plugins/neurons/non_spiking.c - what NonSpikingIF and NonSpikingLIF share: a membrane that does not fire, v = v + (x - leak v) gain, and how its
 * potential over all steps is decoded.
 * Source: SpikingJelly 2.0, activation_based.neuron.NonSpikingBaseNode. */
#include "common.h"

HK_TEXT(sj_non_spiking,
enum { LEAK, GAIN };
hk_fn void sj_non_spiking_pre(const hk_real *x, const hk_real *s, const hk_real *p, hk_real *h, hk_real *z) {
    (void)z;
    h[0] = s[0] + (x[0] - p[LEAK] * s[0]) * p[GAIN];
}
hk_fn void sj_non_spiking_post(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, hk_real *y, hk_real *s1) {
    (void)f; (void)r; (void)s; (void)p;
    y[0] = h[0];
    s1[0] = h[0];
}
hk_fn void sj_non_spiking_pre_bwd(const hk_real *x, const hk_real *s, const hk_real *p, const hk_real *gh, const hk_real *gz, hk_real *gx, hk_real *gs, hk_real *gp) {
    (void)gz;
    gx[0] += gh[0] * p[GAIN];
    gs[0] += gh[0] * (1 - p[LEAK] * p[GAIN]);
    gp[LEAK] -= gh[0] * s[0] * p[GAIN];
    gp[GAIN] += gh[0] * (x[0] - p[LEAK] * s[0]);
}
hk_fn void sj_non_spiking_post_bwd(const hk_real *h, const hk_real *f, const hk_real *r, const hk_real *s, const hk_real *p, const hk_real *gy, const hk_real *gs1,
                                   hk_real *gh, hk_real *gf, hk_real *gr, hk_real *gs, hk_real *gp) {
    (void)h; (void)f; (void)r; (void)s; (void)p; (void)gf; (void)gr; (void)gs; (void)gp;
    gh[0] += gy[0] + gs1[0];
})
HK_NEURON_KERNELS(sj_non_spiking, 1, 0, 1, 2, HK_NEURON_NO_FIRE)

static const hk_state_field states[] = { { "v", "membrane potential", "0" } };
static const char *const params[] = { "leak", "gain" };

static hk_status build(hk_builder *b, const hk_module *self, hk_value x, hk_value *y) {
    enum { LAST, MAX, MEAN, MAX_ABS }; /* in the order of the field's choices */
    hk_value v = hk_neuron_op(b, self, x, NULL), length;
    int64_t how = hk_get_int(self, "decode");
    if (hk_is_none(self, "decode")) *y = v;
    else if (how == MEAN) *y = hk_mean_steps(b, v);
    else if (how == LAST && hk_mask(b, &length)) { /* of each sample's own steps: t < length, and not t < length - 1 */
        hk_value before = hk_positive(b, hk_affine(b, hk_since(b, length), -1.0, -1.0));
        *y = hk_sum_t(b, hk_mul(b, v, hk_sub(b, hk_mask(b, &length), before)), 1.0);
    } else *y = hk_pick_t(b, v, how == LAST ? 0 : how == MAX ? 1 : 2);
    return HK_OK;
}

hk_neuron_type sj_non_spiking_type(void) {
    return (hk_neuron_type){
        .struct_size = sizeof(hk_neuron_type),
        .flags = HK_NEURON_NO_FIRE,
        .n_state = 1,
        .n_h = 1,
        .n_param = 2,
        .states = states,
        .param_names = params,
        .text = sj_non_spiking_text,
        .prefix = "sj_non_spiking",
        .kernels = sj_non_spiking_kernels,
        .n_kernel = HK_N_KERNEL,
        .build = build,
    };
}
