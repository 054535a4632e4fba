/* arrays.c - Arrays: samples and labels out of arrays, read from files (.npy, .npz, .safetensors) or handed over by a program (hk_arrays).
 *
 * A set is read once and kept as it is stored, bytes as bytes; numbers become floats as samples are asked for. Axes may lie in memory in any order: a sample is
 * found by strides. */
#include "array.h"
#include "datasets.h"
#include "hillock/arrays.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const hk_field fields[] = {
    { "train", HK_STR, HK_NULLABLE, "none", 0, 0, NULL, "training samples: .npz or .safetensors with arrays of the names x and y, or a .npy file of x alone, with train_y" },
    { "test", HK_STR, HK_NULLABLE, "none", 0, 0, NULL, "test samples, likewise" },
    { "train_y", HK_STR, HK_NULLABLE, "none", 0, 0, NULL, "training labels, where they are in a file of their own" },
    { "test_y", HK_STR, HK_NULLABLE, "none", 0, 0, NULL, "test labels, likewise" },
    { "train_lengths", HK_STR, HK_NULLABLE, "none", 0, 0, NULL, "lengths of the training sequences, where they are in a file of their own" },
    { "test_lengths", HK_STR, HK_NULLABLE, "none", 0, 0, NULL, "lengths of the test sequences, likewise" },
    { "x", HK_STR, 0, "\"x\"", 0, 0, NULL, "name of the samples' array" },
    { "y", HK_STR, 0, "\"y\"", 0, 0, NULL, "name of the labels' array, integers [N]" },
    { "lengths", HK_STR, HK_NULLABLE, "none", 0, 0, NULL, "name of the array of lengths, integers [N]: steps of each sequence; none: all have T" },
    { "order", HK_ENUM, 0, "N", 0, 0, "N|NT|TN", "first axes of x: N: pictures [N,...]; NT: sequences [N,T,...]; TN: sequences [T,N,...]" },
    { "channels_last", HK_BOOL, 0, "false", 0, 0, NULL, "the last axis is the channels': [..., H, W, C], as pictures are often stored" },
    { "steps", HK_INT, 0, "0", 0, 1099511627776.0, NULL, "take the first steps of each sequence alone; 0: all" },
    { "classes", HK_INT, 0, "0", 0, 1099511627776.0, NULL, "labels are 0 to classes - 1; 0: as many as the largest label of the split needs" },
    { "scale", HK_REAL, HK_NULLABLE, "none", 0, 0, NULL, "factor for x; none: 1/255 for bytes (uint8), as torchvision's ToTensor, and 1 for all others" },
    { "root", HK_STR, HK_NULLABLE, "none", 0, 0, NULL, "folder of the files whose names are relative; none: the current one; [data] path sets it" },
};

typedef struct arrays_set {
    array x, y, lengths;
    int64_t n, T, classes, row; /* T: 0 for pictures; row: numbers of a step */
    int64_t shape[HK_MAX_RANK], stride[HK_MAX_RANK], by_sample, by_step;
    int64_t *label, *length;    /* length: NULL, or [n] */
    float scale;
    int rank;
} arrays_set;

static void arrays_close(void *ds) {
    arrays_set *s = ds;
    if (!s) return;
    array_free(&s->x), array_free(&s->y), array_free(&s->lengths);
    free(s->label), free(s->length), free(s);
}

/* A split's field, as train and test_y. */
static const char *of_split(const hk_module *self, int train, const char *what) {
    char name[32];
    snprintf(name, sizeof name, "%s%s", train ? "train" : "test", what);
    return hk_get_str(self, name);
}

static hk_status load(const hk_module *self, const char *file, const char *name, array *a) {
    const char *root = hk_get_str(self, "root");
    char *path = NULL;
    if (root && file[0] != '/' && asprintf(&path, "%s/%s", root, file) < 0) return self->api->fail(self, HK_ENOMEM, "out of memory");
    hk_status st = array_load(self, path ? path : file, name, a);
    free(path);
    return st;
}

static int ends_in_npy(const char *file) {
    const size_t n = strlen(file);
    return n > 4 && !strcmp(file + n - 4, ".npy");
}

static hk_status load_files(const hk_module *self, int train, arrays_set *s) {
    const char *file = of_split(self, train, ""), *y = of_split(self, train, "_y"), *lengths = of_split(self, train, "_lengths"), *name = hk_get_str(self, "lengths");
    const char *split = train ? "train" : "test";
    if (!file) return ARRAY_FAIL(self, "expected a file for %s, as %s=\"%s.npz\"", split, split, split);
    if (!y && ends_in_npy(file)) return ARRAY_FAIL(self, "%s: a .npy file holds one array; give the labels' as %s_y", file, split);
    hk_status st = load(self, file, hk_get_str(self, "x"), &s->x);
    if (!st) st = load(self, y ? y : file, hk_get_str(self, "y"), &s->y);
    if (!st && (lengths || name)) st = load(self, lengths ? lengths : file, name ? name : "lengths", &s->lengths);
    return st;
}

