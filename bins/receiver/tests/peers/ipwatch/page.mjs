// The page of the machines in a real browser, against a receiver whose machines are agents by another hand.
//
// Usage: node page.mjs PLAYWRIGHT FACTS, where FACTS is a JSON file: { base, keys, shots, machines, hostile, pids }.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [playwright, factsFile] = process.argv.slice(2);
const { chromium } = await import(pathToFileURL(playwright));
const facts = JSON.parse(readFileSync(factsFile, 'utf8'));
const PAGE = `${facts.base}/console/machines/`;
const VIEWS = ['machines', 'machine', 'schedules', 'log', 'register'];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** A tab that notes what must not happen: requests elsewhere, violations of the policy, errors. */
async function open(options = {}, key = facts.keys.administer) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Paris', reducedMotion: 'reduce', ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: facts.base });
  await context.addInitScript((key) => {
    globalThis.violations = [];
    addEventListener('securitypolicyviolation', (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    if (key && !sessionStorage.getItem('console.machines.key')) sessionStorage.setItem('console.machines.key', key);
  }, key);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const seen = { elsewhere: [], wrong: [], commands: [] };
  page.on('request', (request) => {
    const { origin, pathname } = new URL(request.url());
    if (origin !== facts.base) seen.elsewhere.push(request.url());
    if (request.method() === 'POST' && /tracking|\/(all|groups)\//.test(pathname)) seen.commands.push(pathname);
  });
  page.on('pageerror', (error) => seen.wrong.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && seen.wrong.push(message.text()));
  page.on('dialog', (dialog) => (seen.wrong.push(`dialog ${dialog.message()}`), dialog.dismiss()));
  return { context, page, seen };
}

/** `allowed`: what the browser itself notes of an answer that is no 200. */
async function clean({ context, page, seen }, allowed = /$^/) {
  assert.deepEqual(await page.evaluate(() => violations), []);
  assert.deepEqual(seen.elsewhere, []);
  assert.deepEqual(seen.wrong.filter((text) => !allowed.test(text)), []);
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined, 'a name was run');
  assert.equal(await page.locator('img, script:not([type=module])').count(), 0, 'a name became markup');
  await context.close();
}

async function go(page, view, params = {}) {
  await page.goto(`${PAGE}#/${view}?${new URLSearchParams(params)}`);
  await page.locator(`[data-view=${view}]`).waitFor();
  await page.getByText('Live', { exact: true }).or(page.getByText('En direct', { exact: true })).waitFor();
}

/** As it is read: a space is a space. */
const plain = (text) => text.replaceAll('\u00a0', ' ');
const tile = (page, name) => page.locator('.tile').filter({ has: page.getByRole('link', { name, exact: true }) });
const modal = (page) => page.getByRole('dialog');

/** The log as the API has it: what was really done. */
async function commandsOf(ip) {
  const answer = await fetch(`${facts.base}/v1/ipwatch/log?ip=${ip}`, { headers: { authorization: `Bearer ${facts.keys.read}` } });
  return (await answer.json()).entries.map(({ command }) => command);
}

async function askedForAKey() {
  const tab = await open({}, null);
  const { page } = tab;
  await page.goto(`${facts.base}/console/`);
  assert.equal(page.url(), PAGE);
  await page.getByLabel('Your key').fill('wrong');
  await page.getByRole('button', { name: 'Show machines' }).click();
  await page.getByRole('alert').filter({ hasText: 'That key was not accepted' }).waitFor();
  await page.getByLabel('Your key').fill(facts.keys.administer);
  await page.getByRole('button', { name: 'Show machines' }).click();
  await page.locator('.tile').first().waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem('console.machines.key')), null, 'kept only when told so');
  assert.deepEqual(await page.locator('.sections a').allInnerTexts(), ['Machines'], 'sections that are off are not named');
  await page.getByRole('button', { name: 'Forget the key' }).click();
  await page.getByLabel('Your key').waitFor();
  await clean(tab, /401/);
}

async function allAreListed() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'machines');
  await page.locator('.tile[data-state=online]').nth(facts.machines.length - 1).waitFor();
  assert.equal(await page.locator('.count-button[data-state=online] .count').innerText(), String(facts.machines.length));
  const names = await page.locator('.tile-name').allInnerTexts();
  assert.deepEqual(names, [...names].sort((a, b) => a.localeCompare(b, undefined, { numeric: true })));
  for (const name of facts.hostile) assert.ok(names.includes(name), name);
  assert.deepEqual((await tile(page, 'lab-01').locator('.meter-value').allInnerTexts()).map(plain), ['13 %', '63 %', '78 %']);
  assert.ok((await tile(page, 'lab-01').locator('time').getAttribute('title')).length > 10, 'the exact time on hover');
  await tile(page, 'lab-01').locator('.spark').waitFor();
  await page.getByRole('searchbox').fill('LAB-0');
  await page.waitForFunction(() => document.querySelectorAll('.tile').length === 2);
  // What is done to many is done to a group or to all, never to what a search shows.
  assert.equal(await page.locator('.many button').count(), 0);
  await page.getByRole('searchbox').fill('nothing like it');
  await page.getByText('No machine matches').waitFor();
  await page.getByRole('searchbox').fill('');
  await page.getByLabel('Group', { exact: true }).selectOption('lab');
  await page.getByText('The 2 machines of the group lab').waitFor();
  await page.reload();
  await page.getByText('The 2 machines of the group lab').waitFor();
  await clean(tab);
}

