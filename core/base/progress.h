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

/**
 * DiffusionProgressShare:
 * @progress: (nullable): told of the whole work
 * @data: for @progress
 * @before: the fraction of it that is done before this piece
 * @part: the fraction that this piece is
 *
 * Where one of several pieces of work lies in the whole.
 */
typedef struct
{
  DiffusionProgressFunc progress;
  gpointer data;
  double before, part;
} DiffusionProgressShare;

/** diffusion_progress_share: a DiffusionProgressFunc for one piece: @share is a #DiffusionProgressShare. */
void diffusion_progress_share (double fraction, gpointer share);

G_END_DECLS
