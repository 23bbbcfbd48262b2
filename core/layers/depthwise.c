/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Depthwise 3×3 convolution followed by the simple gate, row by row, so that what lies between stays in cache. */
#include <string.h>

#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"
#include "core/layers/parts.h"

/* Rows of all images in one slice of the weights' gradient. */
#define SLICE_ROWS 64

typedef struct
{
  DiffusionShape shape; /* of the input: c = 2·channels */
  const float *x, *weight, *bias, *dy;
  float *y, *dx;
  float beta;
  float *between;  /* [n, h, w, 2c]: gradient of the convolution's output */
  float *rows;     /* one row a worker */
  float *partial;  /* [slices, 10, 2c] */
  const float *mirrored;
} Depthwise;

static gsize
row_size (DiffusionShape shape)
{
  return (gsize) shape.w * (gsize) shape.c;
}

/* The rows above, at and below @row of its image; %NULL outside. */
static void
neighbours (DiffusionShape shape, const float *values, gsize row, const float *rows[3])
{
  gint y = (gint) (row % (gsize) shape.h);
  const float *at = values + row * row_size (shape);

  rows[0] = y > 0 ? at - row_size (shape) : NULL;
  rows[1] = at;
  rows[2] = y + 1 < shape.h ? at + row_size (shape) : NULL;
}

static void
forward_part (gsize row, guint worker, gpointer data)
{
  const Depthwise *d = data;
  gsize w = (gsize) d->shape.w, c = (gsize) d->shape.c;
  float *between = d->rows + worker * row_size (d->shape);
  const float *rows[3];

  neighbours (d->shape, d->x, row, rows);
  diffusion_kernels ()->depthwise_row (w, c, rows, d->weight, d->bias, between);
  diffusion_kernels ()->gate (w, c / 2, between, d->y + row * w * (c / 2));
}

static void
gate_gradient_part (gsize row, guint worker, gpointer data)
{
  const Depthwise *d = data;
  gsize w = (gsize) d->shape.w, c = (gsize) d->shape.c;
  float *between = d->rows + worker * row_size (d->shape);
  const float *rows[3];

  neighbours (d->shape, d->x, row, rows);
  diffusion_kernels ()->depthwise_row (w, c, rows, d->weight, d->bias, between);
  diffusion_kernels ()->gate_backward (w, c / 2, between, d->dy + row * w * (c / 2),
                                       d->between + row * row_size (d->shape));
}

static void
input_gradient_part (gsize row, guint worker, gpointer data)
{
  const Depthwise *d = data;
  gsize w = (gsize) d->shape.w, c = (gsize) d->shape.c;
  float *dx = d->dx + row * row_size (d->shape);
  float *out = d->beta != 0 ? d->rows + worker * row_size (d->shape) : dx;
  const float *rows[3];

  neighbours (d->shape, d->between, row, rows);
  diffusion_kernels ()->depthwise_row (w, c, rows, d->mirrored, NULL, out);
  if (d->beta != 0)
    diffusion_kernels ()->add (row_size (d->shape), dx, out, dx);
}

static void
weight_gradient_part (gsize slice, guint worker, gpointer data)
{
  const Depthwise *d = data;
  gsize c = (gsize) d->shape.c;
  gsize n_rows = (gsize) d->shape.n * (gsize) d->shape.h;
  float *partial = d->partial + slice * 10 * c;

  memset (partial, 0, 10 * c * sizeof (float));
  for (gsize row = slice * SLICE_ROWS; row < MIN ((slice + 1) * SLICE_ROWS, n_rows); row++)
    {
      const float *rows[3];

      neighbours (d->shape, d->x, row, rows);
      diffusion_kernels ()->depthwise_row_weights ((gsize) d->shape.w, c, rows, d->between + row * row_size (d->shape),
                                                   partial, partial + 9 * c);
    }
}

static gsize
n_slices (DiffusionShape shape)
{
  return diffusion_n_parts ((gsize) shape.n * (gsize) shape.h, SLICE_ROWS);
}

