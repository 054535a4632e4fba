/* network.c - the parameter store: values, gradients and optimizer state of a module tree on a backend, by state_dict name. */
#include "exec/tune.h"
#include <math.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAD 16 /* numbers between which parameters start */

static hk_status collect(hk_network *net, const hk__module *m) {
    for (int i = 0; i < m->n_params; i++) {
        const hk__param *p = &m->params[i];
        char full[512];
        hk__name_in(m, p->name, full, sizeof full);
        if (hk_network_find_param(net, full) >= 0)
            return hk__fail(net->ctx, HK_ECONFIG, "two parameters are called '%s', the second one of a '%s': layers need names that differ, also from those inside other layers",
                            full, m->id);
        if (net->n_param == net->cap_param) {
            int cap = net->cap_param ? 2 * net->cap_param : 16;
            hk_param_info *a = realloc(net->param, (size_t)cap * sizeof *a);
            if (a) net->param = a;
            int64_t *o = a ? realloc(net->offset, (size_t)cap * sizeof *o) : NULL;
            if (o) net->offset = o;
            char **names = o ? realloc(net->name, (size_t)cap * sizeof *names) : NULL;
            if (!names) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the parameter table");
            net->name = names;
            net->cap_param = cap;
        }
        char *name = strdup(full);
        if (!name) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the parameter table");
        hk_param_info info = { .name = name, .rank = p->rank, .learnable = p->learnable, .elems = 1 };
        for (int k = 0; k < p->rank; k++) {
            info.shape[k] = p->shape[k];
            if (p->shape[k] < 1) {
                free(name);
                return hk__fail(net->ctx, HK_ESHAPE, "parameter %s: expected at least 1 for axis %d, got %lld", full, k, (long long)p->shape[k]);
            }
            info.elems = hk__sat_mul(info.elems, p->shape[k]);
        }
        net->offset[net->n_param] = net->region;
        net->name[net->n_param] = name;
        net->param[net->n_param++] = info;
        net->region = hk__sat_add(net->region, (info.elems + PAD - 1) / PAD * PAD);
    }
    for (int i = 0; i < m->n_children; i++) {
        hk_status st = collect(net, m->children[i]);
        if (st != HK_OK) return st;
    }
    return HK_OK;
}

/* Draws the initial values from each parameter's law and name. */
static hk_status draw(hk_network *net, const hk__module *m) {
    for (int i = 0; i < m->n_params; i++) {
        const hk__param *p = &m->params[i];
        char full[512];
        hk__name_in(m, p->name, full, sizeof full);
        int k = hk_network_find_param(net, full);
        int64_t n = net->param[k].elems;
        float *v = malloc((size_t)n * sizeof *v);
        if (!v) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for %s (%lld bytes)", full, (long long)n * 4);
        uint64_t stream = hk_random_stream(full);
        for (int64_t j = 0; j < n && p->values; j++) v[j] = (float)p->values[j];
        for (int64_t j = 0; j < n && !p->values; j++) {
            double u = hk_random(net->cfg.seed, stream, 0, 0, 0, j);
            switch (p->law) {
            case HK_INIT_UNIFORM: v[j] = (float)(p->a + (p->b - p->a) * u); break;
            case HK_INIT_NORMAL: /* Box-Muller */
                v[j] = (float)(p->a + p->b * sqrt(-2.0 * log(1.0 - u)) * cos(6.283185307179586 * hk_random(net->cfg.seed, stream, 0, 1, 0, j)));
                break;
            default: v[j] = (float)p->a;
            }
            if (p->diagonal && j % (p->shape[0] + 1)) v[j] = 0;
        }
        hk_status st = hk_network_write_param(net, k, v);
        free(v);
        if (st != HK_OK) return st;
    }
    for (int i = 0; i < m->n_children; i++) {
        hk_status st = draw(net, m->children[i]);
        if (st != HK_OK) return st;
    }
    return HK_OK;
}

