/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs the built command and looks at what it did. */
#include "command.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include <glib/gstdio.h>

static const char *
command_path (void)
{
  const char *path = g_getenv ("DIFFUSION_COMMAND");

  g_assert_nonnull (path);
  return path;
}

static GStrv
full_line (const char *const *arguments)
{
  g_autoptr (GStrvBuilder) line = g_strv_builder_new ();

  g_strv_builder_add (line, command_path ());
  g_strv_builder_addv (line, (const char **) arguments);
  return g_strv_builder_end (line);
}

static void
limit_files (gpointer data)
{
  const struct rlimit none = { 0, 0 };

  setrlimit (RLIMIT_FSIZE, &none);
}

static CommandResult *
run (const char *const *arguments, gboolean limited)
{
  CommandResult *result = g_new0 (CommandResult, 1);
  g_auto (GStrv) line = full_line (arguments);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);

  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  if (limited)
    g_subprocess_launcher_set_child_setup (launcher, limit_files, NULL, NULL);

  g_autoptr (GSubprocess) process = g_subprocess_launcher_spawnv (launcher, (const char *const *) line, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &result->out, &result->err, &error);
  g_assert_no_error (error);
  if (!g_subprocess_get_if_exited (process))
    g_error ("%s was ended by signal %d: %s", line[1], g_subprocess_get_term_sig (process), result->err);
  result->status = g_subprocess_get_exit_status (process);
  return result;
}

CommandResult *
command_runv (const char *const *arguments)
{
  return run (arguments, FALSE);
}

static CommandResult *
run_list (const char *first, va_list list, gboolean limited)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();

  for (const char *word = first; word != NULL; word = va_arg (list, const char *))
    g_ptr_array_add (arguments, (gpointer) word);
  g_ptr_array_add (arguments, NULL);
  return run ((const char *const *) arguments->pdata, limited);
}

CommandResult *
command_run (const char *first, ...)
{
  va_list list;

  va_start (list, first);
  CommandResult *result = run_list (first, list, FALSE);
  va_end (list);
  return result;
}

CommandResult *
command_run_limited (const char *first, ...)
{
  va_list list;

  va_start (list, first);
  CommandResult *result = run_list (first, list, TRUE);
  va_end (list);
  return result;
}

void
command_result_free (CommandResult *result)
{
  g_free (result->out);
  g_free (result->err);
  g_free (result);
}

GSubprocess *
command_start (const char *const *arguments)
{
  g_auto (GStrv) line = full_line (arguments);
  g_autoptr (GError) error = NULL;
  GSubprocess *process
      = g_subprocess_newv ((const char *const *) line,
                           G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);

  g_assert_no_error (error);
  return process;
}

/* Whether the process has a handler for SIGINT. */
static gboolean
is_watching (const char *identifier)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/status", identifier);
  g_autofree char *status = NULL;
  const char *mask = NULL;

  if (!g_file_get_contents (path, &status, NULL, NULL) || (mask = strstr (status, "SigCgt:")) == NULL)
    return FALSE;
  return g_ascii_strtoull (mask + strlen ("SigCgt:"), NULL, 16) & (1 << (SIGINT - 1));
}

int
command_interrupt (GSubprocess *process)
{
  g_autofree char *identifier = g_strdup (g_subprocess_get_identifier (process));

  for (guint i = 0; i < 3000 && g_subprocess_get_identifier (process) != NULL && !is_watching (identifier); i++)
    g_usleep (G_USEC_PER_SEC / 100);
  g_usleep (G_USEC_PER_SEC / 20);
  g_subprocess_send_signal (process, SIGINT);
  g_subprocess_wait (process, NULL, NULL);
  g_assert_true (g_subprocess_get_if_exited (process));
  return g_subprocess_get_exit_status (process);
}

void
command_assert (const CommandResult *result, int status, const char *message)
{
  if (result->status != status || strstr (result->err, message) == NULL)
    g_test_message ("standard error: %s\nexpected in it: %s", result->err, message);
  g_assert_cmpint (result->status, ==, status);
  g_assert_nonnull (strstr (result->err, message));
}

char *
command_temporary_folder (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("diffusion-cli-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

guint
command_count_files (const char *folder)
{
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  guint count = 0;

  g_assert_nonnull (entries);
  while (g_dir_read_name (entries) != NULL)
    count++;
  return count;
}
