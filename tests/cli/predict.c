/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion predict: the golden networks as a user runs them, and what it refuses. */
#include <math.h>

#include <glib/gstdio.h>

#include "command.h"
#include "core/diffusion.h"
#include "fixture.h"
#include "tests/golden/reference.h"

static void
compare (const DiffusionTensorFile *expected, const DiffusionTensorFile *found, const char *name, double relative)
{
  const DiffusionTensorEntry *entry = diffusion_tensor_file_lookup (expected, name);

  if (entry == NULL)
    return;

  gsize size = (gsize) entry->n_elements;
  g_autofree float *want = reference_floats (expected, name);
  g_autofree float *got = reference_floats (found, name);
  double tolerance = relative > 0 ? relative * reference_largest (want, size) : 1e-4;

  g_assert_cmpint (reference_require (found, name)->n_elements, ==, entry->n_elements);
  g_assert_cmpfloat (reference_difference (got, want, size), <=, tolerance);
}

/* The first of the usual names of weights that is there. */
static char *
find_weights (const char *folder)
{
  static const char *const names[] = { "model.pt", "model.ckpt", "model.safetensors" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
  return g_strdup (folder);
}

static void
test_folder (gconstpointer data)
{
  const char *folder = data;
  g_autofree char *place = command_temporary_folder ();
  g_autofree char *model = find_weights (folder);
  g_autofree char *in = g_build_filename (folder, "expected.safetensors", NULL);
  g_autofree char *out = g_build_filename (place, "y.safetensors", NULL);
  g_autofree char *flags = g_build_filename (folder, "flags.json", NULL);
  const char *arguments[] = { "predict", model, "--in", in, "--out", out, NULL, NULL, NULL };

  if (g_file_test (flags, G_FILE_TEST_EXISTS))
    {
      arguments[6] = "--flags";
      arguments[7] = flags;
    }
  g_autoptr (CommandResult) result = command_runv (arguments);
  command_assert (result, 0, "");

  g_autoptr (DiffusionTensorFile) expected = reference_open (in);
  g_autoptr (DiffusionTensorFile) found = reference_open (out);
  compare (expected, found, "out", 0);
  compare (expected, found, "logits", 0);
  compare (expected, found, "grad_log_prob", 1e-3);
  folder_remove (place);
}

static void
write_input (const char *path, gint channels, float pixel, float t, float y)
{
  const float pixels[4 * 4 * 4] = { pixel };
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autoptr (GError) error = NULL;

  diffusion_tensor_writer_add_floats (writer, "x", DIFFUSION_DTYPE_F32, 4, (const gint64[]) { 1, channels, 4, 4 }, pixels);
  diffusion_tensor_writer_add_floats (writer, "t", DIFFUSION_DTYPE_F32, 1, (const gint64[]) { 1 }, &t);
  diffusion_tensor_writer_add_floats (writer, "y", DIFFUSION_DTYPE_F32, 1, (const gint64[]) { 1 }, &y);
  diffusion_tensor_writer_write (writer, path, &error);
  g_assert_no_error (error);
}

/* The network of the fixture has three classes and a hundred steps. */
static void
test_refuses (void)
{
  static const struct
  {
    gint channels;
    float pixel, t, y;
    const char *message; /* NULL: nothing is wrong */
  } cases[] = {
    { 3, 0, 99, 2, NULL },        { 3, 0, 99.75f, 0, NULL }, { 4, 0, 0, 0, "[n, 3, h, w]" },
    { 3, NAN, 0, 0, "tensor x" }, { 3, 0, -1, 0, "t is -1" }, { 3, 0, 100, 0, "t is 100" },
    { 3, 0, NAN, 0, "t is nan" }, { 3, 0, 0, 3, "y is 3" },   { 3, 0, 0, 0.5f, "y is 0.5" },
  };
  g_autofree char *place = command_temporary_folder ();
  g_autofree char *model = g_build_filename (place, "model", NULL);
  g_autofree char *in = g_build_filename (place, "x.safetensors", NULL);
  g_autofree char *out = g_build_filename (place, "y.safetensors", NULL);

  fixture_unet_model (model, 3);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gboolean good = cases[i].message == NULL;

      write_input (in, cases[i].channels, cases[i].pixel, cases[i].t, cases[i].y);
      g_autoptr (CommandResult) result = command_run ("predict", model, "--in", in, "--out", out, NULL);
      command_assert (result, good ? 0 : 1, good ? "" : cases[i].message);
      g_assert_cmpuint (command_count_files (place), ==, good ? 3 : 2);
      if (good)
        g_assert_cmpint (g_remove (out), ==, 0);
    }
  folder_remove (place);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  reference_add_networks ("/predict", test_folder);
  g_test_add_func ("/predict/refuses", test_refuses);
  return g_test_run ();
}
