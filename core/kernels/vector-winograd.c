/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The transforms of Winograd convolutions on sixteen channels at a time, compiled once per CPU level. */
#include "core/kernels/vector.h"

/* The one-dimensional transforms, values @step apart; the matrices stand in winograd.c. */

static inline __attribute__ ((always_inline)) void
input2 (const Floats *d, gsize step, Floats out[4])
{
  out[0] = d[0] - d[2 * step];
  out[1] = d[step] + d[2 * step];
  out[2] = d[2 * step] - d[step];
  out[3] = d[step] - d[3 * step];
}

static inline __attribute__ ((always_inline)) void
input4 (const Floats *d, gsize step, Floats out[6])
{
  Floats even = d[4 * step] - 4.0f * d[2 * step], odd = d[3 * step] - 4.0f * d[step];
  Floats even2 = d[4 * step] - d[2 * step], odd2 = 2.0f * (d[3 * step] - d[step]);

  out[0] = 4.0f * d[0] - 5.0f * d[2 * step] + d[4 * step];
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = even2 + odd2;
  out[4] = even2 - odd2;
  out[5] = 4.0f * d[step] - 5.0f * d[3 * step] + d[5 * step];
}

static inline __attribute__ ((always_inline)) void
output2 (const Floats *d, gsize step, Floats out[2])
{
  out[0] = d[0] + d[step] + d[2 * step];
  out[1] = d[step] - d[2 * step] - d[3 * step];
}

static inline __attribute__ ((always_inline)) void
output4 (const Floats *d, gsize step, Floats out[4])
{
  Floats sum = d[step] + d[2 * step], difference = d[step] - d[2 * step];
  Floats sum2 = d[3 * step] + d[4 * step], difference2 = d[3 * step] - d[4 * step];

  out[0] = d[0] + sum + sum2;
  out[1] = difference + 2.0f * difference2;
  out[2] = sum + 4.0f * sum2;
  out[3] = difference + 8.0f * difference2 + d[5 * step];
}

/* Channels i to i + count − 1; @m and, but for the last channels, @count are constants after inlining. */

static inline __attribute__ ((always_inline)) void
input_channels (const gsize m, gsize i, const gsize count, const float *const *pixels, float *u, gsize step)
{
  const gsize a = m + 2;
  Floats rows[36] __attribute__ ((aligned (64)));

#pragma GCC unroll 6
  for (gsize y = 0; y < a; y++)
    {
      Floats d[6];

#pragma GCC unroll 6
      for (gsize x = 0; x < a; x++)
        d[x] = count == FLOATS ? load (pixels[y * a + x] + i) : load_part (pixels[y * a + x] + i, count);
      if (m == 4)
        input4 (d, 1, rows + y * a);
      else
        input2 (d, 1, rows + y * a);
    }
#pragma GCC unroll 6
  for (gsize x = 0; x < a; x++)
    {
      Floats out[6];

      if (m == 4)
        input4 (rows + x, a, out);
      else
        input2 (rows + x, a, out);
#pragma GCC unroll 6
      for (gsize y = 0; y < a; y++)
        if (count == FLOATS)
          store (u + (y * a + x) * step + i, out[y]);
        else
          store_part (u + (y * a + x) * step + i, out[y], count);
    }
}

static inline __attribute__ ((always_inline)) void
output_channels (const gsize m, gsize i, const gsize count, const float *v, gsize step, const float *bias,
                 const float *const *residual, float *const *pixels)
{
  const gsize a = m + 2;
  Floats rows[36] __attribute__ ((aligned (64)));
  Floats add = { 0 };

  if (bias != NULL)
    add = count == FLOATS ? load (bias + i) : load_part (bias + i, count);
#pragma GCC unroll 6
  for (gsize y = 0; y < a; y++)
    {
      Floats d[6];

#pragma GCC unroll 6
      for (gsize x = 0; x < a; x++)
        {
          const float *from = v + (y * a + x) * step + i;

          d[x] = count == FLOATS ? load (from) : load_part (from, count);
        }
      if (m == 4)
        output4 (d, 1, rows + y * m);
      else
        output2 (d, 1, rows + y * m);
    }
#pragma GCC unroll 4
  for (gsize x = 0; x < m; x++)
    {
      Floats out[4];

      if (m == 4)
        output4 (rows + x, m, out);
      else
        output2 (rows + x, m, out);
#pragma GCC unroll 4
      for (gsize y = 0; y < m; y++)
        {
          float *to = pixels[y * m + x];
          Floats value = out[y] + add;

          if (to == NULL)
            continue;
          if (residual != NULL)
            value += count == FLOATS ? load (residual[y * m + x] + i) : load_part (residual[y * m + x] + i, count);
          if (count == FLOATS)
            store (to + i, value);
          else
            store_part (to + i, value, count);
        }
    }
}

static inline __attribute__ ((always_inline)) void
input_tile (const gsize m, gsize c, const float *const *pixels, float *u, gsize step)
{
  gsize i;

  for (i = 0; i + FLOATS <= c; i += FLOATS)
    input_channels (m, i, FLOATS, pixels, u, step);
  if (i < c)
    input_channels (m, i, c - i, pixels, u, step);
}

static inline __attribute__ ((always_inline)) void
output_tile (const gsize m, gsize c, const float *v, gsize step, const float *bias, const float *const *residual,
             float *const *pixels)
{
  gsize i;

  for (i = 0; i + FLOATS <= c; i += FLOATS)
    output_channels (m, i, FLOATS, v, step, bias, residual, pixels);
  if (i < c)
    output_channels (m, i, c - i, v, step, bias, residual, pixels);
}

void
AT_LEVEL (diffusion_winograd_input_) (gsize m, gsize c, const float *const *pixels, float *u, gsize step)
{
  if (m == 4)
    input_tile (4, c, pixels, u, step);
  else
    input_tile (2, c, pixels, u, step);
}

void
AT_LEVEL (diffusion_winograd_output_) (gsize m, gsize c, const float *v, gsize step, const float *bias,
                                       const float *const *residual, float *const *pixels)
{
  if (m == 4)
    output_tile (4, c, v, step, bias, residual, pixels);
  else
    output_tile (2, c, v, step, bias, residual, pixels);
}
