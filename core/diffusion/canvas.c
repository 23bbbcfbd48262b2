/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The area a chain works on. */
#include "core/diffusion/canvas.h"

#include <string.h>

static gsize
canvas_length (const DiffusionPredictor *predictor, gboolean circular, gsize length)
{
  gsize multiple = MAX (1, predictor->multiple);

  if (circular)
    return length;
  if (predictor->native > 0)
    return MAX (length, predictor->native);
  return (length + multiple - 1) / multiple * multiple;
}

void
diffusion_canvas_init (DiffusionCanvas *canvas, const DiffusionPredictor *predictor, gboolean circular, gsize height,
                       gsize width)
{
  canvas->inner_height = height;
  canvas->inner_width = width;
  canvas->height = canvas_length (predictor, circular, height);
  canvas->width = canvas_length (predictor, circular, width);
  canvas->top = (canvas->height - height) / 2;
  canvas->left = (canvas->width - width) / 2;
}

gboolean
diffusion_canvas_is_padded (const DiffusionCanvas *canvas)
{
  return canvas->height != canvas->inner_height || canvas->width != canvas->inner_width;
}

gsize
diffusion_reflect_index (gssize at, gsize length)
{
  gssize period = 2 * (gssize) length - 2;

  if (length == 1)
    return 0;
  at = ((at % period) + period) % period;
  return (gsize) (at < (gssize) length ? at : period - at);
}

void
diffusion_canvas_pad (const DiffusionCanvas *canvas, const float *picture, gsize n, gsize channels, float *out)
{
  for (gsize row = 0; row < n * canvas->height; row++)
    {
      gsize inside = diffusion_reflect_index ((gssize) (row % canvas->height) - (gssize) canvas->top,
                                              canvas->inner_height);
      const float *line =
          picture + (row / canvas->height * canvas->inner_height + inside) * canvas->inner_width * channels;

      for (gsize column = 0; column < canvas->width; column++, out += channels)
        {
          gsize at = diffusion_reflect_index ((gssize) column - (gssize) canvas->left, canvas->inner_width);

          memcpy (out, line + at * channels, channels * sizeof (float));
        }
    }
}

void
diffusion_canvas_crop (const DiffusionCanvas *canvas, const float *padded, gsize n, gsize channels, float *out)
{
  gsize line = canvas->inner_width * channels;

  for (gsize i = 0; i < n; i++)
    for (gsize row = 0; row < canvas->inner_height; row++, out += line)
      memcpy (out, padded + ((i * canvas->height + canvas->top + row) * canvas->width + canvas->left) * channels,
              line * sizeof (float));
}
