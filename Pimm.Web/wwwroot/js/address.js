// A page that got an address of its own while somebody works on it says so by data-address-now and data-address-next. Whether the
// browser still is where the server believes only the browser knows: whoever has gone on is not called back.
function follow() {
  const place = document.querySelector('[data-address-next]');
  if (place && location.pathname === place.dataset.addressNow) {
    Blazor.navigateTo(place.dataset.addressNext, { replaceHistoryEntry: true });
  }
}

follow();
new MutationObserver(follow).observe(document.body, { childList: true, subtree: true, attributeFilter: ['data-address-now', 'data-address-next'] });
