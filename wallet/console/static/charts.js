// Charts, drawn from the tables beneath them once the page is there: without this script the tables
// tell the same. The library is large, so it is fetched when a chart comes into view.

const motion = matchMedia("(prefers-reduced-motion: reduce)");
const night = matchMedia("(prefers-color-scheme: dark)");
const drawn = new Map(); // canvas -> chart
let library;

const look = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    look.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "200px" });

function watch(part) {
  for (const figure of part.querySelectorAll(".k-chart")) look.observe(figure);
}

async function draw(figure) {
  library ??= import(figure.dataset.library);
  const echarts = await library;
  const canvas = figure.querySelector(".k-chart-canvas");
  if (!canvas.isConnected || drawn.has(canvas)) return;
  const chart = echarts.init(canvas, null, { renderer: "svg" });
  drawn.set(canvas, chart);
  chart.setOption(options(figure));
  new ResizeObserver(() => {
    chart.resize();
    chart.setOption({ grid: { top: headroom(canvas, figure) } });
  }).observe(canvas);
}

function options(figure) {
  return figure.dataset.kind === "steps" ? steps(figure) : days(figure);
}

function days(figure) {
  const table = figure.querySelector("table");
  const head = [...table.tHead.rows[0].cells].slice(1);
  const rows = [...table.tBodies[0].rows];
  const amounts = rows.slice(0, -1).flatMap((row) => [...row.cells].slice(1).map((cell) => Number(cell.dataset.value)));
  // A line leaves out today, which is not over: with nothing before it there would be no line.
  const isLong = rows.length > 31 && amounts.some((amount) => amount !== 0);
  const shown = new Map(); // "series day" -> the number as people write it
  const series = head.map((cell, number) => ({
    name: cell.textContent.trim(),
    type: isLong ? "line" : "bar",
    showSymbol: false,
    barMaxWidth: 16,
    lineStyle: { width: 2 },
    itemStyle: { borderRadius: [2, 2, 0, 0] },
    color: colour(figure, `k-series-${number + 1}`),
    data: rows.map((row, day) => {
      const value = row.cells[number + 1];
      shown.set(`${number} ${day}`, value.textContent.trim());
      const amount = Number(value.dataset.value);
      if (day < rows.length - 1) return amount;
      return isLong ? null : { value: amount, itemStyle: { opacity: 0.5 } }; // today is not over
    }),
  }));
  const ink = colour(figure, "k-series-ink");
  const line = colour(figure, "k-series-line");
  const sheet = colour(figure, "k-series-sheet");
  const text = { color: ink, fontFamily: getComputedStyle(figure).fontFamily, fontSize: 12 };
  return {
    animation: !motion.matches,
    animationDuration: 150,
    textStyle: text,
    legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 12, icon: "roundRect", textStyle: text, show: series.length > 1 },
    grid: { top: headroom(figure.querySelector(".k-chart-canvas"), figure), right: 8, bottom: 4, left: 4, containLabel: true },
    xAxis: {
      type: "category",
      data: rows.map((row) => row.cells[0].dataset.short),
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
      axisLabel: { ...text, hideOverlap: true },
    },
    yAxis: {
      type: "value",
      minInterval: 1,
      splitNumber: 4,
      splitLine: { lineStyle: { color: line } },
      axisLabel: { ...text, formatter: short },
    },
    tooltip: {
      trigger: "axis",
      renderMode: "richText", // the other mode writes styles into markup, which our policy forbids
      backgroundColor: sheet,
      borderColor: line,
      textStyle: text,
      axisPointer: { type: series[0].type === "bar" ? "shadow" : "line", shadowStyle: { color: line, opacity: 0.35 } },
      formatter: (points) => [
        rows[points[0].dataIndex].cells[0].textContent.trim(),
        ...points.map((one) => `${one.seriesName}: ${shown.get(`${one.seriesIndex} ${one.dataIndex}`)}`),
      ].join("\n"),
    },
    series,
  };
}

// Steps of a funnel, from the first to the last: a bar for each column that knows a number.
function steps(figure) {
  const table = figure.querySelector("table");
  const head = [...table.tHead.rows[0].cells].slice(1);
  const rows = [...table.tBodies[0].rows];
  const ink = colour(figure, "k-series-ink");
  const line = colour(figure, "k-series-line");
  const text = { color: ink, fontFamily: getComputedStyle(figure).fontFamily, fontSize: 12 };
  return {
    animation: !motion.matches,
    animationDuration: 150,
    textStyle: text,
    legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 12, icon: "roundRect", textStyle: text },
    grid: { top: headroom(figure.querySelector(".k-chart-canvas"), figure), right: 48, bottom: 4, left: 4, containLabel: true },
    xAxis: { type: "value", minInterval: 1, splitNumber: 4, splitLine: { lineStyle: { color: line } }, axisLabel: { ...text, formatter: short } },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map((row) => row.cells[0].dataset.short),
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
      axisLabel: { ...text, width: 104, overflow: "break", lineHeight: 15 },
    },
    series: head.map((cell, number) => ({
      name: cell.textContent.trim(),
      type: "bar",
      barMaxWidth: 16,
      itemStyle: { borderRadius: [0, 2, 2, 0] },
      color: colour(figure, `k-series-${number + 1}`),
      label: { show: true, position: "right", ...text, formatter: ({ dataIndex }) => rows[dataIndex].cells[number + 1].textContent.trim() },
      data: rows.map((row) => {
        const { value } = row.cells[number + 1].dataset;
        return value === undefined ? null : Number(value);
      }),
    })),
  };
}

// What the legend needs: on a phone three names take two lines.
function headroom(canvas, figure) {
  const names = figure.querySelectorAll("thead th").length - 1;
  if (names < 2) return 12;
  return names > 2 && canvas.clientWidth < 440 ? 60 : 36;
}

// A variable of the style sheet may say two colours: which of them counts, only an element knows.
function colour(figure, name) {
  const probe = document.createElement("span");
  probe.className = name;
  figure.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function short(value) {
  return new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

for (const wish of [night, motion]) {
  wish.addEventListener("change", () => {
    for (const [canvas, chart] of drawn) chart.setOption(options(canvas.closest(".k-chart")));
  });
}
document.addEventListener("htmx:load", (event) => watch(event.detail.elt));
document.addEventListener("htmx:beforeCleanupElement", (event) => {
  for (const canvas of event.detail.elt.querySelectorAll?.(".k-chart-canvas") ?? []) {
    drawn.get(canvas)?.dispose();
    drawn.delete(canvas);
  }
});
watch(document);
