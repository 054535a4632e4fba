/* sections.c - the report's head numbers, curves, firing rates, times, machine and configuration. Each section is left out when the run has nothing for it. */
#include "report.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void tile(hk__page *p, const char *key, const char *value, const char *note) {
    fprintf(p->f, "<div class=\"tile\"><div class=\"k\">%s</div><div class=\"v\">%s</div><div class=\"n\">%s</div></div>", key, value, note);
}

static double *column(const hk__run_files *r, const char *key) {
    double *v = malloc((size_t)(r->n_epoch + 1) * sizeof *v);
    for (int i = 0; v && i < r->n_epoch; i++) v[i] = hk__run_number(r->epoch[i], key);
    return v;
}

static double sum_of(const hk__run_files *r, const char *key) {
    double sum = 0;
    for (int i = 0; i < r->n_epoch; i++) {
        const double v = hk__run_number(r->epoch[i], key);
        sum += isfinite(v) ? v : 0;
    }
    return sum;
}

static double total_params(const hk__run_files *r, const char *key) {
    double sum = 0;
    size_t i;
    json_t *l;
    json_array_foreach(json_object_get(r->data, "layers"), i, l) sum += hk__run_number(l, key);
    return sum;
}

void hk__section_numbers(hk__page *p) {
    const hk__run_files *r = p->run;
    char a[64], b[96], c[32], d[32];
    if (!r->n_epoch) return;
    const json_t *last = r->epoch[r->n_epoch - 1];
    double best = -1, best_epoch = 0;
    for (int i = 0; i < r->n_epoch; i++)
        if (hk__run_number(r->epoch[i], "test_acc") > best) best = hk__run_number(r->epoch[i], "test_acc"), best_epoch = hk__run_number(r->epoch[i], "epoch");
    fputs("<div class=\"tiles\">", p->f);
    snprintf(a, sizeof a, "%.2f\u202f%%", 100 * hk__run_number(last, "test_acc"));
    snprintf(b, sizeof b, "best %.2f\u202f%% in epoch %.0f", 100 * best, best_epoch);
    tile(p, "Test accuracy", a, best >= 0 ? b : "");
    if (isfinite(hk__run_number(last, "test_acc5"))) {
        snprintf(a, sizeof a, "%.2f\u202f%%", 100 * hk__run_number(last, "test_acc5"));
        tile(p, "Test accuracy, Acc@5", a, "among the five likeliest");
    }
    snprintf(a, sizeof a, "%.4g", hk__run_number(last, "test_loss"));
    snprintf(b, sizeof b, "training %.4g", hk__run_number(last, "train_loss"));
    tile(p, "Test loss", a, b);
    snprintf(a, sizeof a, "%.2f\u202f%%", 100 * hk__run_number(last, "train_acc"));
    tile(p, "Training accuracy", a, "last epoch");
    snprintf(b, sizeof b, "%s per epoch", hk__seconds_text(c, sum_of(r, "seconds") / r->n_epoch));
    tile(p, "Time", hk__seconds_text(d, sum_of(r, "seconds")), b);
    if (r->data) {
        snprintf(b, sizeof b, "%s learnable", hk__count_text(c, (int64_t)total_params(r, "learnable")));
        tile(p, "Parameters", hk__count_text(d, (int64_t)total_params(r, "params")), b);
    }
    snprintf(b, sizeof b, "test %s per s", hk__count_text(c, (int64_t)hk__run_number(last, "test_img_per_s")));
    if (isfinite(hk__run_number(last, "img_per_s"))) tile(p, "Samples per second", hk__count_text(d, (int64_t)hk__run_number(last, "img_per_s")), b);
    if (isfinite(hk__run_number(last, "peak_memory"))) tile(p, "Peak memory", hk__bytes_text(d, hk__run_number(last, "peak_memory")), "of the process");
    fputs("</div>\n", p->f);
}

