/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Multi-head self-attention over the pixels of each image. */
#include "core/base/threads.h"
#include "core/kernels/gemm.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"
#include "core/layers/parts.h"

#include <math.h>

/* Rows of scores in one part, and what the backward pass may keep of whole score matrices. */
#define BLOCK_ROWS 64
#define SCORE_BYTES (1u << 24)

typedef struct
{
  gint heads;
} AttentionAttributes;

/* Matrices are [n, tokens, …] rows of the values; a head is a run of columns in them. */
typedef struct
{
  DiffusionPrecision precision;
  gsize tokens, heads, width, pairs; /* width: channels of a head; pairs: images times heads */
  gsize blocks, stride;              /* stride: channels of a row */
  float alpha;
  const float *q, *k, *v, *dy;
  float *y;
  float *gradients[3];
  float betas[3];
  float *scratch;
  gsize first_pair;
} Attention;

static Attention
attention_new (const DiffusionOp *op, const DiffusionGraph *graph)
{
  const AttentionAttributes *attributes = op->attributes;
  DiffusionShape shape = diffusion_graph_shape (graph, op->output);
  Attention a = { .tokens = (gsize) shape.h * (gsize) shape.w, .heads = (gsize) attributes->heads };

  a.stride = (gsize) shape.c;
  a.width = a.stride / a.heads;
  a.pairs = (gsize) shape.n * a.heads;
  a.blocks = diffusion_n_parts (a.tokens, BLOCK_ROWS);
  a.alpha = (float) (1 / sqrt ((double) a.width));
  return a;
}

static void
attention_bind (Attention *a, const DiffusionOp *op, DiffusionExec *exec)
{
  a->precision = diffusion_exec_precision (exec);
  a->q = diffusion_exec_value (exec, op->inputs[0]);
  a->k = diffusion_exec_value (exec, op->inputs[1]);
  a->v = diffusion_exec_value (exec, op->inputs[2]);
  a->scratch = diffusion_exec_scratch (exec);
}

/* Where an image's head begins. */
static gsize
head_offset (const Attention *a, gsize pair)
{
  return pair / a->heads * a->tokens * a->stride + pair % a->heads * a->width;
}

static gsize
block_size (const Attention *a, gsize block)
{
  return MIN (BLOCK_ROWS, a->tokens - block * BLOCK_ROWS);
}

/* softmax (alpha·q·kᵀ) of one block of rows. */
static void
scores (const Attention *a, gsize pair, gsize block, float *out)
{
  gsize offset = head_offset (a, pair), rows = block_size (a, block);

  diffusion_gemm (a->precision, FALSE, TRUE, rows, a->tokens, a->width, a->q + offset + block * BLOCK_ROWS * a->stride,
                  a->stride, a->k + offset, a->stride, 0, out, a->tokens);
  diffusion_kernels ()->softmax (rows, a->tokens, a->alpha, out);
}

static void
forward_part (gsize index, guint worker, gpointer data)
{
  const Attention *a = data;
  gsize pair = index / a->blocks, block = index % a->blocks;
  gsize offset = head_offset (a, pair);
  float *p = a->scratch + worker * BLOCK_ROWS * a->tokens;

  scores (a, pair, block, p);
  diffusion_gemm (a->precision, FALSE, FALSE, block_size (a, block), a->width, a->tokens, p, a->tokens, a->v + offset,
                  a->stride, 0, a->y + offset + block * BLOCK_ROWS * a->stride, a->stride);
}

static void
attention_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  Attention a = attention_new (op, diffusion_exec_get_graph (exec));

  attention_bind (&a, op, exec);
  a.y = diffusion_exec_value (exec, op->output);
  diffusion_parallel_for (a.pairs * a.blocks, forward_part, &a);
}

/* The backward pass holds the scores and their gradients of several heads at a time: rows of them give the gradient of
 * q, columns those of k and v. */
static gsize
pairs_at_once (const Attention *a)
{
  return CLAMP (SCORE_BYTES / (2 * a->tokens * a->tokens * sizeof (float)), 1, a->pairs);
}

