/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes the small networks of data/networks, which are tested where the reference set is not at hand. Their answers are
 * this program's own, computed by the plain kernels (DIFFUSION_CPU=reference) when all of the reference set matched:
 * they say when something changes, the reference set says what is right.
 *
 * Usage: DIFFUSION_CPU=reference golden-make-networks tests/golden/data/networks */
#include <math.h>

#include "core/diffusion.h"

static const char *const names[] = { "plain", "modern", "upsampler", "seamless", "classifier" };

static void
describe (const char *name, DiffusionUnetConfig *config)
{
  diffusion_unet_config_init (config);
  config->n_levels = 2;
  config->channels[0] = 12;
  config->channels[1] = 16;
  config->layers_per_block = 1;
  config->norm_groups = 4;
  config->mid_attention_groups = 4;
  config->sample_height = config->sample_width = 8;
  config->down_attention[0] = config->up_attention[1] = FALSE;
  config->down_attention[1] = config->up_attention[0] = TRUE;
  config->attention_head_channels = 4;
  if (g_str_equal (name, "plain"))
    {
      config->attention_head_channels = 0;
      config->flip_sin_to_cos = FALSE;
      config->freq_shift = 1;
      config->downsample_padding = 0;
      config->norm_eps = 1e-6;
      return;
    }
  config->scale_shift = TRUE;
  config->down_resample[0] = config->up_resample[0] = DIFFUSION_RESAMPLE_RESNET;
  if (g_str_equal (name, "modern"))
    {
      config->class_input = DIFFUSION_CLASS_LABEL;
      config->n_classes = 5;
      config->out_channels = 6;
    }
  else if (g_str_equal (name, "upsampler"))
    config->low_res_channels = 3;
  else if (g_str_equal (name, "seamless"))
    {
      config->circular = TRUE;
      config->pixel_unshuffle = 2;
      config->output_scale = config->mid_output_scale = sqrt (2);
      config->down_resample[0] = config->up_resample[0] = DIFFUSION_RESAMPLE_CONV;
    }
  else
    {
      config->head = DIFFUSION_HEAD_ATTENTION;
      config->out_channels = 5;
    }
}

static float *
pixels_to_planes (const float *pixels, gsize n, gsize size, gsize c)
{
  float *planes = g_new (float, n * size * c);

  for (gsize i = 0; i < n * size * c; i++)
    planes[(i / (size * c) * c + i % c) * size + i / c % size] = pixels[i];
  return planes;
}

static void
add (DiffusionTensorWriter *writer, GPtrArray *kept, const char *name, const float *pixels, gint64 n, gint64 h, gint64 w,
     gint64 c)
{
  const gint64 shape[] = { n, c, h, w };
  float *planes = pixels_to_planes (pixels, (gsize) n, (gsize) (h * w), (gsize) c);

  g_ptr_array_add (kept, planes);
  diffusion_tensor_writer_add_floats (writer, name, DIFFUSION_DTYPE_F32, 4, shape, planes);
}

static float *
noise (guint32 what, gsize n)
{
  DiffusionStream stream = { 11, DIFFUSION_PURPOSE_NOISE, what };
  float *values = g_new (float, n);

  diffusion_random_normal_fill (&stream, 0, 0, (gint) n, 1, 1, values);
  return values;
}

static gboolean
write_expected (const char *path, const DiffusionModel *model, GError **error)
{
  const DiffusionUnetConfig *config = diffusion_model_get_unet (model);
  g_autoptr (DiffusionUnetRunner) runner = diffusion_unet_runner_new_for_model (model, DIFFUSION_PRECISION_F32, error);
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_free);
  gboolean classifier = config->head != DIFFUSION_HEAD_IMAGE;
  const gsize n = 2, h = 8, w = classifier ? 8 : 12;
  g_autofree float *x = noise (1, n * h * w * 3);
  g_autofree float *low_res = noise (2, n * h * w * 3 / 4);
  const double t[] = { 3, 421.5 }, y[] = { 4, 1 };
  const float t_floats[] = { 3, 421.5f }, y_floats[] = { 4, 1 };
  DiffusionUnetInput input = { .n = n, .h = h, .w = w, .x = x, .t = t, .y = y, .low_res = low_res, .low_h = h / 2,
                               .low_w = w / 2 };
  g_autofree float *out = g_new0 (float, n * h * w * (gsize) config->out_channels);
  g_autofree float *gradient = g_new0 (float, n * h * w * 3);

  if (runner == NULL)
    return FALSE;
  add (writer, kept, "x", x, n, h, w, 3);
  diffusion_tensor_writer_add_floats (writer, "t", DIFFUSION_DTYPE_F32, 1, (gint64[]) { n }, t_floats);
  if (classifier || config->class_input != DIFFUSION_CLASS_NONE)
    diffusion_tensor_writer_add_floats (writer, "y", DIFFUSION_DTYPE_F32, 1, (gint64[]) { n }, y_floats);
  if (config->low_res_channels > 0)
    add (writer, kept, "low_res", low_res, n, h / 2, w / 2, 3);
  if (classifier)
    {
      if (!diffusion_unet_runner_guide (runner, &input, out, gradient, NULL, error))
        return FALSE;
      diffusion_tensor_writer_add_floats (writer, "logits", DIFFUSION_DTYPE_F32, 2,
                                          (gint64[]) { n, config->out_channels }, out);
      add (writer, kept, "grad_log_prob", gradient, n, h, w, 3);
    }
  else
    {
      if (!diffusion_unet_runner_run (runner, &input, out, NULL, error))
        return FALSE;
      add (writer, kept, "out", out, n, h, w, config->out_channels);
    }
  return diffusion_tensor_writer_write (writer, path, error);
}

static gboolean
write_weights (const char *folder, const DiffusionUnetConfig *config, GError **error)
{
  g_autoptr (GPtrArray) parameters = diffusion_unet_config_list_parameters (config);
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (JsonObject) json = diffusion_unet_config_to_json (config);

  for (guint i = 0; i < parameters->len; i++)
    {
      const DiffusionParameter *p = g_ptr_array_index (parameters, i);
      float *values = noise (100 + i, (gsize) p->n_elements);

      for (gint64 k = 0; k < p->n_elements; k++)
        values[k] = p->init == DIFFUSION_INIT_ONE ? 1 + 0.2f * values[k]
                                                  : values[k] * 0.8f / (float) sqrt ((double) MAX (p->fan_in, 4));
      g_ptr_array_add (kept, values);
      diffusion_tensor_writer_add_floats (writer, p->name, DIFFUSION_DTYPE_F16, p->n_dims, p->shape, values);
    }
  return diffusion_model_folder_write (folder, json, NULL, NULL, writer, error);
}

int
main (int argc, char **argv)
{
  for (gsize i = 0; i < G_N_ELEMENTS (names) && argc == 2; i++)
    {
      g_autofree char *folder = g_build_filename (argv[1], names[i], NULL);
      g_autofree char *expected = g_build_filename (folder, "expected.safetensors", NULL);
      g_autoptr (DiffusionModel) model = NULL;
      g_autoptr (GError) error = NULL;
      DiffusionUnetConfig config;

      describe (names[i], &config);
      if (diffusion_unet_config_validate (&config, names[i], &error) && write_weights (folder, &config, &error))
        model = diffusion_model_open (folder, NULL, NULL, &error);
      if (model == NULL || !write_expected (expected, model, &error))
        {
          g_printerr ("%s: %s\n", names[i], error->message);
          return 1;
        }
    }
  return argc == 2 ? 0 : 2;
}
