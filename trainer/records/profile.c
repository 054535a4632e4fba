/* profile.c - `--profile`: where the time of runs goes, as a table by operation and as a trace of the first steps.
 *
 * The core measures (hk_executor_profile); here rows of the same operation in several plans become one, are sorted and printed. The trace is
 * Chrome's format: complete events, one for each call, process 1 for training and 2 for tests. */
#include "trainer.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_TRAIN = 10, TRACE_TEST = 2 }; /* runs that the trace shows */
static const char *const phases[] = { "forward", "backward", "update", "gather" };

hk_status hk__profile_begin(hk__job *j) {
    hk_status st = hk_executor_profile(j->train, 1, TRACE_TRAIN);
    if (!st) st = hk_executor_profile(j->infer, 1, TRACE_TEST);
    return st ? hk__job_fail_ctx(j, st, "model", "type") : HK_OK;
}

typedef struct table {
    hk_op_time *row;
    int n, cap, oom;
} table;

static void add_row(void *arg, const hk_op_time *t) {
    table *b = arg;
    for (int i = 0; i < b->n; i++) {
        hk_op_time *r = &b->row[i];
        if (r->phase != t->phase || strcmp(r->op, t->op) || strcmp(r->path, t->path) || strcmp(r->impl, t->impl)) continue;
        r->calls += t->calls, r->seconds += t->seconds, r->flop += t->flop, r->bytes += t->bytes;
        return;
    }
    if (b->n == b->cap) {
        hk_op_time *grown = realloc(b->row, (size_t)(2 * b->cap + 16) * sizeof *grown);
        if (!grown) {
            b->oom = 1;
            return;
        }
        b->row = grown, b->cap = 2 * b->cap + 16;
    }
    b->row[b->n++] = *t;
}

static int longest_first(const void *a, const void *b) {
    double x = ((const hk_op_time *)a)->seconds, y = ((const hk_op_time *)b)->seconds;
    return (x < y) - (x > y);
}

static void rate_text(const hk_op_time *t, char buf[32]) {
    buf[0] = 0;
    if (t->seconds > 0 && t->flop > 0) snprintf(buf, 32, "%.1f GFLOP/s", 1e-9 * t->flop / t->seconds);
    else if (t->seconds > 0 && t->bytes > 0) snprintf(buf, 32, "%.1f GB/s", 1e-9 * t->bytes / t->seconds);
}

static void print_text(const table *b, const char *title, int64_t runs, double seconds) {
    double sum = 0, all = seconds > 0 ? seconds : 1;
    printf("profile of %s: %lld runs, %.1f ms\n", title, (long long)runs, 1e3 * seconds);
    printf("  %-20s %-18s %-8s %-22s %9s %11s %7s %16s\n", "operation", "module", "phase", "implementation", "calls", "total ms", "share", "rate");
    for (int i = 0; i < b->n; i++) {
        const hk_op_time *t = &b->row[i];
        char rate[32];
        rate_text(t, rate);
        sum += t->seconds;
        printf("  %-20s %-18s %-8s %-22s %9lld %11.3f %5.1f %% %16s\n", t->op, t->path, phases[t->phase], t->impl, (long long)t->calls, 1e3 * t->seconds,
            100 * t->seconds / all, rate);
    }
    printf("  %-81s %11.3f %5.1f %%\n", "waiting for other threads, and dispatch", 1e3 * (seconds - sum), 100 * (seconds - sum) / all);
}

static void quoted(FILE *f, const char *s) {
    putc('"', f);
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20) fprintf(f, "\\u%04x", (unsigned)*s);
        else {
            if (*s == '"' || *s == '\\') putc('\\', f);
            putc(*s, f);
        }
    }
    putc('"', f);
}

