/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs training steps when asked to, for training.py, which times them next to PyTorch's. For each line on standard
 * input one step: forward, mean squared error, backward, AdamW; answers with its seconds and the peak memory so far. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/diffusion.h"
#include "core/model/photo-model.h"
#include "core/model/unet.h"
#include "core/training/optimizer.h"
#include "core/training/recipe.h"

typedef struct
{
  DiffusionParams *params;
  DiffusionUnet *unet;
  DiffusionGraph *photo_graph;
  DiffusionExec *exec;
  DiffusionValue x, output;
  gsize total;
  float *weights, *gradients, *first, *second;
  guint64 step;
} Bench;

static void
fail_on (const GError *error)
{
  if (error == NULL)
    return;
  g_printerr ("training-step: %s\n", error->message);
  exit (1);
}

static void
fill (float *values, gsize n, guint32 what)
{
  DiffusionStream stream = { 1, DIFFUSION_PURPOSE_NOISE, what };

  diffusion_random_normal_fill (&stream, 0, 0, (gint) n, 1, 1, values);
}

static void
print_network (const Bench *bench, JsonObject *config)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), config);
  g_autofree char *text = json_to_string (node, FALSE);
  gsize parameters = 0;

  /* The block has gaps. */
  for (guint i = 0; i < diffusion_params_get_n (bench->params); i++)
    parameters += diffusion_params_get (bench->params, i)->size;
  printf ("{\"parameters\": %" G_GSIZE_FORMAT ", \"config\": %s}\n", parameters, text);
  fflush (stdout);
}

static JsonObject *
build_photo (Bench *bench, gint n, gint size)
{
  DiffusionPhotoConfig config = diffusion_photo_config_default ();
  DiffusionPhotoValues values;

  bench->photo_graph = diffusion_photo_model_build (&config, bench->params, n, size, size, &values);
  bench->x = values.x;
  bench->output = values.epsilon;
  return diffusion_photo_config_serialise (&config);
}

static JsonObject *
build_unet (Bench *bench, const DiffusionRecipe *recipe, gint n, gint size)
{
  static const char *const classes[] = { "a", "b", "c", "d", "e", "f", "g", "h", NULL };
  DiffusionUnetTaskOptions options;
  g_autoptr (GError) error = NULL;

  diffusion_recipe_make_unet (recipe, recipe->classes ? classes : NULL, NULL, &options, &error);
  fail_on (error);
  /* The peer has none either. */
  options.config.dropout = 0;
  bench->unet = diffusion_unet_new (&options.config, bench->params, n, size, size, FALSE, &error);
  fail_on (error);
  bench->x = bench->unet->x;
  bench->output = bench->unet->output;
  return diffusion_unet_config_to_json (&options.config);
}

static void
set_up (Bench *bench, const char *preset, gint n, gint size, DiffusionPrecision precision)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) config = NULL;
  DiffusionRecipe recipe;
  float **blocks[] = { &bench->weights, &bench->gradients, &bench->first, &bench->second };

  bench->params = diffusion_params_new ();
  diffusion_recipe_init (&recipe);
  diffusion_recipe_use_preset (&recipe, "NETWORK", preset, &error);
  fail_on (error);
  config = recipe.network == DIFFUSION_RECIPE_PHOTO ? build_photo (bench, n, size) : build_unet (bench, &recipe, n, size);
  bench->total = diffusion_params_get_total (bench->params);
  for (gsize i = 0; i < G_N_ELEMENTS (blocks); i++)
    {
      *blocks[i] = diffusion_try_alloc0 (bench->total * sizeof (float), "training", &error);
      fail_on (error);
    }
  diffusion_params_initialise (bench->params, 1, bench->weights);
  diffusion_params_use_block (bench->params, bench->weights);
  bench->exec = diffusion_exec_new (bench->unet != NULL ? bench->unet->graph : bench->photo_graph, DIFFUSION_RUN_TRAINING,
                                    precision, &error);
  fail_on (error);
  diffusion_exec_set_gradients (bench->exec, bench->gradients);
  print_network (bench, config);
  diffusion_recipe_clear (&recipe);
}

static void
fill_input (Bench *bench, DiffusionValue value)
{
  if (value >= 0)
    fill (diffusion_exec_value (bench->exec, value), diffusion_shape_size (diffusion_exec_shape (bench->exec, value)), 1);
}

static void
take_step (Bench *bench)
{
  static const DiffusionAdamW adamw = { 1e-4, 0.9, 0.999, 1e-8, 0 };
  gsize size = diffusion_shape_size (diffusion_exec_shape (bench->exec, bench->output));
  const float *output, *target;
  float *gradient;

  memset (bench->gradients, 0, bench->total * sizeof (float));
  fill_input (bench, bench->x);
  if (bench->unet != NULL)
    {
      fill_input (bench, bench->unet->time);
      if (bench->unet->classes >= 0)
        memset (diffusion_exec_value (bench->exec, bench->unet->classes), 0,
                diffusion_shape_size (diffusion_exec_shape (bench->exec, bench->unet->classes)) * sizeof (float));
    }
  else
    for (DiffusionValue v = bench->x + 1; v <= bench->x + 2; v++)
      fill_input (bench, v);
  diffusion_exec_forward (bench->exec, NULL, NULL);
  output = diffusion_exec_value (bench->exec, bench->output);
  gradient = diffusion_exec_gradient (bench->exec, bench->output);
  target = bench->weights;
  for (gsize i = 0; i < size; i++)
    gradient[i] = 2 * (output[i] - target[i % bench->total]) / (float) size;
  diffusion_exec_backward (bench->exec, NULL, NULL);
  diffusion_adamw_step (&adamw, ++bench->step, bench->total, bench->gradients, 1, bench->first, bench->second,
                        bench->weights);
}

int
main (int argc, char **argv)
{
  Bench bench = { 0 };
  char line[16];

  if (argc != 5)
    {
      g_printerr ("Usage: training-step NETWORK BATCH SIZE f32|bf16\n");
      return 2;
    }
  set_up (&bench, argv[1], (gint) g_ascii_strtoll (argv[2], NULL, 10), (gint) g_ascii_strtoll (argv[3], NULL, 10),
          g_str_equal (argv[4], "bf16") ? DIFFUSION_PRECISION_BF16 : DIFFUSION_PRECISION_F32);
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      gint64 start = g_get_monotonic_time ();
      struct rusage usage;

      take_step (&bench);
      start = g_get_monotonic_time () - start;
      getrusage (RUSAGE_SELF, &usage);
      printf ("%.6f %ld\n", (double) start * 1e-6, usage.ru_maxrss);
      fflush (stdout);
    }
  diffusion_exec_free (bench.exec);
  diffusion_unet_free (bench.unet);
  diffusion_graph_free (bench.photo_graph);
  diffusion_params_free (bench.params);
  diffusion_free (bench.weights);
  diffusion_free (bench.gradients);
  diffusion_free (bench.first);
  diffusion_free (bench.second);
  return 0;
}
