/* rundir.c - the folder of a run: config.ini (resolved, reads back the same) and run.json (where, with what, when, how long); locked, so
 * that one trainer at a time writes there; cleared of the temporary files of trainers that were killed.
 * Everything that differs between two equal runs on two machines is in run.json and nowhere else. */
#include "file/file.h"
#include "trainer.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

int hk__cpus(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? n : 1;
}

void hk__host_read(hk__host_info *h) {
    struct utsname u;
    memset(h, 0, sizeof *h);
    h->cpus = hk__cpus();
    if (uname(&u) == 0) {
        snprintf(h->host, sizeof h->host, "%.100s", u.nodename);
        snprintf(h->kernel, sizeof h->kernel, "%.30s %.60s %.30s", u.sysname, u.release, u.machine);
    }
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256];
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            const char *v = strchr(line, ':') + 1;
            v += strspn(v, " \t");
            snprintf(h->cpu, sizeof h->cpu, "%.*s", (int)strcspn(v, "\n"), v);
            break;
        }
    if (f) fclose(f);
}

char *hk__rundir_file(const hk__rundir *d, const char *name) {
    char *path = NULL;
    return asprintf(&path, "%s/%s", d->path, name) < 0 ? NULL : path;
}

int hk__make_folders(const char *path) {
    char *part = strdup(path);
    int bad = !part;
    for (char *p = part; p && *part && !bad;) {
        p = strchr(p + 1, '/');
        if (p) *p = 0;
        bad = mkdir(part, 0777) && errno != EEXIST;
        if (p) *p = '/';
    }
    free(part);
    struct stat sb;
    if (bad || stat(path, &sb)) return -1;
    if (!S_ISDIR(sb.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    return 0;
}

/* What write(arg, f) writes, put in place whole and on disk, as checkpoints are (core/file/atomic.c). */
static hk_status put_file(hk__rundir *d, hk__job *j, const char *name, int (*write)(void *arg, FILE *), void *arg) {
    char *path = hk__rundir_file(d, name);
    hk__atomic file;
    if (!path) return hk__conf_fail_key(j->conf, HK_ENOMEM, "run", "out", "out of memory");
    hk_status st = hk__atomic_open(j->ctx, path, &file);
    free(path);
    if (st) return hk__job_fail_ctx(j, st, "run", "out");
    const int fd = fcntl(file.fd, F_DUPFD_CLOEXEC, 0);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    int bad = !f || write(arg, f);
    if (f) bad |= fclose(f) != 0;
    else if (fd >= 0) close(fd);
    if (bad) {
        st = hk__conf_fail_key(j->conf, HK_EIO, "run", "out", "%s/%s cannot be written: %s", d->path, name, strerror(errno));
        hk__atomic_abort(&file);
        return st;
    }
    st = hk__atomic_commit(j->ctx, &file);
    return st ? hk__job_fail_ctx(j, st, "run", "out") : HK_OK;
}

static int write_config(void *arg, FILE *f) { return hk__conf_print(arg, f) != HK_OK; }
static int write_json(void *arg, FILE *f) { return json_dumpf(arg, f, JSON_INDENT(2)) || putc('\n', f) == EOF; }

static void now_text(char buf[32]) {
    time_t t = time(NULL);
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

typedef struct plugin_list {
    json_t *array;
    int bad;
} plugin_list;

static void add_plugin(void *arg, const char *file, const char *id, const char *version, const char *refused) {
    plugin_list *l = arg;
    if (!refused) l->bad |= json_array_append_new(l->array, json_pack("{s:s, s:s, s:s}", "id", id, "version", version ? version : "", "file", file ? file : ""));
}

static json_t *plan_json(const hk_executor *ex) {
    hk_plan_stats s;
    if (!ex || hk_executor_stats(ex, &s)) return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "arena", (json_int_t)s.arena, "live_max", (json_int_t)s.live_max, "params", (json_int_t)s.params,
        "state", (json_int_t)s.state, "nb", (json_int_t)s.nb, "blocks", (json_int_t)s.blocks, "lines", (json_int_t)s.lines, "kept", (json_int_t)s.kept);
}

hk_status hk__rundir_report(hk__rundir *d, hk__job *j, const char *state, int64_t epochs_done) {
    static const char *const isa[] = { "baseline", "avx2", "avx512" };
    if (!d->path) return HK_OK;
    hk__host_info h;
    struct rusage u;
    char now[32];
    hk__host_read(&h);
    getrusage(RUSAGE_SELF, &u);
    now_text(now);
    uint32_t level = hk_context_isa(j->ctx);
    plugin_list plugins = { json_array(), 0 };
    hk_plugin_each(j->ctx, add_plugin, &plugins);
    json_t *o = json_pack("{s:s, s:s, s:s, s:f, s:I, s:I}", "state", state, "started", d->started, "written", now, "seconds", hk__now() - d->t0, "epochs_done",
        (json_int_t)epochs_done, "images", (json_int_t)d->images);
    json_t *host = json_pack("{s:s, s:s, s:s, s:i}", "name", h.host, "cpu", h.cpu, "kernel", h.kernel, "cpus", h.cpus);
    int bad = plugins.bad; /* json_object_set_new takes what it is given, also when it fails */
    bad |= json_object_set_new(o, "hillock", json_string(hk_version()));
    bad |= json_object_set_new(o, "config", json_string(hk__conf_name(j->conf)));
    bad |= json_object_set_new(o, "resumed_from_step", json_integer(d->resumed));
    bad |= json_object_set_new(o, "host", host);
    bad |= json_object_set_new(o, "backend", json_string(hk__conf_text(j->conf, "backend", "name")));
    bad |= json_object_set_new(o, "threads", json_integer(j->threads));
    bad |= json_object_set_new(o, "isa", json_string(level < 3 ? isa[level] : "?"));
    bad |= json_object_set_new(o, "peak_rss_kib", json_integer(u.ru_maxrss));
    bad |= json_object_set_new(o, "train_plan", plan_json(j->train));
    bad |= json_object_set_new(o, "test_plan", plan_json(j->infer));
    bad |= json_object_set_new(o, "plugins", plugins.array);
    if (bad) {
        json_decref(o);
        return hk__conf_fail_key(j->conf, HK_EIO, "run", "out", "run.json cannot be made: out of memory, or a name that is no UTF-8");
    }
    hk_status st = put_file(d, j, "run.json", write_json, o);
    json_decref(o);
    return st;
}

/* The lock is the kernel's: it ends with the process, however that ends. The file's text is for the one who is refused. */
static hk_status take_lock(hk__rundir *d, hk__job *j) {
    char *path = hk__rundir_file(d, ".lock"), text[192] = "";
    hk__host_info h;
    int bad;
    if (!path) return hk__conf_fail_key(j->conf, HK_ENOMEM, "run", "out", "out of memory");
    d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    free(path);
    if (d->lock < 0) return hk__conf_fail_key(j->conf, HK_EIO, "run", "out", "%s/.lock cannot be opened: %s", d->path, strerror(errno));
    do bad = flock(d->lock, LOCK_EX | LOCK_NB);
    while (bad && errno == EINTR);
    if (bad && errno == EWOULDBLOCK) {
        ssize_t n = pread(d->lock, text, sizeof text - 1, 0);
        text[n > 0 ? strcspn(text, "\n") : 0] = 0;
        return hk__conf_fail_key(j->conf, HK_ESTATE, "run", "out",
            "expected a folder that no trainer writes to, got %s, where process %s trains; wait for it, or take another folder", d->path,
            text[0] ? text : "(unknown)");
    }
    if (bad && errno != ENOLCK && errno != ENOSYS && errno != EOPNOTSUPP && errno != EINVAL)
        return hk__conf_fail_key(j->conf, HK_EIO, "run", "out", "%s/.lock cannot be locked: %s", d->path, strerror(errno));
    if (bad) fprintf(stderr, "hillock: warning: %s: this file system has no locks (%s), so nothing keeps a second trainer out\n", d->path, strerror(errno));
    hk__host_read(&h);
    int n = snprintf(text, sizeof text, "%ld on %s\n", (long)getpid(), h.host[0] ? h.host : "an unknown host");
    if (ftruncate(d->lock, 0) || pwrite(d->lock, text, (size_t)n, 0) != n)
        return hk__conf_fail_key(j->conf, HK_EIO, "run", "out", "%s/.lock cannot be written: %s", d->path, strerror(errno));
    return HK_OK;
}

/* Files that only a killed trainer can have left, since the folder is locked. */
static void remove_stale(const hk__rundir *d) {
    DIR *dir = opendir(d->path);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        size_t n = strlen(e->d_name);
        int ours = !strncmp(e->d_name, ".checkpoint_", 12) || !strncmp(e->d_name, ".run.json.", 10) || !strncmp(e->d_name, ".config.ini.", 12) ||
            !strncmp(e->d_name, "report.", 7);
        if (ours && n > 4 && !strcmp(e->d_name + n - 4, ".tmp")) unlinkat(dirfd(dir), e->d_name, 0);
    }
    if (dir) closedir(dir);
}

hk_status hk__rundir_open(hk__rundir *d, hk__job *j, const char *path) {
    d->t0 = hk__now(), d->lock = -1;
    now_text(d->started);
    if (!path) return HK_OK;
    if (!(d->path = strdup(path))) return hk__conf_fail_key(j->conf, HK_ENOMEM, "run", "out", "out of memory");
    hk_status st = HK_OK;
    if (hk__make_folders(d->path)) st = hk__conf_fail_key(j->conf, HK_EIO, "run", "out", "folder %s cannot be made: %s", path, strerror(errno));
    if (!st) st = take_lock(d, j);
    if (!st) remove_stale(d);
    return st;
}

/* On resuming: is it there already? */
static int has_file(const hk__rundir *d, const char *name) {
    char *path = d->resumed ? hk__rundir_file(d, name) : NULL;
    int there = path && !access(path, F_OK);
    free(path);
    return there;
}

hk_status hk__rundir_begin(hk__rundir *d, hk__job *j) {
    if (!d->path) return HK_OK;
    hk_status st = put_file(d, j, "config.ini", write_config, j->conf);
    if (!st && hk_network_tuned(j->net, 0, NULL, 0) && !has_file(d, "tune.txt")) st = put_file(d, j, "tune.txt", hk__tune_write, j); /* of a run before: with what it measured */
    return st ? st : hk__rundir_report(d, j, "running", 0);
}

void hk__rundir_close(hk__rundir *d) {
    if (d->path && d->lock >= 0) close(d->lock);
    free(d->path);
    d->path = NULL, d->lock = -1;
}
