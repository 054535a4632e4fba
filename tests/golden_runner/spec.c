/* spec.c - constructor text from the specs of golden files. */
#include "runner.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void gr_put(gr_text *t, const char *fmt, ...) {
    char *more;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&more, fmt, ap);
    va_end(ap);
    if (n < 0 || !(t->s = realloc(t->s, t->n + (size_t)n + 1))) abort();
    memcpy(t->s + t->n, more, (size_t)n + 1);
    t->n += (size_t)n;
    free(more);
}

bool gr_need(gr_case *c, const char *iface, const char *id) {
    if (hk_type_get(c->ctx, iface, id)) return true;
    if (!strcmp(iface, "hk.module/1") && hk_type_get(c->ctx, "hk.neuron/1", id)) return true;
    for (int i = 0; i < c->n_missing; i++)
        if (!strcmp(c->missing[i], id)) return false;
    if (c->n_missing < GR_MAX_MISSING) snprintf(c->missing[c->n_missing++], sizeof c->missing[0], "%s", id);
    return false;
}

void gr_put_value(gr_text *t, const json_t *v) {
    size_t i;
    json_t *e;
    switch (json_typeof(v)) {
    case JSON_NULL: gr_put(t, "none"); break;
    case JSON_TRUE: gr_put(t, "true"); break;
    case JSON_FALSE: gr_put(t, "false"); break;
    case JSON_INTEGER: gr_put(t, "%lld", (long long)json_integer_value(v)); break;
    case JSON_REAL: {
        double d = json_real_value(v);
        if (d == floor(d) && fabs(d) < 1e15) gr_put(t, "%lld", (long long)d); /* for fields of kind INT too */
        else gr_put(t, "%.17g", d);
        break;
    }
    case JSON_STRING: gr_put(t, "\"%s\"", json_string_value(v)); break;
    case JSON_ARRAY:
        gr_put(t, "[");
        json_array_foreach((json_t *)(uintptr_t)v, i, e) {
            if (i) gr_put(t, ", ");
            gr_put_value(t, e);
        }
        gr_put(t, "]");
        break;
    case JSON_OBJECT: gr_put(t, "{}"); break; /* no such thing in the grammar: fails when read */
    }
}

static bool listed(const char *const *list, const char *word) {
    for (; list && *list; list++)
        if (!strcmp(*list, word)) return true;
    return false;
}

/* Arguments of the package for which false means "not given". */
static const char *const not_given[] = { "beta", "R", "C", NULL };

bool gr_put_args(gr_text *t, const json_t *args, const char *const *skip, bool drop_null, bool first) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)args, key, v) {
        if (listed(skip, key) || (drop_null && json_is_null(v)) || (json_is_false(v) && listed(not_given, key))) continue;
        gr_put(t, "%s%s=", first ? "" : ", ", key);
        gr_put_value(t, v);
        first = false;
    }
    return first;
}

void gr_put_surrogate(gr_case *c, gr_text *t, const json_t *s) {
    const char *class_name = json_string_value(json_object_get(s, "class")), *function = json_string_value(json_object_get(s, "function"));
    char id[96];
    snprintf(id, sizeof id, "%s%s", class_name ? "" : "snn.", class_name ? class_name : function ? function : "?");
    gr_need(c, "hk.surrogate/1", id);
    gr_put(t, "%s(", id);
    gr_put_args(t, json_object_get(s, "args"), NULL, false, true);
    gr_put(t, ")");
}

/* SpikingJelly's and torch's class names without Node, Container, Encoder; snnTorch's neurons with the prefix snn. */
char *gr_module_id(const gr_case *c, const char *class_name, char buf[96]) {
    static const char *const endings[] = { "Node", "Container", "Encoder", NULL };
    static const char *const snn[] = { "Leaky", "Synaptic", "RLeaky", "RSynaptic", "Lapicque", "Alpha", "LeakyParallel", "SLSTM", "SConv2dLSTM", NULL };
    bool from_snn = gr_prefix(c->source, "snntorch", NULL) && listed(snn, class_name);
    snprintf(buf, 96, "%s%s", from_snn ? "snn." : "", class_name);
    for (int i = 0; endings[i]; i++) {
        size_t n = strlen(buf), e = strlen(endings[i]);
        if (n > e && !strcmp(buf + n - e, endings[i])) buf[n - e] = 0;
    }
    return buf;
}

/* What in a spec is not an argument. */
static const char *const not_args[] = { "class", "args", "exact", "state0", "states", "step_mode", "x_shape", "note", "train_mode", "surrogate", "sub_module",
    "neuron", "layers", "key", "ties", "mask_granularity", "mask_shape", "mask_values", "calls", "steps", "random", "test", NULL };

void gr_put_object(gr_case *c, gr_text *t, const json_t *o, const json_t *default_surrogate, bool drop_null) {
    const char *class_name = json_string_value(json_object_get(o, "class"));
    const json_t *args = json_object_get(o, "args"), *surrogate = json_object_get(o, "surrogate"), *child;
    static const char *const child_keys[] = { "sub_module", "neuron" };
    char id[96];
    size_t i;
    json_t *v;
    bool first = true;
    if (!class_name) {
        gr_fail(c, "spec: an object without a class");
        return;
    }
    gr_module_id(c, class_name, id);
    gr_need(c, "hk.module/1", id);
    gr_put(t, "%s(", id);
    for (size_t k = 0; k < sizeof child_keys / sizeof *child_keys; k++) {
        if (!json_is_object(child = json_object_get(o, child_keys[k]))) continue;
        gr_put(t, "%s", first ? "" : ", ");
        gr_put_object(c, t, child, default_surrogate, drop_null);
        first = false;
    }
    json_array_foreach(json_object_get(o, "layers"), i, v) {
        gr_put(t, "%s", first ? "" : ", ");
        gr_put_object(c, t, v, default_surrogate, drop_null);
        first = false;
    }
    first = gr_put_args(t, args, NULL, drop_null, first);
    first = gr_put_args(t, o, not_args, drop_null, first);
    const char *mode = json_string_value(json_object_get(o, "step_mode"));
    if (mode && strcmp(mode, "m") && !json_object_get(args, "step_mode")) {
        gr_put(t, "%sstep_mode=%s", first ? "" : ", ", mode);
        first = false;
    }
    if (!surrogate && default_surrogate && gr_prefix(id, "snn.", NULL)) surrogate = default_surrogate;
    if (json_is_object(surrogate)) {
        gr_put(t, "%ssurrogate=", first ? "" : ", ");
        gr_put_surrogate(c, t, surrogate);
    }
    gr_put(t, ")");
}

const char *gr_spec_str(const gr_case *c, const char *key) {
    const char *s = json_string_value(json_object_get(c->spec, key));
    return s ? s : "";
}

const char *gr_phrase(gr_case *c, const char *key, const char *const *pairs) {
    const char *s = gr_spec_str(c, key);
    if (!*s) return "";
    for (; pairs[0]; pairs += 2)
        if (!strcmp(pairs[0], s)) return pairs[1];
    gr_fail(c, "spec.%s: unknown phrase '%s'", key, s);
    return "";
}
