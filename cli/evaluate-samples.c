/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion evaluate --samples: what a generator makes, class by class, against pictures it was not trained on. */
#include <math.h>
#include <string.h>

#include "cli/evaluate.h"
#include "cli/progress.h"
#include "core/base/i18n.h"
#include "core/pictures/pictures.h"

#define CHANNELS 3
/* Batches of the generator and the classifier. */
#define AT_ONCE 16
/* Distances are shown on a scale from 0 to 255. */
#define UNIT 255

/* Pictures of one class as large as the generator's: [n, size, size, 3] in [−1, 1]. */
typedef struct
{
  guint n;
  gsize size;
  GArray *values;     /* of float */
  float *features;    /* (nullable): [n, d] */
  GPtrArray *toruses; /* of DiffusionTorus */
} Set;

static void
set_clear (Set *set)
{
  g_clear_pointer (&set->values, g_array_unref);
  g_clear_pointer (&set->toruses, g_ptr_array_unref);
  g_clear_pointer (&set->features, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Set, set_clear)

static void
set_init (Set *set, gsize size)
{
  *set = (Set) { .size = size,
                 .values = g_array_new (FALSE, FALSE, sizeof (float)),
                 .toruses = g_ptr_array_new_with_free_func ((GDestroyNotify) diffusion_torus_free) };
}

static const float *
set_get (const Set *set, guint i)
{
  return &g_array_index (set->values, float, i * set->size * set->size * CHANNELS);
}

static void
set_add (Set *set, const float *picture)
{
  g_array_append_vals (set->values, picture, (guint) (set->size * set->size * CHANNELS));
  g_ptr_array_add (set->toruses, diffusion_torus_new (set->size, picture));
  set->n++;
}

typedef struct
{
  const CliEvaluation *evaluation;
  const CliSampleOptions *options;
  DiffusionSampling *sampling;
  DiffusionUnetRunner *classifier; /* (nullable) */
  gsize features;
  double *means, *deviations; /* of the logits over the pictures trained on */
  gsize size;
  guint classes;
  CliProgress *progress;
} Job;

static void
job_clear (Job *job)
{
  g_clear_pointer (&job->progress, cli_progress_free);
  g_clear_pointer (&job->classifier, diffusion_unet_runner_free);
  g_clear_pointer (&job->means, g_free);
  g_clear_pointer (&job->deviations, g_free);
  g_clear_pointer (&job->sampling, diffusion_sampling_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Job, job_clear)

static gboolean
prepare (const Job *job, const char *class_name, GError **error)
{
  const CliSampleOptions *o = job->options;
  const DiffusionSamplingOptions options = { .model = job->evaluation->model,
                                             .sampler = o->sampler,
                                             .steps = o->steps,
                                             .class_name = class_name,
                                             .classifier = o->guidance_scale > 0 ? o->classifier : NULL,
                                             .guidance_scale = o->guidance_scale,
                                             .seed = (gint64) job->evaluation->seed,
                                             .prefix = "--" };

  return diffusion_sampling_prepare (job->sampling, &options, MIN (o->samples, AT_ONCE), error);
}

static gboolean
open_models (Job *job, GError **error)
{
  const DiffusionPredictor *predictor;

  job->sampling = diffusion_sampling_new ();
  /* Any class will do to see what the model is. */
  if (!prepare (job, NULL, NULL) && !prepare (job, "0", error))
    return FALSE;
  predictor = diffusion_sampling_get_editor (job->sampling)->predictor;
  job->size = predictor->native;
  job->classes = (guint) predictor->classes;
  if (predictor->channels != CHANNELS || predictor->condition_channels > 0 || job->size < 2
      || (job->size & (job->size - 1)) != 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _ ("%s: --samples expects a generator of square colour pictures whose side is a power of two"),
                   job->evaluation->model);
      return FALSE;
    }
  if (job->options->classifier == NULL)
    return TRUE;

  g_autofree char *path = diffusion_library_find (job->options->classifier, error);
  g_autoptr (DiffusionModel) model = path != NULL ? diffusion_model_open (path, NULL, NULL, error) : NULL;

  if (model == NULL)
    return FALSE;
  if (diffusion_model_get_kind (model) != DIFFUSION_MODEL_CLASSIFIER)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED, _ ("--classifier: %s is no classifier"), path);
      return FALSE;
    }
  job->classifier = diffusion_unet_runner_new_for_model (model, DIFFUSION_PRECISION_F32, error);
  if (job->classifier == NULL)
    return FALSE;
  job->features = (gsize) diffusion_unet_runner_get_config (job->classifier)->out_channels;
  return TRUE;
}

