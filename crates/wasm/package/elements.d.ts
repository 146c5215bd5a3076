// Types of the two elements.

import type { Cover, Damage, Header, Origin, Playback, Sound, Tags } from "./index.js";

/** `<melisma-player src next autoplay muted preload="none" loudness="off">`. Events as of {@link Playback}. */
export class MelismaPlayer extends HTMLElement {
  src: string;
  /** Plays this instead; without arguments, `src` from its beginning. */
  load(origin?: Origin, init?: RequestInit): void;
  /** What comes behind this track, in order. */
  queue: Origin[];
  play(): Promise<void>;
  pause(): void;
  /** Goes on with the next track of the queue. */
  skip(): void;
  currentTime: number;
  volume: number;
  muted: boolean;
  isNormalised: boolean;
  readonly duration: number;
  readonly paused: boolean;
  readonly ended: boolean;
  readonly header: Header | undefined;
  readonly damage: Damage[];
  readonly playback: Playback;
  /** How much of the picture is drawn, 0 to 1. */
  readonly drawn: number;
}

export interface Encoded {
  blob: Blob;
  name: string;
  seconds: number;
}

/** `<melisma-encoder>`. Events: `encoded` with {@link Encoded} in `detail`, `error`. */
export class MelismaEncoder extends HTMLElement {
  bitrate: number;
  encode(file: Blob, options?: { bitrate?: number; tags?: Tags; cover?: Cover }): Promise<Encoded>;
}

/** What the browser can open as sound. */
export function readSound(file: Blob): Promise<Sound>;

declare global {
  interface HTMLElementTagNameMap {
    "melisma-player": MelismaPlayer;
    "melisma-encoder": MelismaEncoder;
  }
}
