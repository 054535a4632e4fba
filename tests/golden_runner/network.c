/* network.c - kind network: sequential networks from their list of layers; training steps, or forward and gradients. */
#include "runner.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 64 };

/* "seq LAYER": x is [T,N,*]; "held LAYER": [N,*], the same at every step. LAYER goes before the others. */
static const char *const inputs[] = { "in.x[N,28,28]; step t sees column t: x_seq[t,n,i] = x[n,i,t]", "held ColumnAsTime",
    "in.x[T,N,1,28,28] spikes, drawn beforehand", "seq", "in.x[N,1,28,28] repeated T times", "held", "in.x[N,1,28,28] given at every step", "held",
    "in.x[T,N,2,32,32]", "seq", NULL };
static const char *const outputs[] = { "out.y = mean over T", "MeanT", "out.y = mean over T of the last layer's spikes", "MeanT",
    "out.spk_rec, out.mem_rec [T,N,10] of the last Leaky", "", "out.y[T,N,11], spikes voted by 10", "", NULL };
static const char *const losses[] = { "mse(out.y, one_hot(target,10))", "MSE", "mse(out.y, one_hot(target,10)), mean over all elements", "MSE",
    "ce_rate_loss(spk_rec, target)", "snn.ce_rate_loss", NULL };
static const char *const batches[] = { "the same batch at every step; states reset after every step", "same", NULL };

typedef struct net_case {
    char *name[MAX_LAYERS], *text[MAX_LAYERS];
    int n;
    gr_shape shape;
    char loss[64], mem[64]; /* mem: the named output that out.mem_rec is */
    gr_text optimizer;
} net_case;

static void add_layer(net_case *k, const char *name, char *text) {
    if (k->n == MAX_LAYERS) abort();
    k->name[k->n] = strdup(name), k->text[k->n] = text;
    k->n++;
}

static void add_plain(gr_case *c, net_case *k, const char *name, const char *id) {
    if (!*id) return;
    gr_text t = { 0 };
    gr_need(c, "hk.module/1", id);
    gr_put(&t, "%s()", id);
    add_layer(k, name, t.s);
}

static void read_spec(gr_case *c, net_case *k) {
    const json_t *opt = json_object_get(c->spec, "optimizer"), *T = json_object_get(c->spec, "T");
    const hk_tensor *x = gr_find(c, "in.x");
    const char *in = gr_phrase(c, "input", inputs), *out = gr_phrase(c, "output", outputs), *loss = gr_phrase(c, "loss", losses), *first;
    size_t i;
    json_t *v;
    gr_phrase(c, "batch", batches);
    if (gr_prefix(in, "held", &first)) {
        k->shape = (gr_shape){ .T = json_integer_value(T), .N = x->shape[0], .rank = x->rank - 1 };
        memcpy(k->shape.shape, x->shape + 1, (size_t)k->shape.rank * sizeof k->shape.shape[0]);
        add_plain(c, k, "input", *first ? first + 1 : "");
    } else k->shape = gr_shape_seq(x);
    json_array_foreach(json_object_get(c->spec, "layers"), i, v) {
        gr_text t = { 0 };
        const char *key = json_string_value(json_object_get(v, "key"));
        gr_put_object(c, &t, v, json_object_get(c->spec, "surrogate"), true);
        add_layer(k, key ? key : "?", t.s);
        snprintf(k->mem, sizeof k->mem, "%s:mem", key ? key : "");
    }
    add_plain(c, k, "output", out);
    if (*loss) {
        gr_need(c, "hk.module/1", loss);
        snprintf(k->loss, sizeof k->loss, "%s()", loss);
    }
    if (opt) {
        const char *id = json_string_value(json_object_get(opt, "class"));
        gr_need(c, "hk.optimizer/1", id ? id : "?");
        gr_put(&k->optimizer, "%s(", id ? id : "?");
        gr_put_args(&k->optimizer, json_object_get(opt, "args"), NULL, false, true);
        gr_put(&k->optimizer, ")");
    }
}

