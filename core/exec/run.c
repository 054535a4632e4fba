/* run.c - runs a plan: units in order, a segment block by block on the backend's threads, loops step by step. Allocates nothing. */
#include "exec/chunk.h"
#include <omp.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef struct frame { /* one block of one segment, or a whole-batch operation */
    hk_executor *ex;
    const hk__plan *p;
    hk_stream *stream; /* NULL in BLOCK scope */
    char *local, *scratch;
    int64_t n, sample0, groups;
    int64_t t;         /* step, inside a loop: its own; else that where the chunk begins */
    int64_t t0, k;     /* in a sweep: the chunk's first step, and its number */
    char *in[HK__MAX_CARRY], *out[HK__MAX_CARRY]; /* carries of the running loop */
    hk__timed *timed;  /* this thread's, while the executor is profiled; else NULL */
    hk__track *track;  /* where this thread's calls are kept; NULL: nowhere */
} frame;

typedef struct team { /* the stream of operations that are split among threads */
    hk_stream base;
    const frame *f;
    const hk__call *now; /* the operation that runs, while its pieces are kept */
} team;

static char *address(const frame *f, const hk__ref *r) {
    const hk_network *net = f->p->net;
    char *base;
    switch ((hk__space)r->space) {
    case HK_SP_ARENA: base = net->arena; break;
    case HK_SP_LOCAL: base = f->local; break;
    case HK_SP_PARAM: base = f->ex->params; break;
    case HK_SP_GRAD: base = net->grad; break;
    case HK_SP_OPT: base = net->opt[r->index]; break;
    case HK_SP_SUM: base = net->sum; break;
    case HK_SP_EMA: base = net->ema; break;
    case HK_SP_NORM: base = net->norm; break;
    case HK_SP_CONST: base = f->p->constants; break;
    case HK_SP_KEPT: base = f->p->kept; break;
    case HK_SP_GUARD: base = net->guard; break;
    case HK_SP_CUR: base = (char *)(uintptr_t)f->ex->state[r->index].cur; break;
    case HK_SP_NEXT: base = f->ex->state[r->index].next; break;
    case HK_SP_CARRY_IN: return f->in[r->index];
    case HK_SP_CARRY_OUT: return f->out[r->index];
    default: return NULL;
    }
    base += r->off;
    if (r->border) { /* of each block: its borders, one behind the other */
        if (r->space != HK_SP_LOCAL) base += f->sample0 / f->p->nb * r->turns * r->border;
        return base + (f->k + r->end) % r->turns * r->border;
    }
    if (r->space != HK_SP_LOCAL) {
        if (r->flags & HK_N) base += f->sample0 * (r->pitch ? r->pitch : r->row * (r->flags & HK_T ? f->p->T : 1));
        else if (r->flags & HK_G) base += f->sample0 / HK_GROUP * r->row * (r->flags & HK_T ? f->p->T : 1);
    }
    if (r->flags & HK_T) base += ((r->slice ? f->t : f->t0) - (r->part ? f->t0 : 0)) * r->row * (r->flags & HK_N ? f->n : 1);
    return base;
}

static hk_status run_call(frame *f, const hk__call *c, int64_t T) {
    void *ptr[2 * HK_MAX_OPERANDS];
    for (int i = 0; i < c->n_ref; i++) ptr[i] = address(f, &c->ref[i]);
    const hk_bind bind = { .struct_size = sizeof bind, .n_ptr = (uint32_t)c->n_ref, .T = T, .n = f->n, .t0 = f->t, .sample0 = f->sample0, .groups = f->groups,
                           .ptr = ptr, .scratch = f->scratch, .step = c->block ? &f->ex->block[c->block - 1] : &f->ex->step, .kept = c->kept ? f->p->kept + c->kept_off : NULL };
    return c->be->plan_run(c->plan, f->stream, &bind);
}

static void keep(hk__track *k, const frame *f, const hk__call *c, int64_t start, int piece) {
    if (k->n == k->cap) {
        k->lost++;
        return;
    }
    k->event[k->n++] = (hk__event){ .plan = f->p, .call = c, .start = start, .ns = hk__ns() - start, .run = f->ex->profile->runs, .t = (int32_t)f->t,
                                    .block = (int32_t)(f->sample0 / f->p->nb), .piece = piece };
}

