/* readers.c - who reads a value: operations, loops, sequence state, and the names that a plan keeps hold of. */
#include "graph/graph.h"
#include <string.h>

int hk__readers(const hk__graph *g, hk_value v, const char **who) {
    int n = 0;
    *who = "";
#define FOUND(text) (n++, *who = (text))
    for (int i = 1; i < g->n_node; i++) {
        const hk__node *node = &g->node[i];
        const hk__loop *l = node->body;
        for (int k = 0; k < node->n_in; k++)
            if (node->in[k] == v) FOUND(node->path);
        for (int k = 0; l && k < l->n_at; k++)
            if (l->at[k].outer == v) FOUND(node->path);
        for (int k = 0; l && k < l->n_carry; k++)
            if (l->carry[k].next == v) FOUND(node->path);
    }
    for (int i = 0; i < g->n_slot; i++)
        if (g->slot[i].next == v) FOUND(g->slot[i].name);
    for (int i = 0; i < g->n_named; i++) /* ":(y)": kept by the plan; other names only could have been asked for */
        if (g->named[i].value == v && strncmp(g->named[i].name, ":(", 2) == 0) FOUND("an output that is asked for");
#undef FOUND
    return n;
}
