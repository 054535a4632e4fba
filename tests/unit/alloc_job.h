/* alloc_job.h - what the allocation tests of the trainer share: a folder with a tiny data set, a job on it, and looks at the folder. */
#ifndef TEST_ALLOC_JOB_H
#define TEST_ALLOC_JOB_H

#include "alloc_fail.h"
#include "trainer.h"
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOB_TRAIN = 4, JOB_TEST = 2, JOB_BATCH = 2, JOB_PIXELS = 28 * 28 };
static char job_data[] = "/tmp/hillock-alloc-data-XXXXXX", job_out[] = "/tmp/hillock-alloc-run-XXXXXX";

/* These tests cut memory, not power: without the waits for the disk. */
int fsync(int fd) { return fd < 0; }
int fdatasync(int fd) { return fd < 0; }

static hk__conf *job_conf;
static hk__job *job;

static void job_put(const char *dir, const char *name, const void *data, size_t n) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void job_put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void job_put_split(const char *split, int n) {
    uint8_t image[16 + JOB_TRAIN * JOB_PIXELS], label[8 + JOB_TRAIN];
    char name[64];
    job_put32(image, 0x803), job_put32(image + 4, (uint32_t)n), job_put32(image + 8, 28), job_put32(image + 12, 28);
    job_put32(label, 0x801), job_put32(label + 4, (uint32_t)n);
    for (int i = 0; i < n * JOB_PIXELS; i++) image[16 + i] = (uint8_t)(i * 31 + i / JOB_PIXELS);
    for (int i = 0; i < n; i++) label[8 + i] = (uint8_t)(i % 2);
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", split);
    job_put(job_data, name, image, 16 + (size_t)n * JOB_PIXELS);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", split);
    job_put(job_data, name, label, 8 + (size_t)n);
}

static void job_clear(const char *dir) {
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
    closedir(d);
}

static int job_folders(void **state) {
    (void)state;
    unsetenv("HILLOCK_PLUGIN_PATH");
    if (!mkdtemp(job_data) || !mkdtemp(job_out)) return -1;
    job_put_split("train", JOB_TRAIN), job_put_split("t10k", JOB_TEST);
    return 0;
}
static int job_remove(void **state) {
    (void)state;
    job_clear(job_data), job_clear(job_out);
    return rmdir(job_data) || rmdir(job_out);
}

static const char *job_error(void) { return hk__conf_error(job_conf); }

static void job_must(hk_status st) {
    if (st) fail_msg("%s: %s", hk_status_name(st), job_error());
}

/* No report: it is made by jansson's reader, which asserts when there is no memory. */
static void job_make_conf(void) {
    char text[1024];
    int n = snprintf(text, sizeof text,
        "[run]\nthreads = 1\nlog_every = 1\nreport = off\n[plugins]\npath = %s\n[data]\nname = MNIST(root=\"%s\")\n[model]\ntype = sequential\nT = 2\n"
        "[layers]\nflat = Flatten()\nfc = Linear(784, 10)\nbn = IF(surrogate=ATan())\n"
        "[train]\nbatch = %d\nepochs = 1\nlr = 0.1\nloss = MSE()\noptimizer = SGD(momentum=0.9)\n[checkpoint]\nevery_steps = 1\n",
        HILLOCK_BUILD_PLUGIN_DIR, job_data, JOB_BATCH);
    assert_true(n > 0 && n < (int)sizeof text);
    assert_non_null(job_conf = hk__conf_new(&hk__train_schema));
    job_must(hk__conf_load_text(job_conf, "a.ini", text, (size_t)n));
    job_must(hk__conf_check(job_conf));
}

static void job_make(void) {
    job_make_conf();
    job_must(hk__job_new(job_conf, &job));
    job_must(hk__job_open_data(job, HK__TRAIN_SPLIT | HK__TEST_SPLIT));
    job_must(hk__job_network(job));
}

static __attribute__((unused)) void job_step(void) {
    static float x[JOB_BATCH * JOB_PIXELS];
    static int64_t y[JOB_BATCH] = { 0, 1 };
    const hk__loader given = { .x = x, .y = y, .count = JOB_BATCH, .elems = JOB_PIXELS, .sample.row = JOB_PIXELS };
    hk__batch_result r;
    for (int i = 0; i < JOB_BATCH * JOB_PIXELS; i++) x[i] = (float)(i % 7) / 7.0f;
    job_must(hk__job_shape(job, job->train, JOB_BATCH));
    job_must(hk__job_run(job, job->train, &given, 0, JOB_BATCH, &r));
}

static void job_release(void) {
    hk__job_free(job), hk__conf_free(job_conf);
    job = NULL, job_conf = NULL;
}

/* A whole file; *n -1: there is none. */
static __attribute__((unused)) char *job_slurp(const char *name, long *n) {
    static char buf[4][65536];
    static int turn;
    char path[256], *at = buf[turn++ % 4];
    snprintf(path, sizeof path, "%s/%s", job_out, name);
    FILE *f = fopen(path, "rb");
    *n = -1;
    if (!f) return at;
    *n = (long)fread(at, 1, sizeof buf[0], f);
    assert_true(*n < (long)sizeof buf[0]);
    fclose(f);
    return at;
}

/* No temporary file is left. */
static __attribute__((unused)) void job_no_leftovers(void) {
    DIR *d = opendir(job_out);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (strstr(e->d_name, ".tmp")) fail_msg("%s is left in the folder", e->d_name);
    closedir(d);
}

#endif
