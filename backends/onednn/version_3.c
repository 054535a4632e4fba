/* version_3.c - oneDNN 3.x: a primitive descriptor at once, then the primitive; memory descriptors are objects behind pointers. What a primitive
 * descriptor says of its arguments is cloned, so that it's freed as in 2.x: with the od_prim. */
#include "version.h"
#if DNNL_VERSION_MAJOR == 3
#include <string.h>

dnnl_status_t od_memory_new(dnnl_engine_t engine, const od_md *md, void *at, dnnl_memory_t *out) { return dnnl_memory_create(out, *md, engine, at); }
size_t od_bytes(const od_md *md) { return *md ? dnnl_memory_desc_get_size(*md) : 0; }
int od_same(const od_md *a, const od_md *b) { return dnnl_memory_desc_equal(*a, *b); }

void od_md_free(od_md *md) {
    if (*md) dnnl_memory_desc_destroy(*md);
    *md = NULL;
}

void od_prim_free(od_prim *p) {
    od_md *all[] = { &p->src, &p->weights, &p->bias, &p->dst, &p->scratchpad };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) od_md_free(all[i]);
    if (p->prim) dnnl_primitive_destroy(p->prim);
    p->prim = NULL;
}

/* Scratchpads are the caller's; f32 is computed as f32, whatever the environment says. */
static dnnl_status_t attributes(dnnl_primitive_attr_t *out) {
    dnnl_status_t s = dnnl_primitive_attr_create(out);
    if (s == dnnl_success) s = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    return s == dnnl_success ? dnnl_primitive_attr_set_fpmath_mode(*out, dnnl_fpmath_mode_strict) : s;
}

/* An argument that there is not (a reorder's weights) has a descriptor of no size or none: a clone of the first, or NULL. */
static dnnl_status_t md_of(const_dnnl_primitive_desc_t pd, dnnl_query_t what, od_md *out) {
    const_dnnl_memory_desc_t md = dnnl_primitive_desc_query_md(pd, what, 0);
    *out = NULL;
    return md ? dnnl_memory_desc_clone(out, md) : dnnl_success;
}

/* Makes the primitive and takes over what pd says; destroys pd. */
static dnnl_status_t finish(dnnl_primitive_desc_t pd, od_kind kind, od_prim *p) {
    int data = kind == OD_BACKWARD_DATA, w = kind == OD_BACKWARD_WEIGHTS;
    const_dnnl_primitive_desc_t kept = NULL;
    memset(p, 0, sizeof *p);
    dnnl_status_t s = md_of(pd, data ? dnnl_query_diff_src_md : dnnl_query_src_md, &p->src);
    if (s == dnnl_success) s = md_of(pd, w ? dnnl_query_diff_weights_md : dnnl_query_weights_md, &p->weights);
    if (s == dnnl_success) s = md_of(pd, kind == OD_FORWARD ? dnnl_query_dst_md : dnnl_query_diff_dst_md, &p->dst);
    if (s == dnnl_success) s = md_of(pd, dnnl_query_scratchpad_md, &p->scratchpad);
    if (s == dnnl_success) s = dnnl_primitive_create(&p->prim, pd);
    dnnl_primitive_desc_destroy(pd);
    if (s == dnnl_success) s = dnnl_primitive_get_primitive_desc(p->prim, &kept);
    if (s == dnnl_success) s = dnnl_primitive_desc_query(kept, dnnl_query_impl_info_str, 0, &p->impl);
    if (s != dnnl_success) od_prim_free(p);
    return s;
}

static dnnl_status_t rows_md(od_md *md, int64_t n, int64_t C, int64_t H, int64_t W) {
    const dnnl_dims_t dims = { n, C, H, W };
    return dnnl_memory_desc_create_with_tag(md, 4, dims, dnnl_f32, dnnl_nhwc);
}

static dnnl_status_t weights_md(const od_conv *c, int plain, od_md *md) {
    int g = c->groups > 1;
    const dnnl_dims_t dims = { g ? c->groups : c->O, g ? c->O / c->groups : c->C, g ? c->C / c->groups : c->kernel[0], g ? c->kernel[0] : c->kernel[1],
        c->kernel[1] };
    return dnnl_memory_desc_create_with_tag(md, g ? 5 : 4, dims, dnnl_f32, !plain ? dnnl_format_tag_any : g ? dnnl_goihw : dnnl_oihw);
}

dnnl_status_t od_plain_weights(const od_conv *c, od_md *md) { return weights_md(c, 1, md); }

/* The primitive descriptor of kind; backward kinds are told that of the forward one. */
static dnnl_status_t describe(dnnl_engine_t engine, od_kind kind, const od_conv *c, od_md src, od_md weights, od_md bias, od_md dst,
    const_dnnl_primitive_desc_t forward, const_dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *out) {
    const dnnl_dims_t dil = { c->dil[0] - 1, c->dil[1] - 1 };
    switch (kind) {
    case OD_BACKWARD_DATA:
        return dnnl_convolution_backward_data_primitive_desc_create(
            out, engine, dnnl_convolution_direct, src, weights, dst, c->stride, dil, c->pad, c->pad_end, forward, attr);
    case OD_BACKWARD_WEIGHTS:
        return dnnl_convolution_backward_weights_primitive_desc_create(
            out, engine, dnnl_convolution_direct, src, weights, NULL, dst, c->stride, dil, c->pad, c->pad_end, forward, attr);
    default:
        return dnnl_convolution_forward_primitive_desc_create(
            out, engine, dnnl_forward_training, dnnl_convolution_direct, src, weights, bias, dst, c->stride, dil, c->pad, c->pad_end, attr);
    }
}

dnnl_status_t od_conv_new(dnnl_engine_t engine, od_kind kind, const od_conv *c, const od_md *format, od_prim *p) {
    const dnnl_dims_t bias_dims = { c->O };
    od_md src = NULL, weights = NULL, bias = NULL, dst = NULL;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t forward = NULL, pd = NULL;
    dnnl_status_t s = rows_md(&src, c->n, c->C, c->H, c->W);
    if (s == dnnl_success) s = rows_md(&dst, c->n, c->O, c->OH, c->OW);
    if (s == dnnl_success) s = format ? dnnl_memory_desc_clone(&weights, *format) : weights_md(c, 0, &weights);
    if (s == dnnl_success && c->bias) s = dnnl_memory_desc_create_with_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_a);
    if (s == dnnl_success) s = attributes(&attr);
    if (s == dnnl_success) s = describe(engine, OD_FORWARD, c, src, weights, bias, dst, NULL, attr, &forward);
    if (s == dnnl_success && kind != OD_FORWARD) s = describe(engine, kind, c, src, weights, NULL, dst, forward, attr, &pd);
    if (s == dnnl_success && kind == OD_FORWARD) pd = forward, forward = NULL;
    if (s == dnnl_success) s = finish(pd, kind, p);
    if (s == dnnl_success) p->bias = bias, bias = NULL;
    if (attr) dnnl_primitive_attr_destroy(attr);
    if (forward) dnnl_primitive_desc_destroy(forward);
    od_md_free(&src), od_md_free(&weights), od_md_free(&bias), od_md_free(&dst);
    return s;
}

dnnl_status_t od_reorder_new(dnnl_engine_t engine, const od_md *from, const od_md *to, od_prim *p) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = attributes(&attr);
    if (s == dnnl_success) s = dnnl_reorder_primitive_desc_create(&pd, *from, engine, *to, engine, attr);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return s == dnnl_success ? finish(pd, OD_FORWARD, p) : s;
}
#endif
