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
  diffusion_gemm_bf16_pack_a (trans, m, k, a, lda, strip, ROWS);
}

/* Sums: tiles 0 1 / 2 3; a: 4 5; b: 6 7. */
static inline void
block2 (gsize k, const guint16 *strip, const guint16 *panel, const float *init, gsize ld_init, float *c, gsize ldc)
{
  MEMORY_FENCE ();
  if (init != NULL)
    {
      _tile_loadd (0, init, ld_init * 4);
      _tile_loadd (1, init + 16, ld_init * 4);
      _tile_loadd (2, init + 16 * ld_init, ld_init * 4);
      _tile_loadd (3, init + 16 * ld_init + 16, ld_init * 4);
    }
  else
    {
      _tile_zero (0);
      _tile_zero (1);
      _tile_zero (2);
      _tile_zero (3);
    }
  for (gsize p = 0; p < k; p += 32)
    {
      _tile_loadd (6, panel + p * COLUMNS, 128);
      _tile_loadd (4, strip + p, k * 2);
      _tile_loadd (7, panel + p * COLUMNS + 32, 128);
      _tile_loadd (5, strip + 16 * k + p, k * 2);
      _tile_dpbf16ps (0, 4, 6);
      _tile_dpbf16ps (1, 4, 7);
      _tile_dpbf16ps (2, 5, 6);
      _tile_dpbf16ps (3, 5, 7);
    }
  _tile_stored (0, c, ldc * 4);
  _tile_stored (1, c + 16, ldc * 4);
  _tile_stored (2, c + 16 * ldc, ldc * 4);
  _tile_stored (3, c + 16 * ldc + 16, ldc * 4);
  MEMORY_FENCE ();
}

static inline void
block1 (gsize k, const guint16 *strip, const guint16 *panel, const float *init, gsize ld_init, float *c, gsize ldc)
{
  MEMORY_FENCE ();
  if (init != NULL)
    {
      _tile_loadd (0, init, ld_init * 4);
      _tile_loadd (2, init + 16 * ld_init, ld_init * 4);
    }
  else
    {
      _tile_zero (0);
      _tile_zero (2);
    }
  for (gsize p = 0; p < k; p += 32)
    {
      _tile_loadd (6, panel + p * COLUMNS, 128);
      _tile_loadd (4, strip + p, k * 2);
      _tile_loadd (5, strip + 16 * k + p, k * 2);
      _tile_dpbf16ps (0, 4, 6);
      _tile_dpbf16ps (2, 5, 6);
    }
  _tile_stored (0, c, ldc * 4);
  _tile_stored (2, c + 16 * ldc, ldc * 4);
  MEMORY_FENCE ();
}

static void
multiply (gsize m, gsize n, gsize k, const void *strip, const void *panel, const float *init, gsize ld_init, float *c,
          gsize ldc)
{
  if (m == ROWS && n == COLUMNS)
    block2 (k, strip, panel, init, ld_init, c, ldc);
  else if (m == ROWS && n == 16)
    block1 (k, strip, panel, init, ld_init, c, ldc);
  else
    {
      float edge[ROWS * COLUMNS] __attribute__ ((aligned (64)));

      memset (edge, 0, sizeof edge);
      if (init != NULL)
        for (gsize i = 0; i < m; i++)
          memcpy (edge + i * COLUMNS, init + i * ld_init, n * sizeof (float));
      if (n > 16)
        block2 (k, strip, panel, edge, COLUMNS, edge, COLUMNS);
      else
        block1 (k, strip, panel, edge, COLUMNS, edge, COLUMNS);
      for (gsize i = 0; i < m; i++)
        memcpy (c + i * ldc, edge + i * COLUMNS, n * sizeof (float));
    }
}

const DiffusionGemmEngine diffusion_gemm_bf16_amx = {
  .rows = ROWS,
  .columns = COLUMNS,
  .element = sizeof (guint16),
  .k_multiple = 32,
  .begin = begin,
  .end = end,
  .pack_a = pack_a,
  .pack_b = diffusion_gemm_bf16_pack_b,
  .multiply = multiply,
};
