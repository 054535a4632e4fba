/* hillock/neuron.h - a neuron, a surrogate, an optimizer: each written once, as text in the portable dialect.
 * Included by hillock/plugin.h. The dialect, and the macros that make row kernels of a text, are in hillock/dialect.h.
 *
 * One time step of one neuron, around the framework's fire:
 *     pre(x, s, p) -> h, z            charge; z is the firing variable
 *     f = r = fire(z)                 z >= 0 (z > 0 if `strict`); derivative from the surrogate
 *     post(h, f, r, s, p) -> y, s1    output and next state; f is the spike as it is emitted, r the same spike as it resets
 * r carries no gradient when detach_reset is on. Adjoints have the same names with _bwd. Every adjoint ADDS (+=) to its
 * outputs, which the caller zeroes first. */
#ifndef HILLOCK_PLUGIN_H
#include "hillock/plugin.h"
#endif
#ifndef HILLOCK_NEURON_H
#define HILLOCK_NEURON_H

#ifdef __cplusplus
extern "C" {
#endif

#define HK_MAX_STATE 4 /* state variables of a neuron */
#define HK_MAX_FIRE 2  /* firing variables */
#define HK_MAX_H 4     /* intermediate values that pre hands to post */
#define HK_MAX_P 12    /* parameters of a neuron or surrogate */

/* Instruction set levels, as kernels are chosen. */
typedef enum hk_isa { HK_ISA_BASELINE = 0, HK_ISA_AVX2 = 1 /* with FMA, BMI2 */, HK_ISA_AVX512 = 2 /* F, BW, DQ, VL */ } hk_isa;

/* One time step over a tile of n neurons. Each pointer is a row of n numbers. s and s1 may be the same rows; gx may be gy.
 * p[k] is a row of n when bit k of `p_row` is set, else one number. */
typedef struct hk_neuron_args {
    int64_t n;
    uint32_t p_row, strict;
    uint32_t detach, pad;
    const float *x[1];
    const float *s[HK_MAX_STATE]; /* state before the step */
    const float *p[HK_MAX_P];
    float *s1[HK_MAX_STATE];      /* state after the step */
    uint8_t *spike;               /* step: the output as 0/1 bytes (neurons that emit spikes) */
    float *y;                     /* step (others), post: the output */
    float *z[HK_MAX_FIRE];        /* pre: firing variable, out */
    const float *f[HK_MAX_FIRE];  /* post, bwd: fire(z); bwd: NULL: the step */
    const float *d[HK_MAX_FIRE];  /* bwd: derivative s'(z) */
    const float *gy;              /* bwd: gradient of the output */
    float *gs[HK_MAX_STATE];      /* bwd: in: gradient of the state after the step; out: of the state before it */
    float *gx[1];                 /* bwd: out (=) */
    float *gp[HK_MAX_P];          /* bwd_gp: rows, +=; NULL: not wanted */
} hk_neuron_args;

/* The kernels made from a neuron's text for one ISA level. All [run]; no state, no allocation. They give the same bits at every level. */
typedef struct hk_neuron_kernel {
    uint32_t struct_size, isa;
    void (*step)(const hk_neuron_args *);   /* pre, Heaviside, post in one: x, s, p -> spike or y, s1 */
    void (*pre)(const hk_neuron_args *);    /* x, s, p -> z */
    void (*post)(const hk_neuron_args *);   /* x, s, p, f -> y, s1 (pre is computed again for h) */
    void (*bwd)(const hk_neuron_args *);    /* x, s, p, f, d, gy, gs -> gx, gs */
    void (*bwd_gp)(const hk_neuron_args *); /* the same, and gp */
} hk_neuron_kernel;

/* A charge that kernels may take into their registers beside what comes before and behind the neuron. It only repeats what the text says: same bits. */
typedef enum hk_charge {
    HK_CHARGE_OTHER = 0,
    HK_CHARGE_ADD = 1,  /* HK_CHARGE_TEXT, parameters V_THRESHOLD, V_RESET, SOFT; h = v + x */
    HK_CHARGE_LEAK = 2  /* the same, then k, DECAY_INPUT, V_REST: h = DECAY_INPUT ? v + (x - (v - V_REST)) k : v - (v - V_REST) k + x */
} hk_charge;

typedef struct hk_state_field {
    const char *name, *doc; /* "v" */
    const char *def;        /* where its default comes from: a number, the name of a REAL field (none counts as 0), or "0.5 field" */
} hk_state_field;

enum {
    HK_NEURON_SPIKES = 1u, /* the output is fire() itself: 0 or 1, stored as bytes */
    HK_NEURON_STRICT = 2u, /* fires at z > 0 (snnTorch); else at z >= 0 (SpikingJelly) */
    HK_NEURON_NO_FIRE = 4u /* n_fire = 0: a filter (SynapseFilter); has no surrogate */
};

/* "hk.neuron/1": registered under its class name; the core makes a module type of it. Fields must include "surrogate" (OBJECT,
 * "hk.surrogate/1") unless NO_FIRE; "detach_reset" (BOOL), where there is one, is the framework's to read.
 * Outputs are y, and each state's sequence after the step as "path:state". */
typedef struct hk_neuron_type {
    uint32_t struct_size, flags;
    const char *doc, *source;
    const hk_field *fields;
    uint32_t n_fields, n_state, n_fire, n_param;
    const hk_state_field *states;
    const char *const *param_names;                                                      /* kernel parameters p[], in order */
    hk_status (*init)(hk_module *self);                                                  /* [main] (optional) checks; declares learnable parameters */
    void (*operands)(hk_builder *, const hk_module *self, hk_value *p);                  /* [main] fills p[n_param]: constants, parameters, or core operations on them;
                                                                                            each a scalar, [C], or the row's shape; STATIC or STEP */
    const char *text, *prefix;                                                           /* the dialect text; functions are <prefix>_pre, _post, _pre_bwd, _post_bwd */
    const hk_neuron_kernel *kernels;                                                     /* best first; the last is baseline */
    uint32_t n_kernel, n_h;
    /* [main] (optional) What surrounds the neuron operation: emits operations before and after hk_neuron_op(b, self, x, state), or a loop around it, or others in its
     * place, and fills *y. NULL: *y = hk_neuron_op(b, self, x, NULL). Fails by b->api->fail, and returns its code. */
    hk_status (*build)(hk_builder *, const hk_module *self, hk_value x, hk_value *y);
    uint32_t charge, pad; /* hk_charge */
} hk_neuron_type;

/* Row kernels of a surrogate. p: its numbers, in field order. All [run]. */
typedef struct hk_surrogate_kernel {
    uint32_t struct_size, isa;
    void (*grad)(int64_t n, const float *z, const float *p, float *d);    /* d = s'(z); d may be z */
    void (*primitive)(int64_t n, const float *z, const float *p, float *y); /* (optional) takes the place of the step when spiking = false */
    void (*forward)(int64_t n, const float *z, const float *p, float *y);   /* (optional) NULL: the Heaviside step */
} hk_surrogate_kernel;

/* "hk.surrogate/1". Text functions: <prefix>_grad(x, p), and where present <prefix>_primitive(x, p), <prefix>_forward(x, p). */
typedef struct hk_surrogate_type {
    uint32_t struct_size, n_fields;
    const char *doc, *source;
    const hk_field *fields; /* REAL and INT only: they are p[] in order; none becomes NaN */
    hk_status (*init)(hk_module *self); /* [main] (optional) checks the fields together */
    const char *text, *prefix;
    const hk_surrogate_kernel *kernels; /* best first; the last is baseline */
    uint32_t n_kernel, has_primitive, has_forward;
    uint32_t random; /* 1: the spike is a draw, 1 with probability z; then hk_fire emits bernoulli, and neurons with texts of their own refuse it */
    uint32_t noise;  /* 1 + number of the field that scales a draw, or 0: where z <= 0, s'(z) gets scale (u - 1/2) more, u of [0, 1) drawn for each step, sample and
                        position; spiking networks only */
} hk_surrogate_type;

/* A surrogate with its numbers: attribute "surrogate" of the operations neuron, neuron_bwd, fire, fire_bwd. */
typedef struct hk_surrogate {
    const hk_surrogate_type *type;
    double p[HK_MAX_P];
} hk_surrogate;

/* The surrogate that a module (a field of kind OBJECT) configures; none becomes NaN. */
static inline hk_surrogate hk_surrogate_of(const hk_module *m) {
    hk_surrogate s = { (const hk_surrogate_type *)m->api->type(m), { 0 } };
    for (uint32_t i = 0; i < s.type->n_fields && i < HK_MAX_P; i++) s.p[i] = m->api->get_real(m, s.type->fields[i].name);
    return s;
}

/* A neuron as an operation sees it: attribute "neuron" of neuron and neuron_bwd. */
typedef struct hk_neuron {
    const hk_neuron_type *type;
    hk_surrogate surrogate;
    uint32_t detach_reset, spiking;
} hk_neuron;

/* "hk.optimizer/1": a pointwise update, run over all parameters in one operation. Text function:
 *     <prefix>_update(hk_real *w, hk_real g, hk_real *s, const hk_real *c)
 * with s the element's state (zeros at first) and c the constants of this step. */
#define HK_MAX_OPT_CONST 16
typedef struct hk_optimizer_kernel {
    uint32_t struct_size, isa;
    void (*update)(int64_t n, float *w, const float *g, float *const *s, const float *c); /* [run] rows of n */
} hk_optimizer_kernel;

typedef struct hk_optimizer_type {
    uint32_t struct_size, flags;
    const char *doc, *source;
    const hk_field *fields; /* "lr" is required among them */
    uint32_t n_fields, n_state, n_const, pad;
    const char *const *state_names;
    hk_status (*init)(hk_module *self);                                             /* [main] (optional) */
    void (*constants)(const hk_module *self, double lr, int64_t step, double *c);   /* [main] fills c[n_const] of training step `step`, from 1; cannot fail */
    const char *text, *prefix;
    const hk_optimizer_kernel *kernels; /* best first; the last is baseline */
    uint32_t n_kernel, pad2;
} hk_optimizer_type;

#ifdef __cplusplus
}
#endif

#include "hillock/dialect.h"

#endif
