/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion evaluate --samples as a user runs it. */
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "command.h"
#include "core/diffusion.h"
#include "fixture.h"

#define CLASSES 3
#define PICTURES 12

typedef struct
{
  char *folder, *model, *classifier, *data;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = command_temporary_folder ();
  f->model = g_build_filename (f->folder, "model", NULL);
  f->classifier = g_build_filename (f->folder, "classifier", NULL);
  f->data = g_build_filename (f->folder, "data", NULL);
  fixture_unet_model (f->model, CLASSES);
  fixture_classifier_model (f->classifier, CLASSES);
  for (guint k = 0; k < CLASSES; k++)
    {
      g_autofree char *name = g_strdup_printf ("class-%u", k);
      g_autofree char *class = g_build_filename (f->data, name, NULL);

      g_assert_cmpint (g_mkdir_with_parents (class, 0700), ==, 0);
      for (guint i = 0; i < PICTURES; i++)
        {
          g_autofree char *file = g_strdup_printf ("%s/%u.png", class, i);

          fixture_picture (file, 64, 64, 3, 8);
        }
    }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_remove (f->folder);
  g_free (f->folder);
  g_free (f->model);
  g_free (f->classifier);
  g_free (f->data);
}

static JsonArray *
read_samples (JsonParser *parser, const CommandResult *result)
{
  g_assert_true (json_parser_load_from_data (parser, result->out, -1, NULL));
  return json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "samples");
}

static void
test_measures (Fixture *f, gconstpointer data)
{
  static const char *const numbers[] = { "kernel_distance", "kernel_distance_of_training", "recognised", "recognised_held_out",
                                         "spectrum", "spectrum_of_training", "nearest", "nearest_held_out", "seam",
                                         "seam_held_out" };
  g_autoptr (CommandResult) result
      = command_run ("evaluate", f->model, f->data, "--samples", "3", "--classifier", f->classifier, "--steps", "2",
                     "--hold-out", "0.4", "--guidance-scale", "1", "--json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *samples;

  command_assert (result, 0, "");
  samples = read_samples (parser, result);
  g_assert_cmpuint (json_array_get_length (samples), ==, CLASSES);
  for (guint k = 0; k < CLASSES; k++)
    {
      JsonObject *one = json_array_get_object_element (samples, k);
      g_autofree char *name = g_strdup_printf ("class-%u", k);

      g_assert_cmpstr (json_object_get_string_member (one, "name"), ==, name);
      for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
        g_assert_true (isfinite (json_object_get_double_member (one, numbers[i])));
      /* All pictures are the same one. */
      g_assert_cmpfloat (json_object_get_double_member (one, "nearest_held_out"), <, 1);
      g_assert_cmpfloat (json_object_get_double_member (one, "nearest"), >, 10);
      g_assert_cmpfloat (fabs (json_object_get_double_member (one, "spectrum_of_training")), <, 1e-3);
      g_assert_cmpfloat (fabs (json_object_get_double_member (one, "spectrum")), >, 0.1);
    }
}

static void
test_table (Fixture *f, gconstpointer data)
{
  g_autoptr (CommandResult) result
      = command_run ("evaluate", f->model, f->data, "--samples", "2", "--sampler", "dpm++", "--steps", "2", NULL);

  command_assert (result, 0, "");
  g_assert_nonnull (strstr (result->out, "class-2"));
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_build_filename (f->folder, "other", NULL);

  fixture_unet_model (other, CLASSES + 1);
  g_autoptr (CommandResult) alone
      = command_run ("evaluate", f->model, f->data, "--likelihood", "--classifier", f->classifier, NULL);
  command_assert (alone, 2, "--classifier");
  g_autoptr (CommandResult) unguided = command_run ("evaluate", f->model, f->data, "--samples", "2", "--guidance-scale", "1", NULL);
  command_assert (unguided, 2, "--guidance-scale");
  g_autoptr (CommandResult) one = command_run ("evaluate", f->model, f->data, "--samples", "1", NULL);
  command_assert (one, 2, "--samples");
  g_autoptr (CommandResult) classes = command_run ("evaluate", other, f->data, "--samples", "2", NULL);
  command_assert (classes, 1, "found 3 classes, expected the model's 4");
  g_autoptr (CommandResult) generator
      = command_run ("evaluate", f->model, f->data, "--samples", "2", "--classifier", f->model, NULL);
  command_assert (generator, 1, "is no classifier");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/evaluate-samples/measures", Fixture, NULL, set_up, test_measures, tear_down);
  g_test_add ("/evaluate-samples/table", Fixture, NULL, set_up, test_table, tear_down);
  g_test_add ("/evaluate-samples/refused", Fixture, NULL, set_up, test_refused, tear_down);
  return g_test_run ();
}
