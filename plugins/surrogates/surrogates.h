/* plugins/surrogates/surrogates.h - the types of this family, one file each, and what their tables have in common. */
#ifndef HILLOCK_SURROGATES_H
#define HILLOCK_SURROGATES_H

#include "hillock/plugin.h"

/* The type of a text and its kernels, registered by prefix_register. */
#define SJ_SURROGATE(prefix_, id, doc_, fields_, n_fields_, init_, has_primitive_, has_forward_)                                                               \
    static const hk_surrogate_type prefix_##_type = {                                                                                                          \
        .struct_size = sizeof(hk_surrogate_type),                                                                                                              \
        .doc = doc_,                                                                                                                                           \
        .source = "SpikingJelly 2.0, activation_based.surrogate." id,                                                                                          \
        .fields = fields_,                                                                                                                                     \
        .n_fields = n_fields_,                                                                                                                                 \
        .init = init_,                                                                                                                                         \
        .text = prefix_##_text,                                                                                                                                \
        .prefix = #prefix_,                                                                                                                                    \
        .kernels = prefix_##_kernels,                                                                                                                          \
        .n_kernel = HK_N_KERNEL,                                                                                                                               \
        .has_primitive = has_primitive_,                                                                                                                       \
        .has_forward = has_forward_,                                                                                                                           \
    };                                                                                                                                                         \
    hk_status prefix_##_register(const hk_host *host) { return host->add(host->ctx, "hk.surrogate/1", id, &prefix_##_type); }

hk_status sj_sigmoid_register(const hk_host *host);
hk_status sj_atan_register(const hk_host *host);
hk_status sj_piecewise_quadratic_register(const hk_host *host);
hk_status sj_piecewise_exp_register(const hk_host *host);
hk_status sj_soft_sign_register(const hk_host *host);
hk_status sj_super_spike_register(const hk_host *host);
hk_status sj_erf_register(const hk_host *host);
hk_status sj_nonzero_sign_log_abs_register(const hk_host *host);
hk_status sj_piecewise_leaky_relu_register(const hk_host *host);
hk_status sj_squarewave_register(const hk_host *host);
hk_status sj_s2nn_register(const hk_host *host);
hk_status sj_q_pseudo_spike_register(const hk_host *host);
hk_status sj_leaky_k_relu_register(const hk_host *host);
hk_status sj_fake_numerical_gradient_register(const hk_host *host);
hk_status sj_log_tailed_relu_register(const hk_host *host);
hk_status sj_rect_register(const hk_host *host);
hk_status sj_deterministic_pass_register(const hk_host *host);
hk_status sj_poisson_pass_register(const hk_host *host);
hk_status sj_multi_level_spike_count_register(const hk_host *host);

#endif
