/* Reads JSON strictly and prints every leaf as "path=value", a line each: rows.0.key=model. For the shell tests. Exit code 1: no JSON. */
#include <jansson.h>
#include <string.h>

static void leaf(const char *path, const json_t *v) {
    const char *text = json_string_value(v);
    if (text) {
        printf("%s=", path);
        for (; *text; text++) putchar(*text == '\n' ? ' ' : *text);
        putchar('\n');
        return;
    }
    char *dump = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    printf("%s=%s\n", path, dump ? dump : "?");
    free(dump);
}

static void flat(const char *path, json_t *v) {
    char below[1024];
    const char *key, *dot = path[0] ? "." : "";
    json_t *child;
    size_t i;
    if (json_is_object(v)) {
        json_object_foreach(v, key, child) snprintf(below, sizeof below, "%s%s%s", path, dot, key), flat(below, child);
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, child) snprintf(below, sizeof below, "%s%s%zu", path, dot, i), flat(below, child);
    } else leaf(path, v);
}

int main(void) {
    json_error_t error;
    json_t *v = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
    if (!v) {
        fprintf(stderr, "line %d, column %d: %s\n", error.line, error.column, error.text);
        return 1;
    }
    flat("", v);
    json_decref(v);
    return 0;
}
