// Blazor sets classes on the element; when the server no longer knows this circuit, wait until it is back and load anew.
const modal = document.getElementById('components-reconnect-modal');
const lost = ['components-reconnect-failed', 'components-reconnect-rejected'];
let waiting = false;

async function reloadWhenBack() {
  for (;;) {
    try {
      const answer = await fetch('/health/live', { cache: 'no-store' });
      if (answer.ok) return location.reload();
    } catch { /* still away */ }
    await new Promise(resolve => setTimeout(resolve, 1500));
  }
}

new MutationObserver(() => {
  if (!waiting && lost.some(name => modal.classList.contains(name))) {
    waiting = true;
    reloadWhenBack();
  }
}).observe(modal, { attributes: true, attributeFilter: ['class'] });

document.getElementById('reconnect-reload').addEventListener('click', () => location.reload());
