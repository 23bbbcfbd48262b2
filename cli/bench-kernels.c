/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Benchmarks of the kernels, on one core. */
#include "cli/bench.h"
#include "core/diffusion.h"
#include "core/kernels/gemm.h"
#include "core/kernels/kernels.h"

/* Pixels and channels that a tile of the photo model has at its widest. */
enum
{
  ROWS = 4096,
  CHANNELS = 128
};

typedef struct
{
  DiffusionPrecision precision;
  gsize m, n, k;
  float *a, *b, *c;
} Product;

static gboolean
run_product (gpointer data, GError **error)
{
  Product *p = data;

  diffusion_gemm (p->precision, FALSE, FALSE, p->m, p->n, p->k, p->a, p->k, p->b, p->n, 0.0f, p->c, p->n);
  return TRUE;
}

static gboolean
fill (float **block, gsize count, guint32 step, GError **error)
{
  const DiffusionStream stream = { 1, DIFFUSION_PURPOSE_NOISE, step };

  *block = diffusion_try_alloc (count * sizeof (float), "a benchmark", error);
  if (*block == NULL)
    return FALSE;
  diffusion_random_normal_fill (&stream, 0, 0, (gint) count, 1, 1, *block);
  return TRUE;
}

static gboolean
bench_product (CliBench *bench, Product *p, GError **error)
{
  static const char *const names[] = { "f32", "bf16" };
  g_autofree char *name = g_strdup_printf ("product/%s/%zux%zux%zu",
                                           names[p->precision], p->m, p->n, p->k);
  gboolean done;

  if (!cli_bench_wanted (bench, name))
    return TRUE;
  done = fill (&p->a, p->m * p->k, 0, error) && fill (&p->b, p->k * p->n, 1, error)
         && fill (&p->c, p->m * p->n, 2, error)
         && cli_bench_run (bench, name, 2.0 * (double) (p->m * p->n * p->k), "FLOP", run_product, p, error);
  diffusion_free (p->a);
  diffusion_free (p->b);
  diffusion_free (p->c);
  p->a = p->b = p->c = NULL;
  return done;
}

#define PEAK_ROUNDS 1000000

static gboolean
run_peak (gpointer data, GError **error)
{
  diffusion_gemm_peak (*(const DiffusionPrecision *) data, PEAK_ROUNDS);
  return TRUE;
}

/* What one core can do at all: multiply-adds on registers. */
static gboolean
bench_peak (CliBench *bench, const char *name, DiffusionPrecision precision, GError **error)
{
  double count;

  if (!cli_bench_wanted (bench, name))
    return TRUE;
  count = diffusion_gemm_peak (precision, PEAK_ROUNDS);
  return count == 0 || cli_bench_run (bench, name, 2 * count, "FLOP", run_peak, &precision, error);
}

/* One kernel of the table with its buffers: x and y [ROWS, 2·CHANNELS], more than one of them needs. */
typedef struct
{
  const DiffusionKernels *kernels;
  float *x, *y, *weight;
} Buffers;

static gboolean
run_silu (gpointer data, GError **error)
{
  Buffers *b = data;

  b->kernels->silu (ROWS * CHANNELS, b->x, b->y);
  return TRUE;
}

static gboolean
run_gate (gpointer data, GError **error)
{
  Buffers *b = data;

  b->kernels->gate (ROWS, CHANNELS, b->x, b->y);
  return TRUE;
}

static gboolean
run_film_norm (gpointer data, GError **error)
{
  Buffers *b = data;

  b->kernels->film_norm (ROWS, CHANNELS, b->x, b->weight, b->y);
  return TRUE;
}

static gboolean
run_depthwise (gpointer data, GError **error)
{
  Buffers *b = data;
  const gsize width = 64, stride = width * CHANNELS;

  for (gsize row = 0; row + 2 < ROWS / width; row++)
    {
      const float *rows[3] = { b->x + row * stride, b->x + (row + 1) * stride, b->x + (row + 2) * stride };

      b->kernels->depthwise_row (width, CHANNELS, rows, b->weight, b->weight + 9 * CHANNELS, b->y + row * stride);
    }
  return TRUE;
}

static gboolean
run_channel_affine (gpointer data, GError **error)
{
  Buffers *b = data;

  b->kernels->channel_affine (ROWS, CHANNELS, b->x, b->weight, b->weight + CHANNELS, TRUE, b->y);
  return TRUE;
}

static gboolean
run_softmax (gpointer data, GError **error)
{
  Buffers *b = data;

  b->kernels->softmax (ROWS, CHANNELS, 0.1f, b->y);
  return TRUE;
}

static gboolean
bench_table (CliBench *bench, GError **error)
{
  static const struct
  {
    const char *name;
    CliBenchFunc func;
  } kernels[] = {
    { "kernel/silu", run_silu },
    { "kernel/gate", run_gate },
    { "kernel/film-norm", run_film_norm },
    { "kernel/depthwise", run_depthwise },
    { "kernel/channel-affine-silu", run_channel_affine },
    { "kernel/softmax", run_softmax },
  };
  Buffers buffers = { .kernels = diffusion_kernels () };
  gboolean done = fill (&buffers.x, ROWS * CHANNELS * 2, 0, error) && fill (&buffers.y, ROWS * CHANNELS * 2, 1, error)
                  && fill (&buffers.weight, 10 * CHANNELS, 2, error);

  for (guint i = 0; done && i < G_N_ELEMENTS (kernels); i++)
    if (cli_bench_wanted (bench, kernels[i].name))
      done = cli_bench_run (bench, kernels[i].name, (double) ROWS * CHANNELS, "values", kernels[i].func, &buffers, error);
  diffusion_free (buffers.x);
  diffusion_free (buffers.y);
  diffusion_free (buffers.weight);
  return done;
}

gboolean
cli_bench_kernels (CliBench *bench, GError **error)
{
  /* 1×1 convolutions of the photo model, a 3×3 one of a U-Net, and a big square */
  static const gsize sizes[][3] = { { 4096, 128, 64 }, { 1024, 512, 256 }, { 1024, 256, 2304 }, { 1024, 1024, 1024 } };

  if (!bench_peak (bench, "peak/f32", DIFFUSION_PRECISION_F32, error)
      || !bench_peak (bench, "peak/bf16", DIFFUSION_PRECISION_BF16, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (DiffusionPrecision precision = DIFFUSION_PRECISION_F32; precision <= DIFFUSION_PRECISION_BF16; precision++)
      {
        Product product = { precision, sizes[i][0], sizes[i][1], sizes[i][2], NULL, NULL, NULL };

        if (!bench_product (bench, &product, error))
          return FALSE;
      }
  return bench_table (bench, error);
}
