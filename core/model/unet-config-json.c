/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config.json of diffusers' UNet2DModel and our extensions of it ↔ DiffusionUnetConfig. */
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/json.h"
#include "core/model/unet-config.h"

#define MAX_SIZE 1000000000

static const char *const class_names[] = { "UNet2DModel", "DiffusionUNet", "DiffusionClassifier", NULL };
static const char *const resample_names[] = { "conv", "resnet", "plain", NULL };
static const char *const head_names[] = { "image", "attention", "adaptive", "spatial", "spatial_v2", NULL };
static const char *const down_types[] = { "DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D", NULL };
static const char *const up_types[] = { "UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D", NULL };

enum
{
  BLOCK_PLAIN,
  BLOCK_ATTENTION,
  BLOCK_RESNET
};

static gboolean
expect (const char *name, const char *key, const char *expected, GError **error)
{
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("%s: “%s” must be %s"), name, key,
               expected);
  return FALSE;
}

static gboolean
read_sample_size (const char *name, JsonObject *object, DiffusionUnetConfig *config, GError **error)
{
  JsonNode *node = json_object_get_member (object, "sample_size");
  gint size = 0;

  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      gint sizes[2] = { 0, 0 };

      if (json_array_get_length (array) != 2)
        return expect (name, "sample_size", _("one number or two"), error);
      for (guint i = 0; i < 2; i++)
        {
          g_autoptr (JsonObject) one = json_object_new ();

          json_object_set_member (one, "sample_size", json_node_copy (json_array_get_element (array, i)));
          if (!diffusion_json_get_int (name, one, "sample_size", 0, MAX_SIZE, &sizes[i], error))
            return FALSE;
        }
      config->sample_height = sizes[0];
      config->sample_width = sizes[1];
      return TRUE;
    }
  if (!diffusion_json_get_int (name, object, "sample_size", 0, MAX_SIZE, &size, error))
    return FALSE;
  config->sample_height = config->sample_width = size;
  return TRUE;
}

static gboolean
read_channels (const char *name, JsonObject *object, DiffusionUnetConfig *config, GError **error)
{
  JsonArray *array;

  if (!diffusion_json_get_array (name, object, "block_out_channels", &array, error))
    return FALSE;
  if (array == NULL)
    return TRUE;
  if (json_array_get_length (array) < 1 || json_array_get_length (array) > DIFFUSION_UNET_MAX_LEVELS)
    return expect (name, "block_out_channels", _("a list of 1 to 8 widths"), error);
  config->n_levels = (gint)json_array_get_length (array);
  for (gint i = 0; i < config->n_levels; i++)
    {
      g_autoptr (JsonObject) one = json_object_new ();

      config->channels[i] = 0;
      json_object_set_member (one, "block_out_channels",
                              json_node_copy (json_array_get_element (array, (guint)i)));
      if (!diffusion_json_get_int (name, one, "block_out_channels", 1, MAX_SIZE, &config->channels[i], error))
        return FALSE;
    }
  return TRUE;
}

/* The block types of one direction; @resample comes in as what attention blocks resample with. */
static gboolean
read_blocks (const char *name,
             JsonObject *object,
             const char *key,
             const char *const *types,
             gint n_levels,
             DiffusionResample kind,
             gboolean *attention,
             DiffusionResample *resample,
             GError **error)
{
  JsonArray *array;

  if (!diffusion_json_get_array (name, object, key, &array, error))
    return FALSE;
  if (array == NULL)
    {
      if (n_levels != 4)
        return expect (name, key, _("a list with one block type for each of “block_out_channels”"), error);
      for (gint i = 0; i < n_levels; i++)
        resample[i] = kind == DIFFUSION_RESAMPLE_RESNET && !attention[i] ? DIFFUSION_RESAMPLE_CONV : kind;
      return TRUE;
    }
  if ((gint)json_array_get_length (array) != n_levels)
    return expect (name, key, _("a list with one block type for each of “block_out_channels”"), error);
  for (gint i = 0; i < n_levels; i++)
    {
      g_autoptr (JsonObject) one = json_object_new ();
      gint type = -1;

      json_object_set_member (one, key, json_node_copy (json_array_get_element (array, (guint)i)));
      if (!diffusion_json_get_choice (name, one, key, types, &type, error))
        return FALSE;
      if (type < 0)
        return expect (name, key, _("a list of strings"), error);
      attention[i] = type == BLOCK_ATTENTION;
      if (type == BLOCK_RESNET)
        resample[i] = DIFFUSION_RESAMPLE_RESNET;
      else if (type == BLOCK_ATTENTION)
        resample[i] = kind;
      else
        resample[i] = kind == DIFFUSION_RESAMPLE_PLAIN ? kind : DIFFUSION_RESAMPLE_CONV;
    }
  return TRUE;
}

