/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bilinear interpolation. */
#include "core/imaging/resize.h"

#include <math.h>

#include "core/base/threads.h"

typedef struct
{
  gsize h, w, c, out_h, out_w;
  const float *in;
  float *out;
} Resize;

/* The two neighbours of output position @at, and how far it is from the first to the second. */
static float
neighbours (gsize at, gsize size, gsize out_size, gsize *first, gsize *second)
{
  float position = ((float) at + 0.5f) * ((float) size / (float) out_size) - 0.5f;

  position = MAX (position, 0);
  *first = MIN ((gsize) position, size - 1);
  *second = MIN (*first + 1, size - 1);
  return position - (float) *first;
}

static void
resize_row (gsize row, guint worker, gpointer data)
{
  const Resize *r = data;
  gsize top, bottom, left, right, line = r->w * r->c;
  float down = neighbours (row % r->out_h, r->h, r->out_h, &top, &bottom);
  const float *image = r->in + row / r->out_h * r->h * line;
  float *out = r->out + row * r->out_w * r->c;

  for (gsize x = 0; x < r->out_w; x++)
    {
      float across = neighbours (x, r->w, r->out_w, &left, &right);

      for (gsize i = 0; i < r->c; i++)
        {
          float upper = (1 - across) * image[top * line + left * r->c + i] + across * image[top * line + right * r->c + i];
          float lower
            = (1 - across) * image[bottom * line + left * r->c + i] + across * image[bottom * line + right * r->c + i];

          *out++ = (1 - down) * upper + down * lower;
        }
    }
}

void
diffusion_resize_bilinear (gsize n, gsize h, gsize w, gsize c, const float *in, gsize out_h, gsize out_w, float *out)
{
  Resize resize = { h, w, c, out_h, out_w, in, out };

  diffusion_parallel_for (n * out_h, resize_row, &resize);
}
