/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Group normalisation, with what surrounds it in U-Nets: an addition before, modulation and SiLU after. */
#include <math.h>
#include <string.h>

#include "core/base/threads.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"
#include "core/layers/parts.h"

/* Values in one part: fits the second-level cache, and short enough for float sums. */
#define PART_VALUES 32768

typedef struct
{
  gint groups;
  double epsilon;
  gboolean silu;
} NormAttributes;

/* Statistics are taken about the image's first pixel (the shift), so that a large common offset costs no digits. */
typedef struct
{
  const NormAttributes *attributes;
  DiffusionShape shape;
  gsize pixels, part_rows, parts_an_image, parts;
  const float *x, *add, *film, *gamma, *beta, *dy;
  float *y, *dx, *dadd, *dfilm;
  float dx_beta, dadd_beta, dfilm_beta;
  float *partial; /* [parts, 2, c] */
  float *a, *b;   /* [n, c]: u = a·x + b */
  /* Backward only */
  float *mean, *rstd;     /* [n, groups] of x + add */
  float *p, *q, *r;       /* [n, c]: dx = p·du + q·x + r */
  float *dgamma, *dbeta;  /* [n, c] */
  float *x_sum;           /* [n, c]: Σ (x − shift) */
} Norm;

static Norm
norm_new (const DiffusionOp *op, const DiffusionGraph *graph)
{
  Norm norm = { .attributes = op->attributes, .shape = diffusion_graph_shape (graph, op->output) };

  norm.pixels = (gsize) norm.shape.h * (gsize) norm.shape.w;
  norm.part_rows = MAX (16, PART_VALUES / (gsize) norm.shape.c);
  norm.parts_an_image = diffusion_n_parts (norm.pixels, norm.part_rows);
  norm.parts = norm.parts_an_image * (gsize) norm.shape.n;
  return norm;
}

static gsize
norm_scratch (const DiffusionOp *op, const DiffusionGraph *graph, gboolean backward)
{
  Norm norm = norm_new (op, graph);
  gsize n = (gsize) norm.shape.n, c = (gsize) norm.shape.c;
  gsize size = norm.parts * 2 * c + 2 * n * c;

  if (backward)
    size += 2 * n * (gsize) norm.attributes->groups + 6 * n * c;
  return size * sizeof (float);
}

static void
norm_bind (Norm *norm, const DiffusionOp *op, DiffusionExec *exec, gboolean backward)
{
  gsize n = (gsize) norm->shape.n, c = (gsize) norm->shape.c, g = (gsize) norm->attributes->groups;
  float *at = diffusion_exec_scratch (exec);

  norm->x = diffusion_exec_value (exec, op->inputs[0]);
  norm->add = diffusion_exec_value (exec, op->inputs[1]);
  norm->film = diffusion_exec_value (exec, op->inputs[2]);
  if (op->n_params > 0)
    {
      norm->gamma = diffusion_exec_param (exec, op, 0);
      norm->beta = diffusion_exec_param (exec, op, 1);
    }
  norm->partial = at, at += norm->parts * 2 * c;
  norm->a = at, at += n * c;
  norm->b = at, at += n * c;
  if (!backward)
    return;
  norm->mean = at, at += n * g;
  norm->rstd = at, at += n * g;
  norm->p = at, at += n * c;
  norm->q = at, at += n * c;
  norm->r = at, at += n * c;
  norm->dgamma = at, at += n * c;
  norm->dbeta = at, at += n * c;
  norm->x_sum = at;
}

/* Which rows a part covers: the first value, and how many rows. */
static gsize
part_rows (const Norm *norm, gsize index, gsize *image, gsize *offset)
{
  gsize first = index % norm->parts_an_image * norm->part_rows;

  *image = index / norm->parts_an_image;
  *offset = (*image * norm->pixels + first) * (gsize) norm->shape.c;
  return MIN (norm->part_rows, norm->pixels - first);
}

static void
sums_part (gsize index, guint worker, gpointer data)
{
  const Norm *norm = data;
  gsize c = (gsize) norm->shape.c, image, offset;
  gsize rows = part_rows (norm, index, &image, &offset);
  float *partial = norm->partial + index * 2 * c;

  diffusion_kernels ()->channel_sums (rows, c, norm->x + offset, norm->x + image * norm->pixels * c, partial,
                                      partial + c);
}

