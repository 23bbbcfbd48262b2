/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Benchmarks of whole networks with random weights, and of photographs, on all cores. */
#include <glib/gstdio.h>

#include "cli/bench.h"
#include "core/diffusion.h"

typedef struct
{
  const char *name;
  const char *preset;
  gsize batch;
  gboolean large; /* only where it is asked for: gigabytes of weights */
} Network;

static const Network networks[] = {
  { "network/ddpm-cifar10", "ddpm-cifar10-32", 1, FALSE },
  { "network/ddpm-cifar10-batch-8", "ddpm-cifar10-32", 8, FALSE },
  { "network/ddpm-256", "ddpm-256", 1, TRUE },
  { "network/guided-256", "guided-diffusion-256-uncond", 1, TRUE },
};

typedef struct
{
  DiffusionUnetRunner *runner;
  DiffusionUnetInput input;
  float *out;
  GCancellable *cancellable;
} Run;

static gboolean
run_network (gpointer data, GError **error)
{
  Run *run = data;

  return diffusion_unet_runner_run (run->runner, &run->input, run->out, run->cancellable, error);
}

static float *
noise (gsize count, GError **error)
{
  const DiffusionStream stream = { 1, DIFFUSION_PURPOSE_NOISE, 0 };
  float *block = diffusion_try_alloc (count * sizeof (float), "a benchmark", error);

  if (block != NULL)
    diffusion_random_normal_fill (&stream, 0, 0, (gint) count, 1, 1, block);
  return block;
}

static gboolean
time_network (CliBench *bench, const Network *network, const DiffusionUnetConfig *config, GError **error)
{
  const gsize size = (gsize) config->sample_height, pixels = network->batch * size * size;
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionUnetRunner) runner = diffusion_unet_runner_new (config, params, DIFFUSION_PRECISION_F32);
  g_autofree double *t = g_new (double, network->batch);
  Run run = { .runner = runner, .cancellable = cli_bench_get_cancellable (bench) };
  DiffusionUnetCost cost;
  float *weights, *x;
  gboolean done;

  if (!diffusion_unet_get_cost (config, NULL, (gint) network->batch, (gint) size, (gint) size, DIFFUSION_RUN_INFERENCE, &cost,
                                error))
    return FALSE;
  diffusion_unet_declare_params (config, params);
  weights = diffusion_params_allocate (params, error);
  if (weights == NULL)
    return FALSE;
  diffusion_params_initialise (params, 1, weights);
  for (gsize i = 0; i < network->batch; i++)
    t[i] = 500;
  x = noise (pixels * (gsize) config->in_channels, error);
  run.out = x != NULL ? noise (pixels * (gsize) config->out_channels, error) : NULL;
  run.input = (DiffusionUnetInput) { .n = network->batch, .h = size, .w = size, .x = x, .t = t };
  done = run.out != NULL && cli_bench_run (bench, network->name, 2.0 * (double) cost.macs, "FLOP", run_network, &run, error);
  diffusion_free (x);
  diffusion_free (run.out);
  return done;
}

static gboolean
bench_network (CliBench *bench, const Network *network, GError **error)
{
  DiffusionArchitecture architecture;
  gboolean done;

  if (!(network->large ? cli_bench_asked (bench, network->name) : cli_bench_wanted (bench, network->name)))
    return TRUE;
  if (!diffusion_preset_load (network->preset, &architecture))
    g_return_val_if_reached (FALSE);
  done = time_network (bench, network, &architecture.unet, error);
  diffusion_architecture_clear (&architecture);
  return done;
}

/* Sizes of pictures: a square megapixel, and what cameras make. */
static const struct
{
  const char *name;
  gint width, height;
  gboolean large;
} photos[] = {
  { "photo/1-megapixel", 1024, 1024, FALSE },
  { "photo/12-megapixels", 4000, 3000, TRUE },
  { "photo/24-megapixels", 6000, 4000, TRUE },
};

typedef struct
{
  DiffusionPhotoModel *model;
  DiffusionPicture *picture;
  DiffusionDenoiseOptions options;
  GCancellable *cancellable;
} Photo;

static gboolean
run_photo (gpointer data, GError **error)
{
  Photo *photo = data;

  return diffusion_denoise (photo->model, photo->picture, &photo->options, NULL, NULL, NULL, photo->cancellable, error);
}

/* A model of the shipped kind with random weights, by way of a folder as all models. */
static DiffusionPhotoModel *
photo_model_new (GError **error)
{
  static const char *const files[] = { "config.json", "scheduler_config.json", "diffusion_pytorch_model.safetensors" };
  const DiffusionPhotoConfig config = diffusion_photo_config_default ();
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autofree char *folder = g_dir_make_tmp ("diffusion-bench-XXXXXX", error);
  DiffusionPhotoModel *model = NULL;
  DiffusionPhotoValues values;
  float *weights;

  if (folder == NULL)
    return NULL;
  diffusion_graph_free (diffusion_photo_model_build (&config, params, 1, DIFFUSION_PHOTO_ALIGNMENT,
                                                     DIFFUSION_PHOTO_ALIGNMENT, &values));
  weights = diffusion_params_allocate (params, error);
  if (weights != NULL)
    {
      diffusion_params_initialise (params, 1, weights);
      if (diffusion_photo_folder_save (folder, &config, params, weights, NULL, error))
        model = diffusion_photo_model_open (folder, error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (folder, files[i], NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
  return model;
}

static gboolean
bench_photo (CliBench *bench, DiffusionPhotoModel *model, const char *name, gint width, gint height, GError **error)
{
  const gsize size = 3 * (gsize) width * (gsize) height;
  float *in = noise (size, error);
  float *out = in != NULL ? diffusion_try_alloc (size * sizeof (float), "a benchmark", error) : NULL;
  gboolean done = FALSE;

  if (out != NULL)
    {
      g_autoptr (DiffusionPicture) picture = diffusion_picture_new_memory (width, height, 3, in, out);
      Photo photo = { model, picture, diffusion_denoise_options_default (), cli_bench_get_cancellable (bench) };

      photo.options.sigma = 25;
      done = cli_bench_run (bench, name, (double) width * height, "pixels", run_photo, &photo, error);
    }
  diffusion_free (in);
  diffusion_free (out);
  return done;
}

static gboolean
bench_photos (CliBench *bench, GError **error)
{
  g_autoptr (DiffusionPhotoModel) model = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (photos); i++)
    {
      if (!(photos[i].large ? cli_bench_asked (bench, photos[i].name) : cli_bench_wanted (bench, photos[i].name)))
        continue;
      if (model == NULL)
        model = photo_model_new (error);
      if (model == NULL || !bench_photo (bench, model, photos[i].name, photos[i].width, photos[i].height, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
cli_bench_networks (CliBench *bench, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (networks); i++)
    if (!bench_network (bench, &networks[i], error))
      return FALSE;
  return bench_photos (bench, error);
}
