/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layer normalisation over each pixel's channels, modulated by time (FiLM). */
#include <string.h>

#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"
#include "core/layers/parts.h"

#define PART_PIXELS 1024

typedef struct
{
  DiffusionShape shape;
  const float *x, *film, *dy;
  float *y, *dx, *partial, *dfilm;
  float beta, film_beta;
  gsize pixels;         /* of one image */
  gsize parts_an_image;
} Norm;

static Norm
norm_new (const DiffusionOp *op, const DiffusionGraph *graph)
{
  Norm norm = { .shape = diffusion_graph_shape (graph, op->output) };

  norm.pixels = (gsize) norm.shape.h * (gsize) norm.shape.w;
  norm.parts_an_image = diffusion_n_parts (norm.pixels, PART_PIXELS);
  return norm;
}

static void
forward_part (gsize index, guint worker, gpointer data)
{
  const Norm *norm = data;
  gsize image = index / norm->parts_an_image, first = index % norm->parts_an_image * PART_PIXELS;
  gsize c = (gsize) norm->shape.c;
  gsize offset = (image * norm->pixels + first) * c;
  const float *film = norm->film != NULL ? norm->film + image * 2 * c : NULL;

  diffusion_kernels ()->film_norm (MIN (PART_PIXELS, norm->pixels - first), c, norm->x + offset, film,
                                   norm->y + offset);
}

static void
backward_part (gsize index, guint worker, gpointer data)
{
  const Norm *norm = data;
  gsize image = index / norm->parts_an_image, first = index % norm->parts_an_image * PART_PIXELS;
  gsize c = (gsize) norm->shape.c;
  gsize offset = (image * norm->pixels + first) * c;
  const float *film = norm->film != NULL ? norm->film + image * 2 * c : NULL;
  float *partial = norm->dfilm != NULL ? norm->partial + index * 2 * c : NULL;

  if (partial != NULL)
    memset (partial, 0, 2 * c * sizeof (float));
  diffusion_kernels ()->film_norm_backward (MIN (PART_PIXELS, norm->pixels - first), c, norm->x + offset, film,
                                            norm->dy + offset, norm->beta,
                                            norm->dx != NULL ? norm->dx + offset : NULL, partial);
}

static void
norm_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  Norm norm = norm_new (op, diffusion_exec_get_graph (exec));

  norm.x = diffusion_exec_value (exec, op->inputs[0]);
  norm.film = diffusion_exec_value (exec, op->inputs[1]);
  norm.y = diffusion_exec_value (exec, op->output);
  diffusion_parallel_for (norm.parts_an_image * (gsize) norm.shape.n, forward_part, &norm);
}

static void
norm_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  Norm norm = norm_new (op, diffusion_exec_get_graph (exec));
  gsize c = (gsize) norm.shape.c;

  norm.x = diffusion_exec_value (exec, op->inputs[0]);
  norm.film = diffusion_exec_value (exec, op->inputs[1]);
  norm.dy = diffusion_exec_gradient (exec, op->output);
  norm.dx = diffusion_exec_input_gradient (exec, op, 0, &norm.beta);
  norm.partial = diffusion_exec_scratch (exec);
  if (op->inputs[1] >= 0)
    norm.dfilm = diffusion_exec_input_gradient (exec, op, 1, &norm.film_beta);
  diffusion_parallel_for (norm.parts_an_image * (gsize) norm.shape.n, backward_part, &norm);
  if (norm.dfilm == NULL)
    return;
  if (norm.film_beta == 0)
    memset (norm.dfilm, 0, (gsize) norm.shape.n * 2 * c * sizeof (float));
  for (gsize part = 0; part < norm.parts_an_image * (gsize) norm.shape.n; part++)
    {
      float *dfilm = norm.dfilm + part / norm.parts_an_image * 2 * c;

      diffusion_kernels ()->add (2 * c, dfilm, norm.partial + part * 2 * c, dfilm);
    }
}

static gsize
norm_scratch (const DiffusionOp *op, const DiffusionGraph *graph, gboolean backward)
{
  Norm norm = norm_new (op, graph);

  return backward ? norm.parts_an_image * (gsize) norm.shape.n * 2 * (gsize) norm.shape.c * sizeof (float) : 0;
}

static const DiffusionOpClass norm_class = {
  .name = "film_norm",
  .forward = norm_forward,
  .backward = norm_backward,
  .scratch = norm_scratch,
  .keeps = DIFFUSION_KEEPS_INPUT_0 | DIFFUSION_KEEPS_INPUT_1,
};

DiffusionValue
diffusion_layer_film_norm (DiffusionGraph *graph, DiffusionValue x, DiffusionValue film)
{
  DiffusionValue inputs[2] = { x, film };

  return diffusion_graph_add (graph, &norm_class, 2, inputs, 0, NULL, NULL, 0, diffusion_graph_shape (graph, x));
}
