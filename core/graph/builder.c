/* builder.c - the function table behind hk_builder: emits operations, hands out parameters, constants and named outputs, and keeps the
 * first error with the path of the module it happened in. */
#include "exec/exec.h"
#include "graph/graph.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

hk_status hk__builder_fail(hk_builder *bb, hk_status st, const char *fmt, ...) {
    hk__builder *b = hk__b(bb);
    if (b->status != HK_OK) return b->status; /* the first error sticks */
    char text[768];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    b->status = st;
    if (b->at) return hk__fail(b->ctx, st, "layer %s '%s': %s", b->at->path[0] ? b->at->path : "(root)", b->at->id, text);
    return hk__fail(b->ctx, st, "%s", text);
}

static hk_status fail_slot(hk_builder *b, hk_status st, const char *fmt, ...) {
    char text[768];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return hk__builder_fail(b, st, "%s", text);
}

static const char *current_path(hk__builder *b) { return b->at ? b->at->path : b->path ? b->path : ""; }

void hk__infer_node(hk__builder *b, int32_t id) {
    hk_desc in[HK_MAX_OPERANDS], out[HK_MAX_OPERANDS];
    hk__node n = b->g->node[id];
    for (int i = 0; i < n.n_in; i++) in[i] = n.in[i] ? b->g->val[n.in[i]].desc : (hk_desc){ .dtype = HK_ABSENT };
    for (int i = 0; i < n.n_out; i++) out[i] = (hk_desc){ .dtype = HK_F32, .rank = HK_UNKNOWN };
    n.op->infer(&b->base, &n, in, out);
    if (b->status != HK_OK) return;
    for (int i = 0; i < n.n_out && b->status == HK_OK; i++) hk__memory_value(b, &out[i]);
    if (b->status != HK_OK) return;
    for (int i = 0; i < n.n_out; i++) b->g->val[n.out[i]].desc = out[i];
}

bool hk__asked(const hk__builder *b, const hk__module *m, const char *name) {
    char full[512];
    snprintf(full, sizeof full, "%s:%s", m->path, name);
    for (int i = 0; i < b->n_asked; i++)
        if (strcmp(b->asked[i].name, full) == 0) return true;
    return false;
}

static void name_output(hk_builder *, const hk_module *, const char *, hk_value);

/* A layer of operations that fires: what its spike is a step of (or drawn by), for diagnostics. Neurons with a text: neuron.c. */
static void name_fired(hk__builder *b, const hk__op *op, hk_value in, int n_attr, const hk_attr *attr) {
    if (!b->n_asked || !b->at || b->phase != HK_FORWARD || (strcmp(op->name, "fire") && strcmp(op->name, "bernoulli"))) return;
    for (int i = 0; i < n_attr; i++)
        if (strcmp(attr[i].name, "surrogate") == 0 && hk__asked(b, b->at, "z")) name_output(&b->base, &b->at->base, "z", in);
}

