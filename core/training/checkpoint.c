/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training checkpoints. */
#include "core/training/checkpoint.h"

#include <glib/gstdio.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/output-file.h"
#include "core/base/threads.h"
#include "core/model/json.h"
#include "core/model/tensor-file.h"
#include "core/model/tensor-writer.h"

#define PREFIX "checkpoint-"
#define SUFFIX ".safetensors"
#define PART_VALUES 65536

typedef struct
{
  gsize n;
  const float *values;
  guint64 *sums;
} Checksum;

/* FNV-1a, a value at a time. */
static void
checksum_part (gsize index, guint worker, gpointer data)
{
  const Checksum *checksum = data;
  guint64 sum = 0xcbf29ce484222325u;

  for (gsize i = index * PART_VALUES; i < MIN (checksum->n, (index + 1) * PART_VALUES); i++)
    {
      guint32 bits;

      memcpy (&bits, &checksum->values[i], sizeof bits);
      sum = (sum ^ bits) * 0x100000001b3u;
    }
  checksum->sums[index] = sum;
}

static char *
make_checksum (gsize n, const float *values)
{
  gsize parts = (n + PART_VALUES - 1) / PART_VALUES;
  g_autofree guint64 *sums = g_new (guint64, parts + 1);
  Checksum checksum = { n, values, sums };
  guint64 sum = 0xcbf29ce484222325u;

  diffusion_parallel_for (parts, checksum_part, &checksum);
  for (gsize i = 0; i < parts; i++)
    sum = (sum ^ sums[i]) * 0x100000001b3u;
  return g_strdup_printf ("%016" G_GINT64_MODIFIER "x", sum);
}

static char *
ema_name (double rate)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strconcat ("ema.", g_ascii_formatd (digits, sizeof digits, "%.8g", rate), NULL);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) b, *(const char *const *) a);
}

/* The names of all checkpoints, the newest first. */
static GPtrArray *
list_checkpoints (const char *folder)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, PREFIX) && g_str_has_suffix (name, SUFFIX))
      g_ptr_array_add (names, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (names, compare_names);
  return names;
}

static void
set_number (DiffusionTensorWriter *writer, const char *key, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  diffusion_tensor_writer_set_metadata (writer, key, g_ascii_dtostr (digits, sizeof digits, value));
}

static void
add_block (DiffusionTensorWriter *writer, const char *name, gsize n, const float *values)
{
  g_autofree char *checksum = make_checksum (n, values);
  g_autofree char *key = g_strconcat ("checksum.", name, NULL);
  gint64 shape[1] = { (gint64) n };

  diffusion_tensor_writer_set_metadata (writer, key, checksum);
  diffusion_tensor_writer_add_floats (writer, name, DIFFUSION_DTYPE_F32, 1, shape, values);
}

/* Deletes all but the last @keep. Later steps than the one just saved come from a damaged file that was passed over. */
static void
prune (const char *folder, const char *saved, guint keep)
{
  g_autoptr (GPtrArray) names = list_checkpoints (folder);
  guint older = 0;

  for (guint i = 0; i < names->len; i++)
    {
      gint order = strcmp (names->pdata[i], saved);

      if (order > 0 || (order < 0 && ++older >= keep))
        g_unlink (names->pdata[i]);
    }
}

gboolean
diffusion_checkpoint_save (const char *folder,
                           const char *description,
                           const DiffusionTrainState *state,
                           guint keep,
                           GError **error)
{
  g_autofree char *step = g_strdup_printf ("%010" PRIu64, state->step);
  g_autofree char *file = g_strconcat (PREFIX, step, SUFFIX, NULL);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();

  diffusion_tensor_writer_set_metadata (writer, "description", description);
  diffusion_tensor_writer_set_metadata (writer, "step", step);
  set_number (writer, "smooth_loss", state->smooth_loss);
  set_number (writer, "least_loss", state->least_loss);
  add_block (writer, "params", state->n, state->params);
  add_block (writer, "adam.first", state->n, state->first);
  add_block (writer, "adam.second", state->n, state->second);
  for (guint i = 0; i < state->n_emas; i++)
    {
      g_autofree char *name = ema_name (state->ema_rates[i]);

      add_block (writer, name, state->n, state->emas[i]);
    }
  if (state->n_task > 0)
    add_block (writer, "task", state->n_task, state->task);
  if (!diffusion_tensor_writer_write (writer, path, error))
    return FALSE;
  /* The old ones go only when the new one's name is on the disk. */
  diffusion_output_flush_folder (folder);
  prune (folder, path, keep);
  return TRUE;
}

