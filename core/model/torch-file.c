/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of torch.save: the zip container, and the stream written before torch 1.6. */
#include "core/model/torch-file.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/pickle.h"
#include "core/model/zip-index.h"

#define MAX_NESTING 8

enum
{
  DICTIONARY = 100, /* below: a storage of that DiffusionDtype */
  REBUILD_TENSOR,
  REBUILD_PARAMETER,
  HARMLESS
};

/* Everything a weight file may mention. Nothing here runs; the last group only occurs beside the weights. */
static const DiffusionPickleGlobal allowed[] = {
  { "torch", "DoubleStorage", DIFFUSION_DTYPE_F64, FALSE },
  { "torch", "FloatStorage", DIFFUSION_DTYPE_F32, FALSE },
  { "torch", "HalfStorage", DIFFUSION_DTYPE_F16, FALSE },
  { "torch", "BFloat16Storage", DIFFUSION_DTYPE_BF16, FALSE },
  { "torch", "LongStorage", DIFFUSION_DTYPE_I64, FALSE },
  { "torch", "IntStorage", DIFFUSION_DTYPE_I32, FALSE },
  { "torch", "ShortStorage", DIFFUSION_DTYPE_I16, FALSE },
  { "torch", "CharStorage", DIFFUSION_DTYPE_I8, FALSE },
  { "torch", "ByteStorage", DIFFUSION_DTYPE_U8, FALSE },
  { "torch", "BoolStorage", DIFFUSION_DTYPE_BOOL, FALSE },
  { "torch.cuda", "FloatStorage", DIFFUSION_DTYPE_F32, FALSE },
  { "torch.cuda", "HalfStorage", DIFFUSION_DTYPE_F16, FALSE },
  { "torch.cuda", "LongStorage", DIFFUSION_DTYPE_I64, FALSE },
  { "collections", "OrderedDict", DICTIONARY, TRUE },
  { "torch._utils", "_rebuild_tensor", REBUILD_TENSOR, FALSE },
  { "torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, FALSE },
  { "torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, FALSE },
  { "torch.nn.parameter", "Parameter", REBUILD_PARAMETER, FALSE },
  { "torch", "Size", HARMLESS, FALSE },
  { "torch", "device", HARMLESS, FALSE },
  { "torch", "float32", HARMLESS, FALSE },
  { "torch", "float16", HARMLESS, FALSE },
  { "torch", "bfloat16", HARMLESS, FALSE },
  { "torch", "float64", HARMLESS, FALSE },
  { "torch", "int64", HARMLESS, FALSE },
  { "collections", "defaultdict", HARMLESS, FALSE },
  { "collections", "Counter", HARMLESS, FALSE },
  { "argparse", "Namespace", HARMLESS, FALSE },
  { "builtins", "dict", HARMLESS, FALSE },
  { "__builtin__", "dict", HARMLESS, FALSE },
  { "builtins", "set", HARMLESS, FALSE },
  { "__builtin__", "set", HARMLESS, FALSE },
  { "_codecs", "encode", HARMLESS, FALSE },
  { "numpy", "dtype", HARMLESS, FALSE },
  { "numpy.core.multiarray", "scalar", HARMLESS, FALSE },
  { "numpy._core.multiarray", "scalar", HARMLESS, FALSE },
  { NULL, NULL, 0, FALSE },
};

/* Where trainers keep the model, the averaged weights first. */
static const char *const usual_keys[] = { "ema",        "ema_state_dict", "model_ema", "ema_model",
                                          "params_ema", "state_dict",     "model",     "model_state_dict",
                                          "net",        "network",        "unet",      "params" };

/* How the stream's first pickle ends, in every protocol: a number of ten bytes. */
static const guint8 stream_magic[]
    = { 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e };

typedef struct
{
  const guint8 *data;
  gsize size; /* bytes */
  gboolean present;
} Storage;

typedef struct
{
  const char *path;
  GHashTable *members; /* zip container: members by name */
  char *folder;        /* zip container: what they are in, with the slash */
  GHashTable *streams; /* stream: Storage by key */
} Container;

gboolean
diffusion_torch_is_zip (const guint8 *data, gsize size)
{
  return size >= 4 && memcmp (data, "PK\3\4", 4) == 0;
}

gboolean
diffusion_torch_is_stream (const guint8 *data, gsize size)
{
  /* A header of safetensors may begin with the same length, and goes on with a brace. */
  return size > 8 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5 && data[8] != '{';
}

static gboolean
damaged (const char *path, const char *what, GError **error)
{
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("%s: damaged torch file: %s"), path, what);
  return FALSE;
}

static gboolean
is_call (const DiffusionPickleValue *value, gint id)
{
  return value != NULL && value->kind == DIFFUSION_PICKLE_CALL && value->global->id == id;
}

/* A parameter is a tensor in a wrapper. */
static const DiffusionPickleValue *
as_tensor (const DiffusionPickleValue *value)
{
  if (is_call (value, REBUILD_PARAMETER))
    value = diffusion_pickle_item (g_ptr_array_index (value->items, 0), 0);
  return is_call (value, REBUILD_TENSOR) ? value : NULL;
}

static gboolean
get_integer (const DiffusionPickleValue *value, gint64 *integer)
{
  if (value == NULL || value->kind != DIFFUSION_PICKLE_INT)
    return FALSE;
  *integer = value->integer;
  return *integer >= 0;
}

static Storage
find_storage (const Container *container, const char *key)
{
  Storage storage = { NULL, 0, FALSE };

  if (container->members != NULL)
    {
      g_autofree char *name = g_strconcat (container->folder, "data/", key, NULL);
      const DiffusionZipMember *member = g_hash_table_lookup (container->members, name);

      if (member != NULL)
        storage = (Storage){ member->data, member->size, TRUE };
    }
  else
    {
      const Storage *found = g_hash_table_lookup (container->streams, key);

      if (found != NULL)
        storage = *found;
    }
  return storage;
}

/* The identifier of a storage: ('storage', type, key, device, number of elements[, view]). */
static gboolean
read_storage (const Container *container,
              const char *name,
              const DiffusionPickleValue *value,
              DiffusionDtype *dtype,
              Storage *storage,
              GError **error)
{
  const DiffusionPickleValue *id, *type, *key, *view;
  g_autofree char *key_text = NULL;
  gint64 n_elements;

  if (value == NULL || value->kind != DIFFUSION_PICKLE_PERSISTENT)
    return damaged (container->path, name, error);
  id = g_ptr_array_index (value->items, 0);
  type = diffusion_pickle_item (id, 1);
  key = diffusion_pickle_item (id, 2);
  view = diffusion_pickle_item (id, 5);
  if (!diffusion_pickle_is_string (diffusion_pickle_item (id, 0), "storage") || type == NULL ||
      type->kind != DIFFUSION_PICKLE_GLOBAL || type->global->id >= DIFFUSION_N_DTYPES || key == NULL ||
      key->kind != DIFFUSION_PICKLE_STRING || !get_integer (diffusion_pickle_item (id, 4), &n_elements))
    return damaged (container->path, name, error);
  if (view != NULL && view->kind != DIFFUSION_PICKLE_NONE)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _("%s: tensor “%s” is a view of another storage, as only very old files have"),
                   container->path, name);
      return FALSE;
    }
  *dtype = (DiffusionDtype)type->global->id;
  key_text = g_strndup (key->text, key->length);
  *storage = find_storage (container, key_text);
  if (!storage->present || (guint64)n_elements > storage->size / diffusion_dtype_size (*dtype))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: truncated or damaged: the data of tensor “%s” should have %" PRId64
                      " elements (%s), the file has %zu bytes"),
                   container->path, name, n_elements, diffusion_dtype_name (*dtype), storage->size);
      return FALSE;
    }
  storage->size = (gsize)n_elements * diffusion_dtype_size (*dtype);
  return TRUE;
}

