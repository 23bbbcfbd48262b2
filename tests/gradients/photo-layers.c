/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backward passes of the layers of the photo model, on odd sizes. */
#include "check.h"

#include <string.h>

#include "core/base/threads.h"
#include "core/layers/layers.h"

static void
check_unary (DiffusionGraph *graph, DiffusionValue x, DiffusionValue y)
{
  check_gradients (graph, 1, &x, y);
}

static void
check_conv (DiffusionShape shape, gint out_channels, gint kernel, gint stride, gint pad, gboolean circular)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
  DiffusionValue x = diffusion_graph_input (graph, shape, TRUE);
  DiffusionConv2dOptions options = { .name = "conv", .out_channels = out_channels, .kernel = kernel, .stride = stride,
                                     .pad = { pad, pad, pad, pad }, .circular = circular, .init_gain = 1,
                                     .residual = DIFFUSION_NO_VALUE };

  check_unary (graph, x, diffusion_layer_conv2d (graph, x, &options));
}

static void
test_conv (void)
{
  check_conv ((DiffusionShape) { 2, 5, 7, 3 }, 4, 1, 1, 0, FALSE);
  check_conv ((DiffusionShape) { 2, 5, 7, 3 }, 5, 3, 1, 1, FALSE);
  check_conv ((DiffusionShape) { 1, 4, 6, 17 }, 19, 3, 1, 1, TRUE);
  check_conv ((DiffusionShape) { 1, 1, 1, 2 }, 3, 3, 1, 1, FALSE);
  check_conv ((DiffusionShape) { 1, 2, 2, 2 }, 3, 3, 1, 1, TRUE);
  check_conv ((DiffusionShape) { 2, 6, 4, 3 }, 5, 2, 2, 0, FALSE);
  check_conv ((DiffusionShape) { 1, 7, 5, 3 }, 2, 2, 2, 0, FALSE);
  check_conv ((DiffusionShape) { 2, 7, 6, 3 }, 4, 3, 2, 1, FALSE);
  check_conv ((DiffusionShape) { 1, 80, 110, 2 }, 3, 3, 1, 1, FALSE);
  check_conv ((DiffusionShape) { 2, 80, 80, 3 }, 2, 1, 1, 0, FALSE);
}

/* Padding on one side only, none, and more than the kernel's half; the sizes that networks do by Winograd. */
static void
test_conv_padding (void)
{
  static const struct
  {
    gint kernel, stride, pad[4];
    gboolean circular, no_bias;
    DiffusionShape shape;
    gint out_channels;
  } cases[] = {
    { 3, 2, { 0, 0, 1, 1 }, FALSE, FALSE, { 2, 6, 8, 3 }, 4 },
    { 3, 2, { 0, 0, 1, 1 }, FALSE, FALSE, { 1, 7, 5, 3 }, 2 },
    { 3, 2, { 1, 1, 1, 1 }, TRUE, FALSE, { 1, 6, 8, 3 }, 2 },
    { 3, 1, { 0, 0, 0, 0 }, FALSE, TRUE, { 2, 5, 7, 3 }, 5 },
    { 3, 1, { 2, 2, 2, 2 }, FALSE, FALSE, { 1, 5, 3, 4 }, 3 },
    { 3, 1, { 2, 0, 0, 2 }, FALSE, FALSE, { 1, 5, 4, 2 }, 3 },
    { 3, 1, { 3, 3, 3, 3 }, FALSE, FALSE, { 1, 3, 4, 2 }, 2 },
    { 5, 1, { 2, 2, 2, 2 }, TRUE, FALSE, { 1, 5, 7, 3 }, 2 },
    { 3, 1, { 1, 1, 1, 1 }, FALSE, FALSE, { 1, 35, 33, 17 }, 20 },
    { 3, 1, { 1, 1, 1, 1 }, TRUE, TRUE, { 1, 33, 35, 19 }, 16 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DiffusionParams) params = diffusion_params_new ();
      g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
      DiffusionValue x = diffusion_graph_input (graph, cases[i].shape, TRUE);
      DiffusionConv2dOptions options = { .name = "conv", .out_channels = cases[i].out_channels,
                                         .kernel = cases[i].kernel, .stride = cases[i].stride,
                                         .circular = cases[i].circular, .no_bias = cases[i].no_bias, .init_gain = 1,
                                         .residual = DIFFUSION_NO_VALUE };
      DiffusionValue y;

      memcpy (options.pad, cases[i].pad, sizeof options.pad);
      y = diffusion_layer_conv2d (graph, diffusion_layer_silu (graph, x), &options);
      /* A second use of the same gradient: it is added to. */
      options.name = "again";
      check_unary (graph, x, diffusion_layer_add (graph, y, diffusion_layer_conv2d (graph, x, &options)));
    }
}

