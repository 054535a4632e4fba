/* trainer.c - the Trainer's object, its public defaults that need no configuration, and what slots may call. */
#include "extend/extend.h"
#include "trainer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const hk_trainer_hooks defaults = HK_TRAINER_HOOKS_DEFAULT;

hk_trainer *hk__trainer_new(const hk_trainer_hooks *hooks) {
    hk_trainer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->hooks = t->each[0] = hooks ? *hooks : defaults, t->n_each = 1;
    t->now = (hk_trainer_progress){ .struct_size = (uint32_t)sizeof t->now, .best = -1 };
    t->schema = hk__train_schema;
    return t;
}

void hk__trainer_free(hk_trainer *t) {
    if (!t) return;
    for (int i = 0; i < t->n_kept; i++) free((char *)(uintptr_t)t->kept[i].name);
    for (int i = 1; i < t->n_key; i++) free((char *)(uintptr_t)t->key[i].name), free((char *)(uintptr_t)t->key[i].def);
    free(t->key), free(t->section), free(t);
}

static void drop(void *t) { hk__trainer_free(t); }
void hk__trainer_attach(hk_trainer *t, hk__conf *c) {
    t->conf = c, t->err[0] = 0;
    hk__conf_attach(c, t, drop);
}

hk_trainer *hk__trainer_of(hk__conf *c) {
    hk_trainer *t = hk__conf_attached(c);
    if (!t && (t = hk__trainer_new(NULL))) hk__trainer_attach(t, c);
    return t;
}

/* ---- errors ---- */

hk_status hk_trainer_fail(hk_trainer *t, hk_status st, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!t->conf) snprintf(t->err, sizeof t->err, "%s", text);
    else hk__conf_fail(t->conf, st, "%s%s%s%s", t->slot ? "hook " : "", t->slot ? t->slot : "", t->slot ? ": " : "", text);
    return st;
}

hk_status hk__trainer_fail_slot(hk_trainer *t, hk_status st, const char *slot) {
    t->slot = NULL;
    if (!st) return HK_OK;
    const char *text = t->conf ? hk__conf_error(t->conf) : t->err;
    if (text[0]) return st;
    const char *core = t->job && t->job->ctx ? hk_error(t->job->ctx) : "";
    if (t->conf) return hk__conf_fail(t->conf, st, "hook %s: %s", slot, core[0] ? core : hk_status_text(st));
    snprintf(t->err, sizeof t->err, "hook %s: %s", slot, hk_status_text(st));
    return st;
}

/* ---- one table of several ---- */

hk_status hk__trainer_merge(hk_trainer *t) {
    const char *twice = NULL;
    t->hooks = defaults;
    for (int i = 0; i < t->n_each; i++) {
        const hk_trainer_hooks *h = &t->each[i];
#define ONE(slot)                                                                                                                                              \
    if (h->slot && h->slot != defaults.slot) {                                                                                                                 \
        if (t->hooks.slot != defaults.slot) twice = #slot;                                                                                                     \
        t->hooks.slot = h->slot;                                                                                                                               \
    }
        ONE(make_data)
        ONE(make_model)
        ONE(make_loss)
        ONE(make_optimizer)
        ONE(make_scheduler)
        ONE(compute_loss)
        ONE(is_better)
        ONE(tensorboard_name)
#undef ONE
    }
    hk__trainer_graph(t);
    if (!twice) return HK_OK;
    snprintf(t->err, sizeof t->err, "two of these change the slot %s, which there is once: name one of them", twice);
    return HK_EINVAL;
}

/* ---- in the graph ---- */

static hk_value graph_input(void *arg, hk_builder *b, hk_value x) {
    hk_trainer *t = arg;
    for (int i = 0; i < t->n_each && x; i++) {
        hk_value (*slot)(hk_trainer *, hk_builder *, hk_value) = hk_training(b) ? t->each[i].preprocess_train_sample : t->each[i].preprocess_test_sample;
        if (slot) x = slot(t, b, x);
    }
    return x;
}
static hk_value graph_output(void *arg, hk_builder *b, hk_value y) {
    hk_trainer *t = arg;
    for (int i = 0; i < t->n_each && y; i++)
        if (t->each[i].process_model_output) y = t->each[i].process_model_output(t, b, y);
    return y;
}
static hk_value graph_loss(void *arg, hk_builder *b, hk_value y, hk_value target, const hk_module *loss) {
    hk_trainer *t = arg;
    return t->hooks.compute_loss(t, b, y, target, loss);
}

void hk__trainer_graph(hk_trainer *t) {
    t->graph = (hk_network_hooks){ .struct_size = (uint32_t)sizeof t->graph, .arg = t };
    for (int i = 0; i < t->n_each; i++) {
        const hk_trainer_hooks *h = &t->each[i];
        if (h->preprocess_train_sample || h->preprocess_test_sample) t->graph.input = graph_input;
        if (h->process_model_output) t->graph.output = graph_output;
    }
    if (t->hooks.compute_loss) t->graph.loss = graph_loss;
}

/* ---- defaults ---- */

hk_status hk_default_add_options(hk_trainer *t) {
    (void)t;
    return HK_OK;
}
hk_status hk_default_setup(hk_trainer *t) {
    (void)t;
    return HK_OK;
}
int hk_default_is_better(hk_trainer *t, const hk_epoch *e) { return e->test_acc > t->now.best; }

