/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Planning: which values and gradients live when, and where they lie, so that peak memory is known before a run.
 *
 * Time runs 0 … n−1 through the forward operations, n is the turn, where outputs are read and their gradients
 * given, and operation i runs backward at 2n − i. */
#include <string.h>

#include "core/base/memory.h"
#include "core/model/graph-private.h"

typedef struct
{
  gint first, last;
  gsize bytes;
  gsize offset;
} Storage;

typedef struct
{
  const DiffusionGraph *graph;
  gboolean backward;        /* whether there is a backward pass at all */
  gboolean training;        /* whether it goes to the parameters */
  gint n_ops;
  gint n_values;
  gint *last_read;         /* [values] in forward and backward time */
  gboolean *has_gradient;  /* [values] */
  gint *value_storage;     /* [values] index into storages */
  gint *gradient_storage;  /* [values] or −1 */
  GArray *storages;
} Planner;

static gint
add_storage (Planner *planner, gsize bytes, gint first, gint last)
{
  Storage storage = { first, last, (bytes + DIFFUSION_ALIGNMENT - 1) / DIFFUSION_ALIGNMENT * DIFFUSION_ALIGNMENT, 0 };

  g_array_append_val (planner->storages, storage);
  return (gint) planner->storages->len - 1;
}

static gsize
value_bytes (const Planner *planner, DiffusionValue value)
{
  return diffusion_shape_size (diffusion_graph_shape (planner->graph, value)) * sizeof (float);
}

static gint
backward_time (const Planner *planner, gint op)
{
  return 2 * planner->n_ops - op;
}

/* Which values lie on a path from something trainable to an output. */
static void
find_gradients (Planner *planner, DiffusionPlan *plan)
{
  const DiffusionGraph *graph = planner->graph;
  g_autofree gboolean *needs = g_new0 (gboolean, planner->n_values);

  for (gint v = 0; v < planner->n_values; v++)
    needs[v] = diffusion_graph_value (graph, v)->wants_gradient;
  for (gint i = 0; i < planner->n_ops; i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, (guint) i);

      if (op->klass->backward == NULL)
        continue;
      needs[op->output] = planner->training && op->n_params > 0;
      for (guint k = 0; k < op->n_inputs; k++)
        if (op->inputs[k] >= 0 && needs[op->inputs[k]])
          needs[op->output] = TRUE;
    }
  for (gint v = 0; v < planner->n_values; v++)
    planner->has_gradient[v] = diffusion_graph_value (graph, v)->is_output && needs[v];
  for (gint i = planner->n_ops - 1; i >= 0; i--)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, (guint) i);

      plan->runs_backward[i] = planner->has_gradient[op->output];
      if (!plan->runs_backward[i])
        continue;
      for (guint k = 0; k < op->n_inputs; k++)
        if (op->inputs[k] >= 0 && needs[op->inputs[k]])
          planner->has_gradient[op->inputs[k]] = TRUE;
    }
}

static gboolean
uses_once (const DiffusionOp *op, DiffusionValue value)
{
  guint uses = 0;

  for (guint k = 0; k < op->n_inputs; k++)
    uses += op->inputs[k] == value;
  return uses == 1;
}

static guint
keeps (const Planner *planner, const DiffusionOp *op)
{
  return planner->training ? op->klass->keeps : op->klass->keeps & ~op->klass->keeps_for_params;
}

static void
find_lifetimes (Planner *planner, DiffusionPlan *plan)
{
  const DiffusionGraph *graph = planner->graph;

  for (gint v = 0; v < planner->n_values; v++)
    {
      const DiffusionGraphValue *value = diffusion_graph_value (graph, v);

      planner->last_read[v] = value->is_output ? planner->n_ops : MAX (value->producer, 0);
    }
  for (gint i = 0; i < planner->n_ops; i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, (guint) i);

      for (guint k = 0; k < op->n_inputs; k++)
        {
          DiffusionValue v = op->inputs[k];

          if (v < 0)
            continue;
          planner->last_read[v] = MAX (planner->last_read[v], i);
          if (plan->runs_backward[i] && (keeps (planner, op) & (1u << k)) != 0)
            planner->last_read[v] = MAX (planner->last_read[v], backward_time (planner, i));
        }
      if (plan->runs_backward[i] && (keeps (planner, op) & DIFFUSION_KEEPS_OUTPUT) != 0)
        planner->last_read[op->output] = MAX (planner->last_read[op->output], backward_time (planner, i));
    }
}

