/* layer.c - kind layer. Layers with a random mask: the file's mask, then the law of masks they draw themselves. */
#include "runner.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MASK_SAMPLES = 400 };

/* One run on ones: the output is the mask, which must be the same at each step, take the values given, be drawn per element or per channel,
 * and have a share of zeros near p (five sigma). Two runs give two masks. */
static void mask_law(gr_case *c, const char *text, const gr_shape *of_file) {
    const json_t *values = json_object_get(c->spec, "mask_values");
    const double p = json_number_value(json_object_get(json_object_get(c->spec, "args"), "p")), kept = json_number_value(json_array_get(values, 1));
    const bool channel = !strcmp(gr_spec_str(c, "mask_granularity"), "sample and channel");
    gr_shape s = *of_file;
    gr_net n = { 0 };
    s.N = MASK_SAMPLES;
    int64_t row = 1;
    for (int i = 0; i < s.rank; i++) row *= s.shape[i];
    const int64_t places = channel ? row / s.shape[0] : 1, all = s.N * row, draws = all / places;
    double *y[2] = { malloc((size_t)(s.T * all) * sizeof(double)), malloc((size_t)(s.T * all) * sizeof(double)) };
    if (!y[0] || !y[1]) abort();
    const hk_output out = { .name = "y" };
    bool ok = gr_net_open(c, &n, text, NULL, NULL, 1) && gr_net_executor(c, &n, HK_TRAIN, HK_SEPARATE, 1, &out) &&
        gr_ok(c, hk_executor_shape(n.ex, s.T, s.N, s.seq, s.rank, s.shape), "hk_executor_shape");
    for (int run = 0; run < 2 && ok; run++) {
        int64_t zeros = 0;
        for (int64_t i = 0; i < s.T * all; i++) y[run][i] = 1.0;
        ok = gr_ok(c, hk_executor_write(n.ex, "x", HK_F64, y[run], s.T * all), "x") && gr_ok(c, hk_executor_run(n.ex), "hk_executor_run") &&
            gr_ok(c, hk_executor_read(n.ex, "y", HK_F64, y[run], s.T * all), "y");
        for (int64_t i = 0; i < s.T * all && ok; i++) {
            const double v = y[run][i];
            ok = (v == 0.0 || fabs(v - kept) <= 1e-6 * kept) && v == y[run][i % all] && v == y[run][i / places * places];
            if (!ok) gr_fail(c, "own mask, element %lld: %.9g; expected 0 or %.9g, the same at each step and for each draw", (long long)i, v, kept);
            zeros += i < all && i % places == 0 && v == 0.0;
        }
        if (ok && fabs((double)zeros / (double)draws - p) > 5.0 * sqrt(p * (1.0 - p) / (double)draws))
            gr_fail(c, "own mask: %lld of %lld draws are 0, expected a share near %.4g", (long long)zeros, (long long)draws, p);
    }
    if (ok && !memcmp(y[0], y[1], (size_t)all * sizeof(double))) gr_fail(c, "own mask: two runs have the same");
    free(y[0]), free(y[1]);
    gr_net_close(&n);
}

void gr_layer(gr_case *c) {
    gr_text t = { 0 };
    gr_shape s = gr_shape_seq(gr_find(c, "in.x"));
    if (!strcmp(gr_spec_str(c, "class"), "TokenQKAttention")) json_object_del(c->spec, "scale"); /* of the self-attention's file; this one has none */
    gr_put_object(c, &t, c->spec, NULL, false);
    if (!c->n_missing && !c->failed) gr_run_plain(c, t.s, &s, false);
    if (!c->n_missing && !c->failed && gr_find(c, "in.mask")) mask_law(c, t.s, &s);
    free(t.s);
}