/* The caller's memory, described as a file's array would be. */
static hk_status from_memory(const hk_module *self, const hk_array *from, const char *what, array *a) {
    int64_t bytes;
    *a = (array){ 0 };
    if (!from->data) return HK_OK;
    if (!from->type || !array_type(a, from->type)) return ARRAY_FAIL(self, "%s: expected a type as \"f4\" or \"u1\", got \"%.8s\"", what, from->type ? from->type : "");
    if (from->rank < 0 || from->rank > ARRAY_MAX_RANK) return ARRAY_FAIL(self, "%s: expected at most %d axes, got %d", what, ARRAY_MAX_RANK, (int)from->rank);
    a->rank = from->rank, a->data = from->data;
    memcpy(a->shape, from->shape, (size_t)a->rank * sizeof *a->shape);
    hk_status st = array_layout(self, what, a, 0, &bytes);
    if (!st && from->stride) memcpy(a->stride, from->stride, (size_t)a->rank * sizeof *a->stride);
    return st;
}

static hk_status load_memory(const hk_module *self, const hk_arrays *given, int train, arrays_set *s) {
    if (!given || !given->x.data || !given->y.data) return ARRAY_FAIL(self, "expected arrays x and y for %s, got none from the program", train ? "train" : "test");
    hk_status st = from_memory(self, &given->x, "x", &s->x);
    if (!st) st = from_memory(self, &given->y, "y", &s->y);
    return st ? st : from_memory(self, &given->lengths, "lengths", &s->lengths);
}

/* Which axis is which, and how far apart their numbers lie. */
static hk_status axes(const hk_module *self, arrays_set *s) {
    enum { PICTURES, SAMPLES_FIRST, STEPS_FIRST }; /* in the order of the field's choices */
    const int64_t order = hk_get_int(self, "order"), steps = hk_get_int(self, "steps");
    const int lead = order == PICTURES ? 1 : 2, at_n = order == STEPS_FIRST, at_t = order == SAMPLES_FIRST, last = hk_get_bool(self, "channels_last");
    const array *x = &s->x;
    if (x->rank < lead + 1 || x->rank - lead > HK_MAX_RANK)
        return ARRAY_FAIL(self, "x: expected %d to %d axes for order=%s, got %d", lead + 1, lead + HK_MAX_RANK, order == PICTURES ? "N" : order == SAMPLES_FIRST ? "NT" : "TN", x->rank);
    s->rank = x->rank - lead;
    if (last && s->rank < 3) return ARRAY_FAIL(self, "x: channels_last is for pictures [H,W,C], but a sample has %d axes", s->rank);
    s->n = x->shape[at_n], s->by_sample = x->stride[at_n];
    if (lead == 2) s->T = x->shape[at_t], s->by_step = x->stride[at_t];
    if (steps && !s->T) return ARRAY_FAIL(self, "steps is for sequences: expected order=NT or order=TN");
    if (steps > s->T) return ARRAY_FAIL(self, "steps: expected at most %lld, those of the sequences, got %lld", (long long)s->T, (long long)steps);
    if (steps) s->T = steps;
    s->row = 1;
    for (int i = 0; i < s->rank; i++) {
        const int from = lead + (last ? (i + s->rank - 1) % s->rank : i);
        s->shape[i] = x->shape[from], s->stride[i] = x->stride[from], s->row *= s->shape[i];
    }
    const double scale = hk_get_real(self, "scale");
    s->scale = !isnan(scale) ? (float)scale : x->kind == 'u' && x->size == 1 ? 1.0f / 255.0f : 1.0f;
    return HK_OK;
}

/* n integers [n] or [n,1] of an array, checked to lie in lo .. hi. */
static hk_status integers(const hk_module *self, const array *a, const char *what, int64_t n, int64_t lo, int64_t hi, int64_t **out) {
    if (!array_is_integer(a)) return ARRAY_FAIL(self, "%s: expected integers, got numbers of type %c%d", what, a->kind, a->size);
    if (!(a->rank == 1 || (a->rank == 2 && a->shape[1] == 1)) || a->shape[0] != n)
        return ARRAY_FAIL(self, "%s: expected one number for each of the %lld samples, got %lld%s", what, (long long)n, (long long)(a->rank ? a->shape[0] : 1),
            a->rank > 1 ? " rows of several" : "");
    *out = malloc((size_t)n * sizeof **out);
    if (!*out) return self->api->fail(self, HK_ENOMEM, "out of memory");
    for (int64_t i = 0; i < n; i++) {
        const int64_t v = (*out)[i] = array_integer(a, i * a->stride[0]);
        if (v < lo || v > hi) {
            if (hi == INT64_MAX - 1) return ARRAY_FAIL(self, "%s: expected %lld or more for sample %lld, got %lld", what, (long long)lo, (long long)i, (long long)v);
            return ARRAY_FAIL(self, "%s: expected %lld to %lld for sample %lld, got %lld", what, (long long)lo, (long long)hi, (long long)i, (long long)v);
        }
    }
    return HK_OK;
}

