/* job.c - makes what a configuration names: context, modules, dataset, network, executors; and runs one batch.
 * train, plan and bench all go through here, so that what is measured and printed is what trains. It knows no epochs. */
#include "extend/extend.h"
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

#define CONF(j) ((j)->conf)

hk_status hk__job_fail_ctx(hk__job *j, hk_status st, const char *section, const char *key) {
    const char *text = j->ctx ? hk_error(j->ctx) : "";
    return hk__conf_fail_key(j->conf, st, section, key, "%s", text[0] ? text : hk_status_text(st));
}

static hk_status make_context(hk__job *j) {
    static const uint32_t isa[] = { HK_ISA_BASELINE, HK_ISA_AVX2, HK_ISA_AVX512 }; /* as "baseline|avx2|avx512" in schema.c */
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    cc.max_isa = isa[hk__conf_int(CONF(j), "run", "max_isa")];
    cc.plugin_path = hk__conf_opt_text(CONF(j), "plugins", "path");
    hk_status st = hk_context_new(&cc, &j->ctx);
    return st ? hk__job_fail_ctx(j, st, "plugins", "path") : HK_OK;
}

/* A layer's line cannot be told from the whole network's error: builds each layer alone to find it. */
static hk_status blame_layer(hk__job *j, hk_status st, int n) {
    char *text = strdup(hk_error(j->ctx));
    if (!text) return hk__conf_fail_key(CONF(j), HK_ENOMEM, "layers", NULL, "out of memory");
    hk_status result = 0;
    for (int i = 0; i < n && !result; i++) {
        hk_module *m = NULL;
        hk_status one = hk_module_new_from_text(j->ctx, "hk.module/1", hk__conf_value_at(CONF(j), "layers", i), &m);
        hk_module_free(m);
        if (one) result = hk__job_fail_ctx(j, one, "layers", hk__conf_key_at(CONF(j), "layers", i));
    }
    if (!result) result = hk__conf_fail_key(CONF(j), st, "layers", NULL, "%s", text);
    free(text);
    return result;
}

static hk_status make_sequential(hk__job *j, hk_module **out) {
    int n = hk__conf_count(CONF(j), "layers");
    if (n == 0)
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "layers", NULL, "expected at least one layer, as: fc = Linear(28, 32); [model] type is sequential");
    const char **names = calloc((size_t)n, sizeof *names), **texts = calloc((size_t)n, sizeof *texts);
    hk_status st = HK_ENOMEM;
    if (names && texts) {
        for (int i = 0; i < n; i++) names[i] = hk__conf_key_at(CONF(j), "layers", i), texts[i] = hk__conf_value_at(CONF(j), "layers", i);
        st = hk_module_new_sequential(j->ctx, n, names, texts, out);
        if (st) st = blame_layer(j, st, n);
    } else st = hk__conf_fail_key(CONF(j), HK_ENOMEM, "layers", NULL, "out of memory");
    free(names), free(texts);
    return st;
}

hk_status hk_default_make_model(hk_trainer *t, hk_module **out) {
    hk__job *j = t->job;
    const char *type = hk__conf_text(CONF(j), "model", "type");
    if (!strcmp(type, "sequential")) return make_sequential(j, out);
    if (!strchr(type, '('))
        return hk__conf_fail_key(
            CONF(j), HK_ECONFIG, "model", "type", "expected sequential, or a constructor with parentheses as Name(channels=16), got '%s'", type);
    if (hk__conf_count(CONF(j), "layers"))
        return hk__conf_fail_key(
            CONF(j), HK_ECONFIG, "layers", NULL, "these layers are not used, since [model] type is %s; remove them or write type = sequential", type);
    hk_status st = hk_module_new_from_text(j->ctx, "hk.module/1", type, out);
    return st ? hk__job_fail_ctx(j, st, "model", "type") : HK_OK;
}

