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
  gsize *second_offsets;   /* [values]: in the backward pass, of values that are computed again; else G_MAXSIZE */
  guint8 *runs_again;      /* [ops] */
  gint *segment_begins;    /* [ops]: for the last operation of a segment that runs again its first one, else −1 */
  guint64 macs_again;
  gint *last_use;          /* [params]: the first operation that uses the parameter, −1: none */
  gsize bytes;
  gsize scratch_bytes;
} DiffusionPlan;

/* @segments: (nullable): [ops] the number of the segment that is run again in the backward pass, −1 for none; operations
 * of a segment follow one another. */
DiffusionPlan *diffusion_plan_new (const DiffusionGraph *graph, DiffusionRunMode mode, const gint *segments);

/* The plan that runs least again within @limit bytes (0: no limit), or the smallest one. */
DiffusionPlan *diffusion_plan_new_limited (const DiffusionGraph *graph, DiffusionRunMode mode, gsize limit);

static inline gsize
diffusion_plan_total (const DiffusionPlan *plan)
{
  return plan->bytes + plan->scratch_bytes;
}

/* Where the operations' arranged parameters lie: each at its own place as long as there is room, the others one after
 * the other at the end, arranged again in every run. Nothing in training. */
typedef struct
{
  gsize *offsets; /* [ops], G_MAXSIZE: none */
  guint8 *kept;   /* [ops] */
  gsize kept_bytes, passing_bytes;
} DiffusionPrepared;

DiffusionPrepared *diffusion_prepared_new (const DiffusionGraph *graph, DiffusionRunMode mode,
                                           DiffusionPrecision precision);
void diffusion_prepared_free (DiffusionPrepared *prepared);

void diffusion_plan_free (DiffusionPlan *plan);
