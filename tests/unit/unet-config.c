/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network configurations: what diffusers' files mean, round trips, refusals, and the sizes of published
 * networks. */
#include "core/diffusion.h"

#include <string.h>

static const char cifar10[] = "{\"_class_name\": \"UNet2DModel\", \"_diffusers_version\": \"0.0.4\", "
                              "\"act_fn\": \"silu\", \"attention_head_dim\": null,"
                              " \"block_out_channels\": [128, 256, 256, 256], \"center_input_sample\": "
                              "false, \"down_block_types\": [\"DownBlock2D\","
                              " \"AttnDownBlock2D\", \"DownBlock2D\", \"DownBlock2D\"], "
                              "\"downsample_padding\": 0, \"flip_sin_to_cos\": false, \"freq_shift\": 1,"
                              " \"in_channels\": 3, \"layers_per_block\": 2, \"mid_block_scale_factor\": 1, "
                              "\"norm_eps\": 1e-06, \"norm_num_groups\": 32,"
                              " \"out_channels\": 3, \"sample_size\": 32, \"time_embedding_type\": "
                              "\"positional\", \"up_block_types\": [\"UpBlock2D\","
                              " \"UpBlock2D\", \"AttnUpBlock2D\", \"UpBlock2D\"]}";

static JsonObject *
parse (const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  g_assert_nonnull (node);
  return json_object_ref (json_node_get_object (node));
}

static void
round_trip (const DiffusionUnetConfig *config)
{
  g_autoptr (JsonObject) object = diffusion_unet_config_to_json (config);
  DiffusionUnetConfig back;
  g_autoptr (GError) error = NULL;

  diffusion_unet_config_from_json ("round", object, &back, &error);
  g_assert_no_error (error);
  g_assert_true (diffusion_unet_config_equal (config, &back));
  g_assert_cmpint (diffusion_unet_config_count_parameters (config), ==,
                   diffusion_unet_config_count_parameters (&back));
}

static void
test_ddpm (void)
{
  g_autoptr (JsonObject) object = parse (cifar10);
  DiffusionUnetConfig config;
  g_autoptr (GError) error = NULL;

  g_assert_true (diffusion_unet_config_from_json ("cifar10", object, &config, &error));
  g_assert_cmpint (diffusion_unet_config_count_parameters (&config), ==, 35746307);
  g_assert_cmpint (diffusion_unet_config_get_heads (&config, 256, FALSE), ==, 1);
  g_assert_cmpint (diffusion_unet_config_get_multiple (&config), ==, 8);
  g_assert_true (diffusion_unet_config_is_diffusers (&config));
  round_trip (&config);

  config.n_levels = 6;
  memcpy (config.channels, (gint[]){ 128, 128, 256, 256, 512, 512 }, 6 * sizeof (gint));
  for (gint i = 0; i < 6; i++)
    {
      config.down_attention[i] = i == 4;
      config.up_attention[i] = i == 1;
    }
  config.sample_height = config.sample_width = 256;
  g_assert_true (diffusion_unet_config_validate (&config, "256", &error));
  g_assert_cmpint (diffusion_unet_config_count_parameters (&config), ==, 113673219);
  round_trip (&config);
}

/* guided-diffusion's 256×256 unconditional network and its 512×512 one, whose first level is half as wide. */
static void
make_guided (DiffusionUnetConfig *config)
{
  diffusion_unet_config_init (config);
  config->n_levels = 6;
  memcpy (config->channels, (gint[]){ 256, 256, 512, 512, 1024, 1024 }, 6 * sizeof (gint));
  for (gint i = 0; i < 6; i++)
    {
      config->down_attention[i] = i >= 3;
      config->up_attention[i] = i <= 2;
      config->down_resample[i] = config->up_resample[i] = DIFFUSION_RESAMPLE_RESNET;
    }
  config->sample_height = config->sample_width = 256;
  config->out_channels = 6;
  config->attention_head_channels = 64;
  config->scale_shift = TRUE;
}

