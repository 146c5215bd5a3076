// Points drawn on a plain canvas, for machines without WebGL2.

class FlatPoints {
  constructor(canvas, count) {
    Object.assign(this, { canvas, count, name: "2d", pen: canvas.getContext("2d") });
    this.sprites = new Map();
  }

  setPositions(from, to) {
    Object.assign(this, { from, to });
  }

  setColours(colours) {
    this.colours = colours;
  }

  setStates(states) {
    this.states = states;
  }

  /** A disc of one colour, drawn once. */
  #sprite(colour, radius) {
    const key = colour * 1024 + Math.round(radius * 8);
    if (!this.sprites.has(key)) {
      if (this.sprites.size > 4000) this.sprites.clear();
      const side = Math.ceil(2 * radius) + 2;
      const sprite = new OffscreenCanvas(side, side);
      const pen = sprite.getContext("2d");
      pen.fillStyle = `#${colour.toString(16).padStart(6, "0")}`;
      pen.arc(side / 2, side / 2, radius, 0, 7);
      pen.fill();
      this.sprites.set(key, sprite);
    }
    return this.sprites.get(key);
  }

  draw(view, { part, radius, ratio }) {
    const { pen, canvas, from, to, colours, states } = this;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const e = eased(part);
    const scale = (view.scale * ratio) / 65535;
    const [left, top] = [canvas.width / 2 - view.x * view.scale * ratio, canvas.height / 2 - view.y * view.scale * ratio];
    for (const pass of [FAINT, PLAIN, STRONG]) {
      pen.globalAlpha = pass === FAINT ? 0.13 : 1;
      const r = radius * ratio * (pass === STRONG ? 1.3 : pass === FAINT ? 0.8 : 1);
      for (let i = 0; i < this.count; i++) {
        if (states[i] !== pass) continue;
        const x = left + (from[2 * i] + (to[2 * i] - from[2 * i]) * e) * scale;
        const y = top + (from[2 * i + 1] + (to[2 * i + 1] - from[2 * i + 1]) * e) * scale;
        if (x < -r || y < -r || x > canvas.width + r || y > canvas.height + r) continue;
        const sprite = this.#sprite((colours[3 * i] << 16) | (colours[3 * i + 1] << 8) | colours[3 * i + 2], r);
        pen.drawImage(sprite, x - sprite.width / 2, y - sprite.height / 2);
      }
    }
    pen.globalAlpha = 1;
  }
}
