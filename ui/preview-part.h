/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A part of a picture, no larger than the screen needs it. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * DiffusionPreviewPart:
 * @area: which part; begins at multiples of @reduction
 * @reduction: pixels of the picture beside each other in one of @surface, a power of 2
 * @surface: ARGB32, or %NULL for none
 */
typedef struct
{
  GdkRectangle area;
  gint reduction;
  cairo_surface_t *surface;
} DiffusionPreviewPart;

/** diffusion_preview_part_init: makes an empty surface; any thread. */
void diffusion_preview_part_init (DiffusionPreviewPart *part, const GdkRectangle *area, gint reduction);

void diffusion_preview_part_clear (DiffusionPreviewPart *part);

/** diffusion_preview_part_take: moves what is in @from to @to. */
void diffusion_preview_part_take (DiffusionPreviewPart *to, DiffusionPreviewPart *from);

/** diffusion_preview_part_covers: does it show all of @area, and fine enough? */
gboolean diffusion_preview_part_covers (const DiffusionPreviewPart *part, const GdkRectangle *area, gint reduction);

/** diffusion_preview_part_align: extends @area to where parts of that reduction begin and, inside the picture, end. */
void diffusion_preview_part_align (GdkRectangle *area, gint reduction, gint width, gint height);

/**
 * diffusion_preview_part_fill:
 * @row: first row of the area to fill, a multiple of the reduction
 * @rows: how many; up to the area's last, or a multiple of the reduction
 * @pixels: [rows, area.width], as cairo's ARGB32
 *
 * Each pixel of the surface becomes the mean of those that it stands for. Any thread.
 */
void diffusion_preview_part_fill (DiffusionPreviewPart *part, gint row, gint rows, const guint32 *pixels);

G_END_DECLS
