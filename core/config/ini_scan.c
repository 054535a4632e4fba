/* config/ini_scan.c - reads the lines of an ini file: positions, and refusal of everything that has two readings.
 *
 * libiniparser then reads the same bytes (through a memory file), and every value must be the same: so what this file accepts is an
 * ini file for others too. Why not libiniparser alone: reference A8; it folds case, loses positions, cuts values at # and ;, merges
 * duplicates, and a comment that ends in a backslash eats the next line. Its typed reads and its dump functions are never called. */
#include "config/conf.h"
#include <errno.h>
#include <fcntl.h>
#include <iniparser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct scan {
    hk__conf *c;
    const char *name;
    char where[512];
    int line;
    const hk__section *section;
} scan;

#define FAIL(s, ...) hk__conf_fail((s)->c, HK_ECONFIG, "%s: " __VA_ARGS__)
#define BLANK " \t\r"

/* Cuts blanks at both ends of [*s, *s + *n). */
static void trim(const char **s, size_t *n) {
    while (*n && strchr(BLANK, (*s)[0])) ++*s, --*n;
    while (*n && strchr(BLANK, (*s)[*n - 1])) --*n;
}

static hk_status scan_section(scan *s, const char *p, size_t n) {
    const char *end = memchr(p, ']', n);
    if (!end) return FAIL(s, "expected ']' at the end of the section's name, got '%.*s'", s->where, (int)n, p);
    if (end != p + n - 1)
        return FAIL(
            s, "text after ']': '%.*s'; a section's line holds nothing else, put comments on their own line", s->where, (int)(p + n - end - 1), end + 1);
    size_t len = (size_t)(end - p) - 1;
    char name[128];
    if (len >= sizeof name || !hk__is_name(p + 1, len))
        return FAIL(s, "'%.*s' is no section name: letters, digits, _ - . without blanks or ':'", s->where, (int)len, p + 1);
    memcpy(name, p + 1, len), name[len] = 0;
    s->section = hk__schema_section(s->c->schema, name);
    if (!s->section) return hk__conf_unknown_section(s->c, s->where, name);
    for (int i = 0; i < s->c->n_seen; i++)
        if (!strcmp(s->c->seen[i].name, name))
            return FAIL(s, "section [%s] comes twice, first in line %d; put its keys together", s->where, name, s->c->seen[i].line);
    hk__seen *seen = realloc(s->c->seen, (size_t)(s->c->n_seen + 1) * sizeof *seen);
    if (!seen) return hk__conf_fail(s->c, HK_ENOMEM, "out of memory");
    s->c->seen = seen;
    seen[s->c->n_seen].line = s->line;
    if (!(seen[s->c->n_seen].name = strdup(name))) return hk__conf_fail(s->c, HK_ENOMEM, "out of memory");
    s->c->n_seen++;
    return HK_OK;
}

/* Takes a value's quotes off, or refuses it. */
static hk_status scan_value(scan *s, const char *key, const char **v, size_t *n) {
    const char *p = *v;
    if (*n && (p[0] == '"' || p[0] == '\'')) {
        const char *end = memchr(p + 1, p[0], *n - 1);
        if (!end) return FAIL(s, "[%s] %s: the quote %c is not closed", s->where, s->section->name, key, p[0]);
        if (end != p + *n - 1)
            return FAIL(s, "[%s] %s: text after the closing quote: '%.*s'; for quotes inside a value put the other kind (' or \") around it", s->where,
                s->section->name, key, (int)(p + *n - end - 1), end + 1);
        *v = p + 1, *n -= 2;
    } else {
        for (size_t i = 0; i < *n; i++)
            if (p[i] == '#' || p[i] == ';')
                return FAIL(s, "[%s] %s: '%c' in a value without quotes; put a comment on a line of its own, or the whole value in quotes", s->where,
                    s->section->name, key, p[i]);
    }
    size_t blank = 0;
    while (blank < *n && strchr(BLANK, (*v)[blank])) blank++;
    return blank == *n ? hk__conf_empty(s->c, s->where, s->section, key) : HK_OK;
}

