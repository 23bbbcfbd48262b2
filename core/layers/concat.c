/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Channels side by side: the skip connections of U-Nets. */
#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"
#include "core/layers/parts.h"

#include <string.h>

#define PART_PIXELS 256

typedef struct
{
  gsize pixels, whole, channels; /* channels of the part that is copied, of all that lie side by side */
  const float *in;
  float *out;
  float beta;
} Columns;

/* [pixels, channels] into columns of [pixels, whole]. */
static void
insert_part (gsize index, guint worker, gpointer data)
{
  const Columns *k = data;
  gsize end = MIN (k->pixels, (index + 1) * PART_PIXELS);

  for (gsize pixel = index * PART_PIXELS; pixel < end; pixel++)
    memcpy (k->out + pixel * k->whole, k->in + pixel * k->channels, k->channels * sizeof (float));
}

/* Columns of [pixels, whole] to [pixels, channels]. */
static void
extract_part (gsize index, guint worker, gpointer data)
{
  const Columns *k = data;
  gsize end = MIN (k->pixels, (index + 1) * PART_PIXELS);

  for (gsize pixel = index * PART_PIXELS; pixel < end; pixel++)
    {
      float *out = k->out + pixel * k->channels;

      if (k->beta != 0)
        diffusion_kernels ()->add (k->channels, out, k->in + pixel * k->whole, out);
      else
        memcpy (out, k->in + pixel * k->whole, k->channels * sizeof (float));
    }
}

static void
run_concat (const DiffusionOp *op, DiffusionExec *exec, gboolean backward)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->output);
  Columns k = { .pixels = diffusion_shape_pixels (shape), .whole = (gsize) shape.c };
  gsize first = 0;

  for (guint i = 0; i < op->n_inputs; i++, first += k.channels)
    {
      k.channels = (gsize) diffusion_exec_shape (exec, op->inputs[i]).c;
      if (backward)
        {
          k.in = diffusion_exec_gradient (exec, op->output) + first;
          k.out = diffusion_exec_input_gradient (exec, op, i, &k.beta);
        }
      else
        {
          k.in = diffusion_exec_value (exec, op->inputs[i]);
          k.out = diffusion_exec_value (exec, op->output) + first;
        }
      if (k.out != NULL)
        diffusion_parallel_for (diffusion_n_parts (k.pixels, PART_PIXELS), backward ? extract_part : insert_part, &k);
    }
}

static void
concat_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  run_concat (op, exec, FALSE);
}

static void
concat_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  run_concat (op, exec, TRUE);
}

static const DiffusionOpClass concat_class = {
  .name = "concat",
  .forward = concat_forward,
  .backward = concat_backward,
};

DiffusionValue
diffusion_layer_concat (DiffusionGraph *graph, DiffusionValue a, DiffusionValue b)
{
  DiffusionValue inputs[2] = { a, b };
  DiffusionShape shape = diffusion_graph_shape (graph, a);

  shape.c += diffusion_graph_shape (graph, b).c;
  return diffusion_graph_add (graph, &concat_class, 2, inputs, 0, NULL, NULL, 0, shape);
}
