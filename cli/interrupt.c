/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ctrl-C: the first asks the work to stop, the second ends the process. */
#include "cli/interrupt.h"

#include <signal.h>

static const int watched[] = { SIGINT, SIGTERM, SIGHUP };

/* Cancelling takes locks, which a signal handler must not: a thread waits for the signals instead. */
static gpointer
wait_for_signals (gpointer data)
{
  g_autoptr (GCancellable) cancellable = data;
  sigset_t set;
  int number = 0;

  pthread_sigmask (SIG_BLOCK, NULL, &set);
  if (sigwait (&set, &number) != 0)
    return NULL;
  g_cancellable_cancel (cancellable);
  if (sigwait (&set, &number) != 0)
    return NULL;

  signal (number, SIG_DFL);
  sigemptyset (&set);
  sigaddset (&set, number);
  pthread_sigmask (SIG_UNBLOCK, &set, NULL);
  raise (number);
  return NULL;
}

void
cli_interrupt_watch (GCancellable *cancellable)
{
  sigset_t set;
  gboolean any = FALSE;

  /* a file that grows beyond the user's limit is an error like a full disk, with a message */
  signal (SIGXFSZ, SIG_IGN);

  sigemptyset (&set);
  for (guint i = 0; i < G_N_ELEMENTS (watched); i++)
    {
      struct sigaction action;

      /* nohup and shells' background jobs ignore some: so it stays */
      if (sigaction (watched[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        {
          sigaddset (&set, watched[i]);
          any = TRUE;
        }
    }
  if (!any)
    return;
  pthread_sigmask (SIG_BLOCK, &set, NULL);
  g_thread_unref (g_thread_new ("interrupt", wait_for_signals, g_object_ref (cancellable)));
}
