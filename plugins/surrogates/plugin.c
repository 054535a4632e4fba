/* plugins/surrogates/plugin.c - SpikingJelly's surrogates. A new one is one file, one line in surrogates.h and one here. */
#include "surrogates.h"

static hk_status init(const hk_host *host) {
    hk_status (*const all[])(const hk_host *) = {
        sj_sigmoid_register,
        sj_atan_register,
        sj_piecewise_quadratic_register,
        sj_piecewise_exp_register,
        sj_soft_sign_register,
        sj_super_spike_register,
        sj_erf_register,
        sj_nonzero_sign_log_abs_register,
        sj_piecewise_leaky_relu_register,
        sj_squarewave_register,
        sj_s2nn_register,
        sj_q_pseudo_spike_register,
        sj_leaky_k_relu_register,
        sj_fake_numerical_gradient_register,
        sj_log_tailed_relu_register,
        sj_rect_register,
        sj_deterministic_pass_register,
        sj_poisson_pass_register,
        sj_multi_level_spike_count_register,
    };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && !st; i++) st = all[i](host);
    return st;
}

HK_PLUGIN("hillock.surrogates", "0.1.0", "Apache-2.0", init);
