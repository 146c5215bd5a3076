// What plays: a session in a worker, a worklet, and what the page can ask of them. Nothing is seen here: see player.js.

import { compiledModule, MelismaError } from "./module.js";
import { startWorker, workletAddress } from "./parts.js";
import { serve } from "./session.js";

/** Level to which tracks are brought (ReplayGain 2.0). */
const NORMAL_LUFS = -18;
/** How long a page without a click waits for leave to make sound. */
const BLOCKED_MS = 2_000;
const WORKER_START_MS = 10_000;

/** A port to a session: in a worker or, where none can be made, on this thread. */
export async function startSession(names = ["decoder"]) {
  const modules = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await compiledModule(name)])));
  let port;
  try {
    port = await new Promise((resolve, reject) => {
      const worker = startWorker();
      const timer = setTimeout(() => reject(new Error("the worker does not answer")), WORKER_START_MS);
      worker.onmessage = () => (clearTimeout(timer), (worker.onerror = null), resolve(worker));
      worker.onerror = (event) => (event.preventDefault(), clearTimeout(timer), reject(new Error("the worker does not start")));
    });
    port.close = () => port.terminate();
    port.isWorker = true;
  } catch {
    const channel = new MessageChannel();
    port = channel.port1;
    const ready = new Promise((resolve) => (port.onmessage = resolve));
    serve(channel.port2);
    await ready;
    port.isWorker = false;
  }
  port.postMessage({ do: "modules", modules });
  return port;
}

/**
 * Plays one track and, without a gap, the next. Events: `loadedmetadata` (header, tags, cover), `durationchange`, `play`,
 * `pause`, `blocked` (the browser wants a click first), `waiting`, `playing`, `timeupdate`, `seeking`, `trackchange`, `ended`, `damage` with `damage`, `picture` with
 * `picture`, `error` with `error`.
 */
export class Playback extends EventTarget {
  #session; // promise of a port
  #context;
  #node;
  #volume = 1;
  #gain;
  #tracks = new Map(); // number -> { id, origin, header, samples, isExact, loudness, damage }
  #counter = 0;
  #current;
  #next;
  #position = 0; // samples
  #sought; // sample of a seek, or load, that is not heard yet
  #epoch = 0; // counts loads and seeks
  #starting; // promise of the worklet
  isPlaying = false;
  isWaiting = false;
  hasEnded = false;
  #isNormalised = true;

