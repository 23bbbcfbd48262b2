/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole chains of a network: ancestral, DDIM, DPM-Solver++(2M). */
#include "tests/golden/reference.h"

#include "core/model/architecture.h"

#include <string.h>

/* The file itself does not say what it is: the network of adm-legacy-qkv without classes. */
static const char usual_flags[]
  = "{ \"image_size\": 16, \"in_channels\": 3, \"model_channels\": 32, \"out_channels\": 6, \"num_res_blocks\": 1,"
    "  \"attention_resolutions\": [2], \"channel_mult\": [1, 2], \"num_classes\": null, \"num_heads\": 4,"
    "  \"num_head_channels\": 16, \"use_scale_shift_norm\": true, \"resblock_updown\": true,"
    "  \"use_new_attention_order\": false }";

static char *
chain_flags (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "adm-legacy-qkv", "flags.json", NULL);
  g_autoptr (JsonObject) flags = diffusion_flags_load (path, NULL);
  g_autoptr (JsonNode) node = NULL;

  if (flags == NULL)
    return g_strdup (usual_flags);
  json_object_set_null_member (flags, "num_classes");
  node = json_node_init_object (json_node_alloc (), flags);
  return json_to_string (node, FALSE);
}

typedef struct
{
  DiffusionUnetRunner *runner;
  DiffusionPredictor network;
  float *outputs; /* (nullable): [steps, count] the first channels of every answer */
  float *previews;
  gsize count, n_outputs, n_previews;
} Chain;

/* Keeps what the network said. */
static gboolean
predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  Chain *chain = data;

  if (!chain->network.predict (prediction, out, chain->network.data, error))
    return FALSE;
  for (gsize k = 0; k < chain->count; k++)
    chain->outputs[chain->n_outputs * chain->count + k] = out[k / 3 * chain->network.out_channels + k % 3];
  chain->n_outputs++;
  return TRUE;
}

static void
preview (const DiffusionPreview *step, gpointer data)
{
  Chain *chain = data;

  memcpy (chain->previews + chain->n_previews++ * chain->count, step->x0, chain->count * sizeof (float));
}

static void
check (const char *what, const float *got, const float *want, gsize count, double tolerance)
{
  double difference = reference_difference (got, want, count);

  g_test_message ("%s: largest difference %.2g of %.3g", what, difference, reference_largest (want, count));
  g_assert_cmpfloat (difference, <=, tolerance);
}

/* Runs the network beside @path from x_T through the given steps. */
static float *
run (const char *path, const double *times, gsize steps, const DiffusionSampler *sampler, double eta,
     gboolean clip, const float *z, Chain *state)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *weights = g_build_filename (folder, "chain.pt", NULL);
  g_autofree char *flags = chain_flags (folder);
  g_autoptr (DiffusionModel) model = reference_model (weights, flags);
  g_autoptr (DiffusionTensorFile) file = reference_open (path);
  g_autoptr (DiffusionSchedule) whole = reference_schedule ("linear", 1000);
  g_autoptr (DiffusionSchedule) schedule = NULL;
  g_autoptr (GError) error = NULL;
  const DiffusionTensorEntry *entry = reference_require (file, "x_T");
  float *x = reference_pixels (file, "x_T");
  DiffusionPredictor predictor;
  DiffusionChain chain = { .parameterisation = DIFFUSION_PARAMETERISATION_INIT, .sampler = sampler, .eta = eta,
                           .noise = { .steps = z, .count = steps }, .preview = preview, .preview_data = state };

  schedule = diffusion_schedule_respace (whole, times, steps, &error);
  g_assert_no_error (error);
  state->runner = diffusion_unet_runner_new_for_model (model, DIFFUSION_PRECISION_F32, &error);
  g_assert_no_error (error);
  predictor = state->network = diffusion_unet_runner_get_predictor (state->runner);
  predictor.predict = predict;
  predictor.data = state;
  state->count = (gsize) entry->n_elements;
  state->outputs = g_new (float, steps * state->count);
  state->previews = g_new (float, steps * state->count);
  chain.schedule = schedule;
  chain.predictor = &predictor;
  chain.parameterisation.variance = DIFFUSION_VARIANCE_LEARNED_RANGE;
  chain.parameterisation.clip = clip ? DIFFUSION_CLIP_STATIC : DIFFUSION_CLIP_NONE;
  diffusion_chain_run (&chain, (gsize) entry->shape[0], (gsize) entry->shape[2], (gsize) entry->shape[3], x, &error);
  g_assert_no_error (error);
  return x;
}

