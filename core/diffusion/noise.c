/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The random numbers of a chain. */
#include "core/diffusion/noise.h"

#include <string.h>

#include "core/base/threads.h"
#include "core/diffusion/even-noise.h"

#define ROWS 16

typedef struct
{
  const DiffusionNoise *noise;
  guint32 purpose, step;
  gsize height, width, channels, strips;
  float *out;
} NoiseJob;

static void
noise_part (gsize index, guint worker, gpointer data)
{
  const NoiseJob *job = data;
  gsize picture = index / job->strips, row = index % job->strips * ROWS;
  DiffusionStream stream = { job->noise->same ? job->noise->seed : job->noise->seed + picture, job->purpose,
                             job->step };

  diffusion_random_normal_fill (&stream, job->noise->x, job->noise->y + (gint32) row, (gint) job->width,
                                (gint) MIN (ROWS, job->height - row), (gint) job->channels,
                                job->out + (picture * job->height + row) * job->width * job->channels);
}

void
diffusion_noise_fill (const DiffusionNoise *noise, guint32 purpose, guint32 step, gsize n, gsize height, gsize width,
                      gsize channels, float *out)
{
  gsize count = n * height * width * channels;
  NoiseJob job = { noise, purpose, step, height, width, channels, (height + ROWS - 1) / ROWS, out };

  if (purpose == DIFFUSION_PURPOSE_STEP && noise->steps != NULL && step < noise->count)
    {
      memcpy (out, noise->steps + step * count, count * sizeof (float));
      return;
    }
  diffusion_parallel_for (n * job.strips, noise_part, &job);
  for (gsize i = 0; i < n; i++)
    diffusion_even_noise (noise->window, height, width, channels, out + i * height * width * channels);
}
