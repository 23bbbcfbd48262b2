/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python pickles as plain data. Nothing is ever called or imported: what a pickle asks for is only written
 * down. */
#include "core/model/pickle.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

/* A published checkpoint has some ten thousand values. */
#define MAX_VALUES 2000000
#define MAX_STACK  1000000

struct _DiffusionPickle
{
  GPtrArray *values; /* every value ever made, owned */
  const DiffusionPickleValue *root;
};

typedef struct
{
  const char *path;
  const guint8 *start, *at, *end;
  const DiffusionPickleGlobal *allowed;
  DiffusionPickle *pickle;
  GPtrArray *stack;
  GArray *marks;    /* heights of the stack, guint */
  GHashTable *memo; /* index → value */
  guint copied;     /* items of dictionaries made from lists, which one list can be many times */
  GError **error;
} Machine;

enum
{
  OP_MARK = '(',
  OP_STOP = '.',
  OP_POP = '0',
  OP_POP_MARK = '1',
  OP_DUP = '2',
  OP_BINBYTES = 'B',
  OP_SHORT_BINBYTES = 'C',
  OP_BINFLOAT = 'G',
  OP_BININT = 'J',
  OP_BININT1 = 'K',
  OP_BININT2 = 'M',
  OP_NONE = 'N',
  OP_BINPERSID = 'Q',
  OP_REDUCE = 'R',
  OP_BINSTRING = 'T',
  OP_SHORT_BINSTRING = 'U',
  OP_BINUNICODE = 'X',
  OP_EMPTY_LIST = ']',
  OP_APPEND = 'a',
  OP_BUILD = 'b',
  OP_GLOBAL = 'c',
  OP_DICT = 'd',
  OP_APPENDS = 'e',
  OP_BINGET = 'h',
  OP_LONG_BINGET = 'j',
  OP_LIST = 'l',
  OP_BINPUT = 'q',
  OP_LONG_BINPUT = 'r',
  OP_SETITEM = 's',
  OP_TUPLE = 't',
  OP_SETITEMS = 'u',
  OP_EMPTY_DICT = '}',
  OP_EMPTY_TUPLE = ')',
  OP_PROTO = 0x80,
  OP_NEWOBJ = 0x81,
  OP_TUPLE1 = 0x85,
  OP_TUPLE2 = 0x86,
  OP_TUPLE3 = 0x87,
  OP_NEWTRUE = 0x88,
  OP_NEWFALSE = 0x89,
  OP_LONG1 = 0x8a,
  OP_LONG4 = 0x8b,
  OP_SHORT_BINUNICODE = 0x8c,
  OP_BINUNICODE8 = 0x8d,
  OP_BINBYTES8 = 0x8e,
  OP_EMPTY_SET = 0x8f,
  OP_ADDITEMS = 0x90,
  OP_FROZENSET = 0x91,
  OP_STACK_GLOBAL = 0x93,
  OP_MEMOIZE = 0x94,
  OP_FRAME = 0x95
};

static void
value_free (gpointer data)
{
  DiffusionPickleValue *value = data;

  if (value->items != NULL)
    g_ptr_array_unref (value->items);
  g_free (value);
}

static gboolean
damaged (Machine *machine, const char *what)
{
  g_set_error (machine->error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
               _("%s: damaged pickle at byte %zu: %s"), machine->path,
               (gsize)(machine->at - machine->start), what);
  return FALSE;
}

/* Returns NULL with the error set when the bytes are not there. */
static const guint8 *
take (Machine *machine, guint64 bytes)
{
  const guint8 *at = machine->at;

  if (bytes > (guint64)(machine->end - at))
    {
      damaged (machine, _("it ends too early"));
      return NULL;
    }
  machine->at += bytes;
  return at;
}

