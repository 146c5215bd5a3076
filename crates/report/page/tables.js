// Blocks of text and numbers.

/** Block `note`. */
function noteBlock({ text, warning }) {
  return make("p", { class: warning ? "note warning" : "note" }, text);
}

/** Block `facts`. */
function factsBlock({ facts }) {
  return make("dl", {}, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

/** Block `table`; a click on a heading sorts. */
function tableBlock({ caption, columns, rows }) {
  const body = make("tbody");
  const headings = columns.map((column, index) => {
    const heading = make("th", { scope: "col", class: column.numeric ? "number" : "" });
    heading.append(button(column.name, () => sort(heading, index)));
    return heading;
  });
  const fill = (order) => body.replaceChildren(...order.map((row) => make("tr", {}, ...row.map(cell))));
  const cell = ({ text }, index) => make("td", { class: columns[index].numeric ? "number" : "" }, text);
  function sort(heading, index) {
    const direction = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of headings) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    fill([...rows].sort((a, b) => compared(a[index], b[index], sign)));
  }
  fill(rows);
  const table = make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...headings)), body);
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table);
}

/** Numbers by value, text by its own order, cells without a number last. */
function compared(a, b, sign) {
  if (a.value !== undefined && b.value !== undefined) return sign * (a.value - b.value);
  if (a.value !== undefined || b.value !== undefined) return a.value !== undefined ? -1 : 1;
  return sign * a.text.localeCompare(b.text, undefined, { numeric: true });
}

/** Block `choice`. */
function choiceBlock({ label, selected, views }) {
  const place = make("div");
  const select = make("select", { onchange: () => show(select.selectedIndex) });
  select.append(...views.map((view) => make("option", {}, view.name)));
  select.selectedIndex = selected;
  const show = (index) => place.replaceChildren(...views[index].blocks.map(blockElement));
  show(selected);
  return make("div", {}, make("label", { class: "bar" }, label, select), place);
}
