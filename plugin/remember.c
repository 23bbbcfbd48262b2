/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings in a parasite of the layer that they made. */
#include "plugin/remember.h"

#include <string.h>

#define WEIGHTS_FILE "diffusion_pytorch_model.safetensors"

/* Arguments that say where, not how. */
static gboolean
is_setting (GParamSpec *pspec)
{
  static const char *const others[] = { "procedure", "run-mode", "image", "drawables", NULL };

  return !g_strv_contains (others, pspec->name) && (pspec->flags & G_PARAM_READWRITE) == G_PARAM_READWRITE
         && (G_IS_PARAM_SPEC_DOUBLE (pspec) || G_IS_PARAM_SPEC_INT (pspec) || G_IS_PARAM_SPEC_BOOLEAN (pspec)
             || G_IS_PARAM_SPEC_STRING (pspec));
}

/* The weights' SHA-256, or NULL where they cannot be read any more. */
static char *
hash_model (const char *path)
{
  g_autofree char *file
      = g_file_test (path, G_FILE_TEST_IS_DIR) ? g_build_filename (path, WEIGHTS_FILE, NULL) : g_strdup (path);
  g_autoptr (GMappedFile) mapped = g_mapped_file_new (file, FALSE, NULL);

  if (!mapped)
    return NULL;
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) g_mapped_file_get_contents (mapped),
                                      g_mapped_file_get_length (mapped));
}

static void
copy_member (JsonObject *object, const char *name, JsonNode *node, gpointer to)
{
  json_object_set_member (to, name, json_node_copy (node));
}

void
diffusion_remember (GimpItem *item, const char *procedure, GimpProcedureConfig *config, const char *model_path,
                    JsonObject *more)
{
  g_autoptr (JsonNode) root = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  g_autofree GParamSpec **properties = NULL;
  g_autofree char *hash = more && json_object_has_member (more, "model_hash") ? NULL : hash_model (model_path);
  g_autofree char *text = NULL;
  GimpParasite *parasite;
  guint n;

  json_object_set_string_member (object, "procedure", procedure);
  json_object_set_string_member (object, "version", DIFFUSION_VERSION);
  if (hash)
    json_object_set_string_member (object, "model_hash", hash);
  properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (config), &n);
  for (guint i = 0; i < n; i++)
    if (is_setting (properties[i]))
      {
        g_auto (GValue) value = G_VALUE_INIT;
        JsonNode *node = json_node_alloc ();

        g_object_get_property (G_OBJECT (config), properties[i]->name, &value);
        json_node_init (node, JSON_NODE_VALUE);
        json_node_set_value (node, &value);
        json_object_set_member (object, properties[i]->name, node);
      }
  if (more)
    json_object_foreach_member (more, copy_member, object);

  json_node_init_object (root, object);
  text = json_to_string (root, TRUE);
  parasite = gimp_parasite_new (DIFFUSION_PARASITE, GIMP_PARASITE_PERSISTENT | GIMP_PARASITE_UNDOABLE,
                                strlen (text) + 1, text);
  gimp_item_attach_parasite (item, parasite);
  gimp_parasite_free (parasite);
}

static void
take_setting (JsonObject *object, GObject *config, GParamSpec *pspec)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) fitting = G_VALUE_INIT;
  JsonNode *node = json_object_get_member (object, pspec->name);

  if (!node || !JSON_NODE_HOLDS_VALUE (node))
    return;
  json_node_get_value (node, &value);
  g_value_init (&fitting, G_PARAM_SPEC_VALUE_TYPE (pspec));
  if (g_value_type_transformable (G_VALUE_TYPE (&value), G_VALUE_TYPE (&fitting))
      && g_value_transform (&value, &fitting) && !g_param_value_validate (pspec, &fitting))
    g_object_set_property (config, pspec->name, &fitting);
}

/* What is remembered in @item: an object, or NULL. */
static JsonNode *
read_parasite (GimpItem *item)
{
  GimpParasite *parasite = gimp_item_get_parasite (item, DIFFUSION_PARASITE);
  g_autofree char *text = NULL;
  const char *data;
  JsonNode *root;
  guint32 size;

  if (!parasite)
    return NULL;
  data = gimp_parasite_get_data (parasite, &size);
  text = g_strndup (data, size);
  gimp_parasite_free (parasite);
  root = json_from_string (text, NULL);
  if (root && !JSON_NODE_HOLDS_OBJECT (root))
    g_clear_pointer (&root, json_node_unref);
  return root;
}

static gboolean
is_string (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
}

gboolean
diffusion_recall (GimpItem *item, const char *procedure, GimpProcedureConfig *config)
{
  g_autoptr (JsonNode) root = read_parasite (item);
  g_autofree GParamSpec **properties = NULL;
  JsonObject *object = root ? json_node_get_object (root) : NULL;
  guint n;

  if (!object || !is_string (object, "procedure")
      || g_strcmp0 (json_object_get_string_member (object, "procedure"), procedure) != 0)
    return FALSE;
  if (!config)
    return TRUE;

  properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (config), &n);
  for (guint i = 0; i < n; i++)
    if (is_setting (properties[i]))
      take_setting (object, G_OBJECT (config), properties[i]);
  return TRUE;
}

char *
diffusion_recall_procedure (GimpItem *item)
{
  g_autoptr (JsonNode) root = read_parasite (item);
  JsonObject *object = root ? json_node_get_object (root) : NULL;

  return object && is_string (object, "procedure") ? g_strdup (json_object_get_string_member (object, "procedure"))
                                                   : NULL;
}

GimpDrawable *
diffusion_recall_layer (GimpItem *item, const char *name, GimpImage *image, gboolean *remembered)
{
  g_autoptr (JsonNode) root = read_parasite (item);
  gint64 tattoo = root ? json_object_get_int_member_with_default (json_node_get_object (root), name, 0) : 0;
  gboolean known = tattoo > 0 && tattoo <= G_MAXUINT32;

  if (remembered)
    *remembered = known;
  return known ? (GimpDrawable *) gimp_image_get_layer_by_tattoo (image, (guint) tattoo) : NULL;
}
