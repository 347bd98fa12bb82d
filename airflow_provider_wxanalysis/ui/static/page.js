// The page "WeChat data" in Airflow's UI: which of WeChat's figures are loaded, and what they show.
//
// Airflow loads this module into its own React application; there is no build step. Names of apps and pages come from
// WeChat: they become text nodes and encoded parts of addresses, and nothing else.
import * as snapshots from "./snapshot.js";
import { DAG_LINES, GAPS, STATES, remember, speaker } from "./words.js";

const { createElement: h, useEffect, useMemo, useState } = globalThis.React;
const { Link, useNavigate } = globalThis.ReactRouterDOM;
const { ISO, SHANGHAI, enc, span } = snapshots;

const styled = new Promise((done) => {
  const sheet = { rel: "stylesheet", href: new URL("page.css", import.meta.url).href, onload: done, onerror: done };
  document.head.append(Object.assign(document.createElement("link"), sheet));
});

const muted = (...content) => h("p", { className: "wxa-muted" }, ...content);
const chip = (t, state) =>
  h("span", { className: "wxa-chip" }, h("i", { className: `wxa-${state}` }), t.state(state).name);
const choice = (label, options, chosen, choose) =>
  h("div", { className: "wxa-choice", role: "group", "aria-label": label }, options.map(([value, name, lang]) =>
    h("button", { key: value, lang, "aria-pressed": value === chosen, onClick: () => choose(value) }, name)));

// ---- along time -----------------------------------------------------------------------------------------------------
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7 };
Object.assign(STEPS, { Home: -Infinity, End: Infinity });

/** A drawing along time, read with the mouse or, as a slider, with the keyboard and by screen readers. */
function Scrub({ className, label, count, find, place, text, onOpen, children }) {
  const [at, setAt] = useState(null); // what the tip is about
  const [last, setLast] = useState(Infinity); // where the keyboard is
  const now = Math.min(last, count - 1);
  const show = (next) => {
    setAt(next);
    if (next !== null) setLast(next);
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter" && count) onOpen?.(now);
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    show(Math.min(count - 1, Math.max(0, now + STEPS[event.key])));
  };
  const onMouseMove = ({ clientX, currentTarget }) => {
    const { left, width } = currentTarget.getBoundingClientRect();
    show(find((clientX - left) / width));
  };
  const tip = at !== null && at < count && { style: { left: `${100 * place(at)}%` } };
  return h("div", {
    className: `wxa-scrub ${className} ${onOpen ? "wxa-opens" : ""}`, role: "slider", tabIndex: 0, "aria-label": label,
    "aria-valuemin": 0, "aria-valuemax": Math.max(0, count - 1), "aria-valuenow": Math.max(0, now),
    "aria-valuetext": count ? text(now).join(", ") : "–", onKeyDown, onMouseMove, onMouseLeave: () => setAt(null),
    onFocus: () => count && show(now), onBlur: () => setAt(null), onClick: () => tip && onOpen?.(at),
  }, children, tip && h("div", { className: "wxa-cursor", ...tip }),
  tip && h("div", { className: `wxa-tip ${place(at) > 0.5 ? "wxa-left" : ""}`, "aria-hidden": true, ...tip },
    text(at).map((line, n) => h("div", { key: n }, line))));
}

/** Periods, coloured by state. */
function Strip({ className = "", label, cells, first, last, text, onOpen }) {
  const width = last - first + 1;
  const seen = useMemo(() => cells.filter(({ from, end }) => end >= first && from <= last), [cells, first, last]);
  const paths = useMemo(() => {
    const gap = width <= 120 ? 0.12 : 0;
    const drawn = {};
    for (const { state, from, end } of seen) {
      const x = Math.max(from, first) - first;
      (drawn[state] ??= []).push(`M${x} 0H${Math.min(end, last) - first + 1 - gap}V1H${x}z`);
    }
    return Object.entries(drawn).map(([state, parts]) =>
      h("path", { key: state, className: `wxa-${state}`, d: parts.join("") }));
  }, [seen, first, last, width]);
  const find = (fraction) => {
    const day = first + Math.floor(fraction * width);
    const found = seen.findIndex(({ from, end }) => from <= day && day <= end);
    return found < 0 ? null : found;
  };
  const place = (at) => ((Math.max(first, seen[at].from) + Math.min(last, seen[at].end) + 1) / 2 - first) / width;
  return h(Scrub, { className: `wxa-strip ${className}`, label, count: seen.length, find, place,
    text: (at) => text(seen[at]), onOpen: onOpen && ((at) => onOpen(seen[at])) },
  h("svg", { viewBox: `0 0 ${width} 1`, preserveAspectRatio: "none", "aria-hidden": true }, paths));
}

