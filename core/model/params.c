/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of a network's parameters. */
#include "core/model/params.h"

#include <math.h>
#include <string.h>

#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/random.h"

struct _DiffusionParams
{
  GPtrArray *list;
  GHashTable *by_name; /* name → index + 1 */
  gsize total;
  float *own_block;
  DiffusionTensorFile *file; /* (nullable): of the stored ones */
};

static void
param_free (gpointer data)
{
  DiffusionParam *param = data;

  g_free (param->name);
  g_free ((gpointer) param->stored);
  g_free (param);
}

DiffusionParams *
diffusion_params_new (void)
{
  DiffusionParams *params = g_new0 (DiffusionParams, 1);

  params->list = g_ptr_array_new_with_free_func (param_free);
  params->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  return params;
}

void
diffusion_params_free (DiffusionParams *params)
{
  if (params == NULL)
    return;
  g_hash_table_unref (params->by_name);
  g_ptr_array_unref (params->list);
  g_clear_pointer (&params->file, diffusion_tensor_file_unref);
  diffusion_free (params->own_block);
  g_free (params);
}

/* Every parameter starts on a cache line, so that vectors load aligned. */
static gsize
padded_size (const DiffusionParam *param)
{
  return (param->size + 15) / 16 * 16;
}

guint
diffusion_params_declare (DiffusionParams *params,
                          const char *name,
                          guint n_dims,
                          const gint64 *shape,
                          DiffusionParamLayout layout)
{
  gint found = diffusion_params_find (params, name);
  DiffusionParam *param;

  if (found >= 0)
    return (guint) found;
  param = g_new0 (DiffusionParam, 1);
  param->name = g_strdup (name);
  param->n_dims = n_dims;
  param->layout = layout;
  param->size = 1;
  for (guint i = 0; i < n_dims; i++)
    {
      param->shape[i] = shape[i];
      param->size *= (gsize) shape[i];
    }
  param->offset = params->total;
  params->total += padded_size (param);
  g_ptr_array_add (params->list, param);
  g_hash_table_insert (params->by_name, param->name, GUINT_TO_POINTER (params->list->len));
  return params->list->len - 1;
}

void
diffusion_params_set_init (DiffusionParams *params, guint index, DiffusionInit init, double gain, gint64 fan_in)
{
  DiffusionParam *param = diffusion_params_get (params, index);

  param->init = init;
  param->init_gain = gain;
  param->fan_in = fan_in;
}

void
diffusion_params_set_arranged (DiffusionParams *params, guint index)
{
  diffusion_params_get (params, index)->arranged = TRUE;
}

void
diffusion_params_store (DiffusionParams *params, guint index, DiffusionTensorFile *file,
                        const DiffusionTensorEntry *entry)
{
  DiffusionParam *param = diffusion_params_get (params, index);

  if (params->file == NULL)
    params->file = diffusion_tensor_file_ref (file);
  param->data = NULL;
  g_free ((gpointer) param->stored);
  param->stored = g_memdup2 (entry, sizeof *entry);
}

gboolean
diffusion_params_any_stored (const DiffusionParams *params)
{
  return params->file != NULL;
}

gsize
diffusion_params_get_bytes (const DiffusionParams *params)
{
  gsize bytes = 0;

  for (guint i = 0; i < params->list->len; i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      bytes += param->stored != NULL ? param->size * diffusion_dtype_size (param->stored->dtype)
                                     : padded_size (param) * sizeof (float);
    }
  return bytes;
}

guint
diffusion_params_get_n (const DiffusionParams *params)
{
  return params->list->len;
}

DiffusionParam *
diffusion_params_get (const DiffusionParams *params, guint index)
{
  return g_ptr_array_index (params->list, index);
}

gint
diffusion_params_find (const DiffusionParams *params, const char *name)
{
  return GPOINTER_TO_INT (g_hash_table_lookup (params->by_name, name)) - 1;
}

gsize
diffusion_params_get_total (const DiffusionParams *params)
{
  return params->total;
}

void
diffusion_params_use_block (DiffusionParams *params, const float *block)
{
  for (guint i = 0; i < params->list->len; i++)
    {
      DiffusionParam *param = diffusion_params_get (params, i);

      param->data = block + param->offset;
    }
}

float *
diffusion_params_allocate (DiffusionParams *params, GError **error)
{
  gsize size = 0;
  float *block;

  for (guint i = 0; i < params->list->len; i++)
    if (diffusion_params_get (params, i)->stored == NULL)
      size += padded_size (diffusion_params_get (params, i));
  block = diffusion_try_alloc0 (size * sizeof (float), _ ("the network's weights"), error);
  if (block == NULL)
    return NULL;
  diffusion_free (params->own_block);
  params->own_block = block;
  size = 0;
  for (guint i = 0; i < params->list->len; i++)
    {
      DiffusionParam *param = diffusion_params_get (params, i);

      if (param->stored != NULL)
        continue;
      param->data = block + size;
      size += padded_size (param);
    }
  return block;
}

void
diffusion_params_initialise (const DiffusionParams *params, guint64 seed, float *block)
{
  memset (block, 0, params->total * sizeof (float));
  for (guint i = 0; i < params->list->len; i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);
      DiffusionStream stream = { seed, DIFFUSION_PURPOSE_WEIGHTS, i };
      double bound = param->init_gain / sqrt ((double) MAX (param->fan_in, 1));
      float *values = block + param->offset;

      if (param->init == DIFFUSION_INIT_NORMAL)
        {
          diffusion_random_normal_fill (&stream, 0, 0, (gint) param->size, 1, 1, values);
          for (gsize k = 0; k < param->size; k++)
            values[k] *= (float) bound;
        }
      else if (param->init == DIFFUSION_INIT_ONE)
        for (gsize k = 0; k < param->size; k++)
          values[k] = 1;
      else if (param->init == DIFFUSION_INIT_UNIFORM)
        for (gsize k = 0; k < param->size; k++)
          values[k] = (float) (bound * (2 * diffusion_random_uniform (&stream, (gint32) k, 0, 0) - 1));
    }
}

/* Copies between file and working order; @to_file says which way. */
static void
reorder (const DiffusionParam *param, const float *in, float *out, gboolean to_file)
{
  gsize outer = (gsize) param->shape[0];
  gsize inner = param->n_dims == 4 ? (gsize) param->shape[1] : 1;
  gsize taps = param->n_dims == 4 ? (gsize) (param->shape[2] * param->shape[3]) : 1;

  if (param->layout == DIFFUSION_PARAM_PLAIN)
    {
      memcpy (out, in, param->size * sizeof (float));
      return;
    }
  for (gsize o = 0; o < outer; o++)
    for (gsize i = 0; i < inner; i++)
      for (gsize tap = 0; tap < taps; tap++)
        {
          gsize file = (o * inner + i) * taps + tap;
          gsize working = param->layout == DIFFUSION_PARAM_CONV ? (o * taps + tap) * inner + i : tap * outer + o;

          if (to_file)
            out[file] = in[working];
          else
            out[working] = in[file];
        }
}

void
diffusion_param_to_working (const DiffusionParam *param, const float *in, float *out)
{
  reorder (param, in, out, FALSE);
}

void
diffusion_param_to_file (const DiffusionParam *param, const float *in, float *out)
{
  reorder (param, in, out, TRUE);
}
