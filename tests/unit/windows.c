/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of any size through a predictor of one size. */
#include "core/diffusion.h"

#include <math.h>
#include <string.h>

#define CHANNELS 3
#define OUT 6

/* Stands for a network; counts what it is asked and insists on its size. */
typedef struct
{
  gsize native, multiple;
  gboolean circular;
  guint asked, largest_batch;
  enum { CONSTANT, POINTWISE, PLACE } kind;
  GCancellable *cancellable;
  guint cancel_at;
} Network;

static gboolean
network_predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  Network *network = data;
  gsize pixels = prediction->height * prediction->width;

  if (network->native > 0)
    {
      g_assert_cmpuint (prediction->height, ==, network->native);
      g_assert_cmpuint (prediction->width, ==, network->native);
    }
  g_assert_cmpuint (prediction->height % MAX (1, network->multiple), ==, 0);
  g_assert_cmpuint (prediction->width % MAX (1, network->multiple), ==, 0);
  network->largest_batch = MAX (network->largest_batch, (guint) prediction->n);
  for (gsize i = 0; i < prediction->n * pixels; i++)
    {
      gsize picture = i / pixels, row = i % pixels / prediction->width, column = i % prediction->width;

      for (gsize c = 0; c < OUT; c++)
        {
          float x = prediction->x_t[i * CHANNELS + c % CHANNELS], value = 0;

          if (network->kind == CONSTANT)
            value = 0.1f * (float) (c + 1);
          else if (network->kind == POINTWISE)
            value = x * (float) (c + 1) + prediction->condition[i] + (float) prediction->t[picture] +
                    10.0f * (float) prediction->classes[picture];
          else
            value = (float) (row + column) / (float) (prediction->height + prediction->width);
          out[i * OUT + c] = value;
        }
    }
  network->asked += (guint) prediction->n;
  if (network->cancel_at > 0 && network->asked >= network->cancel_at)
    g_cancellable_cancel (network->cancellable);
  if (prediction->progress != NULL)
    prediction->progress (0.5, prediction->progress_data);
  return TRUE;
}

static DiffusionPredictor
predictor_of (Network *network)
{
  return (DiffusionPredictor) {
    .predict = network_predict,
    .data = network,
    .channels = CHANNELS,
    .out_channels = OUT,
    .condition_channels = network->kind == POINTWISE ? 1 : 0,
    .classes = network->kind == POINTWISE ? 5 : 0,
    .native = network->native,
    .multiple = network->multiple,
    .circular = network->circular,
  };
}

static const struct { gsize height, width; } sizes[] = {
  { 16, 16 }, { 32, 32 }, { 7, 50 }, { 1, 1 }, { 2, 33 }, { 100, 75 }, { 31, 64 }, { 17, 16 },
};

static const DiffusionWindows kinds[] = {
  { .size = 0 },
  { .size = 0, .overlap = 1, .batch = 3 },
  { .size = 0, .overlap = 8, .batch = 100 },
  { .size = 0, .overlap = 1000, .batch = 4 },
  { .size = 0, .circular = TRUE },
  { .size = 32, .overlap = 12 },
};

static void
increasing (double fraction, gpointer data)
{
  double *last = data;

  g_assert_cmpfloat (fraction, >=, *last);
  g_assert_cmpfloat (fraction, <=, 1);
  *last = fraction;
}

/* A network that looks at single pixels gives the same through any windows. */
static void
check_pointwise (const DiffusionWindows *kind, gsize native, gsize multiple, gsize height, gsize width)
{
  gsize pixels = 2 * height * width;
  Network network = { .native = kind->size > 0 ? 0 : native, .multiple = multiple, .kind = POINTWISE };
  Network direct = { .kind = POINTWISE };
  DiffusionPredictor inner = predictor_of (&network), predictor;
  DiffusionWindows windows = *kind;
  g_autofree float *x_t = g_new (float, pixels * CHANNELS), *condition = g_new (float, pixels);
  g_autofree float *found = g_new (float, pixels * OUT), *expected = g_new (float, pixels * OUT);
  const double t[] = { 3.5, 7 };
  const gint classes[] = { 1, 4 };
  double fraction = 0;
  DiffusionPrediction prediction = {
    .n = 2,
    .height = height,
    .width = width,
    .x_t = x_t,
    .t = t,
    .classes = classes,
    .condition = condition,
    .progress = increasing,
    .progress_data = &fraction,
  };
  DiffusionNoise noise = { .seed = 1 };
  g_autoptr (GError) error = NULL;

  windows.inner = &inner;
  predictor = diffusion_windows_predictor (&windows);
  diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_NOISE, 0, 2, height, width, CHANNELS, x_t);
  diffusion_noise_fill (&noise, DIFFUSION_PURPOSE_NOISE, 1, 2, height, width, 1, condition);
  diffusion_predictor_predict (&predictor, &prediction, found, &error);
  g_assert_no_error (error);
  prediction.progress = NULL;
  network_predict (&prediction, expected, &direct, NULL);
  for (gsize i = 0; i < pixels * OUT; i++)
    g_assert_cmpfloat_with_epsilon (found[i], expected[i], 1e-5 * (1 + fabsf (expected[i])));
  g_assert_cmpuint (network.asked, ==, 2 * diffusion_windows_count (&windows, height, width));
  g_assert_cmpuint (network.largest_batch, <=, MAX (kind->batch, 2));
}

static void
test_pointwise (void)
{
  for (gsize k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++)
      {
        check_pointwise (&kinds[k], 16, 1, sizes[s].height, sizes[s].width);
        check_pointwise (&kinds[k], 32, 8, sizes[s].height, sizes[s].width);
        check_pointwise (&kinds[k], 0, 8, sizes[s].height, sizes[s].width);
        check_pointwise (&kinds[k], 0, 0, sizes[s].height, sizes[s].width);
      }
}

