/* little_memory.h - what must be refused must not depend on memory being there: tests cap the address space a little above what is mapped
 * now. Under the sanitizers nothing is capped: their own maps do not fit, and they stop at absurd sizes themselves. */
#ifndef TEST_LITTLE_MEMORY_H
#define TEST_LITTLE_MEMORY_H

#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static struct rlimit all_memory;
static int memory_is_little;

static void begin_little_memory(unsigned more_bytes) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct rlimit small;
    long pages = 0;
    FILE *m = fopen("/proc/self/statm", "r");
    assert_true(m && fscanf(m, "%ld", &pages) == 1);
    fclose(m);
    assert_int_equal(getrlimit(RLIMIT_AS, &all_memory), 0);
    small = all_memory, small.rlim_cur = (rlim_t)(pages * sysconf(_SC_PAGESIZE)) + more_bytes;
    assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
    memory_is_little = 1;
#else
    (void)more_bytes;
#endif
}

/* Also cmocka's teardown, since a failed assertion leaves the test at once. */
static int give_memory_back(void **state) {
    (void)state;
    int bad = memory_is_little && setrlimit(RLIMIT_AS, &all_memory);
    memory_is_little = 0;
    return bad;
}

#endif
