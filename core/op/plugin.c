/* plugin.c - operation types from plugins: how the core's passes see them.
 *
 * A graph makes an hk__op of each type that is emitted in it, and one more, NAME_bwd, for a type whose gradient is a CPU function. What a
 * plugin says of shapes is checked here, so that nobody behind needs to. */
#include "op/op.h"
#include <stdio.h>
#include <string.h>

typedef struct plugin_op {
    hk__op op;
    const hk_op_type *type;
} plugin_op;
struct hk__foreign {
    plugin_op forward, adjoint; /* adjoint.op.name NULL: none */
    struct hk__foreign *next;
};

const hk_op_type *hk__op_type(const hk__op *op) { return op->flags & HK_OP_PLUGIN ? ((const plugin_op *)op)->type : NULL; }

static hk_op_view view_of(const hk__node *n) {
    return (hk_op_view){ sizeof(hk_op_view), n->loop != 0, n->op->name, n->path ? n->path : "", (uint32_t)n->n_in, (uint32_t)n->n_out, (uint32_t)n->n_attr, 0, n->attr };
}

HK_INFER(forward_infer) {
    const hk_op_type *t = hk__op_type(n->op);
    const hk_op_view view = view_of(n);
    char text[96];
    if (n->n_in < (int)t->min_in || n->n_in > (int)t->max_in || n->n_out != (int)t->n_out) {
        hk__builder_fail(b, HK_EINVAL, "operation '%s' takes %u to %u inputs and gives %u outputs, it was emitted with %d and %d", n->op->name, (unsigned)t->min_in,
                         (unsigned)t->max_in, (unsigned)t->n_out, n->n_in, n->n_out);
        return;
    }
    uint32_t flags = hk__join_flags(in, n->n_in);
    if (t->time == HK_TIME_SCAN) flags |= n->loop ? HK_N : HK_SEQ;
    hk_desc known[HK_MAX_OPERANDS];
    if (n->n_in && !hk__known(&in[0])) return; /* asked again when the loop is closed */
    for (int i = 0; i < n->n_in; i++) {
        known[i] = hk__known(&in[i]) ? in[i] : (hk_desc){ .dtype = HK_ABSENT };
        if (in[i].dtype != HK_ABSENT && in[i].flags & HK_G) {
            hk__builder_fail(b, HK_EUNSUPPORTED, "operation '%s': input %d is a row of partial sums; merge it first", n->op->name, i);
            return;
        }
    }
    for (int i = 0; i < n->n_out; i++) out[i] = hk__desc(HK_F32, flags, 0, NULL);
    hk_status st = t->infer(b, &view, known, out);
    if (st != HK_OK) hk__builder_fail(b, st, "operation '%s': %s", n->op->name, hk_status_text(st)); /* the first error stays */
    for (int i = 0; i < n->n_out && hk__b(b)->status == HK_OK; i++) {
        const hk_desc *d = &out[i];
        bool fits = d->rank <= HK_MAX_RANK && d->dtype >= HK_F32 && d->dtype <= HK_I64;
        for (int k = 0; fits && k < d->rank; k++) fits = d->shape[k] > 0;
        if (!fits) {
            hk__builder_fail(b, HK_EPLUGIN, "operation '%s': its infer gives output %d the dtype %u and the shape %s", n->op->name, i, (unsigned)d->dtype,
                             d->rank <= HK_MAX_RANK ? hk__shape_text(d, text) : "of too many axes");
        } else if (d->flags & ~(uint32_t)HK_SEQ || (n->loop && d->flags & HK_T) || (t->time == HK_TIME_POINT && d->flags != flags)) {
            hk__builder_fail(b, HK_EPLUGIN, "operation '%s': its infer sets the flags of output %d to %u; %s", n->op->name, i, (unsigned)d->flags,
                             t->time == HK_TIME_POINT ? "a POINT operation's vary with what its inputs together vary with" : "expected HK_T (not inside a loop) and HK_N");
        }
    }
}

/* ---- a gradient that the plugin emits ---- */

typedef struct plugin_grad {
    hk_grad_call base;
    hk__grad_call *call;
} plugin_grad;

static hk_value grad_input(hk_grad_call *base, int i) {
    hk__grad_call *c = ((plugin_grad *)base)->call;
    return i >= 0 && i < c->node->n_in ? hk__saved_in(c, i) : HK_NONE;
}
static hk_value grad_output(hk_grad_call *base, int i) {
    hk__grad_call *c = ((plugin_grad *)base)->call;
    return i >= 0 && i < c->node->n_out ? hk__saved_out(c, i) : HK_NONE;
}

HK_GRAD(emitted_grad) {
    const hk__node *n = c->node;
    uint8_t need[HK_MAX_OPERANDS];
    for (int i = 0; i < n->n_in; i++) need[i] = c->need[i];
    plugin_grad g = { { sizeof(hk_grad_call), (uint32_t)n->n_in, (uint32_t)n->n_out, (uint32_t)n->n_attr, n->attr, c->gout, need, c->gin, grad_input, grad_output }, c };
    hk__op_type(n->op)->grad(c->b, &g.base);
}

/* ---- a gradient that is a CPU function ---- */

static const char shapes[] = "hk.adjoint"; /* attribute of an adjoint: p: what it gives, for each input; i: how many */

