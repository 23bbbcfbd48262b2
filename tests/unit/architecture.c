/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flags, presets and inference against each other: a file with the tensors of every published network is
 * recognised again. */
#include "core/diffusion.h"
#include "core/model/architecture.h"
#include "core/model/json.h"

#include <glib/gstdio.h>
#include <string.h>

/* A file in memory with the tensors that a network has under the names of @style, all sharing one block of
 * numbers. */
static DiffusionTensorFile *
make_file (const char *path, DiffusionNameStyle style, const DiffusionUnetConfig *config)
{
  static float zeros[1] = { 0 };
  DiffusionTensorFile *file = diffusion_tensor_file_new (path, NULL);
  g_autoptr (GPtrArray) parameters = diffusion_unet_config_list_parameters (config);

  for (guint i = 0; i < parameters->len; i++)
    {
      const DiffusionParameter *parameter = g_ptr_array_index (parameters, i);
      DiffusionTensorEntry entry = { .dtype = DIFFUSION_DTYPE_F32,
                                     .n_dims = parameter->n_dims,
                                     .data = (const guint8 *)zeros };
      gint part;
      g_autofree char *name = diffusion_name_map_source_name (style, config, parameter->name, &part);
      g_autoptr (GError) error = NULL;

      if (part > 0)
        continue;
      entry.name = name;
      for (gint d = 0; d < entry.n_dims; d++)
        entry.shape[d] = parameter->shape[d] * (part == 0 && d == 0 ? 3 : 1);
      for (gint d = entry.n_dims - 1, stride = 1; d >= 0; stride *= (gint)entry.shape[d], d--)
        entry.strides[d] = stride;
      /* Nobody reads the numbers here. */
      g_assert_true (diffusion_tensor_file_add (file, &entry, G_MAXSSIZE, &error));
    }
  return file;
}

static void
assert_same (const char *name, const DiffusionUnetConfig *a, const DiffusionUnetConfig *b)
{
  g_autoptr (JsonObject) left = diffusion_unet_config_to_json (a), right = diffusion_unet_config_to_json (b);
  g_autofree char *left_text = diffusion_json_to_string (left), *right_text = diffusion_json_to_string (right);

  if (!diffusion_unet_config_equal (a, b))
    g_error ("%s: %s differs from %s", name, left_text, right_text);
}

static gint64
count (const DiffusionTensorFile *file)
{
  gint64 total = 0;

  for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (file); i++)
    total += diffusion_tensor_file_get_tensor (file, i)->n_elements;
  return total;
}

/* Parameters of the published files in millions: table 11 and the model cards of Dhariwal & Nichol, the file
 * names of Nichol & Dhariwal. */
