/* test_schedulers.c - learning rates by epoch against torch's formulas, and refused arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "hillock/hillock.h"
#include <math.h>
#include <string.h>

static hk_context *ctx;

static int setup(void **state) {
    (void)state;
    return hk_context_new(NULL, &ctx);
}
static int teardown(void **state) {
    (void)state;
    hk_context_free(ctx);
    return 0;
}

static double lr(const char *text, double base, int64_t epoch, int64_t epochs) {
    hk_module *m;
    char id[64];
    snprintf(id, sizeof id, "%.*s", (int)strcspn(text, "("), text);
    if (hk_module_new_from_text(ctx, "hk.scheduler/1", text, &m)) fail_msg("%s: %s", text, hk_error(ctx));
    const hk_scheduler_type *type = hk_type_get(ctx, "hk.scheduler/1", id);
    double v = type->lr(m, base, epoch, epochs);
    hk_module_free(m);
    return v;
}

static void near(double got, double want) {
    if (!(fabs(got - want) <= 1e-12 * fmax(1.0, fabs(want)))) fail_msg("got %.17g, want %.17g", got, want);
}

static void cosine(void **state) {
    (void)state;
    near(lr("CosineAnnealingLR()", 0.1, 0, 20), 0.1);
    near(lr("CosineAnnealingLR()", 0.1, 10, 20), 0.05);
    near(lr("CosineAnnealingLR()", 0.1, 20, 20), 0.0);
    near(lr("CosineAnnealingLR(T_max=10, eta_min=0.02)", 0.1, 10, 20), 0.02);
    near(lr("CosineAnnealingLR(T_max=10, eta_min=0.02)", 0.1, 20, 20), 0.1); /* goes up again, as torch's */
}

static void steps(void **state) {
    (void)state;
    near(lr("StepLR(3)", 1.0, 2, 9), 1.0);
    near(lr("StepLR(3)", 1.0, 3, 9), 0.1);
    near(lr("StepLR(step_size=3, gamma=0.5)", 1.0, 8, 9), 0.25);
    near(lr("MultiStepLR([2, 5])", 1.0, 1, 9), 1.0);
    near(lr("MultiStepLR([2, 5])", 1.0, 2, 9), 0.1);
    near(lr("MultiStepLR([5, 2], gamma=0.5)", 1.0, 5, 9), 0.25);
    near(lr("MultiStepLR(milestones=4, gamma=0.5)", 1.0, 4, 9), 0.5);
}

static void warm_up(void **state) {
    (void)state;
    near(lr("LinearLR()", 0.3, 0, 9), 0.1);
    near(lr("LinearLR()", 0.3, 5, 9), 0.3);
    near(lr("LinearLR(start_factor=0.5, end_factor=1, total_iters=4)", 1.0, 1, 9), 0.625);
    near(lr("LinearLR(start_factor=0.5, end_factor=1, total_iters=4)", 1.0, 100, 9), 1.0);
}

static void refused(void **state) {
    (void)state;
    static const char *const bad[] = { "StepLR()", "StepLR(0)", "CosineAnnealingLR(T_max=0)", "MultiStepLR()", "MultiStepLR([1, 2.5])",
        "LinearLR(total_iters=0)", "LinearLR(factor=2)" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hk_module *m = NULL;
        if (hk_module_new_from_text(ctx, "hk.scheduler/1", bad[i], &m) == HK_OK) fail_msg("%s was accepted", bad[i]);
        assert_null(m);
    }
}

static void expressions(void **state) {
    (void)state;
    near(lr("LambdaLR(\"0.5 ** epoch\")", 2.0, 3, 9), 0.25);
    near(lr("LambdaLR(lr_lambda=\"min(1, (epoch + 1) / 4)\")", 1.0, 1, 9), 0.5);
    near(lr("LambdaLR(\"0.1 ** (epoch // 3)\")", 1.0, 5, 9), 0.1);
    near(lr("LambdaLR(\"(1 + cos(pi * epoch / epochs)) / 2\")", 1.0, 5, 10), 0.5);
    near(lr("LambdaLR(\"2 - 3 - -2 ** 2\")", 1.0, 0, 1), 3.0);
    near(lr("LambdaLR(\"2 ** -1 * max(1, 4, 3)\")", 1.0, 0, 1), 2.0);
}

static void parts(void **state) {
    (void)state;
    const char *text = "SequentialLR(LinearLR(start_factor=0.5, total_iters=2), ExponentialLR(0.5), milestones=[2])";
    near(lr(text, 1.0, 0, 9), 0.5);
    near(lr(text, 1.0, 1, 9), 0.75);
    near(lr(text, 1.0, 2, 9), 1.0);
    near(lr(text, 1.0, 4, 9), 0.25);
}

/* torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10), printed by torch. */
static void one_cycle(void **state) {
    (void)state;
    static const double cosine[10] = { 0.040000000000000036, 0.52000000000000002, 1, 0.95048463201347366, 0.81174565394976306, 0.61126202193628931,
        0.38874197806371075, 0.18825834605023697, 0.049519367986526286, 3.9999999999999998e-06 },
                        linear[10] = { 0.040000000000000001, 0.52000000000000002, 1, 0.52000000000000002, 0.040000000000000036, 0.032000799999999996,
                            0.024001599999999998, 0.0160024, 0.008003199999999995, 3.9999999999970615e-06 };
    for (int e = 0; e < 10; e++) {
        near(lr("OneCycleLR()", 1.0, e, 10), cosine[e]);
        near(lr("OneCycleLR(anneal_strategy=linear, three_phase=true)", 1.0, e, 10), linear[e]);
    }
}

static void refused_rules(void **state) {
    (void)state;
    static const char *const texts[] = { "LambdaLR(\"epoch +\")", "LambdaLR(\"step\")", "LambdaLR(\"1 / epoch\")", "LambdaLR(\"(1\")", "LambdaLR(\"\")",
        "SequentialLR(LinearLR(), ExponentialLR(0.5), milestones=[2, 4])", "SequentialLR(LinearLR(), ExponentialLR(0.5), StepLR(1), milestones=[4, 2])" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        hk_module *m = NULL;
        hk_status st = hk_module_new_from_text(ctx, "hk.scheduler/1", texts[i], &m);
        if (st != HK_ECONFIG) fail_msg("%s: status %d (%s), expected ECONFIG", texts[i], (int)st, hk_error(ctx));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(expressions), cmocka_unit_test(parts), cmocka_unit_test(one_cycle), cmocka_unit_test(refused_rules),
        cmocka_unit_test(cosine), cmocka_unit_test(steps), cmocka_unit_test(warm_up), cmocka_unit_test(refused) };
    return cmocka_run_group_tests(tests, setup, teardown);
}
