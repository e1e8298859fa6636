// The second picture of the large view: another map of the image, or the error of the first.

const ERROR = "error";
/** What a person chose to see beside maps: the number of a map, ERROR, or "" for nothing; null: nothing yet. */
let besideWish = null;

/** The picture of a map's error; "" where there is none, or none that the page can show. */
function errorPicture(number) {
  const path = now.image.row.maps[number]?.files.error_heatmaps;
  return path ? pictureUrl(path, now.image) : "";
}

function fillBeside() {
  const { row } = now.image;
  const error = errorPicture(now.number) ? [option(ERROR, "its standard error")] : [];
  const others = [...row.maps.keys()].filter((number) => now.number !== PANEL && number !== now.number && isDrawn(number));
  const choices = [option("", "nothing"), ...error, ...others.map((number) => option(number, mapTitle(row, number)))];
  const wanted = besideWish ?? ERROR;
  byId("beside").replaceChildren(...choices);
  byId("beside").value = choices.some(({ value }) => value === wanted) ? wanted : "";
  byId("beside-label").hidden = choices.length < 2;
}

function chooseBeside() {
  besideWish = byId("beside").value;
  showBeside();
  slide();
  fit();
  writeAddress();
}

function showBeside() {
  const chosen = byId("beside").value;
  for (const name of ["stage-2", "what-2"]) byId(name).hidden = !chosen;
  byId("stages").classList.toggle("two", Boolean(chosen));
  if (!chosen) {
    byId("below-2").hidden = true;
    return;
  }
  const { row } = now.image;
  const isError = chosen === ERROR;
  const number = isError ? now.number : Number(chosen);
  const map = row.maps[number];
  const path = map.files.overlays ?? map.files.heatmaps;
  const url = isError ? errorPicture(number) : path ? pictureUrl(path, now.image) : "";
  const what = isError ? "Standard error of the map, on the map's own scale" : [mapWords(map), ...facesOf(map)].join(" · ");
  byId("layers-2").classList.toggle("grid", !url);
  byId("above-2").src = url || drawnMap(now.image, number);
  byId("above-2").alt = `${what}, ${shown(row.key)}`;
  byId("what-2").textContent = what;
  showBelowBeside(map);
}

/** Beneath the second picture lies what lies beneath the first: the photograph, or the map's own heatmap. */
function showBelowBeside(map) {
  const beneath = byId("beneath").selectedOptions[0];
  const own = map.files.heatmaps && run.pictures !== null ? pictureUrl(map.files.heatmaps, now.image) : "";
  const url = beneath?.text === "heatmap" ? own : beneath?.value;
  byId("below-2").hidden = !url;
  if (url) byId("below-2").src = url;
}
