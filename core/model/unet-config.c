/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one description of every U-Net and noisy classifier: defaults, checks, derived quantities. */
#include "core/model/unet-config.h"

#include <inttypes.h>
#include <math.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/unet-parameters.h"

#define MAX_PARAMETERS ((gint64)1 << 33)

void
diffusion_unet_config_init (DiffusionUnetConfig *config)
{
  *config = (DiffusionUnetConfig){
    .in_channels = 3,
    .out_channels = 3,
    .pixel_unshuffle = 1,
    .n_levels = 4,
    .channels = { 224, 448, 672, 896 },
    .layers_per_block = 2,
    .down_attention = { FALSE, TRUE, TRUE, TRUE },
    .up_attention = { TRUE, TRUE, TRUE, FALSE },
    .downsample_padding = 1,
    .mid_attention = TRUE,
    .mid_attention_groups = 32,
    .attention_head_channels = 8,
    .norm_groups = 32,
    .norm_eps = 1e-5,
    .flip_sin_to_cos = TRUE,
    .output_scale = 1,
    .mid_output_scale = 1,
  };
}

gint
diffusion_unet_config_get_time_channels (const DiffusionUnetConfig *config)
{
  return config->time_channels > 0 ? config->time_channels : config->channels[0];
}

gint
diffusion_unet_config_get_heads (const DiffusionUnetConfig *config, gint channels, gboolean up)
{
  if (config->attention_head_channels > 0)
    return channels / config->attention_head_channels;
  if (up && config->attention_heads_up > 0)
    return config->attention_heads_up;
  return MAX (config->attention_heads, 1);
}

gint
diffusion_unet_config_get_pool_heads (const DiffusionUnetConfig *config)
{
  gint channels = config->channels[config->n_levels - 1];

  if (config->pool_head_channels > 0)
    return channels / config->pool_head_channels;
  return diffusion_unet_config_get_heads (config, channels, FALSE);
}

gint
diffusion_unet_config_get_multiple (const DiffusionUnetConfig *config)
{
  return config->pixel_unshuffle << (config->n_levels - 1);
}

static gboolean
check_int (const char *name, const char *field, gint64 value, gint64 minimum, gint64 maximum, GError **error)
{
  if (value >= minimum && value <= maximum)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _("%s: %s is %" PRId64 ", expected %" PRId64 " to %" PRId64), name,
               field, value, minimum, maximum);
  return FALSE;
}

static gboolean
check_double (
    const char *name, const char *field, double value, double minimum, double maximum, GError **error)
{
  if (value >= minimum && value <= maximum)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _("%s: %s is %g, expected %g to %g"), name,
               field, value, minimum, maximum);
  return FALSE;
}

static gboolean
check_divides (
    const char *name, const char *what, gint channels, const char *field, gint divisor, GError **error)
{
  if (divisor > 0 && channels % divisor == 0)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _("%s: %s of %d does not divide the %d channels of %s"), name, field, divisor, channels,
               what);
  return FALSE;
}

static gboolean
check_attention (const DiffusionUnetConfig *config,
                 const char *name,
                 const char *what,
                 gint channels,
                 gboolean up,
                 GError **error)
{
  if (config->attention_head_channels > 0)
    return check_divides (name, what, channels, "attention_head_dim", config->attention_head_channels, error);
  return check_divides (name, what, channels, "num_attention_heads",
                        diffusion_unet_config_get_heads (config, channels, up), error);
}

