/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Damaged files of every format: errors are fine, crashes, hangs and giant allocations are not. */
#include <glib/gstdio.h>
#include <string.h>

#include "core/diffusion.h"
#include "core/model/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/torch-maker.h"

static const char config_text[] = "{\"_class_name\": \"DiffusionUNet\", \"sample_size\": [16, 16], "
                                  "\"in_channels\": 6, \"low_res_channels\": 3, \"out_channels\": 6,"
                                  " \"down_block_types\": [\"ResnetDownsampleBlock2D\", "
                                  "\"AttnDownBlock2D\"], \"up_block_types\": [\"AttnUpBlock2D\","
                                  " \"ResnetUpsampleBlock2D\"], \"block_out_channels\": [32, 64], "
                                  "\"layers_per_block\": 1, \"norm_eps\": 1e-06, \"downsample_type\":"
                                  " \"resnet\", \"attention_head_dim\": null, \"num_attention_heads\": 4, "
                                  "\"norm_num_groups\": 8, \"num_class_embeds\": 10,"
                                  " \"resnet_time_scale_shift\": \"scale_shift\", \"pixel_unshuffle\": 1, "
                                  "\"padding_mode\": \"circular\", \"freq_shift\": 1}";
static const char scheduler_text[] = "{\"_class_name\": \"DDPMScheduler\", \"num_train_timesteps\": 10, "
                                     "\"beta_start\": 0.0001, \"beta_end\": 0.02, \"beta_schedule\":"
                                     " \"linear\", \"trained_betas\": [0.1, 0.2, 0.3], \"prediction_type\": "
                                     "\"epsilon\", \"variance_type\": \"learned_range\","
                                     " \"clip_sample\": true, \"rescale_timesteps\": true}";
static const char flags_text[] =
    "{\"image_size\": 16, \"in_channels\": 3, \"model_channels\": 32, \"out_channels\": 6, "
    "\"num_res_blocks\": 1, \"attention_resolutions\":"
    " [2], \"channel_mult\": [1, 2], \"num_classes\": 10, \"num_heads\": 4, \"num_head_channels\": 16, "
    "\"num_heads_upsample\": -1,"
    " \"use_scale_shift_norm\": true, \"resblock_updown\": true, \"use_new_attention_order\": false}";

static void
open_file (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_open_bytes ("fuzz", bytes, &error);
  DiffusionArchitecture architecture;
  DiffusionNameStyle style;

  g_assert_true ((file == NULL) == (error != NULL));
  if (file == NULL)
    return;
  for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (file); i++)
    {
      const DiffusionTensorEntry *entry = diffusion_tensor_file_get_tensor (file, i);
      g_autofree float *values = NULL;

      g_assert_cmpint (entry->n_elements, <=, (gint64)size);
      values = g_new (float, MAX (entry->n_elements, 1));
      diffusion_tensor_entry_to_floats (entry, values);
    }
  if (diffusion_architecture_find (file, NULL, NULL, &style, &architecture, NULL))
    diffusion_architecture_clear (&architecture);
}

static void
test_safetensors (void)
{
  static const float values[24] = { 0 };
  g_autofree char *folder = g_dir_make_tmp ("diffusion-fuzz-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "good.safetensors", NULL);
  g_autofree char *contents = NULL;
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  gsize size;

  diffusion_tensor_writer_add_floats (writer, "a", DIFFUSION_DTYPE_F32, 2, (gint64[]){ 2, 3 }, values);
  diffusion_tensor_writer_add_floats (writer, "b.weight", DIFFUSION_DTYPE_F16, 4, (gint64[]){ 2, 3, 2, 2 },
                                      values);
  diffusion_tensor_writer_add_floats (writer, "scalar", DIFFUSION_DTYPE_F64, 0, NULL, values);
  diffusion_tensor_writer_set_metadata (writer, "format", "pt");
  g_assert_true (diffusion_tensor_writer_write (writer, path, NULL));
  g_assert_true (g_file_get_contents (path, &contents, &size, NULL));
  g_unlink (path);
  g_rmdir (folder);
  fuzz_run (contents, size, TRUE, open_file);
}

/* The names and shapes of a small network, from which the architecture is inferred. The numbers do not matter
 * and are few: every tensor lies in the same place, so the table is made by hand. */
static void
infer (const guint8 *data, gsize size)
{
  g_autofree char *text = size > 0 ? g_strndup ((const char *)data, size) : g_strdup ("");
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_new ("fuzz", NULL);
  DiffusionArchitecture architecture;
  DiffusionNameStyle style;
  DiffusionUnknown unknown;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", DIFFUSION_TENSOR_MAX_DIMS);
      DiffusionTensorEntry entry = { .name = words[0] != NULL ? words[0] : "", .dtype = DIFFUSION_DTYPE_U8 };

      for (; entry.n_dims < DIFFUSION_TENSOR_MAX_DIMS && words[0] != NULL && words[entry.n_dims + 1] != NULL;
           entry.n_dims++)
        {
          entry.shape[entry.n_dims] = g_ascii_strtoll (words[entry.n_dims + 1], NULL, 10);
          entry.strides[entry.n_dims] = 1;
        }
      for (gint d = entry.n_dims - 2; d >= 0; d--)
        if (__builtin_mul_overflow (entry.strides[d + 1], entry.shape[d + 1], &entry.strides[d]))
          entry.strides[d] = -1;
      if (!g_utf8_validate (entry.name, -1, NULL))
        entry.name = "x";
      diffusion_tensor_file_add (file, &entry, G_MAXSSIZE, NULL);
    }
  if (!diffusion_name_style_detect (file, &style, NULL))
    return;
  if (diffusion_infer_architecture (file, style, &architecture, &unknown, NULL))
    {
      g_autoptr (GPtrArray) parameters = diffusion_unet_config_list_parameters (&architecture.unet);
      g_autofree DiffusionTensorEntry *views =
          diffusion_name_map_apply (file, style, &architecture.unet, FALSE, parameters, NULL);

      diffusion_architecture_clear (&architecture);
    }
}