static hk_status scan_key(scan *s, const char *p, size_t n) {
    const char *eq = memchr(p, '=', n);
    if (!eq) return FAIL(s, "expected 'key = value', '[section]' or a comment, got '%.*s'", s->where, (int)(n < 200 ? n : 200), p);
    const char *k = p, *v = eq + 1;
    size_t nk = (size_t)(eq - p), nv = n - nk - 1;
    trim(&k, &nk), trim(&v, &nv);
    if (!nk) return FAIL(s, "no key before '='", s->where);
    if (!hk__is_name(k, nk)) return FAIL(s, "'%.*s' is no key: use letters, digits, _ - . without blanks", s->where, (int)nk, k);
    if (!s->section) return FAIL(s, "key '%.*s' before any section; put a line like [run] above it", s->where, (int)nk, k);
    char key[HK__LINE_MAX + 1], raw[HK__LINE_MAX + 1];
    memcpy(key, k, nk), key[nk] = 0;
    if (!hk__section_key(s->section, key) && s->section->rest == HK__CLOSED) return hk__conf_unknown_key(s->c, s->where, s->section, key, "");
    for (int i = 0; i < s->c->n; i++) {
        const hk__entry *e = s->c->entry[i];
        if (strcmp(e->section, s->section->name)) continue;
        if (!strcmp(e->key, key)) return FAIL(s, "[%s] %s: comes twice: expected one line with it, got this one and line %d; remove one", s->where, e->section, key, e->line);
        if (!strcasecmp(e->key, key))
            return FAIL(s, "[%s] %s: differs only in case from '%s' in line %d; rename one", s->where, e->section, key, e->key, e->line);
    }
    if (s->c->n == HK__KEYS_MAX) return FAIL(s, "[%s] %s: expected at most %d keys in a file, got more", s->where, s->section->name, key, HK__KEYS_MAX);
    hk_status st = scan_value(s, key, &v, &nv);
    if (st) return st;
    memcpy(raw, v, nv), raw[nv] = 0;
    return hk__conf_add(s->c, s->section->name, key, raw, s->where, s->line) ? HK_OK : hk__conf_fail(s->c, HK_ENOMEM, "out of memory");
}

static hk_status scan_line(scan *s, const char *p, size_t n) {
    if (n > HK__LINE_MAX)
        return FAIL(s, "the line is %zu bytes long, more than %d; shorten it, or put parts of it in keys used by ${}", s->where, n, HK__LINE_MAX);
    if (n && p[n - 1] == '\r') n--;
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)p[i];
        if (ch == 0) return FAIL(s, "a NUL byte in column %zu; save the file as plain UTF-8 text", s->where, i + 1);
        if ((ch < 32 && ch != '\t') || ch == 127)
            return FAIL(s, "control character 0x%02x in column %zu; save the file as plain UTF-8 text", s->where, ch, i + 1);
    }
    trim(&p, &n);
    if (!n) return HK_OK;
    bool comment = p[0] == '#' || p[0] == ';';
    if (p[n - 1] == '\\')
        return comment ? FAIL(s, "a comment that ends in a backslash: other readers lose the next line; put a full stop after it", s->where)
                       : FAIL(s, "a line that ends in a backslash; continued lines are not supported, put quotes around the value if it ends so", s->where);
    if (comment) return HK_OK;
    return p[0] == '[' ? scan_section(s, p, n) : scan_key(s, p, n);
}

static int quiet_errors(const char *fmt, ...) {
    (void)fmt;
    return 0;
}

