/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders that tests work in. */
#pragma once

#include <glib.h>

/** folder_remove: deletes a folder with all that is in it; links are not followed. */
void folder_remove (const char *path);

/** folder_assert_clean: nothing in it is hidden, as what is being written or was left behind would be. */
void folder_assert_clean (const char *path);
