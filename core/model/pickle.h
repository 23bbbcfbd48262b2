/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python pickles as plain data. Nothing is ever called or imported: what a pickle asks for is only written
 * down. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  DIFFUSION_PICKLE_NONE,
  DIFFUSION_PICKLE_BOOL,
  DIFFUSION_PICKLE_INT,
  DIFFUSION_PICKLE_FLOAT,
  DIFFUSION_PICKLE_STRING,
  DIFFUSION_PICKLE_TUPLE,
  DIFFUSION_PICKLE_LIST,
  DIFFUSION_PICKLE_DICT,
  DIFFUSION_PICKLE_GLOBAL,
  DIFFUSION_PICKLE_CALL,
  DIFFUSION_PICKLE_PERSISTENT,
  DIFFUSION_PICKLE_OPAQUE
} DiffusionPickleKind;

/**
 * DiffusionPickleGlobal:
 * @module: Python module
 * @name: name in it
 * @id: what the caller calls it, ≥ 0
 * @is_dict: calling it makes a dictionary
 *
 * A class or function that a pickle may mention.
 */
typedef struct
{
  const char *module;
  const char *name;
  gint id;
  gboolean is_dict;
} DiffusionPickleGlobal;

/**
 * DiffusionPickleValue:
 * @kind: which of the fields below count
 * @integer: of BOOL and INT
 * @number: of FLOAT
 * @text: of STRING (text or bytes): not terminated, in the pickle
 * @length: bytes of @text
 * @items: of TUPLE and LIST: the elements; DICT: key, value, key, value…; CALL: one tuple of arguments;
 * PERSISTENT: the one identifier
 * @global: of GLOBAL and CALL
 *
 * OPAQUE values were there, but mean nothing here. Lists and dictionaries may contain themselves.
 */
typedef struct
{
  DiffusionPickleKind kind;
  gint64 integer;
  double number;
  const char *text;
  gsize length;
  GPtrArray *items;
  const DiffusionPickleGlobal *global;
} DiffusionPickleValue;

/**
 * DiffusionPickle:
 *
 * The values of one pickle; they live as long as it and as the bytes it was read from.
 */
typedef struct _DiffusionPickle DiffusionPickle;

/**
 * diffusion_pickle_read:
 * @path: what to call the file in errors
 * @data: (array length=size): bytes that begin with a pickle (protocol 2 to 4)
 * @size: how many there are
 * @allowed: (array): what may be mentioned, ended by an entry without module
 * @used: (out) (optional): length of the pickle
 * @error: return location for %DIFFUSION_ERROR_FORMAT (damaged, too large) or %DIFFUSION_ERROR_UNSUPPORTED
 * (mentions something else)
 *
 * Returns: (transfer full) (nullable): the values
 */
DiffusionPickle *diffusion_pickle_read (const char *path,
                                        const guint8 *data,
                                        gsize size,
                                        const DiffusionPickleGlobal *allowed,
                                        gsize *used,
                                        GError **error);

void diffusion_pickle_free (DiffusionPickle *pickle);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionPickle, diffusion_pickle_free)

/** diffusion_pickle_get_root: (transfer none): the object that was pickled. */
const DiffusionPickleValue *diffusion_pickle_get_root (const DiffusionPickle *pickle);

/** diffusion_pickle_get_value: (transfer none) (nullable): value @index of all that occur anywhere, %NULL
 * past the last. */
const DiffusionPickleValue *diffusion_pickle_get_value (const DiffusionPickle *pickle, guint index);

/** diffusion_pickle_item: (transfer none) (nullable): element @index of a tuple or list, %NULL past the end
 * or for other values. */
const DiffusionPickleValue *diffusion_pickle_item (const DiffusionPickleValue *value, guint index);

/** diffusion_pickle_lookup: (transfer none) (nullable): the value of a dictionary at the string @key. */
const DiffusionPickleValue *diffusion_pickle_lookup (const DiffusionPickleValue *value, const char *key);

/** diffusion_pickle_is_string: whether @value is this string. */
gboolean diffusion_pickle_is_string (const DiffusionPickleValue *value, const char *text);

G_END_DECLS
