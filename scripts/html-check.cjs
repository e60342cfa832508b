// Tries HTML reports in headless Chromium. See html-check.sh.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");

const shots = process.env.SHOTS;

async function open(browser, file, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [];
  const requests = [];
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) complaints.push(m.text()); });
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("request", (r) => requests.push(r.url()));
  page.on("dialog", (d) => { complaints.push(`dialog: ${d.message()}`); d.dismiss(); });
  const url = pathToFileURL(path.resolve(file)).href;
  const start = Date.now();
  await page.goto(url);
  await page.waitForFunction(() => document.readyState === "complete");
  return { context, page, complaints, requests, url, took: Date.now() - start };
}

async function cells(page) {
  const cell = page.locator("table.matrix .cell").first();
  if (!(await cell.count())) return "no cell";
  await cell.scrollIntoViewIfNeeded();
  await cell.hover();
  assert.ok(await page.locator("#tip").isVisible(), "a tip on hover");
  await cell.click();
  assert.ok(await page.locator("#hops").isVisible(), "hops after a click");
  assert.ok((await page.locator("#hops-body h3").count()) > 0, "a path in the hops");
  assert.ok((await page.locator("#hops-body li").count()) > 0, "hops in the path");
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("#hops").isHidden(), "Escape closes");
  assert.ok(await cell.evaluate((n) => n === document.activeElement), "the focus returns to the cell");
  const before = await page.evaluate(() => [document.activeElement.dataset.row, document.activeElement.dataset.service].join());
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  const after = await page.evaluate(() => [document.activeElement.dataset.row, document.activeElement.dataset.service].join());
  if ((await page.locator("table.matrix .cell").count()) > 1) assert.notEqual(after, before, "arrow keys move");
  assert.equal(await page.locator("table.matrix").first().locator(".cell[tabindex='0']").count(), 1, "one tab stop a matrix");
  await page.keyboard.press("Enter");
  assert.ok(await page.locator("#hops").isVisible(), "Enter opens");
  await page.locator("#hops-close").click();
  return "cells";
}

async function drawing(page) {
  const chip = page.locator("details[open] svg .chip").first();
  if (!(await chip.count())) return "no drawing";
  await chip.focus();
  await page.keyboard.press("Enter");
  assert.ok((await page.locator("svg.chosen").count()) === 1, "a chosen workload");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("svg.chosen").count(), 0, "Escape undoes the choice");
  await page.locator("#working").check();
  assert.ok((await page.locator("svg.working").count()) > 0);
  await page.locator("#working").uncheck();
  const way = page.locator("details[open] svg .way.bad circle").first();
  if (await way.count()) {
    await way.dispatchEvent("click");
    assert.ok(await page.locator("#hops").isVisible(), "a line opens its hops");
    await page.keyboard.press("Escape");
  }
  return "drawing";
}

async function filters(page) {
  if (!(await page.locator("#q").count())) return "no filter";
  const shown = () => page.locator(".finding:visible").count();
  const all = await shown();
  const rows = await page.locator("table.matrix tbody tr").count();
  await page.fill("#q", "no such thing anywhere");
  await page.waitForTimeout(200);
  assert.equal(await shown(), 0);
  assert.equal(await page.locator("table.matrix:visible").count(), 0);
  if (all > 0) assert.ok(await page.locator("#no-match").isVisible());
  await page.locator("#filters button[type=reset]").click();
  await page.waitForTimeout(200);
  assert.equal(await shown(), all, "reset shows all again");
  assert.equal(await page.locator("table.matrix tbody tr").count(), rows);
  await page.selectOption("#severity", "4");
  await page.waitForTimeout(200);
  assert.equal(await shown(), await page.locator(".finding[data-severity='4']").count());
  await page.locator("#filters button[type=reset]").click();
  await page.waitForTimeout(200);
  return "filters";
}

