/* command.c - `hillock doctor [CONFIG.ini]`: is this machine and this installation fit to train? The exit code is 1 when there is a
 * problem: something that was asked for and does not work, or that would give wrong numbers or lost time. */
#include "doctor/doctor.h"
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const isa_names[] = { "baseline", "avx2", "avx512" }; /* hk_isa */
const char *hk__isa_name(uint32_t level) { return level < sizeof isa_names / sizeof isa_names[0] ? isa_names[level] : "?"; }

void hk__doctor_add(hk__doctor *d, const char *section, const char *key, hk__finding finding, const char *fmt, ...) {
    hk__doctor_row r = { section, strdup(key), NULL, finding }, *grown = realloc(d->row, (size_t)(d->n + 1) * sizeof *grown);
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&r.text, fmt, ap) < 0) r.text = NULL;
    va_end(ap);
    if (grown) d->row = grown;
    d->n_problem += finding == HK__PROBLEM;
    if (!grown || !r.key || !r.text) {
        free(r.key), free(r.text);
        d->out_of_memory = true;
        return;
    }
    d->row[d->n++] = r;
}

static void print_text(const hk__doctor *d) {
    static const char *const mark[] = { " ", " ", "!" };
    const char *section = "";
    int problems = d->n_problem;
    printf("hillock %s\n", hk_version());
    for (int i = 0; i < d->n; i++) {
        const hk__doctor_row *r = &d->row[i];
        if (strcmp(section, r->section)) printf("\n%s\n", section = r->section);
        printf("%s %-16s %s\n", mark[r->finding], r->key, r->text);
    }
    if (problems) printf("\n%d problem%s\n", problems, problems == 1 ? "" : "s");
    else printf("\nno problem found\n");
}

static json_t *string(const char *s) {
    json_t *v = json_string(s);
    return v ? v : json_string("(a name that is no UTF-8)");
}

static int print_json(const hk__doctor *d) {
    static const char *const finding[] = { "ok", "note", "problem" };
    json_t *rows = json_array();
    for (int i = 0; i < d->n; i++)
        json_array_append_new(rows, json_pack("{s:s, s:o, s:o, s:s}", "section", d->row[i].section, "key", string(d->row[i].key), "text", string(d->row[i].text),
            "finding", finding[d->row[i].finding]));
    json_t *all = json_pack("{s:s, s:i, s:o}", "hillock", hk_version(), "problems", d->n_problem, "rows", rows);
    int bad = !all || json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
    return bad;
}

/* The context that a training with this configuration would have; a named plugin that fails is a finding and no reason to stop. */
static void make_context(hk__doctor *d) {
    hk_context_config cc = HK_CONTEXT_CONFIG_DEFAULT;
    hk_context *bare = NULL;
    cc.no_default_plugins = 1;
    if (hk_context_new(&cc, &bare) == HK_OK) d->found_isa = hk_context_isa(bare);
    hk_context_free(bare);
    cc.no_default_plugins = 0, cc.plugin_path = d->plugin_path, cc.max_isa = d->max_isa, cc.log_level = 0;
    d->ctx_status = hk_context_new(&cc, &d->ctx);
}

static int doctor(const hk__options *o, const hk__conf *conf) {
    static const uint32_t isa[] = { HK_ISA_BASELINE, HK_ISA_AVX2, HK_ISA_AVX512 }; /* as "baseline|avx2|avx512" in schema.c */
    hk__doctor d = { .max_isa = HK_ISA_AVX512, .plugin_path = o->plugin_path };
    if (conf) {
        d.max_isa = isa[hk__conf_int(conf, "run", "max_isa")];
        d.threads = (int)hk__conf_int(conf, "run", "threads");
        if (!d.plugin_path) d.plugin_path = hk__conf_opt_text(conf, "plugins", "path");
        d.backend = hk__conf_text(conf, "backend", "name");
        d.data = hk__conf_text(conf, "data", "name");
    }
    make_context(&d);
    hk__doctor_cpu(&d);
    if (d.ctx) {
        hk__doctor_plugins(&d);
        hk__doctor_backends(&d);
        hk__doctor_data(&d);
    }
    hk__doctor_libraries(&d); /* behind all else: what the plugins brought with them is in the process by now */
    int code = d.n_problem > 0;
    if (d.out_of_memory || !d.ctx) {
        fprintf(stderr, "hillock: doctor: out of memory\n");
        code = 1;
    } else if (!o->json) print_text(&d);
    else if (print_json(&d)) code = 1;
    for (int i = 0; i < d.n; i++) free(d.row[i].key), free(d.row[i].text);
    free(d.row);
    hk_context_free(d.ctx);
    return code;
}

static int run(const hk__options *o) {
    int code = 0;
    if (o->n_arg > 1 || (!o->n_arg && o->n_set)) {
        fprintf(stderr, "hillock: doctor: expected at most one CONFIG.ini, and one with --set; see hillock doctor --help\n");
        return 2;
    }
    hk__conf *conf = o->n_arg ? hk__options_conf(o, &hk__train_schema, o->arg[0], &code) : NULL;
    if (o->n_arg && !conf) return code;
    code = doctor(o, conf);
    hk__conf_free(conf);
    return code;
}

static const hk__option options[] = {
    HK__SET,
    HK__PLUGIN_PATH,
    HK__JSON,
    HK__HELP,
};
const hk__command hk__doctor_command = {
    .name = "doctor",
    .usage = "doctor [CONFIG.ini] [options]",
    .doc = "look at processor, plugins, backends and data; exit code 1 when there is a problem",
    .options = options,
    .n_option = sizeof options / sizeof *options,
    .takes = HK__TAKES_HOOKS,
    .run = run,
};
