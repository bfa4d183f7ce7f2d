// The page of the check-ins in a real browser, against a receiver that holds what the test submitted.
//
// Usage: node page.mjs PLAYWRIGHT FACTS, where FACTS is a JSON file: { base, readKey, submitKey, shots, net, empty, hostile, week, today }.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [playwright, factsFile] = process.argv.slice(2);
const { chromium } = await import(pathToFileURL(playwright));
const facts = JSON.parse(readFileSync(factsFile, 'utf8'));
const PAGE = `${facts.base}/console/checkins/`;
const VIEWS = ['heard', 'board', 'weeks', 'leaders', 'person', 'missing', 'bots'];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** A tab that notes what must not happen: requests elsewhere, violations of the policy, errors, dialogs. */
async function open(options = {}, key = facts.readKey) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce', ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: facts.base });
  await context.addInitScript((key) => {
    globalThis.violations = [];
    addEventListener('securitypolicyviolation', (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    if (key && !sessionStorage.getItem('console.key')) sessionStorage.setItem('console.key', key);
  }, key);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const seen = { elsewhere: [], wrong: [], statuses: [] };
  page.on('request', (request) => new URL(request.url()).origin === facts.base || seen.elsewhere.push(request.url()));
  page.on('response', (response) => seen.statuses.push(response.status()));
  page.on('pageerror', (error) => seen.wrong.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && seen.wrong.push(message.text()));
  page.on('dialog', (dialog) => (seen.wrong.push(`dialog ${dialog.message()}`), dialog.dismiss()));
  return { context, page, seen };
}

async function clean({ page, seen }) {
  assert.deepEqual(await page.evaluate(() => violations), []);
  assert.deepEqual(seen.elsewhere, []);
  assert.deepEqual(seen.wrong, []);
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined, 'a name was run');
  assert.equal(await page.locator('img, script:not([type=module])').count(), 0, 'a name became markup');
}

const address = (view, params = {}) => `${PAGE}#/${view}?${new URLSearchParams({ net: facts.net, ...params })}`;
const READY = { heard: '.answer > *', board: '.entry', weeks: '.bars', leaders: '.table', person: '.squares', missing: '.table', bots: '.table' };

async function go(page, view, params = {}) {
  await page.goto(address(view, view === 'person' ? { name: 'HOWL', ...params } : params));
  await page.locator(READY[view]).first().waitFor();
}

const cells = (page) => page.locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.innerText.trim())));

async function askedForAKey() {
  const tab = await open({}, null);
  const { page, seen } = tab;
  await page.goto(`${facts.base}/console/`);
  assert.equal(page.url(), PAGE);
  await page.getByLabel('Your reading key').fill('wrong');
  await page.getByRole('button', { name: 'Show check-ins' }).click();
  await page.getByRole('alert').filter({ hasText: 'That key was not accepted' }).waitFor();
  await page.getByLabel('Your reading key').fill(facts.readKey);
  await page.getByRole('button', { name: 'Show check-ins' }).click();
  await page.getByRole('heading', { name: 'Was I heard?' }).waitFor();
  assert.equal(await page.evaluate(() => localStorage.getItem('console.key')), null, 'kept only when told so');
  await page.getByRole('button', { name: 'Forget the key' }).click();
  await page.getByLabel('Your reading key').waitFor();
  // The browser itself notes each 401; nothing else may be wrong.
  seen.wrong = seen.wrong.filter((text) => !text.includes('401'));
  await clean(tab);
  await tab.context.close();
}

async function wasIHeard() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'heard');
  await page.getByText(`${facts.today} people heard this week:`).waitFor();
  await page.getByRole('searchbox').fill('howl');
  const yes = page.locator('.yes');
  await yes.getByText('HOWL was heard this week.').waitFor();
  assert.deepEqual(await yes.locator('.chip').allInnerTexts(), ['north', 'south']);
  assert.ok((await yes.locator('.chip').first().getAttribute('title')).length > 10, 'the exact time on hover');
  assert.equal(new URL(page.url()).hash, `#/heard?${new URLSearchParams({ net: facts.net, q: 'howl' })}`);
  // Who comes back is asked for no name.
  await go(page, 'bots');
  await page.goto(address('heard'));
  await yes.getByText('HOWL was heard this week.').waitFor();
  await page.getByRole('searchbox').fill('nobody at all');
  await page.getByText('Nobody called nobody at all was heard this week.').waitFor();
  await page.getByRole('searchbox').fill('off topic');
  await page.getByText('Off Topic was heard, but it does not count.').waitFor();
  await page.getByText('It lacks what counts here: “check”.').waitFor();
  for (const name of facts.hostile) {
    await page.getByRole('searchbox').fill(name);
    await yes.getByText(`${name} was heard this week.`).waitFor();
  }
  await clean(tab);
  await tab.context.close();
}

