/* bad.c - for tests/hooks.sh: an extension with one thing wrong, by -DBAD_*. */
#include <hillock/trainer.h>

static hk_status install(hk_trainer *t, hk_trainer_hooks *h) {
#if defined(BAD_OPTION)
    static const hk_field seed = { "threads", HK_INT, 0, "1", 0, 9, NULL, "a name that is taken" };
    (void)h;
    return hk_trainer_add_option(t, &seed);
#elif defined(BAD_INSTALL)
    (void)h;
    return hk_trainer_fail(t, HK_EUNSUPPORTED, "only on Tuesdays");
#else
    (void)t, (void)h;
    return HK_OK;
#endif
}

#ifdef BAD_PRINT
HK_EXPORT extern const hk_trainer_extension hk_extension;
const hk_trainer_extension hk_extension = { HK_TRAINER_MAGIC, sizeof(hk_trainer_extension), 12, "bad", "1.0", install };
#elif !defined(BAD_SYMBOL)
HK_TRAINER_EXTENSION("bad", "1.0", install);
#else
hk_status (*bad_used)(hk_trainer *, hk_trainer_hooks *) = install;
#endif
