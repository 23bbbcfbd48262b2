/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window while the work runs: how far it is, how long it will take, stop and cancel. */
#pragma once

#include <gtk/gtk.h>

#include "ui/run-view.h"
#include "ui/worker.h"

G_BEGIN_DECLS

/**
 * DiffusionRun:
 * @title: what is being done, in the user's language
 * @func: does it, in another thread
 * @data: passed to it
 * @view: where @func tells what it is at; freed by the caller
 * @by_steps: @func tells @view of its steps, and there is nothing to keep before the first
 */
typedef struct
{
  const char *title;
  DiffusionWorkFunc func;
  gpointer data;
  DiffusionRunView *view;
  gboolean by_steps;
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
