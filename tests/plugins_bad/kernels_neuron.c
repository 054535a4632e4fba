/* kernels_neuron.c - a neuron type without kernels.
 * says: neuron 'Bad_kernels_neuron': it has no kernels, expected at least one
 * says: take kernels and n_kernel from the HK_*_KERNELS macro */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    const hk_neuron_type t = { .struct_size = sizeof t };
    return h->add(h->ctx, "hk.neuron/1", "Bad_" BAD_NAME, &t);
}
