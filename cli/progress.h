/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The progress line: on a terminal only. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _CliProgress CliProgress;

/**
 * cli_progress_new:
 * @what: what is being done ("Denoising")
 * @steps: number of steps it takes, shown as "step 3 of 50"; 0 for a percentage
 *
 * Shows a line on standard error if that is a terminal, with the time left once it can be told.
 */
CliProgress *cli_progress_new (const char *what, guint steps);

/** cli_progress_update: a DiffusionProgressFunc for a #CliProgress; one thread at a time. */
void cli_progress_update (double fraction, gpointer progress);

/**
 * cli_progress_show:
 * @format: what the line says instead of step and time
 *
 * For work that knows more about itself than a fraction.
 */
void cli_progress_show (CliProgress *progress, const char *format, ...) G_GNUC_PRINTF (2, 3);

/** cli_progress_free: erases the line; %NULL is allowed. */
void cli_progress_free (CliProgress *progress);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliProgress, cli_progress_free)

/** cli_format_seconds: (transfer full): a duration as "0:07", "12:30" or "1:02:03". */
char *cli_format_seconds (double seconds);

G_END_DECLS
