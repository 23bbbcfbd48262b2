/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a preview is drawn with. */
#pragma once

#include "ui/preview-part.h"

G_BEGIN_DECLS

/**
 * diffusion_preview_draw_part:
 * @part: one that has a surface
 * @x: the picture's left edge on @cr
 * @y: its top edge
 * @scale: units of @cr per pixel of the picture
 *
 * What is transparent is drawn over a checkerboard.
 */
void diffusion_preview_draw_part (cairo_t *cr, const DiffusionPreviewPart *part, double x, double y, double scale);

/** diffusion_preview_draw_divider: the line at @split, its handle, and what is on which side. */
void diffusion_preview_draw_divider (cairo_t *cr, GtkWidget *widget, double split);

/** diffusion_preview_draw_progress: a bar at the lower edge. */
void diffusion_preview_draw_progress (cairo_t *cr, GtkWidget *widget, double fraction);

G_END_DECLS
