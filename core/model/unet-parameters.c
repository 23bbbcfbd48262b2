/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, shapes and initial values of a network's parameters. */
#include "core/model/unet-parameters.h"

static void
parameter_free (gpointer data)
{
  DiffusionParameter *parameter = data;

  g_free (parameter->name);
  g_free (parameter);
}

GPtrArray *
diffusion_parameter_list_new (void)
{
  return g_ptr_array_new_with_free_func (parameter_free);
}

void
diffusion_parameter_list_add (
    GPtrArray *list, char *name, gint n_dims, const gint64 *shape, DiffusionInit init, gint64 fan_in)
{
  DiffusionParameter *parameter = g_new0 (DiffusionParameter, 1);

  parameter->name = name;
  parameter->n_dims = n_dims;
  parameter->n_elements = 1;
  for (gint i = 0; i < n_dims; i++)
    {
      parameter->shape[i] = shape[i];
      parameter->n_elements *= shape[i];
    }
  parameter->init = init;
  parameter->fan_in = fan_in;
  g_ptr_array_add (list, parameter);
}

static void
add_norm (GPtrArray *list, const char *path, gint channels)
{
  const gint64 shape[] = { channels };

  diffusion_parameter_list_add (list, g_strconcat (path, ".weight", NULL), 1, shape, DIFFUSION_INIT_ONE,
                                channels);
  diffusion_parameter_list_add (list, g_strconcat (path, ".bias", NULL), 1, shape, DIFFUSION_INIT_ZERO,
                                channels);
}

/* kernel 0 is a linear layer. */
static void
add_layer (GPtrArray *list, const char *path, gint64 out, gint64 in, gint kernel, gboolean zero)
{
  const gint64 shape[] = { out, in, kernel, kernel };
  gint64 fan_in = in * MAX (kernel, 1) * MAX (kernel, 1);
  DiffusionInit init = zero ? DIFFUSION_INIT_ZERO : DIFFUSION_INIT_UNIFORM;

  diffusion_parameter_list_add (list, g_strconcat (path, ".weight", NULL), kernel > 0 ? 4 : 2, shape, init,
                                fan_in);
  diffusion_parameter_list_add (list, g_strconcat (path, ".bias", NULL), 1, shape, init, fan_in);
}

static void
add_layer_in (
    GPtrArray *list, const char *path, const char *layer, gint64 out, gint64 in, gint kernel, gboolean zero)
{
  g_autofree char *full = g_strconcat (path, ".", layer, NULL);

  add_layer (list, full, out, in, kernel, zero);
}

static void
add_norm_in (GPtrArray *list, const char *path, const char *layer, gint channels)
{
  g_autofree char *full = g_strconcat (path, ".", layer, NULL);

  add_norm (list, full, channels);
}

static void
add_resnet (GPtrArray *list, const DiffusionUnetConfig *config, const char *path, gint in, gint out)
{
  gint embedding = 4 * diffusion_unet_config_get_time_channels (config);

  add_norm_in (list, path, "norm1", in);
  add_layer_in (list, path, "conv1", out, in, 3, FALSE);
  add_layer_in (list, path, "time_emb_proj", config->scale_shift ? 2 * out : out, embedding, 0, FALSE);
  add_norm_in (list, path, "norm2", out);
  add_layer_in (list, path, "conv2", out, out, 3, TRUE);
  if (in != out)
    add_layer_in (list, path, "conv_shortcut", out, in, 1, FALSE);
}

static void
add_attention (GPtrArray *list, const char *path, gint channels, gboolean norm)
{
  if (norm)
    add_norm_in (list, path, "group_norm", channels);
  add_layer_in (list, path, "to_q", channels, channels, 0, FALSE);
  add_layer_in (list, path, "to_k", channels, channels, 0, FALSE);
  add_layer_in (list, path, "to_v", channels, channels, 0, FALSE);
  add_layer_in (list, path, "to_out.0", channels, channels, 0, TRUE);
}

static void
add_resampler (GPtrArray *list,
               const DiffusionUnetConfig *config,
               const char *path,
               DiffusionResample kind,
               gint channels)
{
  if (kind == DIFFUSION_RESAMPLE_CONV)
    add_layer_in (list, path, "conv", channels, channels, 3, FALSE);
  else if (kind == DIFFUSION_RESAMPLE_RESNET)
    add_resnet (list, config, path, channels, channels);
}

static void
add_encoder (GPtrArray *list, const DiffusionUnetConfig *config)
{
  gint width = config->channels[0];

  for (gint i = 0; i < config->n_levels; i++)
    {
      for (gint j = 0; j < config->layers_per_block; j++)
        {
          g_autofree char *resnet = g_strdup_printf ("down_blocks.%d.resnets.%d", i, j);
          g_autofree char *attention = g_strdup_printf ("down_blocks.%d.attentions.%d", i, j);

          add_resnet (list, config, resnet, width, config->channels[i]);
          width = config->channels[i];
          if (config->down_attention[i])
            add_attention (list, attention, width, TRUE);
        }
      if (i + 1 < config->n_levels)
        {
          g_autofree char *path = g_strdup_printf ("down_blocks.%d.downsamplers.0", i);

          add_resampler (list, config, path, config->down_resample[i], width);
        }
    }
  add_resnet (list, config, "mid_block.resnets.0", width, width);
  if (config->mid_attention)
    add_attention (list, "mid_block.attentions.0", width, config->mid_attention_groups > 0);
  add_resnet (list, config, "mid_block.resnets.1", width, width);
}

