/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The photo model's configuration and graph. */
#include "core/model/photo-model.h"

#include <math.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/layers/layers.h"

#define MAX_WIDTH 1024
#define MAX_BLOCKS 64

DiffusionPhotoConfig
diffusion_photo_config_default (void)
{
  return (DiffusionPhotoConfig) { { 64, 128, 256 }, { 3, 3, 4, 3, 3 }, 128 };
}

/* Reads one integer or array of integers, if there is one. */
static gboolean
parse_integers (JsonObject *object, const char *member, guint n, gint least, gint most, gint *out, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node == NULL)
    return TRUE;
  for (guint i = 0; i < n; i++)
    {
      JsonNode *item = node;
      gint64 value;

      if (n > 1)
        {
          if (!JSON_NODE_HOLDS_ARRAY (node) || json_array_get_length (json_node_get_array (node)) != n)
            {
              g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                           _ ("The configuration's \"%s\" must be a list of %u whole numbers"), member, n);
              return FALSE;
            }
          item = json_array_get_element (json_node_get_array (node), i);
        }
      value = JSON_NODE_HOLDS_VALUE (item) && json_node_get_value_type (item) == G_TYPE_INT64
                ? json_node_get_int (item)
                : G_MININT64;
      if (value < least || value > most)
        {
          g_autofree char *found = json_to_string (item, FALSE);

          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                       _ ("The configuration's \"%s\" is %s; expected whole numbers from %d to %d"), member, found,
                       least, most);
          return FALSE;
        }
      out[i] = (gint) value;
    }
  return TRUE;
}

gboolean
diffusion_photo_config_parse (JsonObject *object, DiffusionPhotoConfig *config, GError **error)
{
  *config = diffusion_photo_config_default ();
  if (!parse_integers (object, "widths", 3, 2, MAX_WIDTH, config->widths, error)
      || !parse_integers (object, "blocks", 5, 0, MAX_BLOCKS, config->blocks, error)
      || !parse_integers (object, "time_width", 1, 1, MAX_WIDTH, &config->time_width, error))
    return FALSE;
  for (int i = 0; i < 3; i++)
    if (config->widths[i] % 2 != 0)
      {
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                     _ ("The configuration's \"widths\" hold %d; expected even numbers"), config->widths[i]);
        return FALSE;
      }
  return TRUE;
}

static JsonArray *
integers (guint n, const gint *values)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < n; i++)
    json_array_add_int_element (array, values[i]);
  return array;
}

JsonObject *
diffusion_photo_config_serialise (const DiffusionPhotoConfig *config)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "_class_name", DIFFUSION_PHOTO_CLASS_NAME);
  json_object_set_array_member (object, "widths", integers (3, config->widths));
  json_object_set_array_member (object, "blocks", integers (5, config->blocks));
  json_object_set_int_member (object, "time_width", config->time_width);
  return object;
}

static DiffusionValue
conv (DiffusionGraph *graph, DiffusionValue x, const char *name, gint out_channels, gint kernel, gint stride,
      double gain, DiffusionValue residual)
{
  gint pad = stride == 1 ? kernel / 2 : 0;
  DiffusionConv2dOptions options = { .name = name, .out_channels = out_channels, .kernel = kernel, .stride = stride,
                                     .pad = { pad, pad, pad, pad }, .init_gain = gain, .residual = residual };

  return diffusion_layer_conv2d (graph, x, &options);
}

