/* neuron_types.h - every neuron in the registry, as constructor text with the input it takes: types of hk.neuron/1 that fire or not, and
 * modules whose role is a neuron. So tests that walk it cover neurons that are added later. Required fields are filled in by their
 * kind and name; what needs more stands in `special`. */
#ifndef TEST_NEURON_TYPES_H
#define TEST_NEURON_TYPES_H

#include "net.h"

enum { WALK_T = 4, WALK_MAX = 256 };
typedef struct walked {
    char id[64], text[192];
    int rank;
    int64_t shape[3];
} walked;
static walked walk[WALK_MAX];
static int n_walk;

static const struct {
    const char *id, *args;
    int rank;
    int64_t shape[3];
} special[] = {
    { "snn.Alpha", "alpha=0.8, beta=0.5", 1, { 4 } },
    { "snn.Lapicque", "beta=0.9", 1, { 4 } },
    { "snn.RLeaky", "beta=0.9, linear_features=4", 1, { 4 } },
    { "snn.RSynaptic", "alpha=0.9, beta=0.8, linear_features=4", 1, { 4 } },
    { "snn.SConv2dLSTM", "in_channels=2, out_channels=2, kernel_size=3", 3, { 2, 4, 4 } },
};

/* "name=value" for a field without a default. */
static void required(const hk_field *f, char *to, size_t size) {
    static const struct {
        const char *name, *value;
    } by_name[] = { { "T", "4" }, { "act_dim", "2" }, { "dec_pop_dim", "2" }, { "input_size", "4" }, { "hidden_size", "4" }, { "linear_features", "4" } };
    const char *value = NULL;
    char word[64] = "";
    for (size_t i = 0; i < sizeof by_name / sizeof *by_name && !value; i++)
        if (!strcmp(f->name, by_name[i].name)) value = by_name[i].value;
    if (!value && f->kind == HK_ENUM) snprintf(word, sizeof word, "%.*s", (int)strcspn(f->choices, "|"), f->choices), value = word;
    if (!value) value = f->kind == HK_BOOL ? "true" : f->kind == HK_INT || f->kind == HK_INTS ? "2" : "0.5";
    snprintf(to, size, "%s=%s", f->name, value);
}

static int constructs(const char *text) {
    hk_module *m = NULL;
    int ok = hk_module_new_from_text(net_context(), "hk.module/1", text, &m) == HK_OK;
    hk_module_free(m);
    return ok;
}

static void walk_add(const char *id, const hk_field *fields, uint32_t n_fields) {
    walked *w = &walk[n_walk];
    char args[96] = "";
    int surrogate = 0;
    if (n_walk == WALK_MAX) fail_msg("more than %d neurons", WALK_MAX);
    snprintf(w->id, sizeof w->id, "%s", id);
    w->rank = 1, w->shape[0] = 4;
    for (uint32_t i = 0; i < n_fields; i++) {
        size_t at = strlen(args);
        surrogate |= !strcmp(fields[i].name, "surrogate");
        if (fields[i].def) continue;
        if (at) at += (size_t)snprintf(args + at, sizeof args - at, ", ");
        required(&fields[i], args + at, sizeof args - at);
    }
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if (strcmp(special[i].id, id)) continue;
        snprintf(args, sizeof args, "%s", special[i].args);
        w->rank = special[i].rank;
        memcpy(w->shape, special[i].shape, sizeof w->shape);
    }
    snprintf(w->text, sizeof w->text, "%s(%s%ssurrogate=ATan())", id, args, args[0] ? ", " : "");
    if (!surrogate || !constructs(w->text)) snprintf(w->text, sizeof w->text, "%s(%s)", id, args); /* it counts spikes, or does not fire */
    if (!constructs(w->text)) fail_msg("%s: %s; give its arguments in neuron_types.h", w->text, hk_error(net_context()));
    n_walk++;
}

static void walk_type(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    (void)arg, (void)plugin;
    if (!strcmp(iface, "hk.neuron/1")) walk_add(id, ((const hk_neuron_type *)vtable)->fields, ((const hk_neuron_type *)vtable)->n_fields);
    else if (!strcmp(iface, "hk.module/1") && ((const hk_module_type *)vtable)->role == HK_NEURON)
        walk_add(id, ((const hk_module_type *)vtable)->fields, ((const hk_module_type *)vtable)->n_fields);
}

static void walk_neurons(void) {
    n_walk = 0;
    hk_type_each(net_context(), NULL, walk_type, NULL);
    assert_true(n_walk > 20);
}

#endif
