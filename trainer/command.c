/* command.c - the command line of `hillock`: one table of subcommands, one table of options; help, errors and exit codes.
 * A subcommand is a function in a file of its own (cmd_*.c). */
#include "extend/extend.h"
#include "trainer.h"
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

typedef struct command {
    const char *name;
    unsigned bit;
    const char *usage, *doc;
    int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
    { "train", HK__CMD_TRAIN, "train CONFIG.ini [options]", "train a network; prints loss and accuracy after each epoch", hk__cmd_train },
    { "eval", HK__CMD_EVAL, "eval CONFIG.ini --checkpoint FILE [options]", "test a network with the weights of a file", hk__cmd_eval },
    { "export", HK__CMD_EXPORT, "export weights [CONFIG.ini] --checkpoint FILE --out FILE [options]", "write a checkpoint's model entries alone, under PyTorch's names",
        hk__cmd_export },
    { "plan", HK__CMD_PLAN, "plan CONFIG.ini [options]", "print every operation of the training and the test plan, and their memory", hk__cmd_plan },
    { "bench", HK__CMD_BENCH, "bench NAME|FILE.ini [options]", "time networks, single operations, streaming; names: " HK__BENCH_NAMES, hk__cmd_bench },
    { "plugins", HK__CMD_PLUGINS, "plugins [options]", "list types and the plugins that brought them, and refused files with the reason", hk__cmd_plugins },
    { "new-plugin", HK__CMD_NEW_PLUGIN, "new-plugin KIND NAME [--out DIR]", "write a plugin's project: a working example, its test, Makefile and CMakeLists.txt",
        hk__cmd_new_plugin },
    { "plugin", HK__CMD_PLUGIN, "plugin build FILE.c [--out FILE.so]", "compile a plugin of one file, and load it", hk__cmd_plugin },
    { "lint", HK__CMD_LINT, "lint PLUGIN.so [options]", "check everything about a plugin that can be checked without knowing what it is for", hk__cmd_lint },
    { "catalogue", HK__CMD_CATALOGUE, "catalogue --out DIR", "write a page for each kind of type, with equations, parameters and figures", hk__cmd_catalogue },
    { "sweep", HK__CMD_SWEEP, "sweep CONFIG.ini --set SECTION.KEY=VALUE,VALUE,... --out DIR",
        "train with each combination of the values, each in a folder of its own, and compare them; the same command goes on with what is not done", hk__cmd_sweep },
    { "report", HK__CMD_REPORT, "report RUN [--out FILE.html]", "write report.html of a run's folder anew: curves, rates, confusion matrix, samples, network, times",
        hk__cmd_report },
    { "plot", HK__CMD_PLOT, "plot [curves] RUN... | KIND RUN|CONFIG.ini [options]",
        "draw the curves of runs, or what a trained network does with test samples; KIND: encoder, raster, spikes, membrane, heatmap, bars3d, spike-count", hk__cmd_plot },
    { "doctor", HK__CMD_DOCTOR, "doctor [CONFIG.ini] [options]", "look at processor, plugins, backends and data; exit code 1 when there is a problem", hk__cmd_doctor },
};
#define N_COMMAND ((int)(sizeof commands / sizeof commands[0]))