static gboolean
take_number (Machine *machine, gint bytes, guint64 *number)
{
  const guint8 *at = take (machine, (guint64)bytes);

  if (at == NULL)
    return FALSE;
  *number = 0;
  for (gint i = bytes - 1; i >= 0; i--)
    *number = *number << 8 | at[i];
  return TRUE;
}

static gboolean
push (Machine *machine, DiffusionPickleValue *value)
{
  if (machine->stack->len >= MAX_STACK)
    return damaged (machine, _("it is absurdly large"));
  g_ptr_array_add (machine->stack, value);
  return TRUE;
}

static DiffusionPickleValue *
new_value (Machine *machine, DiffusionPickleKind kind)
{
  DiffusionPickleValue *value;

  if (machine->pickle->values->len >= MAX_VALUES)
    {
      damaged (machine, _("it is absurdly large"));
      return NULL;
    }
  value = g_new0 (DiffusionPickleValue, 1);
  value->kind = kind;
  if (kind >= DIFFUSION_PICKLE_TUPLE && kind <= DIFFUSION_PICKLE_PERSISTENT &&
      kind != DIFFUSION_PICKLE_GLOBAL)
    value->items = g_ptr_array_new ();
  g_ptr_array_add (machine->pickle->values, value);
  return value;
}

static gboolean
push_new (Machine *machine, DiffusionPickleKind kind)
{
  DiffusionPickleValue *value = new_value (machine, kind);

  return value != NULL && push (machine, value);
}

static gboolean
push_integer (Machine *machine, DiffusionPickleKind kind, gint64 integer)
{
  DiffusionPickleValue *value = new_value (machine, kind);

  if (value == NULL)
    return FALSE;
  value->integer = integer;
  return push (machine, value);
}

/* What may be taken off the stack ends at the last mark. */
static guint
height_above_mark (const Machine *machine)
{
  guint mark = machine->marks->len > 0 ? g_array_index (machine->marks, guint, machine->marks->len - 1) : 0;

  return machine->stack->len - mark;
}

static DiffusionPickleValue *
pop (Machine *machine)
{
  if (height_above_mark (machine) == 0)
    {
      damaged (machine, _("its stack is empty"));
      return NULL;
    }
  return g_ptr_array_steal_index (machine->stack, machine->stack->len - 1);
}

static DiffusionPickleValue *
peek (Machine *machine)
{
  if (height_above_mark (machine) == 0)
    {
      damaged (machine, _("its stack is empty"));
      return NULL;
    }
  return g_ptr_array_index (machine->stack, machine->stack->len - 1);
}

/* Removes the last mark; *count values above it are still on the stack. */
static gboolean
pop_mark (Machine *machine, guint *count)
{
  if (machine->marks->len == 0)
    return damaged (machine, _("a mark is missing"));
  *count = height_above_mark (machine);
  g_array_set_size (machine->marks, machine->marks->len - 1);
  return TRUE;
}

/* Moves the topmost values from the stack to a container. */
static void
move_items (Machine *machine, guint count, DiffusionPickleValue *to)
{
  guint first = machine->stack->len - count;

  for (guint i = 0; i < count; i++)
    g_ptr_array_add (to->items, g_ptr_array_index (machine->stack, first + i));
  g_ptr_array_set_size (machine->stack, (gint)first);
}

static gboolean
make_container (Machine *machine, DiffusionPickleKind kind, guint count)
{
  DiffusionPickleValue *value;

  if (count > height_above_mark (machine))
    return damaged (machine, _("its stack is empty"));
  if (kind == DIFFUSION_PICKLE_DICT && count % 2 != 0)
    return damaged (machine, _("a dictionary has a key without a value"));
  value = new_value (machine, kind);
  if (value == NULL)
    return FALSE;
  move_items (machine, count, value);
  return push (machine, value);
}

