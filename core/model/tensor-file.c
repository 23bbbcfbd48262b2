/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A weight file of any format, seen as named tensors in a mapping. */
#include "core/model/tensor-file.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

struct _DiffusionTensorFile
{
  gatomicrefcount references;
  char *path;
  GBytes *bytes;
  gboolean is_mapped;
  GPtrArray *entries;   /* DiffusionTensorEntry, owned */
  GHashTable *by_name;  /* name of an entry → the entry */
  GHashTable *metadata; /* string → string */
};

static void
entry_free (gpointer data)
{
  DiffusionTensorEntry *entry = data;

  g_free ((char *)entry->name);
  g_free (entry);
}

DiffusionTensorFile *
diffusion_tensor_file_new (const char *path, GBytes *bytes)
{
  DiffusionTensorFile *file = g_new0 (DiffusionTensorFile, 1);

  g_atomic_ref_count_init (&file->references);
  file->path = g_strdup (path);
  file->bytes = bytes != NULL ? g_bytes_ref (bytes) : g_bytes_new_static ("", 0);
  file->entries = g_ptr_array_new_with_free_func (entry_free);
  file->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  file->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return file;
}

DiffusionTensorFile *
diffusion_tensor_file_ref (DiffusionTensorFile *file)
{
  g_atomic_ref_count_inc (&file->references);
  return file;
}

void
diffusion_tensor_file_unref (DiffusionTensorFile *file)
{
  if (file == NULL || !g_atomic_ref_count_dec (&file->references))
    return;
  g_hash_table_unref (file->by_name);
  g_hash_table_unref (file->metadata);
  g_ptr_array_unref (file->entries);
  g_bytes_unref (file->bytes);
  g_free (file->path);
  g_free (file);
}

const char *
diffusion_tensor_file_get_path (const DiffusionTensorFile *file)
{
  return file->path;
}

GBytes *
diffusion_tensor_file_get_bytes (const DiffusionTensorFile *file)
{
  return file->bytes;
}

guint
diffusion_tensor_file_get_n_tensors (const DiffusionTensorFile *file)
{
  return file->entries->len;
}

const DiffusionTensorEntry *
diffusion_tensor_file_get_tensor (const DiffusionTensorFile *file, guint index)
{
  return g_ptr_array_index (file->entries, index);
}

const DiffusionTensorEntry *
diffusion_tensor_file_lookup (const DiffusionTensorFile *file, const char *name)
{
  return g_hash_table_lookup (file->by_name, name);
}

const DiffusionTensorEntry *
diffusion_tensor_file_require (const DiffusionTensorFile *file, const char *name, GError **error)
{
  const DiffusionTensorEntry *entry = diffusion_tensor_file_lookup (file, name);

  if (entry == NULL)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND, _("%s: there is no tensor “%s”"),
                 file->path, name);
  return entry;
}

const char *
diffusion_tensor_file_get_metadata (const DiffusionTensorFile *file, const char *key)
{
  return g_hash_table_lookup (file->metadata, key);
}

GHashTable *
diffusion_tensor_file_get_metadata_table (const DiffusionTensorFile *file)
{
  return file->metadata;
}

void
diffusion_tensor_file_set_metadata (DiffusionTensorFile *file, const char *key, const char *value)
{
  g_hash_table_replace (file->metadata, g_strdup (key), g_strdup (value));
}

gboolean
diffusion_shape_n_elements (gint n_dims, const gint64 *shape, gint64 *n_elements)
{
  gint64 product = 1;

  for (int i = 0; i < n_dims; i++)
    if (shape[i] < 0)
      return FALSE;
  for (int i = 0; i < n_dims; i++)
    if (shape[i] == 0)
      {
        *n_elements = 0;
        return TRUE;
      }
  for (int i = 0; i < n_dims; i++)
    {
      if (product > ((gint64)1 << 62) / shape[i])
        return FALSE;
      product *= shape[i];
    }
  *n_elements = product;
  return product < (gint64)1 << 62;
}

char *
diffusion_format_shape (gint n_dims, const gint64 *shape)
{
  GString *text = g_string_new ("[");

  for (int i = 0; i < n_dims; i++)
    g_string_append_printf (text, "%s%" PRId64, i > 0 ? ", " : "", shape[i]);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

char *
diffusion_tensor_entry_format_shape (const DiffusionTensorEntry *entry)
{
  return diffusion_format_shape (entry->n_dims, entry->shape);
}

/* The number of elements from the first to the last one that is reached, or -1 when that overflows. */
static gint64
extent_in_elements (const DiffusionTensorEntry *entry)
{
  gint64 last = 0;

  for (int i = 0; i < entry->n_dims; i++)
    {
      gint64 steps = entry->shape[i] - 1, span;

      if (entry->strides[i] < 0 || __builtin_mul_overflow (steps, entry->strides[i], &span) ||
          __builtin_add_overflow (last, span, &last))
        return -1;
    }
  return last < G_MAXINT64 ? last + 1 : -1;
}

gboolean
diffusion_tensor_file_add (DiffusionTensorFile *file,
                           const DiffusionTensorEntry *entry,
                           gsize available,
                           GError **error)
{
  DiffusionTensorEntry *copy;
  gint64 n_elements, extent;

  if (entry->n_dims < 0 || entry->n_dims > DIFFUSION_TENSOR_MAX_DIMS)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: tensor “%s” has %d dimensions, more than %d are not supported"), file->path,
                   entry->name, entry->n_dims, DIFFUSION_TENSOR_MAX_DIMS);
      return FALSE;
    }
  if (g_hash_table_contains (file->by_name, entry->name))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: there are two tensors called “%s”"), file->path, entry->name);
      return FALSE;
    }
  extent = -1;
  if (diffusion_shape_n_elements (entry->n_dims, entry->shape, &n_elements))
    extent = n_elements > 0 ? extent_in_elements (entry) : 0;
  if (extent < 0 || (guint64)extent > available / diffusion_dtype_size (entry->dtype) || n_elements > extent)
    {
      g_autofree char *shape = diffusion_tensor_entry_format_shape (entry);

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: tensor “%s” of shape %s (%s) does not fit into the %zu"
                      " bytes that the file has for it"),
                   file->path, entry->name, shape, diffusion_dtype_name (entry->dtype), available);
      return FALSE;
    }
  copy = g_memdup2 (entry, sizeof *entry);
  copy->name = g_strdup (entry->name);
  copy->n_elements = n_elements;
  g_ptr_array_add (file->entries, copy);
  g_hash_table_insert (file->by_name, (char *)copy->name, copy);
  return TRUE;
}