enum {
    O_SET = 1,
    O_OUT,
    O_THREADS,
    O_BATCH,
    O_CHANNELS,
    O_T,
    O_RATES, O_MEMORY,
    O_PLAN,
    O_PROFILE,
    O_WATCH,
    O_OPS,
    O_FUSE,
    O_CHECKPOINT,
    O_RESUME,
    O_SHOW,
    O_WITH,
    O_SHAPE,
    O_STRICT,
    O_EMA,
    O_ITERS,
    O_QUIET,
    O_JSON,
    O_VERBOSE,
    O_PATH,
    O_PRINT,
    O_LAYER, O_SAMPLE, O_SAMPLES, O_NEURONS, O_VARIABLE, O_METRIC, O_FORMAT, O_DPI,
    O_HELP,
    O_VERSION,
    O_EXTRA = 1000, /* and on: options of extensions */
    O_KEYED = 2000  /* and on: options of command_keys.c */
};
enum { MAX_EXTRA = HK__MAX_EXTRA };
typedef struct option_row {
    const char *name, *arg, *doc;
    int id;
    unsigned commands;
} option_row;
#define ALL (HK__CMD_TRAIN | HK__CMD_PLAN | HK__CMD_PLUGINS | HK__CMD_BENCH | HK__CMD_EVAL | HK__CMD_EXPORT | HK__CMD_DOCTOR | HK__CMD_NEW_PLUGIN | HK__CMD_PLUGIN | HK__CMD_LINT | HK__CMD_CATALOGUE | HK__CMD_REPORT | HK__CMD_SWEEP | HK__CMD_PLOT | HK__CMD_TOP)
#define KEYED (HK__CMD_TRAIN | HK__CMD_PLAN | HK__CMD_EVAL)
#define WITH_CONF (HK__CMD_TRAIN | HK__CMD_PLAN | HK__CMD_BENCH | HK__CMD_EVAL)
static const option_row rows[] = {
    { "set", "SECTION.KEY=VALUE", "put a value over the file's; may be given many times", O_SET, WITH_CONF | HK__CMD_DOCTOR | HK__CMD_PLOT },
    { "set", "SECTION.KEY=VALUE,...", "values to go through; commas in brackets or quotes part nothing, and a value wholly in \"\" is one; several lists: all combinations",
        O_SET, HK__CMD_SWEEP },
    { "out", "DIR", "folder of the sweep: a run's folder for each combination, sweep.csv, sweep.md, sweep.svg", O_OUT, HK__CMD_SWEEP },
    { "out", "DIR", "folder for config.ini, run.json, metrics.jsonl, checkpoints: [run] out", O_OUT, HK__CMD_TRAIN },
    { "out", "FILE", "the file to write", O_OUT, HK__CMD_EXPORT | HK__CMD_PLUGIN },
    { "out", "DIR", "the folder to make; default: NAME", O_OUT, HK__CMD_NEW_PLUGIN },
    { "out", "FILE", "the page to write; default: RUN/report.html", O_OUT, HK__CMD_REPORT },
    { "out", "DIR", "the folder for the pages", O_OUT, HK__CMD_CATALOGUE },
    { "out", "DIR|FILE", "folder for the figures, or one file; default: RUN/figures, or figures for a CONFIG.ini", O_OUT, HK__CMD_PLOT },
    { "resume", "auto|FILE", "go on from a checkpoint, with the bits of a run that never stopped; auto: the newest one in --out, if any", O_RESUME,
        HK__CMD_TRAIN },
    { "checkpoint", "FILE", "safetensors file with the network's weights: a checkpoint, or what PyTorch saved", O_CHECKPOINT, HK__CMD_EVAL | HK__CMD_EXPORT },
    { "checkpoint", "FILE|none", "the network's weights; default: RUN/checkpoint_latest.safetensors; none: as drawn at the start", O_CHECKPOINT, HK__CMD_PLOT },
    { "layer", "PATH", "the layer to look at; default: the last that spikes, for encoder the first", O_LAYER, HK__CMD_PLOT },
    { "sample", "I", "which test sample, from 0 (default 0); for encoder the first one", O_SAMPLE, HK__CMD_PLOT },
    { "samples", "N", "for encoder: how many test samples (default 4)", O_SAMPLES, HK__CMD_PLOT },
    { "neurons", "A[-B]", "neurons of the layer, from 0; default: all, or as many as can be seen", O_NEURONS, HK__CMD_PLOT },
    { "variable", "NAME", "for heatmap and bars3d: y (output), or a state as v; default: the first state for heatmap, y for bars3d", O_VARIABLE, HK__CMD_PLOT },
    { "metric", "NAME,...", "for curves: loss, acc, lr, img_per_s, or any number of metrics.jsonl (default loss,acc)", O_METRIC, HK__CMD_PLOT },
    { "format", "png,svg,pdf,gif", "kinds of files; default: png,svg,pdf for curves, gif for spike-count, else png", O_FORMAT, HK__CMD_PLOT },
    { "dpi", "N", "pixels of an inch (default 144, gif 100)", O_DPI, HK__CMD_PLOT },
    { "show", "N", "print the first N (1 to 64) test pictures, their class, and the predicted one with its firing rate", O_SHOW, HK__CMD_EVAL },
    { "threads", "N", "threads, 0: one per CPU: [run] threads", O_THREADS, WITH_CONF | HK__CMD_SWEEP | HK__CMD_PLOT },
    { "batch", "B", "samples of a step: [train] batch", O_BATCH, HK__CMD_BENCH },
    { "channels", "C", "[model] channels", O_CHANNELS, HK__CMD_BENCH },
    { "T", "T", "time steps: [model] T", O_T, HK__CMD_BENCH },
    { "rates", NULL, "print the firing rate of each spiking layer on the batch", O_RATES, HK__CMD_BENCH },
    { "profile", NULL, "measure each operation and print a table at the end; train writes trace.json (chrome://tracing) into --out too", O_PROFILE,
        HK__CMD_TRAIN | HK__CMD_BENCH },
    { "ops", NULL, "print what each layer's products cost for one sample: MACs if dense, and synaptic operations by the measured rate of its inputs", O_OPS,
        HK__CMD_BENCH | HK__CMD_EVAL },
    { "fuse-conv-bn", NULL, "write the weights of the network of CONFIG.ini without its batch normalisations: each becomes part of the convolution right before it", O_FUSE, HK__CMD_EXPORT },
    { "watch", NULL, "firing rates and gradient norms as it trains, warnings of dead and saturated layers: [run] watch", O_WATCH, HK__CMD_TRAIN },
    { "memory", NULL, "print what the training plan was to take and what the process took", O_MEMORY, HK__CMD_BENCH },
    { "plan", NULL, "print the plans too", O_PLAN, HK__CMD_BENCH | HK__CMD_TRAIN },
    { "iters", "N", "steps that are timed, after one that is not (default 5)", O_ITERS, HK__CMD_BENCH },
    { "path", "DIRS", "more folders or files of plugins, ':' between: [plugins] path", O_PATH, HK__CMD_PLUGINS | HK__CMD_DOCTOR | HK__CMD_CATALOGUE },
    { "json", NULL, "print JSON", O_JSON, HK__CMD_PLUGINS | HK__CMD_DOCTOR | HK__CMD_BENCH | HK__CMD_EVAL | HK__CMD_LINT },
    { "with", "TEXT", "constructor text of a network to run, for types whose fields have no defaults", O_WITH, HK__CMD_LINT },
    { "shape", "D,D,...", "shape of one sample for it, as 4,28,28", O_SHAPE, HK__CMD_LINT },
    { "strict", NULL, "warnings count as failures", O_STRICT, HK__CMD_LINT },
    { "ema", NULL, "the averages of parameters ([train] ema) in place of the parameters", O_EMA, HK__CMD_EXPORT },
    { "verbose", NULL, "print what each type does, and its fields", O_VERBOSE, HK__CMD_PLUGINS },
    { "quiet", NULL, "print errors only", O_QUIET, HK__CMD_TRAIN | HK__CMD_EVAL | HK__CMD_SWEEP },
    { "print-config", NULL, "print the resolved configuration (without a file: all keys with their defaults) and stop", O_PRINT, WITH_CONF | HK__CMD_TOP },
    { "help", NULL, "print this text and stop", O_HELP, ALL },
    { "version", NULL, "print the version and stop", O_VERSION, HK__CMD_TOP },
};
#define N_ROW ((int)(sizeof rows / sizeof rows[0]))

