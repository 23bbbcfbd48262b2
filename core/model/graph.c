/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building graphs of operations. */
#include "core/model/graph.h"

#include "core/model/graph-private.h"

static void
op_free (gpointer data)
{
  DiffusionOp *op = data;

  g_free (op->attributes);
  g_free (op);
}

DiffusionGraph *
diffusion_graph_new (DiffusionParams *params)
{
  DiffusionGraph *graph = g_new0 (DiffusionGraph, 1);

  graph->params = params;
  graph->ops = g_ptr_array_new_with_free_func (op_free);
  graph->values = g_array_new (FALSE, TRUE, sizeof (DiffusionGraphValue));
  return graph;
}

void
diffusion_graph_free (DiffusionGraph *graph)
{
  if (graph == NULL)
    return;
  g_ptr_array_unref (graph->ops);
  g_array_unref (graph->values);
  g_free (graph);
}

DiffusionParams *
diffusion_graph_get_params (const DiffusionGraph *graph)
{
  return graph->params;
}

static DiffusionValue
add_value (DiffusionGraph *graph, DiffusionShape shape, gint producer, gboolean wants_gradient)
{
  DiffusionGraphValue value = { .shape = shape, .producer = producer, .wants_gradient = wants_gradient };

  g_array_append_val (graph->values, value);
  return (DiffusionValue) graph->values->len - 1;
}

DiffusionValue
diffusion_graph_input (DiffusionGraph *graph, DiffusionShape shape, gboolean wants_gradient)
{
  return add_value (graph, shape, -1, wants_gradient);
}

void
diffusion_graph_output (DiffusionGraph *graph, DiffusionValue value)
{
  diffusion_graph_value (graph, value)->is_output = TRUE;
}

DiffusionShape
diffusion_graph_shape (const DiffusionGraph *graph, DiffusionValue value)
{
  return diffusion_graph_value (graph, value)->shape;
}

DiffusionValue
diffusion_graph_add (DiffusionGraph *graph,
                     const DiffusionOpClass *klass,
                     guint n_inputs,
                     const DiffusionValue *inputs,
                     guint n_params,
                     const guint *params,
                     gconstpointer attributes,
                     gsize attributes_size,
                     DiffusionShape output)
{
  DiffusionOp *op = g_new0 (DiffusionOp, 1);

  op->klass = klass;
  op->index = graph->ops->len;
  op->n_inputs = n_inputs;
  for (guint i = 0; i < n_inputs; i++)
    op->inputs[i] = inputs[i];
  op->n_params = n_params;
  for (guint i = 0; i < n_params; i++)
    op->params[i] = params[i];
  op->attributes = g_memdup2 (attributes, attributes_size);
  op->output = add_value (graph, output, (gint) op->index, FALSE);
  g_ptr_array_add (graph->ops, op);
  return op->output;
}

guint
diffusion_graph_get_n_ops (const DiffusionGraph *graph)
{
  return graph->ops->len;
}

const DiffusionOp *
diffusion_graph_get_op (const DiffusionGraph *graph, guint index)
{
  return g_ptr_array_index (graph->ops, index);
}

guint64
diffusion_graph_get_macs (const DiffusionGraph *graph)
{
  guint64 macs = 0;

  for (guint i = 0; i < graph->ops->len; i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, i);

      if (op->klass->macs != NULL)
        macs += op->klass->macs (op, graph);
    }
  return macs;
}
