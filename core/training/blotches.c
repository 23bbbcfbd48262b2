/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/training/blotches.h"

#include <math.h>
#include <string.h>

#define FINEST_CELL 4

/* Corners beside position, and their weights: smooth steps, so that no cell shows its edges. */
static gint
corners (float position, float weights[2])
{
  gint corner = (gint) position;
  float t = position - (float) corner;

  weights[1] = t * t * (3 - 2 * t);
  weights[0] = 1 - weights[1];
  return corner;
}

static void
add_octave (const DiffusionStream *stream, gint channel, gint cell, float weight, gint height, gint width, float *out)
{
  /* Where the cells begin is chance too; four numbers come from one block. */
  const gint tall = height / cell + 3, wide = (width / cell + 3 + 3) / 4 * 4;
  const float shift_x = (float) diffusion_random_uniform (stream, 0, 0, channel + 1);
  const float shift_y = (float) diffusion_random_uniform (stream, 1, 0, channel + 1);
  g_autofree float *lattice = g_new (float, (gsize) tall * (gsize) wide);
  DiffusionStream field = *stream;

  field.seed += 0x9E3779B97F4A7C15u * (guint64) channel;
  diffusion_random_normal_fill (&field, 0, 0, wide / 4, tall, 4, lattice);
  for (gint y = 0; y < height; y++)
    {
      float down[2];
      const float *row = lattice + (gsize) corners ((float) y / (float) cell + shift_y, down) * (gsize) wide;

      for (gint x = 0; x < width; x++)
        {
          float across[2];
          const float *corner = row + corners ((float) x / (float) cell + shift_x, across);
          float value = down[0] * (across[0] * corner[0] + across[1] * corner[1])
                        + down[1] * (across[0] * corner[wide] + across[1] * corner[wide + 1]);

          /* Of variance 1 between the corners too. */
          out[(gsize) y * (gsize) width + (gsize) x]
            += weight * value
               / sqrtf ((down[0] * down[0] + down[1] * down[1]) * (across[0] * across[0] + across[1] * across[1]));
        }
    }
}

void
diffusion_blotches_fill (const DiffusionStream *stream, gint channel, const float *weights, gint height, gint width,
                         float *out)
{
  float square = 0;

  for (gint k = 0; k < DIFFUSION_BLOTCH_OCTAVES; k++)
    square += weights[k] * weights[k];
  memset (out, 0, (gsize) height * (gsize) width * sizeof *out);
  for (gint k = 0; k < DIFFUSION_BLOTCH_OCTAVES; k++)
    add_octave (stream, channel + 2 * k, FINEST_CELL << k, weights[k] / sqrtf (square), height, width, out);
}
