/* version_2.c - oneDNN 2.x: an operation descriptor, then a primitive descriptor, then the primitive; memory descriptors are structs by value. */
#include "version.h"
#if DNNL_VERSION_MAJOR == 2
#include <string.h>

#define TRY(call)                                                                                                                                              \
    do {                                                                                                                                                       \
        dnnl_status_t status_ = (call);                                                                                                                        \
        if (status_ != dnnl_success) return status_;                                                                                                           \
    } while (0)

dnnl_status_t od_memory_new(dnnl_engine_t engine, const od_md *md, void *at, dnnl_memory_t *out) { return dnnl_memory_create(out, md, engine, at); }
size_t od_bytes(const od_md *md) { return dnnl_memory_desc_get_size(md); }
void od_md_free(od_md *md) { memset(md, 0, sizeof *md); }
int od_same(const od_md *a, const od_md *b) { return dnnl_memory_desc_equal(a, b); }

void od_prim_free(od_prim *p) {
    if (p->prim) dnnl_primitive_destroy(p->prim);
    p->prim = NULL;
}

/* Scratchpads are the caller's; f32 is computed as f32, whatever the environment says. */
static dnnl_status_t attributes(dnnl_primitive_attr_t *out) {
    TRY(dnnl_primitive_attr_create(out));
    TRY(dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user));
    return dnnl_primitive_attr_set_fpmath_mode(*out, dnnl_fpmath_mode_strict);
}

static dnnl_status_t describe(const void *op, dnnl_engine_t engine, const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t s = attributes(&attr);
    if (s == dnnl_success) s = dnnl_primitive_desc_create(out, op, attr, engine, hint);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return s;
}

static od_md md_of(const_dnnl_primitive_desc_t pd, dnnl_query_t what) {
    const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(pd, what, 0);
    od_md none;
    memset(&none, 0, sizeof none);
    return md ? *md : none;
}

/* Makes the primitive and takes over what pd says; destroys pd. */
static dnnl_status_t finish(dnnl_primitive_desc_t pd, od_kind kind, od_prim *p) {
    int data = kind == OD_BACKWARD_DATA, w = kind == OD_BACKWARD_WEIGHTS;
    memset(p, 0, sizeof *p);
    p->src = md_of(pd, data ? dnnl_query_diff_src_md : dnnl_query_src_md);
    p->weights = md_of(pd, w ? dnnl_query_diff_weights_md : dnnl_query_weights_md);
    p->dst = md_of(pd, kind == OD_FORWARD ? dnnl_query_dst_md : dnnl_query_diff_dst_md);
    p->scratchpad = md_of(pd, dnnl_query_scratchpad_md);
    dnnl_status_t s = dnnl_primitive_create(&p->prim, pd);
    dnnl_primitive_desc_destroy(pd);
    const_dnnl_primitive_desc_t kept = NULL;
    if (s == dnnl_success) s = dnnl_primitive_get_primitive_desc(p->prim, &kept);
    if (s == dnnl_success) s = dnnl_primitive_desc_query(kept, dnnl_query_impl_info_str, 0, &p->impl);
    if (s != dnnl_success) od_prim_free(p);
    return s;
}

static dnnl_status_t rows_md(od_md *md, int64_t n, int64_t C, int64_t H, int64_t W) {
    const dnnl_dims_t dims = { n, C, H, W };
    return dnnl_memory_desc_init_by_tag(md, 4, dims, dnnl_f32, dnnl_nhwc);
}

static dnnl_status_t weights_md(const od_conv *c, int plain, od_md *md) {
    int g = c->groups > 1;
    const dnnl_dims_t dims = { g ? c->groups : c->O, g ? c->O / c->groups : c->C, g ? c->C / c->groups : c->kernel[0], g ? c->kernel[0] : c->kernel[1],
        c->kernel[1] };
    return dnnl_memory_desc_init_by_tag(md, g ? 5 : 4, dims, dnnl_f32, !plain ? dnnl_format_tag_any : g ? dnnl_goihw : dnnl_oihw);
}

dnnl_status_t od_plain_weights(const od_conv *c, od_md *md) { return weights_md(c, 1, md); }

dnnl_status_t od_conv_new(dnnl_engine_t engine, od_kind kind, const od_conv *c, const od_md *format, od_prim *p) {
    const dnnl_dims_t bias_dims = { c->O }, dil = { c->dil[0] - 1, c->dil[1] - 1 };
    od_md src, weights, bias, dst;
    dnnl_convolution_desc_t d;
    dnnl_primitive_desc_t forward = NULL, pd = NULL;
    TRY(rows_md(&src, c->n, c->C, c->H, c->W));
    TRY(rows_md(&dst, c->n, c->O, c->OH, c->OW));
    if (format) weights = *format;
    else TRY(weights_md(c, 0, &weights));
    TRY(dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_a));
    TRY(dnnl_dilated_convolution_forward_desc_init(
        &d, dnnl_forward_training, dnnl_convolution_direct, &src, &weights, c->bias ? &bias : NULL, &dst, c->stride, dil, c->pad, c->pad_end));
    TRY(describe(&d, engine, NULL, &forward));
    if (kind == OD_FORWARD) {
        TRY(finish(forward, kind, p));
        p->bias = bias;
        return dnnl_success;
    }
    dnnl_status_t s = kind == OD_BACKWARD_DATA
        ? dnnl_dilated_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, &src, &weights, &dst, c->stride, dil, c->pad, c->pad_end)
        : dnnl_dilated_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, &src, &weights, NULL, &dst, c->stride, dil, c->pad, c->pad_end);
    if (s == dnnl_success) s = describe(&d, engine, forward, &pd);
    dnnl_primitive_desc_destroy(forward);
    return s == dnnl_success ? finish(pd, kind, p) : s;
}

dnnl_status_t od_reorder_new(dnnl_engine_t engine, const od_md *from, const od_md *to, od_prim *p) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = attributes(&attr);
    if (s == dnnl_success) s = dnnl_reorder_primitive_desc_create(&pd, from, engine, to, engine, attr);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return s == dnnl_success ? finish(pd, OD_FORWARD, p) : s;
}
#endif
