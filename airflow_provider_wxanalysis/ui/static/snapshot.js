// The newest snapshot of each destination, from the asset events of the coverage task (see coverage/snapshot.py), read
// over Airflow's REST API as the user who looks.
import { GAPS, RANK } from "./words.js";

const PREFIX = "weanalysis://coverage/";
const FORM = 1;
const DAY = 86400e3;
export const ISO = (day) => new Date(day * DAY).toISOString().slice(0, 10);
export const SHANGHAI = (minute) => new Date((minute + 480) * 60e3).toISOString().slice(0, 16).replace("T", " ");
export const span = (first, last) => (first === last ? ISO(first) : `${ISO(first)} – ${ISO(last)}`);
export const enc = encodeURIComponent;

async function api(path) {
  const reply = await fetch(new URL(`api/v2/${path}`, document.baseURI), { headers: { Accept: "application/json" } });
  if (!reply.ok) throw Object.assign(new Error(`${reply.status} ${reply.statusText}`), { status: reply.status });
  return reply.json();
}

async function unpack({ packed }) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

function spread(runs) {
  const values = [];
  for (let at = 0; at < runs.length; at += 2) for (let n = runs[at + 1]; n > 0; n -= 1) values.push(runs[at]);
  return values;
}

function sums(steps) {
  let total = 0;
  return steps.map((step) => (total += step));
}

/** The newest event of every coverage asset, the latest first. */
async function destinations() {
  const { assets } = await api(`assets?uri_pattern=${enc(PREFIX)}&only_active=false&limit=100`);
  const told = assets.filter((asset) => asset.uri.startsWith(PREFIX) && asset.last_asset_event?.id);
  return told.sort((a, b) => (a.last_asset_event.timestamp < b.last_asset_event.timestamp ? 1 : -1));
}

/** The newest snapshot: of the asset asked for, or else the first that concerns the DAG, if there is one. */
export async function look(dagId, id) {
  const assets = await destinations();
  const own = ({ uri }) => Number(uri.split("/").at(-2) === enc(dagId)); // checked by the DAG itself: likely the one
  const wanted = assets.filter((asset) => id === undefined || asset.id === id).sort((a, b) => own(b) - own(a));
  if (dagId && !wanted.some(own) && !(await loads(dagId).catch(() => true))) return { assets };
  let other = false; // whether there is one of another version
  for (const some of [wanted.slice(0, 1), wanted.slice(1)]) // the likely one alone, then all others at once
    for (const snapshot of await Promise.all(some.map(snapshotOf))) {
      const apps = concerned(snapshot, dagId);
      if (apps.length) return { assets, snapshot, apps };
      other ||= snapshot.other;
    }
  return { assets, other };
}

/** Whether a DAG has tasks that load: their fields show it, which subclasses share. */
async function loads(dagId) {
  const { tasks } = await api(`dags/${enc(dagId)}/tasks`);
  return tasks.some(({ template_fields: fields }) => fields?.includes("weanalysis_conn_id"));
}

export const title = (uri) => uri.slice(PREFIX.length).split("/").map(decodeURIComponent).join(" · ");

async function snapshotOf(asset) {
  const parts = await partsOf(asset);
  const [event] = parts; // none if it is of a DAG that the user may not see
  if (event?.extra.form !== FORM) return { apps: [], other: Boolean(event) };
  const contents = await Promise.all(parts.map(({ extra }) => unpack(extra)));
  return { ...event.extra, asset, event, apps: contents.flatMap(appsOf) };
}

/** The events of the newest snapshot that is whole: those of runs at the same time are mixed. */
async function partsOf({ id }) {
  const run = ({ source_run_id: runId, source_map_index: index, extra }) => [runId, index, extra.as_of].join();
  for (let limit = 1; ; ) {
    const { asset_events: found } = await api(`assets/events?asset_id=${id}&order_by=-timestamp&limit=${limit}`);
    for (const event of found) {
      const parts = found.filter((other) => run(other) === run(event));
      if (parts.length === event.extra.parts) return parts.sort((a, b) => a.extra.part - b.extra.part);
    }
    if (found.length < limit) return [];
    limit = Math.max(2 * limit, ...found.map(({ extra }) => extra.parts ?? 0));
  }
}

function appsOf({ apps, endpoints, dags, runs, tasks, figures }) {
  const shared = endpoints.map((one) => {
    const [begins, ends] = [sums(spread(one.begins)), sums(spread(one.ends))];
    const rolls = begins.some((begin, at) => at && begin <= ends[at - 1]);
    return { ...one, begins, ends, froms: rolls ? ends : begins }; // windows that overlap are drawn on their last days
  });
  return apps.map(([appid, name, conn], app) => ({
    appid,
    conn,
    dags,
    name: name || appid,
    endpoints: shared.map((one) => endpointOf(one, app, { dags, runs, tasks })),
    days: sums(spread(figures.days[app])),
    uv: figures.uv[app],
    pv: figures.pv[app],
    cohorts: sums(spread(figures.cohorts[app])),
    users: figures.users[app],
    offsets: figures.offsets,
    rates: figures.rates[app],
    pages: figures.pages[app],
  }));
}

