/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How samples compare with pictures: kernel distance, spectra, nearest neighbours on the torus, seams. */
#include "core/evaluation/sample-metrics.h"

#include <math.h>
#include <string.h>

#define CHANNELS 3

/* The mean of the kernel over pairs; those of an element with itself are left out where both are the same set. */
static double
mean_kernel (gsize n, const float *x, gsize m, const float *y, gsize d)
{
  const gboolean same = x == y;
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < m; j++)
      {
        double product = 0;

        if (same && i == j)
          continue;
        for (gsize k = 0; k < d; k++)
          product += (double) x[i * d + k] * y[j * d + k];
        product = product / (double) d + 1;
        sum += product * product * product;
      }
  return sum / ((double) n * (double) (same ? m - 1 : m));
}

double
diffusion_kernel_distance (gsize n, const float *x, gsize m, const float *y, gsize d)
{
  g_return_val_if_fail (n > 1 && m > 1 && d > 0, NAN);
  return mean_kernel (n, x, n, x, d) + mean_kernel (m, y, m, y, d) - 2 * mean_kernel (n, x, m, y, d);
}

/* Cooley and Tukey's, one row in place; @step between elements. */
static void
transform_row (gsize size, gboolean inverse, float *real, float *imaginary, gsize step)
{
  for (gsize i = 1, j = 0; i < size; i++)
    {
      gsize bit = size >> 1;

      for (; j & bit; bit >>= 1)
        j ^= bit;
      j ^= bit;
      if (i < j)
        {
          float keep = real[i * step];

          real[i * step] = real[j * step];
          real[j * step] = keep;
          keep = imaginary[i * step];
          imaginary[i * step] = imaginary[j * step];
          imaginary[j * step] = keep;
        }
    }
  for (gsize length = 2; length <= size; length *= 2)
    for (gsize k = 0; k < length / 2; k++)
      {
        double angle = (inverse ? 2 : -2) * G_PI * (double) k / (double) length;
        float c = (float) cos (angle), s = (float) sin (angle);

        for (gsize start = k; start < size; start += length)
          {
            float *r0 = real + start * step, *i0 = imaginary + start * step;
            float *r1 = r0 + length / 2 * step, *i1 = i0 + length / 2 * step;
            float r = *r1 * c - *i1 * s, i = *r1 * s + *i1 * c;

            *r1 = *r0 - r;
            *i1 = *i0 - i;
            *r0 += r;
            *i0 += i;
          }
      }
}

void
diffusion_fourier (gsize size, gboolean inverse, float *real, float *imaginary)
{
  g_return_if_fail (size > 0 && (size & (size - 1)) == 0);
  for (gsize row = 0; row < size; row++)
    transform_row (size, inverse, real + row * size, imaginary + row * size, 1);
  for (gsize column = 0; column < size; column++)
    transform_row (size, inverse, real + column, imaginary + column, size);
}

void
diffusion_spectrum (gsize size, const float *picture, double *power)
{
  gsize pixels = size * size, bins = size / 2 + 1;
  g_autofree float *real = g_new (float, pixels), *imaginary = g_new0 (float, pixels);
  g_autofree gsize *count = g_new0 (gsize, bins);

  for (gsize i = 0; i < pixels; i++)
    real[i] = (picture[i * CHANNELS] + picture[i * CHANNELS + 1] + picture[i * CHANNELS + 2]) / CHANNELS;
  diffusion_fourier (size, FALSE, real, imaginary);
  memset (power, 0, bins * sizeof (double));
  for (gsize y = 0; y < size; y++)
    for (gsize x = 0; x < size; x++)
      {
        double fy = (double) MIN (y, size - y), fx = (double) MIN (x, size - x);
        gsize bin = MIN ((gsize) lround (sqrt (fx * fx + fy * fy)), bins - 1), at = y * size + x;

        power[bin] += (double) real[at] * real[at] + (double) imaginary[at] * imaginary[at];
        count[bin]++;
      }
  for (gsize bin = 0; bin < bins; bin++)
    power[bin] /= (double) count[bin] * (double) pixels;
}

DiffusionTorus *
diffusion_torus_new (gsize size, const float *picture)
{
  DiffusionTorus *torus = g_new0 (DiffusionTorus, 1);
  gsize pixels = size * size;

  torus->size = size;
  torus->real = g_new (float, CHANNELS * pixels);
  torus->imaginary = g_new0 (float, CHANNELS * pixels);
  for (gsize i = 0; i < pixels; i++)
    for (gsize k = 0; k < CHANNELS; k++)
      {
        float value = picture[i * CHANNELS + k];

        torus->real[k * pixels + i] = value;
        torus->squares += (double) value * value;
      }
  for (gsize k = 0; k < CHANNELS; k++)
    diffusion_fourier (size, FALSE, torus->real + k * pixels, torus->imaginary + k * pixels);
  return torus;
}

void
diffusion_torus_free (DiffusionTorus *torus)
{
  if (torus == NULL)
    return;
  g_free (torus->real);
  g_free (torus->imaginary);
  g_free (torus);
}

/* |a − b shifted|² = |a|² + |b|² − 2·(correlation at that shift). */
double
diffusion_torus_distance (const DiffusionTorus *a, const DiffusionTorus *b)
{
  gsize pixels = a->size * a->size;
  g_autofree float *real = g_new0 (float, pixels), *imaginary = g_new0 (float, pixels);
  float greatest = -G_MAXFLOAT;
  double squares;

  g_return_val_if_fail (a->size == b->size, NAN);
  for (gsize k = 0; k < CHANNELS; k++)
    for (gsize i = 0; i < pixels; i++)
      {
        float ar = a->real[k * pixels + i], ai = a->imaginary[k * pixels + i];
        float br = b->real[k * pixels + i], bi = b->imaginary[k * pixels + i];

        real[i] += ar * br + ai * bi;
        imaginary[i] += ai * br - ar * bi;
      }
  diffusion_fourier (a->size, TRUE, real, imaginary);
  for (gsize i = 0; i < pixels; i++)
    greatest = MAX (greatest, real[i]);
  squares = a->squares + b->squares - 2 * (double) greatest / (double) pixels;
  return sqrt (MAX (squares, 0) / (double) (pixels * CHANNELS));
}

static double
difference (const float *a, const float *b)
{
  return fabs (a[0] - b[0]) + fabs (a[1] - b[1]) + fabs (a[2] - b[2]);
}

double
diffusion_wrap_seam (gsize height, gsize width, const float *picture)
{
  double seam = 0, inside = 0;
  gsize n_inside = 0;

  for (gsize y = 0; y < height; y++)
    for (gsize x = 0; x < width; x++)
      {
        const float *here = picture + (y * width + x) * CHANNELS;
        double right = difference (here, picture + (y * width + (x + 1) % width) * CHANNELS);
        double below = difference (here, picture + ((y + 1) % height * width + x) * CHANNELS);

        *(x + 1 == width ? &seam : &inside) += right;
        *(y + 1 == height ? &seam : &inside) += below;
        n_inside += (x + 1 < width) + (y + 1 < height);
      }
  return seam / (double) (height + width) / (inside / (double) n_inside);
}
