/* op.h - what the files of core/op/ share. Each file holds a few operation types: infer (shapes) and grad (emits the backward
 * operations) side by side; include/hillock/ops.h says what they compute. A file's types are listed in core/op/op.c. */
#ifndef HK_OP_H
#define HK_OP_H

#include "graph/graph.h"

#define HK_INFER(name) static void name(hk_builder *b, const hk__node *n, const hk_desc *in, hk_desc *out)
#define HK_GRAD(name) static void name(hk__grad_call *c)

/* Text of a shape for messages: "[3,4]". buf of 96 bytes. */
const char *hk__shape_text(const hk_desc *, char *buf);
int64_t hk__attr_int(const hk__node *, const char *name);
double hk__attr_real(const hk__node *, const char *name);

#endif
