/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts tiny-train, alone or in several processes, and looks at what it left. */
#pragma once

#include <gio/gio.h>

typedef struct
{
  char *root, *data;
} TinyFolder;

/** tiny_set_up: a temporary folder with pictures. */
void tiny_set_up (TinyFolder *folder, gconstpointer unused);
void tiny_tear_down (TinyFolder *folder, gconstpointer unused);

typedef struct
{
  GSubprocess *process;
  GDataInputStream *out;
} Tiny;

/**
 * tiny_start:
 * @processes: 0 for one without mpirun
 * @file_limit: bytes that no file may grow beyond, or 0
 * @options: separated by spaces
 * @out: name of the output folder within @folder
 */
Tiny *tiny_start (const TinyFolder *folder, gint processes, guint64 file_limit, const char *options, const char *out);

/** tiny_wait_line: reads until a line begins with @prefix; what follows it, or %NULL at the end. */
char *tiny_wait_line (Tiny *tiny, const char *prefix);

/** tiny_end: waits for the end and frees. @err: (out) (optional): standard error. Returns: the status of waitpid(). */
int tiny_end (Tiny *tiny, char **err);

/** tiny_run: from start to end; has to succeed. */
void tiny_run (const TinyFolder *folder, gint processes, const char *options, const char *out);

/** tiny_run_failing: has to exit with 1 and say @message. */
void tiny_run_failing (const TinyFolder *folder, guint64 file_limit, const char *options, const char *out,
                       const char *message);

/** tiny_checkpoints: (transfer full): the paths of the checkpoints in @out, the oldest first. */
GStrv tiny_checkpoints (const TinyFolder *folder, const char *out);

/** tiny_last_step: the step of the newest checkpoint, 0 for none. */
guint64 tiny_last_step (const TinyFolder *folder, const char *out);

/** tiny_assert_same: the last checkpoint and the model of two trainings are the same bytes. */
void tiny_assert_same (const TinyFolder *folder, const char *a, const char *b);

/** tiny_assert_clean: nothing unfinished lies in @out. */
void tiny_assert_clean (const TinyFolder *folder, const char *out);

/** tiny_distance: ‖a − b‖/‖a − start‖ of the weights in the newest checkpoints. */
double tiny_distance (const TinyFolder *folder, const char *a, const char *b, const char *start);
