/* network.c - a network that runs on test samples, and one layer of it looked at: its output, and a state of its neurons, at every step. */
#include "figures/figures.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *hk__class_name(const hk__job *j, int64_t c, char buf[24]) {
    const char *name = j->data_type->class_name && c >= 0 && c < j->data_type->classes(j->ds_test) ? j->data_type->class_name(j->ds_test, c) : NULL;
    if (name) return name;
    snprintf(buf, 24, "%lld", (long long)c);
    return buf;
}

/* ---- which layer ---- */

static const hk_module *at_path(const hk_module *m, const char *path) {
    if (!strcmp(hk_path(m), path)) return m;
    for (int i = 0; i < hk_n_child(m); i++) {
        const hk_module *found = at_path(hk_child(m, i), path);
        if (found) return found;
    }
    return NULL;
}

static void match_neuron(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    hk__seen_layer *s = arg;
    (void)iface, (void)id, (void)plugin;
    if (vtable == s->module->api->type(s->module)) s->neuron = vtable;
}

static hk_status choose(hk__job *j, const char *path, hk__which_layer which, hk__seen_layer *s) {
    hk__layers l = { 0 };
    hk_status st = hk__layers_find(j, path != NULL, &l);
    if (st) hk__conf_fail(j->conf, st, "out of memory");
    else if (!path && !l.n) st = hk__conf_fail_key(j->conf, HK_ECONFIG, "model", "type", "no layer of this network spikes; name one with --layer PATH");
    char name[512] = "";
    if (!st && path) snprintf(name, sizeof name, "%s", path);
    else if (!st) {
        const char *out = l.out[which == HK__FIRST_SPIKING ? 0 : l.n - 1].name;
        snprintf(name, sizeof name, "%.*s", (int)(strlen(out) - 2), out);
    }
    if (!st && !(s->module = at_path(j->root, name))) {
        const char **names = calloc((size_t)l.n + 1, sizeof *names);
        char *text = calloc((size_t)l.n + 1, 256);
        for (int i = 0; names && text && i < l.n; i++) names[i] = text + 256 * i, snprintf(text + 256 * i, 256, "%.*s", (int)(strlen(l.out[i].name) - 2), l.out[i].name);
        const char *near = names && text ? hk__conf_suggest(name, names, l.n) : NULL;
        st = hk__conf_fail(j->conf, HK_ENOTFOUND, "--layer: there is no layer '%s'%s%s%s; hillock plan prints all", name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        free(names), free(text);
    }
    hk__layers_free(&l);
    if (st) return st;
    s->path = hk_path(s->module);
    hk_type_each(j->ctx, "hk.neuron/1", match_neuron, s);
    return HK_OK;
}

static hk_status choose_state(hk__job *j, const char *want, hk__seen_layer *s) {
    const uint32_t n = s->neuron ? s->neuron->n_state : 0;
    char have[256] = "";
    if (!want) return HK_OK;
    if (!n) return hk__conf_fail(j->conf, HK_EUNSUPPORTED, "layer '%s' has no membrane potential: it is no neuron with a state; choose another with --layer", s->path);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = s->neuron->states[i].name;
        snprintf(have + strlen(have), sizeof have - strlen(have), " %s", name);
        if (want[0] ? !strcmp(name, want) : i == 0 || !strcmp(name, "mem") || !strcmp(name, "v")) snprintf(s->state_name, sizeof s->state_name, "%s", name);
    }
    if (s->state_name[0]) return HK_OK;
    return hk__conf_fail(j->conf, HK_ENOTFOUND, "--variable: layer '%s' has no state '%s'; there are: y%s", s->path, want, have);
}

/* ---- running it ---- */

/* Reads `name` as [T,N,elems]. A value that is the same at all steps comes as [N,*] and is repeated. */
static hk_status read_output(hk__job *j, hk_executor *ex, const char *name, hk__seen_layer *s, float **out) {
    int64_t dims[HK_MAX_RANK + 2], count = 1;
    int rank;
    hk_status st = hk_executor_dims(ex, name, &rank, dims);
    if (st) return hk__job_fail_ctx(j, st, "model", "type");
    const int seq = rank >= 2 && dims[0] == j->T && dims[1] == s->N && j->T > 1;
    if (!seq && !(rank >= 1 && dims[0] == s->N)) return hk__conf_fail(j->conf, HK_ESHAPE, "%s: expected an output for each sample", name);
    for (int i = 0; i < rank; i++) count *= dims[i];
    s->rank = rank - (seq ? 2 : 1);
    s->elems = count / s->N / (seq ? j->T : 1);
    for (int i = 0; i < s->rank; i++) s->shape[i] = dims[rank - s->rank + i];
    float *v = malloc((size_t)(j->T * s->N * s->elems) * sizeof *v);
    if (!v) return hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
    if ((st = hk_executor_read(ex, name, HK_F32, v, count))) hk__job_fail_ctx(j, st, "model", "type");
    for (int64_t t = 1; t < j->T && !seq; t++) memcpy(v + t * count, v, (size_t)count * sizeof *v);
    *out = v;
    return st;
}

