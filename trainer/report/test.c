/* test.c - what the test said, and the network: confusion matrix, samples, table of layers. */
#include "report.h"
#include "../tensorboard/tensorboard.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 24 /* classes whose matrix is a table of numbers */ };

static const char *class_of(const hk__page *p, int64_t c) {
    const char *s = json_string_value(json_array_get(json_object_get(p->run->data, "classes"), (size_t)c));
    return s ? s : "?";
}
static double cell(const json_t *m, size_t y, size_t c) { return json_number_value(json_array_get(json_array_get(m, y), c)); }

static double row_sum(const json_t *m, size_t y) {
    double sum = 0;
    for (size_t c = 0; c < json_array_size(m); c++) sum += cell(m, y, c);
    return sum;
}

static void put_table(hk__page *p, const json_t *m) {
    const size_t K = json_array_size(m);
    fputs("<div class=\"scroll\"><table class=\"matrix\"><tr><th class=\"r\">class \\ said", p->f);
    for (size_t c = 0; c < K; c++) fputs("<th class=\"col\"><span>", p->f), hk__html_text(p->f, class_of(p, (int64_t)c)), fputs("</span>", p->f);
    fputs("<th class=\"col\"><span>right</span>", p->f);
    for (size_t y = 0; y < K; y++) {
        const double sum = row_sum(m, y);
        fputs("<tr><th class=\"r\">", p->f), hk__html_text(p->f, class_of(p, (int64_t)y));
        for (size_t c = 0; c < K; c++) {
            const double v = cell(m, y, c), share = sum > 0 ? v / sum : 0;
            fprintf(p->f, "<td%s style=\"background:rgba(var(--heat),%.3f)%s\" title=\"", y == c ? " class=\"hit\"" : "", v > 0 ? 0.06 + 0.84 * share : 0.02,
                share > 0.68 ? ";color:#fff" : v == 0 ? ";color:transparent" : "");
            hk__html_text(p->f, class_of(p, (int64_t)y)), fputs(" → ", p->f), hk__html_text(p->f, class_of(p, (int64_t)c));
            fprintf(p->f, ": %.0f of %.0f\">%.0f", v, sum, v);
        }
        fprintf(p->f, "<td class=\"rec\">%.1f\u202f%%", sum > 0 ? 100 * cell(m, y, y) / sum : 0);
    }
    fputs("</table></div>", p->f);
}

static void put_picture(hk__page *p, const json_t *m) {
    const size_t K = json_array_size(m);
    uint8_t *px = malloc(K * K * 3);
    hk__bytes png = { 0 };
    for (size_t y = 0; px && y < K; y++) {
        const double sum = row_sum(m, y);
        for (size_t c = 0; c < K; c++) {
            const double s = sum > 0 ? sqrt(cell(m, y, c) / sum) : 0;
            px[3 * (y * K + c)] = (uint8_t)(247 - 216 * s), px[3 * (y * K + c) + 1] = (uint8_t)(249 - 150 * s), px[3 * (y * K + c) + 2] = (uint8_t)(252 - 72 * s);
        }
    }
    if (px) hk__png(&png, (int64_t)K, (int64_t)K, 3, px);
    fputs("<p class=\"soft\">Darker: more (square root of the share of a row).</p><img alt=\"confusion matrix\" style=\"width:min(100%,640px);image-rendering:pixelated;border-radius:8px\" src=\"data:image/png;base64,", p->f);
    if (!png.bad) hk__base64(p->f, png.p, png.n);
    fputs("\">", p->f);
    free(px), free(png.p);
}

static void put_confused(hk__page *p, const json_t *m) {
    const size_t K = json_array_size(m);
    double below = INFINITY;
    size_t last = 0;
    fputs("<h3 class=\"small soft\" style=\"margin:18px 0 4px;font-weight:600\">Most often confused</h3><table class=\"list\" style=\"width:auto\">", p->f);
    for (int k = 0; k < 6; k++) { /* the largest below the last, in order */
        size_t best = K * K;
        for (size_t i = 0; i < K * K; i++) {
            const double v = cell(m, i / K, i % K);
            if (i / K == i % K || v <= 0 || v > below || (v == below && i <= last)) continue;
            if (best == K * K || v > cell(m, best / K, best % K)) best = i;
        }
        if (best == K * K) break;
        below = cell(m, best / K, best % K), last = best;
        fputs("<tr><td>", p->f), hk__html_text(p->f, class_of(p, (int64_t)(best / K))), fputs("<td class=\"soft\">taken for<td>", p->f);
        hk__html_text(p->f, class_of(p, (int64_t)(best % K)));
        fprintf(p->f, "<td class=\"r\">%.0f<td class=\"r soft\">%.1f\u202f%%", below, 100 * below / row_sum(m, best / K));
    }
    fputs("</table>", p->f);
}

