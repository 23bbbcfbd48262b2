/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs long work in a thread while the main loop stays alive. */
#include "ui/worker.h"

#include "ui/watchdog.h"

#define STEPS        (1 << 16)
#define SHOW_EVERY_MS 100

typedef struct
{
  DiffusionWorkFunc func;
  gpointer data;
  GCancellable *cancellable;
  DiffusionProgressFunc show;
  gpointer show_data;
  gint done; /* of STEPS; atomic */
  gint shown;
  GMainLoop *loop;
  gboolean result;
  GError *error;
} Work;

static void
work_progress (double fraction, gpointer data)
{
  Work *work = data;

  g_atomic_int_set (&work->done, (gint) (CLAMP (fraction, 0.0, 1.0) * STEPS));
}

static gboolean
work_ended (gpointer data)
{
  g_main_loop_quit (((Work *) data)->loop);
  return G_SOURCE_REMOVE;
}

static gpointer
work_thread (gpointer data)
{
  Work *work = data;

  work->result = work->func (work->data, work_progress, work, work->cancellable, &work->error);
  g_idle_add (work_ended, work);
  return NULL;
}

static gboolean
work_show (gpointer data)
{
  Work *work = data;
  gint done = g_atomic_int_get (&work->done);

  if (done != work->shown)
    {
      work->shown = done;
      work->show ((double) done / STEPS, work->show_data);
    }
  return G_SOURCE_CONTINUE;
}

gboolean
diffusion_worker_run (DiffusionWorkFunc func, gpointer data, GCancellable *cancellable, DiffusionProgressFunc show,
                      gpointer show_data, GError **error)
{
  Work work = { func, data, cancellable, show, show_data, 0, 0, NULL, FALSE, NULL };
  GThread *thread;
  guint timer;

  work.loop = g_main_loop_new (NULL, FALSE);
  timer = g_timeout_add (SHOW_EVERY_MS, work_show, &work);
  diffusion_watchdog_begin ();
  thread = g_thread_new ("diffusion-work", work_thread, &work);
  g_main_loop_run (work.loop);
  g_thread_join (thread);
  diffusion_watchdog_end ();
  g_source_remove (timer);
  g_main_loop_unref (work.loop);

  if (work.error)
    g_propagate_error (error, work.error);
  return work.result;
}
