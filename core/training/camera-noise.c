/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise as a camera makes it: sensor, demosaicing, colour matrix, tone curve, light filtering. */
#include "core/training/camera-noise.h"

#include <math.h>
#include <string.h>

#include "core/training/blotches.h"

/* Pixels computed around the patch so that no filter sees the patch's border. */
#define MARGIN 16
/* Entries of the inverse tone curve. */
#define CURVE 256
/* Parameters and noise read different channels of the random field. */
#define PARAMETER_CHANNEL 64
#define BLOTCH_CHANNEL 128
#define BLOTCH_PARAMETER 64
#define MOTTLE_PARAMETER 80

typedef struct
{
  const DiffusionStream *stream;
  gint next;
} Dice;

typedef enum
{
  DEMOSAIC_LINEAR,   /* bilinear plus a share of the Laplacian correction of Malvar, He and Cutler (2004) */
  DEMOSAIC_DIRECTED, /* green along the smaller gradient (Hamilton and Adams 1997), then colour differences */
  DEMOSAIC_NONE      /* white or grain: no mosaic */
} Demosaic;

typedef struct
{
  float linear[CURVE + 1];   /* scene value for a displayed value k / CURVE */
  float slope[CURVE + 1];    /* d displayed / d scene there */
  float to_display[3][3];    /* balanced camera colour to display colour, rows sum to 1 */
  float to_camera[3][3];     /* its inverse */
  float balance[3];          /* white balance gains */
  float read_share;          /* sensor value at which read noise equals shot noise */
  gint phase_x, phase_y;     /* where the mosaic starts */
  Demosaic demosaic;
  float correction;          /* share of the Laplacian correction */
  float decision_noise;      /* noise relative to the signal where the direction is decided */
  float luma_blur, chroma_blur, chroma_share; /* converters' noise reduction */
  float mottle_blur, mottle_share; /* the share of luma's noise that is smoothed more widely */
  float chroma_left;         /* what it leaves of the chroma's deviation; above 1 where saturation is raised */
  float flat_left;           /* what it leaves where the picture is flat; edges and texture keep theirs */
  float flat_contrast;       /* contrast of a texture that counts as half flat */
  float sharpen, sharpen_radius;
  float blotches[2];         /* coarse noise of R − Y and B − Y, as shares of the rest's deviation */
  float octaves[DIFFUSION_BLOTCH_OCTAVES];
  float luma_blotches;       /* the same of luma, finer */
  float white_share;         /* independent noise added after all, as after a reduction in size */
} Camera;

static float
uniform (Dice *dice, float low, float high)
{
  return low + (high - low) * (float) diffusion_random_uniform (dice->stream, dice->next++, 0, PARAMETER_CHANNEL);
}

static float
log_uniform (Dice *dice, float low, float high)
{
  return low * powf (high / low, uniform (dice, 0, 1));
}

static gboolean
chance (Dice *dice, float probability)
{
  return uniform (dice, 0, 1) < probability;
}

static void
invert3 (float m[3][3], float out[3][3])
{
  float det = 0;

  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      out[j][i] = m[(i + 1) % 3][(j + 1) % 3] * m[(i + 2) % 3][(j + 2) % 3] -
                  m[(i + 1) % 3][(j + 2) % 3] * m[(i + 2) % 3][(j + 1) % 3];
  for (int j = 0; j < 3; j++)
    det += m[0][j] * out[j][0];
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      out[i][j] /= det;
}

/* Tone curve: the sRGB curve or a power, then a share of the S curve 3g² − 2g³. */
static float
tone (float linear, float gamma, float contrast)
{
  float g = gamma > 0                ? powf (linear, 1 / gamma)
            : linear <= 0.0031308f ? 12.92f * linear
                                     : 1.055f * powf (linear, 1 / 2.4f) - 0.055f;

  return g + contrast * (g * g * (3 - 2 * g) - g);
}

static void
make_curve (Camera *camera, float gamma, float contrast)
{
  /* The forward curve on a grid that is finer towards black, then read backwards. */
  enum { GRID = 512 };
  float value[GRID + 1];
  int k = 0;

  for (int i = 0; i <= GRID; i++)
    value[i] = tone ((float) i / GRID * i / GRID, gamma, contrast);
  for (int i = 0; i <= CURVE; i++)
    {
      float target = (float) i / CURVE;
      float position, run;

      while (k < GRID - 1 && value[k + 1] < target)
        k++;
      position = ((float) k + CLAMP ((target - value[k]) / MAX (value[k + 1] - value[k], 1e-9f), 0, 1)) / GRID;
      run = (float) ((k + 1) * (k + 1) - k * k) / GRID / GRID;
      camera->linear[i] = position * position;
      camera->slope[i] = (value[k + 1] - value[k]) / run;
    }
  /* The step from black is not a slope. */
  camera->slope[0] = camera->slope[1];
}