async function nothingIsDoneUnasked() {
  const tab = await open();
  const { page, seen } = tab;
  await go(page, 'machines');
  await tile(page, 'lab-01').getByRole('button', { name: 'Shut down: lab-01' }).click();
  await modal(page).getByText('Shut down lab-01?').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Cancel', 'Enter alone does nothing');
  await page.keyboard.press('Enter');
  await modal(page).waitFor({ state: 'detached' });
  await tile(page, 'lab-01').getByRole('button', { name: 'Restart: lab-01' }).click();
  await page.keyboard.press('Escape');
  await modal(page).waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Restart: lab-01', 'the focus is where it was');
  assert.deepEqual(seen.commands, []);
  assert.deepEqual(await commandsOf(facts.ips['lab-01']), []);
  await clean(tab);
}

async function theAnswerIsShown() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'machines');
  await tile(page, 'lab-01').getByRole('button', { name: 'Status: lab-01' }).click();
  await modal(page).getByText('It answered.').waitFor();
  await page.keyboard.press('Escape');
  await tile(page, 'lab-01').getByRole('button', { name: 'Shut down: lab-01' }).click();
  await modal(page).getByRole('button', { name: 'Shut down' }).click();
  await modal(page).getByText('It is shutting down.').waitFor();
  await modal(page).getByText('Shutdown en cours...').waitFor();
  if (facts.shots) await page.screenshot({ path: `${facts.shots}/answer.png` });
  await modal(page).getByRole('button', { name: 'Close' }).click();
  // It says that it is going, and the page knows without being asked.
  await page.locator('.tile[data-state=offline]').filter({ hasText: 'lab-01' }).waitFor();
  assert.ok((await commandsOf(facts.ips['lab-01'])).includes('shutdown'));
  // A machine that is away can be woken, where its hardware address is known.
  await tile(page, 'lab-01').getByRole('button', { name: 'Wake: lab-01' }).waitFor();
  await clean(tab);
}

async function aRefusalIsShown() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'machines');
  await tile(page, 'stubborn').getByRole('button', { name: 'Restart: stubborn' }).click();
  await modal(page).getByRole('button', { name: 'Restart' }).click();
  await modal(page).getByText('sudo: a password is required').waitFor();
  assert.equal(await modal(page).locator('.outcome').getAttribute('data-well'), 'false');
  if (facts.shots) await page.screenshot({ path: `${facts.shots}/refusal.png` });
  await clean(tab, /409|403/);
}

async function aGroupAnswersOneByOne() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'machines', { group: 'lab' });
  await page.locator('.many').getByRole('button', { name: 'Status' }).click();
  await modal(page).getByText('Ask the 2 machines of the group lab for their status?').waitFor();
  await modal(page).getByRole('button', { name: 'Ask 2 machines' }).click();
  await modal(page).getByText('1 of 2 did it.').waitFor();
  const lines = await modal(page).locator('.answers li').allInnerTexts();
  assert.match(lines[0], /lab-01\s+It did not answer in time/);
  assert.match(lines[1], /lab-02\s+It answered/);
  if (facts.shots) await page.screenshot({ path: `${facts.shots}/group.png` });
  await page.keyboard.press('Escape');
  await clean(tab);
}

