/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The denoising loop with every sampler, where the right answer is known; known pixels, guidance, stopping. */
#include "tests/unit/toy.h"

#include <math.h>
#include <string.h>

#define SIZE 96
#define COUNT (SIZE * SIZE * TOY_CHANNELS)

static DiffusionSchedule *
steps_of (const DiffusionSchedule *schedule, gsize wanted, gboolean open)
{
  gsize count;
  g_autofree double *times = diffusion_timesteps_spaced (
      schedule->steps, wanted, open ? DIFFUSION_SPACING_LINSPACE_OPEN : DIFFUSION_SPACING_LINSPACE, 0, &count, NULL);

  return diffusion_schedule_respace (schedule, times, count, NULL);
}

static DiffusionChain
chain_of (const DiffusionSchedule *schedule, const DiffusionPredictor *predictor, const Toy *toy)
{
  DiffusionChain chain = {
    .schedule = schedule,
    .parameterisation = DIFFUSION_PARAMETERISATION_INIT,
    .predictor = predictor,
    .guidance_scale = 1,
    .noise = { .seed = 11 },
  };

  chain.parameterisation.clip = DIFFUSION_CLIP_NONE;
  chain.parameterisation.mean = toy->type;
  chain.parameterisation.variance = toy->learned ? DIFFUSION_VARIANCE_LEARNED : DIFFUSION_VARIANCE_FIXED_LARGE;
  return chain;
}

static void
run (const DiffusionChain *chain, gsize n, float *x)
{
  g_autoptr (GError) error = NULL;

  diffusion_chain_run (chain, n, SIZE, SIZE, x, &error);
  g_assert_no_error (error);
}

static float *
pure_noise (guint64 seed, gsize n)
{
  DiffusionNoise noise = { .seed = seed };
  float *x = g_new (float, n * COUNT);

  diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_NOISE, 0, n, SIZE, SIZE, TOY_CHANNELS, x);
  return x;
}

typedef struct
{
  const DiffusionSampler *sampler;
  gsize steps;
  double eta;
  DiffusionMeanType type;
  DiffusionVarianceType variance;
  double error; /* relative, what so many steps leave */
  double ratio; /* what twice as many steps make of it, at most */
} Case;

static void
case_chain (const Case *one, Toy *toy, DiffusionPredictor *predictor, const DiffusionSchedule *steps,
            DiffusionChain *chain)
{
  toy_init (toy, steps);
  toy->type = one->type;
  toy->chain = steps;
  toy->learned = one->variance == DIFFUSION_VARIANCE_LEARNED;
  *predictor = toy_predictor (toy);
  *chain = chain_of (steps, predictor, toy);
  chain->parameterisation.variance = one->variance;
  chain->sampler = one->sampler;
  chain->eta = one->eta;
}

/* The chain is an affine map of x_T and of all z, so its distribution follows without sampling: one pixel with all
 * of them zero shows the mean, and one pixel for each shows what it contributes. */
static Toy
distribution_of (DiffusionChain chain)
{
  gsize steps = chain.schedule->steps, pixels = 1 + TOY_CHANNELS * (steps + 1);
  g_autofree float *x = g_new0 (float, pixels * TOY_CHANNELS);
  g_autofree float *z = g_new0 (float, steps * pixels * TOY_CHANNELS);
  g_autoptr (GError) error = NULL;
  Toy found = { 0 };

  for (gsize c = 0; c < TOY_CHANNELS; c++)
    {
      x[(1 + c) * TOY_CHANNELS + c] = 1;
      for (gsize k = 0; k < steps; k++)
        z[(k * pixels + 1 + TOY_CHANNELS * (k + 1) + c) * TOY_CHANNELS + c] = 1;
    }
  chain.noise.steps = z;
  chain.noise.count = steps;
  diffusion_chain_run (&chain, 1, 1, pixels, x, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < TOY_CHANNELS; i++)
    {
      found.mean[i] = x[i];
      for (gsize j = 0; j < TOY_CHANNELS; j++)
        for (gsize p = 1; p < pixels; p++)
          found.covariance[i][j] += (x[p * TOY_CHANNELS + i] - x[i]) * (x[p * TOY_CHANNELS + j] - x[j]);
    }
  return found;
}

