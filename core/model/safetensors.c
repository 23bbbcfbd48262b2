/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The safetensors format: a length, a JSON table, then the numbers. */
#include "core/model/safetensors.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/json.h"

/* A table entry takes about 100 bytes, the largest published networks have a few thousand. */
#define MAX_HEADER ((guint64)16 << 20)

typedef struct
{
  const char *name;
  guint64 begin, end;
} Range;

static gint
compare_ranges (gconstpointer a, gconstpointer b)
{
  const Range *left = a, *right = b;

  if (left->begin != right->begin)
    return left->begin < right->begin ? -1 : 1;
  if (left->end != right->end)
    return left->end < right->end ? -1 : 1;
  return strcmp (left->name, right->name);
}

static gboolean
damaged (const char *path, const char *name, const char *what, GError **error)
{
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("%s: damaged table entry “%s”: %s"), path,
               name, what);
  return FALSE;
}

/* Whole numbers ≥ 0 only: JSON's 1e3 and −0.5 are no sizes. */
static gboolean
get_size (JsonArray *array, guint index, gint64 *value)
{
  JsonNode *node = json_array_get_element (array, index);

  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  *value = json_node_get_int (node);
  return *value >= 0;
}

static gboolean
read_metadata (DiffusionTensorFile *file, JsonNode *node, GError **error)
{
  const char *path = diffusion_tensor_file_get_path (file), *key;
  JsonObjectIter iter;
  JsonNode *value;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return damaged (path, "__metadata__", _("expected an object of strings"), error);
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &key, &value))
    {
      if (!JSON_NODE_HOLDS_VALUE (value) || json_node_get_value_type (value) != G_TYPE_STRING)
        return damaged (path, "__metadata__", _("expected an object of strings"), error);
      diffusion_tensor_file_set_metadata (file, key, json_node_get_string (value));
    }
  return TRUE;
}

static gboolean
read_entry (DiffusionTensorFile *file,
            const char *name,
            JsonNode *node,
            const guint8 *data,
            guint64 data_size,
            Range *range,
            GError **error)
{
  const char *path = diffusion_tensor_file_get_path (file), *dtype = NULL;
  DiffusionTensorEntry entry = { .name = name };
  JsonArray *shape, *offsets;
  JsonObject *object;
  gint64 n_elements, begin, end;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return damaged (path, name, _("expected an object"), error);
  object = json_node_get_object (node);
  if (!diffusion_json_get_string (path, object, "dtype", &dtype, error) ||
      !diffusion_json_get_array (path, object, "shape", &shape, error) ||
      !diffusion_json_get_array (path, object, "data_offsets", &offsets, error))
    return FALSE;
  if (dtype == NULL || shape == NULL || offsets == NULL || json_object_get_size (object) != 3)
    return damaged (path, name, _("expected dtype, shape and data_offsets"), error);
  if (!diffusion_dtype_from_name (dtype, &entry.dtype))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _("%s: tensor “%s” has the unknown number format “%s”"), path, name, dtype);
      return FALSE;
    }
  if (json_array_get_length (shape) > DIFFUSION_TENSOR_MAX_DIMS)
    return damaged (path, name, _("too many dimensions"), error);
  entry.n_dims = (gint)json_array_get_length (shape);
  for (gint i = 0; i < entry.n_dims; i++)
    if (!get_size (shape, (guint)i, &entry.shape[i]))
      return damaged (path, name, _("the shape must consist of whole numbers"), error);
  if (!diffusion_shape_n_elements (entry.n_dims, entry.shape, &n_elements))
    return damaged (path, name, _("the shape is absurdly large"), error);
  entry.n_elements = n_elements;
  for (gint i = entry.n_dims - 1; i >= 0 && n_elements > 0; i--)
    entry.strides[i] = i + 1 < entry.n_dims ? entry.strides[i + 1] * entry.shape[i + 1] : 1;
  if (json_array_get_length (offsets) != 2 || !get_size (offsets, 0, &begin) ||
      !get_size (offsets, 1, &end) || begin > end)
    return damaged (path, name, _("data_offsets must be two growing whole numbers"), error);
  if ((guint64)end > data_size)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: truncated: tensor “%s” ends at byte %" PRId64
                      " of the data, the file has %" PRIu64),
                   path, name, end, data_size);
      return FALSE;
    }
  if ((guint64)(end - begin) % diffusion_dtype_size (entry.dtype) != 0 ||
      (end - begin) / (gint64)diffusion_dtype_size (entry.dtype) != n_elements)
    {
      g_autofree char *text = diffusion_tensor_entry_format_shape (&entry);

      g_set_error (
          error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
          _("%s: tensor “%s” of shape %s (%s) has %" PRId64 " bytes of data, which does not fit"),
          path, name, text, dtype, end - begin);
      return FALSE;
    }
  entry.data = data + begin;
  range->begin = (guint64)begin;
  range->end = (guint64)end;
  return diffusion_tensor_file_add (file, &entry, (gsize)(end - begin), error);
}

DiffusionTensorFile *
diffusion_safetensors_read (const char *path, GBytes *bytes, GError **error)
{
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_new (path, bytes);
  g_autoptr (JsonObject) header = NULL;
  g_autoptr (GArray) ranges = g_array_new (FALSE, TRUE, sizeof (Range));
  gsize size;
  const guint8 *contents = g_bytes_get_data (bytes, &size);
  guint64 header_size, data_size, at = 0;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (size < 8)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: truncated: %zu bytes are too few for a weight file"), path, size);
      return NULL;
    }
  memcpy (&header_size, contents, 8);
  header_size = GUINT64_FROM_LE (header_size);
  if (header_size > MAX_HEADER || header_size > size - 8)
    {
      g_set_error (
          error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
          _("%s: not a weight file, or truncated: as safetensors it announces a header of %" PRIu64
             " bytes, the file has %zu"),
          path, header_size, size);
      return NULL;
    }
  data_size = size - 8 - header_size;
  header = diffusion_json_parse_object (path, (const char *)contents + 8, header_size, error);
  if (header == NULL)
    return NULL;
  json_object_iter_init_ordered (&iter, header);
  while (json_object_iter_next_ordered (&iter, &name, &node))
    {
      Range range = { name, 0, 0 };

      if (strcmp (name, "__metadata__") == 0)
        {
          if (!read_metadata (file, node, error))
            return NULL;
          continue;
        }
      if (!read_entry (file, name, node, contents + 8 + header_size, data_size, &range, error))
        return NULL;
      g_array_append_val (ranges, range);
    }

  g_array_sort (ranges, compare_ranges);
  for (guint i = 0; i < ranges->len; i++)
    {
      const Range *range = &g_array_index (ranges, Range, i);

      if (range->begin != at)
        {
          damaged (path, range->name,
                   range->begin < at ? _("its data overlaps another tensor's") : _("a gap before its data"),
                   error);
          return NULL;
        }
      at = range->end;
    }
  if (at != data_size)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: the tensors take %" PRIu64 " bytes, the file has %" PRIu64),
                   path, at, data_size);
      return NULL;
    }
  return g_steal_pointer (&file);
}
