/* command.c - `hillock report RUN`: report.html anew from the files of a run's folder. */
#include "report/report.h"

static int run(const hk__options *o) {
    char why[512];
    if (o->n_arg != 1) {
        fprintf(stderr, "hillock: report: expected the folder of one run, got %d; see hillock report --help\n", o->n_arg);
        return 2;
    }
    hk_status st = hk__report_write(o->arg[0], o->out, why, sizeof why);
    if (st) fprintf(stderr, "hillock: report: %s\n", why);
    else printf("%s%s\n", o->out ? o->out : o->arg[0], o->out ? "" : "/report.html");
    return hk_status_exit_code(st);
}

static const hk__option options[] = {
    HK__OPT_TEXT("out", "FILE", out, "the page to write; default: RUN/report.html"),
    HK__HELP,
};
const hk__command hk__report_command = {
    .name = "report",
    .usage = "report RUN [--out FILE.html]",
    .doc = "write report.html of a run's folder anew: curves, rates, confusion matrix, samples, network, times",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .run = run,
};
