/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The photo model's pieces for inference against the single layers that training uses, and for any number of threads. */
#include "core/model/photo-model.h"

#include <math.h>
#include <string.h>

#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "tests/kernels/guard.h"

typedef struct
{
  DiffusionPhotoConfig config;
  gint height, width, margin;
} Case;

/* Widths with and without rests of vectors; sizes of one cell, of several strips and bands, of odd numbers of cells. */
static const Case cases[] = {
  { { { 16, 32, 48 }, { 1, 1, 1, 1, 1 }, 16 }, 8, 8, 0 },      { { { 18, 24, 38 }, { 1, 2, 1, 1, 2 }, 16 }, 24, 296, 0 },
  { { { 16, 30, 64 }, { 2, 1, 1, 1, 1 }, 16 }, 264, 40, 0 },   { { { 64, 128, 256 }, { 1, 1, 1, 1, 1 }, 128 }, 72, 88, 0 },
  { { { 8, 16, 2 }, { 0, 0, 0, 0, 0 }, 8 }, 16, 32, 0 },       { { { 16, 16, 16 }, { 1, 1, 1, 1, 1 }, 16 }, 136, 152, 48 },
  { { { 20, 32, 16 }, { 1, 0, 1, 2, 3 }, 16 }, 144, 136, 56 },
};

static float *
forward (DiffusionGraph *graph, const DiffusionPhotoValues *values, const Case *c, gsize *size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionExec) exec = diffusion_exec_new (graph, DIFFUSION_RUN_INFERENCE, DIFFUSION_PRECISION_F32, &error);
  DiffusionShape shape = diffusion_graph_shape (graph, values->epsilon);

  g_assert_no_error (error);
  guard_fill (diffusion_exec_value (exec, values->x), (gsize) (c->height * c->width * 3), FILL_NORMAL, 3);
  diffusion_photo_model_set_level (exec, values, 0, 0.2);
  diffusion_exec_forward (exec, NULL, &error);
  g_assert_no_error (error);
  *size = diffusion_shape_size (shape);
  return g_memdup2 (diffusion_exec_value (exec, values->epsilon), *size * sizeof (float));
}

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  DiffusionPhotoValues plain_values, values;
  gint left, skipped;
  g_autoptr (DiffusionGraph) plain
    = diffusion_photo_model_build (&c->config, params, 1, c->height, c->width, &plain_values);
  g_autoptr (DiffusionGraph) graph
    = diffusion_photo_model_build_inner (&c->config, params, c->height, c->width, c->margin, &values, &left);
  float *weights = diffusion_params_allocate (params, &error);
  g_autofree float *want = NULL, *first = NULL;
  gsize n_want, n;

  g_assert_no_error (error);
  diffusion_params_initialise (params, 7, weights);
  for (gsize i = 0; i < diffusion_params_get_total (params); i++)
    if (weights[i] == 0)
      weights[i] = 0.1f * sinf ((float) i);
  skipped = c->margin - left;
  g_assert_cmpint (left, <=, c->margin);
  g_assert_cmpint (diffusion_graph_shape (graph, values.epsilon).h, ==, c->height - 2 * skipped);
  g_assert_cmpint (diffusion_graph_shape (graph, values.epsilon).w, ==, c->width - 2 * skipped);
  want = forward (plain, &plain_values, c, &n_want);
  for (guint threads = 1; threads <= 3; threads++)
    {
      g_autofree float *got = NULL;

      diffusion_set_threads (threads);
      got = forward (graph, &values, c, &n);
      if (first == NULL)
        first = g_memdup2 (got, n * sizeof (float));
      g_assert_cmpmem (got, n * sizeof (float), first, n * sizeof (float));
    }
  diffusion_set_threads (0);
  if (c->margin > 0)
    g_assert_cmpint (c->margin, >=, diffusion_photo_model_get_radius (&c->config));
  for (gint y = c->margin; y < c->height - c->margin; y++)
    for (gint x = c->margin; x < c->width - c->margin; x++)
      for (gint k = 0; k < 3; k++)
        {
          float a = first[((y - skipped) * (c->width - 2 * skipped) + x - skipped) * 3 + k];
          float b = want[(y * c->width + x) * 3 + k];

          if (!(fabsf (a - b) <= 2e-5f * (1 + fabsf (b))))
            g_error ("at %d, %d, %d: %g instead of %g", x, y, k, (double) a, (double) b);
        }
}

static void
test_depthwise_gate (gconstpointer data)
{
  static const gsize sizes[][2] = { { 1, 1 }, { 2, 15 }, { 3, 16 }, { 4, 17 }, { 9, 33 }, { 14, 64 } };
  const DiffusionKernels *reference = diffusion_kernels_for_level (DIFFUSION_CPU_REFERENCE);
  const DiffusionKernels *kernels = diffusion_kernels_for_level (GPOINTER_TO_UINT (data));

  for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (guint missing = 0; missing < 4; missing++)
      for (Fill fill = 0; fill < FILL_KINDS; fill++)
        {
          const gsize w = sizes[s][0], c = sizes[s][1], n = (w + 2) * 2 * c;
          float *x[3], *weight = guard_new (18 * c), *bias = guard_new (2 * c);
          float *got = guard_new (w * c), *want = guard_new (w * c);
          g_autofree double *scale = g_new (double, w * c);
          const float *rows[3];
          double largest = 1;

          for (guint32 row = 0; row < 3; row++)
            {
              x[row] = guard_new (n);
              guard_fill (x[row], n, fill == FILL_HUGE ? FILL_NORMAL : fill, row + 1);
              rows[row] = (row == 0 && (missing & 1) != 0) || (row == 2 && (missing & 2) != 0) ? NULL : x[row];
            }
          guard_fill (weight, 18 * c, FILL_NORMAL, 4);
          guard_fill (bias, 2 * c, fill == FILL_HUGE ? FILL_HUGE : FILL_NORMAL, 5);
          for (gsize i = 0; i < 2 * c; i++)
            {
              /* products of two of them must stay finite */
              if (fill == FILL_HUGE)
                bias[i] *= 1e-2f;
              largest = MAX (largest, fabs ((double) bias[i]));
            }
          reference->depthwise_gate_row (w, c, rows, weight, bias, want);
          kernels->depthwise_gate_row (w, c, rows, weight, bias, got);
          for (gsize i = 0; i < w * c; i++)
            scale[i] = 100 * largest * largest;
          guard_compare ("depthwise_gate_row", w * c, got, want, scale, 1e-6);
          for (int row = 0; row < 3; row++)
            guard_free (x[row]);
          guard_free (weight);
          guard_free (bias);
          guard_free (got);
          guard_free (want);
        }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint level = DIFFUSION_CPU_BASELINE; level <= MIN (diffusion_cpu_best_level (), DIFFUSION_CPU_AVX512); level++)
    {
      g_autofree char *path = g_strconcat ("/depthwise-gate/", diffusion_cpu_level_name (level), NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (level), test_depthwise_gate);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/photo-network/%" G_GSIZE_FORMAT, i);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  return g_test_run ();
}