static gboolean
append (Machine *machine, DiffusionPickleKind kind, guint count)
{
  DiffusionPickleValue *to;

  if (count >= height_above_mark (machine))
    return damaged (machine, _("its stack is empty"));
  to = g_ptr_array_index (machine->stack, machine->stack->len - 1 - count);
  if (to->kind == DIFFUSION_PICKLE_OPAQUE || to->kind == DIFFUSION_PICKLE_CALL)
    {
      g_ptr_array_set_size (machine->stack, (gint)(machine->stack->len - count));
      return TRUE;
    }
  if (to->kind != kind || (kind == DIFFUSION_PICKLE_DICT && count % 2 != 0))
    return damaged (machine, _("items are added to something that is no list or dictionary"));
  if (to->items->len > MAX_VALUES - count)
    return damaged (machine, _("it is absurdly large"));
  move_items (machine, count, to);
  return TRUE;
}

static gboolean
push_global (Machine *machine, const char *module, gsize module_length, const char *name, gsize name_length)
{
  g_autofree char *module_text = g_strndup (module, MIN (module_length, 200));
  g_autofree char *name_text = g_strndup (name, MIN (name_length, 200));
  g_autofree char *module_shown = g_utf8_make_valid (module_text, -1);
  g_autofree char *name_shown = g_utf8_make_valid (name_text, -1);

  for (const DiffusionPickleGlobal *global = machine->allowed; global->module != NULL; global++)
    if (strcmp (global->module, module_text) == 0 && strcmp (global->name, name_text) == 0)
      {
        DiffusionPickleValue *value = new_value (machine, DIFFUSION_PICKLE_GLOBAL);

        if (value == NULL)
          return FALSE;
        value->global = global;
        return push (machine, value);
      }
  g_set_error (machine->error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
               _("%s: refused: the file asks for the Python code “%s.%s”, and weights need none"),
               machine->path, module_shown, name_shown);
  return FALSE;
}

static gboolean
do_global (Machine *machine)
{
  const char *module = (const char *)machine->at, *name;
  const guint8 *first = memchr (machine->at, '\n', (gsize)(machine->end - machine->at)), *second;

  if (first == NULL)
    return damaged (machine, _("it ends too early"));
  name = (const char *)first + 1;
  second = memchr (name, '\n', (gsize)(machine->end - first - 1));
  if (second == NULL)
    return damaged (machine, _("it ends too early"));
  machine->at = second + 1;
  return push_global (machine, module, (gsize)(first - (const guint8 *)module), name,
                      (gsize)(second - (const guint8 *)name));
}

static gboolean
do_stack_global (Machine *machine)
{
  DiffusionPickleValue *name = pop (machine), *module = name != NULL ? pop (machine) : NULL;

  if (module == NULL)
    return FALSE;
  if (name->kind != DIFFUSION_PICKLE_STRING || module->kind != DIFFUSION_PICKLE_STRING)
    return damaged (machine, _("a name is no string"));
  return push_global (machine, module->text, module->length, name->text, name->length);
}

/* Dictionaries made by calling their class: from nothing, or from a list of pairs as Python 2 wrote them. */
static gboolean
fill_dict (Machine *machine, DiffusionPickleValue *dict, const DiffusionPickleValue *arguments)
{
  const DiffusionPickleValue *pairs = diffusion_pickle_item (arguments, 0);

  if (pairs == NULL || pairs->kind != DIFFUSION_PICKLE_LIST)
    return TRUE;
  if (pairs->items->len > MAX_VALUES - machine->copied)
    return damaged (machine, _("it is absurdly large"));
  machine->copied += pairs->items->len;
  for (guint i = 0; i < pairs->items->len; i++)
    {
      const DiffusionPickleValue *pair = diffusion_pickle_item (pairs, i);
      const DiffusionPickleValue *key = diffusion_pickle_item (pair, 0),
                                 *value = diffusion_pickle_item (pair, 1);

      if (key == NULL || value == NULL)
        return damaged (machine, _("a dictionary has a key without a value"));
      g_ptr_array_add (dict->items, (gpointer)key);
      g_ptr_array_add (dict->items, (gpointer)value);
    }
  return TRUE;
}

