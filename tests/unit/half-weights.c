/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weights that stay in half precision: the same values as when they are widened first, in half the memory. What U-Nets
 * make of them is compared in the golden tests. */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/layers/layers.h"
#include "core/model/graph.h"
#include "core/model/params-load.h"
#include "core/model/photo-model.h"
#include "core/model/tensor-writer.h"
#include "core/model/unet.h"

static char *root;

static const DiffusionPhotoConfig photo = { { 16, 30, 44 }, { 1, 1, 1, 1, 2 }, 16 };

static float *
noise (guint32 what, gsize n)
{
  DiffusionStream stream = { 5, DIFFUSION_PURPOSE_NOISE, what };
  float *values = g_new (float, n);

  diffusion_random_normal_fill (&stream, 0, 0, (gint) n, 1, 1, values);
  for (gsize i = 0; i < n; i++)
    values[i] *= 0.2f;
  return values;
}

/* A file with all parameters of @params in @dtype; the first number of tensor @bad is infinity. */
static DiffusionTensorFile *
write_file (const DiffusionParams *params, DiffusionDtype dtype, const char *bad)
{
  g_autofree char *path = g_build_filename (root, diffusion_dtype_name (dtype), NULL);
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  DiffusionTensorFile *file;

  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);
      float *values = noise (i, param->size);

      if (g_strcmp0 (param->name, bad) == 0)
        values[0] = INFINITY;
      g_ptr_array_add (kept, values);
      diffusion_tensor_writer_add_floats (writer, param->name, dtype, (gint) param->n_dims, param->shape, values);
    }
  diffusion_tensor_writer_write (writer, path, &error);
  g_assert_no_error (error);
  file = diffusion_tensor_file_open (path, &error);
  g_assert_no_error (error);
  return file;
}

/* Part of the picture's borders is left out if @inner. */
static DiffusionGraph *
build_photo (DiffusionParams *params, gboolean inner, DiffusionPhotoValues *values)
{
  gint left;
  g_autoptr (DiffusionGraph) plain = diffusion_photo_model_build (&photo, params, 1, 72, 88, values);

  if (!inner)
    return g_steal_pointer (&plain);
  return diffusion_photo_model_build_inner (&photo, params, 72, 88, 8, values, &left);
}

static float *
run_photo (DiffusionParams *params, gboolean inner, gsize *size)
{
  DiffusionPhotoValues values;
  g_autoptr (DiffusionGraph) graph = build_photo (params, inner, &values);
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionExec) exec = diffusion_exec_new (graph, DIFFUSION_RUN_INFERENCE, DIFFUSION_PRECISION_F32, &error);
  g_autofree float *x = noise (1000, 72 * 88 * 3);

  g_assert_no_error (error);
  diffusion_photo_model_set_level (exec, &values, 0, 0.2);
  memcpy (diffusion_exec_value (exec, values.x), x, 72 * 88 * 3 * sizeof (float));
  diffusion_exec_forward (exec, NULL, &error);
  g_assert_no_error (error);
  *size = diffusion_shape_size (diffusion_graph_shape (graph, values.epsilon));
  return g_memdup2 (diffusion_exec_value (exec, values.epsilon), *size * sizeof (float));
}

static void
test_photo (gconstpointer data)
{
  DiffusionDtype dtype = (DiffusionDtype) GPOINTER_TO_INT (data);
  g_autoptr (DiffusionParams) half = diffusion_params_new ();
  g_autoptr (DiffusionParams) wide = diffusion_params_new ();
  DiffusionTensorFile *file;
  DiffusionPhotoValues values;
  g_autoptr (GError) error = NULL;

  diffusion_graph_free (build_photo (half, FALSE, &values));
  diffusion_graph_free (build_photo (wide, FALSE, &values));
  file = write_file (half, dtype, NULL);
  g_assert_true (diffusion_params_load (half, file, NULL, TRUE, &error));
  g_assert_true (diffusion_params_load (wide, file, NULL, FALSE, &error));
  /* The table keeps what it needs of it. */
  diffusion_tensor_file_unref (file);
  g_assert_true (diffusion_params_any_stored (half));
  g_assert_false (diffusion_params_any_stored (wide));
  g_assert_cmpuint (diffusion_params_get_bytes (wide), ==, diffusion_params_get_total (wide) * sizeof (float));
  g_assert_cmpuint (diffusion_params_get_bytes (half), <, diffusion_params_get_bytes (wide) * 11 / 20);
  for (gint inner = 0; inner < 2; inner++)
    {
      gsize size, n;
      g_autofree float *want = run_photo (wide, inner, &size);
      g_autofree float *got = run_photo (half, inner, &n);

      g_assert_cmpmem (got, n * sizeof (float), want, size * sizeof (float));
    }
}

/* Nothing but the parts that stay is left out of the table's own memory. */
static void
test_marked (void)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionTensorFile) file = NULL;
  DiffusionPhotoValues values;
  gsize bytes = 0;

  diffusion_graph_free (build_photo (params, FALSE, &values));
  file = write_file (params, DIFFUSION_DTYPE_F16, NULL);
  diffusion_params_find_half (params, file, NULL);
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      g_assert_true ((param->stored != NULL) == param->arranged);
      g_assert_true (param->arranged == (param->n_dims >= 2 && param->layout != DIFFUSION_PARAM_DEPTHWISE));
      bytes += param->arranged ? 2 * param->size : 4 * ((param->size + 15) / 16 * 16);
    }
  g_assert_cmpuint (diffusion_params_get_bytes (params), ==, bytes);
}

