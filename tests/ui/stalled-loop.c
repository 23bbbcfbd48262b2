/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A main loop under the watchdog, one of whose callbacks takes long: stalled-loop MILLISECONDS. */
#include "ui/watchdog.h"

static gboolean
stall (gpointer data)
{
  g_usleep (1000 * (gulong) GPOINTER_TO_INT (data));
  return G_SOURCE_REMOVE;
}

static gboolean
quit (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  if (argc != 2)
    return 2;
  diffusion_watchdog_begin ();
  diffusion_watchdog_begin ();
  g_timeout_add (50, stall, GINT_TO_POINTER (g_ascii_strtoll (argv[1], NULL, 10)));
  g_timeout_add (400, quit, loop);
  g_main_loop_run (loop);
  diffusion_watchdog_end ();
  diffusion_watchdog_end ();
  return 0;
}