/* The largest relative error of mean and covariance. */
static double
distribution_error (const Toy *found, const Toy *expected)
{
  double worst = 0;

  for (int i = 0; i < TOY_CHANNELS; i++)
    {
      worst = MAX (worst, fabs (found->mean[i] - expected->mean[i]) / sqrt (expected->covariance[i][i]));
      for (int j = 0; j < TOY_CHANNELS; j++)
        worst = MAX (worst, fabs (found->covariance[i][j] - expected->covariance[i][j]) /
                                sqrt (expected->covariance[i][i] * expected->covariance[j][j]));
    }
  return worst;
}

/* Samples have the chain's own distribution within four standard errors; that distribution is near the true one and
 * nears it with the number of steps as the method's order says. */
static void
test_samplers (void)
{
  const DiffusionSampler *ancestral = &diffusion_sampler_ancestral, *ddim = &diffusion_sampler_ddim,
                         *dpmpp = &diffusion_sampler_dpmpp_2m;
  const Case cases[] = {
    { ancestral, 250, 0, DIFFUSION_MEAN_EPSILON, DIFFUSION_VARIANCE_FIXED_LARGE, 0.05, 0.6 },
    { ancestral, 250, 0, DIFFUSION_MEAN_EPSILON, DIFFUSION_VARIANCE_FIXED_SMALL, 0.12, 0.6 },
    { ancestral, 250, 0, DIFFUSION_MEAN_START_X, DIFFUSION_VARIANCE_LEARNED, 0.01, 0.7 },
    { ancestral, 250, 0, DIFFUSION_MEAN_PREVIOUS_X, DIFFUSION_VARIANCE_LEARNED, 0.01, 0.7 },
    { ancestral, 250, 0, DIFFUSION_MEAN_V, DIFFUSION_VARIANCE_LEARNED, 0.01, 0.7 },
    { ddim, 250, 0, DIFFUSION_MEAN_EPSILON, DIFFUSION_VARIANCE_FIXED_LARGE, 0.06, 0.6 },
    { ddim, 250, 0.5, DIFFUSION_MEAN_V, DIFFUSION_VARIANCE_FIXED_LARGE, 0.08, 0.6 },
    { ddim, 250, 1, DIFFUSION_MEAN_START_X, DIFFUSION_VARIANCE_FIXED_LARGE, 0.12, 0.6 },
    { dpmpp, 50, 0, DIFFUSION_MEAN_EPSILON, DIFFUSION_VARIANCE_FIXED_LARGE, 0.12, 0.35 },
  };
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 1000, 0, 0, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      double errors[2];

      for (gsize k = 0; k < 2; k++)
        {
          g_autoptr (DiffusionSchedule) steps =
              steps_of (schedule, cases[i].steps << k, cases[i].sampler->open_spacing);
          g_autofree float *x = pure_noise (100 + i, 1);
          DiffusionPredictor predictor;
          DiffusionChain chain;
          Toy toy, found;

          case_chain (&cases[i], &toy, &predictor, steps, &chain);
          found = distribution_of (chain);
          errors[k] = distribution_error (&found, &toy);
          if (k == 0)
            {
              run (&chain, 1, x);
              toy_check (&found, x, SIZE * SIZE, 4, 0);
            }
        }
      g_test_message ("%s, eta %g, variance %d: error %.5f after %u steps, %.5f after %u", cases[i].sampler->name,
                      cases[i].eta, cases[i].variance, errors[0], (guint) cases[i].steps, errors[1],
                      2 * (guint) cases[i].steps);
      g_assert_cmpfloat (errors[0], <, cases[i].error);
      g_assert_cmpfloat (errors[1], <, cases[i].ratio * errors[0]);
    }
}