/* Things diffusers can do that change the network and that we do not have. */
static gboolean
check_unsupported (const char *name, JsonObject *object, GError **error)
{
  static const char *const embeddings[] = { "positional", NULL };
  static const char *const activations[] = { "silu", "swish", NULL };
  static const char *const middles[] = { "UNetMidBlock2D", NULL };
  static const char *const paddings[] = { "zeros", "circular", NULL };
  gint ignored = 0;

  if (json_object_has_member (object, "mid_block_type") && !diffusion_json_has (object, "mid_block_type"))
    return expect (name, "mid_block_type", "UNetMidBlock2D", error);
  return diffusion_json_get_choice (name, object, "time_embedding_type", embeddings, &ignored, error) &&
         diffusion_json_get_choice (name, object, "act_fn", activations, &ignored, error) &&
         diffusion_json_get_choice (name, object, "mid_block_type", middles, &ignored, error) &&
         diffusion_json_get_choice (name, object, "padding_mode", paddings, &ignored, error);
}

static gboolean
read_attention (const char *name, JsonObject *object, DiffusionUnetConfig *config, GError **error)
{
  static const char *const shifts[] = { "default", "scale_shift", NULL };
  gint shift = 0;

  if (!diffusion_json_get_choice (name, object, "resnet_time_scale_shift", shifts, &shift, error) ||
      !diffusion_json_get_int (name, object, "norm_num_groups", 1, MAX_SIZE, &config->norm_groups, error) ||
      !diffusion_json_get_boolean (name, object, "add_attention", &config->mid_attention, error))
    return FALSE;
  config->scale_shift = shift == 1;
  /* UNetMidBlock2D leaves the attention's norm out when the time conditioning scales and shifts, unless told
   * otherwise. */
  config->mid_attention_groups = config->scale_shift ? 0 : config->norm_groups;
  if (!diffusion_json_get_int (name, object, "attn_norm_num_groups", 0, MAX_SIZE,
                               &config->mid_attention_groups, error))
    return FALSE;
  /* Absent means 8, null one head. */
  if (json_object_has_member (object, "attention_head_dim") &&
      !diffusion_json_has (object, "attention_head_dim"))
    config->attention_head_channels = 0;
  if (diffusion_json_has (object, "num_attention_heads") &&
      !diffusion_json_has (object, "attention_head_dim"))
    config->attention_head_channels = 0;
  return diffusion_json_get_int (name, object, "attention_head_dim", 1, MAX_SIZE,
                                 &config->attention_head_channels, error) &&
         diffusion_json_get_int (name, object, "num_attention_heads", 1, MAX_SIZE, &config->attention_heads,
                                 error) &&
         diffusion_json_get_int (name, object, "num_attention_heads_up", 1, MAX_SIZE,
                                 &config->attention_heads_up, error);
}

