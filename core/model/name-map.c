/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the names and arrangements of published weight files to ours. */
#include "core/model/name-map.h"

#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

typedef struct
{
  const char *ours;
  const char *theirs;
} Pair;

static const Pair guided_fixed[] = {
  { "time_embedding.linear_1", "time_embed.0" },
  { "time_embedding.linear_2", "time_embed.2" },
  { "class_embedding", "label_emb" },
  { "conv_in", "input_blocks.0.0" },
  { "conv_norm_out", "out.0" },
  { "conv_out", "out.2" },
  { "class_head.to_q", "out.2.qkv_proj" },
  { "class_head.to_k", "out.2.qkv_proj" },
  { "class_head.to_v", "out.2.qkv_proj" },
  { "class_head.to_out.0", "out.2.c_proj" },
  { "class_head.positional_embedding", "out.2.positional_embedding" },
  { "class_head.linear", "out.3" },
  { "class_head.linear_1", "out.0" },
  { "class_head.norm", "out.1" },
  { NULL, NULL },
};

static const Pair guided_leaves[] = {
  { "norm1", "in_layers.0" },  { "conv1", "in_layers.2" },  { "time_emb_proj", "emb_layers.1" },
  { "norm2", "out_layers.0" }, { "conv2", "out_layers.3" }, { "conv_shortcut", "skip_connection" },
  { "group_norm", "norm" },    { "to_q", "qkv" },           { "to_k", "qkv" },
  { "to_v", "qkv" },           { "to_out.0", "proj_out" },  { NULL, NULL },
};

static const Pair ddim_fixed[] = {
  { "time_embedding.linear_1", "temb.dense.0" },
  { "time_embedding.linear_2", "temb.dense.1" },
  { "conv_norm_out", "norm_out" },
  { NULL, NULL },
};

static const Pair ddim_leaves[] = {
  { "time_emb_proj", "temb_proj" },
  { "conv_shortcut", "nin_shortcut" },
  { "group_norm", "norm" },
  { "to_q", "q" },
  { "to_k", "k" },
  { "to_v", "v" },
  { "to_out.0", "proj_out" },
  { NULL, NULL },
};

static const Pair old_attention[] = {
  { "to_q", "query" }, { "to_k", "key" }, { "to_v", "value" }, { "to_out.0", "proj_attn" }, { NULL, NULL },
};

static const char *
translate (const Pair *pairs, const char *name)
{
  for (; pairs->ours != NULL; pairs++)
    if (strcmp (pairs->ours, name) == 0)
      return pairs->theirs;
  return NULL;
}

static const char *
translate_or_keep (const Pair *pairs, const char *name)
{
  const char *theirs = translate (pairs, name);

  return theirs != NULL ? theirs : name;
}

gboolean
diffusion_name_style_detect (const DiffusionTensorFile *file, DiffusionNameStyle *style, GError **error)
{
  if (diffusion_tensor_file_lookup (file, "input_blocks.0.0.weight") != NULL)
    *style = DIFFUSION_NAMES_GUIDED;
  else if (diffusion_tensor_file_lookup (file, "temb.dense.0.weight") != NULL)
    *style = DIFFUSION_NAMES_DDIM;
  else if (diffusion_tensor_file_lookup (file, "time_embedding.linear_1.weight") != NULL)
    *style = DIFFUSION_NAMES_DIFFUSERS;
  else
    {
      const DiffusionTensorEntry *first =
          diffusion_tensor_file_get_n_tensors (file) > 0 ? diffusion_tensor_file_get_tensor (file, 0) : NULL;

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _("%s: these are not the weights of a diffusion U-Net known here (the first tensor is "
                      "called “%s”)"),
                   diffusion_tensor_file_get_path (file), first != NULL ? first->name : "");
      return FALSE;
    }
  return TRUE;
}

/* Where a block of ours is in guided-diffusion: numbered sequences in which a level takes layers_per_block +
 * 1 places. */
