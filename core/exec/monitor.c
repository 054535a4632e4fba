/* monitor.c - what named values of an executor are over many runs: their mean over steps, samples and runs in memory that does not grow, or
 * every run's numbers. It reads at the border, behind a run, only what it is asked for. As spikingjelly.activation_based.monitor. */
#include "exec/exec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct watched {
    char *name;
    hk_desc row;
    double *sum;   /* MEAN: of each number of the row */
    int64_t count; /* rows in sum */
} watched;

struct hk_monitor {
    hk_executor *ex;
    int mode, n;
    watched *w;
    float *buf;
    int64_t cap;
    hk_tensor *tensor; /* MEAN: one for each name; FULL: n for each run */
    int n_tensor, cap_tensor;
};

static hk_status no_memory(hk_executor *ex) { return hk__fail(ex->net->ctx, HK_ENOMEM, "out of memory for the monitor"); }

void hk_monitor_clear(hk_monitor *m) {
    for (int i = 0; i < m->n_tensor; i++) free((char *)(uintptr_t)m->tensor[i].name), free(m->tensor[i].data);
    m->n_tensor = 0;
    for (int i = 0; i < m->n; i++) {
        m->w[i].count = 0;
        if (m->w[i].sum) memset(m->w[i].sum, 0, (size_t)hk_desc_elems(&m->w[i].row) * sizeof(double));
    }
}

void hk_monitor_free(hk_monitor *m) {
    if (!m) return;
    if (m->w) hk_monitor_clear(m);
    for (int i = 0; m->w && i < m->n; i++) free(m->w[i].name), free(m->w[i].sum);
    free(m->w), free(m->buf), free(m->tensor), free(m);
}

hk_status hk_monitor_new(hk_executor *ex, hk_monitor_mode mode, int n, const char *const *names, hk_monitor **out) {
    *out = NULL;
    if (n < 0 || mode > HK_MONITOR_FULL) return hk__fail(ex->net->ctx, HK_EINVAL, "monitor: expected HK_MONITOR_MEAN or _FULL, and 0 or more names");
    hk_monitor *m = calloc(1, sizeof *m);
    if (!m) return no_memory(ex);
    m->ex = ex, m->mode = (int)mode, m->n = n;
    m->w = calloc((size_t)n + 1, sizeof *m->w);
    hk_status st = m->w ? HK_OK : no_memory(ex);
    for (int i = 0; i < n && st == HK_OK; i++) {
        watched *w = &m->w[i];
        st = hk__border_row(ex, names[i], &w->row);
        w->name = strdup(names[i]);
        if (mode == HK_MONITOR_MEAN && st == HK_OK) w->sum = calloc((size_t)hk_desc_elems(&w->row) + 1, sizeof *w->sum);
        if (st == HK_OK && (!w->name || (mode == HK_MONITOR_MEAN && !w->sum))) st = no_memory(ex);
    }
    if (st == HK_OK) *out = m;
    else hk_monitor_free(m);
    return st;
}

/* The value as it is now, into buf. */
static hk_status take_one(hk_monitor *m, const char *name, int *rank, int64_t *dims, int64_t *n) {
    hk_status st = hk_executor_dims(m->ex, name, rank, dims);
    *n = 1;
    for (int k = 0; k < *rank && st == HK_OK; k++) *n *= dims[k];
    if (st == HK_OK && *n > m->cap) {
        float *grown = realloc(m->buf, (size_t)*n * sizeof *grown);
        if (!grown) return no_memory(m->ex);
        m->buf = grown, m->cap = *n;
    }
    return st == HK_OK ? hk_executor_read(m->ex, name, HK_F32, m->buf, *n) : st;
}

/* A tensor with a copy of n numbers of buf; fresh: room for another one. */
static hk_status put(hk_monitor *m, const char *name, int run, int rank, const int64_t *dims, int64_t n) {
    if (m->n_tensor == m->cap_tensor) {
        int cap = 2 * m->cap_tensor + 8;
        hk_tensor *grown = realloc(m->tensor, (size_t)cap * sizeof *grown);
        if (!grown) return no_memory(m->ex);
        m->tensor = grown, m->cap_tensor = cap;
    }
    hk_tensor *t = &m->tensor[m->n_tensor];
    char text[600];
    if (run) snprintf(text, sizeof text, "%s.%d", name, run);
    else snprintf(text, sizeof text, "%s", name);
    *t = (hk_tensor){ .name = strdup(text), .dtype = HK_F32, .rank = rank, .data = malloc((size_t)n * sizeof(float) + 1) };
    if (!t->name || !t->data) {
        free((char *)(uintptr_t)t->name), free(t->data);
        return no_memory(m->ex);
    }
    memcpy(t->shape, dims, (size_t)rank * sizeof *dims);
    memcpy(t->data, m->buf, (size_t)n * sizeof(float));
    m->n_tensor++;
    return HK_OK;
}

hk_status hk_monitor_take(hk_monitor *m) {
    const int run = m->n ? m->n_tensor / m->n : 0;
    for (int i = 0; i < m->n; i++) {
        watched *w = &m->w[i];
        int rank;
        int64_t dims[HK_MAX_RANK + 2], n, row = hk_desc_elems(&w->row);
        hk_status st = take_one(m, w->name, &rank, dims, &n);
        if (st == HK_OK && m->mode == HK_MONITOR_FULL) st = put(m, w->name, run, rank, dims, n);
        if (st != HK_OK) return st;
        if (m->mode == HK_MONITOR_FULL || !row) continue;
        for (int64_t r = 0; r < n / row; r++)
            for (int64_t e = 0; e < row; e++) w->sum[e] += (double)m->buf[r * row + e];
        w->count += n / row;
    }
    return HK_OK;
}

hk_status hk_monitor_tensors(hk_monitor *m, int *n, const hk_tensor **tensors) {
    hk_status st = HK_OK;
    for (int i = 0; m->mode == HK_MONITOR_MEAN && i < m->n_tensor; i++) free((char *)(uintptr_t)m->tensor[i].name), free(m->tensor[i].data);
    if (m->mode == HK_MONITOR_MEAN) m->n_tensor = 0;
    for (int i = 0; m->mode == HK_MONITOR_MEAN && i < m->n && st == HK_OK; i++) {
        const watched *w = &m->w[i];
        int64_t row = hk_desc_elems(&w->row);
        if (row > m->cap) {
            float *grown = realloc(m->buf, (size_t)row * sizeof *grown);
            if (!grown) return no_memory(m->ex);
            m->buf = grown, m->cap = row;
        }
        for (int64_t e = 0; e < row; e++) m->buf[e] = (float)(w->count ? w->sum[e] / (double)w->count : 0.0);
        st = put(m, w->name, 0, w->row.rank, w->row.shape, row);
    }
    *n = m->n_tensor, *tensors = m->tensor;
    return st;
}
