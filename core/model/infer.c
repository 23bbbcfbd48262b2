/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network's architecture, as far as the shapes of its tensors tell it. */
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/architecture.h"

#define MAX_INT 1000000000

typedef struct
{
  const DiffusionTensorFile *file;
  DiffusionUnetConfig *config;
} Inference;

static gboolean has (const Inference *inference, const char *format, ...) G_GNUC_PRINTF (2, 3);
static gint extent (const Inference *inference, gint dimension, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
has (const Inference *inference, const char *format, ...)
{
  g_autofree char *name = NULL;
  va_list arguments;

  va_start (arguments, format);
  name = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return diffusion_tensor_file_lookup (inference->file, name) != NULL;
}

/* The extent of a tensor along a dimension, 0 where there is none. */
static gint
extent (const Inference *inference, gint dimension, const char *format, ...)
{
  g_autofree char *name = NULL;
  const DiffusionTensorEntry *entry;
  va_list arguments;

  va_start (arguments, format);
  name = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  entry = diffusion_tensor_file_lookup (inference->file, name);
  return entry != NULL && dimension < entry->n_dims ? (gint)MIN (entry->shape[dimension], MAX_INT) : 0;
}

static gboolean
failed (const Inference *inference, GError **error)
{
  g_set_error (
      error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
      _("%s: the architecture cannot be told from the tensors; give the flags it was built with (--flags)"),
      diffusion_tensor_file_get_path (inference->file));
  return FALSE;
}

/* One more than the largest number after @prefix. */
static gint
count_blocks (const Inference *inference, const char *prefix)
{
  gint count = 0;

  for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (inference->file); i++)
    {
      const char *name = diffusion_tensor_file_get_tensor (inference->file, i)->name;

      if (g_str_has_prefix (name, prefix))
        count = MAX (count, 1 + (gint)CLAMP (g_ascii_strtoll (name + strlen (prefix), NULL, 10), 0, 10000));
    }
  return count;
}

static void
set_resampling (DiffusionUnetConfig *config, DiffusionResample kind)
{
  for (gint i = 0; i < DIFFUSION_UNET_MAX_LEVELS; i++)
    config->down_resample[i] = config->up_resample[i] = kind;
}

/* Whether an encoder of residual blocks only can have @period blocks a level: widths change and attention
 * starts or ends only where a level begins, and the last block of a level, which resamples, has no attention.
 */
static gboolean
period_fits (const Inference *inference, gint n_blocks, gint period)
{
  for (gint i = 1; i < n_blocks; i++)
    {
      gboolean first = (i - 1) % period == 0, last = i % period == 0,
               attention = has (inference, "input_blocks.%d.1.qkv.weight", i);

      if (has (inference, "input_blocks.%d.0.skip_connection.weight", i) && !first)
        return FALSE;
      if (last ? attention : !first && attention != has (inference, "input_blocks.%d.1.qkv.weight", i - 1))
        return FALSE;
    }
  return TRUE;
}

/* Blocks a level takes (residual blocks and the resampling one), 0 if that cannot be told. */
static gint
guided_period (const Inference *inference, gint n_blocks, gboolean classifier, DiffusionResample *kind)
{
  *kind = DIFFUSION_RESAMPLE_CONV;
  for (gint i = 1; i < n_blocks; i++)
    if (has (inference, "input_blocks.%d.0.op.weight", i))
      return i;
  *kind = DIFFUSION_RESAMPLE_PLAIN;
  for (gint i = 1; i < n_blocks; i++)
    if (!has (inference, "input_blocks.%d.0.in_layers.0.weight", i))
      return i;
  *kind = DIFFUSION_RESAMPLE_RESNET;
  if (!classifier)
    {
      for (gint i = 0; i < n_blocks; i++)
        if (has (inference, "output_blocks.%d.1.in_layers.0.weight", i) ||
            has (inference, "output_blocks.%d.2.in_layers.0.weight", i))
          return i + 1;
      return n_blocks;
    }
  for (gint period = 2; period <= n_blocks; period++)
    if (n_blocks % period == 0 && period_fits (inference, n_blocks, period))
      return period;
  return 0;
}