/* Arguments of a tensor: storage, offset, size, stride[, …]. */
static gboolean
add_tensor (DiffusionTensorFile *file,
            const Container *container,
            const char *name,
            const DiffusionPickleValue *call,
            GError **error)
{
  const DiffusionPickleValue *arguments = g_ptr_array_index (call->items, 0);
  const DiffusionPickleValue *size = diffusion_pickle_item (arguments, 2),
                             *stride = diffusion_pickle_item (arguments, 3);
  DiffusionTensorEntry entry = { .name = name };
  Storage storage;
  gint64 offset;

  /* The size may be wrapped: torch.Size ((…)). */
  if (is_call (size, HARMLESS))
    size = diffusion_pickle_item (g_ptr_array_index (size->items, 0), 0);
  if (!read_storage (container, name, diffusion_pickle_item (arguments, 0), &entry.dtype, &storage, error))
    return FALSE;
  if (!get_integer (diffusion_pickle_item (arguments, 1), &offset) || size == NULL ||
      size->kind != DIFFUSION_PICKLE_TUPLE || stride == NULL || stride->kind != DIFFUSION_PICKLE_TUPLE ||
      size->items->len != stride->items->len || size->items->len > DIFFUSION_TENSOR_MAX_DIMS)
    return damaged (container->path, name, error);
  entry.n_dims = (gint)size->items->len;
  for (guint i = 0; i < size->items->len; i++)
    if (!get_integer (diffusion_pickle_item (size, i), &entry.shape[i]) ||
        !get_integer (diffusion_pickle_item (stride, i), &entry.strides[i]))
      return damaged (container->path, name, error);
  if ((guint64)offset > storage.size / diffusion_dtype_size (entry.dtype))
    return damaged (container->path, name, error);
  offset *= (gint64)diffusion_dtype_size (entry.dtype);
  entry.data = storage.data + offset;
  return diffusion_tensor_file_add (file, &entry, storage.size - (gsize)offset, error);
}

