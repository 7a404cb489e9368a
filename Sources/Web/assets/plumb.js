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

  document.addEventListener("DOMContentLoaded", function () { prepare(document); });
  document.addEventListener("htmx:afterSwap", function (event) { prepare(event.target); });
})();
