// Gapura: every page works without this file; it only saves a tap or two. Written for old browsers too.
(function () {
  "use strict";
  var each = function (list, act) { Array.prototype.forEach.call(list, act); };

  // An answer on its way to an application goes on by itself.
  var onward = document.querySelector("form[data-onward]");
  if (onward) { HTMLFormElement.prototype.submit.call(onward); }

  // After a sign-out: on as soon as every application was told.
  var leave = document.querySelector("a[data-leave]");
  if (leave) { window.addEventListener("load", function () { window.location.replace(leave.href); }); }

  // "Show password": offered only where script can do it.
  each(document.querySelectorAll("[data-reveal]"), function (label) {
    var box = label.querySelector("input");
    var form = box.form;
    var show = function () {
      each(form.querySelectorAll("[data-secret]"), function (field) { field.type = box.checked ? "text" : "password"; });
    };
    label.hidden = false;
    box.checked = false;
    box.addEventListener("change", show);
    // Browsers save and forget passwords rightly only in a field of that type.
    form.addEventListener("submit", function () { box.checked = false; show(); });
  });

  // A second tap does not send a form twice.
  each(document.querySelectorAll("form[data-once]"), function (form) {
    var button = null;
    var words = document.createDocumentFragment();
    var sent = false;
    var again = function () {
      if (!sent) { return; }
      sent = false;
      button.removeAttribute("aria-disabled");
      button.textContent = "";
      button.appendChild(words);
    };
    form.addEventListener("submit", function (event) {
      if (sent) { event.preventDefault(); return; }
      sent = true;
      // Of a form with two buttons, the one that was pressed.
      button = event.submitter || form.querySelector("button[type=submit]");
      button.setAttribute("aria-disabled", "true");
      while (button.firstChild) { words.appendChild(button.firstChild); }
      button.textContent = form.getAttribute("data-once");
      window.setTimeout(again, 15000);
    });
    window.addEventListener("pageshow", function (event) { if (event.persisted) { again(); } });
  });
})();
