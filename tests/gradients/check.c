/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finite differences for any graph. */
#include "check.h"

#include <math.h>
#include <string.h>

#include "core/base/random.h"

typedef struct
{
  DiffusionExec *exec;
  guint n_inputs;
  const DiffusionValue *inputs;
  float **input_values;
  DiffusionValue output;
  const float *weights;
  double tolerance;
  gsize coordinates; /* of each block that are tried alone */
  double size; /* of the loss, whose rounding sets a floor */
} Check;

static float *
random_values (guint32 what, gsize n)
{
  DiffusionStream stream = { 1234, DIFFUSION_PURPOSE_NOISE, what };
  float *values = g_new (float, n);

  diffusion_random_normal_fill (&stream, 0, 0, (gint) n, 1, 1, values);
  return values;
}

static double
loss (Check *check)
{
  gsize size = diffusion_shape_size (diffusion_exec_shape (check->exec, check->output));
  const float *out;
  double sum = 0, squares = 0;

  for (guint i = 0; i < check->n_inputs; i++)
    memcpy (diffusion_exec_value (check->exec, check->inputs[i]), check->input_values[i],
            diffusion_shape_size (diffusion_exec_shape (check->exec, check->inputs[i])) * sizeof (float));
  g_assert_true (diffusion_exec_forward (check->exec, NULL, NULL));
  out = diffusion_exec_value (check->exec, check->output);
  for (gsize k = 0; k < size; k++)
    {
      double part = (double) out[k] * check->weights[k];

      sum += part;
      squares += part * part;
    }
  check->size = sqrt (squares);
  return sum;
}

/* The derivative along a direction, by central differences of shrinking steps; float32 noise sets the bound. */
static void
check_direction (Check *check, float *values, const float *gradient, const float *direction, gsize n,
                 double scale)
{
  g_autofree float *saved = g_memdup2 (values, n * sizeof (float));
  double expected = 0, best = INFINITY, size = 0;

  for (gsize k = 0; k < n; k++)
    {
      expected += (double) gradient[k] * direction[k];
      size += (double) gradient[k] * gradient[k] * direction[k] * direction[k];
    }
  for (double step = 0.03; step > 1e-3; step /= 3)
    {
      double up, down;

      for (gsize k = 0; k < n; k++)
        values[k] = (float) (saved[k] + step * direction[k]);
      up = loss (check);
      for (gsize k = 0; k < n; k++)
        values[k] = (float) (saved[k] - step * direction[k]);
      down = loss (check);
      best = MIN (best, fabs ((up - down) / (2 * step) - expected));
    }
  memcpy (values, saved, n * sizeof (float));
  /* The last summand is for gradients that are zero but for rounding. */
  if (best > check->tolerance * (sqrt (size) + 0.05 * scale) + (5e-3 + 1e-3 * check->size) * check->tolerance)
    g_error ("gradient %g, off by %g (norm %g, scale %g)", expected, best, sqrt (size), scale);
}

static void
check_block (Check *check, float *values, const float *gradient, gsize n, guint32 what)
{
  g_autofree float *direction = random_values (1000 + what, n);
  double norm = 0;

  for (gsize k = 0; k < n; k++)
    norm += (double) gradient[k] * gradient[k];
  norm = sqrt (norm);
  for (gsize k = 0; k < n; k++)
    direction[k] /= (float) sqrt ((double) n);
  check_direction (check, values, gradient, direction, n, norm);
  for (gsize k = 0; k < MIN (n, check->coordinates); k++)
    {
      DiffusionStream stream = { 99, DIFFUSION_PURPOSE_DATA, what };
      gsize at = (gsize) (diffusion_random_uniform (&stream, (gint) k, 0, 0) * (double) n);

      memset (direction, 0, n * sizeof (float));
      direction[at] = 1;
      check_direction (check, values, gradient, direction, n, norm);
    }
}

static void
run_check (DiffusionGraph *graph, guint n_inputs, const DiffusionValue *inputs, DiffusionValue output,
           double tolerance, gsize coordinates)
{
  DiffusionParams *params = diffusion_graph_get_params (graph);
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionExec) exec = NULL;
  g_autofree float *weights
    = random_values (7, diffusion_shape_size (diffusion_graph_shape (graph, output)));
  g_autofree float *gradients = g_new0 (float, diffusion_params_get_total (params) + 1);
  g_autofree float *once = NULL;
  g_autoptr (GPtrArray) input_values = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) input_gradients = g_ptr_array_new_with_free_func (g_free);
  float *block = diffusion_params_allocate (params, &error);
  Check check = { .n_inputs = n_inputs, .inputs = inputs, .output = output, .weights = weights,
                  .tolerance = tolerance, .coordinates = coordinates };

  g_assert_no_error (error);
  diffusion_graph_output (graph, output);
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);
      g_autofree float *values = random_values (100 + i, param->size);

      for (gsize k = 0; k < param->size; k++)
        block[param->offset + k] = 0.5f * values[k];
    }
  for (guint i = 0; i < n_inputs; i++)
    g_ptr_array_add (input_values, random_values (i, diffusion_shape_size (diffusion_graph_shape (graph, inputs[i]))));
  check.input_values = (float **) input_values->pdata;
  check.exec = exec = diffusion_exec_new (graph, DIFFUSION_RUN_TRAINING, DIFFUSION_PRECISION_F32, &error);
  g_assert_no_error (error);
  diffusion_exec_set_gradients (exec, gradients);

  for (int repeat = 0; repeat < 2; repeat++)
    {
      loss (&check);
      memcpy (diffusion_exec_gradient (exec, output), weights,
              diffusion_shape_size (diffusion_graph_shape (graph, output)) * sizeof (float));
      g_assert_true (diffusion_exec_backward (exec, NULL, NULL));
      if (repeat == 0)
        once = g_memdup2 (gradients, (diffusion_params_get_total (params) + 1) * sizeof (float));
    }
  for (gsize k = 0; k < diffusion_params_get_total (params); k++)
    g_assert_cmpfloat_with_epsilon (gradients[k], 2 * once[k], 1e-4 * (fabs (once[k]) + 1));
  for (guint i = 0; i < n_inputs; i++)
    {
      const float *gradient = diffusion_exec_gradient (exec, inputs[i]);

      g_ptr_array_add (input_gradients,
                       gradient == NULL
                         ? NULL
                         : g_memdup2 (gradient, diffusion_shape_size (diffusion_graph_shape (graph, inputs[i]))
                                                  * sizeof (float)));
    }

  for (guint i = 0; i < n_inputs; i++)
    if (input_gradients->pdata[i] != NULL)
      check_block (&check, check.input_values[i], input_gradients->pdata[i],
                   diffusion_shape_size (diffusion_graph_shape (graph, inputs[i])), i);
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      check_block (&check, block + param->offset, once + param->offset, param->size, 50 + i);
    }
}

void
check_gradients (DiffusionGraph *graph, guint n_inputs, const DiffusionValue *inputs, DiffusionValue output)
{
  run_check (graph, n_inputs, inputs, output, 2e-3, 12);
}

void
check_network_gradients (DiffusionGraph *graph, guint n_inputs, const DiffusionValue *inputs, DiffusionValue output,
                         double tolerance)
{
  run_check (graph, n_inputs, inputs, output, tolerance, 1);
}