static void
draw_camera (Camera *camera, Dice *dice)
{
  float gamma, contrast, kind;

  memset (camera, 0, sizeof *camera);
  camera->chroma_left = camera->flat_left = 1;
  gamma = chance (dice, 0.6f) ? 0 : uniform (dice, 1.8f, 2.4f);
  contrast = uniform (dice, 0, 0.9f);
  make_curve (camera, gamma, contrast);

  camera->to_display[0][1] = -uniform (dice, 0.15f, 0.7f);
  camera->to_display[0][2] = uniform (dice, -0.25f, 0.15f);
  camera->to_display[1][0] = -uniform (dice, 0.02f, 0.25f);
  camera->to_display[1][2] = -uniform (dice, 0.05f, 0.35f);
  camera->to_display[2][0] = uniform (dice, -0.1f, 0.15f);
  camera->to_display[2][1] = -uniform (dice, 0.1f, 0.6f);
  for (int i = 0; i < 3; i++)
    camera->to_display[i][i] = 1 - camera->to_display[i][(i + 1) % 3] - camera->to_display[i][(i + 2) % 3];
  invert3 (camera->to_display, camera->to_camera);
  camera->balance[0] = log_uniform (dice, 1.2f, 3.2f);
  camera->balance[1] = 1;
  camera->balance[2] = log_uniform (dice, 1.2f, 3.2f);
  camera->read_share = log_uniform (dice, 3e-4f, 6e-2f);
  camera->phase_x = chance (dice, 0.5f);
  camera->phase_y = chance (dice, 0.5f);

  kind = uniform (dice, 0, 1);
  camera->demosaic = kind < 0.35f ? DEMOSAIC_LINEAR : kind < 0.94f ? DEMOSAIC_DIRECTED : DEMOSAIC_NONE;
  camera->correction = chance (dice, 0.4f) ? 0 : uniform (dice, 0, 1);
  camera->decision_noise = log_uniform (dice, 0.01f, 0.2f);
  if (camera->demosaic == DEMOSAIC_NONE)
    {
      /* Grain of film: one layer of silver or three of dye, as wide as the scan resolves. */
      camera->luma_blur = uniform (dice, 0, 1);
      camera->chroma_blur = camera->luma_blur + uniform (dice, 0, 0.5f);
      camera->chroma_share = 1;
      return;
    }
  if (chance (dice, 0.8f))
    camera->luma_blur = uniform (dice, 0.3f, 0.85f);
  if (chance (dice, 0.92f))
    {
      float spared = uniform (dice, 0, 1);

      camera->chroma_blur = log_uniform (dice, 1, 5);
      camera->chroma_share = 0.98f - 0.6f * spared * spared * spared;
    }
  if (chance (dice, 0.35f))
    camera->chroma_left = log_uniform (dice, 0.12f, 1);
  else if (chance (dice, 0.4f))
    camera->chroma_left = uniform (dice, 1, 2);
  if (chance (dice, 0.3f))
    {
      camera->flat_left = uniform (dice, 0.3f, 1);
      camera->flat_contrast = log_uniform (dice, 0.02f, 0.15f);
    }
  if (chance (dice, 0.25f))
    {
      camera->sharpen = uniform (dice, 0.2f, 0.8f);
      camera->sharpen_radius = uniform (dice, 0.6f, 1.4f);
    }
  if (chance (dice, 0.15f))
    camera->white_share = uniform (dice, 0.1f, 0.7f);
}

/* Parameters of their own, here and for mottle, so that cameras without are what they were before there were any. */
static void
draw_blotches (Camera *camera, Dice *dice)
{
  if (camera->demosaic == DEMOSAIC_NONE || !chance (dice, 0.6f))
    return;
  camera->blotches[1] = log_uniform (dice, 0.2f, 1.1f);
  camera->blotches[0] = camera->blotches[1] * uniform (dice, 0.5f, 1);
  for (int i = 0; i < DIFFUSION_BLOTCH_OCTAVES; i++)
    camera->octaves[i] = log_uniform (dice, 0.3f, 1);
  /* Where the coarse part is left the fine one is mostly gone. */
  if (chance (dice, 0.7f))
    camera->chroma_left = log_uniform (dice, 0.1f, 0.5f);
}

