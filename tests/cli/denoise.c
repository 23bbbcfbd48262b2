/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion denoise as a user runs it: what it keeps, and what is left behind when something goes wrong. */
#include <string.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "command.h"
#include "core/diffusion.h"
#include "core/pictures/pictures.h"
#include "fixture.h"

typedef struct
{
  char *folder, *model, *in, *out, *weights;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = command_temporary_folder ();
  f->model = g_build_filename (f->folder, "model", NULL);
  f->in = g_build_filename (f->folder, "in.png", NULL);
  f->out = g_build_filename (f->folder, "out.png", NULL);
  f->weights = g_build_filename (f->model, "diffusion_pytorch_model.safetensors", NULL);
  fixture_photo_model (f->model);
  fixture_picture (f->in, 50, 37, 3, 8);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_remove (f->folder);
  g_free (f->folder);
  g_free (f->model);
  g_free (f->in);
  g_free (f->out);
  g_free (f->weights);
}

/* The model and the input are there, and nothing else. */
static void
assert_nothing_left (const Fixture *f)
{
  g_assert_false (g_file_test (f->out, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (command_count_files (f->folder), ==, 2);
}

static char *
checksum (const char *path)
{
  g_autofree char *contents = NULL;
  gsize length = 0;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) contents, length);
}

static void
test_keeps (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *extension;
    gint channels, bits;
  } kinds[] = { { "png", 1, 8 }, { "png", 3, 16 }, { "tif", 3, 32 } };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *in = g_strdup_printf ("%s/kind-%u.%s", f->folder, i, kinds[i].extension);
      g_autofree char *out = g_strdup_printf ("%s/kept-%u.%s", f->folder, i, kinds[i].extension);
      fixture_picture (in, 33, 41, kinds[i].channels, kinds[i].bits);

      g_autoptr (CommandResult) result = command_run ("denoise", in, out, "--model", f->model, "--sigma", "25", NULL);
      command_assert (result, 0, "");
      g_assert_cmpstr (result->err, ==, "");

      g_autoptr (GError) error = NULL;
      g_autoptr (DiffusionPicture) picture = diffusion_pictures_open (out, &error);
      g_assert_no_error (error);
      g_assert_cmpint (picture->width, ==, 33);
      g_assert_cmpint (picture->height, ==, 41);
      g_assert_cmpint (picture->channels, ==, kinds[i].channels);
      g_assert_cmpint (picture->bits, ==, kinds[i].bits);
    }
}

static void
test_same_bytes (Fixture *f, gconstpointer data)
{
  g_autofree char *first = NULL, *second = NULL;
  g_autoptr (CommandResult) one
      = command_run ("denoise", f->in, f->out, "--model", f->model, "--sigma", "25", "--threads", "1", NULL);
  command_assert (one, 0, "");
  first = checksum (f->out);

  /* over the old result */
  g_autoptr (CommandResult) two
      = command_run ("denoise", f->in, f->out, "--model", f->model, "--sigma", "25", "--threads", "3", NULL);
  command_assert (two, 0, "");
  second = checksum (f->out);
  g_assert_cmpstr (first, ==, second);
}

/* The levels of the picture, as one object. */
static void
test_json (Fixture *f, gconstpointer data)
{
  static const char *const levels[] = { "25", "auto" };

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_autoptr (CommandResult) result
          = command_run ("denoise", f->in, f->out, "--model", f->model, "--sigma", levels[i], "--json", NULL);
      g_autoptr (JsonNode) node = NULL;
      JsonObject *object;
      double sigma, least, most;

      command_assert (result, 0, "");
      node = json_from_string (result->out, NULL);
      g_assert_nonnull (node);
      object = json_node_get_object (node);
      sigma = json_object_get_double_member (object, "sigma");
      least = json_object_get_double_member (object, "sigma_least");
      most = json_object_get_double_member (object, "sigma_most");
      g_assert_cmpfloat (least, <=, sigma);
      g_assert_cmpfloat (sigma, <=, most);
      if (i == 0)
        {
          g_assert_cmpfloat (least, ==, 25);
          g_assert_cmpfloat (most, ==, 25);
        }
    }
}

static void
test_no_strength (Fixture *f, gconstpointer data)
{
  g_autoptr (CommandResult) result
      = command_run ("denoise", f->in, f->out, "--model", f->model, "--sigma", "25", "--strength", "0", NULL);
  g_autofree char *before = NULL, *after = NULL;

  command_assert (result, 0, "");
  g_autoptr (DiffusionPicture) in = diffusion_pictures_open (f->in, NULL);
  g_autoptr (DiffusionPicture) out = diffusion_pictures_open (f->out, NULL);
  float a[50 * 37 * 3], b[50 * 37 * 3];
  g_assert_true (in->read (in, 0, 0, 50, 37, a, NULL) && out->read (out, 0, 0, 50, 37, b, NULL));
  g_assert_cmpmem (a, sizeof a, b, sizeof b);
}

