/* test_@name@.c - sizes, labels, and that a sample is the same whenever and beside whichever others it is read. */
#include "check.h"

int main(int argc, char **argv) {
    enum { WIDTH = 12, CLASSES = 3 };
    float x[3][WIDTH], again[1][WIDTH];
    int64_t y[3], label[1], dims[HK_MAX_RANK];
    void *ds = NULL;
    hk_module *set;
    start(argc, argv);
    must(hk_module_new_from_text(ctx, "hk.dataset/1", "@Type@(samples=40, classes=3, width=12)", &set));
    const hk_dataset_type *type = hk_type_get(ctx, "hk.dataset/1", "@Type@");
    must(type->open(set, 1, &ds));
    same("samples", (double)type->size(ds), 40, 0);
    same("classes", (double)type->classes(ds), CLASSES, 0);
    same("axes of a sample", type->shape(ds, dims), 1, 0);
    same("numbers of a sample", (double)dims[0], WIDTH, 0);
    must(type->read(ds, 3, (int64_t[]){ 0, 7, 39 }, &x[0][0], y));
    must(type->read(ds, 1, (int64_t[]){ 7 }, &again[0][0], label));
    same("label", (double)label[0], (double)y[1], 0);
    for (int k = 0; k < WIDTH; k++) {
        same("a number", (double)again[0][k], (double)x[1][k], 0);
        same("a number between 0 and 1", x[1][k] >= 0 && x[1][k] <= 1, 1, 0);
    }
    type->close(ds);
    hk_module_free(set);
    return finish();
}
