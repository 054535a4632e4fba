/* plan.c - `hillock plan CONFIG.ini`: the plans that train would run, printed. Reads the data's shape, runs nothing. */
#include "command/command.h"
#include "trainer.h"

static hk_status print_plan(hk__job *j, hk_executor *ex, const char *title) {
    printf("%s plan\n", title);
    hk_status st = hk_executor_print(ex, stdout);
    return st ? hk__job_fail_ctx(j, st, "model", "type") : HK_OK;
}

hk_status hk__plans_print(hk__job *j) {
    hk_status st = print_plan(j, j->train, "training");
    if (!st) putchar('\n');
    return st ? st : print_plan(j, j->infer, "test");
}

static int run(const hk__options *o) {
    int code = 0;
    if (o->n_arg != 1) {
        fprintf(stderr, "hillock: plan: expected one CONFIG.ini, got %d; see hillock plan --help\n", o->n_arg);
        return 2;
    }
    hk__conf *conf = hk__options_conf(o, &hk__train_schema, o->arg[0], &code);
    if (!conf) return code;
    hk__job *job = NULL;
    hk_status st = HK_OK;
    if (o->print_config) st = hk__conf_print(conf, stdout);
    else {
        st = hk__job_new(conf, &job);
        if (!st) st = hk__job_open_data(job, HK__TRAIN_SPLIT);
        if (!st) st = hk__job_network(job);
        if (!st) hk__nan_hold(job);
        if (!st) st = hk__job_shape(job, job->train, job->batch);
        if (!st) st = hk__job_shape(job, job->infer, job->test_batch);
        if (!st) st = hk__tune_check(job);
        if (!st) st = hk__plans_print(job);
    }
    code = st ? hk__report(conf, st) : 0;
    hk__job_free(job), hk__conf_free(conf);
    return code;
}

static const hk__option options[] = {
    HK__SET,
    HK__THREADS,
    HK__PRINT_CONFIG,
    HK__HELP,
};
const hk__command hk__plan_command = {
    .name = "plan",
    .usage = "plan CONFIG.ini [options]",
    .doc = "print every operation of the training and the test plan, and their memory",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .takes = HK__TAKES_INI | HK__TAKES_KEYS,
    .run = run,
};