async function boardIsLive() {
  const tab = await open();
  const { page, seen } = tab;
  await go(page, 'board');
  const names = () => page.locator('.entry-who .name').allInnerTexts();
  const before = await names();
  assert.equal(before.length, facts.today);
  for (const name of facts.hostile) assert.ok(before.includes(name), name);
  assert.deepEqual(await page.locator('.figure dd').first().innerText(), String(facts.today));
  const again = () => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await again();
  while (!seen.statuses.includes(304)) await page.waitForResponse(() => true);
  // A reader's place is kept while others arrive.
  const details = page.locator('.hearers').first();
  await details.locator('summary').click();
  const late = { packet_hash: 'A11CE', username: 'Newcomer', message: 'check in', channel: facts.channel, timestamp: facts.now, source_bot: 'south' };
  const answer = await fetch(`${facts.base}/checkins`, { method: 'POST', headers: { authorization: `Bearer ${facts.submitKey}`, 'content-type': 'application/json' }, body: JSON.stringify(late) });
  assert.equal(answer.status, 201);
  await again();
  await page.getByRole('link', { name: 'Newcomer' }).waitFor();
  assert.equal((await names()).length, facts.today + 1);
  assert.equal(await details.evaluate((node) => node.open), true);
  assert.equal(await page.locator('.fresh .name').first().innerText(), 'Newcomer');
  // Without the receiver the page says so, and keeps what it has.
  await tab.context.setOffline(true);
  await again();
  await page.getByText('Not up to date: The receiver cannot be reached.').waitFor();
  assert.equal((await names()).length, facts.today + 1);
  await tab.context.setOffline(false);
  await again();
  await page.getByText('Live', { exact: true }).waitFor();
  seen.wrong = seen.wrong.filter((text) => !text.includes('ERR_INTERNET_DISCONNECTED'));
  await clean(tab);
  await tab.context.close();
}

async function weeksAndSummary() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'weeks');
  const rows = await cells(page);
  assert.equal(rows.length, facts.weeks);
  assert.deepEqual(rows[0].slice(1), facts.latest.map(String));
  assert.equal(await page.locator('.bars a').count(), facts.weeks);
  await page.getByRole('button', { name: 'Copy: Summary to paste' }).click();
  await page.getByText('Copied.').waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(copied.startsWith(`${facts.net}, ${facts.week}: ${facts.latest[0]} checked in`), copied);
  assert.ok(copied.includes('HOWL'), copied);
  await page.locator('tbody a').nth(1).click();
  await page.locator('.entry').first().waitFor();
  await page.getByRole('link', { name: 'This week' }).first().click();
  await clean(tab);
  await tab.context.close();
}

async function people() {
  const tab = await open();
  const { page } = tab;
  await go(page, 'leaders');
  const rows = await cells(page);
  assert.deepEqual(rows[0].slice(0, 5), ['1', 'HOWL', String(facts.weeks), String(facts.weeks), String(facts.weeks)]);
  assert.equal(rows.length, 50);
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.locator('tbody tr').nth(50).waitFor();
  const all = await cells(page);
  assert.deepEqual(all.map(([rank]) => rank), Array.from({ length: facts.people }, (_, index) => String(index + 1)));
  assert.equal(new Set(all.map(([, name]) => name)).size, facts.people, 'nobody stands twice');
  assert.equal(await page.getByRole('button', { name: 'Show more' }).isVisible(), false);
  await page.getByRole('link', { name: 'HOWL' }).click();
  await page.getByRole('heading', { name: 'HOWL' }).waitFor();
  await page.locator('.square.there').first().waitFor();
  assert.equal(await page.locator('.square.there').count(), facts.weeks);
  assert.equal(await page.locator('.entry').count(), facts.weeks);
  for (const name of facts.hostile) {
    await go(page, 'person', { name });
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), name);
  }
  await page.goto(address('person', { name: 'Nobody' }));
  await page.getByText('Nobody by this name has been heard on this net').waitFor();
  await go(page, 'missing');
  assert.deepEqual((await cells(page)).map(([name]) => name), ['Ridge Runner']);
  await go(page, 'bots');
  const bots = Object.fromEntries((await cells(page)).map(([bot, , ...counts]) => [bot, counts.map(Number)]));
  assert.deepEqual(bots, facts.bots);
  tab.seen.wrong = tab.seen.wrong.filter((text) => !text.includes('404'));
  await clean(tab);
  await tab.context.close();
}

