/* Gradients of every neuron in the registry by central differences, with respect to its input and its parameters, with the surrogate's
 * primitive in place of the step. Spikes of one sign or both, states that are read outside, one picture for all steps. */
#include "gradient_check.h"
#include "neuron_types.h"

/* Neurons that have no gradient to compare, and why. None has to be left out so far. */
static const struct {
    const char *id, *why;
} exempt[] = { { NULL, NULL } };

static const char *why_exempt(const char *id) {
    for (int i = 0; exempt[i].id; i++)
        if (!strcmp(exempt[i].id, id)) return exempt[i].why;
    return NULL;
}

static void check_walked(const walked *w, int64_t T, int64_t N, int seq, uint32_t passes_off) {
    gcase c = { .text = w->text, .T = T, .N = N, .seq = seq, .rank = w->rank, .passes_off = passes_off, .lo = -1, .hi = 1.5 };
    memcpy(c.shape, w->shape, sizeof c.shape);
    check(&c);
}

static void test_every_neuron(void **state) {
    (void)state;
    walk_neurons();
    for (int i = 0; i < n_walk; i++) {
        const char *why = why_exempt(walk[i].id);
        printf("%s%s%s\n", walk[i].text, why ? ": not compared, " : "", why ? why : "");
        if (why) continue;
        check_walked(&walk[i], WALK_T, 3, 1, 0);
        check_walked(&walk[i], WALK_T, 17, 0, 0);
        check_walked(&walk[i], WALK_T, 2, 1, HK_PASS_HOIST | HK_PASS_FOLD_TIME);
    }
}

/* What their fields make different. */
static void test_variants(void **state) {
    (void)state;
    static const char *const texts[] = {
        "QIF(v_reset=none, surrogate=ATan())", "EIF(v_reset=none, tau=3.0, surrogate=ATan())", "Izhikevich(a=0.3, b=0.2, tau_w=3.0, w_rest=0.1, surrogate=ATan())",
        "Izhikevich(a=0.3, b=0.2, v_reset=none, surrogate=Sigmoid())", "KLIF(scale_reset=true, surrogate=ATan())", "KLIF(scale_reset=true, v_reset=none, surrogate=ATan())",
        "KLIF(decay_input=false, v_reset=none, surrogate=ATan())", "LIAF(act=sigmoid, threshold_related=false, surrogate=ATan())",
        "LIAF(act=tanh, threshold_related=true, v_reset=none, surrogate=ATan())", "LIAF(act=identity, threshold_related=true, surrogate=ATan())",
        "CUBALIF(v_reset=none, surrogate=ATan())", "RAF(v_reset=none, omega=0.7, surrogate=ATan())", "TernaryIF(v_reset=none, surrogate=ATan())",
        "TernaryLIF(v_reset=0.2, surrogate=ATan())", "GatedLIF(T=4, inplane=4, surrogate=ATan())", "ActivationAwareIF(v_threshold=[0.5, 1.0, 1.5, 0.7], channel_dim=1, surrogate=ATan())",
        "NonSpikingIF(decode=\"max-mem\")", "NonSpikingLIF(decode=\"max-abs-mem\")", "NonSpikingLIF(decode=\"mean-mem\")", "NonSpikingLIF(decode=last_mem)",
        "ILCLIF(4, 1, surrogate=ATan())", "ILCCUBALIF(1, 4, v_reset=0.1, surrogate=ATan())", "MaskedPSN(k=2, T=4, lambda_init=0.6, surrogate=ATan())",
        "MaskedPSN(k=2, T=4, lambda_init=1.5, surrogate=ATan())", "SlidingPSN(k=6, exp_init=false, surrogate=ATan())", "PSN(T=4, surrogate=PoissonPass())",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        check(&(gcase){ .text = texts[i], .T = 4, .N = 3, .seq = 1, .rank = 1, .shape = { 4 }, .lo = -1, .hi = 1.5 });
        check(&(gcase){ .text = texts[i], .T = 4, .N = 2, .seq = 0, .rank = 1, .shape = { 4 }, .lo = -1, .hi = 1.5 });
    }
    check(&(gcase){ .text = "GatedLIF(T=3, inplane=2, surrogate=ATan())", .T = 3, .N = 17, .seq = 1, .rank = 3, .shape = { 2, 2, 3 }, .lo = -1, .hi = 1.5 });
    check(&(gcase){ .text = "PSN(T=3, surrogate=ATan())", .T = 3, .N = 17, .seq = 1, .rank = 3, .shape = { 2, 2, 3 }, .lo = -1, .hi = 1.5 });
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_neuron), cmocka_unit_test(test_variants) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
