/* arrays.c - a data set out of a program's arrays: the dataset type Arrays, handed a pointer in place of files. */
#include "hillock/hillock.h"

hk_status hk_dataset_new_from_arrays(hk_context *ctx, const char *text, const hk_arrays_pair *arrays, hk_module **out) {
    *out = NULL;
    if (!arrays) return HK_EINVAL;
    hk_status st = hk_module_new_from_text(ctx, "hk.dataset/1", text ? text : "Arrays()", out);
    return st ? st : hk_module_set_user(*out, "", (void *)(uintptr_t)arrays);
}
