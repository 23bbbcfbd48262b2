/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The copied pixels of a drawable as a picture of the core, and on the screen. */
#include "plugin/drawable-private.h"

#include <string.h>

#include "core/base/i18n.h"
#include "core/diffusion.h"
#include "plugin/samples.h"

typedef struct
{
  DiffusionPicture base;
  DiffusionDrawable *owner;
  DiffusionSamples samples;
} DrawablePicture;

static gpointer
new_line (DrawablePicture *self, gint width, GError **error)
{
  gpointer line = g_try_malloc_n ((gsize) width * self->samples.count, self->samples.size);

  if (!line)
    g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY, _ ("Not enough memory for a row of pixels."));
  return line;
}

static gboolean
drawable_picture_read (DiffusionPicture *base, gint x, gint y, gint width, gint height, float *out, GError **error)
{
  DrawablePicture *self = (DrawablePicture *) base;
  g_autofree gpointer pixels = new_line (self, width, error);

  if (!pixels)
    return FALSE;
  for (gint row = 0; row < height; row++)
    {
      gegl_buffer_get (self->owner->source, GEGL_RECTANGLE (x, y + row, width, 1), 1.0, self->owner->format, pixels,
                       GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      diffusion_samples_read (&self->samples, pixels, width, out + (gsize) row * width * base->channels);
    }
  return TRUE;
}

static gboolean
drawable_picture_write (DiffusionPicture *base, gint x, gint y, gint width, gint height, const float *in,
                        GError **error)
{
  DrawablePicture *self = (DrawablePicture *) base;
  DiffusionDrawable *owner = self->owner;
  GeglRectangle area;
  g_autofree gpointer pixels = NULL;

  if (!gegl_rectangle_intersect (&area, GEGL_RECTANGLE (x, y, width, height), &owner->region))
    return TRUE;
  pixels = new_line (self, area.width, error);
  if (!pixels)
    return FALSE;

  if (!owner->result)
    {
      owner->result = gegl_buffer_new (&owner->region, owner->format);
      gegl_buffer_copy (owner->source, &owner->region, GEGL_ABYSS_NONE, owner->result, &owner->region);
    }

  for (gint row = area.y; row < area.y + area.height; row++)
    {
      const GeglRectangle line = { area.x, row, area.width, 1 };
      const float *from = in + ((gsize) (row - y) * width + (area.x - x)) * base->channels;

      gegl_buffer_get (owner->source, &line, 1.0, owner->format, pixels, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      diffusion_samples_write (&self->samples, from, area.width, pixels);
      gegl_buffer_set (owner->result, &line, 0, owner->format, pixels, GEGL_AUTO_ROWSTRIDE);
    }
  return TRUE;
}

static gboolean
drawable_picture_read_alpha (DiffusionPicture *base, gint x, gint y, gint width, gint height, float *out, GError **error)
{
  DrawablePicture *self = (DrawablePicture *) base;

  gegl_buffer_get (self->owner->source, GEGL_RECTANGLE (x, y, width, height), 1.0, babl_format ("A float"), out,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return TRUE;
}

static void
drawable_picture_destroy (DiffusionPicture *base)
{
  g_free (base);
}

DiffusionPicture *
diffusion_drawable_open (DiffusionDrawable *self)
{
  DrawablePicture *picture = g_new0 (DrawablePicture, 1);

  picture->samples = diffusion_samples_get (self->format);
  picture->base.width = self->extent.width;
  picture->base.height = self->extent.height;
  picture->base.channels = self->gray ? 1 : 3;
  picture->base.bits = picture->samples.type == DIFFUSION_SAMPLE_U8    ? 8
                       : picture->samples.type == DIFFUSION_SAMPLE_U16 ? 16
                                                                       : 32;
  picture->base.read = drawable_picture_read;
  picture->base.write = drawable_picture_write;
  if (babl_format_has_alpha (self->format))
    picture->base.read_alpha = drawable_picture_read_alpha;
  picture->base.destroy = drawable_picture_destroy;
  picture->owner = self;
  return &picture->base;
}

/* The row [width] at x, y with new colours becomes what they are through the selection: GIMP mixes in linear light. */
static void
mix (DiffusionDrawable *self, gint x, gint y, gint width, const guint8 *before, guint8 *now)
{
  const Babl *linear = babl_format_with_space (self->gray ? "YA float" : "RGBA float", self->format);
  const Babl *there = babl_fish (self->format, linear), *back = babl_fish (linear, self->format);
  gint samples = self->gray ? 2 : 4;
  gsize size = babl_format_get_bytes_per_pixel (self->format);
  g_autofree float *mask = g_new (float, width), *a = g_new (float, width * samples), *b = g_new (float, width * samples);
  g_autofree guint8 *mixed = g_malloc (width * size);

  gegl_buffer_get (self->mask, GEGL_RECTANGLE (x, y, width, 1), 1.0, NULL, mask, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  babl_process (there, before, a, width);
  babl_process (there, now, b, width);
  for (gint i = 0; i < width * samples; i++)
    a[i] += mask[i / samples] * (b[i] - a[i]);
  babl_process (back, a, mixed, width);
  for (gint i = 0; i < width; i++)
    if (mask[i] < 1.0f)
      memcpy (now + i * size, (mask[i] > 0.0f ? mixed : before) + i * size, size);
}

void
diffusion_drawable_render (DiffusionDrawable *self, const GeglRectangle *area, const float *colors, guint32 *pixels)
{
  const Babl *fish = babl_fish (self->format, babl_format ("cairo-ARGB32"));
  DiffusionSamples samples = diffusion_samples_get (self->format);
  gsize bytes = (gsize) area->width * babl_format_get_bytes_per_pixel (self->format);
  g_autofree guint8 *before = g_malloc (bytes), *now = g_malloc (bytes);

  for (gint y = area->y; y < area->y + area->height; y++, pixels += area->width)
    {
      gegl_buffer_get (self->source, GEGL_RECTANGLE (area->x, y, area->width, 1), 1.0, self->format, before,
                       GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      memcpy (now, before, bytes);
      if (colors)
        {
          diffusion_samples_write (&samples, colors, (gsize) area->width, now);
          colors += (gsize) area->width * samples.channels;
          if (self->mask)
            mix (self, area->x, y, area->width, before, now);
        }
      babl_process (fish, now, pixels, area->width);
    }
}
