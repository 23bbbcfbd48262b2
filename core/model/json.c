/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON of untrusted origin: parsed with limits, read with errors that name the field. */
#include "core/model/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

#define MAX_DEPTH 16
#define MAX_BYTES ((gsize)16 << 20)

typedef struct
{
  GArray *members; /* members announced so far, one counter per open object */
  gboolean duplicate;
} Names;

static void
on_object_start (JsonParser *parser, gpointer data)
{
  Names *names = data;
  guint none = 0;

  g_array_append_val (names->members, none);
}

static void
on_object_member (JsonParser *parser, JsonObject *object, const char *member, gpointer data)
{
  Names *names = data;

  if (names->members->len > 0)
    g_array_index (names->members, guint, names->members->len - 1)++;
}

static void
on_object_end (JsonParser *parser, JsonObject *object, gpointer data)
{
  Names *names = data;

  if (names->members->len == 0)
    return;
  if (g_array_index (names->members, guint, names->members->len - 1) != json_object_get_size (object))
    names->duplicate = TRUE;
  g_array_set_size (names->members, names->members->len - 1);
}

/* The parser recurses, so the depth is checked before it sees the text. */
static gboolean
nesting_is_shallow (const char *text, gsize length)
{
  gint depth = 0;
  gboolean quoted = FALSE;

  for (gsize i = 0; i < length; i++)
    {
      if (quoted)
        {
          if (text[i] == '\\')
            i++;
          else if (text[i] == '"')
            quoted = FALSE;
        }
      else if (text[i] == '"')
        quoted = TRUE;
      else if ((text[i] == '{' || text[i] == '[') && ++depth > MAX_DEPTH)
        return FALSE;
      else if (text[i] == '}' || text[i] == ']')
        depth--;
    }
  return TRUE;
}

JsonObject *
diffusion_json_parse_object (const char *name, const char *text, gsize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GArray) members = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GError) reason = NULL;
  Names names = { members, FALSE };
  JsonNode *root;

  /* An empty file is mapped to NULL. */
  text = length > 0 ? text : "";
  if (length > MAX_BYTES || memchr (text, 0, length) != NULL ||
      !g_utf8_validate (text, (gssize)length, NULL) || !nesting_is_shallow (text, length))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("%s: this is no sensible JSON text"),
                   name);
      return NULL;
    }
  g_signal_connect (parser, "object-start", G_CALLBACK (on_object_start), &names);
  g_signal_connect (parser, "object-member", G_CALLBACK (on_object_member), &names);
  g_signal_connect (parser, "object-end", G_CALLBACK (on_object_end), &names);
  if (!json_parser_load_from_data (parser, text, (gssize)length, &reason))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("%s: JSON error: %s"), name,
                   reason->message);
      return NULL;
    }
  if (names.duplicate)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: a name occurs twice in one JSON object"), name);
      return NULL;
    }
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("%s: a JSON object was expected"),
                   name);
      return NULL;
    }
  return json_object_ref (json_node_get_object (root));
}

JsonObject *
diffusion_json_load_object (const char *path, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, &reason);

  if (file == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR,
                   g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? DIFFUSION_ERROR_NOT_FOUND
                                                                              : DIFFUSION_ERROR_IO,
                   _("%s: cannot read: %s"), path, reason->message);
      return NULL;
    }
  return diffusion_json_parse_object (path, g_mapped_file_get_contents (file), g_mapped_file_get_length (file), error);
}

gboolean
diffusion_json_has (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);

  return node != NULL && !JSON_NODE_HOLDS_NULL (node);
}

static gboolean
wrong_value (const char *name, JsonNode *node, const char *key, const char *expected, GError **error)
{
  g_autofree char *found = json_to_string (node, FALSE);

  if (strlen (found) > 80)
    strcpy (found + 77, "..."); /* may cut a character in two, so: */
  if (!g_utf8_validate (found, -1, NULL))
    {
      g_free (found);
      found = g_strdup (json_node_type_name (node));
    }
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("%s: “%s” is %s, expected %s"), name, key,
               found, expected);
  return FALSE;
}

