/* memory.c - addresses, and the memory behind them.
 *
 * A buffer ends, rounded up to 64 bytes, at the end of a page, and the page behind it has no access, nor has memory of freed buffers: so a
 * kernel that runs past the end of its buffer, or is bound to a freed one, dies too. What lies before a buffer in its first page is not
 * guarded, and neither are the values of one buffer against each other.
 * The mapping is private, not a shared memfd: a forked child must not write its parent's parameters. */
#include "fence.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FENCE_ALIGN = 64 };

static void *reserve(void) { return mmap(NULL, 2 * FENCE_SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0); }

static void no_addresses(char *why, size_t size) {
    snprintf(why, size, "it needs %zu GiB of addresses, and mmap says: %s; raise the address space limit (ulimit -v)", 2 * FENCE_SPAN >> 30, strerror(errno));
}

int fence_probe(char *why, size_t size) {
    void *p = reserve();
    if (p == MAP_FAILED) {
        no_addresses(why, size);
        return 0;
    }
    munmap(p, 2 * FENCE_SPAN);
    if (size) why[0] = 0;
    return 1;
}

hk_status fence_map(hk_device *dev) {
    char why[256];
    void *p = reserve();
    if (p == MAP_FAILED) return no_addresses(why, sizeof why), fence_fail(dev, HK_ENOMEM, "fence: %s", why);
    dev->base = p, dev->page = (size_t)sysconf(_SC_PAGESIZE);
    dev->cursor = dev->page;
    return HK_OK;
}

void fence_unmap(hk_device *dev) {
    int left = 0;
    while (dev->bufs) {
        fence_buf *b = dev->bufs;
        dev->bufs = b->next;
        dev->host->free(dev->host->ctx, b);
        left++;
    }
    if (left) dev->host->log(dev->host->ctx, 0, "fence: the device was closed with %d buffers that nobody freed", left);
    if (dev->base) munmap(dev->base, 2 * FENCE_SPAN);
}

/* The link before the first gap of `need` bytes at or behind `from`, and where the gap begins; NULL: there is none. */
static fence_buf **find_gap(hk_device *dev, size_t from, size_t need, size_t *at) {
    fence_buf **link = &dev->bufs;
    *at = from;
    for (; *link; link = &(*link)->next) {
        if ((*link)->past <= *at) continue;
        if ((*link)->first >= *at && (*link)->first - *at >= need) return link;
        *at = (*link)->past;
    }
    return FENCE_SPAN - *at >= need ? link : NULL;
}

hk_status fence_buf_new(hk_device *dev, size_t bytes, void **out) {
    *out = NULL;
    size_t full = (bytes + FENCE_ALIGN - 1) / FENCE_ALIGN * FENCE_ALIGN, at;
    if (full < FENCE_ALIGN) full = FENCE_ALIGN;
    size_t pages = (full + dev->page - 1) / dev->page * dev->page, need = pages + dev->page;
    fence_buf **link = bytes < FENCE_SPAN ? find_gap(dev, dev->cursor, need, &at) : NULL;
    if (!link && bytes < FENCE_SPAN) link = find_gap(dev, dev->page, need, &at);
    if (!link) return fence_fail(dev, HK_ENOMEM, "fence: no addresses for a buffer of %zu bytes: it has %zu GiB of them", bytes, FENCE_SPAN >> 30);
    fence_buf *b = dev->host->alloc(dev->host->ctx, sizeof *b, sizeof(void *));
    if (!b || mprotect(dev->base + FENCE_SPAN + at, pages, PROT_READ | PROT_WRITE)) {
        dev->host->free(dev->host->ctx, b);
        return fence_fail(dev, HK_ENOMEM, "fence: no memory for a buffer of %zu bytes", bytes);
    }
    *b = (fence_buf){ .next = *link, .first = at, .past = at + need, .at = at + pages - full, .bytes = bytes };
    *link = b;
    dev->cursor = b->past;
    *out = dev->base + b->at;
    return HK_OK;
}

void fence_buf_free(hk_device *dev, void *buf) {
    if (!buf) return;
    fence_buf **link = &dev->bufs;
    while (*link && dev->base + (*link)->at != (char *)buf) link = &(*link)->next;
    fence_buf *b = *link;
    if (!b) {
        dev->host->log(dev->host->ctx, 0, "fence: buf_free of %p, which is not a buffer, or is free already", buf);
        return;
    }
    /* Mapped anew: without access, and zero when it is used again. */
    char *memory = dev->base + FENCE_SPAN + b->first;
    if (mmap(memory, b->past - b->first, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
        dev->host->log(dev->host->ctx, 0, "fence: buf_free: mmap says: %s; the buffer stays", strerror(errno));
        return;
    }
    *link = b->next;
    dev->host->free(dev->host->ctx, b);
}

/* Is [address, address + bytes) within one buffer? */
static hk_status inside(hk_device *dev, const char *what, const void *address, size_t bytes) {
    size_t off = (size_t)((uintptr_t)address - (uintptr_t)dev->base);
    for (const fence_buf *b = dev->bufs; b; b = b->next)
        if (off >= b->at && off - b->at <= b->bytes && bytes <= b->bytes - (off - b->at)) return HK_OK;
    return fence_fail(dev, HK_EINTERNAL, "fence: %s of %zu bytes at %p, which do not lie within one buffer", what, bytes, address);
}

hk_status fence_upload(hk_device *dev, void *dst, const void *src, size_t bytes) {
    if (!bytes) return HK_OK;
    hk_status st = inside(dev, "upload", dst, bytes);
    if (st == HK_OK) memcpy(fence_memory(dev, dst), src, bytes);
    return st;
}

hk_status fence_download(hk_device *dev, void *dst, const void *src, size_t bytes) {
    if (!bytes) return HK_OK;
    hk_status st = inside(dev, "download", src, bytes);
    if (st == HK_OK) memcpy(dst, fence_memory(dev, src), bytes);
    return st;
}
