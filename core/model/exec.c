/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running graphs forward and backward in planned memory. */
#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/threads.h"
#include "core/model/graph-private.h"
#include "core/model/params-load.h"

#include <string.h>

struct _DiffusionExec
{
  const DiffusionGraph *graph;
  DiffusionPlan *plan;
  DiffusionRunMode mode;
  DiffusionPrecision precision;
  gboolean going_back; /* values that are computed again are where they are then */
  guint8 *memory;
  guint8 *scratch;
  DiffusionPrepared *prepared;
  guint8 *prepared_memory;
  gboolean is_prepared;
  float *gradients;
  guint64 seed;
  guint32 step;
  gint first;
  DiffusionGradientReadyFunc ready;
  gpointer ready_data;
  gint64 *microseconds; /* (nullable): [2 × ops], where DIFFUSION_PROFILE asks for it */
};

DiffusionExec *
diffusion_exec_new (const DiffusionGraph *graph, DiffusionRunMode mode, DiffusionPrecision precision, GError **error)
{
  return diffusion_exec_new_limited (graph, mode, precision, 0, error);
}

DiffusionExec *
diffusion_exec_new_limited (const DiffusionGraph *graph, DiffusionRunMode mode, DiffusionPrecision precision,
                            gsize limit, GError **error)
{
  DiffusionExec *exec = g_new0 (DiffusionExec, 1);

  exec->graph = graph;
  exec->mode = mode;
  exec->precision = precision;
  exec->plan = diffusion_plan_new_limited (graph, mode, limit);
  if (limit > 0 && diffusion_plan_total (exec->plan) > limit)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY,
                   _ ("The network needs at least %.0f MB for one run, the limit is %.0f MB"),
                   (double) diffusion_plan_total (exec->plan) * 1e-6, (double) limit * 1e-6);
      diffusion_exec_free (exec);
      return NULL;
    }
  exec->prepared = diffusion_prepared_new (graph, mode, precision);
  exec->memory = diffusion_try_alloc (exec->plan->bytes, _ ("the network's activations"), error);
  if (exec->memory != NULL)
    exec->scratch = diffusion_try_alloc (exec->plan->scratch_bytes, _ ("the network's scratch memory"), error);
  if (exec->scratch != NULL)
    exec->prepared_memory = diffusion_try_alloc (exec->prepared->kept_bytes + exec->prepared->passing_bytes,
                                                 _ ("the network's arranged weights"), error);
  if (exec->prepared_memory == NULL)
    {
      diffusion_exec_free (exec);
      return NULL;
    }
  if (g_getenv ("DIFFUSION_PROFILE") != NULL)
    exec->microseconds = g_new0 (gint64, 2 * graph->ops->len);
  return exec;
}

/* One line per kind of operation: milliseconds forward and backward over all runs. */
static void
print_profile (const DiffusionExec *exec)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < exec->graph->ops->len; i++)
    {
      const DiffusionOpClass *klass = diffusion_graph_get_op (exec->graph, i)->klass;
      gint64 forward = 0, backward = 0;

      if (!g_hash_table_add (seen, (gpointer) klass))
        continue;
      for (guint k = i; k < exec->graph->ops->len; k++)
        if (diffusion_graph_get_op (exec->graph, k)->klass == klass)
          {
            forward += exec->microseconds[2 * k];
            backward += exec->microseconds[2 * k + 1];
          }
      g_message ("profile: %-20s forward %10.1f ms, backward %10.1f ms", klass->name, (double) forward * 1e-3,
                 (double) backward * 1e-3);
    }
}

void
diffusion_exec_free (DiffusionExec *exec)
{
  if (exec == NULL)
    return;
  if (exec->microseconds != NULL)
    print_profile (exec);
  diffusion_plan_free (exec->plan);
  diffusion_free (exec->memory);
  diffusion_free (exec->scratch);
  diffusion_free (exec->prepared_memory);
  diffusion_prepared_free (exec->prepared);
  g_free (exec->microseconds);
  g_free (exec);
}

