/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolutions by every algorithm against the plain sum, and for any number of threads. */
#include "core/kernels/conv2d.h"

#include <math.h>
#include <string.h>

#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "tests/kernels/guard.h"

/* n, h, w, in, out, kernel, stride, pads (top, left, bottom, right), circular */
static const DiffusionConvShape shapes[] = {
  { 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, FALSE },      { 2, 9, 7, 33, 48, 1, 1, 0, 0, 0, 0, FALSE },
  { 1, 1, 1, 16, 16, 3, 1, 1, 1, 1, 1, FALSE },    { 1, 5, 3, 3, 7, 3, 1, 1, 1, 1, 1, FALSE },
  { 2, 8, 8, 32, 64, 3, 1, 1, 1, 1, 1, FALSE },    { 1, 13, 18, 20, 35, 3, 1, 1, 1, 1, 1, FALSE },
  { 1, 13, 18, 20, 35, 3, 1, 1, 1, 1, 1, TRUE },   { 1, 2, 3, 17, 16, 3, 1, 1, 1, 1, 1, TRUE },
  { 1, 1, 1, 16, 5, 3, 1, 1, 1, 1, 1, TRUE },      { 1, 9, 11, 16, 24, 3, 1, 0, 0, 0, 0, FALSE },
  { 2, 8, 6, 24, 40, 3, 2, 0, 0, 1, 1, FALSE },    { 2, 9, 7, 24, 40, 3, 2, 1, 1, 1, 1, FALSE },
  { 1, 8, 8, 16, 32, 2, 2, 0, 0, 0, 0, FALSE },    { 1, 6, 6, 5, 3, 5, 1, 2, 2, 2, 2, TRUE },
  { 1, 30, 33, 32, 70, 3, 1, 1, 1, 1, 1, FALSE },  { 1, 4, 4, 100, 260, 3, 1, 1, 1, 1, 1, FALSE },
};

static gboolean
fits (const DiffusionConvShape *s, DiffusionConvAlgorithm algorithm)
{
  switch (algorithm)
    {
    case DIFFUSION_CONV_POINTWISE:
      return s->kernel == 1 && s->stride == 1 && s->pad_top + s->pad_left + s->pad_bottom + s->pad_right == 0;
    case DIFFUSION_CONV_WINOGRAD2:
    case DIFFUSION_CONV_WINOGRAD4:
      return s->kernel == 3 && s->stride == 1;
    default:
      return TRUE;
    }
}

static void
check (const DiffusionConvShape *s, DiffusionConvAlgorithm algorithm, Fill fill, gboolean with_bias, int residual_kind,
       DiffusionActivation activation)
{
  DiffusionConvPlan plan;
  gsize nx = s->n * s->h * s->w * s->in_channels, nw = s->out_channels * s->kernel * s->kernel * s->in_channels, ny;
  float *x = guard_new (nx), *weight = guard_new (nw), *bias = guard_new (s->out_channels), *y, *want, *residual;
  guint8 *packed, *workspace;
  g_autofree double *scale = NULL;
  g_autofree float *absolute = NULL;
  g_autofree char *what = NULL;
  static const char *const names[] = { "auto", "pointwise", "gather", "winograd2", "winograd4" };
  double tolerance = algorithm == DIFFUSION_CONV_WINOGRAD4 || algorithm == DIFFUSION_CONV_AUTO ? 2e-5 : 2e-6;

  diffusion_conv_plan (&plan, s, DIFFUSION_PRECISION_F32, algorithm);
  ny = s->n * plan.out_h * plan.out_w * s->out_channels;
  y = guard_new (ny);
  want = guard_new (ny);
  residual = guard_new (ny);
  guard_fill (x, nx, fill, 1);
  guard_fill (weight, nw, FILL_NORMAL, 2);
  guard_fill (bias, s->out_channels, fill, 3);
  guard_fill (residual, ny, fill, 4);
  diffusion_conv_reference (s, x, weight, with_bias ? bias : NULL, residual_kind ? residual : NULL, activation, want);

  /* Winograd mixes the pixels of a tile: errors are relative to the largest sum around. */
  absolute = g_new (float, MAX (nx, nw));
  scale = g_new (double, ny);
  {
    double largest = 0, weights = 0, extra = 0;

    for (gsize i = 0; i < nx; i++)
      largest = MAX (largest, fabs ((double) x[i]));
    for (gsize i = 0; i < nw; i++)
      weights += weight[i] * weight[i];
    for (gsize i = 0; i < ny; i++)
      extra = MAX (extra, residual_kind ? fabs ((double) residual[i]) : 0);
    for (gsize i = 0; i < s->out_channels; i++)
      extra = MAX (extra, with_bias ? fabs ((double) bias[i]) : 0);
    for (gsize i = 0; i < ny; i++)
      scale[i] = largest * (1 + sqrt (weights / (double) s->out_channels)) + extra;
  }
  what = g_strdup_printf ("%s n%zu %zux%zu %zu->%zu k%zu s%zu circular %d fill %d bias %d residual %d activation %d",
                          names[algorithm], s->n, s->h, s->w, s->in_channels, s->out_channels, s->kernel, s->stride,
                          s->circular, fill, with_bias, residual_kind, activation);
  for (guint threads = 1; threads <= 3; threads += 2)
    {
      float *first = threads == 1 ? NULL : g_memdup2 (y, ny * 4);

      diffusion_set_threads (threads);
      diffusion_conv_plan (&plan, s, DIFFUSION_PRECISION_F32, algorithm);
      packed = (guint8 *) guard_new (plan.packed_bytes / 4 + 16);
      workspace = (guint8 *) guard_new (plan.workspace_bytes / 4 + 16);
      diffusion_conv_pack (&plan, weight, packed + 64 - (gsize) packed % 64);
      if (residual_kind == 2)
        memcpy (y, residual, ny * sizeof (float));
      diffusion_conv_run (&plan, x, packed + 64 - (gsize) packed % 64, with_bias ? bias : NULL,
                          residual_kind == 2   ? y
                          : residual_kind == 1 ? residual
                                               : NULL,
                          activation, y, workspace + 64 - (gsize) workspace % 64);
      guard_compare (what, ny, y, want, scale, tolerance);
      if (first != NULL)
        g_assert_cmpmem (first, ny * 4, y, ny * 4);
      guard_free ((float *) (gpointer) packed);
      guard_free ((float *) (gpointer) workspace);
      g_free (first);
    }
  guard_free (x);
  guard_free (weight);
  guard_free (bias);
  guard_free (residual);
  guard_free (y);
  guard_free (want);
}