static void
test_infer (void)
{
  const char *const presets[] = { "guided-diffusion-64", "guided-diffusion-64-classifier",
                                  "ddpm-cifar10-32" };
  const char *seconds = g_getenv ("DIFFUSION_FUZZ_SECONDS");

  if (seconds == NULL)
    g_setenv ("DIFFUSION_FUZZ_SECONDS", "0.7", TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (presets); i++)
    {
      DiffusionNameStyle style = i < 2 ? DIFFUSION_NAMES_GUIDED : DIFFUSION_NAMES_DDIM;
      DiffusionArchitecture architecture;
      g_autoptr (GPtrArray) parameters = NULL;
      g_autoptr (GString) text = g_string_new (NULL);

      g_assert_true (diffusion_preset_load (presets[i], &architecture));
      parameters = diffusion_unet_config_list_parameters (&architecture.unet);
      for (guint k = 0; k < parameters->len; k++)
        {
          const DiffusionParameter *parameter = g_ptr_array_index (parameters, k);
          gint part;
          g_autofree char *name =
              diffusion_name_map_source_name (style, &architecture.unet, parameter->name, &part);

          if (part > 0)
            continue;
          g_string_append (text, name);
          for (gint d = 0; d < parameter->n_dims; d++)
            g_string_append_printf (text, " %" G_GINT64_FORMAT,
                                    parameter->shape[d] * (part == 0 && d == 0 ? 3 : 1));
          g_string_append_c (text, '\n');
        }
      fuzz_run (text->str, text->len, TRUE, infer);
      diffusion_architecture_clear (&architecture);
    }
  if (seconds == NULL)
    g_unsetenv ("DIFFUSION_FUZZ_SECONDS");
}

static void
test_torch_zip (void)
{
  g_autoptr (GBytes) bytes = torch_make_zip (torch_make_simple ("FloatStorage", 6, 0, 2, 3, 1), torch_numbers,
                                             sizeof torch_numbers, TRUE);
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  fuzz_run (data, size, FALSE, open_file);
}

static void
test_torch_stream (void)
{
  g_autoptr (GBytes) bytes = torch_make_stream ();
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  fuzz_run (data, size, FALSE, open_file);
}

static void
read_config (const guint8 *data, gsize size)
{
  g_autoptr (JsonObject) object = diffusion_json_parse_object ("fuzz", (const char *)data, size, NULL);
  DiffusionUnetConfig config;

  if (object != NULL && diffusion_unet_config_from_json ("fuzz", object, &config, NULL))
    {
      g_autoptr (JsonObject) again = diffusion_unet_config_to_json (&config);
      g_autoptr (GPtrArray) parameters = diffusion_unet_config_list_parameters (&config);
      DiffusionUnetConfig back;

      g_assert_true (diffusion_unet_config_from_json ("again", again, &back, NULL));
      g_assert_true (diffusion_unet_config_equal (&config, &back));
    }
}

static void
test_config (void)
{
  fuzz_run (config_text, sizeof config_text - 1, TRUE, read_config);
}

static void
read_scheduler (const guint8 *data, gsize size)
{
  g_autoptr (JsonObject) object = diffusion_json_parse_object ("fuzz", (const char *)data, size, NULL);
  DiffusionSchedulerConfig config;

  if (object != NULL && diffusion_scheduler_config_from_json ("fuzz", object, &config, NULL))
    {
      g_autoptr (DiffusionSchedule) schedule = diffusion_scheduler_config_make_schedule (&config, NULL);

      diffusion_scheduler_config_clear (&config);
    }
}

static void
test_scheduler (void)
{
  fuzz_run (scheduler_text, sizeof scheduler_text - 1, TRUE, read_scheduler);
}

static void
read_flags (const guint8 *data, gsize size)
{
  g_autoptr (JsonObject) flags = diffusion_flags_parse ("fuzz", (const char *)data, size, NULL);
  DiffusionArchitecture architecture;

  if (flags != NULL && diffusion_architecture_from_flags ("fuzz", flags, NULL, &architecture, NULL))
    diffusion_architecture_clear (&architecture);
}

static void
test_flags (void)
{
  fuzz_run (flags_text, sizeof flags_text - 1, TRUE, read_flags);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fuzz/safetensors", test_safetensors);
  g_test_add_func ("/fuzz/torch-zip", test_torch_zip);
  g_test_add_func ("/fuzz/torch-stream", test_torch_stream);
  g_test_add_func ("/fuzz/infer", test_infer);
  g_test_add_func ("/fuzz/config", test_config);
  g_test_add_func ("/fuzz/scheduler", test_scheduler);
  g_test_add_func ("/fuzz/flags", test_flags);
  return g_test_run ();
}
