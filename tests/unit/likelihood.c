/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bits per dimension against closed forms, and the derivatives of the losses against finite differences. */
#include "tests/unit/toy.h"

#include <math.h>
#include <string.h>

#define SIZE 64
#define PIXELS (SIZE * SIZE)
#define COUNT (PIXELS * TOY_CHANNELS)

/* Pictures of the toy whose channels do not depend on each other, rounded to 8 bits. */
static void
draw (Toy *toy, const DiffusionSchedule *schedule, gsize pixels, float *x0)
{
  *toy = (Toy) { .schedule = schedule,
                 .chain = schedule,
                 .learned = TRUE,
                 .mean = { 0.1, -0.2, 0.0 },
                 .covariance = { { 0.04, 0, 0 }, { 0, 0.02, 0 }, { 0, 0, 0.01 } } };
  toy_draw (toy, 77, pixels, x0);
  for (gsize i = 0; i < pixels * TOY_CHANNELS; i++)
    x0[i] = (float) (CLAMP (rint (127.5 * (x0[i] + 1)), 0, 255) / 127.5 - 1);
}

static DiffusionLikelihoodOptions
options_of (const DiffusionSchedule *schedule, const DiffusionPredictor *predictor, gboolean learned)
{
  DiffusionLikelihoodOptions options = {
    .schedule = schedule,
    .parameterisation = DIFFUSION_PARAMETERISATION_INIT,
    .predictor = predictor,
    .decoder = DIFFUSION_DECODER_EXACT,
    .noise = { .seed = 9 },
  };

  options.parameterisation.clip = DIFFUSION_CLIP_NONE;
  options.parameterisation.variance = learned ? DIFFUSION_VARIANCE_LEARNED : DIFFUSION_VARIANCE_FIXED_SMALL;
  return options;
}

/* −log2 of the probability that the true distribution gives an 8-bit value. */
static double
entropy_of (const Toy *toy, const float *x0, gsize count)
{
  double sum = 0;

  for (gsize i = 0; i < count; i++)
    {
      gsize c = i % TOY_CHANNELS;

      sum -= diffusion_discretised_log_likelihood (DIFFUSION_DECODER_EXACT, x0[i], (float) toy->mean[c],
                                                   (float) (0.5 * log (toy->covariance[c][c])), NULL, NULL);
    }
  return sum / ((double) count * G_LN2);
}

/* With the true variance of every step the bound is tight: the terms add up to the entropy of the pictures and the
 * divergence of q(x_T) from N(0, 1). */
static void
test_tight (void)
{
  const char *names[] = { "linear", "cosine" };

  for (gsize n = 0; n < G_N_ELEMENTS (names); n++)
    {
      g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named (names[n], 1000, 0, 0, NULL);
      g_autofree float *x0 = g_new (float, COUNT);
      g_autoptr (DiffusionLikelihood) likelihood = NULL;
      g_autoptr (GError) error = NULL;
      DiffusionPredictor predictor;
      DiffusionLikelihoodOptions options;
      Toy toy;
      double expected;

      draw (&toy, schedule, PIXELS, x0);
      predictor = toy_predictor (&toy);
      options = options_of (schedule, &predictor, TRUE);
      likelihood = diffusion_likelihood (&options, 1, SIZE, SIZE, x0, &error);
      g_assert_no_error (error);
      expected = entropy_of (&toy, x0, COUNT);
      g_test_message ("%s: %.5f bits per dimension, expected %.5f", names[n], likelihood->total[0], expected);
      g_assert_cmpfloat (fabs (likelihood->total[0] - expected), <, 0.005);
    }
}

/* E over x_t of L_{t−1}, DDPM eq. 8 with fixed variance, for the pictures at hand. */
static double
expected_term (const Toy *toy, const DiffusionSchedule *s, gsize index, const float *x0, gsize count)
{
  double bar = s->alphas_cumprod[index], sum = 0;

  for (gsize i = 0; i < count; i++)
    {
      gsize c = i % TOY_CHANNELS;
      double variance = toy->covariance[c][c], level = bar * variance + 1 - bar;
      double gain = sqrt (bar) * variance / level;
      /* x̂_0 − x_0 is normal: its mean and variance for this x_0. */
      double offset = (1 - gain * sqrt (bar)) * (toy->mean[c] - x0[i]), spread = gain * gain * (1 - bar);
      double coefficient = s->posterior_mean_coef1[index];

      sum += coefficient * coefficient * (offset * offset + spread) / (2 * s->posterior_variance[index]);
    }
  return sum / ((double) count * G_LN2);
}

