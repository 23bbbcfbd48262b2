/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Muon: momentum whose matrices are made orthogonal. */
#include "core/training/muon.h"

#include <math.h>
#include <string.h>

#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/base/threads.h"
#include "core/kernels/kernels.h"

#define LEAST_CHANNELS 16
#define ITERATIONS 5
#define RMS 0.2
/* Matrices whose sides differ so much are multiplied less often: see iterate_gram(). */
#define LONG 4

/* An odd polynomial a·s + b·s³ + c·s⁵ that, iterated, draws singular values between 0.01 and 1 to about 1. */
static const float coefficients[3] = { 3.4445f, -4.7750f, 2.0315f };

/* One worker's memory. */
typedef struct
{
  float *x, *product;                /* a whole parameter */
  float *gram, *poly, *chain, *half; /* the square of its shorter side */
} Workspace;

struct _DiffusionMuon
{
  const DiffusionParams *params;
  DiffusionPrecision precision;
  guint *indices;
  guint n;
  float *block;
  gsize stride, most, square;
};

typedef struct
{
  const DiffusionMuon *muon;
  float rate, momentum, keep, scale;
  const float *gradients;
  float *first, *values;
} Step;

/* A parameter as a matrix. */
typedef struct
{
  gsize rows, columns, least, longest;
  gboolean tall;
} Matrix;

static Matrix
as_matrix (const DiffusionParam *param)
{
  gsize rows = (gsize) param->shape[0], columns = param->size / rows;

  return (Matrix) { rows, columns, MIN (rows, columns), MAX (rows, columns), rows > columns };
}

gboolean
diffusion_muon_takes (const DiffusionParam *param)
{
  return param->n_dims >= 2 && param->layout != DIFFUSION_PARAM_DEPTHWISE && param->shape[0] >= LEAST_CHANNELS
         && param->shape[1] >= LEAST_CHANNELS;
}

/* What the largest parameters need. */
static void
measure (DiffusionMuon *muon, const DiffusionParams *params)
{
  const gsize vector = DIFFUSION_ALIGNMENT / sizeof (float);

  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      if (diffusion_muon_takes (param))
        {
          Matrix matrix = as_matrix (param);

          muon->most = MAX (muon->most, param->size);
          muon->square = MAX (muon->square, matrix.least * matrix.least);
        }
    }
  muon->most = (muon->most + vector - 1) / vector * vector;
  muon->square = (muon->square + vector - 1) / vector * vector;
  muon->stride = 2 * muon->most + 4 * muon->square;
}

gsize
diffusion_muon_bytes (const DiffusionParams *params)
{
  DiffusionMuon muon = { 0 };

  measure (&muon, params);
  return muon.stride * diffusion_get_threads () * sizeof (float);
}

DiffusionMuon *
diffusion_muon_new (const DiffusionParams *params, DiffusionPrecision precision, GError **error)
{
  DiffusionMuon *muon = g_new0 (DiffusionMuon, 1);

  muon->params = params;
  muon->precision = precision;
  muon->indices = g_new (guint, diffusion_params_get_n (params));
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    if (diffusion_muon_takes (diffusion_params_get (params, i)))
      muon->indices[muon->n++] = i;
  measure (muon, params);
  muon->block = diffusion_try_alloc (diffusion_muon_bytes (params), _ ("training"), error);
  if (muon->block == NULL)
    g_clear_pointer (&muon, diffusion_muon_free);
  return muon;
}

void
diffusion_muon_free (DiffusionMuon *muon)
{
  if (muon == NULL)
    return;
  diffusion_free (muon->block);
  g_free (muon->indices);
  g_free (muon);
}

static void
multiply_square (DiffusionPrecision precision, gsize m, const float *a, const float *b, float *c)
{
  diffusion_gemm (precision, FALSE, FALSE, m, m, m, a, m, b, m, 0, c, m);
}

/* gram = x·xᵀ, or xᵀ·x, whichever is smaller */
static void
take_gram (DiffusionPrecision precision, const Matrix *matrix, const float *x, float *gram)
{
  gsize least = matrix->least, columns = matrix->columns;

  diffusion_gemm (precision, matrix->tall, !matrix->tall, least, least, matrix->longest, x, columns, x, columns, 0, gram,
                  least);
}

/* product = square·x, or x·square where x is tall */
static void
apply (DiffusionPrecision precision, const Matrix *matrix, const float *square, const float *x, float *product)
{
  const float *a = matrix->tall ? x : square, *b = matrix->tall ? square : x;

  diffusion_gemm (precision, FALSE, FALSE, matrix->rows, matrix->columns, matrix->least, a,
                  matrix->tall ? matrix->columns : matrix->least, b, matrix->columns, 0, product, matrix->columns);
}

