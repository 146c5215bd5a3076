// The sound machine: several versions of one sound, one of them audible, all at the same playhead.

const FADE_S = 0.008;
const AHEAD_S = 0.015;

class Deck extends EventTarget {
  static playing = null;

  /** `flacs`: base64 of FLAC files of equal length and rate. */
  constructor({ flacs, sampleRateHz, seconds }) {
    super();
    Object.assign(this, { flacs, sampleRateHz, seconds });
    this.buffers = new Map();
    this.version = 0;
    this.loop = { on: true, start: 0, end: seconds };
    this.volume = 1;
    this.rest = 0; // where it stands while it does not play
    this.voice = null; // {source, gain, startedAt, from}
    this.wish = 0; // counts what was asked for, so that only the latest wish comes true
  }

  #context() {
    if (!this.context) {
      this.context = new AudioContext({ sampleRate: this.sampleRateHz, latencyHint: "interactive" });
      this.output = new GainNode(this.context, { gain: this.volume });
      this.meter = new AnalyserNode(this.context, { fftSize: 2048 });
      this.output.connect(this.meter).connect(this.context.destination);
    }
    return this.context;
  }

  /** The decoded version; the same promise each time. */
  buffer(version) {
    if (!this.buffers.has(version)) {
      const bytes = bytesOf(this.flacs[version]).buffer;
      this.buffers.set(version, this.#context().decodeAudioData(bytes));
    }
    return this.buffers.get(version);
  }

  /** Decodes all versions, so that switching is instant. */
  async prepare() {
    for (let version = 0; version < this.flacs.length; version++) {
      await this.buffer(version).catch((error) => this.#fail(error));
    }
  }

  get isPlaying() {
    return this.voice !== null;
  }

  /** Where the playhead is at a time of the context. */
  position(at = this.context?.currentTime ?? 0) {
    if (!this.voice) return this.rest;
    const { from, startedAt } = this.voice;
    const { on, start, end } = this.loop;
    const place = from + Math.max(0, at - startedAt);
    if (on && place >= end) return start + ((place - start) % (end - start));
    return Math.min(place, this.seconds);
  }

  /** Makes a version audible; while playing, from the same moment on. */
  async select(version) {
    this.version = version;
    this.#changed();
    if (this.isPlaying) await this.#start(undefined);
  }

  async play() {
    if (Deck.playing && Deck.playing !== this) Deck.playing.pause();
    Deck.playing = this;
    await this.#context().resume();
    await this.#start(this.isPlaying ? undefined : this.rest);
    this.prepare();
  }

  pause() {
    this.wish++;
    if (!this.voice) return;
    this.rest = this.position();
    this.#release(this.context.currentTime);
    this.voice = null;
    this.#changed();
  }

  /** Puts it away: its sounds go, and what the system lent it. */
  close() {
    this.pause();
    this.buffers.clear();
    this.context?.close();
  }

  toggle() {
    return this.isPlaying ? this.pause() : this.play();
  }

  async seek(seconds) {
    this.rest = Math.min(Math.max(0, seconds), this.seconds);
    if (this.isPlaying) await this.#start(this.rest);
    this.#changed();
  }

  /** Sets the loop; ends closer than a tenth of a second are moved apart. */
  async setLoop({ on, start, end }) {
    const rest = this.position();
    const first = Math.min(Math.max(0, start), this.seconds - 0.1);
    this.loop = { on, start: first, end: Math.min(Math.max(first + 0.1, end), this.seconds) };
    if (this.isPlaying) await this.#start(rest);
    this.#changed();
  }

  setVolume(volume) {
    this.volume = volume;
    if (this.output) this.output.gain.value = volume;
  }

  /** Level of what is heard now, dB relative to full scale; a full-scale sine has -3. */
  levelDb() {
    if (!this.voice) return -Infinity;
    const samples = new Float32Array(this.meter.fftSize);
    this.meter.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
    return 10 * Math.log10(power);
  }

  /** Fades over to the selected version at `place`, or at the moving playhead. */
  async #start(place) {
    const wish = ++this.wish;
    const context = this.#context();
    const buffer = await this.buffer(this.version).catch((error) => this.#fail(error));
    if (!buffer || wish !== this.wish) return;
    // On whole samples, so that nothing is interpolated and versions stay in step.
    const whole = (seconds) => Math.round(seconds * context.sampleRate) / context.sampleRate;
    const startedAt = whole(context.currentTime + AHEAD_S);
    const { on, start, end } = this.loop;
    let from = whole(place ?? this.position(startedAt));
    if (on && (from < start || from >= end)) from = start;
    if (!on && from >= this.seconds) from = 0;
    const source = new AudioBufferSourceNode(context, { buffer, loop: on, loopStart: whole(start), loopEnd: whole(end) });
    const gain = new GainNode(context, { gain: 0 });
    source.connect(gain).connect(this.output);
    gain.gain.setValueAtTime(0, startedAt);
    gain.gain.linearRampToValueAtTime(1, startedAt + FADE_S);
    source.start(startedAt, from);
    source.onended = () => {
      if (this.voice?.source !== source) return;
      this.voice = null;
      this.rest = 0;
      this.#changed();
    };
    this.#release(startedAt);
    this.voice = { source, gain, startedAt, from, version: this.version };
    this.#changed();
  }

  #release(at) {
    if (!this.voice) return;
    const { source, gain } = this.voice;
    gain.gain.setValueAtTime(1, at);
    gain.gain.linearRampToValueAtTime(0, at + FADE_S);
    source.stop(at + FADE_S);
  }

  #fail(error) {
    this.failure = `This browser cannot decode a version: ${error.message}`;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Play button, clock, meter, volume, loop. Answers the element and a function that shows the state. */
function transport(deck) {
  const play = button("Play", () => deck.toggle());
  const time = make("output", { class: "clock", "aria-label": "Playhead" });
  const meter = make("meter", { min: "-60", max: "0", high: "-1", "aria-label": "Level, dB" });
  const level = make("span", { class: "clock faint" });
  const volume = make("input", { type: "range", min: "0", max: "1", step: "0.01", value: "1", oninput: () => deck.setVolume(Number(volume.value)) });
  const looping = make("input", { type: "checkbox", onchange: () => deck.setLoop({ ...deck.loop, on: looping.checked }) });
  const end = (name) => {
    const input = make("input", { type: "number", min: "0", max: String(deck.seconds), step: "0.1", "aria-label": `Loop ${name}, seconds` });
    input.addEventListener("change", () => deck.setLoop({ ...deck.loop, on: true, [name]: Number(input.value) }));
    return input;
  };
  const failure = make("strong", { role: "alert" });
  const [start, stop] = [end("start"), end("end")];
  const levels = make("span", { class: "bar levels" }, "Level", meter, level);
  const element = make(
    "div",
    { class: "bar" },
    play,
    time,
    levels,
    make("label", {}, "Volume ", volume),
    make("label", {}, looping, " Loop"),
    make("span", {}, "from ", start, " to ", stop, " s"),
    failure,
  );
  const showState = () => {
    play.textContent = deck.isPlaying ? "Pause" : "Play";
    looping.checked = deck.loop.on;
    start.value = deck.loop.start.toFixed(1);
    stop.value = deck.loop.end.toFixed(1);
    failure.textContent = deck.failure ?? "";
  };
  const tick = () => {
    time.textContent = `${clock(deck.position())} / ${clock(deck.seconds)}`;
    const db = Math.max(-60, deck.levelDb());
    meter.value = db;
    level.textContent = db > -60 ? `${db.toFixed(0)} dB` : "";
  };
  deck.addEventListener("change", showState);
  showState();
  tick();
  return { element, tick };
}

const tickers = new Set();

/** Calls `tick` at each frame while the deck plays, and once after each change. */
function whilePlaying(deck, tick) {
  deck.addEventListener("change", () => {
    tick();
    if (!deck.isPlaying || tickers.has(tick)) return;
    tickers.add(tick);
    const frame = () => {
      tick();
      if (deck.isPlaying) requestAnimationFrame(frame);
      else tickers.delete(tick);
    };
    requestAnimationFrame(frame);
  });
}

/** Keys that every player knows; answers whether the key was one of them. */
function transportKey(deck, { key, target }) {
  const { loop } = deck;
  const actions = {
    p: () => deck.toggle(),
    ArrowLeft: () => deck.seek(deck.position() - 1),
    ArrowRight: () => deck.seek(deck.position() + 1),
    "[": () => deck.setLoop({ ...loop, on: true, start: deck.position() }),
    "]": () => deck.setLoop({ ...loop, on: true, end: deck.position() }),
    l: () => deck.setLoop({ ...loop, on: !loop.on }),
  };
  // Space belongs to the button that has the focus, if one has.
  const action = key === " " && !target.closest("button, summary, a") ? actions.p : actions[key];
  action?.();
  return action !== undefined;
}

/** Whether a key belongs to the control that has the focus. */
function isTyping({ target, ctrlKey, metaKey, altKey }) {
  return ctrlKey || metaKey || altKey || target.matches("input, select, textarea");
}
