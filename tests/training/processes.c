/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training in several processes, with MPI. */
#include "tiny.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <glib/gstdio.h>

/* Shares of different size, and processes without any: as one process, up to the order of summation. */
static void
test_equals_one (TinyFolder *folder, gconstpointer data)
{
  tiny_run (folder, 0, "--steps 1", "start");
  tiny_run (folder, 0, "--steps 12", "one");
  tiny_run (folder, 2, "--steps 12", "two");
  tiny_run (folder, 3, "--steps 12 --micro-batch 1", "three");
  g_assert_cmpfloat (tiny_distance (folder, "one", "start", "start"), >, 0.5);
  g_assert_cmpfloat (tiny_distance (folder, "one", "two", "start"), <, 1e-3);
  g_assert_cmpfloat (tiny_distance (folder, "one", "three", "start"), <, 1e-3);
  tiny_run (folder, 0, "--steps 12 --batch 2", "small-one");
  tiny_run (folder, 4, "--steps 12 --batch 2", "small-four");
  g_assert_cmpfloat (tiny_distance (folder, "small-one", "small-four", "start"), <, 1e-3);
}

/* The same processes give the same bits, also with a stop between; and it goes on alone. */
static void
test_resumes (TinyFolder *folder, gconstpointer data)
{
  tiny_run (folder, 2, "--steps 120", "whole");
  tiny_run (folder, 2, "--steps 50", "parts");
  tiny_run (folder, 2, "--steps 120", "parts");
  tiny_assert_same (folder, "whole", "parts");
  tiny_run (folder, 0, "--steps 124", "parts");
  g_assert_cmpuint (tiny_last_step (folder, "parts"), ==, 124);
}

/* Starts three and waits until all of them train; their numbers. */
static Tiny *
start_three (TinyFolder *folder, const char *options, gint pids[3])
{
  Tiny *tiny = tiny_start (folder, 3, 0, options, "out");
  guint known = 0;

  while (known < 3)
    {
      g_autofree char *line = tiny_wait_line (tiny, "process ");
      g_auto (GStrv) words = NULL;

      g_assert_nonnull (line);
      words = g_strsplit (line, " ", 3);
      pids[g_ascii_strtoll (words[0], NULL, 10)] = (gint) g_ascii_strtoll (words[2], NULL, 10);
      known++;
    }
  for (gint i = 0; i < 5; i++)
    {
      g_autofree char *line = tiny_wait_line (tiny, "step ");

      g_assert_nonnull (line);
    }
  return tiny;
}

static gboolean
has_ended (gint pid)
{
  for (gint i = 0; i < 100 && kill (pid, 0) == 0; i++)
    g_usleep (100000);
  return kill (pid, 0) != 0;
}

static void
test_one_dies (TinyFolder *folder, gconstpointer data)
{
  for (gint victim = 0; victim < 3; victim += 2)
    {
      gint pids[3];
      Tiny *tiny = start_three (folder, "--steps 1000000", pids);
      g_autofree char *err = NULL;
      g_autofree char *options = NULL;
      guint64 step;

      g_assert_cmpint (kill (pids[victim], SIGKILL), ==, 0);
      g_assert_cmpint (tiny_end (tiny, &err), !=, 0);
      g_assert_cmpuint (strlen (err), >, 0);
      for (gint i = 0; i < 3; i++)
        g_assert_true (has_ended (pids[i]));
      /* The checkpoint is whole: training goes on from it. */
      step = tiny_last_step (folder, "out");
      g_assert_cmpuint (step, >=, 4);
      options = g_strdup_printf ("--steps %" G_GUINT64_FORMAT, step + 2);
      tiny_run (folder, 0, options, "out");
      g_assert_cmpuint (tiny_last_step (folder, "out"), ==, step + 2);
      tiny_assert_clean (folder, "out");
    }
}

/* A signal to any one process: all stop, and the last step is saved. Ctrl-C as mpirun passes it on: all end; mpirun gives
 * them about a second to save, which a busy computer may not have. */
static void
test_interrupted (TinyFolder *folder, gconstpointer data)
{
  for (gint whom = -1; whom < 2; whom++)
    {
      gint pids[3];
      guint64 before = tiny_last_step (folder, "out");
      Tiny *tiny = start_three (folder, "--steps 1000000 --checkpoint-seconds 1000", pids);

      if (whom < 0)
        g_subprocess_send_signal (tiny->process, SIGINT);
      else
        g_assert_cmpint (kill (pids[whom], SIGINT), ==, 0);
      g_assert_cmpint (tiny_end (tiny, NULL), !=, 0);
      for (gint i = 0; i < 3; i++)
        g_assert_true (has_ended (pids[i]));
      if (whom >= 0)
        g_assert_cmpuint (tiny_last_step (folder, "out"), >=, before + 5);
    }
}

/* What the first process finds ends all of them. */
static void
test_failures (TinyFolder *folder, gconstpointer data)
{
  g_autofree char *err = NULL, *refused = NULL;

  g_assert_cmpint (tiny_end (tiny_start (folder, 2, 0, "--steps 40 --rate 1e30", "out"), &err), !=, 0);
  g_assert_nonnull (strstr (err, "lower learning rate"));
  /* A folder within a file. */
  g_assert_cmpint (tiny_end (tiny_start (folder, 2, 0, "--steps 4", "data/a.png/out"), &refused), !=, 0);
  g_assert_nonnull (strstr (refused, g_strerror (ENOTDIR)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/training/processes/equal-one", TinyFolder, NULL, tiny_set_up, test_equals_one, tiny_tear_down);
  g_test_add ("/training/processes/resumes", TinyFolder, NULL, tiny_set_up, test_resumes, tiny_tear_down);
  g_test_add ("/training/processes/one-dies", TinyFolder, NULL, tiny_set_up, test_one_dies, tiny_tear_down);
  g_test_add ("/training/processes/interrupted", TinyFolder, NULL, tiny_set_up, test_interrupted, tiny_tear_down);
  g_test_add ("/training/processes/failures", TinyFolder, NULL, tiny_set_up, test_failures, tiny_tear_down);
  return g_test_run ();
}
