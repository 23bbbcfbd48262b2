/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise levels over a picture whose parts have different noise. */
#include "core/imaging/noise-map.h"

void
diffusion_noise_map_init_even (DiffusionNoiseMap *self, double sigma)
{
  *self = (DiffusionNoiseMap) { .columns = 1, .rows = 1, .n_levels = 1, .sigmas = { sigma } };
}

/* The last node at or before @at, or the first one. */
static gint
node_before (const gint *nodes, gint n, gint at)
{
  gint i = 0;

  while (i + 1 < n && nodes[i + 1] <= at)
    i++;
  return i;
}

/* The node after it that counts at @at too, and how much. */
static gint
node_after (const gint *nodes, gint n, gint before, gint at, float *share)
{
  if (before + 1 >= n || at <= nodes[before])
    {
      *share = 0;
      return before;
    }
  *share = (float) (at - nodes[before]) / (float) (nodes[before + 1] - nodes[before]);
  return before + 1;
}

/* Pixels from @from to @to − 1 that node @i counts for. */
static void
node_reach (const gint *nodes, gint n, gint i, gint *from, gint *to)
{
  if (i > 0)
    *from = MAX (*from, nodes[i - 1] + 1);
  if (i + 1 < n)
    *to = MIN (*to, nodes[i + 1]);
}

gboolean
diffusion_noise_map_find (const DiffusionNoiseMap *self, gint level, const gint *region, gint *part)
{
  gint left = G_MAXINT, right = G_MININT, top = G_MAXINT, bottom = G_MININT;

  for (gint j = 0; j < self->rows; j++)
    for (gint i = 0; i < self->columns; i++)
      {
        gint x0 = region[0], x1 = region[0] + region[2], y0 = region[1], y1 = region[1] + region[3];

        if (self->levels[j * self->columns + i] != level)
          continue;
        node_reach (self->x, self->columns, i, &x0, &x1);
        node_reach (self->y, self->rows, j, &y0, &y1);
        if (x0 >= x1 || y0 >= y1)
          continue;
        left = MIN (left, x0);
        right = MAX (right, x1);
        top = MIN (top, y0);
        bottom = MAX (bottom, y1);
      }
  if (left >= right)
    return FALSE;
  part[0] = left;
  part[1] = top;
  part[2] = right - left;
  part[3] = bottom - top;
  return TRUE;
}

/* a + f·(b − a) is exactly a where a = b. */
static inline float
between (float a, float b, float share)
{
  return a + share * (b - a);
}

void
diffusion_noise_map_weigh (const DiffusionNoiseMap *self, gint level, gint y, gint x, gint n, float *weights)
{
  float down, across;
  const gint upper = node_before (self->y, self->rows, y);
  const gint lower = node_after (self->y, self->rows, upper, y, &down);
  const guint8 *first = self->levels + upper * self->columns, *second = self->levels + lower * self->columns;

  for (gint k = 0, i = node_before (self->x, self->columns, x); k < n; k++)
    {
      gint j;

      while (i + 1 < self->columns && self->x[i + 1] <= x + k)
        i++;
      j = node_after (self->x, self->columns, i, x + k, &across);
      weights[k] = between (between (first[i] == level, first[j] == level, across),
                            between (second[i] == level, second[j] == level, across), down);
    }
}

void
diffusion_noise_map_range (const DiffusionNoiseMap *self, double *least, double *most)
{
  *least = *most = self->sigmas[0];
  for (gint i = 1; i < self->n_levels; i++)
    {
      *least = MIN (*least, self->sigmas[i]);
      *most = MAX (*most, self->sigmas[i]);
    }
}

/* Pixels that are nearer to node @i than to others. */
static double
node_share (const gint *nodes, gint n, gint i, gint size)
{
  double from = i > 0 ? (nodes[i - 1] + nodes[i]) / 2.0 : 0, to = i + 1 < n ? (nodes[i] + nodes[i + 1]) / 2.0 : size;

  return to - from;
}

double
diffusion_noise_map_mean (const DiffusionNoiseMap *self, gint width, gint height)
{
  double sum = 0;

  if (self->n_levels == 1)
    return self->sigmas[0];
  for (gint j = 0; j < self->rows; j++)
    for (gint i = 0; i < self->columns; i++)
      sum += self->sigmas[self->levels[j * self->columns + i]] * node_share (self->x, self->columns, i, width)
             * node_share (self->y, self->rows, j, height);
  return sum / ((double) width * height);
}