/* Cameras' own noise reduction leaves luma coarse: the finest part is mostly gone, what is wider than a few pixels is
 * not, so the spectrum falls over three octaves where one Gaussian's falls over one. Chroma is smoothed more still. */
static void
draw_mottle (Camera *camera, Dice *dice)
{
  if (camera->demosaic == DEMOSAIC_NONE || !chance (dice, 0.5f))
    return;
  camera->mottle_blur = log_uniform (dice, 0.9f, 2.2f);
  camera->mottle_share = uniform (dice, 0.2f, 0.9f);
  camera->luma_blotches = chance (dice, 0.7f) ? log_uniform (dice, 0.1f, 0.5f) : 0;
  if (camera->chroma_left >= 1 && chance (dice, 0.8f))
    camera->chroma_left = log_uniform (dice, 0.1f, 0.7f);
  if (camera->flat_left == 1 && chance (dice, 0.7f))
    {
      camera->flat_left = uniform (dice, 0.2f, 0.9f);
      camera->flat_contrast = log_uniform (dice, 0.02f, 0.15f);
    }
}

static inline float
look_up (const float *table, float value)
{
  float position = CLAMP (value, 0, 1) * CURVE;
  int k = MIN ((int) position, CURVE - 1);

  return table[k] + (position - (float) k) * (table[k + 1] - table[k]);
}

static inline gint
mirror (gint i, gint n)
{
  gint period = 2 * (n - 1);

  i = ABS (i) % period;
  return i < n ? i : period - i;
}

/* Normal numbers for an even number of columns, four to a random block. */
static void
fill_normal (const DiffusionStream *stream, guint32 plane, gint width, gint height, float *out)
{
  DiffusionStream field = *stream;

  field.seed += 0x9E3779B97F4A7C15u * plane;
  diffusion_random_normal_fill (&field, 0, 0, width / 4, height, 4, out);
}

static inline gint
site (const Camera *camera, gint x, gint y)
{
  gint column = (x + camera->phase_x) & 1, row = (y + camera->phase_y) & 1;

  return row == column ? 2 * row : 1;
}

/* The mosaic of noise, and of the scene that the direction of interpolation is decided on. */
static void
expose (const Camera *camera, const float *clean, gint h, gint w, gint height, gint width, float *noise,
        float *scene)
{
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      {
        const float *pixel = clean + ((gsize) mirror (y - MARGIN, h) * (gsize) w + (gsize) mirror (x - MARGIN, w)) * 3;
        gint c = site (camera, x, y);
        gsize i = (gsize) y * (gsize) width + (gsize) x;
        float value = 0;

        for (int k = 0; k < 3; k++)
          value += camera->to_camera[c][k] * look_up (camera->linear, 0.5f + 0.5f * pixel[k]);
        value = MAX (value, 0);
        noise[i] *= sqrtf (value / camera->balance[c] + camera->read_share) * camera->balance[c];
        scene[i] = value + camera->decision_noise * noise[i];
      }
}

/* Demosaicing. Every output plane is linear in the mosaic m except for the choice of direction. Two pixels at
 * each border are left at zero; they are in the margin. */
static void
demosaic_linear (const Camera *camera, const float *m, gint height, gint width, float *planes[3])
{
  const float a = camera->correction / 8;
  const gssize s = width;

  for (gint y = 2; y < height - 2; y++)
    for (gint x = 2; x < width - 2; x++)
      {
        gssize i = y * s + x;
        gint c = site (camera, x, y);
        float four = m[i - 2] + m[i + 2] + m[i - 2 * s] + m[i + 2 * s];
        float cross = m[i - 1] + m[i + 1] + m[i - s] + m[i + s];
        float corners = m[i - s - 1] + m[i - s + 1] + m[i + s - 1] + m[i + s + 1];

        planes[c][i] = m[i];
        if (c != 1)
          {
            planes[1][i] = 0.25f * cross + a * (4 * m[i] - four);
            planes[2 - c][i] = 0.25f * corners + 1.5f * a * (4 * m[i] - four);
          }
        else
          {
            gint beside = site (camera, x + 1, y);
            float h = m[i - 2] + m[i + 2], v = m[i - 2 * s] + m[i + 2 * s];

            planes[beside][i] = 0.5f * (m[i - 1] + m[i + 1]) + a * (5 * m[i] - corners - h + 0.5f * v);
            planes[2 - beside][i] = 0.5f * (m[i - s] + m[i + s]) + a * (5 * m[i] - corners - v + 0.5f * h);
          }
      }
}