/* libiniparser must read the same values from the same bytes. */
static hk_status cross_check(scan *s, const char *text, size_t size) {
    hk_status st = HK_OK;
    char path[64];
    void *room = malloc(16 * size + (1u << 16));
    free(room);
    if (!room) return hk__conf_fail(s->c, HK_ENOMEM, "out of memory"); /* libiniparser 4.1 would crash */
    int fd = memfd_create("hillock.ini", MFD_CLOEXEC);
    if (fd < 0) return HK_OK; /* an old kernel: our scan stands alone */
    for (size_t done = 0; done < size;) {
        ssize_t w = write(fd, text + done, size - done);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) {
            close(fd);
            return HK_OK;
        }
        done += (size_t)w;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (access(path, R_OK) == 0) {
        iniparser_set_error_callback(quiet_errors);
        dictionary *d = iniparser_load(path);
        iniparser_set_error_callback(NULL);
        if (!d) st = hk__conf_fail(s->c, HK_ECONFIG, "%s: libiniparser cannot read it, although every line looks right; please report the file", s->name);
        for (int i = 0; d && st == HK_OK && i < s->c->n; i++) {
            const hk__entry *e = s->c->entry[i];
            char key[2 * HK__LINE_MAX];
            if (snprintf(key, sizeof key, "%s:%s", e->section, e->key) >= 1000) continue; /* longer than its own buffer */
            const char *v = iniparser_getstring(d, key, NULL);
            if (!v || strcmp(v, e->raw))
                st = hk__conf_fail_entry(
                    s->c, e, "read as '%.200s' here and as '%.200s' by libiniparser; put quotes around the value", e->raw, v ? v : "(nothing)");
        }
        iniparser_freedict(d);
    }
    close(fd);
    return st;
}

hk_status hk__conf_load_text(hk__conf *c, const char *name, const char *text, size_t size) {
    scan s = { .c = c, .name = name };
    free(c->name);
    if (!(c->name = strdup(name))) return hk__conf_fail(c, HK_ENOMEM, "out of memory");
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        return hk__conf_fail(c, HK_ECONFIG, "%s:1: the file starts with a byte order mark (BOM); save it as UTF-8 without BOM", name);
    for (size_t at = 0; at < size;) {
        const char *nl = memchr(text + at, '\n', size - at);
        size_t n = nl ? (size_t)(nl - text) - at : size - at;
        s.line++;
        snprintf(s.where, sizeof s.where, "%.480s:%d", name, s.line);
        hk_status st = scan_line(&s, text + at, n);
        if (st) return st;
        at += n + 1;
    }
    return cross_check(&s, text, size);
}

hk_status hk__conf_load(hk__conf *c, const char *path) {
    hk_status st = HK_OK;
    char *text = NULL;
    struct stat sb;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &sb)) {
        st = hk__conf_fail(c, HK_ECONFIG, "%s: cannot be opened: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(sb.st_mode)) {
        st = hk__conf_fail(c, HK_ECONFIG, "%s: expected an ini file, got a %s", path, S_ISDIR(sb.st_mode) ? "directory" : "special file");
        goto out;
    }
    if (sb.st_size > HK__FILE_MAX) {
        st = hk__conf_fail(c, HK_ECONFIG, "%s: expected an ini file of at most %d bytes, got %lld", path, HK__FILE_MAX, (long long)sb.st_size);
        goto out;
    }
    size_t size = 0, cap = (size_t)sb.st_size + 1;
    if (!(text = malloc(cap))) {
        st = hk__conf_fail(c, HK_ENOMEM, "out of memory");
        goto out;
    }
    for (ssize_t r = 1; r != 0 && size < cap;) {
        r = read(fd, text + size, cap - size);
        if (r < 0 && errno != EINTR) {
            st = hk__conf_fail(c, HK_EIO, "%s: cannot be read: %s", path, strerror(errno));
            goto out;
        }
        if (r > 0) size += (size_t)r;
    }
    st = hk__conf_load_text(c, path, text, size);
out:
    free(text);
    if (fd >= 0) close(fd);
    return st;
}