static hk_status run_loop(frame *f, const hk__call *call, int64_t T);

/* An operation or a loop, measured when the executor is profiled. */
static hk_status run_any(frame *f, const hk__call *c, int64_t T) {
    if (!f->timed) return c->loop ? run_loop(f, c, T) : run_call(f, c, T);
    int64_t start = hk__ns();
    if (f->stream && f->track) ((team *)f->stream)->f = f, ((team *)f->stream)->now = c->loop ? NULL : c;
    hk_status st = c->loop ? run_loop(f, c, T) : run_call(f, c, T);
    f->timed[c->id].ns += hk__ns() - start, f->timed[c->id].calls++;
    if (f->track) keep(f->track, f, c, start, 0);
    if (f->stream) ((team *)f->stream)->now = NULL;
    return st;
}

/* T steps, from the frame's t0 on; of a sweep's later chunks, sums go on. */
static hk_status run_loop(frame *f, const hk__call *call, int64_t T) {
    const hk__loop_call *l = call->loop;
    hk_status st = HK_OK;
    bool begins = l->reverse ? f->t0 + T == f->p->T : f->t0 == 0;
    for (int64_t k = 0; k < T && st == HK_OK; k++) {
        f->t = f->t0 + (l->reverse ? T - 1 - k : k);
        for (int i = 0; i < l->n_carry; i++) {
            const hk__carry_call *c = &l->carry[i];
            if (c->init.space == HK_SP_NONE) continue;
            f->in[i] = k == 0 ? address(f, &c->init) : f->out[i];
            if (c->next.space != HK_SP_NONE) f->out[i] = address(f, &c->next);
            else if (k == T - 1 && c->final.space != HK_SP_NONE) f->out[i] = address(f, &c->final);
            else f->out[i] = address(f, &c->buffer[k & 1]);
        }
        for (int i = 0; i < l->n_body && st == HK_OK; i++) st = run_any(f, &l->body[i], 1);
        for (int i = 0; i < l->n_sum && st == HK_OK; i++) st = run_call(f, k == 0 && begins ? &l->sum_first[i] : &l->sum_next[i], 1);
    }
    for (int i = 0; i < l->n_carry && st == HK_OK; i++) {
        const hk__carry_call *c = &l->carry[i];
        if (c->final.space == HK_SP_NONE || c->next.space == HK_SP_NONE) continue;
        void *ptr[2] = { f->out[i], address(f, &c->final) };
        const hk_bind bind = { .struct_size = sizeof bind, .n_ptr = 2, .T = 1, .n = f->n, .sample0 = f->sample0, .groups = f->groups, .ptr = ptr, .scratch = f->scratch,
                               .step = &f->ex->step };
        st = c->copy.be->plan_run(c->copy.plan, f->stream, &bind);
    }
    f->t = f->t0;
    return st;
}

static hk_status run_calls(frame *f, const hk__unit *u, int begin, int end, int64_t T) {
    hk_status st = HK_OK;
    for (int i = begin; i < end && st == HK_OK; i++) st = run_any(f, &u->call[i], T);
    return st;
}

/* Chunks of steps, forward or (s = 1) from the last to the first: states go from one to the next, and sums over t are added up. */
static hk_status run_sweep(frame *f, const hk__unit *u, int s) {
    const hk__plan *p = f->p;
    const hk__chunks *w = p->chunks;
    hk_status st = HK_OK;
    int64_t chunks = (p->T + p->chunk - 1) / p->chunk;
    for (int64_t c = 0; c < chunks && st == HK_OK; c++) {
        f->k = s ? chunks - 1 - c : c;
        f->t = f->t0 = f->k * p->chunk;
        int64_t T = p->T - f->t0 < p->chunk ? p->T - f->t0 : p->chunk;
        for (int i = 0; i < w->n_line && c == 0 && st == HK_OK; i++)
            if (w->line[i].back == s) st = run_call(f, &w->line[i].first, 1);
        for (int i = u->sweep[s].begin; i < u->sweep[s].end && st == HK_OK; i++) {
            st = run_any(f, &u->call[i], T);
            for (int k = u->call[i].sum, end = k + u->call[i].n_sum; k < end && st == HK_OK; k++) st = run_call(f, c ? &w->sum[k].next : &w->sum[k].first, 1);
        }
        for (int i = 0; i < w->n_line && c == chunks - 1 && st == HK_OK; i++)
            if (w->line[i].back == s && w->line[i].last.plan) st = run_call(f, &w->line[i].last, 1);
    }
    f->k = f->t = f->t0 = 0;
    return st;
}

