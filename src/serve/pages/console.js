// The console: asks /graphql with the session of this browser. Answers hold text written by outsiders, so everything
// is put into the page as text, never as markup.
'use strict';
const $ = id => document.getElementById(id);
const HISTORY = 'hooklake.history', HISTORY_MAX = 30;
const EXAMPLES = {
  'Latest events': ['query Latest($first: Int, $after: String) {\n  events(first: $first, after: $after) {\n    nodes { id receivedAt kind source actor title url }\n    pageInfo { hasNextPage endCursor }\n  }\n}', '{ "first": 20 }'],
  'Pull requests opened, with their links': ['{\n  events(first: 10, filter: { source: "github", kinds: ["pull_request:opened"] }) {\n    nodes {\n      title\n      actor\n      correlations {\n        correlationType\n        subject\n        relatedSubject\n        confidence\n        evidence { field text }\n      }\n    }\n  }\n}', ''],
  'Search': ['query Search($query: String!) {\n  search(query: $query, first: 10) {\n    total\n    hits { score kind: eventType source title snippetHtml url }\n    next\n  }\n}', '{ "query": "source:github type:pull_request" }'],
  'Counts by day': ['{\n  summary(days: 7) { day source eventType eventCount }\n}', ''],
  'SQL over log and lake': ['query Sql($query: String!) {\n  sql(query: $query, maxRows: 100) {\n    columns\n    rows\n    truncated\n    receipt { throughPosition lagMs complete }\n  }\n}', '{ "query": "SELECT source, count(*) AS events FROM recent_events GROUP BY source ORDER BY 2 DESC" }'],
  'How is the server?': ['{\n  status {\n    version\n    uptimeSeconds\n    head\n    totals { source events }\n    consumers { name position lagEvents lagSeconds parked owner error }\n  }\n}', ''],
};
const INTROSPECTION = `{ __schema { queryType { name } types { kind name description
  enumValues { name description } inputFields { name description type { ...T } }
  fields { name description args { name description defaultValue type { ...T } } type { ...T } } } } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }`;

async function ask(query, variables) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query, variables }),
  });
  if (response.status === 401) location.href = '/login';
  return { status: response.status, id: response.headers.get('x-request-id'), body: await response.json() };
}

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

// Editors: line numbers, Tab, and the line's own indent on Enter.
for (const editor of document.querySelectorAll('.editor')) {
  const [numbers, text] = editor.children;
  const draw = () => { numbers.textContent = text.value.split('\n').map((_, line) => line + 1).join('\n'); };
  const put = words => { text.setRangeText(words, text.selectionStart, text.selectionEnd, 'end'); text.dispatchEvent(new Event('input')); };
  text.addEventListener('input', draw);
  text.addEventListener('scroll', () => { numbers.scrollTop = text.scrollTop; });
  text.addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); return; }
    if (event.key === 'Tab' && !event.shiftKey) { event.preventDefault(); put('  '); }
    if (event.key === 'Enter') {
      const before = text.value.slice(0, text.selectionStart);
      event.preventDefault();
      put('\n' + /^ */.exec(before.slice(before.lastIndexOf('\n') + 1))[0] + (/[{([]\s*$/.test(before) ? '  ' : ''));
    }
  });
}

function show(query, variables) {
  for (const [id, text] of [['query', query], ['variables', variables || '']]) {
    $(id).value = text;
    $(id).dispatchEvent(new Event('input'));
  }
}