static gboolean
load_block (const DiffusionTensorFile *file, const char *name, gsize n, float *out, GError **error)
{
  const DiffusionTensorEntry *entry = diffusion_tensor_file_require (file, name, error);
  g_autofree char *key = g_strconcat ("checksum.", name, NULL);
  g_autofree char *found = NULL;
  const char *expected = diffusion_tensor_file_get_metadata (file, key);

  if (entry == NULL)
    return FALSE;
  if (entry->n_elements != (gint64) n)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _ ("%s: \"%s\" holds %" PRId64 " numbers; expected %zu"),
                   diffusion_tensor_file_get_path (file), name, entry->n_elements, n);
      return FALSE;
    }
  diffusion_tensor_entry_to_floats (entry, out);
  found = make_checksum (n, out);
  if (expected == NULL || strcmp (found, expected) == 0)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
               _ ("%s is damaged: \"%s\" has the checksum %s; expected %s"), diffusion_tensor_file_get_path (file), name,
               found, expected);
  return FALSE;
}

static double
get_number (const DiffusionTensorFile *file, const char *key)
{
  const char *text = diffusion_tensor_file_get_metadata (file, key);

  return text != NULL ? g_ascii_strtod (text, NULL) : 0;
}

/* Whether the checkpoint is one of what @expected describes. */
static gboolean
check_description (const char *path, const char *found, const char *expected, GError **error)
{
  g_autoptr (JsonObject) there = NULL, here = NULL;
  g_autofree char *difference = NULL, *in_there = NULL, *in_here = NULL;

  there = diffusion_json_parse_object (path, found, found != NULL ? strlen (found) : 0, error);
  if (there == NULL)
    return FALSE;
  here = diffusion_json_parse_object (path, expected, strlen (expected), error);
  if (here == NULL)
    return FALSE;
  difference = diffusion_json_find_difference (there, here, &in_there, &in_here);
  if (difference == NULL)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _ ("%s belongs to another training, whose “%s” is %s, not %s; give another output folder"), path,
               difference, in_there, in_here);
  return FALSE;
}

static gboolean
load_one (const char *path, const char *description, DiffusionTrainState *state, GError **error)
{
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_open (path, error);

  if (file == NULL
      || !check_description (path, diffusion_tensor_file_get_metadata (file, "description"), description, error))
    return FALSE;
  if (!load_block (file, "params", state->n, state->params, error)
      || !load_block (file, "adam.first", state->n, state->first, error)
      || !load_block (file, "adam.second", state->n, state->second, error))
    return FALSE;
  for (guint i = 0; i < state->n_emas; i++)
    {
      g_autofree char *name = ema_name (state->ema_rates[i]);

      if (!load_block (file, name, state->n, state->emas[i], error))
        return FALSE;
    }
  if (state->n_task > 0 && !load_block (file, "task", state->n_task, state->task, error))
    return FALSE;
  state->step = (guint64) get_number (file, "step");
  state->smooth_loss = get_number (file, "smooth_loss");
  state->least_loss = get_number (file, "least_loss");
  return TRUE;
}

gboolean
diffusion_checkpoint_load (const char *folder,
                           const char *description,
                           DiffusionTrainState *state,
                           gboolean *found,
                           GError **error)
{
  g_autoptr (GPtrArray) names = list_checkpoints (folder);

  *found = FALSE;
  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (GError) local_error = NULL;

      if (load_one (names->pdata[i], description, state, &local_error))
        {
          *found = TRUE;
          return TRUE;
        }
      if (!g_error_matches (local_error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT) || i + 1 == names->len)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      g_warning (_ ("%s; going back to the checkpoint before"), local_error->message);
    }
  return TRUE;
}
