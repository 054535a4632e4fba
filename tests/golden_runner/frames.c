/* frames.c - kind frames: events to frames. The functions are looked up as modules; there are none yet. */
#include "runner.h"

void gr_frames(gr_case *c) {
    if (gr_need(c, "hk.module/1", gr_spec_str(c, "function"))) gr_fail(c, "the runner does not know how to run '%s'", gr_spec_str(c, "function"));
}