static void
chain_clear (Chain *chain)
{
  diffusion_unet_runner_free (chain->runner);
  g_free (chain->outputs);
  g_free (chain->previews);
}

static void
test_chain (const char *path)
{
  static const struct
  {
    const char *result, *previews;
    const DiffusionSampler *sampler;
    double eta;
  } cases[] = {
    { "ancestral", "ancestral_pred_x0", &diffusion_sampler_ancestral, 0 },
    { "ddim_eta0", "ddim_pred_x0", &diffusion_sampler_ddim, 0 },
    { "ddim_eta1", NULL, &diffusion_sampler_ddim, 1 },
  };
  g_autoptr (DiffusionTensorFile) file = reference_open (path);
  g_autofree float *z = reference_pixels (file, "z");
  g_autofree double *times = NULL;
  g_autoptr (GError) error = NULL;
  gsize steps = (gsize) reference_require (file, "z")->shape[0], count;
  g_autofree char *spec = g_strdup_printf ("%" G_GSIZE_FORMAT, steps);

  times = diffusion_timesteps_from_spec (1000, spec, &count, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count, ==, steps);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Chain chain = { 0 };
      g_autofree float *got = run (path, times, steps, cases[i].sampler, cases[i].eta, TRUE, z, &chain);
      g_autofree float *want = reference_pixels (file, cases[i].result);

      check (cases[i].result, got, want, chain.count, 2e-4);
      if (cases[i].previews != NULL)
        {
          g_autofree float *previews = reference_pixels (file, cases[i].previews);

          g_assert_cmpuint (chain.n_previews, ==, steps);
          check (cases[i].previews, chain.previews, previews, steps * chain.count, 2e-4);
        }
      chain_clear (&chain);
    }
}

static void
test_dpmpp (const char *path)
{
  g_autoptr (DiffusionTensorFile) file = reference_open (path);
  guint n_chains = 0;

  for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (file); i++)
    {
      const char *times_name = diffusion_tensor_file_get_tensor (file, i)->name;

      if (!g_str_has_suffix (times_name, ".timesteps"))
        continue;

      g_autofree char *name = g_strndup (times_name, strlen (times_name) - strlen (".timesteps"));
      g_autofree char *epsilon_name = g_strconcat (name, ".eps", NULL);
      g_autofree char *sample_name = g_strconcat (name, ".sample", NULL);
      g_autofree double *times = reference_doubles (file, times_name);
      g_autofree float *epsilon = reference_pixels (file, epsilon_name);
      g_autofree float *want = reference_pixels (file, sample_name);
      gsize steps = (gsize) reference_require (file, times_name)->n_elements, count;
      Chain chain = { 0 };
      g_autofree float *got = NULL;
      g_autofree double *spaced = NULL;

      for (gsize k = 0; k < steps / 2; k++)
        {
          double t = times[k];

          times[k] = times[steps - 1 - k];
          times[steps - 1 - k] = t;
        }
      spaced = diffusion_timesteps_spaced (1000, steps, DIFFUSION_SPACING_LINSPACE_OPEN, 0, &count, NULL);
      g_assert_cmpmem (spaced, count * sizeof (double), times, steps * sizeof (double));
      got = run (path, times, steps, &diffusion_sampler_dpmpp_2m, 0, FALSE, NULL, &chain);
      check (epsilon_name, chain.outputs, epsilon, steps * chain.count, 2e-4);
      check (sample_name, got, want, chain.count, 2e-6 * reference_largest (want, chain.count));
      chain_clear (&chain);
      n_chains++;
    }
  g_assert_cmpuint (n_chains, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  reference_add ("/chains/openai", "chain_expected.safetensors", test_chain);
  reference_add ("/chains/dpmpp2m", "dpmpp2m_expected.safetensors", test_dpmpp);
  return g_test_run ();
}
