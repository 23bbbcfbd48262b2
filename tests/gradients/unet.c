/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backward passes of whole U-Nets and classifiers, also with parts of the forward pass run again. */
#include "check.h"

#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/threads.h"
#include "core/model/unet.h"

static DiffusionUnetConfig
small (gboolean modern)
{
  DiffusionUnetConfig config;

  diffusion_unet_config_init (&config);
  config.n_levels = 2;
  config.channels[0] = 6;
  config.channels[1] = 9;
  config.layers_per_block = 1;
  config.norm_groups = 3;
  config.mid_attention_groups = 3;
  config.attention_head_channels = 3;
  config.time_channels = 4;
  config.down_attention[0] = config.up_attention[1] = FALSE;
  config.down_attention[1] = config.up_attention[0] = TRUE;
  config.output_scale = modern ? sqrt (2) : 1;
  config.scale_shift = modern;
  config.down_resample[0] = config.up_resample[0] = modern ? DIFFUSION_RESAMPLE_RESNET : DIFFUSION_RESAMPLE_CONV;
  config.downsample_padding = modern ? 1 : 0;
  config.circular = modern;
  return config;
}

static void
check_unet (const DiffusionUnetConfig *config)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionUnet) unet = NULL;

  diffusion_unet_config_validate (config, "test", &error);
  g_assert_no_error (error);
  unet = diffusion_unet_new (config, params, 2, 4, 6, TRUE, &error);
  g_assert_no_error (error);
  check_network_gradients (unet->graph, 2, (DiffusionValue[]) { unet->x, unet->time }, unet->output, 2e-2);
}

static void
test_unets (void)
{
  DiffusionUnetConfig config = small (FALSE);

  check_unet (&config);
  config = small (TRUE);
  config.pixel_unshuffle = 1;
  check_unet (&config);
  config.down_resample[0] = config.up_resample[0] = DIFFUSION_RESAMPLE_PLAIN;
  config.pixel_unshuffle = 2;
  config.n_levels = 1;
  config.down_attention[0] = config.up_attention[0] = FALSE;
  check_unet (&config);
}

static void
test_classifiers (void)
{
  for (DiffusionUnetHead head = DIFFUSION_HEAD_ATTENTION; head <= DIFFUSION_HEAD_ADAPTIVE; head++)
    {
      DiffusionUnetConfig config = small (TRUE);

      config.circular = FALSE;
      config.output_scale = 1;
      config.head = head;
      config.out_channels = 5;
      config.sample_height = 4;
      config.sample_width = 6;
      check_unet (&config);
    }
}

/* Loss gradients of one step; @limit as diffusion_exec_new_limited(). */
static float *
step (const DiffusionUnet *unet, DiffusionParams *params, gsize limit, float *x_gradient)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionExec) exec
    = diffusion_exec_new_limited (unet->graph, DIFFUSION_RUN_TRAINING, DIFFUSION_PRECISION_F32, limit, &error);
  gsize x_size = diffusion_shape_size (diffusion_graph_shape (unet->graph, unet->x));
  DiffusionStream stream = { 1, DIFFUSION_PURPOSE_NOISE, 0 };
  float *gradients = g_new0 (float, diffusion_params_get_total (params));
  const double t[2] = { 3, 700 };

  g_assert_no_error (error);
  diffusion_exec_set_gradients (exec, gradients);
  diffusion_exec_set_dropout (exec, 7, 3, 0);
  for (int repeat = 0; repeat < 2; repeat++)
    {
      memset (gradients, 0, diffusion_params_get_total (params) * sizeof (float));
      diffusion_random_normal_fill (&stream, 0, 0, (gint) x_size, 1, 1, diffusion_exec_value (exec, unet->x));
      diffusion_unet_time_features (&unet->config, 2, t, diffusion_exec_value (exec, unet->time));
      g_assert_true (diffusion_exec_forward (exec, NULL, NULL));
      memcpy (diffusion_exec_gradient (exec, unet->output), diffusion_exec_value (exec, unet->output),
              diffusion_shape_size (diffusion_graph_shape (unet->graph, unet->output)) * sizeof (float));
      g_assert_true (diffusion_exec_backward (exec, NULL, NULL));
    }
  memcpy (x_gradient, diffusion_exec_gradient (exec, unet->x), x_size * sizeof (float));
  return gradients;
}

static void
test_recompute (void)
{
  DiffusionUnetConfig config = small (TRUE);
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionUnet) unet = NULL;
  g_autoptr (DiffusionExec) impossible = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree float *expected = NULL;
  g_autofree float *x_expected = NULL;
  float *block;
  gsize all, least, x_size, total;

  config.n_levels = 3;
  config.channels[2] = 9;
  config.down_resample[1] = config.up_resample[1] = DIFFUSION_RESAMPLE_CONV;
  config.dropout = 0.2;
  unet = diffusion_unet_new (&config, params, 2, 12, 20, TRUE, &error);
  g_assert_no_error (error);
  block = diffusion_params_allocate (params, &error);
  diffusion_params_initialise (params, 5, block);
  total = diffusion_params_get_total (params);
  for (gsize k = 0; k < total; k++)
    block[k] = block[k] == 0 ? 0.01f * (float) (k % 17) : block[k];
  x_size = diffusion_shape_size (diffusion_graph_shape (unet->graph, unet->x));
  x_expected = g_new (float, x_size);
  expected = step (unet, params, 0, x_expected);

  all = diffusion_graph_plan_bytes (unet->graph, DIFFUSION_RUN_TRAINING);
  least = diffusion_graph_plan_limited (unet->graph, DIFFUSION_RUN_TRAINING, 1, NULL);
  g_test_message ("%" G_GSIZE_FORMAT " bytes without, %" G_GSIZE_FORMAT " at least", all, least);
  g_assert_cmpuint (least, <, all);
  for (gsize part = 0; part < 2; part++)
    {
      gsize limit = least + (all - least) * part / 2;
      g_autofree float *x_gradient = g_new (float, x_size);
      g_autofree float *gradients = step (unet, params, limit, x_gradient);
      guint64 macs_again;

      g_assert_cmpuint (diffusion_graph_plan_limited (unet->graph, DIFFUSION_RUN_TRAINING, limit, &macs_again), <=, limit);
      g_assert_cmpuint (macs_again, <, diffusion_graph_get_macs (unet->graph));
      g_assert_cmpuint (macs_again, >, 0);
      g_assert_cmpmem (gradients, total * sizeof (float), expected, total * sizeof (float));
      g_assert_cmpmem (x_gradient, x_size * sizeof (float), x_expected, x_size * sizeof (float));
    }
  impossible
    = diffusion_exec_new_limited (unet->graph, DIFFUSION_RUN_TRAINING, DIFFUSION_PRECISION_F32, least / 2, &error);
  g_assert_null (impossible);
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  diffusion_set_threads (2);
  g_test_add_func ("/gradients/unets", test_unets);
  g_test_add_func ("/gradients/classifiers", test_classifiers);
  g_test_add_func ("/gradients/recompute", test_recompute);
  return g_test_run ();
}