void hk__section_curves(hk__page *p) {
    const hk__run_files *r = p->run;
    static const char *const keys[] = { "epoch", "train_loss", "test_loss", "train_acc", "test_acc", "train_acc5", "test_acc5", "lr", "img_per_s", "test_img_per_s" };
    double *v[10];
    if (!r->n_epoch) return;
    for (int i = 0; i < 10; i++) v[i] = column(r, keys[i]);
    int ok = 1;
    for (int i = 0; i < 10; i++) ok &= v[i] != NULL;
    if (ok) {
        const int five = isfinite(v[6][r->n_epoch - 1]);
        const hk__curve loss[] = { { "training", v[1], 1, 0 }, { "test", v[2], 2, 0 } }, lr[] = { { "learning rate", v[7], 5, 0 } },
                        acc[] = { { "training", v[3], 1, 0 }, { "test", v[4], 2, 0 }, { "training, Acc@5", v[5], 1, 1 }, { "test, Acc@5", v[6], 2, 1 } },
                        speed[] = { { "training", v[8], 1, 0 }, { "test", v[9], 2, 0 } };
        fputs("<section id=\"curves\"><h2>Curves</h2><div class=\"charts\">", p->f);
        hk__chart_put(p->f, &(hk__chart){ .title = "Loss", .n = r->n_epoch, .n_curve = 2, .x = v[0], .curve = loss });
        hk__chart_put(p->f, &(hk__chart){ .title = "Accuracy", .unit = "%", .n = r->n_epoch, .n_curve = five ? 4 : 2, .x = v[0], .curve = acc });
        if (isfinite(v[7][0])) hk__chart_put(p->f, &(hk__chart){ .title = "Learning rate", .n = r->n_epoch, .n_curve = 1, .zero = 1, .x = v[0], .curve = lr });
        hk__chart_put(p->f, &(hk__chart){ .title = "Samples per second", .n = r->n_epoch, .n_curve = isfinite(v[9][0]) ? 2 : 1, .zero = 1, .x = v[0], .curve = speed });
        fputs("</div></section>\n", p->f);
    }
    for (int i = 0; i < 10; i++) free(v[i]);
}

void hk__section_rates(hk__page *p) {
    enum { LINES = 10 };
    const hk__run_files *r = p->run;
    hk__curve k[LINES];
    double *x = column(r, "epoch"), most = 0;
    if (!r->n_layer || !x) {
        free(x);
        return;
    }
    for (int i = 0; i < r->n_layer && i < LINES; i++) k[i] = (hk__curve){ r->layer[i].name, r->layer[i].rate, i + 1, 0 };
    for (int i = 0; i < r->n_layer; i++) most = fmax(most, r->layer[i].rate[r->n_epoch - 1]);
    fputs("<section id=\"rates\"><h2>Firing rates</h2><p class=\"soft\">Spikes per neuron and time step, on the same test samples behind each epoch.</p><div class=\"charts\">", p->f);
    hk__chart_put(p->f, &(hk__chart){ .title = r->n_layer > LINES ? "By epoch, the first ten layers" : "By epoch", .n = r->n_epoch, .n_curve = r->n_layer < LINES ? r->n_layer : LINES,
                            .zero = 1, .x = x, .curve = k });
    fputs("<div class=\"chart\"><figcaption><b>Behind the last epoch</b></figcaption><table class=\"list\"><tr><th>layer<th class=\"r\">rate<th>", p->f);
    for (int i = 0; i < r->n_layer; i++) {
        const double v = r->layer[i].rate[r->n_epoch - 1];
        fputs("<tr><td class=\"mono\">", p->f), hk__html_text(p->f, r->layer[i].name);
        fprintf(p->f, "<td class=\"r\">%.4f<td style=\"width:55%%\"><span class=\"bar c%d\" style=\"width:%.1f%%;background:currentColor\"></span>%s", v, i % 10 + 1,
            most > 0 ? 88 * v / most : 0, v < 0.001 ? " <span class=\"failed\">dead</span>" : v > 0.95 ? " <span class=\"failed\">saturated</span>" : "");
    }
    fputs("</table></div></div></section>\n", p->f);
    free(x);
}

