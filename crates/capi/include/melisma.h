// Melisma for C: .mlsm files opened, read, sought in and looked at; sound encoded.
//
// Samples are float, nominally from -1 to 1, interleaved: left, right, left, right. A count of samples is per channel.
// Functions that give a pointer give NULL when they fail, those that give a count give -1, those that give a
// MelismaStatus say what is wrong; melisma_last_error() says it in words. A pointer may be NULL wherever a handle or a
// path is wanted: that fails in the same way. A handle is for one thread at a time; different handles are independent.

#ifndef MELISMA_H
#define MELISMA_H

#include <stddef.h>
#include <stdint.h>

// How a call went.
typedef enum MelismaStatus {
  // Well.
  MELISMA_STATUS_OK = 0,
  // An argument is of no use: NULL, a rate or a setting out of range, a place behind the end.
  MELISMA_STATUS_INVALID = 1,
  // The operating system refused to read.
  MELISMA_STATUS_IO = 2,
  // The bytes are no .mlsm file, are damaged beyond use, or need a newer library.
  MELISMA_STATUS_FORMAT = 3,
  // A fault of this library, which is worth a report. The handle of that call must only be closed.
  MELISMA_STATUS_BUG = 4,
} MelismaStatus;

// What bits are spent on.
typedef enum MelismaTune {
  // Least audible difference.
  MELISMA_TUNE_MUSIC = 0,
  // Least squared error.
  MELISMA_TUNE_MSE = 1,
} MelismaTune;

// An open .mlsm file, and a place in its sound.
typedef struct MelismaFile MelismaFile;

// How a file is encoded. Fill it by melisma_default_settings, then change what is wanted.
typedef struct MelismaSettings {
  // Average bits per second of the whole file, 500 to 2,000,000; 0 if the quality decides.
  uint32_t bitrate;
  // 0 (smallest) to 10 (best), where no bitrate is given.
  float quality;
  // What bits are spent on: a MelismaTune.
  uint32_t tune;
} MelismaSettings;

// What a file says about itself.
typedef struct MelismaInfo {
  // Samples per channel.
  uint64_t samples;
  // Size of the file in bytes.
  uint64_t file_bytes;
  // Samples per second.
  uint32_t sample_rate;
  // 1 or 2.
  uint32_t channels;
  // Samples per second of the source, if it was resampled before coding; else 0.
  uint32_t original_sample_rate;
  // Loudness in LUFS (EBU R128); not a number if nobody measured it, minus infinity for silence.
  float loudness_lufs;
  // Largest true peak, 1 being full scale; not a number if nobody measured it.
  float true_peak;
} MelismaInfo;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Quality 5, tuned for music.
struct MelismaSettings melisma_default_settings(void);

// Encodes `samples` samples of each of `channels` (1 or 2) channels, interleaved, at 8,000 to 48,000 samples per second:
// the bytes of a .mlsm file, whose number is put into `bytes`. `settings` may be NULL. To be given back by melisma_free.
uint8_t *melisma_encode(const float *pcm,
                        size_t samples,
                        uint32_t channels,
                        uint32_t sample_rate,
                        const struct MelismaSettings *settings,
                        size_t *bytes);

// Gives the bytes of a file back; `bytes` is their number. NULL is none.
void melisma_free(uint8_t *data, size_t bytes);

// Opens a .mlsm file. On Windows the path is UTF-8. To be closed by melisma_close.
struct MelismaFile *melisma_open(const char *path);

// Opens a .mlsm file in memory, of which a copy is kept. To be closed by melisma_close.
struct MelismaFile *melisma_open_memory(const uint8_t *data, size_t bytes);

// Closes a file. NULL is none.
void melisma_close(struct MelismaFile *file);

// What a file says about itself.
enum MelismaStatus melisma_info(const struct MelismaFile *file, struct MelismaInfo *info);

// Value `number` of the tag `name`, such as "TITLE", counted from 0; NULL if there is none, which is no error. Belongs to
// the file.
const char *melisma_tag(const struct MelismaFile *file,
                        const char *name,
                        size_t number);

// Reads the next `samples` samples of each channel, interleaved, into `out`: how many there were, fewer than asked for
// only at the end; -1 if reading fails. Damaged places are silent.
int64_t melisma_read(struct MelismaFile *file,
                     float *out,
                     size_t samples);

// Goes to sample `sample` of each channel, exactly: the next melisma_read begins there.
enum MelismaStatus melisma_seek(struct MelismaFile *file, uint64_t sample);

// Samples of each channel that were met so far and are lost, because the file is damaged there.
uint64_t melisma_lost_samples(const struct MelismaFile *file);

// What went wrong in the last call of this thread that failed; empty before that. Belongs to the library, and is good
// until the next call of this thread fails.
const char *melisma_last_error(void);

// The version of this library, such as "0.1.0".
const char *melisma_version(void);

// Bands of each frame of a sketch.
size_t melisma_sketch_bands(void);

// Seconds from one frame of a sketch to the next.
double melisma_sketch_hop_seconds(void);

// Reads how loud each band is when, without decoding the sound: how many frames there are, or -1. Up to `frames` of them
// are written, frame after frame, each of melisma_sketch_bands() powers in dB, 0 dB being a mean square of 1 and -120 dB
// silence: of half the sum of left and right into `mid`, of half the difference into `side`. Either may be NULL, and with
// `frames` 0 it only counts. The place in the sound stays. What lies behind half an hour is not looked at.
int64_t melisma_sketch(const struct MelismaFile *file,
                       float *mid,
                       float *side,
                       size_t frames);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MELISMA_H */
