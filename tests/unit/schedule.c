/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schedules, respacing, fractional timesteps and noise levels. */
#include "core/diffusion.h"

#include <math.h>

static DiffusionSchedule *
named (const char *name, gsize steps)
{
  g_autoptr (GError) error = NULL;
  DiffusionSchedule *schedule = diffusion_schedule_new_named (name, steps, 0, 0, &error);

  g_assert_no_error (error);
  return schedule;
}

static void
test_names (void)
{
  const struct { const char *name; double first, last; } cases[] = {
    { "linear", 1e-4, 0.02 }, { "scaled_linear", 1e-4, 0.02 }, { "cosine", 4.1e-5, 0.999 }, { "sigmoid", 1.5e-4, 0.01995 }
  };
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DiffusionSchedule) s = named (cases[i].name, 1000);

      g_assert_cmpfloat_with_epsilon (s->betas[0], cases[i].first, 0.02 * cases[i].first);
      g_assert_cmpfloat_with_epsilon (s->betas[999], cases[i].last, 0.02 * cases[i].last);
      for (gsize t = 1; t < 1000; t++)
        {
          g_assert_cmpfloat (s->alphas_cumprod[t], <, s->alphas_cumprod[t - 1]);
          g_assert_cmpfloat (s->posterior_variance[t], <, s->betas[t]);
          g_assert_cmpfloat (s->alphas_cumprod_next[t - 1], ==, s->alphas_cumprod[t]);
        }
    }
  g_assert_null (diffusion_schedule_new_named ("quadratic", 1000, 0, 0, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED);
}

