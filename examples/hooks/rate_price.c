/* rate_price.c - a loss of the user's own: the configured one, plus a price for each output spike, so that the network learns to be frugal.
 *     loss = loss of [train] + price * mean over samples of the output's firing rates, summed over classes
 * Use: [hooks] load = ./rate_price.so, price = 0.1. */
#include <hillock/trainer.h>

static hk_status add_options(hk_trainer *t) {
    static const hk_field price = { "price", HK_REAL, 0, "0.1", 0, 1000, NULL, "of an output neuron that fires at every time step" };
    return hk_trainer_add_option(t, &price);
}

static hk_value compute_loss(hk_trainer *t, hk_builder *b, hk_value y, hk_value target, const hk_module *loss) {
    const hk_value in[2] = { y, target };
    hk_value usual;
    hk_module_build(b, loss, 2, in, 1, &usual);
    const hk_value rate = hk_mean_t(b, y), sum = hk_merge(b, hk_reduce(b, rate, 2), hk_trainer_real(t, "hooks", "price") / (double)hk_batch(b));
    return hk_add(b, usual, sum);
}

static hk_status install(hk_trainer *t, hk_trainer_hooks *hooks) {
    (void)t;
    hooks->add_options = add_options;
    hooks->compute_loss = compute_loss;
    return HK_OK;
}

HK_TRAINER_EXTENSION("rate_price", "1.0", install);
