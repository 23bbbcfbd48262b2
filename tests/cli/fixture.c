/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small models and pictures for tests of the command. */
#include "fixture.h"

#include <math.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/diffusion.h"
#include "core/model/params-save.h"
#include "core/model/photo-folder.h"
#include "core/model/photo-model.h"
#include "core/pictures/pictures.h"

void
fixture_photo_model (const char *path)
{
  const DiffusionPhotoConfig config = { { 8, 8, 16 }, { 1, 1, 1, 1, 1 }, 16 };
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (GError) error = NULL;
  DiffusionPhotoValues values;
  g_autoptr (DiffusionGraph) graph = diffusion_photo_model_build (&config, params, 1, 8, 8, &values);
  float *block = diffusion_params_allocate (params, &error);

  g_assert_no_error (error);
  diffusion_params_initialise (params, 1, block);
  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  diffusion_photo_folder_save (path, &config, params, block, NULL, &error);
  g_assert_no_error (error);
}

static DiffusionUnetConfig
small_unet (void)
{
  DiffusionUnetConfig config;

  diffusion_unet_config_init (&config);
  config.sample_height = config.sample_width = 16;
  config.n_levels = 2;
  config.channels[0] = 8;
  config.channels[1] = 16;
  config.layers_per_block = 1;
  config.norm_groups = 4;
  for (gint i = 0; i < 2; i++)
    {
      config.down_attention[i] = config.up_attention[i] = FALSE;
      config.down_resample[i] = config.up_resample[i] = DIFFUSION_RESAMPLE_CONV;
    }
  config.mid_attention_groups = 4;
  return config;
}

static void
write_unet (const char *path, const DiffusionUnetConfig *config)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) config_json = diffusion_unet_config_to_json (config);
  g_autoptr (JsonObject) scheduler_json = NULL;
  DiffusionSchedulerConfig scheduler;

  diffusion_unet_config_validate (config, path, &error);
  g_assert_no_error (error);
  diffusion_scheduler_config_init (&scheduler);
  scheduler.steps = 100;

  diffusion_unet_declare_params (config, params);
  float *block = diffusion_params_allocate (params, &error);
  g_assert_no_error (error);
  diffusion_params_initialise (params, 1, block);
  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  scheduler_json = diffusion_scheduler_config_to_json (&scheduler);
  diffusion_params_save (params, block, path, config_json, scheduler_json, NULL, &error);
  g_assert_no_error (error);
}

void
fixture_unet_model (const char *path, gint classes)
{
  DiffusionUnetConfig config = small_unet ();

  if (classes > 0)
    {
      config.class_input = DIFFUSION_CLASS_LABEL;
      config.n_classes = classes;
    }
  write_unet (path, &config);
}

void
fixture_large_unet_model (const char *path)
{
  DiffusionUnetConfig config = small_unet ();

  config.sample_height = config.sample_width = 64;
  config.channels[0] = 160;
  config.channels[1] = 320;
  config.layers_per_block = 2;
  config.norm_groups = 32;
  write_unet (path, &config);
}

void
fixture_classifier_model (const char *path, gint classes)
{
  DiffusionUnetConfig config = small_unet ();

  config.head = DIFFUSION_HEAD_ATTENTION;
  config.out_channels = classes;
  write_unet (path, &config);
}

void
fixture_upsampler_model (const char *path)
{
  DiffusionUnetConfig config = small_unet ();

  config.low_res_channels = 3;
  write_unet (path, &config);
}

void
fixture_picture (const char *path, gint width, gint height, gint channels, gint bits)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_new (width, height, channels, bits, &error);
  const DiffusionStream stream = { 1, DIFFUSION_PURPOSE_NOISE, 0 };
  g_autofree float *pixels = g_new (float, (gsize) width * (gsize) height * (gsize) channels);

  g_assert_no_error (error);
  diffusion_random_normal_fill (&stream, 0, 0, width, height, channels, pixels);
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      for (gint c = 0; c < channels; c++)
        {
          float *value = &pixels[(y * width + x) * channels + c];

          *value = CLAMP (0.5f + 0.3f * sinf (0.1f * (float) (x + c)) * cosf (0.07f * (float) y) + 0.05f * *value, 0.0f,
                          1.0f);
        }
  g_assert_true (picture->write (picture, 0, 0, width, height, pixels, &error));
  g_assert_no_error (error);
  diffusion_pictures_save (picture, path, &error);
  g_assert_no_error (error);
}

void
fixture_truncate (const char *path)
{
  GStatBuf info;

  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (truncate (path, info.st_size / 2), ==, 0);
}
