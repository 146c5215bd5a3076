// Charts of curves with intervals, and their legends.

/** Half of a mark's size, and of the ends of intervals, pixels. */
const MARK = 4;
/** A curve of more points has marks at about so many of them only. */
const MOST_MARKS = 16;
/** A point further away from the pointer is not told about, pixels. */
const NEAR = 40;

/** A mark at a pixel. */
function markAt(number, x, y, colour) {
  const corners = page.marks[number].map(([dx, dy]) => `${(x + MARK * dx).toFixed(1)} ${(y + MARK * dy).toFixed(1)}`);
  return shape("path", { class: "mark", d: `M${corners.join("L")}Z`, fill: colour });
}

/** The mark of a codec, to stand beside its name. */
function lookElement({ colour, mark }) {
  const line = shape("path", { d: "M0 7H22", stroke: colour, "stroke-width": 2 });
  return shape("svg", { class: "look", viewBox: "0 0 22 14", width: 22, height: 14, "aria-hidden": "true" }, line, markAt(mark, 11, 7, colour));
}

function paintCurve(group, { xAxis, yAxis, x, y }, { colour, mark, points }) {
  const shown = points.filter((point) => hasPlace(xAxis, point.x) && hasPlace(yAxis, point.y));
  const places = shown.map((point) => `${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`);
  group.append(shape("path", { class: "curve", d: places.length > 0 ? `M${places.join("L")}` : "", stroke: colour }));
  for (const point of shown.filter(({ low, high }) => hasPlace(yAxis, low) && low < high)) {
    const [left, right] = [x(point.x) - MARK, x(point.x) + MARK];
    const [low, high] = [y(point.low), y(point.high)];
    group.append(shape("path", { class: "interval", d: `M${x(point.x)} ${low}V${high}M${left} ${low}H${right}M${left} ${high}H${right}`, stroke: colour }));
  }
  const every = Math.max(1, Math.ceil(shown.length / MOST_MARKS));
  shown.filter((_, index) => index % every === 0).forEach((point) => group.append(markAt(mark, x(point.x), y(point.y), colour)));
}

/** The point next to a pixel and what there is to say of it. */
function nearestPoint(series, { xAxis, yAxis, x, y }, px, py) {
  let nearest;
  for (const { name, points } of series) {
    for (const point of points) {
      if (!hasPlace(xAxis, point.x) || !hasPlace(yAxis, point.y)) continue;
      const found = { x: x(point.x), y: y(point.y) };
      const distance = Math.hypot(found.x - px, found.y - py);
      if (distance > NEAR || distance >= nearest?.distance) continue;
      const note = point.note || threeDigits(point.y);
      nearest = { ...found, distance, text: `${name}\n${threeDigits(point.x)}: ${note}` };
    }
  }
  return nearest;
}

/** A chart with its legend: a click on a name hides or shows its curve, a double click shows it alone. */
function curvesElement(chart) {
  const canvas = make("div", { class: "canvas" });
  const legend = make("div", { class: "legend" });
  const element = make("div", { class: "chart", role: "figure", "aria-label": `${chart.title} against ${chart.x.label}` }, canvas, legend);
  const hidden = new Set(chart.series.filter((series) => series.hidden));
  let drawing;

  function render() {
    buttons.forEach((each, index) => each.setAttribute("aria-pressed", String(!hidden.has(chart.series[index]))));
    const shown = chart.series.filter((series) => !hidden.has(series));
    const points = shown.flatMap((series) => series.points);
    drawing?.show([
      {
        title: chart.title,
        grid: true,
        x: around({ ...chart.x, octaves: true }, points.map((point) => point.x)),
        y: around(chart.y, points.flatMap(({ low, high }) => [low, high])),
        paint: (group, placed) => shown.forEach((series) => paintCurve(group, placed, series)),
        tell: (placed, x, y) => nearestPoint(shown, placed, x, y),
      },
    ]);
  }

  function toggle(series) {
    if (!hidden.delete(series)) hidden.add(series);
    render();
  }

  function alone(series) {
    const others = chart.series.filter((other) => other !== series);
    const isAlone = !hidden.has(series) && others.every((other) => hidden.has(other));
    hidden.clear();
    if (!isAlone) others.forEach((other) => hidden.add(other));
    render();
  }

  const buttons = chart.series.map((series) => {
    const entry = button("", () => toggle(series), { ondblclick: () => alone(series) });
    entry.append(lookElement(series), series.name);
    return entry;
  });
  legend.append(...buttons);
  later(() => {
    drawing = new Drawing(canvas);
    render();
  });
  return element;
}

/** Block `charts`. */
function chartsBlock({ charts }) {
  return make("div", { class: "charts" }, ...charts.map(curvesElement));
}
