// What is heard: a moment of the track under the pointer, or the track that was chosen, from the file beside the page
// or, where browsers cannot read it, from an excerpt inside.

const HOVER_WAIT_MS = 320;
const FADE_IN_MS = 250;
const FADE_OUT_MS = 350;

/** Bytes of a WAV file of interleaved 16-bit samples. */
function wavOf(samples, channels, rateHz) {
  const head = new DataView(new ArrayBuffer(44));
  const word = (at, text) => [...text].forEach((letter, i) => head.setUint8(at + i, letter.charCodeAt(0)));
  const bytes = samples.byteLength;
  word(0, "RIFF");
  head.setUint32(4, 36 + bytes, true);
  word(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, channels, true);
  head.setUint32(24, rateHz, true);
  head.setUint32(28, rateHz * channels * 2, true);
  head.setUint16(32, channels * 2, true);
  head.setUint16(34, 16, true);
  word(36, "data");
  head.setUint32(40, bytes, true);
  return new Blob([head, samples], { type: "audio/wav" });
}

/** The excerpts inside of the page: `.mlsm` files, decoded by the decoder that is inside, too. */
class Excerpts {
  #urls = new Map();

  get #files() {
    this.files ??= document.getElementById("excerpts").textContent.split("\n");
    return this.files;
  }

  async #decoder() {
    this.starting ??= (async () => {
      const module = await unpacked(document.getElementById("decoder").textContent);
      return (await WebAssembly.instantiate(module, {})).instance.exports;
    })();
    return this.starting;
  }

  /** An address of a WAV file with the excerpt; the same each time. */
  async url(number) {
    if (!this.#urls.has(number)) {
      if (this.#urls.size > 60) {
        const [oldest, url] = this.#urls.entries().next().value;
        URL.revokeObjectURL(url);
        this.#urls.delete(oldest);
      }
      const codec = await this.#decoder();
      const file = bytesOf(this.#files[number]);
      const place = codec.melisma_input(file.length);
      if (place === 0) throw new Error("no memory for the excerpt");
      new Uint8Array(codec.memory.buffer, place, file.length).set(file);
      const status = codec.melisma_decode();
      if (status !== 0) throw new Error(`the excerpt cannot be decoded (${status})`);
      const channels = codec.melisma_channels();
      const samples = new Int16Array(codec.memory.buffer, codec.melisma_pcm(), codec.melisma_samples() * channels).slice();
      this.#urls.set(number, URL.createObjectURL(wavOf(samples, channels, codec.melisma_sample_rate_hz())));
      codec.melisma_release();
    }
    return this.#urls.get(number);
  }
}

/** Plays one track at a time. Events: `change` when something else is heard, `fail` with `detail.text`. */
class Sound extends EventTarget {
  constructor(library) {
    super();
    Object.assign(this, { library, volume: 0.9, hoverPlays: true, track: NOTHING, isPinned: false, audio: null });
    this.excerpts = new Excerpts();
    this.wish = 0; // counts what was asked for, so that only the latest wish comes true
  }

  get isPlaying() {
    return this.audio !== null && !this.audio.paused;
  }

  /** Why a track cannot be heard, or "". */
  silence(track) {
    const path = this.library.path(track);
    if (this.library.excerpts[track] !== NOTHING) return "";
    if (!path) return "Its file cannot be named on a page.";
    return path.toLowerCase().endsWith(".mlsm") ? "Browsers cannot play .mlsm files, and no excerpt of this one is inside of the page." : "";
  }

  /** The pointer rests on a track, or (`NOTHING`) on none. */
  hover(track) {
    if (this.isPinned) return;
    clearTimeout(this.timer);
    if (track === this.track) return;
    if (this.track !== NOTHING) this.stop();
    if (track !== NOTHING && this.hoverPlays && !this.silence(track)) this.timer = setTimeout(() => this.#start(track, false), HOVER_WAIT_MS);
  }

  /** Plays a track until its end; one that is heard goes on. */
  async pin(track) {
    clearTimeout(this.timer);
    if (track === this.track && this.audio) {
      this.isPinned = true;
      if (this.audio.paused) await this.audio.play().catch(() => {});
      return this.#changed();
    }
    await this.#start(track, true);
  }

  async toggle() {
    if (!this.audio) return;
    if (this.audio.paused) await this.audio.play().catch((error) => this.#fail(error));
    else this.audio.pause();
  }

  stop() {
    clearTimeout(this.timer);
    this.wish++;
    this.#drop();
    Object.assign(this, { track: NOTHING, isPinned: false });
    this.#changed();
  }

  setVolume(volume) {
    this.volume = volume;
    if (this.audio) this.audio.volume = volume;
  }

  async #start(track, isPinned) {
    const wish = ++this.wish;
    this.#drop();
    Object.assign(this, { track, isPinned });
    this.#changed();
    const silence = this.silence(track);
    if (silence) return this.#tell(silence);
    try {
      const excerpt = this.library.excerpts[track];
      const source = excerpt === NOTHING ? this.library.address(track) : await this.excerpts.url(excerpt);
      if (wish !== this.wish) return;
      const audio = new Audio();
      audio.preload = "auto";
      audio.volume = 0;
      for (const type of ["play", "pause", "timeupdate", "durationchange"]) audio.addEventListener(type, () => audio === this.audio && this.#changed());
      audio.addEventListener("ended", () => audio === this.audio && this.dispatchEvent(new Event("ended")));
      audio.addEventListener("loadedmetadata", () => {
        const start = this.library.starts[track];
        const whole = audio.duration;
        if (excerpt === NOTHING && whole > 20) audio.currentTime = Math.min(Number.isFinite(start) ? start : 0.3 * whole, whole - 10);
      });
      audio.src = source;
      this.audio = audio;
      await audio.play();
      this.#fade(audio, this.volume, FADE_IN_MS);
    } catch (error) {
      if (wish === this.wish) this.#fail(error);
    }
  }

  /** Takes the volume to a value over a moment. */
  #fade(audio, volume, ms) {
    const [from, start] = [audio.volume, performance.now()];
    const step = () => {
      const part = Math.min(1, (performance.now() - start) / ms);
      audio.volume = Math.min(1, Math.max(0, from + (volume - from) * part));
      if (part < 1) setTimeout(step, 16);
      else if (volume === 0) {
        audio.pause();
        audio.removeAttribute("src");
      }
    };
    step();
  }

  #drop() {
    if (this.audio) this.#fade(this.audio, 0, FADE_OUT_MS);
    this.audio = null;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #tell(text) {
    this.dispatchEvent(new CustomEvent("fail", { detail: { text } }));
  }

  #fail(error) {
    if (error.name === "AbortError") return;
    const path = this.library.path(this.track);
    this.#tell(error.name === "NotAllowedError" ? "Click once anywhere, and tracks may be heard." : `${path || "This track"} cannot be played: is the file still there, beside this page, and of a kind that the browser knows?`);
    this.#drop();
    if (error.name === "NotAllowedError") Object.assign(this, { track: NOTHING, isPinned: false });
    this.#changed();
  }
}
