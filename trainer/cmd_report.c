/* cmd_report.c - `hillock report RUN`: report.html anew from the files of a run's folder. */
#include "report/report.h"

int hk__cmd_report(int argc, char **argv) {
    hk__options o;
    char why[512];
    int code = hk__options_parse(argc, argv, HK__CMD_REPORT, &o);
    if (code) return code;
    if (o.help) {
        hk__options_help(HK__CMD_REPORT, stdout);
        return 0;
    }
    if (o.n_arg != 1) {
        fprintf(stderr, "hillock: report: expected the folder of one run, got %d; see hillock report --help\n", o.n_arg);
        return 2;
    }
    hk_status st = hk__report_write(o.arg[0], o.out, why, sizeof why);
    if (st) fprintf(stderr, "hillock: report: %s\n", why);
    else printf("%s%s\n", o.out ? o.out : o.arg[0], o.out ? "" : "/report.html");
    return hk_status_exit_code(st);
}
