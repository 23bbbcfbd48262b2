/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DPM-Solver++(2M): the samples that follow from the ε of the public implementation. */
#include "tests/golden/reference.h"

#include <string.h>

/* Samples are not clipped and grow to several hundred: relative to the largest value. */
#define TOLERANCE 2e-6

/* Stands for the network: answers with the next recorded ε. */
typedef struct
{
  const float *epsilons;
  const double *timesteps; /* in the order taken */
  gsize next;
} Recording;

static gboolean
replay (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  Recording *recording = data;
  gsize count = prediction->n * prediction->height * prediction->width * 3;

  g_assert_cmpfloat (prediction->t[0], ==, recording->timesteps[recording->next]);
  memcpy (out, recording->epsilons + recording->next++ * count, count * sizeof (float));
  return TRUE;
}

/* "n20": 20 steps. */
static void
compare (const DiffusionTensorFile *file, const char *name)
{
  gsize steps = (gsize) g_ascii_strtoull (name + 1, NULL, 10), count;
  g_autofree char *eps_name = g_strconcat (name, ".eps", NULL), *sample_name = g_strconcat (name, ".sample", NULL);
  g_autofree char *timesteps_name = g_strconcat (name, ".timesteps", NULL);
  g_autofree float *eps = reference_pixels (file, eps_name), *expected = reference_pixels (file, sample_name);
  g_autofree float *x = reference_pixels (file, "x_T");
  g_autofree double *timesteps = reference_doubles (file, timesteps_name), *times = NULL;
  const DiffusionTensorEntry *shape = reference_require (file, "x_T");
  g_autoptr (DiffusionSchedule) schedule = reference_schedule ("linear", 1000);
  g_autoptr (DiffusionSchedule) chosen = NULL;
  g_autoptr (GError) error = NULL;
  Recording recording = { eps, timesteps, 0 };
  DiffusionPredictor predictor = { .predict = replay, .data = &recording, .channels = 3, .out_channels = 3 };
  DiffusionChain chain = {
    .parameterisation = DIFFUSION_PARAMETERISATION_INIT,
    .predictor = &predictor,
    .sampler = &diffusion_sampler_dpmpp_2m,
  };
  double difference, largest;

  times = diffusion_timesteps_spaced (1000, steps, DIFFUSION_SPACING_LINSPACE_OPEN, 0, &count, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count, ==, steps);
  chosen = diffusion_schedule_respace (schedule, times, count, &error);
  g_assert_no_error (error);
  chain.schedule = chosen;
  chain.parameterisation.clip = DIFFUSION_CLIP_NONE;
  diffusion_chain_run (&chain, (gsize) shape->shape[0], (gsize) shape->shape[2], (gsize) shape->shape[3], x, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (recording.next, ==, steps);
  difference = reference_difference (x, expected, (gsize) shape->n_elements);
  largest = reference_largest (expected, (gsize) shape->n_elements);
  g_test_message ("%s: %.1e of the largest value, %.4g", name, difference / largest, largest);
  g_assert_cmpfloat (difference, <=, TOLERANCE * largest);
}

static void
test_dpmpp2m (const char *path)
{
  g_autoptr (DiffusionTensorFile) file = reference_open (path);
  guint found = 0;

  for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (file); i++)
    {
      const char *name = diffusion_tensor_file_get_tensor (file, i)->name;

      if (g_str_has_suffix (name, ".eps"))
        {
          g_autofree char *run = g_strndup (name, strlen (name) - strlen (".eps"));

          compare (file, run);
          found++;
        }
    }
  g_assert_cmpuint (found, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  reference_add ("/golden/dpmpp2m", "dpmpp2m_expected.safetensors", test_dpmpp2m);
  return g_test_run ();
}
