/* optimizer.c - kind optimizer: gradients are given. Two Linear layers hold a matrix and a vector of the file's shapes; their gradients are
 * overwritten before each step. */
#include "runner.h"
#include <stdlib.h>

void gr_optimizer(gr_case *c) {
    const hk_tensor *param[2] = { gr_find(c, "param.w"), gr_find(c, "param.b") };
    static const char *const key[2] = { "w", "b" }, *const name[2] = { "w.weight", "b.bias" }, *const layer[2] = { "w", "b" };
    gr_text t = { 0 }, w = { 0 }, b = { 0 };
    gr_net n = { 0 };
    gr_need(c, "hk.optimizer/1", gr_spec_str(c, "class"));
    gr_put(&t, "%s(", gr_spec_str(c, "class"));
    gr_put_args(&t, json_object_get(c->spec, "args"), NULL, false, true);
    gr_put(&t, ")");
    if (!param[0] || !param[1] || param[0]->rank != 2 || param[1]->rank != 1) gr_fail(c, "expected a matrix w and a vector b");
    if (c->n_missing || c->failed) goto end;
    int64_t O = param[0]->shape[0], K = param[0]->shape[1], C = param[1]->shape[0];
    gr_put(&w, "Linear(%lld, %lld, bias=false)", (long long)K, (long long)O);
    gr_put(&b, "Linear(%lld, %lld)", (long long)O, (long long)C);
    const char *texts[2] = { w.s, b.s };
    const hk_output out = { .name = "y", .upstream = 1 };
    hk_network_config cfg = HK_NETWORK_CONFIG_DEFAULT;
    cfg.backend = c->opt->backend, cfg.options = c->opt->options, cfg.threads = c->opt->threads, cfg.nb = c->opt->nb, cfg.memory = c->opt->memory;
    if (!gr_ok(c, hk_module_new_sequential(c->ctx, 2, layer, texts, &n.root), "sequential") ||
        !gr_ok(c, hk_module_new_from_text(c->ctx, "hk.optimizer/1", t.s, &n.optimizer), t.s))
        goto end;
    cfg.optimizer = n.optimizer;
    if (!gr_ok(c, hk_network_new(c->ctx, n.root, &cfg, &n.net), "hk_network_new") ||
        !gr_ok(c, hk_network_set_learnable(n.net, hk_network_find_param(n.net, "b.weight"), 0), "b.weight"))
        goto end;
    for (int k = 0; k < 2; k++) {
        double *v = gr_doubles(param[k]);
        hk_status st = hk_network_write_param64(n.net, hk_network_find_param(n.net, name[k]), v);
        free(v);
        if (!gr_ok(c, st, name[k])) goto end;
    }
    if (!gr_net_executor(c, &n, HK_TRAIN, HK_SEPARATE, 1, &out) || !gr_ok(c, hk_executor_shape(n.ex, 1, 1, 1, 1, &K), "hk_executor_shape")) goto end;
    int steps = (int)json_integer_value(json_object_get(c->spec, "steps"));
    for (int s = 0; s < steps && !c->failed; s++) {
        if (!gr_ok(c, hk_executor_run(n.ex), "hk_executor_run") || !gr_ok(c, hk_executor_backward(n.ex), "hk_executor_backward")) break;
        for (int k = 0; k < 2; k++) {
            const hk_tensor *g = gr_find(c, "in.grad.%s", key[k]);
            int64_t m = gr_elems(param[k]);
            char at[64];
            snprintf(at, sizeof at, "grad:%s", name[k]);
            if (!g || g->dtype != HK_F32 || gr_elems(g) != steps * m) gr_fail(c, "in.grad.%s: expected %d gradients", key[k], steps);
            else gr_ok(c, hk_executor_write(n.ex, at, HK_F32, (const float *)g->data + s * m, m), at);
        }
        if (c->failed || !gr_ok(c, hk_executor_step(n.ex), "hk_executor_step")) break;
        for (int k = 0; k < 2; k++) {
            const hk_tensor *want = gr_find(c, "step%d.param.%s", s + 1, key[k]);
            if (want) gr_net_read_param(c, &n, name[k], want);
        }
    }
end:
    gr_net_close(&n);
    free(t.s), free(w.s), free(b.s);
}
