/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the loops of gemm.c need from a micro-kernel. */
#pragma once

#include <glib.h>
#include <string.h>

#include "core/kernels/gemm.h"

/* Sums longer than this are done in blocks, so that what a micro-kernel reads stays in the first caches. */
#define DIFFUSION_GEMM_K_BLOCK DIFFUSION_GEMM_PACK_ROWS
/* At most this many rows in a strip and columns in a panel. */
#define DIFFUSION_GEMM_MAX_ROWS 32
#define DIFFUSION_GEMM_MAX_COLUMNS 32

/**
 * DiffusionGemmEngine:
 * @rows: height of a strip of a
 * @columns: width of a panel of b, the unit in which b is packed
 * @element: bytes of a packed number
 * @k_multiple: packed sums are padded with zeros to a multiple of this
 * @begin: (nullable): called before the first product on a thread
 * @end: (nullable): called after the last one
 * @pack_a: (nullable): arranges @rows rows (fewer at the end, then @strip is padded with zeros) of a block of
 *   @k columns; %NULL where rows are read in place
 * @pack_b: arranges one panel of a block; @n may be less than @columns, the rest is zeros
 * @multiply: c = strip·panel + (init + bias), both nullable, for @m rows and @n columns, @k already padded
 * @multiply_rows: (nullable): the same with rows of a read in place, @k as it is
 * @peak: (nullable): @rounds rounds of multiply-adds on registers alone, for benchmarks; returns how many there were
 */
typedef struct
{
  gsize rows, columns, element, k_multiple;
  void (*begin) (void);
  void (*end) (void);
  void (*pack_a) (gboolean trans, gsize m, gsize k, const float *a, gsize lda, void *strip);
  void (*pack_b) (gboolean trans, gsize n, gsize k, const float *b, gsize ldb, void *panel);
  void (*multiply) (gsize m, gsize n, gsize k, const void *strip, const void *panel, const float *bias,
                    const float *init, gsize ld_init, float *c, gsize ldc);
  void (*multiply_rows) (gsize m, gsize n, gsize k, const float *a, gsize lda, const void *panel, const float *bias,
                         const float *init, gsize ld_init, float *c, gsize ldc);
  double (*peak) (gsize rounds);
} DiffusionGemmEngine;

/* A block of c that is narrower or lower than an engine's: @edge [rows, @columns] of @floats values becomes init + bias,
 * zeros where there is neither. */
static inline void
diffusion_gemm_edge (gsize m, gsize n, const float *bias, const float *init, gsize ld_init, gsize floats, gsize columns,
                     float *edge)
{
  memset (edge, 0, floats * sizeof (float));
  for (gsize i = 0; i < m; i++)
    for (gsize j = 0; j < n; j++)
      edge[i * columns + j] = (init != NULL ? init[i * ld_init + j] : 0.0f) + (bias != NULL ? bias[j] : 0.0f);
}

/* diffusion_gemm() as a given level does it, for tests that compare levels in one process. */
void diffusion_gemm_at_level (DiffusionCpuLevel level, DiffusionPrecision precision, gboolean trans_a,
                              gboolean trans_b, gsize m, gsize n, gsize k, const float *a, gsize lda, const float *b,
                              gsize ldb, float beta, float *c, gsize ldc);

#if defined(__x86_64__)
extern const DiffusionGemmEngine diffusion_gemm_f32_avx2;
extern const DiffusionGemmEngine diffusion_gemm_f32_avx512;
extern const DiffusionGemmEngine diffusion_gemm_bf16_avx512;
extern const DiffusionGemmEngine diffusion_gemm_bf16_amx;

extern const DiffusionGemmEngine diffusion_gemm_split_amx;

/* Shared by the bfloat16 engines; @low packs what rounding to bfloat16 loses instead of the number. */
void diffusion_gemm_bf16_pack_a (gboolean low, gboolean trans, gsize m, gsize k, const float *a, gsize lda,
                                 void *strip, gsize rows);
void diffusion_gemm_bf16_pack_b (gboolean low, gboolean trans, gsize n, gsize k, const float *b, gsize ldb,
                                 void *panel);
#endif
