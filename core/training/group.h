/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several processes that train one model together; what they say to each other. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _DiffusionGroup DiffusionGroup;

/**
 * DiffusionGroup:
 * @rank: the number of this process, from 0; process 0 alone writes files
 * @size: how many processes there are
 * @begin_sum: begins to add up @values [n] over all processes, in place: all begin the same sums in the same order, and
 *   leave @values alone until @end_sums. All get the same bits.
 * @poll: moves on what was begun, without waiting
 * @end_sums: waits until all sums are complete
 * @sum: the same for few numbers, at once
 * @broadcast: gives @data of process 0 to all
 * @settled: set when the work has ended in the same way in all processes
 *
 * Waiting fails with %DIFFUSION_ERROR_IO where another process cannot be reached. When @cancellable fires, process 0
 * waits a little for the others and then fails with %G_IO_ERROR_CANCELLED; the others wait for it.
 *
 * The functions of this file take %NULL for one process alone.
 */
struct _DiffusionGroup
{
  gint rank;
  gint size;
  gboolean settled;
  void (*begin_sum) (DiffusionGroup *group, gsize n, float *values);
  void (*poll) (DiffusionGroup *group);
  gboolean (*end_sums) (DiffusionGroup *group, GCancellable *cancellable, GError **error);
  gboolean (*sum) (DiffusionGroup *group, gsize n, double *values, GCancellable *cancellable, GError **error);
  gboolean (*broadcast) (DiffusionGroup *group, gsize bytes, gpointer data, GCancellable *cancellable,
                         GError **error);
};

/** diffusion_group_is_first: whether this process writes files and speaks for all. */
gboolean diffusion_group_is_first (const DiffusionGroup *group);

/** diffusion_group_get_size: how many processes there are; 1 for %NULL. */
gint diffusion_group_get_size (const DiffusionGroup *group);

/**
 * diffusion_group_get_share:
 * @total: examples of a step
 * @first: (out): the first one that is this process's
 *
 * Returns: how many are; possibly none
 */
gint diffusion_group_get_share (const DiffusionGroup *group, gint total, gint *first);

gboolean diffusion_group_end_sums (DiffusionGroup *group, GCancellable *cancellable, GError **error);

gboolean diffusion_group_sum (DiffusionGroup *group, gsize n, double *values, GCancellable *cancellable, GError **error);

gboolean diffusion_group_broadcast (DiffusionGroup *group, gsize bytes, gpointer data, GCancellable *cancellable,
                                    GError **error);

/**
 * diffusion_group_agree:
 * @ok: whether this process has succeeded; where not, @error is set already
 *
 * Returns: whether all have; %DIFFUSION_ERROR_ELSEWHERE where others have not
 */
gboolean diffusion_group_agree (DiffusionGroup *group, gboolean ok, GCancellable *cancellable, GError **error);

/**
 * diffusion_group_compare:
 * @text: what has to be the same everywhere: options, data
 *
 * Returns: %FALSE with %DIFFUSION_ERROR_INVALID, or %DIFFUSION_ERROR_ELSEWHERE, where a process has another text than
 *   process 0
 */
gboolean diffusion_group_compare (DiffusionGroup *group, const char *text, GCancellable *cancellable, GError **error);

G_END_DECLS
