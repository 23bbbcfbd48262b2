/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures of samples on cases with known answers. */
#include "core/diffusion.h"

#include <math.h>
#include <string.h>

#define SIZE 16
#define VALUES (SIZE * SIZE * 3)

static void
fill (guint64 seed, gsize n, float mean, float *out)
{
  DiffusionStream stream = { seed, DIFFUSION_PURPOSE_NOISE, 0 };

  diffusion_random_normal_fill (&stream, 0, 0, (gint) n, 1, 1, out);
  for (gsize i = 0; i < n; i++)
    out[i] += mean;
}

static void
test_kernel_distance (void)
{
  /* k(x, y) = (xy + 1)³: two and two numbers by hand. */
  const float x[] = { 0, 1 }, y[] = { 1, 2 };
  g_autofree float *a = g_new (float, 400 * 4), *b = g_new (float, 300 * 4), *c = g_new (float, 300 * 4);

  g_assert_cmpfloat_with_epsilon (diffusion_kernel_distance (2, x, 2, y, 1), 1 + 27 - 2 * (1 + 1 + 8 + 27) / 4.0, 1e-9);
  fill (1, 1600, 0, a);
  fill (2, 1200, 0, b);
  fill (3, 1200, 1, c);
  g_assert_cmpfloat (fabs (diffusion_kernel_distance (400, a, 300, b, 4)), <, 0.05);
  g_assert_cmpfloat (diffusion_kernel_distance (400, a, 300, c, 4), >, 2);
}

static void
test_fourier (void)
{
  float real[SIZE * SIZE], imaginary[SIZE * SIZE], before[SIZE * SIZE];

  fill (4, SIZE * SIZE, 0, before);
  memcpy (real, before, sizeof real);
  memset (imaginary, 0, sizeof imaginary);
  diffusion_fourier (SIZE, FALSE, real, imaginary);
  for (gsize v = 0; v < 3; v++)
    for (gsize u = 0; u < 3; u++)
      {
        double r = 0, i = 0;

        for (gsize y = 0; y < SIZE; y++)
          for (gsize x = 0; x < SIZE; x++)
            {
              double angle = -2 * G_PI * (double) (u * x + v * y) / SIZE;

              r += before[y * SIZE + x] * cos (angle);
              i += before[y * SIZE + x] * sin (angle);
            }
        g_assert_cmpfloat_with_epsilon (real[v * SIZE + u], r, 1e-4);
        g_assert_cmpfloat_with_epsilon (imaginary[v * SIZE + u], i, 1e-4);
      }
  diffusion_fourier (SIZE, TRUE, real, imaginary);
  for (gsize i = 0; i < SIZE * SIZE; i++)
    g_assert_cmpfloat_with_epsilon (real[i] / (SIZE * SIZE), before[i], 1e-5);
}

static void
test_spectrum (void)
{
  float picture[VALUES];
  double power[SIZE / 2 + 1];

  for (gsize i = 0; i < VALUES; i++)
    picture[i] = (float) cos (2 * G_PI * 3 * (double) (i / 3 % SIZE) / SIZE);
  diffusion_spectrum (SIZE, picture, power);
  for (gsize bin = 0; bin <= SIZE / 2; bin++)
    if (bin == 3)
      g_assert_cmpfloat (power[bin], >, 1);
    else
      g_assert_cmpfloat (power[bin], <, 1e-9);
}

static void
test_torus_distance (void)
{
  float a[VALUES], b[VALUES], other[VALUES];
  g_autoptr (DiffusionTorus) first = NULL, shifted = NULL, far = NULL;
  double least = G_MAXDOUBLE;

  fill (5, VALUES, 0.3f, a);
  fill (6, VALUES, 0, other);
  for (gsize y = 0; y < SIZE; y++)
    for (gsize x = 0; x < SIZE; x++)
      memcpy (b + (y * SIZE + x) * 3, a + ((y + 5) % SIZE * SIZE + (x + 11) % SIZE) * 3, 3 * sizeof (float));
  first = diffusion_torus_new (SIZE, a);
  shifted = diffusion_torus_new (SIZE, b);
  far = diffusion_torus_new (SIZE, other);
  g_assert_cmpfloat (diffusion_torus_distance (first, shifted), <, 2e-3);
  for (gsize dy = 0; dy < SIZE; dy++)
    for (gsize dx = 0; dx < SIZE; dx++)
      {
        double squares = 0;

        for (gsize y = 0; y < SIZE; y++)
          for (gsize x = 0; x < SIZE; x++)
            for (gsize k = 0; k < 3; k++)
              {
                double d = (double) a[(y * SIZE + x) * 3 + k]
                           - other[((y + dy) % SIZE * SIZE + (x + dx) % SIZE) * 3 + k];

                squares += d * d;
              }
        least = MIN (least, sqrt (squares / VALUES));
      }
  g_assert_cmpfloat_with_epsilon (diffusion_torus_distance (first, far), least, 1e-4);
}

static void
test_wrap_seam (void)
{
  float wave[VALUES], ramp[VALUES];

  for (gsize i = 0; i < VALUES; i++)
    {
      gsize x = i / 3 % SIZE, y = i / 3 / SIZE;

      wave[i] = (float) (cos (2 * G_PI * ((double) x + 0.5) / SIZE) + cos (2 * G_PI * ((double) y + 0.5) / SIZE));
      ramp[i] = (float) (x + y);
    }
  g_assert_cmpfloat (diffusion_wrap_seam (SIZE, SIZE, wave), <, 1);
  g_assert_cmpfloat_with_epsilon (diffusion_wrap_seam (SIZE, SIZE, ramp), SIZE - 1, 1e-4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sample-metrics/kernel-distance", test_kernel_distance);
  g_test_add_func ("/sample-metrics/fourier", test_fourier);
  g_test_add_func ("/sample-metrics/spectrum", test_spectrum);
  g_test_add_func ("/sample-metrics/torus-distance", test_torus_distance);
  g_test_add_func ("/sample-metrics/wrap-seam", test_wrap_seam);
  return g_test_run ();
}
