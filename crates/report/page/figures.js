// Pictures of sounds: outlines, spectrograms of two versions and their difference, on one time axis.

/** Levels shown, dB. */
const LEVELS = [-100, 0];
/** Differences shown, dB. */
const DIFFERENCES = [-40, 40];
/** Ends of each panel from above, as parts of the height. */
const PARTS = [[0, 0.14], [0.19, 0.43], [0.475, 0.715], [0.76, 1]];

/** Levels as rows; `[row][column]`. */
async function levels({ columns, rows, data }) {
  const values = new Int8Array((await unpacked(data)).buffer);
  return Array.from({ length: rows }, (_, row) => values.subarray(row * columns, (row + 1) * columns));
}

/** The outline of a sound as an area. */
function paintOutline(group, { x, y }, { sound, look }, seconds) {
  const { columns, data } = sound.waveform;
  const values = new Int8Array(bytesOf(data).buffer);
  const place = (column, side) => `${x(((column + 0.5) * seconds) / columns).toFixed(1)} ${y(values[2 * column + side] / 127).toFixed(1)}`;
  const order = integers(0, columns - 1);
  const corners = [...order.map((column) => place(column, 1)), ...order.reverse().map((column) => place(column, 0))];
  group.append(shape("path", { class: "outline", d: `M${corners.join("L")}Z`, fill: look.colour }));
}

/**
 * A figure that follows a deck: outline, original, version, version minus original, and the playhead. A click makes the
 * deck go there. Answers its element, a function to show another pair of versions, and one that moves the playhead.
 */
function soundFigure(deck) {
  const plot = make("div", { class: "sound", role: "figure", "aria-label": "Outlines, spectrograms and their difference" });
  const head = make("div", { class: "playhead", hidden: true });
  const element = make("div", { class: "stage" }, plot, head);
  const drawing = new Drawing(plot, { margin: { top: 22, right: 80 }, onclick: (seconds) => deck.seek(seconds), onrender: tick });
  let shown = 0;

  async function show(original, version) {
    const turn = ++shown;
    const [a, b] = await Promise.all([levels(original.sound.spectrogram), levels(version.sound.spectrogram)]);
    if (turn !== shown) return;
    const difference = b.map((row, index) => Array.from(row, (db, column) => db - a[index][column]));
    const picture = original.sound.spectrogram;
    const x = { label: "seconds", log: false, range: [0, deck.seconds] };
    const common = { x, xRange: x.range, columns: picture.seconds, y: { label: "Hz", log: false }, yRange: [0, endsOf(picture.hz, picture.rows)[1]], rows: picture.hz, unit: "dB" };
    const tellAbout = (seconds, hz, db) => `${seconds.toFixed(2)} s, ${hz.toFixed(0)} Hz: ${db} dB`;
    const panel = (index, title, values, range, ramp) => heatMapPanel({ ...common, title, values, range }, { ramp, part: PARTS[index], tellAbout });
    drawing.show([
      {
        title: `${original.name} and, in front, ${version.name}`,
        part: PARTS[0],
        x,
        y: { label: "amplitude", log: false, range: [-1, 1] },
        paint: (group, placed) => [original, version].forEach((each) => paintOutline(group, placed, each, deck.seconds)),
      },
      panel(1, original.name, a, LEVELS, "level"),
      panel(2, version.name, b, LEVELS, "level"),
      panel(3, `${version.name} minus ${original.name}`, difference, DIFFERENCES, "difference"),
    ]);
    plot.dataset.version = version.name;
  }

  function tick() {
    const pixel = drawing.xPixel(deck.position());
    head.hidden = pixel === undefined;
    head.style.left = `${pixel ?? 0}px`;
  }

  return { element, show, tick };
}
