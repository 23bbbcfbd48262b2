/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Translation of the library's messages: _() looks in the project's own text domain, whatever the program's is. */
#pragma once

#include <glib.h>

#define DIFFUSION_GETTEXT_DOMAIN "gimp-diffusion"

#ifndef _
#define _(text) g_dgettext (DIFFUSION_GETTEXT_DOMAIN, text)
#define N_(text) (text)
#endif
