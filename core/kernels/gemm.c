/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matrix products: the loops around the micro-kernels, and BLAS where there is none. */
#include "core/kernels/gemm.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "core/kernels/gemm-engine.h"

/* Columns of b that are packed at a time in one-off products: with K_BLOCK rows of them 2 MB. */
#define N_BLOCK 1024

static void
blas (gboolean trans_a, gboolean trans_b, gsize m, gsize n, gsize k, const float *a, gsize lda, const float *b,
      gsize ldb, float beta, float *c, gsize ldc)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      openblas_set_num_threads (1);
      g_once_init_leave (&once, 1);
    }
  cblas_sgemm (CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans, trans_b ? CblasTrans : CblasNoTrans, (blasint) m,
               (blasint) n, (blasint) k, 1.0f, a, (blasint) lda, b, (blasint) ldb, beta, c, (blasint) ldc);
}

static void
reference (gboolean trans_a, gboolean trans_b, gsize m, gsize n, gsize k, const float *a, gsize lda, const float *b,
           gsize ldb, float beta, float *c, gsize ldc)
{
  for (gsize i = 0; i < m; i++)
    for (gsize j = 0; j < n; j++)
      {
        double sum = beta != 0.0f ? (double) beta * c[i * ldc + j] : 0.0;

        for (gsize p = 0; p < k; p++)
          sum += (double) (trans_a ? a[p * lda + i] : a[i * lda + p]) * (trans_b ? b[j * ldb + p] : b[p * ldb + j]);
        c[i * ldc + j] = (float) sum;
      }
}

