/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What long work shows of itself: told from the thread that works, looked at in the main thread. */
#pragma once

#include <cairo.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* Pictures are shown at most this wide and high. */
#define DIFFUSION_RUN_PICTURE 512

typedef struct _DiffusionRunView DiffusionRunView;

DiffusionRunView *diffusion_run_view_new (void);
void diffusion_run_view_free (DiffusionRunView *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionRunView, diffusion_run_view_free)

/** diffusion_run_view_set_item: which of several pictures is being worked on, from 0. Any thread. */
void diffusion_run_view_set_item (DiffusionRunView *self, guint item, guint items);

/**
 * diffusion_run_view_set_step:
 * @step: steps of this picture that are done
 * @steps: how many there are
 * @colors: [height, width, channels], 0 to 1: what it is expected to become
 * @channels: 1 or 3
 * @width: columns
 * @height: rows
 *
 * Any thread.
 */
void diffusion_run_view_set_step (DiffusionRunView *self, gsize step, gsize steps, const float *colors, gint channels,
                                  gint width, gint height);

/**
 * DiffusionRunState:
 * @item: which picture, from 0
 * @items: of how many; 0 before the first
 * @step: steps of it that are done
 * @steps: of how many; 0 before the first
 * @kept: there is something to keep: a step, or a picture before this one
 */
typedef struct
{
  guint item, items;
  gsize step, steps;
  gboolean kept;
} DiffusionRunState;

/** diffusion_run_view_get: (out caller-allocates): where the work is. */
void diffusion_run_view_get (DiffusionRunView *self, DiffusionRunState *state);

/** diffusion_run_view_get_picture: (transfer full) (nullable): RGB24, at most %DIFFUSION_RUN_PICTURE wide and high;
 * %NULL where there is nothing newer than what was returned last. */
cairo_surface_t *diffusion_run_view_get_picture (DiffusionRunView *self);

G_END_DECLS
