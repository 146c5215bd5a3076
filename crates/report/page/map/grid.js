// Points sorted into the cells of a grid: who is under the pointer, who is next to whom.

class Grid {
  /** `xy`: positions of one projection, 0 to 65535. */
  constructor(xy) {
    const count = xy.length / 2;
    this.xy = xy;
    this.side = Math.max(1, Math.min(512, Math.round(Math.sqrt(count / 3))));
    this.first = new Uint32Array(this.side * this.side + 1);
    const cells = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      cells[i] = this.#cell(xy[2 * i] / 65535, xy[2 * i + 1] / 65535);
      this.first[cells[i] + 1]++;
    }
    for (let cell = 0; cell < this.side * this.side; cell++) this.first[cell + 1] += this.first[cell];
    const next = this.first.slice();
    this.order = new Uint32Array(count);
    for (let i = 0; i < count; i++) this.order[next[cells[i]]++] = i;
  }

  #column(at) {
    return Math.min(this.side - 1, Math.max(0, Math.floor(at * this.side)));
  }

  #cell(x, y) {
    return this.#column(y) * this.side + this.#column(x);
  }

  /** Calls `visit(point, x, y)` for all points in the cells that a box touches. */
  inBox(x0, y0, x1, y1, visit) {
    const { side, first, order, xy } = this;
    const [c0, c1] = [this.#column(x0), this.#column(x1)];
    for (let row = this.#column(y0); row <= this.#column(y1); row++) {
      for (let k = first[row * side + c0]; k < first[row * side + c1 + 1]; k++) {
        const i = order[k];
        visit(i, xy[2 * i] / 65535, xy[2 * i + 1] / 65535);
      }
    }
  }

  /** The nearest point that `wanted` accepts, at most `reach` away; -1 if there is none. */
  nearest(x, y, reach, wanted) {
    let [best, least] = [-1, reach * reach];
    this.inBox(x - reach, y - reach, x + reach, y + reach, (i, px, py) => {
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance <= least && wanted(i)) [best, least] = [i, distance];
    });
    return best;
  }

  /** The point that minimises `cost(dx, dy, distance)`, looked for in ever larger boxes; -1 if there is none. */
  #around(x, y, wanted, cost) {
    for (let reach = 1.5 / this.side; ; reach *= 2) {
      let [best, least] = [-1, Infinity];
      this.inBox(x - reach, y - reach, x + reach, y + reach, (i, px, py) => {
        const distance = Math.hypot(px - x, py - y);
        const found = distance <= reach ? cost(px - x, py - y, distance) : Infinity;
        if (found < least && wanted(i)) [best, least] = [i, found];
      });
      if (best >= 0 || reach > 2) return best;
    }
  }

  /** The next point in a direction, a unit vector: near, and not far from the line. */
  towards(from, ux, uy, wanted) {
    const [x, y] = [this.xy[2 * from] / 65535, this.xy[2 * from + 1] / 65535];
    const cost = (dx, dy, distance) => {
      const along = (dx * ux + dy * uy) / (distance || 1);
      return distance > 0 && along > 0.6 ? distance * (1 + 3 * (1 - along)) : Infinity;
    };
    return this.#around(x, y, (i) => i !== from && wanted(i), cost);
  }

  /** The closest other point. */
  neighbour(from, wanted) {
    const [x, y] = [this.xy[2 * from] / 65535, this.xy[2 * from + 1] / 65535];
    return this.#around(x, y, (i) => i !== from && wanted(i), (dx, dy, distance) => distance);
  }
}

/** The points inside of a polygon of world places `[[x, y], ...]`. */
function insideOf(polygon, grid, wanted) {
  const xs = polygon.map((p) => p[0]);
  const ys = polygon.map((p) => p[1]);
  const found = [];
  grid.inBox(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (i, x, y) => {
    let inside = false;
    for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
      const [ax, ay] = polygon[a];
      const [bx, by] = polygon[b];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    }
    if (inside && wanted(i)) found.push(i);
  });
  return found;
}
