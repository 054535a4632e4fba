/* compile.c - from module tree to plan: build, passes, schedule, memory. */
#include "exec/chunk.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hk_value input(hk__builder *b, hk__source source, int ref, hk_desc d) {
    hk_value v = hk__val_new(b->g, &d, source, ref, 0);
    if (!v) hk__builder_fail(&b->base, HK_ENOMEM, "out of memory for the graph");
    return v;
}

/* The named output of a module, or the network's own. */
static hk_value find_named(hk__builder *b, hk__plan *p, const char *name) {
    if (strcmp(name, "y") == 0) return p->y;
    if (strcmp(name, "rate") == 0 && p->rate) return p->rate;
    if (strcmp(name, "rate") == 0) return hk_value_desc(&b->base, p->y).flags & HK_T ? hk_mean_steps(&b->base, p->y) : p->y;
    if (strcmp(name, "loss") == 0 && p->loss) return p->loss;
    return b->base.api->named(&b->base, name);
}

/* Names of what the plan keeps hold of, so that passes that replace values keep them true. */
static void hold(hk__builder *b, const char *name, hk_value v) {
    static const hk__module nowhere = { .path = (char *)(uintptr_t) "" };
    if (v) b->base.api->name_output(&b->base, &nowhere.base, name, v);
}
static hk_value held(const hk__graph *g, const char *name) {
    char full[64];
    snprintf(full, sizeof full, ":%s", name);
    for (int i = g->n_named - 1; i >= 0; i--)
        if (strcmp(g->named[i].name, full) == 0) return g->named[i].value;
    return HK_NONE;
}

/* What a hook of the caller's gave. */
static hk_value hooked(hk__builder *b, const char *slot, hk_value v) {
    if (b->status == HK_OK && !v) hk__builder_fail(&b->base, HK_EINVAL, "the hook '%s' gave no value", slot);
    else if (b->status != HK_OK) hk__fail_in(b->ctx, b->status, "hook '%s'", slot);
    return v;
}

static void build_loss(hk__builder *b, hk__plan *p, hk_network *net, uint32_t flags) {
    hk_builder *bb = &b->base;
    hk_desc y = hk_value_desc(bb, p->y);
    if (b->status != HK_OK || !net->cfg.loss || flags & HK_NO_LOSS || !(y.flags & HK_N)) return;
    const hk_desc one_class = hk__desc(HK_I64, HK_HELD, 0, NULL);
    const hk__module *loss_module = hk__mod(net->cfg.loss);
    const hk_module_type *type = strcmp(loss_module->iface, "hk.module/1") == 0 ? loss_module->type : NULL;
    hk_desc target = type && type->target ? type->target(net->cfg.loss, &y) : one_class;
    const bool each_class = hk__same_desc(&target, &one_class);
    if (b->soft && (!each_class || y.rank != 1)) {
        hk__builder_fail(bb, HK_EUNSUPPORTED, "soft targets (mixup, cutmix) need a loss of one class for each sample, and an output of one axis");
        return;
    }
    if (b->soft) target = hk__desc(HK_F32, HK_HELD, 1, y.shape);
    p->target = input(b, HK_SRC_TARGET, 0, target);
    const hk_value in[2] = { p->y, p->target };
    const hk_network_hooks *h = net->cfg.hooks;
    if (h && h->loss) p->loss = hooked(b, "loss", h->loss(h->arg, bb, p->y, p->target, net->cfg.loss));
    else hk__module_build(bb, net->cfg.loss, 2, in, 1, &p->loss);
    hk_desc loss = hk_value_desc(bb, p->loss);
    if (b->status == HK_OK && (loss.rank != 0 || loss.flags) && b->phase_train && !p->upstream_any) {
        hk__builder_fail(bb, HK_ECONFIG, "the loss is not one number: reduction=none cannot be trained on; use mean or sum%s",
            h && h->loss ? ", or in a hook hk_merge(hk_reduce(...))" : "");
        return;
    }
    if (b->status != HK_OK || y.rank != 1 || !each_class) return;
    p->rate = y.flags & HK_T ? hk_mean_steps(bb, p->y) : p->y;
    p->correct = hk_merge(bb, hk_reduce(bb, hk_correct(bb, p->rate, p->target), 2), 1.0);
    if (flags & HK_TOP5 && y.shape[0] >= 5 && !b->soft) p->correct5 = hk_merge(bb, hk_reduce(bb, hk_correct_top(bb, p->rate, p->target, 5), 2), 1.0);
}

static void hold_output(hk__builder *b, const char *what, int i, hk_value v) {
    char name[32];
    snprintf(name, sizeof name, "(%s %d)", what, i);
    hold(b, name, v);
}

