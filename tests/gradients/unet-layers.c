/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backward passes of the layers of the U-Nets, on odd sizes. */
#include "check.h"

#include "core/base/threads.h"
#include "core/layers/layers.h"

#include <math.h>

typedef DiffusionValue (*Build) (DiffusionGraph *graph, const DiffusionValue *inputs, gint argument);

static void
check_built (Build build, gint argument, guint n_inputs, const DiffusionShape *shapes)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
  DiffusionValue inputs[4];

  for (guint i = 0; i < n_inputs; i++)
    inputs[i] = diffusion_graph_input (graph, shapes[i], TRUE);
  check_gradients (graph, n_inputs, inputs, build (graph, inputs, argument));
}

static void
check_norm (DiffusionShape shape, gint groups, gboolean affine, gboolean silu, gboolean add, gboolean film)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
  DiffusionValue inputs[3];
  DiffusionGroupNormOptions options = { .name = affine ? "norm" : NULL, .groups = groups, .epsilon = 1e-5,
                                        .silu = silu, .add = DIFFUSION_NO_VALUE, .film = DIFFUSION_NO_VALUE };
  guint n = 0;

  inputs[n++] = diffusion_graph_input (graph, shape, TRUE);
  if (add)
    options.add = inputs[n++] = diffusion_graph_input (graph, (DiffusionShape) { shape.n, 1, 1, shape.c }, TRUE);
  if (film)
    options.film = inputs[n++] = diffusion_graph_input (graph, (DiffusionShape) { shape.n, 1, 1, 2 * shape.c }, TRUE);
  check_gradients (graph, n, inputs, diffusion_layer_group_norm (graph, inputs[0], &options));
}

static void
test_group_norm (void)
{
  check_norm ((DiffusionShape) { 2, 3, 5, 12 }, 4, TRUE, FALSE, FALSE, FALSE);
  check_norm ((DiffusionShape) { 2, 3, 5, 12 }, 3, TRUE, TRUE, TRUE, FALSE);
  check_norm ((DiffusionShape) { 1, 5, 3, 70 }, 7, TRUE, TRUE, FALSE, TRUE);
  check_norm ((DiffusionShape) { 2, 3, 3, 8 }, 8, FALSE, FALSE, TRUE, TRUE);
  check_norm ((DiffusionShape) { 1, 61, 57, 18 }, 6, TRUE, TRUE, TRUE, TRUE);
  check_norm ((DiffusionShape) { 3, 1, 1, 32 }, 2, FALSE, TRUE, FALSE, FALSE);
}

/* A common offset far from zero must not cost the variance its digits. */
static void
test_group_norm_offset (void)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
  DiffusionValue x = diffusion_graph_input (graph, (DiffusionShape) { 1, 33, 31, 4 }, FALSE);
  DiffusionValue y = diffusion_layer_group_norm (
    graph, x,
    &(DiffusionGroupNormOptions) { .groups = 2, .epsilon = 1e-6, .add = DIFFUSION_NO_VALUE,
                                   .film = DIFFUSION_NO_VALUE });
  g_autoptr (DiffusionExec) exec = NULL;
  double sum = 0, squares = 0;
  gsize size = 33 * 31 * 4;
  float *in;
  const float *out;

  diffusion_graph_output (graph, y);
  exec = diffusion_exec_new (graph, DIFFUSION_RUN_INFERENCE, DIFFUSION_PRECISION_F32, NULL);
  in = diffusion_exec_value (exec, x);
  for (gsize k = 0; k < size; k++)
    in[k] = 3000.0f + sinf ((float) k);
  g_assert_true (diffusion_exec_forward (exec, NULL, NULL));
  out = diffusion_exec_value (exec, y);
  for (gsize k = 0; k < size; k++)
    {
      sum += out[k];
      squares += (double) out[k] * out[k];
    }
  g_assert_cmpfloat_with_epsilon (sum / (double) size, 0, 2e-3);
  g_assert_cmpfloat_with_epsilon (squares / (double) size, 1, 2e-3);
}

static DiffusionValue
build_attention (DiffusionGraph *graph, const DiffusionValue *inputs, gint heads)
{
  return diffusion_layer_attention (graph, inputs[0], inputs[1], inputs[2], heads);
}

static DiffusionValue
build_self_attention (DiffusionGraph *graph, const DiffusionValue *inputs, gint heads)
{
  DiffusionValue h = diffusion_layer_silu (graph, inputs[0]);

  return diffusion_layer_attention (graph, h, h, h, heads);
}

static void
test_attention (void)
{
  DiffusionShape small = { 2, 3, 5, 6 }, wide = { 1, 9, 11, 34 }, one = { 2, 1, 1, 4 };

  check_built (build_attention, 1, 3, (DiffusionShape[]) { small, small, small });
  check_built (build_attention, 3, 3, (DiffusionShape[]) { small, small, small });
  check_built (build_attention, 2, 3, (DiffusionShape[]) { wide, wide, wide });
  check_built (build_attention, 2, 3, (DiffusionShape[]) { one, one, one });
  check_built (build_self_attention, 2, 1, &small);
}