// Indents by braces; strings and comments are left as they are.
function tidy() {
  let depth = 0;
  const lines = $('query').value.replace(/("""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*)|\s*([{}])\s*/g, (all, kept, brace) => kept || (brace === '{' ? ' {\n' : '\n}\n')).split('\n');
  const tidied = lines.map(line => line.trim()).filter(Boolean).map(line => {
    if (line.startsWith('}')) depth = Math.max(0, depth - 1);
    const text = '  '.repeat(depth) + line;
    if (line.endsWith('{')) depth += 1;
    return text;
  });
  show(tidied.join('\n'), $('variables').value);
}

let last = '', rows = null;
async function run() {
  const query = $('query').value, typed = $('variables').value.trim();
  let variables;
  try {
    variables = typed ? JSON.parse(typed) : undefined;
  } catch (error) {
    return paint({ errors: [{ message: 'The variables are not JSON: ' + error.message }] }, 'not sent', true);
  }
  $('run').disabled = true;
  $('took').textContent = 'asking…';
  const start = performance.now();
  try {
    const { status, id, body } = await ask(query, variables);
    const bad = status !== 200 || Boolean(body.errors);
    paint(body, `${status} · ${Math.round(performance.now() - start)} ms`, bad);
    $('took').title = `request ${id}`;
    remember(query, typed);
  } catch (error) {
    paint({ errors: [{ message: 'The server did not answer: ' + error.message }] }, 'no answer', true);
  }
  $('run').disabled = false;
}

function paint(body, note, bad) {
  last = JSON.stringify(body, null, 2);
  $('took').textContent = note;
  $('took').className = bad ? 'bad' : 'soft';
  const pieces = document.createDocumentFragment();
  let from = 0;
  for (const match of last.matchAll(/("(?:\\.|[^"\\])*")(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g)) {
    pieces.append(last.slice(from, match.index));
    const kind = match[2] ? 'k' : match[1] ? 's' : /^[-\d]/.test(match[0]) ? 'n' : 'w';
    pieces.append(element('span', match[1] || match[0], kind), match[2] || '');
    from = match.index + match[0].length;
  }
  pieces.append(last.slice(from));
  $('result').replaceChildren(pieces);
  rows = findRows(body.data);
  $('view').hidden = !rows;
  view(Boolean(rows) && !$('table').hidden);
}

// The first list of objects in the answer, wherever it stands.
function findRows(value) {
  if (Array.isArray(value)) return value.length && value.every(row => row && typeof row === 'object' && !Array.isArray(row)) ? value.map(row => row.node || row) : null;
  if (!value || typeof value !== 'object') return null;
  for (const part of Object.values(value)) { const found = findRows(part); if (found) return found; }
  return null;
}

function view(asTable) {
  $('table').hidden = !asTable;
  $('result').hidden = asTable;
  $('view').textContent = asTable ? 'JSON' : 'Table';
  if (!asTable) return;
  const columns = [...new Set(rows.flatMap(Object.keys))], table = element('table'), head = table.createTHead().insertRow();
  for (const column of columns) head.append(element('th', column));
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const column of columns) {
      const value = row[column], text = value == null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
      const cell = element('td', text);
      cell.title = text;
      line.append(cell);
    }
  }
  $('table').replaceChildren(table);
}

function history() {
  try { return JSON.parse(localStorage.getItem(HISTORY)) || []; } catch { return []; }
}
function remember(query, variables) {
  const others = history().filter(entry => entry.query !== query || entry.variables !== variables);
  localStorage.setItem(HISTORY, JSON.stringify([{ query, variables }, ...others].slice(0, HISTORY_MAX)));
  drawHistory();
}
function drawHistory() {
  $('history').replaceChildren(new Option('History…', ''), ...history().map((entry, index) => new Option(entry.query.replace(/\s+/g, ' ').slice(0, 60), index)));
}

// Schema explorer.
const typeName = type => type.kind === 'NON_NULL' ? typeName(type.ofType) + '!' : type.kind === 'LIST' ? '[' + typeName(type.ofType) + ']' : type.name;
const typeCore = type => type.ofType ? typeCore(type.ofType) : type.name;
function typeLink(type) {
  const button = element('button', typeName(type), 'link mono');
  button.addEventListener('click', () => { $('find').value = ''; drawSchema('', typeCore(type)); });
  return button;
}
let types = [], root = '';
function drawSchema(find, open) {
  const wanted = find.toLowerCase(), has = part => !wanted || `${part.name} ${part.description || ''}`.toLowerCase().includes(wanted);
  const shown = types.flatMap(type => {
    const members = type.fields || type.inputFields || type.enumValues || [], whole = has(type);
    const found = whole ? members : members.filter(has);
    if (!whole && !found.length) return [];
    const node = element('details');
    node.open = Boolean(wanted) || type.name === (open || root);
    node.append(element('summary', type.name, 'mono'), element('p', type.description || ''));
    for (const member of found) node.append(field(member));
    if (type.name === open) requestAnimationFrame(() => node.scrollIntoView());
    return [node];
  });
  $('schema').replaceChildren(...(shown.length ? shown : [element('span', 'Nothing of that name.', 'soft')]));
}
function field(member) {
  const line = element('div', undefined, 'field'), args = member.args || [];
  line.append(element('code', member.name, 'k'));
  args.forEach((arg, index) => line.append(index ? ', ' : '(', element('code', arg.name + ': '), typeLink(arg.type), element('code', arg.defaultValue ? ' = ' + arg.defaultValue : ''), index === args.length - 1 ? ')' : ''));
  if (member.type) line.append(element('code', ': '), typeLink(member.type));
  line.append(element('p', member.description || ''));
  return line;
}

$('run').addEventListener('click', run);
$('tidy').addEventListener('click', tidy);
$('view').addEventListener('click', () => view($('table').hidden));
$('copy').addEventListener('click', async () => { await navigator.clipboard.writeText(last); $('copy').textContent = 'Copied'; setTimeout(() => { $('copy').textContent = 'Copy'; }, 1200); });
$('find').addEventListener('input', event => drawSchema(event.target.value));
$('examples').append(...Object.keys(EXAMPLES).map(name => new Option(name)));
$('examples').addEventListener('change', event => { if (EXAMPLES[event.target.value]) show(...EXAMPLES[event.target.value]); event.target.value = ''; });
$('history').addEventListener('change', event => { const entry = history()[event.target.value]; if (entry) show(entry.query, entry.variables); event.target.value = ''; });
drawHistory();
const linked = new URLSearchParams(location.hash.slice(1)).get('query');
const before = history()[0];
if (linked) show(linked); else if (before) show(before.query, before.variables); else show(...EXAMPLES['Latest events']);
ask(INTROSPECTION).then(({ body }) => {
  root = body.data.__schema.queryType.name;
  types = body.data.__schema.types.filter(type => !type.name.startsWith('__')).sort((a, b) => (b.name === root) - (a.name === root) || a.name.localeCompare(b.name));
  drawSchema('');
}).catch(() => { $('schema').textContent = 'The schema could not be read.'; });
if (!linked) run();