/* ---- what extends the Trainer of this command line ---- */

static const hk_trainer_hooks *program; /* of hk_trainer_main */
static hk_trainer *extended;            /* until a configuration takes it over; one command line at a time */

void hk__option_name(const char *key, char *name, size_t size) {
    snprintf(name, size, "%s", key);
    for (char *p = name; *p; p++)
        if (*p == '_') *p = '-';
}

int hk__option_taken(const char *name) {
    for (int i = 0; i < N_ROW; i++)
        if (!strcmp(rows[i].name, name)) return 1;
    for (int i = 0; hk__key_option_name(i); i++)
        if (!strcmp(hk__key_option_name(i), name)) return 1;
    return 0;
}

static void extended_help(FILE *f) {
    if (!extended || extended->n_key < 2) return;
    fprintf(f, "\noptions of %s, keys of [hooks]:\n", extended->loaded[0] ? extended->loaded : "this program");
    for (int i = 1; i < extended->n_key; i++) {
        char left[80], name[64];
        hk__option_name(extended->key[i].name, name, sizeof name);
        snprintf(left, sizeof left, "--%s V", name);
        fprintf(f, "  %-24s %s (default %s)\n", left, extended->key[i].doc, extended->key[i].def);
    }
}

void hk__options_help(unsigned cmd, FILE *f) {
    if (cmd == HK__CMD_TOP) {
        fprintf(f, "hillock %s - spiking neural networks in C, by plugins\n\nusage:\n", hk_version());
        for (int i = 0; i < N_COMMAND; i++) fprintf(f, "  hillock %s\n      %s\n", commands[i].usage, commands[i].doc);
    } else
        for (int i = 0; i < N_COMMAND; i++)
            if (commands[i].bit == cmd) fprintf(f, "usage: hillock %s\n%s\n", commands[i].usage, commands[i].doc);
    fprintf(f, "\noptions:\n");
    for (int i = 0; i < N_ROW; i++) {
        if (!(rows[i].commands & cmd)) continue;
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].arg ? " " : "", rows[i].arg ? rows[i].arg : "");
        fprintf(f, "  %-24s %s\n", left, rows[i].doc);
    }
    if (cmd & KEYED) hk__key_options_help(f);
    if (cmd & WITH_CONF) extended_help(f);
    if (cmd == HK__CMD_TOP) fprintf(f, "\n'hillock train --help' lists every key of the ini file.\n");
    if (cmd & WITH_CONF) {
        fprintf(f, "\nkeys of the ini file:\n");
        hk__schema_help(extended ? &extended->schema : &hk__train_schema, f);
    }
    fprintf(f, "\nexit codes: 0 ok, 1 run time, 2 usage or configuration, 3 data, 4 plugin, 5 checkpoint, 75 interrupted\n");
}

