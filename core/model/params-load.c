/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the tensors of a file to a table of parameters in working order. */
#include "core/model/params-load.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/threads.h"

/* Values that one part converts, so that no second copy of a large tensor is needed. */
#define PART_VALUES (1u << 18)

typedef struct
{
  const DiffusionParam *param;
  const DiffusionTensorEntry *entry;
  gint64 first, rows; /* along the first dimension */
} Piece;

typedef struct
{
  const Piece *pieces;
  float *block;
  float *scratch; /* [workers, scratch_values] */
  gsize scratch_values;
  atomic_int bad; /* index + 1 of a parameter's piece that has NaN or infinity */
} Load;

static gboolean
check_entry (const DiffusionParam *param, const DiffusionTensorEntry *entry, const char *path, GError **error)
{
  if (diffusion_dtype_is_float (entry->dtype) && entry->n_elements == (gint64) param->size)
    return TRUE;
  if (!diffusion_dtype_is_float (entry->dtype))
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                 _ ("%s: tensor %s holds %s, expected floating-point numbers"), path, param->name,
                 diffusion_dtype_name (entry->dtype));
  else
    {
      g_autofree char *found = diffusion_tensor_entry_format_shape (entry);
      g_autofree char *expected = diffusion_format_shape ((gint) param->n_dims, param->shape);

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _ ("%s: tensor %s has shape %s, expected %s"), path,
                   param->name, found, expected);
    }
  return FALSE;
}

/* Along the tensor's first dimension, where what lies in a row stays together in working order; else 1. */
static gint64
count_rows (const DiffusionParam *param, const DiffusionTensorEntry *entry)
{
  if (param->layout == DIFFUSION_PARAM_DEPTHWISE || entry->n_dims == 0
      || (param->layout == DIFFUSION_PARAM_CONV && entry->shape[0] != param->shape[0]))
    return 1;
  return entry->shape[0];
}

static void
add_pieces (GArray *pieces, const DiffusionParam *param, const DiffusionTensorEntry *entry)
{
  gint64 rows = count_rows (param, entry);
  gint64 at_once = CLAMP (PART_VALUES / (gint64) (param->size / (gsize) rows), 1, rows);

  for (gint64 first = 0; first < rows; first += at_once)
    {
      Piece piece = { param, entry, first, MIN (at_once, rows - first) };

      g_array_append_val (pieces, piece);
    }
}

static gsize
piece_values (const Piece *piece)
{
  return piece->param->size / (gsize) count_rows (piece->param, piece->entry) * (gsize) piece->rows;
}

static void
load_part (gsize index, guint worker, gpointer data)
{
  Load *load = data;
  const Piece *piece = &load->pieces[index];
  DiffusionParam param = *piece->param;
  DiffusionTensorEntry entry = *piece->entry;
  float *out = load->block + param.offset;
  float sum = 0;

  if (piece->rows < count_rows (piece->param, piece->entry))
    {
      param.size = piece_values (piece);
      param.shape[0] = entry.shape[0] = piece->rows;
      entry.n_elements = (gint64) param.size;
      entry.data += (gsize) (piece->first * entry.strides[0]) * diffusion_dtype_size (entry.dtype);
      out += param.size / (gsize) piece->rows * (gsize) piece->first;
    }
  if (param.layout == DIFFUSION_PARAM_PLAIN)
    diffusion_tensor_entry_to_floats (&entry, out);
  else
    {
      float *values = load->scratch + worker * load->scratch_values;

      diffusion_tensor_entry_to_floats (&entry, values);
      diffusion_param_to_working (&param, values, out);
    }
  /* x − x is zero for finite x and NaN for the others, and NaN stays in the sum. */
  for (gsize k = 0; k < param.size; k++)
    sum += out[k] - out[k];
  if (sum != 0)
    atomic_store (&load->bad, (int) index + 1);
}

gboolean
diffusion_params_load (DiffusionParams *params, const DiffusionTensorFile *file, const DiffusionTensorEntry *entries,
                       GError **error)
{
  const char *path = diffusion_tensor_file_get_path (file);
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  Load load = { 0 };

  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);
      const DiffusionTensorEntry *entry
        = entries != NULL ? &entries[i] : diffusion_tensor_file_require (file, param->name, error);

      if (entry == NULL || !check_entry (param, entry, path, error))
        return FALSE;
      add_pieces (pieces, param, entry);
    }
  load.pieces = (const Piece *) (gconstpointer) pieces->data;
  for (guint i = 0; i < pieces->len; i++)
    if (load.pieces[i].param->layout != DIFFUSION_PARAM_PLAIN)
      load.scratch_values = MAX (load.scratch_values, piece_values (&load.pieces[i]));
  load.block = diffusion_params_allocate (params, error);
  if (load.block == NULL)
    return FALSE;
  load.scratch = diffusion_try_alloc (diffusion_get_threads () * load.scratch_values * sizeof (float),
                                      _ ("converting the network's weights"), error);
  if (load.scratch == NULL)
    return FALSE;
  atomic_init (&load.bad, 0);
  /* Tensor by tensor, so that what was read can be forgotten. */
  for (guint first = 0; first < pieces->len;)
    {
      const Piece *all = load.pieces;
      guint n = 1;

      while (first + n < pieces->len && (all[first].param == all[first + n].param || n < 8))
        n++;
      load.pieces = all + first;
      diffusion_parallel_for (n, load_part, &load);
      load.pieces = all;
      for (guint k = first; k < first + n; k++)
        diffusion_tensor_file_forget (file, all[k].entry);
      if (atomic_load (&load.bad) > 0)
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC, _ ("%s: tensor %s has NaN or infinity in it"),
                       path, all[first + (guint) atomic_load (&load.bad) - 1].param->name);
          diffusion_free (load.scratch);
          return FALSE;
        }
      first += n;
    }
  diffusion_free (load.scratch);
  return TRUE;
}