/* x + 1×1 (gate (depthwise (1×1 (FiLM (LN (x)))))), then x + 1×1 (gate (1×1 (FiLM (LN (x))))). */
static DiffusionValue
block (DiffusionGraph *graph, DiffusionValue x, DiffusionValue embedding, const char *stage, gint index)
{
  gint width = diffusion_graph_shape (graph, x).c;
  g_autofree char *prefix = g_strdup_printf ("%s.%d", stage, index);
  g_autofree char *film1 = g_strconcat (prefix, ".film1", NULL);
  g_autofree char *film2 = g_strconcat (prefix, ".film2", NULL);
  g_autofree char *expand1 = g_strconcat (prefix, ".expand1", NULL);
  g_autofree char *expand2 = g_strconcat (prefix, ".expand2", NULL);
  g_autofree char *depthwise = g_strconcat (prefix, ".depthwise", NULL);
  g_autofree char *project1 = g_strconcat (prefix, ".project1", NULL);
  g_autofree char *project2 = g_strconcat (prefix, ".project2", NULL);
  DiffusionValue h;

  h = diffusion_layer_film_norm (graph, x, diffusion_layer_linear (graph, embedding, film1, 2 * width, 0));
  h = conv (graph, h, expand1, 2 * width, 1, 1, 1, DIFFUSION_NO_VALUE);
  h = diffusion_layer_depthwise_gate (graph, h, depthwise);
  x = conv (graph, h, project1, width, 1, 1, 0.1, x);
  h = diffusion_layer_film_norm (graph, x, diffusion_layer_linear (graph, embedding, film2, 2 * width, 0));
  h = conv (graph, h, expand2, 2 * width, 1, 1, 1, DIFFUSION_NO_VALUE);
  h = diffusion_layer_gate (graph, h);
  return conv (graph, h, project2, width, 1, 1, 0.1, x);
}

/* The same as one operation. */
static DiffusionValue
whole_block (DiffusionGraph *graph, DiffusionValue x, DiffusionValue embedding, const char *stage, gint index)
{
  gint width = diffusion_graph_shape (graph, x).c;
  g_autofree char *prefix = g_strdup_printf ("%s.%d", stage, index);
  g_autofree char *film1 = g_strconcat (prefix, ".film1", NULL);
  g_autofree char *film2 = g_strconcat (prefix, ".film2", NULL);

  return diffusion_layer_gated_block (graph, x, diffusion_layer_linear (graph, embedding, film1, 2 * width, 0),
                                      diffusion_layer_linear (graph, embedding, film2, 2 * width, 0), prefix);
}

static DiffusionValue
blocks (DiffusionGraph *graph, DiffusionValue x, DiffusionValue embedding, const char *stage, gint n, gboolean whole)
{
  for (gint i = 0; i < n; i++)
    x = (whole ? whole_block : block) (graph, x, embedding, stage, i);
  return x;
}

static DiffusionValue
up (DiffusionGraph *graph, DiffusionValue x, const char *name, gint width, DiffusionValue skip, gboolean whole, gint crop)
{
  if (whole)
    return diffusion_layer_up_block (graph, x, skip, name, crop);
  x = conv (graph, x, name, 4 * width, 1, 1, 1, DIFFUSION_NO_VALUE);
  return diffusion_layer_add (graph, diffusion_layer_pixel_shuffle (graph, x, 2), skip);
}

/* @whole: blocks as single operations, for inference; @crops: coarse pixels to leave out before each doubling. */
static DiffusionGraph *
build (const DiffusionPhotoConfig *config,
       DiffusionParams *params,
       gint n,
       gint height,
       gint width,
       gboolean whole,
       const gint *crops,
       DiffusionPhotoValues *values)
{
  DiffusionGraph *graph = diffusion_graph_new (params);
  DiffusionValue embedding, x, enc1, enc2;

  values->x = diffusion_graph_input (graph, (DiffusionShape) { n, height, width, 3 }, FALSE);
  values->scale = diffusion_graph_input (graph, (DiffusionShape) { n, 1, 1, 1 }, FALSE);
  values->time = diffusion_graph_input (graph, (DiffusionShape) { n, 1, 1, DIFFUSION_PHOTO_TIME_FEATURES }, FALSE);

  embedding = diffusion_layer_linear (graph, values->time, "time.linear1", config->time_width, 1);
  embedding
    = diffusion_layer_linear (graph, diffusion_layer_silu (graph, embedding), "time.linear2", config->time_width, 1);
  embedding = diffusion_layer_silu (graph, embedding);

  x = diffusion_layer_high_pass (graph, values->x, values->scale);
  x = diffusion_layer_pixel_unshuffle (graph, x, 2);
  x = conv (graph, x, "stem", config->widths[0], 3, 1, 1, DIFFUSION_NO_VALUE);
  enc1 = blocks (graph, x, embedding, "encoder1", config->blocks[0], whole);
  x = conv (graph, enc1, "down1", config->widths[1], 2, 2, 1, DIFFUSION_NO_VALUE);
  enc2 = blocks (graph, x, embedding, "encoder2", config->blocks[1], whole);
  x = conv (graph, enc2, "down2", config->widths[2], 2, 2, 1, DIFFUSION_NO_VALUE);
  x = blocks (graph, x, embedding, "middle", config->blocks[2], whole);
  x = up (graph, x, "up2", config->widths[1], enc2, whole, crops[0]);
  x = blocks (graph, x, embedding, "decoder2", config->blocks[3], whole);
  x = up (graph, x, "up1", config->widths[0], enc1, whole, crops[1]);
  x = blocks (graph, x, embedding, "decoder1", config->blocks[4], whole);
  x = diffusion_layer_film_norm (graph, x, DIFFUSION_NO_VALUE);
  x = conv (graph, x, "head", 12, 3, 1, 0.1, DIFFUSION_NO_VALUE);
  values->epsilon = diffusion_layer_pixel_shuffle (graph, x, 2);
  diffusion_graph_output (graph, values->epsilon);
  return graph;
}