static guint
count_tensors (const DiffusionPickleValue *dict)
{
  guint count = 0;

  for (guint i = 0; i + 1 < dict->items->len; i += 2)
    {
      const DiffusionPickleValue *key = g_ptr_array_index (dict->items, i);

      count +=
          key->kind == DIFFUSION_PICKLE_STRING && as_tensor (g_ptr_array_index (dict->items, i + 1)) != NULL;
    }
  return count;
}

static gboolean
is_optimizer (const DiffusionPickleValue *value)
{
  return diffusion_pickle_lookup (value, "param_groups") != NULL &&
         diffusion_pickle_lookup (value, "state") != NULL;
}

/* The dictionary of the model's tensors; *optimizer tells that an optimizer's state was met on the way.
 * Values may contain themselves, so each is looked at once. */
static const DiffusionPickleValue *
find_weights (const DiffusionPickleValue *value, gint depth, GHashTable *seen, gboolean *optimizer)
{
  const DiffusionPickleValue *found = NULL;

  if (value == NULL || depth > MAX_NESTING || !g_hash_table_add (seen, (gpointer)value))
    return NULL;
  if (value->kind == DIFFUSION_PICKLE_DICT)
    {
      if (is_optimizer (value))
        {
          *optimizer = TRUE;
          return NULL;
        }
      if (count_tensors (value) > 0)
        return value;
      for (gsize i = 0; i < G_N_ELEMENTS (usual_keys) && found == NULL; i++)
        found = find_weights (diffusion_pickle_lookup (value, usual_keys[i]), depth + 1, seen, optimizer);
    }
  else if (value->kind == DIFFUSION_PICKLE_LIST || value->kind == DIFFUSION_PICKLE_TUPLE)
    {
      /* A trainer's list: model, optimizer, epoch, step and perhaps the averaged weights, which are
       * preferred. */
      for (guint i = value->items->len; i > 0 && found == NULL; i--)
        found = find_weights (g_ptr_array_index (value->items, i - 1), depth + 1, seen, optimizer);
    }
  return found;
}

