/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs networks on pictures of any size, in batches that fit the caches. */
#include "core/model/unet-runner.h"

#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/imaging/resize.h"

/* Small pictures go through together, up to this many pixels. */
#define PIXELS_AT_ONCE 16384

struct _DiffusionUnetRunner
{
  DiffusionUnetConfig config;
  DiffusionParams *params;
  DiffusionParams *own_params; /* (nullable) */
  DiffusionPrecision precision;
  gboolean gradient;
  DiffusionUnet *unet; /* (nullable): for the last size */
  DiffusionExec *exec;
};

DiffusionUnetRunner *
diffusion_unet_runner_new (const DiffusionUnetConfig *config, DiffusionParams *params, DiffusionPrecision precision)
{
  DiffusionUnetRunner *runner = g_new0 (DiffusionUnetRunner, 1);

  runner->config = *config;
  runner->params = params;
  runner->precision = precision;
  return runner;
}

DiffusionUnetRunner *
diffusion_unet_runner_new_for_model (const DiffusionModel *model, DiffusionPrecision precision, GError **error)
{
  const DiffusionUnetConfig *config = diffusion_model_get_unet (model);
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  DiffusionUnetRunner *runner;

  if (config == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED, _ ("%s is no U-Net and no classifier"),
                   diffusion_model_get_path (model));
      return NULL;
    }
  diffusion_unet_declare_params (config, params);
  if (!diffusion_model_load (model, params, TRUE, error))
    return NULL;
  runner = diffusion_unet_runner_new (config, params, precision);
  runner->own_params = g_steal_pointer (&params);
  return runner;
}

static void
forget_size (DiffusionUnetRunner *runner)
{
  g_clear_pointer (&runner->exec, diffusion_exec_free);
  g_clear_pointer (&runner->unet, diffusion_unet_free);
}

void
diffusion_unet_runner_free (DiffusionUnetRunner *runner)
{
  if (runner == NULL)
    return;
  forget_size (runner);
  diffusion_params_free (runner->own_params);
  g_free (runner);
}

const DiffusionUnetConfig *
diffusion_unet_runner_get_config (const DiffusionUnetRunner *runner)
{
  return &runner->config;
}

static gboolean
prepare (DiffusionUnetRunner *runner, gsize n, gsize h, gsize w, gboolean gradient, GError **error)
{
  DiffusionShape shape;

  if (runner->exec != NULL)
    {
      shape = diffusion_graph_shape (runner->unet->graph, runner->unet->x);
      if ((gsize) shape.n == n && (gsize) shape.h == h && (gsize) shape.w == w && runner->gradient == gradient)
        return TRUE;
      forget_size (runner);
    }
  runner->unet = diffusion_unet_new (&runner->config, runner->params, (gint) n, (gint) h, (gint) w, gradient, error);
  if (runner->unet == NULL)
    return FALSE;
  runner->gradient = gradient;
  runner->exec = diffusion_exec_new (runner->unet->graph,
                                     gradient ? DIFFUSION_RUN_INPUT_GRADIENT : DIFFUSION_RUN_INFERENCE,
                                     runner->precision, error);
  if (runner->exec == NULL)
    forget_size (runner);
  return runner->exec != NULL;
}

static gsize
source (gsize position, gsize size, gboolean circular)
{
  gsize period = 2 * (size - 1);

  if (position < size)
    return position;
  if (circular)
    return position % size;
  if (size == 1)
    return 0;
  position %= period;
  return position < size ? position : period - position;
}

/* Copies pictures into channels first … first + c − 1 of padded ones. */
static void
pad (const DiffusionUnetRunner *runner, DiffusionShape to, gsize h, gsize w, gsize c, gsize first, const float *in,
     float *out)
{
  gsize whole = (gsize) to.c;
  gboolean center = runner->config.center_input && first == 0;

  for (gsize image = 0; image < (gsize) to.n; image++)
    for (gsize y = 0; y < (gsize) to.h; y++)
      {
        const float *row = in + (image * h + source (y, h, runner->config.circular)) * w * c;
        float *line = out + ((image * (gsize) to.h + y) * (gsize) to.w) * whole + first;

        for (gsize x = 0; x < (gsize) to.w; x++)
          {
            const float *pixel = row + source (x, w, runner->config.circular) * c;

            for (gsize i = 0; i < c; i++)
              line[x * whole + i] = center ? 2 * pixel[i] - 1 : pixel[i];
          }
      }
}

static gboolean
fill_picture (DiffusionUnetRunner *runner, const DiffusionUnetInput *input, gsize first, GError **error)
{
  const DiffusionUnetConfig *config = &runner->config;
  DiffusionShape shape = diffusion_exec_shape (runner->exec, runner->unet->x);
  float *x = diffusion_exec_value (runner->exec, runner->unet->x);
  gsize n = (gsize) shape.n, c = (gsize) config->in_channels, low_c = (gsize) config->low_res_channels;
  gsize low_size = input->low_h * input->low_w * low_c;
  float *resized;

  pad (runner, shape, input->h, input->w, c, 0, input->x + first * input->h * input->w * c, x);
  if (low_c == 0)
    return TRUE;
  resized = diffusion_try_alloc (n * input->h * input->w * low_c * sizeof (float), _ ("the low-resolution picture"), error);
  if (resized == NULL)
    return FALSE;
  diffusion_resize_bilinear (n, input->low_h, input->low_w, low_c, input->low_res + first * low_size, input->h, input->w,
                             resized);
  pad (runner, shape, input->h, input->w, low_c, c, resized, x);
  diffusion_free (resized);
  return TRUE;
}

