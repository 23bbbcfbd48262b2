/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The photo model's block in one piece, for inference: strips of a few rows and columns go through all of it while they
 * are in the second cache, where the single layers would read and write the whole picture eight times. */
#include <string.h>

#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"
#include "core/layers/parts.h"

/* Columns of a strip and their two neighbours fill whole strips of the widest matrix product. */
#define COLUMN_UNIT 14
#define BAND_ROWS 64
#define FEWEST_BAND_ROWS 16
#define ENOUGH_PARTS 32

enum
{
  EXPAND1,
  PROJECT1,
  EXPAND2,
  PROJECT2,
  N_PRODUCTS
};

/* Parameters of the operation: weight and bias of each. */
enum
{
  PARAM_EXPAND1,
  PARAM_DEPTHWISE = 2,
  PARAM_PROJECT1 = 4,
  PARAM_EXPAND2 = 6,
  PARAM_PROJECT2 = 8,
  N_PARAMS = 10
};

static const guint product_params[N_PRODUCTS] = { PARAM_EXPAND1, PARAM_PROJECT1, PARAM_EXPAND2, PARAM_PROJECT2 };

typedef struct
{
  DiffusionShape shape;
  DiffusionPrecision precision;
  gsize columns, n_chunks;  /* of a strip, of a row */
  gsize rows, n_bands;      /* of a band, of an image */
  const float *x, *film[2], *depthwise, *depthwise_bias;
  const float *bias[N_PRODUCTS];
  const guint8 *packed[N_PRODUCTS];
  float *y, *scratch;
} Block;

static Block
block_new (const DiffusionOp *op, const DiffusionGraph *graph)
{
  Block b = { .shape = diffusion_graph_shape (graph, op->output) };
  gsize w = (gsize) b.shape.w, h = (gsize) b.shape.h;
  /* Wide strips share more, as long as a row of the widest values does not push the others out of the cache. */
  gsize units = b.shape.c <= 64 ? 9 : b.shape.c <= 128 ? 7 : 5;

  b.n_chunks = diffusion_n_parts (w, COLUMN_UNIT * units - 2);
  b.columns = (w + b.n_chunks - 1) / b.n_chunks;
  b.columns = (b.columns + 2 + COLUMN_UNIT - 1) / COLUMN_UNIT * COLUMN_UNIT - 2;
  b.n_chunks = diffusion_n_parts (w, b.columns);
  b.rows = BAND_ROWS;
  while (b.rows > FEWEST_BAND_ROWS
         && (gsize) b.shape.n * diffusion_n_parts (h, b.rows) * b.n_chunks < ENOUGH_PARTS)
    b.rows /= 2;
  b.n_bands = diffusion_n_parts (h, b.rows);
  return b;
}

/* Matrix @product as [n, k]. */
static void
product_size (const Block *b, guint product, gsize *n, gsize *k)
{
  *k = (gsize) b->shape.c;
  *n = product == EXPAND1 || product == EXPAND2 ? 2 * *k : *k;
}

static gsize
packed_bytes (const Block *b, guint product, DiffusionPrecision precision)
{
  gsize n, k;

  product_size (b, product, &n, &k);
  return diffusion_gemm_packed_bytes (precision, n, k);
}

static gsize
block_prepared (const DiffusionOp *op, const DiffusionGraph *graph, DiffusionPrecision precision)
{
  Block b = block_new (op, graph);
  gsize bytes = 0;

  for (guint product = 0; product < N_PRODUCTS; product++)
    bytes += packed_bytes (&b, product, precision);
  return bytes;
}

static void
block_prepare (const DiffusionOp *op, DiffusionExec *exec, gpointer memory)
{
  Block b = block_new (op, diffusion_exec_get_graph (exec));
  DiffusionPrecision precision = diffusion_exec_precision (exec);
  guint8 *to = memory;

  for (guint product = 0; product < N_PRODUCTS; product++)
    {
      const float *weight;
      gsize n, k;

      product_size (&b, product, &n, &k);
      weight = diffusion_exec_widen (exec, op, product_params[product], diffusion_exec_scratch (exec));
      diffusion_gemm_pack_b (precision, TRUE, n, k, weight, k, to);
      to += packed_bytes (&b, product, precision);
    }
}

