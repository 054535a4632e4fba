/* page.c - report.html: head, style, sections in their order. One file without references to any other: it opens from disk, prints, and needs no script. */
#include "report.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char style[] =
    ":root{--bg:#fbfbfa;--card:#fff;--ink:#1c2024;--soft:#5c656e;--line:#e3e5e8;--grid:#eceef0;--good:#1a7f4b;--bad:#c4372b;--warm:#9a6700;--heat:31,99,180;"
    "--c1:#1f6fb4;--c2:#d9730d;--c3:#2b8a4b;--c4:#c2353b;--c5:#7d57b3;--c6:#8a5a44;--c7:#c7549f;--c8:#70757a;--c9:#8f8f14;--c10:#1592a6}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1c2024;--ink:#e7e9eb;--soft:#9aa3ab;--line:#30363c;--grid:#272c31;--good:#4cc38a;--bad:#ff7a6b;"
    "--warm:#e3b341;--heat:86,156,236;--c1:#5aa5e6;--c2:#f39a4a;--c3:#5fc27e;--c4:#f27176;--c5:#b294e6;--c6:#c79a84;--c7:#ef8bcb;--c8:#a9afb5;--c9:#cfcf4d;--c10:#4fc6d8}}"
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
    "body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}"
    "main{max-width:1180px;margin:0 auto;padding:28px 20px 60px}"
    "h1{font-size:26px;line-height:1.25;margin:0;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}"
    "h2{font-size:18px;margin:44px 0 14px;padding-top:18px;border-top:1px solid var(--line);font-weight:620}"
    "p{margin:6px 0;max-width:78ch}.soft{color:var(--soft)}.small{font-size:13px}"
    "code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,\"DejaVu Sans Mono\",monospace;font-size:12.5px}"
    ".state{display:inline-block;font-size:12.5px;font-weight:600;padding:1px 10px;border-radius:99px;border:1px solid currentColor;vertical-align:4px;margin-left:8px;white-space:nowrap}"
    ".done{color:var(--good)}.failed{color:var(--bad)}.interrupted,.running{color:var(--warm)}"
    ".tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin-top:22px}@media(max-width:760px){.tiles{grid-template-columns:repeat(2,1fr)}}"
    ".tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px}"
    ".tile .k{font-size:12.5px;color:var(--soft)}.tile .v{font-size:23px;font-weight:620;line-height:1.3;white-space:nowrap}.tile .n{font-size:12.5px;color:var(--soft)}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:14px}"
    ".chart{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 12px 4px}.chart svg{display:block;width:100%;height:auto}"
    "figcaption{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:13px;color:var(--soft);padding:0 4px 4px}figcaption b{color:var(--ink);font-weight:620;margin-right:auto}"
    ".key{display:inline-flex;align-items:center;gap:5px;white-space:nowrap}figcaption .key svg{display:inline;width:22px}"
    ".grid{stroke:var(--grid);stroke-width:1}.tick{fill:var(--soft);font-size:12px}.ln{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round;stroke:currentColor}"
    ".da{stroke-dasharray:5 4}.pt{fill:currentColor}.hid{opacity:0}.hid:hover,.pt:hover{opacity:1}"
    ".c1{color:var(--c1)}.c2{color:var(--c2)}.c3{color:var(--c3)}.c4{color:var(--c4)}.c5{color:var(--c5)}.c6{color:var(--c6)}.c7{color:var(--c7)}.c8{color:var(--c8)}.c9{color:var(--c9)}.c10{color:var(--c10)}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13.5px}th{font-weight:600;color:var(--soft);text-align:left;font-size:12.5px}"
    ".list{width:100%}.list td,.list th{padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}.list tr:last-child td{border-bottom:0}"
    ".r{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".list .total td{font-weight:620;border-top:2px solid var(--line)}"
    ".bar{display:inline-block;height:9px;border-radius:3px;background:var(--c1);vertical-align:1px;min-width:2px}"
    ".matrix td{width:48px;min-width:40px;height:32px;text-align:center;font-variant-numeric:tabular-nums;font-size:12.5px;border:1px solid var(--bg);border-radius:4px}"
    ".matrix th{padding:2px 8px;white-space:nowrap}.matrix .col{height:92px;vertical-align:bottom;padding:0;text-align:center}.matrix .col span{display:inline-block;writing-mode:vertical-rl;transform:rotate(180deg);padding:4px 0}"
    ".matrix td.hit{outline:2px solid rgba(var(--heat),.55);outline-offset:-3px}.matrix .rec{color:var(--soft);border:0;background:none;width:auto;padding-left:10px}"
    ".samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(112px,1fr));gap:12px}"
    ".sample{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:8px;font-size:12.5px;line-height:1.35}"
    ".sample img{width:100%;image-rendering:pixelated;border-radius:5px;display:block;background:#000;margin-bottom:6px}"
    ".sample b{display:block;font-weight:600;overflow-wrap:anywhere}.right b{color:var(--good)}.wrong b{color:var(--bad)}"
    ".stack{display:flex;height:22px;border-radius:6px;overflow:hidden;margin:6px 0 10px}.stack i{display:block;background:currentColor;min-width:1px}"
    ".dot{display:inline-block;width:10px;height:10px;border-radius:3px;background:currentColor;margin-right:7px}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0;font-size:14px}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}"
    "pre{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;overflow-x:auto;line-height:1.55}pre .s{color:var(--c1);font-weight:600}"
    "nav{margin-top:16px;font-size:13.5px;display:flex;flex-wrap:wrap;gap:2px 16px}nav a{color:var(--c1);text-decoration:none;white-space:nowrap}nav a:hover{text-decoration:underline}"
    "details summary{cursor:pointer;color:var(--soft)}.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:10px 40px;align-items:start}"
    ".beside{display:flex;flex-wrap:wrap;gap:10px 56px;align-items:flex-start}.beside>div{max-width:100%}.samples+p{margin-top:20px}"
    "@media(max-width:560px){.tick{font-size:17px}main{padding:18px 12px 40px}h1{font-size:21px}.tile .v{font-size:20px}}"
    "@media print{body{background:#fff}h2{break-after:avoid}.chart,.sample,.tile{break-inside:avoid}}";

