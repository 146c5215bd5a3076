// Types of the scripts. Times are seconds where they are so named, otherwise samples of a channel, from the beginning.

/** What can be opened: an address, a Blob or File, or the bytes of a file. */
export type Origin = string | URL | Blob | ArrayBuffer | ArrayBufferView;

/** What went wrong, in words; `code` is for programs. */
export class MelismaError extends Error {
  code: "not-melisma" | "unsupported" | "network" | "failed" | "aborted";
}

export interface Cover {
  /** MIME type, such as `image/jpeg`. */
  type: string;
  data: Uint8Array;
}

/** Names are those of Vorbis comments, in upper case; a name may repeat. */
export type Tags = [name: string, value: string][];

export interface Header {
  sampleRate: number;
  /** Rate before it was resampled; null if it was not. */
  originalSampleRate: number | null;
  channels: 1 | 2;
  /** Samples that the encoder announced; null if it did not know. */
  declaredSamples: number | null;
  /** Samples of the parts that are lost alone when damaged. */
  sectionSamples: number;
  tags: Tags;
  cover: Cover | null;
  title?: string;
  artist?: string;
  album?: string;
}

export interface Loudness {
  /** LUFS by EBU R128; null for silence. */
  integrated: number | null;
  /** Linear, 1 is full scale. */
  truePeak: number | null;
}

/** What stands at the end of a file, and is read from there first where a server gives ranges. */
export interface Trailer {
  samples: number;
  loudness: Loudness | null;
  sections: number;
}

/** A damaged place; its sound is silence of the same length. */
export interface Damage {
  byteOffset: number;
  position: number;
  samples: number;
  what: string;
}

/** Levels of bands over time in dB, `[frame * bands + band]`. */
export interface Picture {
  position: number;
  /** Samples from frame to frame. */
  hop: number;
  bands: number;
  frames: number;
  levels: Float32Array;
}

/** Bytes in, in pieces of any size, PCM out. Knows no network: see {@link Track}. */
export class Decoder {
  static create(module?: WebAssembly.Module): Promise<Decoder>;
  constructor(module: WebAssembly.Module);
  readonly header: Header | undefined;
  readonly trailer: Trailer | undefined;
  /** The sample with which the next `read` begins. */
  readonly position: number;
  feed(bytes: Uint8Array): void;
  end(): void;
  /** Takes the last bytes of a file: 0 if its trailer is known now, -1 if there is none, else how many bytes are needed. */
  tail(bytes: Uint8Array, fileBytes: number): number;
  /** After `tail` returned 0: begins anew by the header's copy at the end. */
  recover(): void;
  /** Writes the next samples into one array for each channel: how many; 0 if bytes are needed, or at the end. */
  read(channels: Float32Array[]): number;
  /** Makes the next `read` begin at `sample`; gives the byte of the file from which to feed now. */
  seek(sample: number): number;
  takeDamage(): Damage[];
  takePicture(): Picture | undefined;
}

export interface Block {
  position: number;
  sampleRate: number;
  channels: Float32Array[];
}

/** A file that is read as it is wanted. Events: `header`, `trailer`, `damage`, `picture`, `progress`. */
export class Track extends EventTarget {
  constructor(origin: Origin, options?: { init?: RequestInit; module?: WebAssembly.Module });
  readonly header: Header | undefined;
  readonly trailer: Trailer | undefined;
  readonly samples: number | undefined;
  readonly duration: number | undefined;
  readonly position: number;
  readonly loadedBytes: number;
  readonly fileBytes: number | undefined;
  open(): Promise<this>;
  read(channels: Float32Array[]): Promise<number>;
  seek(sample: number): Promise<void>;
  /** Blocks of sound, from `from` seconds on. */
  pcm(options?: { from?: number }): AsyncGenerator<Block, void>;
  /** All sound at once. */
  decode(): Promise<Float32Array[]>;
  close(): void;
}

/** Opens a file and reads header, tags and cover. */
export function open(origin: Origin, options?: { init?: RequestInit; module?: WebAssembly.Module; onDamage?: (place: Damage) => void }): Promise<Track & { readonly header: Header }>;

export interface Sound {
  /** 8000 to 48000 Hz. */
  sampleRate: number;
  /** One or two, of the same length. */
  channels: Float32Array[];
  originalSampleRate?: number;
}

export interface EncodeOptions {
  /** 0 (smallest) to 10 (best); 5 if neither this nor `bitrate` is given. */
  quality?: number;
  /** Average bit/s of the whole file. */
  bitrate?: number;
  tags?: Tags;
  cover?: Cover | null;
}

/** Encodes a track on this thread, with a pause for others every second or so. */
export function encode(sound: Sound, options?: EncodeOptions & { onProgress?: (part: number) => void; signal?: AbortSignal }): Promise<Uint8Array>;

/** Encodes a track whose sound comes bit by bit. */
export class Encoder {
  static create(format: { sampleRate: number; channels: number; samples: number; originalSampleRate?: number }, options?: EncodeOptions, module?: WebAssembly.Module): Promise<Encoder>;
  /** Bytes of the file that are final now. */
  push(channels: Float32Array[]): Uint8Array;
  finish(): Uint8Array;
}

/** Sound of a WAV file: 8 to 32 bits, or floats. */
export function readWav(bytes: Uint8Array): Sound;

/**
 * Plays one track and, without a gap, the next, in a worker and an audio worklet. Events: `loadedmetadata`,
 * `durationchange`, `play`, `pause`, `blocked` (the browser wants a click first), `waiting`, `playing`, `timeupdate`, `seeking`, `trackchange`, `ended`, `volumechange`,
 * `damage`, `picture`, `error`; what they are about is in `detail`.
 */
export class Playback extends EventTarget {
  load(origin: Origin, init?: RequestInit): void;
  next: Origin | undefined;
  play(): Promise<void>;
  pause(): void;
  close(): void;
  currentTime: number;
  volume: number;
  /** Whether every track is brought to -18 LUFS, as far as its peaks allow. */
  isNormalised: boolean;
  readonly duration: number;
  readonly header: Header | undefined;
  readonly loudness: Loudness | null | undefined;
  readonly damage: Damage[];
  readonly isPlaying: boolean;
  readonly isWaiting: boolean;
  readonly hasEnded: boolean;
  /** False where no worker could be made and decoding happens on this thread; undefined before the first `load`. */
  readonly isWorker: boolean | undefined;
  /** The last node of Web Audio; undefined before play. */
  readonly output: GainNode | undefined;
}