static gsize
depthwise_scratch (const DiffusionOp *op, const DiffusionGraph *graph, gboolean backward)
{
  DiffusionShape shape = diffusion_graph_shape (graph, op->inputs[0]);
  gsize size = diffusion_get_threads () * row_size (shape);

  if (backward)
    size += diffusion_shape_size (shape) + n_slices (shape) * 10 * (gsize) shape.c + 9 * (gsize) shape.c;
  return size * sizeof (float);
}

static void
depthwise_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  Depthwise d = { .shape = diffusion_exec_shape (exec, op->inputs[0]) };

  d.x = diffusion_exec_value (exec, op->inputs[0]);
  d.y = diffusion_exec_value (exec, op->output);
  d.weight = diffusion_exec_param (exec, op, 0);
  d.bias = diffusion_exec_param (exec, op, 1);
  d.rows = diffusion_exec_scratch (exec);
  diffusion_parallel_for ((gsize) d.shape.n * (gsize) d.shape.h, forward_part, &d);
}

static void
depthwise_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  Depthwise d = { .shape = diffusion_exec_shape (exec, op->inputs[0]) };
  gsize c = (gsize) d.shape.c, n_rows = (gsize) d.shape.n * (gsize) d.shape.h;
  float *dweight = diffusion_exec_param_gradient (exec, op, 0);
  float *dbias = diffusion_exec_param_gradient (exec, op, 1);
  float *mirrored;

  d.x = diffusion_exec_value (exec, op->inputs[0]);
  d.weight = diffusion_exec_param (exec, op, 0);
  d.bias = diffusion_exec_param (exec, op, 1);
  d.dy = diffusion_exec_gradient (exec, op->output);
  d.rows = diffusion_exec_scratch (exec);
  d.between = d.rows + diffusion_get_threads () * row_size (d.shape);
  d.partial = d.between + diffusion_shape_size (d.shape);
  mirrored = d.partial + n_slices (d.shape) * 10 * c;
  for (gsize tap = 0; tap < 9; tap++)
    memcpy (mirrored + tap * c, d.weight + (8 - tap) * c, c * sizeof (float));
  d.mirrored = mirrored;

  diffusion_parallel_for (n_rows, gate_gradient_part, &d);
  if (dweight != NULL)
    {
      diffusion_parallel_for (n_slices (d.shape), weight_gradient_part, &d);
      for (gsize slice = 0; slice < n_slices (d.shape); slice++)
        {
          diffusion_kernels ()->add (9 * c, dweight, d.partial + slice * 10 * c, dweight);
          diffusion_kernels ()->add (c, dbias, d.partial + slice * 10 * c + 9 * c, dbias);
        }
    }
  d.dx = diffusion_exec_input_gradient (exec, op, 0, &d.beta);
  if (d.dx != NULL)
    diffusion_parallel_for (n_rows, input_gradient_part, &d);
}

static guint64
depthwise_macs (const DiffusionOp *op, const DiffusionGraph *graph)
{
  return 9 * (guint64) diffusion_shape_size (diffusion_graph_shape (graph, op->inputs[0]));
}

static const DiffusionOpClass depthwise_class = {
  .name = "depthwise_gate",
  .forward = depthwise_forward,
  .backward = depthwise_backward,
  .scratch = depthwise_scratch,
  .macs = depthwise_macs,
  .keeps = DIFFUSION_KEEPS_INPUT_0,
};

DiffusionValue
diffusion_layer_depthwise_gate (DiffusionGraph *graph, DiffusionValue x, const char *name)
{
  DiffusionParams *table = diffusion_graph_get_params (graph);
  DiffusionShape out = diffusion_graph_shape (graph, x);
  gint64 shape[4] = { out.c, 1, 3, 3 };
  g_autofree char *weight = g_strconcat (name, ".weight", NULL);
  g_autofree char *bias = g_strconcat (name, ".bias", NULL);
  guint params[2];

  params[0] = diffusion_params_declare (table, weight, 4, shape, DIFFUSION_PARAM_DEPTHWISE);
  params[1] = diffusion_params_declare (table, bias, 1, shape, DIFFUSION_PARAM_PLAIN);
  for (int i = 0; i < 2; i++)
    diffusion_params_set_init (table, params[i], DIFFUSION_INIT_UNIFORM, 1, 9);
  out.c /= 2;
  return diffusion_graph_add (graph, &depthwise_class, 1, &x, 2, params, NULL, 0, out);
}
