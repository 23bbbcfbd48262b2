/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models from folders and files: what is accepted, converted and replaced, and every way in which a model can
 * be wrong. */
#include "core/diffusion.h"
#include "core/model/json.h"
#include "core/model/photo-model.h"
#include "core/model/unet.h"

#include "../folder.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static char *root;

typedef enum
{
  GOOD,
  MISSING,
  EXTRA,
  SHAPE,
  NAN_WEIGHT,
  INFINITE_WEIGHT,
  INTEGER,
  NEGATED
} Defect;

static DiffusionUnetConfig
small_config (void)
{
  DiffusionUnetConfig config;

  diffusion_unet_config_init (&config);
  config.n_levels = 2;
  config.channels[0] = 8;
  config.channels[1] = 16;
  config.layers_per_block = 1;
  config.norm_groups = config.mid_attention_groups = 4;
  config.down_attention[0] = config.up_attention[1] = FALSE;
  config.down_attention[1] = config.up_attention[0] = TRUE;
  config.sample_height = config.sample_width = 8;
  return config;
}

/* The numbers of parameter @index: multiples of 1/16 that float16 and bfloat16 hold exactly. */
static float *
make_values (const DiffusionParameter *parameter, guint index)
{
  float *values = g_new (float, parameter->n_elements);

  for (gint64 i = 0; i < parameter->n_elements; i++)
    values[i] = (float)((gint)((i * 7 + index * 13) % 61) - 30) / 16;
  return values;
}

/* Fills @writer with a network's tensors; @keep gets what has to live until it is written. */
static void
add_tensors (DiffusionTensorWriter *writer, const DiffusionUnetConfig *config, Defect defect, GPtrArray *keep)
{
  g_autoptr (GPtrArray) parameters = diffusion_unet_config_list_parameters (config);

  for (guint i = 0; i < parameters->len; i++)
    {
      const DiffusionParameter *parameter = g_ptr_array_index (parameters, i);
      gboolean chosen = strcmp (parameter->name, "conv_in.weight") == 0;
      float *values = make_values (parameter, i);
      gint64 shape[4];

      g_ptr_array_add (keep, values);
      for (gint64 k = 0; k < parameter->n_elements && defect == NEGATED; k++)
        values[k] = -values[k];
      memcpy (shape, parameter->shape, sizeof shape);
      if (chosen && defect == MISSING)
        continue;
      if (chosen && defect == SHAPE)
        {
          shape[0] = parameter->shape[1];
          shape[1] = parameter->shape[0];
        }
      if (chosen && defect == NAN_WEIGHT)
        values[5] = NAN;
      if (chosen && defect == INFINITE_WEIGHT)
        values[5] = INFINITY;
      if (chosen && defect == INTEGER)
        diffusion_tensor_writer_add_raw (writer, parameter->name, DIFFUSION_DTYPE_I32, parameter->n_dims,
                                         shape, values);
      else
        diffusion_tensor_writer_add_floats (writer, parameter->name, DIFFUSION_DTYPE_F32, parameter->n_dims,
                                            shape, values);
    }
  if (defect == EXTRA)
    diffusion_tensor_writer_add_floats (writer, "conv_in.scale", DIFFUSION_DTYPE_F32, 1, (gint64[]){ 2 },
                                        keep->pdata[0]);
}

static char *
write_model (const char *name, const DiffusionUnetConfig *config, Defect defect)
{
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autoptr (GPtrArray) keep = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (JsonObject) json = diffusion_unet_config_to_json (config);
  g_autoptr (JsonObject) card = json_object_new ();
  char *folder = g_build_filename (root, name, NULL);
  g_autoptr (GError) error = NULL;

  json_object_set_string_member (card, "licence", "CC0-1.0");
  add_tensors (writer, config, defect, keep);
  diffusion_model_folder_write (folder, json, NULL, card, writer, &error);
  g_assert_no_error (error);
  return folder;
}

static void
check_values (const DiffusionModel *model, guint step)
{
  const GPtrArray *parameters = diffusion_model_get_parameters (model);

  for (guint i = 0; i < parameters->len; i += step)
    {
      const DiffusionParameter *parameter = g_ptr_array_index (parameters, i);
      const DiffusionTensorEntry *entry = diffusion_model_get_tensor (model, parameter->name);
      g_autofree float *expected = make_values (parameter, i), *found = g_new (float, parameter->n_elements);

      g_assert_nonnull (entry);
      diffusion_tensor_entry_to_floats (entry, found);
      g_assert_cmpmem (found, sizeof (float) * (gsize)parameter->n_elements, expected,
                       sizeof (float) * (gsize)parameter->n_elements);
    }
}

