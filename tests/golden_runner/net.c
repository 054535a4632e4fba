/* net.c - networks of the runner: parameters from the file, writes and reads by tensor. */
#include "runner.h"
#include <stdlib.h>
#include <string.h>

static bool make(gr_case *c, const char *iface, const char *text, hk_module **out) {
    if (!text || !*text) return true;
    if (c->opt->verbose) printf("     %s\n", text);
    return gr_ok(c, hk_module_new_from_text(c->ctx, iface, text, out), text);
}

bool gr_net_open(gr_case *c, gr_net *n, const char *text, const char *loss, const char *optimizer, int spiking) {
    hk_network_config cfg = HK_NETWORK_CONFIG_DEFAULT;
    if (!make(c, "hk.module/1", text, &n->root) || !make(c, "hk.module/1", loss, &n->loss) || !make(c, "hk.optimizer/1", optimizer, &n->optimizer))
        return false;
    cfg.backend = c->opt->backend, cfg.options = c->opt->options, cfg.threads = c->opt->threads, cfg.nb = c->opt->nb, cfg.memory = c->opt->memory, cfg.chunk = c->opt->chunk, cfg.seed = 1;
    cfg.loss = n->loss, cfg.optimizer = n->optimizer, cfg.spiking = spiking;
    return gr_ok(c, hk_network_new(c->ctx, n->root, &cfg, &n->net), "hk_network_new") && gr_net_params(c, n);
}

static bool same_shape(const hk_param_info *p, const hk_tensor *t) {
    return p->rank == t->rank && !memcmp(p->shape, t->shape, (size_t)p->rank * sizeof p->shape[0]);
}

/* The files hold the float entries of a state_dict only. */
static bool is_integer_entry(const char *name) {
    static const char *const ends[] = { "num_batches_tracked", "reset_mechanism_val" };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(name), e = strlen(ends[i]);
        if (n >= e && !strcmp(name + n - e, ends[i])) return true;
    }
    return false;
}

/* spec.state_dict_keys: all keys of a saved model, of which the file holds only what is learned. */
static bool is_listed_buffer(const gr_case *c, const hk_param_info *p) {
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(c->spec, "state_dict_keys"), i, v) if (!strcmp(json_string_value(v), p->name)) return !p->learnable;
    return false;
}

static bool has_all_keys(gr_case *c, const hk_network *net) {
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(c->spec, "state_dict_keys"), i, v) {
        if (hk_network_find_param(net, json_string_value(v)) >= 0) continue;
        gr_fail(c, "the network has no parameter '%s' of spec.state_dict_keys", json_string_value(v));
        return false;
    }
    return true;
}

/* Every param.* is a parameter of the network, and every parameter is in the file. */
bool gr_net_params(gr_case *c, gr_net *n) {
    const char *key;
    bool any_grad = false, filled = false;
    for (int i = 0; i < hk_file_n(c->data); i++) any_grad |= gr_prefix(hk_file_at(c->data, i)->name, "grad.", NULL);
    for (int i = 0; i < hk_file_n(c->data); i++) {
        const hk_tensor *t = hk_file_at(c->data, i);
        if (!gr_prefix(t->name, "param.", &key)) continue;
        int k = hk_network_find_param(n->net, key);
        if (k < 0) {
            gr_fail(c, "the network has no parameter '%s'", key);
            return false;
        }
        if (!same_shape(hk_network_param(n->net, k), t)) {
            gr_fail(c, "parameter '%s': the network's shape differs from the file's", key);
            return false;
        }
        double *v = gr_doubles(t);
        hk_status st = hk_network_write_param64(n->net, k, v);
        free(v);
        if (!gr_ok(c, st, key)) return false;
        if (any_grad && hk_network_param(n->net, k)->learnable && !gr_find(c, "grad.%s", key) && !gr_ok(c, hk_network_set_learnable(n->net, k, 0), key))
            return false;
        filled = true;
    }
    for (int k = 0; filled && k < hk_network_n_param(n->net); k++)
        if (!gr_find(c, "param.%s", hk_network_param(n->net, k)->name) && !is_integer_entry(hk_network_param(n->net, k)->name) &&
            !is_listed_buffer(c, hk_network_param(n->net, k))) {
            gr_fail(c, "parameter '%s' of the network is not in the file", hk_network_param(n->net, k)->name);
            return false;
        }
    return has_all_keys(c, n->net);
}

bool gr_net_executor(gr_case *c, gr_net *n, uint32_t mode, uint32_t flags, int n_output, const hk_output *outputs) {
    hk_executor_config cfg = { .struct_size = sizeof cfg, .mode = mode, .flags = flags, .n_output = n_output, .outputs = outputs };
    hk_executor_free(n->ex);
    n->ex = NULL;
    return gr_ok(c, hk_executor_new(n->net, &cfg, &n->ex), "hk_executor_new");
}

bool gr_net_write(gr_case *c, gr_net *n, const char *name, const hk_tensor *t) {
    return gr_ok(c, hk_executor_write(n->ex, name, t->dtype, t->data, gr_elems(t)), name);
}

/* The shape at the border, unless it is a tensor that has none ([T] for T samples of one scalar). */
static bool check_dims(gr_case *c, gr_net *n, const char *name, const hk_tensor *want) {
    int rank;
    int64_t dims[HK_MAX_RANK + 2], got = 1;
    if (!gr_ok(c, hk_executor_dims(n->ex, name, &rank, dims), name)) return false;
    bool same = rank == want->rank;
    for (int i = 0; i < rank; i++) {
        got *= dims[i];
        same = same && dims[i] == want->shape[i];
    }
    bool squeezed = got == gr_elems(want) && want->rank < rank; /* a file may leave out axes of size 1 */
    for (int i = 0, k = 0; squeezed && i < rank; i++) {
        if (k < want->rank && dims[i] == want->shape[k]) k++;
        else squeezed = dims[i] == 1;
    }
    squeezed |= !rank && want->rank == 1 && want->shape[0] == 1; /* snnTorch's losses are rows of one number */
    if (!same && !squeezed)
        gr_fail(c, "%s: the shape of '%s' differs (rank %d, %lld numbers; want rank %d, %lld numbers)", want->name, name, rank, (long long)got, want->rank,
            (long long)gr_elems(want));
    return same || squeezed;
}

bool gr_net_read(gr_case *c, gr_net *n, const char *name, const hk_tensor *want) {
    if (!check_dims(c, n, name, want)) return false;
    int64_t count = gr_elems(want);
    double *v = malloc((size_t)(count + 1) * sizeof *v);
    if (!v) abort();
    bool ok = gr_ok(c, hk_executor_read(n->ex, name, HK_F64, v, count), name);
    if (ok) gr_compare(c, want, v);
    free(v);
    return ok;
}

bool gr_net_read_param(gr_case *c, gr_net *n, const char *name, const hk_tensor *want) {
    int k = hk_network_find_param(n->net, name);
    if (k < 0 || !same_shape(hk_network_param(n->net, k), want)) {
        gr_fail(c, "%s: the network has no parameter '%s' of this shape", want->name, name);
        return false;
    }
    double *v = malloc((size_t)(gr_elems(want) + 1) * sizeof *v);
    if (!v) abort();
    bool ok = gr_ok(c, hk_network_read_param64(n->net, k, v), name);
    if (ok) gr_compare(c, want, v);
    free(v);
    return ok;
}

void gr_net_close(gr_net *n) {
    hk_executor_free(n->ex);
    hk_network_free(n->net);
    hk_module_free(n->root);
    hk_module_free(n->loss);
    hk_module_free(n->optimizer);
    *n = (gr_net){ 0 };
}
