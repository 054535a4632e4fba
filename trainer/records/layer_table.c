/* layer_table.c - the network as a table: each module in the order of its definition, its constructor, the shape of its output for one sample, its own parameters. */
#include "trainer.h"
#include <stdlib.h>
#include <string.h>

enum { TEXT = 160 };

static hk_status add(const hk_module *m, int depth, hk__layer_table *t) {
    if (t->n == t->cap) {
        hk__layer_row *grown = realloc(t->row, (size_t)(2 * t->cap + 16) * sizeof *grown);
        if (!grown) return HK_ENOMEM;
        t->row = grown, t->cap = 2 * t->cap + 16;
    }
    hk__layer_row *r = &t->row[t->n++];
    *r = (hk__layer_row){ .path = strdup(hk_path(m)), .text = malloc(TEXT), .type = "", .depth = depth, .rank = -1 };
    if (!r->path || !r->text) return HK_ENOMEM;
    const int n = hk_module_to_text(m, r->text, TEXT);
    if (n >= TEXT) strcpy(r->text + TEXT - 4, "...");
    if (n < 0) r->text[0] = 0;
    return HK_OK;
}

static hk_status walk(const hk_module *m, int depth, hk__layer_table *t) {
    hk_status st = depth ? add(m, depth, t) : HK_OK; /* the root is the whole */
    for (int i = 0; i < hk_n_child(m) && !st; i++) st = walk(hk_child(m, i), depth + 1, t);
    return st;
}

/* A parameter belongs to the module with the longest path before its name. */
static void count_params(hk__job *j, hk__layer_table *t) {
    for (int i = 0; i < hk_network_n_param(j->net); i++) {
        const hk_param_info *p = hk_network_param(j->net, i);
        hk__layer_row *best = NULL;
        size_t longest = 0;
        for (int k = 0; k < t->n; k++) {
            const size_t n = strlen(t->row[k].path);
            if (n >= longest && !strncmp(p->name, t->row[k].path, n) && p->name[n] == '.') best = &t->row[k], longest = n;
        }
        if (best) best->params += p->elems, best->learnable += p->learnable ? p->elems : 0;
    }
}

hk_status hk__layer_table_make(hk__job *j, hk__layer_table *t) {
    hk__layers l = { 0 };
    hk_executor *ex = NULL;
    hk_status st = hk_n_child(j->root) ? walk(j->root, 0, t) : add(j->root, 1, t);
    if (!st) st = hk__layers_find(j, 1, &l);
    if (st) hk__conf_fail_key(j->conf, st, "run", "out", "out of memory");
    else st = hk__layers_executor(j, &l, HK_INFER, 1, &ex);
    for (int i = 0; i < l.n && !st; i++)
        for (int k = 0; k < t->n; k++) {
            hk__layer_row *r = &t->row[k];
            const size_t n = strlen(r->path);
            if (strncmp(l.out[i].name, r->path, n) || strcmp(l.out[i].name + n, ":y")) continue;
            r->type = l.type[i], r->spiking = l.spiking[i];
            if (hk_executor_dims(ex, l.out[i].name, &r->rank, r->dims)) r->rank = -1;
        }
    if (!st) count_params(j, t);
    hk_executor_free(ex);
    hk__layers_free(&l);
    return st;
}

void hk__layer_table_free(hk__layer_table *t) {
    for (int i = 0; i < t->n; i++) free(t->row[i].path), free(t->row[i].text);
    free(t->row);
    *t = (hk__layer_table){ 0 };
}