static gboolean
read_classes (const char *name, JsonObject *object, DiffusionUnetConfig *config, GError **error)
{
  static const char *const types[] = { "timestep", NULL };
  gint type = -1;

  if (!diffusion_json_get_choice (name, object, "class_embed_type", types, &type, error) ||
      !diffusion_json_get_int (name, object, "num_class_embeds", 1, MAX_SIZE, &config->n_classes, error))
    return FALSE;
  if (type == 0)
    config->class_input = DIFFUSION_CLASS_TIMESTEP;
  else if (config->n_classes > 0)
    config->class_input = DIFFUSION_CLASS_LABEL;
  if (config->class_input != DIFFUSION_CLASS_LABEL)
    config->n_classes = 0;
  return TRUE;
}

static gboolean
read_extensions (const char *name, JsonObject *object, DiffusionUnetConfig *config, GError **error)
{
  const char *padding = NULL;
  gint head = (gint)config->head;

  if (!diffusion_json_get_int (name, object, "low_res_channels", 0, MAX_SIZE, &config->low_res_channels,
                               error) ||
      !diffusion_json_get_int (name, object, "pixel_unshuffle", 1, MAX_SIZE, &config->pixel_unshuffle,
                               error) ||
      !diffusion_json_get_int (name, object, "time_embedding_channels", 1, MAX_SIZE, &config->time_channels,
                               error) ||
      !diffusion_json_get_double (name, object, "output_scale_factor", 0, MAX_SIZE, &config->output_scale,
                                  error) ||
      !diffusion_json_get_string (name, object, "padding_mode", &padding, error) ||
      !diffusion_json_get_choice (name, object, "class_head", head_names, &head, error) ||
      !diffusion_json_get_int (name, object, "class_head_dim", 1, MAX_SIZE, &config->pool_head_channels,
                               error))
    return FALSE;
  config->circular = g_strcmp0 (padding, "circular") == 0;
  config->head = (DiffusionUnetHead)head;
  /* in_channels of the file counts what the first convolution sees. */
  config->in_channels -= config->low_res_channels;
  return TRUE;
}

gboolean
diffusion_unet_config_from_json (const char *name,
                                 JsonObject *object,
                                 DiffusionUnetConfig *config,
                                 GError **error)
{
  gint class_name = 0, down = 0, up = 0;

  diffusion_unet_config_init (config);
  if (!diffusion_json_get_choice (name, object, "_class_name", class_names, &class_name, error) ||
      !check_unsupported (name, object, error) || !read_sample_size (name, object, config, error) ||
      !read_channels (name, object, config, error) ||
      !diffusion_json_get_choice (name, object, "downsample_type", resample_names, &down, error) ||
      !diffusion_json_get_choice (name, object, "upsample_type", resample_names, &up, error) ||
      !read_blocks (name, object, "down_block_types", down_types, config->n_levels, (DiffusionResample)down,
                    config->down_attention, config->down_resample, error))
    return FALSE;
  if (strcmp (class_names[class_name], "DiffusionClassifier") == 0)
    config->head = DIFFUSION_HEAD_ATTENTION;
  else if (!read_blocks (name, object, "up_block_types", up_types, config->n_levels, (DiffusionResample)up,
                         config->up_attention, config->up_resample, error))
    return FALSE;
  return diffusion_json_get_int (name, object, "in_channels", 1, MAX_SIZE, &config->in_channels, error) &&
         diffusion_json_get_int (name, object, "out_channels", 1, MAX_SIZE, &config->out_channels, error) &&
         diffusion_json_get_boolean (name, object, "center_input_sample", &config->center_input, error) &&
         diffusion_json_get_double (name, object, "freq_shift", 0, 1, &config->freq_shift, error) &&
         diffusion_json_get_boolean (name, object, "flip_sin_to_cos", &config->flip_sin_to_cos, error) &&
         diffusion_json_get_int (name, object, "layers_per_block", 1, MAX_SIZE, &config->layers_per_block,
                                 error) &&
         diffusion_json_get_double (name, object, "mid_block_scale_factor", 0, MAX_SIZE,
                                    &config->mid_output_scale, error) &&
         diffusion_json_get_int (name, object, "downsample_padding", 0, 1, &config->downsample_padding,
                                 error) &&
         diffusion_json_get_double (name, object, "dropout", 0, 1, &config->dropout, error) &&
         diffusion_json_get_double (name, object, "norm_eps", 0, 1, &config->norm_eps, error) &&
         read_attention (name, object, config, error) && read_classes (name, object, config, error) &&
         read_extensions (name, object, config, error) &&
         diffusion_unet_config_validate (config, name, error);
}