static int cpus(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static hk_status region_new(hk_network *net, char **out, const char *what) {
    size_t bytes = (size_t)(net->region ? net->region : PAD) * (size_t)net->real;
    hk_status st = net->be->buf_new(net->dev, bytes, (void **)out);
    return st == HK_OK ? HK_OK : hk__fail(net->ctx, st, "backend %s: no memory for %s (%zu bytes)", net->cfg.backend, what, bytes);
}

static hk_status check_update(hk_network *net) {
    const hk_network_config *c = &net->cfg;
    if (c->accumulate < 0) return hk__fail(net->ctx, HK_ECONFIG, "accumulate: expected 0 or more batches, got %d", c->accumulate);
    if (!(c->clip_norm >= 0)) return hk__fail(net->ctx, HK_ECONFIG, "clip_norm: expected a norm of 0 or more, got %g", c->clip_norm);
    if (!(c->clip_value >= 0)) return hk__fail(net->ctx, HK_ECONFIG, "clip_value: expected 0 or more, got %g", c->clip_value);
    if (!(c->ema >= 0 && c->ema < 1)) return hk__fail(net->ctx, HK_ECONFIG, "ema: expected a decay of 0 or more, below 1, got %g", c->ema);
    return HK_OK;
}

hk_status hk_network_new(hk_context *ctx, hk_module *root, const hk_network_config *cfg, hk_network **out) {
    static const hk_network_config defaults = HK_NETWORK_CONFIG_DEFAULT;
    *out = NULL;
    if (!root) return hk__fail(ctx, HK_EINVAL, "hk_network_new: no module was given");
    hk_network *net = calloc(1, sizeof *net);
    if (!net) return hk__fail(ctx, HK_ENOMEM, "out of memory for the network");
    net->version = 1;
    net->ctx = ctx, net->root = hk__mod(root), net->cfg = cfg ? *cfg : defaults, net->lr = NAN;
    if (!net->cfg.backend) net->cfg.backend = "cpu";
    hk_status st;
    hk__registry_freeze(ctx);
    net->be = hk__registry_get(ctx, "hk.backend/1", net->cfg.backend, NULL);
    if (!net->be) {
        st = hk__registry_missing(ctx, "hk.backend/1", net->cfg.backend);
        goto err;
    }
    if (net->cfg.memory > HK_MEMORY_SMALL) {
        st = hk__fail(ctx, HK_ECONFIG, "memory: expected HK_MEMORY_BALANCED, _FAST or _SMALL, got %u", net->cfg.memory);
        goto err;
    }
    if (net->cfg.chunk < 0) {
        st = hk__fail(ctx, HK_ECONFIG, "chunk: expected 0 (as memory has it) or a number of steps, got %lld", (long long)net->cfg.chunk);
        goto err;
    }
    if (net->cfg.nb < -1 || (net->cfg.nb > 0 && net->cfg.nb % HK_GROUP)) {
        st = hk__fail(ctx, HK_ECONFIG, "nb: expected a multiple of %d, 0 (the backend's choice) or -1 (all samples), got %lld", HK_GROUP, (long long)net->cfg.nb);
        goto err;
    }
    if ((st = check_update(net)) != HK_OK) goto err;
    if (net->cfg.tune && !(net->tune = calloc(1, sizeof *net->tune))) {
        st = hk__fail(ctx, HK_ENOMEM, "out of memory for choices");
        goto err;
    }
    char why[256] = "";
    if (net->be->probe && net->be->probe(why, sizeof why) <= 0) {
        st = hk__fail(ctx, HK_EUNSUPPORTED, "backend '%s' cannot be used here: %s", net->cfg.backend, why);
        goto err;
    }
    net->threads = net->cfg.threads > 0 ? net->cfg.threads : cpus();
    hk_backend_config bc = { sizeof bc, hk_context_isa(ctx), net->threads, 0, net->cfg.options };
    st = net->be->open(hk__host(ctx), &bc, &net->dev);
    net->cfg.options = NULL; /* the caller's */
    if (st != HK_OK) {
        hk__fail_in(ctx, st, "backend '%s'", net->cfg.backend);
        goto err;
    }
    net->real = net->be->real_bytes;
    if ((st = collect(net, net->root)) != HK_OK) goto err;
    if (net->cfg.optimizer) net->opt_type = hk__mod(net->cfg.optimizer)->type, net->n_opt = (int)net->opt_type->n_state;
    if ((st = hk__memory_params(net)) != HK_OK) goto err;
    if ((st = region_new(net, &net->value, "parameters")) != HK_OK) goto err;
    if ((st = region_new(net, &net->grad, "gradients")) != HK_OK) goto err;
    for (int k = 0; k < net->n_opt; k++)
        if ((st = region_new(net, &net->opt[k], "optimizer state")) != HK_OK) goto err;
    if (net->cfg.accumulate > 1 && (st = region_new(net, &net->sum, "sums of gradients")) != HK_OK) goto err;
    if (net->cfg.ema > 0 && (st = region_new(net, &net->ema, "averages of parameters")) != HK_OK) goto err;
    if (net->cfg.clip_norm > 0 && (st = net->be->buf_new(net->dev, (size_t)(hk__norm_numbers(net) * net->real), (void **)&net->norm)) != HK_OK) {
        st = hk__fail(ctx, st, "backend %s: no memory for the norm of gradients", net->cfg.backend);
        goto err;
    }
    if ((st = draw(net, net->root)) != HK_OK) goto err;
    *out = net;
    return HK_OK;
err:
    hk_network_free(net);
    return st;
}

void hk_network_free(hk_network *net) {
    if (!net) return;
    if (net->dev) {
        net->be->buf_free(net->dev, net->value);
        net->be->buf_free(net->dev, net->grad);
        net->be->buf_free(net->dev, net->arena);
        net->be->buf_free(net->dev, net->guard);
        net->be->buf_free(net->dev, net->sum), net->be->buf_free(net->dev, net->ema), net->be->buf_free(net->dev, net->norm);
        for (int k = 0; k < net->n_opt; k++) net->be->buf_free(net->dev, net->opt[k]);
        net->be->close(net->dev);
    }
    for (int i = 0; i < net->n_param; i++) free(net->name[i]);
    free(net->name);
    free(net->param);
    free(net->offset);
    free(net->learner);
    free(net->group), free(net->groups);
    hk__tune_free(net->tune);
    free(net);
}

int hk_network_n_param(const hk_network *net) { return net->n_param; }
const hk_param_info *hk_network_param(const hk_network *net, int i) { return i >= 0 && i < net->n_param ? &net->param[i] : NULL; }
int hk_network_find_param(const hk_network *net, const char *name) {
    for (int i = 0; i < net->n_param; i++)
        if (strcmp(net->name[i], name) == 0) return i;
    return -1;
}

/* Numbers between host (float or double) and a device region. */
static hk_status transfer(hk_network *net, char *region, int i, float *f, double *d, bool write) {
    if (i < 0 || i >= net->n_param) return hk__fail(net->ctx, HK_EINVAL, "parameter %d does not exist: there are %d", i, net->n_param);
    int64_t n = net->param[i].elems;
    size_t bytes = (size_t)(n * net->real);
    char *dev = region + net->offset[i] * net->real;
    bool direct = (f && net->real == 4) || (d && net->real == 8);
    void *host = direct ? (f ? (void *)f : (void *)d) : malloc(bytes);
    if (!host) return hk__fail(net->ctx, HK_ENOMEM, "out of memory to move %s (%zu bytes)", net->name[i], bytes);
    if (write && !direct)
        for (int64_t k = 0; k < n; k++) {
            if (f) ((double *)host)[k] = f[k];
            else ((float *)host)[k] = (float)d[k];
        }
    if (write && (region == net->value || region == net->ema)) net->version++;
    hk_status st = write ? net->be->upload(net->dev, dev, host, bytes) : net->be->download(net->dev, host, dev, bytes);
    if (!write && !direct)
        for (int64_t k = 0; k < n; k++) {
            if (f) f[k] = (float)((double *)host)[k];
            else d[k] = ((float *)host)[k];
        }
    if (!direct) free(host);
    return st == HK_OK ? HK_OK : hk__fail_in(net->ctx, st, "parameter %s", net->name[i]);
}

/* Until the first step the averages are the parameters. */
static hk_status write_value(hk_network *net, int i, const float *f, const double *d) {
    hk_status st = transfer(net, net->value, i, (float *)(uintptr_t)f, (double *)(uintptr_t)d, true);
    return st != HK_OK || !net->ema || net->step ? st : transfer(net, net->ema, i, (float *)(uintptr_t)f, (double *)(uintptr_t)d, true);
}
hk_status hk_network_write_param(hk_network *net, int i, const float *v) { return write_value(net, i, v, NULL); }
hk_status hk_network_read_param(hk_network *net, int i, float *v) { return transfer(net, net->value, i, v, NULL, false); }
hk_status hk_network_write_param64(hk_network *net, int i, const double *v) { return write_value(net, i, NULL, v); }
hk_status hk_network_read_param64(hk_network *net, int i, double *v) { return transfer(net, net->value, i, NULL, v, false); }

static hk_status ema_transfer(hk_network *net, int i, float *f, double *d, bool write) {
    if (!net->ema) return hk__fail(net->ctx, HK_ESTATE, "there are no averages of parameters: make the network with ema above 0");
    return transfer(net, net->ema, i, f, d, write);
}
hk_status hk_network_read_ema(hk_network *net, int i, float *v) { return ema_transfer(net, i, v, NULL, false); }
hk_status hk_network_write_ema(hk_network *net, int i, const float *v) { return ema_transfer(net, i, (float *)(uintptr_t)v, NULL, true); }
hk_status hk_network_read_ema64(hk_network *net, int i, double *v) { return ema_transfer(net, i, NULL, v, false); }
hk_status hk_network_write_ema64(hk_network *net, int i, const double *v) { return ema_transfer(net, i, NULL, (double *)(uintptr_t)v, true); }

hk_status hk_network_set_learnable(hk_network *net, int i, int learnable) {
    if (i < 0 || i >= net->n_param) return hk__fail(net->ctx, HK_EINVAL, "parameter %d does not exist: there are %d", i, net->n_param);
    if (net->laid_out) return hk__fail(net->ctx, HK_ESTATE, "parameter %s: freeze parameters before the first executor is made", net->name[i]);
    net->param[i].learnable = learnable != 0;
    return HK_OK;
}

hk_status hk_network_set_learner(hk_network *net, int i, const hk_module *learner) {
    if (i < 0 || i >= net->n_param) return hk__fail(net->ctx, HK_EINVAL, "parameter %d does not exist: there are %d", i, net->n_param);
    if (net->laid_out) return hk__fail(net->ctx, HK_ESTATE, "parameter %s: give learners before the first executor is made", net->name[i]);
    if (learner && strcmp(hk__mod(learner)->iface, "hk.learner/1") != 0)
        return hk__fail(net->ctx, HK_EINVAL, "parameter %s: '%s' is of %s, expected a learner (hk.learner/1)", net->name[i], hk__mod(learner)->id, hk__mod(learner)->iface);
    if (learner && !net->param[i].learnable) return hk__fail(net->ctx, HK_EINVAL, "parameter %s is not learnable, so it cannot have a learner", net->name[i]);
    if (!net->learner && !(net->learner = calloc((size_t)net->n_param, sizeof *net->learner))) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for the learners");
    net->learner[i] = learner;
    return HK_OK;
}

hk_status hk_network_add_group(hk_network *net, const hk_module *optimizer, int *group) {
    if (net->laid_out) return hk__fail(net->ctx, HK_ESTATE, "add groups of parameters before the first executor is made");
    if (!net->opt_type || !optimizer || hk__mod(optimizer)->type != net->opt_type)
        return hk__fail(net->ctx, HK_EINVAL, "a group's optimizer must be of the network's type%s%s", net->opt_type ? ", " : "; the network has none",
                        net->opt_type ? hk__mod(net->cfg.optimizer)->id : "");
    if (net->n_group == UINT8_MAX) return hk__fail(net->ctx, HK_EINVAL, "expected at most %d groups of parameters", UINT8_MAX);
    if (!net->group && !(net->group = calloc((size_t)net->n_param + 1, 1))) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for groups of parameters");
    hk__group *grown = realloc(net->groups, (size_t)(net->n_group + 1) * sizeof *grown);
    if (!grown) return hk__fail(net->ctx, HK_ENOMEM, "out of memory for groups of parameters");
    net->groups = grown;
    net->groups[net->n_group++] = (hk__group){ optimizer, NAN };
    *group = net->n_group;
    return HK_OK;
}

hk_status hk_network_set_group(hk_network *net, int i, int group) {
    if (i < 0 || i >= net->n_param) return hk__fail(net->ctx, HK_EINVAL, "parameter %d does not exist: there are %d", i, net->n_param);
    if (group < 0 || group > net->n_group) return hk__fail(net->ctx, HK_EINVAL, "group %d does not exist: the last one is %d", group, net->n_group);
    if (net->laid_out) return hk__fail(net->ctx, HK_ESTATE, "parameter %s: set groups before the first executor is made", net->name[i]);
    if (net->group) net->group[i] = (uint8_t)group;
    return HK_OK;
}

void hk_network_set_lr(hk_network *net, int group, double lr) {
    if (group == 0) net->lr = lr;
    else if (group > 0 && group <= net->n_group) net->groups[group - 1].lr = lr;
}

int hk_network_n_opt_state(const hk_network *net) { return net->n_opt; }
const char *hk_network_opt_state_name(const hk_network *net, int k) { return k >= 0 && k < net->n_opt ? net->opt_type->state_names[k] : NULL; }
static hk_status opt_transfer(hk_network *net, int k, int i, float *f, double *d, bool write) {
    if (k < 0 || k >= net->n_opt) return hk__fail(net->ctx, HK_EINVAL, "optimizer state %d does not exist", k);
    return transfer(net, net->opt[k], i, f, d, write);
}
hk_status hk_network_read_opt_state(hk_network *net, int k, int i, float *v) { return opt_transfer(net, k, i, v, NULL, false); }
hk_status hk_network_write_opt_state(hk_network *net, int k, int i, const float *v) { return opt_transfer(net, k, i, (float *)(uintptr_t)v, NULL, true); }
hk_status hk_network_read_opt_state64(hk_network *net, int k, int i, double *v) { return opt_transfer(net, k, i, NULL, v, false); }
hk_status hk_network_write_opt_state64(hk_network *net, int k, int i, const double *v) { return opt_transfer(net, k, i, NULL, (double *)(uintptr_t)v, true); }
hk_dtype hk_network_dtype(const hk_network *net) { return net->real == 8 ? HK_F64 : HK_F32; }
int64_t hk_network_step(const hk_network *net) { return net->step; }
void hk_network_set_step(hk_network *net, int64_t step) { net->step = step, net->pending = 0; }
