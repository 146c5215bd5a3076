// A soft light behind crowded places, in the colours of what is there.

const GLOW_SIDE = 192;
const GLOW_REACH = 2; // cells a blur goes to either side
const GLOW_BLURS = 3; // three box blurs are nearly a Gaussian (central limit)
const GLOW_MARGIN = 0.12; // of the world around the square, so that the light fades before it ends

/** Sums of boxes of `2 * GLOW_REACH + 1` cells along one axis of a square of numbers. */
function boxBlurred(values, stride, across) {
  const out = new Float32Array(values.length);
  for (let line = 0; line < GLOW_SIDE; line++) {
    let sum = 0;
    const at = (cell) => line * across + cell * stride;
    for (let cell = -GLOW_REACH; cell < GLOW_SIDE; cell++) {
      const [enters, leaves] = [cell + GLOW_REACH, cell - GLOW_REACH - 1];
      if (enters < GLOW_SIDE) sum += values[at(enters)];
      if (leaves >= 0) sum -= values[at(leaves)];
      if (cell >= 0) out[at(cell)] = Math.max(0, sum);
    }
  }
  return out;
}

class Glow {
  constructor(canvas) {
    Object.assign(this, { canvas, pen: canvas.getContext("2d"), light: new OffscreenCanvas(GLOW_SIDE, GLOW_SIDE), strength: 1 });
  }

  /** Computes the light of points that are not `FAINT`. */
  update(xy, colours, states, dark) {
    const sums = Array.from({ length: 4 }, () => new Float32Array(GLOW_SIDE * GLOW_SIDE));
    const cellOf = (value) => Math.floor(((value / 65535 + GLOW_MARGIN) / (1 + 2 * GLOW_MARGIN)) * (GLOW_SIDE - 1e-3));
    for (let i = 0; i < states.length; i++) {
      if (states[i] === FAINT) continue;
      const cell = cellOf(xy[2 * i + 1]) * GLOW_SIDE + cellOf(xy[2 * i]);
      for (let c = 0; c < 3; c++) sums[c][cell] += colours[3 * i + c];
      sums[3][cell]++;
    }
    for (let time = 0; time < GLOW_BLURS; time++) {
      for (let c = 0; c < 4; c++) sums[c] = boxBlurred(boxBlurred(sums[c], 1, GLOW_SIDE), GLOW_SIDE, 1);
    }
    const weights = sums[3];
    const used = weights.filter((weight) => weight > 0).sort();
    const full = used[Math.floor(0.97 * used.length)] || 1;
    const pixels = new ImageData(GLOW_SIDE, GLOW_SIDE);
    for (let cell = 0; cell < weights.length; cell++) {
      if (weights[cell] === 0) continue;
      for (let c = 0; c < 3; c++) pixels.data[4 * cell + c] = sums[c][cell] / weights[cell];
      pixels.data[4 * cell + 3] = 255 * (dark ? 0.34 : 0.26) * Math.min(1, weights[cell] / full) ** 0.55;
    }
    this.light.getContext("2d").putImageData(pixels, 0, 0);
  }

  draw(view, ratio) {
    const { canvas, pen } = this;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const strength = this.strength * Math.min(1, 5 / view.zoom);
    if (strength < 0.02) return;
    pen.globalAlpha = strength;
    pen.imageSmoothingQuality = "high";
    const [left, top] = view.toScreen(-GLOW_MARGIN, -GLOW_MARGIN);
    const side = view.scale * (1 + 2 * GLOW_MARGIN) * ratio;
    pen.drawImage(this.light, left * ratio, top * ratio, side, side);
    pen.globalAlpha = 1;
  }
}
