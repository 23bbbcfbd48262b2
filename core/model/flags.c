/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The flags with which published networks were built, which their files do not hold. */
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/architecture.h"
#include "core/model/json.h"

#define MAX_TEXT ((gsize)1 << 20)
#define MAX_INT  1000000000

/* "--name value" pairs; numbers and truth values become what JSON would make of them. */
static JsonObject *
parse_options (const char *name, const char *text, GError **error)
{
  g_autoptr (JsonObject) flags = json_object_new ();
  g_auto (GStrv) words = NULL;
  gint n_words = 0;

  if (!g_shell_parse_argv (text, &n_words, &words, NULL))
    n_words = 0;
  for (gint i = 0; i < n_words; i += 2)
    {
      const char *value = i + 1 < n_words ? words[i + 1] : NULL;
      char *end = NULL;
      gint64 number;
      double real;

      if (!g_str_has_prefix (words[i], "--") || value == NULL || g_str_has_prefix (value, "--"))
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                       _("%s: “%s” is not of the form --name value"), name, words[i]);
          return NULL;
        }
      number = g_ascii_strtoll (value, &end, 10);
      if (*value != '\0' && *end == '\0')
        {
          json_object_set_int_member (flags, words[i] + 2, number);
          continue;
        }
      real = g_ascii_strtod (value, &end);
      if (*value != '\0' && *end == '\0')
        json_object_set_double_member (flags, words[i] + 2, real);
      else if (g_ascii_strcasecmp (value, "true") == 0 || g_ascii_strcasecmp (value, "false") == 0)
        json_object_set_boolean_member (flags, words[i] + 2, g_ascii_strcasecmp (value, "true") == 0);
      else
        json_object_set_string_member (flags, words[i] + 2, value);
    }
  return g_steal_pointer (&flags);
}

JsonObject *
diffusion_flags_parse (const char *name, const char *text, gsize length, GError **error)
{
  g_autofree char *copy = NULL;

  /* An empty file is mapped to NULL. */
  text = length > 0 ? text : "";
  if (length > MAX_TEXT || memchr (text, 0, length) != NULL || !g_utf8_validate (text, (gssize)length, NULL))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("%s: this is no file of flags"), name);
      return NULL;
    }
  copy = g_strstrip (g_strndup (text, length));
  if (g_str_has_prefix (copy, "--"))
    return parse_options (name, copy, error);
  return diffusion_json_parse_object (name, text, length, error);
}

JsonObject *
diffusion_flags_load (const char *path, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, &reason);

  if (file == NULL)
    {
      gboolean absent = g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT);

      g_set_error (error, DIFFUSION_ERROR, absent ? DIFFUSION_ERROR_NOT_FOUND : DIFFUSION_ERROR_IO,
                   _("%s: cannot read: %s"), path, reason->message);
      return NULL;
    }
  return diffusion_flags_parse (path, g_mapped_file_get_contents (file), g_mapped_file_get_length (file), error);
}

void
diffusion_architecture_clear (DiffusionArchitecture *architecture)
{
  diffusion_scheduler_config_clear (&architecture->scheduler);
}

static gboolean
wrong_flag (const char *name, const char *key, const char *expected, GError **error)
{
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("%s: flag “%s” must be %s"), name, key,
               expected);
  return FALSE;
}

/* A list of numbers, or a string of them separated by commas; *textual tells which. At most @max values. */
static gboolean
read_numbers (const char *name,
              JsonObject *flags,
              const char *key,
              guint max,
              double *values,
              guint *count,
              gboolean *textual,
              GError **error)
{
  JsonNode *node = json_object_get_member (flags, key);

  *count = 0;
  *textual = FALSE;
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      if (json_array_get_length (array) > max)
        return wrong_flag (name, key, _("a short list of numbers"), error);
      for (; *count < json_array_get_length (array); ++*count)
        {
          g_autoptr (JsonObject) one = json_object_new ();

          values[*count] = 0;
          json_object_set_member (one, key, json_node_copy (json_array_get_element (array, *count)));
          if (!diffusion_json_get_double (name, one, key, 0, MAX_INT, &values[*count], error))
            return FALSE;
        }
      return TRUE;
    }
  *textual = TRUE;
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    {
      g_auto (GStrv) parts = g_strsplit (json_node_get_string (node), ",", -1);

      for (guint i = 0; parts[i] != NULL && (i > 0 || parts[i][0] != '\0'); i++)
        {
          char *end = NULL;

          if (*count == max)
            return wrong_flag (name, key, _("a short list of numbers"), error);
          values[*count] = g_ascii_strtod (parts[i], &end);
          if (end == parts[i] || *end != '\0' || !(values[*count] >= 0 && values[*count] <= MAX_INT))
            return wrong_flag (name, key, _("numbers separated by commas"), error);
          ++*count;
        }
      return TRUE;
    }
  *count = 1;
  return diffusion_json_get_double (name, flags, key, 0, MAX_INT, &values[0], error);
}

