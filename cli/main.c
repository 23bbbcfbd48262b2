/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The `diffusion` command: finds the verb and turns errors into messages and exit codes. */
#include <errno.h>
#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/config.h"
#include "cli/group.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "core/diffusion.h"
#include "core/pictures/pictures.h"

enum
{
  EXIT_DONE = 0,
  EXIT_FAILED = 1,
  EXIT_USAGE = 2
};

static void
print_help (FILE *out)
{
  fputs (_ ("Usage: diffusion VERB [OPTION…] [ARGUMENT…]\n\n"
            "Diffusion models for pictures, on the processor of this computer.\n\nVerbs:\n"),
         out);
  for (guint i = 0; cli_verbs[i] != NULL; i++)
    fprintf (out, "  %-17s %s\n", cli_verbs[i]->name, _ (cli_verbs[i]->brief));
  fputs (_ ("\nOptions:\n"
            "  -h, --help        this text; after a verb, all about that verb\n"
            "      --version     the version\n\n"
            "A MODEL is the name of an installed model (see “diffusion models”), a model folder, or a\n"
            ".safetensors, .pt or .ckpt file.\n"
            "Exit codes: 0 done, 1 failed (the message says why; no partial output is left), 2 wrong usage.\n"),
         out);
}

static const CliVerb *
find_verb (const char *name)
{
  for (guint i = 0; cli_verbs[i] != NULL; i++)
    if (strcmp (cli_verbs[i]->name, name) == 0)
      return cli_verbs[i];
  return NULL;
}

static int
report (const char *verb, const GError *error)
{
  if (g_error_matches (error, DIFFUSION_ERROR, DIFFUSION_ERROR_ELSEWHERE))
    return EXIT_FAILED;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_printerr (_ ("diffusion %s: stopped\n"), verb);
      return EXIT_FAILED;
    }
  g_printerr ("diffusion %s: %s\n", verb, error->message);
  if (error->domain != CLI_USAGE_ERROR)
    return EXIT_FAILED;
  g_printerr (_ ("Try “diffusion %s --help”.\n"), verb);
  return EXIT_USAGE;
}

/* The library's warnings, as messages of the command. */
static void
show_warning (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if (isatty (STDERR_FILENO))
    g_printerr ("\r\033[K");
  g_printerr (_ ("diffusion: warning: %s\n"), message);
}

static int
run (const CliVerb *verb, int argc, char **argv)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  cli_interrupt_watch (cancellable);
  if (!verb->run (verb, argc, argv, cancellable, &error))
    return report (verb->name, error);
  return EXIT_DONE;
}

/* What stdio still holds is only written here: a full disk shows up now. */
static int
close_stdout (int status)
{
  gboolean failed = ferror (stdout) != 0;

  errno = 0;
  if (fflush (stdout) == 0 && !failed)
    return status;
  g_printerr (_ ("diffusion: cannot write to standard output: %s\n"), g_strerror (errno != 0 ? errno : EIO));
  return status == EXIT_DONE ? EXIT_FAILED : status;
}

int
main (int argc, char **argv)
{
  const CliVerb *verb = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (DIFFUSION_GETTEXT_DOMAIN, CLI_LOCALE_FOLDER);
  bind_textdomain_codeset (DIFFUSION_GETTEXT_DOMAIN, "UTF-8");
  g_set_prgname ("diffusion");
  g_log_set_handler ("diffusion", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE, show_warning, NULL);

  if (argc < 2)
    {
      print_help (stderr);
      return EXIT_USAGE;
    }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0 || strcmp (argv[1], "help") == 0)
    {
      /* "help VERB" is "VERB --help" */
      verb = argc > 2 ? find_verb (argv[2]) : NULL;
      if (verb != NULL)
        {
          char *help[] = { argv[2], (char *) "--help", NULL };

          return close_stdout (run (verb, 2, help));
        }
      print_help (stdout);
      return close_stdout (EXIT_DONE);
    }
  if (strcmp (argv[1], "--version") == 0)
    {
      printf ("diffusion %s\n", CLI_VERSION);
      return close_stdout (EXIT_DONE);
    }

  verb = find_verb (argv[1]);
  if (verb == NULL)
    {
      g_printerr (argv[1][0] == '-' ? _ ("diffusion: unknown option %s\n") : _ ("diffusion: unknown verb %s\n"), argv[1]);
      g_printerr (_ ("Try “diffusion --help”.\n"));
      return EXIT_USAGE;
    }

  int status = run (verb, argc - 1, argv + 1);
  cli_group_leave (status != EXIT_DONE);
  diffusion_pictures_shutdown ();
  return close_stdout (status);
}
