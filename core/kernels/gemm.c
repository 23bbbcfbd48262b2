/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matrix products: chooses between BLAS and the library's own micro-kernels. */
#include "core/kernels/gemm.h"

#include <cblas.h>
#include <string.h>

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
multiply (gboolean trans_a, gboolean trans_b, gsize m, gsize n, gsize k, const float *a, gsize lda, const float *b,
          gsize ldb, float beta, float *c, gsize ldc)
{
  if (diffusion_cpu_level () == DIFFUSION_CPU_REFERENCE)
    reference (trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
  else
    blas (trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

void
diffusion_gemm (DiffusionPrecision precision, gboolean trans_a, gboolean trans_b, gsize m, gsize n, gsize k,
                const float *a, gsize lda, const float *b, gsize ldb, float beta, float *c, gsize ldc)
{
  if (m == 0 || n == 0)
    return;
  multiply (trans_a, trans_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

gsize
diffusion_gemm_packed_bytes (DiffusionPrecision precision, gsize n, gsize k)
{
  return (n * k * sizeof (float) + 63) / 64 * 64;
}

void
diffusion_gemm_pack_b (DiffusionPrecision precision, gboolean trans_b, gsize n, gsize k, const float *b, gsize ldb,
                       void *packed)
{
  float *out = packed;

  for (gsize p = 0; p < k; p++)
    for (gsize j = 0; j < n; j++)
      out[p * n + j] = trans_b ? b[j * ldb + p] : b[p * ldb + j];
}

void
diffusion_gemm_packed (DiffusionPrecision precision, gboolean trans_a, gsize m, gsize n, gsize k, const float *a,
                       gsize lda, const void *packed, const float *init, gsize ld_init, float *c, gsize ldc)
{
  if (m == 0 || n == 0)
    return;
  if (init != NULL && init != c)
    for (gsize i = 0; i < m; i++)
      memmove (c + i * ldc, init + i * ld_init, n * sizeof (float));
  blas (trans_a, FALSE, m, n, k, a, lda, packed, n, init != NULL ? 1.0f : 0.0f, c, ldc);
}
