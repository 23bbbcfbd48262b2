/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training that is killed, stopped, out of disk or damaged goes on where it was, bit for bit. */
#include "tiny.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <glib/gstdio.h>

#define KILLS 20

/* Killed twenty times, a random while after a random step or before the first: also amid a checkpoint, since every
 * step writes one. */
static void
test_killed (TinyFolder *folder, gconstpointer data)
{
  const char *options = "--steps 200";
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  guint64 furthest = 0;
  guint resumed = 0;

  tiny_run (folder, 0, options, "whole");
  for (gint i = 0; i < KILLS; i++)
    {
      Tiny *tiny = tiny_start (folder, 0, 0, options, "killed");
      gint lines = g_rand_int_range (random, 0, 6);
      int status;

      for (gint k = 0; k < lines; k++)
        {
          g_autofree char *line = tiny_wait_line (tiny, "step ");

          g_assert_nonnull (line);
        }
      g_usleep ((gulong) g_rand_int_range (random, 0, 10000));
      g_subprocess_force_exit (tiny->process);
      status = tiny_end (tiny, NULL);
      g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
      resumed += furthest > 0;
      g_assert_cmpuint (tiny_last_step (folder, "killed"), >=, furthest);
      furthest = tiny_last_step (folder, "killed");
    }
  g_test_message ("killed at step %" G_GUINT64_FORMAT " at last, resumed %u times", furthest, resumed);
  g_assert_cmpuint (resumed, >=, KILLS / 2);
  tiny_run (folder, 0, options, "killed");
  tiny_assert_same (folder, "whole", "killed");
  tiny_assert_clean (folder, "killed");
}

/* The step that runs is dropped, the last one saved. */
static void
test_interrupted (TinyFolder *folder, gconstpointer data)
{
  const char *options = "--steps 2000 --checkpoint-seconds 1000";
  Tiny *tiny = tiny_start (folder, 0, 0, options, "stopped");
  g_autofree char *err = NULL;
  int status;

  for (gint i = 0; i < 5; i++)
    g_free (tiny_wait_line (tiny, "step "));
  g_assert_cmpuint (tiny_last_step (folder, "stopped"), ==, 0);
  g_subprocess_send_signal (tiny->process, SIGINT);
  status = tiny_end (tiny, &err);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 1);
  g_assert_cmpuint (tiny_last_step (folder, "stopped"), >=, 5);
  g_assert_cmpuint (tiny_last_step (folder, "stopped"), <, 2000);
  tiny_assert_clean (folder, "stopped");
}

/* Muon too goes on where it was, is not AdamW, and neither goes on with the other's moments. */
static void
test_muon (TinyFolder *folder, gconstpointer data)
{
  tiny_run (folder, 0, "--steps 1", "start");
  tiny_run (folder, 0, "--steps 40 --muon", "whole");
  tiny_run (folder, 0, "--steps 17 --muon", "parts");
  tiny_run (folder, 0, "--steps 40 --muon", "parts");
  tiny_run (folder, 0, "--steps 40", "adamw");
  tiny_assert_same (folder, "whole", "parts");
  g_assert_cmpfloat (tiny_distance (folder, "whole", "adamw", "start"), >, 0.1);
  tiny_run_failing (folder, 0, "--steps 60", "whole", "is \"muon\", not \"adamw\"");
  tiny_run_failing (folder, 0, "--steps 60 --muon", "adamw", "is \"adamw\", not \"muon\"");
}

/* Gradients of micro-batches add up to the same, with dropout too. */
static void
test_micro_batches (TinyFolder *folder, gconstpointer data)
{
  tiny_run (folder, 0, "--steps 1 --batch 5", "start");
  tiny_run (folder, 0, "--steps 12 --batch 5", "whole");
  tiny_run (folder, 0, "--steps 12 --batch 5 --micro-batch 2", "parts");
  g_assert_cmpfloat (tiny_distance (folder, "whole", "parts", "start"), <, 1e-3);
  g_assert_cmpfloat (tiny_distance (folder, "whole", "start", "start"), >, 0.5);
}

typedef enum
{
  TRUNCATED,
  EMPTY,
  FLIPPED,
  N_DAMAGES
} Damage;

static void
damage (const char *path, Damage how)
{
  g_autofree char *bytes = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  if (how == FLIPPED)
    bytes[length / 2] ^= 1;
  g_assert_true (g_file_set_contents (path, bytes, how == TRUNCATED ? (gssize) length / 2 : how == EMPTY ? 0 : (gssize) length,
                                      NULL));
}

