/* test_ini_rows.c - ini files that must be refused: what libiniparser would misread in silence, and lines that look right but are not.
 * Each row: the file, the place its error names, words of the error; always exit code 2 and one line on standard error. */
#include "command_run.h"
#include <sys/stat.h>

static int n_cases;

typedef struct row {
    const char *text;
    size_t n; /* 0: strlen */
    const char *at, *word[3];
} row;

#define BASE "[data]\nname = FashionMNIST()\n[model]\nT = 28\n[train]\nbatch = 8\nepochs = 1\nlr = 0.1\noptimizer = SGD()\n" /* 9 lines */
#define BASE_LAYERS BASE "[layers]\nrows = ColumnAsTime()\nfc = Linear(28, 10)\n"                                              /* 12 lines */

/* Refused while it is read, whatever else is in the file. */
static const row rows[] = {
    /* a switch by its first letter; other words for on */
    { "[run]\nfold_time = tanh\n", 0, "t.ini:2: [run] fold_time: ", { "expected on or off, got 'tanh'" } },
    { "[run]\nfold_time = none\n", 0, "t.ini:2: [run] fold_time: ", { "expected on or off, got 'none'" } },
    { "[run]\nfold_time = yes\n", 0, "t.ini:2: [run] fold_time: ", { "expected on or off, got 'yes'" } },
    { "[run]\nfold_time = 1\n", 0, "t.ini:2: [run] fold_time: ", { "expected on or off, got '1'" } },
    { "[run]\nfold_time = ON\n", 0, "t.ini:2: [run] fold_time: ", { "expected on or off, got 'ON'" } },
    /* values cut at # and ; */
    { "[plugins]\npath=/data/a#b;c\n", 0, "t.ini:2: [plugins] path: ", { "'#' in a value without quotes", "a line of its own" } },
    { "[plugins]\npath=/data/a;c\n", 0, "t.ini:2: [plugins] path: ", { "';' in a value without quotes" } },
    { "[run]\nseed = 4 ; four\n", 0, "t.ini:2: [run] seed: ", { "put a comment on a line of its own" } },
    { "[run]\nseed = 4 # four\n", 0, "t.ini:2: [run] seed: ", { "put a comment on a line of its own" } },
    { "[plugins]\npath=\"a \\\"q\\\"\"\n", 0, "t.ini:2: [plugins] path: ", { "text after the closing quote", "put the other kind" } },
    { "[plugins]\npath=\"a\" b\n", 0, "t.ini:2: [plugins] path: ", { "text after the closing quote: ' b'" } },
    { "[plugins]\npath=\"abc\n", 0, "t.ini:2: [plugins] path: ", { "the quote \" is not closed" } },
    { "[plugins]\npath='abc\"\n", 0, "t.ini:2: [plugins] path: ", { "the quote ' is not closed" } },
    { "[plugins]\npath=\"\n", 0, "t.ini:2: [plugins] path: ", { "the quote \" is not closed" } },
    /* numbers: octal, exponents, rests, overflow, commas */
    { "[run]\nseed = 010\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '010'", "leading zero" } },
    { "[run]\nseed = 08\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '08'", "leading zero" } },
    { "[run]\nseed = 00\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '00'", "leading zero" } },
    { "[run]\nseed = 1e3\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '1e3'", "digits only" } },
    { "[run]\nseed = 1.0\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '1.0'", "digits only" } },
    { "[run]\nseed = 12abc\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '12abc'" } },
    { "[run]\nseed = 1 2\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '1 2'" } },
    { "[run]\nseed = 0x10\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '0x10'" } },
    { "[run]\nseed = +1\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '+1'" } },
    { "[run]\nseed = -\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '-'" } },
    { "[run]\nseed = --1\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "got '--1'" } },
    { "[run]\nseed = 99999999999999999999\n", 0, "t.ini:2: [run] seed: ", { "expected an integer", "out of range" } },
    { "[run]\nthreads = 99999999999\n", 0, "t.ini:2: [run] threads: ", { "expected an integer from 0 to 1024, got '99999999999'" } },
    { "[train]\nlr = abc\n", 0, "t.ini:2: [train] lr: ", { "expected a number", "got 'abc'", "not a number" } },
    { "[train]\nlr = 0,5\n", 0, "t.ini:2: [train] lr: ", { "got '0,5'", "a decimal point, not a comma" } },
    { "[train]\nlr = 1e999\n", 0, "t.ini:2: [train] lr: ", { "got '1e999'", "out of range" } },
    { "[train]\nlr = nan\n", 0, "t.ini:2: [train] lr: ", { "got 'nan'", "not a number" } },
    { "[train]\nlr = inf\n", 0, "t.ini:2: [train] lr: ", { "got 'inf'", "not a number" } },
    { "[train]\nlr = 0x1p3\n", 0, "t.ini:2: [train] lr: ", { "got '0x1p3'", "not a number" } },
    { "[train]\nlr = 0.1.2\n", 0, "t.ini:2: [train] lr: ", { "got '0.1.2'", "not a number" } },
    { "[train]\nlr = 0.1f\n", 0, "t.ini:2: [train] lr: ", { "got '0.1f'", "not a number" } },
    { "[train]\nlr = -0.1\n", 0, "t.ini:2: [train] lr: ", { "expected a number from 0", "got '-0.1'" } },
    { "[run]\nmemory_limit = 1GB\n", 0, "t.ini:2: [run] memory_limit: ", { "a number of bytes", "got '1GB'", "KiB, MiB or GiB" } },
    { "[run]\nmemory_limit = 1.5GiB\n", 0, "t.ini:2: [run] memory_limit: ", { "a number of bytes", "got '1.5GiB'" } },
    { "[run]\nmemory_limit = 9999999999GiB\n", 0, "t.ini:2: [run] memory_limit: ", { "a number of bytes", "out of range" } },
    { "[run]\nmemory_limit = GiB\n", 0, "t.ini:2: [run] memory_limit: ", { "a number of bytes", "got 'GiB'" } },
    { "[run]\nmemory_limit = -1GiB\n", 0, "t.ini:2: [run] memory_limit: ", { "a number of bytes", "got '-1GiB'" } },
    /* bytes that are no text */
    { "[run]\nseed = 1\0 2\n", 17, "t.ini:2: ", { "a NUL byte in column 9", "plain UTF-8" } },
    { "\0", 1, "t.ini:1: ", { "a NUL byte in column 1" } },
    { "\xef\xbb\xbf[run]\n", 0, "t.ini:1: ", { "byte order mark (BOM)", "without BOM" } },
    { "\xff\xfe[\0r\0u\0n\0]\0\n\0", 14, "t.ini:1: ", { "NUL" } },
    { "[run]\nseed = 1\x01\n", 0, "t.ini:2: ", { "control character 0x01 in column 9" } },
    { "[run]\nseed = 1\x1b[0m\n", 0, "t.ini:2: ", { "control character 0x1b" } },
    { "[run]\rseed = 1\r", 0, "t.ini:1: ", { "control character 0x0d" } },
    /* section lines */
    { "[run] # c\n", 0, "t.ini:1: ", { "text after ']': ' # c'", "comments on their own line" } },
    { "[run] ; [data]\n", 0, "t.ini:1: ", { "text after ']'" } },
    { "[run] seed = 1\n", 0, "t.ini:1: ", { "text after ']'" } },
    { "[run]]\n", 0, "t.ini:1: ", { "text after ']'" } },
    { "[run\n", 0, "t.ini:1: ", { "expected ']'", "got '[run'" } },
    { "[ run ]\n", 0, "t.ini:1: ", { "no section name", "without blanks" } },
    { "[run:x]\n", 0, "t.ini:1: ", { "'run:x' is no section name" } },
    { "[]\n", 0, "t.ini:1: ", { "no section name" } },
    { "[\xc3\xa4]\n", 0, "t.ini:1: ", { "no section name" } },
    { "[Run]\n", 0, "t.ini:1: unknown section [Run]", { "did you mean 'run'?" } },
    { "[run]\n[trian]\n", 0, "t.ini:2: unknown section [trian]", { "did you mean 'train'?" } },
    { "[zzzzzz]\n", 0, "t.ini:1: unknown section [zzzzzz]", { "there are: run, backend" } },
    { "[run]\n[data]\n[run]\n", 0, "t.ini:3: section [run]", { "comes twice", "first in line 1" } },
    /* continued lines */
    { "# c:\\\n[run]\nseed = 1\n", 0, "t.ini:1: ", { "a comment that ends in a backslash", "lose the next line" } },
    { "; c:\\  \n", 0, "t.ini:1: ", { "a comment that ends in a backslash" } },
    { "[run]\nseed = 1\\\n2\n", 0, "t.ini:2: ", { "ends in a backslash", "continued lines are not supported" } },
    { "[run]\nseed = 1\\", 0, "t.ini:2: ", { "ends in a backslash" } },
    { "[plugins]\npath = /a\\", 0, "t.ini:2: ", { "put quotes around the value" } },
    { "[run]\\\n", 0, "t.ini:1: ", { "ends in a backslash" } },
    /* keys */
    { "[run]\nseed = 1\nseed = 2\n", 0, "t.ini:3: [run] seed: comes twice", { "expected one line", "got this one and line 2", "remove one" } },
    { "[run]\nseed = 1\nSEED = 2\n", 0, "t.ini:3: [run] SEED: unknown key", { "did you mean 'seed'?" } },
    { "[layers]\nfc = A()\nFC = B()\n", 0, "t.ini:3: [layers] FC: ", { "differs only in case from 'fc' in line 2" } },
    { "[model]\nwidth = 1\nwidth = 1\n", 0, "t.ini:3: [model] width: comes twice", { "line 2" } },
    { "seed = 1\n[run]\n", 0, "t.ini:1: key 'seed' before any section", { "put a line like [run] above" } },
    { "[run]\nSeed = 1\n", 0, "t.ini:2: [run] Seed: unknown key", { "did you mean 'seed'?" } },
    { "[run]\nzzzzzz = 1\n", 0, "t.ini:2: [run] zzzzzz: unknown key", { "there are: seed, threads" } },
    { "[run]\nrun = 1\n", 0, "t.ini:2: [run] run: unknown key", { "there are: " } },
    { "[run]\nseed\n", 0, "t.ini:2: expected 'key = value'", { "got 'seed'" } },
    { "[run]\nseed: 1\n", 0, "t.ini:2: expected 'key = value'", { "got 'seed: 1'" } },
    { "[run]\nrun:seed = 3\n", 0, "t.ini:2: ", { "'run:seed' is no key" } },
    { "[run]\n= 3\n", 0, "t.ini:2: no key before '='", { NULL } },
    { "[run]\na b = 3\n", 0, "t.ini:2: 'a b' is no key", { NULL } },
    { "[run]\n\"seed\" = 3\n", 0, "t.ini:2: ", { "is no key" } },
    { "[run]\nse\xc3\xa4" "d = 3\n", 0, "t.ini:2: ", { "is no key" } },
    { "[run]\nseed =\n", 0, "t.ini:2: [run] seed: empty value", { "expected an integer", "got nothing", "its default, 0" } },
    { "[run]\nseed = \t \n", 0, "t.ini:2: [run] seed: empty value", { NULL } },
    { "[run]\nseed = \"\"\n", 0, "t.ini:2: [run] seed: empty value", { NULL } },
    { "[run]\nseed = ' '\n", 0, "t.ini:2: [run] seed: empty value", { NULL } },
    { "[layers]\nfc =\n", 0, "t.ini:2: [layers] fc: empty value", { "got nothing" } },
};

