// The overview: one query every few seconds. Titles were written by outsiders and are shown as text.
'use strict';
const QUERY = `{ status { version head uptimeSeconds totals { source events } consumers { name position lagEvents lagSeconds parked error } }
  events(first: 10) { nodes { receivedAt source kind actor title } } }`;
const EVERY_MS = 5000;
const number = new Intl.NumberFormat('en');

function element(tag, text, className) {
  const node = document.createElement(tag);
  node.textContent = text ?? '';
  if (className) node.className = className;
  return node;
}

function fill(id, lines, none) {
  const rows = lines.map(cells => { const row = element('tr'); row.append(...cells); return row; });
  if (!rows.length) { const row = element('tr'), cell = element('td', none, 'soft'); cell.colSpan = 5; row.append(cell); rows.push(row); }
  document.querySelector(`#${id} tbody`).replaceChildren(...rows);
}

function age(seconds) {
  for (const [size, name] of [[86400, 'd'], [3600, 'h'], [60, 'min']]) if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  return `${Math.floor(seconds)} s`;
}

async function draw() {
  const state = document.getElementById('state');
  try {
    const response = await fetch('/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: QUERY }) });
    if (response.status === 401) { location.href = '/login'; return; }
    const { data, errors } = await response.json();
    if (!data) throw new Error(errors?.[0]?.message);
    const { status, events } = data;
    state.textContent = `version ${status.version} · up ${age(status.uptimeSeconds)} · ${number.format(status.head)} events in the log`;
    state.className = 'soft';
    const cards = status.totals.map(({ source, events }) => {
      const card = element('div', '', 'card');
      card.append(element('b', number.format(events)), element('span', source, 'soft'));
      return card;
    });
    document.getElementById('sources').replaceChildren(...(cards.length ? cards : [element('span', 'Nothing has come yet.', 'soft')]));
    fill('latest', events.nodes.map(event => [
      element('td', new Date(event.receivedAt).toLocaleString()), element('td', event.source), element('td', event.kind), element('td', event.actor), element('td', event.title),
    ]), 'No event has been read yet.');
    fill('consumers', status.consumers.map(consumer => [
      element('td', consumer.name, consumer.error || consumer.lagSeconds > 60 ? 'dot bad' : 'dot'), element('td', number.format(consumer.position)),
      element('td', consumer.lagEvents ? `${number.format(consumer.lagEvents)} events, ${age(consumer.lagSeconds)}` : 'nothing'),
      element('td', number.format(consumer.parked)), element('td', consumer.error || (consumer.lagEvents ? 'catching up' : 'up to date'), consumer.error ? 'bad' : ''),
    ]), 'Nobody follows the log yet.');
  } catch (error) {
    state.textContent = `the server does not answer: ${error.message}`;
    state.className = 'bad';
  }
}

draw();
setInterval(() => { if (!document.hidden) draw(); }, EVERY_MS);
