/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the sources that meson compiles once per CPU level share. KERNELS_NAME and KERNELS_LEVEL say which level. */
#pragma once

#include <math.h>
#include <string.h>

#include "core/kernels/tables.h"

#define JOIN_NAMES_(a, b) a##b
#define JOIN_NAMES(a, b) JOIN_NAMES_ (a, b)
/* A global name of this level. */
#define AT_LEVEL(name) JOIN_NAMES (name, KERNELS_NAME)

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

/* Sixteen floats, whatever the registers' width; unaligned. */
typedef float Floats __attribute__ ((vector_size (64), aligned (4)));
#define FLOATS 16

static inline Floats
load (const float *x)
{
  return *(const Floats *) (gconstpointer) x;
}

static inline void
store (float *x, Floats value)
{
  *(Floats *) (gpointer) x = value;
}

/* The first @count of sixteen, the others 0. */
static inline Floats
load_part (const float *x, gsize count)
{
  Floats value = { 0 };

  memcpy (&value, x, count * sizeof (float));
  return value;
}

static inline void
store_part (float *x, Floats value, gsize count)
{
  memcpy (x, &value, count * sizeof (float));
}

static inline float
sum (Floats value)
{
  typedef float Eight __attribute__ ((vector_size (32)));
  typedef float Four __attribute__ ((vector_size (16)));
  Eight eight = __builtin_shufflevector (value, value, 0, 1, 2, 3, 4, 5, 6, 7)
                + __builtin_shufflevector (value, value, 8, 9, 10, 11, 12, 13, 14, 15);
  Four four = __builtin_shufflevector (eight, eight, 0, 1, 2, 3) + __builtin_shufflevector (eight, eight, 4, 5, 6, 7);

  four += __builtin_shufflevector (four, four, 2, 3, -1, -1);
  return four[0] + four[1];
}

/* Kernels in files of their own. */
void AT_LEVEL (diffusion_winograd_input_) (gsize m, gsize c, const float *const *pixels, float *u, gsize step);
void AT_LEVEL (diffusion_winograd_output_) (gsize m, gsize c, const float *v, gsize step, const float *bias,
                                            const float *const *residual, float *const *pixels);
