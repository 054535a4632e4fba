/* plugins/snn_surrogates/snn_surrogates.h - the types of this family, one file each, and what their tables have in common.
 *
 * All of them fire at z > 0: the step is strict, as snnTorch's neurons are; at z = 0 nothing fires. */
#ifndef SNN_SURROGATES_H
#define SNN_SURROGATES_H

#include "hillock/plugin.h"

/* The type of a text and its kernels, registered by prefix_register as snn.id; function: the name of the package's. */
#define SNN_SURROGATE(prefix_, id, function, doc_, fields_, n_fields_, init_, has_primitive_)                                                                  \
    static const hk_surrogate_type prefix_##_type = {                                                                                                          \
        .struct_size = sizeof(hk_surrogate_type),                                                                                                              \
        .doc = doc_,                                                                                                                                           \
        .source = "snnTorch 1.0, surrogate." function,                                                                                                         \
        .fields = fields_,                                                                                                                                     \
        .n_fields = n_fields_,                                                                                                                                 \
        .init = init_,                                                                                                                                         \
        .text = prefix_##_text,                                                                                                                                \
        .prefix = #prefix_,                                                                                                                                    \
        .kernels = prefix_##_kernels,                                                                                                                          \
        .n_kernel = HK_N_KERNEL,                                                                                                                               \
        .has_primitive = has_primitive_,                                                                                                                       \
    };                                                                                                                                                         \
    hk_status prefix_##_register(const hk_host *host) { return host->add(host->ctx, "hk.surrogate/1", "snn." id, &prefix_##_type); }

#define SNN_SURROGATES(X)                                                                                                                                      \
    X(snn_straight_through)                                                                                                                                    \
    X(snn_triangular)                                                                                                                                          \
    X(snn_fast_sigmoid)                                                                                                                                        \
    X(snn_atan)                                                                                                                                                \
    X(snn_heaviside)                                                                                                                                           \
    X(snn_sigmoid)                                                                                                                                             \
    X(snn_spike_rate_escape)                                                                                                                                   \
    X(snn_sfs)                                                                                                                                                 \
    X(snn_sso)                                                                                                                                                 \
    X(snn_lso)

#define SNN_SURROGATE_DECLARE(prefix) hk_status prefix##_register(const hk_host *host);
SNN_SURROGATES(SNN_SURROGATE_DECLARE)

#endif