static gboolean
do_call (Machine *machine)
{
  DiffusionPickleValue *arguments = pop (machine), *callable = arguments != NULL ? pop (machine) : NULL,
                       *value;

  if (callable == NULL)
    return FALSE;
  if (callable->kind != DIFFUSION_PICKLE_GLOBAL || arguments->kind != DIFFUSION_PICKLE_TUPLE)
    return damaged (machine, _("something is called that is no function"));
  value = new_value (machine, callable->global->is_dict ? DIFFUSION_PICKLE_DICT : DIFFUSION_PICKLE_CALL);
  if (value == NULL)
    return FALSE;
  value->global = callable->global;
  if (value->kind == DIFFUSION_PICKLE_CALL)
    g_ptr_array_add (value->items, arguments);
  else if (!fill_dict (machine, value, arguments))
    return FALSE;
  return push (machine, value);
}

static gboolean
do_long (Machine *machine, gint length_bytes)
{
  guint64 length, bits = 0;
  const guint8 *at;

  if (!take_number (machine, length_bytes, &length) || (at = take (machine, length)) == NULL)
    return FALSE;
  if (length > 8)
    return push_new (machine, DIFFUSION_PICKLE_OPAQUE);
  for (gint i = (gint)length - 1; i >= 0; i--)
    bits = bits << 8 | at[i];
  if (length > 0 && length < 8 && (at[length - 1] & 0x80) != 0)
    bits |= G_MAXUINT64 << (8 * length);
  return push_integer (machine, DIFFUSION_PICKLE_INT, (gint64)bits);
}

static gboolean
do_string (Machine *machine, gint length_bytes)
{
  DiffusionPickleValue *value;
  guint64 length;
  const guint8 *at;

  if (!take_number (machine, length_bytes, &length) || (at = take (machine, length)) == NULL)
    return FALSE;
  value = new_value (machine, DIFFUSION_PICKLE_STRING);
  if (value == NULL)
    return FALSE;
  value->text = (const char *)at;
  value->length = length;
  return push (machine, value);
}

static gboolean
do_float (Machine *machine)
{
  DiffusionPickleValue *value;
  const guint8 *at = take (machine, 8);
  guint64 bits = 0;

  if (at == NULL || (value = new_value (machine, DIFFUSION_PICKLE_FLOAT)) == NULL)
    return FALSE;
  for (gint i = 0; i < 8; i++)
    bits = bits << 8 | at[i];
  memcpy (&value->number, &bits, sizeof bits);
  return push (machine, value);
}

static gboolean
do_get (Machine *machine, gint index_bytes)
{
  DiffusionPickleValue *value;
  guint64 index;

  if (!take_number (machine, index_bytes, &index))
    return FALSE;
  value = g_hash_table_lookup (machine->memo, GUINT_TO_POINTER ((guint)index));
  return value != NULL ? push (machine, value)
                       : damaged (machine, _("it refers to something that is not there"));
}

static gboolean
do_put (Machine *machine, gint index_bytes)
{
  DiffusionPickleValue *value = peek (machine);
  guint64 index = g_hash_table_size (machine->memo);

  if (value == NULL || (index_bytes > 0 && !take_number (machine, index_bytes, &index)))
    return FALSE;
  if (g_hash_table_size (machine->memo) >= MAX_VALUES)
    return damaged (machine, _("it is absurdly large"));
  g_hash_table_insert (machine->memo, GUINT_TO_POINTER ((guint)index), value);
  return TRUE;
}

static gboolean
do_mark (Machine *machine)
{
  guint height = machine->stack->len;

  if (machine->marks->len >= MAX_STACK)
    return damaged (machine, _("it is absurdly large"));
  g_array_append_val (machine->marks, height);
  return TRUE;
}