/* The input that the output may be computed on top of, or −1. */
static DiffusionValue
in_place_input (const Planner *planner, const DiffusionOp *op)
{
  DiffusionValue v;

  if (op->klass->adds_input == 0 || planner->backward)
    return DIFFUSION_NO_VALUE;
  v = op->inputs[op->klass->adds_input - 1];
  if (v < 0 || !uses_once (op, v) || diffusion_graph_value (planner->graph, v)->producer < 0
      || planner->last_read[v] != (gint) op->index)
    return DIFFUSION_NO_VALUE;
  return v;
}

static void
place_values (Planner *planner)
{
  for (gint v = 0; v < planner->n_values; v++)
    {
      gint producer = diffusion_graph_value (planner->graph, v)->producer;
      DiffusionValue under
        = producer >= 0 ? in_place_input (planner, diffusion_graph_get_op (planner->graph, (guint) producer)) : -1;

      if (under >= 0)
        {
          Storage *storage = &g_array_index (planner->storages, Storage, planner->value_storage[under]);

          planner->value_storage[v] = planner->value_storage[under];
          storage->last = MAX (storage->last, planner->last_read[v]);
        }
      else
        planner->value_storage[v]
          = add_storage (planner, value_bytes (planner, v), MAX (producer, 0), planner->last_read[v]);
    }
}

static void
place_gradients (Planner *planner, DiffusionPlan *plan)
{
  const DiffusionGraph *graph = planner->graph;
  g_autofree gboolean *written = g_new0 (gboolean, planner->n_values);

  for (gint v = 0; v < planner->n_values; v++)
    {
      planner->gradient_storage[v] = -1;
      if (planner->has_gradient[v] && diffusion_graph_value (graph, v)->is_output)
        {
          gint producer = diffusion_graph_value (graph, v)->producer;

          planner->gradient_storage[v]
            = add_storage (planner, value_bytes (planner, v), planner->n_ops,
                           producer >= 0 ? backward_time (planner, producer) : 2 * planner->n_ops + 1);
          written[v] = TRUE;
        }
    }
  for (gint i = planner->n_ops - 1; i >= 0; i--)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, (guint) i);

      if (!plan->runs_backward[i])
        continue;
      for (guint k = 0; k < op->n_inputs; k++)
        {
          DiffusionValue v = op->inputs[k];
          gint producer;
          gint last;

          if (v < 0 || !planner->has_gradient[v])
            continue;
          plan->betas[i * DIFFUSION_OP_MAX_INPUTS + (gint) k] = (guint8) written[v];
          if (written[v])
            continue;
          written[v] = TRUE;
          producer = diffusion_graph_value (graph, v)->producer;
          last = producer >= 0 ? backward_time (planner, producer) : 2 * planner->n_ops + 1;
          if (op->klass->adds_input == k + 1 && uses_once (op, v))
            {
              Storage *storage
                = &g_array_index (planner->storages, Storage, planner->gradient_storage[op->output]);

              plan->shares_gradient[i] = TRUE;
              planner->gradient_storage[v] = planner->gradient_storage[op->output];
              storage->last = MAX (storage->last, last);
            }
          else
            planner->gradient_storage[v]
              = add_storage (planner, value_bytes (planner, v), backward_time (planner, i), last);
        }
    }
}

static gint
compare_bytes (gconstpointer a, gconstpointer b)
{
  const Storage *first = *(Storage *const *) a;
  const Storage *second = *(Storage *const *) b;

  if (first->bytes != second->bytes)
    return first->bytes < second->bytes ? 1 : -1;
  return first < second ? -1 : first > second;
}

static gint
compare_offset (gconstpointer a, gconstpointer b)
{
  const Storage *first = *(Storage *const *) a;
  const Storage *second = *(Storage *const *) b;

  return first->offset < second->offset ? -1 : first->offset > second->offset;
}

/* Largest first, each at the lowest place that is free for its whole life. */
static gsize
assign_offsets (GArray *storages)
{
  g_autoptr (GPtrArray) order = g_ptr_array_new ();
  g_autoptr (GPtrArray) placed = g_ptr_array_new ();
  g_autoptr (GPtrArray) busy = g_ptr_array_new ();
  gsize bytes = 0;

  for (guint i = 0; i < storages->len; i++)
    g_ptr_array_add (order, &g_array_index (storages, Storage, i));
  g_ptr_array_sort (order, compare_bytes);
  for (guint i = 0; i < order->len; i++)
    {
      Storage *storage = g_ptr_array_index (order, i);
      gsize offset = 0;

      g_ptr_array_set_size (busy, 0);
      for (guint k = 0; k < placed->len; k++)
        {
          Storage *other = g_ptr_array_index (placed, k);

          if (other->first <= storage->last && storage->first <= other->last)
            g_ptr_array_add (busy, other);
        }
      g_ptr_array_sort (busy, compare_offset);
      for (guint k = 0; k < busy->len; k++)
        {
          Storage *other = g_ptr_array_index (busy, k);

          if (offset + storage->bytes <= other->offset)
            break;
          offset = MAX (offset, other->offset + other->bytes);
        }
      storage->offset = offset;
      bytes = MAX (bytes, offset + storage->bytes);
      g_ptr_array_add (placed, storage);
    }
  return bytes;
}

