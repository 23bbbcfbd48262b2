/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Halving by 2×2 means and doubling by repetition: each is the other's backward pass, up to a factor. */
#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"

#include <string.h>

typedef struct
{
  DiffusionShape fine, coarse;
  float factor, beta;
  const float *in;
  float *out;
} Resample;

/* One row of coarse pixels to two of fine ones. */
static void
repeat_part (gsize row, guint worker, gpointer data)
{
  const Resample *r = data;
  gsize c = (gsize) r->fine.c, h = (gsize) r->coarse.h, fine_h = (gsize) r->fine.h, fine_w = (gsize) r->fine.w;
  const float *in = r->in + row * (gsize) r->coarse.w * c;
  gsize image = row / h, y = row % h;

  for (gsize dy = 0; dy < 2; dy++)
    {
      float *out = r->out + (image * fine_h + 2 * y + dy) * fine_w * c;

      for (gsize x = 0; x < 2 * (gsize) r->coarse.w; x++)
        if (r->beta != 0)
          diffusion_kernels ()->add_scaled (c, r->factor, in + x / 2 * c, out + x * c);
        else if (r->factor != 1)
          diffusion_kernels ()->scale (c, r->factor, in + x / 2 * c, out + x * c);
        else
          memcpy (out + x * c, in + x / 2 * c, c * sizeof (float));
    }
}

/* Two rows of fine pixels to one of coarse ones. */
static void
gather_part (gsize row, guint worker, gpointer data)
{
  const Resample *r = data;
  gsize c = (gsize) r->fine.c, h = (gsize) r->coarse.h, fine_w = (gsize) r->fine.w;
  const float *top = r->in + (row / h * (gsize) r->fine.h + 2 * (row % h)) * fine_w * c;
  float *out = r->out + row * (gsize) r->coarse.w * c;

  for (gsize x = 0; x < (gsize) r->coarse.w; x++, top += 2 * c, out += c)
    {
      const float *bottom = top + fine_w * c;

      for (gsize i = 0; i < c; i++)
        {
          float value = r->factor * ((top[i] + top[c + i]) + (bottom[i] + bottom[c + i]));

          out[i] = r->beta != 0 ? out[i] + value : value;
        }
    }
}

static void
run_resample (const DiffusionOp *op, DiffusionExec *exec, gboolean down, gboolean backward)
{
  DiffusionShape in = diffusion_exec_shape (exec, op->inputs[0]), out = diffusion_exec_shape (exec, op->output);
  Resample r = { .fine = down ? in : out, .coarse = down ? out : in, .factor = down ? 0.25f : 1.0f };

  if (backward)
    {
      r.in = diffusion_exec_gradient (exec, op->output);
      r.out = diffusion_exec_input_gradient (exec, op, 0, &r.beta);
    }
  else
    {
      r.in = diffusion_exec_value (exec, op->inputs[0]);
      r.out = diffusion_exec_value (exec, op->output);
    }
  if (r.out == NULL)
    return;
  /* An odd last row or column has no mean. */
  if (down && backward && r.beta == 0 && (in.h % 2 != 0 || in.w % 2 != 0))
    memset (r.out, 0, diffusion_shape_size (in) * sizeof (float));
  diffusion_parallel_for ((gsize) r.coarse.n * (gsize) r.coarse.h, down != backward ? gather_part : repeat_part, &r);
}

static void
average_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  run_resample (op, exec, TRUE, FALSE);
}

static void
average_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  run_resample (op, exec, TRUE, TRUE);
}

static const DiffusionOpClass average_class = {
  .name = "average_pool",
  .forward = average_forward,
  .backward = average_backward,
};

DiffusionValue
diffusion_layer_average_pool (DiffusionGraph *graph, DiffusionValue x)
{
  DiffusionShape shape = diffusion_graph_shape (graph, x);

  shape.h /= 2;
  shape.w /= 2;
  return diffusion_graph_add (graph, &average_class, 1, &x, 0, NULL, NULL, 0, shape);
}

static void
upsample_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  run_resample (op, exec, FALSE, FALSE);
}

static void
upsample_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  run_resample (op, exec, FALSE, TRUE);
}

static const DiffusionOpClass upsample_class = {
  .name = "upsample",
  .forward = upsample_forward,
  .backward = upsample_backward,
};

DiffusionValue
diffusion_layer_upsample (DiffusionGraph *graph, DiffusionValue x)
{
  DiffusionShape shape = diffusion_graph_shape (graph, x);

  shape.h *= 2;
  shape.w *= 2;
  return diffusion_graph_add (graph, &upsample_class, 1, &x, 0, NULL, NULL, 0, shape);
}