/* The first of several names of one flag that is there. */
static const char *
present (JsonObject *flags, const char *a, const char *b, const char *c)
{
  if (diffusion_json_has (flags, a))
    return a;
  if (b != NULL && diffusion_json_has (flags, b))
    return b;
  return c != NULL && diffusion_json_has (flags, c) ? c : a;
}

static gboolean
read_levels (const char *name,
             JsonObject *flags,
             const char *key,
             gint width,
             gint size,
             DiffusionUnetConfig *config,
             GError **error)
{
  static const struct
  {
    gint size;
    guint count;
    double values[7];
  } usual[] = {
    { 512, 7, { 0.5, 1, 1, 2, 2, 4, 4 } },
    { 256, 6, { 1, 1, 2, 2, 4, 4 } },
    { 128, 5, { 1, 1, 2, 3, 4 } },
    { 64, 4, { 1, 2, 3, 4 } },
    { 32, 4, { 1, 2, 2, 2 } },
  };
  double multipliers[DIFFUSION_UNET_MAX_LEVELS];
  guint count;
  gboolean textual;

  if (!read_numbers (name, flags, key, DIFFUSION_UNET_MAX_LEVELS, multipliers, &count, &textual, error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (usual) && count == 0; i++)
    if (usual[i].size == size)
      {
        count = usual[i].count;
        memcpy (multipliers, usual[i].values, sizeof usual[i].values);
        /* The 512 × 512 upsampler has no level of half width. */
        if (size == 512 && diffusion_json_has (flags, "large_size"))
          {
            count = 6;
            memcpy (multipliers, usual[1].values, sizeof usual[1].values);
          }
      }
  if (count == 0)
    return wrong_flag (name, key, _("given for this image size: one factor for each level"), error);
  config->n_levels = (gint)count;
  for (guint i = 0; i < count; i++)
    config->channels[i] = (gint)MIN (multipliers[i] * width, MAX_INT);
  return TRUE;
}

/* Attention where the level's downsampling factor is listed, or its size in pixels. */
static gboolean
read_attention (const char *name,
                JsonObject *flags,
                const char *key,
                gboolean pixels,
                gint size,
                DiffusionUnetConfig *config,
                GError **error)
{
  double values[16];
  guint count;
  gboolean textual;

  memset (config->down_attention, 0, sizeof config->down_attention);
  memset (config->up_attention, 0, sizeof config->up_attention);
  if (!read_numbers (name, flags, key, G_N_ELEMENTS (values), values, &count, &textual, error))
    return FALSE;
  pixels = pixels || textual;
  if (pixels && count > 0 && size <= 0)
    return wrong_flag (name, "image_size", _("given together with attention_resolutions in pixels"), error);
  for (guint i = 0; i < count; i++)
    for (gint level = 0; level < config->n_levels; level++)
      {
        double factor = pixels && values[i] > 0 ? (double)(gint)(size / values[i]) : values[i];

        if (factor == (double)(1 << level))
          config->down_attention[level] = config->up_attention[config->n_levels - 1 - level] = TRUE;
      }
  return TRUE;
}

static void
set_resampling (DiffusionUnetConfig *config, DiffusionResample kind)
{
  for (gint i = 0; i < DIFFUSION_UNET_MAX_LEVELS; i++)
    config->down_resample[i] = config->up_resample[i] = kind;
}

/* Channels of a low-resolution picture: what the first convolution sees beyond @in_channels. */
static void
read_low_res (JsonObject *flags,
              const DiffusionTensorFile *file,
              const char *first,
              DiffusionUnetConfig *config)
{
  const DiffusionTensorEntry *entry = file != NULL ? diffusion_tensor_file_lookup (file, first) : NULL;

  config->low_res_channels = diffusion_json_has (flags, "large_size") ? config->in_channels : 0;
  if (entry != NULL && entry->n_dims == 4)
    config->low_res_channels = entry->shape[1] == 2 * config->in_channels ? config->in_channels : 0;
}

static gboolean
read_classes (const char *name,
              JsonObject *flags,
              const DiffusionTensorFile *file,
              DiffusionUnetConfig *config,
              GError **error)
{
  const DiffusionTensorEntry *labels =
      file != NULL ? diffusion_tensor_file_lookup (file, "label_emb.weight") : NULL;
  gboolean conditional = FALSE;

  config->n_classes = 0;
  if (!diffusion_json_get_boolean (name, flags, "class_cond", &conditional, error))
    return FALSE;
  if (conditional)
    config->n_classes =
        labels != NULL && labels->n_dims == 2 ? (gint)CLAMP (labels->shape[0], 0, MAX_INT) : 1000;
  if (!diffusion_json_get_int (name, flags, "num_classes", 1, MAX_INT, &config->n_classes, error))
    return FALSE;
  config->class_input = config->n_classes > 0 ? DIFFUSION_CLASS_LABEL : DIFFUSION_CLASS_NONE;
  return TRUE;
}

/* −1 stands for "not given". */
static gboolean
read_heads (const char *name, JsonObject *flags, gint heads, DiffusionUnetConfig *config, GError **error)
{
  gint head_channels = -1, heads_up = -1;

  if (!diffusion_json_get_int (name, flags, "num_heads", 1, MAX_INT, &heads, error) ||
      !diffusion_json_get_int (name, flags, "num_head_channels", -1, MAX_INT, &head_channels, error) ||
      !diffusion_json_get_int (name, flags, "num_heads_upsample", -1, MAX_INT, &heads_up, error))
    return FALSE;
  config->attention_head_channels = MAX (head_channels, 0);
  config->attention_heads = head_channels > 0 ? 0 : heads;
  config->attention_heads_up = head_channels > 0 || heads_up == heads ? 0 : MAX (heads_up, 0);
  return TRUE;
}

static gboolean
read_guided_schedule (const char *name,
                      JsonObject *flags,
                      const DiffusionUnetConfig *config,
                      DiffusionSchedulerConfig *scheduler,
                      GError **error)
{
  static const char *const schedules[] = { "linear", "cosine", NULL };
  gboolean predict_x0 = FALSE, small = FALSE;
  gint schedule = 0;

  if (!diffusion_json_get_int (name, flags, "diffusion_steps", 1, DIFFUSION_MAX_STEPS, &scheduler->steps,
                               error) ||
      !diffusion_json_get_choice (name, flags, "noise_schedule", schedules, &schedule, error) ||
      !diffusion_json_get_boolean (name, flags, "predict_xstart", &predict_x0, error) ||
      !diffusion_json_get_boolean (name, flags, "sigma_small", &small, error) ||
      !diffusion_json_get_boolean (name, flags, "rescale_timesteps", &scheduler->rescale_timesteps, error))
    return FALSE;
  scheduler->schedule = schedule == 1 ? DIFFUSION_BETAS_COSINE : DIFFUSION_BETAS_LINEAR;
  if (schedule == 0)
    {
      scheduler->beta_start = MIN (1000.0 / scheduler->steps * 1e-4, 0.999);
      scheduler->beta_end = MIN (1000.0 / scheduler->steps * 0.02, 0.999);
    }
  scheduler->mean = predict_x0 ? DIFFUSION_MEAN_START_X : DIFFUSION_MEAN_EPSILON;
  scheduler->variance = small ? DIFFUSION_VARIANCE_FIXED_SMALL : DIFFUSION_VARIANCE_FIXED_LARGE;
  if (config->head == DIFFUSION_HEAD_IMAGE && config->out_channels == 2 * config->in_channels)
    scheduler->variance = DIFFUSION_VARIANCE_LEARNED_RANGE;
  return TRUE;
}

static gboolean
is_classifier (JsonObject *flags, const DiffusionTensorFile *file)
{
  if (file != NULL)
    return diffusion_tensor_file_lookup (file, "output_blocks.0.0.in_layers.0.weight") == NULL;
  return diffusion_json_has (flags, "pool") || diffusion_json_has (flags, "classifier_width");
}

/* guided-diffusion's EncoderUNetModel: its own flag names in the scripts, 64 channels a head there. */
static gboolean
read_classifier_head (const char *name, JsonObject *flags, DiffusionUnetConfig *config, GError **error)
{
  static const char *const pools[] = { "attention", "adaptive", "spatial", "spatial_v2", NULL };
  gint pool = 0;

  if (!diffusion_json_get_choice (name, flags, present (flags, "pool", "classifier_pool", NULL), pools, &pool,
                                  error))
    return FALSE;
  config->head = (DiffusionUnetHead)(DIFFUSION_HEAD_ATTENTION + pool);
  config->low_res_channels = 0;
  if (!diffusion_json_has (flags, "pool") && !diffusion_json_has (flags, "num_head_channels"))
    {
      config->attention_heads = 0;
      config->attention_head_channels = 64;
    }
  return TRUE;
}

static gboolean
read_guided (const char *name,
             JsonObject *flags,
             const DiffusionTensorFile *file,
             DiffusionArchitecture *architecture,
             GError **error)
{
  DiffusionUnetConfig *config = &architecture->unet;
  gboolean classifier = is_classifier (flags, file),
           constructor = diffusion_json_has (flags, "model_channels");
  gboolean updown = classifier && !constructor, conv = TRUE, learn_sigma = FALSE;
  const char *attention = present (flags, "attention_resolutions", "classifier_attention_resolutions", NULL);
  gint size = 0, width = 128;

  config->scale_shift = !constructor;
  config->layers_per_block = 2;
  if (!diffusion_json_get_int (name, flags, present (flags, "image_size", "large_size", NULL), 0, MAX_INT,
                               &size, error) ||
      !diffusion_json_get_int (name, flags,
                               present (flags, "model_channels", "num_channels", "classifier_width"), 1,
                               MAX_INT, &width, error) ||
      !diffusion_json_get_int (name, flags, present (flags, "num_res_blocks", "classifier_depth", NULL), 1,
                               MAX_INT, &config->layers_per_block, error) ||
      !diffusion_json_get_int (name, flags, "in_channels", 1, MAX_INT, &config->in_channels, error) ||
      !read_levels (name, flags, "channel_mult", width, size, config, error) ||
      !read_attention (name, flags, attention, FALSE, size, config, error) ||
      !diffusion_json_get_boolean (
          name, flags, present (flags, "use_scale_shift_norm", "classifier_use_scale_shift_norm", NULL),
          &config->scale_shift, error) ||
      !diffusion_json_get_boolean (name, flags,
                                   present (flags, "resblock_updown", "classifier_resblock_updown", NULL),
                                   &updown, error) ||
      !diffusion_json_get_boolean (name, flags, "conv_resample", &conv, error) ||
      !diffusion_json_get_boolean (name, flags, "learn_sigma", &learn_sigma, error) ||
      !diffusion_json_get_double (name, flags, "dropout", 0, 1, &config->dropout, error) ||
      !diffusion_json_get_boolean (name, flags, "use_new_attention_order", &architecture->new_qkv_order,
                                   error) ||
      !read_classes (name, flags, file, config, error) ||
      !read_heads (name, flags, constructor ? 1 : 4, config, error))
    return FALSE;
  config->out_channels = classifier ? 1000 : learn_sigma ? 2 * config->in_channels : config->in_channels;
  if (!diffusion_json_get_int (name, flags, "out_channels", 1, MAX_INT, &config->out_channels, error))
    return FALSE;
  set_resampling (config, updown ? DIFFUSION_RESAMPLE_RESNET
                          : conv ? DIFFUSION_RESAMPLE_CONV
                                 : DIFFUSION_RESAMPLE_PLAIN);
  config->sample_height = config->sample_width = size;
  config->time_channels = width == config->channels[0] ? 0 : width;
  read_low_res (flags, file, "input_blocks.0.0.weight", config);
  if (classifier && !read_classifier_head (name, flags, config, error))
    return FALSE;
  return read_guided_schedule (name, flags, config, &architecture->scheduler, error);
}

static gboolean
read_ddim (const char *name, JsonObject *flags, DiffusionArchitecture *architecture, GError **error)
{
  static const char *const variances[] = { "fixedsmall", "fixedlarge", NULL };
  DiffusionUnetConfig *config = &architecture->unet;
  DiffusionSchedulerConfig *scheduler = &architecture->scheduler;
  gboolean conv = TRUE;
  gint size = 0, width = 128, variance = 1;

  config->norm_eps = 1e-6;
  config->freq_shift = 1;
  config->flip_sin_to_cos = FALSE;
  config->downsample_padding = 0;
  config->attention_head_channels = 0;
  if (!diffusion_json_get_int (name, flags, present (flags, "resolution", "image_size", NULL), 0, MAX_INT,
                               &size, error) ||
      !diffusion_json_get_int (name, flags, "ch", 1, MAX_INT, &width, error) ||
      !diffusion_json_get_int (name, flags, "num_res_blocks", 1, MAX_INT, &config->layers_per_block, error) ||
      !diffusion_json_get_int (name, flags, "in_channels", 1, MAX_INT, &config->in_channels, error) ||
      !read_levels (name, flags, "ch_mult", width, 0, config, error) ||
      !read_attention (name, flags, "attn_resolutions", TRUE, size, config, error) ||
      !diffusion_json_get_int (name, flags, "num_groups", 1, MAX_INT, &config->norm_groups, error) ||
      !diffusion_json_get_boolean (name, flags, "resamp_with_conv", &conv, error) ||
      !diffusion_json_get_double (name, flags, "dropout", 0, 1, &config->dropout, error) ||
      !diffusion_json_get_int (name, flags, "num_diffusion_timesteps", 1, DIFFUSION_MAX_STEPS,
                               &scheduler->steps, error) ||
      !diffusion_json_get_double (name, flags, "beta_start", 0, 1, &scheduler->beta_start, error) ||
      !diffusion_json_get_double (name, flags, "beta_end", 0, 1, &scheduler->beta_end, error) ||
      !diffusion_json_get_choice (name, flags, "var_type", variances, &variance, error))
    return FALSE;
  config->out_channels = config->in_channels;
  if (!diffusion_json_get_int (name, flags, "out_ch", 1, MAX_INT, &config->out_channels, error))
    return FALSE;
  config->mid_attention_groups = config->norm_groups;
  config->time_channels = width == config->channels[0] ? 0 : width;
  config->sample_height = config->sample_width = size;
  set_resampling (config, conv ? DIFFUSION_RESAMPLE_CONV : DIFFUSION_RESAMPLE_PLAIN);
  scheduler->variance = variance == 1 ? DIFFUSION_VARIANCE_FIXED_LARGE : DIFFUSION_VARIANCE_FIXED_SMALL;
  return TRUE;
}

/* Flags that say nothing about the widths add to what the tensors tell. */
static gboolean
read_addition (const char *name,
               JsonObject *flags,
               const DiffusionTensorFile *file,
               DiffusionArchitecture *architecture,
               GError **error)
{
  DiffusionUnetConfig *config = &architecture->unet;
  DiffusionUnknown unknown;
  DiffusionNameStyle style;
  gint size = config->sample_height;

  if (!diffusion_name_style_detect (file, &style, error) ||
      !diffusion_infer_architecture (file, style, architecture, &unknown, error))
    return FALSE;
  size = config->sample_height;
  if (!diffusion_json_get_int (name, flags, present (flags, "image_size", "large_size", "resolution"), 0,
                               MAX_INT, &size, error) ||
      !diffusion_json_get_boolean (name, flags, "use_new_attention_order", &architecture->new_qkv_order,
                                   error) ||
      !diffusion_json_get_int (name, flags, "num_groups", 1, MAX_INT, &config->norm_groups, error) ||
      !diffusion_json_get_double (name, flags, "dropout", 0, 1, &config->dropout, error))
    return FALSE;
  config->sample_height = config->sample_width = size;
  if ((diffusion_json_has (flags, "num_heads") || diffusion_json_has (flags, "num_head_channels")) &&
      !read_heads (name, flags, 1, config, error))
    return FALSE;
  return style != DIFFUSION_NAMES_GUIDED ||
         read_guided_schedule (name, flags, config, &architecture->scheduler, error);
}

static gboolean
read_any (const char *name,
          JsonObject *flags,
          const DiffusionTensorFile *file,
          DiffusionArchitecture *architecture,
          GError **error)
{
  if (diffusion_json_has (flags, "ch"))
    return read_ddim (name, flags, architecture, error);
  if (file == NULL || diffusion_json_has (flags, "model_channels") ||
      diffusion_json_has (flags, "num_channels") || diffusion_json_has (flags, "classifier_width"))
    return read_guided (name, flags, file, architecture, error);
  return read_addition (name, flags, file, architecture, error);
}

gboolean
diffusion_architecture_from_flags (const char *name,
                                   JsonObject *flags,
                                   const DiffusionTensorFile *file,
                                   DiffusionArchitecture *architecture,
                                   GError **error)
{
  memset (architecture, 0, sizeof *architecture);
  diffusion_unet_config_init (&architecture->unet);
  diffusion_scheduler_config_init (&architecture->scheduler);
  if (read_any (name, flags, file, architecture, error) &&
      diffusion_unet_config_validate (&architecture->unet, name, error))
    return TRUE;
  diffusion_architecture_clear (architecture);
  return FALSE;
}