float *
diffusion_exec_value (DiffusionExec *exec, DiffusionValue value)
{
  if (value < 0)
    return NULL;
  if (exec->going_back && exec->plan->second_offsets[value] != G_MAXSIZE)
    return (float *) (gpointer) (exec->memory + exec->plan->second_offsets[value]);
  return (float *) (gpointer) (exec->memory + exec->plan->value_offsets[value]);
}

float *
diffusion_exec_gradient (DiffusionExec *exec, DiffusionValue value)
{
  if (value < 0 || exec->plan->gradient_offsets[value] == G_MAXSIZE)
    return NULL;
  return (float *) (gpointer) (exec->memory + exec->plan->gradient_offsets[value]);
}

static void
prepare_part (gsize index, guint worker, gpointer data)
{
  DiffusionExec *exec = data;
  const DiffusionOp *op = diffusion_graph_get_op (exec->graph, (guint) index);

  if (exec->prepared->kept[index])
    op->klass->prepare (op, exec, exec->prepared_memory + exec->prepared->offsets[index]);
}

/* Weights that are widened share the scratch memory: then one operation after the other. */
static void
prepare (DiffusionExec *exec)
{
  if (!diffusion_params_any_stored (exec->graph->params))
    diffusion_parallel_for (exec->graph->ops->len, prepare_part, exec);
  else
    for (guint i = 0; i < exec->graph->ops->len; i++)
      prepare_part (i, 0, exec);
}

/* Operations @begin to @end, all of them or those that the plan runs again. */
static gboolean
run_forward (DiffusionExec *exec, guint begin, guint end, gboolean again, GCancellable *cancellable, GError **error)
{
  for (guint i = begin; i <= end && i < exec->graph->ops->len; i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (exec->graph, i);
      gint64 start = exec->microseconds != NULL ? g_get_monotonic_time () : 0;

      if (again && !exec->plan->runs_again[i])
        continue;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (exec->prepared->offsets[i] != G_MAXSIZE && !exec->prepared->kept[i])
        op->klass->prepare (op, exec, exec->prepared_memory + exec->prepared->offsets[i]);
      op->klass->forward (op, exec);
      /* Its parts stop by themselves, with whatever they have. */
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (exec->microseconds != NULL)
        exec->microseconds[2 * i] += g_get_monotonic_time () - start;
    }
  return TRUE;
}

gboolean
diffusion_exec_forward (DiffusionExec *exec, GCancellable *cancellable, GError **error)
{
  GCancellable *before;
  gboolean done;

  exec->going_back = FALSE;
  if (!exec->is_prepared)
    prepare (exec);
  exec->is_prepared = TRUE;
  before = diffusion_parallel_set_cancellable (cancellable);
  done = run_forward (exec, 0, G_MAXUINT, FALSE, cancellable, error);
  diffusion_parallel_set_cancellable (before);
  return done;
}

/* The gradient of an input that was added to the output unchanged. */
static void
pass_residual (DiffusionExec *exec, const DiffusionOp *op)
{
  guint which = op->klass->adds_input - 1;
  const float *output = diffusion_exec_gradient (exec, op->output);
  float *input = diffusion_exec_gradient (exec, op->inputs[which]);
  gsize size;

  if (input == NULL || input == output)
    return;
  size = diffusion_shape_size (diffusion_exec_shape (exec, op->output));
  if (exec->plan->betas[op->index * DIFFUSION_OP_MAX_INPUTS + which])
    for (gsize k = 0; k < size; k++)
      input[k] += output[k];
  else
    memcpy (input, output, size * sizeof (float));
}

