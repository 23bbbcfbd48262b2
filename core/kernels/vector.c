/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fast kernels: one source that meson compiles once per CPU level. Plain loops over restrict pointers that the
 * compiler vectorises; KERNELS_TABLE and KERNELS_LEVEL name the table that comes out. */
#include "core/kernels/tables.h"

#include <math.h>
#include <string.h>

/* "#pragma GCC ivdep" stands where output and input may be the same array: element i depends on element i alone. */

/* exp (x) = 2^k·p (r), |r| <= ln 2/2, p a minimax polynomial of degree 6 (3e-9 relative), 2 ulp in all. The clamp keeps
 * 2^k a normal number; NaN passes through. */
static inline float
fast_exp (float x)
{
  const float round = 12582912.0f; /* 1.5·2^23: adding it rounds to an integer */
  float clamped, k, r, p, power;
  gint32 bits;

  clamped = x < -87.0f ? -87.0f : x;
  clamped = clamped > 88.0f ? 88.0f : clamped;
  k = (clamped * 1.44269504f + round) - round;
  r = clamped - k * 0.693359375f;
  r = r + k * 2.12194440e-4f;
  p = 1.38145371e-3f;
  p = p * r + 8.36874541e-3f;
  p = p * r + 4.16683908e-2f;
  p = p * r + 1.66665204e-1f;
  p = p * r + 4.99999934e-1f;
  p = p * r * r + r + 1.0f;
  bits = (gint32) (((guint32) (gint32) k + 127u) << 23);
  memcpy (&power, &bits, sizeof power);
  return p * power;
}

static inline float
sigmoid (float x)
{
  return 1.0f / (1.0f + fast_exp (-x));
}

static void
silu (gsize n, const float *x, float *y)
{
#pragma GCC ivdep
  for (gsize i = 0; i < n; i++)
    y[i] = x[i] * sigmoid (x[i]);
}

static void
silu_backward (gsize n, const float *x, const float *dy, float *dx)
{
#pragma GCC ivdep
  for (gsize i = 0; i < n; i++)
    {
      float s = sigmoid (x[i]);

      dx[i] = dy[i] * (s * (1.0f + x[i] * (1.0f - s)));
    }
}

static void
add (gsize n, const float *a, const float *b, float *y)
{
#pragma GCC ivdep
  for (gsize i = 0; i < n; i++)
    y[i] = a[i] + b[i];
}

static void
add_scaled (gsize n, float alpha, const float *x, float *y)
{
#pragma GCC ivdep
  for (gsize i = 0; i < n; i++)
    y[i] += alpha * x[i];
}

static void
scale (gsize n, float alpha, const float *x, float *y)
{
#pragma GCC ivdep
  for (gsize i = 0; i < n; i++)
    y[i] = alpha * x[i];
}

static void
gate (gsize rows, gsize c, const float *restrict x, float *restrict y)
{
  for (gsize r = 0; r < rows; r++, x += 2 * c, y += c)
    for (gsize i = 0; i < c; i++)
      y[i] = x[i] * x[c + i];
}

static void
gate_backward (gsize rows, gsize c, const float *restrict x, const float *restrict dy, float *restrict dx)
{
  for (gsize r = 0; r < rows; r++, x += 2 * c, dy += c, dx += 2 * c)
    for (gsize i = 0; i < c; i++)
      {
        dx[i] = dy[i] * x[c + i];
        dx[c + i] = dy[i] * x[i];
      }
}

const DiffusionKernels KERNELS_TABLE = {
  .level = KERNELS_LEVEL,
  .silu = silu,
  .silu_backward = silu_backward,
  .add = add,
  .add_scaled = add_scaled,
  .scale = scale,
  .gate = gate,
  .gate_backward = gate_backward,
};
