/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures how long the main loop waits while something computes beside it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * diffusion_watchdog_begin:
 *
 * A computation begins; main thread only, as all of this. Does nothing unless the environment variable
 * DIFFUSION_WATCHDOG names a file: then a line is added to that file at the end of each computation, with the
 * computation's length, the number of times the main loop was seen alive meanwhile, the longest and the 99th percentile
 * of the times it took longer than asked for, and the longest without the time that it was ready to run and had to wait
 * for a processor, and how much there was of that; all in milliseconds. DIFFUSION_WATCHDOG_SERVER may have the process id of the display's server, which
 * it waits for as well: the same of that one.
 */
void diffusion_watchdog_begin (void);

/** diffusion_watchdog_end: the computation has ended. Pairs may be nested. */
void diffusion_watchdog_end (void);

G_END_DECLS
