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

const DiffusionKernels diffusion_kernels_reference = {
  .level = DIFFUSION_CPU_REFERENCE,
  .silu = silu,
  .silu_backward = silu_backward,
  .add = add,
  .add_scaled = add_scaled,
  .scale = scale,
  .gate = gate,
  .gate_backward = gate_backward,
};
