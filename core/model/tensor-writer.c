/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes safetensors files without holding them in memory. */
#include "core/model/tensor-writer.h"

#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/output-file.h"

#define CHUNK 16384 /* elements converted at a time */

typedef struct
{
  char *name;
  DiffusionDtype dtype;
  gboolean convert; /* data are floats to be converted to dtype */
  gint n_dims;
  gint64 shape[DIFFUSION_TENSOR_MAX_DIMS];
  gint64 n_elements;
  gconstpointer data;
} Item;

struct _DiffusionTensorWriter
{
  GPtrArray *items;
  GHashTable *metadata;
};

static void
item_free (gpointer data)
{
  Item *item = data;

  g_free (item->name);
  g_free (item);
}

DiffusionTensorWriter *
diffusion_tensor_writer_new (void)
{
  DiffusionTensorWriter *writer = g_new0 (DiffusionTensorWriter, 1);

  writer->items = g_ptr_array_new_with_free_func (item_free);
  writer->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return writer;
}

void
diffusion_tensor_writer_free (DiffusionTensorWriter *writer)
{
  if (writer == NULL)
    return;
  g_ptr_array_unref (writer->items);
  g_hash_table_unref (writer->metadata);
  g_free (writer);
}

void
diffusion_tensor_writer_set_metadata (DiffusionTensorWriter *writer, const char *key, const char *value)
{
  g_hash_table_replace (writer->metadata, g_strdup (key), g_strdup (value));
}

static Item *
add (DiffusionTensorWriter *writer,
     const char *name,
     DiffusionDtype dtype,
     gint n_dims,
     const gint64 *shape,
     gconstpointer data)
{
  Item *item = g_new0 (Item, 1);

  item->name = g_strdup (name);
  item->dtype = dtype;
  item->n_dims = n_dims;
  if (n_dims >= 0 && n_dims <= DIFFUSION_TENSOR_MAX_DIMS)
    for (gint i = 0; i < n_dims; i++)
      item->shape[i] = shape[i];
  else
    item->n_dims = -1;
  item->data = data;
  g_ptr_array_add (writer->items, item);
  return item;
}

void
diffusion_tensor_writer_add_floats (DiffusionTensorWriter *writer,
                                    const char *name,
                                    DiffusionDtype dtype,
                                    gint n_dims,
                                    const gint64 *shape,
                                    const float *data)
{
  Item *item = add (writer, name, dtype, n_dims, shape, data);

  item->convert = TRUE;
}

void
diffusion_tensor_writer_add_raw (DiffusionTensorWriter *writer,
                                 const char *name,
                                 DiffusionDtype dtype,
                                 gint n_dims,
                                 const gint64 *shape,
                                 gconstpointer data)
{
  add (writer, name, dtype, n_dims, shape, data);
}

/* Widest elements first keeps every tensor aligned; then by name. */
static gint
compare_items (gconstpointer a, gconstpointer b)
{
  const Item *left = *(const Item *const *)a, *right = *(const Item *const *)b;
  gsize left_size = diffusion_dtype_size (left->dtype), right_size = diffusion_dtype_size (right->dtype);

  if (left_size != right_size)
    return left_size > right_size ? -1 : 1;
  return strcmp (left->name, right->name);
}

static gint
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static gboolean
check_items (GPtrArray *items, const char *path, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < items->len; i++)
    {
      Item *item = g_ptr_array_index (items, i);

      if (!g_hash_table_add (names, item->name) || !g_utf8_validate (item->name, -1, NULL) ||
          item->n_dims < 0 || strcmp (item->name, "__metadata__") == 0 ||
          (item->convert && !diffusion_dtype_is_float (item->dtype)) ||
          !diffusion_shape_n_elements (item->n_dims, item->shape, &item->n_elements))
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                       _("%s: tensor “%s” cannot be written: its name is taken or its shape or number "
                          "format impossible"),
                       path, item->name);
          return FALSE;
        }
    }
  return TRUE;
}

/* JSON string with everything escaped that must be. */
static void
append_string (GString *text, const char *string)
{
  g_string_append_c (text, '"');
  for (const char *at = string; *at != '\0'; at++)
    if (*at == '"' || *at == '\\')
      g_string_append_printf (text, "\\%c", *at);
    else if ((guchar)*at < 0x20)
      g_string_append_printf (text, "\\u%04x", *at);
    else
      g_string_append_c (text, *at);
  g_string_append_c (text, '"');
}

