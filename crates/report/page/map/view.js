// Where the map is looked at from. The world is the square from 0 to 1, y downwards; the screen is in CSS pixels.

const NEAREST_SCALE = 400_000; // pixels for the whole square
const GLIDE_MS = 550;

const still = matchMedia("(prefers-reduced-motion: reduce)");

function eased(part) {
  return part < 0.5 ? 4 * part ** 3 : 1 - (-2 * part + 2) ** 3 / 2;
}

class View {
  constructor() {
    Object.assign(this, { width: 1, height: 1, x: 0.5, y: 0.5, scale: 1, glide: null });
    this.insets = { left: 0, right: 0, top: 0, bottom: 0 };
  }

  /** Pixels of the square when all of it is seen. */
  get wholeScale() {
    const { left, right, top, bottom } = this.insets;
    return Math.max(60, 0.94 * Math.min(this.width - left - right, this.height - top - bottom));
  }

  get zoom() {
    return this.scale / this.wholeScale;
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2];
  }

  toWorld(px, py) {
    return [(px - this.width / 2) / this.scale + this.x, (py - this.height / 2) / this.scale + this.y];
  }

  resize(width, height) {
    const zoom = this.zoom;
    Object.assign(this, { width, height });
    this.scale = zoom * this.wholeScale;
  }

  pan(dx, dy) {
    this.glide = null;
    this.#place(this.x - dx / this.scale, this.y - dy / this.scale, this.scale);
  }

  /** Zooms by a factor so that what is under a place of the screen stays there. */
  zoomAt(px, py, factor) {
    this.glide = null;
    const [x, y] = this.toWorld(px, py);
    const scale = this.#scale(this.scale * factor);
    this.#place(x - (px - this.width / 2) / scale, y - (py - this.height / 2) / scale, scale);
  }

  /** Moves to a place over a moment, or at once for who wants no motion. */
  glideTo(x, y, scale, now) {
    const to = { x, y, scale: this.#scale(scale) };
    if (still.matches) return this.#place(to.x, to.y, to.scale);
    this.glide = { from: { x: this.x, y: this.y, scale: this.scale }, to, start: now };
  }

  home(now) {
    const { left, right, top, bottom } = this.insets;
    const scale = this.wholeScale;
    this.glideTo(0.5 - (left - right) / 2 / scale, 0.5 - (top - bottom) / 2 / scale, scale, now);
  }

  /** Looks at a box of the world. */
  fit([x0, y0, x1, y1], now) {
    const span = Math.max(x1 - x0, y1 - y0, 0.02);
    const scale = Math.min(this.wholeScale / span / 1.25, this.wholeScale * 40);
    const { left, right, top, bottom } = this.insets;
    this.glideTo((x0 + x1) / 2 - (left - right) / 2 / scale, (y0 + y1) / 2 - (top - bottom) / 2 / scale, scale, now);
  }

  /** Goes on with a motion; whether there is one. */
  tick(now) {
    if (!this.glide) return false;
    const { from, to, start } = this.glide;
    const part = Math.min(1, Math.max(0, (now - start) / GLIDE_MS));
    const e = eased(part);
    const scale = from.scale * (to.scale / from.scale) ** e;
    // The place moves with the scale, so that zooming in goes straight to its aim.
    const moved = Math.abs(to.scale - from.scale) < 1e-6 * from.scale ? e : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
    this.#place(from.x + (to.x - from.x) * moved, from.y + (to.y - from.y) * moved, scale);
    if (part === 1) this.glide = null;
    return true;
  }

  /** Whether a place of the world is on the screen and not below a panel. */
  shows(x, y) {
    const [px, py] = this.toScreen(x, y);
    const { left, right, top, bottom } = this.insets;
    return px > left + 20 && px < this.width - right - 20 && py > top + 20 && py < this.height - bottom - 20;
  }

  #scale(scale) {
    return Math.min(NEAREST_SCALE, Math.max(0.4 * this.wholeScale, scale));
  }

  #place(x, y, scale) {
    Object.assign(this, { x: Math.min(1.4, Math.max(-0.4, x)), y: Math.min(1.4, Math.max(-0.4, y)), scale });
  }
}
