/* checkpoint.c - writes a training's state as safetensors: entries of the state_dict under their names, optimizer state under
 * hk.optim.<state>.<parameter>, what is no tensor in __metadata__ under hk.*.
 *
 * Nothing of the machine goes in (host, threads, instruction set, times, paths, versions): equal runs give equal bytes.
 * Those are in run.json. Reading, generations and resuming are not here yet. */
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

typedef struct table {
    hk_tensor *t;
    char **own; /* names made here */
    int n;
} table;

static hk_status entry(hk__job *j, table *t, int i, int state) {
    const hk_param_info *p = hk_network_param(j->net, i);
    hk_tensor *x = &t->t[t->n];
    *x = (hk_tensor){ .name = p->name, .dtype = HK_F32, .rank = p->rank };
    memcpy(x->shape, p->shape, (size_t)p->rank * sizeof p->shape[0]);
    if (!(x->data = malloc((size_t)(p->elems ? p->elems : 1) * sizeof(float)))) return HK_ENOMEM;
    t->n++;
    if (state < 0) return hk_network_read_param(j->net, i, x->data);
    if (asprintf(&t->own[t->n - 1], "hk.optim.%s.%s", hk_network_opt_state_name(j->net, state), p->name) < 0) {
        t->own[t->n - 1] = NULL;
        return HK_ENOMEM;
    }
    x->name = t->own[t->n - 1];
    return hk_network_read_opt_state(j->net, state, i, x->data);
}

static char *model_text(hk__job *j) {
    int n = hk_module_to_text(j->root, NULL, 0);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text) hk_module_to_text(j->root, text, (size_t)n + 1);
    return text;
}

hk_status hk__checkpoint_write(hk__job *j, const char *path, const hk__progress_state *done) {
    int n_param = hk_network_n_param(j->net), n_state = hk_network_n_opt_state(j->net);
    size_t cap = (size_t)n_param * (size_t)(n_state + 1) + 1;
    table t = { calloc(cap, sizeof(hk_tensor)), calloc(cap, sizeof(char *)), 0 };
    char *model = model_text(j), epoch[24], step[24], steps[24], seed[24];
    hk_status st = t.t && t.own && model ? HK_OK : HK_ENOMEM;
    for (int i = 0; i < n_param && !st; i++) st = entry(j, &t, i, -1);
    for (int k = 0; k < n_state && !st; k++)
        for (int i = 0; i < n_param && !st; i++)
            if (hk_network_param(j->net, i)->learnable) st = entry(j, &t, i, k);
    if (!st) {
        snprintf(epoch, sizeof epoch, "%lld", (long long)done->epoch);
        snprintf(step, sizeof step, "%lld", (long long)done->step);
        snprintf(steps, sizeof steps, "%lld", (long long)hk_network_step(j->net));
        snprintf(seed, sizeof seed, "%lld", (long long)hk__conf_int(j->conf, "run", "seed"));
        const char *meta[] = { "hk.format", "1", "hk.epoch", epoch, "hk.step", step, "hk.optim.step", steps, "hk.seed", seed, "hk.model", model };
        st = hk_file_write(j->ctx, path, t.n, t.t, (int)(sizeof meta / sizeof meta[0]) / 2, meta);
    }
    for (int i = 0; i < t.n; i++) free(t.t[i].data), free(t.own[i]);
    free(t.t), free(t.own), free(model);
    if (st == HK_ENOMEM) return hk__conf_fail_key(j->conf, st, "run", "out", "%s: out of memory", path);
    return st ? hk__job_fail_ctx(j, st, "run", "out") : HK_OK;
}
