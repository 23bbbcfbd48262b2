/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The published networks at their full sizes, with random weights: parameters, and memory against the plan, also where the
 * weights stay in a file in half precision. Each runs in a process of its own; those that take minutes only where
 * DIFFUSION_TEST_LARGE is set. */
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

#include "core/base/threads.h"
#include "core/model/params-load.h"
#include "core/model/tensor-writer.h"
#include "core/model/unet-runner.h"

/* Where the process that runs a network finds its weights in half precision. */
#define FILE_VARIABLE "NETWORK_SIZES_FILE"

typedef struct
{
  const char *name;
  gboolean large, half;
  gint size;
  guint64 parameters;
  guint64 allowed; /* memory beyond the weights in bytes, 0: any */
  DiffusionUnetConfig config;
} Network;

static Network networks[] = {
  { .name = "ddpm-cifar10-32", .size = 32, .parameters = 35746307 },
  { .name = "ddpm-cifar10-32-f16", .half = TRUE, .size = 32, .parameters = 35746307 },
  { .name = "ddpm-256", .large = TRUE, .size = 256, .parameters = 113673219, .allowed = 600000000 },
  { .name = "guided-256-uncond", .large = TRUE, .size = 256, .parameters = 552814086 },
};

static void
ddpm (DiffusionUnetConfig *config, gint n_levels, const gint *channels, gint attention_level)
{
  diffusion_unet_config_init (config);
  config->n_levels = n_levels;
  for (gint i = 0; i < n_levels; i++)
    {
      config->channels[i] = channels[i];
      config->down_attention[i] = i == attention_level;
      config->up_attention[n_levels - 1 - i] = i == attention_level;
    }
  config->attention_head_channels = 0;
  config->norm_eps = 1e-6;
  config->flip_sin_to_cos = FALSE;
  config->freq_shift = 1;
  config->downsample_padding = 0;
}

static void
describe (void)
{
  DiffusionUnetConfig *guided = &networks[3].config;

  ddpm (&networks[0].config, 4, (const gint[]) { 128, 256, 256, 256 }, 1);
  ddpm (&networks[1].config, 4, (const gint[]) { 128, 256, 256, 256 }, 1);
  ddpm (&networks[2].config, 6, (const gint[]) { 128, 128, 256, 256, 512, 512 }, 4);
  ddpm (guided, 6, (const gint[]) { 256, 256, 512, 512, 1024, 1024 }, -1);
  for (gint i = 3; i < 6; i++)
    guided->down_attention[i] = guided->up_attention[5 - i] = TRUE;
  for (gint i = 0; i < 6; i++)
    guided->down_resample[i] = guided->up_resample[i] = DIFFUSION_RESAMPLE_RESNET;
  guided->attention_head_channels = 64;
  guided->scale_shift = TRUE;
  guided->out_channels = 6;
  for (gsize i = 0; i < G_N_ELEMENTS (networks); i++)
    networks[i].config.sample_height = networks[i].config.sample_width = networks[i].size;
}

/* Any numbers of the right size will do. */
static void
fill_weights (DiffusionParams *params, float *block)
{
  guint32 state = 1;

  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);
      float scale = 3.4f / sqrtf ((float) MAX (param->fan_in, 1)) / 65536.0f;

      for (gsize k = 0; k < param->size; k++)
        {
          state = state * 1664525u + 1013904223u;
          block[param->offset + k] = ((float) (state >> 16) - 32768.0f) * scale;
        }
    }
}

static void
write_half (const DiffusionUnetConfig *config, const char *path)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autoptr (GError) error = NULL;
  float *block;

  diffusion_unet_declare_params (config, params);
  block = diffusion_params_allocate (params, &error);
  g_assert_no_error (error);
  fill_weights (params, block);
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      diffusion_tensor_writer_add_floats (writer, param->name, DIFFUSION_DTYPE_F16, (gint) param->n_dims, param->shape,
                                          param->data);
    }
  diffusion_tensor_writer_write (writer, path, &error);
  g_assert_no_error (error);
}