static gboolean
check_blocks (const DiffusionUnetConfig *config, const char *name, GError **error)
{
  gint last = config->n_levels - 1;

  for (gint i = 0; i <= last; i++)
    {
      g_autofree char *down = g_strdup_printf ("down_blocks.%d", i);
      g_autofree char *up = g_strdup_printf ("up_blocks.%d", i);
      gint width = config->channels[last - i];
      gint previous = config->channels[MIN (last - i + 1, last)],
           next = config->channels[MAX (last - i - 1, 0)];

      if (!check_int (name, "block_out_channels", config->channels[i], 1, 16384, error) ||
          !check_int (name, "downsample_type", (gint)config->down_resample[i], 0, DIFFUSION_RESAMPLE_PLAIN,
                      error) ||
          !check_int (name, "upsample_type", (gint)config->up_resample[i], 0, DIFFUSION_RESAMPLE_PLAIN,
                      error) ||
          !check_divides (name, down, config->channels[i], "norm_num_groups", config->norm_groups, error))
        return FALSE;
      if (config->down_attention[i] &&
          !check_attention (config, name, down, config->channels[i], FALSE, error))
        return FALSE;
      if (config->head != DIFFUSION_HEAD_IMAGE)
        continue;
      /* The first block joins the level below with a skip, the others their own width, the last one the level
       * above. */
      if (!check_divides (name, up, previous + width, "norm_num_groups", config->norm_groups, error) ||
          !check_divides (name, up, width + next, "norm_num_groups", config->norm_groups, error))
        return FALSE;
      if (config->up_attention[i] && !check_attention (config, name, up, width, TRUE, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
diffusion_unet_config_validate (const DiffusionUnetConfig *config, const char *name, GError **error)
{
  gboolean classifier = config->head != DIFFUSION_HEAD_IMAGE;
  gint multiple, width, time_channels;

  if (!check_int (name, "block_out_channels", config->n_levels, 1, DIFFUSION_UNET_MAX_LEVELS, error) ||
      !check_int (name, "sample_size", config->sample_height, 0, 16384, error) ||
      !check_int (name, "sample_size", config->sample_width, 0, 16384, error) ||
      !check_int (name, "in_channels", config->in_channels, 1, 1024, error) ||
      !check_int (name, "low_res_channels", config->low_res_channels, 0, 1024, error) ||
      !check_int (name, "out_channels", config->out_channels, 1, classifier ? 1000000 : 1024, error) ||
      !check_int (name, "pixel_unshuffle", config->pixel_unshuffle, 1, 16, error) ||
      !check_int (name, "layers_per_block", config->layers_per_block, 1, 64, error) ||
      !check_int (name, "downsample_padding", config->downsample_padding, 0, 1, error) ||
      !check_int (name, "attn_norm_num_groups", config->mid_attention_groups, 0, 16384, error) ||
      !check_int (name, "num_attention_heads", config->attention_heads, 0, 16384, error) ||
      !check_int (name, "num_attention_heads_up", config->attention_heads_up, 0, 16384, error) ||
      !check_int (name, "attention_head_dim", config->attention_head_channels, 0, 16384, error) ||
      !check_int (name, "norm_num_groups", config->norm_groups, 1, 16384, error) ||
      !check_double (name, "norm_eps", config->norm_eps, 0, 1, error) ||
      !check_int (name, "time_embedding_channels", config->time_channels, 0, 16384, error) ||
      !check_double (name, "freq_shift", config->freq_shift, 0, 1, error) ||
      !check_int (name, "class_embed_type", (gint)config->class_input, 0, DIFFUSION_CLASS_TIMESTEP, error) ||
      !check_double (name, "dropout", config->dropout, 0, 0.99, error) ||
      !check_double (name, "output_scale_factor", config->output_scale, 0.01, 100, error) ||
      !check_double (name, "mid_block_scale_factor", config->mid_output_scale, 0.01, 100, error) ||
      !check_int (name, "class_head", (gint)config->head, 0, DIFFUSION_HEAD_SPATIAL_V2, error) ||
      !check_int (name, "class_head_dim", config->pool_head_channels, 0, 16384, error) ||
      !check_blocks (config, name, error))
    return FALSE;
  if (config->class_input == DIFFUSION_CLASS_LABEL &&
      !check_int (name, "num_class_embeds", config->n_classes, 1, 1000000, error))
    return FALSE;

  time_channels = diffusion_unet_config_get_time_channels (config);
  if (time_channels % 2 != 0 || time_channels / 2 - config->freq_shift <= 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("%s: %d channels are no even number above 2, which the time embedding needs"), name,
                   time_channels);
      return FALSE;
    }
  width = config->channels[config->n_levels - 1];
  if (config->mid_attention &&
      ((config->mid_attention_groups > 0 && !check_divides (name, "mid_block", width, "attn_norm_num_groups",
                                                            config->mid_attention_groups, error)) ||
       !check_attention (config, name, "mid_block", width, FALSE, error)))
    return FALSE;

  multiple = diffusion_unet_config_get_multiple (config);
  if (config->sample_height % multiple != 0 || config->sample_width % multiple != 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("%s: sample_size is %d × %d, expected multiples of %d"), name, config->sample_height,
                   config->sample_width, multiple);
      return FALSE;
    }
  if (config->head == DIFFUSION_HEAD_ATTENTION)
    {
      if (!check_int (name, "sample_size", config->sample_height, 1, 16384, error) ||
          !check_int (name, "sample_size", config->sample_width, 1, 16384, error))
        return FALSE;
      if (config->pool_head_channels > 0 &&
          !check_divides (name, "class_head", width, "class_head_dim", config->pool_head_channels, error))
        return FALSE;
      if (config->pool_head_channels == 0 &&
          !check_attention (config, name, "class_head", width, FALSE, error))
        return FALSE;
    }
  return check_int (name, _("the number of parameters"), diffusion_unet_config_count_parameters (config), 1,
                    MAX_PARAMETERS, error);
}

gboolean
diffusion_unet_config_equal (const DiffusionUnetConfig *a, const DiffusionUnetConfig *b)
{
  g_autoptr (JsonObject) left = diffusion_unet_config_to_json (a);
  g_autoptr (JsonObject) right = diffusion_unet_config_to_json (b);
  g_autoptr (JsonNode) left_node = json_node_init_object (json_node_alloc (), left);
  g_autoptr (JsonNode) right_node = json_node_init_object (json_node_alloc (), right);

  return json_node_equal (left_node, right_node);
}
