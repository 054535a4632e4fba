/* metrics.c - metrics.jsonl: one JSON object on a line for each epoch, and, when asked, for training steps (these have the key "step").
 * Each line is handed to the system whole before the next begins, and is on disk before a checkpoint says so. No summaries; a resumed run
 * cuts off the lines that its checkpoint knows nothing of, so that each epoch and step is there once. */
#include "extend/extend.h"
#include "trainer.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A number as JSON: nine digits, no locale; what is not finite is null. */
static const char *num(char buf[32], double v) {
    if (!isfinite(v)) return "null";
    snprintf(buf, 32, "%.9g", v);
    char *comma = strchr(buf, ',');
    if (comma) *comma = '.';
    return buf;
}

FILE *hk__open_regular(const char *path) {
    struct stat s;
    FILE *f = fopen(path, "re");
    if (!f || (!fstat(fileno(f), &s) && S_ISREG(s.st_mode))) return f;
    fclose(f);
    errno = ESPIPE;
    return NULL;
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
    struct stat s;
    if (fstat(fileno(m->f), &s)) return HK_EIO;
    if (!S_ISREG(s.st_mode)) { /* what was written to a device or a pipe cannot be read again, and may have no end */
        errno = ESPIPE;
        return HK_EIO;
    }
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

static int put_rates(FILE *f, const hk__rates *r) {
    char b[32];
    int wrote = fputs(", \"rates\": {", f);
    for (int i = 0; i < r->layers.n && wrote >= 0; i++)
        wrote = fprintf(f, "%s\"%.*s\": %s", i ? ", " : "", (int)strlen(r->layers.out[i].name) - 2, r->layers.out[i].name, num(b, r->mean[i]));
    return wrote < 0 ? wrote : putc('}', f);
}

/* What the machine has a part in comes last, from img_per_s on: all before it is the same in each run of the same settings. */
hk_status hk__metrics_epoch(hk__metrics *m, const hk__epoch_metrics *e) {
    char b[32], now[32];
    if (!m->f) return HK_OK;
    const struct {
        const char *key;
        double v;
        int optional;
    } list[] = { { "train_loss", e->train_loss, 0 }, { "train_acc", e->train_acc, 0 }, { "train_acc5", e->train_acc5, 1 }, { "test_loss", e->test_loss, 0 },
        { "test_acc", e->test_acc, 0 }, { "test_acc5", e->test_acc5, 1 }, { "lr", e->lr, 0 }, { "img_per_s", e->img_per_s, 0 },
        { "test_img_per_s", e->test_img_per_s, 0 }, { "seconds", e->seconds, 0 }, { "train_s", e->train_s, 0 }, { "data_s", e->data_s, 0 },
        { "test_s", e->test_s, 0 } };
    time_t t = time(NULL);
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &tm);
    int wrote = fprintf(m->f, "{\"epoch\": %lld", (long long)e->epoch);
    for (size_t i = 0; i < sizeof list / sizeof *list && wrote >= 0; i++) {
        if (!strcmp(list[i].key, "img_per_s") && e->rates && e->rates->layers.n) wrote = put_rates(m->f, e->rates);
        for (int k = 0; k < e->n_extra && wrote >= 0 && !strcmp(list[i].key, "img_per_s"); k++)
            wrote = fprintf(m->f, ", \"%s\": %s", e->extra[k].key, num(b, e->extra[k].value));
        if (wrote >= 0 && (!list[i].optional || isfinite(list[i].v))) wrote = fprintf(m->f, ", \"%s\": %s", list[i].key, num(b, list[i].v));
    }
    if (wrote >= 0) wrote = fprintf(m->f, ", \"peak_memory\": %lld, \"time\": \"%s\"}\n", (long long)e->peak_memory, now);
    return done(m, wrote);
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