void hk__section_confusion(hk__page *p) {
    const json_t *m = json_object_get(p->run->data, "confusion");
    if (!json_array_size(m)) return;
    fprintf(p->f, "<section id=\"confusion\"><h2>Confusion matrix</h2><p class=\"soft\">The test behind epoch %.0f: rows are classes, columns what the network said.</p><div class=\"beside\"><div>",
        hk__run_number(p->run->data, "epoch"));
    if (json_array_size(m) <= NUMBERS) put_table(p, m);
    else put_picture(p, m);
    fputs("</div><div>", p->f), put_confused(p, m), fputs("</div></div></section>\n", p->f);
}

static void put_samples(hk__page *p, int right) {
    const json_t *list = json_object_get(p->run->data, "samples");
    size_t i;
    json_t *s;
    int n = 0;
    json_array_foreach(list, i, s) {
        const int64_t label = json_integer_value(json_object_get(s, "label")), said = json_integer_value(json_object_get(s, "said"));
        const char *png = hk__run_string(s, "png");
        if ((label == said) != right) continue;
        if (!n++) fprintf(p->f, "<p class=\"soft\">%s</p><div class=\"samples\">", right ? "Right: the first of each class." : "Wrong: those of which the network was surest.");
        fprintf(p->f, "<div class=\"sample %s\" title=\"test sample %lld\">", right ? "right" : "wrong", (long long)json_integer_value(json_object_get(s, "index")));
        if (png[0]) fprintf(p->f, "<img alt=\"\" src=\"data:image/png;base64,%s\">", png);
        fputs("<b>", p->f), hk__html_text(p->f, class_of(p, said)), fputs("</b>", p->f);
        if (isfinite(hk__run_number(s, "score"))) fprintf(p->f, "<span class=\"soft\">%.3f</span>", hk__run_number(s, "score"));
        if (!right) {
            fputs("<div class=\"soft\">is ", p->f), hk__html_text(p->f, class_of(p, label));
            if (isfinite(hk__run_number(s, "label_score"))) fprintf(p->f, " %.3f", hk__run_number(s, "label_score"));
            fputs("</div>", p->f);
        }
        fputs("</div>", p->f);
    }
    if (n) fputs("</div>", p->f);
}

void hk__section_samples(hk__page *p) {
    if (!json_array_size(json_object_get(p->run->data, "samples"))) return;
    fputs("<section id=\"samples\"><h2>Samples</h2><p class=\"soft small\">The number is the output of that class, its mean over time.</p>", p->f);
    put_samples(p, 0), put_samples(p, 1);
    fputs("</section>\n", p->f);
}

void hk__section_network(hk__page *p) {
    const json_t *list = json_object_get(p->run->data, "layers"), *input = json_object_get(p->run->data, "input");
    char text[32];
    double all = 0, learnable = 0;
    size_t i, k;
    json_t *l, *d;
    if (!json_array_size(list)) return;
    fputs("<section id=\"network\"><h2>Network</h2><p class=\"soft\">Shapes are [T, N, …] of one sample. Input [", p->f);
    json_array_foreach(json_object_get(input, "shape"), k, d) fprintf(p->f, "%s%lld", k ? ", " : "", (long long)json_integer_value(d));
    fprintf(p->f, "], %.0f time steps; %s training", hk__run_number(input, "T"), hk__count_text(text, (int64_t)hk__run_number(input, "train")));
    fprintf(p->f, " and %s test samples.</p><div class=\"scroll\"><table class=\"list\"><tr><th>name<th>type<th>output<th class=\"r\">parameters<th>constructor", hk__count_text(text, (int64_t)hk__run_number(input, "test")));
    json_array_foreach(list, i, l) {
        const double n = hk__run_number(l, "params");
        all += n, learnable += hk__run_number(l, "learnable");
        fprintf(p->f, "<tr><td class=\"mono\" style=\"padding-left:%.0fpx\">", 16 * (hk__run_number(l, "depth") - 1)), hk__html_text(p->f, hk__run_string(l, "path"));
        const char *type = hk__run_string(l, "type"), *make = hk__run_string(l, "text");
        fprintf(p->f, "<td>%.*s", (int)(type[0] ? 60 : strcspn(make, "(")), type[0] ? type : make);
        if (json_is_true(json_object_get(l, "spiking"))) fputs(" <span class=\"c2\" title=\"spiking\">⚡\ufe0e</span>", p->f);
        fputs("<td class=\"mono\" style=\"white-space:nowrap\">", p->f);
        json_array_foreach(json_object_get(l, "shape"), k, d) fprintf(p->f, "%s%lld", k ? " × " : "", (long long)json_integer_value(d));
        fprintf(p->f, "<td class=\"r\">%s<td class=\"mono soft\">", n > 0 ? hk__count_text(text, (int64_t)n) : "");
        hk__html_text(p->f, make);
    }
    fprintf(p->f, "<tr class=\"total\"><td>total<td><td><td class=\"r\">%s", hk__count_text(text, (int64_t)all));
    fprintf(p->f, "<td class=\"soft\">%s learnable</table></div></section>\n", hk__count_text(text, (int64_t)learnable));
}
