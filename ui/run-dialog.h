/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window while the work runs: how far it is, how long it will take, stop and cancel. */
#pragma once

#include <gtk/gtk.h>

#include "ui/worker.h"

G_BEGIN_DECLS

/**
 * DiffusionRun:
 * @title: what is being done, in the user's language
 * @func: does it, in another thread
 * @picture: (nullable): makes a picture of what there is so far, or %NULL where there is nothing new; called in the
 *   main thread a few times a second, so it has to be quick and must not wait for @func
 * @data: passed to both
 * @steps: into how many steps the work is divided for the user, 0 for none
 */
typedef struct
{
  const char *title;
  DiffusionWorkFunc func;
  cairo_surface_t *(*picture) (gpointer data);
  gpointer data;
  guint steps;
} DiffusionRun;

/**
 * diffusion_run_dialog:
 * @run: the work
 * @stopped: (out): whether the user wants to keep what there was when he stopped it
 * @error: return location for the error of the work, %G_IO_ERROR_CANCELLED when the user cancelled it
 *
 * Shows the window, runs the work beside the main loop and returns when it has ended. Asks nothing of GIMP
 * meanwhile.
 *
 * Returns: %TRUE when the work was done, or stopped and is to be kept
 */
gboolean diffusion_run_dialog (const DiffusionRun *run, gboolean *stopped, GError **error);

G_END_DECLS
