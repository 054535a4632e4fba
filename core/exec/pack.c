/* pack.c - places intervals in one buffer so that no two that live at the same time overlap: largest first, each at the lowest offset where
 * it fits. Simple, and close to the largest live sum in practice; `hillock plan` prints both. */
#include "exec/exec.h"
#include <stdlib.h>

#define ALIGN 64

static const hk__item *sort_base;

static int by_size(const void *a, const void *b) {
    const hk__item *x = &sort_base[*(const int *)a], *y = &sort_base[*(const int *)b];
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return *(const int *)a - *(const int *)b;
}

static int by_offset(const void *a, const void *b) {
    const hk__item *x = *(const hk__item *const *)a, *y = *(const hk__item *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

int64_t hk__pack(hk__item *item, int n, int64_t *live) {
    int64_t total = 0;
    *live = 0;
    if (n == 0) return 0;
    int *order = malloc((size_t)n * sizeof *order);
    const hk__item **near = malloc((size_t)n * sizeof *near);
    if (!order || !near) {
        free(order);
        free(near);
        return -1;
    }
    for (int i = 0; i < n; i++) {
        order[i] = i;
        item[i].bytes = (item[i].bytes + ALIGN - 1) / ALIGN * ALIGN;
    }
    for (int i = 0; i < n; i++) { /* the largest sum is reached where some interval begins */
        int64_t sum = 0;
        for (int k = 0; k < n; k++)
            if (item[k].first <= item[i].first && item[i].first <= item[k].last) sum += item[k].bytes;
        if (sum > *live) *live = sum;
    }
    sort_base = item;
    qsort(order, (size_t)n, sizeof *order, by_size);
    for (int i = 0; i < n; i++) {
        hk__item *it = &item[order[i]];
        int m = 0;
        for (int k = 0; k < i; k++) {
            const hk__item *o = &item[order[k]];
            if (o->first <= it->last && it->first <= o->last) near[m++] = o;
        }
        qsort(near, (size_t)m, sizeof *near, by_offset);
        int64_t at = 0;
        for (int k = 0; k < m; k++) {
            if (near[k]->offset - at >= it->bytes) break;
            if (near[k]->offset + near[k]->bytes > at) at = near[k]->offset + near[k]->bytes;
        }
        it->offset = at;
        if (at + it->bytes > total) total = at + it->bytes;
    }
    free(order);
    free(near);
    return total;
}
