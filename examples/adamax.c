/* adamax.c - the tutorial's Trainer with another optimizer: `adamax CONFIG.ini` does what `hillock train CONFIG.ini` does, with Adamax. */
#include <hillock/trainer.h>

static hk_status set_optimizer(hk_trainer *t, hk_module **out) {
    char text[64];
    snprintf(text, sizeof text, "Adamax(lr=%g)", hk_trainer_real(t, "train", "lr"));
    return hk_trainer_new_module(t, "hk.optimizer/1", text, out);
}

int main(int argc, char **argv) {
    hk_trainer_hooks hooks = HK_TRAINER_HOOKS_DEFAULT;
    hooks.make_optimizer = set_optimizer;
    return hk_trainer_main(argc, argv, &hooks);
}
