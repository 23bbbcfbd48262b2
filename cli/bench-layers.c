/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Benchmarks of single layers, on all cores. */
#include "cli/bench.h"
#include "core/diffusion.h"
#include "core/layers/layers.h"

typedef struct
{
  const char *name;
  DiffusionShape shape;
  gint out_channels;
  gint kernel; /* of a convolution; or one of these: */
} Layer;

enum
{
  GATED_BLOCK = 100,
  NORM = 0,
  /* below: attention with that many heads */
};

/* What takes the time in the usual networks: 3×3 convolutions of the published U-Nets, a 1×1 one and the depthwise one
 * of the photo model, attention. */
static const Layer layers[] = {
  { "layer/conv3x3-32x32-128-128", { 8, 32, 32, 128 }, 128, 3 },
  { "layer/conv3x3-256x256-128-128", { 1, 256, 256, 128 }, 128, 3 },
  { "layer/conv3x3-128x128-128-256", { 1, 128, 128, 128 }, 256, 3 },
  { "layer/conv3x3-64x64-256-256", { 1, 64, 64, 256 }, 256, 3 },
  { "layer/conv3x3-16x16-512-512", { 1, 16, 16, 512 }, 512, 3 },
  { "layer/conv1x1-128x128-64-128", { 1, 128, 128, 64 }, 128, 1 },
  { "layer/depthwise-gate-128x128-128", { 1, 128, 128, 128 }, 0, 3 },
  { "layer/group-norm-silu-64x64-256", { 1, 64, 64, 256 }, 0, 0 },
  { "layer/gated-block-64x124-64", { 1, 64, 124, 64 }, 64, GATED_BLOCK },
  { "layer/gated-block-32x96-128", { 1, 32, 96, 128 }, 128, GATED_BLOCK },
  { "layer/gated-block-16x68-256", { 1, 16, 68, 256 }, 256, GATED_BLOCK },
  { "layer/attention-16x16-512", { 1, 16, 16, 512 }, 0, -1 },
  { "layer/attention-32x32-256-4-heads", { 1, 32, 32, 256 }, 0, -4 },
};

typedef struct
{
  DiffusionExec *exec;
  GCancellable *cancellable;
} Run;

static gboolean
run_layer (gpointer data, GError **error)
{
  Run *run = data;

  return diffusion_exec_forward (run->exec, run->cancellable, error);
}

/* A block of the photo model, whose parameters the single layers declare. */
static DiffusionValue
add_block (DiffusionGraph *graph, DiffusionValue x, gint channels)
{
  static const char *const names[] = { "block.expand1", "block.project1", "block.expand2", "block.project2" };
  g_autoptr (DiffusionGraph) single = diffusion_graph_new (diffusion_graph_get_params (graph));
  DiffusionValue wide = diffusion_graph_input (single, (DiffusionShape) { 1, 1, 1, 2 * channels }, FALSE);
  DiffusionValue narrow = diffusion_graph_input (single, (DiffusionShape) { 1, 1, 1, channels }, FALSE);
  DiffusionValue film = diffusion_graph_input (graph, (DiffusionShape) { 1, 1, 1, 2 * channels }, FALSE);

  diffusion_layer_depthwise_gate (single, wide, "block.depthwise");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const DiffusionConv2dOptions conv = { .name = names[i],
                                            .out_channels = i % 2 == 0 ? 2 * channels : channels,
                                            .kernel = 1,
                                            .stride = 1,
                                            .init_gain = 1.0,
                                            .residual = DIFFUSION_NO_VALUE };

      diffusion_layer_conv2d (single, narrow, &conv);
    }
  return diffusion_layer_gated_block (graph, x, film, film, "block");
}

static DiffusionValue
add_layer (DiffusionGraph *graph, DiffusionValue x, const Layer *layer)
{
  gint pad = layer->kernel / 2;
  const DiffusionConv2dOptions conv = { .name = "conv",
                                        .out_channels = layer->out_channels,
                                        .kernel = layer->kernel,
                                        .stride = 1,
                                        .pad = { pad, pad, pad, pad },
                                        .init_gain = 1.0,
                                        .residual = DIFFUSION_NO_VALUE };
  const DiffusionGroupNormOptions norm = { .name = "norm",
                                           .groups = 32,
                                           .epsilon = 1e-5,
                                           .silu = TRUE,
                                           .add = DIFFUSION_NO_VALUE,
                                           .film = DIFFUSION_NO_VALUE };

  if (layer->kernel == GATED_BLOCK)
    return add_block (graph, x, layer->out_channels);
  if (layer->kernel < 0)
    return diffusion_layer_attention (graph, x, x, x, -layer->kernel);
  if (layer->kernel == NORM)
    return diffusion_layer_group_norm (graph, x, &norm);
  if (layer->out_channels == 0)
    return diffusion_layer_depthwise_gate (graph, x, "depthwise");
  return diffusion_layer_conv2d (graph, x, &conv);
}

static gboolean
bench_layer (CliBench *bench, const Layer *layer, DiffusionPrecision precision, const char *name, GError **error)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
  DiffusionValue x = diffusion_graph_input (graph, layer->shape, FALSE);
  const DiffusionStream stream = { 1, DIFFUSION_PURPOSE_NOISE, 0 };

  diffusion_graph_output (graph, add_layer (graph, x, layer));

  float *block = diffusion_params_allocate (params, error);
  if (block == NULL)
    return FALSE;
  diffusion_params_initialise (params, 1, block);

  g_autoptr (DiffusionExec) exec = diffusion_exec_new (graph, DIFFUSION_RUN_INFERENCE, precision, error);
  if (exec == NULL)
    return FALSE;

  Run run = { exec, cli_bench_get_cancellable (bench) };
  double macs = (double) diffusion_graph_get_macs (graph);
  diffusion_random_normal_fill (&stream, 0, 0, (gint) diffusion_shape_size (layer->shape), 1, 1,
                                diffusion_exec_value (exec, x));
  return cli_bench_run (bench, name, macs > 0.0 ? 2.0 * macs : (double) diffusion_shape_size (layer->shape),
                        macs > 0.0 ? "FLOP" : "values", run_layer, &run, error);
}

gboolean
cli_bench_layers (CliBench *bench, GError **error)
{
  static const char *const precisions[] = { "f32", "bf16" };

  for (guint i = 0; i < G_N_ELEMENTS (layers); i++)
    for (DiffusionPrecision precision = DIFFUSION_PRECISION_F32; precision <= DIFFUSION_PRECISION_BF16; precision++)
      {
        g_autofree char *name = g_strdup_printf ("%s/%s", layers[i].name, precisions[precision]);

        if (cli_bench_wanted (bench, name) && !bench_layer (bench, &layers[i], precision, name, error))
          return FALSE;
      }
  return TRUE;
}
