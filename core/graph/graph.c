/* graph.c - the tables of a graph: values, nodes, lists, and the pool that owns what they point to. */
#include "graph/graph.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
enum { POOL_BLOCK = 0 }; /* each piece is a block of its own: its ends are watched, and it can be made to fail */
#else
enum { POOL_BLOCK = 65536 };
#endif

void *hk__pool(hk__graph *g, size_t bytes) {
    bytes = (bytes + 15) & ~(size_t)15;
    hk__block_mem *m = g->pool;
    if (!m || m->used + bytes > m->size) {
        size_t size = bytes > POOL_BLOCK ? bytes : POOL_BLOCK;
        m = malloc(sizeof *m + 16 + size);
        if (!m) {
            g->oom = true;
            return NULL;
        }
        m->next = g->pool, m->used = 0, m->size = size;
        g->pool = m;
    }
    char *base = (char *)(((uintptr_t)(m + 1) + 15) & ~(uintptr_t)15);
    void *p = base + m->used;
    m->used += bytes;
    memset(p, 0, bytes);
    return p;
}

char *hk__pool_str(hk__graph *g, const char *s) {
    size_t n = strlen(s) + 1;
    char *p = hk__pool(g, n);
    if (p) memcpy(p, s, n);
    return p;
}

bool hk__push(hk__list *l, int32_t v) { return hk__insert(l, l->n, v); }

bool hk__insert(hk__list *l, int at, int32_t v) {
    if (l->n == l->cap) {
        int cap = l->cap ? 2 * l->cap : 16;
        int32_t *p = realloc(l->at, (size_t)cap * sizeof *p);
        if (!p) return false;
        l->at = p, l->cap = cap;
    }
    memmove(l->at + at + 1, l->at + at, (size_t)(l->n - at) * sizeof *l->at);
    l->at[at] = v;
    l->n++;
    return true;
}

void hk__remove(hk__list *l, int at) {
    memmove(l->at + at, l->at + at + 1, (size_t)(l->n - at - 1) * sizeof *l->at);
    l->n--;
}

int hk__index_of(const hk__list *l, int32_t v) {
    for (int i = 0; i < l->n; i++)
        if (l->at[i] == v) return i;
    return -1;
}

/* Makes room for one more in a table; false when there is none. */
static bool grow(void **table, int32_t *cap, int32_t n, size_t each) {
    if (n < *cap) return true;
    int32_t c = *cap ? 2 * *cap : 64;
    void *p = realloc(*table, (size_t)c * each);
    if (!p) return false;
    *table = p, *cap = c;
    return true;
}

hk_value hk__val_new(hk__graph *g, const hk_desc *d, hk__source source, int32_t ref, int32_t loop) {
    if (!g->n_val) g->n_val = 1;
    if (!grow((void **)&g->val, &g->cap_val, g->n_val, sizeof *g->val)) {
        g->oom = true;
        return HK_NONE;
    }
    hk__val v = { .desc = *d, .source = source, .ref = ref, .loop = loop };
    g->val[g->n_val] = v;
    return g->n_val++;
}

hk__list *hk__body(hk__graph *g, int32_t loop) { return loop ? &g->node[loop].body->body : &g->top; }

int32_t hk__node_new(hk__graph *g, const struct hk__op *op, const char *path, int n_in, const hk_value *in, int n_out, int n_attr, const hk_attr *attr, int32_t loop) {
    if (!g->n_node) g->n_node = 1;
    if (!grow((void **)&g->node, &g->cap_node, g->n_node, sizeof *g->node)) goto oom;
    hk__node n = { .op = op, .path = path, .n_in = n_in, .n_out = n_out, .n_attr = n_attr, .loop = loop };
    n.in = hk__pool(g, (size_t)(n_in + 1) * sizeof *n.in);
    n.out = hk__pool(g, (size_t)(n_out + 1) * sizeof *n.out);
    n.attr = hk__pool(g, (size_t)(n_attr + 1) * sizeof *n.attr);
    if (!n.in || !n.out || !n.attr) goto oom;
    if (n_in) memcpy(n.in, in, (size_t)n_in * sizeof *in);
    if (n_attr) memcpy(n.attr, attr, (size_t)n_attr * sizeof *attr);
    int32_t id = g->n_node;
    g->node[g->n_node++] = n;
    for (int i = 0; i < n_out; i++) {
        hk_desc unknown = { .rank = HK_UNKNOWN, .dtype = HK_F32 };
        hk_value v = hk__val_new(g, &unknown, HK_SRC_NODE, 0, loop);
        if (!v) goto oom;
        g->val[v].node = id, g->val[v].out = i;
        g->node[id].out[i] = v;
    }
    return id;
oom:
    g->oom = true;
    return 0;
}

bool hk__pair_add(hk__graph *g, hk__pair **pairs, int32_t *n, hk_value inner, hk_value outer) {
    if ((*n & (*n - 1)) == 0) { /* room doubles at powers of two */
        hk__pair *p = hk__pool(g, (size_t)(*n ? 2 * *n : 2) * sizeof *p);
        if (!p) return false;
        if (*n) memcpy(p, *pairs, (size_t)*n * sizeof *p);
        *pairs = p;
    }
    (*pairs)[(*n)++] = (hk__pair){ inner, outer };
    return true;
}

void hk__note(hk__graph *g, const char *fmt, ...) {
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (int i = 0; i < g->n_note; i++) /* a rule is tried again when another one has changed the graph */
        if (strcmp(g->note[i], text) == 0) return;
    char *kept = hk__pool_str(g, text), **list = hk__pool(g, (size_t)(g->n_note + 1) * sizeof *list);
    if (!kept || !list) return;
    if (g->n_note) memcpy(list, g->note, (size_t)g->n_note * sizeof *list);
    list[g->n_note++] = kept;
    g->note = list;
}

void hk__graph_free(hk__graph *g) {
    if (!g) return;
    for (int i = 1; i < g->n_node; i++)
        if (g->node[i].body) free(g->node[i].body->body.at);
    for (hk__block_mem *m = g->pool, *next; m; m = next) next = m->next, free(m);
    free(g->val);
    free(g->node);
    free(g->top.at);
    free(g->slot);
    free(g->named);
    free(g);
}

bool hk__same_shape(const hk_desc *a, const hk_desc *b) {
    if (a->rank != b->rank) return false;
    if (!hk__known(a)) return true;
    for (int i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

bool hk__same_desc(const hk_desc *a, const hk_desc *b) { return a->dtype == b->dtype && a->flags == b->flags && hk__same_shape(a, b); }