/* E over x_1 of L_0, by the trapezoid rule. */
static double
expected_decoder (const Toy *toy, const DiffusionSchedule *s, const float *x0, gsize count)
{
  double bar = s->alphas_cumprod[0], sum = 0;
  float log_scale = (float) (0.5 * s->posterior_log_variance_clipped[0]);

  for (gsize i = 0; i < count; i++)
    {
      gsize c = i % TOY_CHANNELS;
      double variance = toy->covariance[c][c], gain = sqrt (bar) * variance / (bar * variance + 1 - bar);

      for (double e = -6; e <= 6; e += 0.125)
        {
          double x_t = sqrt (bar) * x0[i] + sqrt (1 - bar) * e;
          double mean = toy->mean[c] + gain * (x_t - sqrt (bar) * toy->mean[c]);

          sum -= 0.125 * exp (-0.5 * e * e) / sqrt (2 * G_PI) *
                 diffusion_discretised_log_likelihood (DIFFUSION_DECODER_EXACT, x0[i], (float) mean, log_scale, NULL,
                                                       NULL);
        }
    }
  return sum / ((double) count * G_LN2);
}

static void
test_terms (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 200, 0, 0, NULL);
  g_autofree float *x0 = g_new (float, COUNT);
  g_autofree DiffusionRatePoint *curve = NULL;
  g_autoptr (DiffusionLikelihood) likelihood = NULL;
  g_autoptr (GError) error = NULL;
  DiffusionPredictor predictor;
  DiffusionLikelihoodOptions options;
  Toy toy;
  double total = 0;

  draw (&toy, schedule, PIXELS, x0);
  toy.learned = FALSE;
  predictor = toy_predictor (&toy);
  options = options_of (schedule, &predictor, FALSE);
  likelihood = diffusion_likelihood (&options, 1, SIZE, SIZE, x0, &error);
  g_assert_no_error (error);

  for (gsize i = 0; i < schedule->steps; i++)
    {
      double expected = i > 0 ? expected_term (&toy, schedule, i, x0, COUNT)
                              : expected_decoder (&toy, schedule, x0, COUNT);

      /* A mean of 12288 squares has a relative standard error of 0.013 at most. */
      g_assert_cmpfloat (fabs (likelihood->terms[i] - expected), <, 5 * 0.013 * expected);
      total += expected;
    }
  g_test_message ("without L_T: %.5f bits per dimension, expected %.5f", likelihood->total[0] - likelihood->prior[0],
                  total);
  g_assert_cmpfloat (fabs (likelihood->total[0] - likelihood->prior[0] - total), <, 0.005 * total);

  curve = diffusion_rate_distortion (schedule, likelihood);
  g_assert_cmpfloat (curve[0].rate, ==, likelihood->prior[0]);
  g_assert_cmpfloat (curve[0].t, ==, 199);
  for (gsize k = 1; k < schedule->steps; k++)
    {
      g_assert_cmpfloat (curve[k].rate, >, curve[k - 1].rate);
      g_assert_cmpfloat (curve[k].distortion, <, 1.05 * curve[k - 1].distortion);
      g_assert_cmpfloat (curve[k].t, ==, 199 - (double) k);
    }
  /* Nothing known: the deviation of the pictures themselves. All but the last bits: that of x_1. */
  g_assert_cmpfloat_with_epsilon (curve[0].distortion, 127.5 * sqrt (0.07 / 3), 1);
  g_assert_cmpfloat_with_epsilon (curve[schedule->steps - 1].distortion, 127.5 * schedule->sqrt_recipm1_alphas_cumprod[0],
                                  0.2);
}

static void
test_threads (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 50, 0, 0, NULL);
  g_autofree float *x0 = g_new (float, 3 * COUNT);
  double first[3];
  Toy toy;

  draw (&toy, schedule, 3 * PIXELS, x0);
  for (guint threads = 1; threads <= 4; threads++)
    {
      DiffusionPredictor predictor = toy_predictor (&toy);
      DiffusionLikelihoodOptions options = options_of (schedule, &predictor, TRUE);
      g_autoptr (DiffusionLikelihood) likelihood = NULL;

      diffusion_set_threads (threads);
      likelihood = diffusion_likelihood (&options, 3, SIZE, SIZE, x0, NULL);
      if (threads == 1)
        memcpy (first, likelihood->total, sizeof first);
      g_assert_cmpmem (first, sizeof first, likelihood->total, sizeof first);
    }
  diffusion_set_threads (0);
}

static void
test_prior (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 10, 0.01, 0.1, NULL);
  const float x0[] = { -1, 0.25, 1 };
  double bar = schedule->alphas_cumprod[9], expected = 0;

  for (int i = 0; i < 3; i++)
    expected += 0.5 * (1 - bar + bar * x0[i] * x0[i] - 1 - log (1 - bar)) / (3 * G_LN2);
  g_assert_cmpfloat_with_epsilon (diffusion_bound_prior (schedule, x0, 3), expected, 1e-12);
}

/* The bins of a decoder are a distribution: 256 probabilities add up to one, also for means outside. */
static void
test_decoder (void)
{
  const float means[] = { -1.5f, -1, 0, 0.3f, 1, 3 }, scales[] = { -6, -4, -2, 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (means) * G_N_ELEMENTS (scales); i++)
    for (int decoder = 0; decoder < 2; decoder++)
      {
        double sum = 0;

        for (int value = 0; value < 256; value++)
          sum += exp (diffusion_discretised_log_likelihood ((DiffusionDecoder) decoder, (float) (value / 127.5 - 1),
                                                            means[i % 6], scales[i / 6], NULL, NULL));
        g_assert_cmpfloat_with_epsilon (sum, 1, decoder == DIFFUSION_DECODER_EXACT ? 1e-6 : 1e-4);
      }
}

