/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The copied pixels of a drawable as a picture of the core, and on the screen. */
#include "plugin/drawable-private.h"

#include <math.h>
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

/* The drawable's colours with alpha, as they are written to its picture. */
static const Babl *
get_render_format (DiffusionDrawable *self)
{
  gboolean own_curve = strchr (babl_format_get_encoding (self->format), '\'') != NULL;

  return babl_format_with_space (self->gray ? own_curve ? "Y'A float" : "Y~A float"
                                            : own_curve ? "R'G'B'A float" : "R~G~B~A float",
                                 self->format);
}

void
diffusion_drawable_render (DiffusionDrawable *self, const GeglRectangle *area, const float *colors, guint32 *pixels)
{
  const Babl *format = get_render_format (self);
  const Babl *fish = babl_fish (format, babl_format ("cairo-ARGB32"));
  gint channels = self->gray ? 1 : 3;
  g_autofree float *line = g_new (float, area->width * (channels + 1));
  g_autofree float *mask = g_new (float, area->width);

  for (gint row = 0; row < area->height; row++)
    {
      const GeglRectangle at = { area->x, area->y + row, area->width, 1 };

      gegl_buffer_get (self->source, &at, 1.0, format, line, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      if (colors)
        {
          if (self->mask)
            gegl_buffer_get (self->mask, &at, 1.0, NULL, mask, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
          for (gint i = 0; i < area->width; i++)
            for (gint c = 0; c < channels; c++)
              {
                float *value = line + i * (channels + 1) + c;
                float other = colors[((gsize) row * area->width + i) * channels + c];

                if (isfinite (*value))
                  *value = self->mask ? *value + mask[i] * (other - *value) : other;
              }
        }
      babl_process (fish, line, pixels + (gsize) row * area->width, area->width);
    }
}
