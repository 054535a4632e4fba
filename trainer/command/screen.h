/* screen.h - what commands put on a terminal: pictures in characters, what the network said of them, plans. Part of trainer.h. */
#ifndef HK_COMMAND_SCREEN_H
#define HK_COMMAND_SCREEN_H

#include "run/job.h"

/* ---- terminal.c: what a file descriptor can show ---- */
#define HK__TERM_MAX_WIDTH 240
int hk__term(int fd);        /* a terminal that can rewrite a line */
int hk__term_width(int fd);  /* columns, 20 to HK__TERM_MAX_WIDTH; 80 when it is no terminal or does not tell */
int hk__term_colors(int fd); /* 0 (no terminal, or NO_COLOR), 16, 256, or 1 << 24 */
int hk__term_utf8(void);     /* whether the locale's character set lets half blocks through */

/* ---- picture.c: a grey picture in character cells, one column of a picture wide and two rows high ---- */
typedef enum hk__ink { HK__ASCII, HK__GREY256, HK__GREY24BIT } hk__ink;
hk__ink hk__picture_ink(int fd); /* what a file descriptor can show; ASCII unless it is a terminal with colours */
/* y[h,w] from x[H,W], w <= W, h <= H: each number is the mean of the part of x that it covers. */
void hk__picture_shrink(const float *x, int64_t H, int64_t W, float *y, int64_t h, int64_t w);
/* Rows 2 line and 2 line + 1 of x[h,w], 0 black to 1 white; `columns` cells, the picture first. No newline. */
void hk__picture_line(FILE *, hk__ink, const float *x, int64_t h, int64_t w, int64_t line, int64_t columns);

/* ---- show.c: test pictures with what the network said ---- */
enum { HK__SHOW_MAX = 64 };
typedef struct hk__show {
    int64_t n, have; /* asked for; taken */
    int64_t H, W, *label, *said;
    float *x;     /* [n,H,W] */
    double *rate; /* of the class that was said: mean of the output over T */
} hk__show;
/* Checks that the data set has n pictures among the first `of`; ECONFIG says what is wrong. Behind hk__job_open_data. */
hk_status hk__show_new(hk__job *, int64_t n, int64_t of, hk__show **out);
hk_status hk__show_take(hk__show *, hk__job *, const hk__loader *); /* behind a run: keeps what is wanted of its batch */
hk_status hk__show_print(const hk__show *, hk__job *, FILE *, hk__ink, int width);
void hk__show_free(hk__show *);

/* ---- plan.c ---- */
hk_status hk__plans_print(hk__job *); /* both executors' plans, as they are now */

#endif