/* From the sums of an image to its statistics and the scale and offset of each channel. */
static void
statistics_part (gsize image, guint worker, gpointer data)
{
  const Norm *norm = data;
  gsize c = (gsize) norm->shape.c, groups = (gsize) norm->attributes->groups, width = c / groups;
  const float *shift = norm->x + image * norm->pixels * c;
  const float *add = norm->add != NULL ? norm->add + image * c : NULL;
  const float *film = norm->film != NULL ? norm->film + image * 2 * c : NULL;
  const float *partial = norm->partial + image * norm->parts_an_image * 2 * c;
  double count = (double) norm->pixels;

  for (gsize group = 0; group < groups; group++)
    {
      double mean = 0, variance = 0, rstd;

      for (gsize i = group * width; i < (group + 1) * width; i++)
        {
          double sum = 0;

          for (gsize part = 0; part < norm->parts_an_image; part++)
            sum += partial[part * 2 * c + i];
          mean += sum / count + shift[i] + (add != NULL ? add[i] : 0);
        }
      mean /= (double) width;
      for (gsize i = group * width; i < (group + 1) * width; i++)
        {
          double sum = 0, square = 0, away = shift[i] + (double) (add != NULL ? add[i] : 0) - mean;

          for (gsize part = 0; part < norm->parts_an_image; part++)
            {
              sum += partial[part * 2 * c + i];
              square += partial[part * 2 * c + c + i];
            }
          variance += square / count + 2 * away * sum / count + away * away;
          if (norm->x_sum != NULL)
            norm->x_sum[image * c + i] = (float) sum;
        }
      rstd = 1 / sqrt (MAX (variance, 0) / (double) width + norm->attributes->epsilon);
      for (gsize i = group * width; i < (group + 1) * width; i++)
        {
          double scale = norm->gamma != NULL ? norm->gamma[i] : 1, offset = norm->beta != NULL ? norm->beta[i] : 0;

          if (film != NULL)
            {
              scale *= 1.0 + film[i];
              offset = offset * (1.0 + film[i]) + film[c + i];
            }
          norm->a[image * c + i] = (float) (scale * rstd);
          norm->b[image * c + i] = (float) (offset + scale * rstd * ((add != NULL ? add[i] : 0) - mean));
        }
      if (norm->mean != NULL)
        {
          norm->mean[image * groups + group] = (float) mean;
          norm->rstd[image * groups + group] = (float) rstd;
        }
    }
}

static void
apply_part (gsize index, guint worker, gpointer data)
{
  const Norm *norm = data;
  gsize c = (gsize) norm->shape.c, image, offset;
  gsize rows = part_rows (norm, index, &image, &offset);

  diffusion_kernels ()->channel_affine (rows, c, norm->x + offset, norm->a + image * c, norm->b + image * c,
                                        norm->attributes->silu, norm->y + offset);
}

static void
norm_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  Norm norm = norm_new (op, diffusion_exec_get_graph (exec));

  norm_bind (&norm, op, exec, FALSE);
  norm.y = diffusion_exec_value (exec, op->output);
  diffusion_parallel_for (norm.parts, sums_part, &norm);
  diffusion_parallel_for ((gsize) norm.shape.n, statistics_part, &norm);
  diffusion_parallel_for (norm.parts, apply_part, &norm);
}

static void
gradient_sums_part (gsize index, guint worker, gpointer data)
{
  const Norm *norm = data;
  gsize c = (gsize) norm->shape.c, image, offset;
  gsize rows = part_rows (norm, index, &image, &offset);
  float *partial = norm->partial + index * 2 * c;

  diffusion_kernels ()->channel_affine_sums (rows, c, norm->x + offset, norm->dy + offset, norm->a + image * c,
                                             norm->b + image * c, norm->attributes->silu,
                                             norm->x + image * norm->pixels * c, partial, partial + c);
}

/* Everything but dx, and the three numbers that dx needs for each channel. With x̂ the normalised x and
 * A = γ·(1 + scale): dx = rstd·(A·du − mean (A·du) − x̂·mean (A·du·x̂)), means over the group. */
static void
gradients_part (gsize image, guint worker, gpointer data)
{
  const Norm *norm = data;
  gsize c = (gsize) norm->shape.c, groups = (gsize) norm->attributes->groups, width = c / groups;
  const float *shift = norm->x + image * norm->pixels * c;
  const float *film = norm->film != NULL ? norm->film + image * 2 * c : NULL;
  const float *partial = norm->partial + image * norm->parts_an_image * 2 * c;
  double count = (double) norm->pixels * (double) width;

  for (gsize group = 0; group < groups; group++)
    {
      double mean = norm->mean[image * groups + group], rstd = norm->rstd[image * groups + group];
      double first = 0, second = 0;

      for (gsize i = group * width; i < (group + 1) * width; i++)
        {
          double sum = 0, product = 0, add = norm->add != NULL ? norm->add[image * c + i] : 0;
          double gamma = norm->gamma != NULL ? norm->gamma[i] : 1, beta = norm->beta != NULL ? norm->beta[i] : 0;
          double scale = film != NULL ? 1.0 + film[i] : 1.0;

          for (gsize part = 0; part < norm->parts_an_image; part++)
            {
              sum += partial[part * 2 * c + i];
              product += partial[part * 2 * c + c + i];
            }
          product = rstd * (product + (shift[i] + add - mean) * sum);
          first += gamma * scale * sum / count;
          second += gamma * scale * product / count;
          norm->dgamma[image * c + i] = (float) (scale * product);
          norm->dbeta[image * c + i] = (float) (scale * sum);
          /* r holds Σ du until the second loop. */
          norm->p[image * c + i] = (float) (rstd * gamma * scale);
          norm->r[image * c + i] = (float) sum;
          if (norm->dfilm != NULL)
            {
              float *dscale = norm->dfilm + image * 2 * c + i, *dshift = dscale + c;

              *dscale = (float) (gamma * product + beta * sum + (norm->dfilm_beta != 0 ? *dscale : 0));
              *dshift = (float) (sum + (norm->dfilm_beta != 0 ? *dshift : 0));
            }
        }
      for (gsize i = group * width; i < (group + 1) * width; i++)
        {
          double add = norm->add != NULL ? norm->add[image * c + i] : 0, sum = norm->r[image * c + i];
          double q = -rstd * rstd * second, r = -rstd * first + q * (add - mean);

          norm->q[image * c + i] = (float) q;
          norm->r[image * c + i] = (float) r;
          if (norm->dadd != NULL)
            {
              double x_sum = norm->x_sum[image * c + i] + (double) shift[i] * (double) norm->pixels;
              float *dadd = norm->dadd + image * c + i;

              *dadd = (float) (norm->p[image * c + i] * sum + q * x_sum + r * (double) norm->pixels
                               + (norm->dadd_beta != 0 ? *dadd : 0));
            }
        }
    }
}