static void
multiply_plain (DiffusionCpuLevel level, gboolean trans_a, gboolean trans_b, gsize m, gsize n, gsize k,
                const float *a, gsize lda, const float *b, gsize ldb, float beta, float *c, gsize ldc)
{
  if (level == DIFFUSION_CPU_REFERENCE)
    reference (trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
  else
    blas (trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

/* %NULL where BLAS does it. */
static const DiffusionGemmEngine *
engine_for (DiffusionCpuLevel level, DiffusionPrecision precision)
{
#if defined(__x86_64__)
  if (precision == DIFFUSION_PRECISION_BF16 && level >= DIFFUSION_CPU_AMX)
    return &diffusion_gemm_bf16_amx;
  if (precision == DIFFUSION_PRECISION_BF16 && level >= DIFFUSION_CPU_AVX512_BF16)
    return &diffusion_gemm_bf16_avx512;
  if (precision == DIFFUSION_PRECISION_SPLIT && level >= DIFFUSION_CPU_AMX)
    return &diffusion_gemm_split_amx;
  if (level >= DIFFUSION_CPU_AVX512)
    return &diffusion_gemm_f32_avx512;
  if (level >= DIFFUSION_CPU_AVX2)
    return &diffusion_gemm_f32_avx2;
#endif
  return NULL;
}

static gsize
round_up (gsize value, gsize multiple)
{
  return (value + multiple - 1) / multiple * multiple;
}

/* A thread's memory for one strip of a and one block of b, kept until the thread ends. */
typedef struct
{
  guint8 strip[DIFFUSION_GEMM_MAX_ROWS * DIFFUSION_GEMM_K_BLOCK * sizeof (float)] __attribute__ ((aligned (64)));
  guint8 block[N_BLOCK * DIFFUSION_GEMM_K_BLOCK * sizeof (float)] __attribute__ ((aligned (64)));
} Scratch;

static Scratch *
get_scratch (void)
{
  static GPrivate key = G_PRIVATE_INIT (free);
  Scratch *scratch = g_private_get (&key);

  if (scratch == NULL)
    {
      scratch = aligned_alloc (64, sizeof *scratch);
      g_assert (scratch != NULL);
      g_private_set (&key, scratch);
    }
  return scratch;
}

/* With rows of a read in place, each panel of b stays in the first cache while all rows of a pass by. */
#define PANEL_ROWS 256

static void
multiply_in_place (const DiffusionGemmEngine *engine, gsize m, gsize n, gsize k, const float *a, gsize lda,
                   const guint8 *packed, const float *bias, const float *init, gsize ld_init, float *c, gsize ldc)
{
  for (gsize j = 0; j < n; j += engine->columns)
    for (gsize p = 0; p < k; p += PANEL_ROWS)
      {
        gsize columns = MIN (engine->columns, n - j), length = MIN (PANEL_ROWS, k - p);
        const guint8 *panel = packed + (j * k + p * engine->columns) * engine->element;
        const float *add = p > 0 ? c + j : init != NULL ? init + j : NULL;
        gsize ld_add = p > 0 ? ldc : ld_init;

        for (gsize i = 0; i < m; i += engine->rows)
          engine->multiply_rows (MIN (engine->rows, m - i), columns, length, a + i * lda + p, lda, panel,
                                 p == 0 && bias != NULL ? bias + j : NULL, add != NULL ? add + i * ld_add : NULL, ld_add, c + i * ldc + j, ldc);
      }
}

/* c = a·b + (init + bias) over one block of k. Strips of a stay in the first cache while all panels of b pass by. */
static void
multiply_block (const DiffusionGemmEngine *engine, gboolean trans_a, gsize m, gsize n, gsize k, const float *a,
                gsize lda, const guint8 *packed, guint8 *strip, const float *bias, const float *init, gsize ld_init,
                float *c, gsize ldc)
{
  gsize kp = round_up (k, engine->k_multiple);

  if (!trans_a && engine->multiply_rows != NULL)
    {
      multiply_in_place (engine, m, n, k, a, lda, packed, bias, init, ld_init, c, ldc);
      return;
    }
  for (gsize i = 0; i < m; i += engine->rows)
    {
      gsize rows = MIN (engine->rows, m - i);

      engine->pack_a (trans_a, rows, k, trans_a ? a + i : a + i * lda, lda, strip);
      for (gsize j = 0; j < n; j += engine->columns)
        engine->multiply (rows, MIN (engine->columns, n - j), kp, strip, packed + j * kp * engine->element,
                          bias != NULL ? bias + j : NULL, init != NULL ? init + i * ld_init + j : NULL, ld_init, c + i * ldc + j, ldc);
    }
}

static void
pack_block (const DiffusionGemmEngine *engine, gboolean trans_b, gsize n, gsize k, const float *b, gsize ldb,
            guint8 *packed)
{
  gsize kp = round_up (k, engine->k_multiple);

  for (gsize j = 0; j < n; j += engine->columns)
    engine->pack_b (trans_b, MIN (engine->columns, n - j), k, trans_b ? b + j * ldb : b + j, ldb,
                    packed + j * kp * engine->element);
}

static void
scale_rows (gsize m, gsize n, float beta, float *c, gsize ldc)
{
  for (gsize i = 0; i < m; i++)
    for (gsize j = 0; j < n; j++)
      c[i * ldc + j] = beta != 0.0f ? beta * c[i * ldc + j] : 0.0f;
}

void
diffusion_gemm_at_level (DiffusionCpuLevel level, DiffusionPrecision precision, gboolean trans_a, gboolean trans_b,
                         gsize m, gsize n, gsize k, const float *a, gsize lda, const float *b, gsize ldb, float beta,
                         float *c, gsize ldc)
{
  const DiffusionGemmEngine *engine = engine_for (level, precision);
  Scratch *scratch;

  if (m == 0 || n == 0)
    return;
  if (engine == NULL)
    {
      multiply_plain (level, trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
      return;
    }
  if (beta != 1.0f && (beta != 0.0f || k == 0))
    scale_rows (m, n, beta, c, ldc);
  scratch = get_scratch ();
  if (engine->begin != NULL)
    engine->begin ();
  for (gsize j = 0; j < n; j += N_BLOCK)
    for (gsize p = 0; p < k; p += DIFFUSION_GEMM_K_BLOCK)
      {
        gsize columns = MIN (N_BLOCK, n - j), length = MIN (DIFFUSION_GEMM_K_BLOCK, k - p);
        const float *add = p == 0 && beta == 0.0f ? NULL : c + j;

        pack_block (engine, trans_b, columns, length, trans_b ? b + j * ldb + p : b + p * ldb + j, ldb,
                    scratch->block);
        multiply_block (engine, trans_a, m, columns, length, trans_a ? a + p * lda : a + p, lda, scratch->block,
                        scratch->strip, NULL, add, ldc, c + j, ldc);
      }
  if (engine->end != NULL)
    engine->end ();
}

void
diffusion_gemm (DiffusionPrecision precision, gboolean trans_a, gboolean trans_b, gsize m, gsize n, gsize k,
                const float *a, gsize lda, const float *b, gsize ldb, float beta, float *c, gsize ldc)
{
  diffusion_gemm_at_level (diffusion_cpu_level (), precision, trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

gsize
diffusion_gemm_packed_bytes (DiffusionPrecision precision, gsize n, gsize k)
{
  const DiffusionGemmEngine *engine = engine_for (diffusion_cpu_level (), precision);

  if (engine == NULL)
    return round_up (n * k * sizeof (float), 64);
  return round_up (round_up (n, engine->columns) * round_up (k, engine->k_multiple) * engine->element, 64);
}

void
diffusion_gemm_pack_b (DiffusionPrecision precision, gboolean trans_b, gsize n, gsize k, const float *b, gsize ldb,
                       void *packed)
{
  const DiffusionGemmEngine *engine = engine_for (diffusion_cpu_level (), precision);
  guint8 *out = packed;

  if (engine == NULL)
    {
      float *plain = packed;

      for (gsize p = 0; p < k; p++)
        for (gsize j = 0; j < n; j++)
          plain[p * n + j] = trans_b ? b[j * ldb + p] : b[p * ldb + j];
      return;
    }
  for (gsize p = 0; p < k; p += DIFFUSION_GEMM_K_BLOCK)
    {
      gsize length = MIN (DIFFUSION_GEMM_K_BLOCK, k - p);

      pack_block (engine, trans_b, n, length, trans_b ? b + p : b + p * ldb, ldb, out);
      out += round_up (n, engine->columns) * round_up (length, engine->k_multiple) * engine->element;
    }
}

void
diffusion_gemm_packed (DiffusionPrecision precision, gboolean trans_a, gsize m, gsize n, gsize k, const float *a,
                       gsize lda, const void *packed, const float *bias, const float *init, gsize ld_init, float *c,
                       gsize ldc)
{
  const DiffusionGemmEngine *engine = engine_for (diffusion_cpu_level (), precision);
  const guint8 *block = packed;
  Scratch *scratch;

  if (m == 0 || n == 0)
    return;
  if (engine == NULL || k == 0)
    {
      for (gsize i = 0; i < m; i++)
        for (gsize j = 0; j < n; j++)
          c[i * ldc + j] = (init != NULL ? init[i * ld_init + j] : 0.0f) + (bias != NULL ? bias[j] : 0.0f);
      multiply_plain (diffusion_cpu_level (), trans_a, FALSE, m, n, k, a, lda, packed, n, 1.0f, c, ldc);
      return;
    }
  scratch = get_scratch ();
  if (engine->begin != NULL)
    engine->begin ();
  for (gsize p = 0; p < k; p += DIFFUSION_GEMM_K_BLOCK)
    {
      gsize length = MIN (DIFFUSION_GEMM_K_BLOCK, k - p);

      multiply_block (engine, trans_a, m, n, length, trans_a ? a + p * lda : a + p, lda, block, scratch->strip,
                      p == 0 ? bias : NULL, p == 0 ? init : c, p == 0 ? ld_init : ldc, c, ldc);
      block += round_up (n, engine->columns) * round_up (length, engine->k_multiple) * engine->element;
    }
  if (engine->end != NULL)
    engine->end ();
}

double
diffusion_gemm_peak (DiffusionPrecision precision, gsize rounds)
{
  const DiffusionGemmEngine *engine = engine_for (diffusion_cpu_level (), precision);

  return engine != NULL && engine->peak != NULL ? engine->peak (rounds) : 0;
}
