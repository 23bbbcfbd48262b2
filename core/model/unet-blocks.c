/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The blocks that U-Nets are made of: residual, attention, resampling. */
#include "core/model/unet-private.h"

DiffusionValue
unet_conv (UnetBuilder *b, DiffusionValue x, const char *path, gint out_channels, gint kernel, double init_gain,
           DiffusionValue residual)
{
  gint pad = kernel / 2;

  return diffusion_layer_conv2d (b->graph, x,
                                 &(DiffusionConv2dOptions) { .name = path, .out_channels = out_channels,
                                                             .kernel = kernel, .stride = 1,
                                                             .pad = { pad, pad, pad, pad },
                                                             .circular = b->config->circular, .init_gain = init_gain,
                                                             .residual = residual });
}

static DiffusionValue
norm (UnetBuilder *b, DiffusionValue x, const char *path, gint groups, gboolean silu, DiffusionValue add,
      DiffusionValue film)
{
  return diffusion_layer_group_norm (b->graph, x,
                                     &(DiffusionGroupNormOptions) { .name = path, .groups = groups,
                                                                    .epsilon = b->config->norm_eps, .silu = silu,
                                                                    .add = add, .film = film });
}

DiffusionValue
unet_norm (UnetBuilder *b, DiffusionValue x, const char *path, gint groups, gboolean silu)
{
  return norm (b, x, path, groups, silu, DIFFUSION_NO_VALUE, DIFFUSION_NO_VALUE);
}

static DiffusionValue
move (UnetBuilder *b, DiffusionValue x, UnetDirection direction)
{
  if (direction == UNET_DOWN)
    return diffusion_layer_average_pool (b->graph, x);
  return direction == UNET_UP ? diffusion_layer_upsample (b->graph, x) : x;
}

DiffusionValue
unet_resnet (UnetBuilder *b, DiffusionValue x, const char *path, gint out_channels, UnetDirection direction,
             double output_scale)
{
  const DiffusionUnetConfig *config = b->config;
  g_autofree char *norm1 = unet_name (path, "norm1");
  g_autofree char *conv1 = unet_name (path, "conv1");
  g_autofree char *time = unet_name (path, "time_emb_proj");
  g_autofree char *norm2 = unet_name (path, "norm2");
  g_autofree char *conv2 = unet_name (path, "conv2");
  g_autofree char *shortcut = unet_name (path, "conv_shortcut");
  gint in_channels = diffusion_graph_shape (b->graph, x).c;
  DiffusionValue h, skip, condition;

  h = move (b, unet_norm (b, x, norm1, config->norm_groups, TRUE), direction);
  h = unet_conv (b, h, conv1, out_channels, 3, 1, DIFFUSION_NO_VALUE);
  condition = diffusion_layer_linear (b->graph, b->embedding, time, config->scale_shift ? 2 * out_channels : out_channels, 1);
  if (config->scale_shift)
    h = norm (b, h, norm2, config->norm_groups, TRUE, DIFFUSION_NO_VALUE, condition);
  else
    h = norm (b, h, norm2, config->norm_groups, TRUE, condition, DIFFUSION_NO_VALUE);
  h = diffusion_layer_dropout (b->graph, h, config->dropout);
  skip = move (b, x, direction);
  if (in_channels != out_channels)
    skip = unet_conv (b, skip, shortcut, out_channels, 1, 1, DIFFUSION_NO_VALUE);
  h = unet_conv (b, h, conv2, out_channels, 3, 0, skip);
  return diffusion_layer_scale (b->graph, h, 1 / output_scale);
}

DiffusionValue
unet_attention (UnetBuilder *b, DiffusionValue x, const char *path, gint heads, gint groups, double output_scale)
{
  g_autofree char *group_norm = unet_name (path, "group_norm");
  g_autofree char *to_q = unet_name (path, "to_q");
  g_autofree char *to_k = unet_name (path, "to_k");
  g_autofree char *to_v = unet_name (path, "to_v");
  g_autofree char *to_out = unet_name (path, "to_out.0");
  gint channels = diffusion_graph_shape (b->graph, x).c;
  DiffusionValue h = groups > 0 ? unet_norm (b, x, group_norm, groups, FALSE) : x;
  DiffusionValue q = diffusion_layer_linear (b->graph, h, to_q, channels, 1);
  DiffusionValue k = diffusion_layer_linear (b->graph, h, to_k, channels, 1);
  DiffusionValue v = diffusion_layer_linear (b->graph, h, to_v, channels, 1);

  h = diffusion_layer_attention (b->graph, q, k, v, heads);
  h = diffusion_layer_conv2d (b->graph, h,
                              &(DiffusionConv2dOptions) { .name = to_out, .out_channels = channels, .kernel = 1,
                                                          .stride = 1, .linear = TRUE, .residual = x });
  return diffusion_layer_scale (b->graph, h, 1 / output_scale);
}

DiffusionValue
unet_resample (UnetBuilder *b, DiffusionValue x, const char *path, DiffusionResample kind, UnetDirection direction)
{
  const DiffusionUnetConfig *config = b->config;
  g_autofree char *conv = unet_name (path, "conv");
  gint channels = diffusion_graph_shape (b->graph, x).c, pad = config->downsample_padding;

  if (kind == DIFFUSION_RESAMPLE_RESNET)
    return unet_resnet (b, x, path, channels, direction, config->output_scale);
  if (kind == DIFFUSION_RESAMPLE_PLAIN)
    return move (b, x, direction);
  if (direction == UNET_UP)
    return unet_conv (b, diffusion_layer_upsample (b->graph, x), conv, channels, 3, 1, DIFFUSION_NO_VALUE);
  return diffusion_layer_conv2d (b->graph, x,
                                 &(DiffusionConv2dOptions) { .name = conv, .out_channels = channels, .kernel = 3,
                                                             .stride = 2, .pad = { pad, pad, 1, 1 },
                                                             .circular = config->circular, .init_gain = 1,
                                                             .residual = DIFFUSION_NO_VALUE });
}
