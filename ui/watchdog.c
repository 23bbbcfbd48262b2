/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A timer that should fire every few milliseconds, and notes when it did. */
#include "ui/watchdog.h"

#include <glib/gstdio.h>

#define TICK_MS 5

static struct
{
  guint depth;
  guint timer;
  gint64 begun; /* microseconds */
  gint64 last;
  GArray *waits; /* of gint64, beyond the tick */
} watchdog;

static gboolean
tick (gpointer data)
{
  gint64 now = g_get_monotonic_time ();
  gint64 wait = MAX (now - watchdog.last - 1000 * TICK_MS, 0);

  g_array_append_val (watchdog.waits, wait);
  watchdog.last = now;
  return G_SOURCE_CONTINUE;
}

void
diffusion_watchdog_begin (void)
{
  if (watchdog.depth++ > 0 || g_getenv ("DIFFUSION_WATCHDOG") == NULL)
    return;
  watchdog.begun = watchdog.last = g_get_monotonic_time ();
  watchdog.waits = g_array_new (FALSE, FALSE, sizeof (gint64));
  /* The highest priority: what it measures is how long one dispatch keeps all others waiting. */
  watchdog.timer = g_timeout_add_full (G_PRIORITY_HIGH, TICK_MS, tick, NULL, NULL);
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  return (*(const gint64 *) a > *(const gint64 *) b) - (*(const gint64 *) a < *(const gint64 *) b);
}

void
diffusion_watchdog_end (void)
{
  FILE *file;
  guint n;

  if (--watchdog.depth > 0 || watchdog.timer == 0)
    return;
  tick (NULL);
  g_clear_handle_id (&watchdog.timer, g_source_remove);
  n = watchdog.waits->len;
  g_array_sort (watchdog.waits, compare);
  file = g_fopen (g_getenv ("DIFFUSION_WATCHDOG"), "a");
  if (file != NULL)
    {
      fprintf (file, "%.1f %u %.1f %.1f\n", (double) (g_get_monotonic_time () - watchdog.begun) / 1000, n,
               (double) g_array_index (watchdog.waits, gint64, n - 1) / 1000,
               (double) g_array_index (watchdog.waits, gint64, n - 1 - n / 100) / 1000);
      fclose (file);
    }
  g_clear_pointer (&watchdog.waits, g_array_unref);
}