static hk_status run_block(frame *f, const hk__unit *u, int64_t block) {
    const hk__plan *p = f->p;
    hk_status st = HK_OK;
    int at = 0;
    f->sample0 = block * p->nb;
    f->n = p->N - f->sample0 < p->nb ? p->N - f->sample0 : p->nb;
    f->groups = (f->n + HK_GROUP - 1) / HK_GROUP;
    for (int s = 0; s < 2 && p->chunks && st == HK_OK; s++) {
        if (u != &p->unit[p->chunks->unit[s]]) continue;
        st = run_calls(f, u, at, u->sweep[s].begin, p->T);
        if (st == HK_OK) st = run_sweep(f, u, s);
        at = u->sweep[s].end;
    }
    return st == HK_OK ? run_calls(f, u, at, u->n_call, p->T) : st;
}

/* Denormals are zero on threads that run plans; returns what to restore. */
static unsigned flush_denormals(void) {
#if defined(__x86_64__)
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040u);
    return before;
#else
    return 0;
#endif
}
static void restore_denormals(unsigned before) {
#if defined(__x86_64__)
    _mm_setcsr(before);
#else
    (void)before;
#endif
}

static void parallel_for(hk_stream *st, int64_t n, int64_t grain, void (*body)(void *, int64_t, int64_t), void *arg) {
    int64_t pieces = st->threads, most = grain > 0 ? (n + grain - 1) / grain : n;
    if (pieces > most) pieces = most;
    if (pieces <= 1) {
        if (n > 0) body(arg, 0, n);
        return;
    }
    const frame *f = ((team *)st)->f;
    const hk__call *now = ((team *)st)->now;
#pragma omp parallel for schedule(static, 1) num_threads((int)pieces)
    for (int64_t i = 0; i < pieces; i++) {
        unsigned mode = flush_denormals();
        int64_t lo = n * i / pieces, hi = n * (i + 1) / pieces;
        int64_t start = now ? hk__ns() : 0;
        if (hi > lo) body(arg, lo, hi);
        if (now) keep(&f->ex->profile->track[omp_get_thread_num()], f, now, start, 1);
        restore_denormals(mode);
    }
}

/* Measuring by thread `id`, in a frame. */
static void measure(frame *f, int id) {
    hk__profile *r = f->ex->profile;
    if (!r) return;
    f->timed = f->p->timed + id * f->p->n_timed;
    f->track = r->runs < r->trace_runs ? &r->track[id] : NULL;
}

static hk_status run_segment(hk_executor *ex, const hk__plan *p, const hk__unit *u, hk_stream *stream) {
    char *base = p->net->arena + u->local_off;
    int64_t each = u->local + u->scratch;
    if (p->scope == HK_SCOPE_TEAM || p->blocks == 1 || p->net->threads == 1) {
        frame f = { .ex = ex, .p = p, .stream = p->scope == HK_SCOPE_TEAM ? stream : NULL, .local = base, .scratch = base + u->local };
        measure(&f, 0);
        for (int64_t b = 0; b < p->blocks; b++) {
            hk_status st = run_block(&f, u, b);
            if (st != HK_OK) return st;
        }
        return HK_OK;
    }
    hk_status failed = HK_OK;
#pragma omp parallel num_threads(p->net->threads)
    {
        unsigned mode = flush_denormals();
        int id = omp_get_thread_num();
        frame f = { .ex = ex, .p = p, .local = base + id * each, .scratch = base + id * each + u->local };
        measure(&f, id);
#pragma omp for schedule(dynamic, 1)
        for (int64_t b = 0; b < p->blocks; b++) {
            hk_status st = run_block(&f, u, b);
            if (st != HK_OK) {
#pragma omp atomic write
                failed = st;
            }
        }
        restore_denormals(mode);
    }
    return failed;
}

