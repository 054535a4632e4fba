/* population.c - population coding: pop_dim neurons for each number of an observation, each with a Gaussian receptive field that can be learned.
 *     a[o, p] = exp(-((x[o] - mean[o, p]) / std[o, p])^2 / 2), in the order o pop_dim + p, the same at each of spike_ts steps
 * Deterministic: a drives IF neurons with threshold 0.999, soft reset without gradient and the derivative 1. Random: a is the probability of a spike,
 * and the gradient flows as if it were the spike. PopEncoder: a itself.
 * Source: Tang et al. 2020, "Deep reinforcement learning with population-coded spiking neural network for continuous control";
 * SpikingJelly 2.0, activation_based.encoding.PopSpikeEncoderDeterministic, PopSpikeEncoderRandom, PopEncoder. */
#include "encoders.h"
#include <math.h>
#include <stdlib.h>

#define POP_FIELDS                                                                                                                                             \
    { "obs_dim", HK_INT, 0, NULL, 1, 4096, NULL, "numbers of an observation" }, { "pop_dim", HK_INT, 0, NULL, 1, 4096, NULL, "neurons for each of them" },     \
        { "spike_ts", HK_INT, 0, NULL, 1, INFINITY, NULL, "steps; the network must have as many" },                                                            \
        { "mean_range", HK_REALS, 0, NULL, 0, 0, NULL, "[first, last] mean at the start; those between are evenly spaced" }, {                                 \
        "std", HK_REAL, 0, NULL, 0, 0, NULL, "width of all at the start, not 0"                                                                                \
    }
static const hk_field fields[] = { POP_FIELDS };
static const hk_field random_fields[] = {
    POP_FIELDS,
    { "surrogate", HK_OBJECT, 0, "PoissonPass()", 0, 0, "hk.surrogate/1", "how a spike is drawn and what its derivative is" },
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static hk_status pop_params(hk_module *self) {
    const int64_t obs = hk_get_int(self, "obs_dim"), pop = hk_get_int(self, "pop_dim"), shape[3] = { 1, obs, pop };
    const double std = hk_get_real(self, "std");
    double range[2] = { 0, 0 };
    if (hk_get_reals(self, "mean_range", range, 2) != 2)
        return self->api->fail(self, HK_ECONFIG, "mean_range: expected two numbers, the first and the last mean");
    if (std == 0) return self->api->fail(self, HK_ECONFIG, "std: expected a number other than 0, got 0");
    double *mean = malloc((size_t)(obs * pop) * sizeof *mean);
    if (!mean) return self->api->fail(self, HK_ENOMEM, "out of memory for %lld x %lld means", (long long)obs, (long long)pop);
    for (int64_t i = 0; i < obs * pop; i++) mean[i] = pop > 1 ? range[0] + (range[1] - range[0]) * (double)(i % pop) / (double)(pop - 1) : range[0];
    hk_status st = hk_add_param_values(self, "mean", 3, shape, mean, 1);
    free(mean);
    return st ? st : hk_add_param(self, "std", 3, shape, HK_INIT_CONST, std, 0);
}

/* [obs] -> [obs * pop]: each number pop times, by a product with a matrix of zeros and ones, whose adjoint sums over them. */
static hk_value spread(hk_builder *b, hk_value x, int64_t obs, int64_t pop) {
    const int64_t shape[2] = { obs * pop, obs };
    double *w = calloc((size_t)(obs * pop * obs), sizeof *w);
    if (!w) {
        b->api->fail(b, HK_ENOMEM, "out of memory for %lld x %lld x %lld numbers", (long long)obs, (long long)pop, (long long)obs);
        return HK_NONE;
    }
    for (int64_t i = 0; i < obs * pop; i++) w[i * obs + i / pop] = 1.0;
    hk_value m = hk_constants(b, obs * pop * obs, w);
    free(w);
    return hk_linear(b, x, hk_unflatten(b, m, 2, shape), HK_NONE);
}

static hk_value pop_activity(hk_builder *b, const hk_module *self, hk_value x) {
    const int64_t shape[2] = { hk_get_int(self, "obs_dim"), hk_get_int(self, "pop_dim") }, T = hk_get_int(self, "spike_ts");
    const hk_desc d = hk_value_desc(b, x);
    if (!one_picture(b, x)) return HK_NONE;
    if (d.rank != 1 || d.shape[0] != shape[0]) {
        b->api->fail(b, HK_ESHAPE, "the input of one sample has %d axes and %lld numbers, expected one axis with obs_dim=%lld numbers", (int)d.rank,
            (long long)hk_desc_elems(&d), (long long)shape[0]);
        return HK_NONE;
    }
    if (T != hk_steps(b)) {
        b->api->fail(b, HK_ECONFIG, "spike_ts is %lld and T is %lld; expected the same", (long long)T, (long long)hk_steps(b));
        return HK_NONE;
    }
    hk_value z = hk_div(b, hk_sub(b, spread(b, x, shape[0], shape[1]), hk_flatten(b, hk_param(b, self, "mean"))), hk_flatten(b, hk_param(b, self, "std")));
    return hk_op_exp(b, hk_affine(b, hk_mul(b, z, z), -0.5, 0.0));
}

static hk_status deterministic_init(hk_module *self) {
    hk_status st = pop_params(self);
    return st ? st : hk_add_child(self, "neurons", "IF(v_threshold=0.999, v_reset=none, surrogate=DeterministicPass(), detach_reset=true)");
}

static hk_status deterministic_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    hk_value a = pop_activity(b, self, in[0]);
    (void)n_in;
    hk_module_build(b, hk_child(self, 0), 1, &a, n_out, out);
    return HK_OK;
}

static hk_status random_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    const hk_surrogate s = hk_surrogate_of(hk_get_object(self, "surrogate")), *kept = hk_keep(b, &s, sizeof s);
    (void)n_in, (void)n_out;
    if (!s.type->random) return b->api->fail(b, HK_ECONFIG, "surrogate: expected one whose spike is a draw (PoissonPass), got '%s'", s.type->prefix);
    if (kept) out[0] = hk_fire(b, pop_activity(b, self, in[0]), kept, 0, 1);
    return HK_OK;
}

static hk_status activity_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    out[0] = hk_repeat_t(b, pop_activity(b, self, in[0]));
    return HK_OK;
}

const hk_module_type pop_deterministic_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "population coding by IF neurons that a[o, p] = exp(-((x[o] - mean[o, p]) / std[o, p])^2 / 2) drives at each step",
    .source = "SpikingJelly 2.0, activation_based.encoding.PopSpikeEncoderDeterministic",
    .fields = fields,
    .n_fields = N_FIELDS,
    .init = deterministic_init,
    .build = deterministic_build,
};

const hk_module_type pop_random_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "population coding by spikes with probability a[o, p] = exp(-((x[o] - mean[o, p]) / std[o, p])^2 / 2), drawn anew at each step",
    .source = "SpikingJelly 2.0, activation_based.encoding.PopSpikeEncoderRandom",
    .fields = random_fields,
    .n_fields = N_FIELDS + 1,
    .init = pop_params,
    .build = random_build,
};

const hk_module_type pop_type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_ENCODER,
    .doc = "population coding without spikes: y[t] = a[o, p] = exp(-((x[o] - mean[o, p]) / std[o, p])^2 / 2) at each step",
    .source = "SpikingJelly 2.0, activation_based.encoding.PopEncoder",
    .fields = fields,
    .n_fields = N_FIELDS,
    .init = pop_params,
    .build = activity_build,
};
