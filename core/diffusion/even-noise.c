/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise that looks alike to all windows of a large picture. */
#include "core/diffusion/even-noise.h"

#include <complex.h>
#include <math.h>

#include "core/base/threads.h"

typedef double complex Complex;

/* e^{2πi k j / length} for k = 0 … waves, [length, waves + 1]. */
static Complex *
make_waves (gsize length, gsize waves)
{
  Complex *table = g_new (Complex, length * (waves + 1));

  for (gsize j = 0; j < length; j++)
    for (gsize k = 0; k <= waves; k++)
      table[j * (waves + 1) + k] = cexp (2.0 * G_PI * I * (double) (j * k % length) / (double) length);
  return table;
}

typedef struct
{
  gsize height, width, channels;
  gsize down, across;            /* waves longer than a window along each axis */
  Complex *rows, *columns;       /* of make_waves() */
  Complex *lines;                /* [height, across + 1, channels]: the lines' Fourier coefficients */
  float *noise;
} Work;

static void
analyse_line (gsize y, guint worker, gpointer data)
{
  const Work *work = data;
  const float *line = work->noise + y * work->width * work->channels;
  Complex *sums = work->lines + y * (work->across + 1) * work->channels;

  for (gsize x = 0; x < work->width; x++)
    for (gsize k = 0; k <= work->across; k++)
      for (gsize c = 0; c < work->channels; c++)
        sums[k * work->channels + c] += line[x * work->channels + c] * conj (work->columns[x * (work->across + 1) + k]);
}

static void
subtract_line (gsize y, guint worker, gpointer data)
{
  const Work *work = data;
  float *line = work->noise + y * work->width * work->channels;
  const Complex *sums = work->lines + y * (work->across + 1) * work->channels;

  for (gsize x = 0; x < work->width; x++)
    for (gsize c = 0; c < work->channels; c++)
      {
        double low = 0.0;

        for (gsize k = 0; k <= work->across; k++)
          /* Waves to the left are those to the right, conjugated. */
          low += (k > 0 ? 2.0 : 1.0) * creal (sums[k * work->channels + c] * work->columns[x * (work->across + 1) + k]);
        line[x * work->channels + c] -= (float) low;
      }
}

/* Of one wave along the lines and one channel: keeps what is long down the columns too, as a mean over the picture. */
static void
keep_long (const Work *work, gsize k, gsize c, double mean_factor)
{
  gsize stride = (work->across + 1) * work->channels, waves = work->down + 1;
  Complex *column = work->lines + k * work->channels + c;
  g_autofree Complex *up = g_new0 (Complex, waves), *down = g_new0 (Complex, waves);

  for (gsize y = 0; y < work->height; y++)
    for (gsize j = 0; j < waves; j++)
      {
        down[j] += column[y * stride] * conj (work->rows[y * waves + j]);
        up[j] += column[y * stride] * work->rows[y * waves + j];
      }
  if (k == 0)
    /* What is subtracted of the mean leaves @mean_factor times it. */
    down[0] *= 1.0 - mean_factor;
  for (gsize y = 0; y < work->height; y++)
    {
      Complex sum = down[0];

      for (gsize j = 1; j < waves; j++)
        sum += down[j] * work->rows[y * waves + j] + up[j] * conj (work->rows[y * waves + j]);
      column[y * stride] = sum / (double) (work->height * work->width);
    }
}

/* Waves along @length that are longer than @window; none where it is not longer itself. */
static gsize
long_waves (gsize length, gsize window)
{
  return (length - 1) / window;
}

void
diffusion_even_noise (gsize window, gsize height, gsize width, gsize channels, float *noise)
{
  Work work = { .height = height, .width = width, .channels = channels, .noise = noise };
  double larger = (double) MAX (height, window) / (double) window * (double) MAX (width, window) / (double) window;

  if (window == 0 || (height <= window && width <= window))
    return;
  work.down = long_waves (height, window);
  work.across = long_waves (width, window);
  work.rows = make_waves (height, work.down);
  work.columns = make_waves (width, work.across);
  work.lines = g_new0 (Complex, height * (work.across + 1) * channels);
  diffusion_parallel_for (height, analyse_line, &work);
  for (gsize k = 0; k <= work.across; k++)
    for (gsize c = 0; c < channels; c++)
      keep_long (&work, k, c, sqrt (larger));
  diffusion_parallel_for (height, subtract_line, &work);
  g_free (work.rows);
  g_free (work.columns);
  g_free (work.lines);
}
