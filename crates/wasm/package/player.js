// `<melisma-player src="song.mlsm">`: see README.md. What it shows, and what hands and keys do; the sound is playback.js.

import { LOOK } from "./look.js";
import { TrackPicture } from "./picture.js";
import { Playback } from "./playback.js";

/** How long the address of a cover stays good once the cover is gone. */
const COVER_LINGERS_MS = 60_000;

const STEP_SECONDS = 5;

const PLAYER = `
<style>${LOOK}
.player { display: flex; gap: 0.75rem; padding: 0.75rem; }
.cover { flex: none; width: 7.5rem; height: 7.5rem; border-radius: 0.4rem; object-fit: cover; background: var(--line); }
.side { flex: 1; min-width: 0; display: grid; gap: 0.35rem; align-content: start; }
.title { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.artist { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.seek { position: relative; height: 3.5rem; border: 1px solid var(--line); border-radius: 0.4rem; overflow: hidden; cursor: pointer; touch-action: none; }
.seek canvas { position: absolute; inset: 0; width: 100%; height: 100%; image-rendering: auto; }
.seek .place { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: var(--accent); }
.seek .gap { position: absolute; bottom: 0; height: 4px; min-width: 2px; background: var(--warn); }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 0.75rem; }
.play { width: 2.6rem; height: 2.6rem; border-radius: 50%; background: var(--accent); border-color: var(--accent); color: var(--on-accent); padding: 0; display: grid; place-items: center; }
.play svg { width: 1.1rem; height: 1.1rem; fill: currentColor; }
.clock { font-variant-numeric: tabular-nums; }
.bar label { display: flex; align-items: center; gap: 0.35rem; margin-left: auto; }
.bar input[type="range"] { width: 5rem; accent-color: var(--accent); }
.level[aria-checked="true"] { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
@container (max-width: 26rem) { .cover { width: 4rem; height: 4rem; } .bar label { margin-left: 0; } }
</style>
<div class="player" role="group" part="player">
  <img class="cover" alt="" part="cover" hidden>
  <div class="side">
    <div><div class="title" part="title"></div><div class="artist faint" part="artist"></div></div>
    <div class="seek" role="slider" tabindex="0" aria-label="Position" aria-valuemin="0" aria-valuemax="0" aria-valuenow="0" part="seek">
      <canvas aria-hidden="true"></canvas><div class="gaps"></div><div class="place"></div>
    </div>
    <div class="bar">
      <button class="play" type="button" part="play"><svg viewBox="0 0 16 16" aria-hidden="true"><path></path></svg></button>
      <span class="clock faint"></span>
      <button class="skip" type="button" aria-label="Next track" hidden>Next</button>
      <button class="level" type="button" role="switch" title="Brings every track to the same loudness, -18 LUFS">Same loudness</button>
      <label class="faint">Volume <input type="range" min="0" max="100" step="1" value="100"></label>
    </div>
    <p class="says" role="status"></p>
  </div>
</div>`;

const SHAPES = { play: "M3 1.5v13l11-6.5z", pause: "M3 1.5h3.6v13H3zM9.4 1.5H13v13H9.4z" };

