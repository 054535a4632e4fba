/* command.c - `hillock plot`: the curves of runs, or what a network does with test samples. Here: the command line, the files' names. A RUN is the folder of one: its
 * config.ini and newest checkpoint are taken; a CONFIG.ini needs --checkpoint. */
#include "figures/figures.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int hk__plot_error(hk_status st, const char *fmt, ...) {
    va_list args;
    fflush(stdout);
    fprintf(stderr, "hillock: plot: ");
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return hk_status_exit_code(st);
}

static int is_folder(const char *path) {
    struct stat sb;
    return !stat(path, &sb) && S_ISDIR(sb.st_mode);
}

/* ---- where figures go ---- */

static const char *const endings[] = { "png", "svg", "pdf", "gif" };

static int add_format(hk__plot_out *o, const char *text, size_t n, int gif) {
    for (int k = 0; k < (gif ? 4 : 3); k++)
        if (strlen(endings[k]) == n && !strncmp(text, endings[k], n)) {
            for (int i = 0; i < o->n_format; i++)
                if (!strcmp(o->format[i], endings[k])) return 0;
            snprintf(o->format[o->n_format++], sizeof o->format[0], "%s", endings[k]);
            return 0;
        }
    return hk__plot_error(HK_EINVAL, "expected a figure as png, svg or pdf%s, got '%.*s'", gif ? " or gif" : "", (int)n, text);
}

static int make_out(const hk__options *o, const char *format, int gif, const char *folder, hk__plot_out *out) {
    const char *end = o->out ? strrchr(o->out, '.') : NULL;
    int code = 0;
    *out = (hk__plot_out){ .dpi = (int)o->dpi };
    if (o->out && strlen(o->out) >= HK__PLOT_PATH - 64) return hk__plot_error(HK_EINVAL, "--out: the name is too long");
    for (int k = 0; end && k < 4; k++)
        if (!strcmp(end + 1, endings[k]) && !is_folder(o->out)) {
            if (o->format && strcmp(o->format, endings[k])) return hk__plot_error(HK_EINVAL, "--out %s is a %s file, and --format says %s: give one of them", o->out, endings[k], o->format);
            snprintf(out->file, sizeof out->file, "%s", o->out);
            return add_format(out, endings[k], 3, gif);
        }
    snprintf(out->dir, sizeof out->dir, "%.4000s", o->out ? o->out : folder);
    for (const char *p = o->format ? o->format : format; p && *p && !code; p += strcspn(p, ","), p += *p == ',') code = add_format(out, p, strcspn(p, ","), gif);
    if (!code && !out->n_format) code = hk__plot_error(HK_EINVAL, "--format: expected a list as png,svg, got '%s'", o->format);
    return code;
}

int hk__plot_put(const hk__plot_out *o, const char *name, hk__plot_write *write, const void *arg) {
    char path[2 * HK__PLOT_PATH], why[1024] = "";
    if (!o->file[0] && hk__make_folders(o->dir)) return hk__plot_error(HK_EIO, "the folder %s can't be made: %s", o->dir, strerror(errno));
    for (int i = 0; i < o->n_format; i++) {
        if (o->file[0]) snprintf(path, sizeof path, "%s", o->file);
        else snprintf(path, sizeof path, "%s/%s.%s", o->dir, name, o->format[i]);
        hk_status st = write(arg, path, why, sizeof why);
        if (st) return hk__plot_error(st, "%s", why);
        printf("%s\n", path);
    }
    return 0;
}

/* ---- networks ---- */

