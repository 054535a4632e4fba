/* version.h - the calls of oneDNN that differ between its major versions, behind functions that do not: version_2.c has them for 2.x, version_3.c for 3.x,
 * and the headers it's built with choose one of the two.
 *
 * Everything is made for ONE thread: the caller runs a primitive in as many threads as it likes, each with its own scratchpad. A primitive made for
 * two threads and run inside a parallel region is silently wrong (backward by weights). */
#ifndef HILLOCK_ONEDNN_VERSION_H
#define HILLOCK_ONEDNN_VERSION_H

#include <dnnl.h>
#include <stdint.h>
#if DNNL_VERSION_MAJOR != 2 && DNNL_VERSION_MAJOR != 3
#error "there are version_2.c and version_3.c; for another major version, write its calls into a file beside them"
#endif

/* How numbers lie in memory: a struct in 2.x, a pointer in 3.x. Whoever fills one frees it; all zeros: none. */
typedef dnnl_memory_desc_t od_md;
void od_md_free(od_md *);

/* A convolution: n images channels-last, weights [O, C / groups, kernel]. */
typedef struct od_conv {
    int64_t n, C, H, W, O, OH, OW, groups;
    dnnl_dims_t kernel, stride, pad, pad_end, dil; /* height, width; dil: 1 is dense */
    int bias;
} od_conv;
typedef enum od_kind { OD_FORWARD, OD_BACKWARD_DATA, OD_BACKWARD_WEIGHTS } od_kind;

/* A primitive and what its arguments look like, all of it freed by od_prim_free. Backward: src and dst, and with OD_BACKWARD_WEIGHTS the weights, are their gradients. */
typedef struct od_prim {
    dnnl_primitive_t prim;
    od_md src, weights, bias, dst, scratchpad;
    const char *impl; /* oneDNN's name of the implementation; lives as long as the primitive */
} od_prim;

/* weights: their format; NULL: the one that oneDNN likes best, told in od_prim. */
dnnl_status_t od_conv_new(dnnl_engine_t, od_kind, const od_conv *, const od_md *weights, od_prim *);
/* The weights as Hillock stores them. */
dnnl_status_t od_plain_weights(const od_conv *, od_md *);
dnnl_status_t od_reorder_new(dnnl_engine_t, const od_md *from, const od_md *to, od_prim *);
void od_prim_free(od_prim *);

dnnl_status_t od_memory_new(dnnl_engine_t, const od_md *, void *at, dnnl_memory_t *);
size_t od_bytes(const od_md *);
int od_same(const od_md *, const od_md *);

#endif
