/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion bench: how fast the kernels and the networks are here. */
#include "cli/bench.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "core/diffusion.h"
#include "core/kernels/cpu.h"

#define FEWEST_RUNS 3
#define MOST_RUNS 1000

struct _CliBench
{
  char **names;
  double seconds;
  GCancellable *cancellable;
  gboolean on_request;
  JsonArray *results; /* (nullable): instead of lines */
};

/* A part of the name; or with a $ behind it the whole, where names begin alike. */
gboolean
cli_bench_asked (const CliBench *bench, const char *name)
{
  for (guint i = 0; bench->names[i] != NULL; i++)
    {
      gsize length = strlen (bench->names[i]);

      if (length > 0 && bench->names[i][length - 1] == '$' ? strncmp (name, bench->names[i], length - 1) == 0
                                                               && name[length - 1] == '\0'
                                                           : strstr (name, bench->names[i]) != NULL)
        return TRUE;
    }
  return FALSE;
}

gboolean
cli_bench_wanted (const CliBench *bench, const char *name)
{
  return bench->names[0] == NULL || cli_bench_asked (bench, name);
}

GCancellable *
cli_bench_get_cancellable (const CliBench *bench)
{
  return bench->cancellable;
}

static gint
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* What the process's threads have worked together: on a busy computer the better measure of a change. */
static double
processor_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

/* Lets another program choose the moments, so that it can time several programs in turn. */
static gboolean
run_on_request (CliBench *bench, CliBenchFunc func, gpointer data, GError **error)
{
  char line[16];

  printf ("ready\n");
  fflush (stdout);
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      double processor = processor_seconds ();
      gint64 start = g_get_monotonic_time ();

      if (!func (data, error) || g_cancellable_set_error_if_cancelled (bench->cancellable, error))
        return FALSE;
      printf ("%.6f %.6f\n", (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC,
              processor_seconds () - processor);
      fflush (stdout);
    }
  return TRUE;
}

static void
report (CliBench *bench, const char *name, const double *times, double processor, guint runs, double work,
        const char *unit)
{
  double median = times[runs / 2];
  double rate = work / median;

  if (bench->results != NULL)
    {
      JsonObject *object = json_object_new ();

      json_object_set_string_member (object, "name", name);
      json_object_set_double_member (object, "seconds", median);
      json_object_set_double_member (object, "fastest", times[0]);
      json_object_set_double_member (object, "slowest", times[runs - 1]);
      json_object_set_double_member (object, "processor_seconds", processor);
      json_object_set_int_member (object, "runs", runs);
      json_object_set_double_member (object, "rate", rate);
      json_object_set_string_member (object, "unit", unit);
      json_array_add_object_element (bench->results, object);
      return;
    }

  g_autofree char *speed = cli_format_count (rate);
  /* GFLOP, but G values */
  printf ("%-42s %10.3f ms  %10.3f … %-10.3f  cpu %10.3f  %8s%s%s/s\n", name, 1e3 * median, 1e3 * times[0],
          1e3 * times[runs - 1], 1e3 * processor, speed, g_ascii_isupper (unit[0]) ? "" : " ", unit);
  fflush (stdout);
}

gboolean
cli_bench_run (CliBench *bench, const char *name, double work, const char *unit, CliBenchFunc func, gpointer data,
               GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  double total = 0.0, processor;

  if (!func (data, error))
    return FALSE;
  if (bench->on_request)
    return run_on_request (bench, func, data, error);
  processor = processor_seconds ();
  while (times->len < FEWEST_RUNS || (total < bench->seconds && times->len < MOST_RUNS))
    {
      gint64 start = g_get_monotonic_time ();

      if (!func (data, error) || g_cancellable_set_error_if_cancelled (bench->cancellable, error))
        return FALSE;

      double seconds = (double) MAX (1, g_get_monotonic_time () - start) / G_USEC_PER_SEC;
      total += seconds;
      g_array_append_val (times, seconds);
    }
  processor = (processor_seconds () - processor) / times->len;
  g_array_sort (times, compare_doubles);
  report (bench, name, (const double *) (gconstpointer) times->data, processor, times->len, work, unit);
  return TRUE;
}

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  CliBench bench = { .seconds = 0.3, .cancellable = cancellable };
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &bench.seconds, N_ ("Time each for about S seconds (default: 0.3)"), "S" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { "on-request", 0, 0, G_OPTION_ARG_NONE, &bench.on_request,
      N_ ("Print “ready”, then run once for each line of standard input and print the seconds and the processor's seconds"), NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_auto (GStrv) names = cli_parse (verb, entries, argc, argv, error);

  if (names == NULL || !cli_check_double ("--seconds", bench.seconds, 0.0, 3600.0, error))
    return FALSE;
  bench.names = names;
  if (json)
    bench.results = json_array_new ();
  else if (!bench.on_request)
    printf (_ ("Processor level %s, %u threads; median, fastest … slowest, processor time\n"),
            diffusion_cpu_level_name (diffusion_cpu_level ()), diffusion_get_threads ());

  gboolean done = cli_bench_kernels (&bench, error) && cli_bench_layers (&bench, error)
                  && cli_bench_networks (&bench, error);
  if (!json)
    return done;
  if (!done)
    {
      json_array_unref (bench.results);
      return FALSE;
    }

  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "cpu", diffusion_cpu_level_name (diffusion_cpu_level ()));
  json_object_set_int_member (object, "threads", diffusion_get_threads ());
  json_object_set_array_member (object, "results", bench.results);
  cli_print_json (object);
  return TRUE;
}

const CliVerb cli_bench = {
  .name = "bench",
  .arguments = "[NAME…]",
  .brief = N_ ("Time kernels and networks on this computer"),
  .description = N_ ("NAME chooses the benchmarks that have it in their name: “product”, “layer/conv”, “network”…;\n"
                     "with a $ behind it, the one that is called so. Networks of 100 million parameters and more and\n"
                     "photographs of 12 megapixels and more run only where a NAME chooses them.\n"
                     "The kernels run on one core, layers and networks on all (or --threads).\n"
                     "The environment variable DIFFUSION_CPU (reference, baseline, avx2, avx512, avx512bf16, amx)\n"
                     "holds the processor's abilities down, to compare."),
  .max_arguments = 100,
  .run = run,
};
