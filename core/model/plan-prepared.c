/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which operations keep their arranged parameters between runs, within a fixed amount of memory. */
#include "core/base/memory.h"
#include "core/model/graph-private.h"

/* Arranged weights take up to four times the room of the weights themselves. Arranging them again in every run costs
 * little against the products of a large picture, so that big networks keep only this much. */
#define KEPT_BYTES (280u << 20)

typedef struct
{
  guint op;
  gsize bytes;
} Size;

static gint
compare_size (gconstpointer a, gconstpointer b)
{
  const Size *first = a, *second = b;

  if (first->bytes != second->bytes)
    return first->bytes < second->bytes ? 1 : -1;
  return first->op < second->op ? -1 : 1;
}

/* The largest first: then what the others take turns in is small. */
DiffusionPrepared *
diffusion_prepared_new (const DiffusionGraph *graph, DiffusionRunMode mode, DiffusionPrecision precision)
{
  DiffusionPrepared *prepared = g_new0 (DiffusionPrepared, 1);
  g_autoptr (GArray) sizes = g_array_new (FALSE, FALSE, sizeof (Size));

  prepared->offsets = g_new (gsize, graph->ops->len);
  prepared->kept = g_new0 (guint8, graph->ops->len);
  for (guint i = 0; i < graph->ops->len; i++)
    {
      const DiffusionOp *op = diffusion_graph_get_op (graph, i);
      Size size = { i, 0 };

      prepared->offsets[i] = G_MAXSIZE;
      if (mode != DIFFUSION_RUN_TRAINING && op->klass->prepared != NULL)
        size.bytes = op->klass->prepared (op, graph, precision);
      size.bytes = (size.bytes + DIFFUSION_ALIGNMENT - 1) / DIFFUSION_ALIGNMENT * DIFFUSION_ALIGNMENT;
      if (size.bytes > 0)
        g_array_append_val (sizes, size);
    }
  g_array_sort (sizes, compare_size);
  for (guint k = 0; k < sizes->len; k++)
    {
      const Size *size = &g_array_index (sizes, Size, k);

      prepared->kept[size->op] = prepared->kept_bytes + size->bytes <= KEPT_BYTES;
      if (!prepared->kept[size->op])
        {
          prepared->passing_bytes = MAX (prepared->passing_bytes, size->bytes);
          continue;
        }
      prepared->offsets[size->op] = prepared->kept_bytes;
      prepared->kept_bytes += size->bytes;
    }
  for (guint k = 0; k < sizes->len; k++)
    {
      guint op = g_array_index (sizes, Size, k).op;

      if (!prepared->kept[op])
        prepared->offsets[op] = prepared->kept_bytes;
    }
  return prepared;
}

void
diffusion_prepared_free (DiffusionPrepared *prepared)
{
  if (prepared == NULL)
    return;
  g_free (prepared->offsets);
  g_free (prepared->kept);
  g_free (prepared);
}
