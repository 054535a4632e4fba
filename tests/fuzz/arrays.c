/* arrays.c - fuzz target: an array out of a .npy, .npz or .safetensors file.
 *
 * Input: a byte of switches (1: what follows is a .npy file, packed here as the member x of an archive, since no mutation could keep a check sum), the file.
 * What is accepted has memory for each of its numbers, which are read. */
#include "../../plugins/datasets/array.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static char dir[64];
static int said;
static hk_status fail(const hk_module *m, hk_status st, const char *fmt, ...) {
    char text[8192];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    said += strlen(text) > 0;
    (void)m;
    return st;
}
static const hk_module_api api = { .struct_size = sizeof api, .fail = fail };
static const hk_module self = { &api };

static size_t put16(uint8_t *p, unsigned v) { return p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8), 2; }
static size_t put32(uint8_t *p, unsigned long v) { return put16(p, (unsigned)(v & 0xffff)) + put16(p + 2, (unsigned)(v >> 16)); }

/* sig, [version made by], version, flags, method, time, date, sum, packed, size, length of the name, of the extra field */
static size_t head(uint8_t *p, unsigned long sig, int central, uLong crc, size_t packed, size_t size) {
    size_t n = put32(p, sig);
    if (central) n += put16(p + n, 20);
    n += put16(p + n, 20), n += put16(p + n, 0), n += put16(p + n, 8), n += put32(p + n, 0);
    n += put32(p + n, crc), n += put32(p + n, packed), n += put32(p + n, size);
    n += put16(p + n, 5), n += put16(p + n, 0);
    if (central) n += put16(p + n, 0), n += put16(p + n, 0), n += put16(p + n, 0), n += put32(p + n, 0), n += put32(p + n, 0);
    memcpy(p + n, "x.npy", 5);
    return n + 5;
}

static size_t archive(uint8_t *to, size_t room, const uint8_t *data, size_t size) {
    const uLong crc = crc32(0, data, (uInt)size);
    const size_t local = 35;
    z_stream z = { 0 };
    if (deflateInit2(&z, 1, Z_DEFLATED, -15, 1, Z_DEFAULT_STRATEGY)) abort();
    z.next_in = (Bytef *)(uintptr_t)data, z.avail_in = (uInt)size, z.next_out = to + local, z.avail_out = (uInt)(room - local - 200);
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
    const size_t packed = z.total_out;
    deflateEnd(&z);
    head(to, 0x04034b50, 0, crc, packed, size);
    size_t at = local + packed, n = at + head(to + at, 0x02014b50, 1, crc, packed, size), directory = n - at;
    n += put32(to + n, 0x06054b50), n += put32(to + n, 0), n += put16(to + n, 1), n += put16(to + n, 1);
    n += put32(to + n, directory), n += put32(to + n, at), n += put16(to + n, 0);
    return n;
}

static void clean(void) {
    char path[160];
    snprintf(path, sizeof path, "%s/x", dir), unlink(path), rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t packed[1 << 18];
    char path[160];
    if (!dir[0]) {
        const char *base = getenv("HILLOCK_FUZZ_DIR"); /* a crash leaves the folder: fuzz.sh removes what it is in */
        snprintf(dir, sizeof dir, "%.40s/arrays-%d", base ? base : "/dev/shm", (int)getpid());
        mkdir(dir, 0700), atexit(clean);
    }
    if (size < 2 || size > 1 << 16) return 0;
    const int pack = data[0] & 1;
    data++, size--;
    if (pack) size = archive(packed, sizeof packed, data, size), data = packed;
    snprintf(path, sizeof path, "%s/x", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    close(fd);
    array a;
    said = 0;
    hk_status st = array_load(&self, path, "x", &a);
    if (st) {
        if (st != HK_EDATA || a.owned || said != 1) abort();
        return 0;
    }
    int64_t n = 1, last = 0;
    float x;
    for (int i = 0; i < a.rank; i++) n *= a.shape[i], last += (a.shape[i] - 1) * a.stride[i];
    if (last != n - 1 || n * a.size > 1 << 26) abort();
    for (int64_t i = 0; i < n; i++) array_floats(&a, i, 1, 1, 1.0f, &x);
    if (array_is_integer(&a)) array_integer(&a, last);
    array_free(&a);
    return 0;
}