/* Length of the prefix that wrappers put before every name, 0 for none. */
static gsize
find_prefix (const DiffusionPickleValue *dict)
{
  static const char *const prefixes[] = { "module.", "_orig_mod.", "model.", "unet." };

  for (gsize p = 0; p < G_N_ELEMENTS (prefixes); p++)
    {
      gsize length = strlen (prefixes[p]);
      gboolean all = TRUE;

      for (guint i = 0; i + 1 < dict->items->len && all; i += 2)
        {
          const DiffusionPickleValue *key = g_ptr_array_index (dict->items, i);

          if (key->kind == DIFFUSION_PICKLE_STRING &&
              as_tensor (g_ptr_array_index (dict->items, i + 1)) != NULL)
            all = key->length > length && memcmp (key->text, prefixes[p], length) == 0;
        }
      if (all)
        return length;
    }
  return 0;
}

static gboolean
add_weights (DiffusionTensorFile *file,
             const Container *container,
             const DiffusionPickleValue *root,
             GError **error)
{
  gboolean optimizer = FALSE;
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  const DiffusionPickleValue *weights = find_weights (root, 0, seen, &optimizer);
  gsize prefix;

  if (weights == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   optimizer ? _("%s: this is the state of an optimizer, not a model; take the “model” or "
                                  "“ema” file beside it")
                             : _("%s: there are no named tensors in this file"),
                   container->path);
      return FALSE;
    }
  prefix = find_prefix (weights);
  for (guint i = 0; i + 1 < weights->items->len; i += 2)
    {
      const DiffusionPickleValue *key = g_ptr_array_index (weights->items, i);
      const DiffusionPickleValue *tensor = as_tensor (g_ptr_array_index (weights->items, i + 1));
      g_autofree char *name = NULL;

      if (key->kind != DIFFUSION_PICKLE_STRING || tensor == NULL)
        continue;
      name = g_strndup (key->text + prefix, key->length - prefix);
      if (strlen (name) != key->length - prefix || !g_utf8_validate (name, -1, NULL))
        return damaged (container->path, _("a tensor's name is no text"), error);
      if (!add_tensor (file, container, name, tensor, error))
        return FALSE;
    }
  return TRUE;
}

/* The one member called FOLDER/data.pkl. */
static const DiffusionZipMember *
find_pickle (Container *container)
{
  GHashTableIter iter;
  gpointer name, member;
  const DiffusionZipMember *found = NULL;

  g_hash_table_iter_init (&iter, container->members);
  while (g_hash_table_iter_next (&iter, &name, &member))
    {
      const char *slash = strchr (name, '/');

      if (slash == NULL || strcmp (slash, "/data.pkl") != 0)
        continue;
      if (found != NULL)
        return NULL;
      found = member;
      g_free (container->folder);
      container->folder = g_strndup (name, (gsize)(slash - (const char *)name) + 1);
    }
  return found;
}

static gboolean
read_zip (DiffusionTensorFile *file, Container *container, GBytes *bytes, GError **error)
{
  g_autoptr (DiffusionPickle) pickle = NULL;
  g_autofree char *order_name = NULL;
  const DiffusionZipMember *main_member, *order;

  container->members = diffusion_zip_index (container->path, bytes, error);
  if (container->members == NULL)
    return FALSE;
  main_member = find_pickle (container);
  if (main_member == NULL)
    return damaged (container->path, _("the archive has no data.pkl"), error);
  order_name = g_strconcat (container->folder, "byteorder", NULL);
  order = g_hash_table_lookup (container->members, order_name);
  if (order != NULL && (order->size != 6 || memcmp (order->data, "little", 6) != 0))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _("%s: the numbers are not little-endian"), container->path);
      return FALSE;
    }
  pickle =
      diffusion_pickle_read (container->path, main_member->data, main_member->size, allowed, NULL, error);
  return pickle != NULL && add_weights (file, container, diffusion_pickle_get_root (pickle), error);
}

/* Element sizes of the storages that the main pickle mentions, by key; the stream itself gives only numbers
 * of elements. */
