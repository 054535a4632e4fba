/* op.h - what the files of core/op/ share. Each file holds a few operation types: infer (shapes) and grad (emits the backward
 * operations) side by side; include/hillock/ops.h says what they compute. A file's types are listed in core/op/op.c. */
#ifndef HK_OP_H
#define HK_OP_H

#include "graph/graph.h"

#define HK_INFER(name) static void name(hk_builder *b, const hk__node *n, const hk_desc *in, hk_desc *out)
#define HK_GRAD(name) static void name(hk__grad_call *c)

/* Attributes of a node and one more; returns the count. `to` has room. */
int hk__attr_with(const hk__node *, hk_attr *to, hk_attr more);
/* An output's shape as an attribute, for adjoints whose inputs do not tell it: written, and read back. */
hk_attr hk__shape_attr(hk_builder *, const hk_desc *);
hk_desc hk__shape_from(const hk__node *, uint32_t flags);
/* Size of one axis of a convolution's or pool's output by its window attributes; 0 when the window does not fit. axis 0: h, 1: w. */
int64_t hk__window_out(const hk__node *, int axis, int64_t in, int64_t kernel, bool ceil_mode);
/* Text of a shape for messages: "[3,4]". buf of 96 bytes. */
const char *hk__shape_text(const hk_desc *, char *buf);
int64_t hk__attr_int(const hk__node *, const char *name);
double hk__attr_real(const hk__node *, const char *name);
/* Parts of operations that a fused one is made of. */
void hk__neuron_infer(hk_builder *, const hk__node *, const hk_desc *in, hk_desc *out);
void hk__pool_infer(hk_builder *, const hk__node *, const hk_desc *in, hk_desc *out);
/* Gradients of a batch normalisation of input x, whose mean, rstd, [w], [b] are inputs `mean` and on, from g, that of its result;
 * partial: batchnorm_sums of the two, NONE: to be emitted. */
void hk__batchnorm_grads(hk__grad_call *, hk_value g, int x, int mean, hk_value partial);

#endif