/* The logits of the clean pictures. */
static gboolean
find_features (const Job *job, Set *set, GError **error)
{
  const double t[AT_ONCE] = { 0 };

  if (job->classifier == NULL)
    return TRUE;
  set->features = g_new (float, set->n * job->features);
  for (guint first = 0; first < set->n; first += AT_ONCE)
    {
      const DiffusionUnetInput input = { .n = MIN (AT_ONCE, set->n - first),
                                         .h = set->size,
                                         .w = set->size,
                                         .x = set_get (set, first),
                                         .t = t };

      if (!diffusion_unet_runner_run (job->classifier, &input, set->features + first * job->features,
                                      job->evaluation->cancellable, error))
        return FALSE;
    }
  return TRUE;
}

/* Pictures that are a whole number of times as large as the generator's are made smaller by means. */
static void
add_picture (const DiffusionDataset *dataset, gsize index, Set *set)
{
  gint width, height;
  gsize factor, side;

  diffusion_dataset_get_picture (dataset, index, &width, &height, NULL);
  factor = (gsize) MIN (width, height) / set->size;
  if (factor == 0)
    return;
  side = factor * set->size;

  g_autofree float *large = g_new (float, side * side * CHANNELS), *small = NULL;

  diffusion_dataset_read (dataset, index, 0, 0, (gint) side, (gint) side, FALSE, large);
  small = diffusion_samples_reduce (large, 1, side, factor);
  set_add (set, small);
}

static gboolean
load_part (const Job *job, DiffusionDatasetPart part, Set *sets, char ***names, GError **error)
{
  const char *const folders[] = { job->evaluation->data, NULL };
  double hold_out = job->options->hold_out;
  g_autoptr (DiffusionDataset) dataset
      = diffusion_dataset_open (folders, diffusion_pictures_open, job->classes > 0, part, hold_out, NULL, NULL, NULL,
                                job->evaluation->cancellable, error);
  if (dataset == NULL)
    return FALSE;

  const char *const *classes = diffusion_dataset_get_classes (dataset);
  if (job->classes > 0 && g_strv_length ((char **) classes) != job->classes)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("%s: found %u classes, expected the model's %u"),
                   job->evaluation->data, g_strv_length ((char **) classes), job->classes);
      return FALSE;
    }
  if (names != NULL)
    *names = g_strdupv ((char **) classes);
  for (gsize i = 0; i < diffusion_dataset_get_size (dataset); i++)
    {
      gint label;

      diffusion_dataset_get_picture (dataset, i, NULL, NULL, &label);
      add_picture (dataset, i, &sets[MAX (label, 0)]);
    }
  for (guint k = 0; k < MAX (job->classes, 1); k++)
    /* A small class may have nothing held out. */
    if (sets[k].n < 2 && part == DIFFUSION_DATASET_TRAIN)
      {
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                     _ ("%s: class “%s” has %u pictures of %d×%d or more to train on, expected 2"), job->evaluation->data,
                     job->classes > 0 ? classes[k] : "", sets[k].n, (int) job->size, (int) job->size);
        return FALSE;
      }
  return TRUE;
}

