/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reference of every kernel: scalar C, written for reading, sums in double. */
#include <math.h>

#include "core/kernels/tables.h"
#include "core/kernels/winograd.h"

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
depthwise_gate_row (gsize w, gsize c, const float *const *rows, const float *weight, const float *bias, float *y)
{
  for (gsize x = 0; x < w; x++)
    for (gsize i = 0; i < c; i++)
      {
        double halves[2];

        for (gsize half = 0; half < 2; half++)
          {
            gsize channel = half * c + i;

            halves[half] = bias[channel];
            for (gsize row = 0; row < 3; row++)
              for (gsize column = 0; column < 3 && rows[row] != NULL; column++)
                halves[half] += (double) weight[(row * 3 + column) * 2 * c + channel]
                                * rows[row][(x + column) * 2 * c + channel];
          }
        y[x * c + i] = (float) (halves[0] * halves[1]);
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
channel_sums (gsize rows, gsize c, const float *x, const float *shift, float *sums, float *squares)
{
  for (gsize i = 0; i < c; i++)
    {
      double sum = 0, square = 0;

      for (gsize r = 0; r < rows; r++)
        {
          double value = (double) x[r * c + i] - shift[i];

          sum += value;
          square += value * value;
        }
      sums[i] = (float) sum;
      squares[i] = (float) square;
    }
}

static void
channel_affine (gsize rows, gsize c, const float *x, const float *a, const float *b, gboolean with_silu, float *y)
{
  for (gsize k = 0; k < rows * c; k++)
    {
      double u = (double) a[k % c] * x[k] + b[k % c];

      y[k] = (float) (with_silu ? u * sigmoid (u) : u);
    }
}

/* du of channel_affine_sums() and channel_affine_backward(). */
static double
affine_gradient (float x, float dy, float a, float b, gboolean with_silu)
{
  double u = (double) a * x + b, s = sigmoid (u);

  return with_silu ? dy * s * (1.0 + u * (1.0 - s)) : dy;
}

static void
channel_affine_sums (gsize rows, gsize c, const float *x, const float *dy, const float *a, const float *b,
                     gboolean with_silu, const float *shift, float *sums, float *products)
{
  for (gsize i = 0; i < c; i++)
    {
      double sum = 0, product = 0;

      for (gsize k = i; k < rows * c; k += c)
        {
          double du = affine_gradient (x[k], dy[k], a[i], b[i], with_silu);

          sum += du;
          product += du * ((double) x[k] - shift[i]);
        }
      sums[i] = (float) sum;
      products[i] = (float) product;
    }
}

static void
channel_affine_backward (gsize rows, gsize c, const float *x, const float *dy, const float *a, const float *b,
                         gboolean with_silu, const float *p, const float *q, const float *r, float beta, float *dx)
{
  for (gsize k = 0; k < rows * c; k++)
    {
      gsize i = k % c;
      double value = p[i] * affine_gradient (x[k], dy[k], a[i], b[i], with_silu) + (double) q[i] * x[k] + r[i];

      dx[k] = (float) (beta != 0 ? value + (double) beta * dx[k] : value);
    }
}

static void
softmax (gsize rows, gsize c, float alpha, float *x)
{
  for (gsize r = 0; r < rows; r++, x += c)
    {
      double largest = -INFINITY, sum = 0;

      for (gsize i = 0; i < c; i++)
        largest = fmax (largest, (double) alpha * x[i]);
      for (gsize i = 0; i < c; i++)
        sum += exp ((double) alpha * x[i] - largest);
      for (gsize i = 0; i < c; i++)
        x[i] = (float) (exp ((double) alpha * x[i] - largest) / sum);
    }
}

static void
softmax_backward (gsize rows, gsize c, float alpha, const float *y, float *dy)
{
  for (gsize r = 0; r < rows; r++, y += c, dy += c)
    {
      double product = 0;

      for (gsize i = 0; i < c; i++)
        product += (double) y[i] * dy[i];
      for (gsize i = 0; i < c; i++)
        dy[i] = (float) ((double) alpha * y[i] * (dy[i] - product));
    }
}

static void
sum_rows (gsize rows, gsize c, const float *x, gsize ldx, float *y)
{
  for (gsize i = 0; i < c; i++)
    {
      double sum = y[i];

      for (gsize r = 0; r < rows; r++)
        sum += x[r * ldx + i];
      y[i] = (float) sum;
    }
}

static void
combine_rows (gsize n, gsize terms, const double *weights, const float *x, gsize ldx, float *y)
{
  for (gsize i = 0; i < n; i++)
    {
      double sum = 0;

      for (gsize t = 0; t < terms; t++)
        sum += weights[t] * x[t * ldx + i];
      y[i] = (float) sum;
    }
}

static void
winograd_input (gsize m, gsize c, const float *const *pixels, float *u, gsize step)
{
  const double *bt = diffusion_winograd_bt (m);
  const gsize a = m + 2;

  for (gsize i = 0; i < c; i++)
    for (gsize row = 0; row < a; row++)
      for (gsize column = 0; column < a; column++)
        {
          double sum = 0;

          for (gsize y = 0; y < a; y++)
            for (gsize x = 0; x < a; x++)
              sum += bt[row * a + y] * bt[column * a + x] * pixels[y * a + x][i];
          u[(row * a + column) * step + i] = (float) sum;
        }
}

static void
winograd_output (gsize m, gsize c, const float *v, gsize step, const float *bias, const float *const *residual,
                 float *const *pixels)
{
  const double *at = diffusion_winograd_at (m);
  const gsize a = m + 2;

  for (gsize i = 0; i < c; i++)
    for (gsize row = 0; row < m; row++)
      for (gsize column = 0; column < m; column++)
        {
          double sum = bias != NULL ? bias[i] : 0;

          if (pixels[row * m + column] == NULL)
            continue;
          for (gsize y = 0; y < a; y++)
            for (gsize x = 0; x < a; x++)
              sum += at[row * a + y] * at[column * a + x] * v[(y * a + x) * step + i];
          if (residual != NULL)
            sum += residual[row * m + column][i];
          pixels[row * m + column][i] = (float) sum;
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
  .depthwise_gate_row = depthwise_gate_row,
  .depthwise_row_weights = depthwise_row_weights,
  .channel_sums = channel_sums,
  .channel_affine = channel_affine,
  .channel_affine_sums = channel_affine_sums,
  .channel_affine_backward = channel_affine_backward,
  .softmax = softmax,
  .softmax_backward = softmax_backward,
  .sum_rows = sum_rows,
  .combine_rows = combine_rows,
  .winograd_input = winograd_input,
  .winograd_output = winograd_output,
  .adam = adam,
  .blend = blend,
  .sum_squares = sum_squares,
};
