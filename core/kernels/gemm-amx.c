/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bfloat16 products on AMX tiles: 32 × 32 sums in four tiles. The layouts are those of gemm-bf16.c. */
#include "core/kernels/gemm-engine.h"

#include <immintrin.h>
#include <string.h>

#define ROWS 32
#define COLUMNS 32

/* The compiler does not know that tile loads and stores touch memory. */
#define MEMORY_FENCE() __asm__ volatile ("" : : : "memory")

static void
begin (void)
{
  struct
  {
    guint8 palette, start_row, reserved[14];
    guint16 bytes[16];
    guint8 rows[16];
  } config __attribute__ ((aligned (64))) = { .palette = 1 };

  for (int i = 0; i < 8; i++)
    {
      config.bytes[i] = 64;
      config.rows[i] = 16;
    }
  MEMORY_FENCE ();
  _tile_loadconfig (&config);
}

/* Back to the initial state, which costs context switches nothing. */
static void
end (void)
{
  _tile_release ();
}

static void
pack_a (gboolean trans, gsize m, gsize k, const float *a, gsize lda, void *strip)
{
  diffusion_gemm_bf16_pack_a (FALSE, trans, m, k, a, lda, strip, ROWS);
}

static void
pack_b (gboolean trans, gsize n, gsize k, const float *b, gsize ldb, void *panel)
{
  diffusion_gemm_bf16_pack_b (FALSE, trans, n, k, b, ldb, panel);
}

/* Split numbers: first all the rounded values, then all that the rounding lost. */
static void
pack_a_split (gboolean trans, gsize m, gsize k, const float *a, gsize lda, void *strip)
{
  diffusion_gemm_bf16_pack_a (FALSE, trans, m, k, a, lda, strip, ROWS);
  diffusion_gemm_bf16_pack_a (TRUE, trans, m, k, a, lda, (guint16 *) strip + ROWS * ((k + 31) / 32 * 32), ROWS);
}

static void
pack_b_split (gboolean trans, gsize n, gsize k, const float *b, gsize ldb, void *panel)
{
  diffusion_gemm_bf16_pack_b (FALSE, trans, n, k, b, ldb, panel);
  diffusion_gemm_bf16_pack_b (TRUE, trans, n, k, b, ldb, (guint16 *) panel + COLUMNS * ((k + 31) / 32 * 32));
}

/* Sums: tiles 0 1 / 2 3; a: 4 5; b: 6 7. With @columns 16 only the left ones. */

static inline __attribute__ ((always_inline)) void
load_sums (const int columns, const float *init, gsize ld_init)
{
  MEMORY_FENCE ();
  if (init == NULL)
    {
      _tile_zero (0);
      _tile_zero (2);
      if (columns > 16)
        {
          _tile_zero (1);
          _tile_zero (3);
        }
      return;
    }
  _tile_loadd (0, init, ld_init * 4);
  _tile_loadd (2, init + 16 * ld_init, ld_init * 4);
  if (columns > 16)
    {
      _tile_loadd (1, init + 16, ld_init * 4);
      _tile_loadd (3, init + 16 * ld_init + 16, ld_init * 4);
    }
}

static inline __attribute__ ((always_inline)) void
store_sums (const int columns, float *c, gsize ldc)
{
  _tile_stored (0, c, ldc * 4);
  _tile_stored (2, c + 16 * ldc, ldc * 4);
  if (columns > 16)
    {
      _tile_stored (1, c + 16, ldc * 4);
      _tile_stored (3, c + 16 * ldc + 16, ldc * 4);
    }
  MEMORY_FENCE ();
}

/* Each tile of a and b is loaded anew as soon as its last product has been issued. */

static inline __attribute__ ((always_inline)) void
rounded_products (const int columns, gsize k, const guint16 *strip, const guint16 *panel)
{
  for (gsize p = 0; p < k; p += 32)
    {
      const guint16 *b = panel + p * COLUMNS;

      _tile_loadd (6, b, COLUMNS * 4);
      _tile_loadd (4, strip + p, k * 2);
      _tile_dpbf16ps (0, 4, 6);
      if (columns > 16)
        {
          _tile_loadd (7, b + 32, COLUMNS * 4);
          _tile_dpbf16ps (1, 4, 7);
        }
      _tile_loadd (5, strip + 16 * k + p, k * 2);
      _tile_dpbf16ps (2, 5, 6);
      if (columns > 16)
        _tile_dpbf16ps (3, 5, 7);
    }
}

