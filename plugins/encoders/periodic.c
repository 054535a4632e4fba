/* periodic.c - the first `period` steps of a sequence round and round: y[t] = x[t mod period]. The package is given them as an argument.
 * A product over time with a matrix of zeros and ones, so that the gradient of all repetitions flows back.
 * Source: SpikingJelly 2.0, activation_based.encoding.PeriodicEncoder. */
#include "encoders.h"
#include <math.h>
#include <stdlib.h>

static const hk_field fields[] = {
    { "period", HK_INT, 0, NULL, 1, INFINITY, NULL, "steps of x that are played; what follows is not read" },
};

static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    const int64_t T = hk_steps(b), period = hk_get_int(self, "period");
    if (period > T) return b->api->fail(b, HK_ECONFIG, "period is %lld, expected at most T=%lld", (long long)period, (long long)T);
    double *w = calloc((size_t)(T * T), sizeof *w);
    if (!w) return b->api->fail(b, HK_ENOMEM, "out of memory for %lld x %lld steps", (long long)T, (long long)T);
    for (int64_t t = 0; t < T; t++) w[t * T + t % period] = 1.0;
    out[0] = hk_time_mix(b, in[0], hk_constants(b, T * T, w), HK_NONE);
    free(w);
    return HK_OK;
}

const hk_module_type periodic_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "y[t] = x[t mod period]",
    .source = "SpikingJelly 2.0, activation_based.encoding.PeriodicEncoder",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .build = build,
};
