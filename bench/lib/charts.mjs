/** One horizontal bar chart per scenario, as SVG, drawn by ECharts on the server: no browser. */
import * as echarts from "echarts";

const WIDTH = 760;
const BAR_HEIGHT = 30;
const FRAME_HEIGHT = 90;
const COLOURS = { millrace: "#1f6feb", epoll: "#8b949e", other: "#c9d1d9" };
const FONT = "system-ui, sans-serif";

/** bars: { contender, title, value, label }, from the top; returns the text of an SVG file. */
export function barChart(title, unit, bars) {
  const chart = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    width: WIDTH,
    height: FRAME_HEIGHT + bars.length * BAR_HEIGHT,
  });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: FONT },
    title: { text: title, subtext: unit, left: 12, top: 8, textStyle: { fontSize: 15 } },
    grid: { left: 190, right: 110, top: 64, bottom: 20 },
    xAxis: { type: "value", axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: {
      type: "category",
      inverse: true,
      data: bars.map((bar) => bar.title),
      axisTick: { show: false },
      axisLine: { show: false },
    },
    series: [
      {
        type: "bar",
        barWidth: "70%",
        data: bars.map((bar) => ({
          value: bar.value,
          itemStyle: { color: COLOURS[bar.contender] ?? COLOURS.other },
          label: { show: true, position: "right", formatter: bar.label, color: "#24292f" },
        })),
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
