/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs the built command and looks at what it did. */
#pragma once

#include <gio/gio.h>

#include "../folder.h"

/* What a run left behind: exit code, what it printed. */
typedef struct
{
  int status;
  char *out;
  char *err;
} CommandResult;

/** command_run: runs the command with the given arguments, the last one NULL. */
CommandResult *command_run (const char *first, ...) G_GNUC_NULL_TERMINATED;
CommandResult *command_runv (const char *const *arguments);

/** command_run_limited: the same, where no file can grow: to the command, the disk is full. */
CommandResult *command_run_limited (const char *first, ...) G_GNUC_NULL_TERMINATED;

void command_result_free (CommandResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandResult, command_result_free)

/** command_start: starts it with its output thrown away; to be signalled and waited for by the test. */
GSubprocess *command_start (const char *const *arguments);

/** command_interrupt: waits until the command looks after Ctrl-C itself, presses it, and returns the exit code. */
int command_interrupt (GSubprocess *process);

/** command_assert: checks the exit code and that standard error contains @message ("" for anything). */
void command_assert (const CommandResult *result, int status, const char *message);

/** command_temporary_folder: a new empty folder; remove it with folder_remove(). */
char *command_temporary_folder (void);

/** command_count_files: how many entries a folder has, hidden ones included. */
guint command_count_files (const char *folder);
