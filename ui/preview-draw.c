/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws the parts of a preview. */
#include "ui/preview-draw.h"

#include <math.h>

#include "core/base/i18n.h"

#define CHECK  8
#define MARGIN 8
#define BAR    4

static cairo_pattern_t *
new_checks (void)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, 2 * CHECK, 2 * CHECK);
  cairo_t *cr = cairo_create (surface);
  cairo_pattern_t *pattern;

  cairo_set_source_rgb (cr, 0.6, 0.6, 0.6);
  cairo_paint (cr);
  cairo_set_source_rgb (cr, 0.4, 0.4, 0.4);
  cairo_rectangle (cr, 0, 0, CHECK, CHECK);
  cairo_rectangle (cr, CHECK, CHECK, CHECK, CHECK);
  cairo_fill (cr);
  cairo_destroy (cr);

  pattern = cairo_pattern_create_for_surface (surface);
  cairo_pattern_set_extend (pattern, CAIRO_EXTEND_REPEAT);
  cairo_surface_destroy (surface);
  return pattern;
}

void
diffusion_preview_draw_part (cairo_t *cr, const DiffusionPreviewPart *part, double x, double y, double scale)
{
  const GdkRectangle *area = &part->area;
  cairo_pattern_t *checks = new_checks ();

  cairo_save (cr);
  cairo_rectangle (cr, x + area->x * scale, y + area->y * scale, area->width * scale, area->height * scale);
  cairo_clip (cr);
  cairo_set_source (cr, checks);
  cairo_paint (cr);
  cairo_pattern_destroy (checks);
  cairo_translate (cr, x + area->x * scale, y + area->y * scale);
  cairo_scale (cr, scale * part->reduction, scale * part->reduction);
  cairo_set_source_surface (cr, part->surface, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr),
                            scale * part->reduction < 0.99 ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
  cairo_paint (cr);
  cairo_restore (cr);
}

/* A word on a dark plate, at the right end of @x where @right. */
static void
draw_label (cairo_t *cr, GtkWidget *widget, const char *text, double x, gboolean right)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, text);
  gint width, height;

  pango_layout_get_pixel_size (layout, &width, &height);
  if (right)
    x -= width + 2 * MARGIN;
  cairo_set_source_rgba (cr, 0, 0, 0, 0.6);
  cairo_rectangle (cr, x, MARGIN, width + 2 * MARGIN, height + MARGIN);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_move_to (cr, x + MARGIN, MARGIN * 1.5);
  pango_cairo_show_layout (cr, layout);
}

void
diffusion_preview_draw_divider (cairo_t *cr, GtkWidget *widget, double split)
{
  double width = gtk_widget_get_allocated_width (widget), middle = gtk_widget_get_allocated_height (widget) / 2.0;

  /* Each word is cut off by the divider where there is no room for it. */
  cairo_save (cr);
  cairo_rectangle (cr, 0, 0, split, 2 * middle);
  cairo_clip (cr);
  draw_label (cr, widget, _ ("Before"), MARGIN, FALSE);
  cairo_restore (cr);
  cairo_save (cr);
  cairo_rectangle (cr, split, 0, width - split, 2 * middle);
  cairo_clip (cr);
  draw_label (cr, widget, _ ("After"), width - MARGIN, TRUE);
  cairo_restore (cr);

  split = CLAMP (floor (split) + 0.5, 0.5, width - 0.5);
  cairo_set_line_width (cr, 3);
  cairo_set_source_rgba (cr, 0, 0, 0, 0.5);
  cairo_move_to (cr, split, 0);
  cairo_line_to (cr, split, 2 * middle);
  cairo_stroke_preserve (cr);
  cairo_set_line_width (cr, 1);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_stroke (cr);

  /* A round handle with an arrow to each side. */
  cairo_arc (cr, split, middle, 11, 0, 2 * G_PI);
  cairo_set_source_rgba (cr, 0, 0, 0, 0.6);
  cairo_fill_preserve (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_stroke (cr);
  for (gint side = -1; side <= 1; side += 2)
    {
      cairo_move_to (cr, split + side * 7, middle);
      cairo_rel_line_to (cr, -side * 4, -4);
      cairo_rel_line_to (cr, 0, 8);
      cairo_close_path (cr);
      cairo_fill (cr);
    }
}

void
diffusion_preview_draw_progress (cairo_t *cr, GtkWidget *widget, double fraction)
{
  double width = gtk_widget_get_allocated_width (widget), height = gtk_widget_get_allocated_height (widget);

  cairo_set_source_rgba (cr, 0, 0, 0, 0.5);
  cairo_rectangle (cr, 0, height - BAR, width, BAR);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_rectangle (cr, 0, height - BAR, width * CLAMP (fraction, 0.01, 1.0), BAR);
  cairo_fill (cr);
}
