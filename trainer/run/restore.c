/* restore.c - takes a training up again: finds the newest whole generation, checks that it belongs to this configuration, loads it.
 *
 * A file is believed only when its seal holds and every entry is there. With `auto` a damaged newest generation gives way to the one
 * before, loudly; a named file must be whole. Nothing is written here. */
#include "extend/extend.h"
#include "trainer.h"
#include "file/file.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hk_status bad(hk__job *j, const char *path, const char *what) { return hk__fail(j->ctx, HK_ECHECKPOINT, "%s: %s", path, what); }

static int get_int(const hk_file *f, const char *key, int64_t *v) {
    const char *t = hk_file_meta(f, key);
    return !t || hk__parse_int(t, v) || *v < 0 ? -1 : 0;
}

static int get_real(const hk_file *f, const char *key, double *v) {
    const char *t = hk_file_meta(f, key);
    char *end;
    if (!t || !*t) return -1;
    *v = strtod(t, &end);
    return *end || !isfinite(*v) ? -1 : 0;
}

static int get_sums(const hk_file *f, const char *const key[3], hk__sums *s) {
    return get_real(f, key[0], &s->loss) | get_real(f, key[1], &s->correct) | get_int(f, key[2], &s->n);
}

/* Of nan.c. Runs of other policies have none of them. */
static void get_nan(const hk_file *f, hk__nan_state *n, int64_t *skipped, int64_t *updates) {
    if (get_int(f, "hk.nan.bad", &n->bad)) n->bad = 0;
    if (get_int(f, "hk.nan.row", &n->row)) n->row = 0;
    if (get_int(f, "hk.nan.cuts", &n->cuts)) n->cuts = 0;
    if (get_int(f, "hk.nan.updates", updates) | get_int(f, "hk.nan.good", &n->good)) n->good = -1;
    if (get_int(f, "hk.optim.skipped", skipped)) *skipped = 0;
}

/* Opens a file and checks that it is a whole checkpoint. The error text is the context's. */
static hk_status open_checkpoint(hk__job *j, const char *path, hk_file **out, hk__progress_state *d, int64_t *optim_step) {
    static const char *const train[] = { "hk.train.loss", "hk.train.correct", "hk.train.samples" },
                             *const log[] = { "hk.log.loss", "hk.log.correct", "hk.log.samples" };
    hk_status st = hk_file_read(j->ctx, path, out);
    if (st) return st;
    const hk_file *f = *out;
    const char *format = hk_file_meta(f, "hk.format");
    if (!format) st = bad(j, path, "no checkpoint of a training: __metadata__ has no 'hk.format'; `hillock eval` reads files of weights alone");
    else if (strcmp(format, HK__FORMAT)) {
        char text[128];
        snprintf(text, sizeof text, "expected format " HK__FORMAT ", got %.40s: another version of hillock wrote it", format);
        st = bad(j, path, text);
    } else if (!hk_file_meta(f, HK__SEAL_KEY)) st = bad(j, path, "__metadata__ has no '" HK__SEAL_KEY "': the file is damaged");
    else if (get_int(f, "hk.epoch", &d->epoch) | get_int(f, "hk.batch", &d->batch) | get_int(f, "hk.step", &d->step) | get_int(f, "hk.optim.step", optim_step) |
        get_real(f, "hk.best", &d->best) | get_sums(f, train, &d->train) | get_sums(f, log, &d->log) | !hk_file_meta(f, "hk.settings") |
        !hk_file_meta(f, "hk.model"))
        st = bad(j, path, "__metadata__ lacks an entry of a training's checkpoint, or has one that is no number");
    else if (get_real(f, "hk.train.correct5", &d->train.correct5)) d->train.correct5 = d->train.n ? NAN : 0; /* few classes, or an older file */
    if (st) hk_file_free(*out), *out = NULL;
    return st;
}

static hk_status check_run(hk__job *j, const hk_file *f, const char *path, const hk__progress_state *d) {
    hk_status st = hk__settings_compare(j->conf, hk_file_meta(f, "hk.settings"), path);
    if (st) return st;
    char *model = hk__model_text(j);
    if (!model) return hk__conf_fail(j->conf, HK_ENOMEM, "%s: out of memory", path);
    int same = !strcmp(model, hk_file_meta(f, "hk.model"));
    free(model);
    if (!same)
        return hk__conf_fail_key(
            j->conf, HK_ECONFIG, "layers", NULL, "expected the network of %s, got another one: the order of the layers, or a plugin's defaults, changed", path);
    if (d->epoch > hk__conf_int(j->conf, "train", "epochs"))
        return hk__conf_fail_key(j->conf, HK_ECONFIG, "train", "epochs", "expected at least %lld, the epochs that are done in %s, got %lld",
            (long long)d->epoch, path, (long long)hk__conf_int(j->conf, "train", "epochs"));
    return HK_OK;
}

static hk_status load_optimizer(hk__job *j, const hk_file *f, const char *path) {
    for (int k = 0; k < hk_network_n_opt_state(j->net); k++)
        for (int i = 0; i < hk_network_n_param(j->net); i++) {
            const hk_param_info *p = hk_network_param(j->net, i);
            char *name = NULL;
            if (!p->learnable) continue;
            if (asprintf(&name, HK__OPTIM "%s.%s", hk_network_opt_state_name(j->net, k), p->name) < 0)
                return hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
            const hk_tensor *t = hk_file_find(f, name);
            int fits = t && (t->dtype == HK_F32 || t->dtype == HK_F64) && t->rank == p->rank && !memcmp(t->shape, p->shape, (size_t)p->rank * sizeof p->shape[0]);
            hk_status st = fits && t->dtype == HK_F64 ? hk_network_write_opt_state64(j->net, k, i, t->data)
                : fits                                ? hk_network_write_opt_state(j->net, k, i, t->data)
                                : hk__conf_fail(j->conf, HK_ECHECKPOINT, "%s: expected optimizer state '%s' as F32 or F64 in the shape of %s, got %s", path, name,
                                      p->name, t ? "another shape or dtype" : "none");
            free(name);
            if (st) return hk__conf_fail(j->conf, st, "%s: %s", path, hk_error(j->ctx));
        }
    return HK_OK;
}