async function emptyStates() {
  const tab = await open();
  const { page } = tab;
  const expected = {
    heard: 'Nobody has been heard this week',
    board: 'Nobody has been heard this week',
    weeks: 'No week has a check-in yet',
    leaders: 'Nobody has been heard yet',
    missing: 'No regular is missing',
  };
  for (const [view, words] of Object.entries(expected)) {
    await page.goto(address(view, { net: facts.empty }));
    await page.locator(`[data-view=${view}] .empty-title`).filter({ hasText: words }).waitFor();
  }
  // Another net is chosen, and the view stays.
  await page.getByLabel('Net', { exact: true }).selectOption(facts.net);
  await page.locator('[data-view=missing] .table').waitFor();
  await clean(tab);
  await tab.context.close();
}

async function phoneAndDark() {
  for (const [kind, options] of Object.entries({
    'phone': { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
    'phone-dark-fr': { viewport: { width: 360, height: 740 }, colorScheme: 'dark', locale: 'fr-FR' },
    'desktop': { viewport: { width: 1200, height: 850 }, colorScheme: 'light' },
    'desktop-dark': { viewport: { width: 1200, height: 850 }, colorScheme: 'dark' },
  })) {
    const tab = await open(options);
    const { page } = tab;
    for (const view of VIEWS) {
      await go(page, view, view === 'heard' ? { q: 'howl' } : {});
      const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= window, `${view} is ${content} wide on ${kind}`);
      if (facts.shots) await page.screenshot({ path: `${facts.shots}/${view}-${kind}.png` });
    }
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.equal(paper[0] < 64, options.colorScheme === 'dark', `${kind}: ${paper}`);
    await clean(tab);
    await tab.context.close();
  }
}

/** Everything that can be used is reached by Tab, shows that it has the focus, and has a name. */
async function keyboard() {
  const tab = await open();
  const { page } = tab;
  for (const view of VIEWS) {
    await go(page, view);
    const wanted = await page.evaluate(() => {
      const usable = [...document.querySelectorAll('a[href], button, input, select, summary')].filter((node) => node.tabIndex >= 0 && node.checkVisibility());
      usable.forEach((node, index) => (node.dataset.number = index));
      return usable.length;
    });
    const reached = new Set();
    for (let step = 0; step < wanted + 12 && reached.size < wanted; step += 1) {
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
  await page.reload();
  await page.locator('.table').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content', 'the way past the navigation');
  await tab.context.close();
}

async function french() {
  const tab = await open({ locale: 'fr-CH' });
  const { page } = tab;
  await go(page, 'heard', { q: 'howl' });
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'fr');
  await page.getByText('HOWL a été entendu cette semaine.').waitFor();
  const unsaid = await page.evaluate(async () => {
    const [{ WORDS: shared }, { WORDS: own }] = await Promise.all([import('/console/words.js'), import('/console/checkins/words.js')]);
    const missing = (a, b) => Object.keys(a).filter((key) => !(key in b));
    return [shared, own].flatMap(({ en, fr }) => [...missing(en, fr), ...missing(fr, en)]);
  });
  assert.deepEqual(unsaid, [], 'both languages say the same things');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByText('HOWL was heard this week.').waitFor();
  await page.reload();
  await page.getByText('HOWL was heard this week.').waitFor();
  await clean(tab);
  await tab.context.close();
}

/** That the policy would have stopped what never happened. */
async function thePolicyHolds() {
  const { context, page } = await open();
  await go(page, 'heard');
  await page.evaluate(async () => {
    const script = document.createElement('script');
    try {
      script.textContent = 'globalThis.hacked = 1';
      document.body.append(script);
    } catch {
      // Refused even as a text.
    }
    try {
      document.body.innerHTML = '<img src=x onerror="globalThis.hacked = 1">';
    } catch {
      // Likewise.
    }
    await fetch('http://192.0.2.1/').catch(() => {});
  });
  const violations = await page.evaluate(() => globalThis.violations.map((text) => text.split(' ')[0]));
  assert.ok(violations.includes('connect-src'), String(violations));
  assert.ok(violations.includes('require-trusted-types-for'), String(violations));
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  await context.close();
}

const checks = [askedForAKey, wasIHeard, weeksAndSummary, people, emptyStates, phoneAndDark, keyboard, french, thePolicyHolds, boardIsLive];
let failed = 0;
for (const check of checks) {
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
process.exit(failed ? 1 : 0);