static void
test_folder (void)
{
  DiffusionUnetConfig config = small_config ();
  g_autofree char *folder = write_model ("good", &config, GOOD);
  g_autofree char *file = g_build_filename (folder, DIFFUSION_WEIGHTS_FILE, NULL);
  g_autofree char *hash = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionModel) model = diffusion_model_open (folder, NULL, NULL, &error);
  g_autoptr (DiffusionModel) beside = NULL, installed = NULL;
  g_autoptr (DiffusionParams) params = diffusion_params_new ();

  g_assert_no_error (error);
  g_assert_cmpint (diffusion_model_get_kind (model), ==, DIFFUSION_MODEL_UNET);
  g_assert_cmpstr (diffusion_model_get_name (model), ==, "good");
  g_assert_true (diffusion_unet_config_equal (diffusion_model_get_unet (model), &config));
  g_assert_cmpint (diffusion_model_get_scheduler (model)->steps, ==, 1000);
  g_assert_cmpint (diffusion_model_count_parameters (model), ==,
                   diffusion_unet_config_count_parameters (&config));
  g_assert_nonnull (
      diffusion_tensor_entry_peek_floats (diffusion_model_get_tensor (model, "conv_in.weight")));
  g_assert_null (diffusion_model_get_tensor (model, "nothing"));
  check_values (model, 1);
  hash = diffusion_model_get_hash (model, NULL, &error);
  g_assert_cmpstr (json_object_get_string_member (diffusion_model_get_card (model), "sha256"), ==, hash);
  g_assert_cmpstr (json_object_get_string_member (diffusion_model_get_card (model), "licence"), ==,
                   "CC0-1.0");

  diffusion_unet_declare_params (&config, params);
  g_assert_true (diffusion_model_load (model, params, FALSE, &error));

  /* The weight file alone finds the configuration beside it; an installed name finds the folder. */
  beside = diffusion_model_open (file, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (diffusion_unet_config_equal (diffusion_model_get_unet (beside), &config));
  g_setenv ("DIFFUSION_MODELS", root, TRUE);
  installed = diffusion_model_open ("good", NULL, NULL, &error);
  g_assert_no_error (error);
  g_unsetenv ("DIFFUSION_MODELS");
}

static void
check_refused (const char *folder, gboolean at_load, gint code, const char *a, const char *b, const char *c)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionModel) model = diffusion_model_open (folder, NULL, NULL, &error);

  if (at_load)
    {
      g_autoptr (DiffusionParams) params = diffusion_params_new ();
      g_autofree char *copy = g_build_filename (root, "copy", NULL);

      g_assert_no_error (error);
      diffusion_unet_declare_params (diffusion_model_get_unet (model), params);
      g_assert_false (diffusion_model_save (model, copy, DIFFUSION_DTYPE_F32, &error));
      g_assert_error (error, DIFFUSION_ERROR, code);
      g_assert_false (g_file_test (copy, G_FILE_TEST_EXISTS));
      g_clear_error (&error);
      g_assert_false (diffusion_model_load (model, params, FALSE, &error));
    }
  else
    g_assert_null (model);
  g_assert_error (error, DIFFUSION_ERROR, code);
  if (!strstr (error->message, a) || !strstr (error->message, b) || !strstr (error->message, c))
    g_error ("%s", error->message);
}

static void
test_defects (void)
{
  const struct
  {
    Defect defect;
    gboolean at_load;
    gint code;
    const char *found, *expected;
  } cases[] = {
    { MISSING, FALSE, DIFFUSION_ERROR_FORMAT, "conv_in.weight", "[8, 3, 3, 3] is missing" },
    { EXTRA, FALSE, DIFFUSION_ERROR_FORMAT, "conv_in.scale", "[2]" },
    { SHAPE, FALSE, DIFFUSION_ERROR_FORMAT, "[3, 8, 3, 3]", "expected [8, 3, 3, 3]" },
    { INTEGER, FALSE, DIFFUSION_ERROR_FORMAT, "conv_in.weight", "I32" },
    { NAN_WEIGHT, TRUE, DIFFUSION_ERROR_NUMERIC, "conv_in.weight", "NaN" },
    { INFINITE_WEIGHT, TRUE, DIFFUSION_ERROR_NUMERIC, "conv_in.weight", "infinity" },
  };
  DiffusionUnetConfig config = small_config ();

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("defect-%d", (gint)i);
      g_autofree char *folder = write_model (name, &config, cases[i].defect);

      check_refused (folder, cases[i].at_load, cases[i].code, folder, cases[i].found, cases[i].expected);
    }
}

