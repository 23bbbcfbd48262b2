/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every network of the reference folder: output, logits and gradient against the public implementations', and the same
 * to the bit whether weights in half precision stay so or are widened first. */
#include "tests/golden/reference.h"

static void
check (const char *what, const float *got, const float *want, gsize size, double tolerance)
{
  double difference = reference_difference (got, want, size);

  g_test_message ("%s: largest difference %.2g of %.2g", what, difference, reference_largest (want, size));
  g_assert_cmpfloat (difference, <=, tolerance);
}

/* @got: what the network says with its weights as they are in the file. */
static void
check_widened (const DiffusionModel *model, const DiffusionUnetInput *input, const float *got, gsize size,
               gboolean gradient)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionUnetRunner) runner = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree float *widened = g_new (float, size);

  diffusion_unet_declare_params (diffusion_model_get_unet (model), params);
  diffusion_model_load (model, params, FALSE, &error);
  g_assert_no_error (error);
  runner = diffusion_unet_runner_new (diffusion_model_get_unet (model), params, DIFFUSION_PRECISION_F32);
  if (gradient)
    diffusion_unet_runner_guide (runner, input, NULL, widened, NULL, &error);
  else
    diffusion_unet_runner_run (runner, input, widened, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (widened, size * sizeof (float), got, size * sizeof (float));
}

static void
check_output (const DiffusionModel *model, DiffusionUnetRunner *runner, const DiffusionUnetInput *input,
              DiffusionTensorFile *expected)
{
  g_autoptr (GError) error = NULL;
  gsize size = (gsize) reference_require (expected, "out")->n_elements;
  g_autofree float *want = reference_pixels (expected, "out");
  g_autofree float *got = g_new (float, size);

  diffusion_unet_runner_run (runner, input, got, NULL, &error);
  g_assert_no_error (error);
  check ("out", got, want, size, 1e-4);
  check_widened (model, input, got, size, FALSE);
}

static void
check_classifier (const DiffusionModel *model, DiffusionUnetRunner *runner, const DiffusionUnetInput *input,
                  DiffusionTensorFile *expected)
{
  g_autoptr (GError) error = NULL;
  gsize size = (gsize) reference_require (expected, "grad_log_prob")->n_elements;
  gsize n_logits = (gsize) reference_require (expected, "logits")->n_elements;
  g_autofree float *want = reference_pixels (expected, "grad_log_prob");
  g_autofree float *want_logits = reference_floats (expected, "logits");
  g_autofree float *got = g_new (float, size);
  g_autofree float *logits = g_new (float, n_logits);

  diffusion_unet_runner_guide (runner, input, logits, got, NULL, &error);
  g_assert_no_error (error);
  check ("logits", logits, want_logits, n_logits, 1e-4);
  check ("grad_log_prob", got, want, size, 1e-3 * reference_largest (want, size));
  check_widened (model, input, got, size, TRUE);
  diffusion_unet_runner_run (runner, input, logits, NULL, &error);
  g_assert_no_error (error);
  check ("logits alone", logits, want_logits, n_logits, 1e-4);
}

static void
test_folder (gconstpointer data)
{
  const char *folder = data;
  g_autofree char *path = g_build_filename (folder, "expected.safetensors", NULL);
  g_autoptr (DiffusionTensorFile) expected = reference_open (path);
  g_autofree float *x = reference_pixels (expected, "x");
  g_autofree double *t = reference_doubles (expected, "t");
  g_autofree double *y = NULL;
  g_autofree float *low_res = NULL;
  g_autoptr (GError) error = NULL;
  const DiffusionTensorEntry *entry = reference_require (expected, "x");
  DiffusionUnetInput input = { .n = (gsize) entry->shape[0], .h = (gsize) entry->shape[2],
                               .w = (gsize) entry->shape[3], .x = x, .t = t };
  g_autoptr (DiffusionModel) model = diffusion_model_open (folder, NULL, NULL, &error);
  g_autoptr (DiffusionUnetRunner) runner = NULL;

  g_assert_no_error (error);
  runner = diffusion_unet_runner_new_for_model (model, DIFFUSION_PRECISION_F32, &error);
  g_assert_no_error (error);
  if (diffusion_tensor_file_lookup (expected, "y") != NULL)
    input.y = y = reference_doubles (expected, "y");
  entry = diffusion_tensor_file_lookup (expected, "low_res");
  if (entry != NULL)
    {
      input.low_res = low_res = reference_pixels (expected, "low_res");
      input.low_h = (gsize) entry->shape[2];
      input.low_w = (gsize) entry->shape[3];
    }
  if (diffusion_model_get_kind (model) == DIFFUSION_MODEL_CLASSIFIER)
    check_classifier (model, runner, &input, expected);
  else
    check_output (model, runner, &input, expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  reference_add_networks ("/networks", test_folder);
  return g_test_run ();
}
