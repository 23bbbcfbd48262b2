/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Element-wise kernels of every CPU level against the reference. */
#include "core/kernels/kernels.h"
#include "tests/kernels/guard.h"

#include <math.h>
#include <string.h>

static const gsize lengths[] = { 0, 1, 2, 7, 15, 16, 17, 31, 33, 64, 100, 257, 1000 };

typedef void (*Call) (const DiffusionKernels *kernels, gsize n, const float *a, const float *b, float *y);

static void
call_silu (const DiffusionKernels *kernels, gsize n, const float *a, const float *b, float *y)
{
  kernels->silu (n, a, y);
}

static void
call_silu_in_place (const DiffusionKernels *kernels, gsize n, const float *a, const float *b, float *y)
{
  memcpy (y, a, n * sizeof (float));
  kernels->silu (n, y, y);
}

static void
call_silu_backward (const DiffusionKernels *kernels, gsize n, const float *a, const float *b, float *y)
{
  kernels->silu_backward (n, a, b, y);
}

static void
call_silu_backward_in_place (const DiffusionKernels *kernels, gsize n, const float *a, const float *b, float *y)
{
  memcpy (y, b, n * sizeof (float));
  kernels->silu_backward (n, a, y, y);
}

static void
call_add (const DiffusionKernels *kernels, gsize n, const float *a, const float *b, float *y)
{
  kernels->add (n, a, b, y);
}

static void
call_add_scaled (const DiffusionKernels *kernels, gsize n, const float *a, const float *b, float *y)
{
  memcpy (y, b, n * sizeof (float));
  kernels->add_scaled (n, -0.3f, a, y);
}

static void
call_scale (const DiffusionKernels *kernels, gsize n, const float *a, const float *b, float *y)
{
  kernels->scale (n, 1.7f, a, y);
}

static const struct
{
  const char *name;
  Call call;
  double cancels; /* share of the inputs that sets the scale of errors where terms may cancel */
} calls[] = {
  { "silu", call_silu, 1e-32 },
  { "silu in place", call_silu_in_place, 1e-32 },
  { "silu_backward", call_silu_backward, 0.1 },
  { "silu_backward in place", call_silu_backward_in_place, 0.1 },
  { "add", call_add, 1.0 },
  { "add_scaled", call_add_scaled, 1.0 },
  { "scale", call_scale, 0.0 },
};

static void
test_elements (gconstpointer data)
{
  const DiffusionKernels *reference = diffusion_kernels_for_level (DIFFUSION_CPU_REFERENCE);
  const DiffusionKernels *kernels = diffusion_kernels_for_level (GPOINTER_TO_UINT (data));

  for (gsize c = 0; c < G_N_ELEMENTS (calls); c++)
    for (gsize l = 0; l < G_N_ELEMENTS (lengths); l++)
      for (Fill fill = 0; fill < FILL_KINDS; fill++)
        {
          const gsize n = lengths[l];
          float *a = guard_new (n), *b = guard_new (n), *got = guard_new (n), *want = guard_new (n);
          double scale[1000];

          guard_fill (a, n, fill, 1 + l);
          guard_fill (b, n, fill, 99 + l);
          if (n > 20)
            {
              /* Where exp () would overflow, and what must come through unharmed. */
              a[1] = 88.5f;
              a[2] = -88.5f;
              a[3] = -104.0f;
              a[4] = 0.0f;
              a[5] = -0.0f;
              a[6] = NAN;
            }
          calls[c].call (reference, n, a, b, want);
          calls[c].call (kernels, n, a, b, got);
          for (gsize i = 0; i < n; i++)
            scale[i] = fabs ((double) want[i]) + calls[c].cancels * (fabs ((double) a[i]) + fabs ((double) b[i])) + 1e-30;
          guard_compare (calls[c].name, n, got, want, scale, 3e-6);
          guard_free (a);
          guard_free (b);
          guard_free (got);
          guard_free (want);
        }
}

