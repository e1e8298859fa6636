// Mean maps, and the groups of the list that they are the means of.

const findings = JSON.parse(byId("findings").textContent);
byId("findings").remove();

const VIRIDIS = [
  [68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
  [31, 158, 137], [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37],
];
const KIND_WORDS = { class: "each class", confused: "each confusion", judged: "right and wrong" };

/** What a strategy is called; by its words a link names it, as its number may be another's after a new search. */
const strategyWords = (number) => strategyNames[number];
let strategyNames = [];
const kindOf = ({ kind }) => (kind === "right" || kind === "wrong" ? "judged" : kind);
const seriesWords = (mean) => [...making(mean), ...(mean.filters ? [`feature maps ${mean.filters.join(", ")}`] : [])].join(" · ");
const meanWords = ({ kind, words }) => words || (kind === "right" ? "right" : "wrong");

/** A byte a neuron as a picture in viridis; null for a mean of no map with heat. */
function heatPicture({ heat, shape }, words) {
  if (!heat) return null;
  const [height, width] = shape;
  const canvas = Object.assign(make("canvas", "heat"), { width, height });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words);
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  [...atob(heat)].forEach((c, k) => pixels.data.set([...colour(c.charCodeAt(0) / 255), 255], 4 * k));
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function colour(share) {
  const at = share * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(at), VIRIDIS.length - 2);
  return VIRIDIS[low].map((a, k) => a + (at - low) * (VIRIDIS[low + 1][k] - a));
}

// ---- the section of means

function nameStrategies() {
  strategyNames = findings.strategies.map((one) => `${[one.class, ...making(one, isVarying)].join(" · ")}: ${one.says}`);
}

function addMeans() {
  const means = findings.means.filter(({ count }) => count);
  byId("means").hidden = !means.length;
  const kinds = Object.keys(KIND_WORDS).filter((kind) => means.some((mean) => kindOf(mean) === kind));
  const series = [...new Set(means.map(seriesWords))].sort();
  byId("means-kind").replaceChildren(...kinds.map((kind) => option(kind, KIND_WORDS[kind])));
  byId("means-series").replaceChildren(...series.map((words) => option(words, words)));
  byId("means-series-label").hidden = series.length < 2;
  const show = () => {
    const wanted = means.filter((mean) => kindOf(mean) === byId("means-kind").value && seriesWords(mean) === byId("means-series").value);
    byId("means-list").replaceChildren(...wanted.map(meanItem));
  };
  byId("means").addEventListener("change", show);
  show();
}

function meanItem(mean) {
  const words = meanWords(mean);
  const button = onlyButton(meanFilter(mean));
  const count = `${grouped(mean.count)} image${mean.count === 1 ? "" : "s"}`;
  button.append(heatPicture(mean, `Mean map of ${words}`), make("span", "name", shown(words)), make("span", "figures", count));
  const item = make("li");
  item.append(button);
  return item;
}

/** What to set in the form to list the images of a mean. */
function meanFilter({ kind, words, identity, method, layer, across }) {
  const settings = Object.entries(across).map(([key, value]) => [`across ${key}`, settingText(value)]);
  return { method, layer, ...Object.fromEntries(settings), ...(kind === "class" ? { class: identity } : { truth: words || kind }) };
}

/** A button that lists what the form finds with these values and no others. */
function onlyButton(values, text) {
  const button = make("button", "", text);
  button.type = "button";
  button.addEventListener("click", () => {
    setFilters(values);
    applyFilters();
    byId("found").scrollIntoView({ block: "start" });
  });
  return button;
}

// ---- groups of the list

const GROUPS = {
  class: (image, map) => image.classes[map],
  label: (image) => image.label,
  truth: (image) => image.truth,
  strategy: (image, map) => image.maps[map]?.strategy,
};

/** A function from an entry of the list to the rank of its group: the largest first, what has none last. */
function groupRanks() {
  const of = GROUPS[wish("group")];
  if (!of) return () => 0;
  groupSizes.clear();
  for (const entry of found) {
    const group = of(...entry);
    groupSizes.set(group, (groupSizes.get(group) ?? 0) + 1);
  }
  const none = (group) => group === undefined || group === null;
  const sorted = [...groupSizes].sort(([a, m], [b, n]) => none(a) - none(b) || n - m || (a > b ? 1 : -1));
  const ranks = new Map(sorted.map(([group], rank) => [group, rank]));
  return (...entry) => ranks.get(of(...entry));
}

/** Images found by group. */
const groupSizes = new Map();

/** The heading of a group before its first card on the page; [] before any other. */
function groupHeading(place, isFirstOfPage) {
  const by = wish("group");
  if (!GROUPS[by]) return [];
  const group = GROUPS[by](...found[place]);
  const continues = place > 0 && GROUPS[by](...found[place - 1]) === group;
  if (continues && !isFirstOfPage) return [];
  const [image, number] = found[place];
  const words = groupWords(by, group, image.row.maps[number]);
  const heading = make("h3", "", `${shown(words)} (${grouped(groupSizes.get(group))})${continues ? ", continued" : ""}`);
  const item = make("li", "group");
  const mean = meanOfGroup(by, group, image.row.maps[number]);
  const picture = mean && heatPicture(mean, `Mean map of ${words}`);
  item.append(...(picture ? [picture] : []), heading);
  if (group !== undefined && group !== null) {
    const button = onlyButton({ [by]: by === "strategy" ? words : group }, "Only these");
    button.setAttribute("aria-label", `Only these: ${shown(words)}`);
    item.append(button);
  }
  return [item];
}

function groupWords(by, group, map) {
  if (group === undefined || group === null) return "none";
  if (by === "class") return className(map);
  return by === "strategy" ? strategyWords(group) : group;
}

function meanOfGroup(by, group, map) {
  if (by === "strategy") return findings.strategies[group];
  if (!map || (by !== "class" && by !== "truth")) return undefined;
  const series = seriesWords(map);
  return findings.means.find((mean) => seriesWords(mean) === series
    && (by === "class" ? mean.kind === "class" && mean.identity === group : (mean.words || mean.kind) === group));
}
