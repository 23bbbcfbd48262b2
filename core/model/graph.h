/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks as lists of operations on values of known shape: built for one size, planned, then run forward and
 * backward in memory that was known before. Layers (core/layers) add operations; models (core/model) add layers. */
#pragma once

#include <gio/gio.h>

#include "core/kernels/gemm.h"
#include "core/model/params.h"

G_BEGIN_DECLS

typedef struct _DiffusionGraph DiffusionGraph;
typedef struct _DiffusionExec DiffusionExec;
typedef struct _DiffusionOp DiffusionOp;
typedef struct _DiffusionOpClass DiffusionOpClass;

/** DiffusionValue: a value's number in its graph; %DIFFUSION_NO_VALUE where an optional one is absent. */
typedef gint DiffusionValue;
#define DIFFUSION_NO_VALUE (-1)

/** DiffusionShape: [n, h, w, c], float32, channels last. */
typedef struct
{
  gint n, h, w, c;
} DiffusionShape;

static inline gsize
diffusion_shape_size (DiffusionShape shape)
{
  return (gsize) shape.n * (gsize) shape.h * (gsize) shape.w * (gsize) shape.c;
}

/** diffusion_shape_pixels: rows of the [pixels, c] matrix that a value is to 1×1 convolutions. */
static inline gsize
diffusion_shape_pixels (DiffusionShape shape)
{
  return (gsize) shape.n * (gsize) shape.h * (gsize) shape.w;
}

#define DIFFUSION_OP_MAX_INPUTS 6
#define DIFFUSION_OP_MAX_PARAMS 10

/* What an operation's backward pass reads besides the output's gradient. */
enum
{
  DIFFUSION_KEEPS_INPUT_0 = 1 << 0, /* input i: 1 << i */
  DIFFUSION_KEEPS_INPUT_1 = 1 << 1,
  DIFFUSION_KEEPS_INPUT_2 = 1 << 2,
  DIFFUSION_KEEPS_INPUT_3 = 1 << 3,
  DIFFUSION_KEEPS_OUTPUT = 1 << 8
};

/**
 * DiffusionOpClass:
 * @name: for messages and profiles
 * @forward: computes the output; reads diffusion_exec_value(), uses diffusion_exec_scratch()
 * @backward: (nullable): adds to the gradients of inputs and parameters; %NULL where no gradient passes
 * @scratch: (nullable): bytes of scratch memory that @forward or @backward needs
 * @prepared: (nullable): bytes that @prepare fills for inference in @precision
 * @prepare: (nullable): arranges the parameters once for all inference runs of an executor; may use
 *   diffusion_exec_scratch() for diffusion_exec_widen()
 * @macs: (nullable): multiply-adds of @forward
 * @keeps: what @backward reads
 * @keeps_for_params: the part of @keeps that only the parameters' gradients need
 * @adds_input: index + 1 of an input that is added to the output unchanged (a residual), or 0; its gradient is the
 *   output's, and at inference the output may be computed on top of it: where diffusion_exec_value() of both is the
 *   same pointer, the residual is already there
 */
struct _DiffusionOpClass
{
  const char *name;
  void (*forward) (const DiffusionOp *op, DiffusionExec *exec);
  void (*backward) (const DiffusionOp *op, DiffusionExec *exec);
  gsize (*scratch) (const DiffusionOp *op, const DiffusionGraph *graph, gboolean backward);
  gsize (*prepared) (const DiffusionOp *op, const DiffusionGraph *graph, DiffusionPrecision precision);
  void (*prepare) (const DiffusionOp *op, DiffusionExec *exec, gpointer memory);
  guint64 (*macs) (const DiffusionOp *op, const DiffusionGraph *graph);
  guint keeps;
  guint keeps_for_params;
  guint adds_input;
};

struct _DiffusionOp
{
  const DiffusionOpClass *klass;
  guint index; /* in the graph; also tells random streams apart */
  guint n_inputs;
  DiffusionValue inputs[DIFFUSION_OP_MAX_INPUTS];
  DiffusionValue output;
  guint n_params;
  guint params[DIFFUSION_OP_MAX_PARAMS];
  gpointer attributes; /* (owned): the class's own, copied at creation */
};

/* Building */

