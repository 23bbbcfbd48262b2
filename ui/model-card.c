/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a model's card, whose members may be anything. */
#include "ui/model-card.h"

static JsonObject *
get_object (JsonObject *object, const char *member)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, member) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static const char *
get_text (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/* The member in the first of the user's languages that has it, or NULL. */
static JsonNode *
find_translation (JsonObject *card, const char *member)
{
  JsonObject *all = get_object (card, "translations");
  const char *const *languages = g_get_language_names ();

  for (guint i = 0; all != NULL && languages[i] != NULL; i++)
    {
      JsonObject *translation = get_object (all, languages[i]);

      if (translation != NULL && json_object_has_member (translation, member))
        return json_object_get_member (translation, member);
      /* English needs none, whatever language comes after it. */
      if (g_str_equal (languages[i], "en") || g_str_equal (languages[i], "C"))
        break;
    }
  return NULL;
}

const char *
diffusion_card_get_text (JsonObject *card, const char *member)
{
  const char *text = get_text (find_translation (card, member));

  if (text != NULL || card == NULL)
    return text;
  return get_text (json_object_get_member (card, member));
}

const char *
diffusion_card_get_class_label (JsonObject *card, guint i)
{
  JsonNode *node = find_translation (card, "classes");
  JsonArray *labels = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  return labels != NULL && i < json_array_get_length (labels) ? get_text (json_array_get_element (labels, i)) : NULL;
}
