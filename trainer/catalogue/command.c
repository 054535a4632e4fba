/* command.c - `hillock catalogue --out DIR`: a page for each kind of type, with what the types themselves say: equation, source, parameters with defaults and ranges,
 * and a figure where there is something to see. docs/catalogue is written by it. */
#include "catalogue/catalogue.h"
#include "command/command.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct page {
    const char *file, *title, *about, *iface;
    uint32_t role; /* of hk.module/1; 0: none */
} page;
static const page pages[] = {
    { "neurons", "Neurons", "Each figure is the answer to a step current, with the defaults (what has none is filled in).", "hk.neuron/1", HK_NEURON },
    { "surrogates", "Surrogates", "What stands in for the derivative of the step, and the function it is the derivative of where there is one.",
        "hk.surrogate/1", 0 },
    { "layers", "Layers", "", "", HK_LAYER },
    { "containers", "Containers", "Modules around modules.", "", HK_CONTAINER },
    { "encoders", "Encoders", "Numbers to spikes.", "", HK_ENCODER },
    { "losses", "Losses", "", "", HK_LOSS },
    { "learners", "Learners", "Rules that give a parameter's gradient in place of backpropagation.", "hk.learner/1", 0 },
    { "operations", "Operations", "Operations that plugins bring, and that their layers are made of; the core's are in include/hillock/ops.h.", "hk.op/1", 0 },
    { "optimizers", "Optimizers", "", "hk.optimizer/1", 0 },
    { "schedulers", "Schedulers", "Learning rates over 40 epochs from 0.1 on.", "hk.scheduler/1", 0 },
    { "datasets", "Data sets", "", "hk.dataset/1", 0 },
    { "backends", "Backends", "", "hk.backend/1", 0 },
};
enum { N_PAGE = sizeof pages / sizeof *pages };

typedef struct writer {
    hk_context *ctx;
    const page *page;
    const char *dir;
    FILE *f, *index;
    int n, n_figure;
    hk_status st;
    char why[9000];
} writer;

static bool belongs(const page *p, const char *iface, const void *vt) {
    if (!strcmp(iface, "hk.module/1")) return p->role && ((const hk_module_type *)vt)->role == p->role;
    return !strcmp(iface, p->iface);
}

/* In a cell of a table, `|` would end it. */
static void cell(FILE *f, const char *s) {
    for (; s && *s; s++) fputs(*s == '|' ? "\\|" : (char[]){ *s, 0 }, f);
}

static void field_row(FILE *f, const hk_field *x) {
    fprintf(f, "| `%s` | ", x->name);
    if (x->def) fprintf(f, "`%s`", x->def);
    else fputs("required", f);
    fputs(" | ", f);
    if (x->kind == HK_ENUM) cell(f, x->choices);
    else if (x->kind == HK_OBJECT) fprintf(f, "%s", x->choices);
    else if (x->kind == HK_BOOL) fputs("true, false", f);
    else if (x->lo != x->hi && isinf(x->hi)) fprintf(f, "%g or more", x->lo);
    else if (x->lo != x->hi) fprintf(f, "%g to %g", x->lo, x->hi);
    if (x->flags & HK_NULLABLE) fputs(x->kind == HK_ENUM || x->lo != x->hi ? ", none" : "or none", f);
    fputs(" | ", f);
    cell(f, x->doc);
    fputs(" |\n", f);
}

static void write_type(void *arg, const char *iface, const char *id, const char *plugin, const void *vt) {
    writer *w = arg;
    char path[8192], name[160];
    (void)plugin;
    if (w->st || !belongs(w->page, iface, vt)) return;
    const hk__type_doc t = hk__type_doc_of(iface, vt);
    w->n++;
    fprintf(w->f, "\n## %s\n\n%s\n", id, t.doc ? t.doc : "");
    if (t.source && t.source[0]) fprintf(w->f, "\nSource: %s\n", t.source);
    if (t.n_fields) fputs("\n| parameter | default | range | meaning |\n|---|---|---|---|\n", w->f);
    for (uint32_t i = 0; i < t.n_fields; i++) field_row(w->f, &t.fields[i]);
    if (!strcmp(iface, "hk.neuron/1")) {
        const hk_neuron_type *n = vt;
        for (uint32_t i = 0; i < n->n_state; i++)
            fprintf(w->f, "%s`%s`, %s, at first %s", i ? "; " : "\nStates: ", n->states[i].name, n->states[i].doc ? n->states[i].doc : "",
                n->states[i].def ? n->states[i].def : "0");
        if (n->n_state) fputs(".\n", w->f);
    }
    snprintf(name, sizeof name, "%s_%s.png", w->page->file, id);
    snprintf(path, sizeof path, "%s/figures/%s", w->dir, name);
    hk_status st = hk__catalogue_figure(w->ctx, iface, id, vt, path, w->why, sizeof w->why);
    if (!st) fprintf(w->f, "\n![%s](figures/%s)\n", id, name), w->n_figure++;
    else if (st != HK_ENOTFOUND) w->st = st;
}