static gboolean
make_samples (const Job *job, guint class_number, Set *set, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%u", class_number);
  guint count = (guint) job->options->samples;
  gsize values = job->size * job->size * CHANNELS;
  g_autofree float *pictures = g_new (float, MIN (count, AT_ONCE) * values);

  if (!prepare (job, job->classes > 0 ? name : NULL, error))
    return FALSE;
  for (guint first = 0; first < count; first += AT_ONCE)
    {
      guint n = MIN (AT_ONCE, count - first);

      DiffusionEditor editor = *diffusion_sampling_get_editor (job->sampling);

      editor.cancellable = job->evaluation->cancellable;
      editor.seed = job->evaluation->seed + class_number * count + first;
      if (!diffusion_generate (&editor, n, job->size, job->size, pictures, error))
        return FALSE;
      for (guint i = 0; i < n; i++)
        {
          for (gsize k = 0; k < values; k++)
            pictures[i * values + k] = CLAMP (pictures[i * values + k], -1, 1);
          set_add (set, pictures + i * values);
        }
    }
  return TRUE;
}

/* The mean over the numbers of waves of the difference of the mean powers, dB. */
static double
spectrum_difference (const Set *a, const Set *b)
{
  gsize bins = a->size / 2 + 1;
  g_autofree double *one = g_new (double, bins), *sums = g_new0 (double, 2 * bins);
  const Set *sets[2] = { a, b };
  double difference = 0;

  for (guint s = 0; s < 2; s++)
    for (guint i = 0; i < sets[s]->n; i++)
      {
        diffusion_spectrum (a->size, set_get (sets[s], i), one);
        for (gsize bin = 0; bin < bins; bin++)
          sums[s * bins + bin] += one[bin] / sets[s]->n;
      }
  /* Not the mean brightness. */
  for (gsize bin = 1; bin < bins; bin++)
    difference += fabs (10 * log10 (MAX (sums[bin], 1e-12) / MAX (sums[bins + bin], 1e-12)));
  return difference / (double) (bins - 1);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* The median over @set of the distance to the nearest of @others, in units of 0 to 255. */
static double
nearest (const Set *set, const Set *others)
{
  g_autofree double *least = g_new (double, set->n);

  for (guint i = 0; i < set->n; i++)
    {
      least[i] = G_MAXDOUBLE;
      for (guint j = 0; j < others->n; j++)
        {
          double distance = diffusion_torus_distance (set->toruses->pdata[i], others->toruses->pdata[j]);

          least[i] = MIN (least[i], distance * UNIT / 2);
        }
    }
  qsort (least, set->n, sizeof (double), compare);
  return set->n % 2 == 1 ? least[set->n / 2] : (least[set->n / 2 - 1] + least[set->n / 2]) / 2;
}

static double
mean_seam (const Set *set)
{
  double sum = 0;

  for (guint i = 0; i < set->n; i++)
    sum += diffusion_wrap_seam (set->size, set->size, set_get (set, i));
  return sum / set->n;
}

/* The share that the classifier takes for the class. */
static double
recognised (const Job *job, const Set *set, guint class_number)
{
  guint right = 0;

  for (guint i = 0; i < set->n; i++)
    {
      const float *logits = set->features + i * job->features;
      gsize best = 0;

      for (gsize k = 1; k < job->features; k++)
        if (logits[k] > logits[best])
          best = k;
      right += best == class_number;
    }
  return (double) right / set->n;
}

/* A classifier that is sure of itself has large logits: without a common scale, their cubes would be all that counts. */
static void
find_scale (Job *job, const Set *sets, guint n_sets)
{
  guint count = 0;

  job->means = g_new0 (double, job->features);
  job->deviations = g_new0 (double, job->features);
  for (guint s = 0; s < n_sets; s++)
    count += sets[s].n;
  for (gsize k = 0; k < job->features; k++)
    {
      double squares = 0;

      for (guint s = 0; s < n_sets; s++)
        for (guint i = 0; i < sets[s].n; i++)
          {
            double logit = sets[s].features[i * job->features + k];

            job->means[k] += logit / count;
            squares += logit * logit / count;
          }
      job->deviations[k] = sqrt (MAX (squares - job->means[k] * job->means[k], 1e-12));
    }
}

static float *
standardise (const Job *job, const Set *set)
{
  float *values = g_new (float, set->n * job->features);

  for (gsize i = 0; i < set->n * job->features; i++)
    {
      gsize k = i % job->features;

      values[i] = (float) ((set->features[i] - job->means[k]) / job->deviations[k]);
    }
  return values;
}

static double
kernel_distance (const Job *job, const Set *a, const Set *b)
{
  g_autofree float *x = standardise (job, a), *y = standardise (job, b);

  return diffusion_kernel_distance (a->n, x, b->n, y, job->features);
}

static JsonObject *
measure (const Job *job, const char *name, guint class_number, const Set *samples, const Set *trained, const Set *held_out)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "name", name);
  json_object_set_int_member (object, "held_out", held_out->n);
  if (job->classifier != NULL && held_out->n >= 2)
    {
      json_object_set_double_member (object, "kernel_distance", kernel_distance (job, samples, held_out));
      json_object_set_double_member (object, "kernel_distance_of_training", kernel_distance (job, trained, held_out));
    }
  if (job->classifier != NULL)
    json_object_set_double_member (object, "recognised", recognised (job, samples, class_number));
  json_object_set_double_member (object, "nearest", nearest (samples, trained));
  json_object_set_double_member (object, "seam", mean_seam (samples));
  if (held_out->n == 0)
    return object;
  if (job->classifier != NULL)
    json_object_set_double_member (object, "recognised_held_out", recognised (job, held_out, class_number));
  json_object_set_double_member (object, "spectrum", spectrum_difference (samples, held_out));
  json_object_set_double_member (object, "spectrum_of_training", spectrum_difference (trained, held_out));
  json_object_set_double_member (object, "nearest_held_out", nearest (held_out, trained));
  json_object_set_double_member (object, "seam_held_out", mean_seam (held_out));
  return object;
}