static void emit(hk_builder *bb, const char *op_name, int n_in, const hk_value *in, int n_out, hk_value *out, int n_attr, const hk_attr *attr) {
    hk__builder *b = hk__b(bb);
    for (int i = 0; i < n_out; i++) out[i] = HK_NONE;
    if (b->status != HK_OK) return;
    const hk__op *op = hk__op_resolve(bb, op_name);
    if (!op) return;
    if (n_in + n_out > HK_MAX_OPERANDS) {
        hk__builder_fail(bb, HK_EINVAL, "%s: %d operands, at most %d", op_name, n_in + n_out, HK_MAX_OPERANDS);
        return;
    }
    if (op->time == HK_TIME_WHOLE && b->loop) {
        hk__builder_fail(bb, HK_EUNSUPPORTED, "%s needs all time steps at once and cannot run step by step; take it out of the loop or use step_mode=m", op_name);
        return;
    }
    if (b->stateless && op->time != HK_TIME_POINT && strcmp(op->name, "bernoulli") != 0) {
        hk__builder_fail(bb, HK_EUNSUPPORTED, "%s depends on the step, and the container around it takes steps as samples like others: take the layer out of it", op_name);
        return;
    }
    hk_value unfolded[HK_MAX_OPERANDS];
    for (int i = 0; i < n_in; i++) unfolded[i] = hk__unfold(b, op, in[i]);
    in = unfolded;
    /* An operation belongs to the loop being built only if it touches it; what does not (parameters of STATIC values) stays outside. */
    int32_t region = 0;
    bool varies = n_in == 0;
    for (int i = 0; i < n_in; i++)
        if (in[i]) {
            const hk__val *v = &b->g->val[in[i]];
            if (v->loop) region = v->loop;
            if (!hk__known(&v->desc) || v->desc.flags) varies = true;
        }
    if (varies) region = b->loop;
    int32_t id = hk__node_new(b->g, op, current_path(b), n_in, in, n_out, n_attr, attr, region);
    if (!id) {
        hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
        return;
    }
    b->g->node[id].phase = b->phase;
    b->g->node[id].stream = hk_random_stream(current_path(b));
    hk__infer_node(b, id);
    if (b->status != HK_OK) return;
    bool ok;
    if (region == 0 && b->loop) { /* outside, but before the loop node that is being built */
        int at = b->g->top.n;
        while (at > 0 && b->g->top.at[at - 1] != b->loop) at--;
        ok = hk__insert(&b->g->top, at > 0 ? at - 1 : b->g->top.n, id);
    } else {
        ok = hk__push(hk__body(b->g, region), id);
    }
    if (!ok) {
        hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
        return;
    }
    for (int i = 0; i < n_out; i++) out[i] = b->g->node[id].out[i];
    if (n_in) name_fired(b, op, in[0], n_attr, attr);
}

hk_value hk__emit1(hk_builder *b, const char *op, int n_in, const hk_value *in, int n_attr, const hk_attr *attr) {
    hk_value out = HK_NONE;
    emit(b, op, n_in, in, 1, &out, n_attr, attr);
    return out;
}

static hk_value param(hk_builder *bb, const hk_module *m, const char *name) {
    hk__builder *b = hk__b(bb);
    if (b->status != HK_OK) return HK_NONE;
    char full[512];
    hk__name_in(hk__mod(m), name, full, sizeof full);
    int i = hk_network_find_param(b->net, full);
    if (i < 0) {
        hk__builder_fail(bb, HK_ENOTFOUND, "no parameter '%s' was declared", full);
        return HK_NONE;
    }
    if (!b->param_value[i]) {
        const hk_param_info *p = hk_network_param(b->net, i);
        hk_desc d = hk__desc(HK_F32, HK_STATIC, p->rank, p->shape);
        b->param_value[i] = hk__val_new(b->g, &d, HK_SRC_PARAM, i, 0);
        if (!b->param_value[i]) hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
    }
    return b->param_value[i];
}

static hk_value constant(hk_builder *bb, double v) {
    hk__builder *b = hk__b(bb);
    if (b->status != HK_OK) return HK_NONE;
    for (int i = 1; i < b->g->n_val; i++)
        if (b->g->val[i].source == HK_SRC_CONST && b->g->val[i].desc.rank == 0 && !b->g->val[i].constants && b->g->val[i].constant == v) return i;
    hk_desc d = hk__desc(HK_F32, HK_STATIC, 0, NULL);
    hk_value id = hk__val_new(b->g, &d, HK_SRC_CONST, 0, 0);
    if (id) b->g->val[id].constant = v;
    else hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
    return id;
}

static hk_value constants(hk_builder *bb, int64_t n, const double *v) {
    hk__builder *b = hk__b(bb);
    if (b->status != HK_OK) return HK_NONE;
    hk_desc d = hk__desc(HK_F32, HK_STATIC, 1, &n);
    double *copy = hk__pool(b->g, (size_t)n * sizeof *copy);
    hk_value id = copy ? hk__val_new(b->g, &d, HK_SRC_CONST, 0, 0) : HK_NONE;
    if (!id) {
        hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
        return HK_NONE;
    }
    memcpy(copy, v, (size_t)n * sizeof *copy);
    b->g->val[id].constants = copy;
    return id;
}

