/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ctrl-C: the first asks the work to stop, the second ends the process. */
#include "cli/interrupt.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

static const int watched[] = { SIGINT, SIGTERM, SIGHUP };

static int pipe_ends[2];

/* Only what a signal handler may do: a byte for the thread below. The second signal then takes its default course. */
static void
on_signal (int number)
{
  char byte = (char) number;

  signal (number, SIG_DFL);
  if (write (pipe_ends[1], &byte, 1) != 1)
    raise (number);
}

/* Cancelling takes locks, so it is done here. */
static gpointer
wait_for_signal (gpointer data)
{
  g_autoptr (GCancellable) cancellable = data;
  char byte;

  while (read (pipe_ends[0], &byte, 1) == 1)
    g_cancellable_cancel (cancellable);
  return NULL;
}

void
cli_interrupt_watch (GCancellable *cancellable)
{
  /* a file that grows beyond the user's limit is an error like a full disk, with a message */
  signal (SIGXFSZ, SIG_IGN);

  if (!g_unix_open_pipe (pipe_ends, FD_CLOEXEC, NULL))
    return;
  g_thread_unref (g_thread_new ("interrupt", wait_for_signal, g_object_ref (cancellable)));
  for (guint i = 0; i < G_N_ELEMENTS (watched); i++)
    {
      struct sigaction action;

      /* nohup and shells' background jobs ignore some: so it stays */
      if (sigaction (watched[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        signal (watched[i], on_signal);
    }
}