/* Refused when the whole is put together: behind BASE, so that the extra text begins in line 10. */
static const row whole[] = {
    { "[model]\n", 0, "t.ini:10: section [model]", { "comes twice" } },
    { "[run]\nseed = ${T\n", 0, "t.ini:11: [run] seed: ", { "'${' without '}'" } },
    { "[run]\nseed = ${t}\n", 0, "t.ini:11: [run] seed: ", { "[model] has no key 't'", "did you mean 'T'?" } },
    { "[run]\nseed = ${T/3}\n", 0, "t.ini:11: [run] seed: ", { "${T/3}", "does not come out even" } },
    { "[run]\nseed = ${T/0}\n", 0, "t.ini:11: [run] seed: ", { "division by zero" } },
    { "[run]\nseed = ${T*}\n", 0, "t.ini:11: [run] seed: ", { "ends too early" } },
    { "[run]\nseed = ${(T}\n", 0, "t.ini:11: [run] seed: ", { "a ')' is missing" } },
    { "[run]\nseed = ${9223372036854775807+T}\n", 0, "t.ini:11: [run] seed: ", { "too large" } },
    { "[run]\nseed = ${010}\n", 0, "t.ini:11: [run] seed: ", { "leading zero" } },
    { "[run]\nseed = ${}\n", 0, "t.ini:11: [run] seed: ", { "ends too early" } },
    { "[run]\nseed = ${type}\n", 0, "t.ini:11: [run] seed: ", { "expected an integer", "got 'sequential' (from ${type})" } },
    { "[run]\nseed = ${type*2}\n", 0, "t.ini:11: [run] seed: ", { "arithmetic needs integers" } },
    { "[run]\nthreads = ${T*1000}\n", 0, "t.ini:11: [run] threads: ", { "expected an integer from 0 to 1024, got '28000' (from ${T*1000})" } },
};

