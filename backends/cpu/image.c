/* image.c - flatten, unflatten, column_as_time, time_as_column: between channels-last storage and the border's order. */
#include "cpu.h"

typedef struct image_plan {
    cpu_plan base;
    int64_t C, P;         /* flatten: [P, C] in storage, [C, P] at the border */
    int64_t H, W, sh, sw; /* columns: strides of h and w in storage */
    int to_image, same;   /* same: the numbers lie alike */
    int64_t C0, P0;       /* unflatten of a row of several axes: [P0, C0] in storage becomes [P, C] */
} image_plan;

static int64_t image_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(cpu_out(p, 0), b) * cpu_steps(cpu_out(p, 0), b); }

#define TRANSPOSE(T)                                                                                                                                           \
    for (int64_t i = 0; i < rows; i++)                                                                                                                         \
        for (int64_t j = 0; j < cols; j++) ((T *)to)[j * rows + i] = ((const T *)from)[i * cols + j]
/* to[cols, rows] = from[rows, cols] */
static void transpose(size_t size, int64_t rows, int64_t cols, const void *from, void *to) {
    if (rows == 1 || cols == 1) memcpy(to, from, (size_t)(rows * cols) * size);
    else if (size == 1) TRANSPOSE(uint8_t);
    else if (size == 4) TRANSPOSE(uint32_t);
    else TRANSPOSE(uint64_t);
}

static hk_status flatten_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const image_plan *P = (const image_plan *)p;
    size_t size = cpu_size(p->d[0].dtype), row = (size_t)(P->C * P->P) * size;
    for (int64_t r = lo; r < hi; r++)
        transpose(
            size, P->to_image ? P->C : P->P, P->to_image ? P->P : P->C, (const char *)b->ptr[0] + (size_t)r * row, (char *)b->ptr[p->n_in] + (size_t)r * row);
    return HK_OK;
}

/* Both channels-last, with other numbers of channels: position e of the border is channel e / P, place e % P. */
#define RESHAPE(T)                                                                                                                                             \
    for (int64_t c = 0, c0 = 0, q0 = 0; c < P->C; c++)                                                                                                         \
        for (int64_t q = 0; q < P->P; q++) {                                                                                                                   \
            ((T *)to)[q * P->C + c] = ((const T *)from)[q0 * P->C0 + c0];                                                                                      \
            if (++q0 == P->P0) q0 = 0, c0++;                                                                                                                   \
        }
static hk_status reshape_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const image_plan *P = (const image_plan *)p;
    size_t size = cpu_size(p->d[0].dtype), row = (size_t)(P->C * P->P) * size;
    for (int64_t r = lo; r < hi; r++) {
        const char *from = (const char *)b->ptr[0] + (size_t)r * row;
        char *to = (char *)b->ptr[p->n_in] + (size_t)r * row;
        if (P->same) memcpy(to, from, row);
        else if (size == 1) RESHAPE(uint8_t)
        else if (size == 4) RESHAPE(uint32_t)
        else RESHAPE(uint64_t)
    }
    return HK_OK;
}

static hk_status flatten_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(image_plan), out);
    if (s != HK_OK) return s;
    image_plan *P = (image_plan *)*out;
    P->to_image = !strcmp(o->op, "unflatten");
    const hk_desc *image = P->to_image ? &o->out[0] : &o->in[0];
    P->C = image->rank ? image->shape[0] : 1, P->P = hk_desc_elems(image) / cpu_max(P->C, 1);
    if (!cpu_channels_last(image)) P->C = 1, P->P = hk_desc_elems(image);
    P->base.units = image_units, P->base.run = flatten_run;
    if (P->to_image && cpu_channels_last(&o->in[0])) {
        P->C0 = o->in[0].shape[0], P->P0 = hk_desc_elems(&o->in[0]) / cpu_max(P->C0, 1);
        P->same = cpu_channels_last(image) ? P->C0 == P->C : P->P0 == 1 || P->C0 == 1;
        if (cpu_channels_last(image) || P->same) P->base.run = reshape_run;
        else P->to_image = 0, P->C = P->C0, P->P = P->P0; /* to one axis: as flatten */
    }
    P->base.grain = cpu_max(1, 16384 / (hk_desc_elems(image) + 16));
    return HK_OK;
}

/* ---- column_as_time: y[t, h] = x[h, t]; time_as_column: the other way. A unit is a sample. --------------------------------------- */

static int64_t column_units(const cpu_plan *p, const hk_bind *b) { return cpu_count(&p->d[0], b); }

static hk_status column_run(const cpu_plan *p, const hk_bind *b, int64_t lo, int64_t hi, void *scratch) {
    (void)scratch;
    const image_plan *P = (const image_plan *)p;
    int64_t n = cpu_count(&p->d[0], b), H = P->H, W = cpu_min(P->W, b->T);
    const float *x = b->ptr[0];
    float *y = b->ptr[1];
    for (int64_t i = lo; i < hi; i++)
        for (int64_t t = 0; t < W; t++) {
            int64_t column = i * H * P->W + t * P->sw, row = (t * n + i) * H;
            if (P->to_image)
                for (int64_t h = 0; h < H; h++) y[column + h * P->sh] = x[row + h];
            else
                for (int64_t h = 0; h < H; h++) y[row + h] = x[column + h * P->sh];
        }
    return HK_OK;
}

static hk_status column_new(hk_device *dev, const hk_opdesc *o, cpu_plan **out) {
    hk_status s = cpu_plan_new(dev, o, sizeof(image_plan), out);
    if (s != HK_OK) return s;
    image_plan *P = (image_plan *)*out;
    P->to_image = !strcmp(o->op, "time_as_column");
    const hk_desc *image = P->to_image ? &o->out[0] : &o->in[0];
    if ((image->rank != 2 && (image->rank != 3 || image->shape[0] != 1)) || image->dtype != HK_F32 || !(image->flags & HK_N))
        return cpu_fail(dev, HK_EUNSUPPORTED, "%s: %s: takes f32 rows of shape [H,W] or [1,H,W]", o->path, o->op);
    P->H = image->shape[image->rank - 2], P->W = image->shape[image->rank - 1];
    P->sh = image->rank == 2 ? 1 : P->W, P->sw = image->rank == 2 ? P->H : 1; /* [H,W] is stored W,H; [1,H,W] is stored H,W,1 */
    if (P->W != o->T) return cpu_fail(dev, HK_ESHAPE, "%s: %s: %lld columns, but T = %lld", o->path, o->op, (long long)P->W, (long long)o->T);
    P->base.units = column_units, P->base.run = column_run;
    P->base.grain = cpu_max(1, 16384 / (P->H * P->W + 16));
    return HK_OK;
}

const cpu_op cpu_ops_image[] = { { "flatten", flatten_new }, { "unflatten", flatten_new }, { "column_as_time", column_new }, { "time_as_column", column_new },
    { NULL, NULL } };