function Axis({ first, last, t }) {
  const days = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  const months = days.filter((day, at) => ISO(day).endsWith("-01") && at / days.length < 0.96);
  const sparse = Math.ceil(months.length / 14);
  const mark = (day) => {
    const form = ISO(day).slice(5, 7) === "01" ? { month: "short", year: "numeric" } : { month: "short" };
    return h("span", { key: day, style: { left: `${(100 * (day - first)) / days.length}%` } }, t.date(day, form));
  };
  return h("div", { className: "wxa-axis", "aria-hidden": true }, months.filter((_, at) => !(at % sparse)).map(mark));
}

// ---- an app ---------------------------------------------------------------------------------------------------------
function Endpoints({ app, first, last, t }) {
  const navigate = useNavigate();
  const rows = (n) => (n === 1 ? t("row") : t("rows", t.number(n)));
  const row = ({ name, title, about, cells, origin }) => {
    const text = (cell) => {
      const { name: state, meaning } = t.state(cell.state);
      const from = origin(cell);
      return [span(cell.begin, cell.end), cell.rows ? `${state} · ${rows(cell.rows)}` : state, meaning,
        from && t("loadedAt", SHANGHAI(from.minute)), from?.dag && `${from.dag} › ${from.task}`, from?.dag && t("open"),
      ].filter(Boolean);
    };
    const onOpen = async (cell) => {
      const from = origin(cell);
      if (from?.dag) navigate(await snapshots.taskPath(from, app, cell));
    };
    return h("div", { className: "wxa-row", key: name },
      h("div", { className: "wxa-label", title: `${name}: ${t.of(about)}` }, t.of(title)),
      h(Strip, { label: `${app.name}, ${t.of(title)}`, cells, first, last, text, onOpen }));
  };
  return h("div", { className: "wxa-endpoints" }, app.endpoints.map(row),
    h("div", { className: "wxa-row" }, h("div"), h(Axis, { first, last, t })));
}

function Visits({ app, t }) {
  const { days, uv, pv } = app;
  if (!days.length) return muted(t("noFigures"));
  const count = days.length;
  const top = Math.max(1, ...uv, ...pv);
  const point = (value, at) => `${at + 0.5} ${100 - (95 * value) / top}`;
  // h0 draws a dot where a day stands alone.
  const line = (values) => values.map((value, at) =>
    value === null ? "" : `${(values[at - 1] ?? null) === null ? "M" : "L"}${point(value, at)}h0`).join("");
  const text = (at) => [ISO(days[at]), `${t.number(uv[at])} ${t("uv")}`, `${t.number(pv[at])} ${t("pv")}`];
  const key = (name) => h("span", { key: name }, h("i", { className: `wxa-key-${name}` }), `${t(name)} `,
    h("b", null, t.number(app[name][count - 1])), ` · ${t("top", t.number(Math.max(...app[name])))}`);
  const find = (fraction) => Math.min(count - 1, Math.max(0, Math.floor(fraction * count)));
  return h("div", null, h("div", { className: "wxa-legend" }, key("uv"), key("pv")),
    h(Scrub, { className: "wxa-chart", label: `${app.name}, ${t("visits")}`, count, text, find,
      place: (at) => (at + 0.5) / count },
    h("svg", { viewBox: `0 0 ${count} 100`, preserveAspectRatio: "none", "aria-hidden": true },
      [5, 36, 68].map((y) => h("path", { key: y, className: "wxa-grid", d: `M0 ${y}H${count}` })),
      h("path", { className: "wxa-area", d: `M.5 100${line(pv).replaceAll("M", "L")}L${count - 0.5} 100z` }),
      h("path", { className: "wxa-pv", d: line(pv) }), h("path", { className: "wxa-uv", d: line(uv) }))),
    h(Axis, { first: days[0], last: days[count - 1], t }));
}

function Retention({ app: { cohorts, users, offsets, rates }, t }) {
  if (!cohorts.length) return muted(t("noFigures"));
  const known = (values) => values.filter((rate) => rate !== null && rate !== undefined);
  const top = Math.max(1, ...known(rates.flat()));
  const percent = (rate) => t.number(rate / 10, rate < 100 ? 1 : 0);
  const cell = (day, at, row) => {
    const rate = rates[at][row] ?? null;
    if (rate === null) return h("td", { key: day, className: "wxa-unripe" });
    const title = `${ISO(day)}, ${t("cohort", t.number(users[at]))}: ${percent(rate)} %`;
    return h("td", { key: day, title, style: { "--heat": `${Math.round((85 * rate) / top)}%` } }, percent(rate));
  };
  const mean = (row) => {
    const values = known(rates.map((one) => one[row]));
    return values.length ? `${percent(values.reduce((a, b) => a + b) / values.length)} %` : "–";
  };
  const head = (day) => h("th", { key: day, scope: "col", title: ISO(day) },
    h("small", null, t.date(day, { weekday: "narrow" })), h("br"), Number(ISO(day).slice(8)));
  const line = (offset, row) => h("tr", { key: offset }, h("th", { scope: "row" }, t("offset", offset)),
    cohorts.map((day, at) => cell(day, at, row)), h("td", { className: "wxa-mean" }, mean(row)));
  return h("div", { className: "wxa-scroll", tabIndex: 0, role: "group", "aria-label": t("retention") },
    muted(t("retentionHint")), h("table", { className: "wxa-heat" },
      h("thead", null, h("tr", null, h("td"), cohorts.map(head), h("th", { scope: "col" }, t("average")))),
      h("tbody", null, offsets.map(line))));
}

