/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fast kernels and their table, compiled once per CPU level (see vector.h): element-wise ones and those of the photo
 * model. Plain loops over restrict pointers that the compiler vectorises. */
#include "core/kernels/vector.h"

/* "#pragma GCC ivdep" stands where output and input may be the same array: element i depends on element i alone. */

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

static inline __attribute__ ((always_inline)) void
sum_rows_of (const int vectors, gsize rows, const float *x, gsize ldx, float *y)
{
  Floats sums[8];

  for (int v = 0; v < vectors; v++)
    sums[v] = load (y + v * FLOATS);
  for (gsize r = 0; r < rows; r++, x += ldx)
    for (int v = 0; v < vectors; v++)
      sums[v] += load (x + v * FLOATS);
  for (int v = 0; v < vectors; v++)
    store (y + v * FLOATS, sums[v]);
}

static void
sum_rows (gsize rows, gsize c, const float *x, gsize ldx, float *y)
{
  gsize i = 0;

  for (; i + 8 * FLOATS <= c; i += 8 * FLOATS)
    sum_rows_of (8, rows, x + i, ldx, y + i);
  for (; i + FLOATS <= c; i += FLOATS)
    sum_rows_of (1, rows, x + i, ldx, y + i);
  for (; i < c; i++)
    {
      float total = y[i];

      for (gsize r = 0; r < rows; r++)
        total += x[r * ldx + i];
      y[i] = total;
    }
}

