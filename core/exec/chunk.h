/* chunk.h - a segment of a training plan in chunks of steps: what chunk_plan.c decides, chunk_place.c gives memory to, and run.c runs.
 *
 * Its calls are in five stages. Those of the two sweeps run once for each chunk; the others once, with all T steps of what they read. */
#ifndef HK_CHUNK_H
#define HK_CHUNK_H

#include "exec/place.h"

enum {
    HK_STAGE_BEFORE = 0,
    HK_STAGE_FORWARD = 1, /* sweep 0: chunks from the first to the last */
    HK_STAGE_BETWEEN = 2, /* what needs all steps of the forward pass: losses */
    HK_STAGE_BACKWARD = 3, /* sweep 1: chunks from the last to the first; what of the forward pass it reads is done again before it */
    HK_STAGE_AFTER = 4
};

/* A state that goes from chunk to chunk: of a neuron operation or a loop, or the gradient of one, which goes the other way. */
typedef struct hk__line {
    hk_desc desc;
    int32_t back;
    int32_t kept;         /* the states at all borders are, since the backward sweep begins at them; else two take turns */
    const void *neuron;   /* of an operation: its attribute; NULL: a loop's carry */
    int32_t state;        /* of an operation: number of the state */
    hk_value in, out;     /* where the chunk begins and ends: of an operation, or a loop's carry and its next value */
    int32_t slot;         /* 1 + slot that it starts from and ends in; 0: none */
    hk_value from;        /* what it starts from instead; NONE: `def` */
    double def;
    int64_t off, def_off; /* of the borders in a thread's region; of a block of `def` among the constants */
    hk__call first, last; /* copies: to the first border, and from the last one to the slot */
} hk__line;

/* A sum over t that a chunk adds its own to. */
typedef struct hk__sum {
    hk_value value;
    int32_t node;
    int64_t off;          /* of the chunk's own in a thread's region */
    hk__call first, next; /* copy, add */
} hk__sum;

typedef struct hk__chunks {
    hk__line *line;
    hk__sum *sum;
    int32_t n_line, cap_line, n_sum, cap_sum;
    int32_t unit[2];      /* the segment of each sweep: one, or where something cuts it (HK_SEPARATE), two */
} hk__chunks;

/* ---- chunk_plan.c ---- */
void hk__chunk_free(hk__plan *);
/* ---- chunk_stage.c ---- */
bool hk__chunk_varies(const hk__graph *, const hk__node *);                                            /* with t: it does something for each step */
int hk__chunk_stage(const hk__chunks *, const hk__graph *, int32_t node, const bool *inside);          /* inside[node]: of the segments; those before it have their stages and lines */
void hk__chunk_lines(hk__plan *, int32_t node);                                                        /* notes those of an operation that has its stage */
void hk__chunk_borders(hk__plan *, int32_t node);                                                      /* operands: states at borders in place of what the sequence starts from */
/* ---- chunk_redo.c: the forward operations that the backward sweep reads are done again in it, and it reads those ---- */
bool hk__chunk_redo(hk__plan *, int n_node, const int32_t *node);
/* ---- chunk_place.c ---- */
/* Lives of values that are there for the whole of a sweep. */
void hk__chunk_lives(hk__placer *);
/* Memory in a thread's region beside values: adds items, numbered from -1 down. Returns the new count. */
int hk__chunk_items(const hk__placer *, int u, hk__item *, int32_t *whose, int n);
void hk__chunk_offset(hk__plan *, int32_t whose, int64_t off);
int hk__chunk_n_items(const hk__plan *);
/* The same in the arena: borders that both of two segments read; numbered from -1 - units down. */
int hk__chunk_arena(const hk__plan *, hk__item *, int32_t *whose, int n);
bool hk__line_in_arena(const hk__plan *, const hk__line *);
int64_t hk__line_bytes(const hk__plan *, const hk__line *); /* for one block */
/* Where the state of a line lies as a chunk begins, or ends. */
hk__ref hk__line_ref(const hk__plan *, int line, int end);
hk_status hk__chunk_calls(hk__placer *);  /* operation plans of copies and sums */
void hk__chunk_bind(hk__placer *);        /* where their operands lie; after packing */
void hk__chunk_constants(const hk__placer *, char *host); /* what lines start from */

static inline bool hk__staged(const hk__node *n) { return n->stage == HK_STAGE_FORWARD || n->stage == HK_STAGE_BACKWARD; }

#endif
