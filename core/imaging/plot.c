/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Line plots as pixels: training losses, rate against distortion. */
#include "core/imaging/plot.h"

#include <math.h>
#include <string.h>

#include "core/imaging/plot-font.h"

#define SCALE 2
#define ADVANCE ((DIFFUSION_GLYPH_WIDTH + 1) * SCALE)
#define LINE_HEIGHT ((DIFFUSION_GLYPH_HEIGHT + 4) * SCALE)
#define MARGIN 12
#define TICK_LENGTH 6
#define MAX_TICKS 12
#define WANTED_TICKS 6.0
/* Beyond this the span of an axis would not be finite. */
#define LARGEST 1e300
/* A logarithmic axis shorter than this has evenly spaced ticks, as few round numbers fall into it. */
#define SHORTEST_DECADES 0.7

typedef struct
{
  float *pixels;
  gint width, height;
  gint left, right, top, bottom;
  double minimum[2], maximum[2];
} Canvas;

static const float black[3] = { 0.1f, 0.1f, 0.1f };
static const float grid[3] = { 0.88f, 0.88f, 0.88f };
/* Told apart by brightness as well as by hue. */
static const float colours[6][3]
    = { { 0.00f, 0.27f, 0.60f }, { 0.85f, 0.37f, 0.01f }, { 0.10f, 0.58f, 0.35f },
        { 0.62f, 0.16f, 0.53f }, { 0.90f, 0.65f, 0.05f }, { 0.40f, 0.40f, 0.40f } };

static void
put (Canvas *canvas, gint x, gint y, const float *colour, float opacity)
{
  if (x < 0 || y < 0 || x >= canvas->width || y >= canvas->height)
    return;
  float *pixel = canvas->pixels + ((gsize) y * (gsize) canvas->width + (gsize) x) * 3;
  for (gint c = 0; c < 3; c++)
    pixel[c] += opacity * (colour[c] - pixel[c]);
}

static void
fill (Canvas *canvas, gint x0, gint y0, gint x1, gint y1, const float *colour)
{
  for (gint y = y0; y < y1; y++)
    for (gint x = x0; x < x1; x++)
      put (canvas, x, y, colour, 1.0f);
}

static const guint8 *
glyph (char letter)
{
  for (gsize i = 0; i < G_N_ELEMENTS (diffusion_glyphs); i++)
    if (diffusion_glyphs[i].letter == g_ascii_tolower (letter))
      return diffusion_glyphs[i].rows;
  return NULL;
}

static gint
text_width (const char *text)
{
  return (gint) strlen (text) * ADVANCE - SCALE;
}

static void
draw_text (Canvas *canvas, gint x, gint y, const char *text, const float *colour)
{
  for (; *text != '\0'; text++, x += ADVANCE)
    {
      const guint8 *rows = glyph (*text);
      gint top = y + (strchr ("gpqyGPQY", *text) != NULL ? 2 * SCALE : 0);

      for (gint row = 0; rows != NULL && row < DIFFUSION_GLYPH_HEIGHT; row++)
        for (gint column = 0; column < DIFFUSION_GLYPH_WIDTH; column++)
          if (rows[row] & (1 << (DIFFUSION_GLYPH_WIDTH - 1 - column)))
            fill (canvas, x + column * SCALE, top + row * SCALE, x + (column + 1) * SCALE, top + (row + 1) * SCALE,
                  colour);
    }
}