static void
overwrite (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
test_damaged (void)
{
  DiffusionUnetConfig config = small_config ();
  g_autofree char *folder = write_model ("damaged", &config, GOOD);
  g_autofree char *weights = g_build_filename (folder, DIFFUSION_WEIGHTS_FILE, NULL);
  g_autofree char *config_path = g_build_filename (folder, DIFFUSION_CONFIG_FILE, NULL);
  g_autofree char *config_text = NULL, *contents = NULL;
  gsize length;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_get_contents (config_path, &config_text, NULL, NULL));
  g_assert_true (g_file_get_contents (weights, &contents, &length, NULL));

  overwrite (folder, DIFFUSION_CONFIG_FILE, "{");
  check_refused (folder, FALSE, DIFFUSION_ERROR_FORMAT, config_path, "JSON", "");
  overwrite (folder, DIFFUSION_CONFIG_FILE, "{\"_class_name\": \"VQModel\"}");
  check_refused (folder, FALSE, DIFFUSION_ERROR_UNSUPPORTED, config_path, "VQModel", "");
  overwrite (folder, DIFFUSION_CONFIG_FILE, "{\"_class_name\": 3}");
  check_refused (folder, FALSE, DIFFUSION_ERROR_FORMAT, config_path, "_class_name", "3");
  overwrite (folder, DIFFUSION_CONFIG_FILE, "{\"sample_size\": 1000000000}");
  check_refused (folder, FALSE, DIFFUSION_ERROR_INVALID, config_path, "sample_size", "1000000000");
  overwrite (folder, DIFFUSION_CONFIG_FILE, config_text);
  overwrite (folder, DIFFUSION_SCHEDULER_FILE, "{\"beta_schedule\": \"exponential\"}");
  check_refused (folder, FALSE, DIFFUSION_ERROR_UNSUPPORTED, "scheduler_config.json", "exponential",
                 "linear");
  overwrite (folder, DIFFUSION_SCHEDULER_FILE, "{\"num_train_timesteps\": 0}");
  check_refused (folder, FALSE, DIFFUSION_ERROR_FORMAT, "scheduler_config.json", "num_train_timesteps", "0");
  overwrite (folder, DIFFUSION_SCHEDULER_FILE, "{\"trained_betas\": [0.1, 2]}");
  check_refused (folder, FALSE, DIFFUSION_ERROR_FORMAT, "scheduler_config.json", "trained_betas", "2");
  overwrite (folder, DIFFUSION_SCHEDULER_FILE, "{}");

  g_assert_true (g_file_set_contents (weights, contents, (gssize)length / 2, NULL));
  check_refused (folder, FALSE, DIFFUSION_ERROR_FORMAT, weights, "truncated", "");
  g_assert_true (g_file_set_contents (weights, "", 0, NULL));
  check_refused (folder, FALSE, DIFFUSION_ERROR_FORMAT, weights, "truncated", "");
  contents[20] ^= 4;
  g_assert_true (g_file_set_contents (weights, contents, (gssize)length, NULL));
  check_refused (folder, FALSE, DIFFUSION_ERROR_FORMAT, weights, "", "");
  g_unlink (weights);
  check_refused (folder, FALSE, DIFFUSION_ERROR_NOT_FOUND, folder, DIFFUSION_WEIGHTS_FILE, "missing");
  g_unlink (config_path);
  check_refused (folder, FALSE, DIFFUSION_ERROR_NOT_FOUND, folder, "config.json", "");
}

