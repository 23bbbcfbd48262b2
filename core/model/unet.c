/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Assembling U-Nets from their configuration. */
#include "core/model/unet.h"

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/unet-parameters.h"
#include "core/model/unet-private.h"

void
diffusion_unet_declare_params (const DiffusionUnetConfig *config, DiffusionParams *params)
{
  g_autoptr (GPtrArray) list = diffusion_unet_config_list_parameters (config);

  for (guint i = 0; i < list->len; i++)
    {
      const DiffusionParameter *p = g_ptr_array_index (list, i);
      guint index = diffusion_params_declare (params, p->name, (guint) p->n_dims, p->shape,
                                              p->n_dims == 4 ? DIFFUSION_PARAM_CONV : DIFFUSION_PARAM_PLAIN);

      diffusion_params_set_init (params, index, p->init, 1, p->fan_in);
      /* Those that start as normal numbers are tables, read row by row; the others are the layers' matrices. */
      if (p->n_dims > 1 && p->init != DIFFUSION_INIT_NORMAL)
        diffusion_params_set_arranged (params, index);
    }
}

void
diffusion_unet_time_features (const DiffusionUnetConfig *config, gsize n, const double *t, float *out)
{
  diffusion_timestep_features (n, t, (gsize) diffusion_unet_config_get_time_channels (config), config->flip_sin_to_cos,
                               config->freq_shift, out);
}

/* Two linear layers over the features, plus the class; then the SiLU that every block begins with. */
static void
build_embedding (UnetBuilder *b, DiffusionUnet *unet, gint n)
{
  const DiffusionUnetConfig *config = b->config;
  gint channels = diffusion_unet_config_get_time_channels (config);
  DiffusionValue h;

  unet->time = diffusion_graph_input (b->graph, (DiffusionShape) { n, 1, 1, channels }, FALSE);
  unet->classes = DIFFUSION_NO_VALUE;
  h = diffusion_layer_linear (b->graph, unet->time, "time_embedding.linear_1", 4 * channels, 1);
  h = diffusion_layer_linear (b->graph, diffusion_layer_silu (b->graph, h), "time_embedding.linear_2", 4 * channels, 1);
  if (config->class_input == DIFFUSION_CLASS_LABEL)
    {
      unet->classes = diffusion_graph_input (b->graph, (DiffusionShape) { n, 1, 1, 1 }, FALSE);
      h = diffusion_layer_add (b->graph, h,
                               diffusion_layer_embedding (b->graph, unet->classes, "class_embedding",
                                                          config->n_classes, 4 * channels));
    }
  else if (config->class_input == DIFFUSION_CLASS_TIMESTEP)
    {
      DiffusionValue k;

      unet->classes = diffusion_graph_input (b->graph, (DiffusionShape) { n, 1, 1, channels }, FALSE);
      k = diffusion_layer_linear (b->graph, unet->classes, "class_embedding.linear_1", 4 * channels, 1);
      k = diffusion_layer_linear (b->graph, diffusion_layer_silu (b->graph, k), "class_embedding.linear_2",
                                  4 * channels, 1);
      h = diffusion_layer_add (b->graph, h, k);
    }
  b->embedding = diffusion_layer_silu (b->graph, h);
}

/* Remembers a stage: for the decoder's skips, or as a mean for the spatial heads. */
static void
push_stage (UnetBuilder *b, GArray *skips, DiffusionValue *features, DiffusionValue h)
{
  gboolean spatial = b->config->head == DIFFUSION_HEAD_SPATIAL || b->config->head == DIFFUSION_HEAD_SPATIAL_V2;

  g_array_append_val (skips, h);
  if (!spatial)
    return;
  h = diffusion_layer_mean (b->graph, h);
  *features = *features >= 0 ? diffusion_layer_concat (b->graph, *features, h) : h;
}

static DiffusionValue
build_encoder (UnetBuilder *b, DiffusionValue h, GArray *skips, DiffusionValue *features)
{
  const DiffusionUnetConfig *config = b->config;

  push_stage (b, skips, features, h);
  for (gint i = 0; i < config->n_levels; i++)
    {
      gint width = config->channels[i], heads = diffusion_unet_config_get_heads (config, width, FALSE);

      for (gint j = 0; j < config->layers_per_block; j++)
        {
          g_autofree char *resnet = g_strdup_printf ("down_blocks.%d.resnets.%d", i, j);
          g_autofree char *attention = g_strdup_printf ("down_blocks.%d.attentions.%d", i, j);

          h = unet_resnet (b, h, resnet, width, UNET_SAME, config->output_scale);
          if (config->down_attention[i])
            h = unet_attention (b, h, attention, heads, config->norm_groups, config->output_scale);
          push_stage (b, skips, features, h);
        }
      if (i + 1 < config->n_levels)
        {
          g_autofree char *path = g_strdup_printf ("down_blocks.%d.downsamplers.0", i);

          h = unet_resample (b, h, path, config->down_resample[i], UNET_DOWN);
          push_stage (b, skips, features, h);
        }
    }
  return h;
}

static DiffusionValue
build_middle (UnetBuilder *b, DiffusionValue h)
{
  const DiffusionUnetConfig *config = b->config;
  gint width = config->channels[config->n_levels - 1];

  h = unet_resnet (b, h, "mid_block.resnets.0", width, UNET_SAME, config->mid_output_scale);
  if (config->mid_attention)
    h = unet_attention (b, h, "mid_block.attentions.0", diffusion_unet_config_get_heads (config, width, FALSE),
                        config->mid_attention_groups, config->mid_output_scale);
  return unet_resnet (b, h, "mid_block.resnets.1", width, UNET_SAME, config->mid_output_scale);
}