async function findings(page) {
  const copy = page.locator(".finding[open] > .code button.copy").first();
  if (await copy.count()) {
    const want = await copy.evaluate((b) => b.closest(".code").querySelector("pre").textContent);
    await copy.click();
    await page.waitForFunction(() => [...document.querySelectorAll("button.copy")].some((b) => b.textContent !== "Copy"));
    const got = await page.evaluate(() => navigator.clipboard.readText().catch(() => null));
    if (got !== null) assert.equal(got.replaceAll("\r\n", "\n"), want, "the copied text is the code");
  }
  const explains = page.locator(".finding[open] button.explains").first();
  if (await explains.count()) {
    await explains.click();
    assert.ok((await page.locator("#hops-body li").count()) > 0, "a finding shows its hops");
    await page.keyboard.press("Escape");
  }
  return "findings";
}

async function theme(page) {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await paper();
  await page.locator("#theme").click();
  assert.notEqual(await paper(), before, "the theme switches");
  await page.locator("#theme").click();
  assert.equal(await paper(), before);
}

// Contrast of text on its ground, as WCAG counts it, over everything that is visible.
async function contrast(page) {
  const poor = await page.evaluate(() => {
    const parse = (c) => (c.match(/[\d.]+/g) || []).map(Number);
    const lum = ([r, g, b]) => [r, g, b].map((v) => { const x = v / 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; }).reduce((a, v, i) => a + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (n) => { for (let e = n; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || (c.length === 4 && c[3] > 0)) return c; } return [255, 255, 255]; };
    const out = new Set();
    for (const n of document.querySelectorAll("body *:not(svg *)")) {
      if (![...n.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim()) || !n.getClientRects().length || ["SCRIPT", "STYLE"].includes(n.tagName)) continue;
      const [a, b] = [lum(parse(getComputedStyle(n).color)), lum(ground(n))].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < 4.5) out.add(`${n.tagName}.${n.className} ${ratio.toFixed(2)}`);
    }
    return [...out].slice(0, 8);
  });
  assert.deepEqual(poor, [], "contrast of at least 4.5");
}

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  let bad = 0;
  for (const file of process.argv.slice(2)) {
    const name = path.basename(file, ".html");
    try {
      for (const [width, height] of [[1280, 900], [390, 800]]) {
        for (const colorScheme of ["light", "dark"]) {
          const { context, page, complaints, requests, url, took } = await open(browser, file, { viewport: { width, height }, colorScheme, permissions: ["clipboard-read", "clipboard-write"] });
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `the page is ${overflow} pixels wider than the screen of ${width}`);
          await contrast(page);
          const start = Date.now();
          const done = [];
          for (const part of [cells, drawing, filters, findings, theme]) done.push(await part(page));
          assert.deepEqual(complaints, [], "nothing complains");
          assert.deepEqual(requests.filter((r) => r !== url), [], "nothing else is loaded");
          if (shots) {
            fs.mkdirSync(shots, { recursive: true });
            await page.evaluate(() => scrollTo(0, 0));
            await page.screenshot({ path: path.join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
            const cell = page.locator("table.matrix .cell.bad, table.matrix .cell").first();
            if (await cell.count()) {
              await cell.click();
              await page.screenshot({ path: path.join(shots, `${name}-${width}-${colorScheme}-hops.png`) });
            }
          }
          if (width === 1280 && colorScheme === "light") console.log(`ok ${file}: loaded in ${took} ms, tried in ${Date.now() - start} ms (${done.filter(Boolean).join(", ")})`);
          await context.close();
        }
      }
      if (shots) {
        const { context, page } = await open(browser, file, {});
        await page.pdf({ path: path.join(shots, `${name}.pdf`), format: "A4" });
        await context.close();
      }
    } catch (error) {
      bad += 1;
      console.error(`FAILS ${file}: ${error.message}`);
    }
  }
  await browser.close();
  process.exit(bad ? 1 : 0);
})();