function Pages({ app: { pages }, t }) {
  if (!pages.length) return muted(t("noFigures"));
  const row = ([path, pv, uv], at) => h("tr", { key: at },
    h("td", { style: { "--share": `${(100 * pv) / Math.max(1, pages[0][1])}%` }, title: path }, h("bdi", null, path)),
    h("td", null, t.number(pv)), h("td", null, t.number(uv)));
  return h("table", { className: "wxa-pages" },
    h("thead", null, h("tr", null, ["page", "pv", "uv"].map((key) => h("th", { key, scope: "col" }, t(key))))),
    h("tbody", null, pages.map(row)));
}

const CARDS = Object.entries({ visits: Visits, pages: Pages, retention: Retention });

function App({ app, first, last, open, onToggle, t }) {
  const cells = useMemo(() => snapshots.worst(app.endpoints, first, last), [app, first, last]);
  const visits = app.uv.at(-1) ?? null;
  const card = ([key, part]) =>
    h("div", { key, className: `wxa-card wxa-card-${key}` }, h("h4", null, t(key)), h(part, { app, t }));
  return h("section", { className: `wxa-app ${open ? "wxa-open" : ""}` },
    h("div", { className: "wxa-row wxa-head" },
      h("h3", null, h("button", { "aria-expanded": open, onClick: onToggle }, h("bdi", null, app.name),
        app.name !== app.appid && h("small", null, app.appid))),
      h(Strip, { className: "wxa-tall", label: `${app.name}, ${t("overview")}`, cells, first, last, onOpen: onToggle,
        text: ({ begin, state }) => [ISO(begin), t.state(state).name] }),
      h("span", { className: "wxa-number" }, visits !== null && [t.number(visits), h("small", { key: 0 }, t("uv"))])),
    open && h("div", { className: "wxa-body" }, h(Endpoints, { app, first, last, t }),
      h("div", { className: "wxa-cards" }, CARDS.map(card))));
}

// ---- the page -------------------------------------------------------------------------------------------------------
function Gaps({ apps, first, t }) {
  const [all, setAll] = useState(false);
  const gaps = useMemo(() => snapshots.gapsOf(apps, first), [apps, first]);
  const names = (found) => found.length < 4 ? found.map(({ name }) => name).join(", ")
    : t("others", found.slice(0, 2).map(({ name }) => name).join(", "), found.length - 2);
  const item = (gap) => h("li", { key: gap.key }, chip(t, gap.state), h("b", null, t.of(gap.title)),
    h("span", null, span(gap.from, gap.end)), muted(gap.count === 1 ? t("period") : t("periods", gap.count)),
    h("bdi", { className: "wxa-names" }, names(gap.apps)), muted(t.state(gap.state).meaning));
  if (!gaps.length) return muted(t("noGaps"));
  return h("div", null, h("ul", { className: "wxa-gaps" }, gaps.slice(0, all ? 500 : 6).map(item)),
    gaps.length > 6 && !all &&
      h("button", { className: "wxa-button", onClick: () => setAll(true) }, t("more", gaps.length)));
}

function Tiles({ apps, first, t }) {
  const counts = useMemo(() => snapshots.countOf(apps, first), [apps, first]);
  const total = Object.values(counts).reduce((a, b) => a + b, 0) - (counts.pending ?? 0);
  const lacking = GAPS.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  const share = Math.floor((1000 * (total - lacking)) / total) / 10; // 100 only if nothing lacks
  const tile = (key, value, name, title) => h("div", { key, className: "wxa-tile", title }, h("b", null, value), name);
  return h("div", { className: "wxa-tiles" },
    tile("complete", total ? `${t.number(share, 1)} %` : "–", t("complete")),
    tile("apps", t.number(apps.length), t(apps.length === 1 ? "app" : "apps")),
    Object.keys(STATES).filter((state) => counts[state]).map((state) =>
      tile(state, t.number(counts[state]), chip(t, state), t.state(state).meaning)));
}