static void
test_guided (void)
{
  DiffusionUnetConfig config;
  g_autoptr (GError) error = NULL;

  make_guided (&config);
  g_assert_true (diffusion_unet_config_validate (&config, "256", &error));
  g_assert_cmpint (diffusion_unet_config_count_parameters (&config), ==, 552814086);
  g_assert_true (diffusion_unet_config_is_diffusers (&config));
  g_assert_cmpint (diffusion_unet_config_get_heads (&config, 1024, FALSE), ==, 16);
  round_trip (&config);

  config.attention_head_channels = 0;
  config.attention_heads = 4;
  g_assert_false (diffusion_unet_config_is_diffusers (&config));
  round_trip (&config);
  config.time_channels = 512;
  config.pixel_unshuffle = 2;
  config.circular = TRUE;
  config.output_scale = config.mid_output_scale = 1.4142135623730951;
  config.low_res_channels = 3;
  config.class_input = DIFFUSION_CLASS_LABEL;
  config.n_classes = 1000;
  config.attention_heads_up = 2;
  config.sample_height = 128;
  config.mid_attention_groups = 0;
  config.scale_shift = FALSE;
  for (gint i = 0; i < 6; i++)
    config.down_resample[i] = config.up_resample[i] = DIFFUSION_RESAMPLE_PLAIN;
  g_assert_true (diffusion_unet_config_validate (&config, "own", &error));
  round_trip (&config);
  config.class_input = DIFFUSION_CLASS_TIMESTEP;
  config.n_classes = 0;
  round_trip (&config);
}

static void
test_classifier (void)
{
  const DiffusionUnetHead heads[] = { DIFFUSION_HEAD_ATTENTION, DIFFUSION_HEAD_ADAPTIVE,
                                      DIFFUSION_HEAD_SPATIAL, DIFFUSION_HEAD_SPATIAL_V2 };

  for (gsize i = 0; i < G_N_ELEMENTS (heads); i++)
    {
      DiffusionUnetConfig config;
      g_autoptr (GError) error = NULL;

      /* guided-diffusion's 256×256 classifier: width 128, depth 2. */
      make_guided (&config);
      for (gint level = 0; level < 6; level++)
        config.channels[level] /= 2;
      memset (config.up_attention, 0, sizeof config.up_attention);
      memset (config.up_resample, 0, sizeof config.up_resample);
      config.head = heads[i];
      config.out_channels = 1000;
      diffusion_unet_config_validate (&config, "classifier", &error);
      g_assert_no_error (error);
      if (heads[i] == DIFFUSION_HEAD_ATTENTION)
        g_assert_cmpint (diffusion_unet_config_count_parameters (&config) / 1000000, ==, 54);
      round_trip (&config);
    }
}

static void
test_defaults (void)
{
  g_autoptr (JsonObject) empty = parse ("{}");
  g_autoptr (JsonObject) listed =
      parse ("{\"block_out_channels\": [32, 64], \"down_block_types\": [\"ResnetDownsampleBlock2D\", "
             "\"AttnDownBlock2D\"],"
             " \"up_block_types\": [\"AttnUpBlock2D\", \"ResnetUpsampleBlock2D\"], "
             "\"resnet_time_scale_shift\": \"scale_shift\","
             " \"sample_size\": [16, 24], \"num_class_embeds\": 10, \"upsample_type\": \"resnet\"}");
  DiffusionUnetConfig config, defaults;
  g_autoptr (GError) error = NULL;

  diffusion_unet_config_init (&defaults);
  g_assert_true (diffusion_unet_config_from_json ("empty", empty, &config, &error));
  g_assert_true (diffusion_unet_config_equal (&config, &defaults));
  g_assert_cmpint (config.attention_head_channels, ==, 8);
  diffusion_unet_config_from_json ("listed", listed, &config, &error);
  g_assert_no_error (error);
  g_assert_cmpint (config.mid_attention_groups, ==, 0);
  g_assert_cmpint (config.down_resample[0], ==, DIFFUSION_RESAMPLE_RESNET);
  g_assert_cmpint (config.up_resample[0], ==, DIFFUSION_RESAMPLE_RESNET);
  g_assert_cmpint (config.sample_width, ==, 24);
  g_assert_cmpint (config.class_input, ==, DIFFUSION_CLASS_LABEL);
  round_trip (&config);
}