async function schedules() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'schedules');
  await page.getByText('Nothing is scheduled').waitFor();
  await page.getByLabel('Name').fill('Lights out');
  await page.getByLabel('To whom').selectOption('group:lab');
  await page.getByLabel('On', { exact: true }).selectOption('workdays');
  await page.getByLabel('At', { exact: true }).fill('21:30');
  await page.locator('.preview li').filter({ hasText: '21:30' }).first().waitFor();
  const runs = await page.locator('.preview li').allInnerTexts();
  assert.equal(runs.length, 4);
  for (const run of runs) assert.match(run, /^(Mon|Tues|Wednes|Thurs|Fri)day.*21:30:00/);
  await page.getByLabel('On', { exact: true }).selectOption('own');
  await page.getByLabel('Cron expression').fill('61 * * * *');
  await page.locator('.preview .warm').waitFor();
  await page.getByLabel('On', { exact: true }).selectOption('workdays');
  await page.locator('.preview li').first().waitFor();
  await page.getByRole('button', { name: 'Add schedule' }).click();
  const entry = page.locator('.schedule').filter({ hasText: 'Lights out' });
  await entry.waitFor();
  assert.match(await entry.innerText(), /Shut down\s+group lab/);
  assert.match(await entry.innerText(), /30 21 \* \* 1-5 · Europe\/Paris/);
  if (facts.shots) await page.screenshot({ path: `${facts.shots}/schedules.png`, fullPage: true });
  await entry.getByRole('button', { name: 'Delete: Lights out' }).click();
  await modal(page).getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Nothing is scheduled').waitFor();
  await clean(tab, /400/);
}

async function addedAndRetired() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'register');
  await page.getByLabel('Address', { exact: true }).fill('not an address');
  await page.getByLabel('Name').fill('kiosk');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('alert').filter({ hasText: /./ }).waitFor();
  await page.getByLabel('Address', { exact: true }).fill('192.0.2.77');
  await page.getByLabel('Groups').fill('hall');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('heading', { name: 'Now its agent' }).waitFor();
  const settings = await page.locator('.paste').last().innerText();
  assert.match(settings, /^address: +192\.0\.2\.77$/m);
  assert.match(settings, /^user: +192\.0\.2\.77$/m);
  if (facts.shots) await page.screenshot({ path: `${facts.shots}/register.png`, fullPage: true });
  await page.getByRole('button', { name: 'Copy: settings of the agent' }).click();
  await page.getByText('Copied.').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), settings);
  await go(page, 'machine', { ip: '192.0.2.77' });
  await page.getByText('Change or retire').click();
  await page.getByRole('button', { name: 'Retire' }).click();
  await modal(page).getByRole('button', { name: 'Retire' }).click();
  await page.locator('[data-view=machines]').waitFor();
  await page.getByText('kiosk is retired.').waitFor();
  assert.equal(await tile(page, 'kiosk').count(), 0);
  await clean(tab, /400|404/);
}

async function namesAreTextOnly() {
  const tab = await open();
  const { page } = tab;
  for (const name of facts.hostile) {
    await go(page, 'machine', { ip: facts.ips[name] });
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), name);
    await page.getByText(facts.hostnames[name], { exact: true }).waitFor();
    await page.getByRole('button', { name: /^Restart/ }).click();
    await modal(page).getByText(`Restart ${name}?`).waitFor();
    await page.keyboard.press('Escape');
  }
  await clean(tab);
}

async function history() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'machine', { ip: facts.ips['lab-02'], span: '1h' });
  await page.locator('.lines').nth(3).waitFor();
  const labels = await page.locator('.lines').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
  assert.match(plain(labels[0]), /^Processor: 13 % now/);
  assert.match(plain(labels[3]), /^Up for: 24 h now/);
  await page.locator('.lines').first().hover();
  await page.locator('.chart-when').first().filter({ hasText: /20\d\d/ }).waitFor();
  await page.getByRole('button', { name: '7 days' }).click();
  assert.match(page.url(), /span=7d/);
  await clean(tab);
}

async function readersSwitchNothing() {
  const tab = await open({}, facts.keys.read);
  const { page } = tab;
  await go(page, 'machines');
  await page.locator('.tile').first().waitFor();
  assert.equal(await page.locator('.tile-buttons button').count(), 0);
  await go(page, 'register');
  await page.getByText('This key may not add machines').waitFor();
  await clean(tab);
}

async function whoDidWhat() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'log');
  await page.locator('tbody tr').first().waitFor();
  const rows = await page.locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.children].slice(1).map((cell) => cell.innerText.trim())));
  assert.ok(rows.some(([what, machine, who, came]) => what === 'Shut down' && machine === 'lab-01' && who === 'olga' && came === 'It is shutting down.'), JSON.stringify(rows));
  assert.ok(rows.some(([what, machine]) => what === 'Restart' && machine === 'stubborn'));
  await clean(tab);
}

