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
/* The same where widened values are put in order: what is read and written stays in the first caches. */
#define WIDENED_VALUES (1u << 14)

typedef struct
{
  const DiffusionParam *param;
  const DiffusionTensorEntry *entry;
  gint64 first, rows; /* along the first dimension */
} Piece;

typedef struct
{
  const Piece *pieces;
  float *out;     /* (nullable): of one parameter; else each goes to its own place */
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
add_pieces (GArray *pieces, const DiffusionParam *param, const DiffusionTensorEntry *entry, gint64 at_once)
{
  gint64 rows = count_rows (param, entry);

  for (gint64 first = 0; first < rows; first += at_once)
    {
      Piece piece = { param, entry, first, MIN (at_once, rows - first) };

      g_array_append_val (pieces, piece);
    }
}

/* Rows of which there are about @values values. */
static gint64
rows_at_once (const DiffusionParam *param, const DiffusionTensorEntry *entry, gint64 values)
{
  gint64 rows = count_rows (param, entry);

  return CLAMP (values / (gint64) (param->size / (gsize) rows), 1, rows);
}

static gsize
piece_values (const Piece *piece)
{
  return piece->param->size / (gsize) count_rows (piece->param, piece->entry) * (gsize) piece->rows;
}

/* Where the piece's values go: a parameter that stays in the file is only looked at. */
static float *
piece_place (const Load *load, const Piece *piece, guint worker)
{
  const DiffusionParam *param = piece->param;
  gsize first = param->size / (gsize) count_rows (param, piece->entry) * (gsize) piece->first;

  if (load->out != NULL)
    return load->out + first;
  return param->stored != NULL ? load->scratch + worker * load->scratch_values : (float *) param->data + first;
}

static void
load_part (gsize index, guint worker, gpointer data)
{
  Load *load = data;
  const Piece *piece = &load->pieces[index];
  DiffusionParam param = *piece->param;
  DiffusionTensorEntry entry = *piece->entry;
  float *out = piece_place (load, piece, worker);
  float sum = 0;

  if (piece->rows < count_rows (piece->param, piece->entry))
    {
      param.size = piece_values (piece);
      param.shape[0] = entry.shape[0] = piece->rows;
      entry.n_elements = (gint64) param.size;
      entry.data += (gsize) (piece->first * entry.strides[0]) * diffusion_dtype_size (entry.dtype);
    }
  if (param.layout == DIFFUSION_PARAM_PLAIN || (param.stored != NULL && load->out == NULL))
    diffusion_tensor_entry_to_floats (&entry, out);
  else
    {
      float *values = load->scratch + worker * load->scratch_values;

      diffusion_tensor_entry_to_floats (&entry, values);
      diffusion_param_to_working (&param, values, out);
    }
  if (load->out != NULL)
    return;
  /* x − x is zero for finite x and NaN for the others, and NaN stays in the sum. */
  for (gsize k = 0; k < param.size; k++)
    sum += out[k] - out[k];
  if (sum != 0)
    atomic_store (&load->bad, (int) index + 1);
}

/* The tensor of parameter @index of the table. */
static const DiffusionTensorEntry *
find_entry (const DiffusionParams *params, const DiffusionTensorFile *file, const DiffusionTensorEntry *entries,
            guint index)
{
  return entries != NULL ? &entries[index]
                         : diffusion_tensor_file_lookup (file, diffusion_params_get (params, index)->name);
}

void
diffusion_params_find_half (DiffusionParams *params, DiffusionTensorFile *file, const DiffusionTensorEntry *entries)
{
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);
      const DiffusionTensorEntry *entry = find_entry (params, file, entries, i);

      if (param->arranged && entry != NULL && entry->n_elements == (gint64) param->size
          && (entry->dtype == DIFFUSION_DTYPE_F16 || entry->dtype == DIFFUSION_DTYPE_BF16))
        diffusion_params_store (params, i, file, entry);
    }
}

/* Reads all pieces, tensor by tensor, so that what was read can be forgotten. */
static gboolean
read_pieces (Load *load, guint n_pieces, const DiffusionTensorFile *file, GError **error)
{
  const Piece *all = load->pieces;

  atomic_init (&load->bad, 0);
  for (guint first = 0; first < n_pieces;)
    {
      guint n = 1;

      while (first + n < n_pieces && (all[first].param == all[first + n].param || n < 8))
        n++;
      load->pieces = all + first;
      diffusion_parallel_for (n, load_part, load);
      for (guint k = first; k < first + n; k++)
        if (all[k].param->stored == NULL)
          diffusion_tensor_file_forget (file, all[k].entry);
      if (atomic_load (&load->bad) > 0)
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC, _ ("%s: tensor %s has NaN or infinity in it"),
                       diffusion_tensor_file_get_path (file),
                       all[first + (guint) atomic_load (&load->bad) - 1].param->name);
          return FALSE;
        }
      first += n;
    }
  return TRUE;
}

static gsize
most_piece_values (const GArray *pieces)
{
  gsize most = 0;

  for (guint i = 0; i < pieces->len; i++)
    most = MAX (most, piece_values (&g_array_index (pieces, Piece, i)));
  return most;
}

gboolean
diffusion_params_load (DiffusionParams *params, DiffusionTensorFile *file, const DiffusionTensorEntry *entries,
                       gboolean keep_half, GError **error)
{
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  Load load = { 0 };
  gboolean good;

  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);
      const DiffusionTensorEntry *entry
        = entries != NULL ? &entries[i] : diffusion_tensor_file_require (file, param->name, error);

      if (entry == NULL || !check_entry (param, entry, diffusion_tensor_file_get_path (file), error))
        return FALSE;
      add_pieces (pieces, param, entry, rows_at_once (param, entry, PART_VALUES));
    }
  if (keep_half)
    diffusion_params_find_half (params, file, entries);
  if (diffusion_params_allocate (params, error) == NULL)
    return FALSE;
  load.pieces = (const Piece *) (gconstpointer) pieces->data;
  load.scratch_values = most_piece_values (pieces);
  load.scratch = diffusion_try_alloc (diffusion_get_threads () * load.scratch_values * sizeof (float),
                                      _ ("converting the network's weights"), error);
  good = load.scratch != NULL && read_pieces (&load, pieces->len, file, error);
  diffusion_free (load.scratch);
  return good;
}

/* Rows of a stored parameter that are widened at once: few, so that they are in cache when they are put in order. */
static gint64
widened_rows (const DiffusionParam *param)
{
  return rows_at_once (param, param->stored, WIDENED_VALUES);
}

static gsize
padded (gsize values)
{
  return (values + 15) / 16 * 16;
}

static gsize
widened_values (const DiffusionParam *param)
{
  return padded (param->size / (gsize) count_rows (param, param->stored) * (gsize) widened_rows (param));
}

gsize
diffusion_param_get_widening_bytes (const DiffusionParam *param)
{
  if (param->stored == NULL)
    return 0;
  return (padded (param->size) + diffusion_get_threads () * widened_values (param)) * sizeof (float);
}

const float *
diffusion_param_widen (const DiffusionParam *param, gpointer room)
{
  g_autoptr (GArray) pieces = NULL;
  Load load = { .out = room, .scratch = (float *) room + padded (param->size) };

  if (param->stored == NULL)
    return param->data;
  pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  add_pieces (pieces, param, param->stored, widened_rows (param));
  load.pieces = (const Piece *) (gconstpointer) pieces->data;
  load.scratch_values = widened_values (param);
  diffusion_parallel_for (pieces->len, load_part, &load);
  return room;
}
