/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the golden vectors are, and how they are read and compared. */
#include "tests/golden/reference.h"

#include <math.h>
#include <unistd.h>

typedef struct
{
  char *file;
  void (*test) (const char *file);
} ReferenceTest;

static void
reference_test_free (gpointer data)
{
  ReferenceTest *test = data;

  g_free (test->file);
  g_free (test);
}

static void
run (gconstpointer data)
{
  const ReferenceTest *test = data;
  g_autofree char *message = g_strdup_printf ("%s does not exist; set DIFFUSION_REFERENCE", test->file);

  if (g_file_test (test->file, G_FILE_TEST_EXISTS))
    test->test (test->file);
  else
    g_test_skip (message);
}

static void
add (const char *path, const char *suffix, char *file, void (*function) (const char *file))
{
  g_autofree char *name = g_strconcat (path, suffix, NULL);
  ReferenceTest *test = g_new (ReferenceTest, 1);

  test->file = file;
  test->test = function;
  g_test_add_data_func_full (name, test, run, reference_test_free);
}

static const char *
source_root (void)
{
  const char *root = g_getenv ("DIFFUSION_SOURCE_ROOT");

  return root != NULL ? root : ".";
}

char *
reference_folder (void)
{
  const char *folder = g_getenv ("DIFFUSION_REFERENCE");

  return folder != NULL ? g_strdup (folder) : g_build_filename (source_root (), "..", "shared", "reference", NULL);
}

char *
reference_copy_folder (void)
{
  return g_build_filename (source_root (), "tests", "golden", "data", NULL);
}

void
reference_add (const char *path, const char *file, void (*test) (const char *file))
{
  g_autofree char *folder = reference_folder ();
  g_autofree char *folder_of_copies = reference_copy_folder ();
  g_autofree char *copy = g_build_filename (folder_of_copies, file, NULL);

  add (path, "/reference", g_build_filename (folder, file, NULL), test);
  if (g_file_test (copy, G_FILE_TEST_EXISTS))
    add (path, "/copy", g_steal_pointer (&copy), test);
}

static void
skip (void)
{
  g_test_skip ("there is no reference set; set DIFFUSION_REFERENCE");
}

static void
add_folders (const char *path, const char *kind, const char *root, GTestDataFunc test)
{
  g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *folder = g_build_filename (root, name, NULL);
      g_autofree char *file = g_build_filename (folder, "expected.safetensors", NULL);
      g_autofree char *full = g_build_path ("/", path, kind, name, NULL);

      if (g_file_test (file, G_FILE_TEST_EXISTS))
        g_test_add_data_func_full (full, g_steal_pointer (&folder), test, g_free);
    }
}

void
reference_add_networks (const char *path, GTestDataFunc test)
{
  g_autofree char *reference = reference_folder ();
  g_autofree char *copy = reference_copy_folder ();
  g_autofree char *networks = g_build_filename (copy, "networks", NULL);
  g_autofree char *absent = g_build_path ("/", path, "reference", NULL);

  if (g_file_test (reference, G_FILE_TEST_IS_DIR))
    add_folders (path, "reference", reference, test);
  else
    g_test_add_func (absent, skip);
  add_folders (path, "copy", networks, test);
}

DiffusionTensorFile *
reference_open (const char *path)
{
  g_autoptr (GError) error = NULL;
  DiffusionTensorFile *file = diffusion_tensor_file_open (path, &error);

  g_assert_no_error (error);
  return file;
}

const DiffusionTensorEntry *
reference_require (const DiffusionTensorFile *file, const char *name)
{
  g_autoptr (GError) error = NULL;
  const DiffusionTensorEntry *entry = diffusion_tensor_file_require (file, name, &error);

  g_assert_no_error (error);
  return entry;
}

double *
reference_doubles (const DiffusionTensorFile *file, const char *name)
{
  const DiffusionTensorEntry *entry = reference_require (file, name);
  double *values = g_new (double, entry->n_elements);

  diffusion_tensor_entry_to_doubles (entry, values);
  return values;
}

float *
reference_floats (const DiffusionTensorFile *file, const char *name)
{
  const DiffusionTensorEntry *entry = reference_require (file, name);
  float *values = g_new (float, entry->n_elements);

  diffusion_tensor_entry_to_floats (entry, values);
  return values;
}

float *
reference_pixels (const DiffusionTensorFile *file, const char *name)
{
  const DiffusionTensorEntry *entry = reference_require (file, name);
  g_autofree float *planes = reference_floats (file, name);
  float *pixels = g_new (float, entry->n_elements);
  gsize channels, size, n;

  g_assert_cmpint (entry->n_dims, >=, 3);
  channels = (gsize) entry->shape[entry->n_dims - 3];
  size = (gsize) (entry->shape[entry->n_dims - 2] * entry->shape[entry->n_dims - 1]);
  n = (gsize) entry->n_elements / (channels * size);
  for (gsize i = 0; i < n; i++)
    for (gsize c = 0; c < channels; c++)
      for (gsize p = 0; p < size; p++)
        pixels[(i * size + p) * channels + c] = planes[(i * channels + c) * size + p];
  return pixels;
}

double
reference_difference (const float *a, const float *b, gsize count)
{
  double largest = 0.0;

  for (gsize i = 0; i < count; i++)
    {
      double difference = fabs ((double) a[i] - (double) b[i]);

      largest = isnan (difference) ? INFINITY : MAX (largest, difference);
    }
  return largest;
}

double
reference_largest (const float *a, gsize count)
{
  double largest = 0.0;

  for (gsize i = 0; i < count; i++)
    largest = MAX (largest, fabs ((double) a[i]));
  return largest;
}

DiffusionSchedule *
reference_schedule (const char *name, gsize steps)
{
  g_autoptr (GError) error = NULL;
  DiffusionSchedule *schedule = diffusion_schedule_new_named (name, steps, 0, 0, &error);

  g_assert_no_error (error);
  return schedule;
}

DiffusionModel *
reference_model (const char *path, const char *flags)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  DiffusionModel *model;
  int fd = g_file_open_tmp ("flags-XXXXXX.json", &name, &error);

  g_assert_no_error (error);
  close (fd);
  g_file_set_contents (name, flags, -1, &error);
  g_assert_no_error (error);
  model = diffusion_model_open (path, NULL, name, &error);
  g_assert_no_error (error);
  unlink (name);
  return model;
}
