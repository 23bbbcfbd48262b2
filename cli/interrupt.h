/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ctrl-C: the first asks the work to stop, the second ends the process. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * cli_interrupt_watch:
 * @cancellable: cancelled at the first SIGINT or SIGTERM
 *
 * To be called before any thread is started: threads inherit that these signals are left to the watcher.
 */
void cli_interrupt_watch (GCancellable *cancellable);

G_END_DECLS