/* What the attention blocks resample with, which is one setting for all of them; FALSE where they differ or
 * cannot be named. */
static gboolean
find_common_resample (gint n_levels,
                      const gboolean *attention,
                      const DiffusionResample *resample,
                      DiffusionResample *kind)
{
  gboolean plain = FALSE, other = FALSE, known = FALSE;

  *kind = DIFFUSION_RESAMPLE_CONV;
  for (gint i = 0; i + 1 < n_levels; i++)
    {
      if (resample[i] == DIFFUSION_RESAMPLE_PLAIN)
        plain = TRUE;
      else
        other = TRUE;
      if (!attention[i])
        continue;
      if (known && *kind != resample[i])
        return FALSE;
      known = TRUE;
      *kind = resample[i];
    }
  if (plain)
    *kind = DIFFUSION_RESAMPLE_PLAIN;
  return !(plain && other);
}

gboolean
diffusion_unet_config_is_diffusers (const DiffusionUnetConfig *config)
{
  DiffusionResample down, up;

  return config->head == DIFFUSION_HEAD_IMAGE && config->pixel_unshuffle == 1 && !config->circular &&
         config->low_res_channels == 0 &&
         diffusion_unet_config_get_time_channels (config) == config->channels[0] &&
         config->output_scale == 1 && (config->attention_head_channels > 0 || config->attention_heads <= 1) &&
         (config->attention_head_channels > 0 || config->attention_heads_up <= 1) &&
         (config->scale_shift || config->mid_attention_groups > 0) &&
         find_common_resample (config->n_levels, config->down_attention, config->down_resample, &down) &&
         find_common_resample (config->n_levels, config->up_attention, config->up_resample, &up) &&
         down != DIFFUSION_RESAMPLE_PLAIN && up != DIFFUSION_RESAMPLE_PLAIN;
}

static void
write_blocks (JsonObject *object,
              const char *key,
              const char *const *types,
              gint n_levels,
              const gboolean *attention,
              const DiffusionResample *resample)
{
  JsonArray *array = json_array_new ();

  for (gint i = 0; i < n_levels; i++)
    {
      gint type = BLOCK_PLAIN;

      if (attention[i])
        type = BLOCK_ATTENTION;
      else if (resample[i] == DIFFUSION_RESAMPLE_RESNET)
        type = BLOCK_RESNET;
      json_array_add_string_element (array, types[type]);
    }
  json_object_set_array_member (object, key, array);
}

static void
write_int_or_null (JsonObject *object, const char *key, gint value)
{
  if (value > 0)
    json_object_set_int_member (object, key, value);
  else
    json_object_set_null_member (object, key);
}

/* Whole numbers stay whole, as in the files that diffusers writes. */
static void
write_number (JsonObject *object, const char *key, double value)
{
  if (value == (double)(gint64)value)
    json_object_set_int_member (object, key, (gint64)value);
  else
    json_object_set_double_member (object, key, value);
}

static void
write_extensions (JsonObject *object, const DiffusionUnetConfig *config)
{
  json_object_set_int_member (object, "low_res_channels", config->low_res_channels);
  json_object_set_int_member (object, "pixel_unshuffle", config->pixel_unshuffle);
  json_object_set_string_member (object, "padding_mode", config->circular ? "circular" : "zeros");
  json_object_set_int_member (object, "time_embedding_channels",
                              diffusion_unet_config_get_time_channels (config));
  write_number (object, "output_scale_factor", config->output_scale);
  if (config->attention_heads > 0)
    json_object_set_int_member (object, "num_attention_heads", config->attention_heads);
  if (config->attention_heads_up > 0)
    json_object_set_int_member (object, "num_attention_heads_up", config->attention_heads_up);
  if (config->head != DIFFUSION_HEAD_IMAGE)
    {
      json_object_set_string_member (object, "class_head", head_names[config->head]);
      if (config->pool_head_channels > 0)
        json_object_set_int_member (object, "class_head_dim", config->pool_head_channels);
    }
}

