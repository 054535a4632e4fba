/* encoders.h - the types of this family, each in a file of its own, and what they share. */
#ifndef ENCODERS_H
#define ENCODERS_H

#include "hillock/plugin.h"

extern const hk_module_type poisson_type, latency_type, weighted_phase_type, periodic_type, pop_deterministic_type, pop_random_type, pop_type;

/* For build: the input is one picture for all steps. False after a failure, which is kept. */
static inline int one_picture(hk_builder *b, hk_value x) {
    if (!(hk_value_desc(b, x).flags & HK_T)) return 1;
    b->api->fail(b, HK_ESHAPE, "the input varies with the step; expected one that is the same at all steps, whose numbers are encoded over time");
    return 0;
}

/* 1 at steps first, first + period, ..., 0 at the others, for first + since = t; `since` is t - first, of any shape. */
static inline hk_value at_period(hk_builder *b, hk_value since, int64_t period) {
    hk_value y = hk_within(b, since, -0.5, 0.5);
    for (int64_t at = period; at < hk_steps(b); at += period) y = hk_add(b, y, hk_within(b, since, (double)at - 0.5, (double)at + 0.5));
    return y;
}

#endif