static void
test_shared_and_residual (void)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
  DiffusionValue x = diffusion_graph_input (graph, (DiffusionShape) { 2, 3, 5, 4 }, TRUE);
  DiffusionConv2dOptions options = { .name = "a", .out_channels = 4, .kernel = 3, .stride = 1,
                                     .pad = { 1, 1, 1, 1 }, .init_gain = 1, .residual = DIFFUSION_NO_VALUE };
  DiffusionValue h, k;

  /* One value read by four layers, one parameter used twice, residuals that are read again later. */
  h = diffusion_layer_conv2d (graph, x, &options);
  options.residual = x;
  h = diffusion_layer_conv2d (graph, diffusion_layer_silu (graph, h), &options);
  options.name = "b";
  options.residual = h;
  k = diffusion_layer_conv2d (graph, diffusion_layer_silu (graph, h), &options);
  k = diffusion_layer_add (graph, k, diffusion_layer_add (graph, h, x));
  k = diffusion_layer_add (graph, k, diffusion_layer_silu (graph, x));
  check_unary (graph, x, diffusion_layer_add (graph, k, k));
}

static void
check_norm (DiffusionShape shape, gboolean modulated)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
  DiffusionValue inputs[2];

  inputs[0] = diffusion_graph_input (graph, shape, TRUE);
  inputs[1] = modulated ? diffusion_graph_input (graph, (DiffusionShape) { shape.n, 1, 1, 2 * shape.c }, TRUE) : -1;
  check_gradients (graph, modulated ? 2 : 1, inputs, diffusion_layer_film_norm (graph, inputs[0], inputs[1]));
}

static void
test_film_norm (void)
{
  check_norm ((DiffusionShape) { 2, 3, 5, 16 }, TRUE);
  check_norm ((DiffusionShape) { 1, 3, 5, 19 }, TRUE);
  check_norm ((DiffusionShape) { 2, 2, 2, 5 }, FALSE);
  check_norm ((DiffusionShape) { 2, 40, 40, 3 }, TRUE);
}

static void
check_gates (DiffusionShape shape)
{
  for (int kind = 0; kind < 3; kind++)
    {
      g_autoptr (DiffusionParams) params = diffusion_params_new ();
      g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
      DiffusionValue x = diffusion_graph_input (graph, shape, TRUE);

      if (kind == 0)
        check_unary (graph, x, diffusion_layer_gate (graph, x));
      else if (kind == 1)
        check_unary (graph, x, diffusion_layer_depthwise_gate (graph, x, "d"));
      else
        {
          DiffusionValue y = diffusion_layer_depthwise_gate (graph, x, "d");

          y = diffusion_layer_add (graph, y, diffusion_layer_gate (graph, x));
          check_unary (graph, x, y);
        }
    }
}

static void
test_gates (void)
{
  check_gates ((DiffusionShape) { 2, 3, 5, 32 });
  check_gates ((DiffusionShape) { 1, 1, 1, 6 });
  check_gates ((DiffusionShape) { 1, 2, 1, 34 });
  check_gates ((DiffusionShape) { 1, 70, 3, 2 });
}

static void
test_pixel_shuffle (void)
{
  for (gint factor = 2; factor <= 3; factor++)
    {
      g_autoptr (DiffusionParams) params = diffusion_params_new ();
      g_autoptr (DiffusionGraph) graph = diffusion_graph_new (params);
      DiffusionValue x = diffusion_graph_input (graph, (DiffusionShape) { 2, 6, 12, 3 }, TRUE);
      DiffusionValue y = diffusion_layer_silu (graph, diffusion_layer_pixel_unshuffle (graph, x, factor));

      y = diffusion_layer_pixel_shuffle (graph, diffusion_layer_add (graph, y, y), factor);
      check_unary (graph, x, diffusion_layer_add (graph, x, y));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  diffusion_set_threads (3);
  g_test_add_func ("/gradients/conv", test_conv);
  g_test_add_func ("/gradients/conv-padding", test_conv_padding);
  g_test_add_func ("/gradients/shared-and-residual", test_shared_and_residual);
  g_test_add_func ("/gradients/film-norm", test_film_norm);
  g_test_add_func ("/gradients/gates", test_gates);
  g_test_add_func ("/gradients/pixel-shuffle", test_pixel_shuffle);
  return g_test_run ();
}
