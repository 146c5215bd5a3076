// Numbers over two axes, as colours.

function channelsOf(colour) {
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}

/** Colours as 256 steps of [red, green, blue], from those of a ramp. */
function rampSteps(ramp) {
  const stops = ramp.map(channelsOf);
  return Array.from({ length: 256 }, (_, step) => {
    const place = (step / 255) * (stops.length - 1);
    const below = Math.min(Math.floor(place), stops.length - 2);
    return stops[below].map((from, channel) => Math.round(from + (stops[below + 1][channel] - from) * (place - below)));
  });
}

/** Rows of numbers, the lowest first, as the address of a picture with a pixel for each. */
function pictureOf(values, [low, high], ramp) {
  const [rows, columns] = [values.length, values[0]?.length ?? 0];
  if (rows === 0 || columns === 0) return undefined;
  const steps = rampSteps(ramp);
  const canvas = make("canvas", { width: String(columns), height: String(rows) });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const part = (values[row][column] - low) / (high - low);
      const step = Math.round(255 * Math.min(1, Math.max(0, part || 0)));
      picture.data.set([...steps[step], 255], 4 * ((rows - 1 - row) * columns + column));
    }
  }
  context.putImageData(picture, 0, 0);
  return canvas.toDataURL();
}

/** The ends of an axis of `count` cells. */
function endsOf({ first, step }, count) {
  return [first - step / 2, first + step * (count - 0.5)];
}

/**
 * A panel (drawing.js) of a map {title, x, columns, y, rows, unit, values, range}; `ramp` names its colours, `tellAbout`
 * makes a text of a column's place, a row's place and a value.
 */
function heatMapPanel(map, { ramp = "level", part, tellAbout } = {}) {
  const [rows, columns] = [map.values.length, map.values[0]?.length ?? 0];
  const colours = page.ramps[ramp];
  const href = pictureOf(map.values, map.range, colours);
  const [xEnds, yEnds] = [endsOf(map.columns, columns), endsOf(map.rows, rows)];
  const index = (grid, value, count) => Math.min(count - 1, Math.max(0, Math.round((value - grid.first) / grid.step)));
  const about = tellAbout ?? ((x, y, value) => `${threeDigits(x)}, ${threeDigits(y)}: ${threeDigits(value)}`);
  return {
    title: map.title,
    part,
    x: { ...map.x, range: map.xRange ?? xEnds },
    y: { ...map.y, range: map.yRange ?? yEnds },
    bar: { unit: map.unit, range: map.range, colours },
    paint: (group, { x, y }) => {
      if (!href) return;
      const [left, top] = [x(xEnds[0]), y(yEnds[1])];
      group.append(shape("image", { href, x: left, y: top, width: x(xEnds[1]) - left, height: y(yEnds[0]) - top, preserveAspectRatio: "none" }));
    },
    tell: ({ x, y }, px, py) => {
      if (!href) return undefined;
      const [column, row] = [index(map.columns, x.value(px), columns), index(map.rows, y.value(py), rows)];
      const place = ({ first, step }, at) => first + step * at;
      return { x: px, y: py, text: about(place(map.columns, column), place(map.rows, row), map.values[row][column]) };
    },
  };
}

/** What the colours right of a panel mean. */
function colourBar({ unit, range, colours }, { right, top, bottom }) {
  const group = shape("g", { class: "colour-bar labels" });
  const href = pictureOf(Array.from({ length: 256 }, (_, step) => [step]), [0, 255], colours);
  group.append(shape("image", { href, x: right + 10, y: top, width: 12, height: bottom - top, preserveAspectRatio: "none" }));
  const axis = { log: false, range };
  const scale = scaleOf(axis, [bottom, top]);
  for (const value of ticks(axis, (bottom - top) / 30)) {
    group.append(shape("text", { x: right + 26, y: scale(value) + 4 }, tickText(value)));
  }
  group.append(shape("text", { x: right + 10, y: top - 7 }, unit));
  return group;
}

/** Block `heat_maps`. */
function heatMapsBlock({ maps }) {
  const grid = make("div", { class: "charts" });
  for (const map of maps) {
    const element = make("div", { class: "heat-map", role: "figure", "aria-label": `${map.title}: ${map.unit} over ${map.x.label}` });
    grid.append(element);
    later(() => new Drawing(element, { margin: { right: 80 } }).show([heatMapPanel(map)]));
  }
  return grid;
}
