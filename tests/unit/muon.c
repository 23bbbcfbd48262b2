/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Muon against the same iterations in double precision, and what it promises of the result. */
#include "core/base/threads.h"
#include "core/diffusion.h"
#include "core/training/muon.h"

#include <math.h>
#include <string.h>

#define RATE 0.01

typedef struct
{
  const char *name;
  guint n_dims;
  gint64 shape[DIFFUSION_PARAM_MAX_DIMS];
  DiffusionParamLayout layout;
  gboolean taken;
} Kind;

static const Kind kinds[] = {
  { "smallest", 2, { 16, 16 }, DIFFUSION_PARAM_PLAIN, TRUE },
  { "bias", 1, { 37 }, DIFFUSION_PARAM_PLAIN, FALSE },
  { "wide", 2, { 17, 45 }, DIFFUSION_PARAM_PLAIN, TRUE },
  { "long", 2, { 19, 301 }, DIFFUSION_PARAM_PLAIN, TRUE },
  { "few classes", 2, { 12, 64 }, DIFFUSION_PARAM_PLAIN, FALSE },
  { "tall", 2, { 61, 33 }, DIFFUSION_PARAM_PLAIN, TRUE },
  { "high", 2, { 250, 18 }, DIFFUSION_PARAM_PLAIN, TRUE },
  { "depthwise", 4, { 40, 1, 3, 3 }, DIFFUSION_PARAM_DEPTHWISE, FALSE },
  { "from a picture", 4, { 64, 3, 3, 3 }, DIFFUSION_PARAM_CONV, FALSE },
  { "convolution", 4, { 24, 20, 3, 3 }, DIFFUSION_PARAM_CONV, TRUE },
  { "to a picture", 4, { 3, 64, 3, 3 }, DIFFUSION_PARAM_CONV, FALSE },
};

static DiffusionParams *
make_params (void)
{
  DiffusionParams *params = diffusion_params_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    diffusion_params_declare (params, kinds[i].name, kinds[i].n_dims, kinds[i].shape, kinds[i].layout);
  return params;
}

static float *
draw (const DiffusionParams *params, guint64 seed)
{
  DiffusionNoise noise = { .seed = seed };
  gsize n = diffusion_params_get_total (params);
  float *values = g_new (float, n);

  diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_NOISE, 0, 1, 1, n, 1, values);
  return values;
}

/* c = a·b of [m, k] and [k, n] */
static void
multiply (gsize m, gsize n, gsize k, const double *a, const double *b, double *c)
{
  for (gsize i = 0; i < m; i++)
    for (gsize j = 0; j < n; j++)
      {
        double sum = 0;

        for (gsize l = 0; l < k; l++)
          sum += a[i * k + l] * b[l * n + j];
        c[i * n + j] = sum;
      }
}

/* x becomes a·x + b·(x·xᵀ)·x + c·(x·xᵀ)²·x, five times, from norm 1: section “Newton-Schulz” of Jordan et al. 2024. */
static void
orthogonalise (gsize rows, gsize columns, double *x)
{
  g_autofree double *turned = g_new (double, rows *columns), *cubic = g_new (double, rows *columns);
  g_autofree double *quintic = g_new (double, rows *columns), *gram = g_new (double, rows *rows);
  double norm = 0;

  for (gsize i = 0; i < rows * columns; i++)
    norm += x[i] * x[i];
  for (gsize i = 0; i < rows * columns; i++)
    x[i] /= sqrt (norm);
  for (gint k = 0; k < 5; k++)
    {
      for (gsize i = 0; i < rows; i++)
        for (gsize j = 0; j < columns; j++)
          turned[j * rows + i] = x[i * columns + j];
      multiply (rows, rows, columns, x, turned, gram);
      multiply (rows, columns, rows, gram, x, cubic);
      multiply (rows, columns, rows, gram, cubic, quintic);
      for (gsize i = 0; i < rows * columns; i++)
        x[i] = 3.4445 * x[i] - 4.7750 * cubic[i] + 2.0315 * quintic[i];
    }
}

