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

static hk_status make_module(hk__job *j, const char *iface, const char *section, const char *key, hk_module **out) {
    const char *text = hk__conf_opt_text(CONF(j), section, key);
    if (!text) return HK_OK;
    hk_status st = hk_module_new_from_text(j->ctx, iface, text, out);
    return st ? hk__job_fail_ctx(j, st, section, key) : HK_OK;
}

/* Whether constructor text has an argument lr=... of its own (not inside a child's parentheses). */
static int has_lr(const char *t) {
    int depth = 0;
    for (; *t; t++) {
        depth += (*t == '(') - (*t == ')');
        if (depth == 1 && (*t == '(' || *t == ',')) {
            const char *p = t + 1 + strspn(t + 1, " \t");
            if (!strncmp(p, "lr", 2) && p[2 + strspn(p + 2, " \t")] == '=') return 1;
        }
    }
    return 0;
}

/* Constructor text with [train] lr put in: SGD(momentum=0.9) becomes SGD(momentum=0.9, lr=0.1). */
hk_status hk_default_make_optimizer(hk_trainer *t, hk_module **out) {
    hk__job *j = t->job;
    const char *text = hk__conf_text(CONF(j), "train", "optimizer"), *lr = hk__conf_text(CONF(j), "train", "lr");
    size_t n = strlen(text);
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t')) n--;
    if (has_lr(text)) return hk__conf_fail_key(CONF(j), HK_ECONFIG, "train", "optimizer", "lr is given here and in [train] lr = %s; leave it out here", lr);
    const char *open = memchr(text, '(', n);
    if (open && text[n - 1] != ')')
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "train", "optimizer", "expected a constructor as SGD(momentum=0.9), got '%s'", text);
    size_t inside = open ? strspn(open + 1, " \t") : 0;
    int empty = !open || open + 1 + inside == text + n - 1;
    char *with = NULL;
    int len = open ? asprintf(&with, "%.*s%slr=%s)", (int)(n - 1), text, empty ? "" : ", ", lr) : asprintf(&with, "%.*s(lr=%s)", (int)n, text, lr);
    if (len < 0) return hk__conf_fail_key(CONF(j), HK_ENOMEM, "train", "optimizer", "out of memory");
    hk_status st = hk_module_new_from_text(j->ctx, "hk.optimizer/1", with, out);
    free(with);
    return st ? hk__job_fail_ctx(j, st, "train", "optimizer") : HK_OK;
}

hk_status hk_default_make_data(hk_trainer *t, hk_module **out) { return make_module(t->job, "hk.dataset/1", "data", "name", out); }
hk_status hk_default_make_loss(hk_trainer *t, hk_module **out) { return make_module(t->job, "hk.module/1", "train", "loss", out); }
hk_status hk_default_make_scheduler(hk_trainer *t, hk_module **out) { return make_module(t->job, "hk.scheduler/1", "train", "scheduler", out); }

static hk_status check_nb(hk__job *j) {
    int64_t nb = hk__conf_int(CONF(j), "run", "nb");
    if (nb > 0 && nb % HK_GROUP)
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "run", "nb", "expected a multiple of %d, 0 or -1, got %lld; write %lld", HK_GROUP, (long long)nb,
            (long long)((nb + HK_GROUP - 1) / HK_GROUP * HK_GROUP));
    return HK_OK;
}

static hk_status check_values(hk__job *j) {
    if (!hk__conf_opt_text(CONF(j), "train", "loss")) return hk__conf_fail_key(CONF(j), HK_ECONFIG, "train", "loss", "expected a loss as MSE(), got none");
    if (!hk__conf_opt_text(CONF(j), "data", "name"))
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "data", "name", "expected a dataset as FashionMNIST(), got none");
    return HK_OK;
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
    st = check_values(j);
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

static hk_status check_limit(hk__job *j, const void *ds, const char *key, const char *split) {
    int64_t have = j->data_type->size(ds), limit = hk__conf_int(CONF(j), "data", key);
    if (have < 1) return hk__conf_fail_key(CONF(j), HK_EDATA, "data", "name", "the %s data is empty", split);
    if (limit > have)
        return hk__conf_fail_key(CONF(j), HK_ECONFIG, "data", key, "expected at most %lld, the size of the %s data, got %lld; write 0 for all", (long long)have,
            split, (long long)limit);
    return HK_OK;
}