static gboolean
do_marked (Machine *machine, guint8 op)
{
  guint count;

  if (!pop_mark (machine, &count))
    return FALSE;
  switch (op)
    {
    case OP_TUPLE:
      return make_container (machine, DIFFUSION_PICKLE_TUPLE, count);
    case OP_LIST:
      return make_container (machine, DIFFUSION_PICKLE_LIST, count);
    case OP_DICT:
      return make_container (machine, DIFFUSION_PICKLE_DICT, count);
    case OP_APPENDS:
    case OP_ADDITEMS:
      return append (machine, DIFFUSION_PICKLE_LIST, count);
    case OP_SETITEMS:
      return append (machine, DIFFUSION_PICKLE_DICT, count);
    case OP_FROZENSET:
      return make_container (machine, DIFFUSION_PICKLE_LIST, count);
    default: /* OP_POP_MARK */
      g_ptr_array_set_size (machine->stack, (gint)(machine->stack->len - count));
      return TRUE;
    }
}

static gboolean
do_proto (Machine *machine)
{
  guint64 version;

  if (!take_number (machine, 1, &version))
    return FALSE;
  return version <= 5 || damaged (machine, _("unknown protocol"));
}

static gboolean
run_one (Machine *machine, guint8 op)
{
  guint64 number;

  switch (op)
    {
    case OP_PROTO:
      return do_proto (machine);
    case OP_FRAME:
      return take (machine, 8) != NULL;
    case OP_MARK:
      return do_mark (machine);
    case OP_POP:
      return pop (machine) != NULL;
    case OP_DUP:
      return peek (machine) != NULL && push (machine, peek (machine));
    case OP_NONE:
      return push_new (machine, DIFFUSION_PICKLE_NONE);
    case OP_NEWTRUE:
    case OP_NEWFALSE:
      return push_integer (machine, DIFFUSION_PICKLE_BOOL, op == OP_NEWTRUE);
    case OP_BININT:
      return take_number (machine, 4, &number) &&
             push_integer (machine, DIFFUSION_PICKLE_INT, (gint32)number);
    case OP_BININT1:
      return take_number (machine, 1, &number) &&
             push_integer (machine, DIFFUSION_PICKLE_INT, (gint64)number);
    case OP_BININT2:
      return take_number (machine, 2, &number) &&
             push_integer (machine, DIFFUSION_PICKLE_INT, (gint64)number);
    case OP_LONG1:
      return do_long (machine, 1);
    case OP_LONG4:
      return do_long (machine, 4);
    case OP_BINFLOAT:
      return do_float (machine);
    case OP_SHORT_BINSTRING:
    case OP_SHORT_BINBYTES:
    case OP_SHORT_BINUNICODE:
      return do_string (machine, 1);
    case OP_BINSTRING:
    case OP_BINBYTES:
    case OP_BINUNICODE:
      return do_string (machine, 4);
    case OP_BINUNICODE8:
    case OP_BINBYTES8:
      return do_string (machine, 8);
    case OP_EMPTY_TUPLE:
      return push_new (machine, DIFFUSION_PICKLE_TUPLE);
    case OP_EMPTY_LIST:
    case OP_EMPTY_SET:
      return push_new (machine, DIFFUSION_PICKLE_LIST);
    case OP_EMPTY_DICT:
      return push_new (machine, DIFFUSION_PICKLE_DICT);
    case OP_TUPLE1:
      return make_container (machine, DIFFUSION_PICKLE_TUPLE, 1);
    case OP_TUPLE2:
      return make_container (machine, DIFFUSION_PICKLE_TUPLE, 2);
    case OP_TUPLE3:
      return make_container (machine, DIFFUSION_PICKLE_TUPLE, 3);
    case OP_APPEND:
      return append (machine, DIFFUSION_PICKLE_LIST, 1);
    case OP_SETITEM:
      return append (machine, DIFFUSION_PICKLE_DICT, 2);
    case OP_TUPLE:
    case OP_LIST:
    case OP_DICT:
    case OP_APPENDS:
    case OP_ADDITEMS:
    case OP_SETITEMS:
    case OP_FROZENSET:
    case OP_POP_MARK:
      return do_marked (machine, op);
    case OP_BINGET:
      return do_get (machine, 1);
    case OP_LONG_BINGET:
      return do_get (machine, 4);
    case OP_BINPUT:
      return do_put (machine, 1);
    case OP_LONG_BINPUT:
      return do_put (machine, 4);
    case OP_MEMOIZE:
      return do_put (machine, 0);
    case OP_GLOBAL:
      return do_global (machine);
    case OP_STACK_GLOBAL:
      return do_stack_global (machine);
    case OP_BINPERSID:
      return make_container (machine, DIFFUSION_PICKLE_PERSISTENT, 1);
    case OP_REDUCE:
    case OP_NEWOBJ:
      return do_call (machine);
    case OP_BUILD: /* attributes of an object: nothing that weights need */
      return pop (machine) != NULL && peek (machine) != NULL;
    default:
      return damaged (machine, _("unknown instruction"));
    }
}

