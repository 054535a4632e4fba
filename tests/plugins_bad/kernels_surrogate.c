/* kernels_surrogate.c - a surrogate type without kernels.
 * says: surrogate 'Bad_kernels_surrogate': it has no kernels, expected at least one
 * says: take kernels and n_kernel from the HK_*_KERNELS macro */
#define BAD_INIT init
#include "bad.h"

static hk_status init(const hk_host *h) {
    const hk_surrogate_type t = { .struct_size = sizeof t };
    return h->add(h->ctx, "hk.surrogate/1", "Bad_" BAD_NAME, &t);
}