/* Refused by those who know what a value means: behind BASE_LAYERS (12 lines), by `hillock plan`. */
static const row meant[] = {
    { "[run]\nnb = 17\n", 0, "t.ini:14: [run] nb: ", { "expected a multiple of 16", "got 17", "write 32" } },
    { "[backend]\noptions = conv=fast\n", 0, "t.ini:14: [backend] options: ", { "option conv", "auto, direct or winograd", "got 'fast'" } },
    { "[backend]\noptions = speed=2\n", 0, "t.ini:14: [backend] options: ", { "no option 'speed'", "conv=auto" } },
    { "[backend]\nname = cpuu\n", 0, "t.ini:14: [backend] name: ", { "no backend 'cpuu'", "did you mean 'cpu'?" } },
    { "more = Linaer(10, 10)\n", 0, "t.ini:13: [layers] more: ", { "no module 'Linaer'", "did you mean 'Linear'?" } },
    { "more = Linear(10)\n", 0, "t.ini:13: [layers] more: ", { "out_features" } },
    { "more = Linear(10, 10, bais=false)\n", 0, "t.ini:13: [layers] more: ", { "bais", "did you mean 'bias'?" } },
    { "more = Linear(10, 10\n", 0, "t.ini:13: [layers] more: ", { "expected" } },
    { "more = Linear(10, 0)\n", 0, "t.ini:13: [layers] more: ", { "out_features must be at least 1, got 0" } },
    { "more = 5\n", 0, "t.ini:13: [layers] more: ", { "expected a constructor Name(...), got the integer 5" } },
    { "more = Linear(12, 10)\n", 0, "t.ini:13: [layers] more: ", { "layer more", "the input has 10 numbers, expected in_features=12" } },
};