function Snapshot({ apps, t }) {
  const [days, setDays] = useState(90);
  const [filter, setFilter] = useState("");
  const [open, setOpen] = useState(apps[0].appid);
  const [drawn, setDrawn] = useState(12); // what fits into a window; the others follow once that is seen
  useEffect(() => {
    const soon = setTimeout(() => setDrawn(Infinity), 50);
    return () => clearTimeout(soon);
  }, []);
  const [start, last] = useMemo(() => snapshots.extent(apps), [apps]);
  const first = Math.max(start, days ? last - days + 1 : start);
  const wanted = filter.trim().toLowerCase();
  const shown = useMemo(
    () => apps.filter(({ name, appid }) => `${name} ${appid}`.toLowerCase().includes(wanted)), [apps, wanted]);
  const ranges = [30, 90, 180, 0].map((n) => [n, n ? t("days", n) : t("all")]);
  return h("div", null,
    h("div", { className: "wxa-tools" },
      h("input", { type: "search", value: filter, placeholder: t("filter"), "aria-label": t("filter"),
        onChange: ({ target }) => setFilter(target.value) }), choice(t("range"), ranges, days, setDays)),
    h(Tiles, { apps: shown, first, t }), h("h2", null, t("gapTitle")), h(Gaps, { apps: shown, first, t }),
    h("h2", null, t("coverage")), !shown.length && muted(t("noMatch")),
    shown.slice(0, drawn).map((app) => h(App, { key: app.appid, app, first, last, t, open: open === app.appid,
      onToggle: () => setOpen(open === app.appid ? null : app.appid) })));
}

function About({ snapshot: { as_of: asOf, destination, event }, t }) {
  const told = Date.parse(asOf);
  const age = Math.floor((Date.now() - told) / 86400e3);
  const run = `/dags/${enc(event.source_dag_id)}/runs/${enc(event.source_run_id)}`;
  return muted(h("b", null, destination), " · ", t("asOf", SHANGHAI(Math.floor(told / 60e3))),
    event.source_dag_id && [" · ", t("by"), " ", h(Link, { key: "by", to: run }, event.source_dag_id)],
    age > 2 && h("span", { className: "wxa-old" }, t("old", age)));
}

function Message({ title, text, children }) {
  return h("div", { className: "wxa-message", role: "status" }, h("h2", null, title), h("p", null, text), children);
}

function Body({ found: { assets, snapshot, apps, other, error }, again, t }) {
  const retry = h("button", { className: "wxa-button", onClick: again }, t("retry"));
  if (error?.status === 403) return h(Message, { title: t("forbidden"), text: t("forbiddenText") }, retry);
  if (error) return h(Message, { title: t("failed"), text: error.message }, retry);
  if (!assets) return h("p", { className: "wxa-muted", role: "status" }, t("loading"));
  if (snapshot) return h(Snapshot, { key: snapshot.event.id, apps, t });
  if (other) return h(Message, { title: t("otherVersion"), text: t("otherVersionText") }, retry);
  if (!assets.length)
    return h(Message, { title: t("empty"), text: t("emptyText") }, h("pre", { tabIndex: 0 }, DAG_LINES));
  return h(Message, { title: t("notThisDag"), text: t("notThisDagText") },
    h(Link, { to: "/plugin/weanalysis" }, t("title")));
}

/** The page or, in the tab of a DAG, the part of it that concerns the DAG. */
function WeChatData({ dagId }) {
  const [t, setSpeaker] = useState(() => speaker());
  const [found, setFound] = useState(null); // nothing is drawn before the style sheet is there
  const [asked, ask] = useState({}); // a new object asks again
  useEffect(() => {
    let gone = false;
    const show = (next) => gone || setFound(next);
    const looked = snapshots.look(dagId, asked.id).catch((error) => ({ error }));
    styled.then(() => show((before) => before ?? {})).then(() => looked).then(show);
    return () => { gone = true; };
  }, [asked, dagId]);
  if (!found) return null;
  const { assets, snapshot } = found;
  const options = assets?.map(({ id, uri }) => h("option", { key: id, value: id }, snapshots.title(uri)));
  return h("div", { className: "wxa", lang: t.language },
    h("header", { className: "wxa-top" },
      h("div", null, h("h1", null, t("title")), snapshot && h(About, { snapshot, t })),
      options?.length > 1 && snapshot && h("select", { "aria-label": t("destination"), value: snapshot.asset.id,
        onChange: ({ target }) => ask({ id: Number(target.value) }) }, options),
      choice("Language / 语言", [["en", "English", "en"], ["zh", "中文", "zh"]], t.language,
        (language) => setSpeaker(() => remember(language)))),
    h(Body, { found, again: () => ask({}), t }));
}

globalThis["WeChat data"] = WeChatData;
globalThis.AirflowPlugin = WeChatData;
