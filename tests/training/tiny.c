/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts tiny-train, alone or in several processes, and looks at what it left. */
#include "tiny.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/diffusion.h"

#include "../folder.h"

void
tiny_set_up (TinyFolder *folder, gconstpointer unused)
{
  static const char *const names[] = { "a.png", "b.png", "c.png" };

  /* In memory where there is such a place: checkpoints flush, and nobody pulls the plug here. */
  folder->root = g_build_filename (g_access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir (),
                                   "diffusion-training-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (folder->root));
  folder->data = g_build_filename (folder->root, "data", NULL);
  g_assert_cmpint (g_mkdir (folder->data, 0700), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (folder->data, names[i], NULL);

      g_assert_true (g_file_set_contents (path, "", 0, NULL));
    }
}

void
tiny_tear_down (TinyFolder *folder, gconstpointer unused)
{
  folder_remove (folder->root);
  g_free (folder->root);
  g_free (folder->data);
}

static void
limit_files (gpointer data)
{
  const guint64 *bytes = data;
  struct rlimit limit = { *bytes, *bytes };

  if (*bytes > 0)
    setrlimit (RLIMIT_FSIZE, &limit);
}

static void
add_words (GPtrArray *line, const char *words)
{
  g_auto (GStrv) split = g_strsplit (words, " ", -1);

  for (char **word = split; *word != NULL; word++)
    if (**word != '\0')
      g_ptr_array_add (line, g_strdup (*word));
}

Tiny *
tiny_start (const TinyFolder *folder, gint processes, guint64 file_limit, const char *options, const char *out)
{
  g_autoptr (GPtrArray) line = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GSubprocessLauncher) launcher
    = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GError) error = NULL;
  Tiny *tiny = g_new0 (Tiny, 1);

  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  /* One kind of thread count everywhere, whatever MPI binds processes to. */
  g_subprocess_launcher_setenv (launcher, "DIFFUSION_THREADS", "1", TRUE);
  g_subprocess_launcher_set_child_setup (launcher, limit_files, &file_limit, NULL);
  if (processes > 0)
    {
      g_subprocess_launcher_setenv (launcher, "OMPI_ALLOW_RUN_AS_ROOT", "1", TRUE);
      g_subprocess_launcher_setenv (launcher, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", TRUE);
      add_words (line, g_getenv ("DIFFUSION_MPIRUN"));
      add_words (line, "--oversubscribe --bind-to none -n");
      g_ptr_array_add (line, g_strdup_printf ("%d", processes));
    }
  g_ptr_array_add (line, g_strdup (g_getenv ("DIFFUSION_TINY_TRAIN")));
  add_words (line, options);
  g_ptr_array_add (line, g_strdup (folder->data));
  g_ptr_array_add (line, g_build_filename (folder->root, out, NULL));
  g_ptr_array_add (line, NULL);
  tiny->process = g_subprocess_launcher_spawnv (launcher, (const char *const *) line->pdata, &error);
  g_assert_no_error (error);
  tiny->out = g_data_input_stream_new (g_subprocess_get_stdout_pipe (tiny->process));
  return tiny;
}

char *
tiny_wait_line (Tiny *tiny, const char *prefix)
{
  char *line;

  while ((line = g_data_input_stream_read_line (tiny->out, NULL, NULL, NULL)) != NULL)
    {
      if (g_str_has_prefix (line, prefix))
        {
          memmove (line, line + strlen (prefix), strlen (line) - strlen (prefix) + 1);
          return line;
        }
      g_free (line);
    }
  return NULL;
}

int
tiny_end (Tiny *tiny, char **err)
{
  g_autoptr (GOutputStream) text = g_memory_output_stream_new_resizable ();
  int status;

  g_free (tiny_wait_line (tiny, "\n"));
  g_output_stream_splice (text, g_subprocess_get_stderr_pipe (tiny->process), G_OUTPUT_STREAM_SPLICE_NONE, NULL, NULL);
  g_assert_true (g_output_stream_write_all (text, "", 1, NULL, NULL, NULL));
  g_assert_true (g_subprocess_wait (tiny->process, NULL, NULL));
  g_output_stream_close (text, NULL, NULL);
  if (err != NULL)
    *err = g_memory_output_stream_steal_data (G_MEMORY_OUTPUT_STREAM (text));
  status = g_subprocess_get_status (tiny->process);
  g_object_unref (tiny->out);
  g_object_unref (tiny->process);
  g_free (tiny);
  return status;
}