static void
collect_dtypes (const DiffusionPickle *pickle, GHashTable *sizes)
{
  const DiffusionPickleValue *value;

  for (guint i = 0; (value = diffusion_pickle_get_value (pickle, i)) != NULL; i++)
    {
      const DiffusionPickleValue *id, *type, *key;

      if (value->kind != DIFFUSION_PICKLE_PERSISTENT)
        continue;
      id = g_ptr_array_index (value->items, 0);
      type = diffusion_pickle_item (id, 1);
      key = diffusion_pickle_item (id, 2);
      if (type != NULL && type->kind == DIFFUSION_PICKLE_GLOBAL && type->global->id < DIFFUSION_N_DTYPES &&
          key != NULL && key->kind == DIFFUSION_PICKLE_STRING)
        g_hash_table_insert (sizes, g_strndup (key->text, key->length),
                             GSIZE_TO_POINTER (diffusion_dtype_size ((DiffusionDtype)type->global->id)));
    }
}

/* After the pickles: for every key in order the number of elements (8 bytes), then the elements. */
static gboolean
read_stream_storages (Container *container,
                      const DiffusionPickleValue *keys,
                      GHashTable *sizes,
                      const guint8 *data,
                      gsize size,
                      GError **error)
{
  if (keys->kind != DIFFUSION_PICKLE_LIST)
    return damaged (container->path, _("the list of storages is missing"), error);
  for (guint i = 0; i < keys->items->len; i++)
    {
      const DiffusionPickleValue *key = diffusion_pickle_item (keys, i);
      g_autofree char *text =
          key->kind == DIFFUSION_PICKLE_STRING ? g_strndup (key->text, key->length) : NULL;
      gsize element = text != NULL ? GPOINTER_TO_SIZE (g_hash_table_lookup (sizes, text)) : 0;
      guint64 count;
      Storage *storage;

      if (element == 0)
        return damaged (container->path, _("a storage is unknown"), error);
      if (size < 8)
        return damaged (container->path, _("truncated"), error);
      memcpy (&count, data, 8);
      count = GUINT64_FROM_LE (count);
      if (count > (size - 8) / element)
        return damaged (container->path, _("truncated"), error);
      storage = g_new (Storage, 1);
      *storage = (Storage){ data + 8, (gsize)count * element, TRUE };
      g_hash_table_insert (container->streams, g_steal_pointer (&text), storage);
      data += 8 + count * element;
      size -= 8 + count * element;
    }
  return TRUE;
}

static gboolean
read_stream (DiffusionTensorFile *file, Container *container, GBytes *bytes, GError **error)
{
  DiffusionPickle *pickles[5] = { NULL };
  g_autoptr (GHashTable) sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const DiffusionPickleValue *little;
  gsize size, used;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  gboolean good = FALSE;

  container->streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  /* Magic number, version, system, the object, the keys of its storages. */
  for (gint i = 0; i < 5; i++)
    {
      pickles[i] = diffusion_pickle_read (container->path, data, size, allowed, &used, error);
      if (pickles[i] == NULL)
        goto out;
      if (i == 0
          && (used < sizeof stream_magic
              || memcmp (data + used - sizeof stream_magic, stream_magic, sizeof stream_magic) != 0))
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                       _("%s: this is a Python pickle, but not one that torch.save wrote"), container->path);
          goto out;
        }
      data += used;
      size -= used;
    }
  little = diffusion_pickle_lookup (diffusion_pickle_get_root (pickles[2]), "little_endian");
  if (little != NULL && little->kind == DIFFUSION_PICKLE_BOOL && !little->integer)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _("%s: the numbers are not little-endian"), container->path);
      goto out;
    }
  collect_dtypes (pickles[3], sizes);
  good = read_stream_storages (container, diffusion_pickle_get_root (pickles[4]), sizes, data, size, error) &&
         add_weights (file, container, diffusion_pickle_get_root (pickles[3]), error);
out:
  for (gint i = 0; i < 5; i++)
    diffusion_pickle_free (pickles[i]);
  return good;
}

DiffusionTensorFile *
diffusion_torch_read (const char *path, GBytes *bytes, GError **error)
{
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_new (path, bytes);
  Container container = { .path = path };
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  gboolean good = diffusion_torch_is_zip (data, size) ? read_zip (file, &container, bytes, error)
                                                      : read_stream (file, &container, bytes, error);

  g_clear_pointer (&container.members, g_hash_table_unref);
  g_clear_pointer (&container.streams, g_hash_table_unref);
  g_free (container.folder);
  return good ? g_steal_pointer (&file) : NULL;
}