/**
 * diffusion_graph_new:
 * @params: (transfer none): the table that layers declare their parameters in; must outlive the graph
 */
DiffusionGraph *diffusion_graph_new (DiffusionParams *params);
void diffusion_graph_free (DiffusionGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionGraph, diffusion_graph_free)

DiffusionParams *diffusion_graph_get_params (const DiffusionGraph *graph);

/** diffusion_graph_input: a value that the caller fills before each run; @wants_gradient: also computes d/d input. */
DiffusionValue diffusion_graph_input (DiffusionGraph *graph, DiffusionShape shape, gboolean wants_gradient);

/** diffusion_graph_output: keeps @value readable after the run and lets the caller give its gradient. */
void diffusion_graph_output (DiffusionGraph *graph, DiffusionValue value);

DiffusionShape diffusion_graph_shape (const DiffusionGraph *graph, DiffusionValue value);

/**
 * diffusion_graph_add:
 * @inputs: [n_inputs]; %DIFFUSION_NO_VALUE entries are allowed
 * @params: [n_params] indices in the parameter table
 * @attributes: (nullable): copied, @attributes_size bytes
 *
 * For layers: appends an operation.
 *
 * Returns: the new value that it computes
 */
DiffusionValue diffusion_graph_add (DiffusionGraph *graph, const DiffusionOpClass *klass, guint n_inputs,
                                    const DiffusionValue *inputs, guint n_params, const guint *params,
                                    gconstpointer attributes, gsize attributes_size, DiffusionShape output);

guint diffusion_graph_get_n_ops (const DiffusionGraph *graph);
const DiffusionOp *diffusion_graph_get_op (const DiffusionGraph *graph, guint index);

/** diffusion_graph_get_macs: multiply-adds of one forward run. */
guint64 diffusion_graph_get_macs (const DiffusionGraph *graph);

/* Planning and running */

/**
 * DiffusionRunMode:
 * @DIFFUSION_RUN_INFERENCE: forward only
 * @DIFFUSION_RUN_TRAINING: forward with dropout, and backward to parameters and inputs
 * @DIFFUSION_RUN_INPUT_GRADIENT: forward as at inference, and backward to the inputs that want a gradient
 */
typedef enum
{
  DIFFUSION_RUN_INFERENCE,
  DIFFUSION_RUN_TRAINING,
  DIFFUSION_RUN_INPUT_GRADIENT
} DiffusionRunMode;

/** diffusion_graph_plan_bytes: memory that diffusion_exec_new() would allocate. */
gsize diffusion_graph_plan_bytes (const DiffusionGraph *graph, DiffusionRunMode mode);

/**
 * diffusion_exec_new:
 * @graph: (transfer none): must outlive the executor; several executors may run one graph at the same time
 *
 * Plans and allocates. The layers' products run in @precision. At inference the parameters are arranged in the first run
 * and must not change afterwards.
 *
 * Returns: (transfer full) (nullable): %NULL with %DIFFUSION_ERROR_MEMORY
 */
DiffusionExec *diffusion_exec_new (const DiffusionGraph *graph, DiffusionRunMode mode,
                                   DiffusionPrecision precision, GError **error);

/**
 * diffusion_exec_new_limited:
 * @limit: bytes of memory for values, gradients and scratch; 0 for no limit
 *
 * Like diffusion_exec_new(), but where memory is short the backward pass runs parts of the forward pass again instead of
 * keeping what they computed, as few as possible. The results are the same.
 *
 * Returns: (transfer full) (nullable): %NULL with %DIFFUSION_ERROR_MEMORY, also where no such plan fits @limit
 */
DiffusionExec *diffusion_exec_new_limited (const DiffusionGraph *graph, DiffusionRunMode mode,
                                           DiffusionPrecision precision, gsize limit, GError **error);

/**
 * diffusion_graph_plan_limited:
 * @macs_again: (out) (optional): multiply-adds that the backward pass runs again
 *
 * Returns: memory that diffusion_exec_new_limited() would allocate; more than @limit where it would fail
 */
gsize diffusion_graph_plan_limited (const DiffusionGraph *graph, DiffusionRunMode mode, gsize limit,
                                    guint64 *macs_again);

void diffusion_exec_free (DiffusionExec *exec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionExec, diffusion_exec_free)