static void
test_gate (gconstpointer data)
{
  const DiffusionKernels *reference = diffusion_kernels_for_level (DIFFUSION_CPU_REFERENCE);
  const DiffusionKernels *kernels = diffusion_kernels_for_level (GPOINTER_TO_UINT (data));
  static const gsize sizes[][2] = { { 1, 1 }, { 3, 5 }, { 2, 16 }, { 5, 33 }, { 4, 64 } };

  for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++)
    {
      const gsize rows = sizes[s][0], c = sizes[s][1];
      float *x = guard_new (rows * 2 * c), *dy = guard_new (rows * c);
      float *got = guard_new (rows * c), *want = guard_new (rows * c);
      float *dgot = guard_new (rows * 2 * c), *dwant = guard_new (rows * 2 * c);

      guard_fill (x, rows * 2 * c, FILL_NORMAL, 3);
      guard_fill (dy, rows * c, FILL_HUGE, 4);
      reference->gate (rows, c, x, want);
      kernels->gate (rows, c, x, got);
      guard_compare ("gate", rows * c, got, want, NULL, 1e-6);
      reference->gate_backward (rows, c, x, dy, dwant);
      kernels->gate_backward (rows, c, x, dy, dgot);
      guard_compare ("gate_backward", rows * 2 * c, dgot, dwant, NULL, 1e-6);
      guard_free (x);
      guard_free (dy);
      guard_free (got);
      guard_free (want);
      guard_free (dgot);
      guard_free (dwant);
    }
}

static void
test_rows (gconstpointer data)
{
  const DiffusionKernels *reference = diffusion_kernels_for_level (DIFFUSION_CPU_REFERENCE);
  const DiffusionKernels *kernels = diffusion_kernels_for_level (GPOINTER_TO_UINT (data));
  static const gsize sizes[][2] = { { 1, 1 }, { 3, 5 }, { 9, 16 }, { 5, 33 }, { 70, 150 } };

  for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++)
    {
      const gsize rows = sizes[s][0], c = sizes[s][1], ld = c + 3;
      float *x = guard_new (rows * ld), *y = guard_new (rows * ld), *want = guard_new (rows * ld);
      float *bias = guard_new (c), *sums = guard_new (c), *sums_want = guard_new (c);
      double scale[150];

      for (gsize r = 0; r < rows; r++)
        guard_fill (x + r * ld, c, s % FILL_KINDS, 7 + r);
      guard_fill (bias, c, FILL_NORMAL, 8);
      for (gsize i = 0; i < c; i++)
        {
          sums[i] = sums_want[i] = bias[i];
          scale[i] = fabsf (bias[i]);
          for (gsize r = 0; r < rows; r++)
            scale[i] += fabsf (x[r * ld + i]);
        }
      if (rows <= 9)
        {
          const double weights[9] = { 1, -0.5, 1e-3, 7, 0, 3, -1, 1.0 / 3, 2 };

          reference->combine_rows (c, rows, weights, x, ld, want);
          kernels->combine_rows (c, rows, weights, x, ld, y);
          guard_compare ("combine_rows", c, y, want, NULL, 1e-6);
        }
      reference->sum_rows (rows, c, x, ld, sums_want);
      kernels->sum_rows (rows, c, x, ld, sums);
      guard_compare ("sum_rows", c, sums, sums_want, scale, 1e-6);
      guard_free (x);
      guard_free (y);
      guard_free (want);
      guard_free (bias);
      guard_free (sums);
      guard_free (sums_want);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint level = DIFFUSION_CPU_BASELINE; level <= MIN (diffusion_cpu_best_level (), DIFFUSION_CPU_AVX512); level++)
    {
      const char *name = diffusion_cpu_level_name (level);
      g_autofree char *elements = g_strconcat ("/elementwise/", name, NULL);
      g_autofree char *rows = g_strconcat ("/rows/", name, NULL);
      g_autofree char *gate = g_strconcat ("/gate/", name, NULL);

      g_test_add_data_func (elements, GUINT_TO_POINTER (level), test_elements);
      g_test_add_data_func (gate, GUINT_TO_POINTER (level), test_gate);
      g_test_add_data_func (rows, GUINT_TO_POINTER (level), test_rows);
    }
  return g_test_run ();
}