static void
find_scratch (const Planner *planner, DiffusionPlan *plan)
{
  for (gint i = 0; i < planner->n_ops; i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (planner->graph, (guint) i);

      if (op->klass->scratch == NULL)
        continue;
      plan->scratch_bytes = MAX (plan->scratch_bytes, op->klass->scratch (op, planner->graph, FALSE));
      if (plan->runs_backward[i])
        plan->scratch_bytes = MAX (plan->scratch_bytes, op->klass->scratch (op, planner->graph, TRUE));
    }
}

DiffusionPlan *
diffusion_plan_new (const DiffusionGraph *graph, DiffusionRunMode mode)
{
  DiffusionPlan *plan = g_new0 (DiffusionPlan, 1);
  guint n_params = diffusion_params_get_n (graph->params);
  gint n_ops = (gint) graph->ops->len, n_values = (gint) graph->values->len;
  Planner planner = { .graph = graph,
                      .backward = mode != DIFFUSION_RUN_INFERENCE, .training = mode == DIFFUSION_RUN_TRAINING,
                      .n_ops = n_ops,
                      .n_values = n_values };

  planner.last_read = g_new0 (gint, n_values);
  planner.has_gradient = g_new0 (gboolean, n_values);
  planner.value_storage = g_new0 (gint, n_values);
  planner.gradient_storage = g_new0 (gint, n_values);
  planner.storages = g_array_new (FALSE, FALSE, sizeof (Storage));
  plan->betas = g_new0 (guint8, (gsize) n_ops * DIFFUSION_OP_MAX_INPUTS);
  plan->shares_gradient = g_new0 (guint8, n_ops);
  plan->runs_backward = g_new0 (guint8, n_ops);
  plan->value_offsets = g_new (gsize, n_values);
  plan->gradient_offsets = g_new (gsize, n_values);
  plan->last_use = g_new (gint, n_params);

  if (planner.backward)
    find_gradients (&planner, plan);
  find_lifetimes (&planner, plan);
  place_values (&planner);
  for (gint v = 0; v < n_values; v++)
    planner.gradient_storage[v] = -1;
  if (planner.backward)
    place_gradients (&planner, plan);
  plan->bytes = assign_offsets (planner.storages);
  find_scratch (&planner, plan);

  for (gint v = 0; v < n_values; v++)
    {
      plan->value_offsets[v] = g_array_index (planner.storages, Storage, planner.value_storage[v]).offset;
      plan->gradient_offsets[v]
        = planner.gradient_storage[v] >= 0
            ? g_array_index (planner.storages, Storage, planner.gradient_storage[v]).offset
            : G_MAXSIZE;
    }
  for (guint p = 0; p < n_params; p++)
    plan->last_use[p] = -1;
  for (gint i = n_ops - 1; i >= 0; i--)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, (guint) i);

      for (guint k = 0; k < op->n_params && plan->runs_backward[i]; k++)
        plan->last_use[op->params[k]] = i;
    }

  g_free (planner.last_read);
  g_free (planner.has_gradient);
  g_free (planner.value_storage);
  g_free (planner.gradient_storage);
  g_array_unref (planner.storages);
  return plan;
}

void
diffusion_plan_free (DiffusionPlan *plan)
{
  if (plan == NULL)
    return;
  g_free (plan->value_offsets);
  g_free (plan->gradient_offsets);
  g_free (plan->betas);
  g_free (plan->shares_gradient);
  g_free (plan->runs_backward);
  g_free (plan->last_use);
  g_free (plan);
}

gsize
diffusion_graph_plan_bytes (const DiffusionGraph *graph, DiffusionRunMode mode)
{
  DiffusionPlan *plan = diffusion_plan_new (graph, mode);
  gsize bytes = plan->bytes + plan->scratch_bytes;

  diffusion_plan_free (plan);
  return bytes;
}
