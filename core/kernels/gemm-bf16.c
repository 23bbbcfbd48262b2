/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bfloat16 products on AVX-512 (vdpbf16ps): 14 × 32 sums in registers. A strip of a is rows of bfloat16, k padded to 32;
 * a panel of b is rows of 32 pairs (two neighbours in k), the layout that tiles want too. */
#include "core/kernels/gemm-engine.h"

#include <immintrin.h>
#include <string.h>

#define ROWS 14
#define COLUMNS 32

/* low[i], high[i] as bfloat16 pairs. */
static inline __m512i
pairs (__m512 low, __m512 high)
{
  const __m512i interleave
    = _mm512_set_epi16 (31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3,
                        18, 2, 17, 1, 16, 0);

  return _mm512_permutexvar_epi16 (interleave, (__m512i) _mm512_cvtne2ps_pbh (high, low));
}

static inline __mmask16
first (gsize count)
{
  return count >= 16 ? 0xffff : (__mmask16) ((1u << count) - 1);
}

/* What rounding to bfloat16 loses. */
static inline __m512
remainder16 (__m512 x)
{
  __m256i rounded = (__m256i) _mm512_cvtneps_pbh (x);

  return _mm512_sub_ps (x, _mm512_castsi512_ps (_mm512_slli_epi32 (_mm512_cvtepu16_epi32 (rounded), 16)));
}

static inline __m512
load_masked (gboolean low, __mmask16 mask, const float *x)
{
  __m512 value = _mm512_maskz_loadu_ps (mask, x);

  return low ? remainder16 (value) : value;
}