static hk_status arrays_open(const hk_module *self, int train, void **ds) {
    const hk_arrays_pair *given = hk_user(self);
    arrays_set *s = calloc(1, sizeof *s);
    *ds = NULL;
    if (!s) return self->api->fail(self, HK_ENOMEM, "out of memory");
    hk_status st = given ? load_memory(self, train ? given->train : given->test, train, s) : load_files(self, train, s);
    const int64_t classes = hk_get_int(self, "classes");
    if (!st) st = axes(self, s);
    if (!st) st = integers(self, &s->y, "y", s->n, 0, classes ? classes - 1 : INT64_MAX - 1, &s->label);
    if (!st && s->lengths.data && !s->T) st = ARRAY_FAIL(self, "lengths are for sequences: expected order=NT or order=TN");
    if (!st && s->lengths.data) st = integers(self, &s->lengths, "lengths", s->n, 1, hk_get_int(self, "steps") ? INT64_MAX - 1 : s->T, &s->length);
    for (int64_t i = 0; !st && i < s->n; i++) {
        if (s->label[i] >= s->classes) s->classes = s->label[i] + 1;
        if (s->length && s->length[i] > s->T) s->length[i] = s->T; /* cut by `steps` */
    }
    if (classes) s->classes = classes;
    if (st) arrays_close(s);
    else *ds = s, array_free(&s->y), array_free(&s->lengths);
    return st;
}

static int64_t arrays_size(const void *ds) { return ((const arrays_set *)ds)->n; }
static int64_t arrays_classes(const void *ds) { return ((const arrays_set *)ds)->classes; }
static int64_t arrays_steps(const void *ds) { return ((const arrays_set *)ds)->T; }
static int64_t arrays_bytes(const void *ds) {
    const arrays_set *s = ds;
    return s->x.bytes + 8 * s->n * (s->length ? 2 : 1);
}
static int arrays_shape(const void *ds, int64_t *shape) {
    const arrays_set *s = ds;
    memcpy(shape, s->shape, (size_t)s->rank * sizeof *shape);
    return s->rank;
}

static hk_status arrays_lengths(const void *ds, int64_t n, const int64_t *index, int64_t *len) {
    const arrays_set *s = ds;
    if (!s->length) return HK_ENOTFOUND;
    for (int64_t i = 0; i < n; i++) len[i] = s->length[index[i]];
    return HK_OK;
}

/* One step of a sample: all axes but the last are counted up, the last is a run. */
static void read_row(const arrays_set *s, int64_t at, float *to) {
    int64_t count[HK_MAX_RANK] = { 0 };
    const int last = s->rank - 1;
    for (;;) {
        array_floats(&s->x, at, s->stride[last], s->shape[last], s->scale, to);
        to += s->shape[last];
        int i = last - 1;
        for (; i >= 0; i--) {
            at += s->stride[i];
            if (++count[i] < s->shape[i]) break;
            at -= count[i] * s->stride[i], count[i] = 0;
        }
        if (i < 0) return;
    }
}

/* What cannot be learnt from is said with the sample. */
static hk_status check_finite(const arrays_set *s, int64_t sample, const float *x) {
    const int64_t n = s->row * (s->length ? s->length[sample] : s->T ? s->T : 1);
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return datasets_host->fail(datasets_host->ctx, HK_EDATA, "sample %lld: expected finite numbers, got %g", (long long)sample, (double)x[i]);
    return HK_OK;
}

static hk_status arrays_read(const void *ds, int64_t n, const int64_t *index, float *x, int64_t *y) {
    const arrays_set *s = ds;
    const int64_t steps = s->T ? s->T : 1;
    for (int64_t i = 0; i < n; i++, x += steps * s->row) {
        if (index[i] < 0 || index[i] >= s->n)
            return datasets_host->fail(datasets_host->ctx, HK_EINVAL, "expected a sample index 0 to %lld, got %lld", (long long)s->n - 1, (long long)index[i]);
        for (int64_t t = 0; t < steps; t++) read_row(s, index[i] * s->by_sample + t * s->by_step, x + t * s->row);
        hk_status st = s->x.kind == 'f' || s->x.kind == 'B' ? check_finite(s, index[i], x) : HK_OK;
        if (st) return st;
        y[i] = s->label[index[i]];
    }
    return HK_OK;
}

const hk_dataset_type arrays_type = {
    .struct_size = sizeof(hk_dataset_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .doc = "Your own samples: pictures [N,...] or sequences [N,T,...] or [T,N,...], with integer labels [N], from .npy, .npz or .safetensors files, or from a C program",
    .source = "NumPy 2.0, numpy.lib.format; safetensors 0.8; torch.utils.data.TensorDataset",
    .open = arrays_open,
    .close = arrays_close,
    .size = arrays_size,
    .shape = arrays_shape,
    .classes = arrays_classes,
    .read = arrays_read,
    .bytes = arrays_bytes,
    .steps = arrays_steps,
    .lengths = arrays_lengths,
};
