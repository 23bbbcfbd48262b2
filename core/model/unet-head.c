/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What noisy classifiers end in (Dhariwal & Nichol 2021, §4.1 and appendix G). */
#include "core/model/unet-private.h"

static DiffusionValue
linear (UnetBuilder *b, DiffusionValue x, const char *name, gint out_channels, double init_gain)
{
  g_autofree char *path = unet_name ("class_head", name);

  return diffusion_layer_linear (b->graph, x, path, out_channels, init_gain);
}

static DiffusionValue
attention_pool (UnetBuilder *b, DiffusionValue x)
{
  gint channels = diffusion_graph_shape (b->graph, x).c;
  DiffusionValue tokens = diffusion_layer_tokens (b->graph, x, "class_head.positional_embedding");
  DiffusionValue q = linear (b, tokens, "to_q", channels, 1);
  DiffusionValue k = linear (b, tokens, "to_k", channels, 1);
  DiffusionValue v = linear (b, tokens, "to_v", channels, 1);

  tokens = diffusion_layer_attention (b->graph, q, k, v, diffusion_unet_config_get_pool_heads (b->config));
  return linear (b, diffusion_layer_first_token (b->graph, tokens), "to_out.0", b->config->out_channels, 1);
}

DiffusionValue
unet_class_head (UnetBuilder *b, DiffusionValue x, DiffusionValue features)
{
  const DiffusionUnetConfig *config = b->config;

  if (config->head == DIFFUSION_HEAD_ATTENTION || config->head == DIFFUSION_HEAD_ADAPTIVE)
    {
      x = unet_norm (b, x, "conv_norm_out", config->norm_groups, TRUE);
      if (config->head == DIFFUSION_HEAD_ATTENTION)
        return attention_pool (b, x);
      return linear (b, diffusion_layer_mean (b->graph, x), "linear", config->out_channels, 0);
    }
  x = linear (b, features, "linear_1", DIFFUSION_SPATIAL_HEAD_WIDTH, 1);
  if (config->head == DIFFUSION_HEAD_SPATIAL)
    x = diffusion_layer_relu (b->graph, x);
  else
    x = unet_norm (b, x, "class_head.norm", config->norm_groups, TRUE);
  return linear (b, x, "linear_2", config->out_channels, 1);
}
