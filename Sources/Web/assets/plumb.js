// What makes the dashboard handier. Every page works without it.
(function () {
  "use strict";

  // The code of a first sign-in shall not stay in the address bar or the history.
  if (new URLSearchParams(location.search).has("code")) {
    history.replaceState(null, "", location.pathname);
  }

  function prepare(root) {
    root.querySelectorAll("[data-copy]").forEach(function (button) {
      if (!navigator.clipboard || !button.hidden) return;
      button.hidden = false;
      button.addEventListener("click", function () {
        var text = document.getElementById(button.dataset.copy).textContent;
        navigator.clipboard.writeText(text).then(function () {
          var before = button.textContent;
          button.textContent = "Copied";
          setTimeout(function () { button.textContent = before; }, 1500);
        });
      });
    });
    root.querySelectorAll("li.hit").forEach(function (line, index) {
      var box = line.closest(".code");
      if (index === 0 && box) box.scrollTop = Math.max(0, line.offsetTop - box.offsetTop - box.clientHeight / 2);
    });
  }

  // What is under way tells how far it is; when it has ended, the page tells what it came to.
  function follow(box) {
    if (!window.EventSource) return;
    var source = new EventSource(box.dataset.follow);
    box.querySelectorAll("[data-still]").forEach(function (note) { note.hidden = true; });
    box.querySelectorAll("[data-live]").forEach(function (note) { note.hidden = false; });
    source.addEventListener("progress", function (event) { tell(box, JSON.parse(event.data)); });
    source.addEventListener("end", function () {
      source.close();
      location.reload();
    });
  }

  function tell(box, state) {
    box.querySelectorAll("[data-told]").forEach(function (place) {
      var value = place.dataset.told.split(".").reduce(function (part, name) {
        return part === null || part === undefined ? undefined : part[name];
      }, state);
      if (value === null || value === undefined) return;
      var text = value === "leased" ? "under way" : String(value).replace("_", " ");
      place.textContent = typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 1 }) : text;
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    prepare(document);
    document.querySelectorAll("[data-follow]").forEach(follow);
  });
  document.addEventListener("htmx:afterSwap", function (event) { prepare(event.target); });
})();
