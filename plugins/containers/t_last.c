/* t_last.c - TLast: input and output of a sample carry the steps as their last axis, [*, T]; inside they are steps. */
#include "containers.h"

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const hk_desc x = hk_value_desc(b, in[0]);
    const int64_t T = hk_steps(b);
    if (x.dtype == HK_ABSENT)
        return b->api->fail(b, HK_ESHAPE, "the shape of the input is not known: what is fed back must pass a layer that says its shape first");
    if (x.flags & HK_T)
        return b->api->fail(b, HK_ESHAPE, "the input varies with the step already; expected one row for all steps, whose last axis is the step");
    if (!(x.flags & HK_N) || x.rank < 2 || x.shape[x.rank - 1] != T)
        return b->api->fail(b, HK_ESHAPE, "the input of one sample has %d axes, the last of %lld; expected [*, T] with T=%lld", (int)x.rank,
            (long long)(x.rank ? x.shape[x.rank - 1] : 0), (long long)T);
    const int64_t flat[2] = { hk_desc_elems(&x) / T, T };
    hk_value v = x.dtype == HK_F32 ? in[0] : hk_affine(b, in[0], 1.0, 0.0);
    v = hk_column_as_time(b, hk_unflatten(b, v, 2, flat));
    if (x.rank > 2) v = hk_unflatten(b, v, x.rank - 1, x.shape);
    for (int i = 0; i < hk_n_child(self); i++) {
        hk_value next = HK_NONE;
        hk_module_build(b, hk_child(self, i), 1, &v, 1, &next);
        v = next;
    }
    hk_desc y = hk_value_desc(b, v);
    if (y.dtype == HK_ABSENT) return HK_OK; /* after an error, which is kept */
    if (!(y.flags & HK_T)) return b->api->fail(b, HK_ESHAPE, "the last child's output does not vary with the step, so there is no last axis to make of it");
    if (y.rank >= HK_MAX_RANK) return b->api->fail(b, HK_ESHAPE, "the output of one sample would have more than %d axes", HK_MAX_RANK);
    const int64_t back[2] = { hk_desc_elems(&y), T };
    if (y.dtype != HK_F32) v = hk_affine(b, v, 1.0, 0.0);
    v = hk_time_as_column(b, y.rank == 1 ? v : hk_flatten(b, v), 2, back);
    y.shape[y.rank++] = T;
    out[0] = y.rank == 2 ? v : hk_unflatten(b, v, y.rank, y.shape);
    return HK_OK;
}

const hk_module_type t_last_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_CONTAINER,
    .doc = "y[*,t] = child[n-1](... child[0](x[*,t])): steps along the last axis of input and output",
    .source = "spikingjelly.activation_based.layer.TLastMultiStepContainer",
    .min_child = 1,
    .max_child = UINT32_MAX,
    .build = build,
};
