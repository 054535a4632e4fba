/* suggest.c - "did you mean": the known word nearest to a misspelt one.
 *
 * Edit distance with neighbours exchanged counting as one, upper and lower case as equal. Words longer than MAX_WORD are not compared. */
#include "core.h"
#include <ctype.h>
#include <string.h>

enum { MAX_WORD = 63 };

static int min3(int a, int b, int c) {
    int m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment distance; -1 when a word is too long. */
static int distance(const char *a, const char *b) {
    int row[3][MAX_WORD + 1];
    size_t la = strlen(a), lb = strlen(b);
    if (la > MAX_WORD || lb > MAX_WORD) return -1;
    int na = (int)la, nb = (int)lb;
    for (int j = 0; j <= nb; j++) row[0][j] = j;
    for (int i = 1; i <= na; i++) {
        int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        int ca = tolower((unsigned char)a[i - 1]);
        now[0] = i;
        for (int j = 1; j <= nb; j++) {
            int cb = tolower((unsigned char)b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) && cb == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return row[na % 3][nb];
}

const char *hk__suggest(const char *word, const char *const *candidates, int n) {
    const char *best = NULL;
    int length = (int)strnlen(word, MAX_WORD + 1), near = length < 3 ? 0 : length < 6 ? 1 : length / 3; /* short words: only the case may be wrong */
    for (int i = 0; i < n; i++) {
        int d = candidates[i] ? distance(word, candidates[i]) : -1;
        if (d >= 0 && d <= near) {
            if (d == 0) return candidates[i];
            best = candidates[i], near = d - 1;
        }
    }
    return best;
}
