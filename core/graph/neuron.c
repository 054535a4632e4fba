/* neuron.c - makes a module of a registered neuron type: one operation over all T, its states bound to slots; a type's own `build` may
 * stand around it. */
#include "graph/graph.h"
#include <stdlib.h>
#include <string.h>

static bool has_field(const hk__module *m, const char *name) {
    for (int i = 0; i < m->n_fields; i++)
        if (strcmp(m->fields[i].name, name) == 0) return true;
    return false;
}

/* A state's default: a number, the name of a field (none counts as 0), or "number field" for their product. */
static double state_default(const hk_module *m, const char *def) {
    if (!def) return 0.0;
    char *end;
    double v = strtod(def, &end);
    if (end == def) v = 1.0;
    else if (!*end) return v;
    while (*end == ' ') end++;
    return hk_is_none(m, end) ? 0.0 : v * hk_get_real(m, end);
}

hk_value hk__neuron_op(hk_builder *bb, const hk_module *m, hk_value x, hk_value *state) {
    hk__builder *b = hk__b(bb);
    const hk__module *mod = hk__mod(m);
    if (strcmp(mod->iface, "hk.neuron/1") != 0) return hk__builder_fail(bb, HK_EINVAL, "'%s' is no neuron", mod->id), HK_NONE;
    const hk_neuron_type *type = mod->type;
    for (uint32_t i = 0; state && i < 2 * type->n_state; i++) state[i] = HK_NONE;
    if (b->status != HK_OK) return HK_NONE;
    hk_neuron *neuron = hk__pool(b->g, sizeof *neuron);
    if (!neuron) return hk__builder_fail(bb, HK_ENOMEM, "out of memory for the graph"), HK_NONE;
    neuron->type = type;
    neuron->spiking = (uint32_t)b->g->spiking;
    neuron->detach_reset = has_field(mod, "detach_reset") && hk_get_bool(m, "detach_reset");
    if (!(type->flags & HK_NEURON_NO_FIRE)) {
        const hk_module *s = hk_get_object(m, "surrogate");
        if (!s) return hk__builder_fail(bb, HK_ECONFIG, "surrogate: expected a surrogate, got none"), HK_NONE;
        neuron->surrogate = hk_surrogate_of(s);
        if (!b->g->spiking && !neuron->surrogate.type->has_primitive) {
            hk__builder_fail(bb, HK_EUNSUPPORTED, "surrogate '%s' has no primitive function, so spiking=false is not possible", hk__mod(s)->id);
            return HK_NONE;
        }
    }
    hk_value operand[HK_MAX_OPERANDS] = { x }, result[HK_MAX_OPERANDS] = { 0 };
    int n = 1;
    for (uint32_t i = 0; i < type->n_state; i++) operand[n++] = hk__state(bb, m, type->states[i].name, x, state_default(m, type->states[i].def));
    if (type->n_param) type->operands(bb, m, operand + n);
    for (uint32_t i = 0; i < type->n_param && b->status == HK_OK; i++)
        if (!operand[n + (int)i]) hk__builder_fail(bb, HK_EINTERNAL, "parameter %u of the neuron was not given", i);
    n += (int)type->n_param;
    if (b->status != HK_OK) return HK_NONE;
    const hk_attr attr[1] = { { "neuron", 0, 0, neuron } };
    hk_emit(bb, "neuron", n, operand, 1 + 2 * (int)type->n_state, result, 1, attr);
    if (b->status != HK_OK) return HK_NONE;
    if (type->n_fire && hk__asked(b, mod, "z")) {
        hk_value z[HK_MAX_FIRE];
        hk_emit(bb, "neuron_z", n, operand, (int)type->n_fire, z, 1, attr);
        bb->api->name_output(bb, m, "z", z[0]);
    }
    for (uint32_t i = 0; i < type->n_state; i++) {
        hk__state_next(bb, m, type->states[i].name, result[1 + i]);
        hk_value each = b->loop ? result[1 + i] : result[1 + type->n_state + i];
        bb->api->name_output(bb, m, type->states[i].name, each);
        if (state) state[i] = each, state[type->n_state + i] = operand[1 + i];
    }
    return result[0];
}

void hk__neuron_build(hk_builder *bb, const hk_module *m, int n_in, const hk_value *in, int n_out, hk_value *out) {
    hk__builder *b = hk__b(bb);
    const hk_neuron_type *type = hk__mod(m)->type;
    if (n_in != 1 || n_out < 1) {
        hk__builder_fail(bb, HK_EINVAL, "a neuron takes one input and gives one output, got %d and %d", n_in, n_out);
        return;
    }
    if (type->build) {
        hk_status st = type->build(bb, m, in[0], &out[0]);
        if (st != HK_OK && b->status == HK_OK) hk__builder_fail(bb, st, "build failed: %s", hk_status_text(st));
    } else out[0] = hk__neuron_op(bb, m, in[0], NULL);
    bb->api->name_output(bb, m, "y", out[0]);
}