static hk_status run(hk__job *j, hk__seen_layer *s) {
    char y[600], state[700];
    hk_executor *ex = NULL;
    snprintf(y, sizeof y, "%s:y", s->path), snprintf(state, sizeof state, "%s:%s", s->path, s->state_name);
    const hk_output out[] = { { .name = y }, { .name = state } };
    const hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = HK_INFER, .flags = hk__job_flags(j, HK_INFER) | HK_NO_LOSS, .n_output = s->state_name[0] ? 2 : 1, .outputs = out };
    hk_status st = hk_executor_new(j->net, &ec, &ex);
    if (st) hk__job_fail_ctx(j, st, "model", "type");
    if (!st) st = hk__job_put(j, ex, s->loader, s->first, s->N, 0);
    if (!st && (st = hk_executor_run(ex))) hk__job_fail_ctx(j, st, "model", "type");
    if (!st) st = read_output(j, ex, y, s, &s->y);
    if (!st && s->state_name[0]) st = read_output(j, ex, state, s, &s->state);
    hk_executor_free(ex);
    return st;
}

hk_status hk__see_layer(hk__job *j, const char *path, hk__which_layer which, const char *state, int64_t first, int64_t N, hk__seen_layer *s) {
    const int64_t size = j->data_type->size(j->ds_test);
    *s = (hk__seen_layer){ .job = j, .T = j->T, .N = N, .first = first };
    if (first >= size || N > size - first)
        return hk__conf_fail(j->conf, HK_EINVAL, "--sample: expected samples 0 to %lld, the last of the test data, got %lld%s", (long long)size - 1, (long long)first,
            N > 1 ? " and those behind it (--samples)" : "");
    hk_status st = choose(j, path, which, s);
    if (!st) st = choose_state(j, state, s);
    if (st) return st;
    /* One batch of all samples up to the last one, as a test would see them. */
    const hk__loader_config lc = { .n = first + N, .batch = first + N, .augment = &j->augment };
    if ((st = hk__loader_make(j->data_type, j->ds_test, &lc, &s->loader))) return hk__conf_fail(j->conf, st, "--sample: samples up to %lld can't be read: %s", (long long)(first + N - 1), hk_status_text(st));
    hk__loader_start(s->loader, 0);
    if ((st = hk__loader_next(s->loader))) return hk__job_fail_ctx(j, st, "data", "name");
    s->label = s->loader->y + first;
    if (!s->loader->T) s->x = s->loader->x + first * s->loader->sample.row;
    return run(j, s);
}

void hk__seen_layer_free(hk__seen_layer *s) { hk__loader_free(s->loader), free(s->y), free(s->state); }

/* ---- threshold and reset ---- */

static const hk_field *field(const hk__seen_layer *s, const char *name) {
    for (uint32_t i = 0; s->neuron && i < s->neuron->n_fields; i++)
        if (!strcmp(s->neuron->fields[i].name, name)) return &s->neuron->fields[i];
    return NULL;
}

double hk__seen_threshold(const hk__seen_layer *s) {
    static const char *const names[] = { "v_threshold", "threshold" };
    for (int i = 0; i < 2; i++) {
        char param[600];
        float learned;
        const hk_field *f = field(s, names[i]);
        snprintf(param, sizeof param, "%s.%s", s->path, names[i]);
        const int p = hk_network_find_param(s->job->net, param);
        if (p >= 0 && hk_network_param(s->job->net, p)->elems != 1) return NAN;
        if (p >= 0 && !hk_network_read_param(s->job->net, p, &learned)) return (double)learned;
        if (f && f->kind == HK_REAL) return hk_get_real(s->module, names[i]);
    }
    return NAN;
}

double hk__seen_reset(const hk__seen_layer *s) {
    const hk_field *f = field(s, "v_reset");
    return f && f->kind == HK_REAL && !hk_is_none(s->module, "v_reset") ? hk_get_real(s->module, "v_reset") : NAN;
}
