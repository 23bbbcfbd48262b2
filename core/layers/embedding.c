/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table of vectors, one for each class; and the sinusoidal features of times. */
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"

#include <math.h>
#include <string.h>

static void
embedding_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->output);
  const float *index = diffusion_exec_value (exec, op->inputs[0]);
  const float *table = diffusion_exec_param (exec, op, 0);
  float *y = diffusion_exec_value (exec, op->output);
  gsize c = (gsize) shape.c;

  for (gsize i = 0; i < (gsize) shape.n; i++)
    memcpy (y + i * c, table + (gsize) index[i] * c, c * sizeof (float));
}

static void
embedding_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  DiffusionShape shape = diffusion_exec_shape (exec, op->output);
  const float *index = diffusion_exec_value (exec, op->inputs[0]);
  const float *dy = diffusion_exec_gradient (exec, op->output);
  float *gradient = diffusion_exec_param_gradient (exec, op, 0);
  gsize c = (gsize) shape.c;

  for (gsize i = 0; i < (gsize) shape.n && gradient != NULL; i++)
    {
      float *row = gradient + (gsize) index[i] * c;

      diffusion_kernels ()->add (c, row, dy + i * c, row);
    }
}

static const DiffusionOpClass embedding_class = {
  .name = "embedding",
  .forward = embedding_forward,
  .backward = embedding_backward,
  .keeps = DIFFUSION_KEEPS_INPUT_0,
  .keeps_for_params = DIFFUSION_KEEPS_INPUT_0,
};

DiffusionValue
diffusion_layer_embedding (DiffusionGraph *graph, DiffusionValue index, const char *name, gint rows, gint channels)
{
  DiffusionParams *params = diffusion_graph_get_params (graph);
  DiffusionShape shape = diffusion_graph_shape (graph, index);
  g_autofree char *weight = g_strconcat (name, ".weight", NULL);
  guint param = diffusion_params_declare (params, weight, 2, (gint64[]) { rows, channels }, DIFFUSION_PARAM_PLAIN);

  diffusion_params_set_init (params, param, DIFFUSION_INIT_NORMAL, 1, 1);
  shape.c = channels;
  return diffusion_graph_add (graph, &embedding_class, 1, &index, 1, &param, NULL, 0, shape);
}

void
diffusion_timestep_features (gsize n, const double *t, gsize channels, gboolean flip_sin_to_cos, double freq_shift,
                             float *out)
{
  gsize half = channels / 2;
  gsize sines = flip_sin_to_cos ? half : 0, cosines = flip_sin_to_cos ? 0 : half;

  memset (out, 0, n * channels * sizeof (float));
  for (gsize k = 0; k < n; k++, out += channels)
    for (gsize i = 0; i < half; i++)
      {
        /* Rounded to float at every step as in the published code, where it costs digits at large t. */
        float exponent = (float) -log (10000) * (float) i / (float) ((double) half - freq_shift);
        float frequency = (float) exp ((double) exponent);
        float angle = (float) t[k] * frequency;

        out[sines + i] = (float) sin ((double) angle);
        out[cosines + i] = (float) cos ((double) angle);
      }
}