static char *
guided_block (const DiffusionUnetConfig *config, const char *block, gint i, gint j)
{
  gint place = i * (config->layers_per_block + 1);

  if (strcmp (block, "down.resnets") == 0)
    return g_strdup_printf ("input_blocks.%d.0", 1 + place + j);
  if (strcmp (block, "down.attentions") == 0)
    return g_strdup_printf ("input_blocks.%d.1", 1 + place + j);
  if (strcmp (block, "down.downsamplers") == 0)
    return g_strdup_printf ("input_blocks.%d.0", 1 + place + config->layers_per_block);
  if (strcmp (block, "up.resnets") == 0)
    return g_strdup_printf ("output_blocks.%d.0", place + j);
  if (strcmp (block, "up.attentions") == 0)
    return g_strdup_printf ("output_blocks.%d.1", place + j);
  if (strcmp (block, "up.upsamplers") == 0)
    return g_strdup_printf ("output_blocks.%d.%d", place + config->layers_per_block,
                            config->up_attention[i] ? 2 : 1);
  if (strcmp (block, "mid.resnets") == 0)
    return g_strdup_printf ("middle_block.%d", j == 0 ? 0 : config->mid_attention ? 2 : 1);
  return g_strdup ("middle_block.1");
}

static char *
ddim_block (const DiffusionUnetConfig *config, const char *block, gint i, gint j)
{
  gint level = config->n_levels - 1 - i;

  if (strcmp (block, "down.resnets") == 0)
    return g_strdup_printf ("down.%d.block.%d", i, j);
  if (strcmp (block, "down.attentions") == 0)
    return g_strdup_printf ("down.%d.attn.%d", i, j);
  if (strcmp (block, "down.downsamplers") == 0)
    return g_strdup_printf ("down.%d.downsample", i);
  if (strcmp (block, "up.resnets") == 0)
    return g_strdup_printf ("up.%d.block.%d", level, j);
  if (strcmp (block, "up.attentions") == 0)
    return g_strdup_printf ("up.%d.attn.%d", level, j);
  if (strcmp (block, "up.upsamplers") == 0)
    return g_strdup_printf ("up.%d.upsample", level);
  if (strcmp (block, "mid.resnets") == 0)
    return g_strdup_printf ("mid.block_%d", j + 1);
  return g_strdup ("mid.attn_1");
}

/* Takes "down_blocks.1.resnets.0.conv1" apart into kind ("down.resnets"), numbers and layer ("conv1"). */
static const char *
split_block (const char *path, char **block, gint *i, gint *j)
{
  char kind[16];
  gint length = 0;

  *i = 0;
  if (sscanf (path, "down_blocks.%d.%15[a-z].%d.%n", i, kind, j, &length) == 3 && length > 0)
    *block = g_strconcat ("down.", kind, NULL);
  else if (sscanf (path, "up_blocks.%d.%15[a-z].%d.%n", i, kind, j, &length) == 3 && length > 0)
    *block = g_strconcat ("up.", kind, NULL);
  else if (sscanf (path, "mid_block.%15[a-z].%d.%n", kind, j, &length) == 2 && length > 0)
    *block = g_strconcat ("mid.", kind, NULL);
  else
    return NULL;
  return path + length;
}

static gint
joint_part (const char *layer)
{
  static const char *const parts[] = { "to_q", "to_k", "to_v" };

  for (gint i = 0; i < 3; i++)
    if (g_str_has_suffix (layer, parts[i]))
      return i;
  return -1;
}

static char *
guided_path (const DiffusionUnetConfig *config, const char *path)
{
  g_autofree char *block = NULL, *theirs = NULL;
  gint i, j;
  const char *layer = split_block (path, &block, &i, &j), *fixed;

  if (layer != NULL)
    {
      theirs = guided_block (config, block, i, j);
      if (strcmp (layer, "conv") == 0)
        layer = strcmp (block, "down.downsamplers") == 0 ? "op" : "conv";
      return g_strconcat (theirs, ".", translate_or_keep (guided_leaves, layer), NULL);
    }
  if (strcmp (path, "class_head.linear_2") == 0)
    return g_strdup (config->head == DIFFUSION_HEAD_SPATIAL_V2 ? "out.3" : "out.2");
  fixed = translate (guided_fixed, path);
  return g_strdup (fixed != NULL ? fixed : path);
}