/* From pictures to noise and back; the noise is standard normal. */
static void
test_inversion (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("cosine", 1000, 0, 0, NULL);
  g_autoptr (DiffusionSchedule) steps = steps_of (schedule, 1000, FALSE);
  g_autofree float *x = g_new (float, COUNT), *x0 = g_new (float, COUNT);
  DiffusionPredictor predictor;
  DiffusionChain chain;
  Toy toy, standard = { .covariance = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } } };
  double worst = 0;

  toy_init (&toy, schedule);
  toy.chain = steps;
  predictor = toy_predictor (&toy);
  chain = chain_of (steps, &predictor, &toy);
  toy_draw (&toy, 5, SIZE * SIZE, x0);
  memcpy (x, x0, COUNT * sizeof (float));
  chain.sampler = &diffusion_sampler_ddim_inverse;
  run (&chain, 1, x);
  toy_check (&standard, x, SIZE * SIZE, 4, 0.03);
  chain.sampler = &diffusion_sampler_ddim;
  run (&chain, 1, x);
  for (gsize i = 0; i < COUNT; i++)
    worst = MAX (worst, fabs (x[i] - x0[i]));
  g_test_message ("worst difference after the round trip: %.4f", worst);
  g_assert_cmpfloat (worst, <, 0.05);
}

/* log p(y | x_0) of an observation y = x_0 + deviation·noise makes a product of normal distributions again. */
typedef struct
{
  const DiffusionSchedule *chain;
  const Toy *toy;
  double observed, deviation;
} Observation;

static gboolean
observation_gradient (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  const Observation *o = data;
  gsize pixels = prediction->height * prediction->width;

  for (gsize i = 0; i < prediction->n; i++)
    for (int c = 0; c < TOY_CHANNELS; c++)
      {
        /* Channels are independent in this test: y given x_t is normal around m + gain (x_t − √ᾱ m). */
        double mean = o->toy->mean[c], prior = o->toy->covariance[c][c], bar, of_x_t, gain, variance;
        gsize index = 0;

        while (diffusion_schedule_model_time (o->chain, index) != prediction->t[i])
          index++;
        bar = o->chain->alphas_cumprod[index];
        of_x_t = bar * prior + 1 - bar;
        gain = sqrt (bar) * prior / of_x_t;
        variance = prior * (1 - bar) / of_x_t + o->deviation * o->deviation;
        for (gsize at = i * pixels * TOY_CHANNELS + (gsize) c; at < (i + 1) * pixels * TOY_CHANNELS;
             at += TOY_CHANNELS)
          out[at] = (float) (gain * (o->observed - mean - gain * (prediction->x_t[at] - sqrt (bar) * mean)) / variance);
      }
  return TRUE;
}

static void
test_guidance (void)
{
  const struct { const DiffusionSampler *sampler; gsize steps; } cases[] = {
    { &diffusion_sampler_ancestral, 500 },
    { &diffusion_sampler_ddim, 250 },
    { &diffusion_sampler_dpmpp_2m, 200 },
  };
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 1000, 0, 0, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DiffusionSchedule) steps = steps_of (schedule, cases[i].steps, cases[i].sampler->open_spacing);
      g_autofree float *x = pure_noise (200 + i, 1);
      Toy toy = { .schedule = schedule,
                  .chain = steps,
                  .learned = cases[i].sampler->needs_posterior,
                  .mean = { 0.3, -0.5, 0.1 },
                  .covariance = { { 0.25, 0, 0 }, { 0, 0.16, 0 }, { 0, 0, 0.04 } } };
      Toy expected = toy;
      Observation observation = { steps, &toy, 0.2, 0.5 };
      DiffusionPredictor predictor = toy_predictor (&toy);
      DiffusionPredictor guidance = { .predict = observation_gradient,
                                      .data = &observation,
                                      .channels = TOY_CHANNELS,
                                      .out_channels = TOY_CHANNELS };
      DiffusionChain chain = chain_of (steps, &predictor, &toy);

      for (int c = 0; c < TOY_CHANNELS; c++)
        {
          double prior = toy.covariance[c][c], noise = observation.deviation * observation.deviation;

          expected.covariance[c][c] = 1 / (1 / prior + 1 / noise);
          expected.mean[c] = expected.covariance[c][c] * (toy.mean[c] / prior + observation.observed / noise);
        }
      g_test_message ("guided %s", cases[i].sampler->name);
      chain.sampler = cases[i].sampler;
      chain.guidance = &guidance;
      run (&chain, 1, x);
      toy_check (&expected, x, SIZE * SIZE, 4, 0.02);
    }
}