gboolean
diffusion_tensor_entry_is_contiguous (const DiffusionTensorEntry *entry)
{
  gint64 expected = 1;

  if (entry->n_elements == 0)
    return TRUE;
  for (int i = entry->n_dims - 1; i >= 0; i--)
    {
      if (entry->shape[i] > 1 && entry->strides[i] != expected)
        return FALSE;
      expected *= entry->shape[i];
    }
  return TRUE;
}

const float *
diffusion_tensor_entry_peek_floats (const DiffusionTensorEntry *entry)
{
  if (G_BYTE_ORDER != G_LITTLE_ENDIAN || entry->dtype != DIFFUSION_DTYPE_F32 ||
      (gsize)entry->data % sizeof (float) != 0 || !diffusion_tensor_entry_is_contiguous (entry))
    return NULL;
  return (const float *)(gconstpointer)entry->data;
}

/* Calls for every element in row-major order are replaced by a walk that keeps the offset of the current row.
 */
#define WALK(entry, out, convert)                                                                            \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    gint64 index[DIFFUSION_TENSOR_MAX_DIMS] = { 0 };                                                         \
    gint inner = (entry)->n_dims - 1;                                                                        \
    gint64 columns = inner >= 0 ? (entry)->shape[inner] : 1;                                                 \
    gint64 step = inner >= 0 ? (entry)->strides[inner] : 1;                                                  \
    gint64 base = 0;                                                                                         \
                                                                                                             \
    for (gint64 done = 0; done < (entry)->n_elements; done += columns)                                       \
      {                                                                                                      \
        for (gint64 i = 0; i < columns; i++)                                                                 \
          (out)[done + i] = convert ((entry)->dtype, (entry)->data, base + i * step);                        \
        for (gint d = inner - 1; d >= 0; d--)                                                                \
          {                                                                                                  \
            base += (entry)->strides[d];                                                                     \
            if (++index[d] < (entry)->shape[d])                                                              \
              break;                                                                                         \
            base -= (entry)->shape[d] * (entry)->strides[d];                                                 \
            index[d] = 0;                                                                                    \
          }                                                                                                  \
      }                                                                                                      \
  }                                                                                                          \
  G_STMT_END

void
diffusion_tensor_entry_to_doubles (const DiffusionTensorEntry *entry, double *out)
{
  WALK (entry, out, diffusion_dtype_load);
}

void
diffusion_tensor_file_set_mapped (DiffusionTensorFile *file)
{
  file->is_mapped = TRUE;
}

void
diffusion_tensor_file_forget (const DiffusionTensorFile *file, const DiffusionTensorEntry *entry)
{
  gsize page = (gsize)sysconf (_SC_PAGESIZE), last = 0;
  guintptr begin, end;

  if (!file->is_mapped || entry->n_elements == 0)
    return;
  for (gint i = 0; i < entry->n_dims; i++)
    last += (gsize)((entry->shape[i] - 1) * entry->strides[i]);
  /* Only whole pages, so that the neighbours stay. */
  begin = ((guintptr)entry->data + page - 1) / page * page;
  end = ((guintptr)entry->data + (last + 1) * diffusion_dtype_size (entry->dtype)) / page * page;
  if (begin < end)
    madvise ((gpointer)begin, end - begin, MADV_DONTNEED);
}

void
diffusion_tensor_entry_to_floats (const DiffusionTensorEntry *entry, float *out)
{
  if (G_BYTE_ORDER == G_LITTLE_ENDIAN && entry->dtype == DIFFUSION_DTYPE_F32 &&
      diffusion_tensor_entry_is_contiguous (entry))
    memcpy (out, entry->data, (gsize)entry->n_elements * sizeof (float));
  else if ((entry->dtype == DIFFUSION_DTYPE_F16 || entry->dtype == DIFFUSION_DTYPE_BF16) &&
           diffusion_tensor_entry_is_contiguous (entry))
    diffusion_half_to_floats (entry->dtype, entry->data, (gsize)entry->n_elements, out);
  else
    WALK (entry, out, (float)diffusion_dtype_load);
}

gboolean
diffusion_tensor_file_check_finite (const DiffusionTensorFile *file, const DiffusionTensorEntry *entry, const float *values,
                                    GError **error)
{
  for (gint64 i = 0; i < entry->n_elements; i++)
    if (!isfinite (values[i]))
      {
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC, _ ("%s: tensor %s has NaN or infinity in it"),
                     file->path, entry->name);
        return FALSE;
      }
  return TRUE;
}