static DiffusionValue
build_decoder (UnetBuilder *b, DiffusionValue h, GArray *skips)
{
  const DiffusionUnetConfig *config = b->config;
  gint last = config->n_levels - 1;
  guint left = skips->len;

  for (gint i = 0; i <= last; i++)
    {
      gint width = config->channels[last - i], heads = diffusion_unet_config_get_heads (config, width, TRUE);

      for (gint j = 0; j <= config->layers_per_block; j++)
        {
          g_autofree char *resnet = g_strdup_printf ("up_blocks.%d.resnets.%d", i, j);
          g_autofree char *attention = g_strdup_printf ("up_blocks.%d.attentions.%d", i, j);
          DiffusionValue skip = g_array_index (skips, DiffusionValue, --left);

          h = unet_resnet (b, diffusion_layer_concat (b->graph, h, skip), resnet, width, UNET_SAME,
                           config->output_scale);
          if (config->up_attention[i])
            h = unet_attention (b, h, attention, heads, config->norm_groups, config->output_scale);
        }
      if (i < last)
        {
          g_autofree char *path = g_strdup_printf ("up_blocks.%d.upsamplers.0", i);

          h = unet_resample (b, h, path, config->up_resample[i], UNET_UP);
        }
    }
  return h;
}

static void
build (UnetBuilder *b, DiffusionUnet *unet, gint n, gint h, gint w, gboolean x_gradient)
{
  const DiffusionUnetConfig *config = b->config;
  gint factor = config->pixel_unshuffle;
  g_autoptr (GArray) skips = g_array_new (FALSE, FALSE, sizeof (DiffusionValue));
  DiffusionValue features = DIFFUSION_NO_VALUE, v;

  unet->x = diffusion_graph_input (
    b->graph, (DiffusionShape) { n, h, w, config->in_channels + config->low_res_channels }, x_gradient);
  build_embedding (b, unet, n);
  v = factor > 1 ? diffusion_layer_pixel_unshuffle (b->graph, unet->x, factor) : unet->x;
  v = unet_conv (b, v, "conv_in", config->channels[0], 3, 1, DIFFUSION_NO_VALUE);
  v = build_encoder (b, v, skips, &features);
  v = build_middle (b, v);
  if (config->head != DIFFUSION_HEAD_IMAGE)
    {
      push_stage (b, skips, &features, v);
      unet->output = unet_class_head (b, v, features);
    }
  else
    {
      v = build_decoder (b, v, skips);
      v = unet_norm (b, v, "conv_norm_out", config->norm_groups, TRUE);
      v = unet_conv (b, v, "conv_out", config->out_channels * factor * factor, 3, 0, DIFFUSION_NO_VALUE);
      unet->output = factor > 1 ? diffusion_layer_pixel_shuffle (b->graph, v, factor) : v;
    }
  diffusion_graph_output (b->graph, unet->output);
}

static gboolean
check_size (const DiffusionUnetConfig *config, gint n, gint h, gint w, GError **error)
{
  gint multiple = diffusion_unet_config_get_multiple (config);

  if (n < 1 || h < 1 || w < 1 || h % multiple != 0 || w % multiple != 0 || (gint64) n * h * w > (1 << 28))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("%d pictures of %d × %d pixels: expected multiples of %d, and 2^28 pixels at most"), n, w, h,
                   multiple);
      return FALSE;
    }
  if (config->head == DIFFUSION_HEAD_ATTENTION && (h != config->sample_height || w != config->sample_width))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("A picture of %d × %d pixels for a classifier of %d × %d"), w, h, config->sample_width,
                   config->sample_height);
      return FALSE;
    }
  return TRUE;
}

DiffusionUnet *
diffusion_unet_new (const DiffusionUnetConfig *config, DiffusionParams *params, gint n, gint h, gint w,
                    gboolean x_gradient, GError **error)
{
  DiffusionUnet *unet;
  UnetBuilder builder;

  if (!check_size (config, n, h, w, error))
    return NULL;
  diffusion_unet_declare_params (config, params);
  unet = g_new0 (DiffusionUnet, 1);
  unet->config = *config;
  unet->graph = diffusion_graph_new (params);
  builder = (UnetBuilder) { .config = &unet->config, .graph = unet->graph };
  build (&builder, unet, n, h, w, x_gradient);
  return unet;
}

void
diffusion_unet_free (DiffusionUnet *unet)
{
  if (unet == NULL)
    return;
  diffusion_graph_free (unet->graph);
  g_free (unet);
}

gboolean
diffusion_unet_get_cost (const DiffusionUnetConfig *config, DiffusionParams *params, gint n, gint h, gint w,
                         DiffusionRunMode mode, DiffusionUnetCost *cost, GError **error)
{
  g_autoptr (DiffusionParams) own = diffusion_params_new ();
  g_autoptr (DiffusionUnet) unet = NULL;

  if (params == NULL)
    params = own;
  unet = diffusion_unet_new (config, params, n, h, w, FALSE, error);
  if (unet == NULL)
    return FALSE;
  *cost = (DiffusionUnetCost) { .macs = diffusion_graph_get_macs (unet->graph),
                                .weight_bytes = diffusion_params_get_bytes (params),
                                .run_bytes = diffusion_graph_plan_bytes (unet->graph, mode) };
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    cost->parameters += diffusion_params_get (params, i)->size;
  return TRUE;
}
