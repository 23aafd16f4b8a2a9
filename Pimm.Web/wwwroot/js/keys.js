// Keys for those who do not reach for the mouse, the menu of narrow windows, and the clock's zone. Blazor may draw the page anew at
// any moment, so everything is looked up when it is needed.
const typing = 'input, textarea, select, [contenteditable="true"], [role="textbox"]';
const patience = 1500;
let waiting = 0;

const visible = element => element && element.getClientRects().length > 0;

function go(key) {
  const room = [...document.querySelectorAll('.nav-item[data-key]')].find(item => item.dataset.key === key);
  if (room) room.click();
  return Boolean(room);
}

function act(key) {
  if (performance.now() < waiting) {
    waiting = 0;
    return go(key);
  }
  if (key === 'g') {
    waiting = performance.now() + patience;
    return true;
  }
  if (key === '/') {
    const field = [...document.querySelectorAll('main input[type="search"]')].find(visible);
    if (field) field.focus();
    return Boolean(field);
  }
  if (key === 'n') {
    const fresh = [...document.querySelectorAll('[data-key-new]')].find(visible);
    if (fresh) fresh.click();
    return Boolean(fresh);
  }
  if (key === '?') {
    showKeys();
    return true;
  }
  return false;
}

function showKeys() {
  const keys = document.querySelector('[data-keys]');
  if (keys && !keys.open) keys.showModal();
}

function fold(open) {
  document.documentElement.toggleAttribute('data-nav-open', open);
  const toggle = document.querySelector('[data-nav-toggle]');
  if (toggle) toggle.setAttribute('aria-expanded', String(open));
}

document.addEventListener('keydown', event => {
  if (event.key === 'Escape') {
    fold(false);
    document.querySelectorAll('[data-menu][open]').forEach(menu => { menu.open = false; });
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.(typing) || document.querySelector('dialog[open], .rz-dialog')) return;
  if (act(event.key)) event.preventDefault();
});

document.addEventListener('click', event => {
  if (event.target.closest('[data-nav-toggle]')) fold(!document.documentElement.hasAttribute('data-nav-open'));
  else if (event.target.closest('.nav-item')) fold(false);
  if (event.target.closest('[data-keys-show]')) showKeys();
  for (const menu of document.querySelectorAll('[data-menu][open]')) {
    if (!menu.contains(event.target) || event.target.closest('[data-keys-show], a')) menu.open = false;
  }
});

// The zone of the reader's clock, which the server does not know.
function nameZone() {
  for (const place of document.querySelectorAll('[data-zone]')) {
    const words = place.dataset.zoneWords.replace('{zone}', Intl.DateTimeFormat().resolvedOptions().timeZone);
    if (place.textContent !== words) place.textContent = words;
  }
}

nameZone();
new MutationObserver(nameZone).observe(document.body, { childList: true, subtree: true });