gboolean
diffusion_json_get_int (const char *name,
                        JsonObject *object,
                        const char *key,
                        gint64 minimum,
                        gint64 maximum,
                        gint *value,
                        GError **error)
{
  JsonNode *node = json_object_get_member (object, key);
  g_autofree char *expected = NULL;

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (JSON_NODE_HOLDS_VALUE (node))
    {
      GType type = json_node_get_value_type (node);
      double number = json_node_get_double (node);

      if (type == G_TYPE_INT64 && json_node_get_int (node) >= minimum && json_node_get_int (node) <= maximum)
        {
          *value = (gint)json_node_get_int (node);
          return TRUE;
        }
      if (type == G_TYPE_DOUBLE && number == floor (number) && number >= (double)minimum &&
          number <= (double)maximum)
        {
          *value = (gint)number;
          return TRUE;
        }
    }
  expected =
      g_strdup_printf (_("a whole number from %" PRId64 " to %" PRId64), minimum, maximum);
  return wrong_value (name, node, key, expected, error);
}

gboolean
diffusion_json_get_double (const char *name,
                           JsonObject *object,
                           const char *key,
                           double minimum,
                           double maximum,
                           double *value,
                           GError **error)
{
  JsonNode *node = json_object_get_member (object, key);
  g_autofree char *expected = NULL;

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (JSON_NODE_HOLDS_VALUE (node) &&
      (json_node_get_value_type (node) == G_TYPE_INT64 || json_node_get_value_type (node) == G_TYPE_DOUBLE))
    {
      double number = json_node_get_double (node);

      if (json_node_get_value_type (node) == G_TYPE_INT64)
        number = (double)json_node_get_int (node);
      if (number >= minimum && number <= maximum)
        {
          *value = number;
          return TRUE;
        }
    }
  expected = g_strdup_printf (_("a number from %g to %g"), minimum, maximum);
  return wrong_value (name, node, key, expected, error);
}

gboolean
diffusion_json_get_boolean (
    const char *name, JsonObject *object, const char *key, gboolean *value, GError **error)
{
  JsonNode *node = json_object_get_member (object, key);

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return wrong_value (name, node, key, _("true or false"), error);
  *value = json_node_get_boolean (node);
  return TRUE;
}

gboolean
diffusion_json_get_string (
    const char *name, JsonObject *object, const char *key, const char **value, GError **error)
{
  JsonNode *node = json_object_get_member (object, key);

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return wrong_value (name, node, key, _("a string"), error);
  *value = json_node_get_string (node);
  return TRUE;
}

gboolean
diffusion_json_get_choice (const char *name,
                           JsonObject *object,
                           const char *key,
                           const char *const *choices,
                           gint *value,
                           GError **error)
{
  const char *found = NULL;
  g_autofree char *expected = NULL;

  if (!diffusion_json_get_string (name, object, key, &found, error))
    return FALSE;
  if (found == NULL)
    return TRUE;
  for (gint i = 0; choices[i] != NULL; i++)
    if (strcmp (found, choices[i]) == 0)
      {
        *value = i;
        return TRUE;
      }
  expected = g_strjoinv (", ", (char **)choices);
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED, _("%s: “%s” is “%s”, supported are: %s"),
               name, key, found, expected);
  return FALSE;
}

gboolean
diffusion_json_get_array (
    const char *name, JsonObject *object, const char *key, JsonArray **value, GError **error)
{
  JsonNode *node = json_object_get_member (object, key);

  *value = NULL;
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return wrong_value (name, node, key, _("a list"), error);
  *value = json_node_get_array (node);
  return TRUE;
}

static char *
describe (JsonNode *node)
{
  return node != NULL ? json_to_string (node, FALSE) : g_strdup ("null");
}

char *
diffusion_json_find_difference (JsonObject *a, JsonObject *b, char **in_a, char **in_b)
{
  g_autoptr (GList) names = g_list_concat (json_object_get_members (a), json_object_get_members (b));

  for (GList *item = names; item != NULL; item = item->next)
    {
      const char *name = item->data;
      JsonNode *left = json_object_get_member (a, name), *right = json_object_get_member (b, name);

      if (left != NULL && right != NULL && json_node_equal (left, right))
        continue;
      if (left != NULL && right != NULL && JSON_NODE_HOLDS_OBJECT (left) && JSON_NODE_HOLDS_OBJECT (right))
        {
          g_autofree char *inside
            = diffusion_json_find_difference (json_node_get_object (left), json_node_get_object (right), in_a, in_b);

          return g_strconcat (name, ".", inside, NULL);
        }
      *in_a = describe (left);
      *in_b = describe (right);
      return g_strdup (name);
    }
  return NULL;
}

char *
diffusion_json_to_string (JsonObject *object)
{
  g_autoptr (JsonNode) root = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = json_to_string (root, TRUE);

  return g_strconcat (text, "\n", NULL);
}
