/* template.c - a plugin's project from templates/KIND and templates/common: files are copied, and @name@, @Type@, @about@, @use@ and
 * @lint@ in them replaced. A kind is a folder with a file `about` (what it is; how it is used; options of `hillock lint`): a new one needs no change here. */
#include "command/command.h"
#include "kit/kit.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 1 << 20 };
typedef struct pair {
    const char *from, *to;
} pair;

static char *templates_dir(void) { return hk__share_find("templates", "share/hillock/templates", "common/Makefile"); }

static hk_status fail(char why[HK__WHY], hk_status st, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static hk_status fail(char why[HK__WHY], hk_status st, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, HK__WHY, fmt, ap);
    va_end(ap);
    return st;
}

/* The file as text, malloc'ed; NULL: errno says why. */
static char *read_text(const char *path) {
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(MAX_BYTES) : NULL;
    size_t n = text ? fread(text, 1, MAX_BYTES - 1, f) : 0;
    if (f) fclose(f);
    if (text) text[n] = 0;
    return text;
}

/* text with every from replaced by its to, malloc'ed. */
static char *replace(const char *text, const pair *p, int n) {
    char *out = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&out, &size);
    if (!f) return NULL;
    while (*text) {
        int k = 0;
        while (k < n && strncmp(text, p[k].from, strlen(p[k].from))) k++;
        if (k < n) fputs(p[k].to, f), text += strlen(p[k].from);
        else fputc(*text++, f);
    }
    if (fclose(f)) {
        free(out);
        return NULL;
    }
    return out;
}

void hk__template_type(const char *name, char type[HK__NAME + 1]) {
    int n = 0, upper = 1;
    for (; *name && n < HK__NAME; name++) {
        if (*name == '_') upper = 1;
        else type[n++] = upper && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name, upper = 0;
    }
    type[n] = 0;
}

static int no_dots(const struct dirent *d) { return d->d_name[0] != '.'; }

int hk__template_kinds(void (*f)(void *arg, const char *kind, const char *about), void *arg) {
    char *dir = templates_dir(), path[8192];
    struct dirent **list = NULL;
    int n = dir ? scandir(dir, &list, no_dots, alphasort) : -1, kinds = 0;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s/about", dir, list[i]->d_name);
        char *about = access(path, R_OK) ? NULL : read_text(path);
        if (about) about[strcspn(about, "\n")] = 0, kinds++, f(arg, list[i]->d_name, about);
        free(about), free(list[i]);
    }
    free(list), free(dir);
    return n < 0 ? -1 : kinds;
}

/* What a template's file is called in the project; NULL: it is not copied. */
static const char *target_name(const char *file, const char *name, char buf[256]) {
    if (!strcmp(file, "about")) return NULL;
    if (!strcmp(file, "plugin.c")) snprintf(buf, 256, "%s.c", name);
    else if (!strcmp(file, "test.c")) snprintf(buf, 256, "test_%s.c", name);
    else if (!strcmp(file, "gitignore")) snprintf(buf, 256, ".gitignore");
    else snprintf(buf, 256, "%s", file);
    return buf;
}

static hk_status write_file(const char *dir, const char *file, const char *text, char why[HK__WHY]) {
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    FILE *f = fopen(path, "we");
    int bad = !f || fputs(text, f) < 0;
    if (f && fclose(f)) bad = 1;
    return bad ? fail(why, HK_EIO, "%s: %s", path, strerror(errno)) : HK_OK;
}

static hk_status copy_folder(const char *from, const char *to, const char *name, const pair *p, int n_pair, char why[HK__WHY]) {
    struct dirent **list = NULL;
    char path[8192], target[256];
    int n = scandir(from, &list, no_dots, alphasort);
    hk_status st = n < 0 ? fail(why, HK_EIO, "%s: %s", from, strerror(errno)) : HK_OK;
    for (int i = 0; i < n; i++) {
        if (!st && target_name(list[i]->d_name, name, target)) {
            snprintf(path, sizeof path, "%s/%s", from, list[i]->d_name);
            char *text = read_text(path), *done = text ? replace(text, p, n_pair) : NULL;
            st = done ? write_file(to, target, done, why) : fail(why, HK_EIO, "%s: %s", path, strerror(errno));
            free(text), free(done);
        }
        free(list[i]);
    }
    free(list);
    return st;
}

static void remove_folder(const char *dir) {
    char path[8192];
    struct dirent **list = NULL;
    int n = scandir(dir, &list, NULL, NULL);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
        if (strcmp(list[i]->d_name, ".") && strcmp(list[i]->d_name, "..")) unlink(path);
        free(list[i]);
    }
    free(list);
    rmdir(dir);
}

hk_status hk__template_write(const hk__template *t, char why[HK__WHY]) {
    char *dir = templates_dir(), path[8192], common[4096], tmp[4096], type[HK__NAME + 1];
    if (!dir) return fail(why, HK_ENOTFOUND, "no templates beside the command: expected PREFIX/share/hillock/templates");
    hk__template_type(t->name, type);
    snprintf(path, sizeof path, "%s/%s/about", dir, t->kind);
    snprintf(common, sizeof common, "%s/common", dir);
    snprintf(tmp, sizeof tmp, "%s.XXXXXX", t->out);
    char *text = read_text(path), *rest = NULL;
    const char *line[3] = { "", "", "" };
    const pair names[] = { { "@name@", t->name }, { "@Type@", type } };
    char *about = text ? replace(text, names, 2) : NULL, *word = about ? strtok_r(about, "\n", &rest) : NULL;
    hk_status st = HK_OK;
    for (int i = 0; i < 3 && word; i++, word = strtok_r(NULL, "\n", &rest)) line[i] = word;
    if (!line[1][0]) st = fail(why, HK_EIO, "%s: expected what it is, and how it is used, in a line each", path);
    else if (!access(t->out, F_OK)) st = fail(why, HK_EINVAL, "%s is there already: nothing was written", t->out);
    else if (!mkdtemp(tmp)) st = fail(why, HK_EIO, "%s: %s", t->out, strerror(errno));
    if (!st) {
        const pair all[] = { names[0], names[1], { "@about@", line[0] }, { "@use@", line[1] }, { "@lint@", line[2] } };
        st = copy_folder(common, tmp, t->name, all, 5, why);
        snprintf(path, sizeof path, "%s/%s", dir, t->kind);
        if (!st) st = copy_folder(path, tmp, t->name, all, 5, why);
        if (!st && (chmod(tmp, 0755) || rename(tmp, t->out))) st = fail(why, HK_EIO, "%s: %s", t->out, strerror(errno));
        if (st) remove_folder(tmp);
    }
    free(text), free(about), free(dir);
    return st;
}
