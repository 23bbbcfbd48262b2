/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernels of group normalisation and attention: every CPU level against the reference. */
#include "core/kernels/kernels.h"
#include "tests/kernels/guard.h"

#include <math.h>
#include <string.h>

static const gsize sizes[][2] = { { 1, 1 }, { 3, 5 }, { 7, 16 }, { 5, 33 }, { 2, 64 }, { 9, 83 }, { 33, 130 } };

static float *
filled (gsize n, Fill fill, guint32 seed)
{
  float *values = guard_new (n);

  guard_fill (values, n, fill, seed);
  return values;
}

/* Sums may cancel: errors are measured against rows times the largest summand. */
static void
compare (const char *what, gsize n, float *got, float *want, double scale)
{
  g_autofree double *scales = g_new (double, n);

  for (gsize i = 0; i < n; i++)
    scales[i] = fabs ((double) want[i]) + scale;
  guard_compare (what, n, got, want, scales, 1e-5);
  guard_free (got);
  guard_free (want);
}

static void
test_channels (gconstpointer data)
{
  const DiffusionKernels *reference = diffusion_kernels_for_level (DIFFUSION_CPU_REFERENCE);
  const DiffusionKernels *kernels = diffusion_kernels_for_level (GPOINTER_TO_UINT (data));

  for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (int silu = 0; silu < 2; silu++)
      {
        const gsize rows = sizes[s][0], c = sizes[s][1], n = rows * c;
        double bound = 30.0 * (double) rows;
        float *x = filled (n, FILL_NORMAL, 1), *dy = filled (n, FILL_NORMAL, 2);
        float *vectors[6];
        float *got, *want, *got_2, *want_2;

        for (guint32 v = 0; v < 6; v++)
          vectors[v] = filled (c, FILL_NORMAL, 3 + v);
        got = guard_new (c), want = guard_new (c), got_2 = guard_new (c), want_2 = guard_new (c);
        reference->channel_sums (rows, c, x, vectors[0], want, want_2);
        kernels->channel_sums (rows, c, x, vectors[0], got, got_2);
        compare ("channel_sums", c, got, want, bound);
        compare ("channel_sums squares", c, got_2, want_2, bound);

        got = guard_new (n), want = guard_new (n);
        reference->channel_affine (rows, c, x, vectors[0], vectors[1], silu, want);
        memcpy (got, x, n * sizeof (float));
        kernels->channel_affine (rows, c, got, vectors[0], vectors[1], silu, got);
        compare ("channel_affine", n, got, want, 10);

        got = guard_new (c), want = guard_new (c), got_2 = guard_new (c), want_2 = guard_new (c);
        reference->channel_affine_sums (rows, c, x, dy, vectors[0], vectors[1], silu, vectors[2], want, want_2);
        kernels->channel_affine_sums (rows, c, x, dy, vectors[0], vectors[1], silu, vectors[2], got, got_2);
        compare ("channel_affine_sums", c, got, want, bound);
        compare ("channel_affine_sums products", c, got_2, want_2, bound);

        for (int beta = 0; beta < 2; beta++)
          {
            got = guard_new (n), want = guard_new (n);
            if (beta != 0)
              {
                guard_fill (got, n, FILL_NORMAL, 9);
                memcpy (want, got, n * sizeof (float));
              }
            reference->channel_affine_backward (rows, c, x, dy, vectors[0], vectors[1], silu, vectors[3], vectors[4],
                                                vectors[5], (float) beta, want);
            kernels->channel_affine_backward (rows, c, x, dy, vectors[0], vectors[1], silu, vectors[3], vectors[4],
                                              vectors[5], (float) beta, got);
            compare ("channel_affine_backward", n, got, want, 30);
          }
        for (int v = 0; v < 6; v++)
          guard_free (vectors[v]);
        guard_free (x);
        guard_free (dy);
      }
}

static void
test_softmax (gconstpointer data)
{
  const DiffusionKernels *reference = diffusion_kernels_for_level (DIFFUSION_CPU_REFERENCE);
  const DiffusionKernels *kernels = diffusion_kernels_for_level (GPOINTER_TO_UINT (data));

  for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (Fill fill = 0; fill < FILL_KINDS; fill++)
      {
        const gsize rows = sizes[s][0], c = sizes[s][1], n = rows * c;
        float *x = filled (n, fill, 1), *y = filled (n, fill, 1);
        float *got = guard_new (n), *want = guard_new (n);

        memcpy (want, x, n * sizeof (float));
        memcpy (got, x, n * sizeof (float));
        reference->softmax (rows, c, 0.3f, want);
        kernels->softmax (rows, c, 0.3f, got);
        memcpy (y, want, n * sizeof (float));
        compare ("softmax", n, got, want, 1e-30);

        got = filled (n, FILL_NORMAL, 2), want = filled (n, FILL_NORMAL, 2);
        reference->softmax_backward (rows, c, 0.3f, y, want);
        kernels->softmax_backward (rows, c, 0.3f, y, got);
        compare ("softmax_backward", n, got, want, 3);
        guard_free (x);
        guard_free (y);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint level = DIFFUSION_CPU_BASELINE; level <= MIN (diffusion_cpu_best_level (), DIFFUSION_CPU_AVX512); level++)
    {
      const char *name = diffusion_cpu_level_name (level);
      g_autofree char *channels = g_strconcat ("/channels/", name, NULL);
      g_autofree char *softmax = g_strconcat ("/softmax/", name, NULL);

      g_test_add_data_func (channels, GUINT_TO_POINTER (level), test_channels);
      g_test_add_data_func (softmax, GUINT_TO_POINTER (level), test_softmax);
    }
  return g_test_run ();
}