static void
test_errors (void)
{
  const double bad[][3] = { { 0.1, 0, 0.1 }, { 0.1, 1, 0.1 }, { 0.1, NAN, 0.1 }, { -0.1, 0.1, 0.1 } };
  const double times[][2] = { { 5, 5 }, { 6, 5 }, { -1, 5 }, { 5, 100 }, { 5, NAN } };
  const char *specs[] = { "", "0", "101", "-3", "50,51", "50,60", "ddim60", "ddim", "x", "10,,10", "1e1" };
  g_autoptr (DiffusionSchedule) schedule = named ("linear", 100);
  gsize count;

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (diffusion_schedule_new_betas (bad[i], 3, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (diffusion_schedule_respace (schedule, times[i], 2, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (specs); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (diffusion_timesteps_from_spec (100, specs[i], &count, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
    }
  for (gsize i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (diffusion_schedule_new_cosine (i == 0 ? 0 : DIFFUSION_MAX_STEPS + 1, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
      g_clear_error (&error);
      g_assert_null (diffusion_timesteps_spaced (100, i * 101, DIFFUSION_SPACING_LINSPACE, 0, &count, &error));
      g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID);
    }
}

static void
test_single_step (void)
{
  g_autoptr (DiffusionSchedule) schedule = named ("linear", 100);
  g_autoptr (DiffusionSchedule) single = diffusion_schedule_respace (schedule, (double[]){ 99 }, 1, NULL);

  g_assert_nonnull (single);
  g_assert_cmpfloat_with_epsilon (single->alphas_cumprod[0], schedule->alphas_cumprod[99], 1e-15);
  g_assert_true (isfinite (single->posterior_log_variance_clipped[0]));
}

static void
test_respacing (void)
{
  g_autoptr (DiffusionSchedule) schedule = named ("cosine", 1000);
  g_autoptr (DiffusionSchedule) rescaled = NULL, half = NULL, tenth = NULL, fractional = NULL;
  gsize count;
  g_autofree double *all = diffusion_timesteps_from_spec (1000, "100", &count, NULL);
  double some[10], between[] = { 0.5, 10.25, 998.75 };

  half = diffusion_schedule_respace (schedule, all, count, NULL);
  g_assert_cmpuint (half->steps, ==, 100);
  for (gsize i = 0; i < 10; i++)
    some[i] = (double) (11 * i);
  /* A schedule respaced twice knows the times of the first. */
  tenth = diffusion_schedule_respace (half, some, 10, NULL);
  rescaled = diffusion_schedule_rescale_timesteps (tenth);
  for (gsize i = 0; i < 10; i++)
    {
      gsize t = (gsize) all[11 * i];

      g_assert_cmpfloat (tenth->times[i], ==, all[11 * i]);
      g_assert_cmpfloat_with_epsilon (tenth->alphas_cumprod[i] / schedule->alphas_cumprod[t], 1, 1e-9);
      g_assert_cmpfloat (diffusion_schedule_model_time (tenth, i), ==, all[11 * i]);
    }
  g_assert_cmpuint (rescaled->original_steps, ==, 1000);
  g_assert_cmpfloat (diffusion_schedule_model_time (rescaled, 9), ==, all[99]);

  fractional = diffusion_schedule_respace (schedule, between, 3, NULL);
  for (gsize i = 0; i < 3; i++)
    g_assert_cmpfloat_with_epsilon (fractional->alphas_cumprod[i] / diffusion_schedule_alpha_bar (schedule, between[i]),
                                    1, 1e-9);
}

static void
test_rescaled_timesteps (void)
{
  g_autoptr (DiffusionSchedule) schedule = named ("cosine", 4000);
  g_autoptr (DiffusionSchedule) short_one = diffusion_schedule_respace (schedule, (double[]){ 1, 3999 }, 2, NULL);
  g_autoptr (DiffusionSchedule) rescaled = diffusion_schedule_rescale_timesteps (short_one);

  g_assert_cmpfloat (diffusion_schedule_model_time (rescaled, 0), ==, 0.25);
  g_assert_cmpfloat (diffusion_schedule_model_time (rescaled, 1), ==, 999.75);
  g_assert_cmpfloat (diffusion_schedule_model_time_at (rescaled, 0.5), ==, 500);
}

static void
test_spacings (void)
{
  const struct { DiffusionSpacing spacing; gsize offset; double expected[5]; } cases[] = {
    { DIFFUSION_SPACING_LEADING, 0, { 0, 200, 400, 600, 800 } },
    { DIFFUSION_SPACING_LEADING, 1, { 1, 201, 401, 601, 801 } },
    { DIFFUSION_SPACING_TRAILING, 0, { 199, 399, 599, 799, 999 } },
    { DIFFUSION_SPACING_LINSPACE, 0, { 0, 250, 500, 749, 999 } },
    { DIFFUSION_SPACING_LINSPACE_OPEN, 0, { 200, 400, 599, 799, 999 } },
    { DIFFUSION_SPACING_LEADING_OPEN, 0, { 166, 332, 498, 664, 830 } },
  };
  gsize count;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree double *times =
          diffusion_timesteps_spaced (1000, 5, cases[i].spacing, cases[i].offset, &count, NULL);

      g_assert_cmpuint (count, ==, 5);
      for (gsize k = 0; k < 5; k++)
        g_assert_cmpfloat (times[k], ==, cases[i].expected[k]);
    }
}

static void
test_until (void)
{
  for (double last = 0; last < 30; last += 0.75)
    for (gsize wanted = 1; wanted < 35; wanted++)
      for (int open = 0; open < 2; open++)
        {
          gsize count;
          g_autofree double *times = diffusion_timesteps_until (last, wanted, open, &count);

          g_assert_cmpuint (count, <=, wanted);
          g_assert_cmpuint (count, >=, 1);
          g_assert_cmpfloat (times[count - 1], ==, last);
          if (open && last >= 1)
            g_assert_cmpfloat (times[0], >, 0);
          if (!open && count > 1)
            g_assert_cmpfloat (times[0], ==, 0);
          for (gsize i = 1; i < count; i++)
            g_assert_cmpfloat (times[i], >, times[i - 1]);
        }
}

static void
test_noise_levels (void)
{
  const char *names[] = { "linear", "cosine", "scaled_linear", "sigmoid" };

  for (gsize n = 0; n < G_N_ELEMENTS (names); n++)
    {
      g_autoptr (DiffusionSchedule) schedule = named (names[n], 1000);
      double previous = 1;

      for (double t = 0; t <= 999; t += 0.37)
        {
          double sigma = diffusion_schedule_sigma_for_t (schedule, t);
          double bar = diffusion_schedule_alpha_bar (schedule, t);

          g_assert_cmpfloat_with_epsilon (diffusion_schedule_t_for_sigma (schedule, sigma), t, 1e-7);
          g_assert_cmpfloat_with_epsilon (sqrt ((1 - bar) / bar) / (2 * sigma / 255), 1, 1e-9);
          g_assert_cmpfloat (bar, <, previous);
          previous = bar;
        }
      g_assert_cmpfloat (diffusion_schedule_alpha_bar (schedule, 500), ==, schedule->alphas_cumprod[500]);
      g_assert_cmpfloat (diffusion_schedule_alpha_bar (schedule, -3), ==, schedule->alphas_cumprod[0]);
      g_assert_cmpfloat (diffusion_schedule_alpha_bar (schedule, 5000), ==, schedule->alphas_cumprod[999]);
      g_assert_cmpfloat (diffusion_schedule_t_for_sigma (schedule, 0), ==, 0);
      g_assert_cmpfloat (diffusion_schedule_t_for_sigma (schedule, 1e30), ==, 999);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/schedule/names", test_names);
  g_test_add_func ("/schedule/errors", test_errors);
  g_test_add_func ("/schedule/single-step", test_single_step);
  g_test_add_func ("/schedule/respacing", test_respacing);
  g_test_add_func ("/schedule/rescaled-timesteps", test_rescaled_timesteps);
  g_test_add_func ("/schedule/spacings", test_spacings);
  g_test_add_func ("/schedule/until", test_until);
  g_test_add_func ("/schedule/noise-levels", test_noise_levels);
  return g_test_run ();
}
