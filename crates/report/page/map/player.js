// The bar that shows what plays.

const ICONS = {
  play: "M7 4v16l13-8z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  next: "M5 4l10 8-10 8zM16 4h3v16h-3z",
  previous: "M19 4L9 12l10 8zM5 4h3v16H5z",
  lasso: "M12 4c5 0 9 2.5 9 6s-4 6-9 6c-1.5 0-2.8-.2-4-.6M8 15.4C5 14.500 3 12.400 3 10c0-3.500 4-6 9-6M8 15.400a2 2 0 1 0-2 2c1.200 0 2-.900 2-2zM6.500 17.500c0 2-1 3-2.500 3.500",
  locate: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v4M12 18v4M2 12h4M18 12h4",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  whole: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  sound: "M4 9v6h4l5 5V4L8 9zM16 8.500a5 5 0 0 1 0 7M18.500 6a8.500 8.500 0 0 1 0 12",
  mute: "M4 9v6h4l5 5V4L8 9zM16 9l6 6M22 9l-6 6",
  theme: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  help: "M9 9a3 3 0 1 1 4.500 2.600c-1 .600-1.500 1.200-1.500 2.400M12 17.500v.500",
  close: "M6 6l12 12M18 6L6 18",
  wander: "M3 17c4 0 4-10 9-10s5 10 9 10M18 14l3 3-3 3",
};
const FILLED = new Set(["play", "pause", "next", "previous"]);

function icon(name) {
  const drawn = shape("path", FILLED.has(name) ? { d: ICONS[name], fill: "currentColor" } : { d: ICONS[name], fill: "none", stroke: "currentColor", "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round" });
  return shape("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, drawn);
}

/** A button with a picture and a name that is read aloud and shown as a tip. */
function iconButton(name, label, onclick, attributes = {}) {
  const element = button("", onclick, { "aria-label": label, title: label, class: "icon-button", ...attributes });
  element.append(icon(name));
  return element;
}

class PlayerBar {
  /** `actions`: `next`, `previous`, `locate`, `close`. */
  constructor({ element, library, sound, actions }) {
    Object.assign(this, { element, library, sound, track: NOTHING, wanders: true });
    this.what = button("", actions.locate, { class: "what", title: "Show on the map" });
    this.play = iconButton("play", "Play", () => sound.toggle(), { "aria-keyshortcuts": "Space" });
    this.wander = iconButton("wander", "Go on with the nearest track that was not heard", () => this.#wander(!this.wanders), { "aria-pressed": "true" });
    this.seek = make("input", { type: "range", min: 0, max: 1, step: "any", value: 0, "aria-label": "Position", oninput: () => sound.audio && (sound.audio.currentTime = Number(this.seek.value)) });
    this.time = make("span", { class: "clock" });
    const volume = make("input", { type: "range", class: "volume", min: 0, max: 1, step: 0.01, value: sound.volume, "aria-label": "Volume", oninput: () => sound.setVolume(Number(volume.value)) });
    element.append(
      this.what,
      make("div", { class: "buttons" }, iconButton("previous", "Back to the one before", actions.previous), this.play, iconButton("next", "Next: the nearest track that was not heard", actions.next), this.wander),
      make("div", { class: "where" }, this.seek, this.time),
      volume,
      iconButton("close", "Stop and close the player", actions.close),
    );
    sound.addEventListener("change", () => this.update());
  }

  #wander(wanders) {
    this.wanders = wanders;
    this.wander.setAttribute("aria-pressed", String(wanders));
  }

  update() {
    const { sound, library, element } = this;
    element.hidden = !sound.isPinned;
    if (!sound.isPinned) return;
    if (sound.track !== this.track) {
      this.track = sound.track;
      const words = make("span", { class: "words" }, make("strong", { dir: "auto" }, library.title_(this.track)), make("span", { class: "faint", dir: "auto" }, library.artist(this.track)));
      this.what.replaceChildren(sleeve(library, this.track), words);
      this.what.setAttribute("aria-label", `Show ${library.line(this.track)} on the map`);
      if (navigator.mediaSession) navigator.mediaSession.metadata = new MediaMetadata({ title: library.title_(this.track), artist: library.artist(this.track), album: library.word("album", this.track) });
    }
    const playing = sound.isPlaying;
    if (this.playing !== playing) {
      this.playing = playing;
      this.play.replaceChildren(icon(playing ? "pause" : "play"));
      this.play.setAttribute("aria-label", playing ? "Pause" : "Play");
    }
    const whole = sound.audio?.duration;
    const at = sound.audio?.currentTime ?? 0;
    this.seek.max = Number.isFinite(whole) ? whole : 1;
    this.seek.value = at;
    this.seek.disabled = !Number.isFinite(whole);
    this.seek.setAttribute("aria-valuetext", minutes(at));
    this.time.textContent = Number.isFinite(whole) ? `${minutes(at)} / ${minutes(whole)}` : "";
  }
}