static int usage_error(const char *what, const char *got, const char *near) {
    fprintf(stderr, "hillock: %s '%s'%s%s%s; see hillock --help\n", what, got, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return 2;
}

static int unknown_option(const char *arg, unsigned cmd) {
    const char *names[N_ROW + MAX_EXTRA + HK__MAX_KEY_OPTION];
    char word[64], extra[MAX_EXTRA][64];
    int n = 0;
    for (int i = 0; i < N_ROW; i++)
        if (rows[i].commands & cmd) names[n++] = rows[i].name;
    for (int i = 0; cmd & KEYED && hk__key_option_name(i); i++) names[n++] = hk__key_option_name(i);
    for (int i = 1; extended && i < extended->n_key && i < MAX_EXTRA; i++) {
        hk__option_name(extended->key[i].name, extra[i], sizeof extra[i]);
        names[n++] = extra[i];
    }
    snprintf(word, sizeof word, "%.*s", (int)strcspn(arg + strspn(arg, "-"), "="), arg + strspn(arg, "-"));
    const char *near = hk__conf_suggest(word, names, n);
    char with[64];
    if (near) snprintf(with, sizeof with, "--%s", near);
    return usage_error("unknown option", arg, near ? with : NULL);
}

static int parse(int argc, char **argv, unsigned cmd, hk__options *o) {
    struct option longs[N_ROW + MAX_EXTRA + HK__MAX_KEY_OPTION + 1];
    char extra[MAX_EXTRA][64];
    int n = 0, id;
    memset(o, 0, sizeof *o);
    memset(longs, 0, sizeof longs);
    o->iters = 5;
    hk__trainer_free(extended), extended = NULL;
    if (cmd & (WITH_CONF | HK__CMD_DOCTOR)) {
        const int code = hk__trainer_scan(argc, argv, program, &extended);
        if (code) return code;
    }
    for (int i = 1; extended && i < extended->n_key && i < MAX_EXTRA; i++) {
        hk__option_name(extended->key[i].name, extra[i], sizeof extra[i]);
        longs[n++] = (struct option){ extra[i], required_argument, NULL, O_EXTRA + i };
    }
    for (int i = 0; i < N_ROW; i++)
        if (rows[i].commands & cmd) longs[n++] = (struct option){ rows[i].name, rows[i].arg ? required_argument : no_argument, NULL, rows[i].id };
    if (cmd & KEYED) n += hk__key_options(longs + n, O_KEYED);
    opterr = 0, optind = 0; /* 0: GNU getopt starts anew */
    while ((id = getopt_long(argc, argv, cmd & KEYED ? ":T:b:j:" : ":", longs, NULL)) != -1) {
        switch (id) {
        case O_SET:
            if (o->n_set == HK__MAX_SET) return usage_error("too many --set, at", optarg, NULL);
            o->set[o->n_set++] = optarg;
            break;
        case O_OUT: o->out = optarg; break;
        case O_THREADS: o->threads = optarg; break;
        case O_BATCH: o->batch = optarg; break;
        case O_CHANNELS: o->channels = optarg; break;
        case O_T: o->T = optarg; break;
        case O_RATES: o->rates = 1; break;
        case O_PLAN: o->plan = 1; break;
        case O_PROFILE: o->profile = 1; break;
        case O_OPS: o->ops = 1; break;
        case O_FUSE: o->fuse_conv_bn = 1; break;
        case O_WATCH: o->watch = 1; break;
        case O_MEMORY: o->memory = 1; break;
        case O_CHECKPOINT: o->checkpoint = optarg; break;
        case O_RESUME: o->resume = optarg; break;
        case O_PATH: o->plugin_path = optarg; break;
        case O_ITERS:
            o->iters_given = 1;
            if (hk__parse_int(optarg, &o->iters) || o->iters < 1 || o->iters > 1000000)
                return usage_error("--iters: expected an integer from 1 to 1000000, got", optarg, NULL);
            break;
        case O_SHOW:
            if (hk__parse_int(optarg, &o->show) || o->show < 1 || o->show > HK__SHOW_MAX)
                return usage_error("--show: expected an integer from 1 to 64, got", optarg, NULL);
            break;
        case O_LAYER: o->layer = optarg; break;
        case O_NEURONS: o->neurons = optarg; break;
        case O_VARIABLE: o->variable = optarg; break;
        case O_METRIC: o->metric = optarg; break;
        case O_FORMAT: o->format = optarg; break;
        case O_SAMPLE:
            if (hk__parse_int(optarg, &o->sample) || o->sample < 0) return usage_error("--sample: expected an integer from 0 on, got", optarg, NULL);
            break;
        case O_SAMPLES:
            if (hk__parse_int(optarg, &o->samples) || o->samples < 1 || o->samples > 64) return usage_error("--samples: expected an integer from 1 to 64, got", optarg, NULL);
            break;
        case O_DPI:
            if (hk__parse_int(optarg, &o->dpi) || o->dpi < 20 || o->dpi > 2400) return usage_error("--dpi: expected an integer from 20 to 2400, got", optarg, NULL);
            break;
        case O_WITH: o->with = optarg; break;
        case O_SHAPE: o->shape = optarg; break;
        case O_STRICT: o->strict = 1; break;
        case O_EMA: o->ema = 1; break;
        case O_QUIET: o->quiet = 1; break;
        case O_JSON: o->json = 1; break;
        case O_VERBOSE: o->verbose = 1; break;
        case O_PRINT: o->print_config = 1; break;
        case O_HELP: o->help = 1; break;
        case O_VERSION: o->version = 1; break;
        case O_EXTRA + 1 ... O_EXTRA + MAX_EXTRA - 1: o->extra[id - O_EXTRA] = optarg; break;
        case O_KEYED ... O_KEYED + HK__MAX_KEY_OPTION - 1: o->keyed[id - O_KEYED] = optarg ? optarg : ""; break;
        case 'T':
        case 'b':
        case 'j': o->keyed[hk__key_option_letter(id)] = optarg; break;
        case ':': return usage_error("a value is missing behind", argv[optind - 1], NULL);
        default: return unknown_option(argv[optind - 1], cmd);
        }
    }
    for (; optind < argc; optind++) {
        if (o->n_arg == (int)(sizeof o->arg / sizeof o->arg[0])) return usage_error("too many arguments, at", argv[optind], NULL);
        o->arg[o->n_arg++] = argv[optind];
    }
    return 0;
}

/* What *o points to is argv's text: words that get a second dash have no value in them. */
int hk__options_parse(int argc, char **argv, unsigned cmd, hk__options *o) {
    if (!(cmd & KEYED)) return parse(argc, argv, cmd, o);
    char **line = hk__key_options_dashes(argc, argv);
    const int code = parse(argc, line ? line : argv, cmd, o);
    hk__key_options_free(argc, line);
    return code;
}

int hk__report(const hk__conf *c, hk_status st) {
    const char *text = c ? hk__conf_error(c) : "";
    fflush(stdout);
    fprintf(stderr, "hillock: %s\n", text[0] ? text : hk_status_text(st));
    return hk_status_exit_code(st);
}

hk__conf *hk__options_conf(const hk__options *o, const hk__schema *schema, const char *path, int *code) {
    hk_trainer *t = schema == &hk__train_schema ? extended : NULL;
    hk__conf *c = hk__conf_new(t ? &t->schema : schema);
    if (!c) {
        *code = hk__report(NULL, HK_ENOMEM);
        return NULL;
    }
    if (t) hk__trainer_attach(t, c), extended = NULL;
    hk_status st = hk__conf_load(c, path);
    for (int i = 0; i < o->n_set && !st; i++) st = hk__conf_set(c, o->set[i]);
    for (int i = 1; t && i < t->n_key && i < MAX_EXTRA && !st; i++) {
        char where[80];
        hk__option_name(t->key[i].name, where + 2, sizeof where - 2), where[0] = where[1] = '-';
        if (o->extra[i]) st = hk__conf_override(c, where, "hooks", t->key[i].name, o->extra[i]);
    }
    if (!st && o->threads) st = hk__conf_override(c, "--threads", "run", "threads", o->threads);
    if (!st && o->out) st = hk__conf_override(c, "--out", "run", "out", o->out);
    if (!st && o->watch) st = hk__conf_override(c, "--watch", "run", "watch", "on");
    if (!st && o->batch) st = hk__conf_override(c, "--batch", "train", "batch", o->batch);
    if (!st && o->channels) st = hk__conf_override(c, "--channels", "model", "channels", o->channels);
    if (!st && o->T) st = hk__conf_override(c, "--T", "model", "T", o->T);
    if (!st) st = hk__key_options_set(o->keyed, c);
    if (!st) st = hk__conf_check(c);
    if (!st) return c;
    *code = hk__report(c, st);
    hk__conf_free(c);
    return NULL;
}

static int dispatch(int argc, char **argv) {
    if (argc > 1 && argv[1][0] != '-') {
        const char *names[N_COMMAND];
        for (int i = 0; i < N_COMMAND; i++) {
            if (!strcmp(argv[1], commands[i].name)) return commands[i].run(argc - 1, argv + 1);
            names[i] = commands[i].name;
        }
        return usage_error("unknown command", argv[1], hk__conf_suggest(argv[1], names, N_COMMAND));
    }
    hk__options o;
    int code = hk__options_parse(argc, argv, HK__CMD_TOP, &o);
    if (code) return code;
    if (o.n_arg) return usage_error("options of a command come behind it: unexpected", o.arg[0], NULL);
    if (o.version) printf("hillock %s\n", hk_version());
    else if (o.print_config) hk__schema_template(&hk__train_schema, stdout);
    else hk__options_help(HK__CMD_TOP, o.help ? stdout : stderr);
    return o.version || o.print_config || o.help ? 0 : 2;
}

int hk_trainer_main(int argc, char **argv, const hk_trainer_hooks *hooks) {
    static const char *const words[] = { "train", "eval", "plan" };
    hk_trainer_hooks table = HK_TRAINER_HOOKS_DEFAULT;
    if (hooks) memcpy(&table, hooks, hooks->struct_size < sizeof table ? hooks->struct_size : sizeof table);
    table.struct_size = (uint32_t)sizeof table;
    int named = 0;
    for (int i = 0; i < 3; i++) named |= argc > 1 && !strcmp(argv[1], words[i]);
    char **line = calloc((size_t)argc + 2, sizeof *line);
    if (!line) return hk__report(NULL, HK_ENOMEM);
    static char train[] = "train";
    memcpy(line, argv, (size_t)argc * sizeof *line);
    if (!named && argc > 0) memmove(line + 2, argv + 1, (size_t)argc * sizeof *line), line[1] = train, argc++;
    program = &table;
    int code = hk_main(argc, line);
    hk__trainer_free(extended), extended = NULL, program = NULL;
    free(line);
    return code;
}

int hk_main(int argc, char **argv) {
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), old = c ? uselocale(c) : (locale_t)0; /* numbers are printed with a point */
    struct sigaction ignore = { .sa_handler = SIG_IGN }, xfsz;
    sigaction(SIGXFSZ, &ignore, &xfsz); /* a file that grows beyond a limit is an error of its write, not the end of the process */
    int code = dispatch(argc, argv);
    sigaction(SIGXFSZ, &xfsz, NULL);
    if (fflush(stdout) && !code) {
        perror("hillock: standard output");
        code = 1;
    }
    if (c) uselocale(old), freelocale(c);
    return code;
}