/* A line two pixels wide, its edge blended. */
static void
draw_segment (Canvas *canvas, double x0, double y0, double x1, double y1, const float *colour)
{
  gint left = (gint) floor (MIN (x0, x1)) - 2, right = (gint) ceil (MAX (x0, x1)) + 2;
  gint top = (gint) floor (MIN (y0, y1)) - 2, bottom = (gint) ceil (MAX (y0, y1)) + 2;
  double dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;

  for (gint y = MAX (top, canvas->top); y <= MIN (bottom, canvas->bottom); y++)
    for (gint x = MAX (left, canvas->left); x <= MIN (right, canvas->right); x++)
      {
        double along = length2 > 0.0 ? CLAMP (((x - x0) * dx + (y - y0) * dy) / length2, 0.0, 1.0) : 0.0;
        double distance = hypot (x - x0 - along * dx, y - y0 - along * dy);

        if (distance < 1.5)
          put (canvas, x, y, colour, (float) MIN (1.0, 1.5 - distance));
      }
}

/* The place of a value on an axis (0 horizontal, 1 vertical); FALSE if it has none. */
static gboolean
axis_value (const DiffusionPlot *plot, gint axis, double value, double *place)
{
  gboolean logarithmic = axis == 0 ? plot->log_x : plot->log_y;

  if (!(fabs (value) <= LARGEST) || (logarithmic && value <= 0.0))
    return FALSE;
  *place = logarithmic ? log10 (value) : value;
  return TRUE;
}

static void
find_range (const DiffusionPlot *plot, gint axis, double *minimum, double *maximum)
{
  *minimum = G_MAXDOUBLE;
  *maximum = -G_MAXDOUBLE;
  for (gsize i = 0; i < plot->n_lines; i++)
    for (gsize j = 0; j < plot->lines[i].count; j++)
      {
        double x = 0.0, y = 0.0;

        if (!axis_value (plot, 0, plot->lines[i].x[j], &x) || !axis_value (plot, 1, plot->lines[i].y[j], &y))
          continue;
        *minimum = MIN (*minimum, axis == 0 ? x : y);
        *maximum = MAX (*maximum, axis == 0 ? x : y);
      }
  if (*minimum > *maximum)
    {
      *minimum = 0.0;
      *maximum = 1.0;
    }

  double span = *maximum - *minimum;
  double room = span > 0.0 ? span * 0.02 : MAX (fabs (*minimum) * 0.1, 0.1);
  *minimum -= room;
  *maximum += room;
}

/* Round steps: 1, 2 or 5 times a power of ten. */
static double
tick_step (double span)
{
  double raw = span / WANTED_TICKS;
  double power = pow (10.0, floor (log10 (raw)));
  double step = raw / power;

  return power * (step <= 1.0 ? 1.0 : step <= 2.0 ? 2.0 : step <= 5.0 ? 5.0 : 10.0);
}

static double
to_pixel (const Canvas *canvas, gint axis, double place)
{
  double fraction = (place - canvas->minimum[axis]) / (canvas->maximum[axis] - canvas->minimum[axis]);

  return axis == 0 ? canvas->left + fraction * (canvas->right - canvas->left)
                   : canvas->bottom - fraction * (canvas->bottom - canvas->top);
}

static void
draw_tick (Canvas *canvas, gint axis, double place, double value)
{
  g_autofree char *label = g_strdup_printf ("%.4g", value);
  gint at = (gint) lrint (to_pixel (canvas, axis, place));

  if (place < canvas->minimum[axis] || place > canvas->maximum[axis])
    return;
  if (axis == 0)
    {
      fill (canvas, at, canvas->top, at + 1, canvas->bottom, grid);
      fill (canvas, at, canvas->bottom, at + 1, canvas->bottom + TICK_LENGTH, black);
      draw_text (canvas, at - text_width (label) / 2, canvas->bottom + TICK_LENGTH + SCALE * 2, label, black);
    }
  else
    {
      fill (canvas, canvas->left, at, canvas->right, at + 1, grid);
      fill (canvas, canvas->left - TICK_LENGTH, at, canvas->left, at + 1, black);
      draw_text (canvas, canvas->left - TICK_LENGTH - SCALE * 2 - text_width (label),
                 at - DIFFUSION_GLYPH_HEIGHT * SCALE / 2, label, black);
    }
}

