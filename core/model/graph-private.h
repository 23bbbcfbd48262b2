/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What building, planning and running share about a graph. */
#pragma once

#include "core/model/graph.h"

/* producer: the operation that computes the value, −1 for inputs. */
typedef struct
{
  DiffusionShape shape;
  gint producer;
  gboolean wants_gradient;
  gboolean is_output;
} DiffusionGraphValue;

struct _DiffusionGraph
{
  DiffusionParams *params;
  GPtrArray *ops;
  GArray *values;
};

static inline DiffusionGraphValue *
diffusion_graph_value (const DiffusionGraph *graph, DiffusionValue value)
{
  return &g_array_index (graph->values, DiffusionGraphValue, value);
}

/* Where everything lies in the executor's memory. Offsets are in bytes; G_MAXSIZE: nowhere. */
typedef struct
{
  gsize *value_offsets;    /* [values] */
  gsize *gradient_offsets; /* [values] */
  guint8 *betas;           /* [ops × DIFFUSION_OP_MAX_INPUTS]: whether an input's gradient is added to */
  guint8 *shares_gradient; /* [ops]: the residual's gradient is the output's own memory */
  guint8 *runs_backward;   /* [ops] */
  gint *last_use;          /* [params]: the first operation that uses the parameter, −1: none */
  gsize bytes;
  gsize scratch_bytes;
} DiffusionPlan;

DiffusionPlan *diffusion_plan_new (const DiffusionGraph *graph, DiffusionRunMode mode);
void diffusion_plan_free (DiffusionPlan *plan);