DiffusionGraph *
diffusion_photo_model_build (const DiffusionPhotoConfig *config,
                             DiffusionParams *params,
                             gint n,
                             gint height,
                             gint width,
                             DiffusionPhotoValues *values)
{
  return build (config, params, n, height, width, FALSE, (const gint[]) { 0, 0 }, values);
}

/* How far the head, decoder 1 and the last unshuffling reach; with decoder 2 if @both. */
static gint
decoder_radius (const DiffusionPhotoConfig *config, gboolean both)
{
  gint radius = 2 + 2 * (1 + config->blocks[4]);

  return both ? radius + 4 * config->blocks[3] : radius;
}

DiffusionGraph *
diffusion_photo_model_build_inner (const DiffusionPhotoConfig *config,
                                   DiffusionParams *params,
                                   gint height,
                                   gint width,
                                   gint margin,
                                   DiffusionPhotoValues *values,
                                   gint *left)
{
  /* What is left of the margin after each crop: enough for what follows, in whole pixels of the level before. */
  gint before2 = MIN (margin, (decoder_radius (config, TRUE) + 7) / 8 * 8);
  gint before1 = MIN (before2, (decoder_radius (config, FALSE) + 3) / 4 * 4);
  const gint crops[2] = { (margin - before2) / 8, (before2 - before1) / 4 };

  *left = margin - 8 * crops[0] - 4 * crops[1];
  return build (config, params, 1, height, width, TRUE, crops, values);
}

void
diffusion_photo_model_set_level (DiffusionExec *exec, const DiffusionPhotoValues *values, gint index, double ratio)
{
  static const double frequencies[] = { 0.25, 0.5, 1, 1.5, 2, 3, 4, 6 };
  float *time = diffusion_exec_value (exec, values->time) + index * DIFFUSION_PHOTO_TIME_FEATURES;
  /* Centres the logarithms of the levels that photographs have. */
  double z = log (ratio) + 2.3;

  time[0] = (float) z;
  for (gsize k = 0; k < G_N_ELEMENTS (frequencies); k++)
    {
      time[1 + 2 * k] = (float) sin (frequencies[k] * z);
      time[2 + 2 * k] = (float) cos (frequencies[k] * z);
    }
  /* √(1 − ᾱ) = ratio/√(1 + ratio²). */
  diffusion_exec_value (exec, values->scale)[index] = (float) (0.5 * sqrt (1 + ratio * ratio) / ratio);
}

gint
diffusion_photo_model_get_radius (const DiffusionPhotoConfig *config)
{
  /* A 3×3 convolution reaches one pixel of its level; unshuffling and strides reach to the ends of their cells. */
  gint level1 = 2 * (2 + config->blocks[0] + config->blocks[4]);
  gint level2 = 4 * (config->blocks[1] + config->blocks[3]);
  gint level3 = 8 * config->blocks[2];

  return 2 + level1 + level2 + level3 + DIFFUSION_PHOTO_ALIGNMENT;
}
