/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library's one thread pool: workers sleep on a condition and take parts off a shared counter. */
#include "core/base/threads.h"

#include <stdatomic.h>

typedef struct
{
  gsize n;
  DiffusionParallelFunc func;
  gpointer data;
  GCancellable *cancellable;
  atomic_size_t next;
  guint users; /* pool threads inside this job, under the pool's lock */
} Job;

static struct
{
  GMutex lock;
  GMutex submit; /* one job at a time; callers on several threads queue here */
  GCond wake;
  GCond idle;
  guint threads; /* 0: not chosen yet */
  guint started; /* pool threads, the caller not included */
  guint sleepers; /* of those, waiting for wake */
  gboolean waited; /* somebody waits for idle */
  guint64 serial;
  Job *job;
} pool;

/* The serial of the last job, and how many threads are inside one, to be looked at without the lock. A network runs
 * hundreds of short jobs one after the other: a thread looks for the next one for some microseconds before it sleeps. */
static atomic_uint_least64_t announced;
static atomic_uint inside;

#define LOOKS 2000

static inline void
relax (void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile ("yield");
#endif
}

/* Locks are held for some instructions only: asking again is sooner done than sleeping. */
static void
lock_pool (void)
{
  for (guint i = 0; i < LOOKS / 10; i++)
    {
      if (g_mutex_trylock (&pool.lock))
        return;
      relax ();
    }
  g_mutex_lock (&pool.lock);
}

static void
look_for_job (guint64 seen)
{
  for (guint i = 0; i < LOOKS && atomic_load_explicit (&announced, memory_order_relaxed) == seen; i++)
    relax ();
}

/* The worker number plus one while a part runs on this thread, so that nested calls stay on it. */
static _Thread_local guint current_worker;

static _Thread_local GCancellable *current_cancellable;

GCancellable *
diffusion_parallel_set_cancellable (GCancellable *cancellable)
{
  GCancellable *before = current_cancellable;

  current_cancellable = cancellable;
  return before;
}

static void
run_parts (Job *job, guint worker)
{
  gsize index;

  current_worker = worker + 1;
  while ((index = atomic_fetch_add_explicit (&job->next, 1, memory_order_relaxed)) < job->n
         && !g_cancellable_is_cancelled (job->cancellable))
    job->func (index, worker, job->data);
  current_worker = 0;
}

static gpointer
pool_thread (gpointer data)
{
  guint worker = GPOINTER_TO_UINT (data);
  guint64 seen = 0;

  g_mutex_lock (&pool.lock);
  for (;;)
    {
      Job *job;

      if (seen != 0 && pool.serial == seen)
        {
          g_mutex_unlock (&pool.lock);
          look_for_job (seen);
          lock_pool ();
        }
      while (pool.job == NULL || pool.serial == seen || worker >= pool.threads)
        {
          pool.sleepers++;
          g_cond_wait (&pool.wake, &pool.lock);
          pool.sleepers--;
        }
      seen = pool.serial;
      job = pool.job;
      job->users++;
      atomic_fetch_add_explicit (&inside, 1, memory_order_relaxed);
      g_mutex_unlock (&pool.lock);
      run_parts (job, worker);
      lock_pool ();
      atomic_fetch_sub_explicit (&inside, 1, memory_order_relaxed);
      if (--job->users == 0 && pool.waited)
        g_cond_broadcast (&pool.idle);
    }
  return NULL;
}

static guint
default_threads (void)
{
  const char *text = g_getenv ("DIFFUSION_THREADS");
  guint64 threads = 0;

  if (text != NULL && g_ascii_string_to_unsigned (text, 10, 1, 1024, &threads, NULL))
    return (guint) threads;
  return MAX (1, g_get_num_processors ());
}

guint
diffusion_get_threads (void)
{
  guint threads = g_atomic_int_get (&pool.threads);

  if (threads > 0)
    return threads;
  g_mutex_lock (&pool.lock);
  if (pool.threads == 0)
    g_atomic_int_set (&pool.threads, default_threads ());
  threads = pool.threads;
  g_mutex_unlock (&pool.lock);
  return threads;
}

void
diffusion_set_threads (guint threads)
{
  g_mutex_lock (&pool.submit);
  g_mutex_lock (&pool.lock);
  g_atomic_int_set (&pool.threads, threads > 0 ? threads : default_threads ());
  g_mutex_unlock (&pool.lock);
  g_mutex_unlock (&pool.submit);
}

void
diffusion_parallel_for (gsize n, DiffusionParallelFunc func, gpointer data)
{
  Job job = { .n = n, .func = func, .data = data, .cancellable = current_cancellable };

  if (n == 0)
    return;
  if (current_worker != 0 || n == 1 || diffusion_get_threads () == 1)
    {
      guint worker = current_worker != 0 ? current_worker - 1 : 0;

      for (gsize i = 0; i < n && !g_cancellable_is_cancelled (job.cancellable); i++)
        func (i, worker, data);
      return;
    }

  g_mutex_lock (&pool.submit);
  lock_pool ();
  for (; pool.started + 1 < pool.threads; pool.started++)
    g_thread_unref (g_thread_new ("diffusion", pool_thread, GUINT_TO_POINTER (pool.started + 1)));
  pool.job = &job;
  pool.serial++;
  atomic_store_explicit (&announced, pool.serial, memory_order_relaxed);
  /* A system call, even where nobody sleeps. */
  if (pool.sleepers > 0)
    g_cond_broadcast (&pool.wake);
  g_mutex_unlock (&pool.lock);

  run_parts (&job, 0);

  for (guint i = 0; i < LOOKS && atomic_load_explicit (&inside, memory_order_relaxed) > 0; i++)
    relax ();
  lock_pool ();
  pool.job = NULL;
  while (job.users > 0)
    {
      pool.waited = TRUE;
      g_cond_wait (&pool.idle, &pool.lock);
    }
  pool.waited = FALSE;
  g_mutex_unlock (&pool.lock);
  g_mutex_unlock (&pool.submit);
}
