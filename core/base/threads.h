/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library's one thread pool. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * DiffusionParallelFunc:
 * @index: which part of the work, 0 to n − 1
 * @worker: which worker runs it, 0 to diffusion_get_threads () − 1; no two parts run with the same worker at
 *   the same time, so it can index per-worker scratch memory; results must not depend on it
 * @data: the user's data
 */
typedef void (*DiffusionParallelFunc) (gsize index, guint worker, gpointer data);

/**
 * diffusion_parallel_for:
 * @n: number of parts; choose them by the problem, never by the number of threads
 * @func: (scope call): runs one part
 * @data: passed to @func
 *
 * Runs all parts on the pool and the calling thread and returns when all are done. Parts start in order of
 * index. A call from inside a part runs its parts one after the other on that worker.
 */
void diffusion_parallel_for (gsize n, DiffusionParallelFunc func, gpointer data);

/**
 * diffusion_parallel_set_cancellable:
 * @cancellable: (nullable) (transfer none): stays alive until it is replaced
 *
 * What diffusion_parallel_for() on the calling thread looks at from now on before each part: once it is cancelled, the
 * parts that did not start are left out, and the caller must not use what they should have computed.
 *
 * Returns: (transfer none) (nullable): the one before, to be set again afterwards
 */
GCancellable *diffusion_parallel_set_cancellable (GCancellable *cancellable);

/** diffusion_get_threads: how many workers run parts at the same time, the caller included (at least 1). */
guint diffusion_get_threads (void);

/**
 * diffusion_set_threads:
 * @threads: 1 or more; 0 for the default (the environment variable DIFFUSION_THREADS, else the processors this
 *   process may run on)
 *
 * Not to be called while work is running.
 */
void diffusion_set_threads (guint threads);

G_END_DECLS