static void
test_sizes (void)
{
  const struct
  {
    const char *preset;
    double millions;
  } sizes[] = {
    { "guided-diffusion-64", 296 },
    { "guided-diffusion-128", 422 },
    { "guided-diffusion-256", 554 },
    { "guided-diffusion-256-uncond", 552.8 },
    { "guided-diffusion-512", 559 },
    { "guided-diffusion-64-256-upsampler", 312 },
    { "guided-diffusion-128-512-upsampler", 309 },
    { "guided-diffusion-64-classifier", 65 },
    { "guided-diffusion-128-classifier", 43 },
    { "guided-diffusion-256-classifier", 54 },
    { "guided-diffusion-512-classifier", 54 },
    { "improved-diffusion-cifar10", 52.5 },
    { "improved-diffusion-imagenet64", 121 },
    { "improved-diffusion-imagenet64-cond", 270 },
    { "improved-diffusion-upsampler", 280 },
    { "improved-diffusion-lsun", 114 },
    { "ddpm-cifar10-32", 35.746307 },
    { "ddpm-256", 113.673219 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      DiffusionArchitecture architecture;
      double found;

      g_assert_true (diffusion_preset_load (sizes[i].preset, &architecture));
      found = (double)diffusion_unet_config_count_parameters (&architecture.unet) / 1e6;
      g_test_message ("%s: %.2f M", sizes[i].preset, found);
      g_assert_cmpfloat_with_epsilon (found, sizes[i].millions, 0.02 * sizes[i].millions);
      diffusion_architecture_clear (&architecture);
    }
}

static void
test_recognised (void)
{
  g_auto (GStrv) names = diffusion_presets_list ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      DiffusionNameStyle style = g_str_has_prefix (names[i], "ddpm") ? DIFFUSION_NAMES_DDIM
                                                                     : DIFFUSION_NAMES_GUIDED,
                         detected;
      DiffusionArchitecture expected, found, inferred;
      DiffusionUnknown unknown;
      g_autoptr (DiffusionTensorFile) file = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (diffusion_preset_load (names[i], &expected));
      file = make_file ("unknown.pt", style, &expected.unet);
      g_assert_cmpint (count (file), ==, diffusion_unet_config_count_parameters (&expected.unet));
      diffusion_architecture_find (file, NULL, NULL, &detected, &found, &error);
      g_assert_no_error (error);
      g_assert_cmpint (detected, ==, style);
      found.unet.dropout = expected.unet.dropout;
      assert_same (names[i], &found.unet, &expected.unet);
      g_assert_cmpint (found.new_qkv_order, ==, expected.new_qkv_order);
      g_assert_cmpint (found.scheduler.steps, ==, expected.scheduler.steps);
      g_assert_cmpint (found.scheduler.schedule, ==, expected.scheduler.schedule);
      g_assert_cmpint (found.scheduler.variance, ==, expected.scheduler.variance);
      g_assert_cmpint (found.scheduler.rescale_timesteps, ==, expected.scheduler.rescale_timesteps);

      /* The shapes alone give all but heads, order and size. */
      g_assert_true (diffusion_infer_architecture (file, style, &inferred, &unknown, &error));
      inferred.unet.attention_heads = expected.unet.attention_heads;
      inferred.unet.attention_head_channels = expected.unet.attention_head_channels;
      inferred.unet.dropout = expected.unet.dropout;
      if (expected.unet.head == DIFFUSION_HEAD_IMAGE)
        inferred.unet.sample_height = inferred.unet.sample_width = expected.unet.sample_width;
      assert_same (names[i], &inferred.unet, &expected.unet);
      diffusion_architecture_clear (&expected);
      diffusion_architecture_clear (&found);
      diffusion_architecture_clear (&inferred);
    }
}

/* By the file's name, where several networks have the same tensors. */
static void
test_file_names (void)
{
  DiffusionArchitecture architecture;

  g_assert_true (diffusion_preset_load ("256x256_diffusion_uncond.pt", &architecture));
  g_assert_cmpint (architecture.unet.n_classes, ==, 0);
  g_assert_true (diffusion_preset_load ("models/256x256_diffusion.pt", &architecture));
  g_assert_cmpint (architecture.unet.n_classes, ==, 1000);
  g_assert_true (diffusion_preset_load ("lsun_horse_nodropout.pt", &architecture));
  g_assert_cmpfloat (architecture.unet.dropout, ==, 0);
  g_assert_true (diffusion_preset_load ("lsun_bedroom.pt", &architecture));
  g_assert_cmpfloat (architecture.unet.dropout, ==, 0.1);
  g_assert_true (diffusion_preset_load ("imagenet64_uncond_vlb_100M_1500K.pt", &architecture));
  g_assert_cmpint (architecture.scheduler.steps, ==, 4000);
  g_assert_true (diffusion_preset_load ("512x512_diffusion.pt", &architecture));
  g_assert_cmpint (architecture.unet.n_levels, ==, 7);
  g_assert_cmpint (diffusion_unet_config_get_time_channels (&architecture.unet), ==, 256);
  g_assert_false (diffusion_preset_load ("model.pt", &architecture));
}

