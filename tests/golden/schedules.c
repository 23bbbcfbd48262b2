/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every table of every schedule, and every list of respaced steps. */
#include "tests/golden/reference.h"

#include <math.h>
#include <string.h>

#define TOLERANCE 1e-12

static const double *
table_of (const DiffusionSchedule *schedule, const char *name)
{
  const struct { const char *name; const double *values; } tables[] = {
    { "betas", schedule->betas },
    { "alphas_cumprod", schedule->alphas_cumprod },
    { "alphas_cumprod_prev", schedule->alphas_cumprod_prev },
    { "alphas_cumprod_next", schedule->alphas_cumprod_next },
    { "sqrt_alphas_cumprod", schedule->sqrt_alphas_cumprod },
    { "sqrt_one_minus_alphas_cumprod", schedule->sqrt_one_minus_alphas_cumprod },
    { "sqrt_recip_alphas_cumprod", schedule->sqrt_recip_alphas_cumprod },
    { "sqrt_recipm1_alphas_cumprod", schedule->sqrt_recipm1_alphas_cumprod },
    { "posterior_variance", schedule->posterior_variance },
    { "posterior_log_variance_clipped", schedule->posterior_log_variance_clipped },
    { "posterior_mean_coef1", schedule->posterior_mean_coef1 },
    { "posterior_mean_coef2", schedule->posterior_mean_coef2 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    if (g_str_equal (name, tables[i].name))
      return tables[i].values;
  g_error ("no table is called %s", name);
}

/* "linear_1000.betas" */
static double
compare_table (const DiffusionTensorFile *file, const char *name)
{
  const char *dot = strchr (name, '.'), *underline = strchr (name, '_');
  g_autofree char *kind = g_strndup (name, (gsize) (underline - name));
  g_autofree double *expected = reference_doubles (file, name);
  gsize steps = (gsize) g_ascii_strtoull (underline + 1, NULL, 10);
  g_autoptr (DiffusionSchedule) schedule = reference_schedule (kind, steps);
  const double *found = table_of (schedule, dot + 1);
  double worst = 0;

  g_assert_cmpint (reference_require (file, name)->n_elements, ==, steps);
  for (gsize i = 0; i < steps; i++)
    {
      double difference = fabs (found[i] - expected[i]), scale = fabs (expected[i]);

      if (!(difference <= TOLERANCE * scale))
        g_error ("%s[%" G_GSIZE_FORMAT "] is %.17g, expected %.17g", name, i, found[i], expected[i]);
      worst = MAX (worst, scale > 0 ? difference / scale : 0);
    }
  return worst;
}

/* "respace.1000.10,15,20" */
static void
compare_timesteps (const DiffusionTensorFile *file, const char *name)
{
  const char *number = strchr (name, '.') + 1, *spec = strchr (number, '.') + 1;
  gsize steps = (gsize) g_ascii_strtoull (number, NULL, 10), count;
  g_autofree double *expected = reference_doubles (file, name);
  g_autoptr (GError) error = NULL;
  g_autofree double *found = diffusion_timesteps_from_spec (steps, spec, &count, &error);

  g_assert_no_error (error);
  g_assert_cmpint (reference_require (file, name)->n_elements, ==, count);
  for (gsize i = 0; i < count; i++)
    g_assert_cmpfloat (found[i], ==, expected[i]);
}

static void
test_schedules (const char *path)
{
  g_autoptr (DiffusionTensorFile) file = reference_open (path);
  guint tables = 0, lists = 0;
  double worst = 0;

  for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (file); i++)
    {
      const char *name = diffusion_tensor_file_get_tensor (file, i)->name;

      if (g_str_has_prefix (name, "respace."))
        {
          compare_timesteps (file, name);
          lists++;
        }
      else
        {
          worst = MAX (worst, compare_table (file, name));
          tables++;
        }
    }
  g_test_message ("%u tables, worst relative difference %.1e; %u lists of timesteps", tables, worst, lists);
  g_assert_cmpuint (tables + lists, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  reference_add ("/golden/schedules", "schedules.safetensors", test_schedules);
  return g_test_run ();
}