/* "3" or "3-7" within 0 .. have - 1; without --neurons the first `most`. */
static int choose_neurons(const hk__options *o, const hk__plot_kind *k, int64_t have, int64_t *first, int64_t *n) {
    *first = 0, *n = have < k->most ? have : k->most;
    if (!o->neurons) {
        if (*n < have) fprintf(stderr, "hillock: plot: the first %lld of %lld neurons are drawn; --neurons A-B chooses others\n", (long long)*n, (long long)have);
        return 0;
    }
    char from[32];
    const char *to = strchr(o->neurons, '-');
    int64_t a, b = 0;
    snprintf(from, sizeof from, "%.*s", (int)strcspn(o->neurons, "-"), o->neurons);
    int bad = hk__parse_int(from, &a) != NULL;
    if (to && !bad) bad = hk__parse_int(to + 1, &b) != NULL;
    else b = a;
    if (bad || a < 0 || b < a || b >= have)
        return hk__plot_error(HK_EINVAL, "--neurons: expected A or A-B with numbers from 0 to %lld, the last neuron of the layer, got '%s'", (long long)have - 1, o->neurons);
    *first = a, *n = b - a + 1;
    return 0;
}

static int draw_network(const hk__options *o, const hk__plot_kind *k, const hk__plot_out *out, hk__conf *conf, const char *checkpoint) {
    hk__job *j = NULL;
    hk__seen_layer see = { 0 };
    int64_t first = 0, n = 0, samples = !strcmp(k->name, "encoder") ? (o->samples ? o->samples : 4) : 1;
    const char *state = k->state == HK__PLOT_STATE ? "" : NULL;
    if (o->variable) state = strcmp(o->variable, "y") ? o->variable : NULL;
    hk_status st = hk__job_new(conf, &j);
    if (!st) st = hk__job_open_data(j, HK__TEST_SPLIT);
    if (!st) st = hk__job_network(j);
    if (!st && strcmp(checkpoint, "none")) st = hk__job_load(j, checkpoint);
    if (!st) st = hk__see_layer(j, o->layer, k->layer, state, o->sample, samples, &see);
    int code = st ? hk__report(conf, st) : choose_neurons(o, k, see.elems, &first, &n);
    if (!code) code = k->draw(out, &see, first, n);
    hk__seen_layer_free(&see);
    hk__job_free(j);
    return code;
}

static int plot_network(const hk__options *o, const hk__plot_kind *k, const char *source) {
    char conf_path[HK__PLOT_PATH + 32], checkpoint[HK__PLOT_PATH + 64], figures[HK__PLOT_PATH + 16] = "figures";
    hk__plot_out out;
    int code;
    if (o->variable && k->state == HK__PLOT_NO_STATE) return hk__plot_error(HK_EINVAL, "--variable is for membrane, heatmap and bars3d, not for %s", k->name);
    if (o->variable && !strcmp(o->variable, "y") && !strcmp(k->name, "membrane")) return hk__plot_error(HK_EINVAL, "membrane: expected a state as --variable, got y");
    if (strlen(source) >= HK__PLOT_PATH) return hk__plot_error(HK_EINVAL, "the name is too long");
    snprintf(conf_path, sizeof conf_path, "%s", source);
    if (is_folder(source)) {
        snprintf(conf_path, sizeof conf_path, "%s/config.ini", source);
        snprintf(checkpoint, sizeof checkpoint, "%s/" HK__LATEST, source);
        snprintf(figures, sizeof figures, "%s/figures", source);
        if (access(conf_path, F_OK)) return hk__plot_error(HK_EINVAL, "%s: expected the folder of a run, with a config.ini in it, or a CONFIG.ini", source);
        if (!o->checkpoint && access(checkpoint, F_OK)) return hk__plot_error(HK_ECHECKPOINT, "%s: there is no checkpoint yet; name one with --checkpoint, or none", source);
    } else if (!o->checkpoint) return hk__plot_error(HK_EINVAL, "%s: expected --checkpoint FILE with the network's weights, or --checkpoint none for a network that has not learned", source);
    if (o->checkpoint) snprintf(checkpoint, sizeof checkpoint, "%s", o->checkpoint);
    if ((code = make_out(o, k->format, !strcmp(k->name, "spike-count"), figures, &out))) return code;
    if (out.file[0] && !strcmp(k->name, "encoder")) return hk__plot_error(HK_EINVAL, "--out: expected a folder, since there are several figures, got %s", o->out);
    hk__conf *conf = hk__options_conf(o, &hk__train_schema, conf_path, &code);
    if (!conf) return code;
    code = draw_network(o, k, &out, conf, checkpoint);
    hk__conf_free(conf);
    return code;
}

