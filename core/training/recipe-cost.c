/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a training would cost, before it is started. */
#include "core/training/recipe-cost.h"

#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/base/threads.h"

/* The backward pass has two products for each of the forward pass. */
#define PASSES 3
/* Training steps run at about this share of the rate of bare products: the rest goes into norms, gates, rearranging and
 * the optimiser. A rough figure: Winograd's convolutions make networks of wide 3×3 convolutions faster than that. */
#define SHARE 0.45

/* A 3×3 convolution of 64 channels over 32×32 pixels. */
#define ROWS 1024
#define COLUMNS 64
#define DEPTH 576
#define MEASURE_SECONDS 0.03

typedef struct
{
  DiffusionPrecision precision;
  const float *a, *b;
  float *c;
} Products;

static void
multiply (gsize index, guint worker, gpointer data)
{
  const Products *p = data;

  diffusion_gemm (p->precision, FALSE, FALSE, ROWS, COLUMNS, DEPTH, p->a, DEPTH, p->b, COLUMNS, 0,
                  p->c + index * ROWS * COLUMNS, COLUMNS);
}

double
diffusion_measure_rate (DiffusionPrecision precision)
{
  gsize threads = diffusion_get_threads (), n = 0;
  g_autofree float *a = g_new0 (float, ROWS * DEPTH), *b = g_new0 (float, DEPTH * COLUMNS);
  g_autofree float *c = g_new0 (float, threads * ROWS * COLUMNS);
  Products products = { precision, a, b, c };
  gint64 started, spent;

  diffusion_parallel_for (threads, multiply, &products);
  started = g_get_monotonic_time ();
  do
    {
      diffusion_parallel_for (threads, multiply, &products);
      n += threads;
      spent = g_get_monotonic_time () - started;
    }
  while ((double) spent < MEASURE_SECONDS * G_USEC_PER_SEC);
  return (double) n * ROWS * COLUMNS * DEPTH / ((double) spent / G_USEC_PER_SEC);
}

/* The names of classes do not matter here, only how many there are. */
static char **
make_classes (const DiffusionRecipe *recipe, gint n)
{
  char **classes;

  if (!diffusion_recipe_wants_classes (recipe))
    return NULL;
  classes = g_new0 (char *, n + 1);
  for (gint i = 0; i < n; i++)
    classes[i] = g_strdup_printf ("%d", i);
  return classes;
}

static DiffusionGraph *
build (const DiffusionRecipe *recipe, gint n_classes, DiffusionParams *params, gint n, gint size,
       DiffusionUnet **unet, GError **error)
{
  g_auto (GStrv) classes = make_classes (recipe, n_classes);
  DiffusionPhotoTaskOptions photo;
  DiffusionUnetTaskOptions options;
  DiffusionPhotoValues ports;

  if (recipe->network == DIFFUSION_RECIPE_PHOTO)
    return diffusion_recipe_make_photo (recipe, NULL, &photo, error)
             ? diffusion_photo_model_build (&photo.config, params, n, size, size, &ports)
             : NULL;
  if (!diffusion_recipe_make_unet (recipe, (const char *const *) classes, NULL, &options, error)
      || (*unet = diffusion_unet_new (&options.config, params, n, size, size, FALSE, error)) == NULL)
    return NULL;
  return (*unet)->graph;
}

gboolean
diffusion_recipe_estimate (const DiffusionRecipe *recipe,
                           gint n_classes,
                           double rate,
                           DiffusionRecipeCost *cost,
                           GError **error)
{
  DiffusionTrainOptions options;
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionUnet) unet = NULL;
  DiffusionGraph *graph;
  gint n;
  gsize blocks;

  if (!diffusion_recipe_make_options (recipe, &options, error))
    return FALSE;
  n = options.micro_batch > 0 ? MIN (options.micro_batch, options.phases[0].batch) : options.phases[0].batch;
  graph = build (recipe, n_classes, params, n, options.phases[0].size, &unet, error);
  if (graph == NULL)
    return FALSE;
  cost->parameters = diffusion_params_get_total (params);
  cost->macs = diffusion_graph_get_macs (graph) / (guint64) n;
  blocks = (4 + options.n_emas) * diffusion_params_get_total (params) * sizeof (float);
  cost->memory = blocks
                 + diffusion_graph_plan_limited (
                   graph, DIFFUSION_RUN_TRAINING,
                   options.memory_limit == 0 ? 0 : options.memory_limit > blocks ? options.memory_limit - blocks : 1, NULL);
  cost->images_per_second = SHARE * rate / (PASSES * (double) cost->macs);
  if (unet == NULL)
    diffusion_graph_free (graph);
  return TRUE;
}