static gboolean
constant_gradient (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  const float *value = data;

  for (gsize i = 0; i < prediction->n * prediction->height * prediction->width * TOY_CHANNELS; i++)
    out[i] = *value;
  return TRUE;
}

/* A classifier that is a little wrong where there is nothing but noise does not ruin the picture: 1 / √ᾱ of the cosine
 * schedule's end is 20,000. */
static void
test_impossible_guidance (void)
{
  const DiffusionSampler *samplers[] = { &diffusion_sampler_ancestral, &diffusion_sampler_ddim,
                                         &diffusion_sampler_dpmpp_2m };
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("cosine", 1000, 0, 0, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (samplers); i++)
    {
      g_autoptr (DiffusionSchedule) steps = steps_of (schedule, 20, samplers[i]->open_spacing);
      g_autofree float *plain = pure_noise (40, 2), *guided = g_memdup2 (plain, 2 * COUNT * sizeof (float));
      float gradient = 0.004f;
      DiffusionPredictor predictor;
      DiffusionPredictor guidance = { .predict = constant_gradient,
                                      .data = &gradient,
                                      .channels = TOY_CHANNELS,
                                      .out_channels = TOY_CHANNELS };
      DiffusionChain chain;
      Toy toy;
      double furthest = 0;

      toy_init (&toy, schedule);
      toy.chain = steps;
      predictor = toy_predictor (&toy);
      chain = chain_of (steps, &predictor, &toy);
      chain.sampler = samplers[i];
      run (&chain, 2, plain);
      chain.guidance = &guidance;
      run (&chain, 2, guided);
      for (gsize k = 0; k < 2 * COUNT; k++)
        furthest = MAX (furthest, fabs ((double) guided[k] - plain[k]));
      g_test_message ("%s: %g", samplers[i]->name, furthest);
      g_assert_cmpfloat (furthest, >, 0.0);
      g_assert_cmpfloat (furthest, <, 0.1);
    }
}