gboolean
diffusion_exec_backward (DiffusionExec *exec, GCancellable *cancellable, GError **error)
{
  exec->going_back = TRUE;
  for (guint i = exec->graph->ops->len; i-- > 0;)
    {
      const DiffusionOp *op = diffusion_graph_get_op (exec->graph, i);
      gint64 start = exec->microseconds != NULL ? g_get_monotonic_time () : 0;

      if (exec->plan->segment_begins[i] >= 0
          && !run_forward (exec, (guint) exec->plan->segment_begins[i], i, TRUE, cancellable, error))
        return FALSE;
      if (!exec->plan->runs_backward[i])
        continue;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      op->klass->backward (op, exec);
      if (op->klass->adds_input > 0)
        pass_residual (exec, op);
      for (guint k = 0; k < op->n_params && exec->ready != NULL; k++)
        if (exec->plan->last_use[op->params[k]] == (gint) i)
          exec->ready (op->params[k], exec->ready_data);
      if (exec->microseconds != NULL)
        exec->microseconds[2 * i + 1] += g_get_monotonic_time () - start;
    }
  return TRUE;
}

void
diffusion_exec_set_gradients (DiffusionExec *exec, float *block)
{
  exec->gradients = block;
}

void
diffusion_exec_set_gradient_ready (DiffusionExec *exec, DiffusionGradientReadyFunc func, gpointer data)
{
  exec->ready = func;
  exec->ready_data = data;
}

void
diffusion_exec_set_dropout (DiffusionExec *exec, guint64 seed, guint32 step, gint first)
{
  exec->seed = seed;
  exec->step = step;
  exec->first = first;
}

const DiffusionGraph *
diffusion_exec_get_graph (const DiffusionExec *exec)
{
  return exec->graph;
}

DiffusionShape
diffusion_exec_shape (const DiffusionExec *exec, DiffusionValue value)
{
  return diffusion_graph_shape (exec->graph, value);
}

gpointer
diffusion_exec_scratch (DiffusionExec *exec)
{
  return exec->scratch;
}

gconstpointer
diffusion_exec_prepared (const DiffusionExec *exec, const DiffusionOp *op)
{
  gsize at = exec->prepared->offsets[op->index];

  return at != G_MAXSIZE ? exec->prepared_memory + at : NULL;
}

DiffusionPrecision
diffusion_exec_precision (const DiffusionExec *exec)
{
  return exec->precision;
}

gboolean
diffusion_exec_is_training (const DiffusionExec *exec)
{
  return exec->mode == DIFFUSION_RUN_TRAINING;
}

guint64
diffusion_exec_get_seed (const DiffusionExec *exec, guint32 *step, gint *first)
{
  *step = exec->step;
  *first = exec->first;
  return exec->seed;
}

const float *
diffusion_exec_param (const DiffusionExec *exec, const DiffusionOp *op, guint which)
{
  return diffusion_params_get (exec->graph->params, op->params[which])->data;
}

gsize
diffusion_graph_get_widening_bytes (const DiffusionGraph *graph, const DiffusionOp *op, guint which)
{
  gsize bytes = diffusion_param_get_widening_bytes (diffusion_params_get (graph->params, op->params[which]));

  return (bytes + DIFFUSION_ALIGNMENT - 1) / DIFFUSION_ALIGNMENT * DIFFUSION_ALIGNMENT;
}

const float *
diffusion_exec_widen (const DiffusionExec *exec, const DiffusionOp *op, guint which, gpointer room)
{
  return diffusion_param_widen (diffusion_params_get (exec->graph->params, op->params[which]), room);
}

float *
diffusion_exec_param_gradient (const DiffusionExec *exec, const DiffusionOp *op, guint which)
{
  if (exec->gradients == NULL || exec->mode != DIFFUSION_RUN_TRAINING)
    return NULL;
  return exec->gradients + diffusion_params_get (exec->graph->params, op->params[which])->offset;
}

float *
diffusion_exec_input_gradient (DiffusionExec *exec, const DiffusionOp *op, guint which, float *beta)
{
  *beta = exec->plan->betas[op->index * DIFFUSION_OP_MAX_INPUTS + which] ? 1.0f : 0.0f;
  return diffusion_exec_gradient (exec, op->inputs[which]);
}