static void head(hk__page *p, const char *name) {
    const json_t *i = p->run->info;
    const char *state = hk__run_string(i, "state");
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
          "<meta name=\"color-scheme\" content=\"light dark\"><title>", p->f);
    hk__html_text(p->f, name);
    fprintf(p->f, " – Hillock</title><style>%s</style></head>\n<body><main><header><h1>", style);
    hk__html_text(p->f, name);
    if (state[0]) fprintf(p->f, "<span class=\"state %s\">%s</span>", state, state);
    fputs("</h1><p class=\"soft\">", p->f);
    hk__html_text(p->f, hk__run_string(i, "config"));
    if (hk__run_string(i, "started")[0]) fprintf(p->f, " · started %.16s UTC", hk__run_string(i, "started"));
    fputs(" · ", p->f), hk__html_text(p->f, hk__run_string(json_object_get(i, "host"), "name"));
    fprintf(p->f, " · Hillock %s</p></header>\n", hk__run_string(i, "hillock"));
}

static void nav(hk__page *p) {
    const hk__run_files *r = p->run;
    fputs("<nav>", p->f);
    if (r->n_epoch) fputs("<a href=\"#curves\">Curves</a>", p->f);
    if (r->n_layer) fputs("<a href=\"#rates\">Firing rates</a>", p->f);
    if (json_object_get(r->data, "confusion")) fputs("<a href=\"#confusion\">Confusion matrix</a>", p->f);
    if (json_object_get(r->data, "samples")) fputs("<a href=\"#samples\">Samples</a>", p->f);
    if (json_object_get(r->data, "layers")) fputs("<a href=\"#network\">Network</a>", p->f);
    fputs("<a href=\"#times\">Times</a><a href=\"#machine\">Machine</a><a href=\"#config\">Configuration</a></nav>\n", p->f);
}

static void body(hk__page *p, const char *name) {
    head(p, name);
    hk__section_numbers(p);
    nav(p);
    hk__section_curves(p);
    hk__section_rates(p);
    hk__section_confusion(p);
    hk__section_samples(p);
    hk__section_network(p);
    hk__section_times(p);
    hk__section_machine(p);
    hk__section_config(p);
    fputs("</main></body></html>\n", p->f);
}

hk_status hk__report_write(const char *folder, const char *out, char *why, size_t size) {
    hk__run_files run;
    char *path = NULL, *tmp = NULL, *full = realpath(folder, NULL);
    hk_status st = hk__run_read(folder, &run, why, size);
    if (!st && (asprintf(&path, "%s%s", out ? out : folder, out ? "" : "/report.html") < 0 || asprintf(&tmp, "%s.tmp", path) < 0)) {
        snprintf(why, size, "out of memory");
        st = HK_ENOMEM;
    }
    FILE *f = st ? NULL : fopen(tmp, "we");
    if (f) {
        const char *slash = full ? strrchr(full, '/') : NULL;
        hk__page p = { f, &run, folder };
        body(&p, slash ? slash + 1 : folder);
    }
    const int bad = f ? ferror(f) | fclose(f) : !st;
    if (!st && (bad || rename(tmp, path))) {
        snprintf(why, size, "%s cannot be written: %s", path, strerror(errno));
        st = HK_EIO;
        if (f) unlink(tmp);
    }
    hk__run_free(&run);
    free(path), free(tmp), free(full);
    return st;
}
