/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Line plots as pixels: training losses, rate against distortion. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionPlotLine:
 * @name: (nullable): for the legend; ASCII, shown in lower case
 * @x: [count]
 * @y: [count]; points that are not finite, or not positive on a logarithmic axis, are left out
 * @count: number of points
 */
typedef struct
{
  const char *name;
  const double *x;
  const double *y;
  gsize count;
} DiffusionPlotLine;

/**
 * DiffusionPlot:
 * @title: above the plot
 * @x_label: below the horizontal axis
 * @y_label: above the vertical axis
 * @log_x: logarithmic horizontal axis
 * @log_y: logarithmic vertical axis
 * @lines: [n_lines]
 * @n_lines: at most 6 colours are told apart
 *
 * Texts are ASCII: letters, digits and . , - + ( ) / : = % _ are drawn.
 */
typedef struct
{
  const char *title;
  const char *x_label;
  const char *y_label;
  gboolean log_x;
  gboolean log_y;
  const DiffusionPlotLine *lines;
  gsize n_lines;
} DiffusionPlot;

/**
 * diffusion_plot_draw:
 * @plot: what to draw
 * @width: columns, at least 160
 * @height: rows, at least 120
 * @pixels: (out caller-allocates): [height, width, 3], 0 to 1
 *
 * Without a point to draw the axes go from 0 to 1.
 */
void diffusion_plot_draw (const DiffusionPlot *plot, gint width, gint height, float *pixels);

G_END_DECLS