static gboolean
measure_class (Job *job, const char *name, guint class_number, const Set *trained, Set *held_out, JsonArray *results,
               GError **error)
{
  g_auto (Set) samples = { 0 };

  set_init (&samples, job->size);
  if (!make_samples (job, class_number, &samples, error) || !find_features (job, &samples, error)
      || !find_features (job, held_out, error))
    return FALSE;
  json_array_add_object_element (results, measure (job, name, class_number, &samples, trained, held_out));
  cli_progress_update ((class_number + 1.0) / MAX (job->classes, 1), job->progress);
  return TRUE;
}

gboolean
cli_evaluate_samples (const CliEvaluation *evaluation, const CliSampleOptions *options, GError **error)
{
  g_auto (Job) job = { .evaluation = evaluation, .options = options };
  g_auto (GStrv) names = NULL;
  gboolean done;

  if (!open_models (&job, error))
    return FALSE;

  guint classes = MAX (job.classes, 1);
  g_autofree Set *sets = g_new (Set, 2 * classes);
  JsonArray *results = json_array_new ();

  for (guint i = 0; i < 2 * classes; i++)
    set_init (&sets[i], job.size);
  done = load_part (&job, DIFFUSION_DATASET_TRAIN, sets, &names, error)
         && load_part (&job, DIFFUSION_DATASET_HELD_OUT, sets + classes, NULL, error);
  for (guint k = 0; done && k < classes; k++)
    done = find_features (&job, &sets[k], error);
  if (done && job.classifier != NULL)
    find_scale (&job, sets, classes);
  job.progress = done ? cli_progress_new (_ ("Samples"), 0) : NULL;
  for (guint k = 0; done && k < classes; k++)
    done = measure_class (&job, job.classes > 0 ? names[k] : "", k, &sets[k], &sets[classes + k], results, error);
  for (guint i = 0; i < 2 * classes; i++)
    set_clear (&sets[i]);
  if (done)
    json_object_set_array_member (evaluation->results, "samples", results);
  else
    json_array_unref (results);
  return done;
}
