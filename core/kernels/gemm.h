/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matrix products, single-threaded: callers run them on parts of a diffusion_parallel_for(). */
#pragma once

#include <glib.h>

#include "core/kernels/cpu.h"

G_BEGIN_DECLS

/**
 * DiffusionPrecision:
 * @DIFFUSION_PRECISION_F32: float32 products and sums
 * @DIFFUSION_PRECISION_BF16: inputs rounded to bfloat16 (nearest even), products and sums in float32; where the
 *   processor has no bfloat16 products it is the same as @DIFFUSION_PRECISION_F32
 * @DIFFUSION_PRECISION_SPLIT: inputs as sums of two bfloat16 numbers, three products of which give about 16 bits, sums in
 *   float32; only where the processor does that much faster than float32 (tiles), elsewhere the same as
 *   @DIFFUSION_PRECISION_F32. For inference: the error is that of a good Winograd convolution. Infinite inputs give NaN
 */
typedef enum
{
  DIFFUSION_PRECISION_F32,
  DIFFUSION_PRECISION_BF16,
  DIFFUSION_PRECISION_SPLIT
} DiffusionPrecision;

/**
 * diffusion_gemm:
 * @precision: how to multiply
 * @trans_a: whether @a is stored as [k, m]
 * @trans_b: whether @b is stored as [n, k]
 * @m: rows of @c
 * @n: columns of @c
 * @k: length of the sums
 * @a: [m, k] row-major, rows @lda apart
 * @lda: floats between rows as stored
 * @b: [k, n] row-major
 * @ldb: floats between rows as stored
 * @beta: what is kept of @c; with 0 the old content is not read
 * @c: (inout): [m, n] row-major
 * @ldc: floats between rows
 *
 * c = a·b + beta·c. For given sizes, precision and CPU level the result is the same bit for bit on every call.
 */
void diffusion_gemm (DiffusionPrecision precision, gboolean trans_a, gboolean trans_b, gsize m, gsize n, gsize k,
                     const float *a, gsize lda, const float *b, gsize ldb, float beta, float *c, gsize ldc);

/**
 * DIFFUSION_GEMM_PACK_ROWS:
 *
 * Blocks of this many rows of a matrix [k, n] can be packed one by one, in parallel: each is
 * diffusion_gemm_packed_bytes() of that many rows long.
 */
#define DIFFUSION_GEMM_PACK_ROWS 512

/** diffusion_gemm_packed_bytes: size of a packed [k, n] matrix, a multiple of 64; see diffusion_gemm_pack_b(). */
gsize diffusion_gemm_packed_bytes (DiffusionPrecision precision, gsize n, gsize k);

/**
 * diffusion_gemm_pack_b:
 * @precision: how it will be multiplied
 * @trans_b: whether @b is stored as [n, k]
 * @n: columns
 * @k: rows
 * @b: [k, n] row-major, rows @ldb apart
 * @ldb: floats between rows as stored
 * @packed: (out caller-allocates): diffusion_gemm_packed_bytes() bytes, aligned to 64
 *
 * Arranges (and rounds) a matrix that is used many times, for diffusion_gemm_packed(). The layout belongs to this
 * process and its CPU level: never to be stored in files.
 */
void diffusion_gemm_pack_b (DiffusionPrecision precision, gboolean trans_b, gsize n, gsize k, const float *b,
                            gsize ldb, void *packed);

/**
 * diffusion_gemm_packed:
 * @precision: the one @packed was made with
 * @trans_a: whether @a is stored as [k, m]
 * @m: rows of @c
 * @n: columns of @c, as packed
 * @k: length of the sums, as packed
 * @a: [m, k] row-major, rows @lda apart
 * @lda: floats between rows as stored
 * @packed: from diffusion_gemm_pack_b()
 * @bias: (nullable): [n], added to every row
 * @init: (nullable): [m, n], added; may be @c itself
 * @ld_init: floats between rows of @init
 * @c: (out): [m, n] row-major
 * @ldc: floats between rows
 *
 * c = a·b + (init + bias).
 */
void diffusion_gemm_packed (DiffusionPrecision precision, gboolean trans_a, gsize m, gsize n, gsize k, const float *a,
                            gsize lda, const void *packed, const float *bias, const float *init, gsize ld_init,
                            float *c, gsize ldc);

/**
 * diffusion_gemm_peak:
 * @precision: of which products
 * @rounds: how long, some ten multiply-adds of whole vectors each
 *
 * Does nothing but multiply and add on registers: what benchmarks compare with.
 *
 * Returns: multiply-adds done; 0 where BLAS does the products
 */
double diffusion_gemm_peak (DiffusionPrecision precision, gsize rounds);

G_END_DECLS