static void
combine_rows (gsize n, gsize terms, const double *weights, const float *restrict x, gsize ldx, float *restrict y)
{
  gsize i = 0;

  for (; i + FLOATS <= n; i += FLOATS)
    {
      double sums[FLOATS] = { 0 };

      for (gsize t = 0; t < terms; t++)
        for (int lane = 0; lane < FLOATS; lane++)
          sums[lane] += weights[t] * x[t * ldx + i + (gsize) lane];
      for (int lane = 0; lane < FLOATS; lane++)
        y[i + (gsize) lane] = (float) sums[lane];
    }
  for (; i < n; i++)
    {
      double total = 0;

      for (gsize t = 0; t < terms; t++)
        total += weights[t] * x[t * ldx + i];
      y[i] = (float) total;
    }
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

/* The mean of a row and 1/√(variance + ε). */
static inline void
row_statistics (gsize c, const float *x, float *mean, float *scale)
{
  gsize whole = c / FLOATS * FLOATS;
  Floats sums = { 0 };
  float total = 0, average;

  for (gsize i = 0; i < whole; i += FLOATS)
    sums += load (x + i);
  for (gsize i = whole; i < c; i++)
    total += x[i];
  average = (sum (sums) + total) / (float) c;
  sums = (Floats) { 0 };
  total = 0;
  for (gsize i = 0; i < whole; i += FLOATS)
    {
      Floats difference = load (x + i) - average;

      sums += difference * difference;
    }
  for (gsize i = whole; i < c; i++)
    total += (x[i] - average) * (x[i] - average);
  *mean = average;
  *scale = 1 / sqrtf ((sum (sums) + total) / (float) c + DIFFUSION_NORM_EPSILON);
}

/* Some rows at once, so that one's sums are not waited for by the others; @c is a multiple of the vectors. */
static inline __attribute__ ((always_inline)) void
film_norm_rows (const int rows, gsize c, const float *x, const float *film, float *y)
{
  float mean[8], scale[8];
  Floats sums[8];

  for (int r = 0; r < rows; r++)
    sums[r] = (Floats) { 0 };
  for (gsize i = 0; i < c; i += FLOATS)
    for (int r = 0; r < rows; r++)
      sums[r] += load (x + (gsize) r * c + i);
  for (int r = 0; r < rows; r++)
    {
      mean[r] = sum (sums[r]) / (float) c;
      sums[r] = (Floats) { 0 };
    }
  for (gsize i = 0; i < c; i += FLOATS)
    for (int r = 0; r < rows; r++)
      {
        Floats difference = load (x + (gsize) r * c + i) - mean[r];

        sums[r] += difference * difference;
      }
  for (int r = 0; r < rows; r++)
    scale[r] = sum (sums[r]);
  for (int r = 0; r < rows; r++)
    scale[r] = 1 / sqrtf (scale[r] / (float) c + DIFFUSION_NORM_EPSILON);
  for (gsize i = 0; i < c; i += FLOATS)
    {
      Floats gain = { 0 }, offset = { 0 };

      gain += 1;
      if (film != NULL)
        {
          gain += load (film + i);
          offset = load (film + c + i);
        }
      for (int r = 0; r < rows; r++)
        store (y + (gsize) r * c + i, (load (x + (gsize) r * c + i) - mean[r]) * scale[r] * gain + offset);
    }
}

static void
film_norm (gsize rows, gsize c, const float *x, const float *film, float *y)
{
  if (c % FLOATS == 0)
    {
      for (; rows >= 8; rows -= 8, x += 8 * c, y += 8 * c)
        film_norm_rows (8, c, x, film, y);
      for (; rows > 0; rows--, x += c, y += c)
        film_norm_rows (1, c, x, film, y);
    }
  for (gsize r = 0; r < rows; r++, x += c, y += c)
    {
      float mean, scale;

      row_statistics (c, x, &mean, &scale);
      if (film != NULL)
        {
#pragma GCC ivdep
          for (gsize i = 0; i < c; i++)
            y[i] = (x[i] - mean) * scale * (1 + film[i]) + film[c + i];
        }
      else
        {
#pragma GCC ivdep
          for (gsize i = 0; i < c; i++)
            y[i] = (x[i] - mean) * scale;
        }
    }
}

static inline void
norm_row_backward (gsize c, const float *x, const float *film, const float *dy, float beta, float *dx, float *dfilm)
{
  gsize whole = c / FLOATS * FLOATS;
  Floats g_sums = { 0 }, gx_sums = { 0 };
  float g_total = 0, gx_total = 0, mean, scale;

  row_statistics (c, x, &mean, &scale);
  for (gsize i = 0; i < whole; i += FLOATS)
    {
      Floats normalised = (load (x + i) - mean) * scale;
      Floats d = load (dy + i);
      Floats g = film != NULL ? d * (1 + load (film + i)) : d;

      g_sums += g;
      gx_sums += g * normalised;
      if (dfilm != NULL)
        {
          store (dfilm + i, load (dfilm + i) + d * normalised);
          store (dfilm + c + i, load (dfilm + c + i) + d);
        }
    }
  for (gsize i = whole; i < c; i++)
    {
      float normalised = (x[i] - mean) * scale;
      float g = film != NULL ? dy[i] * (1 + film[i]) : dy[i];

      g_total += g;
      gx_total += g * normalised;
      if (dfilm != NULL)
        {
          dfilm[i] += dy[i] * normalised;
          dfilm[c + i] += dy[i];
        }
    }
  if (dx == NULL)
    return;
  g_total = (sum (g_sums) + g_total) / (float) c;
  gx_total = (sum (gx_sums) + gx_total) / (float) c;
#pragma GCC ivdep
  for (gsize i = 0; i < c; i++)
    {
      float g = film != NULL ? dy[i] * (1 + film[i]) : dy[i];
      float value = scale * (g - g_total - (x[i] - mean) * scale * gx_total);

      dx[i] = beta != 0 ? value + beta * dx[i] : value;
    }
}

static void
film_norm_backward (gsize rows, gsize c, const float *x, const float *film, const float *dy, float beta, float *dx,
                    float *dfilm)
{
  for (gsize r = 0; r < rows; r++)
    norm_row_backward (c, x + r * c, film, dy + r * c, beta, dx != NULL ? dx + r * c : NULL, dfilm);
}

/* One value of a depthwise row, for channels that do not fill a vector. */
static inline float
depthwise_value (gsize w, gsize c, const float *const *rows, const float *weight, const float *bias, gsize x, gsize i)
{
  float value = bias != NULL ? bias[i] : 0;

  for (gsize row = 0; row < 3; row++)
    if (rows[row] != NULL)
      for (gsize column = x > 0 ? x - 1 : 0; column <= x + 1 && column < w; column++)
        value += weight[(row * 3 + column + 1 - x) * c + i] * rows[row][column * c + i];
  return value;
}

/* Rows @first to @last of the three exist; constants after inlining, so that the nine taps stay in registers. */
static inline __attribute__ ((always_inline)) void
depthwise_row_of (const int first, const int last, gsize w, gsize c, const float *const *rows, const float *weight,
                  const float *bias, float *y)
{
  gsize whole = c / FLOATS * FLOATS;

  for (gsize i = 0; i < whole; i += FLOATS)
    {
      Floats taps[9];
      Floats start = { 0 };

      if (bias != NULL)
        start = load (bias + i);
      for (int tap = 3 * first; tap < 3 * last + 3; tap++)
        taps[tap] = load (weight + (gsize) tap * c + i);
      for (gsize x = 0; x < w; x++)
        {
          Floats value = start;

          if (x > 0 && x + 1 < w)
            for (int row = first; row <= last; row++)
              {
                const float *at = rows[row] + x * c + i;

                value += taps[3 * row] * load (at - c) + taps[3 * row + 1] * load (at)
                         + taps[3 * row + 2] * load (at + c);
              }
          else
            for (int row = first; row <= last; row++)
              {
                const float *at = rows[row] + x * c + i;

                value += taps[3 * row + 1] * load (at);
                if (x > 0)
                  value += taps[3 * row] * load (at - c);
                if (x + 1 < w)
                  value += taps[3 * row + 2] * load (at + c);
              }
          store (y + x * c + i, value);
        }
    }
  for (gsize x = 0; x < w && whole < c; x++)
    for (gsize i = whole; i < c; i++)
      y[x * c + i] = depthwise_value (w, c, rows, weight, bias, x, i);
}

static void
depthwise_row (gsize w, gsize c, const float *const *rows, const float *weight, const float *bias, float *y)
{
  if (rows[0] != NULL && rows[2] != NULL)
    depthwise_row_of (0, 2, w, c, rows, weight, bias, y);
  else if (rows[2] != NULL)
    depthwise_row_of (1, 2, w, c, rows, weight, bias, y);
  else if (rows[0] != NULL)
    depthwise_row_of (0, 1, w, c, rows, weight, bias, y);
  else
    depthwise_row_of (1, 1, w, c, rows, weight, bias, y);
}

/* Pixels that are computed together: each value is loaded once for all taps that it meets. */
#define GATE_PIXELS 4

static inline __attribute__ ((always_inline)) void
convolve_pixels (const int pixels, const int first, const int last, gsize c2, const float *const *at,
                 const Floats taps[9], Floats *values)
{
  for (int row = first; row <= last; row++)
#pragma GCC unroll 6
    for (int column = 0; column < pixels + 2; column++)
      {
        Floats value = load (at[row] + (gsize) column * c2);

#pragma GCC unroll 4
        for (int pixel = 0; pixel < pixels; pixel++)
          if (column >= pixel && column < pixel + 3)
            values[pixel] += taps[3 * row + column - pixel] * value;
      }
}

/* Rows @first to @last exist; y becomes the convolved channels, or itself times them. */
static inline __attribute__ ((always_inline)) void
gate_half (const int first, const int last, const int half, gsize w, gsize c, const float *const *rows,
           const float *weight, const float *bias, float *y)
{
  const gsize c2 = 2 * c;

  for (gsize i = 0; i + FLOATS <= c; i += FLOATS)
    {
      const gsize channel = (gsize) half * c + i;
      Floats taps[9], start = load (bias + channel);
      gsize x = 0;

      for (int tap = 3 * first; tap < 3 * last + 3; tap++)
        taps[tap] = load (weight + (gsize) tap * c2 + channel);
#define GATE_BLOCK(pixels)                                                                                             for (; x + pixels <= w; x += pixels)                                                                                   {                                                                                                                      const float *at[3];                                                                                                  Floats values[pixels];                                                                                                                                                                                                                    for (int row = first; row <= last; row++)                                                                              at[row] = rows[row] + x * c2 + channel;                                                                            for (int pixel = 0; pixel < pixels; pixel++)                                                                           values[pixel] = start;                                                                                             convolve_pixels (pixels, first, last, c2, at, taps, values);                                                         for (int pixel = 0; pixel < pixels; pixel++)                                                                           {                                                                                                                      float *to = y + (x + (gsize) pixel) * c + i;                                                                                                                                                                                              store (to, half == 0 ? values[pixel] : load (to) * values[pixel]);                                                 }                                                                                                                }
      GATE_BLOCK (GATE_PIXELS)
      GATE_BLOCK (1)
#undef GATE_BLOCK
    }
}

/* Channels that do not fill a vector. */
static inline void
gate_rest (gsize w, gsize c, const float *const *rows, const float *weight, const float *bias, float *y)
{
  for (gsize x = 0; x < w; x++)
    for (gsize i = c / FLOATS * FLOATS; i < c; i++)
      {
        float halves[2];

        for (gsize half = 0; half < 2; half++)
          {
            gsize channel = half * c + i;

            halves[half] = bias[channel];
            for (gsize row = 0; row < 3; row++)
              for (gsize column = 0; column < 3 && rows[row] != NULL; column++)
                halves[half] += weight[(row * 3 + column) * 2 * c + channel] * rows[row][(x + column) * 2 * c + channel];
          }
        y[x * c + i] = halves[0] * halves[1];
      }
}

static inline __attribute__ ((always_inline)) void
depthwise_gate_of (const int first, const int last, gsize w, gsize c, const float *const *rows, const float *weight,
                   const float *bias, float *y)
{
  gate_half (first, last, 0, w, c, rows, weight, bias, y);
  gate_half (first, last, 1, w, c, rows, weight, bias, y);
  gate_rest (w, c, rows, weight, bias, y);
}

static void
depthwise_gate_row (gsize w, gsize c, const float *const *rows, const float *weight, const float *bias, float *y)
{
  if (rows[0] != NULL && rows[2] != NULL)
    depthwise_gate_of (0, 2, w, c, rows, weight, bias, y);
  else if (rows[2] != NULL)
    depthwise_gate_of (1, 2, w, c, rows, weight, bias, y);
  else if (rows[0] != NULL)
    depthwise_gate_of (0, 1, w, c, rows, weight, bias, y);
  else
    depthwise_gate_of (1, 1, w, c, rows, weight, bias, y);
}

static void
depthwise_row_weights (gsize w, gsize c, const float *const *rows, const float *dy, float *dweight, float *dbias)
{
  gsize whole = c / FLOATS * FLOATS;

  for (gsize i = 0; i < whole; i += FLOATS)
    {
      Floats bias = { 0 };

      for (gsize x = 0; x < w; x++)
        bias += load (dy + x * c + i);
      store (dbias + i, load (dbias + i) + bias);
      for (gsize row = 0; row < 3; row++)
        {
          const float *at = rows[row];
          Floats left = { 0 }, middle = { 0 }, right = { 0 };

          if (at == NULL)
            continue;
          for (gsize x = 0; x < w; x++)
            {
              Floats d = load (dy + x * c + i);

              middle += d * load (at + x * c + i);
              if (x > 0)
                left += d * load (at + (x - 1) * c + i);
              if (x + 1 < w)
                right += d * load (at + (x + 1) * c + i);
            }
          store (dweight + row * 3 * c + i, load (dweight + row * 3 * c + i) + left);
          store (dweight + (row * 3 + 1) * c + i, load (dweight + (row * 3 + 1) * c + i) + middle);
          store (dweight + (row * 3 + 2) * c + i, load (dweight + (row * 3 + 2) * c + i) + right);
        }
    }
  for (gsize x = 0; x < w; x++)
    for (gsize i = whole; i < c; i++)
      {
        float d = dy[x * c + i];

        dbias[i] += d;
        for (gsize row = 0; row < 3; row++)
          if (rows[row] != NULL)
            for (gsize column = x > 0 ? x - 1 : 0; column <= x + 1 && column < w; column++)
              dweight[(row * 3 + column + 1 - x) * c + i] += d * rows[row][column * c + i];
      }
}

/* Four vectors of channels at a time, so that the sums stay in registers while the rows go by. */
#define SUM_VECTORS 4

static inline __attribute__ ((always_inline)) void
channel_sums_of (const int vectors, gsize rows, gsize c, const float *x, const float *shift, float *sums,
                 float *squares)
{
  Floats shifts[SUM_VECTORS], sum_v[SUM_VECTORS], square_v[SUM_VECTORS];

  for (int v = 0; v < vectors; v++)
    {
      shifts[v] = load (shift + v * FLOATS);
      sum_v[v] = square_v[v] = (Floats) { 0 };
    }
  for (gsize r = 0; r < rows; r++, x += c)
    for (int v = 0; v < vectors; v++)
      {
        Floats value = load (x + v * FLOATS) - shifts[v];

        sum_v[v] += value;
        square_v[v] += value * value;
      }
  for (int v = 0; v < vectors; v++)
    {
      store (sums + v * FLOATS, sum_v[v]);
      store (squares + v * FLOATS, square_v[v]);
    }
}

static void
channel_sums (gsize rows, gsize c, const float *x, const float *shift, float *sums, float *squares)
{
  gsize i = 0;

  for (; i + SUM_VECTORS * FLOATS <= c; i += SUM_VECTORS * FLOATS)
    channel_sums_of (SUM_VECTORS, rows, c, x + i, shift + i, sums + i, squares + i);
  for (; i + FLOATS <= c; i += FLOATS)
    channel_sums_of (1, rows, c, x + i, shift + i, sums + i, squares + i);
  if (i == c)
    return;
  memset (sums + i, 0, (c - i) * sizeof (float));
  memset (squares + i, 0, (c - i) * sizeof (float));
  for (gsize r = 0; r < rows; r++)
    for (gsize k = i; k < c; k++)
      {
        float value = x[r * c + k] - shift[k];

        sums[k] += value;
        squares[k] += value * value;
      }
}

static void
channel_affine (gsize rows, gsize c, const float *x, const float *a, const float *b, gboolean with_silu, float *y)
{
  for (gsize r = 0; r < rows; r++, x += c, y += c)
    if (with_silu)
      {
#pragma GCC ivdep
        for (gsize i = 0; i < c; i++)
          {
            float u = a[i] * x[i] + b[i];

            y[i] = u * sigmoid (u);
          }
      }
    else
      {
#pragma GCC ivdep
        for (gsize i = 0; i < c; i++)
          y[i] = a[i] * x[i] + b[i];
      }
}

static inline float
silu_slope (float u)
{
  float s = sigmoid (u);

  return s * (1.0f + u * (1.0f - s));
}

#define AFFINE_BLOCK 64

static void
channel_affine_sums (gsize rows, gsize c, const float *x, const float *dy, const float *a, const float *b,
                     gboolean with_silu, const float *shift, float *sums, float *products)
{
  for (gsize first = 0; first < c; first += AFFINE_BLOCK)
    {
      gsize n = c - first < AFFINE_BLOCK ? c - first : AFFINE_BLOCK;
      float sum_v[AFFINE_BLOCK] = { 0 }, product_v[AFFINE_BLOCK] = { 0 };
      const float *restrict xs = x + first, *restrict dys = dy + first;
      const float *restrict as = a + first, *restrict bs = b + first, *restrict shifts = shift + first;

      for (gsize r = 0; r < rows; r++, xs += c, dys += c)
        if (with_silu)
          for (gsize i = 0; i < n; i++)
            {
              float du = dys[i] * silu_slope (as[i] * xs[i] + bs[i]);

              sum_v[i] += du;
              product_v[i] += du * (xs[i] - shifts[i]);
            }
        else
          for (gsize i = 0; i < n; i++)
            {
              sum_v[i] += dys[i];
              product_v[i] += dys[i] * (xs[i] - shifts[i]);
            }
      memcpy (sums + first, sum_v, n * sizeof (float));
      memcpy (products + first, product_v, n * sizeof (float));
    }
}

static void
channel_affine_backward (gsize rows, gsize c, const float *x, const float *dy, const float *a, const float *b,
                         gboolean with_silu, const float *p, const float *q, const float *r, float beta, float *dx)
{
  for (gsize row = 0; row < rows; row++, x += c, dy += c, dx += c)
    if (with_silu)
      {
#pragma GCC ivdep
        for (gsize i = 0; i < c; i++)
          {
            float value = p[i] * (dy[i] * silu_slope (a[i] * x[i] + b[i])) + (q[i] * x[i] + r[i]);

            dx[i] = beta != 0 ? value + beta * dx[i] : value;
          }
      }
    else
      {
#pragma GCC ivdep
        for (gsize i = 0; i < c; i++)
          {
            float value = p[i] * dy[i] + (q[i] * x[i] + r[i]);

            dx[i] = beta != 0 ? value + beta * dx[i] : value;
          }
      }
}

static void
softmax (gsize rows, gsize c, float alpha, float *x)
{
  gsize whole = c / FLOATS * FLOATS;

  for (gsize r = 0; r < rows; r++, x += c)
    {
      Floats sums = { 0 };
      float largest = -INFINITY, total = 0, scaling;
      float lanes[FLOATS];

      for (int i = 0; i < FLOATS; i++)
        lanes[i] = -INFINITY;
      for (gsize k = 0; k < whole; k += FLOATS)
        for (int i = 0; i < FLOATS; i++)
          {
            float value = alpha * x[k + i];

            x[k + i] = value;
            lanes[i] = value > lanes[i] ? value : lanes[i];
          }
      for (gsize k = whole; k < c; k++)
        {
          x[k] *= alpha;
          largest = x[k] > largest ? x[k] : largest;
        }
      for (int i = 0; i < FLOATS; i++)
        largest = lanes[i] > largest ? lanes[i] : largest;
#pragma GCC ivdep
      for (gsize k = 0; k < c; k++)
        x[k] = fast_exp (x[k] - largest);
      for (gsize k = 0; k < whole; k += FLOATS)
        sums += load (x + k);
      for (gsize k = whole; k < c; k++)
        total += x[k];
      scaling = 1 / (total + sum (sums));
#pragma GCC ivdep
      for (gsize k = 0; k < c; k++)
        x[k] *= scaling;
    }
}

static void
softmax_backward (gsize rows, gsize c, float alpha, const float *restrict y, float *restrict dy)
{
  gsize whole = c / FLOATS * FLOATS;

  for (gsize r = 0; r < rows; r++, y += c, dy += c)
    {
      Floats products = { 0 };
      float total = 0;

      for (gsize k = 0; k < whole; k += FLOATS)
        products += load (y + k) * load (dy + k);
      for (gsize k = whole; k < c; k++)
        total += y[k] * dy[k];
      total += sum (products);
      for (gsize k = 0; k < c; k++)
        dy[k] = alpha * y[k] * (dy[k] - total);
    }
}

static void
adam (gsize n, const DiffusionAdamKernel *a, const float *restrict gradient, float *restrict first, float *restrict second,
      float *restrict x)
{
  for (gsize i = 0; i < n; i++)
    {
      float g = a->gradient_scale * gradient[i];

      first[i] = a->beta1 * first[i] + a->one_minus_beta1 * g;
      second[i] = a->beta2 * second[i] + a->one_minus_beta2 * g * g;
      x[i] = a->keep * x[i] - a->rate * first[i] / (sqrtf (second[i] * a->inverse_correction2) + a->epsilon);
    }
}

static void
blend (gsize n, float rate, const float *restrict x, float *restrict y)
{
  for (gsize i = 0; i < n; i++)
    y[i] += rate * (x[i] - y[i]);
}

static double
sum_squares (gsize n, const float *x)
{
  double lanes[8] = { 0 };
  gsize whole = n / 8 * 8;

  for (gsize i = 0; i < whole; i += 8)
    for (gsize k = 0; k < 8; k++)
      lanes[k] += (double) x[i + k] * x[i + k];
  for (gsize i = whole; i < n; i++)
    lanes[0] += (double) x[i] * x[i];
  for (gsize k = 1; k < 8; k++)
    lanes[0] += lanes[k];
  return lanes[0];
}

const DiffusionKernels AT_LEVEL (diffusion_kernels_) = {
  .level = KERNELS_LEVEL,
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
  .winograd_input = AT_LEVEL (diffusion_winograd_input_),
  .winograd_output = AT_LEVEL (diffusion_winograd_output_),
  .adam = adam,
  .blend = blend,
  .sum_squares = sum_squares,
};