static void
demosaic_directed (const Camera *camera, const float *m, const float *scene, gint height, gint width,
                   float *planes[3])
{
  const gssize s = width;
  float *green = planes[1];
  const float share = 0.25f + 0.25f * camera->correction;

  for (gint y = 2; y < height - 2; y++)
    for (gint x = 2; x < width - 2; x++)
      {
        gssize i = y * s + x;

        if (site (camera, x, y) == 1)
          green[i] = m[i];
        else
          {
            float across = fabsf (scene[i - 1] - scene[i + 1]) + fabsf (2 * scene[i] - scene[i - 2] - scene[i + 2]);
            float along = fabsf (scene[i - s] - scene[i + s]) +
                          fabsf (2 * scene[i] - scene[i - 2 * s] - scene[i + 2 * s]);
            float weight = along * along / MAX (along * along + across * across, 1e-12f);
            float h = 0.5f * (m[i - 1] + m[i + 1]) + 0.5f * share * (2 * m[i] - m[i - 2] - m[i + 2]);
            float v = 0.5f * (m[i - s] + m[i + s]) + 0.5f * share * (2 * m[i] - m[i - 2 * s] - m[i + 2 * s]);

            green[i] = weight * h + (1 - weight) * v;
          }
      }
  for (gint y = 3; y < height - 3; y++)
    for (gint x = 3; x < width - 3; x++)
      {
        gssize i = y * s + x;
        gint c = site (camera, x, y);

        if (c == 1)
          {
            gint beside = site (camera, x + 1, y);

            planes[beside][i] = green[i] + 0.5f * (m[i - 1] - green[i - 1] + m[i + 1] - green[i + 1]);
            planes[2 - beside][i] = green[i] + 0.5f * (m[i - s] - green[i - s] + m[i + s] - green[i + s]);
          }
        else
          {
            planes[c][i] = m[i];
            planes[2 - c][i] = green[i] + 0.25f * (m[i - s - 1] - green[i - s - 1] + m[i - s + 1] - green[i - s + 1] +
                                                   m[i + s - 1] - green[i + s - 1] + m[i + s + 1] - green[i + s + 1]);
          }
      }
}

/* Gaussian blur in place, zero outside. */
static void
blur (float *plane, gint height, gint width, float sigma, float *scratch)
{
  float weights[9];
  gint radius = MIN ((gint) ceilf (3 * sigma), 8);
  float sum = 0;

  if (sigma <= 0)
    return;
  for (gint k = 0; k <= radius; k++)
    {
      weights[k] = expf (-0.5f * (float) (k * k) / (sigma * sigma));
      sum += k > 0 ? 2 * weights[k] : weights[k];
    }
  for (gint k = 0; k <= radius; k++)
    weights[k] /= sum;

  memset (scratch, 0, (gsize) height * (gsize) width * sizeof (float));
  for (gint y = 0; y < height; y++)
    {
      const float *in = plane + (gsize) y * (gsize) width;
      float *out = scratch + (gsize) y * (gsize) width;

      for (gint x = radius; x < width - radius; x++)
        out[x] = weights[0] * in[x];
      for (gint k = 1; k <= radius; k++)
        for (gint x = radius; x < width - radius; x++)
          out[x] += weights[k] * (in[x - k] + in[x + k]);
    }
  memset (plane, 0, (gsize) height * (gsize) width * sizeof (float));
  for (gint y = radius; y < height - radius; y++)
    {
      float *out = plane + (gsize) y * (gsize) width;

      for (gint k = -radius; k <= radius; k++)
        {
          const float *in = scratch + (gsize) (y + k) * (gsize) width;

          for (gint x = 0; x < width; x++)
            out[x] += weights[ABS (k)] * in[x];
        }
    }
}

/* A share of the plane is replaced by its blur; a negative share sharpens. */
static void
soften (float *plane, gint height, gint width, float sigma, float share, float *scratch)
{
  gsize n = (gsize) height * (gsize) width;
  float *soft = scratch + n;

  if (sigma <= 0)
    return;
  memcpy (soft, plane, n * sizeof (float));
  blur (soft, height, width, sigma, scratch);
  for (gsize i = 0; i < n; i++)
    plane[i] += share * (soft[i] - plane[i]);
}

