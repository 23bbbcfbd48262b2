/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures how long the main loop waits while something computes beside it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * diffusion_watchdog_begin:
 *
 * A computation begins; main thread only, as all of this. Does nothing unless the environment variable
 * DIFFUSION_WATCHDOG names a file: then a line with the computation's length, the number of times the main loop was
 * seen alive meanwhile, and the longest and the 99th percentile of the times it took longer than asked for, all in
 * milliseconds, is added to that file at the end of each computation.
 */
void diffusion_watchdog_begin (void);

/** diffusion_watchdog_end: the computation has ended. Pairs may be nested. */
void diffusion_watchdog_end (void);

G_END_DECLS
