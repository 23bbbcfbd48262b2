/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The models that ship are the files that the manifest lists, small enough, and their cards say what a card must. */
#include <json-glib/json-glib.h>

#define MOST_BYTES (50u * 1000 * 1000)

static char *root;

static JsonObject *
read_object (const char *path)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  return json_object_ref (json_node_get_object (json_parser_get_root (parser)));
}

/* What sha256sum prints. */
static char *
hash_file (const char *path, gsize *size)
{
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &content, size, &error);
  g_assert_no_error (error);
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) content, *size);
}

static void
test_files (void)
{
  g_autofree char *path = g_build_filename (root, "manifest.json", NULL);
  g_autoptr (JsonObject) manifest = read_object (path);
  g_autoptr (GList) names = json_object_get_members (manifest);
  gsize total = 0;

  g_assert_nonnull (names);
  for (GList *item = names; item != NULL; item = item->next)
    {
      JsonObject *entry = json_object_get_object_member (manifest, item->data);
      g_autofree char *weights = g_build_filename (root, item->data, "diffusion_pytorch_model.safetensors", NULL);
      gsize size;
      g_autofree char *hash = hash_file (weights, &size);

      g_assert_cmpstr (hash, ==, json_object_get_string_member (entry, "sha256"));
      g_assert_cmpint ((gint64) size, ==, json_object_get_int_member (entry, "bytes"));
      total += size;
    }
  g_assert_cmpuint (total, <=, MOST_BYTES);
}

/* Every folder is listed, and every card is whole. */
static void
test_cards (void)
{
  static const char *const members[] = { "name", "license", "training_data", "command_line", "limits", "sha256" };
  g_autofree char *path = g_build_filename (root, "manifest.json", NULL);
  g_autoptr (JsonObject) manifest = read_object (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) folder = g_dir_open (root, 0, &error);
  const char *name;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *model = g_build_filename (root, name, NULL);
      g_autofree char *card_path = g_build_filename (model, "model_card.json", NULL);

      if (!g_file_test (model, G_FILE_TEST_IS_DIR))
        continue;
      g_assert_true (json_object_has_member (manifest, name));

      g_autoptr (JsonObject) card = read_object (card_path);
      for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
        {
          if (!json_object_has_member (card, members[i]))
            g_error ("%s has no \"%s\"", card_path, members[i]);
          g_assert_cmpstr (json_object_get_string_member (card, members[i]), !=, "");
        }
      g_assert_cmpstr (json_object_get_string_member (card, "sha256"), ==,
                       json_object_get_string_member (json_object_get_object_member (manifest, name), "sha256"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  root = g_build_filename (g_getenv ("DIFFUSION_SOURCE_ROOT"), "weights", NULL);
  g_test_add_func ("/weights/manifest/files", test_files);
  g_test_add_func ("/weights/manifest/cards", test_cards);
  int status = g_test_run ();
  g_free (root);
  return status;
}
