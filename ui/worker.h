/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long work beside the main loop. */
#pragma once

#include <gio/gio.h>

#include "core/diffusion.h"

G_BEGIN_DECLS

/**
 * DiffusionWorkFunc:
 * @data: the user's data
 * @progress: to be called with the part that is done
 * @progress_data: its data
 * @cancellable: (nullable): stops the work
 * @error: return location for an error
 *
 * Work that runs in a thread of its own and must not talk to GIMP or GTK.
 */
typedef gboolean (*DiffusionWorkFunc) (gpointer data, DiffusionProgressFunc progress, gpointer progress_data,
                                       GCancellable *cancellable, GError **error);

/**
 * diffusion_worker_run:
 * @func: (scope call): the work
 * @data: passed to @func
 * @cancellable: (nullable): passed to @func
 * @show: (scope call): called in this thread now and then with the part that is done
 * @show_data: passed to @show
 * @error: return location for the error of @func
 *
 * Runs @func in another thread and the main loop in this one until it ends.
 *
 * Returns: what @func returned
 */
gboolean diffusion_worker_run (DiffusionWorkFunc func, gpointer data, GCancellable *cancellable,
                               DiffusionProgressFunc show, gpointer show_data, GError **error);

G_END_DECLS