static GString *
make_header (DiffusionTensorWriter *writer)
{
  GString *text = g_string_new ("{");
  guint64 offset = 0;

  if (g_hash_table_size (writer->metadata) > 0)
    {
      guint n_keys;
      g_autofree gpointer *keys = g_hash_table_get_keys_as_array (writer->metadata, &n_keys);

      qsort (keys, n_keys, sizeof *keys, compare_strings);
      g_string_append (text, "\"__metadata__\":{");
      for (guint i = 0; i < n_keys; i++)
        {
          const char *key = keys[i];

          g_string_append (text, i > 0 ? "," : "");
          append_string (text, key);
          g_string_append_c (text, ':');
          append_string (text, g_hash_table_lookup (writer->metadata, key));
        }
      g_string_append_c (text, '}');
    }
  for (guint i = 0; i < writer->items->len; i++)
    {
      const Item *item = g_ptr_array_index (writer->items, i);
      guint64 bytes = (guint64)item->n_elements * diffusion_dtype_size (item->dtype);

      g_string_append (text, text->len > 1 ? "," : "");
      append_string (text, item->name);
      g_string_append_printf (text, ":{\"dtype\":\"%s\",\"shape\":[", diffusion_dtype_name (item->dtype));
      for (gint d = 0; d < item->n_dims; d++)
        g_string_append_printf (text, "%s%" PRId64, d > 0 ? "," : "", item->shape[d]);
      g_string_append_printf (text, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}",
                              offset, offset + bytes);
      offset += bytes;
    }
  g_string_append_c (text, '}');
  while (text->len % 8 != 0)
    g_string_append_c (text, ' ');
  return text;
}

static gboolean
write_converted (DiffusionOutputFile *output, const Item *item, const char *path, GError **error)
{
  gsize size = diffusion_dtype_size (item->dtype);
  g_autofree guint8 *buffer = g_malloc (CHUNK * size);
  const float *data = item->data;

  for (gint64 start = 0; start < item->n_elements; start += CHUNK)
    {
      gint64 count = MIN (CHUNK, item->n_elements - start);

      for (gint64 i = 0; i < count; i++)
        {
          float value = data[start + i];
          double wide = value;
          guint16 half;

          switch (item->dtype)
            {
            case DIFFUSION_DTYPE_F64:
              memcpy (buffer + (gsize)i * size, &wide, sizeof wide);
              break;
            case DIFFUSION_DTYPE_F32:
              memcpy (buffer + (gsize)i * size, &value, sizeof value);
              break;
            default:
              half = item->dtype == DIFFUSION_DTYPE_F16 ? diffusion_float_to_f16 (value)
                                                        : diffusion_float_to_bf16 (value);
              if (item->dtype == DIFFUSION_DTYPE_F16 && (half & 0x7fff) == 0x7c00 && isfinite (value))
                {
                  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC,
                               _("%s: tensor “%s” holds %g, too large for float16"), path, item->name,
                               (double)value);
                  return FALSE;
                }
              memcpy (buffer + (gsize)i * size, &half, sizeof half);
            }
        }
      if (!diffusion_output_file_write (output, buffer, (gsize)count * size, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
diffusion_tensor_writer_write (DiffusionTensorWriter *writer, const char *path, GError **error)
{
  g_autoptr (DiffusionOutputFile) output = NULL;
  g_autoptr (GString) header = NULL;
  guint64 length;

  if (!check_items (writer->items, path, error))
    return FALSE;
  g_ptr_array_sort (writer->items, compare_items);
  header = make_header (writer);
  output = diffusion_output_file_new (path, error);
  length = GUINT64_TO_LE (header->len);
  if (output == NULL || !diffusion_output_file_write (output, &length, sizeof length, error) ||
      !diffusion_output_file_write (output, header->str, header->len, error))
    return FALSE;
  for (guint i = 0; i < writer->items->len; i++)
    {
      const Item *item = g_ptr_array_index (writer->items, i);
      gsize size = diffusion_dtype_size (item->dtype);

      if (item->convert && item->dtype != DIFFUSION_DTYPE_F32)
        {
          if (!write_converted (output, item, path, error))
            return FALSE;
        }
      else if (!diffusion_output_file_write (output, item->data, (gsize)item->n_elements * size, error))
        return FALSE;
    }
  return diffusion_output_file_commit (output, error);
}
