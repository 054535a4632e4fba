/* tune.c - [run] tune: choices out of a file, or those of the run that is taken up; all of them as text for OUT/tune.txt and the checkpoint.
 *
 * The measuring is the core's (core/exec/tune.c). A checkpoint has choices without times: facts of the machine go into tune.txt alone. */
#include "doctor/doctor.h"
#include "trainer.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int hk__tune_measures(const hk__conf *c) { return !strcmp(hk__conf_text(c, "run", "tune"), "on"); }
static const char *file_of(const hk__conf *c) {
    const char *v = hk__conf_text(c, "run", "tune");
    return strcmp(v, "on") && strcmp(v, "off") ? v : NULL;
}

static hk_status failed(hk__job *j, hk_status st) { return hk__conf_fail_key(j->conf, st, "run", "tune", "%s", hk_error(j->ctx)); }

/* A regular file's text; NULL with errno. */
static char *read_file(const char *path) {
    FILE *f = fopen(path, "re");
    char *text = f ? calloc(1, HK__TUNE_MOST + 2) : NULL;
    size_t n = text ? fread(text, 1, HK__TUNE_MOST + 1, f) : 0;
    int bad = !text || ferror(f) ? (errno ? errno : ENOMEM) : n > HK__TUNE_MOST || strlen(text) != n ? EFBIG : 0;
    if (f) fclose(f);
    if (bad) free(text), text = NULL, errno = bad;
    return text;
}

static hk_status unreadable(hk__job *j, const char *path) {
    return hk__conf_fail_key(j->conf, errno == ENOMEM ? HK_ENOMEM : HK_ECONFIG, "run", "tune",
        "expected off, on, or a file of choices as tune.txt of a run, got '%s': %s", path, errno == EFBIG ? "no text of choices" : strerror(errno));
}

hk_status hk__tune_exists(hk__job *j) {
    const char *path = file_of(j->conf);
    return path && access(path, R_OK) ? unreadable(j, path) : HK_OK;
}

hk_status hk__tune_begin(hk__job *j) {
    const char *path = file_of(j->conf);
    if (!path) return HK_OK;
    errno = 0;
    char *text = read_file(path);
    if (!text) return unreadable(j, path);
    hk_status st = hk_network_tune(j->net, text, path);
    free(text);
    return st ? failed(j, st) : HK_OK;
}

hk_status hk__tune_check(hk__job *j) {
    const char *path = file_of(j->conf), *key = path ? hk_network_tune_unused(j->net) : NULL;
    if (!key) return HK_OK;
    return hk__conf_fail_key(j->conf, HK_ECONFIG, "run", "tune",
        "%s: '%s': no plan of this network has such an operation of such a module; take the file of the same network, or measure anew by tune = on", path, key);
}

char *hk__tune_text(const hk__job *j, int times) {
    int n = hk_network_tuned(j->net, times, NULL, 0);
    char *text = malloc((size_t)n + 1);
    if (text) hk_network_tuned(j->net, times, text, (size_t)n + 1);
    return text;
}

hk_status hk__tune_resume(hk__job *j, const char *text, const char *file) {
    if (!text && hk__tune_measures(j->conf))
        return hk__conf_fail_key(j->conf, HK_ECONFIG, "run", "tune",
            "expected off, as in the run of %s, got on: other choices would give other bits; resume with tune = off, or start a new run in another folder",
            file);
    if (!text && file_of(j->conf))
        return hk__conf_fail_key(j->conf, HK_ECONFIG, "run", "tune",
            "expected off, as in the run of %s, got a file; resume with tune = off, or start a new run in another folder", file);
    char name[512];
    snprintf(name, sizeof name, "choices of the run in %.400s", file);
    hk_status st = text ? hk_network_tune(j->net, text, name) : HK_OK;
    return st ? failed(j, st) : HK_OK;
}

int hk__tune_write(void *job, FILE *f) {
    const hk__job *j = job;
    char *text = hk__tune_text(j, 1);
    hk__host_info h;
    hk__host_read(&h);
    int bad = !text ||
        fprintf(f,
            "# How operations are done, by [run] tune: mode module operation = backend way. Another run takes it by [run] tune = THIS FILE.\n# %s, %d threads, "
            "%s\n%s",
            h.cpu[0] ? h.cpu : "unknown processor", j->threads, hk__isa_name(hk_context_isa(j->ctx)), text) < 0;
    free(text);
    return bad;
}
