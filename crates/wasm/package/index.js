// Everything that a script needs, without anything that is seen. See README.md.

export { Decoder } from "./stream_decoder.js";
export { Encoder, encode } from "./stream_encoder.js";
export { MelismaError } from "./module.js";
export { Playback } from "./playback.js";
export { Track, open } from "./track.js";
export { readWav } from "./wav.js";