/** There may be half a million periods, few of them looked at one by one: cells are made only when asked for. */
function endpointOf({ name, zh, en, begins, ends, froms, states, rows, runs, tasks }, app, origins) {
  const stretches = []; // from the first to the last of periods with one state
  for (let at = 0, first = 0; at < states[app].length; at += 2) {
    stretches.push({ state: states[app][at], first, last: first + states[app][at + 1] - 1 });
    first += states[app][at + 1];
  }
  const cellOf = (state, at) => ({ at, state, begin: begins[at], end: ends[at], from: froms[at], rows: rows[app][at] });
  let cells;
  let numbers; // of runs and tasks, likewise
  const origin = ({ at }) => {
    numbers ??= [sums(spread(runs[app])), spread(tasks[app])];
    if (!numbers[0][at]) return null;
    const [dag, run, minute] = origins.runs[numbers[0][at] - 1];
    return { dag: origins.dags[dag], run, minute, task: origins.tasks[numbers[1][at]] };
  };
  const title = [name[0].toUpperCase() + name.slice(1).replaceAll("_", " "), zh];
  return {
    name, title, about: [en, zh], ends, froms, stretches, origin,
    get cells() {
      return (cells ??= spread(states[app]).map(cellOf));
    },
  };
}

/** The apps to show with a DAG: all of them if it checked their coverage, else those of which it loaded anything. */
function concerned({ event, apps }, dagId) {
  if (!dagId || event?.source_dag_id === dagId) return apps;
  const wrote = ({ cells, origin }) => cells.some((cell) => origin(cell)?.dag === dagId);
  return apps.filter((app) => app.dags.includes(dagId) && app.endpoints.some(wrote));
}

/** The first and the last day of all periods. */
export function extent(apps) {
  let [first, last] = [Infinity, 0];
  for (const { endpoints } of apps)
    for (const { froms, ends } of endpoints)
      if (ends.length) [first, last] = [Math.min(first, froms[0]), Math.max(last, ends.at(-1))];
  return [Math.min(first, last), last];
}

/** For each day the state that matters most. */
export function worst(endpoints, first, last) {
  const days = new Array(last - first + 1).fill(null);
  for (const { froms, ends, stretches } of endpoints)
    for (const { state, ...at } of stretches)
      for (let day = Math.max(froms[at.first], first); day <= Math.min(ends[at.last], last); day += 1)
        if (days[day - first] === null || RANK[state] > RANK[days[day - first]]) days[day - first] = state;
  const cells = days.map((state, at) => ({ state, begin: first + at, from: first + at, end: first + at }));
  return cells.filter(({ state }) => state);
}

/** Calls back with every stretch of periods of one state that ends on a day or later. */
function since(apps, day, callback) {
  const starts = new Map(); // the first period that counts; apps share the array of an endpoint's ends
  for (const app of apps)
    for (const endpoint of app.endpoints) {
      const { ends, stretches } = endpoint;
      if (!starts.has(ends)) starts.set(ends, ends.findIndex((end) => end >= day));
      const start = starts.get(ends);
      for (const { state, first, last } of stretches)
        if (start >= 0 && last >= start) callback(app, endpoint, state, Math.max(first, start), last);
    }
}

/** Adjoining periods of one state, with all the apps that have this gap; the newest first. */
export function gapsOf(apps, day) {
  const gaps = new Map();
  since(apps, day, (app, { name, title, froms, ends }, state, first, last) => {
    if (!GAPS.includes(state)) return;
    const [from, end] = [froms[first], ends[last]];
    const key = [state, name, from, end].join();
    if (!gaps.has(key)) gaps.set(key, { key, state, title, from, end, count: last - first + 1, apps: [] });
    gaps.get(key).apps.push(app);
  });
  const newest = (a, b) => RANK[b.state] - RANK[a.state] || b.end - a.end || b.apps.length - a.apps.length;
  return [...gaps.values()].sort(newest);
}

/** How many periods are in which state. */
export function countOf(apps, day) {
  const counts = {};
  since(apps, day, (app, endpoint, state, first, last) => {
    counts[state] = (counts[state] ?? 0) + last - first + 1;
  });
  return counts;
}

/** Where Airflow shows the task that wrote a period; of a mapped task, the instance, if only one fits. */
export async function taskPath({ dag, run, task }, app, cell) {
  const path = `/dags/${enc(dag)}/runs/${enc(run)}/tasks/${enc(task)}`;
  const query = `dags/${enc(dag)}/dagRuns/${enc(run)}/taskInstances/${enc(task)}/listMapped?limit=100`;
  const mapped = await api(query).catch(() => null);
  if (!mapped) return path;
  const mine = mapped.task_instances.filter(({ rendered_fields: fields }) => {
    const asked = JSON.stringify([fields?.weanalysis_conn_id, fields?.appids]);
    const inside = !fields?.from_date || (fields.from_date <= ISO(cell.end) && fields.to_date >= ISO(cell.begin));
    return inside && (asked.includes(JSON.stringify(app.conn)) || asked.includes(JSON.stringify(app.appid)));
  });
  return mine.length === 1 ? `${path}/mapped/${mine[0].map_index}` : `${path}/mapped`;
}
