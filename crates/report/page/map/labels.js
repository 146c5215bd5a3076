// Names on the map: regions, titles when there is room, rings around what matters, the lasso.

const TITLES_FROM = 70; // so few points in sight have their titles beside them
const FONT = "system-ui, sans-serif";

/** The place of each region in a projection: the middle of its thickest part; null for one without members. */
function regionPlaces(library, xy) {
  const clusters = library.field("cluster");
  if (!clusters) return [];
  const side = 28;
  const counts = library.regions.map(() => new Float32Array(side * side));
  const cellOf = (i) => Math.min(side - 1, Math.floor((xy[2 * i + 1] / 65536) * side)) * side + Math.min(side - 1, Math.floor((xy[2 * i] / 65536) * side));
  for (let i = 0; i < library.count; i++) if (clusters.of[i] !== NOTHING) counts[clusters.of[i]][cellOf(i)]++;
  const near = (a, b) => Math.abs((a % side) - (b % side)) <= 1 && Math.abs(Math.floor(a / side) - Math.floor(b / side)) <= 1;
  const around = (cells, cell) => {
    let sum = 0;
    for (const row of [-side, 0, side]) for (const column of [-1, 0, 1]) sum += cells[cell + row + column] ?? 0;
    return sum;
  };
  const places = counts.map((cells) => {
    let [best, most] = [-1, 0];
    for (let cell = 0; cell < cells.length; cell++) {
      const sum = cells[cell] > 0 ? around(cells, cell) : 0;
      if (sum > most) [best, most] = [cell, sum];
    }
    return { best, x: 0, y: 0, weight: 0, members: cells.reduce((a, b) => a + b, 0) };
  });
  for (let i = 0; i < library.count; i++) {
    const place = places[clusters.of[i]];
    if (!place || !near(cellOf(i), place.best)) continue;
    place.x += xy[2 * i] / 65535;
    place.y += xy[2 * i + 1] / 65535;
    place.weight++;
  }
  return places.map(({ x, y, weight, members }) => (weight > 0 ? { x: x / weight, y: y / weight, members } : null));
}

class Labels {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
  }

  /** Starts a frame. */
  begin(ratio, { ink, paper, accent }) {
    Object.assign(this, { ink, paper, accent, taken: [] });
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.pen.lineJoin = "round";
  }

  #isFree(box) {
    return this.taken.every((other) => box[2] < other[0] || other[2] < box[0] || box[3] < other[1] || other[3] < box[1]);
  }

  #text(text, x, y, { size, weight, align, alpha }) {
    const { pen } = this;
    pen.font = `${weight} ${size}px ${FONT}`;
    pen.textAlign = align;
    pen.textBaseline = "middle";
    const width = pen.measureText(text).width;
    const left = align === "center" ? x - width / 2 : x;
    const box = [left - 4, y - size * 0.75, left + width + 4, y + size * 0.75];
    if (!this.#isFree(box)) return false;
    this.taken.push(box);
    pen.globalAlpha = alpha;
    pen.lineWidth = size / 3.4;
    pen.strokeStyle = this.paper;
    pen.strokeText(text, x, y);
    pen.fillStyle = this.ink;
    pen.fillText(text, x, y);
    pen.globalAlpha = 1;
    return true;
  }

  regions(regions, places, view, alpha) {
    const order = regions.map((_, index) => index).filter((index) => places[index]).sort((a, b) => places[b].members - places[a].members);
    const most = order.length > 0 ? places[order[0]].members : 1;
    for (const index of order) {
      const { x, y, members } = places[index];
      const [px, py] = view.toScreen(x, y);
      if (px < -100 || py < -20 || px > view.width + 100 || py > view.height + 20) continue;
      const size = Math.round(12.5 + 7.5 * Math.sqrt(members / most) + Math.min(5, 2 * Math.max(0, Math.log2(view.zoom))));
      this.#text(regions[index].name, px, py, { size, weight: 650, align: "center", alpha });
    }
  }

  /** Titles beside the points in sight, if they are few. */
  titles(library, grid, view, radius, wanted) {
    const [x0, y0] = view.toWorld(0, 0);
    const [x1, y1] = view.toWorld(view.width, view.height);
    const seen = [];
    grid.inBox(x0, y0, x1, y1, (i, x, y) => {
      if (seen.length <= TITLES_FROM && x >= x0 && x <= x1 && y >= y0 && y <= y1 && wanted(i)) seen.push([i, x, y]);
    });
    if (seen.length > TITLES_FROM || view.zoom < 1.5) return;
    for (const [i, x, y] of seen) {
      const [px, py] = view.toScreen(x, y);
      const title = library.title_(i);
      this.#text(title.length > 34 ? `${title.slice(0, 33)}…` : title, px + radius + 5, py, { size: 12, weight: 450, align: "left", alpha: 0.95 });
    }
  }

  ring(px, py, radius, { colour = this.accent, width = 2.5 } = {}) {
    const { pen } = this;
    for (const [style, line] of [[this.paper, width + 2], [colour, width]]) {
      pen.beginPath();
      pen.arc(px, py, radius, 0, 7);
      pen.strokeStyle = style;
      pen.lineWidth = line;
      pen.stroke();
    }
  }

  /** A line of screen places. */
  lasso(path) {
    const { pen } = this;
    if (path.length < 2) return;
    pen.beginPath();
    path.forEach(([x, y]) => pen.lineTo(x, y));
    pen.closePath();
    pen.fillStyle = this.accent;
    pen.globalAlpha = 0.12;
    pen.fill();
    pen.globalAlpha = 1;
    pen.setLineDash([6, 4]);
    pen.lineWidth = 2;
    pen.strokeStyle = this.accent;
    pen.stroke();
    pen.setLineDash([]);
  }

  /** The way that was listened along, from track to track. */
  trail(places) {
    const { pen } = this;
    pen.beginPath();
    places.forEach(([x, y]) => pen.lineTo(x, y));
    pen.strokeStyle = this.accent;
    pen.globalAlpha = 0.45;
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.globalAlpha = 1;
  }
}
