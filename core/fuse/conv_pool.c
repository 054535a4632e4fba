/* conv_pool.c - the rule conv2d+maxpool2d: a convolution of spikes and the max pooling that alone reads it, for inference. The convolution's numbers, four times what
 * the windows keep of them, then stay in cache. */
#include "fuse/fuse.h"
#include "op/op.h"
#include <string.h>

static bool apply(hk__builder *b, const hk__rule *rule, int32_t id) {
    hk__graph *g = b->g;
    hk__node n = g->node[id];
    if (n.body || strcmp(n.op->name, "maxpool2d") != 0) return false;
    int32_t before = hk__made_by(g, n.in[0], "conv2d");
    if (!before) return false;
    hk__node conv = g->node[before];
    const hk_desc *x = &g->val[conv.in[0]].desc, *y = &g->val[n.in[0]].desc;
    static const char *const zero[] = { "pad_top", "pad_bottom", "pad_left", "pad_right" }, *const one[] = { "dil_h", "dil_w" };
    int64_t kh = hk__attr_int(&n, "kernel_h"), kw = hk__attr_int(&n, "kernel_w");
    bool plain = x->dtype == HK_SPIKE && y->rank == 3 && hk__attr_int(&n, "stride_h") == kh && hk__attr_int(&n, "stride_w") == kw && conv.n_attr + 2 <= 32;
    for (int i = 0; i < 4; i++) plain &= hk__attr_int(&n, zero[i]) == 0;
    for (int i = 0; i < 2; i++) plain &= hk__attr_int(&n, one[i]) == 1;
    if (!plain || (hk__attr_int(&n, "ceil") && (y->shape[1] % kh || y->shape[2] % kw))) return false;
    if (!hk__only_reader(g, rule, n.in[0], id, "what conv2d gives")) return false;
    hk_attr attr[32];
    memcpy(attr, conv.attr, (size_t)conv.n_attr * sizeof *attr);
    attr[conv.n_attr] = (hk_attr){ "pool_h", kh, 0, NULL }, attr[conv.n_attr + 1] = (hk_attr){ "pool_w", kw, 0, NULL };
    hk_value out;
    if (!hk__fuse_emit(b, rule, before, "conv2d_pool", conv.n_in, conv.in, 1, &out, conv.n_attr + 2, attr)) return false;
    hk__replace(g, n.out[0], out);
    hk__drop_node(g, id);
    hk__drop_node(g, before);
    return true;
}

const hk__rule hk__rule_conv_pool = { "conv2d+maxpool2d", apply, false, true };