static void
test_usage (Fixture *f, gconstpointer data)
{
  static const char *const wrong[][2] = {
    { "--sigma", "much" },  { "--sigma", "-1" },    { "--sigma", "nan" },    { "--sigma", "1e9" },
    { "--strength", "-1" }, { "--strength", "1000" }, { "--threads", "-2" }, { "--strength", "x" },
    { "--detail", "1.5" },  { "--detail", "-0.1" }, { "--passes", "0" },     { "--passes", "9" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *option = g_strconcat (wrong[i][0], "=", wrong[i][1], NULL);
      g_autoptr (CommandResult) result = command_run ("denoise", f->in, f->out, "--model", f->model, option, NULL);

      command_assert (result, 2, wrong[i][1][0] == 'x' ? "x" : wrong[i][0]);
      assert_nothing_left (f);
    }

  g_autoptr (CommandResult) few = command_run ("denoise", f->in, NULL);
  command_assert (few, 2, "IN OUT");
  g_autoptr (CommandResult) many = command_run ("denoise", f->in, f->out, f->out, NULL);
  command_assert (many, 2, "IN OUT");
}

static void
test_missing (Fixture *f, gconstpointer data)
{
  g_autofree char *nowhere = g_build_filename (f->folder, "no", "out.png", NULL);
  g_autofree char *odd = g_build_filename (f->folder, "out.xyz", NULL);

  g_autoptr (CommandResult) no_model = command_run ("denoise", f->in, f->out, "--model", "no-such-model", NULL);
  command_assert (no_model, 1, "no-such-model");
  assert_nothing_left (f);
  g_autoptr (CommandResult) no_picture = command_run ("denoise", nowhere, f->out, "--model", f->model, NULL);
  command_assert (no_picture, 1, "out.png");
  assert_nothing_left (f);
  g_autoptr (CommandResult) no_folder = command_run ("denoise", f->in, nowhere, "--model", f->model, NULL);
  command_assert (no_folder, 1, nowhere);
  assert_nothing_left (f);
  g_autoptr (CommandResult) odd_format = command_run ("denoise", f->in, odd, "--model", f->model, NULL);
  command_assert (odd_format, 1, "out.xyz");
  assert_nothing_left (f);
  g_autoptr (CommandResult) device = command_run ("denoise", f->in, "/dev/null", "--model", f->model, NULL);
  command_assert (device, 1, "/dev/null");
  assert_nothing_left (f);
}

static void
test_damaged_picture (Fixture *f, gconstpointer data)
{
  fixture_truncate (f->in);
  g_autoptr (CommandResult) result = command_run ("denoise", f->in, f->out, "--model", f->model, NULL);

  command_assert (result, 1, "in.png");
  assert_nothing_left (f);
}

static void
test_damaged_model (Fixture *f, gconstpointer data)
{
  fixture_truncate (f->weights);
  g_autoptr (CommandResult) result = command_run ("denoise", f->in, f->out, "--model", f->model, NULL);

  command_assert (result, 1, "diffusion_pytorch_model.safetensors");
  assert_nothing_left (f);
}

/* A file-size limit of nothing is a full disk as far as the command can see. */
static void
test_full_disk (Fixture *f, gconstpointer data)
{
  g_assert_true (g_file_set_contents (f->out, "old", 3, NULL));
  g_autoptr (CommandResult) result
      = command_run_limited ("denoise", f->in, f->out, "--model", f->model, "--sigma", "25", NULL);
  g_autofree char *contents = NULL;

  command_assert (result, 1, "out.png");
  g_assert_true (g_file_get_contents (f->out, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "old");
  g_assert_cmpuint (command_count_files (f->folder), ==, 3);
}

static void
test_interrupt (Fixture *f, gconstpointer data)
{
  fixture_picture (f->in, 1200, 900, 3, 8);
  const char *const line[] = { "denoise", f->in, f->out, "--model", f->model, "--sigma", "25", NULL };
  g_autoptr (GSubprocess) process = command_start (line);

  g_assert_cmpint (command_interrupt (process), ==, 1);
  assert_nothing_left (f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/denoise/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("keeps", test_keeps);
  ADD ("same-bytes", test_same_bytes);
  ADD ("json", test_json);
  ADD ("no-strength", test_no_strength);
  ADD ("usage", test_usage);
  ADD ("missing", test_missing);
  ADD ("damaged-picture", test_damaged_picture);
  ADD ("damaged-model", test_damaged_model);
  ADD ("full-disk", test_full_disk);
  ADD ("interrupt", test_interrupt);
  int status = g_test_run ();
  diffusion_pictures_shutdown ();
  return status;
}