static void
rows_part (gsize index, guint worker, gpointer data)
{
  const Attention *a = data;
  gsize local = index / a->blocks, pair = a->first_pair + local, block = index % a->blocks;
  gsize rows = block_size (a, block), first = block * BLOCK_ROWS;
  gsize offset = head_offset (a, pair);
  float *p = a->scratch + local * 2 * a->tokens * a->tokens + first * a->tokens;
  float *dp = p + a->tokens * a->tokens;

  scores (a, pair, block, p);
  diffusion_gemm (a->precision, FALSE, TRUE, rows, a->tokens, a->width, a->dy + offset + first * a->stride, a->stride,
                  a->v + offset, a->stride, 0, dp, a->tokens);
  diffusion_kernels ()->softmax_backward (rows, a->tokens, a->alpha, p, dp);
  if (a->gradients[0] != NULL)
    diffusion_gemm (a->precision, FALSE, FALSE, rows, a->width, a->tokens, dp, a->tokens, a->k + offset, a->stride,
                    a->betas[0], a->gradients[0] + offset + first * a->stride, a->stride);
}

static void
columns_part (gsize index, guint worker, gpointer data)
{
  const Attention *a = data;
  gsize local = index / a->blocks, pair = a->first_pair + local, block = index % a->blocks;
  gsize columns = block_size (a, block), first = block * BLOCK_ROWS;
  gsize offset = head_offset (a, pair), to = offset + first * a->stride;
  const float *p = a->scratch + local * 2 * a->tokens * a->tokens + first;
  const float *dp = p + a->tokens * a->tokens;

  if (a->gradients[1] != NULL)
    diffusion_gemm (a->precision, TRUE, FALSE, columns, a->width, a->tokens, dp, a->tokens, a->q + offset, a->stride,
                    a->betas[1], a->gradients[1] + to, a->stride);
  if (a->gradients[2] != NULL)
    diffusion_gemm (a->precision, TRUE, FALSE, columns, a->width, a->tokens, p, a->tokens, a->dy + offset, a->stride,
                    a->betas[2], a->gradients[2] + to, a->stride);
}

static void
attention_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  Attention a = attention_new (op, diffusion_exec_get_graph (exec));
  gsize at_once = pairs_at_once (&a);

  attention_bind (&a, op, exec);
  a.dy = diffusion_exec_gradient (exec, op->output);
  for (guint i = 0; i < 3; i++)
    a.gradients[i] = diffusion_exec_input_gradient (exec, op, i, &a.betas[i]);
  for (; a.first_pair < a.pairs; a.first_pair += at_once)
    {
      gsize n = MIN (at_once, a.pairs - a.first_pair);

      diffusion_parallel_for (n * a.blocks, rows_part, &a);
      diffusion_parallel_for (n * a.blocks, columns_part, &a);
    }
}

static gsize
attention_scratch (const DiffusionOp *op, const DiffusionGraph *graph, gboolean backward)
{
  Attention a = attention_new (op, graph);
  gsize size = backward ? pairs_at_once (&a) * 2 * a.tokens * a.tokens
                        : diffusion_get_threads () * BLOCK_ROWS * a.tokens;

  return size * sizeof (float);
}

static guint64
attention_macs (const DiffusionOp *op, const DiffusionGraph *graph)
{
  Attention a = attention_new (op, graph);

  return 2 * (guint64) a.pairs * a.tokens * a.tokens * a.width;
}

static const DiffusionOpClass attention_class = {
  .name = "attention",
  .forward = attention_forward,
  .backward = attention_backward,
  .scratch = attention_scratch,
  .macs = attention_macs,
  .keeps = DIFFUSION_KEEPS_INPUT_0 | DIFFUSION_KEEPS_INPUT_1 | DIFFUSION_KEEPS_INPUT_2,
};

DiffusionValue
diffusion_layer_attention (DiffusionGraph *graph, DiffusionValue q, DiffusionValue k, DiffusionValue v, gint heads)
{
  AttentionAttributes attributes = { heads };
  DiffusionValue inputs[3] = { q, k, v };

  return diffusion_graph_add (graph, &attention_class, 3, inputs, 0, NULL, &attributes, sizeof attributes,
                              diffusion_graph_shape (graph, q));
}
