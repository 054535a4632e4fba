/* tune_time.c - runs one operation alone, on its own shapes with drawn numbers, and takes the time. In BLOCK scope all threads run it at once, each with outputs and
 * scratch of its own, as in a plan: they share the caches and the memory then too. */
#include "exec/tune.h"
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RUNS = 5 };
#define ENOUGH 8e-3 /* seconds of one way, after which it is not run again */

static void parallel_for(hk_stream *st, int64_t n, int64_t grain, void (*body)(void *, int64_t, int64_t), void *arg) {
    int64_t pieces = st->threads, most = grain > 0 ? (n + grain - 1) / grain : n;
    if (pieces > most) pieces = most;
#pragma omp parallel for schedule(static, 1) num_threads((int)(pieces > 0 ? pieces : 1))
    for (int64_t i = 0; i < pieces; i++)
        if (n * (i + 1) / pieces > n * i / pieces) body(arg, n * i / pieces, n * (i + 1) / pieces);
}

/* ---- operands ---- */

const hk_desc *hk__trial_operand(const hk__trial *m, uint32_t k) { return k < m->d.n_in ? &m->d.in[k] : &m->d.out[k - m->d.n_in]; }

static uint32_t draw(uint32_t *seed) { return (*seed = *seed * 1664525u + 1013904223u) >> 8; }

/* Numbers of [-1, 1), spikes of a share, zeros where numbers are counts or classes. */
static hk_status fill(hk__trial *m, uint32_t k, double share) {
    const hk_desc *d = hk__trial_operand(m, k);
    char *host = calloc(m->bytes[k] + 1, 1);
    uint32_t seed = 12345 + k;
    if (!host) return HK_ENOMEM;
    size_t n = m->bytes[k] / (d->dtype == HK_F32 ? (size_t)m->net->real : 1);
    for (size_t i = 0; i < n && (d->dtype == HK_F32 || d->dtype == HK_SPIKE); i++) {
        double u = draw(&seed) / 16777216.0;
        if (d->dtype == HK_SPIKE) host[i] = u < share;
        else if (m->net->real == 8) ((double *)(void *)host)[i] = 2 * u - 1;
        else ((float *)(void *)host)[i] = (float)(2 * u - 1);
    }
    hk_status st = m->net->be->upload(m->net->dev, m->ptr[k], host, m->bytes[k]);
    free(host);
    return st;
}

hk_status hk__trial_spikes(hk__trial *m, double share) {
    hk_status st = HK_OK;
    for (uint32_t k = 0; k < m->d.n_in && st == HK_OK; k++)
        if (m->d.in[k].dtype == HK_SPIKE) st = fill(m, k, share);
    return st;
}

hk_status hk__trial_begin(hk__trial *m) {
    hk_status st = HK_OK;
    for (uint32_t k = 0; k < m->d.n_in + m->d.n_out && st == HK_OK; k++) {
        const hk_desc *d = hk__trial_operand(m, k);
        if (d->dtype == HK_ABSENT) continue;
        m->bytes[k] = (size_t)(hk__rows(m->p, d, m->n) * hk__row_bytes(m->net, d) + 63) / 64 * 64;
        st = m->net->be->buf_new(m->net->dev, m->bytes[k] * (k < m->d.n_in ? 1 : (size_t)m->copies), (void **)&m->ptr[k]);
        if (st == HK_OK && k < m->d.n_in) st = fill(m, k, 0.5);
    }
    return st;
}

void hk__trial_end(hk__trial *m) {
    for (uint32_t k = 0; k < m->d.n_in + m->d.n_out; k++)
        if (m->ptr[k]) m->net->be->buf_free(m->net->dev, m->ptr[k]);
}

/* ---- measuring ---- */

/* All copies at once, as in a plan. */
static hk_status run_once(const hk__trial *m, const hk_backend *be, const hk_op_plan *plan, char *scratch, size_t each, char *kept) {
    hk_stream stream = { parallel_for, m->net->threads };
    const bool team = m->d.scope == HK_SCOPE_TEAM;
    const hk_step step = { 0 };
    hk_status failed = HK_OK;
#pragma omp parallel for schedule(static, 1) num_threads(m->copies) if (!team)
    for (int c = 0; c < m->copies; c++) {
        void *ptr[HK_MAX_OPERANDS];
        for (uint32_t k = 0; k < m->d.n_in + m->d.n_out; k++) ptr[k] = m->ptr[k] && k >= m->d.n_in ? m->ptr[k] + (size_t)c * m->bytes[k] : m->ptr[k];
        const hk_bind bind = { .struct_size = sizeof bind,
            .n_ptr = m->d.n_in + m->d.n_out,
            .T = m->d.T,
            .n = m->n,
            .groups = m->groups,
            .ptr = ptr,
            .scratch = scratch + (size_t)c * each,
            .step = &step,
            .kept = kept };
        hk_status st = be->plan_run(plan, team ? &stream : NULL, &bind);
        if (st != HK_OK) {
#pragma omp atomic write
            failed = st;
        }
    }
    return failed;
}

static hk_status prepare(const hk__trial *m, const hk_backend *be, const hk_op_plan *plan, char *scratch, char *kept) {
    hk_stream stream = { parallel_for, m->net->threads };
    const hk_step step = { 0 };
    void *ptr[HK_MAX_OPERANDS] = { NULL };
    for (uint32_t k = 0; k < m->d.n_in; k++) ptr[k] = m->d.constant >> k & 1 ? m->ptr[k] : NULL;
    const hk_bind bind = { .struct_size = sizeof bind,
        .n_ptr = m->d.n_in + m->d.n_out,
        .T = 1,
        .n = m->n,
        .groups = m->groups,
        .ptr = ptr,
        .scratch = scratch,
        .step = &step,
        .kept = kept };
    return be->plan_prepare(plan, &stream, &bind);
}

hk_status hk__trial_time(hk__trial *m, const hk__candidate *c, const char *way, double *s) {
    hk_op_plan *plan = NULL;
    char *scratch = NULL, *kept = NULL;
    hk_query q = { .struct_size = sizeof q };
    *s = INFINITY;
    m->d.way = strcmp(way, "auto") ? way : NULL;
    hk_status st = c->be->plan_new(c->dev, &m->d, &plan);
    if (st != HK_OK) return st == HK_EUNSUPPORTED ? HK_OK : st;
    c->be->plan_query(plan, &q);
    size_t each = (q.scratch + 63) / 64 * 64;
    st = m->net->be->buf_new(m->net->dev, each * (size_t)m->copies + 64, (void **)&scratch);
    if (st == HK_OK && q.kept) st = m->net->be->buf_new(m->net->dev, q.kept, (void **)&kept);
    if (st == HK_OK && q.kept) st = prepare(m, c->be, plan, scratch, kept);
    int64_t all = 0;
    if (st == HK_OK) st = run_once(m, c->be, plan, scratch, each, kept); /* caches and pages */
    for (int i = 0; i < MAX_RUNS && (i < 3 || 1e-9 * (double)all < ENOUGH) && st == HK_OK; i++) {
        int64_t start = hk__ns();
        st = run_once(m, c->be, plan, scratch, each, kept);
        int64_t ns = hk__ns() - start;
        all += ns, *s = fmin(*s, 1e-9 * (double)ns);
    }
    if (kept) m->net->be->buf_free(m->net->dev, kept);
    if (scratch) m->net->be->buf_free(m->net->dev, scratch);
    c->be->plan_free(plan);
    return st;
}