static void
test_flags (void)
{
  static const char text[] =
      " --image_size 64 --num_channels 96 --channel_mult 1,2 --attention_resolutions 32 --learn_sigma true\n"
      "--num_head_channels 48 --use_new_attention_order True --diffusion_steps 100 --noise_schedule cosine\n";
  DiffusionArchitecture architecture, again;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) flags = diffusion_flags_parse ("text", text, strlen (text), &error);
  g_autoptr (JsonObject) addition = NULL, ddim = NULL;
  g_autoptr (DiffusionTensorFile) file = NULL;
  static const char more[] =
      "{\"num_head_channels\": 48, \"use_new_attention_order\": true, \"image_size\": 64}";
  static const char ddim_text[] = "{\"ch\": 32, \"ch_mult\": [1, 2], \"num_res_blocks\": 1, "
                                  "\"attn_resolutions\": [8], \"resolution\": 16}";

  g_assert_no_error (error);
  diffusion_architecture_from_flags ("text", flags, NULL, &architecture, &error);
  g_assert_no_error (error);
  g_assert_cmpint (architecture.unet.out_channels, ==, 6);
  g_assert_true (architecture.unet.down_attention[1] && architecture.unet.up_attention[0]);
  g_assert_false (architecture.unet.down_attention[0]);
  g_assert_true (architecture.unet.scale_shift && architecture.new_qkv_order);
  g_assert_cmpint (architecture.scheduler.schedule, ==, DIFFUSION_BETAS_COSINE);
  g_assert_cmpint (architecture.scheduler.variance, ==, DIFFUSION_VARIANCE_LEARNED_RANGE);

  /* Flags without widths complete what the tensors say. */
  file = make_file ("own.pt", DIFFUSION_NAMES_GUIDED, &architecture.unet);
  addition = diffusion_flags_parse ("more", more, strlen (more), &error);
  diffusion_architecture_from_flags ("more", addition, file, &again, &error);
  g_assert_no_error (error);
  g_assert_true (diffusion_unet_config_equal (&architecture.unet, &again.unet));
  g_assert_true (again.new_qkv_order);

  ddim = diffusion_flags_parse ("ddim", ddim_text, strlen (ddim_text), &error);
  diffusion_architecture_from_flags ("ddim", ddim, NULL, &again, &error);
  g_assert_no_error (error);
  g_assert_true (again.unet.down_attention[1] && again.unet.up_attention[0] && !again.unet.down_attention[0]);
  g_assert_cmpint (diffusion_unet_config_get_heads (&again.unet, 64, FALSE), ==, 1);
}

