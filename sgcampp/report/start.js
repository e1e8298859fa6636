// Fills the selects, listens, and shows what the address names.

fillSelect("class", (image) => image.row.maps.map((map, i) => [image.classes[i], className(map)]));
fillMapSelect("method", (map) => map.method);
fillMapSelect("layer", (map) => map.layer);
addSettingFilters();
fillSelect("status", (image) => (image.row.status === "failed" ? [["failed", "failed, any reason"], [`failed ${image.row.reason ?? ""}`, `failed: ${image.row.reason ?? "no reason"}`]] : []));
nameStrategies();
addFindings();
addMeans();
listenToList();
listenToView();
readAddress();
window.addEventListener("hashchange", readAddress);