static gboolean
fill (DiffusionUnetRunner *runner, const DiffusionUnetInput *input, gsize first, GError **error)
{
  const DiffusionUnetConfig *config = &runner->config;
  gsize n = (gsize) diffusion_exec_shape (runner->exec, runner->unet->x).n;
  float *classes = diffusion_exec_value (runner->exec, runner->unet->classes);

  diffusion_unet_time_features (config, n, input->t + first, diffusion_exec_value (runner->exec, runner->unet->time));
  if (config->class_input == DIFFUSION_CLASS_TIMESTEP)
    diffusion_unet_time_features (config, n, input->y + first, classes);
  else if (config->class_input == DIFFUSION_CLASS_LABEL)
    for (gsize i = 0; i < n; i++)
      classes[i] = (float) input->y[first + i];
  return fill_picture (runner, input, first, error);
}

static gboolean
check_classes (const DiffusionUnetInput *input, gint n_classes, GError **error)
{
  for (gsize i = 0; i < input->n; i++)
    if (!(input->y[i] >= 0 && input->y[i] < n_classes && input->y[i] == floor (input->y[i])))
      {
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("y is %g, expected 0 to %d"), input->y[i], n_classes - 1);
        return FALSE;
      }
  return TRUE;
}

static gboolean
check (const DiffusionUnetRunner *runner, const DiffusionUnetInput *input, gboolean guide, GError **error)
{
  const DiffusionUnetConfig *config = &runner->config;

  if (input->n < 1 || input->h < 1 || input->w < 1 || input->h > 1 << 16 || input->w > 1 << 16)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("%zu pictures of %zu × %zu"
                      " pixels: expected at least one, and 65536 pixels a side at most"),
                   input->n, input->w, input->h);
      return FALSE;
    }
  for (gsize i = 0; i < input->n; i++)
    if (!(input->t[i] >= 0 && input->t[i] <= 1e6))
      {
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("t is %g, expected 0 to 10⁶"), input->t[i]);
        return FALSE;
      }
  if ((config->class_input != DIFFUSION_CLASS_NONE || guide) && input->y == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("This network needs a class y; none was given"));
      return FALSE;
    }
  if (config->low_res_channels > 0 && (input->low_res == NULL || input->low_h < 1 || input->low_w < 1))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("This network needs a low-resolution picture low_res; none was given"));
      return FALSE;
    }
  if (config->class_input == DIFFUSION_CLASS_LABEL && !check_classes (input, config->n_classes, error))
    return FALSE;
  return !guide || check_classes (input, config->out_channels, error);
}

static gsize
round_up (gsize size, gsize multiple)
{
  return (size + multiple - 1) / multiple * multiple;
}

/* From padded pictures to those asked for; @factor times the values. */
static void
crop (DiffusionShape from, gsize c, const float *in, gsize h, gsize w, float factor, float *out)
{
  for (gsize image = 0; image < (gsize) from.n; image++)
    for (gsize y = 0; y < h; y++)
      {
        const float *row = in + (image * (gsize) from.h + y) * (gsize) from.w * (gsize) from.c;

        for (gsize x = 0; x < w; x++)
          for (gsize i = 0; i < c; i++)
            *out++ = factor * row[x * (gsize) from.c + i];
      }
}

/* The gradient reaches a pixel also through those that it was repeated in. */
static void
crop_gradient (const DiffusionUnetRunner *runner, DiffusionShape from, gsize c, const float *in, gsize h, gsize w,
               float *out)
{
  float factor = runner->config.center_input ? 2 : 1;

  memset (out, 0, (gsize) from.n * h * w * c * sizeof (float));
  for (gsize image = 0; image < (gsize) from.n; image++)
    for (gsize y = 0; y < (gsize) from.h; y++)
      for (gsize x = 0; x < (gsize) from.w; x++)
        {
          const float *pixel = in + ((image * (gsize) from.h + y) * (gsize) from.w + x) * (gsize) from.c;
          float *to = out + ((image * h + source (y, h, runner->config.circular)) * w
                             + source (x, w, runner->config.circular))
                              * c;

          for (gsize i = 0; i < c; i++)
            to[i] += factor * pixel[i];
        }
}

