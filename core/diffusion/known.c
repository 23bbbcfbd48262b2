/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Known pixels. */
#include "core/diffusion/known.h"

void
diffusion_known_paste (const DiffusionKnown *known, const float *level, gsize n, gsize pixels, gsize channels, float *x)
{
  const float *from = level != NULL ? level : known->picture;

  for (gsize i = 0; i < n; i++)
    for (gsize p = 0; p < pixels; p++)
      {
        float free = known->mask[p];
        gsize at = (i * pixels + p) * channels;

        /* Noise mixed with other noise would be weaker than the network expects. */
        if (free >= 1.0f || (level != NULL && free > 0.0f))
          continue;
        for (gsize c = at; c < at + channels; c++)
          x[c] = free > 0.0f ? free * x[c] + (1.0f - free) * from[c] : from[c];
      }
}

gssize *
diffusion_known_path (const DiffusionKnown *known, gsize steps, gsize *count)
{
  gsize length = known != NULL && known->jump_count > 1 ? known->jump_length : 0;
  GArray *path = g_array_new (FALSE, FALSE, sizeof (gssize));
  g_autofree guint *jumps = g_new0 (guint, steps);
  gssize at = (gssize) steps - 1;

  /* Jumps start at the multiples of their length and may not pass the first level. */
  for (gsize i = 0; length > 0 && i + length < steps; i += length)
    jumps[i] = known->jump_count - 1;
  g_array_append_val (path, at);
  while (at >= 0)
    {
      if (jumps[at] > 0)
        {
          jumps[at]--;
          for (gsize k = 0; k < length; k++)
            {
              at++;
              g_array_append_val (path, at);
            }
        }
      at--;
      g_array_append_val (path, at);
    }
  *count = path->len;
  return (gssize *) g_array_free (path, FALSE);
}
