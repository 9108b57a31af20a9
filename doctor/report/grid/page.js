"use strict";
(() => {
  const table = document.querySelector("table[role=grid]");
  const panel = document.getElementById("panel");
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
  const heads = [...table.tHead.rows[0].cells].slice(1);
  let at = [0, 0];

  const place = (cell) => {
    const row = rows.findIndex((cells) => cells.includes(cell));
    return [row, rows[row].indexOf(cell)];
  };
  const show = (cell) => {
    const [row, column] = place(cell);
    const title = document.createElement("h3");
    title.textContent = cell.getAttribute("aria-label");
    const evidence = document.getElementById(cell.getAttribute("aria-describedby"));
    panel.replaceChildren(title, evidence.querySelector("ul").cloneNode(true));
    table.querySelectorAll("th.on").forEach((head) => head.classList.remove("on"));
    heads[column].classList.add("on");
    cell.parentElement.querySelector("th").classList.add("on");
  };
  const move = (row, column) => {
    const next = rows[Math.max(0, Math.min(row, rows.length - 1))];
    const cell = next[Math.max(0, Math.min(column, next.length - 1))];
    rows[at[0]][at[1]].tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
  };
  const keys = {
    ArrowUp: ([r, c]) => [r - 1, c], ArrowDown: ([r, c]) => [r + 1, c],
    ArrowLeft: ([r, c]) => [r, c - 1], ArrowRight: ([r, c]) => [r, c + 1],
    PageUp: ([r, c]) => [r - 8, c], PageDown: ([r, c]) => [r + 8, c],
    Home: ([r], all) => [all ? 0 : r, 0], End: ([r], all) => [all ? Infinity : r, Infinity],
  };

  const mine = table.querySelector("td.mine");
  if (mine) at = place(mine);
  rows.flat().forEach((cell) => { cell.tabIndex = -1; });
  rows[at[0]][at[1]].tabIndex = 0;
  table.addEventListener("keydown", (event) => {
    const step = keys[event.key];
    if (!step || event.altKey || event.metaKey || !event.target.matches("td")) return;
    event.preventDefault();
    move(...step(at, event.ctrlKey));
  });
  table.addEventListener("focusin", (event) => {
    if (!event.target.matches("td")) return;
    rows[at[0]][at[1]].tabIndex = -1;
    at = place(event.target);
    event.target.tabIndex = 0;
    show(event.target);
  });
  table.addEventListener("mouseover", (event) => {
    const cell = event.target.closest("td");
    if (cell) show(cell);
  });
  table.addEventListener("mouseleave", () => {
    if (table.contains(document.activeElement)) show(rows[at[0]][at[1]]);
  });
  if (mine) { mine.scrollIntoView({ block: "center", inline: "center" }); window.scrollTo(0, 0); show(mine); }
})();
