/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers that work value by value: SiLU, ReLU, scaling, addition, the simple gate. */
#include <string.h>

#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"
#include "core/layers/parts.h"

#define PART_VALUES 65536

/* A run of values split into parts, and the pointers that a part needs. */
typedef struct
{
  gsize size;
  gsize c;
  const float *a, *b, *dy;
  float *y, *dx;
  float beta, factor;
} Run;

static void
for_parts (Run *run, DiffusionParallelFunc func)
{
  diffusion_parallel_for (diffusion_n_parts (run->size, PART_VALUES), func, run);
}

static gsize
part_size (const Run *run, gsize index)
{
  return MIN (PART_VALUES, run->size - index * PART_VALUES);
}

static void
silu_part (gsize index, guint worker, gpointer data)
{
  const Run *run = data;
  gsize first = index * PART_VALUES;

  diffusion_kernels ()->silu (part_size (run, index), run->a + first, run->y + first);
}

static void
silu_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  Run run = { .size = diffusion_shape_size (diffusion_exec_shape (exec, op->output)) };

  run.a = diffusion_exec_value (exec, op->inputs[0]);
  run.y = diffusion_exec_value (exec, op->output);
  for_parts (&run, silu_part);
}

#define BLOCK 1024

static void
silu_backward_part (gsize index, guint worker, gpointer data)
{
  const Run *run = data;
  gsize begin = index * PART_VALUES, end = begin + part_size (run, index);

  for (gsize first = begin; first < end; first += BLOCK)
    {
      gsize n = MIN (BLOCK, end - first);
      float block[BLOCK];
      float *dx = run->beta != 0 ? block : run->dx + first;

      diffusion_kernels ()->silu_backward (n, run->a + first, run->dy + first, dx);
      if (run->beta != 0)
        diffusion_kernels ()->add (n, run->dx + first, block, run->dx + first);
    }
}

static void
silu_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  Run run = { .size = diffusion_shape_size (diffusion_exec_shape (exec, op->output)) };

  run.a = diffusion_exec_value (exec, op->inputs[0]);
  run.dy = diffusion_exec_gradient (exec, op->output);
  run.dx = diffusion_exec_input_gradient (exec, op, 0, &run.beta);
  if (run.dx != NULL)
    for_parts (&run, silu_backward_part);
}

static const DiffusionOpClass silu_class = {
  .name = "silu",
  .forward = silu_forward,
  .backward = silu_backward,
  .keeps = DIFFUSION_KEEPS_INPUT_0,
};

DiffusionValue
diffusion_layer_silu (DiffusionGraph *graph, DiffusionValue x)
{
  return diffusion_graph_add (graph, &silu_class, 1, &x, 0, NULL, NULL, 0, diffusion_graph_shape (graph, x));
}

typedef struct
{
  float factor;
} ScaleAttributes;

static void
scale_part (gsize index, guint worker, gpointer data)
{
  const Run *run = data;
  gsize first = index * PART_VALUES;

  if (run->beta != 0)
    diffusion_kernels ()->add_scaled (part_size (run, index), run->factor, run->a + first, run->y + first);
  else
    diffusion_kernels ()->scale (part_size (run, index), run->factor, run->a + first, run->y + first);
}

static void
scale_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  const ScaleAttributes *attributes = op->attributes;
  Run run = { .size = diffusion_shape_size (diffusion_exec_shape (exec, op->output)), .factor = attributes->factor };

  run.a = diffusion_exec_value (exec, op->inputs[0]);
  run.y = diffusion_exec_value (exec, op->output);
  for_parts (&run, scale_part);
}

static void
scale_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  const ScaleAttributes *attributes = op->attributes;
  Run run = { .size = diffusion_shape_size (diffusion_exec_shape (exec, op->output)), .factor = attributes->factor };

  run.a = diffusion_exec_gradient (exec, op->output);
  run.y = diffusion_exec_input_gradient (exec, op, 0, &run.beta);
  if (run.y != NULL)
    for_parts (&run, scale_part);
}

static const DiffusionOpClass scale_class = {
  .name = "scale",
  .forward = scale_forward,
  .backward = scale_backward,
};

DiffusionValue
diffusion_layer_scale (DiffusionGraph *graph, DiffusionValue x, double factor)
{
  ScaleAttributes attributes = { (float) factor };

  if (factor == 1)
    return x;
  return diffusion_graph_add (graph, &scale_class, 1, &x, 0, NULL, &attributes, sizeof attributes,
                              diffusion_graph_shape (graph, x));
}

static void
relu_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  gsize size = diffusion_shape_size (diffusion_exec_shape (exec, op->output));
  const float *x = diffusion_exec_value (exec, op->inputs[0]);
  float *y = diffusion_exec_value (exec, op->output);

  for (gsize k = 0; k < size; k++)
    y[k] = x[k] > 0 ? x[k] : 0;
}

static void
relu_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  gsize size = diffusion_shape_size (diffusion_exec_shape (exec, op->output));
  const float *x = diffusion_exec_value (exec, op->inputs[0]);
  const float *dy = diffusion_exec_gradient (exec, op->output);
  float beta, *dx = diffusion_exec_input_gradient (exec, op, 0, &beta);

  for (gsize k = 0; k < size && dx != NULL; k++)
    {
      float value = x[k] > 0 ? dy[k] : 0;

      dx[k] = beta != 0 ? dx[k] + value : value;
    }
}

