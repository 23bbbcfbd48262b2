/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mean colours of the classes, in a model card. */
#include "core/model/card-colours.h"

#include <math.h>

#define MEMBER "mean_colours"
/* Of a class name's kind: nobody has more classes. */
#define MAX_CLASSES 65536

static void
add_numbers (JsonObject *object, const char *name, guint n, const double *numbers)
{
  JsonArray *array = json_array_sized_new (n);

  for (guint i = 0; i < n; i++)
    /* More digits than pictures have. */
    json_array_add_double_element (array, round (numbers[i] * 1e7) / 1e7);
  json_object_set_array_member (object, name, array);
}

void
diffusion_card_add_mean_colours (JsonObject *card, const DiffusionMeanColours *colours)
{
  JsonArray *array = json_array_sized_new (colours->classes);

  for (guint k = 0; k < colours->classes; k++)
    {
      const DiffusionMeanColour *colour = &colours->each[k];
      JsonObject *object = json_object_new ();
      double upper[6];
      guint count = 0;

      for (guint i = 0; i < 3; i++)
        for (guint j = i; j < 3; j++)
          upper[count++] = colour->covariance[i][j];
      add_numbers (object, "mean", 3, colour->mean);
      add_numbers (object, "covariance", 6, upper);
      json_array_add_object_element (array, object);
    }
  json_object_set_array_member (card, MEMBER, array);
}

/* Numbers from −most to most. */
static gboolean
get_numbers (JsonObject *object, const char *name, guint n, double most, double *numbers)
{
  JsonNode *node = json_object_get_member (object, name);
  JsonArray *array;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  array = json_node_get_array (node);
  if (json_array_get_length (array) != n)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      GType type = JSON_NODE_HOLDS_VALUE (element) ? json_node_get_value_type (element) : G_TYPE_INVALID;

      if (type != G_TYPE_DOUBLE && type != G_TYPE_INT64)
        return FALSE;
      numbers[i] = json_node_get_double (element);
      /* Written so that NaN fails too. */
      if (!(fabs (numbers[i]) <= most))
        return FALSE;
    }
  return TRUE;
}

static gboolean
get_colour (JsonNode *node, DiffusionMeanColour *colour)
{
  double upper[6];
  guint count = 0;

  if (!JSON_NODE_HOLDS_OBJECT (node) || !get_numbers (json_node_get_object (node), "mean", 3, 1, colour->mean)
      || !get_numbers (json_node_get_object (node), "covariance", 6, 1, upper))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    for (guint j = i; j < 3; j++)
      colour->covariance[i][j] = colour->covariance[j][i] = upper[count++];
  /* Variances are none below 0, and two colours do not vary together more than each by itself. */
  for (guint i = 0; i < 3; i++)
    for (guint j = i; j < 3; j++)
      if (colour->covariance[i][i] < 0
          || fabs (colour->covariance[i][j]) > sqrt (colour->covariance[i][i] * colour->covariance[j][j]) + 1e-6)
        return FALSE;
  return TRUE;
}

DiffusionMeanColours *
diffusion_card_get_mean_colours (JsonObject *card)
{
  JsonNode *node = card != NULL ? json_object_get_member (card, MEMBER) : NULL;
  g_autofree DiffusionMeanColours *colours = NULL;
  JsonArray *array;
  guint classes;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return NULL;
  array = json_node_get_array (node);
  classes = json_array_get_length (array);
  if (classes == 0 || classes > MAX_CLASSES)
    return NULL;
  colours = diffusion_mean_colours_new (classes);
  for (guint k = 0; k < classes; k++)
    if (!get_colour (json_array_get_element (array, k), &colours->each[k]))
      return NULL;
  return g_steal_pointer (&colours);
}
