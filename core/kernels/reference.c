/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reference of every kernel: scalar C, written for reading, sums in double. */
#include "core/kernels/tables.h"

#include <math.h>

static double
sigmoid (double x)
{
  return 1.0 / (1.0 + exp (-x));
}

static void
silu (gsize n, const float *x, float *y)
{
  for (gsize i = 0; i < n; i++)
    y[i] = (float) (x[i] * sigmoid (x[i]));
}

static void
silu_backward (gsize n, const float *x, const float *dy, float *dx)
{
  for (gsize i = 0; i < n; i++)
    {
      double s = sigmoid (x[i]);

      dx[i] = (float) (dy[i] * s * (1.0 + x[i] * (1.0 - s)));
    }
}

static void
add (gsize n, const float *a, const float *b, float *y)
{
  for (gsize i = 0; i < n; i++)
    y[i] = a[i] + b[i];
}

static void
add_scaled (gsize n, float alpha, const float *x, float *y)
{
  for (gsize i = 0; i < n; i++)
    y[i] = (float) (y[i] + (double) alpha * x[i]);
}

static void
scale (gsize n, float alpha, const float *x, float *y)
{
  for (gsize i = 0; i < n; i++)
    y[i] = alpha * x[i];
}

static void
gate (gsize rows, gsize c, const float *x, float *y)
{
  for (gsize r = 0; r < rows; r++)
    for (gsize i = 0; i < c; i++)
      y[r * c + i] = x[r * 2 * c + i] * x[r * 2 * c + c + i];
}

static void
gate_backward (gsize rows, gsize c, const float *x, const float *dy, float *dx)
{
  for (gsize r = 0; r < rows; r++)
    for (gsize i = 0; i < c; i++)
      {
        dx[r * 2 * c + i] = dy[r * c + i] * x[r * 2 * c + c + i];
        dx[r * 2 * c + c + i] = dy[r * c + i] * x[r * 2 * c + i];
      }
}

static void
film_norm (gsize rows, gsize c, const float *x, const float *film, float *y)
{
  for (gsize r = 0; r < rows; r++, x += c, y += c)
    {
      double mean = 0, variance = 0, scale;

      for (gsize i = 0; i < c; i++)
        mean += x[i];
      mean /= (double) c;
      for (gsize i = 0; i < c; i++)
        variance += (x[i] - mean) * (x[i] - mean);
      scale = 1 / sqrt (variance / (double) c + DIFFUSION_NORM_EPSILON);
      for (gsize i = 0; i < c; i++)
        {
          double value = (x[i] - mean) * scale;

          y[i] = (float) (film != NULL ? value * (1.0 + film[i]) + film[c + i] : value);
        }
    }
}

static void
film_norm_backward (gsize rows, gsize c, const float *x, const float *film, const float *dy, float beta, float *dx,
                    float *dfilm)
{
  for (gsize r = 0; r < rows; r++, x += c, dy += c)
    {
      double mean = 0, variance = 0, scale, g_mean = 0, gx_mean = 0;

      for (gsize i = 0; i < c; i++)
        mean += x[i];
      mean /= (double) c;
      for (gsize i = 0; i < c; i++)
        variance += (x[i] - mean) * (x[i] - mean);
      scale = 1 / sqrt (variance / (double) c + DIFFUSION_NORM_EPSILON);
      for (gsize i = 0; i < c; i++)
        {
          double normalised = (x[i] - mean) * scale;
          double g = film != NULL ? dy[i] * (1.0 + film[i]) : dy[i];

          g_mean += g / (double) c;
          gx_mean += g * normalised / (double) c;
          if (dfilm != NULL)
            {
              dfilm[i] = (float) (dfilm[i] + dy[i] * normalised);
              dfilm[c + i] += dy[i];
            }
        }
      if (dx == NULL)
        continue;
      for (gsize i = 0; i < c; i++)
        {
          double normalised = (x[i] - mean) * scale;
          double g = film != NULL ? dy[i] * (1.0 + film[i]) : dy[i];
          double value = scale * (g - g_mean - normalised * gx_mean);

          dx[i] = (float) (beta != 0 ? value + beta * dx[i] : value);
        }
      dx += c;
    }
}

static void
depthwise_row (gsize w, gsize c, const float *const *rows, const float *weight, const float *bias, float *y)
{
  for (gsize x = 0; x < w; x++)
    for (gsize i = 0; i < c; i++)
      {
        double sum = bias != NULL ? bias[i] : 0;

        for (gsize tap = 0; tap < 9; tap++)
          {
            gsize column = x + tap % 3; /* one more than the column read */

            if (rows[tap / 3] != NULL && column >= 1 && column <= w)
              sum += (double) weight[tap * c + i] * rows[tap / 3][(column - 1) * c + i];
          }
        y[x * c + i] = (float) sum;
      }
}

static void
depthwise_row_weights (gsize w, gsize c, const float *const *rows, const float *dy, float *dweight, float *dbias)
{
  for (gsize i = 0; i < c; i++)
    {
      double sum = dbias[i];

      for (gsize x = 0; x < w; x++)
        sum += dy[x * c + i];
      dbias[i] = (float) sum;
      for (gsize tap = 0; tap < 9; tap++)
        {
          sum = dweight[tap * c + i];
          for (gsize x = 0; x < w; x++)
            {
              gsize column = x + tap % 3;

              if (rows[tap / 3] != NULL && column >= 1 && column <= w)
                sum += (double) dy[x * c + i] * rows[tap / 3][(column - 1) * c + i];
            }
          dweight[tap * c + i] = (float) sum;
        }
    }
}

static void
adam (gsize n, const DiffusionAdamKernel *a, const float *gradient, float *first, float *second,
      float *x)
{
  for (gsize i = 0; i < n; i++)
    {
      double g = a->gradient_scale * gradient[i];

      first[i] = (float) (a->beta1 * first[i] + a->one_minus_beta1 * g);
      second[i] = (float) (a->beta2 * second[i] + a->one_minus_beta2 * g * g);
      x[i] = (float) (a->keep * x[i] - a->rate * first[i] / (sqrt (second[i] * a->inverse_correction2) + a->epsilon));
    }
}

static void
blend (gsize n, float rate, const float *x, float *y)
{
  for (gsize i = 0; i < n; i++)
    y[i] = (float) (y[i] + rate * ((double) x[i] - y[i]));
}

static double
sum_squares (gsize n, const float *x)
{
  double total = 0;

  for (gsize i = 0; i < n; i++)
    total += (double) x[i] * x[i];
  return total;
}

const DiffusionKernels diffusion_kernels_reference = {
  .level = DIFFUSION_CPU_REFERENCE,
  .silu = silu,
  .silu_backward = silu_backward,
  .add = add,
  .add_scaled = add_scaled,
  .scale = scale,
  .gate = gate,
  .gate_backward = gate_backward,
  .film_norm = film_norm,
  .film_norm_backward = film_norm_backward,
  .depthwise_row = depthwise_row,
  .depthwise_row_weights = depthwise_row_weights,
  .adam = adam,
  .blend = blend,
  .sum_squares = sum_squares,
};