static float *
predict (DiffusionWindows windows, Network *network, gsize height, gsize width)
{
  DiffusionPredictor inner = predictor_of (network), predictor;
  g_autofree float *x_t = g_new0 (float, height * width * CHANNELS);
  float *found = g_new (float, height * width * OUT);
  const double t[] = { 0 };
  DiffusionPrediction prediction = { .n = 1, .height = height, .width = width, .x_t = x_t, .t = t };
  g_autoptr (GError) error = NULL;

  windows.inner = &inner;
  predictor = diffusion_windows_predictor (&windows);
  diffusion_predictor_predict (&predictor, &prediction, found, &error);
  g_assert_no_error (error);
  return found;
}

static void
test_constant (void)
{
  for (gsize k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++)
      {
        Network network = { .native = kinds[k].size > 0 ? 0 : 16, .kind = CONSTANT };
        g_autofree float *found = predict (kinds[k], &network, sizes[s].height, sizes[s].width);

        for (gsize i = 0; i < sizes[s].height * sizes[s].width * OUT; i++)
          g_assert_cmpfloat_with_epsilon (found[i], 0.1 * (double) (i % OUT + 1), 4e-6);
      }
}

/* Only a picture of another size, or a network with edges, has to be seen in several parts to have none. */
static void
test_torus (void)
{
  for (int circular = 0; circular < 2; circular++)
    for (gsize size = 16; size <= 32; size += 16)
      {
        Network network = { .native = 16, .circular = circular, .kind = PLACE };
        DiffusionWindows windows = { .circular = TRUE };
        g_autofree float *found = predict (windows, &network, 16, size);
        gboolean once = circular && size == 16;

        if (once)
          {
            g_assert_cmpuint (network.asked, ==, 1);
            for (gsize i = 0; i < 256; i++)
              g_assert_cmpfloat (found[i * OUT], ==, (float) (i / 16 + i % 16) / 32.0f);
          }
        else
          g_assert_cmpuint (network.asked, >=, circular ? 2 : 4);
      }
}

/* A network whose answer jumps from 1 to 0 where a window ends and the next begins: the average must not jump, and
 * in a circular picture not at the edge either. */
static void
test_seams (void)
{
  for (int circular = 0; circular < 2; circular++)
    for (gsize length = 64; length < 300; length += 17)
      {
        DiffusionWindows windows = { .overlap = 32, .circular = circular };
        Network network = { .native = 64, .kind = PLACE };
        g_autofree float *found = predict (windows, &network, 64, length);
        double worst = 0;

        for (gsize x = 0; x < length - (circular ? 0 : 1); x++)
          worst = MAX (worst, fabs (found[(20 * length + x) * OUT] - found[(20 * length + (x + 1) % length) * OUT]));
        g_assert_cmpfloat (worst, <, 0.05);
      }
}

static void
test_cancel (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Network network = { .native = 16, .kind = CONSTANT, .cancellable = cancellable, .cancel_at = 3 };
  DiffusionPredictor inner = predictor_of (&network), predictor;
  DiffusionWindows windows = { .inner = &inner };
  g_autofree float *x_t = g_new0 (float, 100 * 100 * CHANNELS), *found = g_new (float, 100 * 100 * OUT);
  const double t[] = { 0 };
  DiffusionPrediction prediction = {
    .n = 1, .height = 100, .width = 100, .x_t = x_t, .t = t, .cancellable = cancellable
  };

  predictor = diffusion_windows_predictor (&windows);
  g_assert_false (diffusion_predictor_predict (&predictor, &prediction, found, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (network.asked, ==, 3);
}

/* A chain through windows gives the same for any window size if the network looks at single pixels. */
static gboolean
shrink (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  gsize count = prediction->n * prediction->height * prediction->width * CHANNELS;

  for (gsize i = 0; i < count; i++)
    out[i] = tanhf (prediction->x_t[i]);
  return TRUE;
}

static void
test_chain (void)
{
  g_autoptr (DiffusionSchedule) schedule = diffusion_schedule_new_named ("cosine", 20, 0, 0, NULL);
  DiffusionPredictor inner = { .predict = shrink, .channels = CHANNELS, .out_channels = CHANNELS, .native = 16 };
  DiffusionWindows windows = { .inner = &inner, .batch = 3 };
  DiffusionPredictor predictors[2] = { inner, diffusion_windows_predictor (&windows) };
  g_autofree float *first = g_new (float, 50 * 37 * CHANNELS), *second = g_new (float, 50 * 37 * CHANNELS);

  for (int i = 0; i < 2; i++)
    {
      DiffusionChain chain = {
        .schedule = schedule,
        .parameterisation = DIFFUSION_PARAMETERISATION_INIT,
        .predictor = &predictors[i],
        .noise = { .seed = 2 },
      };
      float *x = i == 0 ? first : second;

      diffusion_noise_fill (&chain.noise, DIFFUSION_PURPOSE_NOISE, 0, 1, 50, 37, CHANNELS, x);
      g_assert_true (diffusion_chain_run (&chain, 1, 50, 37, x, NULL));
    }
  for (gsize i = 0; i < 50 * 37 * CHANNELS; i++)
    g_assert_cmpfloat_with_epsilon (first[i], second[i], 1e-5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/windows/pointwise", test_pointwise);
  g_test_add_func ("/windows/constant", test_constant);
  g_test_add_func ("/windows/torus", test_torus);
  g_test_add_func ("/windows/seams", test_seams);
  g_test_add_func ("/windows/cancel", test_cancel);
  g_test_add_func ("/windows/chain", test_chain);
  return g_test_run ();
}
