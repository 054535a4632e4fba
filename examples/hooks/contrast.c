/* contrast.c - a preprocessing of the user's own, with an option of its own: x becomes clamp(gain (x - 1/2) + 1/2, 0, 1) before the network, in
 * training and in tests alike. Operations of the graph, so it runs with the network on its backend, once per picture and not per time step.
 * Use: [hooks] load = ./contrast.so, gain = 2; or --gain 2. */
#include <hillock/trainer.h>

static hk_status add_options(hk_trainer *t) {
    static const hk_field gain = { "gain", HK_REAL, 0, "1", 0, 100, NULL, "contrast of the pictures: 1 leaves them as they are" };
    return hk_trainer_add_option(t, &gain);
}

static hk_value preprocess(hk_trainer *t, hk_builder *b, hk_value x) {
    const double gain = hk_trainer_real(t, "hooks", "gain");
    return hk_clamp(b, hk_affine(b, x, gain, (1 - gain) / 2), 0, 1);
}

static hk_status install(hk_trainer *t, hk_trainer_hooks *hooks) {
    (void)t;
    hooks->add_options = add_options;
    hooks->preprocess_train_sample = hooks->preprocess_test_sample = preprocess;
    return HK_OK;
}

HK_TRAINER_EXTENSION("contrast", "1.0", install);