/* poly = a·I + b·gram + c·gram² */
static void
evaluate_polynomial (DiffusionPrecision precision, gsize m, const float *gram, float *poly)
{
  multiply_square (precision, m, gram, gram, poly);
  for (gsize i = 0; i < m * m; i++)
    poly[i] = coefficients[1] * gram[i] + coefficients[2] * poly[i];
  for (gsize i = 0; i < m; i++)
    poly[i * m + i] += coefficients[0];
}

/* Each iteration on x itself, where rounding does little. */
static void
iterate (DiffusionPrecision precision, const Matrix *matrix, Workspace *space)
{
  for (gint k = 0; k < ITERATIONS; k++)
    {
      float *before = space->x;

      take_gram (precision, matrix, space->x, space->gram);
      evaluate_polynomial (precision, matrix->least, space->gram, space->poly);
      apply (precision, matrix, space->poly, space->x, space->product);
      space->x = space->product;
      space->product = before;
    }
}

/* The same where x is long: the polynomials are all of one Gram matrix and commute, so x need be multiplied once only by
 * their product. Small singular values are squared here, so this is in float32. */
static void
iterate_gram (DiffusionPrecision precision, const Matrix *matrix, Workspace *space)
{
  const DiffusionPrecision exact = DIFFUSION_PRECISION_F32;
  const gsize m = matrix->least;
  float *product = space->product;

  take_gram (exact, matrix, space->x, space->gram);
  evaluate_polynomial (exact, m, space->gram, space->chain);
  memcpy (space->poly, space->chain, m * m * sizeof (float));
  for (gint k = 1; k < ITERATIONS; k++)
    {
      float *chain = space->chain;

      multiply_square (exact, m, space->poly, space->gram, space->half);
      multiply_square (exact, m, space->half, space->poly, space->gram);
      evaluate_polynomial (exact, m, space->gram, space->poly);
      multiply_square (exact, m, space->poly, chain, space->half);
      space->chain = space->half;
      space->half = chain;
    }
  apply (precision, matrix, space->chain, space->x, product);
  space->product = space->x;
  space->x = product;
}

static void
step_parameter (gsize index, guint worker, gpointer data)
{
  const Step *step = data;
  const DiffusionMuon *muon = step->muon;
  const DiffusionParam *param = diffusion_params_get (muon->params, muon->indices[index]);
  const Matrix matrix = as_matrix (param);
  const float *gradients = step->gradients + param->offset;
  float *first = step->first + param->offset, *values = step->values + param->offset;
  float *block = muon->block + worker * muon->stride, *squares = block + 2 * muon->most;
  Workspace space = { .x = block,
                      .product = block + muon->most,
                      .gram = squares,
                      .poly = squares + muon->square,
                      .chain = squares + 2 * muon->square,
                      .half = squares + 3 * muon->square };
  const float momentum = step->momentum, rest = 1 - momentum;
  float scale, rate = step->rate * (float) (RMS * sqrt ((double) matrix.longest));

  for (gsize i = 0; i < param->size; i++)
    {
      float gradient = gradients[i] * step->scale;

      first[i] = momentum * first[i] + rest * gradient;
      space.x[i] = momentum * first[i] + rest * gradient;
    }
  scale = (float) (1 / MAX (sqrt (diffusion_kernels ()->sum_squares (param->size, space.x)), 1e-30));
  diffusion_kernels ()->scale (param->size, scale, space.x, space.x);
  if (matrix.longest >= LONG * matrix.least)
    iterate_gram (muon->precision, &matrix, &space);
  else
    iterate (muon->precision, &matrix, &space);
  for (gsize i = 0; i < param->size; i++)
    values[i] = step->keep * values[i] - rate * space.x[i];
}

void
diffusion_muon_step (DiffusionMuon *muon,
                     double learning_rate,
                     double momentum,
                     double weight_decay,
                     const float *gradients,
                     double gradient_scale,
                     float *first,
                     float *values)
{
  Step step = { .muon = muon,
                .rate = (float) learning_rate,
                .momentum = (float) momentum,
                .keep = (float) (1 - learning_rate * weight_decay),
                .scale = (float) gradient_scale,
                .gradients = gradients,
                .first = first,
                .values = values };

  diffusion_parallel_for (muon->n, step_parameter, &step);
}
