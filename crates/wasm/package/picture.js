// The track as a picture: time to the right, frequency upwards, level as ink. It grows as sections are decoded.

/** Levels from white paper to full ink. */
const [FAINTEST_DB, STRONGEST_DB] = [-85, -25];
const COLUMNS = 1200;

/** Draws pictures of sections on a canvas; what was played is in one colour, the rest in another. */
export class TrackPicture {
  #bands = 0;
  #columns = []; // per column: levels of bands, or undefined
  #samples = 0;
  #pictures = [];

  constructor(canvas) {
    this.canvas = canvas;
    canvas.width = COLUMNS;
  }

  clear() {
    [this.#columns, this.#pictures, this.#bands, this.#samples] = [[], [], 0, 0];
  }

  /** Sets the length of the whole track, in samples. */
  set samples(samples) {
    if (!samples || samples === this.#samples) return;
    this.#samples = samples;
    this.#columns = [];
    for (const picture of this.#pictures) this.#enter(picture);
  }

  add(picture) {
    if (this.#pictures.some(({ position }) => position === picture.position)) return;
    this.#pictures.push(picture);
    this.#bands = picture.bands;
    // Without a length, there is room for what came so far.
    if (this.#samples === 0 || picture.position + picture.frames * picture.hop > this.#samples * 1.01) {
      this.samples = Math.max(this.#samples, picture.position + picture.frames * picture.hop) * (this.#samples === 0 ? 1 : 1.5);
    } else {
      this.#enter(picture);
    }
  }

  /** Takes the strongest level of each band into the columns that a picture covers. */
  #enter({ position, hop, bands, frames, levels }) {
    for (let frame = 0; frame < frames; frame++) {
      const column = Math.floor(((position + frame * hop) / this.#samples) * COLUMNS);
      const end = Math.max(column + 1, Math.floor(((position + (frame + 1) * hop) / this.#samples) * COLUMNS));
      for (let at = column; at < Math.min(end, COLUMNS); at++) {
        const into = (this.#columns[at] ??= new Float32Array(bands).fill(-200));
        for (let band = 0; band < bands; band++) into[band] = Math.max(into[band], levels[frame * bands + band]);
      }
    }
  }

  /** Draws; `played` is the part of the track, 0 to 1; colours are `[red, green, blue]`. */
  draw(played, colours) {
    const height = Math.max(1, this.#bands);
    if (this.canvas.height !== height) this.canvas.height = height;
    const pen = this.canvas.getContext("2d");
    const image = pen.createImageData(COLUMNS, height);
    for (let column = 0; column < COLUMNS; column++) {
      const levels = this.#columns[column];
      if (!levels) continue;
      const colour = column < played * COLUMNS ? colours.played : colours.ahead;
      for (let band = 0; band < height; band++) {
        const ink = Math.min(1, Math.max(0, (levels[band] - FAINTEST_DB) / (STRONGEST_DB - FAINTEST_DB)));
        const at = 4 * ((height - 1 - band) * COLUMNS + column);
        image.data.set(colour, at);
        image.data[at + 3] = 255 * ink ** 1.4;
      }
    }
    pen.putImageData(image, 0, 0);
  }

  /** How many columns are filled, of how many. */
  get filled() {
    return this.#columns.filter(Boolean).length / COLUMNS;
  }
}
