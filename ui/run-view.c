/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What long work shows of itself. */
#include "ui/run-view.h"

#include <string.h>

struct _DiffusionRunView
{
  GMutex lock;
  DiffusionRunState state;
  gint width, height;
  guint32 *pixels; /* [height, width]; NULL where there is nothing new */
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

/* [height, width, channels] as RGB24, with every skip-th pixel. */
static guint32 *
draw (const float *colors, gint channels, gint width, gint height, gint skip)
{
  gint columns = (width + skip - 1) / skip, rows = (height + skip - 1) / skip;
  guint32 *pixels = g_new (guint32, (gsize) columns * rows);

  for (gint y = 0; y < rows; y++)
    for (gint x = 0; x < columns; x++)
      {
        const float *pixel = colors + ((gsize) y * skip * width + (gsize) x * skip) * channels;
        const float *green = channels == 3 ? pixel + 1 : pixel, *blue = channels == 3 ? pixel + 2 : pixel;

        pixels[(gsize) y * columns + x] = to_byte (*pixel) << 16 | to_byte (*green) << 8 | to_byte (*blue);
      }
  return pixels;
}

void
diffusion_run_view_set_step (DiffusionRunView *self, gsize step, gsize steps, const float *colors, gint channels,
                             gint width, gint height)
{
  gint skip = (MAX (width, height) + DIFFUSION_RUN_PICTURE - 1) / DIFFUSION_RUN_PICTURE;
  guint32 *pixels = draw (colors, channels, width, height, skip);

  /* Drawn before, so that the main thread never waits for it. */
  g_mutex_lock (&self->lock);
  self->state.step = step;
  self->state.steps = steps;
  self->state.kept = TRUE;
  g_free (self->pixels);
  self->pixels = pixels;
  self->width = (width + skip - 1) / skip;
  self->height = (height + skip - 1) / skip;
  g_mutex_unlock (&self->lock);
}

void
diffusion_run_view_get (DiffusionRunView *self, DiffusionRunState *state)
{
  g_mutex_lock (&self->lock);
  *state = self->state;
  g_mutex_unlock (&self->lock);
}

cairo_surface_t *
diffusion_run_view_get_picture (DiffusionRunView *self)
{
  static const cairo_user_data_key_t key;
  cairo_surface_t *surface;
  guint32 *pixels;
  gint width, height;

  g_mutex_lock (&self->lock);
  width = self->width;
  height = self->height;
  pixels = g_steal_pointer (&self->pixels);
  g_mutex_unlock (&self->lock);
  if (!pixels)
    return NULL;
  surface = cairo_image_surface_create_for_data ((guchar *) pixels, CAIRO_FORMAT_RGB24, width, height, 4 * width);
  cairo_surface_set_user_data (surface, &key, pixels, g_free);
  return surface;
}