static gboolean
infer_class_head (Inference *inference)
{
  DiffusionUnetConfig *config = inference->config;
  gint positions = extent (inference, 1, "out.2.positional_embedding"), side = 1;

  if (positions > 0)
    {
      config->head = DIFFUSION_HEAD_ATTENTION;
      config->out_channels = extent (inference, 0, "out.2.c_proj.weight");
      while (side < 4096 && side * side + 1 < positions)
        side++;
      config->sample_height = config->sample_width = side << (config->n_levels - 1);
      return side * side + 1 == positions;
    }
  config->head = DIFFUSION_HEAD_SPATIAL;
  if (extent (inference, 1, "out.0.weight") == 0)
    config->head = DIFFUSION_HEAD_ADAPTIVE;
  else if (has (inference, "out.3.weight"))
    config->head = DIFFUSION_HEAD_SPATIAL_V2;
  config->out_channels =
      extent (inference, 0, config->head == DIFFUSION_HEAD_SPATIAL ? "out.2.weight" : "out.3.weight");
  return TRUE;
}

static gboolean
infer_guided (Inference *inference, GError **error)
{
  DiffusionUnetConfig *config = inference->config;
  gboolean classifier = !has (inference, "output_blocks.0.0.in_layers.0.weight");
  gint n_blocks = MAX (count_blocks (inference, "input_blocks."),
                       classifier ? 0 : count_blocks (inference, "output_blocks."));
  DiffusionResample kind;
  gint period = guided_period (inference, n_blocks, classifier, &kind), width;

  if (period < 2 || n_blocks % period != 0 || n_blocks / period > DIFFUSION_UNET_MAX_LEVELS)
    return failed (inference, error);
  config->layers_per_block = period - 1;
  config->n_levels = n_blocks / period;
  set_resampling (config, kind);
  for (gint i = 0; i < config->n_levels; i++)
    {
      config->channels[i] = extent (inference, 0, "input_blocks.%d.0.out_layers.3.weight", 1 + i * period);
      config->down_attention[i] = has (inference, "input_blocks.%d.1.qkv.weight", 1 + i * period);
      config->up_attention[i] = has (inference, "output_blocks.%d.1.qkv.weight", i * period);
    }
  width = extent (inference, 1, "time_embed.0.weight");
  config->time_channels = width == config->channels[0] ? 0 : width;
  config->scale_shift =
      extent (inference, 0, "input_blocks.1.0.emb_layers.1.weight") == 2 * config->channels[0];
  config->n_classes = extent (inference, 0, "label_emb.weight");
  config->class_input = config->n_classes > 0 ? DIFFUSION_CLASS_LABEL : DIFFUSION_CLASS_NONE;
  config->in_channels = extent (inference, 1, "input_blocks.0.0.weight");
  if (classifier)
    return infer_class_head (inference) || failed (inference, error);
  config->out_channels = extent (inference, 0, "out.2.weight");
  if (config->in_channels == 6 && (config->out_channels == 3 || config->out_channels == 6))
    config->in_channels = config->low_res_channels = 3;
  return TRUE;
}

static gint
count_levels (const Inference *inference, const char *format)
{
  gint levels = 0;

  while (levels <= DIFFUSION_UNET_MAX_LEVELS)
    {
      g_autofree char *number = g_strdup_printf ("%d", levels);
      g_auto (GStrv) parts = g_strsplit (format, "#", 2);

      if (!has (inference, "%s%s%s", parts[0], number, parts[1]))
        break;
      levels++;
    }
  return levels;
}

static gboolean
infer_ddim (Inference *inference, GError **error)
{
  DiffusionUnetConfig *config = inference->config;
  gint width = extent (inference, 1, "temb.dense.0.weight");

  config->n_levels = count_levels (inference, "down.#.block.0.conv1.weight");
  config->layers_per_block = count_levels (inference, "down.0.block.#.conv1.weight");
  if (config->n_levels < 1 || config->n_levels > DIFFUSION_UNET_MAX_LEVELS)
    return failed (inference, error);
  for (gint i = 0; i < config->n_levels; i++)
    {
      config->channels[i] = extent (inference, 0, "down.%d.block.0.conv1.weight", i);
      config->down_attention[i] = has (inference, "down.%d.attn.0.q.weight", i);
      config->up_attention[i] = has (inference, "up.%d.attn.0.q.weight", config->n_levels - 1 - i);
    }
  set_resampling (config, config->n_levels == 1 || has (inference, "down.0.downsample.conv.weight")
                              ? DIFFUSION_RESAMPLE_CONV
                              : DIFFUSION_RESAMPLE_PLAIN);
  config->time_channels = width == config->channels[0] ? 0 : width;
  config->in_channels = extent (inference, 1, "conv_in.weight");
  config->out_channels = extent (inference, 0, "conv_out.weight");
  config->norm_eps = 1e-6;
  config->freq_shift = 1;
  config->flip_sin_to_cos = FALSE;
  config->downsample_padding = 0;
  config->attention_head_channels = 0;
  return TRUE;
}