JsonObject *
diffusion_unet_config_to_json (const DiffusionUnetConfig *config)
{
  JsonObject *object = json_object_new ();
  JsonArray *array;
  DiffusionResample down, up;
  gboolean diffusers = diffusion_unet_config_is_diffusers (config),
           classifier = config->head != DIFFUSION_HEAD_IMAGE;

  find_common_resample (config->n_levels, config->down_attention, config->down_resample, &down);
  find_common_resample (config->n_levels, config->up_attention, config->up_resample, &up);
  json_object_set_string_member (object, "_class_name", class_names[classifier ? 2 : !diffusers]);
  if (config->sample_height == config->sample_width)
    write_int_or_null (object, "sample_size", config->sample_height);
  else
    {
      array = json_array_new ();
      json_array_add_int_element (array, config->sample_height);
      json_array_add_int_element (array, config->sample_width);
      json_object_set_array_member (object, "sample_size", array);
    }
  json_object_set_int_member (object, "in_channels", config->in_channels + config->low_res_channels);
  json_object_set_int_member (object, "out_channels", config->out_channels);
  json_object_set_boolean_member (object, "center_input_sample", config->center_input);
  json_object_set_string_member (object, "time_embedding_type", "positional");
  write_number (object, "freq_shift", config->freq_shift);
  json_object_set_boolean_member (object, "flip_sin_to_cos", config->flip_sin_to_cos);
  write_blocks (object, "down_block_types", down_types, config->n_levels, config->down_attention,
                config->down_resample);
  if (!classifier)
    write_blocks (object, "up_block_types", up_types, config->n_levels, config->up_attention,
                  config->up_resample);
  array = json_array_new ();
  for (gint i = 0; i < config->n_levels; i++)
    json_array_add_int_element (array, config->channels[i]);
  json_object_set_array_member (object, "block_out_channels", array);
  json_object_set_int_member (object, "layers_per_block", config->layers_per_block);
  write_number (object, "mid_block_scale_factor", config->mid_output_scale);
  json_object_set_int_member (object, "downsample_padding", config->downsample_padding);
  json_object_set_string_member (object, "downsample_type", resample_names[down]);
  if (!classifier)
    json_object_set_string_member (object, "upsample_type", resample_names[up]);
  write_number (object, "dropout", config->dropout);
  json_object_set_string_member (object, "act_fn", "silu");
  write_int_or_null (object, "attention_head_dim", config->attention_head_channels);
  json_object_set_int_member (object, "norm_num_groups", config->norm_groups);
  /* Null means none only next to scale_shift. */
  if (config->mid_attention_groups == 0 && !config->scale_shift)
    json_object_set_int_member (object, "attn_norm_num_groups", 0);
  else
    write_int_or_null (object, "attn_norm_num_groups", config->mid_attention_groups);
  json_object_set_double_member (object, "norm_eps", config->norm_eps);
  json_object_set_string_member (object, "resnet_time_scale_shift",
                                 config->scale_shift ? "scale_shift" : "default");
  json_object_set_boolean_member (object, "add_attention", config->mid_attention);
  if (config->class_input == DIFFUSION_CLASS_TIMESTEP)
    json_object_set_string_member (object, "class_embed_type", "timestep");
  else
    json_object_set_null_member (object, "class_embed_type");
  write_int_or_null (object, "num_class_embeds", config->n_classes);
  if (!diffusers)
    write_extensions (object, config);
  return object;
}