static char *
ddim_path (const DiffusionUnetConfig *config, const char *path)
{
  g_autofree char *block = NULL, *theirs = NULL;
  gint i, j;
  const char *layer = split_block (path, &block, &i, &j);

  if (layer == NULL)
    return g_strdup (translate_or_keep (ddim_fixed, path));
  theirs = ddim_block (config, block, i, j);
  return g_strconcat (theirs, ".", translate_or_keep (ddim_leaves, layer), NULL);
}

char *
diffusion_name_map_source_name (DiffusionNameStyle style,
                                const DiffusionUnetConfig *config,
                                const char *name,
                                gint *part)
{
  const char *dot = strrchr (name, '.');
  gboolean leaf = dot != NULL && (strcmp (dot, ".weight") == 0 || strcmp (dot, ".bias") == 0);
  g_autofree char *path = leaf ? g_strndup (name, (gsize)(dot - name)) : g_strdup (name);
  g_autofree char *theirs = NULL;

  *part = -1;
  switch (style)
    {
    case DIFFUSION_NAMES_DIFFUSERS:
      return g_strdup (name);
    case DIFFUSION_NAMES_GUIDED:
      *part = joint_part (path);
      theirs = guided_path (config, path);
      break;
    case DIFFUSION_NAMES_DDIM:
      theirs = ddim_path (config, path);
      break;
    }
  return g_strconcat (theirs, leaf ? dot : NULL, NULL);
}

/* The name that attention layers had in diffusers until 2023, or NULL. */
static char *
old_name (const char *name)
{
  const char *dot = strrchr (name, '.');
  const char *attention = strstr (name, ".attentions.");
  gint length = 0, index;
  g_autofree char *layer = NULL;
  const char *theirs;

  if (dot == NULL || attention == NULL || sscanf (attention, ".attentions.%d.%n", &index, &length) != 1 ||
      length == 0)
    return NULL;
  layer = g_strndup (attention + length, (gsize)(dot - attention - length));
  theirs = translate (old_attention, layer);
  if (theirs == NULL)
    return NULL;
  return g_strdup_printf ("%.*s%s%s", (gint)(attention + length - name), name, theirs, dot);
}

/* Dimensions that count: [64, 64, 1] is as good as [64, 64]. */
static gint
significant_dims (gint n_dims, const gint64 *shape)
{
  while (n_dims > 0 && shape[n_dims - 1] == 1)
    n_dims--;
  return n_dims;
}

static gboolean
same_shape (gint n_dims, const gint64 *shape, gint other_dims, const gint64 *other)
{
  n_dims = significant_dims (n_dims, shape);
  if (n_dims != significant_dims (other_dims, other))
    return FALSE;
  for (gint i = 0; i < n_dims; i++)
    if (shape[i] != other[i])
      return FALSE;
  return TRUE;
}

static gboolean
wrong_shape (const DiffusionTensorFile *file,
             const DiffusionTensorEntry *entry,
             gint n_dims,
             const gint64 *shape,
             GError **error)
{
  g_autofree char *found = diffusion_tensor_entry_format_shape (entry);
  g_autofree char *expected = diffusion_format_shape (n_dims, shape);

  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
               _("%s: tensor “%s” has the shape %s, expected %s"), diffusion_tensor_file_get_path (file),
               entry->name, found, expected);
  return FALSE;
}

/* Narrows a view of the joint matrix [3·c, …] to one of q, k and v. */
static gboolean
narrow (const DiffusionTensorFile *file,
        const DiffusionParameter *parameter,
        gint part,
        gint heads,
        DiffusionTensorEntry *view,
        GError **error)
{
  gint64 rows = parameter->shape[0], shape[4] = { 3 * rows, parameter->n_dims > 1 ? parameter->shape[1] : 1 };
  gint64 row_stride = view->strides[0];
  gint64 size = (gint64)diffusion_dtype_size (view->dtype);

  if (!same_shape (view->n_dims, view->shape, parameter->n_dims, shape))
    return wrong_shape (file, view, parameter->n_dims, shape, error);
  view->n_elements /= 3;
  if (heads == 0)
    {
      view->shape[0] = rows;
      view->data += part * rows * row_stride * size;
      return TRUE;
    }
  /* One more dimension: [heads, c / heads, …]. */
  view->n_dims = significant_dims (view->n_dims, view->shape);
  for (gint i = view->n_dims; i > 1; i--)
    {
      view->shape[i] = view->shape[i - 1];
      view->strides[i] = view->strides[i - 1];
    }
  view->n_dims++;
  view->shape[0] = heads;
  view->strides[0] = 3 * (rows / heads) * row_stride;
  view->shape[1] = rows / heads;
  view->strides[1] = row_stride;
  view->data += part * (rows / heads) * row_stride * size;
  return TRUE;
}

