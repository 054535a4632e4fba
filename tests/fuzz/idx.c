/* idx.c - fuzz target: the pictures and labels of a small data set (2x2 pixels, 10 classes).
 *
 * Input: a byte of switches (1, 2: pack the pictures, the labels by gzip, which no mutation could keep whole), two bytes with the size of the
 * labels' file, that file, the pictures' file. What is accepted can be read, sample by sample, within its range. */
#include "../../plugins/datasets/idx.h"
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
static const char *get_str(const hk_module *m, const char *field) {
    (void)m, (void)field;
    return dir;
}
static const hk_module_api api = { .struct_size = sizeof api, .get_str = get_str, .fail = fail };
static const hk_module self = { &api };

static void put(const char *name, const uint8_t *data, size_t n, int pack) {
    static uint8_t packed[1 << 17];
    char path[160];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (pack) {
        z_stream z = { 0 };
        if (deflateInit2(&z, 1, Z_DEFLATED, 9 + 16, 1, Z_DEFAULT_STRATEGY)) abort();
        z.next_in = (Bytef *)(uintptr_t)data, z.avail_in = (uInt)n, z.next_out = packed, z.avail_out = sizeof packed;
        if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
        data = packed, n = sizeof packed - z.avail_out;
        deflateEnd(&z);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n) abort();
    close(fd);
}

static void clean(void) {
    char path[160];
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", dir), unlink(path);
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", dir), unlink(path);
    rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const idx_spec spec = { .height = 2, .width = 2, .classes = 10 };
    if (!dir[0]) {
        const char *base = getenv("HILLOCK_FUZZ_DIR"); /* a crash leaves the folder: fuzz.sh removes what it is in */
        snprintf(dir, sizeof dir, "%.40s/idx-%d", base ? base : "/dev/shm", (int)getpid());
        mkdir(dir, 0700), atexit(clean);
    }
    if (size < 3 || size > 1 << 16) return 0;
    size_t labels = (size_t)(data[1] << 8 | data[2]);
    if (labels > size - 3) labels = size - 3;
    put("train-labels-idx1-ubyte", data + 3, labels, data[0] & 2);
    put("train-images-idx3-ubyte", data + 3 + labels, size - 3 - labels, data[0] & 1);
    void *ds = &ds;
    said = 0;
    hk_status st = idx_open(&self, &spec, 1, &ds);
    if (st) {
        if (st != HK_EDATA || ds || said != 1) abort();
        return 0;
    }
    float x[4];
    int64_t y;
    for (int64_t i = 0; i < idx_size(ds); i++)
        if (idx_read(ds, 1, &i, x, &y) || y < 0 || y > 9 || !(x[0] >= 0 && x[3] <= 1)) abort();
    idx_close(ds);
    return 0;
}