/* A worker's memory: three rows of the expanded values with their neighbours, then rows of the others. */
typedef struct
{
  float *ring[3]; /* [columns + 2, 2c] */
  float *normal;  /* [columns + 2, c] */
  float *gated;   /* [columns, c] */
  float *middle;  /* [columns, c]: x after the first half of the block */
  float *wide;    /* [columns, 2c] */
} Strip;

static gsize
strip_floats (const Block *b)
{
  gsize c = (gsize) b->shape.c;

  return 3 * (b->columns + 2) * 2 * c + (b->columns + 2) * c + 4 * b->columns * c;
}

static Strip
strip_at (const Block *b, guint worker)
{
  gsize c = (gsize) b->shape.c;
  float *at = b->scratch + worker * strip_floats (b);
  Strip s;

  for (int i = 0; i < 3; i++, at += (b->columns + 2) * 2 * c)
    s.ring[i] = at;
  s.normal = at, at += (b->columns + 2) * c;
  s.gated = at, at += b->columns * c;
  s.middle = at, at += b->columns * c;
  s.wide = at;
  return s;
}

static void
multiply (const Block *b, guint product, gsize rows, const float *x, const float *init, float *y)
{
  gsize n, k;

  product_size (b, product, &n, &k);
  diffusion_gemm_packed (b->precision, FALSE, rows, n, k, x, k, b->packed[product], b->bias[product], init, n, y, n);
}

/* Expanded values of columns first − 1 to first + count of one row; zeros outside the image. */
static void
expand_row (const Block *b, const Strip *s, gsize image, gsize row, gsize first, gsize count, float *out)
{
  gsize c = (gsize) b->shape.c, w = (gsize) b->shape.w;
  gsize left = first > 0 ? first - 1 : 0, right = MIN (first + count + 1, w);
  const float *x = b->x + ((image * (gsize) b->shape.h + row) * w + left) * c;

  diffusion_kernels ()->film_norm (right - left, c, x, b->film[0] + image * 2 * c, s->normal);
  if (first == 0)
    memset (out, 0, 2 * c * sizeof (float));
  if (right < first + count + 1)
    memset (out + (count + 1) * 2 * c, 0, 2 * c * sizeof (float));
  multiply (b, EXPAND1, right - left, s->normal, NULL, out + (left + 1 - first) * 2 * c);
}

/* All that follows the expanded values of three rows. */
static void
finish_row (const Block *b, const Strip *s, gsize image, const float *const *rows, gsize count, const float *x, float *y)
{
  const DiffusionKernels *kernels = diffusion_kernels ();
  gsize c = (gsize) b->shape.c;

  kernels->depthwise_gate_row (count, c, rows, b->depthwise, b->depthwise_bias, s->gated);
  multiply (b, PROJECT1, count, s->gated, x, s->middle);
  kernels->film_norm (count, c, s->middle, b->film[1] + image * 2 * c, s->gated);
  multiply (b, EXPAND2, count, s->gated, NULL, s->wide);
  kernels->gate (count, c, s->wide, s->gated);
  multiply (b, PROJECT2, count, s->gated, s->middle, y);
}

