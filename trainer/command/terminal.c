/* terminal.c - what the terminal behind a file descriptor can do: its width, its colours, its characters. NO_COLOR and TERM=dumb are obeyed.
 * Colours are told by COLORTERM and TERM's name: no terminal is asked, and no database is needed. */
#include "trainer.h"
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *env(const char *name) {
    const char *v = getenv(name);
    return v ? v : "";
}

int hk__term(int fd) { return isatty(fd) && strcmp(env("TERM"), "dumb"); }

int hk__term_width(int fd) {
    struct winsize w;
    int n = ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
    return n < 20 ? 20 : n > HK__TERM_MAX_WIDTH ? HK__TERM_MAX_WIDTH : n;
}

int hk__term_colors(int fd) {
    /* These have taken 256 colours for many years, whatever their name says. */
    static const char *const many[] = { "xterm", "screen", "tmux", "rxvt", "linux", "alacritty", "konsole", "foot" };
    const char *term = env("TERM"), *more = env("COLORTERM");
    if (!hk__term(fd) || env("NO_COLOR")[0]) return 0;
    if (!strcmp(more, "truecolor") || !strcmp(more, "24bit") || strstr(term, "direct")) return 1 << 24;
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
        if (!strncmp(term, many[i], strlen(many[i]))) return 256;
    return strstr(term, "256color") ? 256 : 16;
}

int hk__term_utf8(void) {
    locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!l) return 1; /* one that is not installed here, as in a container: the terminal is another machine's */
    const char *set = nl_langinfo_l(CODESET, l);
    int yes = !strcmp(set, "UTF-8") || !strcmp(set, "ANSI_X3.4-1968"); /* the latter is C's: nothing was said */
    freelocale(l);
    return yes;
}
