/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plug-in: which procedures there are. */
#include <libgimp/gimp.h>

#include "core/base/i18n.h"
#include "plugin/denoise.h"
#include "plugin/generate.h"
#include "plugin/interpolate.h"
#include "plugin/regenerate.h"
#include "plugin/repeat.h"

/* A name for GIMP to find the help pages under; nothing is fetched from there. */
#define HELP_DOMAIN "https://gimp-diffusion.invalid/help"

#define DIFFUSION_TYPE_PLUG_IN (diffusion_plug_in_get_type ())
G_DECLARE_FINAL_TYPE (DiffusionPlugIn, diffusion_plug_in, DIFFUSION, PLUG_IN, GimpPlugIn)

struct _DiffusionPlugIn
{
  GimpPlugIn parent_instance;
};

G_DEFINE_TYPE (DiffusionPlugIn, diffusion_plug_in, GIMP_TYPE_PLUG_IN)

static const struct
{
  const char *name;
  GimpProcedure *(*create) (GimpPlugIn *plug_in);
} procedures[] = {
  { DIFFUSION_DENOISE_PROCEDURE, diffusion_denoise_procedure_new },
  { DIFFUSION_GENERATE_PROCEDURE, diffusion_generate_procedure_new },
  { DIFFUSION_INTERPOLATE_PROCEDURE, diffusion_interpolate_procedure_new },
  { DIFFUSION_REGENERATE_PROCEDURE, diffusion_regenerate_procedure_new },
  { DIFFUSION_REPEAT_PROCEDURE, diffusion_repeat_procedure_new },
};

/* What lies beside the program under @name, or NULL. */
static char *
find_beside (const char *name)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program ? g_path_get_dirname (program) : NULL;
  g_autofree char *path = folder ? g_build_filename (folder, name, NULL) : NULL;

  return path && g_file_test (path, G_FILE_TEST_IS_DIR) ? g_steal_pointer (&path) : NULL;
}

static GList *
diffusion_plug_in_query_procedures (GimpPlugIn *plug_in)
{
  GList *names = NULL;
  g_autofree char *help = find_beside ("help");

  if (help)
    {
      g_autoptr (GFile) folder = g_file_new_for_path (help);

      gimp_plug_in_set_help_domain (plug_in, HELP_DOMAIN, folder);
    }

  for (guint i = G_N_ELEMENTS (procedures); i-- > 0;)
    names = g_list_prepend (names, g_strdup (procedures[i].name));
  return names;
}

static GimpProcedure *
diffusion_plug_in_create_procedure (GimpPlugIn *plug_in, const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (procedures); i++)
    if (g_str_equal (name, procedures[i].name))
      return procedures[i].create (plug_in);
  return NULL;
}

/* Translations are in "locale" beside the program; a build folder has none. */
static gboolean
diffusion_plug_in_set_i18n (GimpPlugIn *plug_in, const gchar *name, gchar **gettext_domain, gchar **catalog_dir)
{
  g_autofree char *catalogs = find_beside ("locale");

  *gettext_domain = g_strdup (DIFFUSION_GETTEXT_DOMAIN);
  *catalog_dir = g_strdup ("locale");
  return catalogs != NULL;
}

static void
diffusion_plug_in_class_init (DiffusionPlugInClass *class)
{
  GimpPlugInClass *plug_in_class = GIMP_PLUG_IN_CLASS (class);

  plug_in_class->query_procedures = diffusion_plug_in_query_procedures;
  plug_in_class->create_procedure = diffusion_plug_in_create_procedure;
  plug_in_class->set_i18n = diffusion_plug_in_set_i18n;
}

static void
diffusion_plug_in_init (DiffusionPlugIn *self)
{
}

GIMP_MAIN (DIFFUSION_TYPE_PLUG_IN)
