/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Planning: which values and gradients live when, and where they lie, so that peak memory is known before a run.
 *
 * Time runs in ticks of n + 1 steps: tick 0 … n−1 for the forward operations, n is the turn, where outputs are read and
 * their gradients given, and operation i runs backward at tick 2n − i. Where a segment of operations is to be run again
 * (Chen et al. 2016, "Training deep nets with sublinear memory cost"), that happens in the steps before the backward tick
 * of its last operation: what only the segment itself reads has then two lives, one in the forward pass and one from
 * there on. */
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
  const gint *segments;    /* (nullable): [ops] */
  gint *last_read;         /* [values] of the first life */
  gint *second_read;       /* [values] of the second life, −1: there is none */
  gint *second_storage;    /* [values] index into storages, or −1 */
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
forward_time (const Planner *planner, gint op)
{
  return op * (planner->n_ops + 1);
}

static gint
turn_time (const Planner *planner)
{
  return planner->n_ops * (planner->n_ops + 1);
}

static gint
backward_time (const Planner *planner, gint op)
{
  return (2 * planner->n_ops - op) * (planner->n_ops + 1);
}

static gint
end_time (const Planner *planner)
{
  return backward_time (planner, -1);
}

/* The first and last operation of a segment follow from any of its operations. */
static gint
segment_end (const gint *segments, gint n_ops, gint op)
{
  gint end = op;

  while (end + 1 < n_ops && segments[end + 1] == segments[op])
    end++;
  return end;
}

static gint
rerun_time (const Planner *planner, gint op)
{
  gint end = segment_end (planner->segments, planner->n_ops, op);

  return backward_time (planner, end + 1) + planner->n_ops - (end - op);
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

static gint
segment_of (const Planner *planner, gint op)
{
  return planner->segments != NULL && op >= 0 ? planner->segments[op] : -1;
}

/* Marks what has to be computed again: kept by a backward pass of the same segment, or needed for that. */
static void
find_second_lives (Planner *planner, DiffusionPlan *plan)
{
  const DiffusionGraph *graph = planner->graph;
  g_autofree gboolean *stays = g_new0 (gboolean, planner->n_values);

  for (gint v = 0; v < planner->n_values; v++)
    {
      const DiffusionGraphValue *value = diffusion_graph_value (graph, v);

      planner->second_read[v] = -1;
      stays[v] = value->is_output || segment_of (planner, value->producer) < 0;
    }
  for (gint i = 0; i < planner->n_ops; i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, (guint) i);

      for (guint k = 0; k < op->n_inputs; k++)
        if (op->inputs[k] >= 0
            && segment_of (planner, diffusion_graph_value (graph, op->inputs[k])->producer) != segment_of (planner, i))
          stays[op->inputs[k]] = TRUE;
    }
  for (gint i = planner->n_ops - 1; i >= 0; i--)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, (guint) i);
      guint kept = plan->runs_backward[i] ? keeps (planner, op) : 0;

      if ((kept & DIFFUSION_KEEPS_OUTPUT) != 0 && !stays[op->output])
        planner->second_read[op->output] = MAX (planner->second_read[op->output], backward_time (planner, i));
      plan->runs_again[i] = planner->second_read[op->output] >= 0;
      for (guint k = 0; k < op->n_inputs; k++)
        {
          DiffusionValue v = op->inputs[k];

          if (v < 0 || stays[v])
            continue;
          if (plan->runs_again[i])
            planner->second_read[v] = MAX (planner->second_read[v], rerun_time (planner, i));
          if ((kept & (1u << k)) != 0)
            planner->second_read[v] = MAX (planner->second_read[v], backward_time (planner, i));
        }
    }
}

static void
find_lifetimes (Planner *planner, DiffusionPlan *plan)
{
  const DiffusionGraph *graph = planner->graph;

  find_second_lives (planner, plan);
  for (gint v = 0; v < planner->n_values; v++)
    {
      const DiffusionGraphValue *value = diffusion_graph_value (graph, v);

      planner->last_read[v]
        = value->is_output ? turn_time (planner) : forward_time (planner, MAX (value->producer, 0));
    }
  for (gint i = 0; i < planner->n_ops; i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, (guint) i);
      guint kept = plan->runs_backward[i] ? keeps (planner, op) : 0;

      for (guint k = 0; k < op->n_inputs; k++)
        {
          DiffusionValue v = op->inputs[k];

          if (v < 0)
            continue;
          planner->last_read[v] = MAX (planner->last_read[v], forward_time (planner, i));
          if (planner->second_read[v] >= 0)
            continue;
          if (plan->runs_again[i])
            planner->last_read[v] = MAX (planner->last_read[v], rerun_time (planner, i));
          if ((kept & (1u << k)) != 0)
            planner->last_read[v] = MAX (planner->last_read[v], backward_time (planner, i));
        }
      if ((kept & DIFFUSION_KEEPS_OUTPUT) != 0 && planner->second_read[op->output] < 0)
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
      || planner->last_read[v] != forward_time (planner, (gint) op->index))
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
          = add_storage (planner, value_bytes (planner, v), producer >= 0 ? forward_time (planner, producer) : 0,
                         planner->last_read[v]);
      planner->second_storage[v] = planner->second_read[v] < 0
                                     ? -1
                                     : add_storage (planner, value_bytes (planner, v), rerun_time (planner, producer),
                                                    planner->second_read[v]);
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
            = add_storage (planner, value_bytes (planner, v), turn_time (planner),
                           producer >= 0 ? backward_time (planner, producer) : end_time (planner));
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
          last = producer >= 0 ? backward_time (planner, producer) : end_time (planner);
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

