/* own_arrays.c - the Trainer on arrays of the program's own: `own_arrays CONFIG.ini` with [data] name = Arrays(), [model] T = 10.
 *
 * 400 sequences of 10 steps and 6 inputs, each 4 to 10 steps long. In class c, inputs 2c and 2c + 1 spike often and the others seldom. */
#include <hillock/trainer.h>

enum { TRAIN = 320, TEST = 80, N = TRAIN + TEST, T = 10, IN = 6 };
static unsigned char spikes[N][T][IN];
static int label[N], length[N];

static void make_samples(void) {
    unsigned seed = 1;
    for (int n = 0; n < N; n++) {
        label[n] = n % 3, length[n] = 4 + n % 7;
        for (int t = 0; t < length[n]; t++)
            for (int i = 0; i < IN; i++) {
                seed = seed * 1664525u + 1013904223u;
                spikes[n][t][i] = (seed >> 24) < (i / 2 == label[n] ? 154u : 38u);
            }
    }
}

/* Samples first ... first + count. */
static hk_arrays part(int first, int count) {
    return (hk_arrays){ .struct_size = sizeof(hk_arrays),
        .x = { spikes[first], "b1", 3, 0, { count, T, IN }, NULL },
        .y = { label + first, "i4", 1, 0, { count }, NULL },
        .lengths = { length + first, "i4", 1, 0, { count }, NULL } };
}

static hk_status make_data(hk_trainer *t, hk_module **out) {
    static hk_arrays train, test;
    static const hk_arrays_pair both = { &train, &test };
    make_samples();
    train = part(0, TRAIN), test = part(TRAIN, TEST);
    return hk_dataset_new_from_arrays(hk_trainer_context(t), "Arrays(order=NT)", &both, out);
}

int main(int argc, char **argv) {
    hk_trainer_hooks hooks = HK_TRAINER_HOOKS_DEFAULT;
    hooks.make_data = make_data;
    return hk_trainer_main(argc, argv, &hooks);
}
