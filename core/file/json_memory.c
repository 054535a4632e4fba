/* json_memory.c - whether jansson ran out of memory. It says so as if the text were wrong or no UTF-8, and its parser (2.14, lex_save)
 * even drops a character in silence; neither may pass for damage of a file. So its allocations are watched while it works for us. */
#include "file/file.h"
#include <jansson.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* jansson has one allocator for all */
static json_malloc_t its_malloc;
static json_free_t its_free;
static _Thread_local bool failed;

static void *watched(size_t bytes) {
    void *p = its_malloc(bytes);
    if (!p) failed = true;
    return p;
}

void hk__json_watch(void) {
    pthread_mutex_lock(&lock);
    failed = false;
    json_get_alloc_funcs(&its_malloc, &its_free);
    json_set_alloc_funcs(watched, its_free);
}

bool hk__json_failed(void) {
    json_set_alloc_funcs(its_malloc, its_free);
    pthread_mutex_unlock(&lock);
    return failed;
}
