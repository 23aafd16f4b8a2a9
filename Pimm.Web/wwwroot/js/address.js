// A page that got an address of its own while somebody works on it says so by data-address-now and data-address-next. Whether the
// browser still is where the server believes only the browser knows: whoever has gone on is not called back.
function follow() {
  const place = document.querySelector('[data-address-next]');
  if (place && location.pathname === place.dataset.addressNow) {
    Blazor.navigateTo(place.dataset.addressNext, { replaceHistoryEntry: true });
  }
}

// A link that is clicked while the circuit begins moves the browser, and the circuit is not told: it would draw the page that was left.
let met;
function meet() {
  const shell = document.querySelector('.shell[data-begun-at]');
  if (!shell || shell === met) return;
  met = shell;
  if (location.href !== shell.dataset.begunAt) Blazor.navigateTo(location.href, { replaceHistoryEntry: true });
}

function look() {
  meet();
  follow();
}

look();
new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributeFilter: ['data-address-now', 'data-address-next', 'data-begun-at'] });
