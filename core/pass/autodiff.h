/* autodiff.h - what the two files of the backward pass share. */
#ifndef HK_AUTODIFF_H
#define HK_AUTODIFF_H

#include "graph/graph.h"

struct hk__tape {
    hk__builder *b;
    int32_t n;         /* values of the forward graph: 1 .. n-1 */
    bool *need;        /* which want a gradient */
    hk_value *grad;    /* gradient so far, outside loops */
    hk_value *inside;  /* gradient so far, in the body being differentiated (of its values, and of what it captures) */
    hk_value *saved;   /* value of the forward body -> its slice in the backward body */
    int32_t fwd, bwd;  /* the loop being differentiated and its backward loop; 0: none */
};
typedef struct hk__tape hk__tape;

/* Adds a gradient, fitted to what v varies with; `rows`: what the gradient belongs to. */
void hk__grad_add(hk__tape *, hk_value *into, hk_value v, hk_value g, uint32_t rows);
/* Emits the backward operations of one node from the gradients `into` holds for its outputs. */
void hk__grad_node(hk__tape *, int32_t node, hk_value *into);
void hk__grad_loop(hk__tape *, int32_t loop);

#endif
