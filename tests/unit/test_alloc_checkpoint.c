/* test_alloc_checkpoint.c - no memory while a checkpoint is written: on disk is the old or the new generation, whole, and nothing else;
 * and while one is loaded: out of memory never counts as damage, so no older generation is taken for it. */
#include "alloc_job.h"

static char latest[128], previous[128];
static const hk__progress_state first = { .step = 1, .best = -1 }, second = { .step = 2, .best = -1 };
static char one[65536], two[65536]; /* the two generations, as they must be */
static long n_one, n_two;
static hk__rundir dir = { .path = job_out, .lock = -1 };
static hk__progress_state got;
static hk__restored restored;

/* Both generations as files, the newer one at `latest`. */
static void with_generations(void) {
    job_clear(job_out);
    job_make();
    job_step();
    job_must(hk__checkpoint_write(job, latest, previous, &first));
    job_step();
    job_must(hk__checkpoint_write(job, latest, previous, &second));
}
static void with_first(void) {
    job_clear(job_out);
    job_make();
    job_step();
    job_must(hk__checkpoint_write(job, latest, previous, &first));
    job_step();
}

static int is(const char *name, const char *want, long n_want) {
    long n;
    const char *p = job_slurp(name, &n);
    return n == n_want && !memcmp(p, want, (size_t)n);
}

static void out_of_memory(hk_status st) {
    if (st != HK_ENOMEM) fail_msg("expected ENOMEM, got %s: %s", hk_status_name(st), job_error());
}

static hk_status save(void) { return hk__checkpoint_write(job, latest, previous, &second); }
static void old_or_new(hk_status st) {
    long n;
    out_of_memory(st);
    job_no_leftovers();
    if (!is(HK__LATEST, one, n_one) && !is(HK__LATEST, two, n_two)) fail_msg("checkpoint_latest is neither the old nor the new one");
    job_slurp(HK__PREVIOUS, &n);
    if (n >= 0 && !is(HK__PREVIOUS, one, n_one)) fail_msg("checkpoint_previous is not the old one");
}
static void saved(void) {
    job_no_leftovers();
    assert_true(is(HK__LATEST, two, n_two));
    long n;
    job_slurp(HK__PREVIOUS, &n);
    assert_true(n > 0);
}

static hk_status load(void) {
    hk_status st = hk__restore_open(job, &dir, "auto", &restored);
    if (!st) st = hk__restore(job, &got, &restored);
    hk__restored_free(&restored);
    return st;
}
static void untouched(hk_status st) {
    out_of_memory(st);
    assert_true(is(HK__LATEST, two, n_two) && is(HK__PREVIOUS, one, n_one));
}
static void loaded(void) {
    assert_true(restored.loaded && !restored.fell_back);
    assert_int_equal(got.step, 2);
    assert_int_equal(hk_network_step(job->net), 2);
    job_must(hk__checkpoint_write(job, latest, previous, &second)); /* what was loaded writes the same bytes */
    assert_true(is(HK__LATEST, two, n_two));
}

static void test_save(void **state) {
    (void)state;
    static const alloc_scenario s = { "checkpoint save", with_first, save, job_error, old_or_new, saved, job_release, 16, 1 /* asprintf */ };
    alloc_scenario_run(&s);
}
static void test_load(void **state) {
    (void)state;
    static const alloc_scenario s = { "checkpoint load", with_generations, load, job_error, untouched, loaded, job_release, 16, 1 /* asprintf */ };
    alloc_scenario_run(&s);
}

static int begin(void **state) {
    if (job_folders(state)) return -1;
    snprintf(latest, sizeof latest, "%s/" HK__LATEST, job_out), snprintf(previous, sizeof previous, "%s/" HK__PREVIOUS, job_out);
    with_generations();
    memcpy(two, job_slurp(HK__LATEST, &n_two), sizeof two), memcpy(one, job_slurp(HK__PREVIOUS, &n_one), sizeof one);
    job_release();
    return n_one > 1000 && n_two == n_one && memcmp(one, two, (size_t)n_one) ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_save), cmocka_unit_test(test_load) };
    return cmocka_run_group_tests(tests, begin, job_remove);
}