typedef struct
{
  DiffusionLossType type;
  DiffusionSchedule *schedule;
  gsize index;
  DiffusionParameterisation parameterisation;
  float x0[27], noise[27], x_t[27], output[54];
} LossCase;

static DiffusionLoss
loss_of (const LossCase *one, const float *output, float *gradient)
{
  return diffusion_loss (one->type, one->schedule, one->index, &one->parameterisation, one->x0, one->noise, one->x_t,
                         output, 9, 3, gradient);
}

/* The variance outputs of a hybrid loss do not move the simple term, nor the mean outputs the bound. */
static double
loss_that_counts (const LossCase *one, const float *output, gboolean of_variance)
{
  DiffusionLoss loss = loss_of (one, output, NULL);

  if (one->type == DIFFUSION_LOSS_HYBRID)
    return of_variance ? loss.bound : loss.simple;
  return loss.total;
}

static void
check_gradient (const LossCase *one)
{
  gboolean learned = diffusion_variance_is_learned (one->parameterisation.variance);
  gsize outputs = learned ? 54 : 27;
  float gradient[54], output[54];
  double largest = 0;

  loss_of (one, one->output, gradient);
  for (gsize i = 0; i < outputs; i++)
    largest = MAX (largest, fabsf (gradient[i]));
  for (gsize i = 0; i < outputs; i++)
    {
      gboolean of_variance = learned && i % 6 >= 3;
      /* A central difference of a parabola is exact, however wide; wide ones rise above float32's rounding. */
      gboolean parabola = one->index > 0 && !of_variance && one->type != DIFFUSION_LOSS_L1;
      float width = parabola ? 0.5f : 0x1p-9f;
      double slope, up, down;

      memcpy (output, one->output, sizeof output);
      output[i] = one->output[i] + width;
      up = loss_that_counts (one, output, of_variance);
      output[i] = one->output[i] - width;
      down = loss_that_counts (one, output, of_variance);
      slope = (up - down) / (2 * width);
      if (fabs (slope - gradient[i]) > 0.01 * largest)
        g_error ("loss %d, mean %d, variance %d, t %u, output %u: derivative %g, difference %g", one->type,
                 one->parameterisation.mean, one->parameterisation.variance, (guint) one->index, (guint) i,
                 gradient[i], slope);
    }
}

static void
test_gradients (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("linear", 1000, 0, 0, NULL);
  const gsize steps[] = { 0, 1, 300, 999 };
  DiffusionNoise noise = { .seed = 4 };
  LossCase one = { .schedule = schedule, .parameterisation = DIFFUSION_PARAMETERISATION_INIT };

  for (guint i = 0; i < 4 * 4 * 4 * G_N_ELEMENTS (steps); i++)
    {
      float difference[54];

      one.type = (DiffusionLossType) (i % 4);
      one.parameterisation.mean = (DiffusionMeanType) (i / 4 % 4);
      one.parameterisation.variance = (DiffusionVarianceType) (i / 16 % 4);
      one.index = steps[i / 64];
      diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_DATA, i, 1, 3, 3, 3, one.x0);
      diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_NOISE, i, 1, 3, 3, 3, one.noise);
      diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_STEP, i, 1, 3, 6, 3, difference);
      for (gsize k = 0; k < 27; k++)
        one.x0[k] = k == 5 ? 1 : k == 7 ? -1 : CLAMP (0.4f * one.x0[k], -1, 1);
      diffusion_forward (schedule, one.index, one.x0, one.noise, 27, one.x_t);
      for (gsize k = 0; k < 27; k++)
        {
          gboolean learned = diffusion_variance_is_learned (one.parameterisation.variance);
          gsize at = learned ? k / 3 * 6 + k % 3 : k;
          float target;

          diffusion_loss_target (schedule, one.index, one.parameterisation.mean, one.x0 + k, one.noise + k,
                                 one.x_t + k, 1, &target);
          /* Far enough off that the absolute value's kink is not stepped over; further where there is noise. */
          one.output[at] =
              target + (one.index > 0 ? 20 : 1) * copysignf (0.005f + 0.01f * fabsf (difference[k]), difference[k]);
          if (learned)
            one.output[at + 3] = one.parameterisation.variance == DIFFUSION_VARIANCE_LEARNED
                                     ? (float) log (schedule->betas[one.index]) + 0.3f * difference[27 + k]
                                     : difference[27 + k];
        }
      check_gradient (&one);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/likelihood/decoder", test_decoder);
  g_test_add_func ("/likelihood/prior", test_prior);
  g_test_add_func ("/likelihood/terms", test_terms);
  g_test_add_func ("/likelihood/tight", test_tight);
  g_test_add_func ("/likelihood/threads", test_threads);
  g_test_add_func ("/losses/gradients", test_gradients);
  return g_test_run ();
}
