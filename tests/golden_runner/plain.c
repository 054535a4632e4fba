/* plain.c - the common shape of a case: one module, in.x, state0.*, outputs by name, all upstream gradients at once. */
#include "runner.h"
#include <stdlib.h>
#include <string.h>

gr_shape gr_shape_seq(const hk_tensor *x) {
    gr_shape s = { .T = x->rank > 0 ? x->shape[0] : 1, .N = x->rank > 1 ? x->shape[1] : 1, .seq = 1, .rank = x->rank > 2 ? x->rank - 2 : x->rank < 2 };
    s.shape[0] = 1;
    for (int i = 0; i + 2 < x->rank; i++) s.shape[i] = x->shape[i + 2];
    return s;
}

uint32_t gr_eval_flag(const gr_case *c) { return json_is_false(json_object_get(c->spec, "train_mode")) ? HK_EVAL : 0; }

typedef enum reader { OUTPUT, STATE, BUFFER, EVAL } reader;

/* Where out.NAME is read: y, y_seq, s_seq, spk_rec are the output; X_seq, X_rec, spike_time a named output; buffer.K a buffer; others the last state. */
static reader place_of(const char *name, char buf[128]) {
    static const char *const plain[] = { "y", "y_seq", "s_seq", "spk_rec" };
    const char *rest;
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(name, plain[i])) {
            strcpy(buf, "y");
            return OUTPUT;
        }
    if (gr_prefix(name, "buffer.", &rest)) {
        snprintf(buf, 128, "%s", rest);
        return BUFFER;
    }
    if (!strcmp(name, "y_eval")) {
        strcpy(buf, "y");
        return EVAL;
    }
    if (!strcmp(name, "spike_time")) {
        strcpy(buf, ":spike_time");
        return OUTPUT;
    }
    if (n > 4 && (!strcmp(name + n - 4, "_seq") || !strcmp(name + n - 4, "_rec"))) {
        snprintf(buf, 128, ":%.*s", (int)(n - 4), name);
        return OUTPUT;
    }
    snprintf(buf, 128, "state:%s", name);
    return STATE;
}

enum { MAX_OUT = 8 };
typedef struct outputs {
    hk_output out[MAX_OUT];
    char name[MAX_OUT][128];
    int n;
} outputs;

/* Those that have a value in the file, and those that only get a gradient, since their value is random. */
static void find_outputs(gr_case *c, outputs *o, bool train) {
    const char *name;
    for (int i = 0; i < hk_file_n(c->data); i++) {
        const char *full = hk_file_at(c->data, i)->name;
        char place[128];
        bool given = gr_prefix(full, "out.", &name), random = gr_prefix(full, "grad_out.", &name) && !gr_find(c, "out.%s", name);
        if (!(given ? gr_prefix(full, "out.", &name) : train && random) || place_of(name, place) != OUTPUT || o->n == MAX_OUT) continue;
        strcpy(o->name[o->n], place);
        o->out[o->n] = (hk_output){ .name = o->name[o->n], .upstream = train && gr_find(c, "grad_out.%s", name) };
        o->n++;
    }
}

static bool start(gr_case *c, gr_net *n, const gr_shape *s, bool masks) {
    const char *name;
    char place[160];
    if (!gr_ok(c, hk_executor_shape(n->ex, s->T, s->N, s->seq, s->rank, s->shape), "hk_executor_shape")) return false;
    const hk_tensor *x = gr_find(c, "in.x");
    if (!gr_net_write(c, n, "x", x ? x : gr_find(c, "in.target"))) return false;
    for (int i = 0; i < hk_file_n(c->data); i++) {
        const hk_tensor *t = hk_file_at(c->data, i);
        bool mask = !strcmp(t->name, "in.mask");
        if (!gr_prefix(t->name, "state0.", &name) && !(mask && masks)) continue;
        snprintf(place, sizeof place, "state:%s", mask ? "mask" : name);
        if (!gr_net_write(c, n, place, t)) return false;
    }
    return gr_ok(c, hk_executor_run(n->ex), "hk_executor_run");
}

/* which: bits 1 << reader */
static bool read_outputs(gr_case *c, gr_net *n, unsigned which) {
    const char *name;
    char place[128];
    bool ok = true;
    for (int i = 0; i < hk_file_n(c->data); i++) {
        const hk_tensor *t = hk_file_at(c->data, i);
        if (!gr_prefix(t->name, "out.", &name) || !strcmp(name, "primitive")) continue;
        reader r = place_of(name, place);
        if (which & 1u << r) ok &= r == BUFFER ? gr_net_read_param(c, n, place, t) : gr_net_read(c, n, place, t);
    }
    return ok;
}

static bool read_gradients(gr_case *c, gr_net *n) {
    const char *name;
    char place[160];
    bool ok = true;
    for (int i = 0; i < hk_file_n(c->data); i++) {
        const hk_tensor *t = hk_file_at(c->data, i);
        if (gr_prefix(t->name, "grad_out.", &name)) {
            char out[128];
            place_of(name, out);
            snprintf(place, sizeof place, "grad_out:%s", out);
            ok &= gr_net_write(c, n, place, t);
        }
    }
    if (!ok || !gr_ok(c, hk_executor_backward(n->ex), "hk_executor_backward")) return false;
    for (int i = 0; i < hk_file_n(c->data); i++) {
        const hk_tensor *t = hk_file_at(c->data, i);
        if (!gr_prefix(t->name, "grad.", &name)) continue;
        snprintf(place, sizeof place, "grad:%s", name);
        ok &= gr_net_read(c, n, place, t);
    }
    return ok;
}

void gr_run_plain(gr_case *c, const char *text, const gr_shape *s, bool infer_too) {
    gr_net n = { 0 };
    outputs o = { .n = 0 }, plain = { .n = 0 };
    bool train = false, eval = gr_find(c, "out.y_eval") != NULL;
    for (int i = 0; i < hk_file_n(c->data); i++) train |= gr_prefix(hk_file_at(c->data, i)->name, "grad.", NULL);
    if (json_is_true(json_object_get(c->spec, "train_mode")) && !infer_too) train = true;
    find_outputs(c, &o, train);
    find_outputs(c, &plain, false);
    unsigned all = 1u << OUTPUT | 1u << STATE | 1u << BUFFER;
    bool ok = gr_net_open(c, &n, text, NULL, NULL, 1);
    uint32_t flags = HK_SEPARATE | (gr_find(c, "grad.x") ? HK_INPUT_GRAD : 0) | gr_eval_flag(c);
    ok = ok && gr_net_executor(c, &n, train ? HK_TRAIN : HK_INFER, train ? flags : 0, o.n, o.out);
    ok = ok && start(c, &n, s, true) && read_outputs(c, &n, all);
    if (ok && train && o.n && o.out[0].upstream) ok = read_gradients(c, &n);
    if (ok && train && (infer_too || eval)) /* inference gives the same; or what evaluation gives */
        ok = gr_net_executor(c, &n, HK_INFER, 0, plain.n, plain.out) && start(c, &n, s, !eval) && read_outputs(c, &n, eval ? 1u << EVAL : 1u << OUTPUT | 1u << STATE);
    gr_net_close(&n);
}
