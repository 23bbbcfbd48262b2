/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures read and written by rectangles; the one that lives in a block of memory. */
#include "core/imaging/picture.h"

#include <math.h>
#include <string.h>

#include "core/base/i18n.h"
#include "core/base/memory.h"

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

gint
diffusion_picture_reflect (gint i, gint n)
{
  gint period = MAX (2 * (n - 1), 1);

  i %= period;
  if (i < 0)
    i += period;
  return i < n ? i : period - i;
}

/* The range that reflected positions from @from to @to − 1 lie in. */
static void
find_range (gint from, gint to, gint n, gint *first, gint *last)
{
  *first = n - 1;
  *last = 0;
  for (gint i = from; i < to; i++)
    {
      gint at = diffusion_picture_reflect (i, n);

      *first = MIN (*first, at);
      *last = MAX (*last, at);
    }
}

/* Samples of the rectangle as far as it lies in the picture, or is reflected into it, and where they belong. */
typedef struct
{
  gint left, top;
  gsize stride;
  float *samples;
} Part;

static gboolean
read_part (DiffusionPicture *picture, gint x, gint y, gint width, gint height, gboolean alpha, Part *part, GError **error)
{
  const gsize channels = alpha ? 1 : (gsize) picture->channels;
  gint right, bottom;

  find_range (x, x + width, picture->width, &part->left, &right);
  find_range (y, y + height, picture->height, &part->top, &bottom);
  part->stride = (gsize) (right - part->left + 1) * channels;
  part->samples = diffusion_try_alloc ((gsize) (bottom - part->top + 1) * part->stride * sizeof (float),
                                       _ ("a part of the picture"), error);
  return part->samples != NULL
         && (alpha ? picture->read_alpha : picture->read) (picture, part->left, part->top, right - part->left + 1,
                                                           bottom - part->top + 1, part->samples, error);
}

gboolean
diffusion_picture_read_around (DiffusionPicture *picture, gint x, gint y, gint width, gint height, float *out,
                               GError **error)
{
  const gsize channels = (gsize) picture->channels;
  Part part;
  gboolean read = read_part (picture, x, y, width, height, FALSE, &part, error);

  for (gint row = 0; read && row < height; row++)
    for (gint column = 0; column < width; column++)
      {
        const float *pixel = part.samples
                             + (gsize) (diffusion_picture_reflect (y + row, picture->height) - part.top) * part.stride
                             + (gsize) (diffusion_picture_reflect (x + column, picture->width) - part.left) * channels;

        for (gsize c = 0; c < 3; c++)
          {
            float value = pixel[channels == 3 ? c : 0];

            *out++ = isfinite (value) ? value : 0;
          }
      }
  diffusion_free (part.samples);
  return read;
}

gboolean
diffusion_picture_read_alpha_around (DiffusionPicture *picture, gint x, gint y, gint width, gint height, float *out,
                                     GError **error)
{
  Part part;
  gboolean read;

  if (picture->read_alpha == NULL)
    {
      for (gsize i = 0; i < (gsize) width * (gsize) height; i++)
        out[i] = 1;
      return TRUE;
    }
  read = read_part (picture, x, y, width, height, TRUE, &part, error);
  for (gint row = 0; read && row < height; row++)
    for (gint column = 0; column < width; column++)
      *out++ = part.samples[(gsize) (diffusion_picture_reflect (y + row, picture->height) - part.top) * part.stride
                            + (gsize) (diffusion_picture_reflect (x + column, picture->width) - part.left)];
  diffusion_free (part.samples);
  return read;
}
