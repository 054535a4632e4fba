/* connection.c - what the learners of this family share: f(w), the spikes of the layer behind, and sums of products over what a weight connects. */
#include "learners.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

hk_status plasticity_init(hk_module *self) {
    double limit[2] = { 0, 0 };
    if (hk_is_none(self, "clamp")) return HK_OK;
    int n = hk_get_reals(self, "clamp", limit, 2);
    if (n != 2 || !(limit[0] <= limit[1])) return self->api->fail(self, HK_ECONFIG, "clamp must be two numbers, lo and hi, or none");
    return HK_OK;
}

hk_value plasticity_outer(hk_builder *b, const connection *c, hk_value g, hk_value x) {
    const hk_value in[2] = { g, x };
    hk_value out;
    if (c->rank == 2) hk_emit(b, "linear_dw", 2, in, 1, &out, 0, NULL);
    else {
        const hk_attr attr[12] = { HK_WINDOW_ATTR(&c->window), { "groups", 1, 0, NULL }, { "shape", c->rank, 0, hk_keep(b, c->shape, sizeof c->shape) } };
        hk_emit(b, "conv2d_dw", 2, in, 1, &out, 12, attr);
    }
    return hk_merge(b, out, 1.0);
}

static int has_field(const hk_module *m, const char *name) {
    const hk_module_type *t = m->api->type(m);
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (!strcmp(t->fields[i].name, name)) return 1;
    return 0;
}

static void pair(const hk_module *m, const char *name, int64_t v[2]) {
    if (hk_get_ints(m, name, v, 2) == 1) v[1] = v[0];
}

/* The window of a Conv2d, by its fields; 0 where the layer is none, or has groups or dilation, as in the package. */
static int conv_window(const hk_module *layer, connection *c) {
    static const char *const fields_of[] = { "stride", "padding", "dilation", "groups" };
    hk_window *w = &c->window;
    for (int i = 0; i < 4; i++)
        if (!has_field(layer, fields_of[i])) return 0;
    pair(layer, "stride", w->stride), pair(layer, "dilation", w->dil);
    const char *word = hk_get_str(layer, "padding");
    if (!word) pair(layer, "padding", w->pad);
    for (int a = 0; a < 2; a++) {
        w->kernel[a] = c->shape[2 + a];
        if (word && !strcmp(word, "same")) w->pad[a] = (w->kernel[a] - 1) / 2, w->pad_end[a] = w->kernel[a] - 1 - w->pad[a];
        else w->pad_end[a] = w->pad[a];
    }
    return !has_field(layer, "output_padding") && hk_get_int(layer, "groups") == 1 && w->dil[0] == 1 && w->dil[1] == 1;
}

hk_value plasticity_scaled(hk_builder *b, const hk_module *self, const char *f, const char *a, hk_value w, hk_value dw) {
    double limit[2];
    dw = hk_affine(b, dw, hk_get_real(self, a), 0.0);
    if (hk_get_int(self, f) == 1) return dw; /* constant */
    if (!hk_is_none(self, "clamp") && hk_get_reals(self, "clamp", limit, 2) == 2) w = hk_clamp(b, w, limit[0], limit[1]);
    return hk_mul(b, w, dw);
}

hk_status plasticity_connection(hk_builder *b, const hk_module *self, const hk_learner_view *v, connection *c, hk_value *spikes) {
    char name[256];
    const hk_desc w = hk_value_desc(b, v->w), x = hk_value_desc(b, v->in), y = hk_value_desc(b, v->out);
    *c = (connection){ .rank = w.rank };
    for (int i = 0; i < w.rank && i < 4; i++) c->shape[i] = w.shape[i];
    snprintf(name, sizeof name, "%s:y", hk_get_str(self, "sn"));
    *spikes = hk_named(b, name);
    const hk_desc sd = hk_value_desc(b, *spikes);
    if (!*spikes) return b->api->fail(b, HK_ECONFIG, "sn: no spiking layer");
    const int linear = w.rank == 2 && x.rank == 1 && x.shape[0] == w.shape[1];
    if (!linear && !(w.rank == 4 && x.rank == 3 && x.shape[0] == w.shape[1] && conv_window(v->layer, c)))
        return b->api->fail(
            b, HK_EUNSUPPORTED, "it takes the weight of a Linear, or of a Conv2d with groups=1 and dilation=1, got a parameter of %d axes", (int)w.rank);
    if (sd.rank != y.rank || memcmp(sd.shape, y.shape, (size_t)y.rank * sizeof y.shape[0]))
        return b->api->fail(b, HK_ESHAPE, "sn=\"%s\" gives %lld numbers, expected the %lld outputs of the layer, in their shape", hk_get_str(self, "sn"),
            (long long)hk_desc_elems(&sd), (long long)hk_desc_elems(&y));
    return HK_OK;
}
