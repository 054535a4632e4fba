/* monitor.c - [monitor]: what the spiking layers do in the training steps of each epoch, as a safetensors file in the run's folder: spikes
 * (PATH:y), membranes (PATH and its first state, as 0:v), gradients of the spikes (grad_of:PATH:y).
 *
 * mean: each neuron's mean over steps, samples and training steps, in memory that does not grow; full: every number of the epoch's last training
 * step that was looked at. The training executor keeps what is read, as for --watch. An epoch that was taken up again has the mean of the rest of it. */
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

enum { SPIKES, MEMBRANES, GRADIENTS, KINDS, OFF = 0, MEAN, FULL }; /* as in schema.c */
static const char *const keys[KINDS] = { "spikes", "membranes", "gradients" };

struct hk__monitor {
    hk__job *j;
    int64_t every, taken;
    hk_monitor *by[2]; /* means; full records */
};

static int wants(const hk__job *j, int kind) { return (int)hk__conf_int(j->conf, "monitor", keys[kind]); }

int hk__monitor_wanted(const hk__job *j) { return wants(j, SPIKES) || wants(j, MEMBRANES) || wants(j, GRADIENTS); }

/* The first state of a layer whose type has states: its membrane. */
static void find_state(void *arg, const char *iface, const char *id, const char *plugin, const void *vtable) {
    const char **found = arg;
    (void)plugin;
    const hk_neuron_type *t = vtable;
    if (!strcmp(iface, "hk.neuron/1") && !strcmp(id, found[0]) && t->n_state) found[1] = t->states[0].name;
}

static const char *state_of(const hk__job *j, const char *type) {
    const char *found[2] = { type, NULL };
    hk_type_each(j->ctx, "hk.neuron/1", find_state, found);
    return found[1];
}

hk_status hk__monitor_outputs(const hk__job *j, hk__layers *l) {
    const int n = l->n;
    for (int i = 0; i < n; i++) {
        char output[64];
        if (!l->spiking[i]) continue;
        l->out[i].gradient = wants(j, GRADIENTS) != OFF;
        const char *state = wants(j, MEMBRANES) ? state_of(j, l->type[i]) : NULL;
        snprintf(output, sizeof output, ":%s", state ? state : "");
        if (state && hk__layers_add(l, l->out[i].name, (int)strlen(l->out[i].name) - 2, output, "")) return HK_ENOMEM;
    }
    return HK_OK;
}

static hk_status no_memory(hk__job *j) { return hk__conf_fail_key(j->conf, HK_ENOMEM, "monitor", NULL, "out of memory"); }

/* Names of one way (mean or full) into `names`; those that the executor does not have are left out. */
static int names_of(hk__job *j, const hk__layers *l, int way, char **names) {
    int n = 0, rank;
    int64_t dims[HK_MAX_RANK + 2];
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < l->n && wants(j, kind) == way; i++) {
            char name[600];
            const char *state = l->spiking[i] ? state_of(j, l->type[i]) : NULL;
            const int path = (int)strlen(l->out[i].name) - 2;
            if (!l->spiking[i] || (kind == MEMBRANES && !state)) continue;
            if (kind == MEMBRANES) snprintf(name, sizeof name, "%.*s:%s", path, l->out[i].name, state);
            else snprintf(name, sizeof name, "%s%s", kind == GRADIENTS ? "grad_of:" : "", l->out[i].name);
            if (hk_executor_dims(j->train, name, &rank, dims)) continue;
            if (!(names[n] = strdup(name))) return -1;
            n++;
        }
    return n;
}

hk_status hk__monitor_new(hk__job *j, const hk__layers *l, hk__monitor **out) {
    hk__monitor *m = *out = calloc(1, sizeof *m);
    char **names = calloc((size_t)(KINDS * l->n) + 1, sizeof *names);
    hk_status st = m && names ? HK_OK : no_memory(j);
    if (m) m->j = j, m->every = hk__conf_int(j->conf, "monitor", "every");
    for (int way = MEAN; way <= FULL && !st; way++) {
        int n = names_of(j, l, way, names);
        if (n < 0) st = no_memory(j);
        else if ((st = hk_monitor_new(j->train, way == MEAN ? HK_MONITOR_MEAN : HK_MONITOR_FULL, n, (const char *const *)names, &m->by[way - 1])))
            st = hk__job_fail_ctx(j, st, "monitor", NULL);
        for (int i = 0; i < KINDS * l->n; i++) free(names[i]), names[i] = NULL;
    }
    free(names);
    return st;
}

hk_status hk__monitor_step(hk__monitor *m, int64_t step, int last) {
    if (!m || !(step % m->every == 0 || last)) return HK_OK;
    hk_monitor_clear(m->by[1]); /* the last one is kept */
    hk_status st = hk_monitor_take(m->by[0]);
    if (!st) st = hk_monitor_take(m->by[1]);
    m->taken++;
    return st ? hk__job_fail_ctx(m->j, st, "monitor", NULL) : HK_OK;
}

hk_status hk__monitor_epoch(hk__monitor *m, const hk__rundir *dir, int64_t epoch) {
    char name[64], steps[32];
    if (!m || !dir->path) return HK_OK;
    snprintf(name, sizeof name, "monitor_%04lld.safetensors", (long long)epoch);
    snprintf(steps, sizeof steps, "%lld", (long long)m->taken);
    const char *const meta[] = { "hk.steps", steps };
    const hk_tensor *t[2];
    int n[2];
    hk_status st = hk_monitor_tensors(m->by[0], &n[0], &t[0]);
    if (!st) st = hk_monitor_tensors(m->by[1], &n[1], &t[1]);
    hk_tensor *all = st ? NULL : calloc((size_t)(n[0] + n[1]) + 1, sizeof *all);
    char *path = hk__rundir_file(dir, name);
    if (!st && (!all || !path)) st = no_memory(m->j);
    else if (!st) {
        if (n[0]) memcpy(all, t[0], (size_t)n[0] * sizeof *all);
        if (n[1]) memcpy(all + n[0], t[1], (size_t)n[1] * sizeof *all);
        if ((st = hk_file_write(m->j->ctx, path, n[0] + n[1], all, 1, meta))) hk__job_fail_ctx(m->j, st, "run", "out");
    } else hk__job_fail_ctx(m->j, st, "monitor", NULL);
    hk_monitor_clear(m->by[0]), hk_monitor_clear(m->by[1]), m->taken = 0;
    free(all), free(path);
    return st;
}

void hk__monitor_free(hk__monitor *m) {
    if (!m) return;
    hk_monitor_free(m->by[0]), hk_monitor_free(m->by[1]);
    free(m);
}
