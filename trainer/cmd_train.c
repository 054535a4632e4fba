/* cmd_train.c - `hillock train CONFIG.ini`. */
#include "trainer.h"

int hk__cmd_train(int argc, char **argv) {
    hk__options o;
    int code = hk__options_parse(argc, argv, HK__CMD_TRAIN, &o);
    if (code) return code;
    if (o.help) {
        hk__options_help(HK__CMD_TRAIN, stdout);
        return 0;
    }
    if (o.print_config && o.n_arg == 0) {
        hk__schema_template(&hk__train_schema, stdout);
        return 0;
    }
    if (o.n_arg != 1) {
        fprintf(stderr, "hillock: train: expected one CONFIG.ini, got %d; see hillock train --help\n", o.n_arg);
        return 2;
    }
    hk__conf *conf = hk__options_conf(&o, &hk__train_schema, o.arg[0], &code);
    if (!conf) return code;
    hk__job *job = NULL;
    hk_status st = HK_OK;
    if (o.print_config) st = hk__conf_print(conf, stdout);
    else {
        st = hk__job_new(conf, &job);
        if (!st) st = hk__job_open_data(job, HK__TRAIN_SPLIT | HK__TEST_SPLIT);
        if (!st) st = hk__job_network(job);
        hk__train_options t = { hk__conf_opt_text(conf, "run", "out"), o.resume, o.quiet, o.plan, o.profile };
        if (!st) st = hk__train(job, &t);
    }
    code = st ? hk__report(conf, st) : 0;
    hk__job_free(job), hk__conf_free(conf);
    return code;
}
