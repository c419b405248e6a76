"use strict";
// Shows the rows that agree with every filter; an empty filter agrees with all. Kept in the address, to be shared.
const filters = [...document.querySelectorAll("select[data-filter]")];
const rows = [...document.querySelectorAll("tr[data-phase]")];
const keys = new URLSearchParams(location.hash.slice(1));
function agrees(row, filter) {
  const own = row.dataset[filter.dataset.filter];
  if (filter.value === "" || own === undefined) return true;
  return filter.value === "measured" ? own !== "not-measured" : own === filter.value;
}
function apply() {
  let shown = 0;
  for (const row of rows) {
    row.hidden = !filters.every((filter) => agrees(row, filter));
    shown += !row.hidden;
  }
  for (const body of document.querySelectorAll("tbody")) {
    body.hidden = body.rows.length > 0 && [...body.rows].every((row) => row.hidden);
  }
  document.getElementById("shown").textContent = `${shown} of ${rows.length} rows`;
}
for (const filter of filters) {
  const kept = keys.get(filter.dataset.filter);
  if (kept !== null && [...filter.options].some((one) => one.value === kept)) filter.value = kept;
  filter.addEventListener("change", apply);
}
document.querySelector("form").hidden = false;
apply();