hk_status hk_default_make_optimizer(hk_trainer *t, hk_module **out) {
    static const hk__argument list[] = { { "train", "lr", "lr", 0 }, { "train", "momentum", "momentum", 0 }, { "train", "weight_decay", "weight_decay", 0 } };
    return hk__job_module(t->job, "hk.optimizer/1", "train", "optimizer", 3, list, out);
}
hk_status hk_default_make_loss(hk_trainer *t, hk_module **out) {
    static const hk__argument list[] = { { "train", "label_smoothing", "label_smoothing", 0 } };
    return hk__job_module(t->job, "hk.module/1", "train", "loss", 1, list, out);
}
hk_status hk_default_make_scheduler(hk_trainer *t, hk_module **out) {
    static const hk__argument list[] = { { "train", "lr_step_size", "step_size", 0 }, { "train", "lr_gamma", "gamma", 0 }, { "train", "lr_t_max", "T_max", 0 }, { "train", "lr_min", "eta_min", 0 } };
    return hk__job_module(t->job, "hk.scheduler/1", "train", "scheduler", 4, list, out);
}

static hk_status check_nb(hk__job *j) {
    int64_t nb = hk__conf_int(CONF(j), "run", "nb");
    if (nb > 0 && nb % HK_GROUP)
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "run", "nb", "expected a multiple of %d, 0 or -1, got %lld; write %lld", HK_GROUP, (long long)nb,
            (long long)((nb + HK_GROUP - 1) / HK_GROUP * HK_GROUP));
    return HK_OK;
}

static hk_status check_values(hk__job *j) {
    static const char *const amp[] = { "off", "bf16", "f16" }; /* as in schema.c */
    const int64_t want = hk__conf_int(CONF(j), "run", "amp"), start = hk__conf_int(CONF(j), "train", "start_epoch"), epochs = hk__conf_int(CONF(j), "train", "epochs");
    if (want)
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "run", "amp", "backend '%s' computes in its own precision and has no %s; write amp = off (products of bf16 with sums in f32: [backend] options = bf16=on)",
            hk__conf_text(CONF(j), "backend", "name"), amp[want]);
    if (hk__conf_real(CONF(j), "train", "ema") >= 1)
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "train", "ema", "expected a decay of 0 or more, below 1, got %g", hk__conf_real(CONF(j), "train", "ema"));
    if (start >= epochs)
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "train", "start_epoch", "expected less than [train] epochs = %lld, got %lld", (long long)epochs, (long long)start);
    if (!hk__conf_opt_text(CONF(j), "train", "loss")) return hk__conf_fail_key(CONF(j), HK_ECONFIG, "train", "loss", "expected a loss as MSE(), got none");
    if (!hk__conf_opt_text(CONF(j), "data", "name"))
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "data", "name", "expected a dataset as FashionMNIST(), got none");
    return hk__tune_exists(j);
}

hk_status hk__job_begin(hk__conf *conf, hk__job **out) {
    hk__job *j = calloc(1, sizeof *j);
    *out = j;
    if (!j) return hk__conf_fail_key(conf, HK_ENOMEM, "run", NULL, "out of memory");
    j->conf = conf;
    j->trainer = hk__trainer_of(conf);
    if (!j->trainer) return hk__conf_fail_key(conf, HK_ENOMEM, "run", NULL, "out of memory");
    j->trainer->job = j;
    j->T = hk__conf_int(conf, "model", "T");
    j->batch = hk__conf_int(conf, "train", "batch");
    j->threads = (int)hk__conf_int(conf, "run", "threads");
    if (j->threads == 0) j->threads = hk__cpus();
    hk_status st = check_nb(j);
    return st ? st : make_context(j);
}

/* A hook that gives nothing would be found much later. */
static hk_status check_made(hk__job *j) {
    const struct { const hk_module *made; const char *slot; } all[] = { { j->root, "make_model" }, { j->loss, "make_loss" }, { j->optimizer, "make_optimizer" }, { j->data, "make_data" } };
    for (int i = 0; i < 4; i++)
        if (!all[i].made) return hk__conf_fail(CONF(j), HK_EINVAL, "hook %s: expected a module, got none", all[i].slot);
    return HK_OK;
}

