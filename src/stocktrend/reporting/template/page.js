(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const byId = (id) => document.getElementById(id);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const onPaper = () => root.classList.contains("paper");
  const touch = matchMedia("(pointer: coarse)").matches;

  // Charts name colours by role; the scheme in force says what they are.
  const coloured = (node, style) => {
    if (typeof node === "string") {
      const role = /^var\((--[\w-]+)\)$/.exec(node);
      return role ? style.getPropertyValue(role[1]).trim() : node;
    }
    if (Array.isArray(node)) return typeof node.at(-1) === "number" ? node : node.map((n) => coloured(n, style));
    if (node && typeof node === "object") {
      return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, coloured(v, style)]));
    }
    return node;
  };

  const axis = { gridcolor: "var(--line)", linecolor: "var(--line)", zerolinecolor: "var(--muted)",
    zeroline: false, ticks: "", fixedrange: touch };
  const base = {
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: "var(--muted)" },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 56, r: 12, t: 8, b: 44 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    hoverlabel: { bgcolor: "var(--surface)", bordercolor: "var(--line)", font: { color: "var(--text)" } },
    hovermode: "closest", dragmode: touch ? false : "zoom",
  };

  const draw = (id, figure) => {
    const place = byId(id);
    if (!place || !figure) return;
    const layout = { ...base, ...figure.layout, legend: { ...base.legend, ...figure.layout.legend },
      width: place.clientWidth, height: place.clientHeight };
    for (const key of Object.keys(layout)) {
      if (!/^[xy]axis\d*$/.test(key)) continue;
      layout[key] = { ...axis, ...layout[key], zerolinewidth: onPaper() ? 2 : 1 };
      if (layout[key].type === "date" && place.clientWidth < 450) layout[key].nticks = 4;
    }
    const style = getComputedStyle(document.documentElement);
    Plotly.react(place, coloured(figure.data, style), coloured(layout, style),
      { displayModeBar: false });
  };

  // --- one stock ---
  const stocks = data.stocks || {};
  const spread = ([first, values], length, scale) => {
    const full = new Array(length).fill(null);
    values.forEach((v, i) => { full[first + i] = v === null ? null : v * scale; });
    return full;
  };
  const stockFigure = (i) => {
    const price = spread(stocks.price[i], stocks.sessions.length, 1);
    const traces = [{ type: "scatter", mode: "lines", name: "adjusted close", x: stocks.sessions, y: price,
      line: { color: "var(--text)", width: 1.3 }, hovertemplate: "%{x}: %{y:.2f}<extra></extra>" }];
    stocks.horizons.forEach((h, k) => traces.push({
      type: "scatter", mode: "lines", name: `${h}-day score`, x: stocks.dates, yaxis: "y2",
      y: spread(stocks.score[i][k], stocks.dates.length, 0.001), connectgaps: false,
      line: { color: stocks.colours[k], width: 1.5 }, hovertemplate: `%{x}: %{y:+.3f}<extra>${h} day${h == 1 ? "" : "s"}</extra>` }));
    const shapes = [];
    const annotations = [];
    const names = { train: "training", validation: "validation", test: "test" };
    stocks.parts.forEach((part, k) => {
      const next = stocks.parts[k + 1];
      const end = next ? next.first : stocks.sessions[stocks.sessions.length - 1];
      if (part.name !== "test") {
        shapes.push({ type: "rect", xref: "x", yref: "paper", x0: part.first, x1: end, y0: 0, y1: 1,
          layer: "below", line: { width: 0 }, fillcolor: "var(--past)", opacity: part.name === "train" ? 1 : 0.55 });
      }
      const share = (Date.parse(end) - Date.parse(part.first)) /
        (Date.parse(stocks.sessions[stocks.sessions.length - 1]) - Date.parse(stocks.sessions[0]));
      if (share * byId("stock-chart").clientWidth > 70) annotations.push({ xref: "x", yref: "paper", x: part.first, y: 1, xanchor: "left", yanchor: "top",
        text: names[part.name] || "", showarrow: false, font: { size: 11 } });
    });
    return { data: traces, layout: { shapes, annotations,
      xaxis: { type: "date", anchor: "y2", showgrid: false },
      yaxis: { domain: [0.4, 1], type: "log", title: { text: "adjusted close" }, nticks: 6 },
      yaxis2: { domain: [0, 0.32], zeroline: true, title: { text: "score" }, nticks: 5 } } };
  };
  const caption = (i) => {
    const [, values] = stocks.price[i];
    const last = values.length ? values[values.length - 1] : null;
    const scores = stocks.horizons.map((h, k) => {
      const list = stocks.score[i][k][1];
      const value = list.length ? list[list.length - 1] : null;
      return value === null ? "" : `, ${h}-day score ${(value / 1000).toFixed(3).replace("-", "\u2212")}`;
    });
    byId("stock-caption").textContent =
      `${stocks.tickers[i]}: last adjusted close ${last === null ? "unknown" : last}${scores.join("")}.`;
  };
  const drawStock = () => {
    const i = Number(byId("ticker").value);
    draw("stock-chart", stockFigure(i));
    caption(i);
  };

  const drawAll = () => {
    for (const [id, figure] of Object.entries(data.charts)) draw(id, figure);
    if (byId("ticker") && stocks.tickers) drawStock();
    if (byId("metric")) draw("metric-chart", data.metrics[byId("metric").value]);
  };
  byId("ticker")?.addEventListener("change", drawStock);
  byId("metric")?.addEventListener("change", drawAll);
  dark.addEventListener("change", drawAll);

  // --- sorting and finding ---
  const table = byId("score-table");
  if (table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const value = (row, column) => {
      const cell = row.cells[column];
      const text = (cell.dataset.sort ?? cell.textContent).replace("\u2212", "-").replace(/[<>%]/g, "");
      return text === "" || Number.isNaN(Number(text)) ? text : Number(text);
    };
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const first = column < 2 ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      heads.forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...body.rows].map((row) => [value(row, column), row]);
      rows.sort(([a], [b]) => {
        if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1; // unknown last, either way
        return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
      });
      body.append(...rows.map(([, row]) => row));
    }));
    byId("filter").addEventListener("input", (event) => {
      const wanted = event.target.value.trim().toUpperCase();
      let shown = 0;
      for (const row of body.rows) {
        row.hidden = !row.cells[1].textContent.toUpperCase().includes(wanted);
        if (!row.hidden) shown += 1;
      }
      byId("filter-count").textContent = wanted ? `${shown} of ${body.rows.length}` : "";
    });
  }

  // Plotly's own resizing comes too late for paper
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 150);
  });

  // --- paper: everything open, light colours, charts as wide as a page ---
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((d) => { d.open = true; });
    root.classList.add("paper");
    drawAll();
  });
  addEventListener("afterprint", () => {
    closed.forEach((d) => { d.open = false; });
    root.classList.remove("paper");
    drawAll();
  });

  drawAll();
})();
