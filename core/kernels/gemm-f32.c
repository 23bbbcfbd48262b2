/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Float32 micro-kernels, compiled for AVX2 (6 × 16) and AVX-512 (14 × 32). Each element of c is one chain of fused
 * multiply-adds in order of k, so it does not depend on where its row stands in a strip. */
#include "core/kernels/gemm-engine.h"

#include <string.h>

#if defined(__AVX512F__)
#define LANES 16
#define ROWS 14
#define ENGINE diffusion_gemm_f32_avx512
#else
#define LANES 8
#define ROWS 6
#define ENGINE diffusion_gemm_f32_avx2
#endif
#define COLUMNS (2 * LANES)

typedef float Vector __attribute__ ((vector_size (4 * LANES), aligned (4), may_alias));

/* rows × (vectors·LANES) of c; a[i, p] is at a + i·row_step + p·k_step. */
static inline __attribute__ ((always_inline)) void
block (const gsize rows, const gsize vectors, gsize k, const float *restrict a, gsize row_step, gsize k_step,
       const float *restrict panel, const float *bias, const float *init, gsize ld_init, float *c, gsize ldc)
{
  Vector sum[ROWS][2], add[2];

#pragma GCC unroll 2
  for (gsize j = 0; j < vectors; j++)
    add[j] = bias != NULL ? *(const Vector *) (bias + j * LANES) : (Vector){ 0 };
#pragma GCC unroll 16
  for (gsize i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (gsize j = 0; j < vectors; j++)
      {
        sum[i][j] = add[j];
        if (init != NULL)
          sum[i][j] += *(const Vector *) (init + i * ld_init + j * LANES);
      }

  for (gsize p = 0; p < k; p++)
    {
      Vector b[2];

#pragma GCC unroll 2
      for (gsize j = 0; j < vectors; j++)
        b[j] = *(const Vector *) (panel + p * COLUMNS + j * LANES);
#pragma GCC unroll 16
      for (gsize i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (gsize j = 0; j < vectors; j++)
          sum[i][j] += a[i * row_step + p * k_step] * b[j];
    }

#pragma GCC unroll 16
  for (gsize i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (gsize j = 0; j < vectors; j++)
      *(Vector *) (c + i * ldc + j * LANES) = sum[i][j];
}

/* A strip of any height, in blocks whose sums fit the registers. */
static inline __attribute__ ((always_inline)) void
strip_blocks (gsize m, const gsize vectors, gsize k, const float *a, gsize row_step, gsize k_step, const float *panel,
              const float *bias, const float *init, gsize ld_init, float *c, gsize ldc)
{
#define ROW_BLOCK(height)                                                                                            \
  while (m >= height)                                                                                                \
    {                                                                                                                \
      block (height, vectors, k, a, row_step, k_step, panel, bias, init, ld_init, c, ldc);                           \
      m -= height;                                                                                                   \
      a += height * row_step;                                                                                        \
      c += height * ldc;                                                                                             \
      if (init != NULL)                                                                                              \
        init += height * ld_init;                                                                                    \
    }
  ROW_BLOCK (ROWS)
#if ROWS > 8
  ROW_BLOCK (8)
#endif
  ROW_BLOCK (4)
  ROW_BLOCK (2)
  ROW_BLOCK (1)
#undef ROW_BLOCK
}

static inline __attribute__ ((always_inline)) void
columns (gsize m, gsize n, gsize k, const float *a, gsize row_step, gsize k_step, const float *panel,
         const float *bias, const float *init, gsize ld_init, float *c, gsize ldc)
{
  if (n == COLUMNS)
    strip_blocks (m, 2, k, a, row_step, k_step, panel, bias, init, ld_init, c, ldc);
  else if (n == LANES)
    strip_blocks (m, 1, k, a, row_step, k_step, panel, bias, init, ld_init, c, ldc);
  else
    {
      float edge[ROWS * COLUMNS] __attribute__ ((aligned (64)));
      const gboolean narrow = n < LANES;

      diffusion_gemm_edge (m, n, bias, init, ld_init, sizeof edge / sizeof *edge, COLUMNS, edge);
      if (narrow)
        strip_blocks (m, 1, k, a, row_step, k_step, panel, NULL, edge, COLUMNS, edge, COLUMNS);
      else
        strip_blocks (m, 2, k, a, row_step, k_step, panel, NULL, edge, COLUMNS, edge, COLUMNS);
      for (gsize i = 0; i < m; i++)
        memcpy (c + i * ldc, edge + i * COLUMNS, n * sizeof (float));
    }
}

static void
multiply_rows (gsize m, gsize n, gsize k, const float *a, gsize lda, const void *panel, const float *bias,
               const float *init, gsize ld_init, float *c, gsize ldc)
{
  columns (m, n, k, a, lda, 1, panel, bias, init, ld_init, c, ldc);
}

static void
multiply (gsize m, gsize n, gsize k, const void *strip, const void *panel, const float *bias, const float *init,
          gsize ld_init, float *c, gsize ldc)
{
  columns (m, n, k, strip, 1, ROWS, panel, bias, init, ld_init, c, ldc);
}

/* Only transposed a comes here: ROWS neighbours of each row of the stored matrix. */
static void
pack_a (gboolean trans, gsize m, gsize k, const float *a, gsize lda, void *strip)
{
  float *out = strip;

  if (m == ROWS)
    for (gsize p = 0; p < k; p++)
      memcpy (out + p * ROWS, a + p * lda, ROWS * sizeof (float));
  else
    for (gsize p = 0; p < k; p++)
      for (gsize i = 0; i < ROWS; i++)
        out[p * ROWS + i] = i < m ? a[p * lda + i] : 0.0f;
}

/* Rows of a panel that are written together stay in the first cache. */
#define TRANSPOSED_ROWS 64

static void
pack_b (gboolean trans, gsize n, gsize k, const float *b, gsize ldb, void *panel)
{
  float *restrict out = panel;

  if (!trans && n == COLUMNS)
    for (gsize p = 0; p < k; p++)
      memcpy (out + p * COLUMNS, b + p * ldb, COLUMNS * sizeof (float));
  else if (!trans)
    for (gsize p = 0; p < k; p++)
      {
        memcpy (out + p * COLUMNS, b + p * ldb, n * sizeof (float));
        memset (out + p * COLUMNS + n, 0, (COLUMNS - n) * sizeof (float));
      }
  else
    for (gsize first = 0; first < k; first += TRANSPOSED_ROWS)
      for (gsize j = 0; j < COLUMNS; j++)
        for (gsize p = first; p < first + TRANSPOSED_ROWS && p < k; p++)
          out[p * COLUMNS + j] = j < n ? b[j * ldb + p] : 0.0f;
}

static double
peak (gsize rounds)
{
  Vector sums[12], x = { 0 };
  double count = 12.0 * LANES * (double) rounds;

  for (int i = 0; i < 12; i++)
    sums[i] = x + (float) i;
  for (; rounds > 0; rounds--)
    {
#pragma GCC unroll 12
      for (int i = 0; i < 12; i++)
        sums[i] += x * sums[i];
      /* keeps the compiler from taking rounds together */
      __asm__ volatile ("" : "+v"(x));
    }
  for (int i = 1; i < 12; i++)
    sums[0] += sums[i];
  __asm__ volatile ("" : : "v"(sums[0]));
  return count;
}

const DiffusionGemmEngine ENGINE = {
  .rows = ROWS,
  .columns = COLUMNS,
  .element = sizeof (float),
  .k_multiple = 1,
  .pack_a = pack_a,
  .pack_b = pack_b,
  .multiply = multiply,
  .multiply_rows = multiply_rows,
  .peak = peak,
};