  #tell(type, detail) {
    this.dispatchEvent(Object.assign(new Event(type), { detail, ...detail }));
  }

  async #send(message, transfer) {
    this.#session ??= startSession().then((port) => {
      port.onmessage = ({ data }) => this.#hear(data);
      this.isWorker = port.isWorker;
      return port;
    });
    try {
      (await this.#session).postMessage(message, transfer);
    } catch (error) {
      this.#session = undefined;
      this.#fail(error);
    }
  }

  #fail(error) {
    this.pause();
    this.#tell("error", { error });
  }

  #track(origin) {
    // An address means what it means on the page, wherever the worker lies.
    const absolute = typeof origin === "string" || origin instanceof URL ? new URL(origin, globalThis.document?.baseURI).href : origin;
    const track = { id: ++this.#counter, origin: absolute, damage: [] };
    this.#tracks.set(track.id, track);
    return track;
  }

  /** Loads an address, Blob, File or bytes. Plays if it was playing. */
  load(origin, init) {
    this.#load(origin, init, false);
  }

  #load(origin, init, isNext) {
    const wasPlaying = this.isPlaying;
    this.#tracks.clear();
    this.#next = undefined;
    this.#current = this.#track(origin);
    [this.#position, this.#sought, this.hasEnded, this.isWaiting] = [0, 0, false, wasPlaying];
    this.#epoch++;
    this.#send({ do: "load", epoch: this.#epoch, id: this.#current.id, origin: this.#current.origin, init });
    this.#tell("trackchange", { isNext });
  }

  /** What comes behind the track, without a gap where the sample rates agree. Undefined: nothing. */
  set next(origin) {
    this.#next = origin === undefined || origin === null ? undefined : this.#track(origin);
    this.#send({ do: "next", id: this.#next?.id, origin: this.#next?.origin });
  }

  get next() {
    return this.#next?.origin;
  }

  /** Header, tags and cover; undefined before they are there. */
  get header() {
    return this.#current?.header;
  }

  get loudness() {
    return this.#current?.loudness;
  }

  /** Damaged places found so far. */
  get damage() {
    return this.#current?.damage ?? [];
  }

  /** Seconds; NaN before it is known. */
  get duration() {
    return this.header && this.#current.samples !== undefined ? this.#current.samples / this.header.sampleRate : NaN;
  }

  get currentTime() {
    return this.header ? (this.#sought ?? this.#position) / this.header.sampleRate : 0;
  }

  set currentTime(seconds) {
    if (!this.header) return;
    const last = this.#current.samples ?? Infinity;
    this.#sought = Math.max(0, Math.min(last, Math.round(seconds * this.header.sampleRate)));
    this.#epoch++;
    this.hasEnded = false;
    this.#send({ do: "seek", epoch: this.#epoch, sample: this.#sought });
    this.#tell("seeking");
    this.#tell("timeupdate");
  }

  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#volume = Math.max(0, Math.min(1, volume));
    if (this.#gain) this.#gain.gain.value = this.#volume;
    this.#tell("volumechange");
  }

  /** Whether every track is brought to the same loudness. */
  get isNormalised() {
    return this.#isNormalised;
  }

  set isNormalised(is) {
    this.#isNormalised = is;
    this.#setLevels();
  }

  /** The last node of Web Audio, for whoever wants to look at the sound or record it; undefined before play. */
  get output() {
    return this.#gain;
  }

  async play() {
    if (!this.#current) return;
    if (this.hasEnded) this.currentTime = 0;
    if (!this.isPlaying) {
      this.isPlaying = true;
      this.#tell("play");
    }
    await this.#start();
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = this.isWaiting = false;
    this.#node?.port.postMessage({ isPlaying: false });
    this.#context?.suspend();
    this.#tell("pause");
  }

  close() {
    this.pause();
    this.#session?.then((port) => port.close()).catch(() => {});
    this.#session = undefined;
    this.#dropOutput();
  }

  #dropOutput() {
    this.#context?.close();
    [this.#context, this.#node, this.#gain, this.#starting] = [];
  }

  /** Makes the worklet, once the sample rate is known, and lets it play. */
  async #start() {
    if (!this.header) return this.#wait(true);
    if (this.#context && this.#context.sampleRate !== this.header.sampleRate) this.#dropOutput();
    try {
      this.#starting ??= this.#makeOutput(this.header.sampleRate);
      await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      return this.#fail(error);
    }
    if (!this.isPlaying) return;
    this.#node.port.postMessage({ isPlaying: true });
    await Promise.race([this.#context.resume(), new Promise((resolve) => setTimeout(resolve, BLOCKED_MS))]);
    // Before somebody touched the page, browsers may leave it silent, and never say so.
    if (this.isPlaying && this.#context?.state === "suspended" && globalThis.navigator.userActivation?.hasBeenActive === false) {
      this.pause();
      this.#tell("blocked");
    }
  }

  async #makeOutput(sampleRate) {
    if (!globalThis.AudioWorkletNode || globalThis.isSecureContext === false) {
      throw new MelismaError("unsupported", "this browser plays through audio worklets only on pages that came by https");
    }
    const context = new AudioContext({ sampleRate, latencyHint: "playback" });
    await context.audioWorklet.addModule(workletAddress());
    const node = new AudioWorkletNode(context, "melisma-output", { numberOfInputs: 0, outputChannelCount: [2] });
    const { port1, port2 } = new MessageChannel();
    node.port.onmessage = ({ data }) => this.#hearOutput(data);
    node.port.postMessage({ session: port1 }, [port1]);
    this.#gain = new GainNode(context, { gain: this.#volume });
    node.connect(this.#gain).connect(context.destination);
    [this.#context, this.#node] = [context, node];
    this.#setLevels();
    await this.#send({ do: "output", port: port2, sampleRate }, [port2]);
  }

  #setLevels() {
    const levels = {};
    for (const { id, loudness } of this.#tracks.values()) {
      if (!this.#isNormalised || !loudness || loudness.integrated === null) continue;
      const wanted = 10 ** ((NORMAL_LUFS - loudness.integrated) / 20);
      levels[id] = Math.min(wanted, 1 / Math.max(loudness.truePeak ?? 1, 1e-6));
    }
    this.#node?.port.postMessage({ levels });
  }

  #wait(is) {
    if (this.isWaiting === is) return;
    this.isWaiting = is;
    this.#tell(is ? "waiting" : "playing");
  }

  /** What the session says. */
  #hear({ say, id, ...news }) {
    const track = this.#tracks.get(id);
    if (!track) return;
    if (say === "error") {
      const error = new MelismaError(news.code, news.message);
      if (track === this.#current) return this.#fail(error);
      this.#next = undefined;
      return this.#tell("error", { error, isNext: true });
    }
    if (say === "damage") track.damage.push(news.damage);
    if (say === "header") track.header = news.header;
    if (say === "trailer") track.loudness = news.trailer.loudness;
    if (news.samples !== undefined) Object.assign(track, { samples: news.samples, isExact: news.isExact });
    if (say === "trailer") this.#setLevels();
    if (say === "picture") (track.pictures ??= []).push(news.picture);
    if (track !== this.#current) return;
    if (say === "header") {
      this.#tell("loadedmetadata", { header: news.header });
      if (this.isPlaying) this.#start();
    }
    if (news.samples !== undefined) this.#tell("durationchange");
    if (say === "damage") this.#tell("damage", { damage: news.damage });
    if (say === "picture") this.#tell("picture", { picture: news.picture });
  }

  /** What the worklet says. */
  #hearOutput({ say, id, epoch, position, isWaiting }) {
    // Reports of what lies before the last seek or load say nothing.
    if (epoch !== this.#epoch) return;
    const track = this.#tracks.get(id);
    if (!track) return;
    this.#sought = undefined;
    if (track !== this.#current && track === this.#next) {
      this.#tracks.delete(this.#current.id);
      [this.#current, this.#next] = [track, undefined];
      this.#position = 0;
      this.#tell("trackchange", { isNext: true });
      this.#tell("loadedmetadata", { header: track.header });
      this.#tell("durationchange");
      for (const picture of track.pictures ?? []) this.#tell("picture", { picture });
      for (const damage of track.damage) this.#tell("damage", { damage });
    }
    if (say === "ended") return this.#end();
    this.#position = position;
    this.#wait(isWaiting);
    this.#tell("timeupdate");
  }

  #end() {
    const next = this.#next;
    if (next) {
      // Of another rate: as if it were loaded by hand.
      this.#load(next.origin, undefined, true);
      return this.isPlaying && this.#start();
    }
    if (this.#current.samples !== undefined) this.#position = this.#current.samples;
    [this.isPlaying, this.hasEnded, this.isWaiting] = [false, true, false];
    this.#context?.suspend();
    this.#tell("timeupdate");
    this.#tell("ended");
  }
}
