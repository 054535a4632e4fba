/* events.c - one event file: records of Event messages. Field numbers are those of tensorflow/core/util/event.proto and framework/summary.proto.
 *
 * A run that is taken up writes a new file, whose first events tell TensorBoard from which step on the older files no longer count (SessionLog START). Events
 * are handed to the system whole, epoch by epoch; a file that ends inside a record is read up to it. */
#include "tensorboard.h"
#include "trainer.h"
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

struct hk__tb {
    FILE *f;
    hk__bytes event, summary, value, part; /* from the outermost to the innermost message */
    int64_t step;
};

static double wall_time(void) {
    struct timeval tv;
    gettimeofday(&tv, NULL);
    return (double)tv.tv_sec + (double)tv.tv_usec * 1e-6;
}

static hk_status write_event(hk__tb *t) {
    const int bad = t->event.bad | t->summary.bad | t->value.bad | t->part.bad;
    if (bad) return HK_ENOMEM;
    return hk__record_write(t->f, t->event.p, t->event.n) ? HK_EIO : HK_OK;
}

static void event(hk__tb *t, int64_t step) {
    t->event.n = 0;
    hk__proto_double(&t->event, 1, wall_time());
    if (step) hk__proto_varint(&t->event, 2, (uint64_t)step);
}

/* Seconds for the name: now, but behind every file that is there, since files are read in the order of their names. */
static long long stamp(const char *folder) {
    long long best = (long long)wall_time(), one;
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (sscanf(e->d_name, "events.out.tfevents.%lld.", &one) == 1 && one >= best) best = one + 1;
    if (d) closedir(d);
    return best;
}

hk_status hk__tb_open(const char *folder, int64_t purge_step, hk__tb **out) {
    static const char version[] = "brain.Event:2";
    char host[128] = "localhost", *path = NULL;
    hk__tb *t = *out = calloc(1, sizeof *t);
    if (!t) return HK_ENOMEM;
    gethostname(host, sizeof host - 1);
    for (char *p = host; *p; p++)
        if (*p == '/' || (unsigned char)*p <= ' ') *p = '-';
    if (hk__make_folders(folder)) return HK_EIO;
    if (asprintf(&path, "%s/events.out.tfevents.%010lld.%s.%ld.0", folder, stamp(folder), host, (long)getpid()) < 0) return HK_ENOMEM;
    t->f = fopen(path, "wbxe");
    free(path);
    if (!t->f) return HK_EIO;
    event(t, purge_step < 0 ? 0 : purge_step);
    hk__proto_bytes(&t->event, 3, version, sizeof version - 1);
    hk_status st = write_event(t);
    if (!st && purge_step >= 0) {
        event(t, purge_step);
        t->part.n = 0;
        hk__proto_varint(&t->part, 1, 1); /* SessionLog.status = START */
        hk__proto_bytes(&t->event, 7, t->part.p, t->part.n);
        st = write_event(t);
    }
    return st ? st : hk__tb_flush(t);
}

void hk__tb_begin(hk__tb *t, int64_t step) { t->step = step, t->summary.n = 0; }

static void value(hk__tb *t, const char *tag) {
    t->value.n = 0;
    hk__proto_bytes(&t->value, 1, tag, strlen(tag));
}
static void put_value(hk__tb *t) { hk__proto_bytes(&t->summary, 1, t->value.p, t->value.n); }

void hk__tb_scalar(hk__tb *t, const char *tag, double v) {
    value(t, tag);
    hk__proto_float(&t->value, 2, (float)v);
    put_value(t);
}

void hk__tb_histogram(hk__tb *t, const char *tag, const float *v, int64_t n) {
    t->part.n = 0;
    hk__histogram_proto(&t->part, v, n);
    if (!t->part.n) return;
    value(t, tag);
    hk__proto_bytes(&t->value, 5, t->part.p, t->part.n);
    put_value(t);
}

void hk__tb_image(hk__tb *t, const char *tag, int64_t w, int64_t h, int channels, const uint8_t *pixels) {
    hk__bytes png = { 0 };
    hk__png(&png, w, h, channels, pixels);
    t->part.n = 0, t->part.bad |= png.bad;
    hk__proto_varint(&t->part, 1, (uint64_t)h), hk__proto_varint(&t->part, 2, (uint64_t)w), hk__proto_varint(&t->part, 3, (uint64_t)channels);
    hk__proto_bytes(&t->part, 4, png.p, png.n);
    free(png.p);
    value(t, tag);
    hk__proto_bytes(&t->value, 4, t->part.p, t->part.n);
    put_value(t);
}

hk_status hk__tb_end(hk__tb *t) {
    event(t, t->step);
    hk__proto_bytes(&t->event, 5, t->summary.p, t->summary.n);
    return write_event(t);
}

hk_status hk__tb_flush(hk__tb *t) { return fflush(t->f) ? HK_EIO : HK_OK; }

void hk__tb_free(hk__tb *t) {
    if (!t) return;
    if (t->f) fclose(t->f);
    free(t->event.p), free(t->summary.p), free(t->value.p), free(t->part.p), free(t);
}
