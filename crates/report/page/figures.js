// Pictures of sounds: outlines, spectrograms of two versions and their difference, on one time axis.

const MARGIN = { l: 65, r: 85, t: 20, b: 40 };
/** Levels shown, dB. */
const LEVELS = [-100, 0];
/** Differences shown, dB. */
const DIFFERENCES = [-40, 40];
/** Upper and lower end of each panel, as parts of the height. */
const PANELS = [[0.86, 1], [0.59, 0.82], [0.31, 0.54], [0, 0.26]];

function waveformTraces({ columns, data }, seconds, colour) {
  const values = new Int8Array(bytesOf(data).buffer);
  const x = Array.from({ length: columns }, (_, column) => ((column + 0.5) * seconds) / columns);
  const side = (offset) => x.map((_, column) => values[2 * column + offset] / 127);
  const common = { x, mode: "lines", line: { width: 0.5, color: colour }, hoverinfo: "skip" };
  return [
    { ...common, y: side(0) },
    { ...common, y: side(1), fill: "tonexty", fillcolor: `${colour}99` },
  ];
}

/** Levels as rows; `[row][column]`. */
async function levels({ columns, rows, data }) {
  const values = new Int8Array((await unpacked(data)).buffer);
  return Array.from({ length: rows }, (_, row) => values.subarray(row * columns, (row + 1) * columns));
}

function heatmap(picture, z, panel, look) {
  const [bottom, top] = PANELS[panel];
  return {
    type: "heatmap",
    z,
    x0: picture.seconds.first,
    dx: picture.seconds.step,
    y0: picture.hz.first,
    dy: picture.hz.step,
    yaxis: `y${panel + 1}`,
    hovertemplate: "%{x:.2f} s, %{y:.0f} Hz: %{z} dB<extra></extra>",
    colorbar: { title: { text: "dB", side: "top" }, thickness: 12, len: top - bottom, y: (top + bottom) / 2, x: 1.01 },
    ...look,
  };
}

/**
 * A figure that follows a deck: outline, original, version, version minus original, and the playhead.
 * Answers its element, a function to show another pair of versions, and one that moves the playhead.
 */
function soundFigure(deck) {
  const plot = make("div", { class: "sound", role: "figure", "aria-label": "Outlines, spectrograms and their difference" });
  const head = make("div", { class: "playhead" });
  const element = make("div", { class: "stage" }, plot, head);
  let shown = 0;

  async function show(original, version) {
    const turn = ++shown;
    const [a, b] = await Promise.all([levels(original.sound.spectrogram), levels(version.sound.spectrogram)]);
    const difference = b.map((row, index) => row.map((db, column) => clamped(db - a[index][column])));
    if (turn !== shown) return;
    const picture = original.sound.spectrogram;
    const level = { zmin: LEVELS[0], zmax: LEVELS[1], colorscale: "Viridis" };
    const traces = [
      ...waveformTraces(original.sound.waveform, deck.seconds, "#888888"),
      ...waveformTraces(version.sound.waveform, deck.seconds, "#4477aa"),
      heatmap(picture, a, 1, level),
      heatmap(picture, b, 2, level),
      heatmap(picture, difference, 3, { zmin: DIFFERENCES[0], zmax: DIFFERENCES[1], colorscale: "RdBu", reversescale: false }),
    ];
    const axis = (panel, title) => ({ domain: PANELS[panel], title: { text: title }, showgrid: false, anchor: "x" });
    const top = picture.hz.first + picture.hz.step * picture.rows;
    const name = (text, panel) => ({ text: plain(text), x: 0, y: PANELS[panel][1], xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom", showarrow: false });
    const layout = {
      margin: { ...MARGIN, autoexpand: false },
      xaxis: { title: { text: "seconds" }, range: [0, deck.seconds], anchor: "y4", showgrid: false },
      yaxis: { ...axis(0, "amplitude"), range: [-1, 1] },
      yaxis2: { ...axis(1, "Hz"), range: [0, top] },
      yaxis3: { ...axis(2, "Hz"), range: [0, top], matches: "y2" },
      yaxis4: { ...axis(3, "Hz"), range: [0, top], matches: "y2" },
      annotations: [name(`${original.name} (grey) and ${version.name} (blue)`, 0), name(original.name, 1), name(version.name, 2), name(`${version.name} minus ${original.name}`, 3)],
      showlegend: false,
      uirevision: "same", // a zoom survives the change of versions
    };
    await draw(plot, traces, layout);
    if (!plot.dataset.seeks) {
      plot.dataset.seeks = "true";
      plot.on("plotly_click", ({ points }) => deck.seek(points[0].x));
      plot.on("plotly_relayout", tick);
    }
    plot.dataset.version = version.name;
    tick();
  }

  function tick() {
    const range = plot.layout?.xaxis?.range;
    const width = plot.clientWidth - MARGIN.l - MARGIN.r;
    if (!range || width <= 0) return;
    const part = (deck.position() - range[0]) / (range[1] - range[0]);
    head.hidden = part < 0 || part > 1;
    head.style.left = `${MARGIN.l + part * width}px`;
  }

  return { element, show, tick };
}

function clamped(difference) {
  return Math.max(-127, Math.min(127, difference));
}
