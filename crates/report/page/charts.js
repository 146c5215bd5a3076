// Interactive charts, by plotly.js.

const MARKERS = ["circle", "square", "triangle-up", "diamond", "triangle-down"];
const OCTAVES = [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];
const CONFIG = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };

let plotlyLoaded;

/** plotly.js, unpacked and run the first time that it is needed. */
function plotly() {
  plotlyLoaded ??= (async () => {
    const source = document.getElementById("plotly");
    const script = make("script");
    script.textContent = new TextDecoder().decode(await unpacked(source.textContent.trim()));
    document.head.append(script);
    source.textContent = "";
    return window.Plotly;
  })();
  return plotlyLoaded;
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { ink: of("--ink"), line: of("--line"), faint: of("--faint") };
}

/** Layout that follows the page's colours; `axes` are the names of the layout's axes. */
function themed(axes) {
  const { ink, line, faint } = colours();
  const theme = { "font.color": ink, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
  Object.assign(theme, { "modebar.bgcolor": "rgba(0,0,0,0)", "modebar.color": faint, "modebar.activecolor": ink });
  for (const axis of axes) Object.assign(theme, { [`${axis}.gridcolor`]: line, [`${axis}.linecolor`]: line });
  return theme;
}

const drawn = new Set();

/** Draws into `element` and keeps it in the page's colours. */
async function draw(element, traces, layout) {
  const Plotly = await plotly();
  const axes = Object.keys(layout).filter((name) => /^[xy]axis/.test(name));
  await Plotly.react(element, traces, { font: { size: 12 }, ...layout }, CONFIG);
  await Plotly.relayout(element, themed(axes));
  element.retheme = () => Plotly.relayout(element, themed(axes));
  drawn.add(element);
}

function retheme() {
  for (const element of drawn) {
    if (element.isConnected) element.retheme();
    else drawn.delete(element);
  }
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", retheme);
matchMedia("print").addEventListener("change", retheme);

/** Names are data: they must not become elements of plotly's small markup. */
function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function axisLayout({ label, log }) {
  return { title: { text: plain(label), standoff: 8 }, type: log ? "log" : "linear", automargin: true, showline: true };
}

/** A chart of curves with intervals. */
function drawCurves(element, chart) {
  const traces = chart.series.map((series) => ({
    name: plain(series.name),
    mode: "lines+markers",
    visible: series.hidden ? "legendonly" : true,
    x: series.points.map((point) => point.x),
    y: series.points.map((point) => point.y),
    error_y: {
      type: "data",
      symmetric: false,
      array: series.points.map((point) => point.high - point.y),
      arrayminus: series.points.map((point) => point.y - point.low),
      thickness: 1.2,
      width: 3,
    },
    text: series.points.map((point) => plain(point.note)),
    hovertemplate: "%{x:.1f}: %{text}",
    line: { color: series.colour, width: 2 },
    marker: { color: series.colour, symbol: MARKERS[series.marker % MARKERS.length], size: 7 },
  }));
  const layout = {
    title: { text: plain(chart.title), font: { size: 15 } },
    xaxis: axisLayout(chart.x),
    yaxis: axisLayout(chart.y),
    margin: { l: 60, r: 10, t: 40, b: 45 },
    legend: { orientation: "h", y: -0.2 },
    hovermode: "closest",
  };
  if (chart.x.log) Object.assign(layout.xaxis, { tickvals: OCTAVES, ticktext: OCTAVES.map(String) });
  return draw(element, traces, layout);
}

/** Numbers over two axes, as colours. */
function drawHeatMap(element, map) {
  const [zmin, zmax] = map.range;
  const trace = {
    type: "heatmap",
    z: map.values,
    x0: map.columns.first,
    dx: map.columns.step,
    y0: map.rows.first,
    dy: map.rows.step,
    zmin,
    zmax,
    colorscale: "Viridis",
    colorbar: { title: { text: plain(map.unit), side: "top" }, thickness: 12 },
    hovertemplate: "%{x:.3g}, %{y:.3g}: %{z:.3g}<extra></extra>",
  };
  const layout = {
    title: { text: plain(map.title), font: { size: 15 } },
    xaxis: { ...axisLayout(map.x), showgrid: false },
    yaxis: { ...axisLayout(map.y), showgrid: false },
    margin: { l: 60, r: 10, t: 40, b: 45 },
  };
  return draw(element, [trace], layout);
}

/** Block `heat_maps`. */
function heatMapsBlock({ maps }) {
  const grid = make("div", { class: "charts" });
  for (const map of maps) {
    const element = make("div", { class: "heat-map", role: "figure", "aria-label": `${map.title}: ${map.unit} over ${map.x.label}` });
    grid.append(element);
    later(() => drawHeatMap(element, map));
  }
  return grid;
}

/** Block `charts`. */
function chartsBlock({ charts }) {
  const grid = make("div", { class: "charts" });
  for (const chart of charts) {
    const element = make("div", { class: "chart", role: "figure", "aria-label": `${chart.title} against ${chart.x.label}` });
    grid.append(element);
    later(() => drawCurves(element, chart));
  }
  return grid;
}

/** Says above the page that a part of it could not be drawn; the others go on. */
function tellFailure(error) {
  console.error(error);
  document.querySelector("header").append(noteBlock({ text: `A part of this page could not be drawn: ${error.message}`, warning: true }));
}

const waiting = [];
let working = false;

/** Runs `work` after what was asked for before, one at a time, so that the page stays usable. */
async function later(work) {
  waiting.push(work);
  if (working) return;
  working = true;
  while (waiting.length > 0) {
    await new Promise((resolve) => setTimeout(resolve));
    await waiting.shift()().catch(tellFailure);
  }
  working = false;
  document.documentElement.dataset.drawn = "true";
}