static void
add_decoder (GPtrArray *list, const DiffusionUnetConfig *config)
{
  gint last = config->n_levels - 1, width = config->channels[last];

  for (gint i = 0; i <= last; i++)
    {
      gint out = config->channels[last - i];

      for (gint j = 0; j <= config->layers_per_block; j++)
        {
          g_autofree char *resnet = g_strdup_printf ("up_blocks.%d.resnets.%d", i, j);
          g_autofree char *attention = g_strdup_printf ("up_blocks.%d.attentions.%d", i, j);
          /* The last skip of a level comes from where the level began: the level above, or the first
           * convolution. */
          gint skip = j < config->layers_per_block ? out : config->channels[MAX (last - i - 1, 0)];

          add_resnet (list, config, resnet, width + skip, out);
          width = out;
          if (config->up_attention[i])
            add_attention (list, attention, width, TRUE);
        }
      if (i < last)
        {
          g_autofree char *path = g_strdup_printf ("up_blocks.%d.upsamplers.0", i);

          add_resampler (list, config, path, config->up_resample[i], width);
        }
    }
}

/* Channels of every stage whose mean the spatial heads look at: the first convolution, each layer, each
 * resampling, the middle. */
static gint64
count_features (const DiffusionUnetConfig *config)
{
  gint last = config->n_levels - 1;
  gint64 features = config->channels[0] + config->channels[last];

  for (gint i = 0; i <= last; i++)
    features += (gint64)config->channels[i] * (config->layers_per_block + (i < last ? 1 : 0));
  return features;
}

static void
add_class_head (GPtrArray *list, const DiffusionUnetConfig *config)
{
  gint width = config->channels[config->n_levels - 1], multiple = diffusion_unet_config_get_multiple (config);
  const gint64 positions = (gint64)(config->sample_height / multiple) * (config->sample_width / multiple) + 1;
  const gint64 shape[] = { width, positions };

  if (config->head == DIFFUSION_HEAD_ATTENTION || config->head == DIFFUSION_HEAD_ADAPTIVE)
    add_norm (list, "conv_norm_out", width);
  switch (config->head)
    {
    case DIFFUSION_HEAD_IMAGE:
      break;
    case DIFFUSION_HEAD_ATTENTION:
      diffusion_parameter_list_add (list, g_strdup ("class_head.positional_embedding"), 2, shape,
                                    DIFFUSION_INIT_NORMAL, width);
      add_layer (list, "class_head.to_q", width, width, 0, FALSE);
      add_layer (list, "class_head.to_k", width, width, 0, FALSE);
      add_layer (list, "class_head.to_v", width, width, 0, FALSE);
      add_layer (list, "class_head.to_out.0", config->out_channels, width, 0, FALSE);
      break;
    case DIFFUSION_HEAD_ADAPTIVE:
      add_layer (list, "class_head.linear", config->out_channels, width, 0, TRUE);
      break;
    case DIFFUSION_HEAD_SPATIAL:
    case DIFFUSION_HEAD_SPATIAL_V2:
      add_layer (list, "class_head.linear_1", DIFFUSION_SPATIAL_HEAD_WIDTH, count_features (config), 0,
                 FALSE);
      if (config->head == DIFFUSION_HEAD_SPATIAL_V2)
        add_norm (list, "class_head.norm", DIFFUSION_SPATIAL_HEAD_WIDTH);
      add_layer (list, "class_head.linear_2", config->out_channels, DIFFUSION_SPATIAL_HEAD_WIDTH, 0, FALSE);
      break;
    }
}

GPtrArray *
diffusion_unet_config_list_parameters (const DiffusionUnetConfig *config)
{
  GPtrArray *list = diffusion_parameter_list_new ();
  gint shuffle = config->pixel_unshuffle * config->pixel_unshuffle;
  gint time_channels = diffusion_unet_config_get_time_channels (config);

  add_layer (list, "time_embedding.linear_1", 4 * time_channels, time_channels, 0, FALSE);
  add_layer (list, "time_embedding.linear_2", 4 * time_channels, 4 * time_channels, 0, FALSE);
  if (config->class_input == DIFFUSION_CLASS_LABEL)
    {
      const gint64 shape[] = { config->n_classes, 4 * time_channels };

      diffusion_parameter_list_add (list, g_strdup ("class_embedding.weight"), 2, shape,
                                    DIFFUSION_INIT_NORMAL, 1);
    }
  else if (config->class_input == DIFFUSION_CLASS_TIMESTEP)
    {
      add_layer (list, "class_embedding.linear_1", 4 * time_channels, time_channels, 0, FALSE);
      add_layer (list, "class_embedding.linear_2", 4 * time_channels, 4 * time_channels, 0, FALSE);
    }
  add_layer (list, "conv_in", config->channels[0], (config->in_channels + config->low_res_channels) * shuffle,
             3, FALSE);
  add_encoder (list, config);
  if (config->head != DIFFUSION_HEAD_IMAGE)
    {
      add_class_head (list, config);
      return list;
    }
  add_decoder (list, config);
  add_norm (list, "conv_norm_out", config->channels[0]);
  add_layer (list, "conv_out", config->out_channels * shuffle, config->channels[0], 3, TRUE);
  return list;
}

gint64
diffusion_unet_config_count_parameters (const DiffusionUnetConfig *config)
{
  g_autoptr (GPtrArray) list = diffusion_unet_config_list_parameters (config);
  gint64 total = 0;

  for (guint i = 0; i < list->len; i++)
    total += ((const DiffusionParameter *)g_ptr_array_index (list, i))->n_elements;
  return total;
}