static void
test_refused (void)
{
  static const char *const cases[][2] = {
    { "{\"_class_name\": \"UNet2DConditionModel\"}", "UNet2DConditionModel" },
    { "{\"block_out_channels\": [128, 256]}", "down_block_types" },
    { "{\"block_out_channels\": []}", "block_out_channels" },
    { "{\"block_out_channels\": [128, 256, 384, 1e9]}", "block_out_channels" },
    { "{\"block_out_channels\": [128, 256, 384, -1]}", "block_out_channels" },
    { "{\"block_out_channels\": [16384, 16384, 16384, 16384]}", "parameters" },
    { "{\"block_out_channels\": [120, 256, 384, 512]}", "norm_num_groups" },
    { "{\"block_out_channels\": [128, 256, 384, 512], \"norm_num_groups\": 0}", "norm_num_groups" },
    { "{\"down_block_types\": [\"DownBlock2D\", \"SkipDownBlock2D\", \"DownBlock2D\", \"DownBlock2D\"]}",
      "SkipDownBlock2D" },
    { "{\"down_block_types\": [1, 2, 3, 4]}", "down_block_types" },
    { "{\"down_block_types\": [null, null, null, null]}", "down_block_types" },
    { "{\"sample_size\": 30}", "multiples of 8" },
    { "{\"sample_size\": 1000000000}", "sample_size" },
    { "{\"sample_size\": [1]}", "sample_size" },
    { "{\"sample_size\": \"32\"}", "sample_size" },
    { "{\"layers_per_block\": 100000}", "layers_per_block" },
    { "{\"layers_per_block\": 2.5}", "layers_per_block" },
    { "{\"attention_head_dim\": 9}", "attention_head_dim" },
    { "{\"time_embedding_type\": \"fourier\"}", "fourier" },
    { "{\"act_fn\": \"gelu\"}", "gelu" },
    { "{\"mid_block_type\": null}", "mid_block_type" },
    { "{\"class_embed_type\": \"identity\"}", "identity" },
    { "{\"num_class_embeds\": 2000000}", "num_class_embeds" },
    { "{\"in_channels\": 0}", "in_channels" },
    { "{\"in_channels\": 3, \"low_res_channels\": 3}", "in_channels" },
    { "{\"norm_eps\": \"small\"}", "norm_eps" },
    { "{\"center_input_sample\": 1}", "center_input_sample" },
    { "{\"pixel_unshuffle\": 0}", "pixel_unshuffle" },
    { "{\"_class_name\": \"DiffusionClassifier\", \"out_channels\": 10}", "sample_size" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonObject) object = parse (cases[i][0]);
      DiffusionUnetConfig config;
      g_autoptr (GError) error = NULL;

      if (diffusion_unet_config_from_json ("bad.json", object, &config, &error))
        g_error ("%s: accepted", cases[i][0]);
      g_assert_true (error != NULL && error->domain == DIFFUSION_ERROR);
      if (strstr (error->message, cases[i][1]) == NULL || strstr (error->message, "bad.json") == NULL)
        g_error ("%s: %s", cases[i][0], error->message);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/unet-config/ddpm", test_ddpm);
  g_test_add_func ("/unet-config/guided", test_guided);
  g_test_add_func ("/unet-config/classifier", test_classifier);
  g_test_add_func ("/unet-config/defaults", test_defaults);
  g_test_add_func ("/unet-config/refused", test_refused);
  return g_test_run ();
}
