/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Installed models: which folders are searched, what a name means, and how models are added. */
#include <string.h>

#include <glib/gstdio.h>

#include "core/diffusion.h"
#include "core/model/library-add.h"
#include "core/model/photo-folder.h"

static char *root;

static char *
make_model (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (root, folder, name, NULL);
  g_autofree char *config = g_build_filename (path, "config.json", NULL);

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  g_assert_true (g_file_set_contents (config, "{}", -1, NULL));
  return g_steal_pointer (&path);
}

static void
test_find (void)
{
  g_autofree char *first = make_model ("first", "photo");
  g_autofree char *second = make_model ("second", "photo");
  g_autofree char *other = make_model ("second", "other");
  g_autofree char *paths = g_strdup_printf ("%s/first:%s/second", root, root);
  g_autofree char *not_model = g_build_filename (root, "second", "empty", NULL);

  g_assert_cmpint (g_mkdir (not_model, 0700), ==, 0);
  g_setenv ("DIFFUSION_MODELS", paths, TRUE);

  g_auto (GStrv) names = diffusion_library_list ();
  g_assert_true (g_strv_contains ((const char *const *) names, "photo"));
  g_assert_true (g_strv_contains ((const char *const *) names, "other"));
  g_assert_false (g_strv_contains ((const char *const *) names, "empty"));

  g_autofree char *found = diffusion_library_find ("photo", NULL);
  g_assert_cmpstr (found, ==, first);
  g_autofree char *found_other = diffusion_library_find ("other", NULL);
  g_assert_cmpstr (found_other, ==, other);
  g_autofree char *by_path = diffusion_library_find (second, NULL);
  g_assert_cmpstr (by_path, ==, second);
}

static void
test_missing (void)
{
  static const char *const wrong[] = { "no-such-model", "", "..", "../second", "/nowhere/at/all" };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = diffusion_library_find (wrong[i], &error);

      if (g_strcmp0 (wrong[i], "..") == 0) /* a folder, if no model: the loader says so */
        continue;
      g_assert_null (path);
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND);
      g_assert_nonnull (strstr (error->message, "photo"));
    }
}

/* A model for photos with random weights, and a thumbnail. */
static char *
make_photo_model (const char *name)
{
  const DiffusionPhotoConfig config = { { 8, 8, 16 }, { 1, 1, 1, 1, 1 }, 16 };
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (GError) error = NULL;
  DiffusionPhotoValues values;
  g_autoptr (DiffusionGraph) graph = diffusion_photo_model_build (&config, params, 1, 8, 8, &values);
  float *block = diffusion_params_allocate (params, &error);
  g_autofree char *path = g_build_filename (root, "elsewhere", name, NULL);
  g_autofree char *thumbnail = g_build_filename (path, DIFFUSION_THUMBNAIL_FILE, NULL);

  g_assert_no_error (error);
  diffusion_params_initialise (params, 1, block);
  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  diffusion_photo_folder_save (path, &config, params, block, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_set_contents (thumbnail, "thumbnail", -1, NULL));
  return g_steal_pointer (&path);
}

static guint
count_added (void)
{
  g_autofree char *folder = diffusion_library_get_user_folder ();
  GDir *entries = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (entries && g_dir_read_name (entries))
    n++;
  g_clear_pointer (&entries, g_dir_close);
  return n;
}

/* What was added is there under its name, with the same weights. */
static void
check_added (const char *from, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionModel) before = diffusion_model_open (from, NULL, NULL, &error);
  g_autoptr (DiffusionModel) after = diffusion_model_open (name, NULL, NULL, &error);
  g_autofree char *thumbnail = NULL, *text = NULL;
  const gchar *a, *b;
  gsize size = 0, other = 0;

  g_assert_no_error (error);
  g_assert_cmpuint (diffusion_model_count_parameters (before), ==, diffusion_model_count_parameters (after));
  thumbnail = g_build_filename (diffusion_model_get_path (after), DIFFUSION_THUMBNAIL_FILE, NULL);
  g_assert_true (g_file_get_contents (thumbnail, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "thumbnail");

  GMappedFile *first = g_mapped_file_new (diffusion_tensor_file_get_path (diffusion_model_get_file (before)), FALSE, NULL);
  GMappedFile *second = g_mapped_file_new (diffusion_tensor_file_get_path (diffusion_model_get_file (after)), FALSE, NULL);
  size = g_mapped_file_get_length (first);
  other = g_mapped_file_get_length (second);
  a = g_mapped_file_get_contents (first);
  b = g_mapped_file_get_contents (second);
  g_assert_cmpmem (a, size, b, other);
  g_mapped_file_unref (first);
  g_mapped_file_unref (second);
}

static void
test_add (void)
{
  g_autofree char *path = make_photo_model ("mine");
  g_autofree char *file = g_build_filename (path, "config.json", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *first = diffusion_library_add (path, DIFFUSION_MODEL_PHOTO, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (first, ==, "mine");
  check_added (path, first);

  /* By a file of it; under another name, as the first is taken. */
  g_autofree char *second = diffusion_library_add (file, DIFFUSION_MODEL_PHOTO, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (second, ==, "mine-2");
  check_added (path, second);
  g_assert_cmpuint (count_added (), ==, 2);
}

static void
test_add_wrong (void)
{
  g_autofree char *path = make_photo_model ("wrong");
  g_autofree char *weights = g_build_filename (path, "diffusion_pytorch_model.safetensors", NULL);
  g_autofree char *text_file = g_build_filename (root, "letter.pt", NULL);
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;
  guint n = count_added ();

  g_assert_null (diffusion_library_add (path, DIFFUSION_MODEL_UNET, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "wrong"));
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (text_file, "Dear reader,", -1, NULL));
  g_assert_null (diffusion_library_add (text_file, DIFFUSION_MODEL_PHOTO, &error));
  g_assert_nonnull (strstr (error->message, "letter.pt"));
  g_clear_error (&error);

  /* Weights that are cut off. */
  g_assert_true (g_file_get_contents (weights, &contents, &length, NULL));
  g_assert_true (g_file_set_contents (weights, contents, (gssize) length / 2, NULL));
  g_assert_null (diffusion_library_add (path, DIFFUSION_MODEL_PHOTO, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "safetensors"));
  g_assert_cmpuint (count_added (), ==, n);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  root = g_dir_make_tmp ("diffusion-library-XXXXXX", NULL);
  g_assert_nonnull (root);
  g_setenv ("XDG_DATA_HOME", root, TRUE);
  g_test_add_func ("/library/find", test_find);
  g_test_add_func ("/library/missing", test_missing);
  g_test_add_func ("/library/add", test_add);
  g_test_add_func ("/library/add-wrong", test_add_wrong);
  int status = g_test_run ();

  g_autofree char *command = g_strdup_printf ("rm -r '%s'", root);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (root);
  return status;
}