static frame team_frame(hk_executor *ex, const hk__plan *p, const hk__unit *u, hk_stream *stream) {
    char *base = p->net->arena + u->local_off;
    return (frame){ .ex = ex, .p = p, .stream = stream, .local = base, .scratch = base + u->local, .n = p->N, .groups = (p->N + HK_GROUP - 1) / HK_GROUP };
}

static hk_status run_team(hk_executor *ex, const hk__plan *p, const hk__unit *u, hk_stream *stream) {
    frame f = team_frame(ex, p, u, stream);
    hk_status st = HK_OK;
    measure(&f, 0);
    for (int k = 0; k < u->n_call && st == HK_OK; k++) st = run_any(&f, &u->call[k], p->T);
    return st;
}

static hk_status prepare_call(frame *f, const hk__call *c) {
    void *ptr[2 * HK_MAX_OPERANDS];
    if (!c->kept) return HK_OK;
    for (int i = 0; i < c->n_ref; i++) { /* what lies still; the rest does not exist yet */
        const hk__ref *r = &c->ref[i];
        ptr[i] = r->space == HK_SP_PARAM || r->space == HK_SP_CONST || r->space == HK_SP_KEPT ? address(f, r) : NULL;
    }
    const hk_bind bind = { .struct_size = sizeof bind, .n_ptr = (uint32_t)c->n_ref, .T = 1, .n = f->n, .groups = f->groups, .ptr = ptr, .scratch = f->scratch,
                           .step = &f->ex->step, .kept = f->p->kept + c->kept_off };
    return c->be->plan_prepare(c->plan, f->stream, &bind);
}

/* What is made of parameters alone, when one was written since: kept operations first, then what operations keep of their weights. */
static hk_status renew(hk_executor *ex, hk__plan *p, hk_stream *stream) {
    int64_t version = p->net->version;
    hk_status st = HK_OK;
    if (!p->kept_bytes || p->version == version) return HK_OK;
    p->version = 0; /* until all of it is made */
    for (int i = 0; i < p->n_unit && st == HK_OK; i++)
        if (p->unit[i].kept) st = run_team(ex, p, &p->unit[i], stream);
    for (int i = 0; i < p->n_unit && st == HK_OK; i++) {
        const hk__unit *u = &p->unit[i];
        frame f = team_frame(ex, p, u, stream);
        for (int k = 0; k < u->n_call && st == HK_OK; k++) {
            const hk__call *c = &u->call[k];
            st = prepare_call(&f, c);
            for (int b = 0; c->loop && b < c->loop->n_body && st == HK_OK; b++) st = prepare_call(&f, &c->loop->body[b]);
        }
    }
    if (st == HK_OK) p->version = version;
    return st;
}

hk_status hk__run(hk_executor *ex, uint32_t phases) {
    hk__plan *p = ex->now;
    if (hk__arena_there(ex) != HK_OK) return HK_ENOMEM;
    team stream = { .base = { parallel_for, p->net->threads } };
    frame whole = { .ex = ex, .p = p };
    int64_t start = ex->profile ? hk__ns() : 0;
    unsigned mode = flush_denormals();
    hk_status st = renew(ex, p, &stream.base);
    if (p->writes_params || phases & 1u << HK_UPDATE) p->net->version++;
    for (int i = 0; i < p->n_unit && st == HK_OK; i++) {
        const hk__unit *u = &p->unit[i];
        if (u->kept || !(phases & 1u << u->phase)) continue;
        st = u->team ? run_team(ex, p, u, &stream.base) : run_segment(ex, p, u, &stream.base);
    }
    restore_denormals(mode);
    if (ex->profile) {
        measure(&whole, 0);
        if (whole.track) keep(whole.track, &whole, NULL, start, 0);
        ex->profile->ns += hk__ns() - start, ex->profile->runs++;
    }
    return st;
}