/** `1:02:03` of seconds. */
function clock(seconds) {
  if (!Number.isFinite(seconds)) return "–:––";
  const whole = Math.floor(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value) => String(value).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `1 minute 5 seconds` of seconds, to be read out. */
function spoken(seconds) {
  const [m, s] = [Math.floor(seconds / 60), Math.floor(seconds) % 60];
  const count = (value, unit) => `${value} ${unit}${value === 1 ? "" : "s"}`;
  return m > 0 ? `${count(m, "minute")} ${count(s, "second")}` : count(s, "second");
}

/** `[red, green, blue]` of any CSS colour. */
function channelsOf(colour) {
  const pen = new OffscreenCanvas(1, 1).getContext("2d");
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data.slice(0, 3);
}

/** The file's name, where there is no title. */
function nameOf(origin) {
  if (origin instanceof Blob) return origin.name ?? "";
  if (typeof origin !== "string") return "";
  const last = origin.split(/[?#]/)[0].split("/").pop();
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

export class MelismaPlayer extends HTMLElement {
  static observedAttributes = ["src", "next", "muted"];

  #playback = new Playback();
  #queue = [];
  #parts = {};
  #picture;
  #source;
  #cover = null;
  #coverAddress;
  #isDrawing = false;
  #colours;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = PLAYER;
    for (const name of ["player", "cover", "title", "artist", "seek", "gaps", "place", "play", "clock", "skip", "level", "says"]) {
      this.#parts[name] = root.querySelector(`.${name}`);
    }
    this.#parts.shape = root.querySelector("path");
    this.#parts.volume = root.querySelector("input");
    this.#picture = new TrackPicture(root.querySelector("canvas"));
    this.#listen();
    this.#obey();
    this.#show();
  }

  connectedCallback() {
    this.isNormalised = this.getAttribute("loudness") !== "off";
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.onchange = () => ((this.#colours = undefined), this.#redraw());
    if (this.getAttribute("preload") !== "none") this.#load();
    if (this.hasAttribute("autoplay")) this.play();
  }

  disconnectedCallback() {
    this.#playback.close();
    this.#source = undefined;
    this.#release(this.#coverAddress);
  }

  attributeChangedCallback(name, _, value) {
    if (name === "src" && this.isConnected) {
      this.#source = undefined;
      if (this.getAttribute("preload") !== "none" || !this.paused) this.#load();
    }
    if (name === "next") this.queue = value === null ? [] : [value];
    if (name === "muted") this.#playback.volume = value === null ? this.#parts.volume.value / 100 : 0;
  }

  // What a script can ask, named as in HTMLMediaElement.

  /** Address of the track. To play a Blob, File or bytes, give it to `load`. */
  get src() {
    return this.getAttribute("src") ?? "";
  }

  set src(address) {
    this.setAttribute("src", address);
  }

  /** Plays an address, Blob, File or bytes instead of what is playing; `init` goes to `fetch`. */
  load(origin = this.src, init = undefined) {
    this.#source = origin;
    this.#picture.clear();
    this.#parts.gaps.replaceChildren();
    this.#say("");
    this.#playback.load(origin, init);
    this.#giveNext();
    this.#show();
  }

  #load() {
    if (this.#source === undefined && this.src) this.load();
  }

  /** What comes behind this track, in order. */
  get queue() {
    return [...this.#queue];
  }

  set queue(origins) {
    this.#queue = [...origins];
    this.#giveNext();
    this.#show();
  }

  #giveNext() {
    if (this.#source !== undefined) this.#playback.next = this.#queue[0];
  }

  async play() {
    this.#load();
    this.#say("");
    await this.#playback.play();
  }

  pause() {
    this.#playback.pause();
  }

  get paused() {
    return !this.#playback.isPlaying;
  }

  get ended() {
    return this.#playback.hasEnded;
  }

  get currentTime() {
    return this.#playback.currentTime;
  }

  set currentTime(seconds) {
    this.#playback.currentTime = seconds;
  }

  get duration() {
    return this.#playback.duration;
  }

  get volume() {
    return this.#parts.volume.value / 100;
  }

  set volume(volume) {
    this.#parts.volume.value = Math.round(100 * volume);
    if (!this.muted) this.#playback.volume = volume;
  }

  get muted() {
    return this.hasAttribute("muted");
  }

  set muted(is) {
    this.toggleAttribute("muted", is);
  }

  /** Whether every track is brought to -18 LUFS, as far as its peaks allow. */
  get isNormalised() {
    return this.#playback.isNormalised;
  }

  set isNormalised(is) {
    this.#playback.isNormalised = is;
    this.#show();
  }

  /** Tags, cover, sample rate, ...; undefined before they are there. */
  get header() {
    return this.#playback.header;
  }

  /** Places whose sound is lost. */
  get damage() {
    return this.#playback.damage;
  }

  /** What is beneath: the queue of decoded sound, the last audio node. */
  get playback() {
    return this.#playback;
  }

  /** How much of the picture is drawn, 0 to 1. */
  get drawn() {
    return this.#picture.filled;
  }

  // What is heard of the playback.

  #listen() {
    const on = (type, work) => this.#playback.addEventListener(type, (event) => {
      work?.(event);
      this.dispatchEvent(new CustomEvent(type, { detail: event.detail }));
    });
    on("loadedmetadata", () => this.#showHeader());
    on("durationchange", () => {
      this.#picture.samples = this.duration * (this.header?.sampleRate ?? 0);
      this.#show();
      this.#redraw();
    });
    on("picture", ({ picture }) => (this.#picture.add(picture), this.#redraw()));
    on("trackchange", ({ isNext }) => this.#changeTrack(isNext));
    on("timeupdate", () => (this.#showPlace(), this.#redraw()));
    on("damage", () => this.#showDamage());
    on("blocked", () => this.#say("Press play: the browser wants a click before a page makes sound."));
    on("waiting", () => this.#say("Loading …"));
    on("playing", () => this.#say(""));
    on("error", ({ error, isNext }) => this.#say(isNext ? `The next track cannot be played: ${error.message}` : error.message, true));
    for (const type of ["play", "pause", "ended", "seeking"]) on(type, () => this.#show());
  }

  /** A track began: by hand, or because the one before it ended. */
  #changeTrack(isNext) {
    if (isNext) {
      this.#source = this.#queue.shift();
      this.#picture.clear();
      this.#parts.gaps.replaceChildren();
      this.#giveNext();
    }
    this.#showHeader();
  }

  #showHeader() {
    const { title, artist, cover = null } = this.header ?? {};
    this.#parts.title.textContent = title ?? nameOf(this.#source);
    this.#parts.artist.textContent = artist ?? "";
    if (cover !== this.#cover) this.#showCover(cover);
    this.#parts.player.setAttribute("aria-label", ["Player", title, artist].filter(Boolean).join(", "));
    if (navigator.mediaSession && this.header && !this.paused) this.#showOutside(title, artist);
    this.#show();
  }

  #showCover(cover) {
    const { cover: image } = this.#parts;
    this.#cover = cover;
    const last = this.#coverAddress;
    this.#coverAddress = cover ? URL.createObjectURL(new Blob([cover.data], { type: cover.type })) : undefined;
    image.hidden = !cover;
    if (cover) image.src = this.#coverAddress;
    else image.removeAttribute("src");
    this.#release(last);
    if (!cover) return;
    image.alt = `Cover of ${this.header.album ?? this.header.title ?? "the album"}`;
  }

  /** Gives up the address of a cover, later: the page and the system's own controls may still be loading it. */
  #release(address) {
    if (address) setTimeout(() => URL.revokeObjectURL(address), COVER_LINGERS_MS);
  }

  /** Title and keys of the system: lock screens, headsets. */
  #showOutside(title, artist) {
    const session = navigator.mediaSession;
    const artwork = this.#coverAddress ? [{ src: this.#coverAddress, type: this.header.cover.type }] : [];
    session.metadata = new MediaMetadata({ title: title ?? nameOf(this.#source), artist: artist ?? "", album: this.header.album ?? "", artwork });
    session.setActionHandler("play", () => this.play());
    session.setActionHandler("pause", () => this.pause());
    session.setActionHandler("seekto", ({ seekTime }) => (this.currentTime = seekTime));
    session.setActionHandler("nexttrack", this.#queue.length > 0 ? () => this.skip() : null);
  }

  #showDamage() {
    const seconds = this.damage.reduce((sum, { samples }) => sum + samples, 0) / this.header.sampleRate;
    if (seconds > 0) this.#say(`The file is damaged: ${seconds.toFixed(1)} s of it are silent.`, true);
    const length = this.duration * this.header.sampleRate;
    this.#parts.gaps.replaceChildren(...this.damage.filter(({ samples }) => samples > 0).map(({ position, samples, what }) => {
      const gap = document.createElement("div");
      gap.className = "gap";
      gap.title = what;
      Object.assign(gap.style, { left: `${(100 * position) / length}%`, width: `${(100 * samples) / length}%` });
      return gap;
    }));
  }

  #say(words, isWrong = false) {
    // What is wrong stays until something else is wrong or asked for.
    if (!isWrong && words !== "" && this.#parts.says.classList.contains("wrong")) return;
    this.#parts.says.textContent = words;
    this.#parts.says.classList.toggle("wrong", isWrong && words !== "");
  }

  #show() {
    const { play, shape, skip, level } = this.#parts;
    play.setAttribute("aria-label", this.paused ? "Play" : "Pause");
    shape.setAttribute("d", this.paused ? SHAPES.play : SHAPES.pause);
    skip.hidden = this.#queue.length === 0;
    level.setAttribute("aria-checked", String(this.isNormalised));
    this.#showPlace();
  }

  #showPlace() {
    const { seek, place, clock: text } = this.#parts;
    const [now, length] = [this.currentTime, this.duration];
    const known = Number.isFinite(length) && length > 0;
    text.textContent = `${clock(now)} / ${clock(length)}`;
    place.style.left = `${known ? (100 * now) / length : 0}%`;
    seek.setAttribute("aria-valuemax", known ? length.toFixed(1) : "0");
    seek.setAttribute("aria-valuenow", now.toFixed(1));
    seek.setAttribute("aria-valuetext", known ? `${spoken(now)} of ${spoken(length)}` : spoken(now));
  }

  /** Draws at most once a frame, and not at all where nobody sees it. */
  #redraw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      const style = getComputedStyle(this.#parts.seek);
      this.#colours ??= { played: channelsOf(getComputedStyle(this.#parts.place).backgroundColor), ahead: channelsOf(style.color) };
      this.#picture.draw(this.duration > 0 ? this.currentTime / this.duration : 0, this.#colours);
    });
  }

  // What hands and keys do.

  /** Goes on with the next track of the queue. */
  skip() {
    if (this.#queue.length === 0) return;
    const origin = this.#queue.shift();
    this.load(origin);
  }

  #obey() {
    const { play, seek, skip, level, volume } = this.#parts;
    const toggle = () => (this.paused ? this.play() : this.pause());
    play.onclick = toggle;
    skip.onclick = () => this.skip();
    level.onclick = () => (this.isNormalised = !this.isNormalised);
    volume.oninput = () => (this.volume = volume.value / 100);
    const go = ({ clientX }) => {
      const { left, width } = seek.getBoundingClientRect();
      if (this.duration > 0) this.currentTime = (this.duration * Math.max(0, Math.min(width, clientX - left))) / width;
    };
    seek.onpointerdown = (event) => (seek.setPointerCapture(event.pointerId), go(event));
    seek.onpointermove = (event) => seek.hasPointerCapture(event.pointerId) && go(event);
    this.shadowRoot.addEventListener("keydown", (event) => {
      const { key, target } = event;
      if (event.altKey || event.ctrlKey || event.metaKey || target === volume) return;
      const places = {
        ArrowLeft: () => this.currentTime - STEP_SECONDS,
        ArrowDown: () => this.currentTime - STEP_SECONDS,
        ArrowRight: () => this.currentTime + STEP_SECONDS,
        ArrowUp: () => this.currentTime + STEP_SECONDS,
        PageUp: () => this.currentTime + 6 * STEP_SECONDS,
        PageDown: () => this.currentTime - 6 * STEP_SECONDS,
        Home: () => 0,
        End: () => this.duration,
      };
      if (key in places) {
        const place = places[key]();
        if (Number.isFinite(place)) this.currentTime = place;
      } else if ((key === " " || key === "k") && (target.localName !== "button" || key === "k")) {
        toggle();
      } else if (key === "m") {
        this.muted = !this.muted;
      } else {
        return;
      }
      event.preventDefault();
    });
  }
}

if (!customElements.get("melisma-player")) customElements.define("melisma-player", MelismaPlayer);