async function phoneAndDark() {
  for (const [kind, options] of Object.entries({
    'phone': { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
    'phone-dark-fr': { viewport: { width: 360, height: 740 }, colorScheme: 'dark', locale: 'fr-FR' },
    'desktop': { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
    'desktop-dark': { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  })) {
    const tab = await open(options);
    const { page } = tab;
    for (const view of VIEWS) {
      await go(page, view, view === 'machine' ? { ip: facts.ips['lab-02'] } : {});
      if (view === 'machines') await page.locator('.tile').first().waitFor();
      if (view === 'machine') await page.locator('.lines, .empty').first().waitFor();
      if (view === 'schedules') await page.locator('.preview li').first().waitFor();
      const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= window, `${view} is ${content} wide on ${kind}`);
      if (facts.shots) await page.screenshot({ path: `${facts.shots}/${view}-${kind}.png` });
    }
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.equal(paper[0] < 64, options.colorScheme === 'dark', `${kind}: ${paper}`);
    await clean(tab);
  }
}

/** Everything that can be used is reached by Tab, shows that it has the focus, and has a name. */
async function keyboard() {
  const tab = await open();
  const { page } = tab;
  for (const view of VIEWS) {
    await go(page, view, view === 'machine' ? { ip: facts.ips['lab-02'] } : {});
    if (view === 'machines') await page.locator('.tile').nth(facts.machines.length - 1).waitFor();
    const wanted = await page.evaluate(() => {
      const usable = [...document.querySelectorAll('a[href], button, input, select, summary')].filter((node) => node.tabIndex >= 0 && !node.disabled && node.checkVisibility());
      usable.forEach((node, index) => (node.dataset.number = index));
      return usable.length;
    });
    const reached = new Set();
    for (let step = 0; step < wanted * 4 + 12 && reached.size < wanted; step += 1) {
      await page.keyboard.press('Tab');
      const focus = await page.evaluate(() => {
        const node = document.activeElement;
        const text = node.getAttribute('aria-label') || node.innerText || [...(node.labels ?? [])].map((label) => label.innerText).join(' ');
        const style = getComputedStyle(node);
        return { number: node.dataset.number, text: text?.trim(), seen: style.outlineStyle !== 'none' || style.boxShadow !== 'none', tag: node.tagName };
      });
      if (focus.number === undefined) continue;
      reached.add(focus.number);
      assert.ok(focus.text, `${view}: a ${focus.tag} without a name`);
      assert.ok(focus.seen, `${view}: the focus on ${focus.text} is not seen`);
    }
    assert.equal(reached.size, wanted, `${view}: ${wanted - reached.size} are out of reach`);
  }
  await tab.context.close();
}

async function french() {
  const tab = await open({ locale: 'fr-CH' });
  const { page } = tab;
  await go(page, 'machines');
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'fr');
  await tile(page, 'lab-02').getByRole('button', { name: 'Éteindre : lab-02' }).or(tile(page, 'lab-02').getByRole('button', { name: 'Éteindre: lab-02' })).click();
  await modal(page).getByText('Éteindre lab-02 ?').waitFor();
  await page.keyboard.press('Escape');
  const unsaid = await page.evaluate(async () => {
    const [{ WORDS: shared }, { WORDS: own }] = await Promise.all([import('/console/words.js'), import('/console/machines/words.js')]);
    const missing = (a, b) => Object.keys(a).filter((key) => !(key in b));
    return [shared, own].flatMap(({ en, fr }) => [...missing(en, fr), ...missing(fr, en)]);
  });
  assert.deepEqual(unsaid, [], 'both languages say the same things');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { name: 'Machines' }).waitFor();
  await clean(tab);
}

/** A machine loses its power, and the receiver its network: the page says both by itself. */
async function liveAndLate() {
  const tab = await open();
  const { page, context } = tab;
  await go(page, 'machines');
  await page.locator('.tile[data-state=online]').filter({ hasText: 'lab-02' }).waitFor();
  process.kill(facts.pids['lab-02'], 'SIGKILL');
  await page.locator('.tile[data-state=offline]').filter({ hasText: 'lab-02' }).waitFor();
  await page.getByText('Offline since').first().waitFor();
  await context.setOffline(true);
  await page.getByText('Not up to date: The receiver cannot be reached.').waitFor();
  assert.ok((await page.locator('.tile').count()) > 0, 'what was known stays');
  await context.setOffline(false);
  await page.getByText('Live', { exact: true }).waitFor();
  await clean(tab, /ERR_INTERNET_DISCONNECTED|ERR_NETWORK|ERR_FAILED|net::/);
}

const checks = [askedForAKey, allAreListed, readersSwitchNothing, namesAreTextOnly, history, phoneAndDark, keyboard, french, nothingIsDoneUnasked, theAnswerIsShown, aRefusalIsShown, aGroupAnswersOneByOne, schedules, addedAndRetired, whoDidWhat, liveAndLate];
const only = process.env.PAGE_ONLY?.split(',');
let failed = 0;
for (const check of checks.filter(({ name }) => !only || only.includes(name))) {
  const begun = Date.now();
  try {
    await check();
    console.log(`${check.name}: ok (${Date.now() - begun} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`${check.name}: ${error.stack}`);
  }
}
await browser.close();
console.log('all checks are through');
process.exit(failed ? 1 : 0);
