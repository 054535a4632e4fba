/* test_alloc_config.c - no memory while a configuration is read, overridden and checked. */
#include "alloc_fail.h"
#include "schema.h"
#include <unistd.h>

static const char text[] = "# a network and its training\n[run]\nseed = 3\n[data]\nname = MNIST(root=\"/nowhere\")\n[model]\ntype = sequential\nT = 4\nhidden = 8\n"
                           "[layers]\nflat = Flatten()\nfc = Linear(784, ${hidden * 2})\nlif = LIF(tau=2.0)\nout = Linear(${hidden*2}, 10)\n"
                           "[train]\nbatch = 16\nepochs = 2\nlr = 1e-3\nloss = MSE()\noptimizer = Adam()\n";
static const char misspelt[] = "[run]\nsead = 3\n";
static hk__conf *conf;
static char path[] = "/tmp/hillock-alloc-XXXXXX";

static void nothing(void) { conf = NULL; }
static const char *error(void) { return conf ? hk__conf_error(conf) : "no memory for the configuration itself"; }
static void release(void) { hk__conf_free(conf); }

static hk_status parse(void) {
    hk__conf_free(conf);
    if (!(conf = hk__conf_new(&hk__train_schema))) return HK_ENOMEM;
    hk_status st = hk__conf_load(conf, path);
    if (!st) st = hk__conf_set(conf, "train.epochs=5");
    if (!st) st = hk__conf_override(conf, "--threads", "run", "threads", "2");
    return st ? st : hk__conf_check(conf);
}
static void parsed(void) {
    assert_int_equal(hk__conf_int(conf, "train", "epochs"), 5);
    assert_int_equal(hk__conf_int(conf, "run", "threads"), 2);
    assert_int_equal(hk__conf_int(conf, "run", "seed"), 3);
    assert_true(hk__conf_real(conf, "train", "lr") == 1e-3);
    assert_int_equal(hk__conf_count(conf, "layers"), 4);
    assert_string_equal(hk__conf_value_at(conf, "layers", 3), "Linear(16, 10)");
    assert_string_equal(hk__conf_text(conf, "data", "name"), "MNIST(root=\"/nowhere\")");
}

/* Bad input is refused with the same text however little memory there is, or says that there is none. */
static hk_status refuse(void) {
    hk__conf_free(conf);
    if (!(conf = hk__conf_new(&hk__train_schema))) return HK_ENOMEM;
    hk_status st = hk__conf_load_text(conf, "a.ini", misspelt, sizeof misspelt - 1);
    return st == HK_ECONFIG ? HK_OK : st ? st : HK_EINVAL;
}
static void refused(void) { assert_non_null(strstr(hk__conf_error(conf), "a.ini:2")); }

static void test_parse(void **state) {
    (void)state;
    static const alloc_scenario s = { "configuration", nothing, parse, error, NULL, parsed, release, 1, 1 /* stdio does without a buffer */ };
    alloc_scenario_run(&s);
}

static void test_refuse(void **state) {
    (void)state;
    static const alloc_scenario s = { "misspelt key", nothing, refuse, error, NULL, refused, release, 0, 1 };
    alloc_scenario_run(&s);
}

static int write_file(void **state) {
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || write(fd, text, sizeof text - 1) != sizeof text - 1 || close(fd) ? -1 : 0;
}
static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_refuse) };
    return cmocka_run_group_tests(tests, write_file, remove_file);
}
