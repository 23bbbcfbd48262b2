/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Doubling a picture by a 1×1 convolution whose channels become pixels, and the skip connection added to it, in one
 * piece for inference. */
#include <string.h>

#include "core/base/memory.h"
#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"
#include "core/layers/parts.h"

/* Coarse pixels in one product: whole strips of the widest one. */
#define COLUMNS 112

typedef struct
{
  gint crop;
} UpAttributes;

typedef struct
{
  DiffusionShape in, out, skip_shape;
  gsize crop;
  gsize skip_top, skip_left; /* what the skip connection has more at each border */
  DiffusionPrecision precision;
  gsize n_chunks;
  const float *x, *skip, *bias; /* bias: in the order of the arranged weights */
  const guint8 *packed;
  float *y, *scratch;
} Up;

static Up
up_new (const DiffusionOp *op, const DiffusionGraph *graph)
{
  const UpAttributes *attributes = op->attributes;
  Up up = { .in = diffusion_graph_shape (graph, op->inputs[0]), .out = diffusion_graph_shape (graph, op->output) };

  up.skip_shape = diffusion_graph_shape (graph, op->inputs[1]);
  up.crop = (gsize) attributes->crop;
  up.skip_top = (gsize) (up.skip_shape.h - up.out.h) / 2;
  up.skip_left = (gsize) (up.skip_shape.w - up.out.w) / 2;
  up.n_chunks = diffusion_n_parts ((gsize) up.out.w / 2, COLUMNS);
  return up;
}

static gsize
bias_bytes (const Up *up)
{
  return (4 * (gsize) up->out.c * sizeof (float) + DIFFUSION_ALIGNMENT - 1) / DIFFUSION_ALIGNMENT * DIFFUSION_ALIGNMENT;
}

static gsize
up_prepared (const DiffusionOp *op, const DiffusionGraph *graph, DiffusionPrecision precision)
{
  Up up = up_new (op, graph);

  return bias_bytes (&up) + diffusion_gemm_packed_bytes (precision, 4 * (gsize) up.out.c, (gsize) up.in.c);
}

/* The output channels in the order [dy, dx, c], so that those of a fine pixel lie together. */
static void
up_prepare (const DiffusionOp *op, DiffusionExec *exec, gpointer memory)
{
  Up up = up_new (op, diffusion_exec_get_graph (exec));
  const float *weight = diffusion_exec_widen (exec, op, 0, diffusion_exec_scratch (exec));
  const float *bias = diffusion_exec_param (exec, op, 1);
  gsize c = (gsize) up.out.c, k = (gsize) up.in.c;
  float *biases = memory;
  g_autofree float *ordered = g_new (float, 4 * c * k);

  for (gsize cell = 0; cell < 4; cell++)
    for (gsize i = 0; i < c; i++)
      {
        memcpy (ordered + (cell * c + i) * k, weight + (4 * i + cell) * k, k * sizeof (float));
        biases[cell * c + i] = bias[4 * i + cell];
      }
  diffusion_gemm_pack_b (diffusion_exec_precision (exec), TRUE, 4 * c, k, ordered, k,
                         (guint8 *) memory + bias_bytes (&up));
}

/* Some pixels of one coarse row. */
static void
up_part (gsize index, guint worker, gpointer data)
{
  const Up *up = data;
  const gsize c = (gsize) up->out.c, k = (gsize) up->in.c, rows = (gsize) up->out.h / 2, width = (gsize) up->out.w / 2;
  const gsize first = index % up->n_chunks * COLUMNS, count = MIN (COLUMNS, width - first);
  const gsize row = index / up->n_chunks % rows, image = index / up->n_chunks / rows;
  const float *x = up->x + ((image * (gsize) up->in.h + row + up->crop) * (gsize) up->in.w + first + up->crop) * k;
  float *fine = up->scratch + worker * COLUMNS * 4 * c;

  diffusion_gemm_packed (up->precision, FALSE, count, 4 * c, k, x, k, up->packed, up->bias, NULL, 0, fine, 4 * c);
  for (gsize dy = 0; dy < 2; dy++)
    {
      gsize line = image * (gsize) up->out.h + 2 * row + dy;
      gsize skip_line = image * (gsize) up->skip_shape.h + 2 * row + dy + up->skip_top;
      const float *skip = up->skip + (skip_line * (gsize) up->skip_shape.w + 2 * first + up->skip_left) * c;
      float *y = up->y + (line * (gsize) up->out.w + 2 * first) * c;

      /* The two pixels of a cell lie together here as there. */
      for (gsize cell = 0; cell < count; cell++)
        diffusion_kernels ()->add (2 * c, fine + cell * 4 * c + dy * 2 * c, skip + cell * 2 * c, y + cell * 2 * c);
    }
}

static void
up_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  Up up = up_new (op, diffusion_exec_get_graph (exec));
  const guint8 *prepared = diffusion_exec_prepared (exec, op);

  up.precision = diffusion_exec_precision (exec);
  up.x = diffusion_exec_value (exec, op->inputs[0]);
  up.skip = diffusion_exec_value (exec, op->inputs[1]);
  up.bias = (const float *) (gconstpointer) prepared;
  up.packed = prepared + bias_bytes (&up);
  up.y = diffusion_exec_value (exec, op->output);
  up.scratch = diffusion_exec_scratch (exec);
  diffusion_parallel_for ((gsize) up.out.n * (gsize) up.out.h / 2 * up.n_chunks, up_part, &up);
}

static gsize
up_scratch (const DiffusionOp *op, const DiffusionGraph *graph, gboolean backward)
{
  gsize columns = diffusion_get_threads () * COLUMNS * 4 * (gsize) diffusion_graph_shape (graph, op->output).c;

  return MAX (columns * sizeof (float), diffusion_graph_get_widening_bytes (graph, op, 0));
}

static guint64
up_macs (const DiffusionOp *op, const DiffusionGraph *graph)
{
  return (guint64) diffusion_shape_size (diffusion_graph_shape (graph, op->output))
         * (guint64) diffusion_graph_shape (graph, op->inputs[0]).c;
}

static const DiffusionOpClass up_class = {
  .name = "up_block",
  .forward = up_forward,
  .scratch = up_scratch,
  .prepared = up_prepared,
  .prepare = up_prepare,
  .macs = up_macs,
};

DiffusionValue
diffusion_layer_up_block (DiffusionGraph *graph, DiffusionValue x, DiffusionValue skip, const char *name, gint crop)
{
  DiffusionParams *table = diffusion_graph_get_params (graph);
  const UpAttributes attributes = { crop };
  const DiffusionValue inputs[2] = { x, skip };
  DiffusionShape in = diffusion_graph_shape (graph, x), out = diffusion_graph_shape (graph, skip);
  g_autofree char *weight = g_strconcat (name, ".weight", NULL);
  g_autofree char *bias = g_strconcat (name, ".bias", NULL);
  const guint params[2] = { (guint) diffusion_params_find (table, weight), (guint) diffusion_params_find (table, bias) };

  out.h = 2 * (in.h - 2 * crop);
  out.w = 2 * (in.w - 2 * crop);
  return diffusion_graph_add (graph, &up_class, 2, inputs, 2, params, &attributes, sizeof attributes, out);
}
