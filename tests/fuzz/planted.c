/* planted.c - what a planted bug does: it writes one byte behind an allocation, which AddressSanitizer must report. */
#include <stdio.h>
#include <stdlib.h>

void hk__planted(void);
void hk__planted(void) {
    volatile char *p = malloc(3);
    fprintf(stderr, "the planted bug is reached\n");
    p[3] = 1;
}
