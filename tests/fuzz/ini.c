/* ini.c - fuzz target: an ini file, and behind a NUL byte one --set. What is accepted must print as a file that reads back the same; what is
 * refused must say why in one line. */
#include "config/config.h"
#include "schema.h"
#include <stdlib.h>
#include <string.h>

static char *printed(const hk__conf *c) {
    char *p = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&p, &n);
    if (!f || hk__conf_print(c, f)) abort();
    fclose(f);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *nul = memchr(data, 0, size);
    size_t n = nul ? (size_t)(nul - data) : size;
    char *set = nul ? strndup((const char *)nul + 1, size - n - 1) : NULL;
    hk__conf *c = hk__conf_new(&hk__train_schema), *d = NULL;
    hk_status st = hk__conf_load_text(c, "f.ini", (const char *)data, n);
    if (!st && set) st = hk__conf_set(c, set);
    if (!st) st = hk__conf_check(c);
    if (!st) {
        char *one = printed(c);
        d = hk__conf_new(&hk__train_schema);
        if (hk__conf_load_text(d, "g.ini", one, strlen(one)) || hk__conf_check(d)) {
            fprintf(stderr, "accepted, but printed as\n%s\n%s\n", one, hk__conf_error(d));
            abort();
        }
        char *two = printed(d);
        if (strcmp(one, two)) abort();
        free(one), free(two);
    } else if (st != HK_ECONFIG || !hk__conf_error(c)[0]) abort();
    hk__conf_free(c), hk__conf_free(d);
    free(set);
    return 0;
}