static void one(const char *head, const row *r, const char *const *args) {
    char text[4096], what[4200];
    size_t n = r->n ? r->n : strlen(r->text), m = strlen(head);
    assert_true(n + m < sizeof text);
    memcpy(text, head, m), memcpy(text + m, r->text, n), text[m + n] = 0;
    write_text("t.ini", text, m + n);
    ran got;
    run_command(&got, args);
    snprintf(what, sizeof what, "case %d:\n%s", ++n_cases, text);
    const char *const words[] = { r->word[0], r->word[1], r->word[2], NULL };
    check_refused(&got, what, 2, r->at, words);
}

static const char *const print_config[] = { "train", "t.ini", "--print-config", NULL }, *const plan[] = { "plan", "t.ini", NULL };

static void lines_that_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) one("", &rows[i], print_config);
}

static void expressions_that_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) one(BASE, &whole[i], print_config);
    static const char head[] = "[data]\nname = FashionMNIST()\n[train]\nbatch = 8\nepochs = 1\nlr = 0.1\noptimizer = SGD()\n[model]\nT = 28\n"; /* [model] last */
    static const row model[] = {
        { "typo = 3\n", 0, "t.ini:10: [model] typo: unknown key", { "no ${typo} uses it", "did you mean 'type'?" } },
        { "a = ${b}\nb = ${a}\n", 0, "t.ini:11: [model] b: ", { "${a} uses itself" } },
        { "a = ${a}\n", 0, "t.ini:10: [model] a: ", { "${a} uses itself" } },
    };
    for (size_t i = 0; i < sizeof model / sizeof model[0]; i++) one(head, &model[i], print_config);
}

