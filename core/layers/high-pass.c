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
  gsize image = row / (gsize) h;
  gint y = (gint) (row % (gsize) h);
  const float *x = p->x + image * (gsize) h * (gsize) w * (gsize) c;
  const float *lines[2 * RADIUS + 1];
  float *out = p->y + row * (gsize) w * 2 * (gsize) c;
  float scale = p->scale[image];

  for (gint dy = -RADIUS; dy <= RADIUS; dy++)
    lines[dy + RADIUS] = x + (gsize) mirror (y + dy, h) * (gsize) w * (gsize) c;
  for (gint column = 0; column < w; column++, out += 2 * c)
    {
      gboolean inside = column >= RADIUS && column + RADIUS < w;

      for (gint k = 0; k < c; k++)
        {
          float sum = 0, value = lines[RADIUS][column * c + k];

          for (gint dx = -RADIUS; dx <= RADIUS; dx++)
            {
              gint at = (inside ? column + dx : mirror (column + dx, w)) * c + k;

              for (gint dy = 0; dy <= 2 * RADIUS; dy++)
                sum += lines[dy][at];
            }
          out[k] = value;
          out[c + k] = scale * (value - sum * (1.0f / ((2 * RADIUS + 1) * (2 * RADIUS + 1))));
        }
    }
}

static void
high_pass_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  HighPass p = { .shape = diffusion_exec_shape (exec, op->inputs[0]) };

  p.x = diffusion_exec_value (exec, op->inputs[0]);
  p.scale = diffusion_exec_value (exec, op->inputs[1]);
  p.y = diffusion_exec_value (exec, op->output);
  diffusion_parallel_for ((gsize) p.shape.n * (gsize) p.shape.h, high_pass_row, &p);
}

static const DiffusionOpClass high_pass_class = {
  .name = "high_pass",
  .forward = high_pass_forward,
};

DiffusionValue
diffusion_layer_high_pass (DiffusionGraph *graph, DiffusionValue x, DiffusionValue scale)
{
  DiffusionValue inputs[2] = { x, scale };
  DiffusionShape shape = diffusion_graph_shape (graph, x);

  shape.c *= 2;
  return diffusion_graph_add (graph, &high_pass_class, 2, inputs, 0, NULL, NULL, 0, shape);
}