/* What a true classifier may ask for is left as it is, in the published schedules and in others. */
static void
test_guidance_share (void)
{
  const struct { const char *schedule; gsize steps, index; float gradient; double least, most; } cases[] = {
    { "linear", 1000, 999, 5.0f, 1, 1 },    { "linear", 25, 24, 5.0f, 1, 1 },
    { "linear", 25, 0, 1000.0f, 1, 1 },     { "cosine", 20, 19, 9e-5f, 1, 1 },
    { "cosine", 20, 19, 1.1e-4f, 1e-4, 1e-2 }, { "cosine", 20, 18, 0.15f, 1, 1 },
    { "cosine", 20, 0, 1e6f, 0, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named (cases[i].schedule, 1000, 0, 0, NULL);
      g_autoptr (DiffusionSchedule) steps = steps_of (schedule, cases[i].steps, FALSE);
      float gradient[5];
      double share;

      for (gsize k = 0; k < G_N_ELEMENTS (gradient); k++)
        gradient[k] = k % 2 == 0 ? cases[i].gradient : -cases[i].gradient;
      share = diffusion_guide_share (steps, cases[i].index, gradient, G_N_ELEMENTS (gradient));
      g_test_message ("%s, %" G_GSIZE_FORMAT " steps: %g", cases[i].schedule, cases[i].steps, share);
      g_assert_cmpfloat (share, >=, cases[i].least);
      g_assert_cmpfloat (share, <=, cases[i].most);
    }
}

/* The same numbers for one thread and many, alone and in a batch, whole and as a part of a larger picture. */
static void
test_determinism (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 100, 0, 0, NULL);
  g_autofree float *first = pure_noise (3, 2), *again = NULL;
  DiffusionPredictor predictor;
  DiffusionChain chain;
  Toy toy;

  toy_init (&toy, schedule);
  toy.chain = schedule;
  predictor = toy_predictor (&toy);
  chain = chain_of (schedule, &predictor, &toy);
  chain.parameterisation.clip = DIFFUSION_CLIP_DYNAMIC;
  diffusion_set_threads (1);
  run (&chain, 2, first);
  for (guint threads = 2; threads <= 5; threads++)
    {
      g_autofree float *other = pure_noise (3, 2);

      diffusion_set_threads (threads);
      run (&chain, 2, other);
      g_assert_cmpmem (first, 2 * COUNT * sizeof (float), other, 2 * COUNT * sizeof (float));
    }
  diffusion_set_threads (0);

  /* The second picture of a batch is what its own seed gives. */
  again = pure_noise (4, 1);
  chain.noise.seed++;
  run (&chain, 1, again);
  g_assert_cmpmem (first + COUNT, COUNT * sizeof (float), again, COUNT * sizeof (float));
}

static void
test_position (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 50, 0, 0, NULL);
  g_autofree float *whole = pure_noise (3, 1), *part = g_new (float, 40 * 30 * TOY_CHANNELS);
  DiffusionNoise noise = { .seed = 3, .x = 17, .y = 5 };
  DiffusionPredictor predictor;
  DiffusionChain chain;
  Toy toy;

  toy_init (&toy, schedule);
  toy.chain = schedule;
  predictor = toy_predictor (&toy);
  chain = chain_of (schedule, &predictor, &toy);
  chain.noise.seed = 3;
  run (&chain, 1, whole);
  diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_NOISE, 0, 1, 30, 40, TOY_CHANNELS, part);
  chain.noise = noise;
  g_assert_true (diffusion_chain_run (&chain, 1, 30, 40, part, NULL));
  for (gsize y = 0; y < 30; y++)
    g_assert_cmpmem (part + y * 40 * TOY_CHANNELS, 40 * TOY_CHANNELS * sizeof (float),
                     whole + ((y + 5) * SIZE + 17) * TOY_CHANNELS, 40 * TOY_CHANNELS * sizeof (float));
}

static void
test_path (void)
{
  /* T = 6, jumps of 2 steps, each stretch twice: written out from the paper's description. */
  const gssize expected[] = { 5, 4, 3, 2, 3, 4, 3, 2, 1, 0, 1, 2, 1, 0, -1 };
  DiffusionKnown known = { .jump_length = 2, .jump_count = 2 };
  gsize count;
  g_autofree gssize *path = diffusion_known_path (&known, 6, &count);
  g_autofree gssize *plain = NULL;

  g_assert_cmpuint (count, ==, G_N_ELEMENTS (expected));
  for (gsize i = 0; i < count; i++)
    g_assert_cmpint (path[i], ==, expected[i]);
  plain = diffusion_known_path (NULL, 6, &count);
  g_assert_cmpuint (count, ==, 7);
  for (gsize i = 0; i < count; i++)
    g_assert_cmpint (plain[i], ==, 5 - (gssize) i);
}

typedef struct
{
  guint calls;
  gsize last;
  double fraction;
  const DiffusionKnown *known;
  GCancellable *cancellable;
  guint cancel_at;
} Watch;