/** diffusion_exec_value: the value's memory, [n, h, w, c]; valid while the plan keeps it (inputs before, outputs
 * after the run). %NULL for %DIFFUSION_NO_VALUE. */
float *diffusion_exec_value (DiffusionExec *exec, DiffusionValue value);

/**
 * diffusion_exec_forward:
 * @cancellable: (nullable): checked between operations and between their parts
 *
 * Returns: %FALSE with %G_IO_ERROR_CANCELLED
 */
gboolean diffusion_exec_forward (DiffusionExec *exec, GCancellable *cancellable, GError **error);

/**
 * diffusion_exec_backward:
 *
 * After a forward run in a mode with a backward pass and with diffusion_exec_gradient() of every output filled: adds the
 * parameters' gradients to the block of diffusion_exec_set_gradients().
 */
gboolean diffusion_exec_backward (DiffusionExec *exec, GCancellable *cancellable, GError **error);

/** diffusion_exec_gradient: memory of d loss / d value, or %NULL where none is wanted. */
float *diffusion_exec_gradient (DiffusionExec *exec, DiffusionValue value);

/**
 * diffusion_exec_set_gradients:
 * @block: (nullable) (transfer none): as long as the parameter block; %NULL computes no parameter gradients
 */
void diffusion_exec_set_gradients (DiffusionExec *exec, float *block);

/**
 * DiffusionGradientReadyFunc:
 * @param: a parameter whose gradient is complete for this backward run
 *
 * Called during the backward run, so that gradients can be sent while it goes on.
 */
typedef void (*DiffusionGradientReadyFunc) (guint param, gpointer data);
void diffusion_exec_set_gradient_ready (DiffusionExec *exec, DiffusionGradientReadyFunc func, gpointer data);

/**
 * diffusion_exec_set_dropout:
 * @seed: seed of the dropout masks of the next run
 * @step: training step
 * @first: number of the first example within the step
 *
 * Each example's masks hang on (seed, step, number) alone. Off at inference.
 */
void diffusion_exec_set_dropout (DiffusionExec *exec, guint64 seed, guint32 step, gint first);

/* For the layers' forward and backward functions */

const DiffusionGraph *diffusion_exec_get_graph (const DiffusionExec *exec);
DiffusionShape diffusion_exec_shape (const DiffusionExec *exec, DiffusionValue value);
gpointer diffusion_exec_scratch (DiffusionExec *exec);
DiffusionPrecision diffusion_exec_precision (const DiffusionExec *exec);
gboolean diffusion_exec_is_training (const DiffusionExec *exec);
guint64 diffusion_exec_get_seed (const DiffusionExec *exec, guint32 *step, gint *first);

/** diffusion_exec_prepared: what the operation prepared for inference, or %NULL in training. */
gconstpointer diffusion_exec_prepared (const DiffusionExec *exec, const DiffusionOp *op);

/** diffusion_exec_param: the values of the operation's parameter number @which, working order. */
const float *diffusion_exec_param (const DiffusionExec *exec, const DiffusionOp *op, guint which);

/** diffusion_graph_get_widening_bytes: room that diffusion_exec_widen() needs, 0 for parameters that are at hand. */
gsize diffusion_graph_get_widening_bytes (const DiffusionGraph *graph, const DiffusionOp *op, guint which);

/** diffusion_exec_widen: like diffusion_exec_param(), for those of diffusion_params_set_arranged(), which may be in half
 * precision in their file and are then put into @room. */
const float *diffusion_exec_widen (const DiffusionExec *exec, const DiffusionOp *op, guint which, gpointer room);

/** diffusion_exec_param_gradient: where to add the gradient of that parameter, or %NULL. */
float *diffusion_exec_param_gradient (const DiffusionExec *exec, const DiffusionOp *op, guint which);

/**
 * diffusion_exec_input_gradient:
 * @which: which input of @op
 * @beta: (out): 0 where the gradient is to be overwritten, 1 where it is to be added to
 *
 * Returns: (nullable): memory of d loss / d input; %NULL where none is wanted, and for the input named by adds_input
 *   where the output's gradient already is that memory
 */
float *diffusion_exec_input_gradient (DiffusionExec *exec, const DiffusionOp *op, guint which, float *beta);

G_END_DECLS
