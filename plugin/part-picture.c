/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads one picture and writes to a block of memory. */
#include "plugin/part-picture.h"

#include <string.h>

typedef struct
{
  DiffusionPicture base;
  DiffusionPicture *from;
  const GeglRectangle *area;
  float *colors;
} PartPicture;

static gboolean
part_read (DiffusionPicture *base, gint x, gint y, gint width, gint height, float *out, GError **error)
{
  PartPicture *self = (PartPicture *) base;

  return self->from->read (self->from, x, y, width, height, out, error);
}

static gboolean
part_read_alpha (DiffusionPicture *base, gint x, gint y, gint width, gint height, float *out, GError **error)
{
  PartPicture *self = (PartPicture *) base;

  return self->from->read_alpha (self->from, x, y, width, height, out, error);
}

static gboolean
part_write (DiffusionPicture *base, gint x, gint y, gint width, gint height, const float *in, GError **error)
{
  PartPicture *self = (PartPicture *) base;
  const GeglRectangle *area = self->area;
  gsize channels = (gsize) base->channels;
  GeglRectangle seen;

  if (!gegl_rectangle_intersect (&seen, area, GEGL_RECTANGLE (x, y, width, height)))
    return TRUE;
  for (gint row = seen.y; row < seen.y + seen.height; row++)
    memcpy (self->colors + ((gsize) (row - area->y) * area->width + (seen.x - area->x)) * channels,
            in + ((gsize) (row - y) * width + (seen.x - x)) * channels, sizeof (float) * seen.width * channels);
  return TRUE;
}

static void
part_destroy (DiffusionPicture *base)
{
  g_free (base);
}

DiffusionPicture *
diffusion_part_picture_new (DiffusionPicture *from, const GeglRectangle *area, float *colors)
{
  PartPicture *self = g_new (PartPicture, 1);

  *self = (PartPicture) { *from, from, area, colors };
  self->base.read = part_read;
  self->base.write = part_write;
  if (from->read_alpha)
    self->base.read_alpha = part_read_alpha;
  self->base.destroy = part_destroy;
  return &self->base;
}