static inline void
transpose16 (__m512i r[16])
{
  __m512i t[16];

#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    {
      t[2 * i] = _mm512_unpacklo_epi32 (r[2 * i], r[2 * i + 1]);
      t[2 * i + 1] = _mm512_unpackhi_epi32 (r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    {
      r[4 * i] = _mm512_unpacklo_epi64 (t[4 * i], t[4 * i + 2]);
      r[4 * i + 1] = _mm512_unpackhi_epi64 (t[4 * i], t[4 * i + 2]);
      r[4 * i + 2] = _mm512_unpacklo_epi64 (t[4 * i + 1], t[4 * i + 3]);
      r[4 * i + 3] = _mm512_unpackhi_epi64 (t[4 * i + 1], t[4 * i + 3]);
    }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    {
      t[i] = _mm512_shuffle_i32x4 (r[i], r[4 + i], 0x88);
      t[4 + i] = _mm512_shuffle_i32x4 (r[i], r[4 + i], 0xdd);
      t[8 + i] = _mm512_shuffle_i32x4 (r[8 + i], r[12 + i], 0x88);
      t[12 + i] = _mm512_shuffle_i32x4 (r[8 + i], r[12 + i], 0xdd);
    }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    {
      r[i] = _mm512_shuffle_i32x4 (t[i], t[8 + i], 0x88);
      r[8 + i] = _mm512_shuffle_i32x4 (t[i], t[8 + i], 0xdd);
    }
}

/* Up to 16 rows and 32 columns of x become 16 vectors of pairs along the row. */
static inline void
load_row_pairs (gboolean low, gsize rows, gsize count, const float *x, gsize ldx, __m512i r[16])
{
  __mmask16 left = first (count), right = count > 16 ? first (count - 16) : 0;

#pragma GCC unroll 16
  for (gsize i = 0; i < 16; i++)
    r[i] = i < rows ? (__m512i) _mm512_cvtne2ps_pbh (load_masked (low, right, x + i * ldx + 16),
                                                     load_masked (low, left, x + i * ldx))
                    : _mm512_setzero_si512 ();
}

/* Up to 32 rows and 16 columns of x become 16 vectors of pairs along the column. */
static inline void
load_column_pairs (gboolean low, gsize rows, gsize count, const float *x, gsize ldx, __m512i r[16])
{
  __mmask16 mask = first (count);

#pragma GCC unroll 16
  for (gsize i = 0; i < 16; i++)
    {
      __m512 even = _mm512_setzero_ps (), odd = _mm512_setzero_ps ();

      if (2 * i < rows)
        even = load_masked (low, mask, x + 2 * i * ldx);
      if (2 * i + 1 < rows)
        odd = load_masked (low, mask, x + (2 * i + 1) * ldx);
      r[i] = pairs (even, odd);
    }
}

static inline gsize
padded (gsize k)
{
  return (k + 31) / 32 * 32;
}

static inline __attribute__ ((always_inline)) void
pack_rows (gboolean low, gboolean trans, gsize m, gsize k, const float *a, gsize lda, guint16 *out, gsize rows)
{
  gsize kp = padded (k);

  for (gsize p = 0; p < k; p += 32)
    {
      gsize count = MIN (32, k - p);
      __mmask16 left = first (count), right = count > 16 ? first (count - 16) : 0;

      if (!trans)
        for (gsize i = 0; i < rows; i++)
          {
            __m512i v = _mm512_setzero_si512 ();

            if (i < m)
              v = (__m512i) _mm512_cvtne2ps_pbh (load_masked (low, right, a + i * lda + p + 16),
                                                 load_masked (low, left, a + i * lda + p));
            _mm512_storeu_si512 (out + i * kp + p, v);
          }
      else
        for (gsize i = 0; i < rows; i += 16)
          {
            __m512i r[16];

            load_column_pairs (low, count, i < m ? m - i : 0, a + p * lda + i, lda, r);
            transpose16 (r);
#pragma GCC unroll 16
            for (gsize q = 0; q < 16; q++)
              if (i + q < rows)
                _mm512_storeu_si512 (out + (i + q) * kp + p, r[q]);
          }
    }
}

static inline __attribute__ ((always_inline)) void
pack_panel (gboolean low, gboolean trans, gsize n, gsize k, const float *b, gsize ldb, guint16 *out)
{
  for (gsize p = 0; p < k; p += 32)
    for (gsize j = 0; j < COLUMNS; j += 16)
      {
        gsize rows = MIN (32, k - p), count = j < n ? n - j : 0;
        __m512i r[16];

        if (trans)
          {
            load_row_pairs (low, MIN (count, 16), rows, b + j * ldb + p, ldb, r);
            transpose16 (r);
          }
        else
          load_column_pairs (low, rows, count, b + p * ldb + j, ldb, r);
#pragma GCC unroll 16
        for (gsize q = 0; q < 16; q++)
          _mm512_storeu_si512 (out + (p + 2 * q) * COLUMNS + 2 * j, r[q]);
      }
}

void
diffusion_gemm_bf16_pack_a (gboolean low, gboolean trans, gsize m, gsize k, const float *a, gsize lda, void *strip,
                            gsize rows)
{
  if (low)
    pack_rows (TRUE, trans, m, k, a, lda, strip, rows);
  else
    pack_rows (FALSE, trans, m, k, a, lda, strip, rows);
}

void
diffusion_gemm_bf16_pack_b (gboolean low, gboolean trans, gsize n, gsize k, const float *b, gsize ldb, void *panel)
{
  if (low)
    pack_panel (TRUE, trans, n, k, b, ldb, panel);
  else
    pack_panel (FALSE, trans, n, k, b, ldb, panel);
}

static void
pack_b (gboolean trans, gsize n, gsize k, const float *b, gsize ldb, void *panel)
{
  diffusion_gemm_bf16_pack_b (FALSE, trans, n, k, b, ldb, panel);
}

static void
pack_a (gboolean trans, gsize m, gsize k, const float *a, gsize lda, void *strip)
{
  diffusion_gemm_bf16_pack_a (FALSE, trans, m, k, a, lda, strip, ROWS);
}

static inline __attribute__ ((always_inline)) void
block (const gsize vectors, gsize k, const guint16 *strip, const guint16 *panel, const float *bias,
       const float *init, gsize ld_init, float *c, gsize ldc)
{
  __m512 sum[ROWS][2], add[2];

#pragma GCC unroll 2
  for (gsize j = 0; j < vectors; j++)
    add[j] = bias != NULL ? _mm512_loadu_ps (bias + 16 * j) : _mm512_setzero_ps ();
#pragma GCC unroll 14
  for (gsize i = 0; i < ROWS; i++)
#pragma GCC unroll 2
    for (gsize j = 0; j < vectors; j++)
      sum[i][j] = init != NULL ? _mm512_add_ps (_mm512_loadu_ps (init + i * ld_init + 16 * j), add[j]) : add[j];

  for (gsize p = 0; p < k; p += 2)
    {
      __m512bh b[2];

#pragma GCC unroll 2
      for (gsize j = 0; j < vectors; j++)
        b[j] = (__m512bh) _mm512_loadu_si512 (panel + p * COLUMNS + 32 * j);
#pragma GCC unroll 14
      for (gsize i = 0; i < ROWS; i++)
        {
          gint32 pair;

          memcpy (&pair, strip + i * k + p, sizeof pair);
#pragma GCC unroll 2
          for (gsize j = 0; j < vectors; j++)
            sum[i][j] = _mm512_dpbf16_ps (sum[i][j], (__m512bh) _mm512_set1_epi32 (pair), b[j]);
        }
    }

#pragma GCC unroll 14
  for (gsize i = 0; i < ROWS; i++)
#pragma GCC unroll 2
    for (gsize j = 0; j < vectors; j++)
      _mm512_storeu_ps (c + i * ldc + 16 * j, sum[i][j]);
}

static void
multiply (gsize m, gsize n, gsize k, const void *strip, const void *panel, const float *bias, const float *init,
          gsize ld_init, float *c, gsize ldc)
{
  if (m == ROWS && n == COLUMNS)
    block (2, k, strip, panel, bias, init, ld_init, c, ldc);
  else if (m == ROWS && n == 16)
    block (1, k, strip, panel, bias, init, ld_init, c, ldc);
  else
    {
      float edge[ROWS * COLUMNS] __attribute__ ((aligned (64)));

      diffusion_gemm_edge (m, n, bias, init, ld_init, sizeof edge / sizeof *edge, COLUMNS, edge);
      if (n > 16)
        block (2, k, strip, panel, NULL, edge, COLUMNS, edge, COLUMNS);
      else
        block (1, k, strip, panel, NULL, edge, COLUMNS, edge, COLUMNS);
      for (gsize i = 0; i < m; i++)
        memcpy (c + i * ldc, edge + i * COLUMNS, n * sizeof (float));
    }
}

static double
peak (gsize rounds)
{
  __m512 sums[12];
  __m512bh x = (__m512bh) _mm512_setzero_si512 ();
  double count = 12.0 * 32 * (double) rounds;

  for (int i = 0; i < 12; i++)
    sums[i] = _mm512_set1_ps ((float) i);
  for (; rounds > 0; rounds--)
    {
#pragma GCC unroll 12
      for (int i = 0; i < 12; i++)
        sums[i] = _mm512_dpbf16_ps (sums[i], x, x);
      __asm__ volatile ("" : "+v"(x));
    }
  for (int i = 1; i < 12; i++)
    sums[0] += sums[i];
  __asm__ volatile ("" : : "v"(sums[0]));
  return count;
}

const DiffusionGemmEngine diffusion_gemm_bf16_avx512 = {
  .rows = ROWS,
  .columns = COLUMNS,
  .element = sizeof (guint16),
  .k_multiple = 32,
  .pack_a = pack_a,
  .pack_b = pack_b,
  .multiply = multiply,
  .peak = peak,
};
