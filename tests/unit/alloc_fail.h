/* alloc_fail.h - the n-th allocation fails: for every n, once and from n on.
 *
 * A program that includes this (in one file) has its own malloc, calloc, realloc, ... in front of libc's or the sanitizer's. They serve
 * everything in the process: core, plugins, jansson, zlib, libc itself (fopen, asprintf, opendir). Not made to fail: libgomp and the
 * dynamic linker, which end the process when memory is out, libiniparser, which crashes, and the sanitizers' own. Every allocation and every free is counted,
 * so that what a failed call leaves behind shows at once; LeakSanitizer then names the line.
 *
 * For each n: begin, run with the failure, look at the error, run again without it on the same objects, check, end. A run that
 * succeeds in spite of the failure is checked too and counted against `optional`. HILLOCK_ALLOC_STRIDE sets the stride of all scenarios. */
#ifndef TEST_ALLOC_FAIL_H
#define TEST_ALLOC_FAIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "hillock/hillock.h"
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct alloc_scenario {
    const char *name;
    void (*begin)(void);          /* what run needs; memory is there */
    hk_status (*run)(void);       /* what is tested; called again after a failure */
    const char *(*error)(void);   /* the text of run's error */
    void (*failed)(hk_status);    /* (optional) what must hold after a failure: files on disk, nothing registered */
    void (*check)(void);          /* what must hold after a success */
    void (*end)(void);            /* frees all */
    int optional;                 /* runs that may succeed although an allocation failed, at most */
    int stride;                   /* every so many-th n, where all would take too long; 1: all */
} alloc_scenario;

/* ---- the allocator in front ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif
void *REAL(malloc)(size_t);
void *REAL(calloc)(size_t, size_t);
void *REAL(realloc)(void *, size_t);
void REAL(free)(void *);
#ifdef __SANITIZE_THREAD__ /* it has no memalign */
int REAL(posix_memalign)(void **, size_t, size_t);
#else
void *REAL(memalign)(size_t, size_t);
#endif
void __lsan_do_leak_check(void) __attribute__((weak));

static struct alloc_state {
    int armed, from;          /* from: fail the n-th and all after it */
    long n, seen, failed;     /* which one, from 1; allocations seen and failed since armed */
    long live;                /* blocks given out and not freed, since the program began */
    struct { uintptr_t lo, hi; } spared[64];
    int n_spared;
} alloc_state;

static int alloc_spare(struct dl_phdr_info *info, size_t size, void *arg) {
    static const char *const names[] = { "libgomp", "ld-linux", "libiniparser", "libasan", "libubsan", "libtsan", "liblsan", "libcmocka" };
    (void)size, (void)arg;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        if (!strstr(info->dlpi_name, names[k])) continue;
        for (int i = 0; i < info->dlpi_phnum && alloc_state.n_spared < 64; i++) {
            const ElfW(Phdr) *p = &info->dlpi_phdr[i];
            if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
            uintptr_t lo = info->dlpi_addr + p->p_vaddr;
            alloc_state.spared[alloc_state.n_spared].lo = lo, alloc_state.spared[alloc_state.n_spared++].hi = lo + p->p_memsz;
        }
    }
    return 0;
}

/* The sanitizers allocate before their shadow memory is there. */
#define PLAIN __attribute__((no_sanitize("address", "undefined", "thread")))

PLAIN static int alloc_refused(const void *caller) {
    struct alloc_state *a = &alloc_state;
    if (!a->armed) return 0;
    for (int i = 0; i < a->n_spared; i++)
        if ((uintptr_t)caller >= a->spared[i].lo && (uintptr_t)caller < a->spared[i].hi) return 0;
    a->seen++;
    if (a->n == 0 || (a->from ? a->seen < a->n : a->seen != a->n)) return 0;
    a->failed++;
    errno = ENOMEM;
    return 1;
}

PLAIN static void *alloc_given(void *p) {
    if (p) __atomic_add_fetch(&alloc_state.live, 1, __ATOMIC_RELAXED);
    return p;
}

PLAIN static void *alloc_aligned(size_t align, size_t size) {
#ifdef __SANITIZE_THREAD__
    void *p = NULL;
    return REAL(posix_memalign)(&p, align < sizeof p ? sizeof p : align, size) ? NULL : p;
#else
    return REAL(memalign)(align, size);
#endif
}