static void
read_half (DiffusionParams *params)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_open (g_getenv (FILE_VARIABLE), &error);

  g_assert_no_error (error);
  diffusion_params_load (params, file, NULL, TRUE, &error);
  g_assert_no_error (error);
}

static double
peak_bytes (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return 1024.0 * (double) usage.ru_maxrss;
}

static void
run_network (const Network *network)
{
  const DiffusionUnetConfig *config = &network->config;
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionUnetRunner) runner = NULL;
  g_autoptr (GError) error = NULL;
  gsize size = (gsize) network->size;
  g_autofree float *x = g_new (float, size * size * 3);
  g_autofree float *out = g_new (float, size * size * (gsize) config->out_channels);
  double t = 500, before = peak_bytes (), planned, measured;
  DiffusionUnetInput input = { .n = 1, .h = size, .w = size, .x = x, .t = &t };
  DiffusionUnetCost cost;
  float *block;
  gint64 start;

  diffusion_unet_config_validate (config, network->name, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < size * size * 3; i++)
    x[i] = sinf ((float) i);
  diffusion_unet_declare_params (config, params);
  if (network->half)
    read_half (params);
  else
    {
      block = diffusion_params_allocate (params, &error);
      g_assert_no_error (error);
      fill_weights (params, block);
    }
  diffusion_unet_get_cost (config, params, 1, network->size, network->size, DIFFUSION_RUN_INFERENCE, &cost, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cost.parameters, ==, network->parameters);
  if (network->half)
    g_assert_cmpfloat ((double) cost.weight_bytes, <, 0.51 * 4 * (double) cost.parameters);
  runner = diffusion_unet_runner_new (config, params, DIFFUSION_PRECISION_F32);
  start = g_get_monotonic_time ();
  diffusion_unet_runner_run (runner, &input, out, NULL, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < size * size * (gsize) config->out_channels; i++)
    g_assert_true (isfinite (out[i]));
  planned = (double) (cost.weight_bytes + cost.run_bytes);
  measured = peak_bytes ();
  printf ("# %s: %.1f M parameters, %.1f G multiply-adds, %.2f s; weights %.1f MB, run %.1f MB; "
          "planned %.1f MB, peak %.1f MB of which %.1f MB the process itself\n",
          network->name, (double) cost.parameters * 1e-6, (double) cost.macs * 1e-9,
          (double) (g_get_monotonic_time () - start) * 1e-6, (double) cost.weight_bytes * 1e-6,
          (double) cost.run_bytes * 1e-6, planned * 1e-6, measured * 1e-6, before * 1e-6);
  g_assert_cmpfloat (fabs (measured - before - planned), <=, 0.05 * planned);
  if (network->allowed > 0)
    g_assert_cmpfloat (measured - (double) cost.weight_bytes, <=, (double) network->allowed);
}

static void
test_network (gconstpointer data)
{
  const Network *network = data;
  g_autofree char *path = NULL;

  if (g_test_subprocess ())
    {
      run_network (network);
      return;
    }
  if (network->large && g_getenv ("DIFFUSION_TEST_LARGE") == NULL)
    {
      g_test_skip ("takes minutes and gigabytes; set DIFFUSION_TEST_LARGE");
      return;
    }
  if (network->half)
    {
      path = g_build_filename (g_get_tmp_dir (), "network-sizes-XXXXXX", NULL);
      g_close (g_mkstemp (path), NULL);
      write_half (&network->config, path);
      g_setenv (FILE_VARIABLE, path, TRUE);
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDOUT | G_TEST_SUBPROCESS_INHERIT_STDERR);
  if (path != NULL)
    g_remove (path);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  describe ();
  for (gsize i = 0; i < G_N_ELEMENTS (networks); i++)
    {
      g_autofree char *path = g_strconcat ("/network-sizes/", networks[i].name, NULL);

      g_test_add_data_func (path, &networks[i], test_network);
    }
  return g_test_run ();
}