static void
watch_preview (const DiffusionPreview *preview, gpointer data)
{
  Watch *watch = data;

  g_assert_cmpuint (preview->step, ==, watch->last + 1);
  g_assert_cmpuint (preview->step, <=, preview->steps);
  watch->last = preview->step;
  for (gsize p = 0; watch->known != NULL && p < SIZE * SIZE; p++)
    if (watch->known->mask[p] == 0)
      g_assert_cmpmem (preview->x0 + p * TOY_CHANNELS, TOY_CHANNELS * sizeof (float),
                       watch->known->picture + p * TOY_CHANNELS, TOY_CHANNELS * sizeof (float));
  if (++watch->calls == watch->cancel_at)
    g_cancellable_cancel (watch->cancellable);
}

static void
watch_progress (double fraction, gpointer data)
{
  Watch *watch = data;

  g_assert_cmpfloat (fraction, >=, watch->fraction);
  g_assert_cmpfloat (fraction, <=, 1);
  watch->fraction = fraction;
}

static void
check_known (const DiffusionKnown *known, const float *x, const Toy *toy)
{
  gsize free_pixels = 0;
  g_autofree float *free_part = g_new (float, COUNT);

  for (gsize p = 0; p < SIZE * SIZE; p++)
    if (known->mask[p] == 0)
      g_assert_cmpmem (x + p * TOY_CHANNELS, TOY_CHANNELS * sizeof (float), known->picture + p * TOY_CHANNELS,
                       TOY_CHANNELS * sizeof (float));
    else if (known->mask[p] == 1)
      memcpy (free_part + TOY_CHANNELS * free_pixels++, x + p * TOY_CHANNELS, TOY_CHANNELS * sizeof (float));
  /* Pixels of the toy know nothing of each other: the rest is still the toy's distribution. */
  toy_check (toy, free_part, free_pixels, 4, 0.12);
}

static void
test_known (void)
{
  const DiffusionSampler *samplers[] = { &diffusion_sampler_ancestral, &diffusion_sampler_ddim,
                                         &diffusion_sampler_dpmpp_2m };
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 1000, 0, 0, NULL);
  g_autofree float *picture = g_new (float, COUNT), *mask = g_new (float, SIZE * SIZE);

  for (gsize i = 0; i < COUNT; i++)
    picture[i] = sinf ((float) i);
  for (gsize p = 0; p < SIZE * SIZE; p++)
    mask[p] = p % 7 == 0 ? 0 : p % 7 == 1 ? 0.25f : 1;
  for (gsize i = 0; i < 2 * G_N_ELEMENTS (samplers); i++)
    {
      const DiffusionSampler *sampler = samplers[i / 2];
      DiffusionKnown known = { .picture = picture, .mask = mask, .jump_length = 5, .jump_count = 1 + (guint) i % 2 };
      g_autoptr (DiffusionSchedule) steps = steps_of (schedule, 100, sampler->open_spacing);
      g_autofree float *x = pure_noise (i, 1);
      Watch watch = { .known = &known };
      DiffusionPredictor predictor;
      DiffusionChain chain;
      Toy toy;

      toy_init (&toy, schedule);
      toy.chain = steps;
      toy.learned = sampler->needs_posterior;
      predictor = toy_predictor (&toy);
      chain = chain_of (steps, &predictor, &toy);
      chain.sampler = sampler;
      chain.known = &known;
      chain.preview = watch_preview;
      chain.preview_data = &watch;
      chain.progress = watch_progress;
      chain.progress_data = &watch;
      run (&chain, 1, x);
      g_assert_cmpfloat (watch.fraction, ==, 1);
      g_assert_cmpuint (watch.calls, ==, known.jump_count == 1 ? 100 : 195);
      check_known (&known, x, &toy);
    }
}