static hk_status write_page(writer *w) {
    char path[8192];
    snprintf(path, sizeof path, "%s/%s.md", w->dir, w->page->file);
    w->f = fopen(path, "we");
    if (!w->f) return snprintf(w->why, sizeof w->why, "%s: %s", path, strerror(errno)), HK_EIO;
    w->n = 0;
    fprintf(w->f, "# %s\n\nWritten by `hillock catalogue`, from what the types say of themselves.%s%s\n", w->page->title, w->page->about[0] ? " " : "",
        w->page->about);
    hk_type_each(w->ctx, NULL, write_type, w);
    fprintf(w->index, "| [%s](%s.md) | %d |\n", w->page->title, w->page->file, w->n);
    if (fclose(w->f) && !w->st) w->st = HK_EIO, snprintf(w->why, sizeof w->why, "%s: %s", path, strerror(errno));
    return w->st;
}

static int write_all(hk_context *ctx, const char *dir) {
    writer w = { .ctx = ctx, .dir = dir };
    char path[8192];
    int n = 0;
    snprintf(path, sizeof path, "%s/figures", dir);
    if ((mkdir(dir, 0777) && errno != EEXIST) || (mkdir(path, 0777) && errno != EEXIST))
        w.st = HK_EIO, snprintf(w.why, sizeof w.why, "%s: %s", dir, strerror(errno));
    snprintf(path, sizeof path, "%s/README.md", dir);
    if (!w.st && !(w.index = fopen(path, "we"))) w.st = HK_EIO, snprintf(w.why, sizeof w.why, "%s: %s", path, strerror(errno));
    if (w.index)
        fputs("# Every type there is\n\nWritten by `hillock catalogue --out docs/catalogue`; `hillock plugins --json` has the same as data.\n\n| kind | types "
              "|\n|---|---|\n",
            w.index);
    for (int i = 0; i < N_PAGE && !w.st; i++) w.page = &pages[i], w.st = write_page(&w), n += w.n;
    if (w.index && fclose(w.index) && !w.st) w.st = HK_EIO;
    if (w.st) fprintf(stderr, "hillock: catalogue: %s\n", w.why[0] ? w.why : hk_status_text(w.st));
    else printf("%s: %d types on %d pages, %d figures\n", dir, n, N_PAGE, w.n_figure);
    return w.st ? hk_status_exit_code(w.st) : 0;
}

static int run(const hk__options *o) {
    int code = 0;
    if (o->n_arg || !o->out) {
        fprintf(stderr, "hillock: catalogue: expected --out DIR and nothing else; see hillock catalogue --help\n");
        return 2;
    }
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    hk_context *ctx = NULL;
    cc.plugin_path = o->plugin_path, cc.log_level = 0;
    hk_status st = hk_context_new(&cc, &ctx);
    if (st) fprintf(stderr, "hillock: catalogue: %s\n", ctx && hk_error(ctx)[0] ? hk_error(ctx) : hk_status_text(st));
    code = st ? hk_status_exit_code(st) : write_all(ctx, o->out);
    hk_context_free(ctx);
    return code;
}

static const hk__option options[] = {
    HK__OPT_TEXT("out", "DIR", out, "the folder for the pages"),
    HK__PLUGIN_PATH,
    HK__HELP,
};
const hk__command hk__catalogue_command = {
    .name = "catalogue",
    .usage = "catalogue --out DIR",
    .doc = "write a page for each kind of type, with equations, parameters and figures",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .run = run,
};