/* Outputs and upstream seeds after a pass that replaced values, by name. */
static void find_outputs(hk__plan *p, const hk__graph *g, int n_output, hk__seed *seed) {
    for (int i = 0, k = 0; i < n_output; i++) {
        char name[32];
        snprintf(name, sizeof name, "(output %d)", i);
        p->output[i] = held(g, name);
        snprintf(name, sizeof name, "(gradient %d)", i);
        p->gradient[i] = held(g, name);
        if (p->upstream[i]) seed[k++].value = p->output[i];
    }
}

/* *again: it is to be made once more, with `whole`. */
static hk_status make(hk_executor *ex, int64_t T, int64_t N, int seq, int rank, const int64_t *shape, bool whole, bool *again, hk__plan **out) {
    hk_network *net = ex->net;
    hk_status st = HK_ENOMEM;
    bool train = ex->cfg.mode == HK_TRAIN;
    *out = NULL;
    hk__plan *p = calloc(1, sizeof *p);
    hk__graph *g = calloc(1, sizeof *g);
    hk__builder b = { .base = { &hk__builder_table }, .ctx = net->ctx, .g = g, .net = net, .isa = hk_context_isa(net->ctx), .phase_train = train, .asked = ex->outputs, .n_asked = ex->cfg.n_output };
    b.param_value = calloc((size_t)net->n_param + 1, sizeof *b.param_value);
    bool *learns = calloc((size_t)net->n_param + 1, sizeof *learns);
    hk__seed *seed = calloc((size_t)ex->cfg.n_output + 1, sizeof *seed);
    hk__seed *want = calloc((size_t)ex->cfg.n_output + 1, sizeof *want);
    hk_value *root = calloc(2 * (size_t)ex->cfg.n_output + 5, sizeof *root);
    if (p) {
        p->output = calloc((size_t)ex->cfg.n_output + 1, sizeof *p->output);
        p->upstream = calloc((size_t)ex->cfg.n_output + 1, sizeof *p->upstream);
        p->gradient = calloc((size_t)ex->cfg.n_output + 1, sizeof *p->gradient);
        p->guard = train && ex->cfg.flags & HK_GUARD && net->opt_type;
        p->whole = whole, p->chunk = T;
        p->net = net, p->g = g, p->T = T, p->N = N, p->seq_in = seq, p->rank = rank;
        if (rank) memcpy(p->shape, shape, (size_t)rank * sizeof *shape);
    }
    if (!p || !g || !b.param_value || !learns || !seed || !want || !root || !p->output || !p->upstream || !p->gradient) {
        hk__fail(net->ctx, st, "out of memory for the plan");
        if (!p) free(g);
        goto end;
    }
    g->T = T, g->N = N, g->training = train && !(ex->cfg.flags & HK_EVAL), g->spiking = net->cfg.spiking != 0;

    hk_builder *bb = &b.base;
    p->x = input(&b, HK_SRC_INPUT, 0, hk__desc(HK_F32, seq ? HK_SEQ : HK_HELD, rank, shape));
    b.soft = (ex->cfg.flags & HK_SOFT) != 0;
    if (ex->cfg.flags & HK_LENGTHS) b.length = p->length = input(&b, HK_SRC_TARGET, 1, hk__desc(HK_F32, HK_HELD, 0, NULL));
    const hk_network_hooks *hooks = net->cfg.hooks;
    hk_value x = hooks && hooks->input ? hooked(&b, "input", hooks->input(hooks->arg, bb, p->x)) : p->x;
    if (b.status == HK_OK && hk_value_desc(bb, x).flags == HK_HELD && net->cfg.passes_off & HK_PASS_FOLD_TIME) b.held = x;
    hk__module_build(bb, &net->root->base, 1, &x, 1, &p->y);
    b.held = HK_NONE;
    if (b.status == HK_OK && !p->y) hk__builder_fail(bb, HK_EINTERNAL, "the network gave no output");
    if (b.status == HK_OK && hooks && hooks->output) p->y = hooked(&b, "output", hooks->output(hooks->arg, bb, p->y));
    if (b.status == HK_OK && b.length) hk__padding_check(&b);
    for (int i = 0; i < ex->cfg.n_output; i++) p->upstream_any |= ex->outputs[i].upstream != 0;
    build_loss(&b, p, net, ex->cfg.flags);
    if (train) hk__learners_build(&b);
    p->reward = b.reward;
    int n_seed = 0;
    for (int i = 0; i < ex->cfg.n_output && b.status == HK_OK; i++) {
        p->output[i] = find_named(&b, p, ex->outputs[i].name);
        if (b.status != HK_OK || !ex->outputs[i].upstream || !train) continue;
        hk_desc d = hk_value_desc(bb, p->output[i]);
        d.dtype = HK_F32;
        p->upstream[i] = input(&b, HK_SRC_UPSTREAM, i, d);
        seed[n_seed++] = (hk__seed){ p->output[i], p->upstream[i] };
    }
    if (p->loss && train && !p->upstream_any) seed[n_seed++] = (hk__seed){ p->loss, hk_const(bb, 1.0) };
    p->keep_y = train ? !p->loss : !(ex->cfg.flags & HK_NO_LOSS) || !ex->cfg.n_output;
    if (train || p->keep_y) hold(&b, "(y)", p->y);
    hold(&b, "(loss)", p->loss);
    hold(&b, "(correct)", p->correct);
    hold(&b, "(correct5)", p->correct5);
    for (int i = 0; i < ex->cfg.n_output; i++) hold_output(&b, "output", i, p->output[i]);
    bool hoist = !(net->cfg.passes_off & HK_PASS_HOIST);
    if (hoist) hk__hoist(&b);
    if (!train && !(net->cfg.passes_off & HK_PASS_FOLD_NORM)) hk__fold_norm(&b);
    if (!(net->cfg.passes_off & HK_PASS_FUSE) && !(ex->cfg.flags & HK_UNFUSED)) hk__fuse(&b, train);
    if (ex->cfg.flags & HK_FORGET) hk__forget(&b);
    find_outputs(p, g, ex->cfg.n_output, seed);
    if (train) {
        for (int i = 0; i < net->n_param; i++) learns[i] = net->param[i].learnable && !hk__has_learner(net, i);
        want[0].value = ex->cfg.flags & HK_INPUT_GRAD ? p->x : HK_NONE;
        for (int i = 0; i < ex->cfg.n_output; i++) want[1 + i].value = ex->outputs[i].gradient ? p->output[i] : HK_NONE;
        hk__autodiff(&b, n_seed, seed, learns, 1 + ex->cfg.n_output, want);
        hold(&b, "(grad x)", want[0].grad);
        for (int i = 0; i < ex->cfg.n_output; i++) hold_output(&b, "gradient", i, want[1 + i].grad);
        if (hoist) hk__hoist(&b);
    }
    p->y = held(g, "(y)"), p->loss = held(g, "(loss)"), p->correct = held(g, "(correct)"), p->correct5 = held(g, "(correct5)"), p->grad_x = held(g, "(grad x)");
    find_outputs(p, g, ex->cfg.n_output, seed);
    int n_root = 0;
    for (int i = 0; i < ex->cfg.n_output; i++) root[n_root++] = p->output[i], root[n_root++] = p->gradient[i];
    if (p->keep_y) root[n_root++] = p->y;
    root[n_root++] = p->loss;
    root[n_root++] = p->correct;
    root[n_root++] = p->correct5;
    root[n_root++] = p->grad_x;
    hk__live(&b, n_root, root);
    st = b.status;
    if (st == HK_OK && g->oom) st = hk__fail(net->ctx, HK_ENOMEM, "out of memory for the graph");
    if (st == HK_OK) st = hk__schedule(p, &b, ex->cfg.mode, ex->cfg.flags);
    if (st == HK_OK) st = hk__chunk_plan(p, &b, ex->cfg.mode, ex->cfg.flags, n_root, root, again);
    if (st == HK_OK && !p->chunks) st = hk__replay(p, &b, ex->cfg.mode, ex->cfg.flags);
    if (st == HK_OK && !*again) st = hk__place_all(p, &b, train);
    if (st == HK_OK && !*again) *out = p, p = NULL;
end:
    hk__plan_free(p);
    free(b.param_value);
    free(learns);
    free(seed);
    free(want);
    free(root);
    return st;
}