static const DiffusionOpClass relu_class = {
  .name = "relu",
  .forward = relu_forward,
  .backward = relu_backward,
  .keeps = DIFFUSION_KEEPS_INPUT_0,
};

DiffusionValue
diffusion_layer_relu (DiffusionGraph *graph, DiffusionValue x)
{
  return diffusion_graph_add (graph, &relu_class, 1, &x, 0, NULL, NULL, 0, diffusion_graph_shape (graph, x));
}

static void
add_part (gsize index, guint worker, gpointer data)
{
  const Run *run = data;
  gsize first = index * PART_VALUES;

  diffusion_kernels ()->add (part_size (run, index), run->a + first, run->b + first, run->y + first);
}

static void
add_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  Run run = { .size = diffusion_shape_size (diffusion_exec_shape (exec, op->output)) };

  run.a = diffusion_exec_value (exec, op->inputs[0]);
  run.b = diffusion_exec_value (exec, op->inputs[1]);
  run.y = diffusion_exec_value (exec, op->output);
  for_parts (&run, add_part);
}

static void
add_gradient_part (gsize index, guint worker, gpointer data)
{
  const Run *run = data;
  gsize first = index * PART_VALUES;

  if (run->beta != 0)
    diffusion_kernels ()->add (part_size (run, index), run->dx + first, run->dy + first, run->dx + first);
  else
    memcpy (run->dx + first, run->dy + first, part_size (run, index) * sizeof (float));
}

static void
add_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  Run run = { .size = diffusion_shape_size (diffusion_exec_shape (exec, op->output)) };

  run.dy = diffusion_exec_gradient (exec, op->output);
  run.dx = diffusion_exec_input_gradient (exec, op, 0, &run.beta);
  if (run.dx != NULL)
    for_parts (&run, add_gradient_part);
}

/* The second summand is the one whose gradient may share the output's memory. */
static const DiffusionOpClass add_class = {
  .name = "add",
  .forward = add_forward,
  .backward = add_backward,
  .adds_input = 2,
};

DiffusionValue
diffusion_layer_add (DiffusionGraph *graph, DiffusionValue a, DiffusionValue b)
{
  DiffusionValue inputs[2] = { a, b };

  return diffusion_graph_add (graph, &add_class, 2, inputs, 0, NULL, NULL, 0, diffusion_graph_shape (graph, a));
}

static gsize
gate_rows (const Run *run)
{
  return MAX (1, PART_VALUES / run->c);
}

static void
gate_part (gsize index, guint worker, gpointer data)
{
  const Run *run = data;
  gsize first = index * gate_rows (run), n = MIN (gate_rows (run), run->size - first);

  diffusion_kernels ()->gate (n, run->c, run->a + first * 2 * run->c, run->y + first * run->c);
}

static void
gate_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->output);
  Run run = { .size = diffusion_shape_pixels (shape), .c = (gsize) shape.c };

  run.a = diffusion_exec_value (exec, op->inputs[0]);
  run.y = diffusion_exec_value (exec, op->output);
  diffusion_parallel_for (diffusion_n_parts (run.size, gate_rows (&run)), gate_part, &run);
}

static void
gate_backward_part (gsize index, guint worker, gpointer data)
{
  const Run *run = data;
  gsize first = index * gate_rows (run), n = MIN (gate_rows (run), run->size - first);

  diffusion_kernels ()->gate_backward (n, run->c, run->a + first * 2 * run->c, run->dy + first * run->c,
                                       run->y + first * 2 * run->c);
  if (run->y != run->dx)
    diffusion_kernels ()->add (n * 2 * run->c, run->dx + first * 2 * run->c, run->y + first * 2 * run->c,
                               run->dx + first * 2 * run->c);
}

static void
gate_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->output);
  Run run = { .size = diffusion_shape_pixels (shape), .c = (gsize) shape.c };

  run.a = diffusion_exec_value (exec, op->inputs[0]);
  run.dy = diffusion_exec_gradient (exec, op->output);
  run.dx = diffusion_exec_input_gradient (exec, op, 0, &run.beta);
  run.y = run.beta != 0 ? diffusion_exec_scratch (exec) : run.dx;
  if (run.dx != NULL)
    diffusion_parallel_for (diffusion_n_parts (run.size, gate_rows (&run)), gate_backward_part, &run);
}

static gsize
gate_scratch (const DiffusionOp *op, const DiffusionGraph *graph, gboolean backward)
{
  return backward ? diffusion_shape_size (diffusion_graph_shape (graph, op->inputs[0])) * sizeof (float) : 0;
}

static const DiffusionOpClass gate_class = {
  .name = "gate",
  .forward = gate_forward,
  .backward = gate_backward,
  .scratch = gate_scratch,
  .keeps = DIFFUSION_KEEPS_INPUT_0,
};

DiffusionValue
diffusion_layer_gate (DiffusionGraph *graph, DiffusionValue x)
{
  DiffusionShape shape = diffusion_graph_shape (graph, x);

  shape.c /= 2;
  return diffusion_graph_add (graph, &gate_class, 1, &x, 0, NULL, NULL, 0, shape);
}
