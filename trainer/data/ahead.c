/* ahead.c - loader threads: prepare batches ahead of the one in use, at most two for each thread ([data] workers).
 *
 * Whoever is free takes the next batch of the epoch; the caller takes them in order. A batch is a function of its number, the epoch and the seed, so
 * threads change neither order nor bits. A batch that fails is read again by the caller, all threads at rest, so that the error it gets, text and all,
 * is that of the first bad sample and not of the last one tried. Signals go to other threads. Nothing is allocated once the threads run. */
#include "trainer.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct hk__ahead {
    hk__loader *l;
    pthread_t *thread;
    float **scratch;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    int64_t next, oldest; /* batch that nobody has taken yet; oldest one in use */
    int n, started, run, busy, quit;
};

static void *worker(void *arg) {
    hk__ahead *a = arg;
    hk__loader *l = a->l;
    pthread_mutex_lock(&a->lock);
    float *scratch = a->scratch[a->started++];
    pthread_cond_broadcast(&a->done);
    for (;;) {
        while (!a->quit && !(a->run && a->next < l->n_batch && a->next < a->oldest + l->n_slot)) pthread_cond_wait(&a->work, &a->lock);
        if (a->quit) break;
        const int64_t b = a->next++;
        hk__slot *s = &l->slot[b % l->n_slot];
        a->busy++;
        pthread_mutex_unlock(&a->lock);
        hk_status st = hk__loader_fill(l, b, s, scratch);
        pthread_mutex_lock(&a->lock);
        s->status = st, s->batch = b;
        a->busy--;
        pthread_cond_broadcast(&a->done);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

void hk__ahead_free(hk__ahead *a) {
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->quit = 1;
    pthread_cond_broadcast(&a->work);
    pthread_mutex_unlock(&a->lock);
    for (int i = 0; i < a->n; i++) pthread_join(a->thread[i], NULL);
    for (int i = 0; a->scratch && a->scratch[i]; i++) free(a->scratch[i]);
    pthread_cond_destroy(&a->work), pthread_cond_destroy(&a->done), pthread_mutex_destroy(&a->lock);
    free(a->thread), free(a->scratch), free(a);
}

hk_status hk__ahead_new(hk__loader *l, int workers) {
    hk__ahead *a = l->ahead = calloc(1, sizeof *a);
    sigset_t all, before;
    if (!a) return HK_ENOMEM;
    a->l = l;
    pthread_mutex_init(&a->lock, NULL), pthread_cond_init(&a->work, NULL), pthread_cond_init(&a->done, NULL);
    a->thread = calloc((size_t)workers, sizeof *a->thread), a->scratch = calloc((size_t)workers + 1, sizeof *a->scratch);
    int whole = a->thread && a->scratch;
    for (int i = 0; i < workers && whole; i++) whole = (a->scratch[i] = malloc((size_t)hk__loader_scratch(l) * sizeof **a->scratch)) != NULL;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (whole && a->n < workers && !pthread_create(&a->thread[a->n], NULL, worker, a)) a->n++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!whole) return HK_ENOMEM;
    if (a->n < workers) return HK_EIO; /* no more threads for this user */
    pthread_mutex_lock(&a->lock); /* what a thread takes at its start is taken now */
    while (a->started < a->n) pthread_cond_wait(&a->done, &a->lock);
    pthread_mutex_unlock(&a->lock);
    return HK_OK;
}

void hk__ahead_stop(hk__loader *l) {
    hk__ahead *a = l->ahead;
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->run = 0;
    while (a->busy) pthread_cond_wait(&a->done, &a->lock);
    for (int i = 0; i < l->n_slot; i++) l->slot[i].batch = -1;
    pthread_mutex_unlock(&a->lock);
}

/* Batch b is in use now; the threads go on behind it. */
static void begin(hk__ahead *a, int64_t b, int64_t next) {
    a->oldest = b, a->next = next, a->run = 1;
    pthread_cond_broadcast(&a->work);
}

hk_status hk__ahead_take(hk__loader *l, int64_t b, hk__slot **out) {
    hk__ahead *a = l->ahead;
    hk__slot *s = *out = &l->slot[b % l->n_slot];
    pthread_mutex_lock(&a->lock);
    begin(a, b, a->run ? a->next : b);
    while (s->batch != b) pthread_cond_wait(&a->done, &a->lock);
    hk_status st = s->status;
    pthread_mutex_unlock(&a->lock);
    if (!st) return HK_OK;
    hk__ahead_stop(l);
    if ((st = hk__loader_fill(l, b, s, l->scratch))) return st;
    pthread_mutex_lock(&a->lock); /* it went well this time */
    begin(a, b, b + 1);
    pthread_mutex_unlock(&a->lock);
    return HK_OK;
}
