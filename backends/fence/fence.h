/* fence.h - what the files of the fence backend share.
 *
 * One mapping of twice FENCE_SPAN bytes. Addresses of buffers lie in its lower half, which nobody can read or write, ever. The memory of
 * a buffer lies FENCE_SPAN above its address, and only plans of cpu are given that one. So whoever touches device memory but by the
 * backend dies at once, in every thread, at no cost. */
#ifndef HILLOCK_FENCE_H
#define HILLOCK_FENCE_H

#include "hillock/plugin.h"

#define FENCE_SPAN ((size_t)1 << 36) /* 64 GiB: of addresses, not of memory */

typedef struct fence_buf { /* one live buffer; offsets from the lower half's begin */
    struct fence_buf *next; /* by offset */
    size_t first, past;     /* its pages, and the page without access behind them */
    size_t at, bytes;
} fence_buf;

struct hk_device {
    const hk_host *host;
    const hk_backend *cpu;
    hk_device *inner; /* cpu's */
    char *base;
    fence_buf *bufs;
    size_t page, cursor; /* where the search for addresses goes on: freed ones are used again as late as can be */
};
#define fence_fail(dev, ...) (dev)->host->fail((dev)->host->ctx, __VA_ARGS__)

int fence_probe(char *why, size_t size);
hk_status fence_map(hk_device *);
void fence_unmap(hk_device *); /* says how many buffers nobody freed */
hk_status fence_buf_new(hk_device *, size_t bytes, void **);
void fence_buf_free(hk_device *, void *);
hk_status fence_upload(hk_device *, void *dst, const void *src, size_t bytes);
hk_status fence_download(hk_device *, void *dst, const void *src, size_t bytes);

/* Where the memory of an address is; NULL for NULL, and for what is not device memory. */
static inline void *fence_memory(const hk_device *dev, const void *address) {
    size_t off = (size_t)((uintptr_t)address - (uintptr_t)dev->base);
    return address && off < FENCE_SPAN ? dev->base + FENCE_SPAN + off : NULL;
}

#endif