static DiffusionValue
build_resample (DiffusionGraph *graph, const DiffusionValue *inputs, gint argument)
{
  DiffusionValue x = inputs[0];

  switch (argument)
    {
    case 0:
      return diffusion_layer_average_pool (graph, x);
    case 1:
      return diffusion_layer_upsample (graph, x);
    case 2:
      /* Both ways, and gradients that add up. */
      return diffusion_layer_add (
        graph, diffusion_layer_upsample (graph, diffusion_layer_silu (graph, diffusion_layer_average_pool (graph, x))),
        diffusion_layer_add (graph, x, diffusion_layer_average_pool (graph, diffusion_layer_upsample (graph, x))));
    default:
      return diffusion_layer_concat (graph, diffusion_layer_concat (graph, x, inputs[1]), diffusion_layer_silu (graph, x));
    }
}

static void
test_resample (void)
{
  check_built (build_resample, 0, 1, &(DiffusionShape) { 2, 6, 4, 3 });
  check_built (build_resample, 0, 1, &(DiffusionShape) { 2, 7, 5, 17 });
  check_built (build_resample, 1, 1, &(DiffusionShape) { 2, 3, 5, 19 });
  check_built (build_resample, 2, 1, &(DiffusionShape) { 1, 6, 4, 3 });
  check_built (build_resample, 3, 2, (DiffusionShape[]) { { 2, 3, 5, 7 }, { 2, 3, 5, 4 } });
  check_built (build_resample, 3, 2, (DiffusionShape[]) { { 1, 31, 17, 1 }, { 1, 31, 17, 18 } });
}

static DiffusionValue
build_pool (DiffusionGraph *graph, const DiffusionValue *inputs, gint argument)
{
  DiffusionValue x = inputs[0], tokens;

  if (argument == 0)
    return diffusion_layer_mean (graph, x);
  if (argument == 1)
    return diffusion_layer_scale (graph, diffusion_layer_add (graph, diffusion_layer_scale (graph, x, 0.3), x), -1.7);
  if (argument == 2)
    return diffusion_layer_dropout (graph, diffusion_layer_dropout (graph, x, 0.5), 0.1);
  tokens = diffusion_layer_tokens (graph, x, "positions");
  tokens = diffusion_layer_attention (graph, diffusion_layer_linear (graph, tokens, "q", 6, 1),
                                      diffusion_layer_linear (graph, tokens, "k", 6, 1),
                                      diffusion_layer_linear (graph, tokens, "v", 6, 1), 2);
  return diffusion_layer_add (graph, diffusion_layer_linear (graph, diffusion_layer_first_token (graph, tokens), "o", 5, 1),
                              diffusion_layer_linear (graph, diffusion_layer_mean (graph, x), "p", 5, 1));
}

static void
test_pool (void)
{
  for (gint kind = 0; kind < 4; kind++)
    {
      check_built (build_pool, kind, 1, &(DiffusionShape) { 2, 3, 5, 6 });
      check_built (build_pool, kind, 1, &(DiffusionShape) { 1, 1, 1, 3 });
    }
}

static DiffusionValue
build_relu (DiffusionGraph *graph, const DiffusionValue *inputs, gint argument)
{
  /* Far enough from the corner for finite differences. */
  return diffusion_layer_relu (graph, diffusion_layer_scale (graph, inputs[0], 100));
}

static void
test_relu (void)
{
  check_built (build_relu, 0, 1, &(DiffusionShape) { 1, 1, 1, 5 });
}

/* The class table: rows that are used twice add up. */
static void
test_embedding (void)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
  DiffusionValue index = diffusion_graph_input (graph, (DiffusionShape) { 3, 1, 1, 1 }, FALSE);
  DiffusionValue y = diffusion_layer_embedding (graph, index, "table", 4, 5);
  g_autoptr (DiffusionExec) exec = NULL;
  g_autofree float *gradients = g_new0 (float, diffusion_params_get_total (params));
  const float rows[3] = { 2, 0, 2 };
  float *block = diffusion_params_allocate (params, NULL);

  diffusion_graph_output (graph, y);
  for (gsize k = 0; k < 20; k++)
    block[k] = (float) k;
  exec = diffusion_exec_new (graph, DIFFUSION_RUN_TRAINING, DIFFUSION_PRECISION_F32, NULL);
  diffusion_exec_set_gradients (exec, gradients);
  for (gsize i = 0; i < 3; i++)
    diffusion_exec_value (exec, index)[i] = rows[i];
  g_assert_true (diffusion_exec_forward (exec, NULL, NULL));
  for (gsize k = 0; k < 15; k++)
    {
      g_assert_cmpfloat (diffusion_exec_value (exec, y)[k], ==, 5 * rows[k / 5] + (float) (k % 5));
      diffusion_exec_gradient (exec, y)[k] = (float) (k + 1);
    }
  g_assert_true (diffusion_exec_backward (exec, NULL, NULL));
  for (gsize k = 0; k < 5; k++)
    {
      g_assert_cmpfloat (gradients[k], ==, (float) (k + 6));
      g_assert_cmpfloat (gradients[5 + k], ==, 0);
      g_assert_cmpfloat (gradients[10 + k], ==, (float) (2 * k + 12));
      g_assert_cmpfloat (gradients[15 + k], ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  diffusion_set_threads (3);
  g_test_add_func ("/gradients/group-norm", test_group_norm);
  g_test_add_func ("/gradients/group-norm-offset", test_group_norm_offset);
  g_test_add_func ("/gradients/attention", test_attention);
  g_test_add_func ("/gradients/resample", test_resample);
  g_test_add_func ("/gradients/pool", test_pool);
  g_test_add_func ("/gradients/relu", test_relu);
  g_test_add_func ("/gradients/embedding", test_embedding);
  return g_test_run ();
}
