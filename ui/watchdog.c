/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A timer that should fire every few milliseconds, and notes when it did. */
#include "ui/watchdog.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define TICK_MS 5

static struct
{
  guint depth;
  guint timer;
  gint64 begun; /* microseconds */
  gint64 last;
  GArray *waits; /* of gint64, beyond the tick */
  gint64 all_kept; /* since it began */
  gint64 own;      /* the longest, without what others' use of the processors added */
  int schedule[2]; /* what the kernel says of this thread and of the display's server, or -1 */
  gint64 kept;     /* microseconds that these were ready to run and others ran */
} watchdog;

/* In microseconds; 0 where the kernel does not tell. */
static gint64
read_kept (int file)
{
  char text[96];
  gssize length = file >= 0 ? pread (file, text, sizeof text - 1, 0) : -1;
  guint64 ran, kept;

  if (length <= 0)
    return 0;
  text[length] = '\0';
  return sscanf (text, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &ran, &kept) == 2 ? (gint64) (kept / 1000) : 0;
}

static gint64
get_kept (void)
{
  return read_kept (watchdog.schedule[0]) + read_kept (watchdog.schedule[1]);
}

static void
open_schedules (void)
{
  const char *server = g_getenv ("DIFFUSION_WATCHDOG_SERVER");
  g_autofree char *path = g_strdup_printf ("/proc/%s/schedstat", server != NULL ? server : "none");

  watchdog.schedule[0] = open ("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  watchdog.schedule[1] = open (path, O_RDONLY | O_CLOEXEC);
}

static gboolean
tick (gpointer data)
{
  gint64 now = g_get_monotonic_time ();
  gint64 wait = MAX (now - watchdog.last - 1000 * TICK_MS, 0);
  gint64 kept = get_kept ();

  watchdog.own = MAX (watchdog.own, wait - (kept - watchdog.kept));
  watchdog.all_kept += kept - watchdog.kept;
  watchdog.kept = kept;
  g_array_append_val (watchdog.waits, wait);
  watchdog.last = now;
  return G_SOURCE_CONTINUE;
}

void
diffusion_watchdog_begin (void)
{
  if (watchdog.depth++ > 0 || g_getenv ("DIFFUSION_WATCHDOG") == NULL)
    return;
  open_schedules ();
  watchdog.kept = get_kept ();
  watchdog.own = watchdog.all_kept = 0;
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
      fprintf (file, "%.1f %u %.1f %.1f %.1f %.1f\n", (double) (g_get_monotonic_time () - watchdog.begun) / 1000, n,
               (double) g_array_index (watchdog.waits, gint64, n - 1) / 1000,
               (double) g_array_index (watchdog.waits, gint64, n - 1 - n / 100) / 1000, (double) watchdog.own / 1000,
               (double) watchdog.all_kept / 1000);
      fclose (file);
    }
  for (guint i = 0; i < G_N_ELEMENTS (watchdog.schedule); i++)
    if (watchdog.schedule[i] >= 0)
      close (watchdog.schedule[i]);
  g_clear_pointer (&watchdog.waits, g_array_unref);
}
