/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pixels to channels and back. */
#include "core/base/threads.h"
#include "core/layers/layers.h"

typedef struct
{
  gint factor;
  gboolean to_channels;
} ShuffleAttributes;

typedef struct
{
  DiffusionShape fine, coarse; /* [n, f·h, f·w, c] and [n, h, w, f²·c] */
  gint factor;
  gboolean to_channels;
  const float *in;
  float *out;
  float beta;
} Shuffle;

/* One row of coarse pixels; constants after inlining where @f is 2. */
static inline __attribute__ ((always_inline)) void
shuffle_row (const gsize f, const gboolean to_channels, const gboolean add, const Shuffle *s, gsize row)
{
  const float *restrict in = s->in;
  float *restrict out = s->out;
  const gsize c = (gsize) s->fine.c, w = (gsize) s->coarse.w, line = w * f * c;
  const gsize coarse_row = row * line * f, fine_row = coarse_row;

  for (gsize x = 0; x < w; x++)
    for (gsize k = 0; k < c; k++)
      for (gsize dy = 0; dy < f; dy++)
        for (gsize dx = 0; dx < f; dx++)
          {
            gsize coarse = coarse_row + x * f * f * c + (k * f + dy) * f + dx;
            gsize fine = fine_row + dy * line + (x * f + dx) * c + k;
            gsize to = to_channels ? coarse : fine, from = to_channels ? fine : coarse;

            out[to] = add ? out[to] + in[from] : in[from];
          }
}

static void
shuffle_part (gsize row, guint worker, gpointer data)
{
  const Shuffle *s = data;

  if (s->factor == 2 && s->beta == 0 && s->to_channels)
    shuffle_row (2, TRUE, FALSE, s, row);
  else if (s->factor == 2 && s->beta == 0)
    shuffle_row (2, FALSE, FALSE, s, row);
  else
    shuffle_row ((gsize) s->factor, s->to_channels, s->beta != 0, s, row);
}

static void
run_shuffle (const DiffusionOp *op, DiffusionExec *exec, gboolean backward)
{
  const ShuffleAttributes *attributes = op->attributes;
  DiffusionShape in = diffusion_exec_shape (exec, op->inputs[0]), out = diffusion_exec_shape (exec, op->output);
  Shuffle s = { .factor = attributes->factor, .to_channels = attributes->to_channels != backward };

  s.fine = attributes->to_channels ? in : out;
  s.coarse = attributes->to_channels ? out : in;
  if (backward)
    {
      s.in = diffusion_exec_gradient (exec, op->output);
      s.out = diffusion_exec_input_gradient (exec, op, 0, &s.beta);
    }
  else
    {
      s.in = diffusion_exec_value (exec, op->inputs[0]);
      s.out = diffusion_exec_value (exec, op->output);
    }
  if (s.out != NULL)
    diffusion_parallel_for ((gsize) s.coarse.n * (gsize) s.coarse.h, shuffle_part, &s);
}

static void
shuffle_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  run_shuffle (op, exec, FALSE);
}

static void
shuffle_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  run_shuffle (op, exec, TRUE);
}

static const DiffusionOpClass shuffle_class = {
  .name = "pixel_shuffle",
  .forward = shuffle_forward,
  .backward = shuffle_backward,
};

DiffusionValue
diffusion_layer_pixel_shuffle (DiffusionGraph *graph, DiffusionValue x, gint factor)
{
  ShuffleAttributes attributes = { factor, FALSE };
  DiffusionShape shape = diffusion_graph_shape (graph, x);

  shape.h *= factor;
  shape.w *= factor;
  shape.c /= factor * factor;
  return diffusion_graph_add (graph, &shuffle_class, 1, &x, 0, NULL, &attributes, sizeof attributes, shape);
}

DiffusionValue
diffusion_layer_pixel_unshuffle (DiffusionGraph *graph, DiffusionValue x, gint factor)
{
  ShuffleAttributes attributes = { factor, TRUE };
  DiffusionShape shape = diffusion_graph_shape (graph, x);

  shape.h /= factor;
  shape.w /= factor;
  shape.c *= factor * factor;
  return diffusion_graph_add (graph, &shuffle_class, 1, &x, 0, NULL, &attributes, sizeof attributes, shape);
}
