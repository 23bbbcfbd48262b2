/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What long work shows of itself. */
#include "ui/run-view.h"

#include <string.h>

struct _DiffusionRunView
{
  GMutex lock;
  DiffusionRunState state;
  gint width, height;
  guint32 *pixels; /* [height, width], or NULL before the first step */
};

DiffusionRunView *
diffusion_run_view_new (void)
{
  DiffusionRunView *self = g_new0 (DiffusionRunView, 1);

  g_mutex_init (&self->lock);
  return self;
}

void
diffusion_run_view_free (DiffusionRunView *self)
{
  if (!self)
    return;
  g_mutex_clear (&self->lock);
  g_free (self->pixels);
  g_free (self);
}

void
diffusion_run_view_set_item (DiffusionRunView *self, guint item, guint items)
{
  g_mutex_lock (&self->lock);
  self->state.item = item;
  self->state.items = items;
  self->state.step = self->state.steps = 0;
  self->state.kept = self->state.kept || item > 0;
  g_mutex_unlock (&self->lock);
}

static guint32
to_byte (float value)
{
  /* Written so that NaN becomes 0. */
  return value > 0.0f ? (guint32) (MIN (value, 1.0f) * 255.0f + 0.5f) : 0;
}

static void
draw (DiffusionRunView *self, const float *colors, gint channels, gint width, gint height)
{
  gint skip = (MAX (width, height) + DIFFUSION_RUN_PICTURE - 1) / DIFFUSION_RUN_PICTURE;

  self->width = (width + skip - 1) / skip;
  self->height = (height + skip - 1) / skip;
  self->pixels = g_renew (guint32, self->pixels, (gsize) self->width * self->height);
  for (gint y = 0; y < self->height; y++)
    for (gint x = 0; x < self->width; x++)
      {
        const float *pixel = colors + ((gsize) y * skip * width + (gsize) x * skip) * channels;
        const float *green = channels == 3 ? pixel + 1 : pixel, *blue = channels == 3 ? pixel + 2 : pixel;

        self->pixels[(gsize) y * self->width + x] = to_byte (*pixel) << 16 | to_byte (*green) << 8 | to_byte (*blue);
      }
}

void
diffusion_run_view_set_step (DiffusionRunView *self, gsize step, gsize steps, const float *colors, gint channels,
                             gint width, gint height)
{
  g_mutex_lock (&self->lock);
  self->state.step = step;
  self->state.steps = steps;
  self->state.kept = TRUE;
  self->state.changed = TRUE;
  draw (self, colors, channels, width, height);
  g_mutex_unlock (&self->lock);
}

void
diffusion_run_view_get (DiffusionRunView *self, DiffusionRunState *state)
{
  g_mutex_lock (&self->lock);
  *state = self->state;
  self->state.changed = FALSE;
  g_mutex_unlock (&self->lock);
}

guint32 *
diffusion_run_view_get_picture (DiffusionRunView *self, gint *width, gint *height)
{
  guint32 *pixels = NULL;

  g_mutex_lock (&self->lock);
  *width = self->width;
  *height = self->height;
  if (self->pixels)
    pixels = g_memdup2 (self->pixels, (gsize) self->width * self->height * sizeof (guint32));
  g_mutex_unlock (&self->lock);
  return pixels;
}
