/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From pixels to one vector: means, and the token sequence of attention pooling (Dhariwal & Nichol 2021, §4). */
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"

#include <string.h>

/* The mean over the pixels of image @image, times @factor, is added to @out. */
static void
add_mean (const float *x, gsize pixels, gsize c, float *out)
{
  for (gsize pixel = 0; pixel < pixels; pixel++)
    diffusion_kernels ()->add_scaled (c, 1.0f / (float) pixels, x + pixel * c, out);
}

static void
mean_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->inputs[0]);
  const float *x = diffusion_exec_value (exec, op->inputs[0]);
  float *y = diffusion_exec_value (exec, op->output);
  gsize c = (gsize) shape.c, pixels = (gsize) shape.h * (gsize) shape.w;

  memset (y, 0, (gsize) shape.n * c * sizeof (float));
  for (gsize image = 0; image < (gsize) shape.n; image++)
    add_mean (x + image * pixels * c, pixels, c, y + image * c);
}

static void
mean_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->inputs[0]);
  const float *dy = diffusion_exec_gradient (exec, op->output);
  float beta, *dx = diffusion_exec_input_gradient (exec, op, 0, &beta);
  gsize c = (gsize) shape.c, pixels = (gsize) shape.h * (gsize) shape.w;

  for (gsize row = 0; row < (gsize) shape.n * pixels && dx != NULL; row++)
    {
      const float *from = dy + row / pixels * c;

      if (beta != 0)
        diffusion_kernels ()->add_scaled (c, 1.0f / (float) pixels, from, dx + row * c);
      else
        diffusion_kernels ()->scale (c, 1.0f / (float) pixels, from, dx + row * c);
    }
}

static const DiffusionOpClass mean_class = {
  .name = "mean",
  .forward = mean_forward,
  .backward = mean_backward,
};

DiffusionValue
diffusion_layer_mean (DiffusionGraph *graph, DiffusionValue x)
{
  DiffusionShape shape = diffusion_graph_shape (graph, x);

  shape.h = shape.w = 1;
  return diffusion_graph_add (graph, &mean_class, 1, &x, 0, NULL, NULL, 0, shape);
}

static void
tokens_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->output);
  const float *x = diffusion_exec_value (exec, op->inputs[0]);
  const float *position = diffusion_exec_param (exec, op, 0);
  float *y = diffusion_exec_value (exec, op->output);
  gsize c = (gsize) shape.c, tokens = (gsize) shape.w;

  for (gsize image = 0; image < (gsize) shape.n; image++, x += (tokens - 1) * c, y += tokens * c)
    {
      memset (y, 0, c * sizeof (float));
      add_mean (x, tokens - 1, c, y);
      memcpy (y + c, x, (tokens - 1) * c * sizeof (float));
      for (gsize token = 0; token < tokens; token++)
        for (gsize i = 0; i < c; i++)
          y[token * c + i] += position[i * tokens + token];
    }
}

static void
tokens_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->output);
  const float *dy = diffusion_exec_gradient (exec, op->output);
  float beta, *dx = diffusion_exec_input_gradient (exec, op, 0, &beta);
  float *dposition = diffusion_exec_param_gradient (exec, op, 0);
  gsize c = (gsize) shape.c, tokens = (gsize) shape.w;

  for (gsize image = 0; image < (gsize) shape.n; image++, dy += tokens * c)
    {
      for (gsize token = 0; token < tokens && dposition != NULL; token++)
        for (gsize i = 0; i < c; i++)
          dposition[i * tokens + token] += dy[token * c + i];
      for (gsize token = 1; token < tokens && dx != NULL; token++, dx += c)
        {
          if (beta != 0)
            diffusion_kernels ()->add (c, dx, dy + token * c, dx);
          else
            memcpy (dx, dy + token * c, c * sizeof (float));
          diffusion_kernels ()->add_scaled (c, 1.0f / (float) (tokens - 1), dy, dx);
        }
    }
}

static const DiffusionOpClass tokens_class = {
  .name = "tokens",
  .forward = tokens_forward,
  .backward = tokens_backward,
};

DiffusionValue
diffusion_layer_tokens (DiffusionGraph *graph, DiffusionValue x, const char *name)
{
  DiffusionParams *params = diffusion_graph_get_params (graph);
  DiffusionShape shape = diffusion_graph_shape (graph, x);
  gint tokens = shape.h * shape.w + 1;
  guint param = diffusion_params_declare (params, name, 2, (gint64[]) { shape.c, tokens }, DIFFUSION_PARAM_PLAIN);

  diffusion_params_set_init (params, param, DIFFUSION_INIT_NORMAL, 1, shape.c);
  shape.h = 1;
  shape.w = tokens;
  return diffusion_graph_add (graph, &tokens_class, 1, &x, 1, &param, NULL, 0, shape);
}

static void
first_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->inputs[0]);
  const float *x = diffusion_exec_value (exec, op->inputs[0]);
  float *y = diffusion_exec_value (exec, op->output);
  gsize c = (gsize) shape.c, row = (gsize) shape.h * (gsize) shape.w * c;

  for (gsize image = 0; image < (gsize) shape.n; image++)
    memcpy (y + image * c, x + image * row, c * sizeof (float));
}

static void
first_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->inputs[0]);
  const float *dy = diffusion_exec_gradient (exec, op->output);
  float beta, *dx = diffusion_exec_input_gradient (exec, op, 0, &beta);
  gsize c = (gsize) shape.c, row = (gsize) shape.h * (gsize) shape.w * c;

  if (dx == NULL)
    return;
  if (beta == 0)
    memset (dx, 0, diffusion_shape_size (shape) * sizeof (float));
  for (gsize image = 0; image < (gsize) shape.n; image++)
    diffusion_kernels ()->add (c, dx + image * row, dy + image * c, dx + image * row);
}

static const DiffusionOpClass first_class = {
  .name = "first_token",
  .forward = first_forward,
  .backward = first_backward,
};

DiffusionValue
diffusion_layer_first_token (DiffusionGraph *graph, DiffusionValue x)
{
  DiffusionShape shape = diffusion_graph_shape (graph, x);

  shape.h = shape.w = 1;
  return diffusion_graph_add (graph, &first_class, 1, &x, 0, NULL, NULL, 0, shape);
}