static DiffusionResample
diffusers_resampling (const Inference *inference, const char *path)
{
  if (has (inference, "%s.conv1.weight", path))
    return DIFFUSION_RESAMPLE_RESNET;
  return has (inference, "%s.conv.weight", path) ? DIFFUSION_RESAMPLE_CONV : DIFFUSION_RESAMPLE_PLAIN;
}

static gboolean
infer_diffusers (Inference *inference, GError **error)
{
  DiffusionUnetConfig *config = inference->config;
  gint width = extent (inference, 1, "time_embedding.linear_1.weight");

  config->n_levels = count_levels (inference, "down_blocks.#.resnets.0.conv1.weight");
  config->layers_per_block = count_levels (inference, "down_blocks.0.resnets.#.conv1.weight");
  if (config->n_levels < 1 || config->n_levels > DIFFUSION_UNET_MAX_LEVELS ||
      !has (inference, "up_blocks.0.resnets.0.conv1.weight"))
    return failed (inference, error);
  for (gint i = 0; i < config->n_levels; i++)
    {
      g_autofree char *down = g_strdup_printf ("down_blocks.%d.downsamplers.0", i);
      g_autofree char *up = g_strdup_printf ("up_blocks.%d.upsamplers.0", i);

      config->channels[i] = extent (inference, 0, "down_blocks.%d.resnets.0.conv1.weight", i);
      config->down_attention[i] = has (inference, "down_blocks.%d.attentions.0.group_norm.weight", i);
      config->up_attention[i] = has (inference, "up_blocks.%d.attentions.0.group_norm.weight", i);
      config->down_resample[i] = diffusers_resampling (inference, down);
      config->up_resample[i] = diffusers_resampling (inference, up);
    }
  config->time_channels = width == config->channels[0] ? 0 : width;
  config->scale_shift =
      extent (inference, 0, "down_blocks.0.resnets.0.time_emb_proj.weight") == 2 * config->channels[0];
  config->mid_attention = has (inference, "mid_block.attentions.0.to_q.weight") ||
                          has (inference, "mid_block.attentions.0.query.weight");
  if (!has (inference, "mid_block.attentions.0.group_norm.weight"))
    config->mid_attention_groups = 0;
  config->n_classes = extent (inference, 0, "class_embedding.weight");
  if (config->n_classes > 0)
    config->class_input = DIFFUSION_CLASS_LABEL;
  else if (has (inference, "class_embedding.linear_1.weight"))
    config->class_input = DIFFUSION_CLASS_TIMESTEP;
  config->in_channels = extent (inference, 1, "conv_in.weight");
  config->out_channels = extent (inference, 0, "conv_out.weight");
  return TRUE;
}

gboolean
diffusion_infer_architecture (const DiffusionTensorFile *file,
                              DiffusionNameStyle style,
                              DiffusionArchitecture *architecture,
                              DiffusionUnknown *unknown,
                              GError **error)
{
  Inference inference = { file, &architecture->unet };
  DiffusionUnetConfig *config = &architecture->unet;
  gboolean good = FALSE, attention = FALSE;

  memset (architecture, 0, sizeof *architecture);
  diffusion_unet_config_init (config);
  diffusion_scheduler_config_init (&architecture->scheduler);
  memset (config->down_attention, 0, sizeof config->down_attention);
  memset (config->up_attention, 0, sizeof config->up_attention);
  switch (style)
    {
    case DIFFUSION_NAMES_GUIDED:
      good = infer_guided (&inference, error);
      break;
    case DIFFUSION_NAMES_DDIM:
      good = infer_ddim (&inference, error);
      break;
    case DIFFUSION_NAMES_DIFFUSERS:
      good = infer_diffusers (&inference, error);
      break;
    }
  if (!good)
    return FALSE;
  for (gint i = 0; i < config->n_levels; i++)
    attention |= config->down_attention[i] || config->up_attention[i];
  *unknown = 0;
  if (style == DIFFUSION_NAMES_DIFFUSERS)
    *unknown |= DIFFUSION_UNKNOWN_CONSTANTS;
  if (style != DIFFUSION_NAMES_DDIM &&
      (attention || config->mid_attention || config->head == DIFFUSION_HEAD_ATTENTION))
    *unknown |= DIFFUSION_UNKNOWN_HEADS;
  if (style != DIFFUSION_NAMES_DDIM)
    config->attention_head_channels = 0;
  architecture->scheduler.variance =
      config->head == DIFFUSION_HEAD_IMAGE && config->out_channels == 2 * config->in_channels
          ? DIFFUSION_VARIANCE_LEARNED_RANGE
          : DIFFUSION_VARIANCE_FIXED_LARGE;
  return diffusion_unet_config_validate (config, diffusion_tensor_file_get_path (file), error);
}
