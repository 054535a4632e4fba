/* tune.h - what measuring has chosen, and how. tune.c chooses, tune_time.c measures, tune_text.c has it as text. */
#ifndef HK_TUNE_H
#define HK_TUNE_H

#include "exec/place.h"

typedef struct hk__tuned { /* one operation of one module, in training or in tests */
    char *key;             /* "train conv_fc.4 conv2d" */
    char *backend, *way;   /* "cpu", "winograd spikes=27"; way "auto": the backend's own choice */
    char *times, *shape;   /* what was measured, for people; what of. NULL: it was given */
    int line;              /* where, when it was given */
    bool used;
} hk__tuned;

typedef struct hk__tune {
    hk__tuned *at;
    int n;
    bool given;   /* nothing more is measured */
    double spent; /* seconds */
    char *name;   /* of the text that was given */
} hk__tune;

/* The choice for an operation that is being planned; NULL: there is none to be made. */
hk_status hk__tune_find(hk__placer *, const hk_opdesc *, const hk__tuned **);
/* Its plan: of the backend that was chosen. */
hk_status hk__tune_plan(hk_network *, const hk__tuned *, const hk_opdesc *, const hk_backend **, hk_op_plan **);
hk__tuned *hk__tune_add(hk_network *, const char *key); /* NULL: no memory */
void hk__tune_free(hk__tune *);
typedef struct hk__candidate { /* a way of a backend */
    const hk_backend *be;
    hk_device *dev;
    const char *id, *way;
    bool spikes; /* has lists beside */
} hk__candidate;

typedef struct hk__trial { /* an operation that is run alone */
    hk_network *net;
    const hk__plan *p;
    hk_opdesc d;
    int64_t n, groups;
    int copies;                 /* of outputs and scratch: threads in BLOCK scope */
    char *ptr[HK_MAX_OPERANDS]; /* of each copy's operands, one after the other */
    size_t bytes[HK_MAX_OPERANDS];
} hk__trial;
hk_status hk__trial_begin(hk__trial *); /* operands; end frees them, after a failure too */
void hk__trial_end(hk__trial *);
const hk_desc *hk__trial_operand(const hk__trial *, uint32_t k); /* inputs, then outputs */
hk_status hk__trial_spikes(hk__trial *, double share);
/* The shortest of a few runs in *s, in seconds; INFINITY: this is no way here. */
hk_status hk__trial_time(hk__trial *, const hk__candidate *, const char *way, double *s);

/* A choice as a sentence, for the plan. */
void hk__tune_print(const hk_network *, bool train, FILE *);

#endif
