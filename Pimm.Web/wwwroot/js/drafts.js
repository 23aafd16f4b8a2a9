// A circuit that died takes what was typed with it: the page is drawn anew from the server. Fields with data-keep="a name" are kept in
// this tab until they are sent, and filled in again; Blazor hears of it as if somebody had typed.
const prefix = 'pimm-draft ';
const key = field => prefix + field.dataset.keep;
const fields = root => root.querySelectorAll?.('[data-keep]') ?? [];

document.addEventListener('input', event => {
  const field = event.target.closest?.('[data-keep]');
  if (field) sessionStorage.setItem(key(field), field.value);
});

// What was sent needs no draft: the page that comes next says so by data-keep-done, the beginning of the fields' names.
function forget() {
  for (const done of document.querySelectorAll('[data-keep-done]')) {
    Object.keys(sessionStorage).filter(name => name.startsWith(prefix + done.dataset.keepDone)).forEach(name => sessionStorage.removeItem(name));
  }
}

function fill(field) {
  const draft = sessionStorage.getItem(key(field));
  if (draft === null || draft === field.value || field.dataset.kept) return;
  field.dataset.kept = 'yes';
  field.value = draft;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.dispatchEvent(new Event('change', { bubbles: true }));
}

// Before the circuit listens, an event would be lost.
async function fillAll() {
  forget();
  const empty = [...fields(document)].filter(field => !field.dataset.kept && sessionStorage.getItem(key(field)) !== null);
  if (empty.length === 0) return;
  while (!document.querySelector('[data-alive]')) await new Promise(resolve => setTimeout(resolve, 100));
  empty.forEach(fill);
}

fillAll();
new MutationObserver(fillAll).observe(document.body, { childList: true, subtree: true });
