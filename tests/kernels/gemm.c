/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matrix products of every CPU level against sums in double. */
#include "core/kernels/gemm-engine.h"
#include "tests/kernels/guard.h"

#include <math.h>
#include <string.h>

static const gsize sizes[][3] = {
  { 1, 1, 1 },      { 2, 3, 5 },      { 14, 32, 64 },    { 15, 33, 31 },  { 31, 16, 33 },   { 32, 32, 32 },
  { 33, 48, 100 },  { 257, 12, 24 },  { 64, 64, 513 },   { 7, 130, 1030 }, { 128, 96, 256 }, { 3, 1100, 40 },
  { 45, 17, 1 },    { 1, 64, 128 },
};

static float
to_bf16 (float x)
{
  guint32 bits;

  memcpy (&bits, &x, 4);
  bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
  if (fabsf (x) < 1.17549435e-38f)
    bits = 0;
  memcpy (&x, &bits, 4);
  return x;
}

static void
check (DiffusionCpuLevel level, DiffusionPrecision precision, gboolean ta, gboolean tb, const gsize size[3], Fill fill,
       float beta)
{
  const gsize m = size[0], n = size[1], k = size[2];
  const gsize lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 5;
  const gsize na = (ta ? k : m) * lda, nb = (tb ? n : k) * ldb;
  const double tolerance = precision == DIFFUSION_PRECISION_SPLIT && level >= DIFFUSION_CPU_AMX
                             ? 3.5e-5
                             : 1e-6 * sqrt ((double) k + 3);
  const gboolean rounded = precision == DIFFUSION_PRECISION_BF16 && level >= DIFFUSION_CPU_AVX512_BF16;
  float *a = guard_new (na), *b = guard_new (nb), *c = guard_new (m * ldc), *again = guard_new (m * ldc);
  g_autofree float *want = g_new (float, m * ldc);
  g_autofree double *scale = g_new0 (double, m * ldc);
  g_autofree char *what = g_strdup_printf ("%s %s %c%c %" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT
                                           " fill %d beta %g",
                                           diffusion_cpu_level_name (level), rounded                                    ? "bf16"
                                           : precision == DIFFUSION_PRECISION_SPLIT ? "split"
                                                                                    : "f32",
                                           ta ? 'T' : 'N',
                                           tb ? 'T' : 'N', m, n, k, fill, beta);

  /* Only what belongs to the matrices is filled: the gaps between rows stay NaN and must not be used. */
  for (gsize i = 0; i < (ta ? k : m); i++)
    guard_fill (a + i * lda, ta ? m : k, fill, 100 + i);
  for (gsize i = 0; i < (tb ? n : k); i++)
    guard_fill (b + i * ldb, tb ? k : n, fill, 9000 + i);
  if (beta != 0.0f)
    for (gsize i = 0; i < m; i++)
      guard_fill (c + i * ldc, n, fill, 70000 + i);
  memcpy (want, c, m * ldc * sizeof (float));
  memcpy (again, c, m * ldc * sizeof (float));
  for (gsize i = 0; i < m; i++)
    for (gsize j = 0; j < n; j++)
      {
        double sum = beta != 0.0f ? (double) beta * want[i * ldc + j] : 0.0;

        scale[i * ldc + j] = fabs (sum);
        for (gsize p = 0; p < k; p++)
          {
            float x = ta ? a[p * lda + i] : a[i * lda + p], y = tb ? b[j * ldb + p] : b[p * ldb + j];
            double product = rounded ? (double) to_bf16 (x) * to_bf16 (y) : (double) x * y;

            sum += product;
            scale[i * ldc + j] += fabs (product);
          }
        want[i * ldc + j] = (float) sum;
      }
  diffusion_gemm_at_level (level, precision, ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
  guard_compare (what, m * ldc, c, want, scale, tolerance);
  diffusion_gemm_at_level (level, precision, ta, tb, m, n, k, a, lda, b, ldb, beta, again, ldc);
  g_assert_cmpmem (c, m * ldc * 4, again, m * ldc * 4);

  if (level == diffusion_cpu_level () && !ta)
    {
      gsize bytes = diffusion_gemm_packed_bytes (precision, n, k);
      guint8 *memory = g_malloc (bytes + 64 + 64), *packed = memory + 64 - (gsize) memory % 64;
      float *bias = guard_new (n), *init = guard_new (m * ldc), *out = guard_new (m * ldc);
      g_autofree float *sum = g_memdup2 (want, m * ldc * sizeof (float));
      g_autofree double *room = g_memdup2 (scale, m * ldc * sizeof (double));

      memset (packed + bytes, 0xa5, 63 - (packed - memory - 1));
      guard_fill (bias, n, FILL_NORMAL, 1);
      for (gsize i = 0; i < m; i++)
        guard_fill (init + i * ldc, n, FILL_NORMAL, 2 + i);
      diffusion_gemm_pack_b (precision, tb, n, k, b, ldb, packed);
      /* Nothing, a bias, a matrix, both; at last the matrix in place. */
      for (int added = 0; added < 5 && beta == 0.0f; added++)
        {
          const float *row = added & 1 ? bias : NULL, *matrix = added & 2 ? init : NULL;

          if (added == 4)
            {
              memcpy (out, init, m * ldc * sizeof (float));
              matrix = out;
            }
          for (gsize i = 0; i < m; i++)
            for (gsize j = 0; j < n; j++)
              {
                gsize at = i * ldc + j;

                sum[at] = want[at] + (row != NULL ? row[j] : 0) + (matrix != NULL ? init[at] : 0);
                room[at] = scale[at] + (row != NULL ? fabsf (row[j]) : 0) + (matrix != NULL ? fabsf (init[at]) : 0);
              }
          diffusion_gemm_packed (precision, FALSE, m, n, k, a, lda, packed, row, matrix, ldc, out, ldc);
          guard_compare (what, m * ldc, out, sum, room, tolerance);
        }
      guard_free (bias);
      guard_free (init);
      guard_free (out);
      g_free (memory);
    }
  guard_free (a);
  guard_free (b);
  guard_free (c);
  guard_free (again);
}

/* Levels and precisions that do not share their code with one below. */
static gboolean
is_own (DiffusionCpuLevel level, DiffusionPrecision precision)
{
  switch (precision)
    {
    case DIFFUSION_PRECISION_BF16:
      return level >= DIFFUSION_CPU_AVX512_BF16;
    case DIFFUSION_PRECISION_SPLIT:
      return level >= DIFFUSION_CPU_AMX;
    default:
      return level <= DIFFUSION_CPU_AVX512;
    }
}

static void
test_level (gconstpointer data)
{
  DiffusionCpuLevel level = GPOINTER_TO_UINT (data);

  for (int precision = DIFFUSION_PRECISION_F32; precision <= DIFFUSION_PRECISION_SPLIT; precision++)
    for (gsize s = 0; s < G_N_ELEMENTS (sizes) && (is_own (level, precision) || s < 6); s++)
      for (int form = 0; form < 4; form++)
        {
          Fill fill = (s + form) % FILL_KINDS;
          float beta = (s + form) % 4 == 1 ? 1.0f : (s + form) % 4 == 3 ? -0.5f : 0.0f;

          check (level, precision, form & 1, form >> 1, sizes[s], fill, beta);
          check (level, precision, form & 1, form >> 1, sizes[s], FILL_NORMAL, 0.0f);
        }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint level = 0; level <= diffusion_cpu_best_level (); level++)
    {
      /* All levels in one run, only its own in those that lower the level: what is packed depends on it. */
      if (level != diffusion_cpu_level () && diffusion_cpu_level () != diffusion_cpu_best_level ())
        continue;

      g_autofree char *path = g_strconcat ("/gemm/", diffusion_cpu_level_name (level), NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (level), test_level);
    }
  return g_test_run ();
}
