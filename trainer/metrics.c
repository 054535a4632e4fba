/* metrics.c - metrics.jsonl: one JSON object on a line for each epoch, and, when asked, for training steps (these have the key "step").
 * Each line is handed to the system whole before the next begins, and is on disk before a checkpoint says so. No summaries; a resumed run
 * cuts off the lines that its checkpoint knows nothing of, so that each epoch and step is there once. */
#include "extend/extend.h"
#include "trainer.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A number as JSON: nine digits, no locale; what is not finite is null. */
static const char *num(char buf[32], double v) {
    if (!isfinite(v)) return "null";
    snprintf(buf, 32, "%.9g", v);
    char *comma = strchr(buf, ',');
    if (comma) *comma = '.';
    return buf;
}

hk_status hk__metrics_open(hk__metrics *m, const char *path) {
    m->f = fopen(path, "we");
    return m->f ? HK_OK : HK_EIO;
}

/* Whether a line is of an epoch or step that is not done yet; lines of other kinds are kept. */
static int is_beyond(const char *line, int64_t epochs, int64_t steps) {
    long long epoch, step;
    if (sscanf(line, "{\"epoch\": %lld, \"step\": %lld,", &epoch, &step) == 2) return step > steps;
    return sscanf(line, "{\"epoch\": %lld,", &epoch) == 1 && epoch > epochs;
}

hk_status hk__metrics_resume(hk__metrics *m, const char *path, int64_t epochs, int64_t steps) {
    m->f = fopen(path, "r+e");
    if (!m->f && errno == ENOENT) return hk__metrics_open(m, path);
    if (!m->f) return HK_EIO;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    off_t end = 0;
    while ((n = getline(&line, &cap, m->f)) > 0 && line[n - 1] == '\n' && !is_beyond(line, epochs, steps)) end += (off_t)n;
    free(line);
    return ferror(m->f) || fseeko(m->f, end, SEEK_SET) || ftruncate(fileno(m->f), end) ? HK_EIO : HK_OK;
}

hk_status hk__metrics_sync(hk__metrics *m) { return m->f && (fflush(m->f) || (fdatasync(fileno(m->f)) && errno != EINVAL)) ? HK_EIO : HK_OK; }

static hk_status done(hk__metrics *m, int written) { return written < 0 || fflush(m->f) ? HK_EIO : HK_OK; }

hk_status hk__metrics_epoch(hk__metrics *m, const hk__epoch_metrics *e) {
    char b[5][32];
    if (!m->f) return HK_OK;
    int n = fprintf(m->f, "{\"epoch\": %lld, \"train_loss\": %s, \"train_acc\": %s, \"test_loss\": %s, \"test_acc\": %s, \"img_per_s\": %s", (long long)e->epoch,
        num(b[0], e->train_loss), num(b[1], e->train_acc), num(b[2], e->test_loss), num(b[3], e->test_acc), num(b[4], e->img_per_s));
    for (int i = 0; i < e->n_extra && n >= 0; i++) n = fprintf(m->f, ", \"%s\": %s", e->extra[i].key, num(b[0], e->extra[i].value));
    return done(m, n < 0 ? n : fprintf(m->f, "}\n"));
}

hk_status hk__metrics_step(hk__metrics *m, int64_t epoch, int64_t step, double loss, double acc, double lr, double img_per_s) {
    char b[4][32];
    if (!m->f) return HK_OK;
    return done(m,
        fprintf(m->f, "{\"epoch\": %lld, \"step\": %lld, \"train_loss\": %s, \"train_acc\": %s, \"lr\": %s, \"img_per_s\": %s}\n", (long long)epoch,
            (long long)step, num(b[0], loss), num(b[1], acc), num(b[2], lr), num(b[3], img_per_s)));
}

/* skipped: so far; back_to: the step whose state the network went back to, -1: none. */
hk_status hk__metrics_skipped(hk__metrics *m, int64_t epoch, int64_t step, int64_t skipped, int64_t back_to, double lr) {
    char b[32];
    if (!m->f) return HK_OK;
    int n = fprintf(m->f, "{\"epoch\": %lld, \"step\": %lld, \"skipped\": %lld", (long long)epoch, (long long)step, (long long)skipped);
    if (n >= 0 && back_to >= 0) n = fprintf(m->f, ", \"back_to\": %lld", (long long)back_to);
    return done(m, n < 0 ? n : fprintf(m->f, ", \"lr\": %s}\n", num(b, lr)));
}

hk_status hk__metrics_close(hk__metrics *m) {
    if (!m->f) return HK_OK;
    int bad = ferror(m->f) | fclose(m->f);
    m->f = NULL;
    return bad ? HK_EIO : HK_OK;
}
