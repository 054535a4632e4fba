/* eval.c - `hillock eval CONFIG.ini --checkpoint FILE`: test loss and accuracy of a network with the weights of a file, by the code
 * that tests during training; with --show also some of the pictures. Any safetensors file with the network's names does; optimizer state in it
 * is passed over; with [train] ema, averages in it are what is tested, as during training. */
#include "command/command.h"
#include "trainer.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names and shapes fit, yet a neuron's constant may differ: that is allowed, and said. */
static void warn_other_model(hk__job *j, const hk_file *f, const char *path) {
    const char *theirs = hk_file_meta(f, "hk.model");
    char *ours = theirs ? hk__model_text(j) : NULL;
    if (ours && strcmp(ours, theirs))
        fprintf(stderr, "hillock: warning: %s was trained with another model:\n  %s\nit is tested with that of %s:\n  %s\n", path, theirs,
            hk__conf_name(j->conf), ours);
    free(ours);
}

hk_status hk__job_load(hk__job *j, const char *path) {
    hk_file *f = NULL;
    hk_status st = hk_file_read(j->ctx, path, &f);
    if (st) return hk__conf_fail(j->conf, st, "%s", hk_error(j->ctx));
    st = hk__weights_load(j, f, path);
    if (!st) st = hk__ema_load(j, f, path, 0);
    if (!st) warn_other_model(j, f, path);
    hk_file_free(f);
    return st;
}

static hk_status eval(hk__conf *conf, const hk__options *o) {
    static const volatile sig_atomic_t never;
    hk__job *j = NULL;
    hk__loader *l = NULL;
    hk__show *show = NULL;
    hk__progress p;
    hk__sums s;
    hk_status st = hk__job_new(conf, &j);
    if (!st) st = hk__job_open_data(j, HK__TEST_SPLIT);
    if (!st) st = hk__job_loader(j, 0, &l);
    if (!st && o->show) st = hk__show_new(j, o->show, l->n, &show);
    if (!st) st = hk__job_network(j);
    if (!st) st = hk__job_load(j, o->checkpoint);
    hk__progress_open(&p, o->quiet);
    if (!st) st = hk__test(j, l, &p, &never, show, NULL, &s);
    if (!st && o->json)
        printf("{\"test_loss\": %.9g, \"test_acc\": %.9g, \"correct\": %.0f, \"samples\": %lld}\n", s.loss / (double)s.n, s.correct / (double)s.n, s.correct,
            (long long)s.n);
    else if (!st) printf("test loss %.6f acc %.4f (%.0f of %lld right)\n", s.loss / (double)s.n, s.correct / (double)s.n, s.correct, (long long)s.n);
    if (!st && show) st = hk__show_print(show, j, stdout, hk__picture_ink(STDOUT_FILENO), hk__term_width(STDOUT_FILENO));
    if (!st && o->ops) {
        hk__loader_start(l, 0);
        st = hk__loader_next(l) ? hk__job_fail_ctx(j, HK_EDATA, "data", "name") : hk__ops_print(j, l);
    }
    hk__show_free(show), hk__loader_free(l), hk__job_free(j);
    return st;
}

static int run(const hk__options *o) {
    int code = 0;
    if (o->n_arg != 1 || (!o->checkpoint && !o->print_config)) {
        fprintf(stderr, "hillock: eval: expected one CONFIG.ini and --checkpoint FILE; see hillock eval --help\n");
        return 2;
    }
    if (o->show && o->json) {
        fprintf(stderr, "hillock: eval: --show draws pictures and --json prints JSON: give one of them\n");
        return 2;
    }
    if (o->ops && o->json) {
        fprintf(stderr, "hillock: eval: --ops prints a table and --json prints JSON: give one of them\n");
        return 2;
    }
    hk__conf *conf = hk__options_conf(o, &hk__train_schema, o->arg[0], &code);
    if (!conf) return code;
    hk_status st = o->print_config ? hk__conf_print(conf, stdout) : eval(conf, o);
    code = st ? hk__report(conf, st) : 0;
    hk__conf_free(conf);
    return code;
}

static const hk__option options[] = {
    HK__SET,
    HK__CHECKPOINT,
    HK__OPT_INT("show", "N", show, 1, HK__SHOW_MAX, "print the first N (1 to 64) test pictures, their class, and the predicted one with its firing rate"),
    HK__THREADS,
    HK__OPS,
    HK__JSON,
    HK__QUIET,
    HK__PRINT_CONFIG,
    HK__HELP,
};
const hk__command hk__eval_command = {
    .name = "eval",
    .usage = "eval CONFIG.ini --checkpoint FILE [options]",
    .doc = "test a network with the weights of a file",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .takes = HK__TAKES_INI | HK__TAKES_KEYS,
    .run = run,
};