static void
draw_axis (Canvas *canvas, const DiffusionPlot *plot, gint axis)
{
  double span = canvas->maximum[axis] - canvas->minimum[axis];
  gboolean logarithmic = axis == 0 ? plot->log_x : plot->log_y;

  if (logarithmic && span >= SHORTEST_DECADES)
    {
      static const double multiples[] = { 1.0, 2.0, 5.0 };
      gsize n_multiples = span < WANTED_TICKS / 2.0 ? G_N_ELEMENTS (multiples) : 1;
      double skip = ceil (span / MAX_TICKS);

      for (double decade = floor (canvas->minimum[axis]); decade <= canvas->maximum[axis]; decade += skip)
        for (gsize i = 0; i < n_multiples; i++)
          draw_tick (canvas, axis, decade + log10 (multiples[i]), pow (10.0, decade) * multiples[i]);
      return;
    }

  double step = tick_step (span);
  double first = ceil (canvas->minimum[axis] / step);
  for (gint i = 0; i < MAX_TICKS; i++)
    {
      double place = (first + i) * step;

      draw_tick (canvas, axis, place, logarithmic ? pow (10.0, place) : first + i == 0.0 ? 0.0 : place);
    }
}

static void
draw_line (Canvas *canvas, const DiffusionPlot *plot, const DiffusionPlotLine *line, const float *colour)
{
  gboolean before = FALSE;
  double x0 = 0.0, y0 = 0.0;

  for (gsize i = 0; i < line->count; i++)
    {
      double x = 0.0, y = 0.0;

      if (!axis_value (plot, 0, line->x[i], &x) || !axis_value (plot, 1, line->y[i], &y))
        {
          before = FALSE;
          continue;
        }
      x = to_pixel (canvas, 0, x);
      y = to_pixel (canvas, 1, y);
      draw_segment (canvas, before ? x0 : x, before ? y0 : y, x, y, colour);
      x0 = x;
      y0 = y;
      before = TRUE;
    }
}

void
diffusion_plot_draw (const DiffusionPlot *plot, gint width, gint height, float *pixels)
{
  Canvas canvas = { .pixels = pixels, .width = width, .height = height };

  for (gsize i = 0; i < (gsize) width * (gsize) height * 3; i++)
    pixels[i] = 1.0f;
  canvas.left = MARGIN + 8 * ADVANCE;
  canvas.right = width - 1 - MARGIN - 2 * ADVANCE;
  canvas.top = MARGIN + 2 * LINE_HEIGHT;
  canvas.bottom = height - 1 - MARGIN - 2 * LINE_HEIGHT;
  for (gint axis = 0; axis < 2; axis++)
    find_range (plot, axis, &canvas.minimum[axis], &canvas.maximum[axis]);

  draw_axis (&canvas, plot, 0);
  draw_axis (&canvas, plot, 1);
  fill (&canvas, canvas.left, canvas.top, canvas.left + 1, canvas.bottom + 1, black);
  fill (&canvas, canvas.left, canvas.bottom, canvas.right + 1, canvas.bottom + 1, black);
  draw_text (&canvas, (width - text_width (plot->title)) / 2, MARGIN, plot->title, black);
  draw_text (&canvas, MARGIN, MARGIN + LINE_HEIGHT, plot->y_label, black);
  draw_text (&canvas, (canvas.left + canvas.right - text_width (plot->x_label)) / 2,
             height - MARGIN - DIFFUSION_GLYPH_HEIGHT * SCALE, plot->x_label, black);

  for (gsize i = 0; i < plot->n_lines; i++)
    {
      const float *colour = colours[i % G_N_ELEMENTS (colours)];
      const char *name = plot->lines[i].name;

      draw_line (&canvas, plot, &plot->lines[i], colour);
      if (name != NULL)
        draw_text (&canvas, canvas.right - text_width (name) - SCALE * 2,
                   canvas.top + SCALE * 2 + (gint) i * LINE_HEIGHT, name, colour);
    }
}