static void values_that_make_no_sense(void **state) {
    (void)state;
    if (access("/usr/share/datasets/fashion-mnist", R_OK)) {
        printf("the last %zu rows are left out: the Debian package dataset-fashion-mnist is not installed\n", sizeof meant / sizeof meant[0]);
        return;
    }
    for (size_t i = 0; i < sizeof meant / sizeof meant[0]; i++) one(BASE_LAYERS, &meant[i], plan);
}

static void a_line_of_any_length(void **state) {
    (void)state;
    static char text[70000];
    static const int lengths[] = { 1001, 1022, 1023, 1024, 1025, 2000, 65536 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int n = snprintf(text, sizeof text, "[plugins]\npath = ");
        memset(text + n, 'a', (size_t)lengths[i] - 7);
        strcpy(text + n + lengths[i] - 7, "\n");
        ran got;
        char word[64];
        snprintf(word, sizeof word, "the line is %d bytes long, more than 1000", lengths[i]);
        write_text("t.ini", text, strlen(text));
        run_command(&got, print_config);
        check_refused(&got, "a long line", 2, "t.ini:2: ", (const char *const[]){ word, NULL });
        n_cases++;
    }
    int n = snprintf(text, sizeof text, BASE "[plugins]\npath = ");
    memset(text + n, 'a', 993);
    strcpy(text + n + 993, "\n");
    write_text("t.ini", text, strlen(text));
    ran got;
    run_command(&got, print_config);
    if (got.code) fail_msg("a line of 1000 bytes: exit code %d, %s", got.code, got.err);
}

static void a_file_of_any_number_of_keys(void **state) {
    (void)state;
    static char text[1 << 17];
    for (int keys = 4096; keys <= 4097; keys++) { /* BASE has 6 */
        size_t n = (size_t)snprintf(text, sizeof text, BASE "[layers]\n");
        for (int i = 0; i < keys - 6; i++) n += (size_t)snprintf(text + n, sizeof text - n, "k%d = A()\n", i);
        ran got;
        write_text("t.ini", text, n);
        run_command(&got, print_config);
        if (keys == 4096) {
            if (got.code) fail_msg("4096 keys: exit code %d, %s", got.code, got.err);
        } else check_refused(&got, "4097 keys", 2, "t.ini:4101: [layers] k4090: ", (const char *const[]){ "expected at most 4096 keys in a file, got more", NULL });
    }
    n_cases++;
}