static void buffer_next(hk_builder *bb, const hk_module *m, const char *name, hk_value v) {
    hk__builder *b = hk__b(bb);
    hk_value now = param(bb, m, name);
    if (b->status != HK_OK || !v) return;
    hk_desc was = b->g->val[now].desc, d = b->g->val[v].desc;
    if (b->loop || b->g->val[v].loop) {
        hk__builder_fail(bb, HK_EUNSUPPORTED, "buffer '%s' cannot change at each time step of a loop; use step_mode=m", name);
        return;
    }
    if (d.flags || !hk__same_shape(&was, &d)) {
        hk__builder_fail(bb, HK_ESHAPE, "the next value of buffer '%s' has another shape", name);
        return;
    }
    if (b->g->val[v].source != HK_SRC_NODE || b->g->val[v].param_slot) v = hk__emit1(bb, "copy", 1, &v, 0, NULL);
    if (b->status == HK_OK) b->g->val[v].param_slot = 1 + b->g->val[now].ref;
}

static void name_output(hk_builder *bb, const hk_module *m, const char *name, hk_value v) {
    hk__builder *b = hk__b(bb);
    hk__graph *g = b->g;
    if (b->status != HK_OK || !v) return;
    if (g->n_named == g->cap_named) {
        int32_t cap = g->cap_named ? 2 * g->cap_named : 16;
        hk__named *p = realloc(g->named, (size_t)cap * sizeof *p);
        if (!p) {
            hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
            return;
        }
        g->named = p, g->cap_named = cap;
    }
    char full[512];
    snprintf(full, sizeof full, "%s:%s", hk__mod(m)->path, name);
    char *s = hk__pool_str(g, full);
    if (!s) hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
    else g->named[g->n_named++] = (hk__named){ s, v };
}

