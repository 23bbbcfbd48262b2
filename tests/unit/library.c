/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Installed models: which folders are searched, and what a name means. */
#include <string.h>

#include <glib/gstdio.h>

#include "core/diffusion.h"

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  root = g_dir_make_tmp ("diffusion-library-XXXXXX", NULL);
  g_assert_nonnull (root);
  g_test_add_func ("/library/find", test_find);
  g_test_add_func ("/library/missing", test_missing);
  int status = g_test_run ();

  g_autofree char *command = g_strdup_printf ("rm -r '%s'", root);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (root);
  return status;
}