static void
test_damaged (TinyFolder *folder, gconstpointer data)
{
  tiny_run (folder, 0, "--steps 12", "whole");
  for (Damage how = 0; how < N_DAMAGES; how++)
    {
      g_autofree char *out = g_strdup_printf ("damaged-%d", (int) how);
      g_autofree char *err = NULL;
      g_auto (GStrv) checkpoints = NULL;
      guint n;

      tiny_run (folder, 0, "--steps 7", out);
      checkpoints = tiny_checkpoints (folder, out);
      n = g_strv_length (checkpoints);
      g_assert_cmpuint (n, ==, 3);
      damage (checkpoints[2], how);
      g_assert_cmpint (tiny_end (tiny_start (folder, 0, 0, "--steps 12", out), &err), ==, 0);
      g_assert_nonnull (strstr (err, "warning: "));
      g_assert_nonnull (strstr (err, checkpoints[2]));
      tiny_assert_same (folder, "whole", out);
    }
}

/* Nothing left to go on from: that is said, not trained anew over what somebody may want to look at. */
static void
test_all_damaged (TinyFolder *folder, gconstpointer data)
{
  g_auto (GStrv) checkpoints = NULL;

  tiny_run (folder, 0, "--steps 5", "out");
  checkpoints = tiny_checkpoints (folder, "out");
  for (char **path = checkpoints; *path != NULL; path++)
    damage (*path, TRUNCATED);
  tiny_run_failing (folder, 0, "--steps 9", "out", checkpoints[0]);
  g_assert_cmpuint (tiny_last_step (folder, "out"), ==, 5);
}

/* A damaged checkpoint that was passed over is not taken for one of the last few. */
static void
test_damaged_pruned (TinyFolder *folder, gconstpointer data)
{
  g_auto (GStrv) checkpoints = NULL, after = NULL;

  tiny_run (folder, 0, "--steps 9", "out");
  checkpoints = tiny_checkpoints (folder, "out");
  damage (checkpoints[1], EMPTY);
  damage (checkpoints[2], EMPTY);
  tiny_run (folder, 0, "--steps 8", "out");
  after = tiny_checkpoints (folder, "out");
  g_assert_cmpuint (g_strv_length (after), ==, 2);
  g_assert_cmpuint (tiny_last_step (folder, "out"), ==, 8);
}

static void
test_disk_full (TinyFolder *folder, gconstpointer data)
{
  g_auto (GStrv) before = NULL, after = NULL;

  tiny_run (folder, 0, "--steps 12", "whole");
  tiny_run (folder, 0, "--steps 5", "out");
  before = tiny_checkpoints (folder, "out");
  tiny_run_failing (folder, 4096, "--steps 12", "out", g_strerror (EFBIG));
  after = tiny_checkpoints (folder, "out");
  g_assert_true (g_strv_equal ((const char *const *) before, (const char *const *) after));
  tiny_assert_clean (folder, "out");
  tiny_run (folder, 0, "--steps 12", "out");
  tiny_assert_same (folder, "whole", "out");
}

static void
test_not_a_number (TinyFolder *folder, gconstpointer data)
{
  tiny_run (folder, 0, "--steps 4", "out");
  tiny_run_failing (folder, 0, "--steps 40 --rate 1e30 --checkpoint-seconds 1000", "out", "lower learning rate");
  g_assert_cmpuint (tiny_last_step (folder, "out"), ==, 4);
  tiny_run (folder, 0, "--steps 12", "out");
  tiny_run (folder, 0, "--steps 12", "whole");
  tiny_assert_same (folder, "whole", "out");
}

static void
test_one_at_a_time (TinyFolder *folder, gconstpointer data)
{
  Tiny *tiny = tiny_start (folder, 0, 0, "--steps 1000000 --checkpoint-seconds 1000", "out");

  g_free (tiny_wait_line (tiny, "step "));
  tiny_run_failing (folder, 0, "--steps 4", "out", "Another training");
  g_subprocess_force_exit (tiny->process);
  tiny_end (tiny, NULL);
  tiny_run (folder, 0, "--steps 4", "out");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/training/killed", TinyFolder, NULL, tiny_set_up, test_killed, tiny_tear_down);
  g_test_add ("/training/interrupted", TinyFolder, NULL, tiny_set_up, test_interrupted, tiny_tear_down);
  g_test_add ("/training/muon", TinyFolder, NULL, tiny_set_up, test_muon, tiny_tear_down);
  g_test_add ("/training/micro-batches", TinyFolder, NULL, tiny_set_up, test_micro_batches, tiny_tear_down);
  g_test_add ("/training/damaged", TinyFolder, NULL, tiny_set_up, test_damaged, tiny_tear_down);
  g_test_add ("/training/damaged-all", TinyFolder, NULL, tiny_set_up, test_all_damaged, tiny_tear_down);
  g_test_add ("/training/damaged-pruned", TinyFolder, NULL, tiny_set_up, test_damaged_pruned, tiny_tear_down);
  g_test_add ("/training/disk-full", TinyFolder, NULL, tiny_set_up, test_disk_full, tiny_tear_down);
  g_test_add ("/training/not-a-number", TinyFolder, NULL, tiny_set_up, test_not_a_number, tiny_tear_down);
  g_test_add ("/training/one-at-a-time", TinyFolder, NULL, tiny_set_up, test_one_at_a_time, tiny_tear_down);
  return g_test_run ();
}