HK_GRAD(called_grad) {
    const hk__node *n = c->node;
    const hk_op_type *t = hk__op_type(n->op);
    hk__graph *g = hk__b(c->b)->g;
    hk_value in[HK_MAX_OPERANDS], out[HK_MAX_OPERANDS];
    hk_desc gin[HK_MAX_OPERANDS];
    uint32_t rows = 0;
    int k = 0;
    for (int i = 0; i < n->n_out; i++) rows |= g->val[n->out[i]].desc.flags;
    for (int i = 0; i < n->n_in; i++) {
        gin[i] = n->in[i] ? g->val[n->in[i]].desc : (hk_desc){ .dtype = HK_ABSENT };
        if (!c->need[i]) continue;
        if ((gin[i].flags & HK_SEQ) == HK_STEP) {
            hk__builder_fail(c->b, HK_EUNSUPPORTED, "operation '%s': the gradient of an operand that varies with steps alone", n->op->name);
            return;
        }
        gin[i].dtype = HK_F32;
        if (gin[i].flags & HK_N) gin[i].flags = (uint8_t)(t->time == HK_TIME_WHOLE ? gin[i].flags : rows);
        else gin[i].flags = rows & HK_N ? HK_G : HK_STATIC;
    }
    for (int i = 0; i < n->n_in; i++) in[k++] = n->in[i] && t->reads & HK_BWD_INPUTS ? hk__saved_in(c, i) : HK_NONE;
    for (int i = 0; i < n->n_out; i++) in[k++] = t->reads & HK_BWD_OUTPUTS ? hk__saved_out(c, i) : HK_NONE;
    for (int i = 0; i < n->n_out; i++) {
        hk_value go = c->gout[i];
        /* Rows of several axes lie in another order where they vary with samples: the gradient must too. */
        const hk_desc *d = &g->val[n->out[i]].desc;
        if (go && d->rank >= 2 && d->flags & HK_N && !(hk_value_desc(c->b, go).flags & HK_N)) go = hk_add(c->b, hk_affine(c->b, hk__saved_out(c, i), 0.0, 0.0), go);
        in[k++] = go;
    }
    hk_attr attr[HK_MAX_OPERANDS];
    if (n->n_attr >= HK_MAX_OPERANDS) {
        hk__builder_fail(c->b, HK_EINVAL, "operation '%s': %d attributes, at most %d", n->op->name, n->n_attr, HK_MAX_OPERANDS - 1);
        return;
    }
    const void *kept = hk_keep(c->b, gin, (size_t)n->n_in * sizeof *gin);
    int n_attr = hk__attr_with(n, attr, (hk_attr){ shapes, n->n_in, 0, kept });
    char name[256];
    snprintf(name, sizeof name, "%s_bwd", n->op->name);
    hk_emit(c->b, name, k, in, n->n_in, out, n_attr, attr);
    for (int i = 0; i < n->n_in; i++) c->gin[i] = c->need[i] ? out[i] : HK_NONE;
}

HK_INFER(adjoint_infer) {
    const hk_attr *a = hk__attr(n, shapes);
    for (int i = 0; i < n->n_out; i++) out[i] = ((const hk_desc *)a->p)[i];
    (void)b, (void)in;
}

/* ---- finding one ---- */

static const hk__op *make(hk__builder *b, const char *name, const hk_op_type *t) {
    struct hk__foreign *f = hk__pool(b->g, sizeof *f);
    char bwd[256];
    snprintf(bwd, sizeof bwd, "%s_bwd", name);
    const char *own = f ? hk__pool_str(b->g, name) : NULL, *other = own ? hk__pool_str(b->g, bwd) : NULL;
    if (!other) {
        hk__builder_fail(&b->base, HK_ENOMEM, "out of memory for the graph");
        return NULL;
    }
    bool calls = !t->grad && t->backward;
    uint32_t flags = HK_OP_PLUGIN | (t->time == HK_TIME_POINT ? 0 : HK_OP_FIXED);
    f->forward = (plugin_op){ { own, t->time, flags, forward_infer, t->grad ? emitted_grad : calls ? called_grad : NULL, t->doc }, t };
    f->adjoint = (plugin_op){ { calls ? other : NULL, t->time, flags | HK_OP_ADJOINT | HK_OP_REDUCES, adjoint_infer, NULL, t->doc }, t };
    f->next = b->g->foreign;
    b->g->foreign = f;
    return &f->forward.op;
}

const hk__op *hk__op_resolve(hk_builder *bb, const char *name) {
    hk__builder *b = hk__b(bb);
    const hk__op *op = hk__op_find(name);
    if (op) return op;
    for (struct hk__foreign *f = b->g->foreign; f; f = f->next) {
        if (strcmp(f->forward.op.name, name) == 0) return &f->forward.op;
        if (f->adjoint.op.name && strcmp(f->adjoint.op.name, name) == 0) return &f->adjoint.op;
    }
    const hk_op_type *t = hk__registry_get(b->ctx, "hk.op/1", name, NULL);
    if (t) return make(b, name, t);
    hk__builder_fail(bb, HK_ENOTFOUND, "there is no operation '%s': it is none of the core's, and no plugin that brings it is loaded", name);
    return NULL;
}