/* Turns logits into the gradient of Σ log softmax (logits)[y]. */
static void
class_gradient (gsize n, gsize n_classes, const double *y, const float *logits, float *gradient)
{
  for (gsize image = 0; image < n; image++, logits += n_classes, gradient += n_classes)
    {
      double largest = -INFINITY, sum = 0;

      for (gsize i = 0; i < n_classes; i++)
        largest = MAX (largest, (double) logits[i]);
      for (gsize i = 0; i < n_classes; i++)
        sum += exp (logits[i] - largest);
      for (gsize i = 0; i < n_classes; i++)
        gradient[i] = (float) ((i == (gsize) y[image] ? 1 : 0) - exp (logits[i] - largest) / sum);
    }
}

/* @n pictures from @first on. */
static gboolean
run_some (DiffusionUnetRunner *runner, const DiffusionUnetInput *input, gsize first, gsize n, float *out,
          float *gradient, GCancellable *cancellable, GError **error)
{
  const DiffusionUnetConfig *config = &runner->config;
  gsize multiple = (gsize) diffusion_unet_config_get_multiple (config);
  gsize c = (gsize) config->out_channels, in_c = (gsize) config->in_channels;
  gsize h = round_up (input->h, multiple), w = round_up (input->w, multiple);
  DiffusionShape shape;
  const float *result;

  if (!prepare (runner, n, h, w, gradient != NULL, error) || !fill (runner, input, first, error)
      || !diffusion_exec_forward (runner->exec, cancellable, error))
    return FALSE;
  result = diffusion_exec_value (runner->exec, runner->unet->output);
  shape = diffusion_exec_shape (runner->exec, runner->unet->output);
  if (config->head != DIFFUSION_HEAD_IMAGE && out != NULL)
    memcpy (out + first * c, result, n * c * sizeof (float));
  else if (out != NULL)
    crop (shape, c, result, input->h, input->w, 1, out + first * input->h * input->w * c);
  if (gradient == NULL)
    return TRUE;
  class_gradient (n, c, input->y + first, result, diffusion_exec_gradient (runner->exec, runner->unet->output));
  if (!diffusion_exec_backward (runner->exec, cancellable, error))
    return FALSE;
  crop_gradient (runner, diffusion_exec_shape (runner->exec, runner->unet->x), in_c,
                 diffusion_exec_gradient (runner->exec, runner->unet->x), input->h, input->w,
                 gradient + first * input->h * input->w * in_c);
  return TRUE;
}

static gboolean
run_all (DiffusionUnetRunner *runner, const DiffusionUnetInput *input, float *out, float *gradient,
         GCancellable *cancellable, GError **error)
{
  gsize at_once;

  if (!check (runner, input, gradient != NULL, error))
    return FALSE;
  at_once = CLAMP (PIXELS_AT_ONCE / (input->h * input->w), 1, input->n);
  for (gsize first = 0; first < input->n; first += at_once)
    if (!run_some (runner, input, first, MIN (at_once, input->n - first), out, gradient, cancellable, error))
      return FALSE;
  return TRUE;
}

gboolean
diffusion_unet_runner_run (DiffusionUnetRunner *runner, const DiffusionUnetInput *input, float *out,
                           GCancellable *cancellable, GError **error)
{
  return run_all (runner, input, out, NULL, cancellable, error);
}

gboolean
diffusion_unet_runner_guide (DiffusionUnetRunner *runner, const DiffusionUnetInput *input, float *logits,
                             float *gradient, GCancellable *cancellable, GError **error)
{
  return run_all (runner, input, logits, gradient, cancellable, error);
}

static gboolean
predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  DiffusionUnetRunner *runner = data;
  DiffusionUnetInput input = { .n = prediction->n, .h = prediction->height, .w = prediction->width,
                               .x = prediction->x_t, .t = prediction->t, .low_res = prediction->condition,
                               .low_h = prediction->height, .low_w = prediction->width };
  g_autofree double *y = NULL;

  if (prediction->classes != NULL)
    {
      input.y = y = g_new (double, prediction->n);
      for (gsize i = 0; i < prediction->n; i++)
        y[i] = prediction->classes[i];
    }
  if (runner->config.head != DIFFUSION_HEAD_IMAGE)
    return diffusion_unet_runner_guide (runner, &input, NULL, out, prediction->cancellable, error);
  return diffusion_unet_runner_run (runner, &input, out, prediction->cancellable, error);
}

DiffusionPredictor
diffusion_unet_runner_get_predictor (DiffusionUnetRunner *runner)
{
  const DiffusionUnetConfig *config = &runner->config;
  gboolean image = config->head == DIFFUSION_HEAD_IMAGE;
  DiffusionPredictor predictor = { .predict = predict, .data = runner };

  predictor.channels = (gsize) config->in_channels;
  predictor.out_channels = (gsize) (image ? config->out_channels : config->in_channels);
  predictor.condition_channels = (gsize) config->low_res_channels;
  if (!image)
    predictor.classes = (guint) config->out_channels;
  else if (config->class_input == DIFFUSION_CLASS_LABEL)
    predictor.classes = (guint) config->n_classes;
  predictor.native = (gsize) config->sample_height;
  predictor.multiple = (gsize) diffusion_unet_config_get_multiple (config);
  predictor.circular = config->circular;
  return predictor;
}
