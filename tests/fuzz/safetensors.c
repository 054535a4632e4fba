/* safetensors.c - fuzz target: a safetensors file. What is accepted has all its data in memory, and is written and read back the same, with
 * and without a seal. */
#include "file/file.h"
#include "plugin/context.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static hk_context ctx = { .error_lock = PTHREAD_MUTEX_INITIALIZER, .log_level = 0 };

static void must(hk_status st) {
    if (!st) return;
    fprintf(stderr, "%s\n", hk_error(&ctx));
    abort();
}

static void same(const hk_file *a, const char *path, int seal) {
    hk_file *b = NULL;
    int n = hk_file_n(a);
    hk_tensor *t = calloc((size_t)n + 1, sizeof *t);
    for (int i = 0; i < n; i++) t[i] = *hk_file_at(a, i);
    must(seal ? hk__file_write_sealed(&ctx, path, NULL, n, t, 0, NULL) : hk_file_write(&ctx, path, n, t, 0, NULL));
    must(hk_file_read(&ctx, path, &b));
    if (hk_file_n(b) != n) abort();
    for (int i = 0; i < n; i++) {
        const hk_tensor *x = &t[i], *y = hk_file_find(b, x->name);
        int64_t bytes = hk__st_nbytes(x->dtype, x->rank, x->shape);
        if (!y || y->dtype != x->dtype || y->rank != x->rank || memcmp(x->shape, y->shape, sizeof x->shape) || memcmp(x->data, y->data, (size_t)bytes)) abort();
    }
    hk_file_free(b);
    free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char in[64], out[64];
    static int fd = -1, runs;
    if (fd < 0) {
        fd = memfd_create("in.safetensors", 0);
        snprintf(in, sizeof in, "/proc/self/fd/%d", fd), snprintf(out, sizeof out, "%.40s/out.safetensors", getenv("HILLOCK_FUZZ_DIR") ? getenv("HILLOCK_FUZZ_DIR") : "/dev/shm");
    }
    if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
    hk_file *f = NULL;
    hk_status st = hk_file_read(&ctx, in, &f);
    if (st != HK_OK && (st != HK_ECHECKPOINT || f || strncmp(ctx.error, in, strlen(in)))) abort();
    if (!st && runs++ % 16 == 0) { /* files are slow */
        same(f, out, 0), same(f, out, 1);
        unlink(out);
    }
    hk_file_free(f);
    return 0;
}
