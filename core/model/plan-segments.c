/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which parts of a network are run again in the backward pass, where memory is short. */
#include "core/model/graph-private.h"

/* A boundary is where less is carried over than at any other this near: in U-Nets, between blocks. */
#define REACH 3

typedef struct
{
  gint begin, end;  /* operations begin … end − 1 */
  double gain;      /* bytes that are not kept, for each multiply-add that is run again */
} Segment;

/* Bytes of the values that lie from before operation i to it or beyond, for each i. */
static gint64 *
carried_bytes (const DiffusionGraph *graph, gint n_ops)
{
  gint64 *change = g_new0 (gint64, n_ops + 1);

  for (gint v = 0; v < (gint) graph->values->len; v++)
    {
      gint producer = diffusion_graph_value (graph, v)->producer, last = producer;

      if (producer < 0)
        continue;
      for (gint i = producer + 1; i < n_ops; i++)
        for (guint k = 0; k < diffusion_graph_get_op (graph, (guint) i)->n_inputs; k++)
          if (diffusion_graph_get_op (graph, (guint) i)->inputs[k] == v)
            last = i;
      change[producer + 1] += (gint64) diffusion_shape_size (diffusion_graph_shape (graph, v));
      change[last + 1] -= (gint64) diffusion_shape_size (diffusion_graph_shape (graph, v));
    }
  for (gint i = 1; i <= n_ops; i++)
    change[i] += change[i - 1];
  return change;
}

static double
segment_gain (const DiffusionGraph *graph, gint begin, gint end)
{
  double bytes = 0, macs = 1e6;

  for (gint i = begin; i < end; i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, (guint) i);

      if (i + 1 < end)
        bytes += (double) diffusion_shape_size (diffusion_graph_shape (graph, op->output));
      if (op->klass->macs != NULL)
        macs += (double) op->klass->macs (op, graph);
    }
  return bytes / macs;
}

static gint
compare_gain (gconstpointer a, gconstpointer b)
{
  const Segment *first = a, *second = b;

  if (first->gain != second->gain)
    return first->gain < second->gain ? 1 : -1;
  return first->begin - second->begin;
}

/* Blocks, @merge of them together, most worthwhile first. */
static GArray *
find_segments (const DiffusionGraph *graph, gint merge)
{
  GArray *segments = g_array_new (FALSE, FALSE, sizeof (Segment));
  gint n_ops = (gint) graph->ops->len, begin = 0, blocks = 0;
  g_autofree gint64 *carried = carried_bytes (graph, n_ops);

  for (gint i = 1; i <= n_ops; i++)
    {
      gboolean is_boundary = TRUE;

      for (gint k = MAX (1, i - REACH); k <= MIN (n_ops - 1, i + REACH) && i < n_ops; k++)
        if (carried[k] < carried[i] || (carried[k] == carried[i] && k < i))
          is_boundary = FALSE;
      if (!is_boundary || (++blocks % merge != 0 && i < n_ops))
        continue;
      if (i - begin > 1)
        {
          Segment segment = { begin, i, segment_gain (graph, begin, i) };

          g_array_append_val (segments, segment);
        }
      begin = i;
    }
  g_array_sort (segments, compare_gain);
  return segments;
}

/* A plan that runs the first @n segments again. */
static DiffusionPlan *
plan_some (const DiffusionGraph *graph, DiffusionRunMode mode, const GArray *segments, guint n)
{
  guint n_ops = graph->ops->len;
  g_autofree gint *numbers = g_new (gint, n_ops + 1);

  for (guint i = 0; i < n_ops; i++)
    numbers[i] = -1;
  for (guint k = 0; k < n; k++)
    {
      const Segment *segment = &g_array_index (segments, Segment, k);

      for (gint i = segment->begin; i < segment->end; i++)
        numbers[i] = (gint) k;
    }
  return diffusion_plan_new (graph, mode, n > 0 ? numbers : NULL);
}

static DiffusionPlan *
better (DiffusionPlan *a, DiffusionPlan *b)
{
  gboolean first = diffusion_plan_total (a) <= diffusion_plan_total (b);

  diffusion_plan_free (first ? b : a);
  return first ? a : b;
}

/* The fewest segments that fit; @high segments are known to. */
static DiffusionPlan *
search (const DiffusionGraph *graph, DiffusionRunMode mode, const GArray *segments, gsize limit, DiffusionPlan *all)
{
  guint low = 0, high = segments->len;

  while (high - low > 1)
    {
      guint middle = (low + high) / 2;
      DiffusionPlan *plan = plan_some (graph, mode, segments, middle);

      if (diffusion_plan_total (plan) <= limit)
        {
          diffusion_plan_free (all);
          all = plan;
          high = middle;
        }
      else
        {
          diffusion_plan_free (plan);
          low = middle;
        }
    }
  return all;
}

DiffusionPlan *
diffusion_plan_new_limited (const DiffusionGraph *graph, DiffusionRunMode mode, gsize limit)
{
  DiffusionPlan *best = diffusion_plan_new (graph, mode, NULL);

  if (limit == 0 || mode == DIFFUSION_RUN_INFERENCE || diffusion_plan_total (best) <= limit)
    return best;
  for (gint merge = 1; merge <= 4; merge *= 2)
    {
      g_autoptr (GArray) segments = find_segments (graph, merge);
      DiffusionPlan *all = plan_some (graph, mode, segments, segments->len);

      if (diffusion_plan_total (all) <= limit)
        {
          diffusion_plan_free (best);
          return search (graph, mode, segments, limit, all);
        }
      best = better (best, all);
    }
  return best;
}

gsize
diffusion_graph_plan_limited (const DiffusionGraph *graph, DiffusionRunMode mode, gsize limit, guint64 *macs_again)
{
  DiffusionPlan *plan = diffusion_plan_new_limited (graph, mode, limit);
  gsize bytes = diffusion_plan_total (plan);

  if (macs_again != NULL)
    *macs_again = plan->macs_again;
  diffusion_plan_free (plan);
  return bytes;
}