static void what_is_no_file(void **state) {
    (void)state;
    static const struct {
        const char *path, *word;
    } bad[] = {
        { "folder.ini", "expected an ini file, got a directory" },
        { "none.ini", "cannot be opened: No such file or directory" },
        { "none/t.ini", "cannot be opened: No such file or directory" },
        { "t.ini/t.ini", "cannot be opened: Not a directory" },
        { "fifo.ini", "expected an ini file, got a special file" },
        { "/dev/zero", "expected an ini file, got a special file" },
        { "big.ini", "of at most 1048576 bytes, got 1048577" },
        { "", "cannot be opened: No such file or directory" },
    };
    mkdir("folder.ini", 0700);
    assert_int_equal(mkfifo("fifo.ini", 0600), 0);
    write_text("t.ini", "", 0);
    write_text("big.ini", "", 0);
    assert_int_equal(truncate("big.ini", 1048577), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ran got;
        run_command(&got, (const char *const[]){ "train", bad[i].path, "--print-config", NULL });
        check_refused(&got, bad[i].path, 2, bad[i].path, (const char *const[]){ bad[i].word, NULL });
        n_cases++;
    }
    rmdir("folder.ini"), unlink("fifo.ini"), unlink("big.ini");
}

static void assignments_that_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *set, *at, *word;
    } bad[] = {
        { "seed=1", "--set 2: expected section.key=value", "got 'seed=1'" },
        { "run.seed", "--set 2: expected section.key=value", "got 'run.seed'" },
        { ".seed=1", "--set 2: expected section.key=value", "got '.seed=1'" },
        { "run.=1", "--set 2: expected section.key=value", "got 'run.=1'" },
        { "", "--set 2: expected section.key=value", "got ''" },
        { "=", "--set 2: expected section.key=value", "got '='" },
        { "run.seed=", "--set 2: [run] seed: empty value", "got nothing" },
        { "run.seed=  ", "--set 2: [run] seed: empty value", "got nothing" },
        { "run.seed=x", "--set 2: [run] seed: expected an integer", "got 'x'" },
        { "run.seed= 1", "--set 2: [run] seed: expected an integer", "got ' 1'" },
        { "run.se ed=1", "--set 2: [run]: 'se ed' is no key", "expected letters" },
        { "run.a:b=1", "--set 2: [run]: 'a:b' is no key", "expected letters" },
        { "run.sead=1", "--set 2: [run] sead: unknown key", "did you mean 'seed'?" },
        { "ran.seed=1", "--set 2: unknown section [ran]", "did you mean 'run'?" },
        { "model.typo=1", "--set 2: [model] typo: unknown key", "no ${typo} uses it" },
        { "run.seed=${nn}", "--set 2: [run] seed: ", "has no key 'nn'" },
        { "plugins.path=a\nb", "--set 2: [plugins] path: ", "control character" },
        { "plugins.path=\"a'b", "--set 2: [plugins] path: ", "both" },
    };
    write_text("t.ini", BASE, strlen(BASE));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ran got;
        run_command(&got, (const char *const[]){ "train", "t.ini", "--set", "run.threads=1", "--set", bad[i].set, "--print-config", NULL });
        check_refused(&got, bad[i].set, 2, bad[i].at, (const char *const[]){ bad[i].word, NULL });
        n_cases++;
    }
}

static char dir[] = "/tmp/hillock-ini-XXXXXX";
static int begin(void **state) {
    (void)state;
    return !mkdtemp(dir) || chdir(dir);
}
static int end(void **state) {
    (void)state;
    printf("count: ini_rows %d\n", n_cases);
    unlink("t.ini");
    return chdir("/") || rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_are_refused),
        cmocka_unit_test(expressions_that_are_refused),
        cmocka_unit_test(values_that_make_no_sense),
        cmocka_unit_test(a_line_of_any_length),
        cmocka_unit_test(a_file_of_any_number_of_keys),
        cmocka_unit_test(what_is_no_file),
        cmocka_unit_test(assignments_that_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