hk_status hk__plan_new(hk_executor *ex, int64_t T, int64_t N, int seq, int rank, const int64_t *shape, hk__plan **out) {
    bool again = false;
    hk_status st = make(ex, T, N, seq, rank, shape, false, &again, out);
    return again ? make(ex, T, N, seq, rank, shape, true, &again, out) : st;
}

void hk__call_free(hk__call *c) {
    if (c->plan) c->be->plan_free(c->plan);
    free(c->ref);
    if (c->loop) {
        for (int i = 0; i < c->loop->n_body; i++) hk__call_free(&c->loop->body[i]);
        for (int i = 0; i < c->loop->n_carry; i++) hk__call_free(&c->loop->carry[i].copy);
        for (int i = 0; i < c->loop->n_sum; i++) hk__call_free(&c->loop->sum_first[i]), hk__call_free(&c->loop->sum_next[i]);
        free(c->loop->body);
        free(c->loop->carry);
        free(c->loop->sum_first);
        free(c->loop->sum_next);
        free(c->loop);
    }
}

void hk__plan_free(hk__plan *p) {
    if (!p) return;
    for (int u = 0; u < p->n_unit; u++) {
        for (int i = 0; i < p->unit[u].n_call; i++) hk__call_free(&p->unit[u].call[i]);
        free(p->unit[u].call);
    }
    free(p->unit);
    hk__chunk_free(p);
    free(p->place);
    free(p->timed);
    free(p->output);
    free(p->upstream);
    free(p->gradient);
    if (p->constants) p->net->be->buf_free(p->net->dev, p->constants);
    if (p->kept) p->net->be->buf_free(p->net->dev, p->kept);
    hk__graph_free(p->g);
    free(p);
}
