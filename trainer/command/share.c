/* share.c - finds what lies beside the command: in the source tree of a build, or under the prefix of an installation. */
#include "command/command.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *hk__share_find(const char *in_source, const char *in_prefix, const char *probe) {
    char exe[PATH_MAX] = "", path[2 * PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    char *slash = strrchr(exe, '/');
    if (!slash) return NULL;
    *slash = 0;
    const char *const up[2] = { "../..", ".." }, *const folder[2] = { in_source, in_prefix }; /* SOURCE/build/bin, PREFIX/bin */
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s/%s/%s", exe, up[i], folder[i], probe);
        if (access(path, R_OK)) continue;
        snprintf(path, sizeof path, "%s/%s/%s", exe, up[i], folder[i]);
        return realpath(path, NULL);
    }
    return NULL;
}
