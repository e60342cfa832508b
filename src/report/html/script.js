
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const STATE = [["ok", "✓", "ok"], ["net", "↗", "net"], ["unk", "?", "unknown"], ["bad", "✗", "FAIL"]];
  const PAGE = 200;
  const $ = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const el = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const say = (text) => { $("said").textContent = text; };

  // Theme: the system's, until the button says otherwise.
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // Hops of some paths, those with the same hops together.
  let opener = null;
  const close = () => {
    if ($("hops").hidden) return;
    $("hops").hidden = true;
    if (opener) { opener.removeAttribute("aria-expanded"); opener.focus({ preventScroll: true }); }
    opener = null;
  };
  const explainers = (paths) => {
    const wanted = new Set(paths);
    return Object.entries(data.findings).filter(([, own]) => own.some((p) => wanted.has(p))).map(([i]) => i);
  };
  const show = (title, paths, from) => {
    if (opener) opener.removeAttribute("aria-expanded");
    opener = from;
    if (from) from.setAttribute("aria-expanded", "true");
    $("hops-title").textContent = title;
    const body = $("hops-body");
    body.replaceChildren();
    const groups = new Map();
    for (const i of paths) {
      const p = data.paths[i];
      const key = [p.r, p.s, p.o, p.y, p.w, p.h, p.b].join(" ");
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(p);
    }
    const sorted = [...groups.values()].sort((a, b) => b[0].w - a[0].w);
    for (const group of sorted.slice(0, 60)) {
      const [css, glyph, word] = STATE[group[0].w];
      const p = group[0];
      body.append(el("h3", { class: css }, `${glyph} ${word}: ${data.rows[p.r].n} to ${data.services[p.s]}, port ${p.o}, by ${p.y}`));
      if (p.x) body.append(el("p", {}, p.x));
      const places = [...new Set(group.map((q) => data.places[q.p]))];
      body.append(el("p", { class: "hint" }, `From ${places.slice(0, 6).join("; ")}${places.length > 6 ? ` and ${places.length - 6} more` : ""}`));
      if (data.because[p.b]) body.append(el("p", { class: "hint" }, `Needed by ${data.because[p.b]}`));
      const hops = el("ol");
      for (const [state, name, object, detail] of data.hops[p.h]) {
        const [c, g, w] = STATE[state];
        hops.append(el("li", { class: c }, `${g} ${w} `, el("span", {}, el("b", {}, name), object ? ` ${object}` : "", detail ? `: ${detail}` : "")));
      }
      if (hops.children.length) body.append(hops);
    }
    if (sorted.length > 60) body.append(el("p", {}, `and ${sorted.length - 60} more that differ`));
    const found = explainers(paths).slice(0, 20);
    if (found.length) {
      body.append(el("h3", {}, "Findings"));
      for (const i of found) {
        const link = el("a", { href: `#f${i}` }, data.titles[i]);
        link.addEventListener("click", () => {
          const f = $(`f${i}`);
          if (f) { f.hidden = false; f.open = true; }
          if (innerWidth < 900) { opener = null; $("hops").hidden = true; }
        });
        body.append(el("p", {}, link));
      }
    }
    $("hops").hidden = false;
    $("hops").scrollTop = 0;
    $("hops").focus({ preventScroll: true });
    say(`${title}: hops shown`);
  };
  $("hops-close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { close(); choose(null); $("tip").hidden = true; } });

  const pathsOf = (row, service) => { const cell = data.rows[row].c[service]; return cell ? cell[2] : []; };
  const openCell = (node) => {
    const { row, service } = node.dataset;
    show(`${data.rows[row].n} to ${data.services[service]}`, pathsOf(row, service), node.classList.contains("cell") ? node : null);
  };

  // The matrix: cells open hops; arrow keys move; a tip says where it stops.
  const rowOf = (i, services) => {
    const row = data.rows[i];
    const tr = el("tr", {}, el("th", { scope: "row" }, `${row.n} `, el("small", {}, row.k)));
    for (const s of services) {
      const cell = row.c[s];
      if (!cell) { tr.append(el("td", {}, el("span", { class: "off" }, "·"))); continue; }
      tr.append(el("td", {}, el("button", { type: "button", class: `cell ${STATE[cell[1]][0]}`, "data-row": i, "data-service": s, tabindex: -1 }, cell[0])));
    }
    return tr;
  };
  const tables = all("table.matrix").map((table) => {
    const holder = table.closest(".scroll");
    return { table, holder, body: table.tBodies[0], services: table.dataset.services.split(" ").filter(Boolean), rows: table.dataset.rows.split(" ").filter(Boolean).map(Number), limit: PAGE, drawn: null };
  });
  const render = (t, matching) => {
    const shown = matching.slice(0, t.limit);
    const key = shown.join(" ");
    if (t.drawn === null && matching.length === t.rows.length && t.limit === PAGE) t.drawn = key;
    if (t.drawn !== key) {
      t.body.replaceChildren(...shown.map((i) => rowOf(i, t.services)));
      const first = t.body.querySelector(".cell");
      if (first) first.tabIndex = 0;
      t.drawn = key;
    }
    t.holder.hidden = matching.length === 0;
    let more = t.holder.querySelector("p.more");
    const left = matching.length - shown.length;
    if (!more && left > 0) { more = el("p", { class: "more" }, el("button", { type: "button", class: "more" })); t.holder.append(more); }
    if (more) { more.hidden = left <= 0; more.firstElementChild.textContent = `Show ${Math.min(left, PAGE)} of ${left} more workloads`; }
  };
  document.addEventListener("click", (event) => {
    const cell = event.target.closest(".cell, .way");
    if (cell) { openCell(cell); return; }
    const chip = event.target.closest(".chip");
    if (chip) { choose(chip); return; }
    const more = event.target.closest("button.more");
    if (more) { const t = tables.find((x) => x.holder.contains(more)); t.limit += PAGE; filter(); return; }
    const copy = event.target.closest("button.copy");
    if (copy) { copyText(copy); return; }
    const explains = event.target.closest("button.explains");
    if (explains) { const i = explains.dataset.finding; show(data.titles[i], data.findings[i], explains); }
  });
  document.addEventListener("keydown", (event) => {
    const node = event.target;
    if (node.classList && node.classList.contains("chip") && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choose(node); return; }
    if (!node.classList || !node.classList.contains("cell")) return;
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const td = node.parentElement;
    let tr = td.parentElement;
    let at = td.cellIndex;
    for (;;) {
      if (step[0]) tr = step[0] > 0 ? tr.nextElementSibling : tr.previousElementSibling; else at += step[1];
      if (!tr || at < 1 || at >= tr.cells.length) return;
      const next = tr.cells[at].querySelector(".cell");
      if (next) { node.tabIndex = -1; next.tabIndex = 0; next.focus(); return; }
    }
  });
  const tip = (node) => {
    const paths = pathsOf(node.dataset.row, node.dataset.service).map((i) => data.paths[i]).sort((a, b) => b.w - a.w);
    if (!paths.length) return;
    const p = paths[0];
    $("tip").textContent = `${data.services[p.s]}: ${STATE[p.w][2]}${p.x ? `, ${p.x}` : `, by ${p.y}`}`;
    $("tip").hidden = false;
    const box = node.getBoundingClientRect();
    const own = $("tip").getBoundingClientRect();
    $("tip").style.left = `${Math.max(4, Math.min(box.left, innerWidth - own.width - 8))}px`;
    $("tip").style.top = `${box.bottom + own.height + 8 < innerHeight ? box.bottom + 6 : box.top - own.height - 6}px`;
  };
  for (const type of ["pointerover", "focusin"]) {
    document.addEventListener(type, (event) => {
      const cell = event.target.closest && event.target.closest(".cell");
      if (cell) tip(cell); else $("tip").hidden = true;
    });
  }
  addEventListener("scroll", () => { $("tip").hidden = true; }, { passive: true });

  // The drawing: a chosen workload shows its ways alone.
  const choose = (chip) => {
    for (const svg of all("svg")) {
      const same = chip && svg.contains(chip) && !chip.classList.contains("on");
      for (const node of all(".on", svg)) node.classList.remove("on");
      svg.classList.toggle("chosen", Boolean(same));
      if (!same) continue;
      for (const node of all(`[data-row="${chip.dataset.row}"]`, svg)) node.classList.add("on");
      say(`${data.rows[chip.dataset.row].n}: its ways alone`);
    }
  };
  if ($("working")) $("working").addEventListener("change", (event) => { for (const svg of all("svg")) svg.classList.toggle("working", event.target.checked); });

  // Filters.
  const findings = all(".finding").map((node) => ({ node, text: node.textContent.toLowerCase(), severity: node.dataset.severity, vpc: node.dataset.vpc }));
  const words = data.rows.map((r) => `${r.n} ${r.k} ${r.v} ${Object.keys(r.c).map((s) => data.services[s]).join(" ")}`.toLowerCase());
  const filter = () => {
    const q = $("q") ? $("q").value.trim().toLowerCase() : "";
    const state = $("state") ? $("state").value : "";
    const severity = $("severity") ? $("severity").value : "";
    const vpc = $("vpc") ? $("vpc").value : "";
    for (const t of tables) render(t, t.rows.filter((i) => (!q || words[i].includes(q)) && (!state || data.rows[i].w >= Number(state)) && (!vpc || data.rows[i].v === vpc)));
    for (const node of all("details.vpc")) node.hidden = Boolean(vpc) && node.dataset.vpc !== vpc;
    let shown = 0;
    for (const f of findings) {
      const level = !severity || (severity === "u" ? f.severity === "u" : f.severity !== "u" && Number(f.severity) >= Number(severity));
      f.node.hidden = !(level && (!q || f.text.includes(q)) && (!vpc || !f.vpc || f.vpc === vpc));
      shown += f.node.hidden ? 0 : 1;
    }
    if ($("no-match")) $("no-match").hidden = shown > 0 || findings.length === 0;
    return shown;
  };
  const form = $("filters");
  if (form) {
    let timer = 0;
    const later = () => { clearTimeout(timer); timer = setTimeout(() => { for (const t of tables) t.limit = PAGE; say(`${filter()} findings shown`); }, 80); };
    form.addEventListener("input", later);
    form.addEventListener("reset", later);
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  // Copying, also from a file, where the clipboard is not always to be had.
  const copyText = async (button) => {
    const pre = button.closest(".code").querySelector("pre");
    let done = false;
    try { await navigator.clipboard.writeText(pre.textContent); done = true; } catch {
      const range = document.createRange();
      range.selectNodeContents(pre);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      try { done = document.execCommand("copy"); } catch { done = false; }
    }
    button.textContent = done ? "Copied" : "Selected";
    say(done ? "Copied" : "Selected, copy it by hand");
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };

  // On paper everything is open.
  let opened = [];
  addEventListener("beforeprint", () => { opened = all("details:not(.accept):not([open])"); for (const d of opened) d.open = true; });
  addEventListener("afterprint", () => { for (const d of opened) d.open = false; opened = []; });
})();
