/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows of a large picture see noise of one mean, and otherwise the noise that was there. */
#include "core/diffusion.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#define CHANNELS 2

static float *
make_noise (guint64 seed, gsize height, gsize width)
{
  DiffusionNoise noise = { .seed = seed };
  float *values = g_new (float, height * width * CHANNELS);

  diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_NOISE, 0, 1, height, width, CHANNELS, values);
  return values;
}

static double complex
coefficient (const float *values, gsize height, gsize width, gsize c, gsize ky, gsize kx)
{
  double complex sum = 0;

  for (gsize y = 0; y < height; y++)
    for (gsize x = 0; x < width; x++)
      sum += values[(y * width + x) * CHANNELS + c]
             * cexp (-2 * G_PI * I * ((double) (ky * y) / (double) height + (double) (kx * x) / (double) width));
  return sum;
}

static void
check_waves (gsize window, gsize height, gsize width)
{
  g_autofree float *before = make_noise (3, height, width), *after = make_noise (3, height, width);
  double larger = MAX (1, (double) height / (double) window) * MAX (1, (double) width / (double) window);

  diffusion_even_noise (window, height, width, CHANNELS, after);
  for (gsize c = 0; c < CHANNELS; c++)
    for (gsize ky = 0; ky < height; ky++)
      for (gsize kx = 0; kx < width; kx++)
        {
          double complex was = coefficient (before, height, width, c, ky, kx);
          double complex is = coefficient (after, height, width, c, ky, kx);
          /* Waves along an axis: so many, to either side. */
          gsize down = MIN (ky, height - ky), across = MIN (kx, width - kx);

          if (kx == 0 && ky == 0)
            was *= sqrt (larger);
          else if (down * window < height && across * window < width)
            was = 0;
          g_assert_cmpfloat_with_epsilon (cabs (is - was), 0, 1e-3);
        }
}

static void
test_waves (void)
{
  check_waves (4, 12, 20);
  check_waves (4, 13, 9);
  check_waves (8, 8, 24);
  check_waves (8, 30, 5);
  check_waves (5, 6, 6);
}

static void
test_small (void)
{
  const gsize sizes[][2] = { { 8, 8 }, { 1, 8 }, { 3, 2 } };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (gsize window = 0; window <= 8; window += 8)
      {
        g_autofree float *before = make_noise (3, sizes[i][0], sizes[i][1]);
        g_autofree float *after = make_noise (3, sizes[i][0], sizes[i][1]);

        diffusion_even_noise (window, sizes[i][0], sizes[i][1], CHANNELS, after);
        g_assert_cmpmem (before, sizes[i][0] * sizes[i][1] * CHANNELS * sizeof (float), after,
                         sizes[i][0] * sizes[i][1] * CHANNELS * sizeof (float));
      }
}

/* Over many pictures the one mean is spread as a window's, and windows anywhere have it. */
static void
test_means (void)
{
  enum { WINDOW = 8, SIZE = 40, PICTURES = 200 };
  double squares = 0, apart = 0;

  for (guint64 seed = 0; seed < PICTURES; seed++)
    {
      g_autofree float *values = make_noise (seed, SIZE, SIZE);
      double all = 0, window = 0;
      gsize top = seed * 7 % (SIZE - WINDOW), left = seed * 13 % (SIZE - WINDOW);

      diffusion_even_noise (WINDOW, SIZE, SIZE, CHANNELS, values);
      for (gsize y = 0; y < SIZE; y++)
        for (gsize x = 0; x < SIZE; x++)
          {
            double value = values[(y * SIZE + x) * CHANNELS];

            all += value / (SIZE * SIZE);
            if (y >= top && y < top + WINDOW && x >= left && x < left + WINDOW)
              window += value / (WINDOW * WINDOW);
          }
      squares += all * all / PICTURES;
      apart += (window - all) * (window - all) / PICTURES;
    }
  g_assert_cmpfloat (sqrt (squares) * WINDOW, >, 0.8);
  g_assert_cmpfloat (sqrt (squares) * WINDOW, <, 1.2);
  g_assert_cmpfloat (sqrt (apart) * WINDOW, <, 0.45);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/even-noise/waves", test_waves);
  g_test_add_func ("/even-noise/small", test_small);
  g_test_add_func ("/even-noise/means", test_means);
  return g_test_run ();
}
