/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The progress line: on a terminal only. */
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/i18n.h"

#define INTERVAL (G_USEC_PER_SEC / 10)
/* An estimate from less than this swings too much to show. */
#define SHORTEST_ESTIMATE (G_USEC_PER_SEC / 2)

struct _CliProgress
{
  char *what;
  guint steps;
  gboolean terminal;
  gint64 start;
  gint64 shown;
};

CliProgress *
cli_progress_new (const char *what, guint steps)
{
  CliProgress *progress = g_new0 (CliProgress, 1);

  progress->what = g_strdup (what);
  progress->steps = steps;
  progress->terminal = isatty (STDERR_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
  progress->start = g_get_monotonic_time ();
  return progress;
}

/* Whether it is time for a new line. */
static gboolean
is_due (CliProgress *progress)
{
  gint64 now = g_get_monotonic_time ();

  if (!progress->terminal || (progress->shown != 0 && now - progress->shown < INTERVAL))
    return FALSE;
  progress->shown = now;
  return TRUE;
}

static void
show (const char *line)
{
  fprintf (stderr, "\r%s\033[K", line);
  fflush (stderr);
}

char *
cli_format_seconds (double seconds)
{
  gint64 whole = (gint64) CLAMP (ceil (seconds), 0.0, 1e9);

  if (whole >= 3600)
    return g_strdup_printf ("%d:%02d:%02d", (int) (whole / 3600), (int) (whole / 60 % 60), (int) (whole % 60));
  return g_strdup_printf ("%d:%02d", (int) (whole / 60), (int) (whole % 60));
}

void
cli_progress_update (double fraction, gpointer data)
{
  CliProgress *progress = data;

  if (!is_due (progress))
    return;

  g_autoptr (GString) line = g_string_new (progress->what);
  g_string_append (line, "  ");
  if (progress->steps > 0)
    {
      guint step = (guint) floor (fraction * progress->steps + 1e-6);

      g_string_append_printf (line, _ ("step %u of %u"), MIN (step + 1, progress->steps), progress->steps);
    }
  else
    g_string_append_printf (line, "%3.0f %%", 100.0 * fraction);

  gint64 spent = g_get_monotonic_time () - progress->start;
  if (fraction > 0.0 && spent >= SHORTEST_ESTIMATE)
    {
      g_autofree char *left = cli_format_seconds ((double) spent / G_USEC_PER_SEC * (1.0 - fraction) / fraction);

      g_string_append (line, "  ");
      g_string_append_printf (line, _ ("%s left"), left);
    }
  show (line->str);
}

void
cli_progress_show (CliProgress *progress, const char *format, ...)
{
  va_list args;

  if (!is_due (progress))
    return;
  va_start (args, format);
  g_autofree char *line = g_strdup_vprintf (format, args);
  va_end (args);
  show (line);
}

void
cli_progress_free (CliProgress *progress)
{
  if (progress == NULL)
    return;
  if (progress->shown != 0)
    {
      fputs ("\r\033[K", stderr);
      fflush (stderr);
    }
  g_free (progress->what);
  g_free (progress);
}