/* Where the executor has to stop on its way back, and what running again costs. */
static void
find_reruns (const Planner *planner, DiffusionPlan *plan)
{
  for (gint i = 0, begin = 0; i < planner->n_ops; i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (planner->graph, (guint) i);

      if (i > 0 && segment_of (planner, i) != segment_of (planner, i - 1))
        begin = i;
      plan->segment_begins[i]
        = segment_of (planner, i) >= 0 && segment_end (planner->segments, planner->n_ops, i) == i ? begin : -1;
      if (plan->runs_again[i] && op->klass->macs != NULL)
        plan->macs_again += op->klass->macs (op, planner->graph);
    }
}

DiffusionPlan *
diffusion_plan_new (const DiffusionGraph *graph, DiffusionRunMode mode, const gint *segments)
{
  DiffusionPlan *plan = g_new0 (DiffusionPlan, 1);
  guint n_params = diffusion_params_get_n (graph->params);
  gint n_ops = (gint) graph->ops->len, n_values = (gint) graph->values->len;
  Planner planner = { .graph = graph,
                      .backward = mode != DIFFUSION_RUN_INFERENCE, .training = mode == DIFFUSION_RUN_TRAINING,
                      .segments = segments, .n_ops = n_ops, .n_values = n_values };

  planner.last_read = g_new0 (gint, n_values);
  planner.second_read = g_new0 (gint, n_values);
  planner.second_storage = g_new0 (gint, n_values);
  planner.has_gradient = g_new0 (gboolean, n_values);
  planner.value_storage = g_new0 (gint, n_values);
  planner.gradient_storage = g_new0 (gint, n_values);
  planner.storages = g_array_new (FALSE, FALSE, sizeof (Storage));
  plan->betas = g_new0 (guint8, (gsize) n_ops * DIFFUSION_OP_MAX_INPUTS);
  plan->shares_gradient = g_new0 (guint8, n_ops);
  plan->runs_backward = g_new0 (guint8, n_ops);
  plan->runs_again = g_new0 (guint8, n_ops);
  plan->segment_begins = g_new (gint, n_ops);
  plan->second_offsets = g_new (gsize, n_values);
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
      plan->second_offsets[v]
        = planner.second_storage[v] >= 0
            ? g_array_index (planner.storages, Storage, planner.second_storage[v]).offset
            : G_MAXSIZE;
      plan->gradient_offsets[v]
        = planner.gradient_storage[v] >= 0
            ? g_array_index (planner.storages, Storage, planner.gradient_storage[v]).offset
            : G_MAXSIZE;
    }
  find_reruns (&planner, plan);
  for (guint p = 0; p < n_params; p++)
    plan->last_use[p] = -1;
  for (gint i = n_ops - 1; i >= 0; i--)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, (guint) i);

      for (guint k = 0; k < op->n_params && plan->runs_backward[i]; k++)
        plan->last_use[op->params[k]] = i;
    }

  g_free (planner.last_read);
  g_free (planner.second_read);
  g_free (planner.second_storage);
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
  g_free (plan->runs_again);
  g_free (plan->segment_begins);
  g_free (plan->second_offsets);
  g_free (plan->last_use);
  g_free (plan);
}

gsize
diffusion_graph_plan_bytes (const DiffusionGraph *graph, DiffusionRunMode mode)
{
  DiffusionPlan *plan = diffusion_plan_new (graph, mode, NULL);
  DiffusionPrepared *prepared = diffusion_prepared_new (graph, mode, DIFFUSION_PRECISION_F32);
  gsize bytes = diffusion_plan_total (plan) + prepared->kept_bytes + prepared->passing_bytes;

  diffusion_prepared_free (prepared);
  diffusion_plan_free (plan);
  return bytes;
}
