/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long work reports that it advances. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionProgressFunc:
 * @fraction: work done, 0 to 1, never decreasing within one job
 * @data: the user's data
 *
 * Called from the thread that runs the job, at most a few times per tile or step.
 */
typedef void (*DiffusionProgressFunc) (double fraction, gpointer data);

G_END_DECLS
