/* learner.c - learners: what they read of their layer is named while the network is built; they build behind it, and what they give is
 * written to the parameter's gradient region, which autodiff then leaves alone. */
#include "exec/exec.h"
#include <stdio.h>
#include <string.h>

static const char in_name[] = "(in)", out_name[] = "(out)"; /* no module can call an output so */

bool hk__has_learner(const hk_network *net, int param) { return net->learner && net->learner[param]; }

/* The parameter's number when it has a learner in this network; -1. */
static int learned(const hk__builder *b, const hk__module *m, int i) {
    char full[512];
    int k = hk_network_find_param(b->net, hk__name_in(m, m->params[i].name, full, sizeof full));
    return k >= 0 && hk__has_learner(b->net, k) && b->net->param[k].learnable ? k : -1;
}

void hk__learners_note(hk__builder *b, const hk__module *m, hk_value in, hk_value out) {
    if (!b->net->learner || !b->phase_train) return;
    for (int i = 0; i < m->n_params; i++) {
        int k = learned(b, m, i);
        if (k < 0) continue;
        char full[512];
        snprintf(full, sizeof full, "%s:%s", m->path, in_name);
        for (int j = 0; j < b->g->n_named; j++)
            if (strcmp(b->g->named[j].name, full) == 0) {
                hk__builder_fail(&b->base, HK_EUNSUPPORTED, "it is used twice in the network, and parameter '%s' has a learner, which takes one use", b->net->name[k]);
                return;
            }
        b->base.api->name_output(&b->base, &m->base, in_name, in);
        b->base.api->name_output(&b->base, &m->base, out_name, out);
        return;
    }
}

static hk_value noted(hk__builder *b, const hk__module *m, const char *name) {
    char full[512];
    snprintf(full, sizeof full, "%s:%s", m->path, name);
    for (int j = 0; j < b->g->n_named; j++)
        if (strcmp(b->g->named[j].name, full) == 0) return b->g->named[j].value;
    hk__builder_fail(&b->base, HK_EUNSUPPORTED, "its layer is not part of the network as it is built");
    return HK_NONE;
}

static void build_one(hk__builder *b, const hk__module *layer, int i, int k) {
    hk_builder *bb = &b->base;
    const hk_learner_type *type = hk__mod(b->net->learner[k])->type;
    hk__module self = *hk__mod(b->net->learner[k]); /* the same, with the parameter's name for its path */
    self.path = b->net->name[k];
    b->at = &self;
    hk_learner_view view = { sizeof view, 0, &layer->base, layer->params[i].name, HK_NONE, noted(b, layer, in_name), noted(b, layer, out_name) };
    view.w = bb->api->param(bb, &layer->base, view.param);
    hk_value g = HK_NONE;
    hk_status st = b->status == HK_OK ? type->build(bb, &self.base, &view, &g) : b->status;
    if (st != HK_OK) hk__builder_fail(bb, st, "build failed: %s", hk_status_text(st)); /* the first error stays */
    hk_desc d = hk_value_desc(bb, g), w = hk_value_desc(bb, view.w);
    if (b->status == HK_OK && (!g || !hk__same_shape(&d, &w) || d.flags & ~(uint32_t)HK_G))
        hk__builder_fail(bb, HK_EPLUGIN, "what it gives for the gradient has another shape than the parameter, or varies with steps or samples");
    if (d.flags & HK_G) g = hk_merge(bb, g, 1.0);
    if (b->status == HK_OK && (b->g->val[g].source != HK_SRC_NODE || b->g->val[g].grad_slot)) g = hk__emit1(bb, "copy", 1, &g, 0, NULL);
    if (b->status == HK_OK) b->g->val[g].grad_slot = 1 + k;
    b->at = NULL;
}

static void build_all(hk__builder *b, const hk__module *m) {
    for (int i = 0; i < m->n_params && b->status == HK_OK; i++) {
        int k = learned(b, m, i);
        bool done = false;
        for (hk_value v = 1; k >= 0 && v < b->g->n_val; v++) done |= b->g->val[v].grad_slot == 1 + k; /* a module that stands twice in the tree */
        if (k >= 0 && !done) build_one(b, m, i, k);
    }
    for (int i = 0; i < m->n_children && b->status == HK_OK; i++) build_all(b, m->children[i]);
}

void hk__learners_build(hk__builder *b) {
    if (b->net->learner && b->status == HK_OK) build_all(b, b->net->root);
}
