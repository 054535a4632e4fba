/* place.h - what the two files that turn a scheduled graph into a plan share: place.c (memory) and calls.c (operation plans, operands). */
#ifndef HK_PLACE_H
#define HK_PLACE_H

#include "exec/exec.h"

typedef struct hk__placer {
    hk__plan *p;
    hk__builder *b;
    hk__graph *g;
    hk_network *net;
    int32_t *made_unit, *made_op; /* [n_val] unit and operation that makes it; -1: not made here */
    int32_t *last_unit, *last_op; /* last reader */
    bool *keep;                   /* persistent */
    bool *whole;                  /* read by a whole-batch operation */
    hk_value *heir_of;            /* whose memory it takes over, block by block (inherit.c); 0: nobody's */
    int64_t const_used, kept_used;
    int unit, op;
    bool in_loop;                 /* the operation that is being planned */
} hk__placer;

/* ---- place.c: what a plan needs to know before its operations are planned; freed with end ---- */
hk_status hk__placer_begin(hk__placer *, hk__plan *, hk__builder *);
void hk__placer_end(hk__placer *);
/* Bytes alive in each unit: what crosses segments, and the largest sum inside. */
hk_status hk__placer_live(const hk__placer *, int64_t *live);
hk_status hk__placer_local(const hk__placer *, int unit, int64_t *bytes); /* of one thread's region in a unit */
int hk__workers(const hk__plan *);
/* ---- inherit.c: fills heir_of ---- */
hk_status hk__inherit(hk__placer *);

/* ---- memory.c: begin, before operations are planned; plan, before anything is allocated for it ---- */
hk_status hk__memory_begin(hk__placer *);
hk_status hk__memory_plan(hk__placer *);

/* ---- calls.c: `q->unit` is the unit being planned ---- */
hk_status hk__plan_node(hk__placer *, hk__call *, int32_t node); /* the backend's plan of one operation; raises the unit's scratch */
hk_status hk__plan_loop(hk__placer *, hk__call *, int32_t node);
hk_status hk__plan_op(hk__placer *, hk__call *, const char *op, int n_in, const hk_desc *, int n_out, const hk_desc *, int n_attr, const hk_attr *); /* of no node */
/* The same in the unit that is being planned, of rows of one step. */
hk_status hk__plan_op_in(hk__placer *, hk__call *, const char *op, int n_in, const hk_desc *, int n_out, const hk_desc *);
hk__unit *hk__unit_add(hk__placer *, int n_call); /* a unit of whole-batch operations that update, with room for so many; q->unit; NULL: no memory */
hk_status hk__bind(hk__placer *, hk__call *);                    /* where each operand lies; after packing */
/* Gives a loop's carries their buffers from `local` on; returns the bytes taken. */
int64_t hk__carry_memory(hk__placer *, hk__call *, int64_t local);

/* ---- update.c: adds units that gather and clip gradients, step, and average ---- */
hk_status hk__plan_update(hk__placer *);

/* ---- guard.c: units before and after the optimizer's; flag: what tells the optimizer; bind: after packing ---- */
hk_status hk__guard_check(hk__placer *, hk__ref *flag);
hk_status hk__guard_settle(hk__placer *, const hk__ref *flag);
void hk__guard_bind(hk__placer *);

#endif