static gboolean
run (Machine *machine)
{
  while (machine->at < machine->end)
    {
      guint8 op = *machine->at++;

      if (op == OP_STOP)
        {
          machine->pickle->root = pop (machine);
          return machine->pickle->root != NULL;
        }
      if (!run_one (machine, op))
        return FALSE;
    }
  return damaged (machine, _("it ends too early"));
}

DiffusionPickle *
diffusion_pickle_read (const char *path,
                       const guint8 *data,
                       gsize size,
                       const DiffusionPickleGlobal *allowed,
                       gsize *used,
                       GError **error)
{
  g_autoptr (DiffusionPickle) pickle = g_new0 (DiffusionPickle, 1);
  g_autoptr (GPtrArray) stack = g_ptr_array_new ();
  g_autoptr (GArray) marks = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GHashTable) memo = g_hash_table_new (NULL, NULL);
  Machine machine = { path, data, data, data + size, allowed, pickle, stack, marks, memo, 0, error };

  pickle->values = g_ptr_array_new_with_free_func (value_free);
  if (!run (&machine))
    return NULL;
  if (used != NULL)
    *used = (gsize)(machine.at - data);
  return g_steal_pointer (&pickle);
}

void
diffusion_pickle_free (DiffusionPickle *pickle)
{
  if (pickle == NULL)
    return;
  g_ptr_array_unref (pickle->values);
  g_free (pickle);
}

const DiffusionPickleValue *
diffusion_pickle_get_root (const DiffusionPickle *pickle)
{
  return pickle->root;
}

const DiffusionPickleValue *
diffusion_pickle_get_value (const DiffusionPickle *pickle, guint index)
{
  return index < pickle->values->len ? g_ptr_array_index (pickle->values, index) : NULL;
}

const DiffusionPickleValue *
diffusion_pickle_item (const DiffusionPickleValue *value, guint index)
{
  if (value == NULL || (value->kind != DIFFUSION_PICKLE_TUPLE && value->kind != DIFFUSION_PICKLE_LIST) ||
      index >= value->items->len)
    return NULL;
  return g_ptr_array_index (value->items, index);
}

gboolean
diffusion_pickle_is_string (const DiffusionPickleValue *value, const char *text)
{
  return value != NULL && value->kind == DIFFUSION_PICKLE_STRING && value->length == strlen (text) &&
         memcmp (value->text, text, value->length) == 0;
}

const DiffusionPickleValue *
diffusion_pickle_lookup (const DiffusionPickleValue *value, const char *key)
{
  if (value == NULL || value->kind != DIFFUSION_PICKLE_DICT)
    return NULL;
  for (guint i = 0; i + 1 < value->items->len; i += 2)
    if (diffusion_pickle_is_string (g_ptr_array_index (value->items, i), key))
      return g_ptr_array_index (value->items, i + 1);
  return NULL;
}
