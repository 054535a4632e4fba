/* test_alloc_train.c - no memory in a job's making, in the opening of its data, and anywhere in a training run with its folder: an
 * error, whole files, and a run that is taken up ends with the bytes of one that had memory. */
#include "alloc_job.h"
#include <jansson.h>

static char whole[65536];
static long n_whole;

/* ---- a job from its configuration: plugins, modules, data ---- */
static hk_status make_job(void) {
    hk__job_free(job), job = NULL;
    hk_status st = hk__job_new(job_conf, &job);
    if (!st) st = hk__job_open_data(job, HK__TRAIN_SPLIT | HK__TEST_SPLIT);
    return st ? st : hk__job_network(job);
}
static void job_there(void) {
    assert_int_equal(job->data_type->size(job->ds_train), JOB_TRAIN);
    assert_int_equal(job->rank, 3);
    assert_int_equal(hk_network_n_param(job->net), 2);
}

/* ---- a data set; the split is packed, so that zlib works too ---- */
static hk_module *set;
static const hk_dataset_type *type;
static void *ds;
static void with_set(void) {
    char text[256];
    job_make_conf();
    job_must(hk__job_new(job_conf, &job));
    snprintf(text, sizeof text, "MNIST(root=\"%s\")", job_data);
    job_must(hk_module_new_from_text(job->ctx, "hk.dataset/1", text, &set));
    type = hk_type_get(job->ctx, "hk.dataset/1", "MNIST");
}
static hk_status open_set(void) { return type->open(set, 1, &ds); }
static const char *set_error(void) { return hk_error(job->ctx); }
static void nothing_open(hk_status st) {
    (void)st;
    assert_null(ds);
}
static void opened(void) {
    static float x[JOB_PIXELS];
    const int64_t index = JOB_TRAIN - 1;
    int64_t y;
    assert_int_equal(type->read(ds, 1, &index, x, &y), HK_OK);
    assert_int_equal(y, index % 2);
    assert_true(x[5] == (float)(uint8_t)((index * JOB_PIXELS + 5) * 31 + index) / 255.0f);
}
static void close_set(void) {
    type->close(ds), ds = NULL;
    hk_module_free(set), set = NULL;
    job_release();
}

/* ---- a run ---- */
static void make_with_plans(void) {
    job_make();
    job_must(hk__job_shape(job, job->train, JOB_BATCH));
    job_must(hk__job_shape(job, job->infer, JOB_TEST));
}
static int used; /* a job that failed is not trained on: like a new process, the next one starts from the folder */
static void with_job(void) {
    job_clear(job_out);
    make_with_plans();
    used = 0;
}
static hk_status train(void) {
    if (used++) job_release(), make_with_plans();
    const hk__train_options o = { .out = job_out, .resume = "auto", .quiet = 1 };
    return hk__train(job, &o);
}
static void whole_files(hk_status st) {
    static const char *const checkpoints[] = { HK__LATEST, HK__PREVIOUS, HK__MAX };
    (void)st;
    job_no_leftovers();
    long n;
    const char *text = job_slurp("metrics.jsonl", &n);
    if (n > 0 && text[n - 1] != '\n') fail_msg("metrics.jsonl ends inside a line");
    text = job_slurp("run.json", &n);
    json_t *json = n < 0 ? NULL : json_loadb(text, (size_t)n, 0, NULL);
    if (n >= 0 && (!json_is_array(json_object_get(json, "plugins")) || !json_object_get(json, "peak_rss_kib"))) fail_msg("run.json is no whole JSON text");
    json_decref(json);
    for (int i = 0; i < 3; i++) {
        char path[256];
        hk_file *f = NULL;
        snprintf(path, sizeof path, "%s/%s", job_out, checkpoints[i]);
        if (!access(path, F_OK) && hk_file_read(job->ctx, path, &f)) fail_msg("%s", hk_error(job->ctx));
        hk_file_free(f);
    }
}
static void trained(void) {
    long n;
    whole_files(HK_OK);
    const char *p = job_slurp(HK__LATEST, &n);
    if (n_whole && (n != n_whole || memcmp(p, whole, (size_t)n))) fail_msg("the run ends with other bytes");
    if (!n_whole) memcpy(whole, p, (size_t)n), n_whole = n;
    int lines = 0;
    p = job_slurp("metrics.jsonl", &n);
    for (long i = 0; i < n; i++) lines += p[i] == '\n';
    assert_int_equal(lines, JOB_TRAIN / JOB_BATCH + 1);
    p = job_slurp("config.ini", &n);
    assert_true(n > 300 && p[n - 1] == '\n');
}

static void test_job(void **state) {
    (void)state;
    static const alloc_scenario s = { "job", job_make_conf, make_job, job_error, NULL, job_there, job_release, 60, 1 /* asprintf of paths: two for each plugin */ };
    alloc_scenario_run(&s);
}
static void test_data(void **state) {
    (void)state;
    static const alloc_scenario s = { "data set", with_set, open_set, set_error, nothing_open, opened, close_set, 0, 1 };
    alloc_scenario_run(&s);
    char command[512];
    snprintf(command, sizeof command, "gzip -f %s/train-images-idx3-ubyte", job_data);
    if (system(command)) return;
    static const alloc_scenario packed = { "data set, gzip", with_set, open_set, set_error, nothing_open, opened, close_set, 0, 1 };
    alloc_scenario_run(&packed);
}
static void test_run(void **state) {
    (void)state;
    static const alloc_scenario s = { "training run", with_job, train, job_error, whole_files, trained, job_release, 60 /* asprintf; the CPU's name */, 5 };
    alloc_scenario_run(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_job), cmocka_unit_test(test_data), cmocka_unit_test(test_run) };
    return cmocka_run_group_tests(tests, job_folders, job_remove);
}
