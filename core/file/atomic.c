/* atomic.c - writes a file so that its name shows the old contents or the new, never a part, also after a power cut.
 *
 * A temporary file in the same folder, made by O_EXCL (mode 0666 without the umask's bits); full writes; fsync; close; rename; fsync of
 * the folder. After a failed fsync the pages may be marked clean though they are lost (Rebello et al., ATC'20), so every failure ends
 * in unlink, never in another try with the same file. */
#include "file/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hk_status fail(hk_context *ctx, hk__atomic *a, const char *what) {
    int e = errno;
    hk_status st = hk__fail(ctx, e == ENOMEM ? HK_ENOMEM : HK_EIO, "%s: cannot %s: %s", a->path ? a->path : "file", what, strerror(e));
    hk__atomic_abort(a);
    return st;
}

hk_status hk__atomic_open(hk_context *ctx, const char *path, hk__atomic *a) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    *a = (hk__atomic){ .fd = -1, .path = strdup(path) };
    a->dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    errno = !*base ? EISDIR : ENOMEM;
    if (!a->path || !a->dir || !*base) return fail(ctx, a, "be written");
    for (int i = 0; i < 100; i++) { /* a leftover of a killed process may have our number */
        free(a->temp);
        if (asprintf(&a->temp, "%s/.%s.%ld.%d.tmp", a->dir, base, (long)getpid(), i) < 0) {
            a->temp = NULL;
            errno = ENOMEM;
            break;
        }
        do a->fd = open(a->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        while (a->fd < 0 && errno == EINTR);
        if (a->fd >= 0 || errno != EEXIST) break;
    }
    if (a->fd >= 0) return HK_OK;
    int e = errno;
    free(a->temp);
    a->temp = NULL; /* not ours: nothing to unlink */
    errno = e;
    return fail(ctx, a, "make a temporary file beside it");
}

hk_status hk__atomic_reserve(hk_context *ctx, hk__atomic *a, int64_t bytes) {
    while (bytes > 0 && fallocate(a->fd, 0, 0, (off_t)bytes)) {
        if (errno == EINTR) continue;
        if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) return fail(ctx, a, "make room for it");
        break; /* the file system cannot reserve */
    }
    return HK_OK;
}

hk_status hk__atomic_write(hk_context *ctx, hk__atomic *a, const void *data, size_t bytes) {
    const char *p = data;
    while (bytes) {
        ssize_t n = write(a->fd, p, bytes < (size_t)1 << 30 ? bytes : (size_t)1 << 30);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = ENOSPC;
        if (n <= 0) return fail(ctx, a, "write");
        p += n;
        bytes -= (size_t)n;
    }
    return HK_OK;
}

/* Gives the old file the name keep_as. By a link, so that `path` is there at every moment; 0, or -1 with errno. */
static int keep_old(hk__atomic *a) {
    char *link_name = NULL;
    if (!a->keep_as) return 0;
    if (asprintf(&link_name, "%s.old.tmp", a->temp) < 0) {
        errno = ENOMEM;
        return -1;
    }
    int bad = link(a->path, link_name);
    if (bad && errno == EEXIST && !unlink(link_name)) bad = link(a->path, link_name);
    if (!bad) bad = rename(link_name, a->keep_as);
    else if (errno == ENOENT) bad = 0; /* the first generation */
    else if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK) bad = rename(a->path, a->keep_as) && errno != ENOENT; /* no hard links here */
    int e = errno;
    unlink(link_name); /* rename leaves it when both names are one file already */
    free(link_name);
    errno = e;
    return bad;
}

static int sync_file(int fd) {
    int bad;
    do bad = fsync(fd);
    while (bad && errno == EINTR);
    return bad;
}

hk_status hk__atomic_commit(hk_context *ctx, hk__atomic *a) {
    if (sync_file(a->fd)) return fail(ctx, a, "fsync");
    int fd = a->fd;
    a->fd = -1;
    if (close(fd) && errno != EINTR) return fail(ctx, a, "close"); /* EINTR: it is closed, and its data is on disk */
    if (keep_old(a)) return fail(ctx, a, "keep the file before it");
    if (rename(a->temp, a->path)) return fail(ctx, a, "rename into place");
    free(a->temp);
    a->temp = NULL;
    int dir = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return fail(ctx, a, "open its folder");
    int bad = sync_file(dir) && errno != EINVAL && errno != ENOTSUP, e = errno; /* some file systems have no fsync of folders */
    close(dir);
    errno = e;
    if (bad) return fail(ctx, a, "fsync its folder");
    hk__atomic_abort(a);
    return HK_OK;
}

void hk__atomic_abort(hk__atomic *a) {
    if (a->fd >= 0) close(a->fd);
    if (a->temp) unlink(a->temp);
    free(a->temp), free(a->dir), free(a->path);
    *a = (hk__atomic){ .fd = -1 };
}
