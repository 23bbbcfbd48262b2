/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The copied pixels of a drawable as a picture of the core, and on the screen. */
#include "plugin/drawable-private.h"

#include <math.h>

#include "core/base/i18n.h"
#include "core/diffusion.h"

typedef struct
{
  DiffusionPicture base;
  DiffusionDrawable *owner;
  const Babl *read_format;
  const Babl *write_format;
} DrawablePicture;

/* The model of the drawable's format with a component type and a tone curve of our choice, in its own space. */
static const Babl *
float_format (DiffusionDrawable *self, gboolean alpha, const char *type)
{
  g_autofree char *name
      = g_strdup_printf ("%s%s %s", self->gray ? "Y'" : "R'G'B'", alpha ? "A" : "", type);

  return babl_format_with_space (name, self->format);
}

static gboolean
drawable_picture_read (DiffusionPicture *base, gint x, gint y, gint width, gint height, float *out, GError **error)
{
  DrawablePicture *self = (DrawablePicture *) base;
  gsize n = (gsize) width * height * base->channels;

  gegl_buffer_get (self->owner->source, GEGL_RECTANGLE (x, y, width, height), 1.0, self->read_format, out,
                   GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  /* What is no number would spread over all pixels that the network computes from it. */
  for (gsize i = 0; i < n; i++)
    if (!isfinite (out[i]))
      out[i] = 0.0f;
  return TRUE;
}

/* What was no number before stays what it was. */
static void
replace_colors_float (float *pixels, const float *from, gint n, gint samples, gint channels)
{
  for (gint i = 0; i < n; i++)
    for (gint c = 0; c < channels; c++)
      if (isfinite (pixels[i * samples + c]))
        pixels[i * samples + c] = from[i * channels + c];
}

static void
replace_colors_double (double *pixels, const float *from, gint n, gint samples, gint channels)
{
  for (gint i = 0; i < n; i++)
    for (gint c = 0; c < channels; c++)
      if (isfinite (pixels[i * samples + c]))
        pixels[i * samples + c] = from[i * channels + c];
}

static gboolean
drawable_picture_write (DiffusionPicture *base, gint x, gint y, gint width, gint height, const float *in,
                        GError **error)
{
  DrawablePicture *self = (DrawablePicture *) base;
  DiffusionDrawable *owner = self->owner;
  gint channels = base->channels;
  gint samples = babl_format_get_n_components (self->write_format);
  GeglRectangle area;
  g_autofree gpointer pixels = NULL;

  if (!gegl_rectangle_intersect (&area, GEGL_RECTANGLE (x, y, width, height), &owner->region))
    return TRUE;

  pixels = g_try_malloc_n ((gsize) area.width * samples, sizeof (double));
  if (!pixels)
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY, _ ("Not enough memory for a row of pixels."));
      return FALSE;
    }

  if (!owner->result)
    {
      owner->result = gegl_buffer_new (&owner->region, owner->format);
      gegl_buffer_copy (owner->source, &owner->region, GEGL_ABYSS_NONE, owner->result, &owner->region);
    }

  for (gint row = area.y; row < area.y + area.height; row++)
    {
      const GeglRectangle line = { area.x, row, area.width, 1 };
      const float *from = in + ((gsize) (row - y) * width + (area.x - x)) * channels;

      /* Alpha is carried through in a type that holds all of it. */
      gegl_buffer_get (owner->source, &line, 1.0, self->write_format, pixels, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      if (owner->wide)
        replace_colors_double (pixels, from, area.width, samples, channels);
      else
        replace_colors_float (pixels, from, area.width, samples, channels);
      gegl_buffer_set (owner->result, &line, 0, self->write_format, pixels, GEGL_AUTO_ROWSTRIDE);
    }
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
  const Babl *type = babl_format_get_type (self->format, 0);

  picture->base.width = self->extent.width;
  picture->base.height = self->extent.height;
  picture->base.channels = self->gray ? 1 : 3;
  picture->base.bits = type == babl_type ("u8") ? 8 : type == babl_type ("u16") ? 16 : 32;
  picture->base.read = drawable_picture_read;
  picture->base.write = drawable_picture_write;
  picture->base.destroy = drawable_picture_destroy;
  picture->owner = self;
  picture->read_format = float_format (self, FALSE, "float");
  picture->write_format
      = float_format (self, babl_format_has_alpha (self->format), self->wide ? "double" : "float");
  return &picture->base;
}

void
diffusion_drawable_render (DiffusionDrawable *self, const GeglRectangle *area, const float *colors, guint32 *pixels)
{
  const Babl *format = float_format (self, TRUE, "float");
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