static int curves(const hk__options *o, int first) {
    char folder[HK__PLOT_PATH + 16];
    hk__plot_out out;
    const int n = o->n_arg - first;
    if (n < 1) return hk__plot_error(HK_EINVAL, "expected the folder of a run; see hillock plot --help");
    if (n > 1 && !o->out) return hk__plot_error(HK_EINVAL, "expected --out DIR or FILE for a figure of %d runs", n);
    snprintf(folder, sizeof folder, "%.4000s/figures", o->arg[first]);
    int code = make_out(o, "png,svg,pdf", 0, folder, &out);
    return code ? code : hk__plot_curves(o, &out, n, o->arg + first);
}

static int run(const hk__options *o) {
    if (!o->n_arg) return hk__plot_error(HK_EINVAL, "expected the folder of a run, or a kind of figure; see hillock plot --help");
    if (!strcmp(o->arg[0], "curves")) return curves(o, 1);
    for (int i = 0; i < hk__n_plot_kind; i++) {
        if (strcmp(o->arg[0], hk__plot_kinds[i].name)) continue;
        if (o->n_arg == 2) return plot_network(o, &hk__plot_kinds[i], o->arg[1]);
        return hk__plot_error(HK_EINVAL, "%s: expected one RUN or CONFIG.ini, got %d", o->arg[0], o->n_arg - 1);
    }
    if (access(o->arg[0], F_OK)) {
        const char *names[16] = { "curves" };
        int n = 1;
        for (int i = 0; i < hk__n_plot_kind; i++) names[n++] = hk__plot_kinds[i].name;
        const char *near = hk__conf_suggest(o->arg[0], names, n);
        return hk__plot_error(HK_EINVAL, "%s is neither the folder of a run nor a kind of figure%s%s%s", o->arg[0], near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    }
    return curves(o, 0);
}

static const hk__option options[] = {
    HK__SET,
    HK__OPT_TEXT("out", "DIR|FILE", out, "folder for the figures, or one file; default: RUN/figures, or figures for a CONFIG.ini"),
    HK__OPT_TEXT("checkpoint", "FILE|none", checkpoint, "the network's weights; default: RUN/checkpoint_latest.safetensors; none: as drawn at the start"),
    HK__OPT_TEXT("layer", "PATH", layer, "the layer to look at; default: the last that spikes, for encoder the first"),
    HK__OPT_INT("sample", "I", sample, 0, INT64_MAX, "which test sample, from 0 (default 0); for encoder the first one"),
    HK__OPT_INT("samples", "N", samples, 1, 64, "for encoder: how many test samples (default 4)"),
    HK__OPT_TEXT("neurons", "A[-B]", neurons, "neurons of the layer, from 0; default: all, or as many as can be seen"),
    HK__OPT_TEXT("variable", "NAME", variable,
        "for heatmap and bars3d: y (output), or a state as v; default: the first state for heatmap, y for bars3d"),
    HK__OPT_TEXT("metric", "NAME,...", metric, "for curves: loss, acc, lr, img_per_s, or any number of metrics.jsonl (default loss,acc)"),
    HK__OPT_TEXT("format", "png,svg,pdf,gif", format, "kinds of files; default: png,svg,pdf for curves, gif for spike-count, else png"),
    HK__OPT_INT("dpi", "N", dpi, 20, 2400, "pixels of an inch (default 144, gif 100)"),
    HK__THREADS,
    HK__HELP,
};
const hk__command hk__plot_command = {
    .name = "plot",
    .usage = "plot [curves] RUN... | KIND RUN|CONFIG.ini [options]",
    .doc = "draw the curves of runs, or what a trained network does with test samples; KIND: encoder, raster, spikes, membrane, heatmap, bars3d, spike-count",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .run = run,
};