hk_status hk__job_new(hk__conf *conf, hk__job **out) {
    hk_status st = hk__job_begin(conf, out);
    hk__job *j = *out;
    if (st) return st;
    j->test_batch = hk__conf_int(conf, "train", "test_batch");
    j->lr = hk__conf_real(conf, "train", "lr");
    j->workers = (int)hk__conf_int(conf, "data", "workers");
    st = check_values(j);
    if (!st) st = hk__augment_read(conf, &j->augment);
    if (!st) st = HK__CALL_ALL(j->trainer, setup);
    if (!st) st = HK__CALL(j->trainer, make_model, &j->root);
    if (!st) st = HK__CALL(j->trainer, make_loss, &j->loss);
    if (!st) st = HK__CALL(j->trainer, make_optimizer, &j->optimizer);
    if (!st) st = HK__CALL(j->trainer, make_scheduler, &j->scheduler);
    if (!st) st = HK__CALL(j->trainer, make_data, &j->data);
    if (!st) st = check_made(j);
    if (!st) j->data_type = j->data->api->type(j->data);
    return st;
}

/* An error about the network, at the line of the layer that it names, if there is one. */
hk_status hk__job_fail_model(hk__job *j, hk_status st) {
    static const char *const begin[] = { "layer ", "parameter ", "run: layer " };
    const char *text = hk_error(j->ctx), *best = NULL;
    size_t longest = 0;
    for (int b = 0; b < 3; b++) {
        size_t skip = strlen(begin[b]);
        if (strncmp(text, begin[b], skip)) continue;
        for (int i = 0; i < hk__conf_count(CONF(j), "layers"); i++) {
            const char *key = hk__conf_key_at(CONF(j), "layers", i);
            size_t n = strlen(key);
            if (!strncmp(text + skip, key, n) && strchr(" .:", text[skip + n]) && n > longest) best = key, longest = n;
        }
    }
    if (!strncmp(text, "the training plan ", 18) || !strncmp(text, "data and batches ", 17)) return hk__job_fail_ctx(j, st, "train", "batch");
    if (!strncmp(text, "the test plan ", 14)) return hk__job_fail_ctx(j, st, "train", "test_batch");
    return best ? hk__job_fail_ctx(j, st, "layers", best) : hk__job_fail_ctx(j, st, "model", "type");
}

/* Tests use the average where there is one, unless told otherwise. */
static uint32_t averaged(const hk__job *j) {
    return hk__conf_real(CONF(j), "train", "ema") > 0 && hk__conf_int(CONF(j), "train", "ema_test") ? (uint32_t)HK_AVERAGED : 0;
}

static hk_status make_executor(hk__job *j, uint32_t mode, hk_executor **out) {
    static const hk_output rate = { .name = "rate" }; /* what the test's predictions are read from */
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = mode, .flags = HK_TOP5 | hk__job_flags(j, mode) | (mode == HK_TRAIN ? hk__nan_flags(j) : averaged(j)),
        .n_output = mode == HK_INFER, .outputs = &rate };
    hk_status st = hk_executor_new(j->net, &ec, out);
    return st ? hk__job_fail_model(j, st) : HK_OK;
}

