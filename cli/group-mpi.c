/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes that mpirun starts as one training, with MPI: the module that group-module.c loads. */
#include "cli/group-mpi.h"

#include <limits.h>
#include <mpi.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

/* How long process 0 waits for the others once it has been told to stop. */
#define PATIENCE_MICROSECONDS 500000
/* Waiting looks this often without sleeping, then sleeps this long between looks. */
#define EAGER_LOOKS 64
#define SLEEP_MICROSECONDS 50
#define MAX_COUNT (1 << 28)

typedef struct
{
  DiffusionGroup base;
  GArray *requests;
  int code;         /* the first error */
  gboolean broken;  /* the processes are not in step any more */
} MpiGroup;

static MpiGroup *joined;

static gboolean
set_error (MpiGroup *group, int code, GError **error)
{
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;

  group->broken = TRUE;
  MPI_Error_string (code, text, &length);
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO,
               _ ("The other processes of this training cannot be reached: %s"), text);
  return FALSE;
}

static gboolean
wait_all (MpiGroup *group, GCancellable *cancellable, GError **error)
{
  gint64 cancelled_at = 0;

  if (group->broken)
    return set_error (group, MPI_ERR_OTHER, error);
  for (guint looks = 0;; looks++)
    {
      int done = 0;
      int code = group->code;

      if (code == MPI_SUCCESS)
        code = MPI_Testall ((int) group->requests->len, (MPI_Request *) (gpointer) group->requests->data, &done,
                            MPI_STATUSES_IGNORE);
      if (code != MPI_SUCCESS)
        return set_error (group, code, error);
      if (done)
        break;
      if (group->base.rank == 0 && g_cancellable_is_cancelled (cancellable))
        {
          gint64 now = g_get_monotonic_time ();

          if (cancelled_at == 0)
            cancelled_at = now;
          if (now - cancelled_at > PATIENCE_MICROSECONDS)
            {
              group->broken = TRUE;
              g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Training was stopped"));
              return FALSE;
            }
        }
      if (looks < EAGER_LOOKS)
        g_thread_yield ();
      else
        g_usleep (SLEEP_MICROSECONDS);
    }
  g_array_set_size (group->requests, 0);
  return TRUE;
}

/* Takes up a request that @code says has begun. */
static void
add_request (MpiGroup *group, int code, MPI_Request request)
{
  if (code == MPI_SUCCESS)
    g_array_append_val (group->requests, request);
  else if (group->code == MPI_SUCCESS)
    group->code = code;
}

static void
begin_sum (DiffusionGroup *base, gsize n, float *values)
{
  MpiGroup *group = (MpiGroup *) base;

  for (gsize at = 0; at < n && !group->broken; at += MAX_COUNT)
    {
      MPI_Request request;
      int code = MPI_Iallreduce (MPI_IN_PLACE, values + at, (int) MIN (n - at, MAX_COUNT), MPI_FLOAT, MPI_SUM,
                                 MPI_COMM_WORLD, &request);

      add_request (group, code, request);
    }
}

static void
poll_sums (DiffusionGroup *base)
{
  MpiGroup *group = (MpiGroup *) base;
  int done;

  if (!group->broken && group->code == MPI_SUCCESS && group->requests->len > 0)
    group->code = MPI_Testall ((int) group->requests->len, (MPI_Request *) (gpointer) group->requests->data, &done,
                               MPI_STATUSES_IGNORE);
}

static gboolean
end_sums (DiffusionGroup *base, GCancellable *cancellable, GError **error)
{
  return wait_all ((MpiGroup *) base, cancellable, error);
}

static gboolean
sum (DiffusionGroup *base, gsize n, double *values, GCancellable *cancellable, GError **error)
{
  MpiGroup *group = (MpiGroup *) base;

  if (!group->broken)
    {
      MPI_Request request;
      int code = MPI_Iallreduce (MPI_IN_PLACE, values, (int) n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, &request);

      add_request (group, code, request);
    }
  return wait_all (group, cancellable, error);
}

static gboolean
broadcast (DiffusionGroup *base, gsize bytes, gpointer data, GCancellable *cancellable, GError **error)
{
  MpiGroup *group = (MpiGroup *) base;

  for (gsize at = 0; at < bytes && !group->broken; at += MAX_COUNT)
    {
      MPI_Request request;
      int code = MPI_Ibcast ((guint8 *) data + at, (int) MIN (bytes - at, MAX_COUNT), MPI_BYTE, 0, MPI_COMM_WORLD,
                             &request);

      add_request (group, code, request);
    }
  return wait_all (group, cancellable, error);
}

gboolean
cli_group_mpi_join (DiffusionGroup **group, GError **error)
{
  *group = NULL;
  joined = g_new0 (MpiGroup, 1);
  joined->base = (DiffusionGroup) { .begin_sum = begin_sum, .poll = poll_sums, .end_sums = end_sums, .sum = sum,
                                    .broadcast = broadcast };
  joined->requests = g_array_new (FALSE, FALSE, sizeof (MPI_Request));
  joined->code = MPI_Init (NULL, NULL);
  if (joined->code != MPI_SUCCESS)
    return set_error (joined, joined->code, error);
  MPI_Comm_set_errhandler (MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank (MPI_COMM_WORLD, &joined->base.rank);
  MPI_Comm_size (MPI_COMM_WORLD, &joined->base.size);
  *group = &joined->base;
  return TRUE;
}

void
cli_group_mpi_leave (gboolean failed)
{
  if (joined == NULL)
    return;
  if (joined->broken || (failed && !joined->base.settled))
    MPI_Abort (MPI_COMM_WORLD, 1);
  MPI_Finalize ();
  g_array_unref (joined->requests);
  g_clear_pointer (&joined, g_free);
}