/* Forward again: white balance (already in the noise), colour matrix, slope of the tone curve. */
static void
develop (const Camera *camera, const float *clean, gint h, gint w, gint height, gint width, float *planes[3])
{
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      {
        const float *pixel = clean + ((gsize) mirror (y - MARGIN, h) * (gsize) w + (gsize) mirror (x - MARGIN, w)) * 3;
        gsize i = (gsize) y * (gsize) width + (gsize) x;
        float r = planes[0][i], g = planes[1][i], b = planes[2][i];

        for (int c = 0; c < 3; c++)
          {
            const float *row = camera->to_display[c];

            planes[c][i] = (row[0] * r + row[1] * g + row[2] * b) * look_up (camera->slope, 0.5f + 0.5f * pixel[c]);
          }
      }
}

/* Luma and chroma are smoothed apart, as converters do; a share of the chroma keeps its fine part. */
static void
reduce (const Camera *camera, gint height, gint width, float *planes[3], float *scratch)
{
  gsize n = (gsize) height * (gsize) width;
  float *red = planes[0], *luma = planes[1], *blue = planes[2];

  if (camera->luma_blur <= 0 && camera->mottle_blur <= 0 && camera->chroma_blur <= 0 && camera->sharpen <= 0
      && camera->chroma_left == 1)
    return;
  for (gsize i = 0; i < n; i++)
    {
      float y = 0.3f * red[i] + 0.59f * luma[i] + 0.11f * blue[i];

      red[i] -= y;
      blue[i] -= y;
      luma[i] = y;
    }
  blur (luma, height, width, camera->luma_blur, scratch);
  soften (luma, height, width, camera->mottle_blur, camera->mottle_share, scratch);
  soften (luma, height, width, camera->sharpen_radius, -camera->sharpen, scratch);
  for (int c = 0; c < 3; c += 2)
    soften (planes[c], height, width, camera->chroma_blur, camera->chroma_share, scratch);
  for (gsize i = 0; i < n; i++)
    {
      float y = luma[i];

      red[i] *= camera->chroma_left;
      blue[i] *= camera->chroma_left;
      luma[i] = y - (0.3f * red[i] + 0.11f * blue[i]) / 0.59f;
      red[i] += y;
      blue[i] += y;
    }
}

/* Noise reduction that looks at the picture: what is flat is smoothed most. The noise is scaled by the local
 * contrast (deviation over 5×5 pixels of luma) of the clean patch. */
static void
spare_texture (const Camera *camera, const float *clean, gint height, gint width, float *epsilon, float *scratch)
{
  const float half = camera->flat_contrast * camera->flat_contrast;

  if (camera->flat_left == 1)
    return;
  for (gint i = 0; i < height * width; i++)
    scratch[i] = 0.3f * clean[i * 3] + 0.59f * clean[i * 3 + 1] + 0.11f * clean[i * 3 + 2];
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      {
        float sum = 0, square = 0, variance, keep;

        for (gint j = -2; j <= 2; j++)
          for (gint i = -2; i <= 2; i++)
            {
              float value = scratch[mirror (y + j, height) * width + mirror (x + i, width)];

              sum += value;
              square += value * value;
            }
        variance = MAX (square / 25 - sum * sum / 625, 0) / 4;
        keep = camera->flat_left + (1 - camera->flat_left) * variance / (variance + half);
        for (int c = 0; c < 3; c++)
          epsilon[(y * width + x) * 3 + c] *= keep;
      }
}

/* What cameras leave of the noise when they write JPEG: colour that changes slowly, about as much in every octave
 * from 8 to 64 pixels, and of luma the finer of these octaves. Chroma's leave luma as it is. */