#define CALLER __builtin_return_address(0)
#pragma GCC visibility push(default)
PLAIN void *malloc(size_t size) { return alloc_refused(CALLER) ? NULL : alloc_given(REAL(malloc)(size)); }
PLAIN void *calloc(size_t n, size_t size) { return alloc_refused(CALLER) ? NULL : alloc_given(REAL(calloc)(n, size)); }
void *memalign(size_t align, size_t size);
PLAIN void *memalign(size_t align, size_t size) { return alloc_refused(CALLER) ? NULL : alloc_given(alloc_aligned(align, size)); }
PLAIN void *aligned_alloc(size_t align, size_t size) { return alloc_refused(CALLER) ? NULL : alloc_given(alloc_aligned(align, size)); }
PLAIN int posix_memalign(void **out, size_t align, size_t size) {
    void *p = alloc_refused(CALLER) ? NULL : alloc_given(alloc_aligned(align, size));
    if (!p) return ENOMEM;
    *out = p;
    return 0;
}
PLAIN static void *alloc_again(void *old, size_t size, const void *caller) {
    if (alloc_refused(caller)) return NULL;
    void *p = REAL(realloc)(old, size);
    if (!old) return alloc_given(p);
    if (!p && !size) __atomic_sub_fetch(&alloc_state.live, 1, __ATOMIC_RELAXED); /* it was a free */
    return p;
}
PLAIN void *realloc(void *old, size_t size) { return alloc_again(old, size, CALLER); }
PLAIN void *reallocarray(void *old, size_t n, size_t size) {
    if (__builtin_mul_overflow(n, size, &n)) return errno = ENOMEM, NULL;
    return alloc_again(old, n, CALLER);
}
PLAIN void free(void *p) {
    if (p) __atomic_sub_fetch(&alloc_state.live, 1, __ATOMIC_RELAXED);
    REAL(free)(p);
}
/* The sanitizers' own do not come through malloc. */
PLAIN static char *alloc_text(const char *s, size_t n, const void *caller) {
    char *p = alloc_refused(caller) ? NULL : alloc_given(REAL(malloc)(n + 1));
    if (p) memcpy(p, s, n), p[n] = 0;
    return p;
}
#undef strdup
#undef strndup
PLAIN char *strdup(const char *s) { return alloc_text(s, strlen(s), CALLER); }
PLAIN char *strndup(const char *s, size_t n) { return alloc_text(s, strnlen(s, n), CALLER); }
#pragma GCC visibility pop

/* ---- the loop ---- */

static void alloc_arm(long n, int from) {
    struct alloc_state *a = &alloc_state;
    a->n = n, a->from = from, a->seen = a->failed = 0, a->armed = 1;
}

static hk_status alloc_run(const alloc_scenario *s, long n, int from) {
    alloc_arm(n, from);
    hk_status st = s->run();
    alloc_state.armed = 0;
    return st;
}

static void alloc_must_succeed(const alloc_scenario *s, const char *when) {
    hk_status st = s->run();
    if (st) fail_msg("%s %s: %s: %s", s->name, when, hk_status_name(st), s->error());
    s->check();
}

/* One n, one way of failing. Returns 1 when the run succeeded all the same. */
static int alloc_once(const alloc_scenario *s, long n, int from) {
    char when[64];
    int optional = 0;
    long live = alloc_state.live;
    snprintf(when, sizeof when, from ? "with no memory from allocation %ld on" : "with allocation %ld failing", n);
    s->begin();
    hk_status st = alloc_run(s, n, from);
    if (!alloc_state.failed) fail_msg("%s: allocation %ld did not come: the runs are not alike", s->name, n);
    if (getenv("HILLOCK_ALLOC_TRACE")) printf("  %s %s: %s: %s\n", s->name, when, hk_status_name(st), st ? s->error() : "");
    if (st > 0) fail_msg("%s %s: status %d", s->name, when, (int)st);
    if (st) {
        if (!s->error()[0]) fail_msg("%s %s: %s without a text", s->name, when, hk_status_name(st));
        if (s->failed) s->failed(st);
        strcat(when, ", then again");
        alloc_must_succeed(s, when);
    } else {
        optional = 1;
        s->check();
    }
    s->end();
    if (alloc_state.live != live) {
        if (__lsan_do_leak_check) __lsan_do_leak_check();
        fail_msg("%s %s: %ld blocks are left behind", s->name, when, alloc_state.live - live);
    }
    return optional;
}

static void alloc_scenario_run(const alloc_scenario *s) {
    const char *text = getenv("HILLOCK_ALLOC_STRIDE");
    long stride = text && atol(text) > 0 ? atol(text) : s->stride, count = 0, failed = 0;
    int optional = 0;
    if (!alloc_state.n_spared) dl_iterate_phdr(alloc_spare, NULL);
    for (int i = 0; i < 2; i++) { /* twice: what libraries keep for good is there, and the counts are those of every run */
        s->begin();
        if (alloc_run(s, 0, 0)) fail_msg("%s: %s", s->name, s->error());
        count = alloc_state.seen;
        s->check();
        s->end();
    }
    assert_true(count > 0);
    for (int from = 0; from < 2; from++)
        for (long n = 1; n <= count; n += stride) optional += alloc_once(s, n, from), failed++;
    printf("count: allocations_failed %ld (%s: %ld allocations, stride %ld, each alone and with all after it; %d runs did without)\n", failed, s->name, count, stride, optional);
    if (optional > s->optional) fail_msg("%s: %d runs succeeded although an allocation failed, expected at most %d", s->name, optional, s->optional);
}

#endif
