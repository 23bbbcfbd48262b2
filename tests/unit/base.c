/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads, memory and random numbers. */
#include "core/diffusion.h"

#include <math.h>

static void
square_part (gsize index, guint worker, gpointer data)
{
  g_assert_cmpuint (worker, <, diffusion_get_threads ());
  ((guint64 *) data)[index] = (guint64) index * index;
}

static void
nested_part (gsize index, guint worker, gpointer data)
{
  guint64 squares[17];

  diffusion_parallel_for (17, square_part, squares);
  ((guint64 *) data)[index] = squares[16] + index;
}

static void
test_threads (void)
{
  for (guint threads = 1; threads <= 5; threads++)
    {
      guint64 out[1000];

      diffusion_set_threads (threads);
      for (int repeat = 0; repeat < 50; repeat++)
        {
          diffusion_parallel_for (G_N_ELEMENTS (out), square_part, out);
          for (guint64 i = 0; i < G_N_ELEMENTS (out); i++)
            g_assert_cmpuint (out[i], ==, i * i);
          diffusion_parallel_for (100, nested_part, out);
          for (guint64 i = 0; i < 100; i++)
            g_assert_cmpuint (out[i], ==, 256 + i);
        }
    }
  diffusion_set_threads (0);
}

typedef struct
{
  GCancellable *cancellable;
  gint runs;
  gint cancel_at;
} Stopping;

static void
stopping_part (gsize index, guint worker, gpointer data)
{
  Stopping *stopping = data;

  if (g_atomic_int_add (&stopping->runs, 1) + 1 == stopping->cancel_at)
    g_cancellable_cancel (stopping->cancellable);
}

static void
test_threads_stop (void)
{
  for (guint threads = 1; threads <= 3; threads++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Stopping stopping = { cancellable, 0, 10 };
      GCancellable *before;

      diffusion_set_threads (threads);
      before = diffusion_parallel_set_cancellable (cancellable);
      g_assert_null (before);
      diffusion_parallel_for (100000, stopping_part, &stopping);
      g_assert_true (diffusion_parallel_set_cancellable (before) == cancellable);
      /* Others may have been between their look and their part. */
      g_assert_cmpint (stopping.runs, >=, 10);
      if (threads == 1)
        g_assert_cmpint (stopping.runs, ==, 10);
      else
        g_assert_cmpint (stopping.runs, <, 100000);

      /* Without it all parts run, cancelled or not. */
      stopping = (Stopping) { cancellable, 0, 0 };
      diffusion_parallel_for (1000, stopping_part, &stopping);
      g_assert_cmpint (stopping.runs, ==, 1000);
    }
  diffusion_set_threads (0);
}

static void
test_memory (void)
{
  g_autoptr (GError) error = NULL;
  char *block = diffusion_try_alloc0 (1000, "a test", &error);

  g_assert_no_error (error);
  g_assert_cmpuint ((gsize) block % DIFFUSION_ALIGNMENT, ==, 0);
  for (int i = 0; i < 1000; i++)
    g_assert_cmpint (block[i], ==, 0);
  diffusion_free (block);
  g_assert_null (diffusion_try_alloc (G_MAXSIZE - 7, "a test", &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY);
}

static void
test_random (void)
{
  /* The known answer of Philox 4x32-10 for an all-zero counter and key. */
  DiffusionStream zero = { 0, 0, 0 };
  DiffusionStream noise = { 42, DIFFUSION_PURPOSE_NOISE, 7 };
  guint32 bits[4];
  float big[64 * 64 * 3], part[10 * 20 * 3];
  double sum = 0, squares = 0, cross = 0;

  diffusion_random_bits (&zero, 0, 0, 0, bits);
  g_assert_cmphex (bits[0], ==, 0x6627e8d5);
  g_assert_cmphex (bits[1], ==, 0xe169c58d);
  g_assert_cmphex (bits[2], ==, 0xbc57ac4c);
  g_assert_cmphex (bits[3], ==, 0x9b00dbd8);

  diffusion_random_normal_fill (&noise, -5, 3, 64, 64, 3, big);
  diffusion_random_normal_fill (&noise, 10, 13, 20, 10, 3, part);
  for (int y = 0; y < 10; y++)
    for (int i = 0; i < 20 * 3; i++)
      g_assert_true (part[y * 60 + i] == big[(y + 10) * 192 + 45 + i]);
  for (int i = 0; i < 64 * 64 * 3; i++)
    {
      sum += big[i];
      squares += (double) big[i] * big[i];
      cross += i > 0 ? (double) big[i] * big[i - 1] : 0;
    }
  g_assert_cmpfloat (fabs (sum / 12288), <, 4 / sqrt (12288));
  g_assert_cmpfloat (fabs (squares / 12288 - 1), <, 4 * sqrt (2.0 / 12288));
  g_assert_cmpfloat (fabs (cross / 12288), <, 4 / sqrt (12288));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/threads", test_threads);
  g_test_add_func ("/base/threads-stop", test_threads_stop);
  g_test_add_func ("/base/memory", test_memory);
  g_test_add_func ("/base/random", test_random);
  return g_test_run ();
}
