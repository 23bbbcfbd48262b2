/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plots: every point is where the axes say, and no data can draw outside the picture. */
#include <math.h>

#include "core/diffusion.h"

enum
{
  WIDTH = 320,
  HEIGHT = 240,
  GUARD = 64
};

typedef struct
{
  float pixels[GUARD + WIDTH * HEIGHT * 3 + GUARD];
} Sheet;

static Sheet *
draw (const DiffusionPlot *plot)
{
  Sheet *sheet = g_new (Sheet, 1);

  for (gsize i = 0; i < G_N_ELEMENTS (sheet->pixels); i++)
    sheet->pixels[i] = -1.0f;
  diffusion_plot_draw (plot, WIDTH, HEIGHT, sheet->pixels + GUARD);
  for (gsize i = 0; i < GUARD; i++)
    {
      g_assert_cmpfloat (sheet->pixels[i], ==, -1.0f);
      g_assert_cmpfloat (sheet->pixels[GUARD + WIDTH * HEIGHT * 3 + i], ==, -1.0f);
    }
  for (gsize i = 0; i < WIDTH * HEIGHT * 3; i++)
    g_assert_true (sheet->pixels[GUARD + i] >= 0.0f && sheet->pixels[GUARD + i] <= 1.0f);
  return sheet;
}

/* Pixels that are clearly blue, the first line's colour, and the rows where the leftmost and rightmost are. */
static guint
find_line (const Sheet *sheet, gint *left_row, gint *right_row)
{
  guint count = 0;

  for (gint x = 0; x < WIDTH; x++)
    for (gint y = 0; y < HEIGHT; y++)
      {
        const float *pixel = sheet->pixels + GUARD + (y * WIDTH + x) * 3;

        if (pixel[0] > 0.3f || pixel[2] - pixel[0] < 0.25f)
          continue;
        if (count == 0)
          *left_row = y;
        *right_row = y;
        count++;
      }
  return count;
}

static void
test_line (void)
{
  const double x[] = { 0.0, 1.0, 2.0 }, y[] = { 1.0, 5.0, 9.0 };
  const DiffusionPlotLine line = { NULL, x, y, 3 };
  const DiffusionPlot plot = { "title", "x", "y", FALSE, FALSE, &line, 1 };
  g_autofree Sheet *sheet = draw (&plot);
  gint left = 0, right = 0;

  g_assert_cmpuint (find_line (sheet, &left, &right), >, 200);
  g_assert_cmpint (left, >, right + HEIGHT / 4);
}

static void
test_hostile (void)
{
  const double x[] = { 1.0, NAN, 2.0, 3.0, INFINITY, 4.0 }, y[] = { -1.0, 1.0, 0.0, 1e300, 1.0, NAN };
  const double constant[] = { 7.0, 7.0, 7.0, 7.0, 7.0, 7.0 };

  for (gint kind = 0; kind < 4; kind++)
    for (gsize count = 0; count <= G_N_ELEMENTS (x); count++)
      {
        const DiffusionPlotLine lines[] = { { "some \xc3\xa9 name", x, y, count }, { NULL, constant, constant, count } };
        const DiffusionPlot plot
            = { "a title too long for a plot this small, by far", "", "", kind & 1, kind & 2, lines, count % 3 };
        g_autofree Sheet *sheet = draw (&plot);
      }
}

static void
test_constant (void)
{
  const double x[] = { 1.0, 2.0 }, y[] = { 3.0, 3.0 };
  const DiffusionPlotLine line = { NULL, x, y, 2 };
  const DiffusionPlot plot = { "", "", "", FALSE, TRUE, &line, 1 };
  g_autofree Sheet *sheet = draw (&plot);
  gint left = 0, right = 0;

  g_assert_cmpuint (find_line (sheet, &left, &right), >, 100);
  g_assert_cmpint (ABS (left - right), <=, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plot/line", test_line);
  g_test_add_func ("/plot/hostile", test_hostile);
  g_test_add_func ("/plot/constant", test_constant);
  return g_test_run ();
}
