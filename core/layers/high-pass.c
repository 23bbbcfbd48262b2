/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture beside its own fine detail. */
#include "core/base/threads.h"
#include "core/layers/layers.h"

#define RADIUS 2

typedef struct
{
  DiffusionShape shape;
  const float *x, *scale;
  float *y;
  float *sums; /* [w, c] a worker: the five rows above each other */
} HighPass;

static gint
mirror (gint position, gint size)
{
  if (size == 1)
    return 0;
  while (position < 0 || position >= size)
    position = position < 0 ? -position : 2 * (size - 1) - position;
  return position;
}

static void
high_pass_row (gsize row, guint worker, gpointer data)
{
  const HighPass *p = data;
  gint h = p->shape.h, w = p->shape.w, c = p->shape.c;
  gsize image = row / (gsize) h, size = (gsize) w * (gsize) c;
  gint y = (gint) (row % (gsize) h);
  const float *x = p->x + image * (gsize) h * size;
  const float *restrict lines[2 * RADIUS + 1];
  float *restrict sums = p->sums + worker * size;
  float *out = p->y + row * 2 * size;
  const float scale = p->scale[image], mean = 1.0f / ((2 * RADIUS + 1) * (2 * RADIUS + 1));

  for (gint dy = -RADIUS; dy <= RADIUS; dy++)
    lines[dy + RADIUS] = x + (gsize) mirror (y + dy, h) * size;
  /* Columns first, so that each is summed once for the five pixels that want it. */
  for (gsize i = 0; i < size; i++)
    sums[i] = lines[0][i] + lines[1][i] + lines[2][i] + lines[3][i] + lines[4][i];
  for (gint column = 0; column < w; column++, out += 2 * c)
    {
      gboolean inside = column >= RADIUS && column + RADIUS < w;
      const float *around[2 * RADIUS + 1];

      for (gint dx = -RADIUS; dx <= RADIUS; dx++)
        around[dx + RADIUS] = sums + (inside ? column + dx : mirror (column + dx, w)) * c;
      for (gint k = 0; k < c; k++)
        {
          float sum = around[0][k] + around[1][k] + around[2][k] + around[3][k] + around[4][k];
          float value = lines[RADIUS][column * c + k];

          out[k] = value;
          out[c + k] = scale * (value - sum * mean);
        }
    }
}

static gsize
high_pass_scratch (const DiffusionOp *op, const DiffusionGraph *graph, gboolean backward)
{
  DiffusionShape shape = diffusion_graph_shape (graph, op->inputs[0]);

  return diffusion_get_threads () * (gsize) shape.w * (gsize) shape.c * sizeof (float);
}

static void
high_pass_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  HighPass p = { .shape = diffusion_exec_shape (exec, op->inputs[0]) };

  p.x = diffusion_exec_value (exec, op->inputs[0]);
  p.scale = diffusion_exec_value (exec, op->inputs[1]);
  p.y = diffusion_exec_value (exec, op->output);
  p.sums = diffusion_exec_scratch (exec);
  diffusion_parallel_for ((gsize) p.shape.n * (gsize) p.shape.h, high_pass_row, &p);
}

static const DiffusionOpClass high_pass_class = {
  .name = "high_pass",
  .forward = high_pass_forward,
  .scratch = high_pass_scratch,
};

DiffusionValue
diffusion_layer_high_pass (DiffusionGraph *graph, DiffusionValue x, DiffusionValue scale)
{
  DiffusionValue inputs[2] = { x, scale };
  DiffusionShape shape = diffusion_graph_shape (graph, x);

  shape.c *= 2;
  return diffusion_graph_add (graph, &high_pass_class, 2, inputs, 0, NULL, NULL, 0, shape);
}
