/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dropout whose masks follow from seed, step, example, layer and position, and are never stored. */
#include "core/base/random.h"
#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"
#include "core/layers/parts.h"

#include <string.h>

#define PART_VALUES 65536

typedef struct
{
  double probability;
} DropoutAttributes;

typedef struct
{
  DiffusionStream stream;
  guint32 threshold;
  guint32 layer;
  gint first;             /* number of the first example */
  gsize size;             /* values of an example */
  gsize parts;            /* of an example */
  float factor, beta;
  const float *in;
  float *out;
} Dropout;

/* A multiple of four values: each draw decides on four. */
static void
dropout_part (gsize index, guint worker, gpointer data)
{
  const Dropout *d = data;
  gsize example = index / d->parts, part = index % d->parts;
  gsize end = MIN (d->size, (part + 1) * PART_VALUES);
  const float *in = d->in + example * d->size;
  float *out = d->out + example * d->size;

  for (gsize first = part * PART_VALUES; first < end; first += 4)
    {
      guint32 bits[4];

      diffusion_random_bits (&d->stream, (gint32) (first / 4), d->first + (gint32) example, d->layer, bits);
      for (gsize k = first; k < MIN (first + 4, end); k++)
        {
          float value = bits[k - first] >= d->threshold ? d->factor * in[k] : 0;

          out[k] = d->beta != 0 ? out[k] + value : value;
        }
    }
}

static void
run_dropout (const DiffusionOp *op, DiffusionExec *exec, Dropout *d)
{
  const DropoutAttributes *attributes = op->attributes;
  DiffusionShape shape = diffusion_exec_shape (exec, op->output);
  gsize total = diffusion_shape_size (shape);

  if (!diffusion_exec_is_training (exec))
    {
      if (d->beta != 0)
        diffusion_kernels ()->add (total, d->out, d->in, d->out);
      else
        memcpy (d->out, d->in, total * sizeof (float));
      return;
    }
  d->stream.purpose = DIFFUSION_PURPOSE_DROPOUT;
  d->stream.seed = diffusion_exec_get_seed (exec, &d->stream.step, &d->first);
  d->layer = op->index;
  d->threshold = (guint32) (attributes->probability * 4294967296.0);
  d->factor = (float) (1 / (1 - attributes->probability));
  d->size = total / (gsize) shape.n;
  d->parts = diffusion_n_parts (d->size, PART_VALUES);
  diffusion_parallel_for ((gsize) shape.n * d->parts, dropout_part, d);
}

static void
dropout_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  Dropout d = { .in = diffusion_exec_value (exec, op->inputs[0]), .out = diffusion_exec_value (exec, op->output) };

  run_dropout (op, exec, &d);
}

static void
dropout_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  Dropout d = { .in = diffusion_exec_gradient (exec, op->output) };

  d.out = diffusion_exec_input_gradient (exec, op, 0, &d.beta);
  if (d.out != NULL)
    run_dropout (op, exec, &d);
}

static const DiffusionOpClass dropout_class = {
  .name = "dropout",
  .forward = dropout_forward,
  .backward = dropout_backward,
};

DiffusionValue
diffusion_layer_dropout (DiffusionGraph *graph, DiffusionValue x, double probability)
{
  DropoutAttributes attributes = { probability };

  if (probability <= 0)
    return x;
  return diffusion_graph_add (graph, &dropout_class, 1, &x, 0, NULL, &attributes, sizeof attributes,
                              diffusion_graph_shape (graph, x));
}
