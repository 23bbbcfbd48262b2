/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures read and written by rectangles; the one that lives in a block of memory. */
#include "core/imaging/picture.h"

#include <string.h>

typedef struct
{
  DiffusionPicture picture;
  const float *in;
  float *out;
} MemoryPicture;

void
diffusion_picture_free (DiffusionPicture *picture)
{
  if (picture != NULL && picture->destroy != NULL)
    picture->destroy (picture);
}

static gboolean
memory_read (DiffusionPicture *picture, gint x, gint y, gint width, gint height, float *out, GError **error)
{
  const float *pixels = ((MemoryPicture *) picture)->in;
  gsize channels = (gsize) picture->channels;

  for (gint row = 0; row < height; row++)
    memcpy (out + (gsize) row * (gsize) width * channels,
            pixels + ((gsize) (y + row) * (gsize) picture->width + (gsize) x) * channels,
            (gsize) width * channels * sizeof (float));
  return TRUE;
}

static gboolean
memory_write (DiffusionPicture *picture, gint x, gint y, gint width, gint height, const float *in, GError **error)
{
  float *pixels = ((MemoryPicture *) picture)->out;
  gsize channels = (gsize) picture->channels;

  for (gint row = 0; row < height; row++)
    memcpy (pixels + ((gsize) (y + row) * (gsize) picture->width + (gsize) x) * channels,
            in + (gsize) row * (gsize) width * channels, (gsize) width * channels * sizeof (float));
  return TRUE;
}

static void
memory_destroy (DiffusionPicture *picture)
{
  g_free (picture);
}

DiffusionPicture *
diffusion_picture_new_memory (gint width, gint height, gint channels, const float *in, float *out)
{
  MemoryPicture *memory = g_new0 (MemoryPicture, 1);

  memory->picture = (DiffusionPicture) { .width = width, .height = height, .channels = channels, .bits = 32,
                                         .read = memory_read, .write = out != NULL ? memory_write : NULL, .destroy = memory_destroy };
  memory->in = in;
  memory->out = out;
  return &memory->picture;
}