static void
test_convert (void)
{
  const DiffusionDtype dtypes[] = { DIFFUSION_DTYPE_F32, DIFFUSION_DTYPE_F16, DIFFUSION_DTYPE_BF16 };
  DiffusionUnetConfig config = small_config ();
  g_autofree char *folder = write_model ("source", &config, GOOD);
  g_autofree char *target = g_build_filename (root, "converted", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionModel) model = diffusion_model_open (folder, NULL, NULL, &error);

  for (gsize i = 0; i < G_N_ELEMENTS (dtypes); i++)
    {
      g_autoptr (DiffusionModel) converted = NULL;

      /* The second and third time the folder is replaced. */
      diffusion_model_save (model, target, dtypes[i], &error);
      g_assert_no_error (error);
      converted = diffusion_model_open (target, NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (diffusion_unet_config_equal (diffusion_model_get_unet (converted), &config));
      g_assert_cmpint (diffusion_model_get_tensor (converted, "conv_in.weight")->dtype, ==, dtypes[i]);
      check_values (converted, 1);
    }
}

static void
check_no_mean (const DiffusionModel *model, const char *other_folder, gint code, const char *what)
{
  g_autofree char *target = g_build_filename (root, "no-mean", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionModel) other = diffusion_model_open (other_folder, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_false (diffusion_model_save_mean (model, other, 0.5, target, DIFFUSION_DTYPE_F32, &error));
  g_assert_error (error, DIFFUSION_ERROR, code);
  g_assert_nonnull (strstr (error->message, what));
  g_assert_nonnull (strstr (error->message, other_folder));
  g_assert_false (g_file_test (target, G_FILE_TEST_EXISTS));
}

static void
test_mean (void)
{
  const double shares[] = { 0, 0.25, 0.5, 1 };
  DiffusionUnetConfig config = small_config (), wider = small_config ();
  g_autofree char *folder = write_model ("one", &config, GOOD);
  g_autofree char *opposite = write_model ("opposite", &config, NEGATED);
  g_autofree char *damaged = write_model ("damaged-mean", &config, NAN_WEIGHT);
  g_autofree char *scheduled = write_model ("scheduled", &config, GOOD);
  g_autofree char *target = g_build_filename (root, "mean", NULL);
  g_autofree char *wide = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionModel) model = diffusion_model_open (folder, NULL, NULL, &error);
  g_autoptr (DiffusionModel) other = diffusion_model_open (opposite, NULL, NULL, &error);
  const GPtrArray *parameters = diffusion_model_get_parameters (model);

  for (gsize s = 0; s < G_N_ELEMENTS (shares); s++)
    {
      g_autoptr (DiffusionModel) mean = NULL;
      JsonObject *part;

      diffusion_model_save_mean (model, other, shares[s], target, DIFFUSION_DTYPE_F32, &error);
      g_assert_no_error (error);
      mean = diffusion_model_open (target, NULL, NULL, &error);
      g_assert_no_error (error);
      for (guint i = 0; i < parameters->len; i++)
        {
          const DiffusionParameter *parameter = g_ptr_array_index (parameters, i);
          const DiffusionTensorEntry *entry = diffusion_model_get_tensor (mean, parameter->name);
          g_autofree float *values = make_values (parameter, i), *found = g_new (float, parameter->n_elements);

          diffusion_tensor_entry_to_floats (entry, found);
          for (gint64 k = 0; k < parameter->n_elements; k++)
            g_assert_cmpfloat (found[k], ==, (float)(1 - 2 * shares[s]) * values[k]);
        }
      part = json_array_get_object_element (json_object_get_array_member (diffusion_model_get_card (mean), "mean_of"), 1);
      g_assert_cmpstr (json_object_get_string_member (part, "name"), ==, "opposite");
      g_assert_cmpfloat (json_object_get_double_member (part, "share"), ==, shares[s]);
      g_assert_cmpstr (json_object_get_string_member (diffusion_model_get_card (mean), "licence"), ==, "CC0-1.0");
    }

  wider.channels[1] = 32;
  wide = write_model ("wide", &wider, GOOD);
  check_no_mean (model, wide, DIFFUSION_ERROR_INVALID, "[32");
  overwrite (scheduled, DIFFUSION_SCHEDULER_FILE, "{\"prediction_type\": \"v_prediction\"}");
  check_no_mean (model, scheduled, DIFFUSION_ERROR_INVALID, "v_prediction");
  check_no_mean (model, damaged, DIFFUSION_ERROR_NUMERIC, "conv_in.weight");
}

/* guided-diffusion's names and joint matrices, and the flags that say how to read them. */
static void
test_guided (void)
{
  static const char flags_text[] = "{\"image_size\": 8, \"model_channels\": 32, \"out_channels\": 6, "
                                   "\"num_res_blocks\": 1, \"attention_resolutions\": [2],"
                                   " \"channel_mult\": [1, 2], \"num_head_channels\": 16, "
                                   "\"use_scale_shift_norm\": true, \"resblock_updown\": true,"
                                   " \"use_new_attention_order\": false}";
  g_autofree char *folder = g_build_filename (root, "guided", NULL);
  g_autofree char *file = g_build_filename (folder, "weights.safetensors", NULL);
  g_autofree char *flags_path = g_build_filename (folder, "flags.json", NULL);
  g_autofree char *target = g_build_filename (root, "guided-converted", NULL);
  g_autoptr (JsonObject) flags = diffusion_flags_parse ("flags", flags_text, strlen (flags_text), NULL);
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autoptr (GPtrArray) keep = g_ptr_array_new_with_free_func (g_free), parameters = NULL;
  g_autoptr (DiffusionModel) model = NULL, converted = NULL;
  DiffusionArchitecture architecture;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (folder, 0777), ==, 0);
  overwrite (folder, "flags.json", flags_text);
  g_assert_true (diffusion_architecture_from_flags ("flags", flags, NULL, &architecture, &error));
  parameters = diffusion_unet_config_list_parameters (&architecture.unet);
  for (guint i = 0; i < parameters->len; i++)
    {
      const DiffusionParameter *parameter = g_ptr_array_index (parameters, i);
      gint64 shape[4];
      gint part;
      char *name =
          diffusion_name_map_source_name (DIFFUSION_NAMES_GUIDED, &architecture.unet, parameter->name, &part);
      float *values = g_new (float, 3 * parameter->n_elements);

      g_ptr_array_add (keep, name);
      g_ptr_array_add (keep, values);
      for (gint64 k = 0; k < 3 * parameter->n_elements; k++)
        values[k] = (float)(k % 1000);
      memcpy (shape, parameter->shape, sizeof shape);
      if (part == 0)
        shape[0] *= 3;
      if (part <= 0)
        diffusion_tensor_writer_add_floats (writer, name, DIFFUSION_DTYPE_F32, parameter->n_dims, shape,
                                            values);
    }
  g_assert_true (diffusion_tensor_writer_write (writer, file, &error));

  g_assert_null (diffusion_model_open (file, NULL, NULL, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  g_assert_null (diffusion_model_open (file, "guided-diffusion-64", NULL, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT);
  g_clear_error (&error);
  model = diffusion_model_open (file, NULL, flags_path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (diffusion_model_get_scheduler (model)->variance, ==, DIFFUSION_VARIANCE_LEARNED_RANGE);
  diffusion_model_save (model, target, DIFFUSION_DTYPE_F32, &error);
  g_assert_no_error (error);
  converted = diffusion_model_open (target, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (
      diffusion_unet_config_equal (diffusion_model_get_unet (converted), diffusion_model_get_unet (model)));
  for (guint i = 0; i < parameters->len; i++)
    {
      const DiffusionTensorEntry *a = &diffusion_model_get_tensors (model)[i],
                                 *b = &diffusion_model_get_tensors (converted)[i];
      g_autofree float *left = g_new (float, a->n_elements), *right = g_new (float, a->n_elements);

      diffusion_tensor_entry_to_floats (a, left);
      diffusion_tensor_entry_to_floats (b, right);
      g_assert_cmpmem (left, sizeof (float) * (gsize)a->n_elements, right,
                       sizeof (float) * (gsize)b->n_elements);
    }
}

/* Only models are replaced, and a failure leaves neither a part nor anything temporary. */
static void
test_replace (void)
{
  DiffusionUnetConfig config = small_config ();
  g_autofree char *folder = write_model ("old", &config, GOOD);
  g_autofree char *occupied = g_build_filename (root, "occupied", NULL);
  g_autofree char *nowhere = g_build_filename (root, "no", "such", "folder", NULL);
  g_autofree char *inner = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionModel) model = diffusion_model_open (folder, NULL, NULL, &error);

  g_assert_cmpint (g_mkdir (occupied, 0777), ==, 0);
  diffusion_model_save (model, occupied, DIFFUSION_DTYPE_F32, &error);
  g_assert_no_error (error); /* an empty folder may be filled */
  inner = g_build_filename (occupied, DIFFUSION_CONFIG_FILE, NULL);
  g_unlink (inner);
  g_assert_false (diffusion_model_save (model, occupied, DIFFUSION_DTYPE_F32, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (diffusion_model_save (model, nowhere, DIFFUSION_DTYPE_F32, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO);
  g_clear_error (&error);
  /* In place of what it was read from. */
  diffusion_model_save (model, folder, DIFFUSION_DTYPE_F32, &error);
  g_assert_no_error (error);
  check_values (model, 3);
  folder_assert_clean (root);
}

static void
test_photo (void)
{
  DiffusionPhotoConfig config = diffusion_photo_config_default ();
  g_autoptr (JsonObject) json = NULL;
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autofree char *folder = g_build_filename (root, "photo", NULL);
  g_autofree float *zeros = NULL;
  DiffusionPhotoValues values;
  g_autoptr (DiffusionModel) model = NULL;
  g_autoptr (GError) error = NULL;

  config.widths[0] = config.widths[1] = config.widths[2] = 8;
  json = diffusion_photo_config_serialise (&config);
  diffusion_graph_free (diffusion_photo_model_build (&config, params, 1, 8, 8, &values));
  zeros = g_new0 (float, diffusion_params_get_total (params));
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      diffusion_tensor_writer_add_floats (writer, param->name, DIFFUSION_DTYPE_F32, (gint)param->n_dims,
                                          param->shape, zeros);
    }
  diffusion_model_folder_write (folder, json, NULL, NULL, writer, &error);
  g_assert_no_error (error);
  model = diffusion_model_open (folder, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (diffusion_model_get_kind (model), ==, DIFFUSION_MODEL_PHOTO);
  g_assert_null (diffusion_model_get_unet (model));
  g_assert_cmpint (diffusion_model_get_parameters (model)->len, ==, diffusion_params_get_n (params));
  g_assert_true (diffusion_model_load (model, params, FALSE, &error));
}

static void
test_scheduler (void)
{
  static const char text[] = "{\"_class_name\": \"DDIMScheduler\", \"num_train_timesteps\": 50, "
                             "\"beta_schedule\": \"squaredcos_cap_v2\","
                             " \"prediction_type\": \"v_prediction\", \"variance_type\": "
                             "\"fixed_large_log\", \"clip_sample\": false,"
                             " \"trained_betas\": null, \"rescale_timesteps\": true}";
  g_autoptr (JsonObject) object = diffusion_json_parse_object ("text", text, strlen (text), NULL),
                         again = NULL;
  g_autoptr (DiffusionSchedule) schedule = NULL;
  DiffusionSchedulerConfig config, back;
  g_autoptr (GError) error = NULL;

  g_assert_true (diffusion_scheduler_config_from_json ("text", object, &config, &error));
  g_assert_cmpint (config.steps, ==, 50);
  g_assert_cmpint (config.schedule, ==, DIFFUSION_BETAS_COSINE);
  g_assert_cmpint (config.mean, ==, DIFFUSION_MEAN_V);
  g_assert_cmpint (config.variance, ==, DIFFUSION_VARIANCE_FIXED_LARGE);
  g_assert_false (config.clip);
  schedule = diffusion_scheduler_config_make_schedule (&config, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat_with_epsilon (diffusion_schedule_model_time (schedule, 10), 200, 1e-9);
  config.schedule = DIFFUSION_BETAS_GIVEN;
  config.betas = g_new (double, 50);
  for (gint i = 0; i < 50; i++)
    config.betas[i] = 0.001 * (i + 1);
  again = diffusion_scheduler_config_to_json (&config);
  g_assert_true (diffusion_scheduler_config_from_json ("again", again, &back, &error));
  g_assert_cmpint (back.schedule, ==, DIFFUSION_BETAS_GIVEN);
  g_assert_cmpmem (back.betas, 50 * sizeof (double), config.betas, 50 * sizeof (double));
  g_assert_true (back.rescale_timesteps);
  diffusion_scheduler_config_clear (&config);
  diffusion_scheduler_config_clear (&back);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_unsetenv ("DIFFUSION_MODELS");
  root = g_dir_make_tmp ("diffusion-model-XXXXXX", NULL);
  g_test_add_func ("/model/folder", test_folder);
  g_test_add_func ("/model/defects", test_defects);
  g_test_add_func ("/model/damaged", test_damaged);
  g_test_add_func ("/model/convert", test_convert);
  g_test_add_func ("/model/mean", test_mean);
  g_test_add_func ("/model/guided", test_guided);
  g_test_add_func ("/model/replace", test_replace);
  g_test_add_func ("/model/photo", test_photo);
  g_test_add_func ("/model/scheduler", test_scheduler);
  result = g_test_run ();
  folder_remove (root);
  g_free (root);
  return result;
}