static bool open_net(gr_case *c, const net_case *k, gr_net *n, uint32_t flags) {
    const bool train = k->optimizer.s || gr_find(c, "grad.x"), upstream = gr_find(c, "grad_out.y") != NULL;
    const hk_output out[2] = { { .name = "y", .upstream = upstream }, { .name = k->mem } };
    for (int i = 0; i < k->n && c->opt->verbose; i++) printf("     %s = %s\n", k->name[i], k->text[i]);
    return gr_ok(c, hk_module_new_sequential(c->ctx, k->n, (const char *const *)k->name, (const char *const *)k->text, &n->root), "sequential") &&
        gr_net_open(c, n, NULL, k->loss, k->optimizer.s, 1) &&
        gr_net_executor(c, n, train ? HK_TRAIN : HK_INFER, train ? flags | gr_eval_flag(c) : 0, gr_find(c, "out.mem_rec") ? 2 : 1, out) &&
        gr_ok(c, hk_executor_shape(n->ex, k->shape.T, k->shape.N, k->shape.seq, k->shape.rank, k->shape.shape), "hk_executor_shape");
}

static bool run_once(gr_case *c, gr_net *n) {
    const hk_tensor *target = gr_find(c, "in.target");
    return gr_net_write(c, n, "x", gr_find(c, "in.x")) && (!target || gr_net_write(c, n, "target", target)) &&
        gr_ok(c, hk_executor_run(n->ex), "hk_executor_run");
}

static void read_outputs(gr_case *c, const net_case *k, gr_net *n) {
    const char *name;
    for (int i = 0; i < hk_file_n(c->data); i++) {
        const hk_tensor *t = hk_file_at(c->data, i);
        if (!gr_prefix(t->name, "out.", &name)) continue;
        if (!strcmp(name, "y") || !strcmp(name, "spk_rec")) gr_net_read(c, n, "y", t);
        else if (!strcmp(name, "loss")) gr_net_read(c, n, "loss", t);
        else if (!strcmp(name, "mem_rec")) gr_net_read(c, n, k->mem, t);
        else if (gr_prefix(name, "buffer.", &name)) gr_net_read_param(c, n, name, t);
    }
}

/* Compares what begins with `prefix`: what = "grad" or "param". */
static void read_group(gr_case *c, gr_net *n, const char *prefix, const char *what) {
    const char *name;
    char place[192];
    for (int i = 0; i < hk_file_n(c->data); i++) {
        const hk_tensor *t = hk_file_at(c->data, i);
        if (!gr_prefix(t->name, prefix, &name)) continue;
        snprintf(place, sizeof place, "grad:%s", name);
        if (!strcmp(what, "grad")) gr_net_read(c, n, place, t);
        else gr_net_read_param(c, n, name, t);
    }
}

/* Three calls per step, every tensor compared; then one call per step, losses and parameters. */
static void train(gr_case *c, const net_case *k, gr_net *n, bool separate) {
    int steps = (int)json_integer_value(json_object_get(c->spec, "steps"));
    char prefix[64];
    for (int s = 1; s <= (steps ? steps : 1) && !c->failed; s++) {
        if (!run_once(c, n)) return;
        const hk_tensor *loss = gr_find(c, "step%d.loss", s), *up = gr_find(c, "grad_out.y");
        if (loss) gr_net_read(c, n, "loss", loss);
        if (separate) {
            if (s == 1) read_outputs(c, k, n);
            if (up && !gr_net_write(c, n, "grad_out:y", up)) return;
            if (!gr_ok(c, hk_executor_backward(n->ex), "hk_executor_backward")) return;
            snprintf(prefix, sizeof prefix, "step%d.grad.", s);
            read_group(c, n, s == 1 ? "grad." : prefix, "grad");
            if (k->optimizer.s && !gr_ok(c, hk_executor_step(n->ex), "hk_executor_step")) return;
        }
        snprintf(prefix, sizeof prefix, "step%d.param.", s);
        read_group(c, n, prefix, "param");
    }
}

void gr_network(gr_case *c) {
    net_case k = { 0 };
    gr_net n = { 0 };
    if (!json_object_get(c->spec, "layers")) {
        if (gr_need(c, "hk.module/1", gr_spec_str(c, "net"))) gr_fail(c, "the runner does not know how to build '%s'", gr_spec_str(c, "net"));
        return;
    }
    read_spec(c, &k);
    if (!c->n_missing && !c->failed) {
        if (open_net(c, &k, &n, HK_SEPARATE | HK_INPUT_GRAD)) train(c, &k, &n, true);
        gr_net_close(&n);
        if (k.optimizer.s && !c->failed) {
            if (open_net(c, &k, &n, 0)) train(c, &k, &n, false);
            gr_net_close(&n);
        }
    }
    for (int i = 0; i < k.n; i++) free(k.name[i]), free(k.text[i]);
    free(k.optimizer.s);
}
