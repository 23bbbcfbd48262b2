/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Surfaces of parts of a picture. */
#include "ui/preview-part.h"

#include <string.h>

static gint
reduced (gint size, gint reduction)
{
  return (size + reduction - 1) / reduction;
}

void
diffusion_preview_part_init (DiffusionPreviewPart *part, const GdkRectangle *area, gint reduction)
{
  part->area = *area;
  part->reduction = reduction;
  part->surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, reduced (area->width, reduction),
                                              reduced (area->height, reduction));
}

void
diffusion_preview_part_clear (DiffusionPreviewPart *part)
{
  g_clear_pointer (&part->surface, cairo_surface_destroy);
}

void
diffusion_preview_part_take (DiffusionPreviewPart *to, DiffusionPreviewPart *from)
{
  diffusion_preview_part_clear (to);
  *to = *from;
  from->surface = NULL;
}

gboolean
diffusion_preview_part_covers (const DiffusionPreviewPart *part, const GdkRectangle *area, gint reduction)
{
  return part->surface && part->reduction <= reduction && area->x >= part->area.x && area->y >= part->area.y
         && area->x + area->width <= part->area.x + part->area.width
         && area->y + area->height <= part->area.y + part->area.height;
}

void
diffusion_preview_part_align (GdkRectangle *area, gint reduction, gint width, gint height)
{
  gint right = MIN (reduced (area->x + area->width, reduction) * reduction, width);
  gint bottom = MIN (reduced (area->y + area->height, reduction) * reduction, height);

  area->x = area->x / reduction * reduction;
  area->y = area->y / reduction * reduction;
  area->width = right - area->x;
  area->height = bottom - area->y;
}

/* Mean of a block of premultiplied pixels. */
static guint32
mean (const guint32 *pixels, gint stride, gint width, gint height)
{
  guint64 sums[4] = { 0 };
  guint32 result = 0;
  guint64 n = (guint64) width * height;

  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      for (gint c = 0; c < 4; c++)
        sums[c] += pixels[(gsize) y * stride + x] >> (8 * c) & 0xff;
  for (gint c = 0; c < 4; c++)
    result |= (guint32) ((sums[c] + n / 2) / n) << (8 * c);
  return result;
}

void
diffusion_preview_part_fill (DiffusionPreviewPart *part, gint row, gint rows, const guint32 *pixels)
{
  gint k = part->reduction, width = reduced (part->area.width, k);
  guint32 *out;

  cairo_surface_flush (part->surface);
  out = (guint32 *) cairo_image_surface_get_data (part->surface);
  if (!out)
    return;
  /* The rows of an ARGB32 surface follow each other without gaps, whatever its width. */
  out += (gsize) (row / k) * width;
  if (k == 1)
    memcpy (out, pixels, (gsize) rows * width * sizeof (guint32));
  else
    for (gint y = 0; y < rows; y += k)
      for (gint x = 0; x < width; x++)
        *out++ = mean (pixels + (gsize) y * part->area.width + x * k, part->area.width,
                       MIN (k, part->area.width - x * k), MIN (k, rows - y));
  cairo_surface_mark_dirty (part->surface);
}