/* What the list of a U-Net's parameters says is what its layers say. */
static void
test_unet (gconstpointer data)
{
  DiffusionUnetHead head = (DiffusionUnetHead) GPOINTER_TO_INT (data);
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionUnet) unet = NULL;
  g_autoptr (GError) error = NULL;
  DiffusionUnetConfig config;
  guint n_arranged = 0, n_used = 0;

  diffusion_unet_config_init (&config);
  config.n_levels = 2;
  config.channels[0] = config.channels[1] = 32;
  config.sample_height = config.sample_width = 8;
  config.head = head;
  if (head == DIFFUSION_HEAD_IMAGE)
    {
      config.class_input = DIFFUSION_CLASS_LABEL;
      config.n_classes = 40;
    }
  else
    config.out_channels = 5;
  diffusion_unet_declare_params (&config, params);
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    n_arranged += diffusion_params_get (params, i)->arranged;
  unet = diffusion_unet_new (&config, params, 1, 8, 8, FALSE, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < diffusion_graph_get_n_ops (unet->graph); i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (unet->graph, i);

      for (guint k = 0; k < op->n_params; k++)
        {
          gboolean matrix = k == 0 && op->klass->prepare != NULL;

          g_assert_true (diffusion_params_get (params, op->params[k])->arranged == matrix);
          n_used += matrix;
        }
    }
  g_assert_cmpuint (n_arranged, ==, n_used);
}

static void
test_not_finite (void)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionTensorFile) file = NULL;
  DiffusionPhotoValues values;
  g_autoptr (GError) error = NULL;

  diffusion_graph_free (build_photo (params, FALSE, &values));
  file = write_file (params, DIFFUSION_DTYPE_BF16, "down2.weight");
  g_assert_false (diffusion_params_load (params, file, NULL, TRUE, &error));
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC);
  g_assert_nonnull (strstr (error->message, "down2.weight"));
}

/* Tensors of torch files may be stored transposed, or be views into others; layers of all kinds of kernels. */
static void
test_strides (void)
{
  static const gint kernels[] = { 1, 2, 3 };

  for (gsize k = 0; k < G_N_ELEMENTS (kernels); k++)
    {
      gint kernel = kernels[k], out = 70, in = 37;
      g_autoptr (DiffusionParams) half = diffusion_params_new ();
      g_autoptr (DiffusionParams) wide = diffusion_params_new ();
      g_autoptr (DiffusionGraph) graph = diffusion_graph_new (half), other = diffusion_graph_new (wide);
      DiffusionConv2dOptions options = { .name = "layer", .out_channels = out, .kernel = kernel, .stride = 1,
                                         .no_bias = TRUE, .residual = DIFFUSION_NO_VALUE };
      g_autoptr (DiffusionTensorFile) file = NULL;
      g_autofree guint8 *room = NULL;
      g_autoptr (GError) error = NULL;
      DiffusionTensorEntry entry;
      const DiffusionParam *param;
      const float *widened;

      diffusion_layer_conv2d (graph, diffusion_graph_input (graph, (DiffusionShape) { 1, 4, 4, in }, FALSE), &options);
      diffusion_layer_conv2d (other, diffusion_graph_input (other, (DiffusionShape) { 1, 4, 4, in }, FALSE), &options);
      file = write_file (half, DIFFUSION_DTYPE_F16, NULL);
      entry = *diffusion_tensor_file_get_tensor (file, 0);
      /* [out, in, …] of [in, out, …] as it lies there. */
      entry.strides[0] = kernel * kernel;
      entry.strides[1] = (gint64) out * kernel * kernel;
      g_assert_true (diffusion_params_load (half, file, &entry, TRUE, &error));
      g_assert_true (diffusion_params_load (wide, file, &entry, FALSE, &error));
      param = diffusion_params_get (half, 0);
      g_assert_null (param->data);
      room = g_malloc (diffusion_param_get_widening_bytes (param));
      widened = diffusion_param_widen (param, room);
      g_assert_cmpmem (widened, param->size * sizeof (float), diffusion_params_get (wide, 0)->data,
                       param->size * sizeof (float));
      g_assert_cmpuint (diffusion_param_get_widening_bytes (diffusion_params_get (wide, 0)), ==, 0);
      g_assert_true (diffusion_param_widen (diffusion_params_get (wide, 0), NULL)
                     == diffusion_params_get (wide, 0)->data);
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  root = g_dir_make_tmp ("half-weights-XXXXXX", &error);
  g_assert_no_error (error);
  g_test_add_data_func ("/half-weights/photo/f16", GINT_TO_POINTER (DIFFUSION_DTYPE_F16), test_photo);
  g_test_add_data_func ("/half-weights/photo/bf16", GINT_TO_POINTER (DIFFUSION_DTYPE_BF16), test_photo);
  g_test_add_func ("/half-weights/marked", test_marked);
  for (gint head = DIFFUSION_HEAD_IMAGE; head <= DIFFUSION_HEAD_SPATIAL_V2; head++)
    {
      g_autofree char *path = g_strdup_printf ("/half-weights/unet/%d", head);

      g_test_add_data_func (path, GINT_TO_POINTER (head), test_unet);
    }
  g_test_add_func ("/half-weights/not-finite", test_not_finite);
  g_test_add_func ("/half-weights/strides", test_strides);
  result = g_test_run ();
  for (gint dtype = DIFFUSION_DTYPE_F16; dtype <= DIFFUSION_DTYPE_BF16; dtype++)
    {
      g_autofree char *path = g_build_filename (root, diffusion_dtype_name ((DiffusionDtype) dtype), NULL);

      g_remove (path);
    }
  g_rmdir (root);
  g_free (root);
  return result;
}
