/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help, version and wrong command lines: what is printed where, and the exit codes. */
#include <string.h>
#include <sys/wait.h>

#include "command.h"

static void
test_help (void)
{
  g_autoptr (CommandResult) result = command_run ("--help", NULL);

  command_assert (result, 0, "");
  g_assert_cmpstr (result->err, ==, "");
  g_assert_nonnull (strstr (result->out, "Verbs:"));
}

static void
test_version (void)
{
  g_autoptr (CommandResult) result = command_run ("--version", NULL);

  command_assert (result, 0, "");
  g_assert_true (g_str_has_prefix (result->out, "diffusion "));
}

static void
test_no_verb (void)
{
  const char *const none[] = { NULL };
  g_autoptr (CommandResult) result = command_runv (none);

  command_assert (result, 2, "Verbs:");
  g_assert_cmpstr (result->out, ==, "");
}

static void
test_unknown_verb (void)
{
  g_autoptr (CommandResult) result = command_run ("paint", NULL);

  command_assert (result, 2, "unknown verb paint");
  g_assert_cmpstr (result->out, ==, "");
}

static void
test_unknown_option (void)
{
  g_autoptr (CommandResult) result = command_run ("--paint", NULL);

  command_assert (result, 2, "unknown option --paint");
}

/* Every verb that --help lists has a help of its own. */
static void
test_verbs_help (void)
{
  g_autoptr (CommandResult) list = command_run ("--help", NULL);
  const char *verbs = strstr (list->out, "Verbs:\n") + strlen ("Verbs:\n");
  g_auto (GStrv) lines = g_strsplit (verbs, "\n", -1);

  for (guint i = 0; lines[i] != NULL && lines[i][0] == ' '; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i] + 2, " ", 2);
      g_autoptr (CommandResult) help = command_run (words[0], "--help", NULL);
      g_autoptr (CommandResult) wrong = command_run (words[0], "--no-such-option", NULL);
      g_autofree char *usage = g_strdup_printf ("diffusion %s", words[0]);

      command_assert (help, 0, "");
      g_assert_nonnull (strstr (help->out, usage));
      command_assert (wrong, 2, "--no-such-option");
      g_assert_cmpstr (wrong->out, ==, "");
    }
}

static void
test_full_output (void)
{
  if (!g_file_test ("/dev/full", G_FILE_TEST_EXISTS))
    {
      g_test_skip ("no /dev/full here");
      return;
    }

  g_autofree char *line = g_strdup_printf ("%s --version >/dev/full", g_getenv ("DIFFUSION_COMMAND"));
  int status = 0;

  g_assert_true (g_spawn_sync (NULL, (char *[]) { (char *) "/bin/sh", (char *) "-c", line, NULL }, NULL,
                               G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/usage/help", test_help);
  g_test_add_func ("/usage/version", test_version);
  g_test_add_func ("/usage/no-verb", test_no_verb);
  g_test_add_func ("/usage/unknown-verb", test_unknown_verb);
  g_test_add_func ("/usage/unknown-option", test_unknown_option);
  g_test_add_func ("/usage/verbs-help", test_verbs_help);
  g_test_add_func ("/usage/full-output", test_full_output);
  return g_test_run ();
}
