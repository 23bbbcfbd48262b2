/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several processes that train one model together; what they say to each other. */
#include "core/training/group.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

#define DIGEST_BYTES 32

gboolean
diffusion_group_is_first (const DiffusionGroup *group)
{
  return group == NULL || group->rank == 0;
}

gint
diffusion_group_get_size (const DiffusionGroup *group)
{
  return group != NULL ? group->size : 1;
}

gint
diffusion_group_get_share (const DiffusionGroup *group, gint total, gint *first)
{
  gint64 rank = group != NULL ? group->rank : 0, size = diffusion_group_get_size (group);

  *first = (gint) (total * rank / size);
  return (gint) (total * (rank + 1) / size) - *first;
}

gboolean
diffusion_group_end_sums (DiffusionGroup *group, GCancellable *cancellable, GError **error)
{
  return group == NULL || group->end_sums (group, cancellable, error);
}

gboolean
diffusion_group_sum (DiffusionGroup *group, gsize n, double *values, GCancellable *cancellable, GError **error)
{
  return group == NULL || group->sum (group, n, values, cancellable, error);
}

gboolean
diffusion_group_broadcast (DiffusionGroup *group, gsize bytes, gpointer data, GCancellable *cancellable,
                           GError **error)
{
  return group == NULL || group->broadcast (group, bytes, data, cancellable, error);
}

gboolean
diffusion_group_agree (DiffusionGroup *group, gboolean ok, GCancellable *cancellable, GError **error)
{
  double failures = ok ? 0 : 1;

  if (!diffusion_group_sum (group, 1, &failures, cancellable, ok ? error : NULL))
    return FALSE;
  if (ok && failures > 0)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_ELSEWHERE, _ ("Another process of this training has failed"));
  return failures == 0;
}

gboolean
diffusion_group_compare (DiffusionGroup *group, const char *text, GCancellable *cancellable, GError **error)
{
  guint8 mine[DIGEST_BYTES], first[DIGEST_BYTES];
  gsize length = DIGEST_BYTES;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gboolean same;

  g_checksum_update (checksum, (const guint8 *) text, -1);
  g_checksum_get_digest (checksum, mine, &length);
  memcpy (first, mine, DIGEST_BYTES);
  if (!diffusion_group_broadcast (group, DIGEST_BYTES, first, cancellable, error))
    return FALSE;
  same = memcmp (mine, first, DIGEST_BYTES) == 0;
  if (!same)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                 _ ("Process %d of this training has other options or other data than process 0: %s"), group->rank,
                 text);
  return diffusion_group_agree (group, same, cancellable, error);
}