static void
add_blotches (const Camera *camera, const DiffusionStream *stream, gint height, gint width, float deviation,
              float *epsilon, float *scratch)
{
  static const float luma_octaves[DIFFUSION_BLOTCH_OCTAVES] = { 1, 0.5f, 0.25f, 0.12f };
  const struct
  {
    float share, red, green, blue;
    const float *octaves;
  } layers[] = { { camera->blotches[0], 1, -0.3f / 0.59f, 0, camera->octaves },
                 { camera->blotches[1], 0, -0.11f / 0.59f, 1, camera->octaves },
                 { camera->luma_blotches, 1, 1, 1, luma_octaves } };

  for (guint k = 0; k < G_N_ELEMENTS (layers); k++)
    {
      const float level = deviation * layers[k].share;

      if (level == 0)
        continue;
      diffusion_blotches_fill (stream, BLOTCH_CHANNEL + 2 * DIFFUSION_BLOTCH_OCTAVES * (gint) k, layers[k].octaves, height,
                               width, scratch);
      for (gint i = 0; i < height * width; i++)
        {
          epsilon[3 * i] += level * layers[k].red * scratch[i];
          epsilon[3 * i + 1] += level * layers[k].green * scratch[i];
          epsilon[3 * i + 2] += level * layers[k].blue * scratch[i];
        }
    }
}

static double
mean_square (const float *values, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (double) values[i] * values[i];
  return sum / (double) n;
}

void
diffusion_camera_noise (const DiffusionStream *stream, const float *clean, gint height, gint width, float *epsilon)
{
  const gint tall = height + 2 * MARGIN, wide = (width + 2 * MARGIN + 3) / 4 * 4;
  const gsize n = (gsize) tall * (gsize) wide, samples = (gsize) height * (gsize) width * 3;
  g_autofree float *block = g_new0 (float, 7 * n);
  float *planes[3] = { block, block + n, block + 2 * n };
  float *noise = block + 3 * n, *scene = block + 4 * n, *scratch = block + 5 * n;
  Dice dice = { stream, 0 }, blotch_dice = { stream, BLOTCH_PARAMETER }, mottle_dice = { stream, MOTTLE_PARAMETER };
  Camera camera;
  double square;

  draw_camera (&camera, &dice);
  draw_blotches (&camera, &blotch_dice);
  draw_mottle (&camera, &mottle_dice);
  if (camera.demosaic == DEMOSAIC_NONE)
    {
      float common = uniform (&dice, 0, 1);

      fill_normal (stream, 4, wide, tall, noise);
      for (guint c = 0; c < 3; c++)
        {
          fill_normal (stream, c + 1, wide, tall, planes[c]);
          for (gsize i = 0; i < n; i++)
            planes[c][i] = common * noise[i] + (1 - common) * planes[c][i];
        }
      /* Grain is nearly even in the displayed value: its own level, with a gentle slope from the tone curve. */
      for (gint i = 0; i <= CURVE; i++)
        camera.slope[i] = 1 + camera.read_share * 10 * camera.slope[i];
      memcpy (camera.to_display, (float[3][3]) { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }, sizeof camera.to_display);
    }
  else
    {
      fill_normal (stream, 0, wide, tall, noise);
      expose (&camera, clean, height, width, tall, wide, noise, scene);
      if (camera.demosaic == DEMOSAIC_LINEAR)
        demosaic_linear (&camera, noise, tall, wide, planes);
      else
        demosaic_directed (&camera, noise, scene, tall, wide, planes);
    }
  develop (&camera, clean, height, width, tall, wide, planes);
  reduce (&camera, tall, wide, planes, scratch);

  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      for (int c = 0; c < 3; c++)
        epsilon[((gsize) y * (gsize) width + (gsize) x) * 3 + (gsize) c] =
          planes[c][(gsize) (y + MARGIN) * (gsize) wide + (gsize) (x + MARGIN)];

  spare_texture (&camera, clean, height, width, epsilon, scratch);
  add_blotches (&camera, stream, height, width, (float) sqrt (mean_square (epsilon, samples)), epsilon, scratch);
  square = mean_square (epsilon, samples);
  if (camera.white_share > 0 || !(square > 1e-12))
    {
      /* Where the tone curve is flat all over (a blown-out patch) white noise is all there is. */
      float level = square > 1e-12 ? camera.white_share * (float) sqrt (square) : 1;

      for (guint c = 0; c < 3; c++)
        {
          fill_normal (stream, c + 5, wide, tall, planes[c]);
          for (gint y = 0; y < height; y++)
            for (gint x = 0; x < width; x++)
              epsilon[((gsize) y * (gsize) width + (gsize) x) * 3 + c] +=
                level * planes[c][(gsize) y * (gsize) wide + (gsize) x];
        }
      square = mean_square (epsilon, samples);
    }
  for (gsize i = 0; i < samples; i++)
    epsilon[i] *= (float) (1 / sqrt (square));
}