static void
input_gradient_part (gsize index, guint worker, gpointer data)
{
  const Norm *norm = data;
  gsize c = (gsize) norm->shape.c, image, offset;
  gsize rows = part_rows (norm, index, &image, &offset);

  diffusion_kernels ()->channel_affine_backward (rows, c, norm->x + offset, norm->dy + offset, norm->a + image * c,
                                                 norm->b + image * c, norm->attributes->silu, norm->p + image * c,
                                                 norm->q + image * c, norm->r + image * c, norm->dx_beta,
                                                 norm->dx + offset);
}

static void
norm_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  Norm norm = norm_new (op, diffusion_exec_get_graph (exec));
  gsize n = (gsize) norm.shape.n, c = (gsize) norm.shape.c;

  norm_bind (&norm, op, exec, TRUE);
  norm.dy = diffusion_exec_gradient (exec, op->output);
  norm.dx = diffusion_exec_input_gradient (exec, op, 0, &norm.dx_beta);
  if (op->inputs[1] >= 0)
    norm.dadd = diffusion_exec_input_gradient (exec, op, 1, &norm.dadd_beta);
  if (op->inputs[2] >= 0)
    norm.dfilm = diffusion_exec_input_gradient (exec, op, 2, &norm.dfilm_beta);
  diffusion_parallel_for (norm.parts, sums_part, &norm);
  diffusion_parallel_for (n, statistics_part, &norm);
  diffusion_parallel_for (norm.parts, gradient_sums_part, &norm);
  diffusion_parallel_for (n, gradients_part, &norm);
  if (norm.dx != NULL)
    diffusion_parallel_for (norm.parts, input_gradient_part, &norm);
  if (op->n_params > 0 && diffusion_exec_param_gradient (exec, op, 0) != NULL)
    {
      float *dgamma = diffusion_exec_param_gradient (exec, op, 0), *dbeta = diffusion_exec_param_gradient (exec, op, 1);

      for (gsize image = 0; image < n; image++)
        {
          diffusion_kernels ()->add (c, dgamma, norm.dgamma + image * c, dgamma);
          diffusion_kernels ()->add (c, dbeta, norm.dbeta + image * c, dbeta);
        }
    }
}

static const DiffusionOpClass norm_class = {
  .name = "group_norm",
  .forward = norm_forward,
  .backward = norm_backward,
  .scratch = norm_scratch,
  .keeps = DIFFUSION_KEEPS_INPUT_0 | DIFFUSION_KEEPS_INPUT_1 | DIFFUSION_KEEPS_INPUT_2,
};

DiffusionValue
diffusion_layer_group_norm (DiffusionGraph *graph, DiffusionValue x, const DiffusionGroupNormOptions *options)
{
  DiffusionParams *table = diffusion_graph_get_params (graph);
  DiffusionShape shape = diffusion_graph_shape (graph, x);
  NormAttributes attributes = { options->groups, options->epsilon, options->silu };
  DiffusionValue inputs[3] = { x, options->add, options->film };
  gint64 size = shape.c;
  guint params[2];

  if (options->name != NULL)
    {
      g_autofree char *weight = g_strconcat (options->name, ".weight", NULL);
      g_autofree char *bias = g_strconcat (options->name, ".bias", NULL);

      params[0] = diffusion_params_declare (table, weight, 1, &size, DIFFUSION_PARAM_PLAIN);
      params[1] = diffusion_params_declare (table, bias, 1, &size, DIFFUSION_PARAM_PLAIN);
      diffusion_params_set_init (table, params[0], DIFFUSION_INIT_ONE, 1, 1);
      diffusion_params_set_init (table, params[1], DIFFUSION_INIT_ZERO, 1, 1);
    }
  return diffusion_graph_add (graph, &norm_class, 3, inputs, options->name != NULL ? 2 : 0, params, &attributes,
                              sizeof attributes, shape);
}