static hk_value named(hk_builder *bb, const char *name) {
    hk__builder *b = hk__b(bb);
    if (b->status != HK_OK) return HK_NONE;
    for (int i = b->g->n_named - 1; i >= 0; i--)
        if (strcmp(b->g->named[i].name, name) == 0) return b->g->named[i].value;
    const char **all = calloc((size_t)b->g->n_named + 1, sizeof *all);
    for (int i = 0; all && i < b->g->n_named; i++) all[i] = b->g->named[i].name;
    const char *near = all ? hk__suggest(name, all, b->g->n_named) : NULL;
    free(all);
    hk__builder_fail(bb, HK_ENOTFOUND, "no output '%s'%s%s%s", name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return HK_NONE;
}

static hk_desc desc(hk_builder *bb, hk_value v) {
    hk__builder *b = hk__b(bb);
    return b->status == HK_OK && v > 0 && v < b->g->n_val && hk__known(&b->g->val[v].desc) ? b->g->val[v].desc : (hk_desc){ .dtype = HK_ABSENT };
}
static int64_t steps(hk_builder *b) { return hk__b(b)->g->T; }
static int64_t batch(hk_builder *b) { return hk__b(b)->g->N; }
static int training(hk_builder *b) { return hk__b(b)->g->training; }
static int spiking(hk_builder *b) { return hk__b(b)->g->spiking; }

static const void *keep(hk_builder *bb, const void *data, size_t bytes) {
    hk__builder *b = hk__b(bb);
    void *p = hk__pool(b->g, bytes ? bytes : 1);
    if (!p) {
        hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
        return NULL;
    }
    return bytes ? memcpy(p, data, bytes) : p; /* a shape without axes has no numbers */
}

static hk_value reward(hk_builder *bb) {
    hk__builder *b = hk__b(bb);
    if (b->status != HK_OK || b->reward) return b->status == HK_OK ? b->reward : HK_NONE;
    const hk_desc d = hk__desc(HK_F32, HK_SEQ, 0, NULL);
    b->reward = hk__val_new(b->g, &d, HK_SRC_REWARD, 0, 0);
    if (!b->reward) hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph");
    return b->reward;
}

static void stateless(hk_builder *bb, int on) {
    hk__builder *b = hk__b(bb);
    if (on) b->stateless++;
    else if (b->stateless > 0) b->stateless--;
}

static hk_value mask(hk_builder *bb, hk_value *length) {
    hk__builder *b = hk__b(bb);
    *length = HK_NONE;
    if (b->status != HK_OK || !b->length) return HK_NONE;
    if (b->loop) {
        hk__builder_fail(bb, HK_EUNSUPPORTED, "the samples' lengths are not there inside a loop");
        return HK_NONE;
    }
    *length = b->length;
    if (!b->mask) b->mask = hk_positive(bb, hk_affine(bb, hk_since(bb, b->length), -1.0, 0.0)); /* length - t > 0 */
    return b->mask;
}

/* Builds one module: neurons by the core, others by their type; step_mode = s builds the module inside a loop over T. */
void hk__module_build(hk_builder *bb, const hk_module *m, int n_in, const hk_value *in, int n_out, hk_value *out) {
    hk__builder *b = hk__b(bb);
    for (int i = 0; i < n_out; i++) out[i] = HK_NONE;
    if (b->status != HK_OK) return;
    for (int i = 0; i < n_in; i++)
        if (!in[i]) {
            hk__builder_fail(bb, HK_EINVAL, "input %d of '%s' is missing", i, hk__mod(m)->id);
            return;
        }
    const hk__module *mod = hk__mod(m), *before = b->at;
    b->at = mod;
    bool single = false, container = strcmp(mod->iface, "hk.module/1") == 0 && ((const hk_module_type *)mod->type)->role == HK_CONTAINER;
    for (int i = 0; i < mod->n_fields && !container; i++) /* a container that feeds back is a loop of its own */
        if (strcmp(mod->fields[i].name, "step_mode") == 0) {
            const char *mode = hk_get_str(m, "step_mode");
            single = mode && strcmp(mode, "s") == 0 && !b->stateless;
        }
    hk_loop loop = 0;
    hk_value inner[8], given = n_in ? in[0] : HK_NONE;
    if (single) {
        loop = hk__loop_begin(bb);
        for (int i = 0; i < n_in && i < 8; i++) inner[i] = hk__loop_at(bb, loop, in[i]);
        in = inner;
    }
    if (strcmp(mod->iface, "hk.neuron/1") == 0) {
        hk__neuron_build(bb, m, n_in, in, n_out, out);
    } else if (strcmp(mod->iface, "hk.module/1") == 0) {
        hk_status st = ((const hk_module_type *)mod->type)->build(bb, m, n_in, in, n_out, out);
        if (st != HK_OK && b->status == HK_OK) hk__builder_fail(bb, st, "build failed: %s", hk_status_text(st));
    } else {
        hk__builder_fail(bb, HK_EINVAL, "'%s' (%s) cannot be part of a network", mod->id, mod->iface);
    }
    if (single) {
        for (int i = 0; i < n_out; i++)
            if (out[i]) out[i] = hk__loop_stack(bb, loop, out[i]);
        hk__loop_end(bb, loop);
    }
    /* Inside a loop only what fires has its output named, as neurons with a text have. */
    if (n_out && strcmp(mod->iface, "hk.module/1") == 0 && (!b->loop || ((const hk_module_type *)mod->type)->role == HK_NEURON)) name_output(bb, m, "y", out[0]);
    if (mod->n_params && given && !b->loop) name_output(bb, m, "in", given); /* what its weights are multiplied with, for diagnostics */
    if (mod->n_params) hk__learners_note(b, mod, given, n_out ? out[0] : HK_NONE);
    b->at = before;
    if (b->status != HK_OK)
        for (int i = 0; i < n_out; i++) out[i] = HK_NONE;
}

const hk_builder_api hk__builder_table = {
    .struct_size = sizeof(hk_builder_api),
    .emit = emit,
    .param = param,
    .constant = constant,
    .state = hk__state,
    .state_next = hk__state_next,
    .module_build = hk__module_build,
    .name_output = name_output,
    .desc = desc,
    .steps = steps,
    .batch = batch,
    .training = training,
    .spiking = spiking,
    .loop_begin = hk__loop_begin,
    .loop_at = hk__loop_at,
    .loop_carry = hk__loop_carry,
    .loop_next = hk__loop_next,
    .loop_stack = hk__loop_stack,
    .loop_end = hk__loop_end,
    .fail = fail_slot,
    .keep = keep,
    .constants = constants,
    .buffer_next = buffer_next,
    .named = named,
    .neuron = hk__neuron_op,
    .stateless = stateless,
    .loop_sum = hk__loop_sum,
    .reward = reward,
    .mask = mask,
};