static void
check_against_reference (DiffusionPrecision precision, double tolerance)
{
  const double momentum = 0.9, decay = 0.1, scale = 0.25;
  g_autoptr (DiffusionParams) params = make_params ();
  g_autofree float *values = draw (params, 1), *before = draw (params, 1), *first = draw (params, 2);
  g_autofree float *first_before = draw (params, 2), *gradients = draw (params, 3);
  g_autoptr (GError) error = NULL;
  DiffusionMuon *muon = diffusion_muon_new (params, precision, &error);

  g_assert_no_error (error);
  diffusion_muon_step (muon, RATE, momentum, decay, gradients, scale, first, values);
  for (gsize p = 0; p < G_N_ELEMENTS (kinds); p++)
    {
      const DiffusionParam *param = diffusion_params_get (params, (guint) p);
      gsize rows = (gsize) param->shape[0], columns = param->size / rows, o = param->offset;
      g_autofree double *x = g_new (double, param->size);
      double worst = 0, size = 0;

      g_assert_cmpint (diffusion_muon_takes (param), ==, kinds[p].taken);
      if (!kinds[p].taken)
        {
          g_assert_cmpmem (values + o, param->size * sizeof (float), before + o, param->size * sizeof (float));
          g_assert_cmpmem (first + o, param->size * sizeof (float), first_before + o, param->size * sizeof (float));
          continue;
        }
      for (gsize i = 0; i < param->size; i++)
        {
          double gradient = scale * gradients[o + i];
          double mean = momentum * first_before[o + i] + (1 - momentum) * gradient;

          g_assert_cmpfloat_with_epsilon (first[o + i], mean, 1e-5);
          x[i] = momentum * mean + (1 - momentum) * gradient;
        }
      orthogonalise (rows, columns, x);
      for (gsize i = 0; i < param->size; i++)
        {
          double step = RATE * 0.2 * sqrt ((double) MAX (rows, columns)) * x[i];
          double expected = (1 - RATE * decay) * before[o + i] - step;

          worst = MAX (worst, fabs (values[o + i] - expected));
          size = MAX (size, fabs (step));
        }
      g_test_message ("%s: off by %.2g of %.2g", param->name, worst, size);
      g_assert_cmpfloat (worst, <, tolerance * size);
    }
  diffusion_muon_free (muon);
}

static void
test_reference (void)
{
  check_against_reference (DIFFUSION_PRECISION_F32, 1e-3);
  check_against_reference (DIFFUSION_PRECISION_BF16, 0.06);
}

/* A step M of the parameters, without momentum and decay, over the rate; freed by the caller. */
static float *
take_step (const DiffusionParams *params, const float *gradients, double scale)
{
  g_autofree float *first = g_new0 (float, diffusion_params_get_total (params));
  float *values = g_new0 (float, diffusion_params_get_total (params));
  DiffusionMuon *muon = diffusion_muon_new (params, DIFFUSION_PRECISION_BF16, NULL);

  g_assert_nonnull (muon);
  diffusion_muon_step (muon, 1, 0, 0, gradients, scale, first, values);
  diffusion_muon_free (muon);
  return values;
}

/* However unequal the directions of a gradient are, a step goes about equally far in all of them, and its size does not
 * depend on the gradient's. */
static void
test_equal_directions (void)
{
  g_autoptr (DiffusionParams) params = make_params ();
  g_autofree float *gradients = draw (params, 4), *step = NULL, *larger = NULL;

  for (guint p = 0; p < G_N_ELEMENTS (kinds); p++)
    {
      const DiffusionParam *param = diffusion_params_get (params, p);
      gsize columns = param->size / (gsize) param->shape[0];

      /* Rows fall in size by a factor of twenty. */
      for (gsize i = 0; i < param->size; i++)
        gradients[param->offset + i] *= (float) pow (20, -(double) (i / columns) / (double) param->shape[0]);
    }
  step = take_step (params, gradients, 1);
  larger = take_step (params, gradients, 1024);
  g_assert_cmpmem (step, diffusion_params_get_total (params) * sizeof (float), larger,
                   diffusion_params_get_total (params) * sizeof (float));
  for (guint p = 0; p < G_N_ELEMENTS (kinds); p++)
    {
      const DiffusionParam *param = diffusion_params_get (params, p);
      gsize rows = (gsize) param->shape[0], columns = param->size / rows;
      double longer = 0.2 * sqrt ((double) MAX (rows, columns));

      if (!kinds[p].taken || rows > columns)
        continue;
      /* |Mᵀ·e| for each unit vector e lies between the least and the largest singular value; square ones have tiny ones. */
      for (gsize i = 0; i < rows; i++)
        {
          double length = 0;

          for (gsize j = 0; j < columns; j++)
            length += pow (step[param->offset + i * columns + j] / longer, 2);
          g_assert_cmpfloat (sqrt (length), >, 0.4);
          g_assert_cmpfloat (sqrt (length), <, 1.25);
        }
    }
}

static void
test_threads (void)
{
  g_autoptr (DiffusionParams) params = make_params ();
  g_autofree float *gradients = draw (params, 5), *one = NULL, *four = NULL;
  gsize bytes = diffusion_params_get_total (params) * sizeof (float);

  diffusion_set_threads (1);
  one = take_step (params, gradients, 1);
  diffusion_set_threads (4);
  four = take_step (params, gradients, 1);
  diffusion_set_threads (0);
  g_assert_cmpmem (one, bytes, four, bytes);
}

/* No gradient, no step. */
static void
test_nothing (void)
{
  g_autoptr (DiffusionParams) params = make_params ();
  gsize n = diffusion_params_get_total (params);
  g_autofree float *gradients = g_new0 (float, n), *step = take_step (params, gradients, 1);

  for (gsize i = 0; i < n; i++)
    g_assert_cmpfloat (step[i], ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/muon/reference", test_reference);
  g_test_add_func ("/muon/equal-directions", test_equal_directions);
  g_test_add_func ("/muon/threads", test_threads);
  g_test_add_func ("/muon/nothing", test_nothing);
  return g_test_run ();
}