static void
test_cancel (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 50, 0, 0, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree float *x = pure_noise (3, 1);
  Watch watch = { .cancellable = cancellable, .cancel_at = 7 };
  DiffusionPredictor predictor;
  DiffusionChain chain;
  Toy toy;

  toy_init (&toy, schedule);
  toy.chain = schedule;
  predictor = toy_predictor (&toy);
  chain = chain_of (schedule, &predictor, &toy);
  chain.preview = watch_preview;
  chain.preview_data = &watch;
  chain.cancellable = cancellable;
  g_assert_false (diffusion_chain_run (&chain, 1, SIZE, SIZE, x, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (watch.calls, ==, 7);
}

static gboolean
broken_predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  for (gsize i = 0; i < prediction->n * prediction->height * prediction->width * TOY_CHANNELS; i++)
    out[i] = i == 12345 ? (float) NAN : 0;
  return TRUE;
}

static void
test_errors (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 50, 0, 0, NULL);
  DiffusionPredictor predictor = { .predict = broken_predict, .channels = TOY_CHANNELS, .out_channels = TOY_CHANNELS };
  g_autofree float *x = pure_noise (3, 1);
  g_autoptr (GError) error = NULL;
  gint classes[] = { 10 };
  DiffusionChain chain;
  Toy toy = { 0 };

  chain = chain_of (schedule, &predictor, &toy);
  g_assert_false (diffusion_chain_run (&chain, 1, SIZE, SIZE, x, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC);
  g_clear_error (&error);

  predictor.classes = 10;
  g_assert_false (diffusion_chain_run (&chain, 1, SIZE, SIZE, x, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);
  chain.classes = classes;
  g_assert_false (diffusion_chain_run (&chain, 1, SIZE, SIZE, x, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);
  predictor.classes = 0;

  predictor.condition_channels = 3;
  g_assert_false (diffusion_chain_run (&chain, 1, SIZE, SIZE, x, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);
  predictor.condition_channels = 0;

  chain.parameterisation.variance = DIFFUSION_VARIANCE_LEARNED_RANGE;
  g_assert_false (diffusion_chain_run (&chain, 1, SIZE, SIZE, x, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);
  chain.parameterisation.variance = DIFFUSION_VARIANCE_FIXED_SMALL;

  g_assert_false (diffusion_chain_run (&chain, 1, G_MAXSIZE / 2, 4, x, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_clear_error (&error);

  g_assert_null (diffusion_sampler_find ("euler", &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
  g_assert_true (diffusion_sampler_find ("dpm++", NULL) == &diffusion_sampler_dpmpp_2m);
}

static void
test_clipping (void)
{
  DiffusionParameterisation parameterisation = DIFFUSION_PARAMETERISATION_INIT;
  float values[101], small[] = { 0.5f, -0.9f, 0.1f };

  parameterisation.clip = DIFFUSION_CLIP_DYNAMIC;
  parameterisation.dynamic_quantile = 0.955;
  for (int i = 0; i <= 100; i++)
    values[i] = (i % 2 ? -0.1f : 0.1f) * (float) ((i * 37) % 101);
  /* Magnitudes 0, 0.1 … 10: the quantile lies half-way between ranks 95 and 96. */
  diffusion_clip_x0 (&parameterisation, values, 101);
  for (int i = 0; i <= 100; i++)
    {
      double magnitude = 0.1 * ((i * 37) % 101);

      g_assert_cmpfloat_with_epsilon (fabsf (values[i]), MIN (magnitude, 9.55) / 9.55, 1e-5);
    }
  diffusion_clip_x0 (&parameterisation, small, 3);
  g_assert_cmpfloat (small[1], ==, -0.9f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/chain/clipping", test_clipping);
  g_test_add_func ("/chain/path", test_path);
  g_test_add_func ("/chain/samplers", test_samplers);
  g_test_add_func ("/chain/inversion", test_inversion);
  g_test_add_func ("/chain/guidance", test_guidance);
  g_test_add_func ("/chain/impossible-guidance", test_impossible_guidance);
  g_test_add_func ("/chain/guidance-share", test_guidance_share);
  g_test_add_func ("/chain/determinism", test_determinism);
  g_test_add_func ("/chain/position", test_position);
  g_test_add_func ("/chain/known", test_known);
  g_test_add_func ("/chain/cancel", test_cancel);
  g_test_add_func ("/chain/errors", test_errors);
  return g_test_run ();
}