static void
block_part (gsize index, guint worker, gpointer data)
{
  const Block *b = data;
  const gsize c = (gsize) b->shape.c, w = (gsize) b->shape.w, h = (gsize) b->shape.h;
  const gsize first = index % b->n_chunks * b->columns, count = MIN (b->columns, w - first);
  const gsize image = index / b->n_chunks / b->n_bands, band = index / b->n_chunks % b->n_bands;
  const gsize begin = band * b->rows, end = MIN (begin + b->rows, h);
  const Strip s = strip_at (b, worker);

  /* Row r of the image is in ring[(r + 1) % 3]. */
  if (begin > 0)
    expand_row (b, &s, image, begin - 1, first, count, s.ring[begin % 3]);
  expand_row (b, &s, image, begin, first, count, s.ring[(begin + 1) % 3]);
  for (gsize row = begin; row < end; row++)
    {
      const float *rows[3] = { row > 0 ? s.ring[row % 3] : NULL, s.ring[(row + 1) % 3],
                               row + 1 < h ? s.ring[(row + 2) % 3] : NULL };
      gsize at = ((image * h + row) * w + first) * c;

      if (row + 1 < h)
        expand_row (b, &s, image, row + 1, first, count, s.ring[(row + 2) % 3]);
      finish_row (b, &s, image, rows, count, b->x + at, b->y + at);
    }
}

static void
block_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  Block b = block_new (op, diffusion_exec_get_graph (exec));
  const guint8 *packed = diffusion_exec_prepared (exec, op);

  b.precision = diffusion_exec_precision (exec);
  b.x = diffusion_exec_value (exec, op->inputs[0]);
  b.film[0] = diffusion_exec_value (exec, op->inputs[1]);
  b.film[1] = diffusion_exec_value (exec, op->inputs[2]);
  b.depthwise = diffusion_exec_param (exec, op, PARAM_DEPTHWISE);
  b.depthwise_bias = diffusion_exec_param (exec, op, PARAM_DEPTHWISE + 1);
  for (guint product = 0; product < N_PRODUCTS; product++)
    {
      b.bias[product] = diffusion_exec_param (exec, op, product_params[product] + 1);
      b.packed[product] = packed;
      packed += packed_bytes (&b, product, b.precision);
    }
  b.y = diffusion_exec_value (exec, op->output);
  b.scratch = diffusion_exec_scratch (exec);
  diffusion_parallel_for ((gsize) b.shape.n * b.n_bands * b.n_chunks, block_part, &b);
}

static gsize
block_scratch (const DiffusionOp *op, const DiffusionGraph *graph, gboolean backward)
{
  Block b = block_new (op, graph);

  gsize bytes = diffusion_get_threads () * strip_floats (&b) * sizeof (float);

  for (guint product = 0; product < N_PRODUCTS; product++)
    bytes = MAX (bytes, diffusion_graph_get_widening_bytes (graph, op, product_params[product]));
  return bytes;
}

static guint64
block_macs (const DiffusionOp *op, const DiffusionGraph *graph)
{
  DiffusionShape shape = diffusion_graph_shape (graph, op->output);

  return (guint64) diffusion_shape_size (shape) * (guint64) (6 * shape.c + 18);
}

static const DiffusionOpClass block_class = {
  .name = "gated_block",
  .forward = block_forward,
  .scratch = block_scratch,
  .prepared = block_prepared,
  .prepare = block_prepare,
  .macs = block_macs,
};

DiffusionValue
diffusion_layer_gated_block (DiffusionGraph *graph, DiffusionValue x, DiffusionValue film1, DiffusionValue film2,
                             const char *prefix)
{
  static const char *const names[] = { "expand1", "depthwise", "project1", "expand2", "project2" };
  DiffusionParams *table = diffusion_graph_get_params (graph);
  DiffusionShape shape = diffusion_graph_shape (graph, x);
  DiffusionValue inputs[3] = { x, film1, film2 };
  guint params[N_PARAMS];

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *weight = g_strconcat (prefix, ".", names[i], ".weight", NULL);
      g_autofree char *bias = g_strconcat (prefix, ".", names[i], ".bias", NULL);

      params[2 * i] = (guint) diffusion_params_find (table, weight);
      params[2 * i + 1] = (guint) diffusion_params_find (table, bias);
    }
  return diffusion_graph_add (graph, &block_class, 3, inputs, N_PARAMS, params, NULL, 0, shape);
}
