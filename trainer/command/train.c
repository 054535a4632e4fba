/* train.c - `hillock train CONFIG.ini`. */
#include "command/command.h"
#include "trainer.h"

static int run(const hk__options *o) {
    int code = 0;
    if (o->print_config && o->n_arg == 0) {
        hk__schema_template(&hk__train_schema, stdout);
        return 0;
    }
    if (o->n_arg != 1) {
        fprintf(stderr, "hillock: train: expected one CONFIG.ini, got %d; see hillock train --help\n", o->n_arg);
        return 2;
    }
    hk__conf *conf = hk__options_conf(o, &hk__train_schema, o->arg[0], &code);
    if (!conf) return code;
    hk__job *job = NULL;
    hk_status st = HK_OK;
    if (o->print_config) st = hk__conf_print(conf, stdout);
    else {
        st = hk__job_new(conf, &job);
        if (!st) st = hk__job_open_data(job, HK__TRAIN_SPLIT | HK__TEST_SPLIT);
        if (!st) st = hk__job_network(job);
        hk__train_options t = { hk__conf_opt_text(conf, "run", "out"), o->resume, o->quiet, o->plan, o->profile };
        if (!st) st = hk__train(job, &t);
    }
    code = st ? hk__report(conf, st) : 0;
    hk__job_free(job), hk__conf_free(conf);
    return code;
}

static const hk__option options[] = {
    HK__SET,
    HK__OPT_KEY("out", "DIR", out, "run", "out", "folder for config.ini, run.json, metrics.jsonl, checkpoints: [run] out"),
    HK__OPT_TEXT("resume", "auto|FILE", resume, "go on from a checkpoint, with the bits of a run that never stopped; auto: the newest one in --out, if any"),
    HK__THREADS,
    HK__PROFILE,
    HK__OPT_KEY_ON("watch", watch, "run", "watch", "firing rates and gradient norms as it trains, warnings of dead and saturated layers: [run] watch"),
    HK__PLANS,
    HK__QUIET,
    HK__PRINT_CONFIG,
    HK__HELP,
};
const hk__command hk__train_command = {
    .name = "train",
    .usage = "train CONFIG.ini [options]",
    .doc = "train a network; prints loss and accuracy after each epoch",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .takes = HK__TAKES_INI | HK__TAKES_KEYS,
    .run = run,
};