/* Letters, digits, '.', '-' and '_' of constructor text: "SGD(momentum=0.9)" is "SGD_momentum_0.9". */
static void plain(const char *text, char *out, size_t size) {
    size_t n = 0;
    for (; *text && n + 1 < size; text++) {
        const int ok = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') || strchr(".-", *text);
        if (ok) out[n++] = *text;
        else if (n && out[n - 1] != '_') out[n++] = '_';
    }
    while (n && out[n - 1] == '_') n--;
    out[n] = 0;
}

hk_status hk_default_tensorboard_name(hk_trainer *t, char *name, size_t size) {
    char model[64], optimizer[64], whole[320];
    plain(hk_trainer_text(t, "model", "type"), model, sizeof model);
    plain(hk_trainer_text(t, "train", "optimizer"), optimizer, sizeof optimizer);
    snprintf(whole, sizeof whole, "%s_T%lld_b%lld_%s_lr%g_seed%lld", model, (long long)hk_trainer_int(t, "model", "T"),
        (long long)hk_trainer_int(t, "train", "batch"), optimizer, hk_trainer_real(t, "train", "lr"),
        (long long)hk_trainer_int(t, "run", "seed"));
    plain(whole, name, size);
    return HK_OK;
}

/* ---- what slots may call ---- */

static int known(const hk_trainer *t, const char *section, const char *key) { return t->conf && hk__conf_text(t->conf, section, key) != NULL; }
int64_t hk_trainer_int(const hk_trainer *t, const char *section, const char *key) { return known(t, section, key) ? hk__conf_int(t->conf, section, key) : 0; }
double hk_trainer_real(const hk_trainer *t, const char *section, const char *key) { return known(t, section, key) ? hk__conf_real(t->conf, section, key) : NAN; }
const char *hk_trainer_text(const hk_trainer *t, const char *section, const char *key) {
    return t->conf ? hk__conf_text(t->conf, section, key) : NULL;
}

hk_status hk_trainer_new_module(hk_trainer *t, const char *iface, const char *text, hk_module **out) {
    *out = NULL;
    if (!t->job || !t->job->ctx) return hk_trainer_fail(t, HK_ESTATE, "hk_trainer_new_module: expected to be called from setup on");
    hk_status st = hk_module_new_from_text(t->job->ctx, iface, text, out);
    return st ? hk_trainer_fail(t, st, "%s: %s", text, hk_error(t->job->ctx)) : HK_OK;
}

hk_status hk_trainer_keep(hk_trainer *t, const char *name, int n, double *values) {
    if (!name || !name[0] || strlen(name) > 100 || n < 1 || !values) return hk_trainer_fail(t, HK_EINVAL, "hk_trainer_keep: expected a name, n >= 1 and values");
    for (int i = 0; i < t->n_kept; i++)
        if (!strcmp(t->kept[i].name, name)) return hk_trainer_fail(t, HK_EINVAL, "hk_trainer_keep: '%s' is kept already", name);
    if (t->n_kept == HK__MAX_KEEP) return hk_trainer_fail(t, HK_EINVAL, "hk_trainer_keep: expected at most %d names", HK__MAX_KEEP);
    char *copy = strdup(name);
    if (!copy) return hk_trainer_fail(t, HK_ENOMEM, "out of memory");
    t->kept[t->n_kept++] = (hk__kept){ copy, n, values };
    return HK_OK;
}

void hk_trainer_log(hk_trainer *t, const char *key, double value) {
    int i = 0;
    while (i < t->n_logged && strcmp(t->logged[i].key, key)) i++;
    if (i == HK__MAX_LOG) return;
    if (i == t->n_logged) plain(key, t->logged[t->n_logged++].key, sizeof t->logged[0].key);
    t->logged[i].value = value;
}

void hk_trainer_print(hk_trainer *t, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (t->run.print) t->run.print(t->run.run, text);
    else puts(text);
}

void hk_trainer_stop(hk_trainer *t, const char *why) {
    if (t->stopping) return;
    t->stopping = 1;
    snprintf(t->stop, sizeof t->stop, "%s", why && why[0] ? why : "a hook asked for it");
}

void hk_trainer_set_lr(hk_trainer *t, double lr) {
    if (t->run.set_lr) t->run.set_lr(t->run.run, lr);
}

hk_status hk_trainer_save(hk_trainer *t, const char *name) {
    if (!t->run.save) return HK_OK;
    for (const char *p = name; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("._-", *p)))
            return hk_trainer_fail(t, HK_EINVAL, "hk_trainer_save: expected letters, digits, '.', '_' and '-' in a file's name, got '%s'", name);
    char file[160];
    if (!name[0] || snprintf(file, sizeof file, "%s.safetensors", name) >= (int)sizeof file)
        return hk_trainer_fail(t, HK_EINVAL, "hk_trainer_save: expected a name of 1 to 140 bytes");
    return t->run.save(t->run.run, file);
}

const hk_trainer_progress *hk_trainer_now(const hk_trainer *t) { return &t->now; }
const char *hk_trainer_out(const hk_trainer *t) { return t->out; }
hk_context *hk_trainer_context(hk_trainer *t) { return t->job ? t->job->ctx : NULL; }
hk_network *hk_trainer_network(hk_trainer *t) { return t->job ? t->job->net : NULL; }
hk_executor *hk_trainer_executor(hk_trainer *t, int train) { return !t->job ? NULL : train ? t->job->train : t->job->infer; }