hk_status hk__job_open_data(hk__job *j, int splits) {
    static const char *const key[] = { "limit", "test_limit" }, *const name[] = { "training", "test" };
    void **ds[] = { &j->ds_train, &j->ds_test };
    int known = 0;
    for (int i = 0; i < 2; i++) {
        int64_t shape[HK_MAX_RANK];
        if (!(splits & (i ? HK__TEST_SPLIT : HK__TRAIN_SPLIT))) continue;
        hk_status st = j->data_type->open(j->data, i == 0, ds[i]);
        if (st) return hk__job_fail_ctx(j, st, "data", "name");
        int rank = j->data_type->shape(*ds[i], shape);
        if (known && (rank != j->rank || memcmp(shape, j->shape, (size_t)rank * sizeof shape[0])))
            return hk__conf_fail_key(CONF(j), HK_EDATA, "data", "name", "training and test samples have different shapes");
        memcpy(j->shape, shape, (size_t)rank * sizeof shape[0]);
        j->rank = rank, known = 1;
        if ((st = check_limit(j, *ds[i], key[i], name[i]))) return st;
    }
    return HK_OK;
}

/* An error about the network, at the line of the layer that it names, if there is one. */
static hk_status fail_model(hk__job *j, hk_status st) {
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

/* Data sets, and the order and one batch of each split. */
static int64_t held(const hk__job *j) {
    int64_t sum = 0, elems = 1;
    const void *const ds[] = { j->ds_train, j->ds_test };
    for (int i = 0; i < j->rank; i++) elems *= j->shape[i];
    for (int i = 0; i < 2; i++) {
        if (!ds[i]) continue;
        int64_t n = j->data_type->size(ds[i]), batch = i ? j->test_batch : j->batch;
        sum += (j->data_type->bytes ? j->data_type->bytes(ds[i]) : 0) + 8 * n + (batch < n ? batch : n) * (4 * elems + 8);
    }
    return sum;
}

static hk_status make_executor(hk__job *j, uint32_t mode, hk_executor **out) {
    hk_executor_config ec = { .struct_size = (uint32_t)sizeof ec, .mode = mode, .flags = HK_FORGET | (mode == HK_TRAIN ? hk__nan_flags(j) : 0) };
    hk_status st = hk_executor_new(j->net, &ec, out);
    return st ? fail_model(j, st) : HK_OK;
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
    nc.memory = (uint32_t)hk__conf_int(CONF(j), "run", "memory"); /* as in schema.c, in the order of hk_memory */
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
    nc.memory_used = held(j);
    hk_status st = hk_network_new(j->ctx, j->root, &nc, &j->net);
    bool backend = st == HK_ENOTFOUND || st == HK_EPLUGIN || st == HK_EUNSUPPORTED; /* not there, not whole, or not usable here */
    if (st == HK_ECONFIG && nc.options) return hk__job_fail_ctx(j, st, "backend", "options");
    if (st) return backend ? hk__job_fail_ctx(j, st, "backend", "name") : fail_model(j, st);
    st = make_learners(j);
    if (!st) st = make_executor(j, HK_TRAIN, &j->train);
    return st ? st : make_executor(j, HK_INFER, &j->infer);
}

hk_status hk__job_shape(hk__job *j, hk_executor *ex, int64_t n) {
    hk_status st = hk_executor_shape(ex, j->T, n, 0, j->rank, j->shape);
    return st ? fail_model(j, st) : HK_OK;
}

hk_status hk__job_put(hk__job *j, hk_executor *ex, const float *x, const int64_t *y, int64_t n) {
    int64_t elems = n;
    for (int i = 0; i < j->rank; i++) elems *= j->shape[i];
    hk_status st = hk_executor_shape(ex, j->T, n, 0, j->rank, j->shape);
    if (!st) st = hk_executor_write(ex, "x", HK_F32, x, elems);
    if (!st && y) st = hk_executor_write(ex, "target", HK_I64, y, n);
    return st ? fail_model(j, st) : HK_OK;
}

hk_status hk__job_run(hk__job *j, hk_executor *ex, const float *x, const int64_t *y, int64_t n, hk__batch_result *r) {
    hk_status st = hk__job_put(j, ex, x, y, n);
    if (st) return st;
    st = hk_executor_run(ex);
    if (!st) st = hk_executor_read(ex, "loss", HK_F64, &r->loss, 1);
    if (!st) st = hk_executor_read(ex, "correct", HK_F64, &r->correct, 1);
    return st ? fail_model(j, st) : HK_OK;
}

void hk__job_free(hk__job *j) {
    if (!j) return;
    hk__nan_free(j->nan);
    if (j->trainer) j->trainer->job = NULL;
    hk_executor_free(j->train), hk_executor_free(j->infer);
    hk_network_free(j->net);
    for (int i = 0; i < j->n_learner; i++) hk_module_free(j->learner[i]);
    free(j->learner);
    if (j->data_type) j->data_type->close(j->ds_train), j->data_type->close(j->ds_test);
    hk_module_free(j->root), hk_module_free(j->loss), hk_module_free(j->optimizer), hk_module_free(j->scheduler), hk_module_free(j->data);
    hk_context_free(j->ctx);
    free(j);
}