static inline __attribute__ ((always_inline)) void
split_products (const int columns, gsize k, const guint16 *strip, const guint16 *panel)
{
  const guint16 *lost_strip = strip + ROWS * k;

  for (gsize p = 0; p < k; p += 32)
    {
      const guint16 *b = panel + p * COLUMNS, *lost_b = b + COLUMNS * k;

      _tile_loadd (6, b, COLUMNS * 4);
      _tile_loadd (4, lost_strip + p, k * 2);
      _tile_dpbf16ps (0, 4, 6);
      if (columns > 16)
        {
          _tile_loadd (7, b + 32, COLUMNS * 4);
          _tile_dpbf16ps (1, 4, 7);
        }
      _tile_loadd (5, lost_strip + 16 * k + p, k * 2);
      _tile_loadd (4, strip + p, k * 2);
      _tile_dpbf16ps (2, 5, 6);
      if (columns > 16)
        _tile_dpbf16ps (3, 5, 7);
      _tile_loadd (5, strip + 16 * k + p, k * 2);
      _tile_dpbf16ps (0, 4, 6);
      if (columns > 16)
        _tile_dpbf16ps (1, 4, 7);
      _tile_dpbf16ps (2, 5, 6);
      if (columns > 16)
        _tile_dpbf16ps (3, 5, 7);
      _tile_loadd (6, lost_b, COLUMNS * 4);
      _tile_dpbf16ps (0, 4, 6);
      if (columns > 16)
        {
          _tile_loadd (7, lost_b + 32, COLUMNS * 4);
          _tile_dpbf16ps (1, 4, 7);
        }
      _tile_dpbf16ps (2, 5, 6);
      if (columns > 16)
        _tile_dpbf16ps (3, 5, 7);
    }
}

static inline __attribute__ ((always_inline)) void
block (const gboolean split, const int columns, gsize k, const guint16 *strip, const guint16 *panel, const float *init,
       gsize ld_init, float *c, gsize ldc)
{
  load_sums (columns, init, ld_init);
  if (split)
    split_products (columns, k, strip, panel);
  else
    rounded_products (columns, k, strip, panel);
  store_sums (columns, c, ldc);
}

static inline __attribute__ ((always_inline)) void
multiply_any (const gboolean split, gsize m, gsize n, gsize k, const void *strip, const void *panel, const float *bias,
              const float *init, gsize ld_init, float *c, gsize ldc)
{
  if (m == ROWS && n == COLUMNS && bias == NULL)
    block (split, 32, k, strip, panel, init, ld_init, c, ldc);
  else if (m == ROWS && n == 16 && bias == NULL)
    block (split, 16, k, strip, panel, init, ld_init, c, ldc);
  else
    {
      float edge[ROWS * COLUMNS] __attribute__ ((aligned (64)));

      diffusion_gemm_edge (m, n, bias, init, ld_init, sizeof edge / sizeof *edge, COLUMNS, edge);
      if (n > 16)
        block (split, 32, k, strip, panel, edge, COLUMNS, edge, COLUMNS);
      else
        block (split, 16, k, strip, panel, edge, COLUMNS, edge, COLUMNS);
      for (gsize i = 0; i < m; i++)
        memcpy (c + i * ldc, edge + i * COLUMNS, n * sizeof (float));
    }
}

static void
multiply (gsize m, gsize n, gsize k, const void *strip, const void *panel, const float *bias, const float *init,
          gsize ld_init, float *c, gsize ldc)
{
  multiply_any (FALSE, m, n, k, strip, panel, bias, init, ld_init, c, ldc);
}

/* (a + a')·(b + b') without a'·b'. */
static void
multiply_split (gsize m, gsize n, gsize k, const void *strip, const void *panel, const float *bias, const float *init,
                gsize ld_init, float *c, gsize ldc)
{
  multiply_any (TRUE, m, n, k, strip, panel, bias, init, ld_init, c, ldc);
}

const DiffusionGemmEngine diffusion_gemm_bf16_amx = {
  .rows = ROWS,
  .columns = COLUMNS,
  .element = sizeof (guint16),
  .k_multiple = 32,
  .begin = begin,
  .end = end,
  .pack_a = pack_a,
  .pack_b = pack_b,
  .multiply = multiply,
};

const DiffusionGemmEngine diffusion_gemm_split_amx = {
  .rows = ROWS,
  .columns = COLUMNS,
  .element = 2 * sizeof (guint16),
  .k_multiple = 32,
  .begin = begin,
  .end = end,
  .pack_a = pack_a_split,
  .pack_b = pack_b_split,
  .multiply = multiply_split,
};
