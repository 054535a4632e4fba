/* data.h - what the files of trainer/ share of samples and batches: augmentation, the loader, and its threads. Part of trainer.h. */
#ifndef HK_TRAINER_DATA_H
#define HK_TRAINER_DATA_H

#include "hillock/hillock.h"
#include "schema.h"

/* ---- augment.c: [augment], what changes samples on their way into a batch ---- */
enum { HK__MAX_NORM = 64 };
typedef struct hk__augment {
    double flip, erase;                           /* probability for a sample */
    double mixup, cutmix;                         /* alpha of lambda's law Beta(alpha, alpha); 0: none */
    double mean[HK__MAX_NORM], std[HK__MAX_NORM]; /* n_norm of them: none, one for all, or one for each channel */
    int64_t crop;                                 /* width of the zeros around a picture, out of which a window of its size is taken; 0: none */
    int n_norm;
} hk__augment;
hk_status hk__augment_read(hk__conf *, hk__augment *);
/* Whether samples of such a shape, T steps or 0, can be changed so; ECONFIG names the key. */
hk_status hk__augment_check(hk__conf *, const hk__augment *, int rank, const int64_t *shape);
static inline int hk__augment_mixes(const hk__augment *a) { return a->mixup > 0 || a->cutmix > 0; }

/* Where random numbers come from: the same for a sample in an epoch, whoever draws them. */
typedef struct hk__draw {
    uint64_t seed;
    int64_t epoch;
} hk__draw;
typedef struct hk__sample_shape {
    int64_t T, shape[HK_MAX_RANK], row; /* T: steps of a sequence, 0: a picture; numbers of a step */
    int rank;
} hk__sample_shape;
/* Whether hk__augment_sample changes anything; train = 0: for a test, which is only normalised. */
int hk__augment_each(const hk__augment *, int train);
/* One sample, [row] or [T,row]: to[] from from[]. `sample`: its number in the data set. */
void hk__augment_sample(const hk__augment *, int train, hk__draw, int64_t sample, const hk__sample_shape *, const float *from, float *to);
/* Mixup or cutmix of a batch x [n,row] or [T,n,row], in place; soft [n,classes] gets the shares of the classes. row: memory for one step of a sample. */
void hk__augment_batch(const hk__augment *, hk__draw, int64_t batch, const hk__sample_shape *, int64_t n, float *x, const int64_t *y, float *soft, int64_t classes, float *row);

/* ---- loader.c: batches ---- */
typedef struct hk__slot { /* a batch being prepared, ready, or in use */
    float *x, *soft;
    int64_t *y, *len, count, batch;
    hk_status status;
} hk__slot;
typedef struct hk__ahead hk__ahead;
typedef struct hk__loader {
    const hk_dataset_type *type;
    const void *ds;
    int64_t n, batch, elems, n_batch; /* samples used, per batch; numbers per sample; batches of an epoch */
    int64_t at, count;                /* next sample of the order; samples in x and y */
    uint64_t seed, stream;
    int64_t *order, *y;
    float *x;                         /* [count,shape]; of sequences [T,count,shape] */
    int shuffle, drop_last;
    int64_t T, classes;               /* T: steps of a sequence; 0: pictures. classes: of soft */
    const int64_t *len;               /* NULL, or the steps of each sample of the batch */
    float *soft;                      /* NULL, or shares of the classes in place of y: mixup, cutmix */
    const hk__augment *augment;       /* NULL: none */
    int64_t epoch;
    hk__sample_shape sample;
    float *cache;                     /* NULL, or all samples as they were read */
    int64_t *cache_y;
    hk__slot *slot;                   /* n_slot; x, y, len and soft are one's */
    float *scratch;                   /* of the caller's thread, and of those that read with it */
    hk__ahead *ahead;                 /* NULL: batches are prepared in the caller's thread */
    int n_slot, train, threads;       /* threads: that read a batch together, where none reads ahead */
} hk__loader;
typedef struct hk__loader_config {
    int64_t n, batch;           /* n: the first so many samples; 0: all */
    uint64_t seed;
    const hk__augment *augment; /* (optional) kept by pointer */
    int shuffle, drop_last, workers, train; /* workers: threads that prepare batches ahead; train: full augmentation, not that of a test */
    int threads;                /* that the network runs with, and that read a batch together where workers is 0; 0: the caller's alone */
} hk__loader_config;
/* Whether the samples have lengths: the type's slot is there and says so for this set. */
static inline int hk__dataset_lengths(const hk_dataset_type *t, const void *ds) { return t->lengths && t->lengths(ds, 0, NULL, NULL) == HK_OK; }
hk_status hk__loader_make(const hk_dataset_type *, const void *ds, const hk__loader_config *, hk__loader **out);
hk_status hk__loader_new(const hk_dataset_type *, const void *ds, int64_t n, int64_t batch, int shuffle, int drop_last, uint64_t seed, hk__loader **out); /* nothing ahead, nothing changed */
void hk__loader_free(hk__loader *);
hk_status hk__loader_cache(hk__loader *);           /* reads all samples now, to be kept as numbers; the context has the error's text */
void hk__loader_start(hk__loader *, int64_t epoch); /* the epoch's order: a function of (seed, epoch) alone */
void hk__loader_seek(hk__loader *, int64_t batch);  /* behind start: goes on after so many batches */
hk_status hk__loader_next(hk__loader *);            /* fills x, y; count 0: the epoch is over */
/* Batch b into a slot; any thread. scratch: hk__loader_scratch numbers. */
hk_status hk__loader_fill(const hk__loader *, int64_t b, hk__slot *, float *scratch);
int64_t hk__loader_scratch(const hk__loader *);
/* Whether samples of T steps (0: pictures) go into a batch otherwise than as they are read: by way of a thread's scratch. */
static inline int hk__loader_changes(const hk__augment *a, int train, int64_t T) { return T > 0 || (a && hk__augment_each(a, train)); }
/* Bytes that a loader takes beside its cache; threads: those that read together, each with a scratch of its own; 1 where samples do not change. */
int64_t hk__loader_bytes(int64_t n, int64_t batch, int64_t elems, int64_t classes, int workers, int threads);
enum { HK__MAX_WORKERS = 64 };
static inline int hk__loader_slots(int workers) { return workers ? 2 * workers + 1 : 1; } /* two ahead for each thread, and the one in use */

/* ---- ahead.c: threads that prepare batches ahead of the one in use; the same bits in the same order for any number of them ---- */
hk_status hk__ahead_new(hk__loader *, int workers);
void hk__ahead_free(hk__ahead *);
void hk__ahead_stop(hk__loader *);                         /* no thread works when it returns */
hk_status hk__ahead_take(hk__loader *, int64_t b, hk__slot **); /* waits for batch b; those before it are given back */

#endif
