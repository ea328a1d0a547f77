// Shows the filters and makes them work. Everything else on the page is there without this.
"use strict";
document.documentElement.classList.add("js");
addEventListener("DOMContentLoaded", () => {
  const filters = document.querySelector(".filters");
  if (!filters) return;
  const search = filters.querySelector("#search");
  const status = filters.querySelector("[role=status]");
  const reset = filters.querySelector("[data-reset]");
  const none = document.querySelector(".none");
  const toggles = [...filters.querySelectorAll("[aria-pressed]")];
  const groups = [...document.querySelectorAll(".group, .alike")].map((place) => ({ place, left: 0 }));
  const around = new Map(groups.map((group) => [group.place, group]));
  // One pass over the page; after it, filtering touches the classes of those rows that come or go.
  const rows = [...document.querySelectorAll(".change")].map((place) => {
    const { k, a, o, c, x } = place.dataset;
    const inside = [around.get(place.closest(".group")), around.get(place.closest(".alike"))].filter(Boolean);
    return { place, inside, k: k.split(" "), a: a.split(" "), o: [o], c: c.split(" "), x: x === undefined ? [] : ["1"], text: "", off: false };
  });
  const pressed = (facet) => toggles.filter((each) => each.dataset.f === facet && each.ariaPressed === "true")
    .map((each) => each.dataset.v);

  function filter() {
    const wanted = ["k", "a", "o", "c", "x"].map((facet) => [facet, pressed(facet)]).filter(([, values]) => values.length);
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const group of groups) group.left = 0;
    for (const row of rows) {
      if (terms.length && !row.text) row.text = row.place.textContent.toLowerCase();
      const off = !(wanted.every(([facet, values]) => values.some((value) => row[facet].includes(value)))
        && terms.every((term) => row.text.includes(term)));
      if (off !== row.off) row.place.classList.toggle("off", row.off = off);
      if (!off) { shown += 1; for (const each of row.inside) each.left += 1; }
    }
    for (const group of groups) group.place.classList.toggle("off", group.left === 0);
    none.hidden = shown > 0;
    reset.hidden = !wanted.length && !terms.length;
    status.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
  }

  function clear() {
    search.value = "";
    for (const each of toggles) each.ariaPressed = "false";
    filter();
  }

  // A link to a change that is filtered out, or folded, leads to it all the same.
  function visit() {
    const place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!place) return;
    const hidden = place.matches(".off") || place.closest(".off");
    if (hidden) clear();
    for (let each = place; each; each = each.parentElement?.closest(".alike")) if (each.matches("details")) each.open = true;
    if (hidden || place.closest(".alike")) place.scrollIntoView();
  }

  let waiting = 0;
  search.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(filter);
  });
  reset.addEventListener("click", () => { clear(); search.focus(); });
  filters.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.f) {
      button.ariaPressed = button.ariaPressed === "true" ? "false" : "true";
      filter();
    } else if (button.dataset.fold !== undefined) {
      const open = button.dataset.fold === "open";
      for (const row of rows) if (!row.off) row.place.open = open;
      for (const each of groups) if (each.left && each.place.matches(".alike")) each.place.open = open;
    }
  });
  addEventListener("keydown", (event) => {
    const writing = event.target.closest?.("input, textarea");
    if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      filter();
    }
  });
  addEventListener("hashchange", visit);

  // On paper nothing is folded and nothing is left out.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const each of folded) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of folded) each.open = false; });

  filters.hidden = false;
  filter();
  visit();
});