void
tiny_run (const TinyFolder *folder, gint processes, const char *options, const char *out)
{
  g_autofree char *err = NULL;
  int status = tiny_end (tiny_start (folder, processes, 0, options, out), &err);

  if (status != 0)
    g_error ("%s in %d processes: status %d: %s", options, processes, status, err);
}

void
tiny_run_failing (const TinyFolder *folder, guint64 file_limit, const char *options, const char *out, const char *message)
{
  g_autofree char *err = NULL;
  int status = tiny_end (tiny_start (folder, 0, file_limit, options, out), &err);

  g_assert_cmpint (status, ==, 1 << 8);
  if (strstr (err, message) == NULL)
    g_error ("expected “%s” in: %s", message, err);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GStrv
tiny_checkpoints (const TinyFolder *folder, const char *out)
{
  g_autofree char *path = g_build_filename (folder->root, out, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, "checkpoint-"))
      g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (GStrv) g_ptr_array_steal (names, NULL);
}

static char *
last_checkpoint (const TinyFolder *folder, const char *out)
{
  g_auto (GStrv) names = tiny_checkpoints (folder, out);
  guint n = g_strv_length (names);

  return n > 0 ? g_strdup (names[n - 1]) : NULL;
}

guint64
tiny_last_step (const TinyFolder *folder, const char *out)
{
  g_autofree char *path = last_checkpoint (folder, out);

  return path != NULL ? g_ascii_strtoull (strrchr (path, '-') + 1, NULL, 10) : 0;
}

static void
assert_same_file (const char *a, const char *b)
{
  g_autofree char *first = NULL, *second = NULL;
  gsize first_length, second_length;

  g_assert_true (g_file_get_contents (a, &first, &first_length, NULL));
  g_assert_true (g_file_get_contents (b, &second, &second_length, NULL));
  g_assert_cmpmem (first, first_length, second, second_length);
}

void
tiny_assert_same (const TinyFolder *folder, const char *a, const char *b)
{
  g_autofree char *first = last_checkpoint (folder, a), *second = last_checkpoint (folder, b);
  g_autofree char *model_a = g_build_filename (folder->root, a, "diffusion_pytorch_model.safetensors", NULL);
  g_autofree char *model_b = g_build_filename (folder->root, b, "diffusion_pytorch_model.safetensors", NULL);

  g_assert_cmpstr (strrchr (first, '/'), ==, strrchr (second, '/'));
  assert_same_file (first, second);
  assert_same_file (model_a, model_b);
}

void
tiny_assert_clean (const TinyFolder *folder, const char *out)
{
  g_autofree char *path = g_build_filename (folder->root, out, NULL);

  folder_assert_clean (path);
}

static float *
read_weights (const TinyFolder *folder, const char *out, gsize *n)
{
  g_autofree char *path = last_checkpoint (folder, out);
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_open (path, &error);
  const DiffusionTensorEntry *entry;
  float *values;

  g_assert_no_error (error);
  entry = diffusion_tensor_file_require (file, "params", &error);
  g_assert_no_error (error);
  *n = (gsize) entry->n_elements;
  values = g_new (float, *n);
  diffusion_tensor_entry_to_floats (entry, values);
  return values;
}

double
tiny_distance (const TinyFolder *folder, const char *a, const char *b, const char *start)
{
  gsize n;
  g_autofree float *first = read_weights (folder, a, &n);
  g_autofree float *second = read_weights (folder, b, &n);
  g_autofree float *initial = read_weights (folder, start, &n);
  double difference = 0, moved = 0;

  for (gsize i = 0; i < n; i++)
    {
      difference += pow ((double) first[i] - second[i], 2);
      moved += pow ((double) first[i] - initial[i], 2);
    }
  return sqrt (difference / moved);
}