static void
test_refused (void)
{
  static const char *const flags[][2] = {
    { "{\"model_channels\": 32}", "channel_mult" },
    { "{\"model_channels\": 32, \"channel_mult\": [1, \"2\"]}", "channel_mult" },
    { "{\"model_channels\": 32, \"channel_mult\": \"1,x\"}", "channel_mult" },
    { "{\"model_channels\": 1000000, \"channel_mult\": [1, 1000]}", "block_out_channels" },
    { "{\"model_channels\": 32, \"channel_mult\": [1, 2], \"num_head_channels\": 24, "
      "\"attention_resolutions\": [2]}",
      "attention_head_dim" },
    { "{\"model_channels\": 32, \"channel_mult\": [1, 2], \"attention_resolutions\": \"8\"}", "image_size" },
    { "{\"model_channels\": 32, \"channel_mult\": [1, 2], \"pool\": \"max\"}", "max" },
    { "{\"model_channels\": 32, \"channel_mult\": [1, 2], \"noise_schedule\": \"none\"}", "none" },
    { "{\"model_channels\": 32, \"channel_mult\": [1, 2], \"diffusion_steps\": 0}", "diffusion_steps" },
    { "--num_channels", "--name value" },
    { "--num_channels --image_size", "--name value" },
    { "num_channels", "JSON" },
  };
  DiffusionArchitecture architecture;
  DiffusionNameStyle style;
  g_autoptr (DiffusionTensorFile) file = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      g_autoptr (JsonObject) object =
          diffusion_flags_parse ("flags.json", flags[i][0], strlen (flags[i][0]), &error);

      if (object != NULL &&
          diffusion_architecture_from_flags ("flags.json", object, NULL, &architecture, &error))
        g_error ("accepted: %s", flags[i][0]);
      g_assert_true (error != NULL && error->domain == DIFFUSION_ERROR);
      if (strstr (error->message, flags[i][1]) == NULL)
        g_error ("%s: %s", flags[i][0], error->message);
      g_clear_error (&error);
    }

  /* A file of no bytes has no address when it is mapped. */
  g_assert_null (diffusion_flags_parse ("flags.json", NULL, 0, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT);
  g_clear_error (&error);

  /* Heads are not in the file, and this network is nobody's. */
  g_assert_true (diffusion_preset_load ("guided-diffusion-64", &architecture));
  architecture.unet.channels[3] = 512;
  file = make_file ("own.pt", DIFFUSION_NAMES_GUIDED, &architecture.unet);
  g_assert_false (diffusion_architecture_find (file, NULL, NULL, &style, &architecture, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "--flags"));
  g_clear_error (&error);
  g_assert_false (diffusion_architecture_find (file, "nobody", NULL, &style, &architecture, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND);
  g_clear_error (&error);

  /* What is wrong with a file of flags is said with its name. */
  path = g_build_filename (g_get_tmp_dir (), "architecture-XXXXXX", NULL);
  g_close (g_mkstemp (path), NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      /* The file holds no classifier, whose pool this is. */
      if (strcmp (flags[i][1], "max") == 0)
        continue;
      g_file_set_contents (path, flags[i][0], -1, &error);
      g_assert_no_error (error);
      g_assert_false (diffusion_architecture_find (file, NULL, path, &style, &architecture, &error));
      g_assert_true (error->domain == DIFFUSION_ERROR);
      g_assert_nonnull (strstr (error->message, path));
      g_clear_error (&error);
    }
  g_remove (path);
  g_assert_false (diffusion_architecture_find (file, NULL, path, &style, &architecture, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND);
}

/* Rearranged weights: the views of q, k and v pick the right rows of a joint matrix. */
static void
test_joint (void)
{
  DiffusionUnetConfig config;
  g_autofree float *numbers = g_new (float, 3 * 64 * 64);

  for (gint i = 0; i < 3 * 64 * 64; i++)
    numbers[i] = (float)i;
  diffusion_unet_config_init (&config);
  config.n_levels = 1;
  config.channels[0] = 64;
  config.down_attention[0] = config.up_attention[0] = FALSE;
  config.attention_head_channels = 16;
  for (gint new_order = 0; new_order < 2; new_order++)
    {
      g_autoptr (DiffusionTensorFile) zeros = make_file ("joint.pt", DIFFUSION_NAMES_GUIDED, &config);
      g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_new ("joint.pt", NULL);
      g_autoptr (GPtrArray) parameters = diffusion_unet_config_list_parameters (&config);
      g_autofree DiffusionTensorEntry *views = NULL;
      g_autoptr (GError) error = NULL;
      gint found = 0;

      for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (zeros); i++)
        {
          DiffusionTensorEntry entry = *diffusion_tensor_file_get_tensor (zeros, i);

          if (strstr (entry.name, "qkv") != NULL)
            entry.data = (const guint8 *)numbers;
          if (strcmp (entry.name, "middle_block.1.qkv.weight") == 0)
            {
              entry.shape[2] = entry.strides[2] = 1; /* as Conv1d stores it */
              entry.n_dims = 3;
            }
          g_assert_true (diffusion_tensor_file_add (file, &entry, G_MAXSSIZE, &error));
        }
      views = diffusion_name_map_apply (file, DIFFUSION_NAMES_GUIDED, &config, new_order, parameters, &error);
      g_assert_no_error (error);
      for (guint i = 0; i < parameters->len; i++)
        {
          const DiffusionParameter *parameter = g_ptr_array_index (parameters, i);
          gint part = strstr (parameter->name, "to_q.") ? 0 : strstr (parameter->name, "to_k.") ? 1 : 2;
          gint columns = parameter->n_dims > 1 ? 64 : 1;
          g_autofree float *out = NULL;

          g_assert_cmpint (views[i].n_elements, ==, parameter->n_elements);
          if (!strstr (parameter->name, "to_q.") && !strstr (parameter->name, "to_k.") &&
              !strstr (parameter->name, "to_v."))
            continue;
          found++;
          out = g_new (float, parameter->n_elements);
          diffusion_tensor_entry_to_floats (&views[i], out);
          for (gint row = 0; row < 64; row++)
            {
              gint source = new_order ? part * 64 + row : (row / 16 * 3 + part) * 16 + row % 16;

              g_assert_cmpfloat (out[row * columns], ==, (float)(source * columns));
              g_assert_cmpfloat (out[row * columns + columns - 1], ==,
                                 (float)(source * columns + columns - 1));
            }
        }
      g_assert_cmpint (found, ==, 6);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/architecture/sizes", test_sizes);
  g_test_add_func ("/architecture/recognised", test_recognised);
  g_test_add_func ("/architecture/file-names", test_file_names);
  g_test_add_func ("/architecture/flags", test_flags);
  g_test_add_func ("/architecture/refused", test_refused);
  g_test_add_func ("/architecture/joint-matrices", test_joint);
  return g_test_run ();
}
