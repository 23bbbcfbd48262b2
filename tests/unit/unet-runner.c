/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking networks: sizes that have to be padded, batches, and questions that cannot be answered. */
#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/model/unet-runner.h"

static DiffusionUnetConfig
small (void)
{
  DiffusionUnetConfig config;

  diffusion_unet_config_init (&config);
  config.n_levels = 2;
  config.channels[0] = config.channels[1] = 8;
  config.layers_per_block = 1;
  config.norm_groups = config.mid_attention_groups = 2;
  config.down_attention[1] = config.up_attention[0] = FALSE;
  config.attention_head_channels = 4;
  return config;
}

static DiffusionParams *
weights (const DiffusionUnetConfig *config)
{
  DiffusionParams *params = diffusion_params_new ();
  DiffusionStream stream = { 3, DIFFUSION_PURPOSE_WEIGHTS, 0 };
  float *block;

  diffusion_unet_declare_params (config, params);
  block = diffusion_params_allocate (params, NULL);
  diffusion_random_normal_fill (&stream, 0, 0, (gint) diffusion_params_get_total (params), 1, 1, block);
  for (gsize k = 0; k < diffusion_params_get_total (params); k++)
    block[k] *= 0.2f;
  return params;
}

static float *
picture (gsize n, gsize h, gsize w)
{
  float *x = g_new (float, n * h * w * 3);
  DiffusionStream stream = { 4, DIFFUSION_PURPOSE_NOISE, 0 };

  diffusion_random_normal_fill (&stream, 0, 0, (gint) (n * h * w), 1, 3, x);
  return x;
}

static float *
answer (DiffusionUnetRunner *runner, gsize n, gsize h, gsize w, const float *x)
{
  const double t[] = { 10, 500.5, 999 };
  DiffusionUnetInput input = { .n = n, .h = h, .w = w, .x = x, .t = t };
  float *out = g_new (float, n * h * w * 3);
  g_autoptr (GError) error = NULL;

  diffusion_unet_runner_run (runner, &input, out, NULL, &error);
  g_assert_no_error (error);
  return out;
}

/* 5 × 3 pixels are seen as 6 × 4, the last row and column mirrored. */
static void
test_padding (void)
{
  DiffusionUnetConfig config = small ();
  g_autoptr (DiffusionParams) params = weights (&config);
  g_autoptr (DiffusionUnetRunner) runner = diffusion_unet_runner_new (&config, params, DIFFUSION_PRECISION_F32);
  g_autofree float *x = picture (2, 5, 3);
  g_autofree float *padded = g_new (float, 2 * 6 * 4 * 3);
  g_autofree float *out = NULL, *padded_out = NULL;

  for (gsize i = 0; i < 2; i++)
    for (gsize y = 0; y < 6; y++)
      for (gsize column = 0; column < 4; column++)
        memcpy (padded + ((i * 6 + y) * 4 + column) * 3,
                x + ((i * 5 + (y < 5 ? y : 3)) * 3 + (column < 3 ? column : 1)) * 3, 3 * sizeof (float));
  out = answer (runner, 2, 5, 3, x);
  padded_out = answer (runner, 2, 6, 4, padded);
  for (gsize i = 0; i < 2; i++)
    for (gsize y = 0; y < 5; y++)
      g_assert_cmpmem (out + (i * 5 + y) * 9, 9 * sizeof (float), padded_out + (i * 6 + y) * 12, 9 * sizeof (float));
}

static void
test_batch (void)
{
  DiffusionUnetConfig config = small ();
  g_autoptr (DiffusionParams) params = weights (&config);
  g_autoptr (DiffusionUnetRunner) runner = diffusion_unet_runner_new (&config, params, DIFFUSION_PRECISION_F32);
  const gsize size = 6 * 10 * 3;
  g_autofree float *x = picture (3, 6, 10);
  g_autofree float *all = answer (runner, 3, 6, 10, x);
  g_autofree float *first = answer (runner, 1, 6, 10, x);

  for (gsize k = 0; k < size; k++)
    g_assert_cmpfloat_with_epsilon (all[k], first[k], 1e-5);
  for (gsize k = size; k < 3 * size; k++)
    g_assert_true (isfinite (all[k]));
}

static void
refuse (DiffusionUnetRunner *runner, const DiffusionUnetInput *input, const char *what)
{
  g_autofree float *out = g_new (float, 64 * 64 * 3);
  g_autoptr (GError) error = NULL;

  g_assert_false (diffusion_unet_runner_run (runner, input, out, NULL, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, what));
}

static void
test_errors (void)
{
  DiffusionUnetConfig config = small ();
  g_autoptr (DiffusionParams) params = NULL;
  g_autoptr (DiffusionUnetRunner) runner = NULL;
  g_autofree float *x = picture (2, 4, 4);
  double t[] = { 1, 2 }, y[] = { 0, 4 };
  DiffusionUnetInput input = { .n = 2, .h = 4, .w = 4, .x = x, .t = t, .y = y, .low_res = x, .low_h = 2, .low_w = 2 };

  config.class_input = DIFFUSION_CLASS_LABEL;
  config.n_classes = 4;
  config.low_res_channels = 3;
  params = weights (&config);
  runner = diffusion_unet_runner_new (&config, params, DIFFUSION_PRECISION_F32);
  refuse (runner, &input, "y is 4, expected 0 to 3");
  y[1] = 0.5;
  refuse (runner, &input, "y is 0.5");
  y[1] = 3;
  t[0] = -1;
  refuse (runner, &input, "t is -1");
  t[0] = NAN;
  refuse (runner, &input, "expected 0 to");
  t[0] = 1;
  input.low_res = NULL;
  refuse (runner, &input, "low_res");
  input.low_res = x;
  input.y = NULL;
  refuse (runner, &input, "class");
  input.y = y;
  input.h = 0;
  refuse (runner, &input, "pixels");
}

static void
test_cancel (void)
{
  DiffusionUnetConfig config = small ();
  g_autoptr (DiffusionParams) params = weights (&config);
  g_autoptr (DiffusionUnetRunner) runner = diffusion_unet_runner_new (&config, params, DIFFUSION_PRECISION_F32);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree float *x = picture (1, 4, 4);
  g_autofree float *out = g_new (float, 4 * 4 * 3);
  const double t = 1;
  DiffusionUnetInput input = { .n = 1, .h = 4, .w = 4, .x = x, .t = &t };
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (diffusion_unet_runner_run (runner, &input, out, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/unet-runner/padding", test_padding);
  g_test_add_func ("/unet-runner/batch", test_batch);
  g_test_add_func ("/unet-runner/errors", test_errors);
  g_test_add_func ("/unet-runner/cancel", test_cancel);
  return g_test_run ();
}
