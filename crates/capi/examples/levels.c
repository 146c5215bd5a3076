/* Reads a .mlsm file: what it says about itself, its level second by second, which band is loudest; and encodes a part
 * of it anew.
 *
 *   cc levels.c -I ../include -L ../../../target/release -lmelisma -lm -o levels
 *   LD_LIBRARY_PATH=../../../target/release ./levels song.mlsm part.mlsm
 */
#include "melisma.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, melisma_last_error());
    return 1;
}

/* Mean level of each second, from where the file stands to its end. */
static int print_levels(MelismaFile *file, const MelismaInfo *info) {
    size_t room = (size_t)info->sample_rate;
    float *samples = malloc(room * info->channels * sizeof *samples);
    if (samples == NULL) return fprintf(stderr, "no memory\n"), 1;
    int64_t count;
    for (unsigned second = 0; (count = melisma_read(file, samples, room)) > 0; second++) {
        double power = 0;
        for (size_t i = 0; i < (size_t)count * info->channels; i++) power += samples[i] * samples[i];
        printf("second %u: %.1f dB\n", second, 10 * log10(power / ((double)count * info->channels) + 1e-12));
    }
    free(samples);
    return count < 0 ? fail("reading") : 0;
}

/* The band that is loudest on average. */
static int print_loudest_band(const MelismaFile *file) {
    int64_t frames = melisma_sketch(file, NULL, NULL, 0);
    if (frames < 0) return fail("sketch");
    size_t bands = melisma_sketch_bands(), loudest = 0;
    float *mid = malloc((size_t)frames * bands * sizeof *mid);
    double *power = calloc(bands, sizeof *power);
    if (mid == NULL || power == NULL) return fprintf(stderr, "no memory\n"), 1;
    if (melisma_sketch(file, mid, NULL, (size_t)frames) < 0) return fail("sketch");
    for (size_t i = 0; i < (size_t)frames * bands; i++) power[i % bands] += pow(10, mid[i] / 10);
    for (size_t band = 0; band < bands; band++)
        if (power[band] > power[loudest]) loudest = band;
    printf("loudest band: %zu of %zu, over %lld frames\n", loudest, bands, (long long)frames);
    free(mid);
    free(power);
    return 0;
}

/* Its second half, smaller. */
static int encode_half(MelismaFile *file, const MelismaInfo *info, const char *path) {
    if (melisma_seek(file, info->samples / 2) != MELISMA_STATUS_OK) return fail("seeking");
    size_t wanted = (size_t)(info->samples - info->samples / 2), bytes = 0;
    float *samples = malloc(wanted * info->channels * sizeof *samples + 1);
    if (samples == NULL) return fprintf(stderr, "no memory\n"), 1;
    int64_t count = melisma_read(file, samples, wanted);
    if (count < 0) return fail("reading");
    MelismaSettings settings = melisma_default_settings();
    settings.bitrate = 16000;
    uint8_t *coded = melisma_encode(samples, (size_t)count, info->channels, info->sample_rate, &settings, &bytes);
    free(samples);
    if (coded == NULL) return fail("encoding");
    FILE *out = fopen(path, "wb");
    int failed = out == NULL || fwrite(coded, 1, bytes, out) != bytes || fclose(out) != 0;
    melisma_free(coded, bytes);
    if (failed) return perror(path), 1;
    printf("%s: %zu bytes, %lld samples\n", path, bytes, (long long)count);
    return 0;
}

int main(int count, char **arguments) {
    if (count != 3) return fprintf(stderr, "usage: levels SONG.mlsm PART.mlsm\n"), 2;
    MelismaFile *file = melisma_open(arguments[1]);
    if (file == NULL) return fail("opening");
    MelismaInfo info;
    if (melisma_info(file, &info) != MELISMA_STATUS_OK) return fail("info");
    const char *title = melisma_tag(file, "TITLE", 0);
    printf("%s: %.2f s, %u Hz, %u channels\n", title ? title : arguments[1], (double)info.samples / info.sample_rate,
           info.sample_rate, info.channels);
    int failed = print_levels(file, &info) || print_loudest_band(file) || encode_half(file, &info, arguments[2]);
    melisma_close(file);
    return failed;
}