/* What hooks keep: each its own, and nothing that nobody asks for. */
static hk_status load_kept(hk__job *j, const hk_file *f, const char *path) {
    const hk_trainer *x = j->trainer;
    for (int i = 0; i < x->n_kept; i++) {
        char name[160];
        snprintf(name, sizeof name, HK__HOOKS "%.110s", x->kept[i].name);
        const hk_tensor *t = hk_file_find(f, name);
        if (!t || t->dtype != HK_F64 || t->rank != 1 || t->shape[0] != x->kept[i].n)
            return hk__conf_fail(j->conf, HK_ECHECKPOINT, "%s: entry %s: expected F64 [%d], got %s; resume with the hooks that the run had", path, name, x->kept[i].n,
                t ? "another shape or dtype" : "none");
    }
    for (int i = 0; i < hk_file_n(f); i++) {
        const char *name = hk_file_at(f, i)->name;
        if (strncmp(name, HK__HOOKS, strlen(HK__HOOKS))) continue;
        name += strlen(HK__HOOKS);
        int known = 0;
        for (int k = 0; k < x->n_kept; k++) known |= !strcmp(name, x->kept[k].name);
        if (!known) return hk__conf_fail(j->conf, HK_ECHECKPOINT, "%s: the run had hooks that keep '%s': name them in [hooks] load", path, name);
    }
    for (int i = 0; i < x->n_kept; i++) {
        char name[160];
        snprintf(name, sizeof name, HK__HOOKS "%.110s", x->kept[i].name);
        memcpy(x->kept[i].values, hk_file_find(f, name)->data, (size_t)x->kept[i].n * sizeof(double));
    }
    return HK_OK;
}

/* The newest generation that is whole. *out NULL with HK_OK: there is none at all. */
static hk_status find_auto(hk__job *j, const hk__rundir *dir, hk_file **out, char **path, hk__progress_state *d, int64_t *optim_step, int *fell_back) {
    static const char *const names[] = { HK__LATEST, HK__PREVIOUS };
    char first[1024] = "";
    hk_status st = HK_OK;
    *fell_back = 0;
    for (int g = 0; g < 2; g++) {
        free(*path);
        if (!(*path = hk__rundir_file(dir, names[g]))) return hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
        if (access(*path, F_OK)) continue;
        hk_status one = open_checkpoint(j, *path, out, d, optim_step);
        if (!one) {
            if (g == 0) return HK_OK;
            fprintf(stderr, "hillock: WARNING: %s\nhillock: WARNING: going on from the generation before it, %s, at training step %lld\n",
                first[0] ? first : "checkpoint_latest.safetensors is missing", *path, (long long)d->step);
            *fell_back = 1;
            return HK_OK;
        }
        if (one != HK_ECHECKPOINT && one != HK_EIO) return hk__conf_fail(j->conf, one, "%s", hk_error(j->ctx));
        st = HK_ECHECKPOINT;
        size_t at = strlen(first);
        snprintf(first + at, sizeof first - at, "%s%.480s", at ? "; " : "", hk_error(j->ctx));
    }
    if (!st) return HK_OK;
    return hk__conf_fail(j->conf, st, "%s; no generation is whole: start anew in another folder", first);
}

hk_status hk__restore_open(hk__job *j, const hk__rundir *dir, const char *resume, hk__restored *r) {
    hk_status st = HK_OK;
    *r = (hk__restored){ .done = { .nan.good = -1 } };
    if (strcmp(resume, "auto")) {
        st = open_checkpoint(j, resume, &r->file, &r->done, &r->optim_step);
        if (st) return hk__conf_fail(j->conf, st, "%s", hk_error(j->ctx));
        r->path = strdup(resume);
        if (!r->path) st = hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
    } else if (!dir->path)
        return hk__conf_fail_key(
            j->conf, HK_ECONFIG, "run", "out", "expected the folder of a run, as --out DIR: --resume auto looks there; or name a file, as --resume FILE");
    else st = find_auto(j, dir, &r->file, &r->path, &r->done, &r->optim_step, &r->fell_back);
    if (!st && r->file) st = check_run(j, r->file, r->path, &r->done);
    return !st && r->file ? hk__tune_resume(j, hk_file_meta(r->file, "hk.tune"), r->path) : st;
}

hk_status hk__restore(hk__job *j, hk__progress_state *d, hk__restored *r) {
    int64_t skipped, updates = 0;
    const hk_file *f = r->file;
    if (!f) return HK_OK;
    *d = r->done;
    hk_status st = hk__weights_load(j, f, r->path);
    if (!st) st = load_optimizer(j, f, r->path);
    if (!st) st = load_kept(j, f, r->path);
    if (!st) st = hk__ema_load(j, f, r->path, 1);
    get_nan(f, &d->nan, &skipped, &updates);
    if (!st) hk_network_set_step(j->net, r->optim_step), hk_network_set_skipped(j->net, skipped), st = hk__nan_load(j->nan, f, r->path, updates, d);
    if (!st) r->loaded = 1;
    return st;
}

void hk__restored_free(hk__restored *r) {
    hk_file_free(r->file), free(r->path);
    r->file = NULL, r->path = NULL;
}