static void
test_algorithm (gconstpointer data)
{
  DiffusionConvAlgorithm algorithm = GPOINTER_TO_UINT (data);

  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    if (fits (&shapes[i], algorithm))
      {
        check (&shapes[i], algorithm, i % FILL_KINDS, i % 2, i % 3, i % 5 == 4);
        check (&shapes[i], algorithm, FILL_NORMAL, (i + 1) % 2, (i + 2) % 3, i % 2);
      }
}

static void
test_transforms (gconstpointer data)
{
  const DiffusionKernels *reference = diffusion_kernels_for_level (DIFFUSION_CPU_REFERENCE);
  const DiffusionKernels *kernels = diffusion_kernels_for_level (GPOINTER_TO_UINT (data));
  static const gsize channels[] = { 1, 15, 16, 17, 48, 67 };

  for (gsize m = 2; m <= 4; m += 2)
    for (gsize i = 0; i < G_N_ELEMENTS (channels); i++)
      {
        const gsize c = channels[i], a = (m + 2) * (m + 2), step = c + 3;
        float *x = guard_new (a * c), *bias = guard_new (c), *residual = guard_new (m * m * c);
        float *got = guard_new (a * step), *want = guard_new (a * step);
        float *y_got = guard_new (m * m * c), *y_want = guard_new (m * m * c);
        g_autofree double *scale = g_new (double, a * step);
        const float *pixels[36], *residuals[16];
        float *to_got[16], *to_want[16];

        guard_fill (x, a * c, i % FILL_KINDS, 5);
        guard_fill (bias, c, FILL_NORMAL, 6);
        guard_fill (residual, m * m * c, FILL_NORMAL, 7);
        for (gsize p = 0; p < a; p++)
          pixels[p] = x + p * c;
        reference->winograd_input (m, c, pixels, want, step);
        kernels->winograd_input (m, c, pixels, got, step);
        for (gsize p = 0; p < a * step; p++)
          {
            scale[p] = 0;
            for (gsize q = 0; q < a && p % step < c; q++)
              scale[p] += fabs ((double) x[q * c + p % step]);
          }
        guard_compare ("winograd_input", a * step, got, want, scale, 4e-6);

        for (gsize p = 0; p < m * m; p++)
          {
            residuals[p] = residual + p * c;
            to_got[p] = p % 5 == 2 ? NULL : y_got + p * c;
            to_want[p] = p % 5 == 2 ? NULL : y_want + p * c;
          }
        for (int kind = 0; kind < 2; kind++)
          {
            reference->winograd_output (m, c, want, step, kind ? bias : NULL, kind ? residuals : NULL, to_want);
            kernels->winograd_output (m, c, want, step, kind ? bias : NULL, kind ? residuals : NULL, to_got);
            for (gsize p = 0; p < m * m * c; p++)
              scale[p] = 8;
            for (gsize p = 0; p < m * m * c; p++)
              for (gsize q = 0; q < a; q++)
                scale[p] += fabs ((double) want[q * step + p % c]);
            guard_compare ("winograd_output", m * m * c, y_got, y_want, scale, 1e-5);
          }
        guard_free (x);
        guard_free (bias);
        guard_free (residual);
        guard_free (got);
        guard_free (want);
        guard_free (y_got);
        guard_free (y_want);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint level = DIFFUSION_CPU_BASELINE; level <= MIN (diffusion_cpu_best_level (), DIFFUSION_CPU_AVX512); level++)
    {
      g_autofree char *path = g_strconcat ("/winograd/", diffusion_cpu_level_name (level), NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (level), test_transforms);
    }
  g_test_add_data_func ("/conv2d/auto", GUINT_TO_POINTER (DIFFUSION_CONV_AUTO), test_algorithm);
  g_test_add_data_func ("/conv2d/pointwise", GUINT_TO_POINTER (DIFFUSION_CONV_POINTWISE), test_algorithm);
  g_test_add_data_func ("/conv2d/gather", GUINT_TO_POINTER (DIFFUSION_CONV_GATHER), test_algorithm);
  g_test_add_data_func ("/conv2d/winograd2", GUINT_TO_POINTER (DIFFUSION_CONV_WINOGRAD2), test_algorithm);
  g_test_add_data_func ("/conv2d/winograd4", GUINT_TO_POINTER (DIFFUSION_CONV_WINOGRAD4), test_algorithm);
  return g_test_run ();
}
