/* file_check.c - which files and folders plugins may come from. Nothing is loaded here.
 *
 * Loading a plugin runs its code, so whoever may write the file, or put another in its place, may run code as this user. Files and
 * folders that others may write are refused. A folder with the sticky bit (/tmp) is allowed: there nobody replaces another's file.
 * A group is "others" unless it is the owner's private group (group number = user number), with which Debian's users work. */
#include "plugin/context.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool others_may_write(const struct stat *s) { return (s->st_mode & S_IWOTH) || ((s->st_mode & S_IWGRP) && s->st_gid != s->st_uid); }

static bool writable_text(const struct stat *s, const char *path, char *why, size_t size) {
    snprintf(why, size, "'%s' may be written by %s: expected a mode like %04o, got %04o: run chmod go-w on it", path,
             s->st_mode & S_IWOTH ? "everybody" : "its group", (unsigned)(s->st_mode & 07755), (unsigned)(s->st_mode & 07777));
    return false;
}

bool hk__folder_check(const char *path, char *why, size_t size) {
    struct stat s;
    if (stat(path, &s)) {
        snprintf(why, size, "'%s' can't be looked at: %s", path, strerror(errno));
        return false;
    }
    if (!S_ISDIR(s.st_mode)) {
        snprintf(why, size, "'%s' is not a folder: expected a folder of plugins", path);
        return false;
    }
    if (others_may_write(&s) && !(s.st_mode & S_ISVTX)) return writable_text(&s, path, why, size);
    return true;
}

bool hk__file_check(const char *path, char *why, size_t size) {
    struct stat s;
    char folder[4096];
    bool ok = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* NONBLOCK: a pipe must not make us wait */
    if (fd < 0 || fstat(fd, &s)) {
        snprintf(why, size, "it can't be opened: %s: check its name and mode", strerror(errno));
        goto end;
    }
    if (!S_ISREG(s.st_mode)) {
        snprintf(why, size, "it is %s, expected a regular file: name the .so file itself", S_ISDIR(s.st_mode) ? "a folder" : "a device, pipe or socket");
        goto end;
    }
    if (others_may_write(&s)) {
        writable_text(&s, path, why, size);
        goto end;
    }
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (slash && n < sizeof folder) {
        memcpy(folder, path, n);
        folder[n] = '\0';
        if (!hk__folder_check(n ? folder : "/", why, size)) goto end;
    }
    ok = hk__elf_check(fd, (uint64_t)s.st_size, why, size);
end:
    if (fd >= 0) close(fd);
    return ok;
}