static hk_status make_learners(hk__job *j) {
    int n = hk__conf_count(CONF(j), "learners");
    j->learner = calloc((size_t)n + 1, sizeof *j->learner);
    if (!j->learner) return hk__conf_fail_key(CONF(j), HK_ENOMEM, "learners", NULL, "out of memory");
    for (int i = 0; i < n; i++) {
        const char *key = hk__conf_key_at(CONF(j), "learners", i), *near = NULL;
        int p = hk_network_find_param(j->net, key), n_param = hk_network_n_param(j->net);
        if (p < 0) {
            const char **names = calloc((size_t)n_param + 1, sizeof *names);
            for (int k = 0; names && k < n_param; k++) names[k] = hk_network_param(j->net, k)->name;
            near = names ? hk__conf_suggest(key, names, n_param) : NULL;
            free(names);
            return hk__conf_fail_key(CONF(j), HK_ECONFIG, "learners", key, "there is no such parameter%s%s%s", near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        }
        hk_status st = hk_module_new_from_text(j->ctx, "hk.learner/1", hk__conf_value_at(CONF(j), "learners", i), &j->learner[i]);
        j->n_learner = i + 1;
        if (!st) st = hk_network_set_learner(j->net, p, j->learner[i]);
        if (st) return hk__job_fail_ctx(j, st, "learners", key);
    }
    return HK_OK;
}

hk_network_config hk__job_config(const hk__job *j) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.threads = j->threads;
    nc.backend = hk__conf_text(CONF(j), "backend", "name");
    const char *options = hk__conf_text(CONF(j), "backend", "options");
    nc.options = strcmp(options, "none") ? options : NULL;
    nc.seed = (uint64_t)hk__conf_int(CONF(j), "run", "seed");
    nc.nb = hk__conf_int(CONF(j), "run", "nb");
    nc.tune = hk__tune_measures(CONF(j));
    nc.memory = (uint32_t)hk__conf_int(CONF(j), "run", "memory"); /* as in schema.c, in the order of hk_memory */
    nc.chunk = hk__conf_int(CONF(j), "run", "chunk");
    nc.memory_limit = hk__conf_int(CONF(j), "run", "memory_limit");
    if (!hk__conf_int(CONF(j), "run", "fold_time")) nc.passes_off |= HK_PASS_FOLD_TIME;
    if (!hk__conf_int(CONF(j), "run", "hoist")) nc.passes_off |= HK_PASS_HOIST;
    if (!hk__conf_int(CONF(j), "run", "fold_norm")) nc.passes_off |= HK_PASS_FOLD_NORM;
    if (!hk__conf_int(CONF(j), "run", "fuse")) nc.passes_off |= HK_PASS_FUSE;
    return nc;
}

hk_status hk__job_network(hk__job *j) {
    hk_network_config nc = hk__job_config(j);
    nc.loss = j->loss, nc.optimizer = j->optimizer;
    hk__trainer_graph(j->trainer);
    nc.hooks = &j->trainer->graph;
    nc.memory_used = hk__job_held(j);
    nc.accumulate = (int32_t)hk__conf_int(CONF(j), "train", "accumulate");
    nc.clip_norm = hk__conf_real(CONF(j), "train", "clip_norm"), nc.clip_value = hk__conf_real(CONF(j), "train", "clip_value");
    nc.ema = hk__conf_real(CONF(j), "train", "ema");
    hk_status st = hk_network_new(j->ctx, j->root, &nc, &j->net);
    bool backend = st == HK_ENOTFOUND || st == HK_EPLUGIN || st == HK_EUNSUPPORTED; /* not there, not whole, or not usable here */
    if (st == HK_ECONFIG && nc.options) return hk__job_fail_ctx(j, st, "backend", "options");
    if (st) return backend ? hk__job_fail_ctx(j, st, "backend", "name") : hk__job_fail_model(j, st);
    st = hk__tune_begin(j);
    if (!st) st = make_learners(j);
    if (!st) st = hk__groups_new(j);
    if (!st) st = make_executor(j, HK_TRAIN, &j->train);
    return st ? st : make_executor(j, HK_INFER, &j->infer);
}

void hk__job_free(hk__job *j) {
    if (!j) return;
    hk__nan_free(j->nan);
    if (j->trainer) j->trainer->job = NULL;
    hk_executor_free(j->train), hk_executor_free(j->infer);
    hk_network_free(j->net);
    hk__groups_free(j->groups);
    for (int i = 0; i < j->n_learner; i++) hk_module_free(j->learner[i]);
    free(j->learner);
    hk__job_free_part(j);
    hk__job_close_data(j);
    hk_module_free(j->root), hk_module_free(j->loss), hk_module_free(j->optimizer), hk_module_free(j->scheduler), hk_module_free(j->data);
    hk_context_free(j->ctx);
    free(j);
}