void hk__section_times(hk__page *p) {
    const hk__run_files *r = p->run;
    char text[32];
    const double whole = sum_of(r, "seconds"), data = sum_of(r, "data_s"), train = sum_of(r, "train_s") - data, test = sum_of(r, "test_s"),
                 process = hk__run_number(r->info, "seconds");
    const int resumed = hk__run_number(r->info, "resumed_from_step") > 0;
    const double rest = whole - train - data - test, outside = !resumed && process > whole ? process - whole : 0, all = whole + outside;
    const struct {
        const char *name, *what;
        double s;
        int color;
    } row[] = { { "training steps", "forward, backward, update", train, 1 }, { "waiting for batches", "reading and shuffling, in the training", data, 2 },
        { "tests", "", test, 3 }, { "records", "firing rates, event files, this report's data, hooks", rest, 5 },
        { "start, checkpoints", "plugins, data, plans; files written between epochs", outside, 8 } };
    if (!(all > 0)) return;
    fputs("<section id=\"times\"><h2>Times</h2><div class=\"stack\">", p->f);
    for (int i = 0; i < 5; i++)
        if (row[i].s > 0) fprintf(p->f, "<i class=\"c%d\" style=\"flex:%.4f\" title=\"%s: %s\"></i>", row[i].color, row[i].s / all, row[i].name, hk__seconds_text(text, row[i].s));
    fputs("</div><table class=\"list\"><tr><th>phase<th><th class=\"r\">time<th class=\"r\">share", p->f);
    for (int i = 0; i < 5; i++)
        if (row[i].s > 0)
            fprintf(p->f, "<tr><td><span class=\"dot c%d\"></span>%s<td class=\"soft\">%s<td class=\"r\">%s<td class=\"r\">%.1f\u202f%%", row[i].color, row[i].name, row[i].what,
                hk__seconds_text(text, row[i].s), 100 * row[i].s / all);
    fprintf(p->f, "<tr class=\"total\"><td>%d epochs<td><td class=\"r\">%s<td></table>", r->n_epoch, hk__seconds_text(text, all));
    if (resumed) fputs("<p class=\"soft small\">The run was taken up: start and checkpoints are not in these times.</p>", p->f);
    fputs("</section>\n", p->f);
}

static void pair(hk__page *p, const char *key, const char *value) {
    if (!value[0]) return;
    fprintf(p->f, "<dt>%s<dd>", key), hk__html_text(p->f, value);
}

void hk__section_machine(hk__page *p) {
    const json_t *i = p->run->info, *h = json_object_get(i, "host");
    char text[128], b[32];
    size_t k;
    json_t *plugin;
    if (!i) return;
    fputs("<section id=\"machine\"><h2>Machine</h2><div class=\"two\"><dl>", p->f);
    pair(p, "host", hk__run_string(h, "name")), pair(p, "processor", hk__run_string(h, "cpu")), pair(p, "system", hk__run_string(h, "kernel"));
    snprintf(text, sizeof text, "%s, %.0f thread%s, %s", hk__run_string(i, "backend"), hk__run_number(i, "threads"), hk__run_number(i, "threads") == 1 ? "" : "s", hk__run_string(i, "isa"));
    pair(p, "backend", text);
    pair(p, "peak memory", isfinite(hk__run_number(i, "peak_rss_kib")) ? hk__bytes_text(b, 1024 * hk__run_number(i, "peak_rss_kib")) : "");
    fputs("</dl><dl>", p->f);
    pair(p, "Hillock", hk__run_string(i, "hillock")), pair(p, "started", hk__run_string(i, "started")), pair(p, "written", hk__run_string(i, "written"));
    fputs("<dt>plugins<dd>", p->f);
    json_array_foreach(json_object_get(i, "plugins"), k, plugin) {
        fputs(k ? ", " : "", p->f), hk__html_text(p->f, hk__run_string(plugin, "id"));
    }
    fputs("</dl></div></section>\n", p->f);
}

void hk__section_config(hk__page *p) {
    if (!p->run->config) return;
    fputs("<section id=\"config\"><h2>Configuration</h2><p class=\"soft\">As resolved: the file, what was set over it, and every default.</p><pre>", p->f);
    for (const char *s = p->run->config; *s;) {
        const size_t n = strcspn(s, "\n");
        char *line = strndup(s, n);
        if (line && *line == '[') fputs("<span class=\"s\">", p->f), hk__html_text(p->f, line), fputs("</span>", p->f);
        else if (line) hk__html_text(p->f, line);
        free(line);
        putc('\n', p->f);
        s += n + (s[n] == '\n');
    }
    fputs("</pre></section>\n", p->f);
}