static const DiffusionTensorEntry *
find_source (const DiffusionTensorFile *file, DiffusionNameStyle style, const char *source, const char *name)
{
  const DiffusionTensorEntry *entry = diffusion_tensor_file_lookup (file, source);

  if (entry == NULL && style == DIFFUSION_NAMES_DIFFUSERS)
    {
      g_autofree char *old = old_name (name);

      if (old != NULL)
        entry = diffusion_tensor_file_lookup (file, old);
    }
  return entry;
}

static gboolean
map_one (const DiffusionTensorFile *file,
         DiffusionNameStyle style,
         const DiffusionUnetConfig *config,
         gboolean new_qkv_order,
         const DiffusionParameter *parameter,
         GHashTable *used,
         DiffusionTensorEntry *view,
         GError **error)
{
  gint part;
  g_autofree char *source = diffusion_name_map_source_name (style, config, parameter->name, &part);
  const DiffusionTensorEntry *entry = find_source (file, style, source, parameter->name);

  if (entry == NULL)
    {
      g_autofree char *expected = diffusion_format_shape (parameter->n_dims, parameter->shape);

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: tensor “%s” of shape %s is missing"), diffusion_tensor_file_get_path (file),
                   source, expected);
      return FALSE;
    }
  g_hash_table_add (used, (gpointer)entry);
  if (!diffusion_dtype_is_float (entry->dtype))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: tensor “%s” holds %s numbers, expected floating point"),
                   diffusion_tensor_file_get_path (file), source, diffusion_dtype_name (entry->dtype));
      return FALSE;
    }
  *view = *entry;
  if (part >= 0)
    {
      gboolean pool = g_str_has_prefix (parameter->name, "class_head.");
      gint heads = diffusion_unet_config_get_heads (config, (gint)parameter->shape[0],
                                                    g_str_has_prefix (parameter->name, "up_"));

      if (!narrow (file, parameter, part, new_qkv_order || pool ? 0 : heads, view, error))
        return FALSE;
    }
  else if (!same_shape (entry->n_dims, entry->shape, parameter->n_dims, parameter->shape))
    return wrong_shape (file, entry, parameter->n_dims, parameter->shape, error);
  view->name = parameter->name;
  return TRUE;
}

static gboolean
check_extra (const DiffusionTensorFile *file, GHashTable *used, GError **error)
{
  for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (file); i++)
    {
      const DiffusionTensorEntry *entry = diffusion_tensor_file_get_tensor (file, i);

      if (!g_hash_table_contains (used, entry))
        {
          g_autofree char *shape = diffusion_tensor_entry_format_shape (entry);

          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                       _("%s: there are %u tensors, expected %u; the first extra one is “%s” of shape %s"),
                       diffusion_tensor_file_get_path (file), diffusion_tensor_file_get_n_tensors (file),
                       g_hash_table_size (used), entry->name, shape);
          return FALSE;
        }
    }
  return TRUE;
}

DiffusionTensorEntry *
diffusion_name_map_apply (const DiffusionTensorFile *file,
                          DiffusionNameStyle style,
                          const DiffusionUnetConfig *config,
                          gboolean new_qkv_order,
                          const GPtrArray *parameters,
                          GError **error)
{
  g_autofree DiffusionTensorEntry *views = g_new0 (DiffusionTensorEntry, MAX (parameters->len, 1));
  g_autoptr (GHashTable) used = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < parameters->len; i++)
    if (!map_one (file, style, config, new_qkv_order, g_ptr_array_index (parameters, i), used, &views[i],
                  error))
      return NULL;
  if (!check_extra (file, used, error))
    return NULL;
  return g_steal_pointer (&views);
}