static void print_json(const table *b, const char *title, int64_t runs, double seconds) {
    printf("{\"profile\": \"%s\", \"runs\": %lld, \"seconds\": %.9f, \"operations\": [", title, (long long)runs, seconds);
    for (int i = 0; i < b->n; i++) {
        const hk_op_time *t = &b->row[i];
        printf("%s{\"op\": ", i ? ", " : "");
        quoted(stdout, t->op);
        printf(", \"module\": ");
        quoted(stdout, t->path);
        printf(", \"impl\": ");
        quoted(stdout, t->impl);
        printf(", \"phase\": \"%s\", \"calls\": %lld, \"seconds\": %.9f, \"flop\": %.17g, \"bytes\": %.17g}", phases[t->phase], (long long)t->calls, t->seconds,
            t->flop, t->bytes);
    }
    printf("]}\n");
}

hk_status hk__profile_print(hk__job *j, hk_executor *ex, const char *title, int json) {
    table b = { NULL, 0, 0, 0 };
    int64_t runs = 0;
    double seconds = 0;
    hk_status st = hk_executor_profile_each(ex, add_row, &b, &runs, &seconds);
    if (st) hk__job_fail_ctx(j, st, "model", "type");
    else if (b.oom) st = hk__conf_fail(j->conf, HK_ENOMEM, "out of memory");
    if (b.n) qsort(b.row, (size_t)b.n, sizeof *b.row, longest_first);
    if (!st && json) print_json(&b, title, runs, seconds);
    else if (!st) print_text(&b, title, runs, seconds);
    free(b.row);
    return st;
}

typedef struct trace {
    FILE *f;
    double base;
    int pid, n;
} trace;

static void find_base(void *arg, const hk_op_event *e) {
    trace *t = arg;
    if (!t->n++ || e->start < t->base) t->base = e->start;
}

static void write_event(void *arg, const hk_op_event *e) {
    trace *t = arg;
    fprintf(t->f, ",\n{\"ph\": \"X\", \"pid\": %d, \"tid\": %d, \"ts\": %.3f, \"dur\": %.3f, \"name\": ", t->pid, e->thread, 1e6 * (e->start - t->base),
        1e6 * e->op.seconds);
    quoted(t->f, e->op.op);
    fprintf(t->f, ", \"cat\": \"%s\", \"args\": {\"run\": %lld", e->op.phase < 0 ? "run" : e->piece ? "piece" : phases[e->op.phase], (long long)e->run);
    if (e->op.phase >= 0) {
        fprintf(t->f, ", \"block\": %d, \"t\": %d, \"module\": ", e->block, e->t);
        quoted(t->f, e->op.path);
        fprintf(t->f, ", \"implementation\": ");
        quoted(t->f, e->op.impl);
    }
    fprintf(t->f, "}}");
}

hk_status hk__profile_trace(hk__job *j, const char *path) {
    hk_executor *const ex[] = { j->train, j->infer };
    static const char *const title[] = { "training", "test" };
    trace t = { fopen(path, "we"), 0, 0, 0 };
    int64_t lost = 0, more;
    if (!t.f) return hk__conf_fail_key(j->conf, HK_EIO, "run", "out", "%s cannot be written: %s", path, strerror(errno));
    hk_status st = HK_OK;
    for (int i = 0; i < 2 && !st; i++) st = hk_executor_profile_events(ex[i], find_base, &t, &more), lost += st ? 0 : more;
    fprintf(t.f, "{\"displayTimeUnit\": \"ms\", \"otherData\": {\"lost\": %lld}, \"traceEvents\": [", (long long)lost);
    for (int i = 0; i < 2 && !st; i++) {
        t.pid = i + 1;
        fprintf(t.f, "%s\n{\"ph\": \"M\", \"pid\": %d, \"name\": \"process_name\", \"args\": {\"name\": \"%s\"}}", i ? "," : "", t.pid, title[i]);
        st = hk_executor_profile_events(ex[i], write_event, &t, &more);
    }
    fprintf(t.f, "\n]}\n");
    int bad = ferror(t.f);
    bad |= fclose(t.f) != 0;
    if (st) return hk__job_fail_ctx(j, st, "model", "type");
    return bad ? hk__conf_fail_key(j->conf, HK_EIO, "run", "out", "%s cannot be written: %s", path, strerror(errno)) : HK_OK;
}
